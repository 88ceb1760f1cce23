"""What comes next by a decision, in words: only a date that the decision gives, and as sure as it gives it.

Owns what the words can tell besides the decision (`Facts`); why a decision was made is reasons.py's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal, TypeAlias

from bot.deadlines.calendar import zone_info
from bot.deadlines.model import Decision, Person, Reason, Said, Step
from bot.deadlines.terms import Policy, Steps
from bot.slack.words import Words

DayOff: TypeAlias = Literal["weekend", "holiday", "own"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What the words can tell besides the decision itself; what is not known is left unsaid."""

    policy: Policy | None = None
    course_id: int | None = None  # whose steps hold; None: the policy's own
    person: Person | None = None
    said: tuple[Said, ...] | None = None  # everything ever said to them about this course
    governs_on: date | None = None  # the deadline of the assignment that counts instead
    day_off: DayOff | None = None  # which kind of day off today is; "own" is the policy's
    country: str | None = None  # an ISO code: whose public holidays count
    now: datetime | None = None
    pulled_at: datetime | None = None  # when the data was pulled


NOTHING = Facts()


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One decision, to be said in one language."""

    words: Words
    decision: Decision
    zone: str
    facts: Facts

    @property
    def steps(self) -> Steps | None:
        """The steps that hold for the course."""
        policy, course_id = self.facts.policy, self.facts.course_id
        if policy is None:
            return None
        return policy.steps if course_id is None else policy.steps_of(course_id)

    @property
    def said(self) -> tuple[Said, ...]:
        """What was said about this very deadline."""
        return tuple(s for s in self.facts.said or () if s.deadline_on == self.decision.deadline_on)

    @property
    def step(self) -> str:
        """The decision's step."""
        return step_name(self.words, self.decision.step) if self.decision.step else "–"

    @property
    def next_on(self) -> date | None:
        """The person's local date of the next instant at which the decision can change."""
        return self.local(self.decision.next_at).date() if self.decision.next_at else None

    def local(self, instant: datetime) -> datetime:
        """An instant as the person's own clock shows it."""
        try:
            return instant.astimezone(zone_info(self.zone) or UTC)
        except OverflowError:
            return instant.astimezone(UTC)


def step_name(words: Words, step: Step) -> str:
    """A step as people say it: "2 days before"."""
    if step.kind == "due":
        return words.t("on the day it is due")
    if step.kind == "before":
        return words.n("{count} day before", "{count} days before", step.days)
    return words.n("{count} working day after", "{count} working days after", step.days)


def upcoming(case: Case) -> str:
    """The next date on which something can happen, or how it ends; nothing where the decision gives none."""
    following = NEXT.get(case.decision.reason)
    return following(case) if following else ""


def _next_step(case: Case) -> str:
    """The step after the ones reached; one that is taken along now is itself that step."""
    decision = case.decision
    if decision.next_on is None or decision.next_step is None or decision.detail == "gathered":
        return ""
    on, step = case.words.date(decision.next_on), step_name(case.words, decision.next_step)
    return case.words.t("Next: {date}, {step}.", date=on, step=step)


def _next_step_or_end(case: Case) -> str:
    return _next_step(case) or case.words.t("No other reminder of it follows.")


def _earliest(case: Case) -> str:
    if case.next_on is None:
        return ""
    on = case.words.date(case.next_on)
    return case.words.t("A reminder can go out on {date} at the earliest.", date=on)


def _opening(case: Case) -> str:
    if case.decision.next_at is None:
        return ""
    at = case.local(case.decision.next_at)
    return case.words.t(
        "A reminder can go out on {date}, from {time} local time.",
        date=case.words.date(at.date()),
        time=case.words.time(at.time()),
    )


def _looks_again(case: Case) -> str:
    """While somebody is away the bot looks every day; from the return on, a reminder can go."""
    absence = case.facts.person.absence if case.facts.person else None
    if case.next_on is None:
        return ""
    if absence and absence.until_at and case.decision.next_at and case.decision.next_at >= absence.until_at:
        return _earliest(case)
    return case.words.t("The bot looks again on {date}.", date=case.words.date(case.next_on))


def _next_pull(case: Case) -> str:
    if case.decision.next_at is None:
        return case.words.t("It waits for the next pull.")
    at = case.local(case.decision.next_at)
    on, time = case.words.date(at.date()), case.words.time(at.time())
    return case.words.t(
        "It waits for the next pull; the bot looks again on {date}, {time} local time.", date=on, time=time
    )


def _tries_again(case: Case) -> str:
    if case.next_on is None:
        return ""
    return case.words.t("The bot tries again on {date} at the earliest.", date=case.words.date(case.next_on))


NEXT: dict[Reason, Callable[[Case], str]] = {
    Reason.EXEMPT: _looks_again,
    Reason.UNDELIVERABLE: _tries_again,
    Reason.NOT_DUE_YET: _next_step,
    Reason.ALREADY_SENT: _next_step_or_end,
    Reason.DAY_OFF: _earliest,
    Reason.OUTSIDE_HOURS: _opening,
    Reason.AWAY: _looks_again,
    Reason.SNOOZED: _earliest,
    Reason.CAPPED: _earliest,
    Reason.STALE: _next_pull,
    Reason.SEND: _next_step,
}
