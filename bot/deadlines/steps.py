"""Where an assignment stands among its steps: which are reached, which comes next, and whether it is over.

policy.md, "Steps" and "Days", as arithmetic. What follows from a step being reached is policy.py's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from bot.deadlines.calendar import WorkCalendar, shift
from bot.deadlines.model import DUE, Said, Step
from bot.deadlines.terms import Steps

NEAR_DAYS = 2  # a step this near to the deadline keeps its day; a late earlier one is dropped this near to the next


@dataclass(frozen=True, slots=True)
class Fall:
    """A step and the local date on which it falls, moved off days off."""

    step: Step
    on: date


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Where an assignment stands on one local day."""

    latest: Fall | None  # the most urgent step reached that still stands
    next: Fall | None  # the first step later than today
    passed_over: tuple[Step, ...] = ()  # steps reached before `latest`, or dropped as late, and never said
    latest_was_said: bool = False
    gave_up: bool = False


@lru_cache(maxsize=65_536)
def before_line(deadline_on: date, is_long: bool, steps: Steps, calendar: WorkCalendar) -> tuple[Fall, ...]:
    """The steps up to the deadline, in order: each on its day or, off a day off, on the working day before."""
    days = {*steps.before_days, *(steps.long_course_before_days if is_long else ())}
    return tuple(
        Fall(Step("before", n) if n else DUE, calendar.on_or_before(shift(deadline_on, -n)))
        for n in sorted(days, reverse=True)
    )


@lru_cache(maxsize=65_536)
def overdue_line(base_on: date, steps: Steps, calendar: WorkCalendar) -> tuple[Fall, ...]:
    """The steps after `base_on`, in order, as far as the giving up; never on a week's last working day."""
    end = shift(base_on, steps.give_up_after_days)
    line: list[Fall] = []
    counted_on, counted = base_on, 0
    for n in _overdue_days(steps):
        counted_on, counted = calendar.count_on(counted_on, n - counted), n
        on = counted_on if steps.nag_on_last_workday else calendar.not_last_from(counted_on)
        if on > end or counted_on == date.max:
            break
        line.append(Fall(Step("overdue", n), on))
    return tuple(line)


def _overdue_days(steps: Steps) -> Iterable[int]:
    n = 0
    for n in sorted(set(steps.overdue_working_days)):
        yield n
    while steps.overdue_then_every_working_days:
        n += steps.overdue_then_every_working_days
        yield n


@dataclass(frozen=True, kw_only=True, slots=True)
class Track:
    """The calendar that one assignment runs on."""

    deadline_on: date
    assigned_on: date | None  # the person's local day
    is_long: bool
    steps: Steps
    calendar: WorkCalendar

    @property
    def base_on(self) -> date:
        """The day from which overdue steps count: the deadline or, where it was past by then, that of assignment."""
        return max(self.deadline_on, self.assigned_on or self.deadline_on)

    @property
    def assigned_late(self) -> bool:
        """Whether the deadline was past already on the day of assignment."""
        return self.assigned_on is not None and self.assigned_on > self.deadline_on

    @property
    def assigned_alike_until(self) -> date:
        """The day up to which it makes no difference when this was assigned: every step exists, and none is late."""
        line = before_line(self.deadline_on, self.is_long, self.steps, self.calendar)
        return min((self.deadline_on, *(f.on for f in line)))

    @property
    def before(self) -> tuple[Fall, ...]:
        """The steps up to the deadline that exist here: none from before the assignment, save the due day."""
        line = before_line(self.deadline_on, self.is_long, self.steps, self.calendar)
        if self.assigned_on is None:
            return line
        return tuple(f for f in line if f.on >= self.assigned_on or f.step == DUE)

    @property
    def overdue(self) -> tuple[Fall, ...]:
        """The steps after the deadline, as far as the giving up."""
        return overdue_line(self.base_on, self.steps, self.calendar)


def stand(track: Track, today: date, said: Iterable[Said]) -> Standing:
    """Where the assignment stands today, given what was `said` about this very deadline."""
    steps = {s.step for s in said}
    if today <= track.deadline_on:
        standing = _place(today, track.before, steps, beyond=track.overdue[:1])
        return _without_a_late_far_step(today, standing)
    return _after_giving_up(track, today, steps) or _place(today, track.overdue, steps, beyond=_only_one(track, steps))


def _only_one(track: Track, said: set[Step]) -> tuple[Fall, ...]:
    """Where no nag fits before the giving up, the one reminder that goes out after it if none ever did."""
    steps, calendar = track.steps, track.calendar
    after = shift(track.base_on, steps.give_up_after_days + 1)
    on = calendar.on_or_after(after) if steps.nag_on_last_workday else calendar.not_last_from(after)
    if track.overdue or said or (on - track.base_on).days > steps.first_reminder_within_days:
        return ()
    return (Fall(Step("overdue", 1), on),)


def _place(today: date, line: tuple[Fall, ...], said: set[Step], beyond: tuple[Fall, ...] = ()) -> Standing:
    reached = [f for f in line if f.on <= today]
    ahead = [f for f in (*line, *beyond) if f.on > today and f.step not in said]
    last_said = max((n for n, f in enumerate(line) if f.step in said), default=-1)
    return Standing(
        latest=reached[-1] if reached else None,
        next=ahead[0] if ahead else None,
        passed_over=tuple(f.step for f in reached[:-1] if f.step not in said),
        latest_was_said=bool(reached) and last_said >= len(reached) - 1,
    )


def _without_a_late_far_step(today: date, standing: Standing) -> Standing:
    """A late 7- or 14-day step is dropped when the next step is at most two days off."""
    latest, following = standing.latest, standing.next
    if latest is None or following is None or standing.latest_was_said:
        return standing
    late_and_far = latest.on < today and latest.step.days > NEAR_DAYS
    if late_and_far and (following.on - today).days <= NEAR_DAYS:
        return Standing(latest=None, next=following, passed_over=(*standing.passed_over, latest.step))
    return standing


def _after_giving_up(track: Track, today: date, said: set[Step]) -> Standing | None:
    """So many days past the deadline it is over, save that one reminder goes out where none ever did."""
    days_past = (today - track.base_on).days
    if days_past <= track.steps.give_up_after_days:
        return None
    if said or days_past > track.steps.first_reminder_within_days:
        return Standing(latest=None, next=None, gave_up=True)
    line = track.overdue or _only_one(track, said)
    return _place(today, line, said) if line else Standing(latest=None, next=None, gave_up=True)
