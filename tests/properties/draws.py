"""Random companies: who works there and where, what they have to finish, what the customer has set, when it begins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any

from holidays.registry import COUNTRIES
from hypothesis import strategies as st

from bot.deadlines.model import Assignment, Course, Learner, Member, Status
from bot.deadlines.terms import WEEKDAYS, Audience, Away, Caps, CourseSteps, Freeze, Hours, Pace, Policy, Pull, Steps
from tests.properties.days import SPELLINGS
from tests.properties.facts import ZONES, Facts, Terms

ALL_COUNTRIES = sorted({codes[1] for codes in COUNTRIES.values()})
MOST_PEOPLE, MOST_COURSES = 6, 6
# Mondays before something happens to the clocks or to the week: the clocks of Europe and of North America change (in
# spring and in autumn), Christmas and New Year, Easter and the golden week, nothing at all.
BEGINNINGS = tuple(date(*day) for day in ((2027, 3, 8), (2027, 10, 25), (2026, 12, 14), (2027, 4, 19), (2027, 6, 7)))
STATUSES = (
    ("", ""),
    ("", ":palm_tree:"),
    ("", ":palm_tree::skin-tone-3:"),
    ("Im Urlaub", ""),
    ("På ferie!", ":house:"),
    ("on parental LEAVE until spring", ":baby:"),
    ("out for lunch", ":sandwich:"),
)


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """A company at the first instant."""

    facts: Facts
    terms: Terms
    at: datetime

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """As a failing example shows it: what differs from the defaults."""
        printer.text("\n".join(self._lines()))

    def _lines(self) -> Iterator[str]:
        facts, terms = self.facts, self.terms
        yield f"at {self.at:%a %Y-%m-%d %H:%M}, {terms.default_country}, {terms.default_timezone}"
        for name in ("steps", "hours", "caps", "away", "pull", "freeze", "audience"):
            if differs := _differs(getattr(terms.policy, name)):
                yield f"    [{name}] {differs}"
        if terms.policy.course:
            yield f"    [course] {dict(terms.policy.course)}"
        for learner, member in zip(facts.learners.values(), facts.members.values(), strict=True):
            yield f"    {_differs(learner)}; {_differs(member)}"
        yield from (f"    {_differs(course)}" for course in facts.courses.values())
        yield from (f"    {_differs(row)}" for row in facts.rows)


def _differs(value: Any) -> str:
    """The fields of a value that are not its defaults."""
    told = {f.name: getattr(value, f.name) for f in fields(value)}
    default = {f.name: f.default for f in fields(value)}
    dull = ("email", "first_name", "title", "subdivisions")
    return ", ".join(f"{n}={_short(one)}" for n, one in told.items() if one != default[n] and n not in dull)


def _short(value: Any) -> str:
    return value.value if isinstance(value, Status) else str(value)


def one_of(*values: Any) -> st.SearchStrategy[Any]:
    """One of these, the first ones being the simplest."""
    return st.sampled_from(values)


# ── what the customer has set ────────────────────────────────────────────────────────────────────────────────────


@cache
def policies() -> st.SearchStrategy[Policy]:
    """Policies whose due day always exists: without it nobody is promised a warning."""
    return st.builds(
        Policy,
        steps=st.builds(
            Steps,
            before_days=one_of((7, 2, 0), (7, 2, 0), (0,), (10, 5, 3, 1, 0)),
            long_course_before_days=one_of((14,), (14, 3)),
            overdue_working_days=one_of((1, 3, 7), (1, 3, 7), (1,), (2, 3), ()),
            overdue_then_every_working_days=one_of(5, 1, 0),
            overdue_min_gap_days=one_of(2, 2, 0, 5),
            give_up_after_days=one_of(30, 30, 10, 0),
            first_reminder_within_days=one_of(365, 20),
            nag_on_last_workday=one_of(False, False, True),
        ),
        hours=hours(),
        caps=st.builds(
            Caps,
            reminders_in_7_days=one_of(3, 3, 1, 2, 0),
            gather_days=one_of(3, 3, 0, 10),
            warned_days=one_of(3, 3, 0),
        ),
        away=st.builds(Away, nag_wait_days=one_of(14, 2, 0)),
        pace=st.just(Pace(posts_per_second=0)),
        pull=st.builds(Pull, every_minutes=one_of(180, 60, 240)),
        freeze=one_of(Freeze(), Freeze(), STRICT),
        audience=one_of(Audience(), Audience(), Audience(), Audience(team_ids=(1,))),
        course=one_of({}, {}, {1: CourseSteps(off=True)}, {2: CourseSteps(before_days=(4, 0), give_up_after_days=5)}),
    )


STRICT = Freeze(
    first_pass_people=2,
    busy_pass_people=1,
    busy_pass_percent=1,
    busy_pass_factor=1,
    shrink_people_percent=20,
    vanished_completions_percent=10,
)


def hours() -> st.SearchStrategy[Hours]:
    """Sending hours that hold a quarter of an hour in every zone, and days off of the customer's own."""
    spans = one_of((time(9, 30), time(17)), (time(9, 30), time(17)), (time(8), time(11)), (time(12, 5), time(22)))
    weeks = one_of((), (), (), (), ("mon",), ("sun", "mon", "tue", "wed", "thu"), WEEKDAYS)
    some_week = st.lists(one_of(*WEEKDAYS), min_size=1, unique=True).map(tuple)
    off = st.lists(one_of("12-24", "03-15", "06-08", "2027-10-29", "2027-11-01", "2027-06-10"), max_size=3, unique=True)
    return st.builds(
        lambda span, week, days: Hours(
            start=span[0], end=span[1], working_weekdays=week, days_off=days, subdivisions={"DE": "BY"}
        ),
        spans,
        st.one_of(weeks, some_week),
        st.one_of(st.just(()), off.map(tuple)),
    )


# ── who and what ─────────────────────────────────────────────────────────────────────────────────────────────────

countries = st.one_of(one_of("DK", "Denmark", "SA", "US", "DE", "NP", "BN"), one_of(*SPELLINGS), one_of(*ALL_COUNTRIES))
zones = st.one_of(one_of("Europe/Copenhagen", "America/New_York", "Asia/Kathmandu"), one_of(*ZONES))


@st.composite
def people(draw: st.DrawFn, person_id: int) -> tuple[Learner, Member]:
    """Somebody in both systems."""
    zone = draw(zones)
    email = f"p{person_id}@example.com"
    text, emoji = draw(one_of(*[("", "")] * 5, *STATUSES))
    learner = Learner(
        person_id=person_id,
        email=email,
        first_name=f"P{person_id}",
        timezone=draw(one_of(zone, None, "no zone")),
        country=draw(countries) or None,
        team_ids=draw(one_of((1,), (1, 2), (2,))),
        manager_ids=draw(one_of((), (1,))),
    )
    in_slack = draw(one_of(zone, zone, zone, None))
    return learner, Member(
        slack_id=f"U0{person_id}", email=email, timezone=in_slack, status_text=text, status_emoji=emoji
    )


def courses(course_id: int) -> st.SearchStrategy[Course]:
    """A course; few are inactive."""
    return st.builds(
        Course,
        course_id=st.just(course_id),
        title=st.just(f"Course {course_id}"),
        active=one_of(True, True, True, True, True, True, False),
        expected_minutes=one_of(None, 30, 60, 90),
        lock_after_deadline=one_of(False, True),
    )


days = st.one_of(st.integers(-3, 9), st.integers(-45, 30))
ROWS = st.tuples(
    one_of(*[True] * 11, False),
    one_of(*[Status.NOT_STARTED] * 8, Status.STARTED, Status.COMPLETED),
    st.one_of(days, days, days, days, st.none()),
    st.one_of(st.none(), st.integers(-14 * 24 * 60, 0), st.integers(-60 * 24 * 60, 3 * 24 * 60)),
)


@st.composite
def rows(draw: st.DrawFn, person_id: int, course_id: int, now: datetime) -> Assignment:
    """A row of the LMS as it may be at this instant: most are open, and due soon or lately."""
    required, status, due_in_days, minutes = draw(ROWS)
    return Assignment(
        person_id=person_id,
        course_id=course_id,
        required=required,
        status=status,
        deadline_on=None if due_in_days is None else now.date() + timedelta(days=due_in_days),
        assigned_at=None if minutes is None else now.replace(second=0, microsecond=0) + timedelta(minutes=minutes),
    )


@st.composite
def beginnings(draw: st.DrawFn) -> Beginning:
    """A company when the bot first looks at it."""
    at = datetime.combine(draw(one_of(*BEGINNINGS)), time(0), UTC) + timedelta(
        minutes=draw(st.integers(0, 6 * 24 * 60))
    )
    everybody = [draw(people(n)) for n in range(1, draw(st.integers(1, MOST_PEOPLE)) + 1)]
    catalogue = [draw(courses(n)) for n in range(1, draw(st.integers(1, MOST_COURSES)) + 1)]
    found = [
        draw(rows(learner.person_id, course.course_id, at))
        for learner, _ in everybody
        for course in catalogue
        for _ in range(draw(one_of(1, 1, 0, 2)))
    ]
    return Beginning(
        facts=Facts(
            learners={one.person_id: one for one, _ in everybody},
            members={one.slack_id: one for _, one in everybody},
            courses={one.course_id: one for one in catalogue},
            rows=tuple(found),
        ),
        terms=Terms(
            policy=draw(policies()),
            default_country=draw(one_of("DK", None, "US")),
            default_timezone=draw(one_of("UTC", "Europe/Copenhagen", "Pacific/Auckland", "Pacific/Honolulu")),
            admins=draw(one_of((), ("U01",))),
        ),
        at=at,
    )


statuses = st.tuples(one_of(*STATUSES), st.one_of(st.none(), st.integers(1, 10 * 24)))
