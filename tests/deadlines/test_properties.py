"""policy.md, "What must always hold", over three weeks of passes about random people, courses, weeks and policies.

The passes of a run are every three hours, those of a random few repeated or left out; what a notice says becomes
history, as if each DM went through.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.deadlines.calendar import WorkCalendar
from bot.deadlines.model import Absence, Assignment, Course, Decision, Exemption, Person, Reason, Said, Status
from bot.deadlines.plan import Plan, plan
from bot.deadlines.policy import Day
from bot.deadlines.terms import Away, Caps, Hours, Policy, Steps
from tests.builders import said_in

START = datetime(2027, 10, 18, tzinfo=UTC)  # a Monday; the clocks of Europe and of North America change after it
DAYS = 21
ZONES = sorted(available_timezones() - {"localtime"})
FEW = settings(max_examples=30, deadline=None)


@dataclass(frozen=True, kw_only=True)
class World:
    """One person, their courses and weeks, and the passes that look at them."""

    person: Person
    rows: tuple[Assignment, ...]
    lengths: dict[int, int]
    policy: Policy
    calendar: WorkCalendar
    minute: int = 0  # of the first pass; then one every three hours
    missed: frozenset[int] = frozenset()  # passes that were left out
    again: frozenset[int] = frozenset()  # passes that were followed by another one
    completed: dict[int, datetime] = field(default_factory=dict)  # course -> when it is completed

    @property
    def passes(self) -> list[datetime]:
        regular = [START + timedelta(hours=3 * n, minutes=self.minute) for n in range(DAYS * 8)]
        repeated = [regular[n] + timedelta(minutes=20) for n in self.again]
        return sorted([at for n, at in enumerate(regular) if n not in self.missed] + repeated)

    def course(self, course_id: int) -> Course:
        return Course(course_id=course_id, title=f"course {course_id}", expected_minutes=self.lengths.get(course_id))

    def rows_at(self, now: datetime) -> list[Assignment]:
        done = {course for course, at in self.completed.items() if at <= now}
        return [replace(r, status=Status.COMPLETED) if r.course_id in done else r for r in self.rows]

    def day(self, now: datetime) -> Day:
        return Day(person=self.person, policy=self.policy, calendar=self.calendar, now=now)

    def plan(self, now: datetime, heard: Sequence[Said]) -> Plan:
        return plan(self.day(now), self.rows_at(now), heard, self.course)

    def local(self, instant: datetime) -> datetime:
        return instant.astimezone(ZoneInfo(self.person.zone))


@dataclass(frozen=True, kw_only=True)
class Look:
    """What one pass found."""

    now: datetime
    plan: Plan
    heard: tuple[Said, ...]  # before it


def run(world: World) -> list[Look]:
    heard: tuple[Said, ...] = ()
    looks = []
    for now in world.passes:
        found = world.plan(now, heard)
        looks.append(Look(now=now, plan=found, heard=heard))
        heard += said_in(found.notice)
    return looks


def sent(looks: Sequence[Look]) -> list[tuple[datetime, Said]]:
    return [(look.now, reminder) for look in looks for reminder in said_in(look.plan.notice)]


# ── worlds ───────────────────────────────────────────────────────────────────────────────────────────────────────

local_days = st.one_of(
    st.dates(date(2027, 8, 25), date(2027, 11, 30)),
    st.dates(date(2027, 10, 18), date(2027, 11, 10)),
)
instants = st.integers(-17 * 24 * 60, 25 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))


@st.composite
def assignments(draw: st.DrawFn, person_id: int = 1) -> Assignment:
    deadline_on = draw(st.one_of(local_days, local_days, local_days, st.sampled_from([None, date.min])))
    return Assignment(
        person_id=person_id,
        course_id=draw(st.integers(1, 5)),
        required=draw(st.sampled_from([True] * 9 + [False])),
        status=draw(st.sampled_from([Status.NOT_STARTED] * 4 + [Status.STARTED, Status.COMPLETED])),
        deadline_on=deadline_on,
        deadline_raw=draw(st.sampled_from([None, "soon"])) if deadline_on is None else None,
        assigned_at=draw(st.one_of(st.none(), instants)),
    )


calendars = st.builds(
    WorkCalendar,
    weekend=st.one_of(
        st.sampled_from([frozenset({5, 6}), frozenset({5, 6}), frozenset({4, 5}), frozenset({6}), frozenset(range(6))]),
        st.frozensets(st.integers(0, 6)),
    ),
    holidays=st.frozensets(st.dates(date(2027, 9, 1), date(2027, 12, 1)), max_size=12),
)
policies = st.builds(
    Policy,
    steps=st.builds(
        Steps,
        before_days=st.sampled_from([(7, 2, 0), (7, 2, 0), (0,), (10, 5, 3, 1, 0)]),
        overdue_working_days=st.sampled_from([(1, 3, 7), (1,), (2, 3), ()]),
        overdue_then_every_working_days=st.sampled_from([5, 1, 0]),
        overdue_min_gap_days=st.sampled_from([2, 2, 0, 5]),
        give_up_after_days=st.sampled_from([30, 30, 10, 0]),
        nag_on_last_workday=st.sampled_from([False, False, True]),
    ),
    hours=st.sampled_from([Hours(), Hours(), Hours(start=time(8), end=time(11)), Hours(start=time(12), end=time(22))]),
    caps=st.builds(
        Caps,
        reminders_in_7_days=st.sampled_from([3, 3, 1, 0]),
        gather_days=st.sampled_from([3, 3, 0, 30]),
        warned_days=st.sampled_from([3, 3, 0]),
    ),
    away=st.builds(Away, nag_wait_days=st.sampled_from([14, 2, 0])),
)
snoozes = st.one_of(st.none(), st.dates(date(2027, 10, 18), date(2027, 11, 12)))
absences = st.builds(Absence, seen_at=instants, until_at=st.one_of(st.none(), instants))


def people(*, reachable: bool = False) -> st.SearchStrategy[Person]:
    always: dict[str, st.SearchStrategy[object]] = {
        "person_id": st.just(1),
        "zone": st.sampled_from(ZONES),
        "slack_id": st.just("U1"),
    }
    sometimes: dict[str, st.SearchStrategy[object]] = {
        "absence": st.one_of(st.none(), absences),
        "snoozed_until_on": snoozes,
        "employment_ends_on": st.one_of(st.none(), st.just(date(2027, 11, 1))),
        "exemptions": st.sampled_from(
            [
                (),
                (Exemption(course_id=2),),
                (Exemption(until_on=date(2027, 10, 24)), Exemption(course_id=1, until_on=date(2027, 11, 3))),
            ]
        ),
        "refused_on": st.one_of(st.none(), st.just(date(2027, 10, 20))),
    }
    return st.builds(Person, **always, **({} if reachable else sometimes))


worlds = st.builds(
    World,
    person=people(),
    rows=st.lists(assignments(), min_size=1, max_size=7).map(tuple),
    lengths=st.dictionaries(st.integers(1, 5), st.sampled_from([30, 60, 90])),
    policy=policies,
    calendar=calendars,
    minute=st.integers(0, 179),
    missed=st.frozensets(st.integers(0, DAYS * 8 - 1), max_size=40),
    again=st.frozensets(st.integers(0, DAYS * 8 - 1), max_size=20),
    completed=st.dictionaries(st.integers(1, 5), instants, max_size=2),
)


# ── what must always hold ────────────────────────────────────────────────────────────────────────────────────────


@FEW
@given(worlds)
def test_no_step_twice(world: World) -> None:
    times = Counter((r.course_id, r.deadline_on, r.step) for _, r in sent(run(world)))
    assert not [key for key, n in times.items() if n > 1]


@FEW
@given(worlds)
def test_never_after_completion(world: World) -> None:
    for now, reminder in sent(run(world)):
        assert now < world.completed.get(reminder.course_id, datetime.max.replace(tzinfo=UTC))


@FEW
@given(worlds)
def test_at_most_one_dm_a_person_a_day(world: World) -> None:
    days = Counter(world.local(look.now).date() for look in run(world) if look.plan.notice)
    assert all(n == 1 for n in days.values())


@FEW
@given(worlds)
def test_never_outside_hours_or_on_a_day_off_and_no_nag_on_a_last_workday(world: World) -> None:
    hours, calendar = world.policy.hours, world.calendar
    for now, reminder in sent(run(world)):
        there = world.local(now)
        assert hours.start <= there.time() < hours.end
        assert calendar.is_working(there.date())
        if reminder.step.kind == "overdue" and not world.policy.steps.nag_on_last_workday:
            assert not calendar.is_last_of_week(there.date())


@FEW
@given(worlds)
def test_two_nags_of_one_deadline_keep_their_gap(world: World) -> None:
    last: dict[tuple[int, date], date] = {}
    for _, reminder in sent(run(world)):
        if reminder.step.kind == "overdue":
            key = (reminder.course_id, reminder.deadline_on)
            assert (reminder.said_on - last.get(key, date.min)).days >= world.policy.steps.overdue_min_gap_days
            last[key] = reminder.said_on


@FEW
@given(worlds)
def test_every_assignment_has_one_decision(world: World) -> None:
    for look in run(world)[:10]:
        rows = set(world.rows_at(look.now))
        assert Counter((course_id, d.deadline_on) for course_id, d in look.plan.by_course()) == Counter(
            (r.course_id, r.deadline_on) for r in rows
        )


@FEW
@given(worlds)
def test_what_is_sent_is_what_was_decided(world: World) -> None:
    for look in run(world):
        going = {(course_id, d.step) for course_id, d in look.plan.by_course() if d.reason is Reason.SEND}
        named = look.plan.notice.reminders if look.plan.notice else ()
        assert {(r.course_id, r.step) for r in named} == going
        assert [r.deadline_on for r in named] == sorted(r.deadline_on for r in named)


@FEW
@given(worlds)
def test_the_order_of_the_facts_decides_nothing(world: World) -> None:
    """Save between rows that policy.md does not rank: those of one course, day of assignment and deadline."""
    ranked = {(r.course_id, r.assigned_at, r.deadline_on or date.min): r for r in world.rows}
    world = replace(world, rows=tuple(ranked.values()))
    for look in run(world)[::7]:
        again = plan(world.day(look.now), world.rows_at(look.now)[::-1], look.heard[::-1], world.course)
        assert again == look.plan


@FEW
@given(worlds)
def test_the_next_change_is_ahead(world: World) -> None:
    for look in run(world):
        for d in look.plan.decisions:
            assert d.next_at is None or d.next_at > look.now or d.reason is Reason.SEND


# ── nobody reachable goes overdue unwarned ───────────────────────────────────────────────────────────────────────


@st.composite
def reachable_worlds(draw: st.DrawFn) -> World:
    """Passes every three hours without a gap, so that each day's sending hours have one."""
    rows = draw(st.lists(assignments(), min_size=1, max_size=7, unique_by=lambda row: row.course_id))
    return World(
        person=draw(people(reachable=True)),
        rows=tuple(replace(row, required=True, status=Status.NOT_STARTED) for row in rows),
        lengths={},
        policy=draw(policies),
        calendar=draw(calendars),
    )


@settings(max_examples=60, deadline=None)
@given(reachable_worlds(), snoozes)
def test_nobody_reachable_goes_overdue_unwarned(world: World, snoozed_until_on: date | None) -> None:
    world = replace(world, person=replace(world.person, snoozed_until_on=snoozed_until_on))
    heard = [reminder for _, reminder in sent(run(world))]
    first, last = (world.local(world.passes[n]).date() for n in (0, -1))
    for row in world.rows:
        if row.deadline_on in (None, date.min):
            continue
        warned_on = world.calendar.on_or_before(row.deadline_on)
        known = row.assigned_at is None or world.local(row.assigned_at).date() <= warned_on
        if known and first < warned_on < last and world.calendar.is_working(warned_on):
            since = warned_on - timedelta(days=world.policy.caps.warned_days)
            assert any(r.course_id == row.course_id and since <= r.said_on <= row.deadline_on for r in heard), row


@settings(max_examples=60, deadline=None)
@given(reachable_worlds(), snoozes, st.one_of(st.none(), absences))
def test_nothing_goes_before_the_instant_at_which_its_decision_could_change_by_itself(
    world: World, snoozed_until_on: date | None, absence: Absence | None
) -> None:
    """Between pulls a pass reads only the rows whose next_at has come: what it leaves unread must not go out."""
    person = replace(world.person, snoozed_until_on=snoozed_until_on, absence=absence)
    stored: dict[int, Decision] = {}
    for look in run(replace(world, person=person)):
        for course_id, d in look.plan.by_course():
            old = stored.get(course_id)
            read = old is None or (old.next_at is not None and old.next_at <= look.now)
            assert read or d.reason is not Reason.SEND or d.detail == "gathered", old
            if read or d.reason is Reason.SEND:
                stored[course_id] = d
