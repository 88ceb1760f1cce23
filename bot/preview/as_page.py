"""The forecast as one HTML page that fetches nothing and runs nothing; Jinja2 with autoescape.

Owns what the template is given and how much of it, so that a page of any company is a few megabytes at most.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from bot.deadlines.forecast import ForecastDay, Foreseen, Held
from bot.deadlines.model import Reason, Reminder
from bot.preview.phrases import after_a_freeze, group, label, many, why_empty
from bot.preview.view import HeldBack, View, freezes, in_order
from bot.slack.reasons import explain, step_name
from bot.slack.words import Words, words
from bot.text import shortened

MESSAGES_SHOWN = 500  # of a day
COURSES_SHOWN = 10  # of a message
COURSES_IN_ALL = 10_000  # on the page, shared out evenly over the days …
COURSES_AT_LEAST = 20  # … so that each of 366 days has some
EXAMPLES_SHOWN = 50  # of a reason


@dataclass(frozen=True, kw_only=True)
class Section:
    """One day with all that is shown of it."""

    day: ForecastDay
    shown: list[Foreseen]

    @property
    def more(self) -> int:
        """Messages that are not shown."""
        return len(self.day.notices) - len(self.shown)


def as_page(view: View) -> str:
    """The whole page, in the default language."""
    said = words(view.settings.default_language)
    sections, backs = list(_sections(view)), view.held_back(EXAMPLES_SHOWN)
    view.names.read(f.notice.person_id for section in sections for f in section.shown)
    view.names.read(held.person_id for back in backs for held in back.examples)
    return _template().render(
        **_texts(view, said), view=view, words=said, t=said.t, n=said.n, totals=view.totals, weeks=list(view.weeks()),
        sections=sections, linked={section.day.on for section in sections}, freezes=list(freezes(view.days)),
        groups=_groups(said, backs), courses_shown=COURSES_SHOWN,
    )  # fmt: skip


def written(view: View, path: Path) -> str:
    """One line on what was written where."""
    messages, people = many(view.totals.messages, "message"), many(view.totals.people, "person", "people")
    return f"Page written: {path} ({messages} to {people} in {many(len(view.days), 'day')})."


def _template() -> Template:
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("page.html")


def _texts(view: View, said: Words) -> dict[str, Any]:
    """What the template asks for by name, in this language."""

    def step(reminder: Reminder) -> str:
        return step_name(said, reminder.step)

    def why(held: Held) -> str:
        return shortened(explain(said, held.decision, held.zone), 300)

    return {
        "step": step,
        "why": why,
        "zone": lambda foreseen: str(foreseen.at.tzinfo).replace("_", " ").split("/"),
        "label": lambda reason: label(said, reason),
        "held_of": lambda day: [(reason, day.held[reason]) for reason in Reason if day.held[reason]],
        "short_day": lambda day: _short_day(view, said, day),
        "pulled": _pulled(view, said),
        "empty": "" if view.totals.messages else why_empty(said, view),
        "after_a_freeze": after_a_freeze(said),
    }


def _pulled(view: View, said: Words) -> str:
    zone = view.settings.default_timezone
    at = view.preview.pulled_at.astimezone(ZoneInfo(zone))
    return f"{said.date(at.date())}, {at:%H:%M} ({zone.replace('_', ' ')})"


def _short_day(view: View, said: Words, day: date) -> str:
    """The day of the month; with its month where the calendar begins and where a month does."""
    return said.day_and_month(day) if day.day == 1 or day == view.days[0].on else str(day.day)


def _groups(said: Words, backs: list[HeldBack]) -> list[tuple[str, list[HeldBack]]]:
    found = [(group(said, waits=waits), [b for b in backs if b.waits is waits]) for waits in (False, True)]
    return [(heading, chosen) for heading, chosen in found if chosen]


def _sections(view: View) -> Iterator[Section]:
    """Each day on which anything is said or held back."""
    share = max(COURSES_AT_LEAST, COURSES_IN_ALL // max(1, view.totals.days))
    for day in view.days:
        if day.notices or day.held or day.frozen:
            yield Section(day=day, shown=list(_first(in_order(day), share)))


def _first(messages: list[Foreseen], courses: int) -> Iterator[Foreseen]:
    """As many as a day may show, which has room for so many courses."""
    for foreseen in messages[:MESSAGES_SHOWN]:
        if courses <= 0:
            return
        courses -= min(len(foreseen.notice.reminders), COURSES_SHOWN)
        yield foreseen
