"""Text from outside, made fit to be stored and sent: neither SQLite nor UTF-8 takes every text that JSON can write."""

from __future__ import annotations

import re

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
JOINERS = "\u200c\u200d"  # inside names and emoji


def storable(text: str, most: int = 500) -> str:
    """`text` with NUL and lone surrogates (an emoji cut in half) replaced by U+FFFD, at most so many characters."""
    return UNSTORABLE.sub("\ufffd", text[:most])


def printable(text: str) -> str:
    """`text` for a screen: a blank for each control character, among them those that turn the way of writing."""
    return "".join(c if c.isprintable() or c in JOINERS else " " for c in text)


def shortened(text: str, most: int = 80) -> str:
    """`text` for a screen on one line, at most so many characters."""
    line = " ".join(printable(text).split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"
