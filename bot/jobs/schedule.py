"""The clock of `run`: a tick at each quarter of an hour, one at a time, and an orderly end.

A tick that would fall into a long one is passed over: what it would have done is due at the next as well.

APScheduler calls `tick`; whether a person's local day is done is decided by our own code, never by a trigger in a local
zone (CronTrigger skips a day around a clock change). With a stand-in's clock the same ticks come from there instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.errors import DeadlineBotError, LmsError, SlackRefused
from bot.jobs.remind import remind
from bot.workspace import Workspace

log = structlog.get_logger()

DRAIN_SECONDS = 6.5  # that a tick under way may still take after a signal to stop
A_LITTLE = timedelta(minutes=2)  # a tick some seconds early must not put off a pull by a quarter of an hour
LEASE_EVERY_SECONDS = 2  # how often a copy in waiting tries to take over


class Ticker:
    """Runs ticks, one at a time; `on_refused` is told when Slack refuses our token for good."""

    def __init__(self, workspace: Workspace, on_refused: Callable[[DeadlineBotError], None]) -> None:
        self._workspace, self._on_refused = workspace, on_refused
        self._current: asyncio.Task[None] | None = None
        self._holds_lease = False
        self._decided_by: datetime | None = None  # the pull by which everybody was last decided about

    async def tick(self) -> None:
        """Remind, where this copy may send; a failure is logged once and the next tick tries again."""
        try:
            if (self._current and not self._current.done()) or not self._take_lease():
                return
        except DeadlineBotError as error:
            log.warning("pass.failed", reason=error.message)
            return
        self._current = asyncio.create_task(self._tick())
        await asyncio.shield(self._current)

    async def take_over(self) -> None:
        """While another copy holds the lease, try to take it, and tick at once when it is gone."""
        while True:
            with suppress(DeadlineBotError):  # said by the next tick, which tries to take it as well
                if not self._holds_lease and self._take_lease():
                    await self.tick()
            await self._workspace.sleep(LEASE_EVERY_SECONDS)

    async def drain(self) -> None:
        """Let the tick under way end, within DRAIN_SECONDS; what it leaves is settled by the next pass."""
        if self._current and not self._current.done():
            await asyncio.wait([self._current], timeout=DRAIN_SECONDS)
            self._current.cancel()
            await asyncio.wait([self._current])
        self._workspace.lease.release()

    def _take_lease(self) -> bool:
        held, self._holds_lease = self._holds_lease, self._workspace.lease.take()
        if held != self._holds_lease:
            log.info("lease.taken" if self._holds_lease else "lease.lost")
        return self._holds_lease

    async def _tick(self) -> None:
        try:
            await self._remind(self._workspace.clock())
        except LmsError as error:
            log.warning("pull.failed", reason=error.message)
        except SlackRefused as error:
            self._on_refused(error)
        except DeadlineBotError as error:
            log.warning("pass.failed", reason=error.message)
        except Exception:
            log.exception("pass.failed")

    async def _remind(self, now: datetime) -> None:
        # A pass that ended between its pull and its plan, or a `pull` by hand, leaves everybody to be decided about.
        everybody = self._pulled_at() != self._decided_by
        report = await remind(self._workspace, now, pulls=self._pull_is_due(now), everybody=everybody)
        self._decided_by = self._pulled_at()
        if report.problem:
            raise report.problem

    def _pulled_at(self) -> datetime | None:
        pulled = self._workspace.store.snapshots.last()
        return pulled.at if pulled else None

    def _pull_is_due(self, now: datetime) -> bool:
        pulled_at = self._pulled_at()
        every = timedelta(minutes=self._workspace.settings.policy.pull.every_minutes) - A_LITTLE
        return pulled_at is None or not timedelta(0) <= now - pulled_at < every


def scheduled(ticker: Ticker, now: datetime) -> AsyncIOScheduler:
    """A scheduler that ticks at each quarter of an hour in UTC, and once at start to catch up."""
    defaults = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
    scheduler = AsyncIOScheduler(timezone=UTC, job_defaults=defaults)
    scheduler.add_job(ticker.tick, "cron", minute="*/15", next_run_time=now)
    return scheduler


async def follow(instants: AsyncIterator[datetime], ticker: Ticker) -> None:
    """Tick at each instant that a stand-in's clock gives; it gives the next one when the tick is done."""
    async for _ in instants:
        await ticker.tick()
