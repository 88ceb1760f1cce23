"""Slack's mrkdwn, plain text and rich text as HTML, with every course title marked.

Pure, and the one place where the page's HTML is made from what somebody else wrote: text reaches the result only
through `markupsafe.escape`, and tags come only from this file. It parses the raw text and nests by recursion, so the
result is well-formed whatever the input. Titles are found before any formatting: a title is text, whatever is in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from markupsafe import Markup, escape

EMOJI = {
    "airplane": "✈️", "alarm_clock": "⏰", "baby": "👶", "beach_with_umbrella": "🏖️", "bell": "🔔", "books": "📚",
    "bulb": "💡", "calendar": "📅", "date": "📅", "checkered_flag": "🏁", "clipboard": "📋", "clock9": "🕘",
    "desert_island": "🏝️", "exclamation": "❗", "eyes": "👀", "face_with_thermometer": "🤒", "gear": "⚙️",
    "house": "🏠", "hourglass": "⌛", "hourglass_flowing_sand": "⏳", "information_source": "ℹ️", "link": "🔗",
    "large_green_circle": "🟢", "large_yellow_circle": "🟡", "mortar_board": "🎓", "palm_tree": "🌴", "pushpin": "📌",
    "red_circle": "🔴", "rotating_light": "🚨", "seedling": "🌱", "spiral_calendar_pad": "🗓️", "tada": "🎉",
    "warning": "⚠️", "wave": "👋", "white_check_mark": "✅", "x": "❌", "zzz": "💤", "headphones": "🎧",
}  # fmt: skip

_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"
_OPEN, _CLOSE = "\ue000", "\ue001"  # private signs around a title's number; removed from what comes in
_MARK = re.compile(f"{_OPEN}(\\d+){_CLOSE}")
_EMOJI = "|".join(re.escape(name) for name in EMOJI)
_INLINE = re.compile(
    r"`(?P<code>[^`\n]+)`"
    r"|<(?P<angle>[^<>\n]+)>"
    r"|(?<![\w*])\*(?P<strong>[^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])"
    r"|(?<![\w_])_(?P<em>[^\s_](?:[^_\n]*[^\s_])?)_(?![\w_])"
    r"|(?<![\w~])~(?P<s>[^\s~](?:[^~\n]*[^\s~])?)~(?![\w~])"
    rf"|:(?P<emoji>{_EMOJI}):"
)
_FENCE = re.compile(r"```\n?(.+?)\n?```", re.DOTALL)
_QUOTE = re.compile(r"(?:&gt;|>)[ ]?")
_LINK = re.compile(r"(?:https?://|mailto:)\S+\Z")
_SEP = Markup("<br>")
_NONE = Markup("")
_TAGS = {
    "strong": Markup("<strong>{}</strong>"), "em": Markup("<em>{}</em>"), "s": Markup("<s>{}</s>"),
    "code": Markup("<code>{}</code>"), "pre": Markup("<pre>{}</pre>"), "ul": Markup("<ul>{}</ul>"),
    "li": Markup("<li>{}</li>"), "blockquote": Markup("<blockquote>{}</blockquote>"), "div": Markup("<div>{}</div>"),
}  # fmt: skip
_RICH_TAGS = {"rich_text_quote": "blockquote", "rich_text_preformatted": "pre", "rich_text_list": "ul"}
_RICH_STYLES = (("bold", "strong"), ("italic", "em"), ("strike", "s"), ("code", "code"))


class Renderer:
    """Renders texts in which these course titles and people are known."""

    def __init__(self, titles: Iterable[str] = (), names: dict[str, str] | None = None) -> None:
        self._names = names or {}
        wanted = sorted({title for title in titles if title.strip()}, key=len, reverse=True)
        self._titles = re.compile("|".join(_pattern(title) for title in wanted)) if wanted else None

    def mrkdwn(self, text: str) -> Markup:
        """A mrkdwn text."""
        found: list[str] = []
        parts = _FENCE.split(self._marked(text, found))
        leaf = _leaf_with(found)
        return _NONE.join(
            _TAGS["pre"].format(leaf(part)) if odd else self._lines(part, leaf) for part, odd in _odd(parts)
        )

    def plain(self, text: str) -> Markup:
        """A plain_text, in which only emoji and line breaks mean something."""
        found: list[str] = []
        leaf = _leaf_with(found)
        marked = self._marked(text, found)
        pieces = re.split(rf":({_EMOJI}):", marked)
        return _NONE.join(
            escape(EMOJI[piece]) if odd else _SEP.join(leaf(line) for line in piece.split("\n"))
            for piece, odd in _odd(pieces)
        )

    def rich(self, element: dict[str, Any]) -> Markup:
        """A rich_text block or one of its parts, as text with lists, quotes and links."""
        kind, inner = element.get("type"), element.get("elements")
        if isinstance(inner, list):
            parts = [self.rich(one) for one in inner if isinstance(one, dict)]
            if kind == "rich_text_list":
                parts = [_TAGS["li"].format(part) for part in parts]
            return _TAGS[_RICH_TAGS.get(str(kind), "div")].format(_NONE.join(parts))
        return self._rich_leaf(element)

    def _rich_leaf(self, element: dict[str, Any]) -> Markup:
        kind = element.get("type")
        text = str(element.get("text") or element.get("fallback") or element.get("url") or "")
        if kind == "emoji":
            name = str(element.get("name", ""))
            return escape(EMOJI.get(name, f":{name}:"))
        if kind == "user":
            text = f"@{self._names.get(str(element.get('user_id')), element.get('user_id'))}"
        elif kind == "broadcast":
            text = f"@{element.get('range')}"
        shown = self._verbatim(text)
        styles = element.get("style")
        for style, tag in _RICH_STYLES:
            if isinstance(styles, dict) and styles.get(style):
                shown = _TAGS[tag].format(shown)
        return _link(str(element.get("url", "")), shown) if kind == "link" else shown

    def _verbatim(self, text: str) -> Markup:
        """A text in which nothing has a meaning, not even the three escapes."""
        found: list[str] = []
        return _leaf_with(found)(self._marked(text.replace("&", "&amp;"), found))

    def _marked(self, text: str, found: list[str]) -> str:
        """The text with every title replaced by its number among those found."""
        text = text.replace(_OPEN, "").replace(_CLOSE, "")
        if self._titles is None:
            return text

        def number(match: re.Match[str]) -> str:
            found.append(match.group())
            return f"{_OPEN}{len(found) - 1}{_CLOSE}"

        return self._titles.sub(number, text)

    def _lines(self, text: str, leaf: Callable[[str], Markup]) -> Markup:
        """Lines, with those that begin with > as a quotation."""
        out, run, was_quoted = _NONE, list[Markup](), False
        for line in text.strip("\n").split("\n"):
            quote = _QUOTE.match(line)
            if bool(quote) is not was_quoted:
                out, run, was_quoted = out + _run(run, quoted=was_quoted), [], bool(quote)
            run.append(self._inline(line[quote.end() :] if quote else line, leaf))
        return out + _run(run, quoted=was_quoted)

    def _inline(self, text: str, leaf: Callable[[str], Markup]) -> Markup:
        out, at = _NONE, 0
        for match in _INLINE.finditer(text):
            out += leaf(text[at : match.start()]) + self._piece(match, leaf)
            at = match.end()
        return out + leaf(text[at:])

    def _piece(self, match: re.Match[str], leaf: Callable[[str], Markup]) -> Markup:
        kind, inner = str(match.lastgroup), match.group(str(match.lastgroup))
        if kind == "emoji":
            return escape(EMOJI[inner])
        if kind == "code":
            return _TAGS["code"].format(leaf(inner))
        if kind == "angle":
            return self._angle(inner, leaf)
        return _TAGS[kind].format(self._inline(inner, leaf))

    def _angle(self, inner: str, leaf: Callable[[str], Markup]) -> Markup:
        target, bar, label = inner.partition("|")
        if target.startswith("@"):
            return _mention("@" + self._names.get(target[1:], label or target[1:]))
        if target.startswith("#"):
            return _mention("#" + (label or target[1:]))
        if target.startswith("!"):
            if target.startswith("!date"):
                return leaf(label)
            return _mention(label or "@" + target[1:].partition("^")[0])
        return _link(_unescaped(target), leaf(label if bar and label else target))


def _mention(text: str) -> Markup:
    return Markup('<span class="mention">{}</span>').format(_unescaped(text))


def _link(url: str, shown: Markup) -> Markup:
    if not _LINK.match(url) or _MARK.search(url):
        return shown
    return Markup('<a href="{}" target="_blank" rel="noopener noreferrer">{}</a>').format(url, shown)


def _run(lines: list[Markup], *, quoted: bool) -> Markup:
    joined = _SEP.join(lines)
    return _TAGS["blockquote"].format(joined) if quoted and lines else joined


def _leaf_with(found: list[str]) -> Callable[[str], Markup]:
    """How a text without markup is shown, with the titles put back where their numbers stand."""

    def leaf(text: str) -> Markup:
        return _NONE.join(
            course(found[int(piece)]) if odd else escape(_unescaped(piece)) for piece, odd in _odd(_MARK.split(text))
        )

    return leaf


def course(title: str) -> Markup:
    """A course title as it was written, marked as one."""
    shown = _unescaped(title).translate(dict.fromkeys(map(ord, _INVISIBLE)))
    return Markup('<span class="course" data-testid="course">{}</span>').format(shown)


def safe_url(url: object) -> str:
    """The address where it is one to follow, else "#"."""
    return str(url) if _LINK.match(str(url)) else "#"


def _unescaped(text: str) -> str:
    """Slack's three escapes, undone; exactly once."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _odd(pieces: list[str]) -> list[tuple[str, bool]]:
    """What re.split with one group returns: text and matches in turn."""
    return [(piece, index % 2 == 1) for index, piece in enumerate(pieces)]


def _pattern(title: str) -> str:
    """A title as mrkdwn may carry it: escaped or not, with invisible signs between, white space of any width."""
    gap = f"[{_INVISIBLE}]*"
    signs = [_sign(sign) for sign in re.sub(r"\s+", " ", title.strip())]
    before = r"(?<![^\W_])" if title.strip()[0].isalnum() else ""
    after = r"(?![^\W_])" if title.strip()[-1].isalnum() else ""
    return before + gap.join(signs) + after


def _sign(sign: str) -> str:
    escaped = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
    if sign == " ":
        return r"\s+"
    if sign in escaped:
        return f"(?:{escaped[sign]}|{sign})"
    return f"[{re.escape(sign)}∗＊ˍ＿∼ˋ｜❘]" if sign in "*_~`|" else re.escape(sign)
