"""policy.md, "Which row", "Never", "Away", "Asked for by people", "Who is who", "Safety freeze", the reasons' order.

Rows of "given, then" in the words of tests/words.py; see test_rules_in_words.py for the rules of the calendar. What
needs the whole program (a second look, old data, earlier DMs) is in tests/jobs/test_rules_in_words.py.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from bot.deadlines.freeze import PassSize, Snapshot, too_busy, too_small
from bot.deadlines.model import Member, Reason
from bot.deadlines.terms import Freeze
from bot.slack.directory import match
from tests.words import happens, table

pytestmark = pytest.mark.usefixtures("no_settings")

# ── which row, which cycle ───────────────────────────────────────────────────────────────────────────────────────────


@table(
    ("due Wednesday 23 June; due Wednesday 23 June; at Wednesday 16 June", "send before-7"),
    (
        "due Wednesday 23 June, assigned Sunday 2 May; due Wednesday 30 June, assigned Saturday 1 May; "
        "at Wednesday 16 June",
        "send before-7, superseded",
    ),
    (
        "due Wednesday 30 June, assigned Saturday 1 May; due Wednesday 23 June, assigned Sunday 2 May",
        "before-7 on Wednesday 16 June, before-2 on Monday 21 June, due on Wednesday 23 June …",
    ),
    (
        "due Wednesday 23 June, assigned Saturday 1 May; due Wednesday 30 June, assigned Saturday 1 May",
        "before-7 on Wednesday 23 June, before-2 on Monday 28 June, due on Wednesday 30 June …",
    ),
    (
        "due Wednesday 23 June, assigned Saturday 1 May, completed; due Wednesday 23 June, assigned Sunday 2 May; "
        "at Wednesday 16 June",
        "send before-7, completed",
    ),
    (
        "due Wednesday 23 June, assigned Sunday 2 May, completed; due Wednesday 23 June, assigned Saturday 1 May; "
        "at Wednesday 16 June",
        "completed, superseded",
    ),
)
def test_the_row_assigned_last_governs_then_the_later_deadline(given: str, then: str) -> None:
    assert happens(given, then) == then


@table(
    (
        "due Wednesday 23 June, moved to Wednesday 30 June on Thursday 17 June",
        "before-7 on Wednesday 16 June, before-7 on Wednesday 23 June, before-2 on Monday 28 June, "
        "due on Wednesday 30 June …",
    ),
    (
        "due Wednesday 23 June, assigned Monday 3 May; due Thursday 15 July, assigned Friday 25 June",
        "before-7 on Wednesday 16 June, before-2 on Monday 21 June, due on Wednesday 23 June, "
        "overdue-1 on Thursday 24 June, before-7 on Thursday 8 July …",
    ),
    ("due Wednesday 23 June; heard before-7 on Wednesday 16 June; at Thursday 17 June", "already_sent"),
    (
        "due Wednesday 23 June, assigned Thursday 17 June; heard before-7 on Wednesday 16 June; at Thursday 17 June",
        "already_sent",
    ),
    (
        "due Wednesday 23 June, renews Friday 23 June 2028; heard before-7 on Wednesday 16 June; at Thursday 17 June",
        "already_sent",
    ),
    (
        "due Wednesday 16 June, assigned Monday 21 June 03:00; heard due on Wednesday 16 June; "
        "heard overdue-1 on Thursday 17 June; at Monday 21 June",
        "send overdue-3",
    ),
    (
        "due Wednesday 16 June, assigned Saturday 1 May, rewritten every night; first pass on Thursday 17 June",
        "overdue-1 on Thursday 17 June, overdue-3 on Monday 21 June, overdue-7 on Monday 28 June …",
    ),
    (
        "due Wednesday 16 June, assigned Monday 21 June, rewritten every night",
        "overdue-1 on Tuesday 22 June, overdue-3 on Thursday 24 June, overdue-7 on Wednesday 30 June …",
    ),
    (
        "due Wednesday 23 June, assigned Saturday 1 May, rewritten every night",
        "before-7 on Wednesday 16 June, before-2 on Monday 21 June, due on Wednesday 23 June …",
    ),
    ("due Wednesday 16 June, assigned Saturday 1 May, rewritten every night; at Monday 19 July", "send overdue-17"),
    (
        "due Wednesday 16 June, assigned Saturday 1 May, rewritten every night; "
        "heard overdue-1 on Thursday 17 June; at Monday 19 July",
        "gave_up",
    ),
    (
        "due Wednesday 23 June, assigned Saturday 1 May, rewritten every night; "
        "due Wednesday 30 June, assigned Sunday 2 May; at Wednesday 16 June",
        "send before-7, superseded",
    ),
)
def test_a_new_deadline_earns_fresh_reminders_and_rewritten_dates_none(given: str, then: str) -> None:
    assert happens(given, then) == then


# ── never ────────────────────────────────────────────────────────────────────────────────────────────────────────────

WEDNESDAY = "due Wednesday 23 June; at Wednesday 16 June"


@table(
    (WEDNESDAY, "send before-7"),
    ("due Wednesday 23 June, started; at Wednesday 16 June", "send before-7"),
    (f'{WEDNESDAY}; e-mail ada@acme.com; emails = ["bo@acme.com"]', "not_in_audience"),
    (f'{WEDNESDAY}; e-mail ada@acme.com; emails = ["ADA@Acme.com", "bo@acme.com"]', "send before-7"),
    (f"{WEDNESDAY}; of team 7; team_ids = [8, 9]", "not_in_audience"),
    (f"{WEDNESDAY}; of team 7; team_ids = [7, 8]", "send before-7"),
    (f"{WEDNESDAY}; of department 3; department_ids = [4]", "not_in_audience"),
    (f"{WEDNESDAY}; of department 3; department_ids = [3]", "send before-7"),
    (
        f'{WEDNESDAY}; e-mail ada@acme.com; of department 3; emails = ["bo@acme.com"]; department_ids = [3]',
        "send before-7",
    ),
    (f"{WEDNESDAY}; exempted", "exempt"),
    (f"{WEDNESDAY}; exempted from fire", "exempt"),
    (f"{WEDNESDAY}; exempted from gdpr", "send before-7"),
    (f"{WEDNESDAY}; fire: off = true", "course_inactive switched_off"),
    (f"{WEDNESDAY}; gdpr: off = true", "send before-7"),
    (f"{WEDNESDAY}; fire is inactive", "course_inactive"),
    ("due Wednesday 23 June, completed; at Wednesday 16 June", "completed"),
    ("due Wednesday 23 June, completed Thursday 17 June", "before-7 on Wednesday 16 June"),
    ("due Wednesday 23 June, not required; at Wednesday 16 June", "not_required"),
    ("without a deadline; at Wednesday 16 June", "no_deadline"),
    ('due "2027-02-30"; at Wednesday 16 June', "invalid_deadline 2027-02-30"),
    ('due "23/06/2027"; at Wednesday 16 June', "invalid_deadline 23/06/2027"),
    (f"{WEDNESDAY}; not among the LMS's people", "person_inactive not_in_lms"),
    (f"{WEDNESDAY}; last day of employment Wednesday 16 June", "send before-7"),
    (f"{WEDNESDAY}; last day of employment Tuesday 15 June", "person_inactive employment_ended"),
    (
        "due Wednesday 23 June; last day of employment Monday 21 June",
        "before-7 on Wednesday 16 June, before-2 on Monday 21 June",
    ),
    (f"{WEDNESDAY}; nobody in Slack", "no_slack_match not_in_slack"),
    (f"{WEDNESDAY}; stale", "stale"),
    (f"{WEDNESDAY}; frozen", "frozen"),
)
def test_never(given: str, then: str) -> None:
    assert happens(given, then) == then


@table(
    (f"{WEDNESDAY}; refused by Slack on Wednesday 16 June", "undeliverable"),
    (f"{WEDNESDAY}; refused by Slack on Tuesday 15 June", "send before-7"),
    (f"{WEDNESDAY}; refused by Slack on Tuesday 15 June, 6 times in a row", "send before-7"),
    (f"{WEDNESDAY}; refused by Slack on Tuesday 15 June, 7 times in a row", "undeliverable"),
    (f"{WEDNESDAY}; refused by Slack on Thursday 10 June, 7 times in a row", "undeliverable"),
    (f"{WEDNESDAY}; refused by Slack on Wednesday 9 June, 7 times in a row", "send before-7"),
)
def test_whom_slack_refuses_is_tried_again_daily_and_after_a_week_weekly(given: str, then: str) -> None:
    assert happens(given, then) == then


# ── away ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

LEAVE = "from Monday 14 June until Friday 18 June"


@table(
    (f"{WEDNESDAY}; status :palm_tree: {LEAVE}", "away"),
    (f"{WEDNESDAY}; status :airplane: {LEAVE}", "away"),
    (f"{WEDNESDAY}; status :face_with_thermometer: {LEAVE}", "away"),
    (f"{WEDNESDAY}; status :baby::skin-tone-4: {LEAVE}", "away"),
    (f"{WEDNESDAY}; status :headphones: {LEAVE}", "send before-7"),
    (f"{WEDNESDAY}; status :headphones: On Holiday! {LEAVE}", "away"),
    (f"{WEDNESDAY}; status parental leave {LEAVE}", "away"),
    (f"{WEDNESDAY}; status Ferie {LEAVE}", "away"),
    (f"{WEDNESDAY}; status på orlov {LEAVE}", "away"),
    (f"{WEDNESDAY}; status Im URLAUB {LEAVE}", "away"),
    (f"{WEDNESDAY}; status focus time {LEAVE}", "send before-7"),
    (f"{WEDNESDAY}; status holidays are over {LEAVE}", "send before-7"),
    (f'{WEDNESDAY}; emoji = [":tent:"]; status :palm_tree: {LEAVE}', "send before-7"),
    (f'{WEDNESDAY}; emoji = [":tent:"]; words = ["Congé"]; status en congé {LEAVE}', "away"),
    (f"{WEDNESDAY} 08:00; status :palm_tree: {LEAVE}", "outside_hours"),
)
def test_a_status_with_an_emoji_or_a_word_of_the_policys_says_away(given: str, then: str) -> None:
    assert happens(given, then) == then


@table(
    (
        "due Wednesday 23 June; status :palm_tree: from Tuesday 15 June until Friday 18 June 12:00",
        "before-7 on Friday 18 June, before-2 on Monday 21 June …",
    ),
    (
        "due Wednesday 23 June; status :palm_tree: from Tuesday 15 June until Tuesday 22 June 09:00",
        "before-2 on Tuesday 22 June, due on Wednesday 23 June …",
    ),
    # Inside: still away when the sending hours of the last warning's day begin. The first step goes, the others wait.
    (
        "due Wednesday 23 June; status :palm_tree: from Tuesday 15 June until Wednesday 23 June 09:31",
        "before-7 on Wednesday 16 June, due on Wednesday 23 June …",
    ),
    (
        "due Wednesday 23 June; status :palm_tree: from Tuesday 15 June until Wednesday 23 June 09:30",
        "due on Wednesday 23 June …",
    ),
    (
        "due Wednesday 23 June; status :palm_tree: from Tuesday 15 June until Thursday 1 July 09:00",
        "before-7 on Wednesday 16 June, overdue-3 on Thursday 1 July, overdue-7 on Monday 5 July …",
    ),
    # Due on a Sunday, so warned on Friday the 25th.
    (
        "due Sunday 27 June; status :palm_tree: from Tuesday 15 June until Friday 25 June 12:00",
        "before-7 on Friday 18 June, due on Friday 25 June …",
    ),
    (
        "due Sunday 27 June; status :palm_tree: from Tuesday 15 June until Friday 25 June 09:00",
        "due on Friday 25 June …",
    ),
)
def test_away_they_are_waited_for_and_told_once_where_the_deadline_falls_inside(given: str, then: str) -> None:
    assert happens(given, then) == then


@table(
    (
        "fire due Wednesday 23 June; gdpr due Friday 25 June; status Ferie from Tuesday 15 June",
        "fire before-7 on Wednesday 16 June, gdpr before-7 on Friday 18 June, "
        "fire overdue-3 + gdpr overdue-1 on Tuesday 29 June …",
    ),
    (
        "due Wednesday 23 June; status Ferie from Tuesday 15 June taken off Thursday 24 June",
        "before-7 on Wednesday 16 June, overdue-1 on Thursday 24 June …",
    ),
    (
        "due Monday 14 June; status Ferie from Tuesday 15 June",
        "… due on Monday 14 June, overdue-7 on Tuesday 29 June, overdue-12 on Thursday 1 July …",
    ),
    (
        "nag_wait_days = 9; due Monday 14 June; status Ferie from Tuesday 15 June",
        "… due on Monday 14 June, overdue-7 on Thursday 24 June …",
    ),
    # A status with an end is waited for, however long.
    (
        "due Monday 14 June; status Ferie from Tuesday 15 June until Thursday 8 July",
        "… due on Monday 14 June, overdue-17 on Thursday 8 July …",
    ),
)
def test_a_status_without_an_end_covers_every_deadline_and_nags_wait_fourteen_days(given: str, then: str) -> None:
    assert happens(given, then) == then


# ── asked for by people ──────────────────────────────────────────────────────────────────────────────────────────────


@table(
    ("due Wednesday 23 June; snoozed until Tuesday 22 June", "before-2 on Tuesday 22 June, due on Wednesday 23 June …"),
    (
        "due Wednesday 23 June; snoozed until Tuesday 29 June",
        "due on Wednesday 23 June, overdue-3 on Tuesday 29 June …",
    ),
    ("due Sunday 20 June; snoozed until Tuesday 22 June", "due on Friday 18 June, overdue-1 on Tuesday 22 June …"),
    (
        "fire due Wednesday 16 June; gdpr due Thursday 24 June; snoozed until Friday 18 June; at Wednesday 16 June",
        "fire send due, gdpr not_due_yet",
    ),
)
def test_a_snooze_never_covers_a_last_warning(given: str, then: str) -> None:
    assert happens(given, then) == then


# ── the reasons' order ───────────────────────────────────────────────────────────────────────────────────────────────

ON_LEAVE = f"status :palm_tree: {LEAVE}"
THREE_DMS = "heard cash due on Friday 11 June; heard cash due on Monday 14 June; heard cash due on Tuesday 15 June"
ORDER = (
    (
        "due Wednesday 23 June, assigned Saturday 1 May, not required; "
        "due Wednesday 23 June, assigned Sunday 2 May; at Wednesday 16 June",
        "send before-7, superseded",
    ),
    ("due Wednesday 23 June, completed, not required; at Wednesday 16 June", "completed"),
    ("due Wednesday 23 June, not required; fire is inactive; at Wednesday 16 June", "not_required"),
    (f"{WEDNESDAY}; fire is inactive; not among the LMS's people", "course_inactive"),
    (
        f"{WEDNESDAY}; of team 7; last day of employment Tuesday 15 June; team_ids = [8]",
        "person_inactive employment_ended",
    ),
    (f"{WEDNESDAY}; of team 7; team_ids = [8]; exempted", "not_in_audience"),
    ("without a deadline; exempted; at Wednesday 16 June", "exempt"),
    ("without a deadline; nobody in Slack; at Wednesday 16 June", "no_deadline"),
    ('due "soon"; nobody in Slack; at Wednesday 16 June', "invalid_deadline soon"),
    (f"{WEDNESDAY}; nobody in Slack; refused by Slack on Wednesday 16 June", "no_slack_match not_in_slack"),
    (
        "due Wednesday 23 June; heard due on Wednesday 23 June; refused by Slack on Monday 26 July; at Monday 26 July",
        "undeliverable",
    ),
    (
        "give_up_after_days = 0; due Wednesday 23 June; heard due on Wednesday 23 June; at Thursday 24 June",
        "gave_up",
    ),
    ("due Wednesday 23 June; heard before-7 on Monday 14 June; at Tuesday 15 June", "not_due_yet"),
    ("due Wednesday 23 June; heard before-7 on Wednesday 16 June; at Saturday 19 June", "already_sent"),
    ("due Sunday 20 June; at Saturday 19 June 18:00", "day_off"),
    (f"{WEDNESDAY} 17:00; {ON_LEAVE}", "outside_hours"),
    (f"{WEDNESDAY}; {ON_LEAVE}; snoozed until Friday 18 June", "away"),
    (f"{WEDNESDAY}; snoozed until Friday 18 June; {THREE_DMS}", "snoozed"),
    (f"{WEDNESDAY}; {THREE_DMS}; stale", "capped week"),
    (f"{WEDNESDAY}; stale; frozen", "stale"),
    (f"{WEDNESDAY}; frozen", "frozen"),
    (WEDNESDAY, "send before-7"),
)


@table(*ORDER)
def test_of_two_reasons_that_apply_the_first_is_given(given: str, then: str) -> None:
    assert happens(given, then) == then


def test_the_table_of_reasons_has_each_in_its_order() -> None:
    assert [then.split(", ")[-1].split()[0] for _, then in ORDER] == [reason.value for reason in Reason]


# ── safety freeze ────────────────────────────────────────────────────────────────────────────────────────────────────

PASS = r"(the first pass, )?(\d+) of (\d+) people(?:, after at most (\d+))?"
PULL = r"(people|assignments|completions) (\d+), now (\d+)"
HUNDREDS = {"people": 1000, "assignments": 1000, "completions": 1000}


@table(
    ("51 of 1000 people, after at most 10", "frozen"),
    ("50 of 100 people, after at most 10", "goes"),  # not more than 50
    ("51 of 1020 people, after at most 10", "goes"),  # not more than 5 % of the people
    ("51 of 1019 people, after at most 10", "frozen"),
    ("60 of 1000 people, after at most 20", "goes"),  # not more than three times the largest of the last 14 days
    ("61 of 1000 people, after at most 20", "frozen"),
    ("the first pass, 100 of 100 people", "goes"),
    ("the first pass, 101 of 100000 people", "frozen"),
    ("people 1000, now 801", "goes"),
    ("people 1000, now 800", "frozen"),
    ("people 10, now 6", "goes"),  # more than a fifth, but not five people
    ("people 10, now 5", "frozen"),
    ("assignments 1000, now 801", "goes"),
    ("assignments 1000, now 800", "frozen"),
    ("assignments 4, now 0", "goes"),
    ("completions 1000, now 901", "goes"),
    ("completions 1000, now 900", "frozen"),
)
def test_the_limits_of_the_safety_freeze(given: str, then: str) -> None:
    if size := re.fullmatch(PASS, given):
        first, recipients, people, largest = size[1], *(int(figure or 0) for figure in size.groups()[1:])
        found = too_busy(PassSize(recipients=recipients, people=people, largest=largest, first=bool(first)), Freeze())
    else:
        found = _shrunk(given)
    assert ("frozen" if found else "goes") == then


def _shrunk(given: str) -> tuple[str, ...]:
    found = re.fullmatch(PULL, given)
    assert found is not None
    what, before, after = found[1], int(found[2]), int(found[3])
    vanished = before - after if what == "completions" else 0
    return too_small(
        Snapshot(**(HUNDREDS | {what: before})), Snapshot(**(HUNDREDS | {what: after})), vanished, Freeze()
    )


# ── who is who ───────────────────────────────────────────────────────────────────────────────────────────────────────

MARKS = {"deactivated": "deleted", "bot": "is_bot", "stranger": "is_stranger"}


@table(
    ("LMS ada@acme.dk; Slack ADA@Acme.DK", "matched"),
    ("LMS Åse@acme.dk; Slack åse@acme.dk", "not_in_slack"),  # only ASCII letters have no case
    ("LMS ada@acme.dk; Slack ada@acme.com; acme.dk is acme.com", "matched"),
    ("LMS ada@acme.dk; Slack ada@acme.com", "not_in_slack"),
    ("LMS ada@acme.dk; Slack ada@acme.dk; Slack Ada@acme.dk", "shared_in_slack"),
    ("LMS ada@acme.dk; LMS ADA@acme.dk; Slack ada@acme.dk", "shared_in_lms"),
    ("LMS ada@acme.dk and another; Slack ada@acme.dk", "two_addresses"),
    ("LMS without an address; Slack ada@acme.dk", "no_email"),
    ("LMS ada@acme.dk; Slack ada@acme.dk, deactivated", "deactivated"),
    ("LMS ada@acme.dk; Slack ada@acme.dk, bot", "bot"),
    ("LMS ada@acme.dk; Slack ada@acme.dk, stranger", "stranger"),
    ("LMS ada@acme.dk; Slack ada@acme.dk; Slack ada@acme.dk, deactivated; Slack ada@acme.dk, bot", "matched"),
    ("LMS ada@acme.dk; Slack ada.lovelace@acme.dk", "not_in_slack"),
)
def test_who_is_who(given: str, then: str) -> None:
    words = given.split("; ")
    lms = [word.removeprefix("LMS ") for word in words if word.startswith("LMS ")]
    slack = [word.removeprefix("Slack ") for word in words if word.startswith("Slack ")]
    domains = dict(word.split(" is ") for word in words if " is " in word)
    people = [(n, one.split()[0] if "@" in one else None, one.endswith("another")) for n, one in enumerate(lms, 1)]
    members = [a_member(f"U{n}", *one.split(", ")) for n, one in enumerate(slack, 1)]
    found = match(people, members, domains=domains, links={})[1]
    assert (found.reason or "matched") == then


def a_member(slack_id: str, email: str, *marks: str) -> Member:
    facts: dict[str, Any] = {MARKS[mark]: True for mark in marks}
    return Member(slack_id=slack_id, email=email, **facts)
