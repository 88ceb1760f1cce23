"""How fast posts leave: one turn after another, and none while Slack has asked to wait."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta


class Pace:
    """Turns at most so many a second (0: no limit), by the real clock."""

    def __init__(
        self, posts_per_second: float, *, wall: Callable[[], datetime], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._between = timedelta(seconds=1 / posts_per_second) if posts_per_second else timedelta(0)
        self._wall, self._sleep = wall, sleep
        self._next_at = wall()

    async def turn(self) -> None:
        """Wait for the next turn."""
        while (wait := (self._next_at - self._wall()).total_seconds()) > 0:
            await self._sleep(wait)
        self._next_at = max(self._next_at, self._wall()) + self._between

    def hold(self, seconds: float) -> None:
        """Slack asks to wait: no turn for so many seconds."""
        self._next_at = max(self._next_at, self._wall() + timedelta(seconds=seconds))
