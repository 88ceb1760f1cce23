"""Values for tests: each builder needs only the facts that matter, the rest has a harmless default.

Days are texts ("2027-06-15"), instants are what a clock on the wall shows ("2027-06-15 10:00"). Weeks are drawn: see
`drawn_passes`. In June 2027 Denmark has no public holiday; its Mondays are the 7th, 14th, 21st and 28th.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.deadlines.calendar import WorkCalendar
from bot.deadlines.model import Absence, Assignment, Course, Notice, Person, Said, Status, Step
from bot.deadlines.plan import Plan, plan
from bot.deadlines.policy import Case, Day
from bot.deadlines.terms import Policy

COPENHAGEN = "Europe/Copenhagen"
TITLES = {1: "fire", 2: "gdpr", 3: "ladder", 4: "cash"}  # how drawings call the courses of these ids

MON_TO_FRI = WorkCalendar()
SUN_TO_THU = WorkCalendar(weekend=frozenset({4, 5}))  # Friday and Saturday off, as in Saudi Arabia
DANISH_HOLIDAYS_2027 = (
    ("2027-01-01", "New Year's Day, a Friday"),
    ("2027-03-25", "Maundy Thursday"),
    ("2027-03-26", "Good Friday"),
    ("2027-03-28", "Easter Sunday, when the clocks spring forward"),
    ("2027-03-29", "Easter Monday"),
    ("2027-05-06", "Ascension Day, a Thursday"),
    ("2027-05-17", "Whit Monday"),
)


def on(text: str) -> date:
    """The calendar date that is written so: "2027-06-15"."""
    return date.fromisoformat(text)


def local(text: str, zone: str = COPENHAGEN, *, fold: int = 0) -> datetime:
    """The instant, in UTC, at which a clock on the wall there shows this: "2027-06-15 10:00"."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def copenhagen(text: str, *, fold: int = 0) -> datetime:
    """The instant at which a clock in Copenhagen shows this."""
    return local(text, COPENHAGEN, fold=fold)


def a_calendar(*days_off: str, weekend: Iterable[int] = (5, 6)) -> WorkCalendar:
    """A week (Monday is 0) with these public holidays."""
    return WorkCalendar(weekend=frozenset(weekend), holidays=frozenset(map(on, days_off)))


DENMARK = a_calendar(*(day for day, _ in DANISH_HOLIDAYS_2027))


def a_policy(**sections: dict[str, Any]) -> Policy:
    """The default policy with these keys of these sections: `a_policy(caps={"gather_days": 0})`."""
    policy = Policy()
    changed = {name: replace(getattr(policy, name), **keys) for name, keys in sections.items()}
    return replace(policy, **changed)


def a_person(**facts: Any) -> Person:
    """Somebody active, reachable and at work in Copenhagen."""
    return Person(**{"person_id": 1, "zone": COPENHAGEN, "slack_id": "U1", **facts})


def away(*, since: str, until: str | None = None, zone: str = COPENHAGEN) -> Absence:
    """An absence first seen at this local time, which ends at that one or has no end."""
    return Absence(seen_at=local(since, zone), until_at=local(until, zone) if until else None)


def a_course(course_id: int = 1, **facts: Any) -> Course:
    """An active course of no stated length."""
    return Course(**{"course_id": course_id, "title": TITLES.get(course_id, f"course {course_id}"), **facts})


def an_assignment(deadline: str | None = "2027-06-23", *, assigned: str | None = None, **facts: Any) -> Assignment:
    """A required, open assignment of person 1 and course 1, due on a Wednesday; `assigned` is Copenhagen's time."""
    defaults = {
        "person_id": 1,
        "course_id": 1,
        "required": True,
        "status": Status.NOT_STARTED,
        "deadline_on": on(deadline) if deadline else None,
        "assigned_at": copenhagen(assigned) if assigned else None,
    }
    return Assignment(**{**defaults, **facts})


def a_day(
    now: str = "2027-06-15 10:00",
    *,
    person: Person | None = None,
    policy: Policy | None = None,
    calendar: WorkCalendar = MON_TO_FRI,
    fold: int = 0,
) -> Day:
    """One person at what their own clock shows now: a Tuesday at ten."""
    person = person or a_person()
    return Day(person=person, policy=policy or Policy(), calendar=calendar, now=local(now, person.zone, fold=fold))


def said(step: str, when: str, *, deadline: str = "2027-06-23", course_id: int = 1) -> Said:
    """A reminder that went out on this local day."""
    return Said(course_id=course_id, deadline_on=on(deadline), step=Step.parse(step), said_on=on(when))


def said_in(notice: Notice | None) -> tuple[Said, ...]:
    """What history holds once this DM has gone out."""
    return tuple(notice.said) if notice else ()


def a_case(
    assignment: Assignment,
    day: Day,
    *,
    history: Sequence[Said] = (),
    course: Course | None = None,
    superseded: bool = False,
) -> Case:
    """One assignment on one person's day."""
    course = course or a_course(assignment.course_id)
    return Case(assignment=assignment, course=course, day=day, said=tuple(history), superseded=superseded)


def a_plan(
    day: Day,
    *assignments: Assignment,
    history: Sequence[Said] = (),
    courses: Iterable[Course] = (),
    fresh: bool = True,
) -> Plan:
    """What this person hears now about these assignments; a course that is not given is an ordinary one."""
    known = {course.course_id: course for course in courses}
    return plan(day, assignments, history, lambda n: known.get(n) or a_course(n), fresh=fresh)


def drawn_passes(
    first: str,
    last: str,
    *assignments: Assignment,
    at: Sequence[str] = ("10:00",),
    person: Person | Callable[[date], Person] | None = None,
    policy: Policy | None = None,
    calendar: WorkCalendar = MON_TO_FRI,
    courses: Iterable[Course] = (),
    history: Sequence[Said] = (),
    outage: Sequence[str] = (),
) -> str:
    """What one person hears on each day from `first` to `last`, a line a week, to be compared with a `picture`.

    Each day, save those of the `outage`, has a pass at these local times, and what is sent becomes history. A dot is a
    day without a DM, a dash a day outside the stretch. With several courses each step is named with its course.
    """
    named = len({a.course_id for a in assignments}) > 1
    heard, cells = list(history), {}
    day = on(first)
    while day <= on(last):
        cells[day] = "."
        whom = person(day) if callable(person) else person
        for time in at if day.isoformat() not in outage else ():
            here = a_day(f"{day} {time}", person=whom, policy=policy, calendar=calendar)
            notice = a_plan(here, *assignments, history=heard, courses=courses).notice
            heard += said_in(notice)
            cells[day] = _cell(notice, named=named) if notice else cells[day]
        day += timedelta(days=1)
    return _weeks(cells)


def picture(text: str) -> str:
    """A drawing as it stands in a test, its columns aligned for the eye, as `drawn_passes` returns it."""
    return "\n".join(" ".join(line.split()) for line in text.strip().splitlines())


def _cell(notice: Notice, *, named: bool) -> str:
    return "+".join(f"{TITLES[r.course_id]}:{r.step.name}" if named else r.step.name for r in notice.reminders)


def _weeks(cells: dict[date, str]) -> str:
    first, last = min(cells), max(cells)
    monday = first - timedelta(days=first.weekday())
    lines = []
    while monday <= last:
        week = [monday + timedelta(days=n) for n in range(7)]
        lines.append(f"{monday:%d-%b}: " + " ".join(cells.get(day, "-") for day in week))
        monday += timedelta(days=7)
    return "\n".join(lines)
