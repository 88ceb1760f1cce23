"""Text from outside, made fit to be stored and sent: neither SQLite nor UTF-8 takes every text that JSON can write."""

from __future__ import annotations

import re

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str, most: int = 500) -> str:
    """`text` with NUL and lone surrogates (an emoji cut in half) replaced by U+FFFD, at most so many characters."""
    return UNSTORABLE.sub("\ufffd", text[:most])
