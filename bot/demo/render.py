"""Messages, answers and people as HTML: Jinja2 with autoescape, over the renderer of Slack's texts in mrkdwn.py.

Owns the templates' filters and what a template needs to know about a person. Knows no HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Undefined

from bot.demo.company import Company, DemoPerson
from bot.demo.mrkdwn import EMOJI, Renderer, safe_url
from bot.demo.slack_state import Answer, Json, Message

FOLDER = Path(__file__).parent
HUES = 8
COMMANDS = ("/deadlines", "/progress", "/deadlines help")


class Views:
    """Renders what the page shows of one company."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.people = {person.slack_id: person for person in company.with_slack}
        names = {slack_id: person.name for slack_id, person in self.people.items()}
        renderer = Renderer(company.titles, names)
        lenient, strict = _environment(Undefined), _environment(StrictUndefined)
        filters: dict[str, Callable[..., object]] = {
            "mrkdwn": lambda text: renderer.mrkdwn(str(text or "")),
            "plain": lambda text: renderer.plain(str(text or "")),
            "rich": renderer.rich, "all_text": all_text, "safe_url": safe_url,
        }  # fmt: skip
        lenient.filters.update(filters)
        self._item = lenient.get_template("item.html")  # blocks are the bot's: keys may be absent
        self._page, self._course = strict.get_template("page.html"), strict.get_template("course.html")

    def item(self, what: Message | Answer) -> str:
        """A message or an answer as one element: HTML, escaped where it must be."""
        person = self.people[what.slack_id]
        kind = "answer" if isinstance(what, Answer) else "message" if what.by_bot else "said"
        return self._item.render(
            kind=kind, item=what, id=item_id(what), when=local(person, what.at), iso=what.at.isoformat(),
            name=person.name, initials=initials(person), hue=self._hue(person),
        )  # fmt: skip

    def page(self, **facts: Any) -> str:
        """The whole page."""
        return self._page.render(commands=COMMANDS, **facts)

    def course(self, course_id: int, title: str) -> str:
        """The page that a course's link opens."""
        return self._course.render(course_id=course_id, title=title)

    def person(self, person: DemoPerson, now: datetime, items: list[str]) -> Json:
        """What the page says about somebody."""
        emoji, text, _ = person.status or ("", "", 0)
        return {
            "slack_id": person.slack_id, "name": person.name, "initials": initials(person), "hue": self._hue(person),
            "place": place(person), "local": local(person, now), "messages": items,
            "language": person.language, "case": person.case, "emoji": EMOJI.get(emoji.strip(":"), emoji),
            "status_text": text,
        }  # fmt: skip

    def _hue(self, person: DemoPerson) -> int:
        return person.person_id % HUES


def _environment(undefined: type[Undefined]) -> Environment:
    return Environment(loader=FileSystemLoader(FOLDER / "templates"), autoescape=True, undefined=undefined)


def item_id(what: Message | Answer) -> str:
    """The id of its element."""
    return f"{'a' if isinstance(what, Answer) else 'm'}-{what.slack_id}-{what.ts.replace('.', '-')}"


def local(person: DemoPerson, at: datetime) -> str:
    """Weekday and time where this person is."""
    return at.astimezone(ZoneInfo(person.tz)).strftime("%a %H:%M")


def place(person: DemoPerson) -> str:
    """The city that their zone is named for."""
    return person.tz.rpartition("/")[2].replace("_", " ")


def initials(person: DemoPerson) -> str:
    """The first letters of both names."""
    letters = [next((sign for sign in name if sign.isalpha()), "") for name in (person.first_name, person.last_name)]
    return "".join(letters).upper()


def all_text(block: object) -> str:
    """Every text in a block of a kind that the page does not know, so that it is never shown as nothing."""
    return " ".join(_texts(block)) or (f"[{block.get('type', 'block')}]" if isinstance(block, dict) else "")


def _texts(value: object, key: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, key)
    elif isinstance(value, str) and key in ("text", "alt_text", "title_url", "value", "url"):
        yield value
