"""The bot's surroundings in a simulation: a virtual clock, an LMS in memory, and Slack on a wire that can fail.

Slack is the project's own stand-in, its state and its methods, without TCP: `Wire` takes the place of aiohttp's
session, so that all of slack_sdk is real. What is done at Slack is done there, whatever becomes of the process that
asked.
"""

# ruff: noqa: S311 - chance that can be had again is the point

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import aiohttp
from aiohttp.client_reqrep import ConnectionKey

from bot.deadlines.model import Assignment, Course, Learner, Page, Status
from bot.demo.slack_args import Refusal
from bot.demo.slack_methods import METHODS
from bot.demo.slack_state import Json, Message, SlackState
from bot.errors import LmsUnreachable
from bot.slack.api import TIMEOUT_SECONDS

TEAM = "T0SIM"
FIRST_DAY = date(2027, 6, 15)  # a Tuesday; nobody here has a holiday that week
COPENHAGEN = ZoneInfo("Europe/Copenhagen")
COPENHAGENER, LONDONER = ("Europe/Copenhagen", "DK"), ("Europe/London", "GB")
HOMES = (COPENHAGENER, COPENHAGENER, LONDONER, COPENHAGENER, COPENHAGENER, LONDONER, COPENHAGENER)
COURSES = {1: "Fire", 2: "Gdpr"}
# Days from the first one to a deadline: each makes something due on one of the days that are simulated, or near one.
OFFSETS = (-1, 0, 0, 1, 1, 2, 2, 3, 4, 7, 8, 9)
LATE_SECONDS = 4  # that a post may still take to arrive, and to show, once the client has given up


def at(day: int, hour: float, minute: int = 0) -> datetime:
    """An instant of a simulated day (0 is the first), by Copenhagen's clock."""
    local = datetime.combine(FIRST_DAY + timedelta(days=day), datetime.min.time(), COPENHAGEN)
    return (local + timedelta(hours=hour, minutes=minute)).astimezone(UTC)


BEGINS_AT = at(0, 9)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What there is to remind of."""

    number: int
    days: int
    people: int
    rows: tuple[tuple[int, int, int], ...]  # person, course, days from the first one to the deadline
    finished: tuple[int, int] | None  # the row that is completed in the first night


def scenario(number: int) -> Scenario:
    """One of any number of scenarios, always the same."""
    dice = Random(f"scenario:{number}")
    people = len(HOMES) if number == 11 else dice.choice((3, 4))  # sometimes more than are sampled before a pass
    rows = tuple(
        (person, course, dice.choice(OFFSETS))
        for person in range(1, people + 1)
        for course in COURSES
        if course == 1 or dice.random() < 0.6
    )
    finished = dice.choice(rows)[:2] if dice.random() < 0.5 else None
    return Scenario(number=number, days=dice.choice((2, 2, 2, 3)), people=people, rows=rows, finished=finished)


class Lms:
    """A Source in memory."""

    def __init__(self, wanted: Scenario, fails: Callable[[], bool]) -> None:
        self._fails = fails
        self._edition = 0
        self._people = tuple(
            Learner(person_id=n, email=f"p{n}@example.com", first_name=f"P{n}", timezone=zone, country=country)
            for n, (zone, country) in enumerate(HOMES[: wanted.people], 1)
        )
        self._rows = {
            (person, course): Assignment(
                person_id=person,
                course_id=course,
                required=True,
                status=Status.NOT_STARTED,
                deadline_on=FIRST_DAY + timedelta(days=days),
                assigned_at=at(-30, 9),
            )
            for person, course, days in wanted.rows
        }

    def finish(self, person: int, course: int) -> None:
        """They complete it."""
        row = self._rows[person, course]
        self._rows[person, course] = replace(row, status=Status.COMPLETED, completed_at=at(0, 20))
        self._edition += 1

    def begin_pull(self) -> None:
        """Patience is not what is simulated here."""

    async def people(self) -> AsyncIterator[Page[Learner]]:
        """All of them on one page."""
        if self._fails():
            raise LmsUnreachable("The LMS gives no answer.")
        yield Page(number=1, digest=b"people", rows=self._people)

    async def courses(self) -> AsyncIterator[Page[Course]]:
        """All of them on one page."""
        rows = tuple(Course(course_id=course_id, title=title) for course_id, title in COURSES.items())
        yield Page(number=1, digest=b"courses", rows=rows)

    async def assignments(self, course_id: int) -> AsyncIterator[Page[Assignment]]:
        """A course's rows on one page."""
        rows = tuple(row for (_, course), row in self._rows.items() if course == course_id)
        yield Page(number=1, digest=f"{course_id}:{self._edition}".encode(), rows=rows)

    async def aclose(self) -> None:
        """There is nothing to let go of."""


@dataclass(frozen=True, kw_only=True)
class Fate:
    """What becomes of one call of Slack."""

    kind: str = "ok"  # ok, 500, 429, drop, timeout, refused, late, or Slack's error word; stored_…: done all the same
    up_seconds: float = 0.1  # until Slack does it
    down_seconds: float = 0.1  # until the answer is here
    lag_seconds: float = 0.0  # until what was done shows in a history
    retry_after_seconds: int = 1

    @property
    def is_done(self) -> bool:
        """Whether Slack does it."""
        return self.kind in ("ok", "late") or self.kind.startswith("stored_")

    @property
    def shown(self) -> str:
        """What the client gets to see."""
        return "timeout" if self.kind == "late" else self.kind.removeprefix("stored_")


class World:
    """One simulated company with its Slack and its LMS, in a folder of its own."""

    def __init__(
        self,
        folder: Path,
        wanted: Scenario,
        *,
        fate_of: Callable[[str], Fate],
        lms_fails: Callable[[], bool],
        told: list[str] | None = None,
    ) -> None:
        self.folder, self.scenario, self.fate_of, self._told = folder, wanted, fate_of, told
        self.blind = False  # histories show nothing, ever
        self.set_by = timedelta(0)  # what the wall clock has been set on or back
        self.escaped: list[str] = []  # errors that are not ours
        self.lms = Lms(wanted, lms_fails)
        self.slack = SlackState(now=self.now, team_id=TEAM)
        self.slack.per_channel_limit = False  # measured by the real clock
        self._shows_at: dict[str, float] = {}  # a message's ts -> when it begins to show, in virtual seconds
        self._ids = 0
        for n, (zone, _) in enumerate(HOMES[: wanted.people], 1):
            self.slack.add_user(f"U0{n}", email=f"p{n}@example.com", name=f"P{n}", tz=zone, locale="en-GB")

    @property
    def database(self) -> Path:
        """The store's file."""
        return self.folder / "bot.db"

    def seconds(self) -> float:
        """Virtual seconds since the beginning."""
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        """The virtual instant, as Slack and everybody but the bot's machine have it."""
        return BEGINS_AT + timedelta(seconds=self.seconds())

    def wall(self) -> datetime:
        """The clock of the bot's machine."""
        return self.now() + self.set_by

    async def until(self, instant: datetime) -> None:
        """Let time pass up to here."""
        await asyncio.sleep(max(0.0, (instant - self.now()).total_seconds()))

    def new_id(self) -> str:
        """An id that is the same in each run."""
        self._ids += 1
        return f"id-{self._ids:04d}"

    def tell(self, text: str) -> None:
        """A line of the story, where anybody wants to hear it."""
        if self._told is not None:
            instant = f"{self.now().astimezone(COPENHAGEN):%a %H:%M:%S.%f}"[:-4]
            self._told.append(f"{instant}  {text.replace(str(self.folder), '')}")

    # ── what Slack does ──

    def perform(self, method: str, args: Json, fate: Fate) -> Json:
        """Do it at Slack, now, and return its answer."""
        if method == "conversations.history":
            self._show()
        before = len(self.slack.messages)
        try:
            answer: Json = {"ok": True, **METHODS[method].call(self.slack, args)}
        except Refusal as no:
            return {"ok": False, "error": no.error} | no.extra
        if method == "conversations.history" and self.blind:
            answer["messages"] = []
        for message in self.slack.messages[before:]:
            self._shows_at[message.ts] = self.seconds() + fate.lag_seconds
            self.tell(f"Slack     has a DM for {message.slack_id}: {', '.join(key[:6] for key in keys_of(message))}")
        return answer

    def _show(self) -> None:
        now = self.seconds()
        for message in self.slack.messages:
            message.visible_from = 0.0 if self._shows_at[message.ts] <= now else math.inf


def keys_of(message: Message) -> list[str]:
    """The hashes of the reminders that a DM brought; none where it is no reminder."""
    return list(((message.metadata or {}).get("event_payload") or {}).get("reminders") or ())


# ── the wire ──


class Caller(Protocol):
    """The process that calls: it may stand still or die on the way."""

    name: str

    def before(self, name: str) -> None:
        """It is about to do this."""
        ...

    def dies_in_flight(self, name: str) -> float | None:
        """Whether it dies now that the request is on its way, and how long that still takes."""
        ...

    def die(self, why: str) -> None:
        """It dies here."""
        ...

    def after(self, name: str) -> None:
        """Slack has done it, and the answer has not been looked at."""
        ...

    async def awake(self) -> None:
        """Go on where it lives and runs."""
        ...


class Wire:
    """Stands where slack_sdk has aiohttp's session."""

    closed = False

    def __init__(self, world: World, caller: Caller) -> None:
        self._world, self._caller = world, caller

    def request(self, _verb: str, url: str, **request: Any) -> Exchange:
        """One request, to be entered as aiohttp's are."""
        args = dict(request.get("params") or request.get("data") or request.get("json") or {})
        return Exchange(self._world, self._caller, url.rpartition("/")[2], args)


class Exchange:
    """A request and its answer."""

    def __init__(self, world: World, caller: Caller, method: str, args: Json) -> None:
        self._world, self._caller, self._method, self._args = world, caller, method, args

    async def __aenter__(self) -> Answer:
        self._caller.before(self._method)
        await self._caller.awake()
        fate, begun = self._world.fate_of(self._method), self._world.seconds()
        if fate.kind != "ok":
            self._world.tell(f"{self._caller.name:<9} {self._method} meets {fate.kind}")
        done = self._send(fate)
        await asyncio.sleep(min(fate.up_seconds + fate.down_seconds, TIMEOUT_SECONDS))
        await self._caller.awake()
        if fate.shown == "timeout":
            await asyncio.sleep(max(0.0, begun + TIMEOUT_SECONDS - self._world.seconds()))
            await self._caller.awake()
        self._caller.after(self._method)
        if fate.shown == "timeout" or self._world.seconds() - begun > TIMEOUT_SECONDS:
            raise TimeoutError
        return _answer(fate, done.result() if fate.shown == "ok" else {})

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        """There is nothing to give back."""

    def _send(self, fate: Fate) -> asyncio.Future[Json]:
        """From here on it is Slack's: it is done even if nobody is left to hear of it."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Json] = loop.create_future()
        flight = self._caller.dies_in_flight(self._method)
        if fate.is_done:
            up_seconds = fate.up_seconds if flight is None else flight
            loop.call_later(up_seconds, lambda: done.set_result(self._world.perform(self._method, self._args, fate)))
        if flight is not None:
            self._caller.die(f"while {self._method} is on its way")
        return done


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What slack_sdk reads of aiohttp's response."""

    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str]
    body: Any

    async def json(self) -> Any:
        """The decoded body."""
        return self.body

    async def text(self) -> str:
        """The body of a plain answer."""
        return str(self.body)


def _answer(fate: Fate, body: Json) -> Answer:
    """What comes back. Raises what aiohttp raises where nothing does."""
    match fate.shown:
        case "ok":
            return Answer(headers={}, body=body)
        case "refused":
            raise aiohttp.ClientConnectorError(
                ConnectionKey("slack.com", 443, True, True, None, None, None), ConnectionRefusedError()
            )
        case "drop":
            raise aiohttp.ServerDisconnectedError
        case "500":
            return Answer(status=500, content_type="text/plain", headers={}, body="")
        case "429":
            headers = {"Retry-After": str(fate.retry_after_seconds)}
            return Answer(status=429, headers=headers, body={"ok": False, "error": "ratelimited"})
        case word:
            return Answer(headers={}, body={"ok": False, "error": word})
