"""The values that the parts hand to each other: frozen, keyword-only, complete.

Owns what a course, a person, an assignment, a step, a decision and a notice *are*. Never decides
anything (policy.py, plan.py), holds no figure of the policy (terms.py) and knows no LMS, no store and no Slack.

Names tell the unit: `_on` is a calendar date, `_at` an aware instant, `_seconds`, `_minutes`, `_days` are numbers of
those. Ids of people and courses are the LMS's own integers, 1 to 2^63-1; Slack's are its text (`U…`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Generic, Literal, TypeVar

T = TypeVar("T")

# ── what the LMS says ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, kw_only=True, slots=True)
class Learner:
    """A person as the LMS knows them: among its active or pending users."""

    person_id: int
    email: str | None = None  # as written there; None where it has none
    first_name: str = ""
    last_name: str = ""
    language: str | None = None  # a short code, "da"
    timezone: str | None = None  # a tz database name, unchecked
    country: str | None = None  # an ISO code or an English name, unchecked
    employment_ends_on: date | None = None  # the last day of employment
    manager_ids: tuple[int, ...] = ()
    team_ids: tuple[int, ...] = ()
    department_ids: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """First and last name, as far as there are any."""
        return f"{self.first_name} {self.last_name}".strip()


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """A course as the LMS knows it."""

    course_id: int
    title: str
    active: bool = True
    expected_minutes: int | None = None  # how long it is expected to take
    lock_after_deadline: bool = False  # it can't be taken once its deadline is past
    inform_leader_deadline: bool = False  # the LMS itself tells the manager of a missed deadline


class Status(StrEnum):
    """How far somebody is with a course."""

    NOT_STARTED = "not_started"
    STARTED = "started"
    COMPLETED = "completed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Assignment:
    """One row of the LMS: a person, a course, and by when. Several rows for one person and course may exist."""

    person_id: int
    course_id: int
    required: bool
    status: Status
    deadline_on: date | None = None  # a calendar date, inclusive; None where there is none or it is impossible
    deadline_raw: str | None = None  # the LMS's own text, kept only where it is no real day
    assigned_at: datetime | None = None
    first_assigned_at: datetime | None = None  # before the LMS rewrote it, for this deadline; None: not rewritten
    started_at: datetime | None = None
    completed_at: datetime | None = None
    renewal_at: datetime | None = None
    progress_percent: float | None = None  # 0 to 100
    score: float | None = None
    attempts: int | None = None
    time_spent_seconds: int | None = None

    @property
    def counts_from_at(self) -> datetime | None:
        """The assignment as steps count it: the first one known."""
        return self.first_assigned_at or self.assigned_at


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejected:
    """A record that could not be read: set aside, counted and shown, never guessed."""

    kind: Literal["user", "course", "participant"]
    reason: str  # names the field and what is wrong with it
    record_id: str = ""  # the LMS's id of it as written, where it has one
    raw: str = ""  # the offending value, at most 200 characters


@dataclass(frozen=True, kw_only=True, slots=True)
class Page(Generic[T]):
    """One page of a listing, decoded."""

    number: int  # from 1
    digest: bytes  # the same for two answers that decode to the same rows and rejects
    rows: tuple[T, ...]
    rejected: tuple[Rejected, ...] = ()


# ── what Slack says ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A person as Slack knows them."""

    slack_id: str
    email: str | None = None
    timezone: str | None = None  # a tz database name, unchecked
    locale: str | None = None  # "da-DK"
    deleted: bool = False
    is_bot: bool = False
    is_stranger: bool = False  # somebody of another workspace, by Slack Connect
    status_text: str = ""
    status_emoji: str = ""  # ":palm_tree:"
    status_until_at: datetime | None = None  # None where the status has no end


class NoMatch(StrEnum):
    """Why an LMS person has no Slack person; the first that applies."""

    NO_EMAIL = "no_email"
    TWO_ADDRESSES = "two_addresses"  # one LMS id came with two addresses
    SHARED_IN_LMS = "shared_in_lms"  # two LMS people bear the address
    SHARED_IN_SLACK = "shared_in_slack"  # two live Slack people bear it
    NOT_IN_SLACK = "not_in_slack"
    DEACTIVATED = "deactivated"
    BOT = "bot"
    STRANGER = "stranger"


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """Who an LMS person is in Slack, or why nobody: exactly one of the two."""

    slack_id: str | None = None
    reason: NoMatch | None = None


# ── a person as decisions see them ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, kw_only=True, slots=True)
class Absence:
    """Somebody's Slack status says that they are away."""

    seen_at: datetime  # the first pass that saw this status
    until_at: datetime | None = None  # None: no end given


@dataclass(frozen=True, kw_only=True, slots=True)
class Exemption:
    """An admin's word that somebody gets no reminders: leave, a dispensation."""

    course_id: int | None = None  # None: of any course
    until_on: date | None = None  # the last of their own local days on which it holds; None: it has no end


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Everything about one person that a decision depends on, resolved."""

    person_id: int
    zone: str  # a tz database name that exists
    active: bool = True  # among the LMS's active and pending users
    employment_ends_on: date | None = None
    in_audience: bool = True
    exemptions: tuple[Exemption, ...] = ()  # also those whose last day is past
    slack_id: str | None = None
    no_match: NoMatch | None = None
    refused_on: date | None = None  # the local day on which Slack last refused to deliver to them
    refusal: str = ""  # Slack's error word
    refusals: int = 0  # how often in a row
    told_on: tuple[date, ...] = ()  # local days of DMs of which nobody can tell any more what they named
    absence: Absence | None = None
    snoozed_until_on: date | None = None  # reminders may go again on this day
    language: str = "en"
    first_name: str = ""

    def has_left(self, on: date) -> bool:
        """Whether their employment is over on this local day: its last day is still a day of it."""
        return self.employment_ends_on is not None and self.employment_ends_on < on

    def exemption(self, on: date, course_id: int | None = None) -> Exemption | None:
        """The exemption from this course, or from every one, that holds on this local day and ends last."""
        about = (e for e in self.exemptions if e.course_id is None or e.course_id == course_id)
        holding = (e for e in about if e.until_on is None or e.until_on >= on)
        return max(holding, key=lambda e: e.until_on or date.max, default=None)


# ── steps and what was said ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Step:
    """A reminder's place in a course's calendar: before the deadline, on it, or overdue."""

    kind: Literal["before", "due", "overdue"]
    days: int = 0  # before: calendar days; overdue: working days; due: 0

    @property
    def name(self) -> str:
        """Its name in policy.md: `before-7`, `due`, `overdue-3`."""
        return "due" if self.kind == "due" else f"{self.kind}-{self.days}"

    @classmethod
    def parse(cls, name: str) -> Step:
        """The step of this name. Raises ValueError where there is none."""
        if name == "due":
            return DUE
        kind, _, days = name.partition("-")
        if kind == "before":
            return cls("before", int(days))
        if kind == "overdue":
            return cls("overdue", int(days))
        raise ValueError(f"{name!r} is no step")


DUE = Step("due")


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """A reminder that was sent. (course, deadline, step) is its identity for one person."""

    course_id: int
    deadline_on: date
    step: Step
    said_on: date  # the person's local day


# ── decisions ────────────────────────────────────────────────────────────────────────────────────────────────────


class Reason(StrEnum):
    """Why an assignment does or does not bring a reminder now, in policy.md's order: the first that applies."""

    SUPERSEDED = "superseded"
    COMPLETED = "completed"
    NOT_REQUIRED = "not_required"
    COURSE_INACTIVE = "course_inactive"
    PERSON_INACTIVE = "person_inactive"
    NOT_IN_AUDIENCE = "not_in_audience"
    EXEMPT = "exempt"
    NO_DEADLINE = "no_deadline"
    INVALID_DEADLINE = "invalid_deadline"
    NO_SLACK_MATCH = "no_slack_match"
    UNDELIVERABLE = "undeliverable"
    GAVE_UP = "gave_up"
    NOT_DUE_YET = "not_due_yet"
    ALREADY_SENT = "already_sent"
    DAY_OFF = "day_off"
    OUTSIDE_HOURS = "outside_hours"
    AWAY = "away"
    SNOOZED = "snoozed"
    CAPPED = "capped"
    STALE = "stale"
    FROZEN = "frozen"
    SEND = "send"


# Something is still to be said, if not now: a pass that came to one of these has not had "nothing to send".
WAITING = frozenset(
    {
        Reason.DAY_OFF,
        Reason.OUTSIDE_HOURS,
        Reason.AWAY,
        Reason.SNOOZED,
        Reason.CAPPED,
        Reason.STALE,
        Reason.FROZEN,
        Reason.SEND,
    }
)
# While one of these is left, somebody whose message a freeze has held, and who has not heard since, still waits for it.
STILL_TO_SAY = frozenset({Reason.SEND, Reason.FROZEN, Reason.STALE, Reason.OUTSIDE_HOURS, Reason.DAY_OFF})


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What is done about one assignment now, why, and when that can next change by itself.

    It names neither person nor course: one value serves all for whom it is the same (verdicts.py).
    """

    reason: Reason
    step: Step | None = None  # the step that would go, or went last
    step_on: date | None = None  # the local date on which it falls, moved off days off
    deadline_on: date | None = None
    detail: str = ""  # the reason's own fact: "gap", an impossible date, Slack's error word, an exemption's last day
    next_at: datetime | None = None  # None: nothing happens by itself
    next_step: Step | None = None  # the step after the ones reached
    next_on: date | None = None  # its local date
    last_warning: bool = False  # the due step, on the very day it was moved to
    reproach_free: bool = False  # it was assigned when its deadline was past already
    passed_over: tuple[Step, ...] = ()  # earlier reached steps that the one sent makes superfluous


@dataclass(frozen=True, kw_only=True, slots=True)
class Reminder:
    """One course in a notice."""

    course_id: int
    step: Step
    deadline_on: date
    reproach_free: bool = False
    passed_over: tuple[Step, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """One DM to one person on one local day: the earliest deadline first."""

    person_id: int
    slack_id: str
    local_on: date
    reminders: tuple[Reminder, ...]

    @property
    def said(self) -> list[Said]:
        """What has been said once it has gone out."""
        return [
            Said(course_id=r.course_id, deadline_on=r.deadline_on, step=r.step, said_on=self.local_on)
            for r in self.reminders
        ]
