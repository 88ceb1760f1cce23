"""Messages that the bot starts and that are no reminders: the managers' digest, and what admins are told.

A letter's kind, recipient and subject make it the only one of its kind: it is posted once, whatever happens between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from bot.slack.messages import Block

Kind: TypeAlias = Literal["managers", "exceptions", "freeze", "forecast"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """One message to one Slack person, or the note that there is nothing to say this time."""

    kind: Kind
    slack_id: str
    subject: str  # what makes it the only one: a week ("2027-W12"), a day, a freeze
    content: str  # what the next one of its kind is compared with; not shown
    text: str = ""  # empty: nothing to say, which is noted under its subject all the same
    blocks: tuple[Block, ...] = ()
