"""The hashes in a DM's metadata: opaque, always the same for the same reminder, different for any other."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bot.deadlines.model import Reminder, Step
from bot.deadlines.terms import Steps
from bot.jobs.keys import recognised, reminder_key, steps_ever
from tests.builders import on

KEY = b"a key"


def a_key(
    *,
    key: bytes = KEY,
    team_id: str = "T1",
    person_id: int = 1,
    course_id: int = 42,
    deadline: str = "2027-06-15",
    step: str = "due",
    **more: Any,
) -> str:
    reminder = Reminder(course_id=course_id, step=Step.parse(step), deadline_on=on(deadline), **more)
    return reminder_key(key, team_id, person_id, reminder)


def test_it_stays_the_same_for_ever() -> None:
    assert a_key() == a_key() == a_key(reproach_free=True)
    assert a_key() == "6fdceebeb6c956469294d663d71ba4ad"


def test_it_tells_nothing() -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", a_key())


@pytest.mark.parametrize(
    "other",
    [
        {"key": b"another key"},
        {"team_id": "T2"},
        {"person_id": 2},
        {"course_id": 43},
        {"deadline": "2027-06-16"},
        {"step": "overdue-1"},
        {"person_id": 14, "course_id": 2},
    ],
)
def test_it_differs_for_any_other_reminder_workspace_or_key(other: dict[str, Any]) -> None:
    assert a_key(**other) != a_key()


DEADLINES = [(42, on("2027-06-15")), (43, on("2027-06-20")), (42, on("2027-06-15"))]


def test_a_hash_is_recognised_among_the_deadlines_of_a_person() -> None:
    by_key = recognised([KEY], "T1", 1, DEADLINES, steps_ever([Steps()]))
    assert by_key[a_key()] == Reminder(course_id=42, step=Step.parse("due"), deadline_on=on("2027-06-15"))
    assert by_key[a_key(course_id=43, deadline="2027-06-20", step="overdue-17")].step.name == "overdue-17"
    for unknown in (a_key(deadline="2027-06-16"), a_key(person_id=2), a_key(key=b"another key")):
        assert unknown not in by_key


def test_hashes_of_every_key_in_the_list_are_recognised() -> None:
    by_key = recognised([b"new", KEY], "T1", 1, DEADLINES, steps_ever([Steps()]))
    assert by_key[a_key()] == by_key[a_key(key=b"new")]


def test_the_steps_that_are_recognised_are_the_policys_and_those_that_an_earlier_one_may_have_had() -> None:
    steps = steps_ever([Steps(before_days=(200, 0), overdue_working_days=(120,), give_up_after_days=400)])
    names = {step.name for step in steps}
    assert {"before-200", "overdue-120", "overdue-125", "overdue-400", "before-14", "before-30", "overdue-7"} <= names
    assert {"due"} == {name for name in names if name.startswith("due")}
    assert "before-0" not in names
    assert {step.name for step in steps_ever([Steps(overdue_then_every_working_days=0)])} >= {"overdue-1", "overdue-3"}
