"""How Slack's methods read their arguments, and how they say no.

Arguments come from a form or from JSON, so a list may be a list or JSON in a text, a flag `true` or `"1"`. Pure.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from bot.demo.slack_state import Json


class Refusal(Exception):
    """Slack says no: `{"ok": false, "error": word, …}`; a number of seconds makes it a 429."""

    def __init__(self, error: str, *, retry_after_seconds: int | None = None, **extra: Any) -> None:
        super().__init__(error)
        self.error = error
        self.retry_after_seconds = retry_after_seconds
        self.extra = extra


def decoded(value: Any, error: str = "invalid_arguments") -> Any:
    """A value that form fields carry as JSON in a text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as broken:
        raise Refusal(error) from broken


def yes(value: object) -> bool:
    """Whether a flag is set: JSON true, or "true" or "1" in a form."""
    return value is True or str(value).lower() in ("true", "1")


def limit(args: Json, *, default: int) -> int:
    """A page size as asked for; 0 where none."""
    try:
        return max(0, int(args.get("limit") or default))
    except (TypeError, ValueError) as broken:
        raise Refusal("invalid_limit") from broken


def instant(value: object, error: str) -> float:
    """A ts as seconds."""
    try:
        return round(float(str(value)), 6)
    except ValueError as broken:
        raise Refusal(error) from broken


def cursor(kind: str, index: int) -> str:
    """An opaque cursor."""
    return base64.b64encode(f"{kind}:{index}".encode()).decode()


def cursor_start(args: Json, kind: str) -> int:
    """Where the page that a cursor names begins."""
    if not args.get("cursor"):
        return 0
    try:
        found, _, index = base64.b64decode(str(args["cursor"]), validate=True).decode().partition(":")
        if found == kind:
            return int(index)
    except (binascii.Error, ValueError) as broken:
        raise Refusal("invalid_cursor") from broken
    raise Refusal("invalid_cursor")


def handle(name: str) -> str:
    """A user name made of a full name."""
    return "".join(sign for sign in name.lower().replace(" ", ".") if sign.isalnum() or sign == ".") or "user"


def plain(text: object) -> str:
    """A text object's text."""
    return str(text.get("text", "")) if isinstance(text, dict) else ""
