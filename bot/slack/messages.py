"""Turns a notice, or what has become of one, into text and blocks. Pure.

Text from outside (names, titles) is escaped here and marked `verbatim`, so that a title can neither ping anybody nor
make a link. Everything also stands in the top-level text, which is all that a screen reader and a notification show.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from bot.slack.words import Words

Block: TypeAlias = dict[str, Any]

TITLE_MOST = 120  # characters of a title or name that are shown
POST_MOST = 39_000  # characters of a new DM's top-level text: Slack cuts at 40,000
TEXT_MOST = 3900  # characters of an edit's or an answer's: chat.update refuses more than 4,000
SECTION_MOST = 2900  # characters of one section: Slack takes 3,000
BLOCKS_MOST = 50  # that Slack takes in a message
LINES_MOST = 40  # sections of courses in a DM


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What chat.postMessage and chat.update take."""

    text: str
    blocks: list[Block]
    metadata: dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One course in a DM."""

    course_id: int
    title: str
    deadline_on: date
    url: str = ""
    progress_percent: float | None = None
    locked: bool = False  # past its deadline, and it can't be taken any more
    reproach_free: bool = False  # it was assigned when its deadline was past already
    state: str = "open"  # open, done, moved, dropped: what has become of it since
    deadline_now_on: date | None = None  # where it has moved


def escape(text: str) -> str:
    """Text from outside as Slack shows it literally; whitespace is folded, and it is cut at TITLE_MOST characters."""
    folded = " ".join(text.split())
    return literal(folded if len(folded) <= TITLE_MOST else folded[: TITLE_MOST - 1] + "…")


def literal(text: str) -> str:
    """Text as Slack shows it literally, whole."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def reminder(
    words: Words,
    lines: Sequence[Line],
    *,
    first_name: str,
    today: date,
    contact: str,
    notice_id: str,
    keys: Sequence[str],
) -> Message:
    """The one DM of a day: the earliest deadline first. `contact` is whom to ask, in Slack's markup."""
    opening = greeting(words, first_name) + " " + _opening(words, lines, today)
    said = [(_title(line), standing(words, line, today, contact)) for line in lines]
    blocks = [section(opening), *_course_sections(words, lines, said), _buttons(words, lines, notice_id)]
    ends = [f"{standing}{_plain_link(line)}" for (_, standing), line in zip(said, lines, strict=True)]
    text = cut(_listed(opening, [title for title, _ in said], ends), POST_MOST)
    return Message(text=text, blocks=blocks, metadata=_metadata(notice_id, keys))


def corrected(words: Words, lines: Sequence[Line], *, first_name: str, notice_id: str, keys: Sequence[str]) -> Message:
    """The same DM later, with what has become of its courses; the buttons stay while one of them is open."""
    opening = greeting(words, first_name) + " " + words.t("this is what has become of your reminder:")
    said = [(_title(line), _since(words, line)) for line in lines]
    blocks = [section(opening), *_course_sections(words, lines, said)]
    if any(_is_open(line) for line in lines):
        blocks.append(_buttons(words, lines, notice_id))
    ends = [since + (_plain_link(line) if _is_open(line) else "") for (_, since), line in zip(said, lines, strict=True)]
    text = cut(_listed(opening, [title for title, _ in said], ends))
    return Message(text=text, blocks=blocks, metadata=_metadata(notice_id, keys))


def answer(paragraphs: Sequence[str]) -> tuple[str, list[Block]]:
    """An answer to a person: text and blocks. The paragraphs are escaped already; too many share sections."""
    text = "\n\n".join(paragraphs)
    share = max(1, -(-len(paragraphs) // BLOCKS_MOST))
    shared = ["\n\n".join(paragraphs[n : n + share]) for n in range(0, len(paragraphs), share)]
    pieces = [p if len(p) <= SECTION_MOST else p[: SECTION_MOST - 1] + "…" for p in shared]
    return cut(text), [section(piece) for piece in pieces]


def home(blocks: list[Block]) -> dict[str, Any]:
    """A Home tab of these blocks."""
    return {"type": "home", "blocks": blocks}


def digest_metadata(message_id: str) -> dict[str, Any]:
    """The metadata of a message that is no reminder."""
    return {"event_type": "deadline_digest", "event_payload": {"notice": message_id}}


def _metadata(notice_id: str, keys: Sequence[str]) -> dict[str, Any]:
    return {"event_type": "deadline_reminder", "event_payload": {"notice": notice_id, "reminders": list(keys)}}


def greeting(words: Words, first_name: str) -> str:
    """How a message begins: "Hi Ada," with the name escaped."""
    name = escape(first_name)
    return words.t("Hi {name},", name=name) if name else words.t("Hi,")


def _opening(words: Words, lines: Sequence[Line], today: date) -> str:
    overdue = sum(line.deadline_on < today and not line.reproach_free for line in lines)
    if overdue == len(lines):
        return words.n("a required course is overdue:", "{count} required courses are overdue:", len(lines))
    return words.n("a required course is waiting for you:", "{count} required courses are waiting for you:", len(lines))


def _title(line: Line) -> str:
    return escape(line.title) or str(line.course_id)


def standing(words: Words, line: Line, today: date, contact: str) -> str:
    """Date and days left, and how far they are: "due Friday 12 March 2027, in 2 days; 33% done"."""
    days, day = (line.deadline_on - today).days, words.date(line.deadline_on)
    if days < 0 and line.locked:
        return words.t(
            "was due {date} and can no longer be taken. Please talk to {contact}.", date=day, contact=contact
        )
    if days < 0 and line.reproach_free:
        said = words.t("its date, {date}, was past already when you got it; please plan it soon", date=day)
    elif days < 0:
        said = words.n("was due {date}, {count} day ago", "was due {date}, {count} days ago", -days, date=day)
    elif days == 0:
        said = words.t("due today, {date}", date=day)
    elif days == 1:
        said = words.t("due tomorrow, {date}", date=day)
    else:
        said = words.n("due {date}, in {count} day", "due {date}, in {count} days", days, date=day)
    return said + _progress(words, line)


def _progress(words: Words, line: Line) -> str:
    if not line.progress_percent:
        return ""
    return words.t("; {percent}% done", percent=words.number(math.floor(line.progress_percent * 10) / 10))


def _since(words: Words, line: Line) -> str:
    """What a course of an earlier DM has become; no "in 2 days", which would not stay true."""
    if line.state == "done":
        return words.t("✅ finished. Thank you!")
    if line.state == "moved" and line.deadline_now_on:
        return words.t("its deadline has moved to {date}", date=words.date(line.deadline_now_on))
    if line.state == "dropped":
        return words.t("no longer required of you")
    return words.t("due {date}", date=words.date(line.deadline_on))


def _course_sections(words: Words, lines: Sequence[Line], said: Sequence[tuple[str, str]]) -> list[Block]:
    """A section a course, with its Open button where several are open; too many share sections."""
    if len(lines) > LINES_MOST:
        return [section(f"*{title}*\n{standing}") for title, standing in _chunks(said)]
    sections = []
    for line, (title, standing) in zip(lines, said, strict=True):
        block = section(f"*{_linked(line, title)}*\n{standing}")
        if _each_has_open(lines) and _is_open(line) and line.url:
            block["accessory"] = _open_button(words, line)
        sections.append(block)
    return sections


def _chunks(said: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """At most LINES_MOST entries: where there are more, several courses share one."""
    share = -(-len(said) // LINES_MOST)
    groups = [said[n : n + share] for n in range(0, len(said), share)]
    return [
        (group[0][0], "\n".join([group[0][1], *(f"*{title}*\n{standing}" for title, standing in group[1:])]))
        for group in groups
    ]


def _buttons(words: Words, lines: Sequence[Line], notice_id: str) -> Block:
    """Open (of the first open course, unless each has its own beside it), and the three others."""
    first = next(line for line in lines if _is_open(line))
    opens = [_open_button(words, first)] if first.url and not _each_has_open(lines) else []
    others = {
        "plan": words.t("Plan a time"),
        "done": words.t("Already done?"),
        "why": words.t("Why this?"),
    }
    buttons = [_button(text, action_id, value=notice_id) for action_id, text in others.items()]
    return {"type": "actions", "elements": [*opens, *buttons]}


def _is_open(line: Line) -> bool:
    return line.state in ("open", "moved")


def _each_has_open(lines: Sequence[Line]) -> bool:
    return len(lines) <= LINES_MOST and sum(_is_open(line) for line in lines) > 1


def _open_button(words: Words, line: Line) -> Block:
    return _button(words.t("Open"), "open", url=line.url)


def _button(text: str, action_id: str, **more: str) -> Block:
    return {"type": "button", "action_id": action_id, "text": plain(text), **more}


def plain(text: str) -> Block:
    """Text that Slack shows without any markup."""
    return {"type": "plain_text", "text": text, "emoji": True}


def section(text: str) -> Block:
    """A block of text that is escaped already, shown as it is; it is cut a little above SECTION_MOST."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[: SECTION_MOST + 50], "verbatim": True}}


def linked(line: Line) -> str:
    """A course's title, escaped, as a link to it where it has one."""
    return _linked(line, _title(line))


def _linked(line: Line, title: str) -> str:
    return f"<{_url(line.url)}|{title}>" if line.url else title


def _plain_link(line: Line) -> str:
    return f" – {_url(line.url)}" if line.url else ""


def _url(url: str) -> str:
    return url.replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C")


def _listed(opening: str, titles: Sequence[str], ends: Sequence[str]) -> str:
    return "\n".join([opening, *(f"• {title} – {end}" for title, end in zip(titles, ends, strict=True))])


def cut(text: str, most: int = TEXT_MOST) -> str:
    """A text of at most so many characters, with an ellipsis where something is missing."""
    return text if len(text) <= most else text[: most - 1] + "…"
