"""policy.md, "One DM a person a day": the cap, what a DM takes along, its order; and whole stretches as pictures.

A picture has a line a week, Monday to Sunday; see `drawn_passes`. In June 2027 the 14th is a Monday.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from bot.deadlines.model import DUE, Assignment, Exemption, Notice, Person, Reason, Reminder, Said, Status, Step
from bot.deadlines.plan import Plan, reached
from tests.builders import (
    DENMARK,
    SUN_TO_THU,
    a_course,
    a_day,
    a_person,
    a_plan,
    a_policy,
    an_assignment,
    away,
    copenhagen,
    drawn_passes,
    on,
    picture,
    said,
    said_in,
)

EVERY_HOUR = [f"{hour:02}:30" for hour in range(24)]


def explained(found: Plan) -> dict[int, str]:
    return {course_id: f"{d.reason} {d.detail}".strip() for course_id, d in found.by_course()}


def next_at(found: Plan) -> datetime | None:
    return found.decisions[0].next_at


def drawn(notice: Notice | None) -> str:
    return "+".join(f"{r.course_id}:{r.step.name}" for r in notice.reminders) if notice else "."


# ── a course's whole life ────────────────────────────────────────────────────────────────────────────────────────


def test_a_course_nobody_takes_from_a_week_before_to_the_giving_up() -> None:
    assert drawn_passes("2027-06-14", "2027-08-01", an_assignment("2027-06-23"), at=EVERY_HOUR) == picture("""
        14-Jun: .           .         before-7  .          .  .  .
        21-Jun: before-2    .         due       overdue-1  .  .  .
        28-Jun: overdue-3   .         .         .          .  .  .
        05-Jul: overdue-7   .         .         .          .  .  .
        12-Jul: overdue-12  .         .         .          .  .  .
        19-Jul: overdue-17  .         .         .          .  .  .
        26-Jul: .           .         .         .          .  .  .
    """)


def test_a_long_course_over_a_danish_easter() -> None:
    """Due on Easter Monday: the 2-day and the due step both move to the Wednesday before, and one DM says it."""
    found = drawn_passes(
        "2027-03-15",
        "2027-05-02",
        an_assignment("2027-03-29"),
        calendar=DENMARK,
        courses=[a_course(expected_minutes=60)],
    )
    assert found == picture("""
        15-Mar: before-14   .          .           .          .  .  .
        22-Mar: before-7    .          due         .          .  .  .
        29-Mar: .           overdue-1  .           overdue-3  .  .  .
        05-Apr: .           .          overdue-7   .          .  .  .
        12-Apr: .           .          overdue-12  .          .  .  .
        19-Apr: .           .          overdue-17  .          .  .  .
        26-Apr: .           .          overdue-22  .          .  .  .
    """)


def test_a_course_due_on_a_friday_in_saudi_arabia() -> None:
    """Fridays and Saturdays are off; overdue-3 waits from Tuesday to Wednesday, being the fourth DM in 7 days."""
    person = a_person(zone="Asia/Riyadh")
    found = drawn_passes("2027-06-14", "2027-07-11", an_assignment("2027-06-25"), calendar=SUN_TO_THU, person=person)
    assert found == picture("""
        14-Jun: .          .          .         before-7  .  .  .
        21-Jun: .          .          before-2  due       .  .  overdue-1
        28-Jun: .          .          overdue-3 .         .  .  .
        05-Jul: overdue-7  .          .         .         .  .  .
    """)


def test_a_late_pass_sends_the_most_urgent_step_once() -> None:
    down = [f"2027-06-{day}" for day in range(16, 23)]
    found = drawn_passes("2027-06-14", "2027-06-25", an_assignment("2027-06-23"), outage=down, at=EVERY_HOUR)
    assert found == picture("""
        14-Jun: .  .  .    .          .  .  .
        21-Jun: .  .  due  overdue-1  .  -  -
    """)


def test_a_first_run_says_what_is_open_once_and_then_goes_on() -> None:
    """First run on Wednesday 16 June: one course is due in June, one overdue, one overdue for 4 months."""
    rows = [
        an_assignment("2027-06-18", course_id=1),
        an_assignment("2027-06-14", course_id=2),
        an_assignment("2027-02-12", course_id=3),
    ]
    found = drawn_passes("2027-06-16", "2027-06-27", *rows)
    assert found == picture("""
        14-Jun: -  -  ladder:overdue-17+gdpr:overdue-1+fire:before-2  .                           fire:due  .  .
        21-Jun: gdpr:overdue-3+fire:overdue-1    .  gdpr:overdue-7+fire:overdue-3  .  .  .  .
    """)


def test_a_nag_that_falls_within_the_gap_waits_for_the_first_allowed_day() -> None:
    """Due on Thursday: +1 moves from Friday to Monday, +3 is Tuesday and waits for Wednesday."""
    assert drawn_passes("2027-06-17", "2027-06-25", an_assignment("2027-06-17")) == picture("""
        14-Jun: -          -  -          due  .  .  .
        21-Jun: overdue-1  .  overdue-3  .    .  -  -
    """)


def test_assigned_when_past_the_nags_count_from_the_assignment() -> None:
    row = an_assignment("2027-05-01", assigned="2027-06-14 12:00")
    assert drawn_passes("2027-06-14", "2027-07-18", row) == picture("""
        14-Jun: .  overdue-1  .           overdue-3  .  .  .
        21-Jun: .  .          overdue-7   .          .  .  .
        28-Jun: .  .          overdue-12  .          .  .  .
        05-Jul: .  .          overdue-17  .          .  .  .
        12-Jul: .  .          overdue-22  .          .  .  .
    """)


def test_a_snooze_covers_all_but_the_last_warning() -> None:
    person = a_person(snoozed_until_on=on("2027-06-28"))
    found = drawn_passes("2027-06-14", "2027-07-02", an_assignment("2027-06-23"), person=person)
    assert found == picture("""
        14-Jun: .          .  .    .  .  .  .
        21-Jun: .          .  due  .  .  .  .
        28-Jun: overdue-3  .  .    .  .  -  -
    """)


def gone(since: str, until: str | None, *, back_on: str | None = None) -> Any:
    """Somebody whose status says so from that day on, and no longer once they are back."""
    absence = away(since=f"{since} 10:00", until=f"{until} 09:00" if until else None)

    def person(day: date) -> Person:
        seen = on(since) <= day and (back_on is None or day < on(back_on))
        return a_person(absence=absence if seen else None)

    return person


def test_away_across_the_deadline_the_first_step_goes_at_once_the_others_wait() -> None:
    found = drawn_passes(
        "2027-06-14", "2027-07-09", an_assignment("2027-06-23"), person=gone("2027-06-15", "2027-07-01")
    )
    assert found == picture("""
        14-Jun: .          .  before-7  .          .  .  .
        21-Jun: .          .  .         .          .  .  .
        28-Jun: .          .  .         overdue-3  .  .  .
        05-Jul: overdue-7  .  .         .          .  -  -
    """)


def test_away_but_back_in_time_everything_waits_for_the_return() -> None:
    found = drawn_passes(
        "2027-06-14", "2027-06-27", an_assignment("2027-06-23"), person=gone("2027-06-15", "2027-06-22")
    )
    assert found == picture("""
        14-Jun: .  .         .    .          .  .  .
        21-Jun: .  before-2  due  overdue-1  .  .  .
    """)


def test_away_without_an_end_one_dm_for_each_deadline_and_nags_after_14_days() -> None:
    rows = [an_assignment("2027-06-23", course_id=1), an_assignment("2027-06-25", course_id=2)]
    found = drawn_passes("2027-06-14", "2027-07-02", *rows, person=gone("2027-06-15", None))
    assert found == picture(
        """
        14-Jun: .  .                                .  fire:before-7  gdpr:before-7  .  .
        21-Jun: .  .                                .  .              .              .  .
        28-Jun: .  fire:overdue-3+gdpr:overdue-1    .  gdpr:overdue-3 .              -  -
    """.replace(".  fire:before-7  gdpr:before-7", "fire:before-7  .  gdpr:before-7")
    )


# ── clocks that spring and fall ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("deadline", ["2027-03-28", "2027-10-31"], ids=["spring forward", "fall back"])
def test_a_day_on_which_the_clock_changes_sends_once(deadline: str) -> None:
    """Both are Sundays: worked where Friday and Saturday are off."""
    found = drawn_passes(deadline, deadline, an_assignment(deadline), at=EVERY_HOUR, calendar=SUN_TO_THU)
    assert found.endswith(": - - - - - - due")


def test_hours_that_come_twice_send_once() -> None:
    policy, row = a_policy(hours={"start": time(2)}), an_assignment("2027-10-31")
    first = a_plan(a_day("2027-10-31 02:30", policy=policy, calendar=SUN_TO_THU, fold=0), row)
    assert drawn(first.notice) == "1:due"
    again = a_day("2027-10-31 02:30", policy=policy, calendar=SUN_TO_THU, fold=1)
    assert again.now == copenhagen("2027-10-31 02:30") + timedelta(hours=1)
    assert a_plan(again, row, history=said_in(first.notice)).notice is None


# ── one DM a day ─────────────────────────────────────────────────────────────────────────────────────────────────

TODAY = said("due", "2027-06-16", course_id=9, deadline="2027-06-16")


def test_a_course_that_appears_after_that_days_dm_waits_for_the_next_day() -> None:
    found = a_plan(a_day("2027-06-16 15:00"), an_assignment(), history=[TODAY])
    assert explained(found) == {1: "capped today"}
    assert next_at(found) == copenhagen("2027-06-17 09:30")
    assert found.notice is None


def test_a_zone_that_moved_back_a_day_brings_no_second_dm() -> None:
    """The DM went on Kiritimati's 17th; a moment later they are in Honolulu, where it is still the 16th."""
    history = [said("due", "2027-06-17", course_id=9)]
    day = a_day("2027-06-16 10:00", person=a_person(zone="Pacific/Honolulu"))
    assert explained(a_plan(day, an_assignment(), history=history)) == {1: "capped today"}


def test_what_waits_on_a_thursday_waits_for_friday() -> None:
    history = [said("due", "2027-06-17", course_id=9)]
    found = a_plan(a_day("2027-06-17 15:00"), an_assignment("2027-06-24"), history=history)
    assert (explained(found), next_at(found)) == ({1: "capped today"}, copenhagen("2027-06-18 09:30"))


def test_even_a_last_warning_is_no_second_dm() -> None:
    row = an_assignment("2027-06-16")
    assert explained(a_plan(a_day("2027-06-16 15:00"), row, history=[TODAY])) == {1: "capped today"}


def test_what_waits_over_a_weekend_waits_for_monday() -> None:
    history = [said("due", "2027-06-18", course_id=9)]
    found = a_plan(a_day("2027-06-18 15:00"), an_assignment("2027-06-20"), history=history)
    assert next_at(found) == copenhagen("2027-06-21 09:30")


def test_a_dm_names_the_courses_that_go_out_the_earliest_deadline_first() -> None:
    rows = [
        an_assignment("2027-06-23", course_id=5),
        an_assignment("2027-06-18", course_id=7),
        an_assignment("2027-06-18", course_id=6),
        an_assignment("2027-06-18", course_id=2, status=Status.COMPLETED),
        an_assignment("2027-12-01", course_id=3),
    ]
    found = a_plan(a_day("2027-06-16 10:00"), *rows)
    assert found.notice == Notice(
        person_id=1,
        slack_id="U1",
        local_on=on("2027-06-16"),
        reminders=(
            Reminder(
                course_id=6, step=Step("before", 2), deadline_on=on("2027-06-18"), passed_over=(Step("before", 7),)
            ),
            Reminder(
                course_id=7, step=Step("before", 2), deadline_on=on("2027-06-18"), passed_over=(Step("before", 7),)
            ),
            Reminder(course_id=5, step=Step("before", 7), deadline_on=on("2027-06-23")),
        ),
    )


def test_a_dm_knows_which_course_was_past_when_assigned() -> None:
    row = an_assignment("2027-05-01", assigned="2027-06-15 12:00")
    notice = a_plan(a_day("2027-06-16 10:00"), row).notice
    assert notice is not None
    assert [r.reproach_free for r in notice.reminders] == [True]


def test_only_the_governing_row_is_in_the_dm() -> None:
    rows = [
        an_assignment("2027-06-16", assigned="2027-05-01 10:00"),
        an_assignment("2027-06-23", assigned="2027-05-02 10:00"),
    ]
    found = a_plan(a_day("2027-06-16 10:00"), *rows)
    assert [d.reason for d in found.decisions] == [Reason.SEND, Reason.SUPERSEDED]
    assert drawn(found.notice) == "1:before-7"


def test_identical_rows_have_one_decision() -> None:
    assert len(a_plan(a_day(), an_assignment(), an_assignment()).decisions) == 1


def test_nobody_with_nothing_hears_nothing() -> None:
    found = a_plan(a_day())
    assert (found.decisions, found.notice) == ((), None)


# ── at most 3 reminders in 7 days ────────────────────────────────────────────────────────────────────────────────

FIRE = an_assignment("2027-06-16", course_id=1, assigned="2027-06-14 08:00")
GDPR = an_assignment("2027-06-17", course_id=2, assigned="2027-06-15 08:00")
LADDER = an_assignment("2027-06-17", course_id=3, assigned="2027-06-16 20:00")


def test_a_fourth_dm_in_7_days_waits() -> None:
    """On Thursday the 17th gdpr is due, but was named on Tuesday, and fire is overdue: both wait; no nags on Friday."""
    assert drawn_passes("2027-06-14", "2027-06-24", FIRE, GDPR) == picture("""
        14-Jun: fire:before-2                  gdpr:before-2  fire:due                       .  .  .  .
        21-Jun: fire:overdue-3+gdpr:overdue-1  .              gdpr:overdue-3                 .  -  -  -
    """)


def test_the_last_warning_is_never_capped_and_its_dm_carries_all_else_that_waits() -> None:
    """Ladder was assigned on Wednesday evening and is due on Thursday: it was never named to them."""
    assert drawn_passes("2027-06-14", "2027-06-20", FIRE, GDPR, LADDER) == picture("""
        14-Jun: fire:before-2  gdpr:before-2  fire:due  fire:overdue-1+gdpr:due+ladder:due  .  .  .
    """)


def dms_on(*days: str, course_id: int = 9) -> list[Said]:
    return [said("due", day, course_id=course_id, deadline="2027-06-01") for day in days]


CAPS = [
    pytest.param(dms_on("2027-06-14", "2027-06-15"), {}, "send", id="two before: the third goes"),
    pytest.param(dms_on("2027-06-11", "2027-06-14", "2027-06-15"), {}, "capped week", id="three in today and six days"),
    pytest.param(dms_on("2027-06-10", "2027-06-11", "2027-06-14"), {}, "capped week", id="the sixth day before counts"),
    pytest.param(dms_on("2027-06-09", "2027-06-11", "2027-06-14"), {}, "send", id="the seventh day before does not"),
    pytest.param(
        [*dms_on("2027-06-14"), *dms_on("2027-06-14", course_id=8), *dms_on("2027-06-14", course_id=7)],
        {},
        "send",
        id="one DM with three courses is one",
    ),
    pytest.param(dms_on("2027-06-14"), {"reminders_in_7_days": 1}, "capped week", id="a cap of 1"),
    pytest.param(
        dms_on("2027-06-10", "2027-06-11", "2027-06-14", "2027-06-15"),
        {"reminders_in_7_days": 0},
        "send",
        id="0: no cap",
    ),
]


@pytest.mark.parametrize(("history", "caps", "expected"), CAPS)
def test_at_most_3_reminders_in_7_days(history: list[Said], caps: dict[str, int], expected: str) -> None:
    day = a_day("2027-06-16 10:00", policy=a_policy(caps=caps))
    assert explained(a_plan(day, an_assignment(), history=history)) == {1: expected}


def test_what_the_cap_holds_back_is_looked_at_again_the_next_working_day() -> None:
    history = dms_on("2027-06-14", "2027-06-15", "2027-06-16")
    found = a_plan(a_day("2027-06-18 10:00"), an_assignment("2027-06-25"), history=history)
    assert next_at(found) == copenhagen("2027-06-21 09:30")


OTHERS = dms_on("2027-06-15", "2027-06-16")
WARNINGS = [
    pytest.param([*dms_on("2027-06-14"), *OTHERS], {}, "send", id="never named: not capped"),
    pytest.param([*dms_on("2027-06-13", course_id=1), *OTHERS], {}, "send", id="named 4 days ago: not capped"),
    pytest.param([*dms_on("2027-06-14", course_id=1), *OTHERS], {}, "capped week", id="named 3 days ago: capped"),
    pytest.param(
        [*dms_on("2027-06-11", "2027-06-14", course_id=1), *OTHERS],
        {},
        "capped week",
        id="named often, last 3 days ago",
    ),
    pytest.param(
        [*dms_on("2027-06-14", course_id=1), *OTHERS],
        {"warned_days": 2},
        "send",
        id="3 days ago, where 2 are the limit",
    ),
]


@pytest.mark.parametrize(("history", "caps", "expected"), WARNINGS)
def test_the_last_warning_is_capped_only_where_the_course_was_named_in_the_last_3_days(
    history: list[Said], caps: dict[str, int], expected: str
) -> None:
    day = a_day("2027-06-17 10:00", policy=a_policy(caps=caps))
    assert explained(a_plan(day, an_assignment("2027-06-17"), history=history)) == {1: expected}


def test_a_due_step_whose_day_is_over_is_no_last_warning() -> None:
    """Due on Saturday, which is worked now though it was not when the step was moved to Friday: capped like any."""
    history = dms_on("2027-06-14", "2027-06-15", "2027-06-16")
    found = a_plan(a_day("2027-06-16 10:00"), an_assignment("2027-06-18"), history=history[:2])
    assert explained(found) == {1: "send"}
    early = a_plan(a_day("2027-06-17 10:00"), an_assignment("2027-06-18"), history=history)
    assert explained(early) == {1: "capped week"}


def test_a_cap_changes_only_what_would_go() -> None:
    rows = [an_assignment(course_id=1), an_assignment("2027-12-01", course_id=2)]
    history = dms_on("2027-06-11", "2027-06-14", "2027-06-15")
    assert explained(a_plan(a_day("2027-06-16 10:00"), *rows, history=history)) == {1: "capped week", 2: "not_due_yet"}


# ── gathering ────────────────────────────────────────────────────────────────────────────────────────────────────

LONG = a_course(2, expected_minutes=90)


def second(deadline: str, **facts: Any) -> Assignment:
    return an_assignment(deadline, course_id=2, **facts)


def nagged(step: str, when: str, deadline: str = "2027-06-08") -> Said:
    return said(step, when, deadline=deadline, course_id=2)


# Today is Tuesday 15 June; course 1, due on Thursday, has its 2-day step today.
TAKEN_ALONG = [
    pytest.param(second("2027-06-23"), [], "before-7", id="the 7-day step of tomorrow"),
    pytest.param(second("2027-06-25"), [], "before-7", id="the 7-day step of the third day"),
    pytest.param(second("2027-06-28"), [], "", id="not the 7-day step of the sixth day"),
    pytest.param(second("2027-06-18", assigned="2027-06-14 10:00"), [], "", id="the 2-day step keeps its day"),
    pytest.param(second("2027-06-16", assigned="2027-06-15 09:00"), [], "", id="the due-day step keeps its day"),
    pytest.param(second("2027-06-08"), [nagged("overdue-3", "2027-06-10")], "overdue-7", id="Thursday's overdue step"),
    pytest.param(
        second("2027-06-08"), [nagged("overdue-3", "2027-06-13")], "overdue-7", id="2 days after the last nag"
    ),
    pytest.param(second("2027-06-08"), [nagged("overdue-3", "2027-06-14")], "", id="not within the gap of two nags"),
    pytest.param(
        second("2027-06-01", assigned="2027-06-15 08:00"),
        [],
        "overdue-1",
        id="the first overdue step of a course assigned today, when it was past",
    ),
    pytest.param(
        second("2027-06-15"),
        [nagged("due", "2027-06-13", "2027-06-15")],
        "",
        id="not the overdue step of a course that is not past its date",
    ),
]


@pytest.mark.parametrize(("other", "history", "step"), TAKEN_ALONG)
def test_what_a_dm_takes_along(other: Assignment, history: Sequence[Said], step: str) -> None:
    notice = a_plan(a_day("2027-06-15 10:00"), an_assignment("2027-06-17"), other, history=history).notice
    assert notice is not None
    assert [r.step.name for r in notice.reminders if r.course_id == 2] == [step] * bool(step)


@pytest.mark.parametrize(("deadline", "taken"), [("2027-07-02", True), ("2027-07-05", False)])
def test_the_14_day_step_is_taken_along_too(deadline: str, taken: bool) -> None:
    """It falls on Friday, the third day; or on Monday, the sixth."""
    found = a_plan(a_day("2027-06-15 10:00"), an_assignment("2027-06-17"), second(deadline), courses=[LONG])
    assert drawn(found.notice) == ("1:before-2+2:before-14" if taken else "1:before-2")


def test_the_third_day_is_the_last_that_is_gathered() -> None:
    row = an_assignment("2027-06-16")  # its 2-day step is on Monday the 14th
    assert drawn(a_plan(a_day("2027-06-14 10:00"), row, second("2027-06-24")).notice) == "1:before-2+2:before-7"
    assert drawn(a_plan(a_day("2027-06-14 10:00"), row, second("2027-06-25")).notice) == "1:before-2"


def test_no_reminder_is_taken_along_that_would_never_go() -> None:
    """Giving up a day after the deadline, and no one reminder after that: nothing is left to say about course 2."""
    policy = a_policy(steps={"give_up_after_days": 1, "first_reminder_within_days": 0, "overdue_working_days": (7,)})
    day, row = a_day("2027-06-16 10:00", policy=policy), second("2027-06-15")
    assert drawn(a_plan(day, an_assignment("2027-06-16"), row).notice) == "1:due"
    alone = a_plan(day, row).decisions[0]
    assert (alone.reason, alone.next_step, alone.next_at) == (Reason.NOT_DUE_YET, None, None)


def test_a_gathered_decision_says_which_step_and_when_it_would_have_fallen() -> None:
    found = a_plan(a_day("2027-06-15 10:00"), an_assignment("2027-06-17"), second("2027-06-25"))
    gathered = found.decisions[1]
    assert (gathered.reason, gathered.detail, gathered.step) == (Reason.SEND, "gathered", Step("before", 7))
    assert (gathered.step_on, gathered.next_at) == (on("2027-06-18"), copenhagen("2027-06-15 10:00"))


def test_a_gathered_step_records_the_dropped_one_as_superseded() -> None:
    """Monday the 14th: the late 14-day step is dropped, the 7-day step of Wednesday is taken along."""
    row, other = an_assignment("2027-06-16"), second("2027-06-23")
    notice = a_plan(a_day("2027-06-14 10:00"), row, other, courses=[LONG]).notice
    assert notice is not None
    gathered = notice.reminders[1]
    assert (gathered.step, gathered.passed_over) == (Step("before", 7), (Step("before", 14),))


def test_what_was_gathered_is_not_said_again() -> None:
    rows = [an_assignment("2027-06-17", course_id=1), an_assignment("2027-06-25", course_id=2)]
    assert drawn_passes("2027-06-15", "2027-06-25", *rows, at=EVERY_HOUR) == picture("""
        14-Jun: - fire:before-2+gdpr:before-7 .             fire:due .  .  .
        21-Jun: fire:overdue-1 .    fire:overdue-3+gdpr:before-2    .    gdpr:due  -  -
    """)


def test_nothing_is_taken_along_where_nothing_goes() -> None:
    assert a_plan(a_day("2027-06-15 10:00"), second("2027-06-25")).notice is None


LAST_WORKDAYS = [(False, "1:due+3:before-7"), (True, "2:overdue-3+1:due+3:before-7")]


@pytest.mark.parametrize(("allowed", "expected"), LAST_WORKDAYS, ids=["never", "save where the policy allows it"])
def test_no_overdue_step_is_taken_along_on_a_weeks_last_working_day(allowed: bool, expected: str) -> None:
    """Friday the 18th: a last warning goes; an overdue step falls on Monday, and so does a 7-day step."""
    day = a_day("2027-06-18 10:00", policy=a_policy(steps={"nag_on_last_workday": allowed}))
    rows = (an_assignment("2027-06-20"), second("2027-06-16"), an_assignment("2027-06-28", course_id=3))
    history = [nagged("overdue-1", "2027-06-16", "2027-06-16")]
    assert drawn(a_plan(day, *rows, history=history).notice) == expected


def test_none_is_taken_along_while_they_are_away() -> None:
    day = a_day("2027-06-15 10:00", person=a_person(absence=away(since="2027-06-14 10:00")))
    assert drawn(a_plan(day, an_assignment("2027-06-17"), second("2027-06-25")).notice) == "1:before-2"


SNOOZED = [
    pytest.param("2027-06-18", "1:due", id="while it lasts"),
    pytest.param("2027-06-17", "1:due+2:before-7", id="not on the day it ends"),
]


@pytest.mark.parametrize(("until", "expected"), SNOOZED)
def test_none_is_taken_along_under_a_snooze(until: str, expected: str) -> None:
    day = a_day("2027-06-17 10:00", person=a_person(snoozed_until_on=on(until)))
    assert drawn(a_plan(day, an_assignment("2027-06-17"), second("2027-06-25")).notice) == expected


@pytest.mark.parametrize(("days", "expected"), [(0, "1:before-2"), (2, "1:before-2"), (3, "1:before-2+2:before-7")])
def test_how_far_ahead_a_dm_gathers_is_a_setting(days: int, expected: str) -> None:
    day = a_day("2027-06-15 10:00", policy=a_policy(caps={"gather_days": days}))
    assert drawn(a_plan(day, an_assignment("2027-06-17"), second("2027-06-25")).notice) == expected


def test_a_course_that_must_not_be_reminded_is_not_taken_along() -> None:
    day = a_day("2027-06-15 10:00", person=a_person(exemptions=(Exemption(course_id=2),)))
    assert drawn(a_plan(day, an_assignment("2027-06-17"), second("2027-06-25")).notice) == "1:before-2"


# ── stale, frozen ────────────────────────────────────────────────────────────────────────────────────────────────

BOTH = (an_assignment("2027-06-17", course_id=1), an_assignment("2027-12-01", course_id=2))


def test_stale_data_sends_nothing_and_is_looked_at_again_soon() -> None:
    found = a_plan(a_day("2027-06-15 10:00"), *BOTH, fresh=False)
    assert explained(found) == {1: "stale", 2: "not_due_yet"}
    assert found.notice is None
    assert next_at(found) == copenhagen("2027-06-15 10:15")


def test_a_freeze_sends_nothing_and_loses_nothing() -> None:
    going = a_plan(a_day("2027-06-15 10:00"), *BOTH)
    frozen = going.frozen()
    assert explained(frozen) == {1: "frozen", 2: "not_due_yet"}
    assert frozen.notice is None
    assert [d.step for d in frozen.decisions] == [d.step for d in going.decisions] == [Step("before", 2), None]


def test_somebody_away_hears_the_last_warning_only_once() -> None:
    day = a_day("2027-06-17 10:00", person=a_person(absence=away(since="2027-06-14 10:00")))
    history = [said("before-2", "2027-06-15", deadline="2027-06-17")]
    found = a_plan(day, an_assignment("2027-06-17"), history=history)
    assert (found.decisions[0].reason, found.decisions[0].step) == (Reason.AWAY, DUE)


# ── DMs that were read back from Slack and whose courses nobody knows ────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("told_on", "expected"),
    [
        pytest.param(("2027-06-16",), "capped today", id="told today"),
        pytest.param(("2027-06-15",), "send", id="told yesterday"),
        pytest.param(("2027-06-11", "2027-06-14", "2027-06-15"), "capped week", id="the third in seven days"),
    ],
)
def test_a_dm_of_unknown_courses_counts_for_its_day_and_for_the_week(told_on: tuple[str, ...], expected: str) -> None:
    person = a_person(told_on=tuple(map(on, told_on)))
    assert explained(a_plan(a_day("2027-06-16 10:00", person=person), an_assignment())) == {1: expected}


def what_was_reached(day: str, *assignments: Assignment, history: Sequence[Said] = ()) -> list[tuple[int, str]]:
    found = reached(a_day(f"{day} 10:00"), assignments, history, a_course)
    return [(reminder.course_id, reminder.step.name) for reminder in found]


@pytest.mark.parametrize(
    ("day", "history", "expected"),
    [
        pytest.param("2027-06-11", (), [], id="no step yet"),
        pytest.param("2027-06-15", (), [(1, "before-7")], id="the step of tomorrow, which any DM takes along"),
        pytest.param("2027-06-16", (), [(1, "before-7")], id="on the first step's day"),
        pytest.param("2027-06-18", (), [(1, "before-7")], id="two days after it"),
        pytest.param("2027-06-20", (), [], id="so late that the next step comes instead"),
        pytest.param("2027-06-21", (), [(1, "before-2")], id="the latest alone"),
        pytest.param("2027-06-22", (said("before-2", "2027-06-21"),), [], id="not what an earlier one named"),
        pytest.param("2027-06-26", (), [(1, "overdue-1")], id="on a day off too: it was said, whatever the rules"),
    ],
)
def test_what_a_dm_of_that_day_can_have_named(
    day: str, history: tuple[Said, ...], expected: list[tuple[int, str]]
) -> None:
    assert what_was_reached(day, an_assignment(), history=history) == expected


def test_a_dm_can_not_have_named_what_has_no_deadline_or_is_superseded() -> None:
    older, newer = (an_assignment(assigned=f"2027-05-0{n} 10:00", course_id=2) for n in (1, 2))
    rows = (an_assignment(None), older, replace(newer, deadline_on=on("2027-06-16")))
    assert what_was_reached("2027-06-16", *rows) == [(2, "due")]
