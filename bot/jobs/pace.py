"""How fast posts leave: one turn after another, and none while Slack has asked to wait."""

from __future__ import annotations

from collections.abc import Awaitable, Callable


class Pace:
    """Turns at most so many a second (0: no limit), by a clock that nobody can set back."""

    def __init__(
        self, posts_per_second: float, *, monotonic: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._between_seconds = 1 / posts_per_second if posts_per_second else 0.0
        self._monotonic, self._sleep = monotonic, sleep
        self._next = monotonic()

    async def turn(self) -> None:
        """Wait for the next turn."""
        while (wait_seconds := self._next - self._monotonic()) > 0:
            await self._sleep(wait_seconds)
        self._next = max(self._next, self._monotonic()) + self._between_seconds

    def hold(self, seconds: float) -> None:
        """Slack asks to wait: no turn for so many seconds."""
        self._next = max(self._next, self._monotonic() + seconds)
