"""The managers' weekly digest: which courses stand on a manager's list, in which week it may go, and when it is sent.

June 2027: the 7th, 14th, 21st and 28th are Mondays, the 15th is a Tuesday.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.deadlines.calendar import WorkCalendar
from bot.deadlines.model import Assignment, Course, Exemption, NoMatch, Person, Reason, Said, Status
from bot.deadlines.policy import Day
from bot.deadlines.team import NOT_OWED, Entry, Overdue, digest_due, is_worth_sending, overdue
from bot.deadlines.terms import CourseSteps, Managers, Policy
from tests.builders import (
    DENMARK,
    MON_TO_FRI,
    SUN_TO_THU,
    TITLES,
    a_calendar,
    a_course,
    a_day,
    a_person,
    a_policy,
    an_assignment,
    away,
    copenhagen,
    local,
    on,
    said,
)

RIYADH, TOKYO = "Asia/Riyadh", "Asia/Tokyo"
NOON = "2027-06-15 12:00"
LONG_OVERDUE = "2027-06-01"


def found(
    day: Day, *rows: Assignment, courses: Iterable[Course] = (), history: Sequence[Said] = ()
) -> dict[str, Overdue]:
    """The courses on the list of this person's manager, by the name of each, in its order."""
    known = {course.course_id: course for course in courses}
    listed = overdue(day, rows, history, lambda n: known.get(n) or a_course(n))
    return {TITLES[one.course.course_id]: one for one in listed}


# ── who stands on the list ───────────────────────────────────────────────────────────────────────────────────────────

COUNTED = [
    # the deadline, the calendar, the first day on which it stands on the list
    pytest.param("2027-06-07", MON_TO_FRI, "2027-06-14", id="due on a Monday: the Monday after"),
    pytest.param("2027-06-11", MON_TO_FRI, "2027-06-18", id="due on a Friday: the Friday after"),
    pytest.param("2027-06-12", MON_TO_FRI, "2027-06-18", id="due on a Saturday: Friday is the fifth working day"),
    pytest.param("2027-06-13", MON_TO_FRI, "2027-06-18", id="due on a Sunday: the same"),
    pytest.param("2027-06-07", a_calendar("2027-06-10"), "2027-06-15", id="a public holiday does not count"),
    pytest.param("2027-03-23", DENMARK, "2027-04-02", id="Easter in Denmark: three holidays do not count"),
    pytest.param("2027-06-10", SUN_TO_THU, "2027-06-17", id="Saudi Arabia, due on a Thursday: the Thursday after"),
    pytest.param("2027-06-11", SUN_TO_THU, "2027-06-17", id="Saudi Arabia, due on a Friday: Thursday is the fifth"),
]


@pytest.mark.parametrize(("deadline", "calendar", "first"), COUNTED)
def test_a_course_is_listed_from_the_fifth_working_day_after_its_deadline(
    deadline: str, calendar: WorkCalendar, first: str
) -> None:
    day_before = f"{on(first).replace(day=on(first).day - 1)} 23:59"
    assert not found(a_day(day_before, calendar=calendar), an_assignment(deadline))
    assert found(a_day(f"{first} 00:00", calendar=calendar), an_assignment(deadline))


def test_it_stays_listed_on_days_off_and_for_years() -> None:
    for today in ("2027-06-19 12:00", "2027-12-25 12:00", "2031-06-15 12:00"):
        assert found(a_day(today, calendar=DENMARK), an_assignment("2027-06-07"))


@pytest.mark.parametrize(("zone", "listed"), [(TOKYO, True), ("Europe/Copenhagen", False), ("America/New_York", False)])
def test_the_day_is_the_reports_own(zone: str, listed: bool) -> None:
    now = local("2027-06-14 00:30", TOKYO)
    day = replace(a_day(person=a_person(zone=zone)), now=now)
    assert bool(found(day, an_assignment("2027-06-07"))) is listed


@pytest.mark.parametrize(("days", "first"), [(1, "2027-06-08"), (3, "2027-06-10"), (10, "2027-06-21")])
def test_the_figure_is_the_policys(days: int, first: str) -> None:
    policy = a_policy(managers={"overdue_working_days": days})
    listed = [
        n for n in range(7, 30) if found(a_day(f"2027-06-{n:02} 12:00", policy=policy), an_assignment("2027-06-07"))
    ]
    assert listed[0] == on(first).day


ASSIGNED = [
    pytest.param("2027-06-09", False, id="assigned long after the deadline, four working days ago: not yet"),
    pytest.param("2027-06-08", True, id="five working days ago"),
    pytest.param("2027-05-01", True, id="before the deadline"),
    pytest.param(None, True, id="nobody knows when"),
]


@pytest.mark.parametrize(("assigned", "listed"), ASSIGNED)
def test_who_got_it_late_is_counted_from_the_day_of_assignment(assigned: str | None, listed: bool) -> None:
    row = an_assignment("2027-05-20", assigned=f"{assigned} 09:00" if assigned else None)
    assert bool(found(a_day(NOON), row)) is listed


def test_a_rewritten_date_of_assignment_starts_no_new_count_once_it_was_spoken_of() -> None:
    row = an_assignment(LONG_OVERDUE, assigned="2027-06-14 09:00")
    assert not found(a_day(NOON), row)
    assert found(a_day(NOON), row, history=[said("overdue-1", "2027-06-02", deadline=LONG_OVERDUE)])


OFF = replace(Policy(), course={1: CourseSteps(off=True)})
NOT_LISTED = [
    pytest.param({"status": Status.COMPLETED}, {}, {}, None, id="completed"),
    pytest.param({"required": False}, {}, {}, None, id="not required"),
    pytest.param({"deadline": None}, {}, {}, None, id="no deadline"),
    pytest.param({"deadline": None, "deadline_raw": "2027-02-30"}, {}, {}, None, id="an impossible deadline"),
    pytest.param({}, {"active": False}, {}, None, id="the course is inactive"),
    pytest.param({}, {}, {}, OFF, id="the course is switched off"),
    pytest.param({}, {"inform_leader_deadline": True}, {}, None, id="the LMS itself tells the manager"),
    pytest.param({}, {}, {"active": False}, None, id="the report is not in the LMS any more"),
    pytest.param({}, {}, {"employment_ends_on": on("2027-06-14")}, None, id="the report has left the company"),
    pytest.param({}, {}, {"in_audience": False}, None, id="the report is not in the audience"),
    pytest.param({}, {}, {"exemptions": (Exemption(),)}, None, id="the report is exempt from every course"),
    pytest.param({}, {}, {"exemptions": (Exemption(course_id=1),)}, None, id="the report is exempt from this course"),
]
LISTED = [
    pytest.param({}, {}, {}, None, id="overdue, and nothing else is the matter"),
    pytest.param({"status": Status.STARTED}, {}, {}, None, id="begun"),
    pytest.param({}, {"lock_after_deadline": True}, {}, None, id="it can't be taken any more"),
    pytest.param({"deadline": "2027-04-01"}, {}, {}, None, id="reminders have ended (gave_up)"),
    pytest.param({"deadline": "2020-04-01"}, {}, {}, None, id="years ago"),
    pytest.param({}, {}, {"slack_id": None, "no_match": NoMatch.NOT_IN_SLACK}, None, id="the report is not in Slack"),
    pytest.param({}, {}, {"refused_on": on("2027-06-15"), "refusals": 1}, None, id="Slack refuses to deliver"),
    pytest.param({}, {}, {"absence": away(since="2027-06-01 09:00")}, None, id="the report is away"),
    pytest.param({}, {}, {"snoozed_until_on": on("2027-06-18")}, None, id="the report has snoozed"),
    pytest.param({}, {}, {"told_on": (on("2027-06-15"),)}, None, id="capped: the report was told something today"),
    pytest.param({}, {}, {"employment_ends_on": on("2027-06-15")}, None, id="the report's last day"),
    pytest.param({}, {}, {"exemptions": (Exemption(course_id=2),)}, None, id="exempt from another course"),
]


def on_the_list(row: dict[str, Any], course: dict[str, Any], person: dict[str, Any], policy: Policy | None) -> bool:
    """Whether course 1, due on 1 June, stands on the list at noon of 15 June."""
    deadline = row.pop("deadline", LONG_OVERDUE)
    day = a_day(NOON, person=a_person(**person), policy=policy)
    return bool(found(day, an_assignment(deadline, **row), courses=[a_course(1, **course)]))


@pytest.mark.parametrize(("row", "course", "person", "policy"), NOT_LISTED)
def test_what_is_not_owed_is_not_listed(
    row: dict[str, Any], course: dict[str, Any], person: dict[str, Any], policy: Policy | None
) -> None:
    assert not on_the_list(dict(row), course, person, policy)


@pytest.mark.parametrize(("row", "course", "person", "policy"), LISTED)
def test_what_is_owed_is_listed_whatever_holds_back_its_reminder(
    row: dict[str, Any], course: dict[str, Any], person: dict[str, Any], policy: Policy | None
) -> None:
    assert on_the_list(dict(row), course, person, policy)


def test_what_is_not_owed_are_the_first_reasons_down_to_an_impossible_deadline() -> None:
    in_order = list(Reason)
    assert set(in_order[: in_order.index(Reason.NO_SLACK_MATCH)]) == NOT_OWED


def test_only_the_row_that_was_assigned_last_counts() -> None:
    old = an_assignment(LONG_OVERDUE, assigned="2026-06-01 09:00")
    renewed = an_assignment("2028-06-01", assigned="2027-06-10 09:00")
    assert not found(a_day(NOON), old, renewed)
    assert not found(
        a_day(NOON), old, replace(old, assigned_at=copenhagen("2027-05-01 09:00"), status=Status.COMPLETED)
    )
    earlier_done = replace(old, assigned_at=copenhagen("2025-06-01 09:00"), status=Status.COMPLETED)
    assert found(a_day(NOON), old, earlier_done)


def test_the_same_row_twice_is_listed_once() -> None:
    assert len(overdue(a_day(NOON), [an_assignment(LONG_OVERDUE)] * 2, [], a_course)) == 1


def test_the_earliest_deadline_leads() -> None:
    rows = [
        an_assignment("2027-06-02", course_id=1),
        an_assignment("2027-05-03", course_id=3),
        an_assignment("2027-06-02", course_id=2),
        an_assignment("2027-06-14", course_id=4),
    ]
    assert list(found(a_day(NOON), *rows)) == ["ladder", "fire", "gdpr"]


def test_it_says_how_long_ago_the_deadline_was_and_whether_they_got_it_late() -> None:
    rows = [
        an_assignment(LONG_OVERDUE, course_id=1, assigned="2027-05-01 09:00"),
        an_assignment(LONG_OVERDUE, course_id=2, assigned="2027-06-02 09:00"),
    ]
    listed = found(a_day(NOON), *rows)
    assert [(one.days, one.assigned_late) for one in listed.values()] == [(14, False), (14, True)]
    assert listed["fire"].entry == (1, 1, on(LONG_OVERDUE))


# ── when the digest may go ───────────────────────────────────────────────────────────────────────────────────────────

MANAGER = a_person()
IN_TOKYO, IN_RIYADH = a_person(zone=TOKYO), a_person(zone=RIYADH)
HOLIDAY_MONDAY = a_calendar("2027-06-14")
CLOCK = [
    # the manager's own clock, the manager, the calendar, the week
    pytest.param("2027-06-14 09:29", MANAGER, MON_TO_FRI, None, id="Monday before the hour: not yet"),
    pytest.param("2027-06-14 09:30", MANAGER, MON_TO_FRI, "2027-W24", id="Monday at the hour"),
    pytest.param("2027-06-14 16:59", MANAGER, MON_TO_FRI, "2027-W24", id="Monday, later: no pass ran in time"),
    pytest.param("2027-06-14 17:00", MANAGER, MON_TO_FRI, None, id="Monday evening: after the sending hours"),
    pytest.param("2027-06-15 09:29", MANAGER, MON_TO_FRI, None, id="Tuesday before the sending hours"),
    pytest.param("2027-06-15 09:30", MANAGER, MON_TO_FRI, "2027-W24", id="Tuesday: no pass ran on Monday"),
    pytest.param("2027-06-18 16:00", MANAGER, MON_TO_FRI, "2027-W24", id="Friday: no pass ran before"),
    pytest.param("2027-06-19 12:00", MANAGER, MON_TO_FRI, None, id="Saturday: a day off"),
    pytest.param("2027-06-20 12:00", MANAGER, MON_TO_FRI, None, id="Sunday: a day off"),
    pytest.param("2027-06-21 09:00", MANAGER, MON_TO_FRI, None, id="the next Monday, early: last week's is over"),
    pytest.param("2027-06-21 10:00", MANAGER, MON_TO_FRI, "2027-W25", id="the next Monday: the next week's"),
    pytest.param("2027-06-14 12:00", MANAGER, HOLIDAY_MONDAY, None, id="a public holiday on Monday: not then"),
    pytest.param("2027-06-15 09:30", MANAGER, HOLIDAY_MONDAY, "2027-W24", id="but on Tuesday, from the morning on"),
    pytest.param("2027-03-29 12:00", MANAGER, DENMARK, None, id="Easter Monday in Denmark"),
    pytest.param("2027-03-30 09:30", MANAGER, DENMARK, "2027-W13", id="the Tuesday after Easter"),
    pytest.param("2027-06-14 09:30", IN_TOKYO, MON_TO_FRI, "2027-W24", id="Tokyo: its own Monday"),
    pytest.param("2027-06-14 09:30", IN_RIYADH, SUN_TO_THU, "2027-W24", id="Riyadh: Monday is a working day"),
    pytest.param("2027-06-17 10:00", IN_RIYADH, SUN_TO_THU, "2027-W24", id="Riyadh, Thursday: no pass ran before"),
    pytest.param("2027-06-18 10:00", IN_RIYADH, SUN_TO_THU, None, id="Riyadh, Friday: a day off"),
    pytest.param("2027-06-20 10:00", IN_RIYADH, SUN_TO_THU, "2027-W24", id="Riyadh, Sunday: still the same week"),
    pytest.param("2027-01-01 12:00", MANAGER, MON_TO_FRI, "2026-W53", id="New Year's Day in the old year's last week"),
    pytest.param("2028-01-03 12:00", MANAGER, MON_TO_FRI, "2028-W01", id="a year's first week has two digits"),
]


@pytest.mark.parametrize(("now", "manager", "calendar", "week"), CLOCK)
def test_the_digest_may_go_from_monday_half_past_nine_of_the_managers_own_week(
    now: str, manager: Person, calendar: WorkCalendar, week: str | None
) -> None:
    assert digest_due(a_day(now, person=manager, calendar=calendar)) == week


def test_at_one_instant_tokyo_is_in_its_monday_and_new_york_in_its_sunday() -> None:
    now = local("2027-06-14 10:00", TOKYO)
    weeks = [digest_due(replace(a_day(person=a_person(zone=z)), now=now)) for z in (TOKYO, "America/New_York")]
    assert weeks == ["2027-W24", None]


OTHER_DAYS = [
    # the day and time of the policy, the manager's own clock, the week
    pytest.param("mon", "14:00", "2027-06-14 13:59", None, id="Monday at two: not before"),
    pytest.param("mon", "14:00", "2027-06-14 14:00", "2027-W24", id="Monday at two"),
    pytest.param("mon", "14:00", "2027-06-15 09:30", "2027-W24", id="Monday at two, and Tuesday morning is later"),
    pytest.param("mon", "08:00", "2027-06-14 08:00", None, id="before the sending hours: never"),
    pytest.param("mon", "08:00", "2027-06-14 09:30", "2027-W24", id="before the sending hours: when they begin"),
    pytest.param("mon", "18:00", "2027-06-14 16:59", None, id="after the sending hours: not on the day itself"),
    pytest.param("mon", "18:00", "2027-06-15 09:30", "2027-W24", id="after the sending hours: the next morning"),
    pytest.param("thu", "09:30", "2027-06-17 10:00", "2027-W24", id="Thursdays"),
    pytest.param("thu", "09:30", "2027-06-21 10:00", "2027-W24", id="Thursdays, no pass ran: still Thursday's week"),
    pytest.param("sun", "09:30", "2027-06-14 10:00", "2027-W23", id="Sundays, a day off: the Monday after"),
]


@pytest.mark.parametrize(("weekday", "time", "now", "week"), OTHER_DAYS)
def test_the_policy_names_the_day_and_the_time(weekday: str, time: str, now: str, week: str | None) -> None:
    managers = {"digest_weekday": weekday, "digest_time": local(f"2027-06-14 {time}", "UTC").time()}
    assert digest_due(a_day(now, policy=a_policy(managers=managers))) == week


NOT_TOLD: list[Any] = [
    pytest.param({"slack_id": None}, id="is not matched in Slack"),
    pytest.param({"active": False}, id="is not in the LMS any more"),
    pytest.param({"employment_ends_on": on("2027-06-13")}, id="has left the company"),
    pytest.param({"in_audience": False}, id="is not in the audience"),
    pytest.param({"exemptions": (Exemption(),)}, id="is exempt from everything"),
    pytest.param({"absence": away(since="2027-06-13 09:00")}, id="is away"),
    pytest.param({"absence": away(since="2027-06-13 09:00", until="2027-06-14 18:00")}, id="is away until the evening"),
]
TOLD: list[Any] = [
    pytest.param({"exemptions": (Exemption(course_id=1),)}, id="is exempt from one course"),
    pytest.param({"absence": away(since="2027-06-10 09:00", until="2027-06-14 08:00")}, id="is back"),
    pytest.param({"employment_ends_on": on("2027-06-14")}, id="has their last day"),
    pytest.param({"snoozed_until_on": on("2027-06-18")}, id="has snoozed their own reminders"),
    pytest.param({"told_on": (on("2027-06-14"),)}, id="had a reminder of their own today"),
]


@pytest.mark.parametrize("facts", NOT_TOLD)
def test_a_manager_is_not_told_who(facts: dict[str, Any]) -> None:
    assert digest_due(a_day("2027-06-14 10:00", person=a_person(**facts))) is None


@pytest.mark.parametrize("facts", TOLD)
def test_a_manager_is_told_who(facts: dict[str, Any]) -> None:
    assert digest_due(a_day("2027-06-14 10:00", person=a_person(**facts))) == "2027-W24"


# ── when it is sent ──────────────────────────────────────────────────────────────────────────────────────────────────

FIRE: Entry = (1, 1, on("2027-06-01"))
GDPR: Entry = (1, 2, on("2027-06-01"))
MOVED: Entry = (1, 1, on("2027-06-03"))
SENT = [
    # the list now, the list that was sent last, when, whether it is sent on Monday the 28th
    pytest.param({FIRE}, None, None, True, id="the first one"),
    pytest.param(set(), None, None, False, id="nothing to say, and never was"),
    pytest.param({FIRE}, {FIRE}, "2027-06-21", False, id="unchanged since last week"),
    pytest.param({FIRE, GDPR}, {FIRE}, "2027-06-21", True, id="one more"),
    pytest.param({FIRE}, {FIRE, GDPR}, "2027-06-21", True, id="one less"),
    pytest.param({GDPR}, {FIRE}, "2027-06-21", True, id="another"),
    pytest.param({MOVED}, {FIRE}, "2027-06-21", True, id="the same course with another deadline"),
    pytest.param(set(), {FIRE}, "2027-06-21", False, id="everything was done: nothing to say"),
    pytest.param({FIRE}, {FIRE}, "2027-06-07", False, id="unchanged for three weeks"),
    pytest.param({FIRE}, {FIRE}, "2027-05-31", True, id="unchanged for four weeks: in full again"),
    pytest.param({FIRE}, {FIRE}, "2027-06-01", True, id="four weeks ago, where it went on the Tuesday after a holiday"),
    pytest.param({FIRE}, {FIRE}, "2027-05-03", True, id="unchanged for eight weeks"),
    pytest.param(set(), {FIRE}, "2027-05-31", False, id="four weeks, but nothing to say"),
]


@pytest.mark.parametrize(("listed", "before", "sent", "is_sent"), SENT)
def test_a_list_is_sent_when_it_has_changed_and_every_fourth_week(
    listed: set[Entry], before: set[Entry] | None, sent: str | None, is_sent: bool
) -> None:
    last = (on(sent), frozenset(before)) if sent and before is not None else None
    assert is_worth_sending(frozenset(listed), last, on("2027-06-28"), Managers()) is is_sent
