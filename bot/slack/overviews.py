"""A person's own courses as they are shown when asked for: on command, in a message, on the Home tab. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from bot.slack.messages import LINES_MOST, Line, linked, standing
from bot.slack.words import Words


def open_courses(words: Words, lines: Sequence[Line], *, today: date, contact: str, age: timedelta) -> list[str]:
    """Every open required course with a deadline, the earliest first, and how old the data is; a paragraph each."""
    if not lines:
        return [words.t("🎉 Nothing is open: no required course with a deadline waits for you."), checked(words, age)]
    shown = [_paragraph(words, line, today, contact) for line in lines[:LINES_MOST]]
    more = len(lines) - len(shown)
    if more:
        shown.append(words.n("… and {count} more.", "… and {count} more.", more))
    heading = words.n("You have {count} open required course:", "You have {count} open required courses:", len(lines))
    return [heading, *shown, checked(words, age)]


def checked(words: Words, age: timedelta) -> str:
    """How old the data is."""
    minutes = max(0, int(age.total_seconds() // 60))
    if minutes < 120:
        return words.n("Checked {count} minute ago.", "Checked {count} minutes ago.", minutes)
    return words.n("Checked {count} hour ago.", "Checked {count} hours ago.", minutes // 60)


def stranger(words: Words) -> list[str]:
    """For somebody whom the LMS does not know, or who could not be matched."""
    return [
        words.t(
            "I can't find you in the learning system by the e-mail address of your Slack profile. "
            "Please tell your IT or HR team; they can join the two."
        )
    ]


def help_text(words: Words) -> str:
    """What can be asked."""
    return words.t(
        "Type */deadlines* to see your open required courses. I remind you before each date, in your own morning; "
        "the buttons under a reminder open the course and say why you got it."
    )


def _paragraph(words: Words, line: Line, today: date, contact: str) -> str:
    return f"*{linked(line)}*\n{standing(words, line, today, contact)}"
