"""The hashes in a DM's metadata: opaque, always the same for the same reminder, different for any other."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bot.deadlines.model import Reminder, Step
from bot.jobs.keys import reminder_key
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
