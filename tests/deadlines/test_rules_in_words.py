"""policy.md, "Steps", "Days", "Late, and never twice", "One DM a person a day": each rule as rows of "given, then".

The words are tests/words.py's. A rule's arithmetic stands in tables of its own and is not repeated here: on which date
each step falls and where a course stands (test_steps.py), weeks and hours (test_calendar.py), the local day and which
courses are long (test_policy.py), countries' names and holidays (tests/jobs/test_calendars.py).
"""

from __future__ import annotations

import pytest

from tests.words import happens, table

pytestmark = pytest.mark.usefixtures("no_settings")

# ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@table(
    (
        "due Wednesday 23 June",
        "before-7 on Wednesday 16 June, before-2 on Monday 21 June, due on Wednesday 23 June, "
        "overdue-1 on Thursday 24 June, overdue-3 on Monday 28 June, overdue-7 on Monday 5 July, "
        "overdue-12 on Monday 12 July, overdue-17 on Monday 19 July",
    ),
    (
        "takes 60 minutes; due Sunday 20 June",
        "before-14 on Friday 4 June, before-7 on Friday 11 June, due on Friday 18 June, overdue-1 on Monday 21 June …",
    ),
    ("takes 59 minutes; due Sunday 20 June", "before-7 on Friday 11 June, due on Friday 18 June …"),
)
def test_a_course_nobody_takes_has_these_steps_and_no_other(given: str, then: str) -> None:
    assert happens(given, then) == then


@table(
    ("fire: before_days = [3, 0]; due Wednesday 23 June", "before-3 on Friday 18 June, due on Wednesday 23 June …"),
    (
        "fire: overdue_working_days = [2]; fire: overdue_then_every_working_days = 0; due Wednesday 23 June",
        "… due on Wednesday 23 June, overdue-2 on Monday 28 June",
    ),
    (
        "fire: before_days = [0]; fire: overdue_working_days = []; fire: overdue_then_every_working_days = 5; "
        "due Wednesday 23 June",
        "due on Wednesday 23 June, overdue-5 on Wednesday 30 June, overdue-10 on Wednesday 7 July, "
        "overdue-15 on Wednesday 14 July, overdue-20 on Wednesday 21 July",
    ),
    (
        "fire: give_up_after_days = 5; due Wednesday 23 June",
        "… overdue-1 on Thursday 24 June, overdue-3 on Monday 28 June",
    ),
    (
        "takes 20 minutes; fire: long_course_minutes = 20; fire: long_course_before_days = [10]; due Wednesday 23 June",
        "before-10 on Friday 11 June, before-7 on Wednesday 16 June …",
    ),
    ("fire: off = true; due Wednesday 23 June", "nothing"),
    (
        "fire: off = true; fire due Wednesday 23 June; gdpr due Wednesday 23 June",
        "gdpr before-7 on Wednesday 16 June, gdpr before-2 on Monday 21 June …",
    ),
)
def test_a_course_may_have_steps_of_its_own_or_none(given: str, then: str) -> None:
    assert happens(given, then) == then


# ── days ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@table(
    (
        "in DK; due Friday 25 June",
        "… before-2 on Wednesday 23 June, due on Friday 25 June, overdue-1 on Monday 28 June …",
    ),
    ("in Denmark; due Friday 26 March", "… due on Wednesday 24 March, overdue-1 on Tuesday 30 March …"),
    ("in SA; due Friday 25 June", "… due on Thursday 24 June, overdue-1 on Sunday 27 June …"),
    ("in Saudi Arabia; due Sunday 27 June", "… before-2 on Thursday 24 June, due on Sunday 27 June …"),
    ("in IL; due Friday 25 June", "… due on Thursday 24 June, overdue-1 on Sunday 27 June …"),
    ("in Israel; due Sunday 27 June", "… before-2 on Thursday 24 June, due on Sunday 27 June …"),
    ("in DE; due Wednesday 6 January", "… before-2 on Monday 4 January, due on Wednesday 6 January …"),
    (
        'subdivisions = { DE = "BY" }; in Germany; due Wednesday 6 January',
        "… before-2 on Monday 4 January, due on Tuesday 5 January, overdue-1 on Thursday 7 January …",
    ),
    ('subdivisions = { Germany = "BY" }; in Denmark; due Wednesday 6 January', "… due on Wednesday 6 January …"),
    ("in Atlantis; due Friday 26 March", "… due on Friday 26 March …"),
    (
        "in Atlantis; default country Denmark; due Friday 26 March",
        "… due on Wednesday 24 March, overdue-1 on Tuesday 30 March …",
    ),
    ('working_weekdays = ["mon", "tue", "wed", "thu"]; in SA; due Friday 25 June', "… due on Thursday 24 June …"),
)
def test_working_days_are_those_of_the_persons_country(given: str, then: str) -> None:
    assert happens(given, then) == then


@table(
    ("in Denmark; due Friday 24 December", "… due on Friday 24 December …"),
    ('days_off = ["12-24"]; in Denmark; due Friday 24 December', "… due on Thursday 23 December …"),
    ('days_off = ["12-24"]; in Denmark; due Monday 24 December 2029', "… due on Friday 21 December 2029 …"),
    ('days_off = ["2027-12-24"]; in Denmark; due Friday 24 December', "… due on Thursday 23 December …"),
    ('days_off = ["2027-12-24"]; in Denmark; due Monday 24 December 2029', "… due on Monday 24 December 2029 …"),
    ('days_off = ["2027-06-23"]; in Saudi Arabia; due Wednesday 23 June', "… due on Tuesday 22 June …"),
)
def test_days_off_are_everybodys_once_or_every_year(given: str, then: str) -> None:
    assert happens(given, then) == then


@table(
    ("due Tuesday 15 June; at Friday 18 June", "day_off last_workday"),
    ("due Thursday 17 June", "… due on Thursday 17 June, overdue-1 on Monday 21 June …"),
    ('days_off = ["2027-06-25"]; due Tuesday 22 June; at Thursday 24 June', "day_off last_workday"),
    ('days_off = ["2027-06-25"]; due Wednesday 23 June', "… due on Wednesday 23 June, overdue-1 on Monday 28 June …"),
    ("in Saudi Arabia; due Tuesday 15 June; at Thursday 17 June", "day_off last_workday"),
    ("in Saudi Arabia; due Wednesday 16 June", "… due on Wednesday 16 June, overdue-1 on Sunday 20 June …"),
    ("in Saudi Arabia; due Sunday 13 June; at Friday 18 June", "day_off"),
    ("due Friday 18 June; at Friday 18 June", "send due"),
    ("nag_on_last_workday = true; due Thursday 17 June; at Friday 18 June", "send overdue-1"),
)
def test_no_nag_on_a_weeks_last_working_day(given: str, then: str) -> None:
    assert happens(given, then) == then


@table(
    ("due Wednesday 23 June; at Wednesday 23 June 16:59", "send due"),
    ("due Wednesday 23 June; at Thursday 24 June 09:30", "send overdue-1"),
    (
        "due Wednesday 16 June, assigned Wednesday 16 June 09:00",
        "due on Wednesday 16 June, overdue-1 on Thursday 17 June …",
    ),
    ("due Wednesday 16 June, assigned Wednesday 16 June 18:00", "overdue-1 on Thursday 17 June …"),
    (
        "due Saturday 1 May, assigned Monday 14 June 12:00",
        "overdue-1 on Tuesday 15 June, overdue-3 on Thursday 17 June, overdue-7 on Wednesday 23 June, "
        "overdue-12 on Wednesday 30 June, overdue-17 on Wednesday 7 July, overdue-22 on Wednesday 14 July",
    ),
    ("due Saturday 1 May, assigned Monday 14 June 12:00; at Monday 14 June 16:00", "not_due_yet"),
)
def test_past_the_deadline_only_nags_and_from_a_late_assignment_they_are_counted_afresh(given: str, then: str) -> None:
    assert happens(given, then) == then


# ── late, and never twice ────────────────────────────────────────────────────────────────────────────────────────────


@table(
    (
        "no passes from Wednesday 16 June to Tuesday 22 June; due Wednesday 23 June",
        "due on Wednesday 23 June, overdue-1 on Thursday 24 June …",
    ),
    (
        "no passes from Wednesday 23 June to Tuesday 6 July; due Wednesday 23 June",
        "… before-2 on Monday 21 June, overdue-7 on Wednesday 7 July, overdue-12 on Monday 12 July …",
    ),
    (
        "first pass on Tuesday 29 June; due Wednesday 23 June",
        "overdue-3 on Tuesday 29 June, overdue-7 on Monday 5 July …",
    ),
    (
        "first pass on Wednesday 16 June; fire due Friday 18 June; gdpr due Monday 14 June; "
        "ladder due Friday 12 February",
        "ladder overdue-17 + gdpr overdue-1 + fire before-2 on Wednesday 16 June, fire due on Friday 18 June, "
        "gdpr overdue-3 + fire overdue-1 on Monday 21 June, gdpr overdue-7 + fire overdue-3 on Wednesday 23 June …",
    ),
)
def test_a_late_pass_sends_the_most_urgent_step_once(given: str, then: str) -> None:
    assert happens(given, then) == then


@table(
    # The 7-day step of Wednesday the 16th, sent late on Friday: the 2-day step is three days off.
    ("no passes from Wednesday 16 June to Thursday 17 June; due Wednesday 23 June", "before-7 on Friday 18 June …"),
    # That of Friday the 18th, late on Monday: the 2-day step is two days off.
    ("no passes from Friday 18 June to Sunday 20 June; due Friday 25 June", "before-2 on Wednesday 23 June …"),
    ("due Friday 25 June; at Monday 21 June", "not_due_yet"),
    ("no passes from Thursday 17 June to Sunday 20 June; due Thursday 24 June", "before-2 on Tuesday 22 June …"),
    (
        "takes 60 minutes; no passes from Wednesday 9 June to Thursday 10 June; due Wednesday 23 June",
        "before-14 on Friday 11 June, before-7 on Wednesday 16 June …",
    ),
    (
        "takes 60 minutes; no passes from Wednesday 9 June to Sunday 13 June; due Wednesday 23 June",
        "before-7 on Wednesday 16 June, before-2 on Monday 21 June …",
    ),
    ("no passes from Monday 21 June to Monday 21 June; due Wednesday 23 June", "… before-2 on Tuesday 22 June …"),
)
def test_a_late_far_step_is_dropped_where_the_next_is_at_most_two_days_off(given: str, then: str) -> None:
    assert happens(given, then) == then


@table(
    ("due Thursday 17 June", "… overdue-1 on Monday 21 June, overdue-3 on Wednesday 23 June …"),
    ("due Thursday 17 June; heard overdue-1 on Monday 21 June; at Tuesday 22 June", "capped gap"),
    ("due Thursday 17 June; heard overdue-1 on Monday 21 June; at Wednesday 23 June", "send overdue-3"),
    ("due Wednesday 23 June; heard due on Wednesday 23 June; at Thursday 24 June", "send overdue-1"),
    ("overdue_min_gap_days = 1; due Thursday 17 June", "… overdue-1 on Monday 21 June, overdue-3 on Tuesday 22 June …"),
    (
        "overdue_min_gap_days = 3; due Thursday 17 June",
        "… overdue-1 on Monday 21 June, overdue-3 on Thursday 24 June …",
    ),
)
def test_two_nags_of_one_course_are_at_least_two_days_apart(given: str, then: str) -> None:
    assert happens(given, then) == then


@table(
    (
        "due Sunday 20 June",
        "… overdue-12 on Tuesday 6 July, overdue-17 on Tuesday 13 July, overdue-22 on Tuesday 20 July",
    ),
    ("due Saturday 19 June", "… overdue-12 on Tuesday 6 July, overdue-17 on Tuesday 13 July"),
    # overdue-22 is Friday the 16th, its 30th day, and would move past it.
    ("due Wednesday 16 June", "… overdue-12 on Monday 5 July, overdue-17 on Monday 12 July"),
    ("due Sunday 20 June; heard due on Friday 18 June; at Tuesday 20 July", "send overdue-22"),
    ("due Sunday 20 June; heard due on Friday 18 June; at Wednesday 21 July", "gave_up"),
    ("give_up_after_days = 10; due Sunday 20 June", "… overdue-3 on Wednesday 23 June, overdue-7 on Tuesday 29 June"),
)
def test_it_is_given_up_thirty_days_after_the_deadline(given: str, then: str) -> None:
    assert happens(given, then) == then


@table(
    ("due Sunday 20 June; first pass on Wednesday 21 July", "overdue-22 on Wednesday 21 July"),
    ("due Tuesday 23 June 2026; first pass on Wednesday 23 June", "overdue-22 on Wednesday 23 June"),
    ("due Monday 22 June 2026; first pass on Wednesday 23 June", "nothing"),
    ("due Monday 22 June 2026; at Wednesday 23 June", "gave_up"),
    (
        "first_reminder_within_days = 100; due Sunday 20 June; first pass on Tuesday 28 September",
        "overdue-22 on Tuesday 28 September",
    ),
    ("first_reminder_within_days = 100; due Sunday 20 June; first pass on Wednesday 29 September", "nothing"),
    (
        "due Sunday 20 June; first pass on Friday 23 July",
        "overdue-22 on Monday 26 July",
    ),
)
def test_where_none_was_ever_sent_one_reminder_goes_within_a_year(given: str, then: str) -> None:
    assert happens(given, then) == then


# ── one DM a person a day ────────────────────────────────────────────────────────────────────────────────────────────


@table(
    (
        "fire due Wednesday 23 June; gdpr due Monday 21 June",
        "gdpr before-7 + fire before-7 on Monday 14 June, gdpr before-2 on Friday 18 June, "
        "gdpr due + fire before-2 on Monday 21 June …",
    ),
    (
        "fire due Tuesday 22 June; gdpr due Thursday 17 June, assigned Tuesday 15 June 12:00",
        "fire before-7 on Tuesday 15 June, gdpr before-2 on Wednesday 16 June …",
    ),
    (
        "fire due Tuesday 22 June; gdpr due Thursday 17 June; heard fire before-7 on Tuesday 15 June; "
        "at Tuesday 15 June 16:00",
        "fire already_sent, gdpr capped today",
    ),
    ("fire due Tuesday 15 June; heard cash due on Tuesday 15 June; at Tuesday 15 June 16:00", "capped today"),
)
def test_one_dm_a_day_names_what_goes_out_the_earliest_deadline_first(given: str, then: str) -> None:
    assert happens(given, then) == then


# Fire's 2-day step is on Tuesday 15 June; what does that DM take along?
TUESDAY = "fire due Thursday 17 June; at Tuesday 15 June"
FRIDAY = "fire due Friday 18 June; at Friday 18 June"


@table(
    (f"{TUESDAY}; gdpr due Wednesday 23 June", "fire send before-2, gdpr send gathered before-7"),
    (f"{TUESDAY}; gdpr due Friday 25 June", "fire send before-2, gdpr send gathered before-7"),
    (f"{TUESDAY}; gdpr due Monday 28 June", "fire send before-2, gdpr not_due_yet"),
    (f"{TUESDAY}; gdpr takes 60 minutes; gdpr due Friday 2 July", "fire send before-2, gdpr send gathered before-14"),
    (
        f"{TUESDAY}; gdpr due Friday 18 June; heard gdpr before-7 on Friday 11 June",
        "fire send before-2, gdpr already_sent",
    ),
    (
        f"{TUESDAY}; gdpr due Wednesday 16 June; heard gdpr before-2 on Monday 14 June",
        "fire send before-2, gdpr already_sent",
    ),
    (
        f"{TUESDAY}; gdpr due Tuesday 8 June; heard gdpr overdue-3 on Thursday 10 June",
        "fire send before-2, gdpr send gathered overdue-7",
    ),
    (
        f"{TUESDAY}; gdpr due Tuesday 8 June; heard gdpr overdue-3 on Monday 14 June",
        "fire send before-2, gdpr already_sent",
    ),
    (f"{TUESDAY}; gdpr due Tuesday 15 June; heard gdpr due on Monday 14 June", "fire send before-2, gdpr already_sent"),
    (f"gather_days = 0; {TUESDAY}; gdpr due Wednesday 23 June", "fire send before-2, gdpr not_due_yet"),
    (
        f"{FRIDAY}; gdpr due Wednesday 16 June; heard gdpr overdue-1 on Wednesday 16 June",
        "fire send due, gdpr already_sent",
    ),
    (
        f"nag_on_last_workday = true; {FRIDAY}; gdpr due Wednesday 16 June; heard gdpr overdue-1 on Wednesday 16 June",
        "fire send due, gdpr send gathered overdue-3",
    ),
    ("gdpr due Wednesday 23 June; at Tuesday 15 June", "not_due_yet"),
)
def test_a_dm_takes_along_far_steps_and_nags_of_the_next_three_days(given: str, then: str) -> None:
    assert happens(given, then) == then


THREE_DMS = "heard cash due on Friday 11 June; heard ladder due on Monday 14 June; heard cash due on Tuesday 15 June"


@table(
    (f"due Wednesday 23 June; {THREE_DMS}; at Wednesday 16 June", "capped week"),
    (f"due Wednesday 23 June; {THREE_DMS}; at Thursday 17 June", "capped week"),
    (f"due Wednesday 23 June; {THREE_DMS}; at Friday 18 June", "send before-7"),
    (
        "due Wednesday 23 June; heard cash due on Monday 14 June; heard ladder due on Monday 14 June; "
        "heard cash due on Tuesday 15 June; at Wednesday 16 June",
        "send before-7",
    ),
    (f"reminders_in_7_days = 0; due Wednesday 23 June; {THREE_DMS}; at Wednesday 16 June", "send before-7"),
    (
        "reminders_in_7_days = 1; due Wednesday 23 June; heard cash due on Thursday 10 June; at Wednesday 16 June",
        "capped week",
    ),
)
def test_at_most_three_dms_in_seven_days(given: str, then: str) -> None:
    assert happens(given, then) == then


@table(
    (f"due Wednesday 16 June; {THREE_DMS}; at Wednesday 16 June", "send due"),
    (f"due Wednesday 16 June; {THREE_DMS}; heard before-2 on Monday 14 June; at Wednesday 16 June", "capped week"),
    (f"due Wednesday 16 June; {THREE_DMS}; heard before-2 on Sunday 13 June; at Wednesday 16 June", "capped week"),
    (f"due Wednesday 16 June; {THREE_DMS}; heard before-7 on Saturday 12 June; at Wednesday 16 June", "send due"),
    (
        f"warned_days = 1; due Wednesday 16 June; {THREE_DMS}; heard before-2 on Monday 14 June; at Wednesday 16 June",
        "send due",
    ),
    (f"due Sunday 20 June; {THREE_DMS}; heard cash due on Thursday 17 June; at Friday 18 June", "send due"),
    (f"due Friday 18 June; {THREE_DMS}; at Wednesday 16 June", "capped week"),
    (f"due Tuesday 15 June; {THREE_DMS}; at Wednesday 16 June", "capped week"),
    (
        "fire due Wednesday 16 June; gdpr due Wednesday 23 June; ladder due Monday 14 June; "
        f"{THREE_DMS}; at Wednesday 16 June",
        "fire send due, gdpr send before-7, ladder send overdue-1",
    ),
    (
        f"due Wednesday 16 June, assigned Tuesday 15 June 18:00; {THREE_DMS}; first pass on Wednesday 16 June",
        "due on Wednesday 16 June …",
    ),
)
def test_the_last_warning_is_never_capped_unless_its_course_was_named_within_three_days(given: str, then: str) -> None:
    assert happens(given, then) == then
