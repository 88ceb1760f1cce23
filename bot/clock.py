"""Where an instant comes from: the real clock, `--now`, or a stand-in's. The only module that reads the time of day."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import aiohttp

from bot.errors import UsageError

YEARS = (1970, 9000)  # outside these, arithmetic on dates meets the calendar's own ends
FAR_FROM_NOW = timedelta(days=1)
POLL_SECONDS = 60  # of one long poll of a stand-in's clock
RETRY_SECONDS = 0.5
GONE_SECONDS = 15


def wall() -> datetime:
    """The real clock, in UTC."""
    return datetime.now(UTC)


def starting_at(instant: datetime) -> Callable[[], datetime]:
    """A clock that shows `instant` now and goes on at the real pace."""
    begun = time.monotonic()
    return lambda: instant + timedelta(seconds=time.monotonic() - begun)


def parse(text: str) -> datetime:
    """An ISO 8601 instant with offset, in UTC. Raises UsageError."""
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is not None and YEARS[0] <= instant.year <= YEARS[1]:
            return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise UsageError(
        f"--now {text!r} is no instant.", fix="Give ISO 8601 with an offset, such as 2027-03-10T11:00:00+00:00."
    )


def is_far(instant: datetime) -> bool:
    """Whether this lies further than a day from the real clock."""
    return abs(instant - wall()) > FAR_FROM_NOW


class StandInClock:
    """A local stand-in's clock (`run --clock URL`): asked for the next instant when the last one is dealt with."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url, self._session = url, session
        self._now: datetime | None = None
        self.struck = asyncio.Event()  # it has given an instant

    def __call__(self) -> datetime:
        """The instant last given."""
        return self._now or wall()

    async def instants(self) -> AsyncIterator[datetime]:
        """Each new instant; a clock that is away is asked again for GONE_SECONDS, and then there are no more."""
        failures = 0
        while failures * RETRY_SECONDS < GONE_SECONDS:
            before = self._now
            try:
                self._now = await self._ask()
            except (aiohttp.ClientError, TimeoutError, ValueError, KeyError):
                failures += 1
                await asyncio.sleep(RETRY_SECONDS)
                continue
            failures = 0
            self.struck.set()
            if self._now != before:
                yield self._now

    async def _ask(self) -> datetime:
        asked = {"after": self._now.isoformat() if self._now else ""}
        timeout = aiohttp.ClientTimeout(total=POLL_SECONDS)
        async with self._session.get(self._url, params=asked, timeout=timeout) as answer:
            return datetime.fromisoformat((await answer.json())["now"]).astimezone(UTC)
