"""A stored notice and its person -> the message that Slack is given."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from bot.deadlines.model import Assignment, Course
from bot.deadlines.policy import governing_first
from bot.jobs.people import person_of
from bot.settings import Settings
from bot.slack.messages import Line, Message, corrected, reminder
from bot.slack.words import Words, words
from bot.store import Dossier, Named, StoredNotice


def dm(settings: Settings, notice: StoredNotice, dossier: Dossier) -> Message:
    """The DM as it is sent."""
    person = person_of(dossier, settings)
    said = words(person.language)
    rows = {n.course_id: _governing(dossier, n.course_id) for n in notice.named}
    return reminder(
        said,
        [_line(settings, n, rows[n.course_id]) for n in notice.named],
        first_name=person.first_name,
        today=notice.local_on,
        contact=contact_of(settings, said),
        notice_id=notice.notice_id,
        keys=[n.key for n in notice.named],
    )


def correction(
    settings: Settings, notice: StoredNotice, dossier: Dossier, truth: Mapping[int, tuple[str, date | None]]
) -> Message:
    """The DM with what has become of its courses."""
    person = person_of(dossier, settings)
    lines = [_line(settings, n, None, *truth.get(n.course_id, (n.shown, None))) for n in notice.named]
    keys = [n.key for n in notice.named]
    return corrected(words(person.language), lines, first_name=person.first_name, notice_id=notice.notice_id, keys=keys)


def contact_of(settings: Settings, said: Words) -> str:
    """Whom to ask about a course that can't be taken any more, in Slack's markup: the first admin, else the manager."""
    return f"<@{settings.slack_admins[0]}>" if settings.slack_admins else said.t("your manager")


def line_of(settings: Settings, course: Course, dossier: Dossier, deadline_on: date) -> Line:
    """A course as a list shows it."""
    row = _governing(dossier, course.course_id)
    return Line(
        course_id=course.course_id,
        title=course.title,
        deadline_on=deadline_on,
        url=settings.course_url(course.course_id),
        progress_percent=row.progress_percent if row else None,
        locked=course.lock_after_deadline,
    )


def _governing(dossier: Dossier, course_id: int) -> Assignment | None:
    rows = [row for row in dossier.assignments if row.course_id == course_id]
    return governing_first(rows)[0] if rows else None


def _line(
    settings: Settings, named: Named, row: Assignment | None, state: str = "open", deadline_now_on: date | None = None
) -> Line:
    return Line(
        course_id=named.course_id,
        title=named.title,
        deadline_on=named.deadline_on,
        url=settings.course_url(named.course_id),
        progress_percent=row.progress_percent if row else None,
        locked=named.locked,
        reproach_free=named.reproach_free,
        state=state,
        deadline_now_on=deadline_now_on,
    )
