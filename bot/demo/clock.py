"""The demo's clock: virtual time that moves a quarter of an hour at a time, in lock-step with the bot.

The bot asks `GET /clock?after=<the instant it has finished with>` and is answered `{"now": "<ISO 8601>"}` once the
clock is later than that, or unchanged after 25 seconds. So a tick never begins before the bot is done with the one
before, and never sooner than `pace_seconds` of real time after it. Knows neither the bot nor the page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from time import monotonic

from aiohttp import web

TICK = timedelta(minutes=15)
POLL_SECONDS = 25.0


class DemoClock:
    """A clock that plays, pauses and jumps between a start and an end."""

    def __init__(self, start: datetime, *, days: float = 10, pace_seconds: float = 0.7) -> None:
        self._now = start.astimezone(UTC)
        self.end = self._now + timedelta(days=days)
        self.pace_seconds = pace_seconds
        self.playing = True
        self.asked_at: float | None = None  # monotonic instant of the bot's last request; None before its first
        self._rush_until = self._now
        self._moved_at = monotonic() - pace_seconds
        self._changed = asyncio.Event()
        self._listeners: list[Callable[[], None]] = []

    def now(self) -> datetime:
        """The virtual instant, in UTC."""
        return self._now

    @property
    def ended(self) -> bool:
        """Whether the demo's days are over."""
        return self._now >= self.end

    @property
    def rushing(self) -> bool:
        """Whether a jump is still under way."""
        return self._now < self._rush_until

    def listen(self, callback: Callable[[], None]) -> None:
        """Call back at every move, play, pause and jump."""
        self._listeners.append(callback)

    # ── what a person does ───────────────────────────────────────────────────────────────────────────────────────

    def play(self) -> None:
        """Go on."""
        self.playing = True
        self._tell()

    def pause(self) -> None:
        """Stand still, also in the middle of a jump."""
        self.playing = False
        self._rush_until = self._now
        self._tell()

    def jump(self, *, hours: float) -> None:
        """Move ahead by so many hours as fast as the bot keeps up: every tick on the way happens."""
        base = max(self._now, self._rush_until)
        self._rush_until = min(base + timedelta(hours=hours), self.end)
        self._tell()

    # ── what the bot asks ────────────────────────────────────────────────────────────────────────────────────────

    async def handle(self, request: web.Request) -> web.Response:
        """GET ?after=ISO: the instant after that one, as soon as it has come."""
        try:
            after = _instant(request.query.get("after", ""))
        except ValueError:
            return web.json_response({"error": "after is no ISO 8601 instant with an offset"}, status=400)
        self.asked_at = monotonic()
        if after is not None:
            await self._later_than(after)
        return web.json_response({"now": self._now.isoformat()})

    async def _later_than(self, after: datetime) -> None:
        """Move, when the time for that has come, or wait; for at most one poll."""
        give_up_at = monotonic() + POLL_SECONDS
        while self._now <= after and monotonic() < give_up_at:
            wait_seconds = self._seconds_to_move()
            if wait_seconds <= 0:
                self._move()
                return
            self._changed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), min(wait_seconds, give_up_at - monotonic()))

    def _seconds_to_move(self) -> float:
        if self.ended:
            return POLL_SECONDS
        if self.rushing:
            return 0.0
        return self._moved_at + self.pace_seconds - monotonic() if self.playing else POLL_SECONDS

    def _move(self) -> None:
        self._now = min(self._now + TICK, self.end)
        self._moved_at = monotonic()
        self._tell()

    def _tell(self) -> None:
        self._changed.set()
        for callback in self._listeners:
            callback()


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("no offset")
    return instant


__all__ = ["TICK", "DemoClock"]
