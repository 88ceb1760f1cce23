"""A company in virtual time with the real bot at work in it, and a list of the DMs that arrive.

Owns the surroundings: the LMS in memory, Slack on a wire (both tests/faults/'s), the clock of the ticks, and one
process of the bot, which may die and begin again. It judges nothing: promises.py is asked at each DM.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from bot.deadlines.model import Assignment, Course, Learner, Member, Page, Step
from bot.demo.slack_state import Json, Message
from bot.errors import DeadlineBotError, LmsUnreachable
from bot.jobs.preview import Preview, preview
from bot.jobs.remind import remind, sending
from bot.store.sqlite_store import open_store
from bot.workspace import Workspace
from tests.conftest import MEMORY
from tests.faults.loop import VirtualLoop
from tests.faults.process import Process, Trouble, settings
from tests.faults.world import TEAM, Fate, Lms, Scenario, World, keys_of
from tests.properties.days import local
from tests.properties.facts import Facts, Terms

T = TypeVar("T")

QUARTER = timedelta(minutes=15)
NOBODY = Scenario(number=0, days=0, people=0, rows=(), finished=None)
WELL = Trouble()
COMPLAINT = re.compile(r"bot +([A-Z]\w+: .*)")
# What the store holds about a DM that has arrived, read on a connection of the test's own.
NAMED = "SELECT course_id, step, deadline_on, key FROM reminders WHERE notice_id = ? AND fate = 'named' "
NAMED += "ORDER BY deadline_on, course_id"
WHOSE = "SELECT person_id, claimed_at, pass_id FROM notices WHERE notice_id = ?"
PULLED_AT = "SELECT at FROM pulls"
NEXT_AT = "SELECT min(next_at) FROM decisions"
ON_THE_WAY = "SELECT count(*) FROM notices WHERE state IN ('planned', 'sending', 'unknown')"
FROZEN = "SELECT count(*) FROM freezes WHERE approved_at IS NULL"
HELD_BY_PULL = f"{FROZEN} AND kind = 'pull'"
DECISIONS = "SELECT person_id, course_id, deadline_on, reason FROM decisions ORDER BY person_id, course_id, n"


@dataclass(frozen=True, kw_only=True)
class Told:
    """One course in a DM."""

    course_id: int
    step: Step
    deadline_on: date


@dataclass(frozen=True, kw_only=True)
class Dm:
    """A reminder DM that has arrived in Slack."""

    at: datetime  # of its claim, just before the post
    tick_at: datetime  # of the pass that it went out in
    pass_id: str
    person_id: int
    slack_id: str
    local_on: date  # by their clock, at its claim
    told: tuple[Told, ...]


@dataclass(kw_only=True)
class Accepted:
    """The last pull that the bot took, and since when each Slack account has had its status."""

    at: datetime
    facts: Facts
    seen_at: dict[str, datetime] = field(default_factory=dict)

    def after(self, at: datetime, facts: Facts) -> Accepted:
        """What the next one brings."""
        seen = {n: self.seen_at[n] for n, one in facts.members.items() if self._is_same_status(n, one)}
        return Accepted(at=at, facts=facts, seen_at={n: seen.get(n, at) for n in facts.members})

    def _is_same_status(self, slack_id: str, now: Member) -> bool:
        before = self.facts.members.get(slack_id)
        return before is not None and status_of(before) == status_of(now)


def status_of(member: Member) -> tuple[str, str, datetime | None]:
    """All that makes a status this very one."""
    return member.status_text, member.status_emoji, member.status_until_at


class Source(Lms):
    """The company's LMS: it serves the facts as they are, and notes what it has served."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self.served: dict[int, tuple[datetime, tuple[Assignment, ...]]] = {}  # course -> its rows as last served
        self.pulled: dict[int, Facts] = {}  # the second of a pass -> what its pull was served

    async def people(self) -> AsyncIterator[Page[Learner]]:
        """All of them on one page; with this call a pull begins."""
        if self._company.lms_is_down:
            raise LmsUnreachable("The LMS gives no answer.")
        self.pulled[int(self._company.tick_at.timestamp())] = self._company.facts
        yield _page(tuple(self._company.facts.learners.values()))

    async def courses(self) -> AsyncIterator[Page[Course]]:
        """All of them on one page."""
        yield _page(tuple(self._company.facts.courses.values()))

    async def assignments(self, course_id: int) -> AsyncIterator[Page[Assignment]]:
        """A course's rows on one page."""
        if self._company.lms_is_down:
            raise LmsUnreachable("The LMS gives no answer.")
        rows = tuple(row for row in self._company.facts.rows if row.course_id == course_id)
        self.served[course_id] = (self._company.now(), rows)
        yield _page(rows)


@lru_cache(maxsize=256)
def _page(rows: tuple[T, ...]) -> Page[T]:
    return Page(number=1, digest=hashlib.sha256(repr(rows).encode()).digest(), rows=rows)


class Bot(Process):
    """One process of the bot with this customer's settings."""

    def __init__(self, company: Company) -> None:
        terms = company.terms
        self._settings = settings().model_copy(
            update={
                "policy": terms.policy,
                "default_country": terms.default_country,
                "default_timezone": terms.default_timezone,
                "slack_admins": terms.admins,
            }
        )
        super().__init__(company, "bot", company.database)

    def _built(self) -> Workspace:
        return replace(super()._built(), settings=self._settings)

    @property
    def workspace(self) -> Workspace:
        """What the program works with."""
        return self._workspace

    def pull_is_due(self, now: datetime) -> bool:
        """Whether a tick now pulls."""
        return self._ticker._pull_is_due(now)

    async def remind(self, only: str | None) -> None:
        """`deadline-bot remind`, for everybody or for one person."""
        self.trouble = WELL
        with suppress(DeadlineBotError):
            async with sending(self._workspace):
                await remind(self._workspace, self.world.wall(), only=only)


class Company(World):
    """Everything around the bot, and the bot."""

    def __init__(self, facts: Facts, terms: Terms, begins_at: datetime) -> None:
        self._folder = TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None, prefix="deadline-bot-test-")
        self._loop, self._begins_at = VirtualLoop(), begins_at
        super().__init__(Path(self._folder.name), NOBODY, fate_of=self._fate_of, lms_fails=lambda: False)
        self.database.write_bytes(blank_store())
        self._db = sqlite3.connect(self.database, isolation_level=None)
        self.facts, self.terms = facts, terms
        self.lms: Source = Source(self)
        self.lms_is_down = False
        self.fates: dict[str, deque[str]] = {}  # a method of Slack's -> what its next calls meet
        self.refusing: set[str] = set()  # Slack accounts that take no DM
        self.refused: list[tuple[int, date]] = []  # whose DM was refused, and on which day of theirs
        self.dms: list[Dm] = []
        self.exempt: dict[tuple[int, int | None], date] = {}  # person, course (None: every one) -> the last day of it
        self.tick_at = begins_at
        self.complaint = ""  # the last thing that the bot said of an error
        self.accepted: Accepted | None = None
        self.on_dm: Callable[[Dm], None] = lambda _: None
        self._bot: Bot | None = None
        self._publish()

    # ── its clock ──

    def seconds(self) -> float:
        """Virtual seconds since the beginning."""
        return self._loop.time()

    def now(self) -> datetime:
        """The virtual instant."""
        return self._begins_at + timedelta(seconds=self._loop.time())

    def run(self, what: Coroutine[Any, Any, T]) -> T:
        """Let this happen."""
        return self._loop.run_until_complete(what)

    def tell(self, text: str) -> None:
        """The bot's story; what went wrong is kept."""
        if found := COMPLAINT.fullmatch(text):
            self.complaint = found[1]

    # ── its facts ──

    def become(self, facts: Facts) -> None:
        """Something has happened in the LMS or in Slack."""
        self.facts = facts
        self._publish()

    def _publish(self) -> None:
        """Slack shows people as they are."""
        for slack_id, member in self.facts.members.items():
            until = int(member.status_until_at.timestamp()) if member.status_until_at else 0
            user = self.slack.users.get(slack_id) or self.slack.add_user(slack_id, email=member.email, name=slack_id)
            user.tz, user.email, user.deleted = member.timezone, member.email, member.deleted
            user.status_text, user.status_emoji, user.status_expiration = member.status_text, member.status_emoji, until

    def ask(self, sql: str, *values: Any) -> list[Any]:
        """Read the store."""
        return self._db.execute(sql, values).fetchall()

    # ── its bot ──

    @property
    def bot(self) -> Bot:
        """The process, begun anew where it has died."""
        if self._bot is None or self._bot.dead:
            self._bot = Bot(self)
        return self._bot

    def next_tick(self) -> datetime:
        """The quarter of an hour at or after now."""
        past = self.now().replace(minute=0, second=0, microsecond=0)
        while past < self.now():
            past += QUARTER
        return past

    def is_idle(self, at: datetime) -> bool:
        """Whether a tick then would find nothing to do."""
        ((next_at,),), ((waiting,),) = self.ask(NEXT_AT), self.ask(ON_THE_WAY)
        return not (waiting or self.bot.pull_is_due(at) or (next_at is not None and next_at <= at.timestamp()))

    async def tick(self, trouble: Trouble = WELL) -> bool:
        """One pass as `run` makes it; whether it came to its end."""
        self.tick_at, self.complaint = self.now(), ""
        bot = self.bot
        await bot.tick(trouble)
        self._accept()
        return bot.went_well

    async def remind(self, person_id: int | None) -> None:
        """A pass by hand, over everybody or over one person."""
        self.tick_at = self.now()
        await self.bot.remind(str(person_id) if person_id else None)
        self._accept()

    def approve(self) -> str | None:
        """An admin releases what is frozen."""
        return self.bot.workspace.store.passes.approve(self.now(), "admin")

    def exempt_until(self, person_id: int, course_id: int | None, until_on: date | None) -> None:
        """An admin exempts somebody, up to this day or for good."""
        self.bot.workspace.store.exemptions.add(person_id, course_id, until_on, at=self.now(), by="admin")
        self.exempt[person_id, course_id] = until_on or date.max

    def unexempt(self, person_id: int) -> None:
        """Every exemption of theirs ends."""
        self.bot.workspace.store.exemptions.remove(person_id, at=self.now(), by="admin")
        self.exempt = {key: until_on for key, until_on in self.exempt.items() if key[0] != person_id}

    def is_exempt(self, person_id: int, course_id: int, on: date) -> bool:
        """Whether an admin has said so for that local day."""
        return any(on <= self.exempt.get((person_id, of), date.min) for of in (course_id, None))

    def foresee(self, days: int) -> Preview:
        """The forecast."""
        return preview(self.bot.workspace.settings, self.bot.workspace.store, self.now(), days)

    def close(self) -> None:
        """Nothing is left."""
        if self._bot:
            self._bot.end()
        self._db.close()
        self._loop.close()
        self._folder.cleanup()

    # ── what Slack does ──

    def _fate_of(self, method: str) -> Fate:
        waiting = self.fates.get(method)
        return Fate(kind=waiting.popleft(), retry_after_seconds=600) if waiting else Fate()

    def perform(self, method: str, args: Json, fate: Fate) -> Json:
        """Do it at Slack, and note each reminder that arrives."""
        if method == "chat.postMessage" and args["channel"] in self.refusing:
            person_id = self.person_of(args["channel"])
            if fate.shown == "ok" and "deadline_reminder" in str(args.get("metadata")):  # else it has not heard of it
                self.refused.append((person_id, self.today_of(person_id)))
            return {"ok": False, "error": "restricted_action"}
        before = len(self.slack.messages)
        answer = super().perform(method, args, fate)
        for message in self.slack.messages[before:]:
            if keys := keys_of(message):
                self._note(message, set(keys))
        return answer

    def _note(self, message: Message, keys: set[str]) -> None:
        self._accept()
        notice_id = (message.metadata or {})["event_payload"]["notice"]
        ((person_id, claimed_at, pass_id),) = self.ask(WHOSE, notice_id)
        named = self.ask(NAMED, notice_id)
        if keys != {row[3] for row in named}:
            raise AssertionError("a DM's keys are not those of the courses that it names")
        told = tuple(Told(course_id=c, step=Step.parse(s), deadline_on=date.fromisoformat(on)) for c, s, on, _ in named)
        at = datetime.fromtimestamp(claimed_at, UTC)
        self.dms.append(
            Dm(
                at=at,
                tick_at=self.tick_at,
                pass_id=pass_id,
                person_id=person_id,
                slack_id=message.slack_id,
                local_on=local(at, self.zone_seen(person_id)).date(),
                told=told,
            )
        )
        self.on_dm(self.dms[-1])

    def person_of(self, slack_id: str) -> int:
        return int(slack_id.removeprefix("U0").partition("X")[0])

    # ── what the bot has been told ──

    def _accept(self) -> None:
        """Notice a pull that the bot has taken since."""
        for (at,) in self.ask(PULLED_AT):
            pulled_at = datetime.fromtimestamp(at, UTC)
            if self.accepted is None:
                self.accepted = Accepted(at=pulled_at, facts=self.lms.pulled[at])
                self.accepted.seen_at = dict.fromkeys(self.accepted.facts.members, pulled_at)
            elif self.accepted.at != pulled_at:
                self.accepted = self.accepted.after(pulled_at, self.lms.pulled[at])

    @property
    def seen(self) -> Accepted:
        """The last pull that was taken."""
        if self.accepted is None:
            raise AssertionError("nothing was ever pulled")
        return self.accepted

    def today_of(self, person_id: int) -> date:
        """Somebody's local date, as far as the bot knows."""
        return local(self.now(), self.zone_seen(person_id)).date()

    def zone_seen(self, person_id: int) -> str:
        """Somebody's zone as the bot knows it."""
        return self.seen.facts.zone(person_id, self.terms)


@lru_cache(maxsize=1)
def blank_store() -> bytes:
    """A database with its schema and its owner."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "bot.db"
        open_store(path, TEAM, datetime(2026, 1, 1, tzinfo=UTC)).close()
        return path.read_bytes()
