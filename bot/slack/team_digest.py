"""The weekly digest to a manager: which courses of their team are overdue, by person. Pure.

Names and titles are escaped here. A course is no link: it would open the manager's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from bot.slack.messages import POST_MOST, SECTION_MOST, Block, escape, greeting, section
from bot.slack.words import Words

PEOPLE_MOST = 40  # shown, a section each
ROOM = 1000  # characters of the text that opening and closing may take


@dataclass(frozen=True, kw_only=True, slots=True)
class Missed:
    """One overdue course."""

    title: str
    deadline_on: date
    days: int  # since the deadline
    is_new: bool = False  # it did not stand on the last digest
    locked: bool = False  # it can't be taken any more
    assigned_late: bool = False  # the deadline was past already when they got it


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """One person of the team, with at least one course."""

    name: str
    missed: tuple[Missed, ...]


def team_digest(
    words: Words, reports: Sequence[Report], *, first_name: str, weekday: int
) -> tuple[str, tuple[Block, ...]]:
    """The digest's text and blocks. `weekday` is the day on which digests go, Monday being 0."""
    opening = f"{greeting(words, first_name)} {_opening(words, sum(len(report.missed) for report in reports))}"
    shown = list(_people(words, sorted(reports, key=_new_and_oldest_first)))
    more = len(reports) - len(shown)
    ends = [words.n("… and {count} more person.", "… and {count} more people.", more)] if more else []
    ends.append(_closing(words, weekday))
    text = "\n\n".join([opening, *(f"{name}\n{courses}" for name, courses in shown), *ends])
    blocks = [section(part) for part in (opening, *(f"*{name}*\n{courses}" for name, courses in shown), *ends)]
    return text, tuple(blocks)


def _opening(words: Words, courses: int) -> str:
    return words.n("this course of your team is overdue:", "these {count} courses of your team are overdue:", courses)


def _closing(words: Words, weekday: int) -> str:
    what_to_do = words.t("Please ask them when they plan to finish.")
    when = words.t(
        "I look every {weekday} and write only when this list has changed, or four weeks after the last one.",
        weekday=words.weekday(weekday),
    )
    return f"{what_to_do}\n{when}"


def _new_and_oldest_first(report: Report) -> tuple[bool, date, str]:
    """What has changed leads, so that it is seen however long the list is."""
    return (
        not any(one.is_new for one in report.missed),
        min(one.deadline_on for one in report.missed),
        report.name.casefold(),
    )


def _people(words: Words, reports: Sequence[Report]) -> Iterator[tuple[str, str]]:
    """Name and courses of as many people as are shown and fit into the text."""
    room = POST_MOST - ROOM
    for report in reports[:PEOPLE_MOST]:
        name = escape(report.name)
        courses = _courses(words, report.missed, SECTION_MOST - len(name))
        room -= len(name) + len(courses) + 3
        if room < 0:
            return
        yield name, courses


def _courses(words: Words, missed: Sequence[Missed], room: int) -> str:
    """A line a course: whole lines only, as many as fit."""
    lines = [_line(words, one) for one in missed]
    shown = 0
    while shown < len(lines) and (room := room - len(lines[shown]) - 1) > 0:
        shown += 1
    more = len(lines) - shown
    ends = [words.n("… and {count} more.", "… and {count} more.", more)] if more else []
    return "\n".join([*lines[:shown], *ends])


def _line(words: Words, missed: Missed) -> str:
    new = words.t("new")
    mark = f" ({new})" if missed.is_new else ""
    return f"• {escape(missed.title)} – {_standing(words, missed)}{mark}"


def _standing(words: Words, missed: Missed) -> str:
    day = words.date(missed.deadline_on)
    if missed.assigned_late:
        said = words.t("its date, {date}, was past already when they got it", date=day)
    else:
        said = words.n("was due {date}, {count} day ago", "was due {date}, {count} days ago", missed.days, date=day)
    return said + (words.t("; it can no longer be taken") if missed.locked else "")
