"""The opaque hash by which a reminder is recognised in a DM's metadata (interface.md, "A DM's metadata").

Readable by everybody in the workspace, so keyed and without anything personal: without the key nobody can tell who,
what or when it is about.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterable
from datetime import date

from bot.deadlines.model import DUE, Reminder, Step
from bot.deadlines.terms import Steps

KEY_LENGTH = 32  # hexadecimal digits: 128 bits
STEPS_TRIED = 90  # days before, and working days after a deadline, of steps that an earlier policy may have had


def reminder_key(key: bytes, team_id: str, person_id: int, reminder: Reminder) -> str:
    """The hash of (person, course, deadline, step) in this workspace."""
    identity = f"{team_id}|{person_id}|{reminder.course_id}|{reminder.deadline_on}|{reminder.step.name}"
    return opaque(key, identity)


def opaque(key: bytes, identity: str) -> str:
    """The hash by which this is recognised, and which tells nothing without the key."""
    return hmac.digest(key, identity.encode(), "sha256").hex()[:KEY_LENGTH]


def recognised(
    keys: Iterable[bytes], team_id: str, person_id: int, deadlines: Iterable[tuple[int, date]], steps: Collection[Step]
) -> dict[str, Reminder]:
    """Every hash that a DM to this person may bear about these (course, deadline): hash -> what it says."""
    told = [Reminder(course_id=c, deadline_on=on, step=step) for c, on in set(deadlines) for step in steps]
    return {reminder_key(key, team_id, person_id, one): one for key in keys for one in told}


def steps_ever(policies: Iterable[Steps]) -> set[Step]:
    """The steps that these have or that an earlier policy may have had."""
    numbers = range(1, STEPS_TRIED + 1)
    tried = {*(Step("before", n) for n in numbers), *(Step("overdue", n) for n in numbers)}
    return tried.union(*map(steps_of, policies))


def steps_of(steps: Steps) -> set[Step]:
    """The steps that there are by these terms."""
    before, overdue = {*steps.before_days, *steps.long_course_before_days}, {*steps.overdue_working_days}
    last, every = max(overdue, default=0), steps.overdue_then_every_working_days
    overdue |= set(range(last + every, steps.give_up_after_days + 1, every)) if every else set()
    return {DUE, *(Step("before", n) for n in before if n), *(Step("overdue", n) for n in overdue)}
