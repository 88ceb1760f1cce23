"""Decides what needs the whole person: one DM a day, the weekly cap, gathering, stale data; and what a freeze changes.

Takes policy.py's decisions and gives the final ones, which are what is stored, explained, forecast and sent, with one
Notice a person at most. Whether a whole pass is frozen is freeze.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.deadlines.calendar import WorkCalendar
from bot.deadlines.model import Assignment, Course, Decision, Notice, Person, Reason, Reminder, Said, Step
from bot.deadlines.policy import Case, Day, decide, in_order, may_be_said_early
from bot.deadlines.verdicts import Verdicts

CAP_WINDOW_DAYS = 7  # today and the six days before
TICK = timedelta(minutes=15)  # a pass at each quarter of an hour in UTC


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The final decisions about one person, and the DM that follows from them."""

    person_id: int
    assignments: tuple[Assignment, ...]  # by course, of each the row that governs first; identical ones once
    decisions: tuple[Decision, ...]  # one for each
    notice: Notice | None = None

    def by_course(self) -> Iterator[tuple[int, Decision]]:
        """Each decision with the course that it is about."""
        return zip((row.course_id for row in self.assignments), self.decisions, strict=True)

    def frozen(self) -> Plan:
        """The same plan while the safety freeze holds."""
        return replace(self, decisions=tuple(_frozen(d) for d in self.decisions), notice=None)


def _frozen(decision: Decision) -> Decision:
    return replace(decision, reason=Reason.FROZEN) if decision.reason is Reason.SEND else decision


def plan(
    day: Day,
    assignments: Iterable[Assignment],
    said: Sequence[Said],
    course_of: Callable[[int], Course],
    *,
    fresh: bool = True,
) -> Plan:
    """What one person hears now. `fresh` says that the data is young enough to be trusted (policy.md, `stale`)."""
    found = list(cases(day, in_order(assignments), said, course_of))
    return _whole(day, found, [decide(case) for case in found], said, fresh=fresh)


def plan_alike(
    verdicts: Verdicts,
    person: Person,
    calendar: WorkCalendar,
    assignments: Iterable[Assignment],
    said: Sequence[Said],
    *,
    fresh: bool = True,
) -> Plan:
    """The same, for one of many people at one instant: what was decided for those before is not decided again."""
    rows = in_order(assignments)
    decisions, any_sends = verdicts.of(person, calendar, rows, said)
    if not any_sends:  # nothing to cap, to gather or to hold back
        return Plan(person_id=person.person_id, assignments=rows, decisions=tuple(decisions))
    day = verdicts.day(person, calendar)
    return _whole(day, list(cases(day, rows, said, verdicts.course_of)), decisions, said, fresh=fresh)


def _whole(
    day: Day, cases: Sequence[Case], decisions: Sequence[Decision], said: Sequence[Said], *, fresh: bool
) -> Plan:
    rows = tuple(case.assignment for case in cases)
    final = _stale(_capped(cases, decisions, said), fresh=fresh)
    return Plan(
        person_id=day.person.person_id,
        assignments=rows,
        decisions=tuple(final),
        notice=_notice(day, rows, final),
    )


def reached(
    day: Day, assignments: Iterable[Assignment], said: Sequence[Said], course_of: Callable[[int], Course]
) -> tuple[Reminder, ...]:
    """What a DM of this day can have named: of each course the latest step reached, or what it then took along."""
    return tuple(
        Reminder(course_id=case.course.course_id, step=step, deadline_on=deadline_on)
        for case in cases(day, in_order(assignments), said, course_of)
        if not case.superseded and (case.assigned_on is None or case.assigned_on <= day.today)
        if (deadline_on := case.assignment.deadline_on) and (step := _can_have_been_named(case))
    )


def _can_have_been_named(case: Case) -> Step | None:
    latest = case.standing.latest
    if latest and not case.standing.latest_was_said:
        return latest.step
    return may_be_said_early(case, decide(case), case.day.policy.caps.gather_days)


def cases(
    day: Day, rows: Iterable[Assignment], said: Sequence[Said], course_of: Callable[[int], Course]
) -> Iterator[Case]:
    """One for each of these rows of one person's, which come `in_order`."""
    last = None
    for row in rows:
        about = tuple([s for s in said if s.course_id == row.course_id])
        superseded = row.course_id == last
        yield Case(assignment=row, course=course_of(row.course_id), day=day, said=about, superseded=superseded)
        last = row.course_id


def _capped(cases: Sequence[Case], decisions: Sequence[Decision], said: Sequence[Said]) -> list[Decision]:
    """One DM a day, at most so many in a week, and what one DM takes along."""
    wanted = [n for n, d in enumerate(decisions) if d.reason is Reason.SEND]
    if not wanted:
        return list(decisions)
    day = cases[wanted[0]].day
    if detail := _cap(day, [(cases[n].assignment.course_id, decisions[n]) for n in wanted], said):
        return [_cap_one(day, d, detail) for d in decisions]
    return [_gathered(case, decision) for case, decision in zip(cases, decisions, strict=True)]


def _cap(day: Day, wanted: Sequence[tuple[int, Decision]], said: Sequence[Said]) -> str:
    """Why no DM may go to this person now: `today`, `week`, or nothing."""
    told_on = {*(s.said_on for s in said), *day.person.told_on}
    if any(on >= day.today for on in told_on):  # later than today: their zone has moved back since
        return "today"
    most = day.policy.caps.reminders_in_7_days
    lately = sum(0 < (day.today - on).days < CAP_WINDOW_DAYS for on in told_on)
    if not most or lately < most or any(_is_never_capped(day, *one, said) for one in wanted):
        return ""
    return "week"


def _is_never_capped(day: Day, course_id: int, decision: Decision, said: Sequence[Said]) -> bool:
    """A last warning about a course that was not named to them lately."""
    if not decision.last_warning:
        return False
    named = [s.said_on for s in said if s.course_id == course_id]
    return not named or (day.today - max(named)).days > day.policy.caps.warned_days


def _cap_one(day: Day, decision: Decision, detail: str) -> Decision:
    if decision.reason is not Reason.SEND:
        return decision
    return replace(decision, reason=Reason.CAPPED, detail=detail, next_at=day.next_opening())


def _gathered(case: Case, decision: Decision) -> Decision:
    """The decision, or `send` where today's DM takes its next step along."""
    step = may_be_said_early(case, decision, case.day.policy.caps.gather_days)
    if step is None:
        return decision
    said_before = decision.reason is Reason.ALREADY_SENT  # then what was passed over is on record
    return replace(
        decision,
        reason=Reason.SEND,
        detail="gathered",
        step=step,
        step_on=decision.next_on,
        next_at=case.day.now,
        passed_over=() if said_before else decision.passed_over,
    )


def _stale(decisions: Iterable[Decision], *, fresh: bool) -> list[Decision]:
    return [
        d if fresh or d.reason is not Reason.SEND else replace(d, reason=Reason.STALE, next_at=_soon(d))
        for d in decisions
    ]


def _soon(decision: Decision) -> datetime | None:
    """Stale data is looked at again at the next tick: the pull that ends it comes at no known time."""
    return decision.next_at + TICK if decision.next_at else None


def _notice(day: Day, rows: Sequence[Assignment], decisions: Sequence[Decision]) -> Notice | None:
    both = zip(rows, decisions, strict=True)
    going = [_reminder(row.course_id, d) for row, d in both if d.reason is Reason.SEND]
    if not going or day.person.slack_id is None:
        return None
    return Notice(
        person_id=day.person.person_id,
        slack_id=day.person.slack_id,
        local_on=day.today,
        reminders=tuple(sorted(going, key=lambda r: (r.deadline_on, r.course_id))),
    )


def _reminder(course_id: int, decision: Decision) -> Reminder:
    if decision.step is None or decision.deadline_on is None:
        raise ValueError("a decision to send has a step and a deadline")
    return Reminder(
        course_id=course_id,
        step=decision.step,
        deadline_on=decision.deadline_on,
        reproach_free=decision.reproach_free,
        passed_over=decision.passed_over,
    )
