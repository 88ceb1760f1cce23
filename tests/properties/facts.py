"""What a company's systems say at one instant: people, their Slack accounts, courses, assignments.

A `Facts` never changes: what happens makes a new one, so that what was pulled can be kept as it was. Who governs, who
is reachable and who is away is told here by policy.md's words alone; nothing of the program is called.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any, Self
from zoneinfo import available_timezones

from bot.deadlines.model import Assignment, Course, Learner, Member, Status
from bot.deadlines.terms import Policy
from tests.properties.days import SPELLINGS, Days

ZONES = sorted(available_timezones() - {"localtime"})
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What the customer has set."""

    policy: Policy
    default_country: str | None
    default_timezone: str
    admins: tuple[str, ...] = ()  # Slack ids

    def days(self, country: str | None) -> Days:
        """The days of somebody whose LMS says this country."""
        default = self.default_country or ""
        code = SPELLINGS.get(country, country) if country else ""
        return Days(hours=self.policy.hours, code=code or default)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """People by their LMS id, Slack accounts by theirs, courses, and the LMS's rows."""

    learners: Mapping[int, Learner]
    members: Mapping[str, Member]
    courses: Mapping[int, Course]
    rows: tuple[Assignment, ...]

    # ── what happens ──

    def with_learner(self, learner: Learner) -> Self:
        """Somebody is new in the LMS, or changed there."""
        return replace(self, learners={**self.learners, learner.person_id: learner})

    def without_learner(self, person_id: int) -> Self:
        """The LMS lists them no more."""
        return replace(self, learners={n: one for n, one in self.learners.items() if n != person_id})

    def with_member(self, member: Member) -> Self:
        """Somebody is new in Slack, or changed there."""
        return replace(self, members={**self.members, member.slack_id: member})

    def with_course(self, course: Course) -> Self:
        """A course is new, or changed."""
        return replace(self, courses={**self.courses, course.course_id: course})

    def with_row(self, row: Assignment) -> Self:
        """A row more."""
        return replace(self, rows=(*self.rows, row))

    def with_changed(self, row: Assignment, **changes: Any) -> Self:
        """This row is another one now."""
        return replace(self, rows=tuple(replace(one, **changes) if one is row else one for one in self.rows))

    def without_row(self, row: Assignment) -> Self:
        """This row is withdrawn."""
        return replace(self, rows=tuple(one for one in self.rows if one is not row))

    # ── what they say ──

    @cached_property
    def accounts(self) -> dict[int, Member]:
        """Who each person is in Slack: the one live account with their address, which nobody else in the LMS bears."""
        found: dict[int, Member] = {}
        emails = [one.email for one in self.learners.values()]
        for person_id, learner in self.learners.items():
            live = [m for m in self.members.values() if m.email == learner.email and not m.deleted]
            if len(live) == 1 and emails.count(learner.email) == 1:
                found[person_id] = live[0]
        return found

    def zone(self, person_id: int, terms: Terms) -> str:
        """Slack's zone, else the LMS's, else the setting."""
        account, learner = self.accounts.get(person_id), self.learners.get(person_id)
        told = (account.timezone if account else None, learner.timezone if learner else None)
        return next((zone for zone in told if zone in ZONES), terms.default_timezone)

    def days(self, person_id: int, terms: Terms) -> Days:
        """Their country's days."""
        learner = self.learners.get(person_id)
        return terms.days(learner.country if learner else None)

    def course_is_on(self, course_id: int, policy: Policy) -> bool:
        """Whether anybody is to be reminded of it."""
        own, course = policy.course.get(course_id), self.courses.get(course_id)
        return course is not None and course.active and not (own and own.off)

    def may_hear(self, person_id: int, on: date, policy: Policy) -> bool:
        """Whether they are active and of the audience on that local day."""
        learner, audience = self.learners.get(person_id), policy.audience
        if learner is None or (learner.employment_ends_on or date.max) < on:
            return False
        return not audience.team_ids or bool(set(audience.team_ids) & set(learner.team_ids))


def governing(rows: tuple[Assignment, ...], person_id: int, course_id: int) -> Assignment | None:
    """The row that counts: the one assigned last, then the later deadline; a completed one, a required one."""
    theirs = [row for row in rows if (row.person_id, row.course_id) == (person_id, course_id)]
    return max(
        theirs,
        key=lambda row: (
            row.assigned_at or LONG_AGO,
            row.deadline_on or date.min,
            row.status is Status.COMPLETED,
            row.required,
        ),
        default=None,
    )


def is_open(row: Assignment) -> bool:
    """Whether there is a reminder in it at all."""
    return row.required and row.status is not Status.COMPLETED and row.deadline_on is not None


def says_away(member: Member, policy: Policy) -> bool:
    """Whether a Slack status says that somebody is away."""
    emoji = member.status_emoji.partition(":skin-tone")[0].rstrip(":") + ":"
    words = re.split(r"\W+", member.status_text.lower())
    return emoji in policy.away.emoji or any(word in words for word in policy.away.words)
