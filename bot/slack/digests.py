"""What admins are told: a freeze, a day that would freeze, and what keeps people from being reminded. Pure.

Names, addresses and raw values come from outside: they are escaped here, and shown `verbatim`. All of it also stands in
the top-level text. When it is said, and to whom, is jobs/admins.py's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeAlias

from bot.deadlines.model import Decision, Reason
from bot.slack.messages import POST_MOST, SECTION_MOST, Block, answer, cut, escape, literal, plain
from bot.slack.reasons import explain
from bot.slack.words import Words

NAME_MOST, RAW_MOST = 80, 60  # characters of a name and of a raw value that are shown: all lines must fit into a text
APPROVE, APPROVE_DAY = "approve", "approve_day"  # the buttons' action ids

Said: TypeAlias = tuple[str, tuple[Block, ...]]  # text and blocks


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """What froze, or would freeze, a pass or a pull."""

    kind: str  # pull or pass
    text: str  # every limit exceeded, with its figures, as freeze.py says it


@dataclass(frozen=True, kw_only=True, slots=True)
class Odd:
    """One thing that keeps somebody from being reminded and that an admin can mend."""

    kind: Literal["no_slack_match", "invalid_deadline", "refused", "rejected"]
    detail: str
    person_id: int = 0
    name: str = ""
    email: str = ""
    course: str = ""
    record: str = ""


def _(message: str) -> str:
    """Marks a text for the catalogues; it is looked up when it is said."""
    return message


# freeze.py's own sentences: a figure in words is stored as it says it, and told in the reader's language.
LIMITS = r" (?P<limits>\([^()]*\))"
FIGURES = (
    (
        r"this pass would message (?P<a>\d+) of (?P<b>\d+) people; "
        r"the largest pass of the last 14 days messaged (?P<c>\d+)",
        _("one pass would write to {a} of {b} people; the largest of the last 14 days wrote to {c}"),
    ),
    (
        r"the first pass of this installation would message (?P<a>\d+) people",
        _("the first pass of this installation would write to {a} people"),
    ),
    (r"people shrank from (?P<a>\d+) to (?P<b>\d+)", _("there were {a} people, and now there are {b}")),
    (r"assignments shrank from (?P<a>\d+) to (?P<b>\d+)", _("there were {a} assignments, and now there are {b}")),
    (r"(?P<a>\d+) of (?P<b>\d+) completions vanished", _("{a} of {b} completions vanished")),
)

FIRST = re.compile("the first pass of this installation")


def freeze(words: Words, limits: Sequence[Limit], since: datetime, value: str) -> Said:
    """A safety freeze that holds since then, by the reader's clock; `value` tells it from any other."""
    kinds = {"first" if FIRST.match(limit.text) else limit.kind for limit in limits}
    meant = [_meaning(words, kind) for kind in ("pull", "first", "pass") if kind in kinds]
    paragraphs = [
        words.t(
            "*Reminders are held* since {date}, {time}: nobody is written to.",
            date=words.date(since),
            time=_clock(since),
        ),
        *_figures(words, (limit.text for limit in limits)),
        " ".join(meant),
        words.t(
            "Please check the figures in the learning system. If they are right, press Approve, or run "
            "`deadline-bot approve`: the next pass sends what is still right by then. If they are wrong, correct them "
            "there: this then ends by itself."
        ),
    ]
    ask, told = words.t("Release the reminders?"), words.t("The next pass sends them. They can't be called back.")
    button = _button(words, words.t("Approve"), action_id=APPROVE, value=value, ask=ask, told=told)
    return _with_button(paragraphs, button)


def forecast(words: Words, on: date, texts: Sequence[str]) -> Said:
    """A day to come whose reminders would be held."""
    day = words.date(on)
    paragraphs = [
        words.t("*Reminders of {date} would be held*, by what is known now:", date=day),
        *_figures(words, texts),
        _meaning(words, "pass"),
        words.t(
            "If that is right, approve the day now, and its reminders go out in time. If it is wrong, correct it in "
            "the learning system by then."
        ),
    ]
    told = words.t("Whoever is due on {date} is then written to without a further question.", date=day)
    ask = words.t("Approve this day?")
    text = words.t("Approve this day")
    button = _button(words, text, action_id=APPROVE_DAY, value=on.isoformat(), ask=ask, told=told)
    return _with_button(paragraphs, button)


def exceptions(words: Words, new: Sequence[Odd], more: int, counts: Sequence[tuple[Odd, int]]) -> Said:
    """What is new of what keeps people from being reminded: these lines, so many `more`, and how many of each stand."""
    total = len(new) + more
    heading = words.n(
        "*{count} new exception* keeps somebody from being reminded.",
        "*{count} new exceptions* keep people from being reminded.",
        total,
    )
    standing = [f"• {_kind(words, odd)}: {words.number(count)}" for odd, count in counts]
    paragraphs = [heading, "\n".join([words.t("All that stand now:"), *standing])]
    paragraphs += _packed([f"• {_line(words, odd)}" for odd in new])
    if more:
        paragraphs.append(words.n("… and {count} more.", "… and {count} more.", more))
    paragraphs.append(
        words.t(
            "`deadline-bot status` counts all of them by reason, and `deadline-bot explain PERSON` says why for one "
            "person."
        )
    )
    return _said(paragraphs)


# ── parts ──


def _meaning(words: Words, kind: str) -> str:
    if kind == "pull":
        return words.t(
            "The learning system shows much less than before, so the earlier data is kept: a fault there must not look "
            "like courses that are finished."
        )
    if kind == "first":
        return words.t(
            "That is to be expected when the bot begins; `deadline-bot preview` and `deadline-bot remind --dry-run` "
            "show who would hear what."
        )
    return words.t("Many more people than usual would hear at once, which may be a mistake in the learning system.")


def _figures(words: Words, texts: Iterable[str]) -> list[str]:
    """Each limit exceeded, once, on a line of its own."""
    lines = dict.fromkeys(line for text in texts for line in figures(words, text))
    return ["\n".join(f"• {line}" for line in lines)] if lines else []


def figures(words: Words, text: str) -> list[str]:
    """Each limit in freeze.py's text, in words; the text itself where it says anything else."""
    found, rest = list[tuple[int, str]](), text
    for pattern, said in FIGURES:
        for one in re.finditer(pattern + LIMITS, text):
            numbers = {name: words.number(int(value)) for name, value in one.groupdict().items() if name != "limits"}
            found.append((one.start(), f"{words.t(said, **numbers)} {literal(one['limits'])}"))
            rest = rest.replace(one[0], "")
    return [literal(text)] if rest.strip("; ") else [line for _, line in sorted(found)]


def _kind(words: Words, odd: Odd) -> str:
    """What is counted together."""
    if odd.kind == "no_slack_match":
        return _why(words, odd).rstrip(".")
    if odd.kind == "invalid_deadline":
        return words.t("Deadlines that are no real day")
    if odd.kind == "refused":
        return words.t("People to whom Slack does not deliver")
    return words.t("Records of the learning system that can't be read")


def _line(words: Words, odd: Odd) -> str:
    if odd.kind == "rejected":
        return f"*{_name(odd.record)}*: {escape(odd.detail)}"
    known = ", ".join(part for part in (_name(odd.email), f"LMS {odd.person_id}") if part)
    who = f"*{_name(odd.name)}* ({known})" if odd.name.strip() else known
    course = f"{_name(odd.course)}. " if odd.course else ""
    return f"{who}: {course}{literal(_why(words, odd))}"


def _why(words: Words, odd: Odd) -> str:
    """Not escaped."""
    detail = cut(odd.detail, RAW_MOST)
    if odd.kind == "refused":
        return words.t("Slack does not deliver to this person: {error}.", error=detail)
    return explain(words, Decision(reason=Reason(odd.kind), detail=detail), "UTC")


def _name(text: str) -> str:
    return escape(cut(text, NAME_MOST))


def _clock(instant: datetime) -> str:
    return f"{instant:%H:%M}"


def _packed(lines: Sequence[str]) -> list[str]:
    """Lines put together into as few paragraphs as fit into a section each."""
    found: list[str] = []
    for line in lines:
        if found and len(found[-1]) + 1 + len(line) <= SECTION_MOST:
            found[-1] += f"\n{line}"
        else:
            found.append(line)
    return found


def _said(paragraphs: Sequence[str]) -> Said:
    text = "\n\n".join(paragraphs)
    _, blocks = answer(paragraphs)
    return cut(text, POST_MOST), tuple(blocks)


def _with_button(paragraphs: Sequence[str], button: Block) -> Said:
    text, blocks = _said(paragraphs)
    return text, (*blocks, {"type": "actions", "elements": [button]})


def _button(words: Words, text: str, *, action_id: str, value: str, ask: str, told: str) -> Block:
    """A button that asks once more."""
    confirm = {"title": plain(ask), "text": plain(told), "confirm": plain(text), "deny": plain(words.t("Not now"))}
    return {
        "type": "button",
        "action_id": action_id,
        "text": plain(text),
        "style": "primary",
        "value": value,
        "confirm": confirm,
    }
