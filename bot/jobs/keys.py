"""The opaque hash by which a reminder is recognised in a DM's metadata (interface.md, "A DM's metadata").

Readable by everybody in the workspace, so keyed and without anything personal: without the key nobody can tell who,
what or when it is about.
"""

from __future__ import annotations

import hmac

from bot.deadlines.model import Reminder

KEY_LENGTH = 32  # hexadecimal digits: 128 bits


def reminder_key(key: bytes, team_id: str, person_id: int, reminder: Reminder) -> str:
    """The hash of (person, course, deadline, step) in this workspace."""
    identity = f"{team_id}|{person_id}|{reminder.course_id}|{reminder.deadline_on}|{reminder.step.name}"
    return hmac.digest(key, identity.encode(), "sha256").hex()[:KEY_LENGTH]
