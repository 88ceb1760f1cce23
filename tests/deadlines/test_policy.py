"""policy.md, "Reason codes", "Never", "Away", "Which row": what is decided about one assignment, and why.

Most cases are about a course due on Wednesday 23 June 2027, whose steps are before-7 on Wednesday 16, before-2 on
Monday 21, due on the 23rd, overdue-1 on Thursday 24, overdue-3 on Monday 28, overdue-7 on Monday 5 July (its Friday
moved), then 12 and 19 July; Friday 23 July is the 30th day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from bot.deadlines.calendar import WorkCalendar
from bot.deadlines.model import (
    DUE,
    Absence,
    Assignment,
    Course,
    Decision,
    Exemption,
    NoMatch,
    Reason,
    Said,
    Status,
    Step,
)
from bot.deadlines.plan import Plan
from bot.deadlines.policy import decide, governing_first
from bot.deadlines.terms import CourseSteps, Policy
from tests.builders import (
    DENMARK,
    MON_TO_FRI,
    SUN_TO_THU,
    a_calendar,
    a_case,
    a_course,
    a_day,
    a_person,
    a_plan,
    a_policy,
    an_assignment,
    away,
    copenhagen,
    local,
    on,
    said,
)

WARNED = said("due", "2027-06-23")
NAGGED = said("overdue-1", "2027-06-24")
OFF = Policy(course={1: CourseSteps(off=True)})


def decided(
    now: str = "2027-06-16 10:00",
    *history: Said,
    row: Assignment | None = None,
    course: Course | None = None,
    policy: Policy | None = None,
    calendar: WorkCalendar = MON_TO_FRI,
    **person: Any,
) -> Decision:
    """What is decided about the one course of one person, of whom only these facts matter."""
    day = a_day(now, person=a_person(**person), policy=policy, calendar=calendar)
    return decide(a_case(row or an_assignment(), day, history=history, course=course))


def explained(decision: Decision) -> tuple[str, str]:
    return (decision.reason.value, decision.detail)


# ── every reason, and which comes first ──────────────────────────────────────────────────────────────────────────


def a_final_plan(*, frozen: bool = False, fresh: bool = True, **facts: Any) -> Plan:
    """The final decisions about one course on the day of its before-7, or with these facts."""
    rows: Sequence[Assignment] = facts.pop("rows", (facts.pop("row", None) or an_assignment(),))
    history, courses = facts.pop("history", ()), [facts.pop("course", a_course())]
    day = a_day(
        facts.pop("now", "2027-06-16 10:00"),
        policy=facts.pop("policy", None),
        calendar=facts.pop("calendar", MON_TO_FRI),
        person=a_person(**facts),
    )
    found = a_plan(day, *rows, history=history, courses=courses, fresh=fresh)
    return found.frozen() if frozen else found


HISTORY = {"history": (said("before-7", "2027-06-16"),)}
THREE_DMS = tuple(said("due", day, course_id=9, deadline=day) for day in ("2027-06-10", "2027-06-11", "2027-06-15"))
ON_LEAVE = {"absence": away(since="2027-06-14 10:00", until="2027-06-18 10:00")}
OLDER, NEWER = an_assignment(assigned="2027-05-01 10:00"), an_assignment(assigned="2027-05-02 10:00")
NO_STEPS_FIT = a_policy(steps={"give_up_after_days": 0})

# Facts by which a reason applies to the course on the day of its before-7; where two neighbours need facts of their
# own to apply at once, they stand in TOGETHER.
APPLIES: dict[str, dict[str, Any]] = {
    "superseded": {"rows": (OLDER, NEWER)},
    "completed": {"row": an_assignment(status=Status.COMPLETED)},
    "not_required": {"row": an_assignment(required=False)},
    "course_inactive": {"course": a_course(active=False)},
    "person_inactive": {"active": False},
    "not_in_audience": {"in_audience": False},
    "exempt": {"exemptions": (Exemption(),)},
    "no_deadline": {"row": an_assignment(None)},
    "invalid_deadline": {"row": an_assignment(None, deadline_raw="2027-02-30")},
    "no_slack_match": {"slack_id": None},
    "undeliverable": {"refused_on": on("2027-06-16")},
    "gave_up": {"now": "2027-07-26 10:00", "history": (WARNED,)},
    "not_due_yet": {"now": "2027-06-15 10:00"},
    "already_sent": HISTORY,
    "day_off": {"calendar": a_calendar("2027-06-16")},
    "outside_hours": {"now": "2027-06-16 17:00"},
    "away": ON_LEAVE,
    "snoozed": {"snoozed_until_on": on("2027-06-18")},
    "capped": {"history": THREE_DMS},
    "stale": {"fresh": False},
    "frozen": {"frozen": True},
    "send": {},
}


def reasons(found: Plan) -> list[str]:
    return [decision.reason.value for decision in found.decisions]


def test_the_reasons_are_policy_mds_in_its_order() -> None:
    assert [reason.value for reason in Reason] == list(APPLIES)


@pytest.mark.parametrize(("reason", "facts"), APPLIES.items(), ids=list(APPLIES))
def test_every_reason_can_be_given(reason: str, facts: dict[str, Any]) -> None:
    assert reasons(a_final_plan(**facts))[-1] == reason


TOGETHER: dict[str, dict[str, Any]] = {
    "completed before not_required": {"row": an_assignment(status=Status.COMPLETED, required=False)},
    "exempt before no_deadline": {"exemptions": (Exemption(),), "row": an_assignment(None)},
    "undeliverable before gave_up": {
        "refused_on": on("2027-07-26"),
        "now": "2027-07-26 10:00",
        "history": (WARNED,),
    },
    "gave_up before not_due_yet": {"now": "2027-06-24 10:00", "history": (WARNED,), "policy": NO_STEPS_FIT},
    "not_due_yet before already_sent": {
        "now": "2027-06-15 10:00",
        "history": (said("before-7", "2027-06-14"),),
    },
    "snoozed before capped": {"snoozed_until_on": on("2027-06-18"), "history": THREE_DMS},
}
NEVER_TOGETHER = {
    "superseded before completed",  # only older open rows are superseded
    "no_deadline before invalid_deadline",  # an impossible deadline is one
}


def neighbours() -> list[Any]:
    found = []
    for first, second in pairwise(APPLIES):
        name = f"{first} before {second}"
        if name not in NEVER_TOGETHER:
            facts = TOGETHER.get(name, APPLIES[first] | APPLIES[second])
            found.append(pytest.param(first, facts, id=name))
    return found


@pytest.mark.parametrize(("reason", "facts"), neighbours())
def test_of_two_reasons_that_apply_the_first_is_given(reason: str, facts: dict[str, Any]) -> None:
    assert reasons(a_final_plan(**facts))[-1] == reason


def test_every_reason_but_the_last_beats_all_later_ones_it_can_meet() -> None:
    """All facts at once, and then one less at a time: the reasons come in policy.md's order."""
    facts: dict[str, Any] = {
        "slack_id": None,
        "refused_on": on("2027-06-19"),
        "exemptions": (Exemption(),),
        "in_audience": False,
        "active": False,
        "course": a_course(active=False),
        "now": "2027-06-19 18:00",
        "absence": away(since="2027-06-14 10:00", until="2027-06-22 10:00"),
        "snoozed_until_on": on("2027-06-22"),
        "row": an_assignment("2027-06-19", required=False),
        "history": (said("due", "2027-06-18", deadline="2027-06-19"),),
        "fresh": False,
        "frozen": True,
    }
    order = []
    for less in (
        {"row": an_assignment("2027-06-19")},
        {"course": a_course()},
        {"active": True},
        {"in_audience": True},
        {"exemptions": ()},
        {"slack_id": "U1"},
        {"refused_on": None},
        {"history": THREE_DMS},
        {"now": "2027-06-18 18:00"},
        {"now": "2027-06-16 10:00", "row": an_assignment()},
        {"absence": None},
        {"snoozed_until_on": None},
        {"history": ()},
        {"fresh": True},
        {"frozen": False},
        {},
    ):
        order += reasons(a_final_plan(**facts))
        facts |= less
    assert order == [
        *("not_required", "course_inactive", "person_inactive", "not_in_audience", "exempt", "no_slack_match"),
        *("undeliverable", "already_sent", "day_off", "outside_hours", "away", "snoozed", "capped", "stale", "frozen"),
        "send",
    ]


def exempt(*which: tuple[Any, ...]) -> dict[str, Any]:
    """Somebody exempted from these courses (none: every one), each up to and including a day or without an end."""
    each = [(e[0] if e else None, on(e[1]) if e[1:] else None) for e in which]
    return {"exemptions": tuple(Exemption(course_id=course_id, until_on=until_on) for course_id, until_on in each)}


# ── never ────────────────────────────────────────────────────────────────────────────────────────────────────────

NEVER = [
    pytest.param({"row": an_assignment(status=Status.COMPLETED)}, "completed", "", id="completed"),
    pytest.param({"row": an_assignment(status=Status.STARTED)}, "send", "", id="but not: started"),
    pytest.param({"row": an_assignment(required=False)}, "not_required", "", id="not required"),
    pytest.param({"course": a_course(active=False)}, "course_inactive", "", id="inactive course"),
    pytest.param({"policy": OFF}, "course_inactive", "switched_off", id="switched off for the course"),
    pytest.param({"active": False}, "person_inactive", "not_in_lms", id="not among active and pending users"),
    pytest.param(
        {"employment_ends_on": on("2027-06-15")}, "person_inactive", "employment_ended", id="past end of employment"
    ),
    pytest.param({"employment_ends_on": on("2027-06-16")}, "send", "", id="but not: on the last day of employment"),
    pytest.param({"in_audience": False}, "not_in_audience", "", id="outside the audience"),
    pytest.param(exempt(()), "exempt", "", id="exempted by an admin"),
    pytest.param(exempt((2,), (1,)), "exempt", "", id="exempted from this course"),
    pytest.param(exempt((2,)), "send", "", id="but not: exempted from another course"),
    pytest.param(exempt((None, "2027-06-16")), "exempt", "2027-06-16", id="exempted until today, with the day"),
    pytest.param(exempt((1, "2027-06-16")), "exempt", "2027-06-16", id="exempted from this course until today"),
    pytest.param(exempt((None, "2027-06-15")), "send", "", id="but not: exempted until yesterday"),
    pytest.param(
        exempt((None, "2027-06-15"), (1, "2027-06-20")), "exempt", "2027-06-20", id="one is over, the other is not"
    ),
    pytest.param(
        exempt((None, "2027-06-18"), (1, "2027-06-20"), (2, "2027-06-30")),
        "exempt",
        "2027-06-20",
        id="of two the later end counts",
    ),
    pytest.param(exempt((None, "2027-06-18"), (1,)), "exempt", "", id="of two the one without an end counts"),
    pytest.param({"row": an_assignment(None)}, "no_deadline", "", id="no deadline"),
    pytest.param(
        {"row": an_assignment(None, deadline_raw="31/12/2027")},
        "invalid_deadline",
        "31/12/2027",
        id="impossible deadline, with its raw value",
    ),
    pytest.param(
        {"row": an_assignment(None, deadline_raw="")}, "invalid_deadline", "", id="impossible deadline, an empty text"
    ),
    pytest.param({"slack_id": None}, "no_slack_match", "", id="no match, nobody knows why"),
    pytest.param(
        {"slack_id": None, "no_match": NoMatch.TWO_ADDRESSES}, "no_slack_match", "two_addresses", id="no safe match"
    ),
    pytest.param(
        {"refused_on": on("2027-06-16"), "refusal": "messages_tab_disabled"},
        "undeliverable",
        "messages_tab_disabled",
        id="Slack refused this person today",
    ),
    pytest.param({"refused_on": on("2027-06-15")}, "send", "", id="but not: refused yesterday, tried again once a day"),
    pytest.param(
        {"refused_on": on("2027-06-15"), "refusals": 6}, "send", "", id="but not: the sixth time in a row, yesterday"
    ),
    pytest.param(
        {"refused_on": on("2027-06-15"), "refusals": 7}, "undeliverable", "", id="refused seven times, then once a week"
    ),
    pytest.param({"refused_on": on("2027-06-10"), "refusals": 7}, "undeliverable", "", id="six days ago"),
    pytest.param({"refused_on": on("2027-06-09"), "refusals": 9}, "send", "", id="but not: a week ago"),
]


@pytest.mark.parametrize(("facts", "reason", "detail"), NEVER)
def test_never(facts: dict[str, Any], reason: str, detail: str) -> None:
    assert explained(decided(**facts)) == (reason, detail)


EXEMPT_AGAIN = [
    pytest.param((None, "2027-06-16"), "2027-06-17 09:30", id="the next day"),
    pytest.param((None, "2027-06-17"), "2027-06-21 09:30", id="the first working day after: Friday is a holiday"),
    pytest.param((None, "9999-12-30"), "9999-12-31 09:30", id="the calendar's last day"),
    pytest.param((None,), None, id="never by itself"),
]


@pytest.mark.parametrize(("exemption", "opens"), EXEMPT_AGAIN)
def test_an_exemption_is_looked_at_again_when_the_first_sending_hours_after_it_start(
    exemption: tuple[Any, ...], opens: str | None
) -> None:
    decision = decided("2027-06-16 10:00", calendar=a_calendar("2027-06-18"), **exempt(exemption))
    assert decision.next_at == (copenhagen(opens) if opens else None)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Honolulu"])
@pytest.mark.parametrize(("now", "reason"), [("2027-06-16 16:59", "exempt"), ("2027-06-17 09:30", "send")])
def test_an_exemption_ends_with_its_last_day_on_the_persons_own_calendar(zone: str, now: str, reason: str) -> None:
    assert decided(now, zone=zone, **exempt((None, "2027-06-16"))).reason.value == reason


# ── a deadline is the person's own calendar date ─────────────────────────────────────────────────────────────────

ZONES = [
    pytest.param("Pacific/Kiritimati", "2027-06-23 11:00", "due", id="still the 23rd on Kiritimati: not missed"),
    pytest.param("Pacific/Kiritimati", "2027-06-24 11:00", "overdue-1", id="the 24th on Kiritimati: missed"),
    pytest.param("Pacific/Honolulu", "2027-06-23 16:59", "due", id="the 23rd in Honolulu, when it is the 24th by UTC"),
]


@pytest.mark.parametrize(("zone", "now", "step"), ZONES)
def test_missed_when_the_persons_own_date_is_past_it(zone: str, now: str, step: str) -> None:
    decision = decided(now, zone=zone)
    assert (decision.reason, decision.step) == (Reason.SEND, Step.parse(step))


def test_the_day_of_assignment_is_the_persons_own_too() -> None:
    row = an_assignment(assigned_at=datetime(2027, 6, 16, 23, 30, tzinfo=UTC))  # the 17th in Copenhagen
    assert decided("2027-06-17 10:00", row=row).reason is Reason.NOT_DUE_YET
    assert decided("2027-06-17 10:00", row=row, zone="America/New_York").step == Step("before", 7)


@pytest.mark.timeout(2)
@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
@pytest.mark.parametrize("assigned", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_an_assignment_at_the_calendars_own_ends_never_raises(assigned: str, zone: str) -> None:
    assert decided(row=an_assignment(assigned_at=datetime.fromisoformat(assigned)), zone=zone)


LENGTHS = [(None, False), (59, False), (60, True), (61, True)]


@pytest.mark.parametrize(("minutes", "announced"), LENGTHS)
def test_14_days_before_only_courses_of_60_minutes_or_more(minutes: int | None, announced: bool) -> None:
    decision = decided("2027-06-09 10:00", course=a_course(expected_minutes=minutes))
    assert (decision.reason is Reason.SEND, decision.step == Step("before", 14)) == (announced, announced)


# ── the facts a person needs ─────────────────────────────────────────────────────────────────────────────────────


def test_a_decision_to_send_names_its_step_and_what_it_passes_over() -> None:
    now = copenhagen("2027-06-21 10:00")
    assert decided("2027-06-21 10:00") == Decision(
        reason=Reason.SEND,
        step=Step("before", 2),
        step_on=on("2027-06-21"),
        deadline_on=on("2027-06-23"),
        next_at=now,
        next_step=DUE,
        next_on=on("2027-06-23"),
        passed_over=(Step("before", 7),),
    )


@pytest.mark.parametrize("now", ["2027-06-23 10:00", "2027-06-28 10:00"], ids=["on the due day", "overdue"])
def test_a_decision_that_has_nothing_to_do_with_steps_names_none(now: str) -> None:
    assert decided(now, exemptions=(Exemption(),)) == Decision(reason=Reason.EXEMPT, deadline_on=on("2027-06-23"))


LEAVE = away(since="2027-06-22 10:00", until="2027-07-01 10:00")
WAITING = [
    pytest.param("2027-06-26 10:00", (), {}, "overdue-1", "overdue-3", id="day_off"),
    pytest.param("2027-06-25 10:00", (), {}, "overdue-1", "overdue-3", id="day_off last_workday"),
    pytest.param("2027-06-24 17:00", (), {}, "overdue-1", "overdue-3", id="outside_hours"),
    pytest.param("2027-06-24 10:00", (), {"absence": LEAVE}, "overdue-1", "overdue-3", id="away"),
    pytest.param(
        "2027-06-24 10:00", (), {"snoozed_until_on": on("2027-07-01")}, "overdue-1", "overdue-3", id="snoozed"
    ),
    pytest.param("2027-06-28 10:00", (said("overdue-1", "2027-06-27"),), {}, "overdue-3", "overdue-7", id="capped gap"),
    pytest.param("2027-06-24 10:00", (NAGGED,), {}, "overdue-1", "overdue-3", id="already_sent"),
]


@pytest.mark.parametrize(("now", "history", "facts", "step", "following"), WAITING)
def test_what_waits_names_the_step_that_would_go_and_the_next(
    now: str, history: Sequence[Said], facts: dict[str, Any], step: str, following: str
) -> None:
    decision = decided(now, *history, **facts)
    assert decision.reason is not Reason.SEND
    assert (decision.step, decision.next_step) == (Step.parse(step), Step.parse(following))
    assert None not in (decision.step_on, decision.next_on)


NEXT_AT = [
    pytest.param("2027-06-15 10:00", {}, (), "2027-06-16 09:30", "not_due_yet", id="the first step's opening"),
    pytest.param(
        "2027-06-17 10:00",
        {},
        (said("before-7", "2027-06-16"),),
        "2027-06-21 09:30",
        "already_sent",
        id="the next step's",
    ),
    pytest.param("2027-06-26 10:00", {}, (), "2027-06-28 09:30", "day_off", id="a Saturday: Monday"),
    pytest.param("2027-06-25 10:00", {}, (), "2027-06-28 09:30", "day_off", id="a Friday, for a nag: Monday"),
    pytest.param("2027-06-24 17:00", {}, (), "2027-06-28 09:30", "outside_hours", id="a nag on Thursday evening: too"),
    pytest.param("2027-06-23 17:00", {}, (), "2027-06-24 09:30", "outside_hours", id="in the evening: tomorrow"),
    pytest.param("2027-06-24 09:29", {}, (), "2027-06-24 09:30", "outside_hours", id="in the morning: today"),
    pytest.param("2027-06-17 17:00", {}, (), "2027-06-18 09:30", "outside_hours", id="a reminder may go on a Friday"),
    pytest.param(
        "2027-06-16 10:00", {"refused_on": on("2027-06-16")}, (), "2027-06-17 09:30", "undeliverable", id="tomorrow"
    ),
    pytest.param(
        "2027-06-16 10:00",
        {"refused_on": on("2027-06-13"), "refusals": 7},
        (),
        "2027-06-21 09:30",
        "undeliverable",
        id="a week after the last try, a Sunday, and so on Monday",
    ),
    pytest.param(
        "2027-06-16 10:00",
        {"absence": away(since="2027-06-16 09:00", until="2027-06-16 14:00")},
        (),
        "2027-06-16 14:00",
        "away",
        id="away: the return",
    ),
    pytest.param(
        "2027-06-16 10:00",
        {"absence": away(since="2027-06-16 09:00", until="2027-06-21 14:00")},
        (),
        "2027-06-17 09:30",
        "away",
        id="away for long: looked at daily",
    ),
    pytest.param(
        "2027-06-16 10:00", {"snoozed_until_on": on("2027-06-18")}, (), "2027-06-18 09:30", "snoozed", id="snoozed"
    ),
    pytest.param(
        "2027-06-21 10:00",
        {"snoozed_until_on": on("2027-06-28")},
        (),
        "2027-06-23 09:30",
        "snoozed",
        id="snoozed over a last warning, which no snooze covers: that warning's opening",
    ),
    pytest.param(
        "2027-06-28 10:00",
        {},
        (said("overdue-1", "2027-06-27"),),
        "2027-06-29 09:30",
        "capped",
        id="within the gap: when it ends",
    ),
]


@pytest.mark.parametrize(("now", "person", "history", "expected", "reason"), NEXT_AT)
def test_when_the_decision_can_next_change_by_itself(
    now: str, person: dict[str, Any], history: Sequence[Said], expected: str, reason: str
) -> None:
    decision = decided(now, *history, **person)
    assert (decision.reason.value, decision.next_at) == (reason, copenhagen(expected))


def test_a_refusal_on_a_thursday_is_tried_again_on_friday() -> None:
    assert decided("2027-06-17 10:00", refused_on=on("2027-06-17")).next_at == copenhagen("2027-06-18 09:30")


def test_a_refusal_on_a_friday_is_tried_again_on_monday() -> None:
    assert decided("2027-06-18 10:00", refused_on=on("2027-06-18")).next_at == copenhagen("2027-06-21 09:30")


def test_next_openings_are_the_persons_own() -> None:
    decision = decided("2027-06-15 10:00", zone="Asia/Tokyo")
    assert decision.next_at == local("2027-06-16 09:30", "Asia/Tokyo")


def test_a_nag_may_go_on_a_last_workday_where_the_policy_says_so() -> None:
    policy = a_policy(steps={"nag_on_last_workday": True})
    assert decided("2027-06-25 10:00", policy=policy).reason is Reason.SEND
    assert decided("2027-06-24 17:00", policy=policy).next_at == copenhagen("2027-06-25 09:30")


def test_the_next_nag_is_never_promised_for_a_weeks_last_working_day() -> None:
    """Monday the 28th is worked, the rest of its week is not: the nag of Thursday waits for the Monday after."""
    calendar = a_calendar("2027-06-29", "2027-06-30", "2027-07-01", "2027-07-02")
    decision = decided("2027-06-25 10:00", calendar=calendar)
    assert (decision.reason, decision.next_at) == (Reason.DAY_OFF, copenhagen("2027-07-05 09:30"))


def test_where_no_nag_fits_before_the_giving_up_the_one_reminder_is_still_expected() -> None:
    policy = a_policy(steps={"give_up_after_days": 4, "overdue_working_days": (7,)})
    decision = decided("2027-06-24 10:00", policy=policy)
    assert (decision.reason, decision.next_at) == (Reason.NOT_DUE_YET, copenhagen("2027-06-28 09:30"))


def test_the_one_reminder_may_be_expected_on_a_last_workday_where_the_policy_says_so() -> None:
    steps = {"give_up_after_days": 1, "overdue_working_days": (7,), "nag_on_last_workday": True}
    row = an_assignment("2027-06-16")
    waiting = decided("2027-06-17 10:00", row=row, policy=a_policy(steps=steps))
    assert (waiting.reason, waiting.next_at) == (Reason.NOT_DUE_YET, copenhagen("2027-06-18 09:30"))
    assert decided("2027-06-18 10:00", row=row, policy=a_policy(steps=steps)).reason is Reason.SEND


# ── days off and hours ───────────────────────────────────────────────────────────────────────────────────────────

DAYS = [
    pytest.param("2027-06-19 10:00", "2027-06-20", MON_TO_FRI, "day_off", "", id="a Saturday"),
    pytest.param("2027-06-18 10:00", "2027-06-20", MON_TO_FRI, "send", "", id="a last warning on a Friday"),
    pytest.param("2027-06-18 10:00", "2027-06-16", MON_TO_FRI, "day_off", "last_workday", id="a nag on a Friday"),
    pytest.param("2027-06-17 10:00", "2027-06-15", SUN_TO_THU, "day_off", "last_workday", id="on a Saudi Thursday"),
    pytest.param("2027-06-18 10:00", "2027-06-18", SUN_TO_THU, "day_off", "", id="a Saudi Friday"),
    pytest.param("2027-06-20 10:00", "2027-06-16", SUN_TO_THU, "send", "", id="a nag on a Saudi Sunday"),
    pytest.param("2027-03-26 10:00", "2027-03-26", DENMARK, "day_off", "", id="Good Friday"),
    pytest.param("2027-03-24 10:00", "2027-03-22", DENMARK, "day_off", "last_workday", id="the Wednesday before"),
]


@pytest.mark.parametrize(("now", "deadline", "calendar", "reason", "detail"), DAYS)
def test_never_on_a_day_off_nor_a_nag_on_a_last_workday(
    now: str, deadline: str, calendar: WorkCalendar, reason: str, detail: str
) -> None:
    assert explained(decided(now, row=an_assignment(deadline), calendar=calendar)) == (reason, detail)


HOURS = [
    ("2027-06-16 09:29", "outside_hours"),
    ("2027-06-16 09:30", "send"),
    ("2027-06-16 16:59", "send"),
    ("2027-06-16 17:00", "outside_hours"),
]


@pytest.mark.parametrize("zone", ["Europe/Copenhagen", "America/St_Johns", "Asia/Kathmandu", "Pacific/Kiritimati"])
@pytest.mark.parametrize(("now", "reason"), HOURS)
def test_sent_from_0930_to_1700_of_the_persons_local_day(now: str, reason: str, zone: str) -> None:
    assert decided(now, zone=zone).reason.value == reason


# ── last warning ─────────────────────────────────────────────────────────────────────────────────────────────────

LAST_WARNINGS = [
    pytest.param("2027-06-23", "2027-06-23 10:00", "send", True, id="the due day"),
    pytest.param("2027-06-23", "2027-06-22 10:00", "send", False, id="not the day before it"),
    pytest.param("2027-06-27", "2027-06-25 10:00", "send", True, id="the Friday to which it was moved"),
    pytest.param("2027-06-27", "2027-06-26 10:00", "day_off", False, id="not the days off after it"),
    pytest.param("2027-06-23", "2027-06-24 10:00", "send", False, id="not a nag"),
]


@pytest.mark.parametrize(("deadline", "now", "reason", "last"), LAST_WARNINGS)
def test_the_last_warning_is_the_due_step_on_the_day_it_was_moved_to(
    deadline: str, now: str, reason: str, last: bool
) -> None:
    decision = decided(now, row=an_assignment(deadline))
    assert (decision.reason.value, decision.last_warning) == (reason, last)


# ── away ─────────────────────────────────────────────────────────────────────────────────────────────────────────

NO_END = away(since="2027-06-14 10:00")
BEFORE_7, DUE_SAID = said("before-7", "2027-06-16"), said("due", "2027-06-23")


def gone_until(until: str) -> Absence:
    return away(since="2027-06-14 10:00", until=until)


AWAY = [
    pytest.param("2027-06-16 10:00", gone_until("2027-06-18 12:00"), (), "away", id="wait for the return"),
    pytest.param("2027-06-18 12:00", gone_until("2027-06-18 12:00"), (), "send", id="returned at that very minute"),
    pytest.param("2027-06-18 11:59", gone_until("2027-06-18 12:00"), (), "away", id="not a minute earlier"),
    pytest.param(
        "2027-06-16 10:00",
        gone_until("2027-06-23 09:30"),
        (),
        "away",
        id="back at the start of the last warning's hours: not inside",
    ),
    pytest.param(
        "2027-06-16 10:00",
        gone_until("2027-06-23 09:31"),
        (),
        "send",
        id="still away then: inside, the first step that falls due is sent at once",
    ),
    pytest.param("2027-06-21 10:00", gone_until("2027-07-01 09:00"), (BEFORE_7,), "away", id="the others wait"),
    pytest.param("2027-06-23 10:00", gone_until("2027-07-01 09:00"), (BEFORE_7,), "away", id="the last one too"),
    pytest.param(
        "2027-06-21 10:00",
        away(since="2027-06-01 10:00"),
        (BEFORE_7,),
        "away",
        id="no end: only nags stop waiting after 14 days",
    ),
    pytest.param(
        "2027-06-21 10:00",
        away(since="2027-06-17 10:00", until="2027-07-01 09:00"),
        (BEFORE_7,),
        "send",
        id="what was said before the absence was seen is not its one DM",
    ),
    pytest.param(
        "2027-06-21 10:00",
        away(since="2027-06-16 12:00", until="2027-07-01 09:00"),
        (BEFORE_7,),
        "away",
        id="what was said on the day the absence was seen is",
    ),
    pytest.param("2027-06-16 10:00", NO_END, (), "send", id="no end: inside every deadline"),
    pytest.param("2027-06-21 10:00", NO_END, (BEFORE_7,), "away", id="no end: one DM for each"),
    pytest.param(
        "2027-06-21 10:00",
        NO_END,
        (said("before-7", "2027-06-16", deadline="2027-06-25"),),
        "send",
        id="no end: one about another deadline is not this one's",
    ),
    pytest.param("2027-06-28 10:00", gone_until("2027-07-01 09:00"), (DUE_SAID,), "away", id="nags wait as well"),
    pytest.param("2027-06-28 10:00", gone_until("2027-07-01 09:00"), (), "away", id="even where nothing was said"),
    pytest.param("2027-06-28 10:00", NO_END, (DUE_SAID,), "send", id="no end: nags wait 14 days and no longer"),
    pytest.param("2027-06-24 10:00", NO_END, (DUE_SAID,), "away", id="no end: nags wait within the 14 days"),
    pytest.param(
        "2027-06-28 10:00", away(since="2027-06-15 10:00"), (DUE_SAID,), "away", id="no end: 13 days are not 14"
    ),
    pytest.param(
        "2027-06-29 10:00",
        away(since="2027-06-10 10:00", until="2027-07-01 09:00"),
        (DUE_SAID,),
        "away",
        id="a status with an end: nags wait for it, however long",
    ),
]


@pytest.mark.parametrize(("now", "absence", "history", "reason"), AWAY)
def test_away(now: str, absence: Absence, history: Sequence[Said], reason: str) -> None:
    assert decided(now, *history, absence=absence).reason.value == reason


def test_inside_or_not_is_told_by_the_day_to_which_the_last_warning_was_moved() -> None:
    """Due on Sunday the 27th, warned on Friday the 25th: back on Friday at noon is too late, on Friday at 9 is not."""
    row, now = an_assignment("2027-06-27"), "2027-06-18 10:00"
    assert decided(now, row=row, absence=gone_until("2027-06-25 12:00")).reason is Reason.SEND
    assert decided(now, row=row, absence=gone_until("2027-06-25 09:00")).reason is Reason.AWAY


def test_how_long_a_nag_waits_for_somebody_without_a_return_is_a_setting() -> None:
    policy = a_policy(away={"nag_wait_days": 10})
    assert decided("2027-06-24 10:00", DUE_SAID, absence=NO_END, policy=policy).reason is Reason.SEND


# ── snooze, gap ──────────────────────────────────────────────────────────────────────────────────────────────────

SNOOZES = [
    pytest.param("2027-06-21 10:00", "2027-06-22", "snoozed", id="the day before it ends"),
    pytest.param("2027-06-22 10:00", "2027-06-22", "send", id="the day it ends"),
    pytest.param("2027-06-23 10:00", "2027-06-30", "send", id="a snooze never covers a last warning"),
    pytest.param("2027-06-24 10:00", "2027-06-30", "snoozed", id="but a nag"),
]


@pytest.mark.parametrize(("now", "until", "reason"), SNOOZES)
def test_snooze(now: str, until: str, reason: str) -> None:
    assert decided(now, snoozed_until_on=on(until)).reason.value == reason


GAPS = [
    pytest.param("2027-06-28 10:00", [said("overdue-1", "2027-06-27")], "capped", id="1 day after the last"),
    pytest.param("2027-06-28 10:00", [said("overdue-1", "2027-06-26")], "send", id="2 days after the last"),
    pytest.param("2027-06-24 10:00", [said("due", "2027-06-23")], "send", id="the due step is no nag"),
    pytest.param(
        "2027-06-28 10:00",
        [said("overdue-1", "2027-06-27", course_id=1, deadline="2027-06-22")],
        "send",
        id="a nag about an earlier deadline: a moved one earns fresh reminders",
    ),
]


@pytest.mark.parametrize(("now", "history", "reason"), GAPS)
def test_two_nags_of_one_assignment_are_at_least_2_days_apart(now: str, history: list[Said], reason: str) -> None:
    found = decided(now, *history)
    assert explained(found) == (reason, "gap" if reason == "capped" else "")


def test_the_gap_counts_from_the_newest_nag() -> None:
    history = [said("overdue-1", "2027-06-24"), said("overdue-3", "2027-07-04")]
    assert decided("2027-07-05 10:00", *history).reason is Reason.CAPPED
    assert decided("2027-07-05 10:00", *reversed(history)).reason is Reason.CAPPED


def test_no_gap_where_the_policy_wants_none() -> None:
    policy = a_policy(steps={"overdue_min_gap_days": 0})
    assert decided("2027-06-28 10:00", said("overdue-1", "2027-06-28"), policy=policy).reason is Reason.SEND


# ── assigned when the deadline was past ──────────────────────────────────────────────────────────────────────────

REPROACHES = [
    pytest.param("2027-06-23 12:00", False, id="assigned on the deadline"),
    pytest.param("2027-06-24 12:00", True, id="assigned the day after"),
    pytest.param(None, False, id="assigned nobody knows when"),
]


@pytest.mark.parametrize(("assigned", "free"), REPROACHES)
def test_the_text_does_not_reproach_where_the_deadline_was_past_when_assigned(assigned: str | None, free: bool) -> None:
    assert decided("2027-06-28 10:00", row=an_assignment(assigned=assigned)).reproach_free is free


def test_where_it_was_past_the_overdue_steps_count_from_the_day_of_assignment() -> None:
    row = an_assignment("2027-06-01", assigned="2027-06-14 12:00")
    decision = decided("2027-06-14 13:00", row=row)
    assert (decision.reason, decision.next_step, decision.next_on) == (
        Reason.NOT_DUE_YET,
        Step("overdue", 1),
        on("2027-06-15"),
    )


# ── which row, which cycle ───────────────────────────────────────────────────────────────────────────────────────

EARLY, LATER = an_assignment("2027-06-23", assigned="2027-05-01 10:00"), an_assignment("2027-06-25")
ROWS = [
    pytest.param([EARLY, EARLY], [EARLY], id="identical rows count once"),
    pytest.param([OLDER, NEWER], [NEWER, OLDER], id="the one assigned last governs"),
    pytest.param([NEWER, OLDER], [NEWER, OLDER], id="in whatever order they come"),
    pytest.param([LATER, EARLY], [EARLY, LATER], id="one without a day of assignment is the oldest"),
    pytest.param([an_assignment(), LATER], [LATER, an_assignment()], id="then the later deadline"),
    pytest.param(
        [replace(NEWER, deadline_on=on("2027-06-01")), OLDER],
        [replace(NEWER, deadline_on=on("2027-06-01")), OLDER],
        id="the day of assignment before the later deadline",
    ),
    pytest.param([an_assignment(None), an_assignment()], [an_assignment(), an_assignment(None)], id="none is earliest"),
    pytest.param(
        [an_assignment(), an_assignment(status=Status.COMPLETED)],
        [an_assignment(status=Status.COMPLETED), an_assignment()],
        id="of two that differ in neither, the completed one",
    ),
]


@pytest.mark.parametrize(("rows", "expected"), ROWS)
def test_which_row_governs(rows: list[Assignment], expected: list[Assignment]) -> None:
    assert list(governing_first(rows)) == expected


def test_the_older_open_rows_are_superseded_the_completed_ones_completed() -> None:
    day = a_day("2027-06-16 10:00")
    done = replace(OLDER, status=Status.COMPLETED)
    assert reasons(a_plan(day, OLDER, NEWER)) == ["send", "superseded"]
    assert reasons(a_plan(day, done, NEWER)) == ["send", "completed"]
    assert reasons(a_plan(day, OLDER, replace(NEWER, status=Status.COMPLETED))) == ["completed", "superseded"]


MOVED = [
    pytest.param(an_assignment("2027-06-23"), Reason.ALREADY_SENT, id="the same deadline: said"),
    pytest.param(an_assignment("2027-06-18"), Reason.SEND, id="a changed deadline earns fresh reminders"),
    pytest.param(
        an_assignment("2027-06-23", assigned="2027-06-16 08:00"),
        Reason.ALREADY_SENT,
        id="a rewritten assigned_at earns none",
    ),
    pytest.param(
        an_assignment("2027-06-23", renewal_at=copenhagen("2028-06-23 00:00")),
        Reason.ALREADY_SENT,
        id="a rewritten renewal_at earns none",
    ),
]


@pytest.mark.parametrize(("row", "reason"), MOVED)
def test_identity_is_person_course_deadline_step(row: Assignment, reason: Reason) -> None:
    assert decided("2027-06-16 15:00", said("before-7", "2027-06-16"), row=row).reason is reason


ALL_SAID = tuple(
    said(step, day, deadline="2027-06-16")
    for step, day in (
        ("due", "2027-06-16"),
        ("overdue-1", "2027-06-17"),
        ("overdue-3", "2027-06-21"),
        ("overdue-7", "2027-06-28"),
        ("overdue-12", "2027-07-05"),
        ("overdue-17", "2027-07-12"),
    )
)


def test_a_rewritten_assigned_at_earns_no_nag_after_the_giving_up() -> None:
    """Due on 16 June, nagged as far as overdue-17. Rewritten on Monday 2 August, an overdue-22 would fit again."""
    row = an_assignment("2027-06-16", assigned="2027-08-02 08:00")
    assert decided("2027-08-02 10:00", *ALL_SAID, row=row).reason is Reason.GAVE_UP
    assert decided("2027-09-01 10:00", *ALL_SAID, row=row).reason is Reason.GAVE_UP


def test_an_lms_that_rewrites_assigned_at_every_night_silences_no_nag() -> None:
    row = an_assignment("2027-06-16", assigned="2027-06-21 03:00")
    decision = decided("2027-06-21 10:00", *ALL_SAID[:2], row=row)
    assert (decision.reason, decision.step) == (Reason.SEND, Step("overdue", 3))
    assert not decision.reproach_free


def test_a_rewritten_assigned_at_brings_no_reproach() -> None:
    """Due on 14 June, assigned on the 23rd, nagged on the 24th; rewritten on the 28th. It was past when assigned."""
    row = an_assignment("2027-06-14", assigned="2027-06-28 03:00")
    assert decided("2027-06-28 10:00", said("overdue-1", "2027-06-24", deadline="2027-06-14"), row=row).reproach_free


# ── extremes ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.timeout(2)
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
@pytest.mark.parametrize("deadline", ["0001-01-01", "9999-12-31"])
def test_extreme_deadlines_are_decided_like_any_other(deadline: str, zone: str) -> None:
    absences = (None, NO_END, gone_until("2027-07-01 09:00"))
    for absence in absences:
        decision = decided(row=an_assignment(deadline), zone=zone, absence=absence)
        assert decision.reason in (Reason.GAVE_UP, Reason.NOT_DUE_YET)


def test_a_week_without_working_days_is_one_long_day_off() -> None:
    assert decided(calendar=a_calendar(weekend=range(7))).reason is Reason.DAY_OFF
