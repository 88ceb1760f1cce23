"""One schedule of faults from one seed: drawn, run, and judged by what arrived.

A schedule is some simulated days. Each has ticks during which everything drawn goes wrong, and then some clean ones, so
that whatever happened can still be made good on the day it is owed. What is owed is what arrives in the same scenario
when nothing goes wrong.
"""

# ruff: noqa: S311 - chance that can be had again is the point

from __future__ import annotations

import asyncio
import logging
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from unittest.mock import AsyncMock, patch
from zoneinfo import ZoneInfo

import structlog

from bot.errors import DeadlineBotError
from bot.slack.api import TIMEOUT_SECONDS
from bot.store.sqlite import copy
from bot.store.sqlite_store import open_store
from tests.conftest import MEMORY
from tests.faults.loop import run
from tests.faults.process import CrashAt, Process, Trouble
from tests.faults.world import HOMES, LATE_SECONDS, TEAM, Fate, World, at, keys_of, scenario

FAULTS = (
    "crash", "stop", "post", "history", "listing", "second", "disk", "lost", "restored", "elsewhere", "stall", "clock",
)  # fmt: skip
SCENARIOS = 12
QUARTERS = (0, 15, 30, 45)
# The hour in which things go wrong, and when all is well again: long before the day ends, or for its last three ticks.
HOURS = ((10, 15.5), (10, 15.5), (15.25, 16.25))
DAYS = (1, 1, 1, 2, 2, 3)  # most schedules are short, so that there can be many
RESTARTS = 2  # within one tick
POST_KINDS = (
    "429", "500", "stored_500", "drop", "stored_drop", "internal_error", "stored_internal_error", "fatal_error",
    "service_unavailable", "timeout", "stored_timeout", "late", "refused",
)  # fmt: skip
READ_KINDS = ("500", "500", "429", "drop", "timeout")
HISTORY_KINDS = (*READ_KINDS, "channel_not_found")
KINDS = {"post": POST_KINDS, "history": HISTORY_KINDS, "listing": READ_KINDS}
STREAM_OF = {
    "chat.postMessage": "post",
    "chat.update": "listing",
    "conversations.history": "history",
    "users.conversations": "listing",
    "users.list": "listing",
}
# Calls that a day without a fault does not see, and how often one tick may see them.
SELDOM = {"outbox.unknown": 2, "outbox.back": 2, "conversations.history": 2, "users.conversations": 1}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a schedule came to."""

    lost: int = 0
    repeated: int = 0  # a reminder that came again, or a second DM on one day
    escaped: tuple[str, ...] = ()  # errors that are none of ours

    @property
    def is_good(self) -> bool:
        """Whether the promise was kept."""
        return not (self.lost or self.repeated or self.escaped)

    @property
    def line(self) -> str:
        """The verdict in a few words."""
        return f"lost {self.lost}, repeated {self.repeated}" + "".join(f", {text}" for text in self.escaped)


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What a scenario comes to when nothing goes wrong."""

    owed: Counter[tuple[str, str]]  # (Slack id, hash)
    calls: Mapping[str, int]  # by name, the most in one tick


class Dice:
    """The chances of one schedule: what can go wrong in it, and a stream of its own for each such thing."""

    def __init__(self, seed: int, number: int, faults: Sequence[str]) -> None:
        own = Random(f"{seed}:{number}")
        self.scenario = own.randrange(SCENARIOS)
        self.days = own.choice(DAYS)
        self.on = frozenset(own.sample(faults, min(len(faults), own.choice((1, 2, 2, 3, 3, 4)))))
        self.rate = own.choice((0.2, 0.5, 0.8))
        self.in_trouble = False  # whether things go wrong at present
        self._streams = {name: Random(f"{seed}:{number}:{name}") for name in (*self.on, "time")}

    def __getitem__(self, name: str) -> Random:
        return self._streams[name]

    def strikes(self, name: str, share: float = 1.0) -> bool:
        """Whether this goes wrong now."""
        return self.in_trouble and name in self.on and self[name].random() < self.rate * share

    def fate(self, method: str) -> Fate:
        """What becomes of this call."""
        name = STREAM_OF.get(method, "listing")
        up_seconds, down_seconds = self["time"].uniform(0.02, 0.3), self["time"].uniform(0.02, 0.3)
        kind = "ok"
        if self.strikes(name):
            kind = self[name].choice(KINDS[name])
        lag_seconds = self["history"].uniform(0, LATE_SECONDS) if name == "post" and self.strikes("history") else 0.0
        if kind == "late":  # late to arrive and late to show together take no longer than either may
            late_seconds = self["post"].uniform(0, LATE_SECONDS)
            up_seconds, lag_seconds = TIMEOUT_SECONDS + late_seconds, min(lag_seconds, LATE_SECONDS - late_seconds)
        retry_after_seconds = self["time"].choice((1, 1, 5, 30))
        return Fate(
            kind=kind,
            up_seconds=up_seconds,
            down_seconds=down_seconds,
            lag_seconds=lag_seconds,
            retry_after_seconds=retry_after_seconds,
        )

    def trouble(self, calls: Mapping[str, int]) -> Trouble:
        """What a process meets in its next tick, of which it usually makes these calls."""
        full = self.strikes("disk")
        pages = full and self["disk"].random() < 0.3
        return Trouble(
            crash=self._crash(calls) if self.strikes("crash") else None,
            stall=(self["stall"].randint(1, 3), self["stall"].uniform(30, 60)) if self.strikes("stall") else None,
            stop_seconds=self["stop"].choice((0.02, 0.5, 2, 20)) * self["stop"].random() if self.strikes("stop") else 0,
            full_pages=pages,
            full_from=self["disk"].randint(1, 24) if full and not pages else 0,
            full_writes=self["disk"].choice((1, 2, 5, 1000)) if full else 0,
        )

    def _crash(self, calls: Mapping[str, int]) -> CrashAt:
        dice, known = self["crash"], {**SELDOM, **calls}
        name = dice.choice(("chat.postMessage", "outbox.claim", "outbox.sent", *sorted(known)))
        when = dice.choice(("before", "after", "flying") if name == "chat.postMessage" else ("before", "after"))
        nth = dice.randint(1, known.get(name, 1))
        return CrashAt(name=name, nth=nth, when=when, flight_seconds=dice.uniform(0, LATE_SECONDS))

    def hours(self) -> tuple[float, float]:
        """When a day's trouble begins, and when all is well again."""
        return self["time"].choice(HOURS)

    def minutes(self) -> list[int]:
        """When an hour's ticks come."""
        return sorted(self["time"].sample(QUARTERS, self["time"].choice((1, 1, 2, 2, 3))))

    def restart_seconds(self) -> float:
        """How long it takes until a process that died runs again."""
        return self["time"].choice((0.0, self["time"].uniform(0, 1), self["time"].uniform(0, 20)))


class Copies:
    """The processes of one schedule, and what befalls their store between ticks."""

    def __init__(self, world: World, dice: Dice, calls: Mapping[str, int], off: frozenset[str]) -> None:
        self._world, self._dice, self._calls, self._off = world, dice, calls, off
        self._processes: dict[str, Process] = {}
        self._backup = world.folder / "backup" / "bot.db"
        self._elsewhere = world.folder / "elsewhere" / "bot.db"
        self.most: Counter[str] = Counter()  # calls in one tick

    async def bad_tick(self) -> None:
        """A tick in which everything may go wrong."""
        self._befall_store()
        jobs = [self._with_restarts("A", self._world.database)]
        if self._dice.strikes("clock"):
            jobs.append(self._set_clock(self._dice["clock"].uniform(0, 20), self._dice["clock"].uniform(-120, 120)))
        if self._dice.strikes("second", 1.2):
            delay = self._dice["second"].choice((0.0, self._dice["second"].uniform(0, 2)))
            jobs.append(self._with_restarts("B", self._world.database, after_seconds=delay))
        if self._dice.strikes("restored"):
            jobs.append(self._take_backup(self._dice["restored"].uniform(0, 20)))
        await asyncio.gather(*jobs)
        if self._dice.strikes("elsewhere"):  # two passes that overlap are beyond the promise (docs/delivery.md)
            delay = self._dice["elsewhere"].uniform(60, 600)
            await self._with_restarts("C", self._elsewhere, after_seconds=delay)

    async def good_tick(self) -> bool:
        """A tick in which all is well; whether it left nothing to do."""
        await self._tick("A", self._world.database)
        return "A" in self._processes and self._processes["A"].went_well

    def end(self) -> None:
        """Leave in order."""
        for process in self._processes.values():
            process.end()

    async def _with_restarts(self, name: str, path: Path, *, after_seconds: float = 0.0) -> None:
        await asyncio.sleep(after_seconds)
        for _ in range(RESTARTS):
            if await self._tick(name, path):
                return
            await asyncio.sleep(self._dice.restart_seconds())
            if path == self._world.database:
                self._befall_store()
        await self._tick(name, path)

    async def _tick(self, name: str, path: Path) -> bool:
        process = self._processes.get(name)
        try:
            if process is None or process.dead:
                process = self._processes[name] = Process(self._world, name, path, off=self._off)
        except DeadlineBotError as error:
            self._world.tell(f"{name:<9} cannot start: {error.message}")
            return True
        try:
            return await process.tick(self._dice.trouble(self._calls))
        finally:
            self.most |= process.calls

    # ── what befalls the store ──

    def _befall_store(self) -> None:
        world, dice = self._world, self._dice
        if dice.strikes("lost", 0.5):
            self._kill("A", "B")
            for file in [f for f in world.folder.iterdir() if f.is_file()]:
                file.unlink()
            world.tell("The disk  is lost")
        if dice.strikes("restored", 0.5) and self._backup.exists():
            self._kill("A", "B")
            self._put_back(all_files=dice["restored"].random() < 0.5)
        if dice.strikes("elsewhere", 0.5):
            self._kill("C")
            shutil.rmtree(self._elsewhere.parent, ignore_errors=True)
            if dice["elsewhere"].random() < 0.5:
                self._elsewhere.parent.mkdir()
                copy(world.database, self._elsewhere)

    def _kill(self, *names: str) -> None:
        for process in [self._processes.pop(name) for name in names if name in self._processes]:
            process.kill()

    def _put_back(self, *, all_files: bool) -> None:
        database = self._world.database
        for file in [f for f in self._world.folder.iterdir() if f.is_file()]:
            if all_files or file.name in (f"{database.name}-wal", f"{database.name}-shm"):
                file.unlink()
        copied = database.with_name("copied")
        shutil.copyfile(self._backup, copied)
        copied.replace(database)  # a file of its own: what died here in this very process may not be closed in full yet
        self._world.tell(f"A backup  is put back{', with nothing beside it' if all_files else ''}")

    async def _set_clock(self, after_seconds: float, by_seconds: float) -> None:
        await asyncio.sleep(after_seconds)
        self._world.set_by = timedelta(seconds=by_seconds)
        self._world.tell(f"The clock is off by {by_seconds:.0f} s")

    async def _take_backup(self, after_seconds: float) -> None:
        await asyncio.sleep(after_seconds)
        self._backup.parent.mkdir(exist_ok=True)
        self._backup.unlink(missing_ok=True)
        with suppress(DeadlineBotError):
            copy(self._world.database, self._backup)
            self._world.tell("A backup  is taken")


# ── one schedule ──


async def _live(world: World, copies: Copies, dice: Dice) -> None:
    """The days of one schedule."""
    for day in range(min(dice.days, world.scenario.days)):
        if day == 1 and world.scenario.finished:
            world.lms.finish(*world.scenario.finished)
        trouble_from, well_from = dice.hours()
        dice.in_trouble = True
        for minute in dice.minutes():
            await world.until(at(day, trouble_from, minute))
            await copies.bad_tick()
        dice.in_trouble = False
        world.set_by = timedelta(0)
        for minute in QUARTERS[:3]:
            await world.until(at(day, well_from, minute))
            if await copies.good_tick():
                break
    copies.end()


@contextmanager
def _without_look_for_others(off: frozenset[str]) -> Iterator[None]:
    """The look for another copy before a pass, switched off where that is wanted."""
    if "check_before" not in off:
        yield
        return
    with patch("bot.jobs.remind.check_before", AsyncMock(return_value=set())):
        yield


def _lived(
    dice: Dice, calls: Mapping[str, int], off: frozenset[str], told: list[str] | None
) -> tuple[World, Counter[str]]:
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None, prefix="deadline-bot-faults-") as folder:
        world = World(
            Path(folder),
            scenario(dice.scenario),
            fate_of=dice.fate,
            lms_fails=lambda: dice.strikes("listing", 0.5),
            told=told,
        )
        world.blind = "conversations.history" in off
        world.database.write_bytes(_template())
        copies = Copies(world, dice, calls, off)
        with _without_look_for_others(off):
            run(_live(world, copies, dice))
        return world, copies.most


@cache
def _template() -> bytes:
    """A database with its schema and its owner."""
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None, prefix="deadline-bot-faults-") as folder:
        path = Path(folder) / "bot.db"
        open_store(path, TEAM, at(0, 9)).close()
        return path.read_bytes()


@cache
def baseline(number: int, days: int) -> Baseline:
    """What is owed in so many days of this scenario."""
    dice = Dice(0, 0, ())
    dice.scenario, dice.days = number, days
    world, most = _lived(dice, {}, frozenset(), None)
    if world.escaped or not world.slack.messages:
        raise AssertionError(f"scenario {number} is of no use: {world.escaped}")
    return Baseline(owed=delivered(world), calls=dict(sorted(most.items())))


def delivered(world: World) -> Counter[tuple[str, str]]:
    """How often each person got each reminder."""
    return Counter((message.slack_id, key) for message in world.slack.messages for key in keys_of(message))


def _dms_too_many(world: World) -> int:
    """DMs beyond the one that a person may get on one day."""
    days = Counter(
        (m.slack_id, m.at.astimezone(ZoneInfo(HOMES[int(m.slack_id[2:]) - 1][0])).date())
        for m in world.slack.messages
        if keys_of(m)
    )
    return sum(count - 1 for count in days.values())


def simulate(
    seed: int,
    number: int,
    *,
    faults: Sequence[str] = FAULTS,
    days: int | None = None,
    off: frozenset[str] = frozenset(),
    told: list[str] | None = None,
) -> Verdict:
    """Run this schedule, for so many days; `off` names protections to switch off, `told` takes the story."""
    with quiet():
        dice = Dice(seed, number, faults)
        dice.days = days or dice.days
        owed = baseline(dice.scenario, dice.days)
        if told is not None:
            told.append(f"scenario {dice.scenario}, faults: {', '.join(sorted(dice.on))}, rate {dice.rate}")
        world, _ = _lived(dice, owed.calls, off, told)
    found = delivered(world)
    repeated = (found - owed.owed).total()
    verdict = Verdict(
        lost=(owed.owed - found).total(), repeated=max(repeated, _dms_too_many(world)), escaped=tuple(world.escaped)
    )
    if told is not None:
        told.append(verdict.line)
    return verdict


@contextmanager
def quiet() -> Iterator[None]:
    """The program's own log goes nowhere."""
    before = structlog.get_config() if structlog.is_configured() else None
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.reset_defaults()
        if before:
            structlog.configure(**before)
