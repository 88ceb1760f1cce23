"""One process of the bot in a simulation: the real program on a real store, with a watch on its every step.

The watch passes each call on to the real part. It can end the process before or after any of them, as `kill -9` does;
from then on nothing of that process reaches the store or Slack any more. It can also make the process stand still, or
let its disk be full.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import aiohttp
from pydantic import SecretStr
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import DeadlineBotError
from bot.jobs.remind import sending
from bot.jobs.schedule import DRAIN_SECONDS, Ticker
from bot.settings import Settings
from bot.slack.api import TIMEOUT_SECONDS, Slack
from bot.store.lease import Lease
from bot.store.sqlite import ours
from bot.store.sqlite_store import SqliteStore, open_store
from bot.workspace import Workspace
from tests.builders import a_policy
from tests.faults.world import TEAM, Wire, World

PARTS = ("outbox", "known", "passes", "snapshots", "audit")
WRITERS = ("snapshots.replace", "snapshots.refresh")
WRITES = ("INSERT", "UPDATE", "DELETE", "COMMIT")
# What a protection that is switched off answers in place of the real call.
SWITCHED_OFF: dict[str, Callable[..., Any]] = {
    "lease.take": lambda: True,  # anybody may send
    "known.strangers": lambda _slack_ids: set(),  # whatever happened to the store, everybody's DMs are known
    "known.was_put_back": lambda: False,  # no backup was ever put back
    "known.wrote": set,  # no other copy ever wrote
}
QUIET = logging.getLogger("tests.faults")
QUIET.setLevel(logging.CRITICAL)  # slack_sdk formats every request for its log otherwise


class Crash(BaseException):
    """The process is gone."""


@dataclass(frozen=True, kw_only=True)
class CrashAt:
    """Where a process ends: around the nth call of this name in a tick."""

    name: str
    nth: int
    when: str  # before, after, or flying: the request of a post is on its way
    flight_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What one process meets in one tick, besides what Slack answers."""

    crash: CrashAt | None = None
    stall: tuple[int, float] | None = None  # at the nth post, and for so many seconds
    stop_seconds: float = 0.0  # after which it is asked to end; 0: it is not
    full_pages: bool = False  # the database file cannot grow
    full_from: int = 0  # the nth write and those after it find the disk full; 0: none
    full_writes: int = 0  # so many


@cache
def settings() -> Settings:
    """The bot's settings, with nothing of the environment's."""
    return Settings(
        _env_file=None,
        slack_bot_token=SecretStr("xoxb-sim"),
        slack_app_token=SecretStr("xapp-sim"),
        eloomi_client_id="sim",
        eloomi_client_secret=SecretStr("sim"),
        eloomi_course_url="https://lms.example.com/courses/{course_id}",
        policy=a_policy(steps={"give_up_after_days": 7, "overdue_then_every_working_days": 0}),  # a short way ahead
    )


class Process:
    """One copy of the bot. `off` names calls that are a protection and are switched off."""

    def __init__(self, world: World, name: str, path: Path, *, off: frozenset[str] = frozenset()) -> None:
        self.world, self.name, self.path, self.off = world, name, path, off
        self.dead = False
        self.stopping = False
        self.went_well = False  # the last tick came to its end, and nothing was left
        self.calls: Counter[str] = Counter()  # in this tick
        self.trouble = Trouble()
        self._stalled_until = 0.0
        self._lease = Lease(path)
        self._store = open_store(path, TEAM, world.wall())
        self._workspace = self._built()
        self._ticker = Ticker(self._workspace, on_refused=lambda error: None)

    def _built(self) -> Workspace:
        client = AsyncWebClient(
            token="xoxb-sim",
            session=cast("aiohttp.ClientSession", Wire(self.world, self)),
            timeout=TIMEOUT_SECONDS,
            retry_handlers=[],
            logger=QUIET,
        )
        return Workspace(
            settings=settings(),
            source=self.world.lms,
            slack=Slack(client, sleep=self.sleep),
            store=cast("SqliteStore", WatchedStore(self._store, self)),
            lease=cast("Lease", Watched(self._lease, "lease", self)),
            clock=self.world.wall,
            wall=self.world.wall,
            monotonic=self.world.seconds,
            sleep=self.sleep,
            new_id=self.world.new_id,
            stopping=lambda: self.stopping,
        )

    # ── its life ──

    async def tick(self, trouble: Trouble) -> bool:
        """One pass, as the clock of `run` makes it; whether the process is still there afterwards."""
        self.calls.clear()
        self.trouble, self.went_well = trouble, False
        self.world.tell(f"{self.name:<9} ticks")
        try:
            with self._disk():
                await (self._pass_until_stopped() if trouble.stop_seconds else self._pass())
        except DeadlineBotError as error:
            self.world.tell(f"{self.name:<9} {type(error).__name__}: {error.message}")
        except asyncio.CancelledError:
            if not self.stopping:
                raise
        except (Exception, Crash, BaseExceptionGroup) as error:  # noqa: BLE001 - what escapes is judged
            self._note(error)
        if self.dead:
            self._bury()
        elif self.stopping:
            self.world.tell(f"{self.name:<9} has stopped")
            self.end()
        return not self.dead

    async def _pass(self) -> None:
        now = self.world.wall()
        async with sending(self._workspace):
            await self._ticker._remind(now)
        self.went_well = True
        self.world.tell(f"{self.name:<9} is done")

    def _note(self, error: BaseException) -> None:
        if not (self.dead and _is_crash(error)):
            self.world.escaped.append(f"{self.name}: {error!r}")
            self.world.tell(f"{self.name:<9} TRACEBACK {error!r}")

    async def _pass_until_stopped(self) -> None:
        """SIGTERM: no new posts, then what is under way is cut off, as schedule.py drains a tick."""
        loop, task = asyncio.get_running_loop(), asyncio.create_task(self._pass())
        ask = loop.call_later(self.trouble.stop_seconds, lambda: setattr(self, "stopping", True))
        cut = loop.call_later(self.trouble.stop_seconds + DRAIN_SECONDS, task.cancel)
        try:
            await task
        finally:
            ask.cancel()
            cut.cancel()

    def end(self) -> None:
        """Leave in order."""
        if not self.dead:
            self.dead = True
            self._bury()

    def kill(self) -> None:
        """Kill -9 between two ticks: SQLite's own files stay as they lie."""
        if not self.dead:
            self.dead = True
            with _kept(self.path):
                self._bury()

    def _bury(self) -> None:
        """What the kernel does for the dead."""
        self._lease.release()
        self._store.close()

    # ── what the watch calls ──

    def before(self, name: str) -> None:
        """It is about to do this."""
        self._live()
        self.calls[name] += 1
        if self.trouble.crash and self.trouble.crash.name == name:
            self._crash(name, "before")
        if self.trouble.stall and name == "chat.postMessage" and self.calls[name] == self.trouble.stall[0]:
            self._stalled_until = self.world.seconds() + self.trouble.stall[1]
            self.world.tell(f"{self.name:<9} stands still for {self.trouble.stall[1]:.0f} s before it posts")

    def after(self, name: str) -> None:
        """It has done this."""
        self._live()
        if self.trouble.crash and self.trouble.crash.name == name:
            self._crash(name, "after")

    def dies_in_flight(self, name: str) -> float | None:
        """Whether it dies now that the request is on its way, and how long that still takes."""
        crash = self.trouble.crash
        if crash and (crash.name, crash.nth, crash.when) == (name, self.calls[name], "flying"):
            return crash.flight_seconds
        return None

    def die(self, why: str) -> None:
        """It dies here."""
        self.dead = True
        self.world.tell(f"{self.name:<9} DIES {why}")
        raise Crash

    def _crash(self, name: str, when: str) -> None:
        crash = self.trouble.crash
        if crash and (crash.nth, crash.when) == (self.calls[name], when):
            self.die(f"{when} {name} #{crash.nth}")

    def _live(self) -> None:
        if self.dead:
            raise Crash

    async def awake(self) -> None:
        """Go on where it lives and runs."""
        self._live()
        while (left := self._stalled_until - self.world.seconds()) > 0:
            await asyncio.sleep(left)
            self._live()

    async def sleep(self, seconds: float) -> None:
        """The program's own waiting."""
        await asyncio.sleep(seconds)
        await self.awake()

    # ── a full disk ──

    @contextmanager
    def _disk(self) -> Iterator[None]:
        """Its disk for one tick."""
        db, conn = self._store._db, self._store._db.conn
        if self.trouble.full_pages:
            pages = conn.execute("PRAGMA page_count").fetchone()[0]
            conn.execute(f"PRAGMA max_page_count={pages}")
            self.world.tell(f"{self.name:<9} has a database that cannot grow")
        if self.trouble.full_from:
            db.conn = cast("sqlite3.Connection", FullDisk(conn, self))
        try:
            yield
        finally:
            db.conn = conn
            if self.trouble.full_pages and not self.dead:
                conn.execute("PRAGMA max_page_count=1073741823")


def _is_crash(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(map(_is_crash, error.exceptions))
    return isinstance(error, Crash)


@contextmanager
def _kept(path: Path) -> Iterator[None]:
    """SQLite tidies up when it closes a file; who is killed does not."""
    files = [f for f in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")) if f.exists()]
    for file in files:
        shutil.copyfile(file, file.with_name(file.name + ".kept"))
    yield
    for file in files:
        file.with_name(file.name + ".kept").replace(file)


# ── the watch ──


class Watched:
    """A part of the program, each call of which is watched and passed on."""

    def __init__(self, real: Any, name: str, process: Process) -> None:
        self._real, self._name, self._process = real, name, process

    def __getattr__(self, attribute: str) -> Any:
        name = f"{self._name}.{attribute}"
        found = SWITCHED_OFF[name] if name in self._process.off else getattr(self._real, attribute)
        if callable(found):
            found = self._watched(name, found)
            setattr(self, attribute, found)  # found at once the next time
        return found

    def _watched(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        process = self._process

        def watched(*arguments: Any, **named: Any) -> Any:
            process.before(name)
            result = call(*arguments, **named)
            process.after(name)
            return _watched_writer(result, process) if name in WRITERS else result

        return watched


@contextmanager
def _watched_writer(opened: Any, process: Process) -> Iterator[Watched]:
    with opened as writer:
        yield Watched(writer, "writer", process)


class LateClaims(Watched):
    """An outbox whose claim is not on disk before the post: the first protection, switched off."""

    def __init__(self, real: Any, name: str, process: Process) -> None:
        super().__init__(real, name, process)
        self._claims: dict[str, Callable[[], None]] = {}

    def claim(self, notice_id: str, **named: Any) -> None:
        """Only remembered."""
        self._process.before("outbox.claim")
        self._claims[notice_id] = lambda: self._real.claim(notice_id, **named)

    def _watched(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        watched = super()._watched(name, call)

        def late(*arguments: Any, **named: Any) -> Any:
            if arguments and (claim := self._claims.pop(str(arguments[0]), None)):
                self._process.before(name)
                claim()
            return watched(*arguments, **named)

        return late if name in {f"outbox.{move}" for move in ("sent", "failed", "unknown", "back")} else watched


class WatchedStore:
    """The store with a watch on each of its parts."""

    def __init__(self, real: SqliteStore, process: Process) -> None:
        self._real = real
        for part in PARTS:
            kind = LateClaims if part == "outbox" and "outbox.claim" in process.off else Watched
            setattr(self, part, kind(getattr(real, part), part, process))

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._real, attribute)


class FullDisk:
    """A connection some of whose writes find the disk full; SQLite rolls such a transaction back by itself."""

    def __init__(self, real: Any, process: Process) -> None:
        self._real, self._process, self._writes = real, process, 0

    def execute(self, sql: str, *values: Any) -> Any:
        """One statement."""
        is_commit = sql == "COMMIT"
        if is_commit or (not self._real.in_transaction and sql.lstrip().startswith(WRITES)):
            self._writes += 1
            first, many = self._process.trouble.full_from, self._process.trouble.full_writes
            if first <= self._writes < first + many:
                if is_commit:
                    self._real.execute("ROLLBACK")
                self._process.world.tell(f"{self._process.name:<9} finds the disk full at write {self._writes}")
                raise ours(self._process.path, sqlite3.OperationalError("database or disk is full"))
        return self._real.execute(sql, *values)

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._real, attribute)
