"""Rows of the database <-> values of deadlines.model; no statement and no connection."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Any, TypeAlias

from bot.deadlines.model import Assignment, Course, Decision, Exemption, Learner, Member, Said, Status, Step
from bot.store.sqlite import instant, seconds

Row: TypeAlias = tuple[Any, ...]
STATUS = {status.value: status for status in Status}

PERSON = (
    "email, first_name, last_name, language, timezone, country, employment_ends_on, manager_ids, team_ids, "
    "department_ids"
)
MEMBER = "slack_id, email, timezone, locale, deleted, is_bot, is_stranger, status_text, status_emoji, status_until_at"
EXEMPTION = "course_id, until_on"
COURSE = "course_id, title, active, expected_minutes, lock_after_deadline, inform_leader_deadline"
ASSIGNMENT = (
    "person_id, course_id, required, status, deadline_on, deadline_raw, assigned_at, started_at, completed_at, "
    "renewal_at, progress_percent, score, attempts, time_spent_seconds"
)
ASSIGNMENT_KEPT = f"{ASSIGNMENT}, first_assigned_at"  # with what the store knows and the LMS does not


@lru_cache(maxsize=8192)
def day(text: str | None) -> date | None:
    """`YYYY-MM-DD` as a date; the same date for the same text, since a million rows have a few hundred of them."""
    return None if text is None else date.fromisoformat(text)


def text(on: date | None) -> str | None:
    """A date as `YYYY-MM-DD`, with four digits for the first centuries too."""
    return None if on is None else on.isoformat()


def person_row(learner: Learner) -> Row:
    """The columns PERSON."""
    return (
        learner.email,
        learner.first_name,
        learner.last_name,
        learner.language,
        learner.timezone,
        learner.country,
        text(learner.employment_ends_on),
        ids_text(learner.manager_ids),
        ids_text(learner.team_ids),
        ids_text(learner.department_ids),
    )


def learner(person_id: int, row: Row) -> Learner:
    """A person from the columns PERSON."""
    return Learner(
        person_id=person_id,
        email=row[0],
        first_name=row[1],
        last_name=row[2],
        language=row[3],
        timezone=row[4],
        country=row[5],
        employment_ends_on=day(row[6]),
        manager_ids=_ids(row[7]),
        team_ids=_ids(row[8]),
        department_ids=_ids(row[9]),
    )


@lru_cache(maxsize=4096)
def _ids(text: str) -> tuple[int, ...]:
    return tuple(json.loads(text))


def ids_text(ids: Iterable[int | str]) -> str:
    """Ids as a JSON list."""
    return json.dumps(list(ids))


def member_row(member: Member) -> Row:
    """The columns MEMBER."""
    return (
        member.slack_id,
        member.email,
        member.timezone,
        member.locale,
        member.deleted,
        member.is_bot,
        member.is_stranger,
        member.status_text,
        member.status_emoji,
        seconds(member.status_until_at),
    )


def member(row: Row) -> Member:
    """Somebody in Slack from the columns MEMBER."""
    return Member(
        slack_id=row[0],
        email=row[1],
        timezone=row[2],
        locale=row[3],
        deleted=bool(row[4]),
        is_bot=bool(row[5]),
        is_stranger=bool(row[6]),
        status_text=row[7],
        status_emoji=row[8],
        status_until_at=instant(row[9]),
    )


def course_row(course: Course) -> Row:
    """The columns COURSE."""
    return (
        course.course_id,
        course.title,
        course.active,
        course.expected_minutes,
        course.lock_after_deadline,
        course.inform_leader_deadline,
    )


def course(row: Row) -> Course:
    """A course from the columns COURSE."""
    return Course(
        course_id=row[0],
        title=row[1],
        active=bool(row[2]),
        expected_minutes=row[3],
        lock_after_deadline=bool(row[4]),
        inform_leader_deadline=bool(row[5]),
    )


def assignment_row(row: Assignment) -> Row:
    """The columns ASSIGNMENT."""
    return (
        row.person_id,
        row.course_id,
        row.required,
        row.status.value,
        text(row.deadline_on),
        row.deadline_raw,
        seconds(row.assigned_at),
        seconds(row.started_at),
        seconds(row.completed_at),
        seconds(row.renewal_at),
        row.progress_percent,
        row.score,
        row.attempts,
        row.time_spent_seconds,
    )


def assignment(row: Row) -> Assignment:
    """An assignment from the columns ASSIGNMENT_KEPT."""
    return Assignment(
        person_id=row[0],
        course_id=row[1],
        required=bool(row[2]),
        status=STATUS[row[3]],
        deadline_on=day(row[4]),
        deadline_raw=row[5],
        assigned_at=instant(row[6]),
        started_at=instant(row[7]),
        completed_at=instant(row[8]),
        renewal_at=instant(row[9]),
        progress_percent=row[10],
        score=row[11],
        attempts=row[12],
        time_spent_seconds=row[13],
        first_assigned_at=instant(row[14]),
    )


def decision_row(decision: Decision) -> Row:
    """The columns of a decision after its key."""
    return (
        decision.reason.value,
        decision.step.name if decision.step else None,
        text(decision.step_on),
        text(decision.deadline_on),
        decision.detail,
        seconds(decision.next_at),
        decision.next_step.name if decision.next_step else None,
        text(decision.next_on),
    )


def said(row: Row) -> Said:
    """A reminder that was sent, from course_id, deadline_on, step, local_on."""
    return Said(
        course_id=row[0],
        deadline_on=date.fromisoformat(row[1]),
        step=_step(row[2]),
        said_on=date.fromisoformat(row[3]),
    )


def exemption(row: Row) -> Exemption:
    """An exemption from the columns EXEMPTION; course 0 is every course."""
    return Exemption(course_id=row[0] or None, until_on=day(row[1]))


_step = lru_cache(maxsize=256)(Step.parse)
