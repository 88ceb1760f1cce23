"""What the store gives and takes besides the values of deadlines.model: frozen, keyword-only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal, TypeAlias

from bot.deadlines.model import Assignment, Exemption, Learner, Member, NoMatch, Said, Step

HitchKind: TypeAlias = Literal["no_slack_match", "invalid_deadline", "refused", "rejected"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pulled:
    """What the last good pull brought."""

    at: datetime
    people: int
    courses: int
    assignments: int
    rejected: int  # users, courses and participants set aside
    completions: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Dossier:
    """Everything stored about one person that their decisions need."""

    person_id: int
    learner: Learner | None  # None: the LMS lists them no more among its active and pending users
    member: Member | None  # their Slack person
    no_match: NoMatch | None  # why they have none
    status_seen_at: datetime | None  # the first pull that saw their present Slack status
    assignments: tuple[Assignment, ...]
    said: tuple[Said, ...]
    exemptions: tuple[Exemption, ...] = ()
    told_on: tuple[date, ...] = ()  # local days of DMs of which nobody can tell any more what they named
    refused_on: date | None = None  # their local day of Slack's last refusal of this Slack account
    refusal: str = ""
    refusals: int = 0  # since anything last arrived


class State(StrEnum):
    """Where a notice is on its way; outbox.py draws the moves."""

    PLANNED = "planned"
    HELD = "held"  # planned in a pass that the safety freeze stopped
    SENDING = "sending"
    UNKNOWN = "unknown"
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """One course as a DM named it, and how the DM shows it now."""

    course_id: int
    title: str
    step: Step
    deadline_on: date
    key: str  # the keyed hash in the DM's metadata
    reproach_free: bool = False
    locked: bool = False  # it can't be taken after its deadline
    shown: str = "open"  # open, done, moved, dropped


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredNotice:
    """A notice in the outbox."""

    notice_id: str
    person_id: int
    slack_id: str
    local_on: date
    state: State
    named: tuple[Named, ...]
    attempts: int = 0
    claimed_at: datetime | None = None  # by the real clock
    channel_id: str | None = None
    ts: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """A reminder DM of ours as read back from Slack: sent by a store that is lost, or by another copy of the bot."""

    notice_id: str
    ts: str
    local_on: date  # the person's local day
    named: tuple[Named, ...]  # the courses that could be told from its keys; none where no key is known any more


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Somebody to whom Slack refuses to deliver."""

    person_id: int
    slack_id: str
    error: str  # Slack's word
    local_on: date  # their local day of the last refusal
    times: int  # since anything last arrived


@dataclass(frozen=True, kw_only=True, slots=True)
class PassRecord:
    """What one pass came to."""

    pass_id: str
    at: datetime  # the instant it decided for
    planned: int = 0
    sent: int = 0
    failed: int = 0
    unknown: int = 0
    frozen: str | None = None
    quiet: bool = False  # it looked at everybody, and nothing of theirs waited to be said
    reasons: Mapping[str, int] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """A safety freeze that holds: not approved, and not over by itself."""

    kind: str  # pull or pass
    text: str  # every limit exceeded, with its figures
    since_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredLetter:
    """A message that the bot starts and that is no reminder; letters.py draws its moves."""

    letter_id: str
    kind: str
    slack_id: str
    subject: str
    content: str  # what the next one of its kind is compared with
    at: datetime | None = None  # when it was claimed, or read back: said


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimedLetter:
    """A letter whose fate is not known."""

    letter_id: str
    slack_id: str
    state: State  # sending or unknown
    claimed_at: datetime | None  # by the real clock
    after_ts: str | None = None  # the ts of one that arrived before it


@dataclass(frozen=True, kw_only=True, slots=True)
class Hitch:
    """One thing that keeps somebody from being reminded and that an admin can mend."""

    kind: HitchKind
    detail: str  # why nobody matches, the impossible date, Slack's error word, what is wrong with the record
    person_id: int = 0
    course_id: int = 0
    record: str = ""  # the record that was set aside: its kind and id
