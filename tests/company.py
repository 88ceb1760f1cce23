"""A small company for tests of jobs and answers: the local eloomi, the local Slack, a store, a clock to set.

Everything between them is real (HTTP, WebSocket, SQLite). Two clocks, as in the program: `clock` is the instant that
decisions are made for, and is set; `time` is the real one, on which waiting takes a fraction of its time.

    async with a_company(tmp_path) as company:
        company.course(1, "Fire")
        company.hire(1).assign(1, 1, "2027-06-15")
        report = await company.one_pass("2027-06-15 10:00")
        company.heard()  # {1: ["Fire"]}
"""

from __future__ import annotations

import asyncio
import io
import itertools
import logging
import os
import re
import shutil
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing, redirect_stderr, redirect_stdout, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import aiohttp
import structlog
from pydantic import SecretStr
from slack_sdk.web.async_client import AsyncWebClient

import bot
from bot.cli import main
from bot.clock import wall
from bot.deadlines.terms import Policy
from bot.demo.eloomi import LocalEloomi
from bot.demo.slack import LocalSlack
from bot.demo.slack_state import Message
from bot.errors import SlackError
from bot.jobs.pull import PullReport
from bot.jobs.pull import pull as one_pull
from bot.jobs.remind import PassReport, rehearse, remind, sending
from bot.lms.budget import Limits
from bot.lms.eloomi import Eloomi
from bot.settings import Settings
from bot.slack.api import Slack
from bot.store import State, Store
from bot.store.lease import Lease
from bot.store.sqlite import copy
from bot.store.sqlite_store import open_store, rehearsal
from bot.workspace import Workspace
from tests.builders import COPENHAGEN, a_policy, local

FASTER = 50  # times that a wait of ours passes faster than in life
POST_SECONDS = 0.3  # that a call of Slack may take here
# Figures of the pull that make a test of a lasting failure end quickly.
IMPATIENT = Limits(
    first_back_off_seconds=0.01, patience_seconds=1, busy_seconds=1, read_seconds=0.15, connect_seconds=0.3
)
COURSE_URL = "https://lms.example.com/courses/{course_id}"
DAY = "2027-06-15"  # a Tuesday without a holiday anywhere that matters here


class Hands:
    """A clock that is set, and may move by itself at each look."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.step = timedelta(0)

    def __call__(self) -> datetime:
        """The instant shown."""
        self.now += self.step
        return self.now


class Time:
    """The real clock, on which our own waits take a fraction of their time."""

    def __init__(self) -> None:
        self.faster = FASTER
        self._skipped = timedelta(0)

    def __call__(self) -> datetime:
        """The instant."""
        return wall() + self._skipped

    def monotonic(self) -> float:
        """The same in seconds, from some instant on."""
        return self().timestamp()

    async def sleep(self, seconds: float) -> None:
        """Wait that long by this clock."""
        until = self() + timedelta(seconds=seconds)
        await asyncio.sleep(seconds / self.faster)
        self._skipped = max(self._skipped, until - wall())


class Company:
    """One company: what its systems hold, and the bot at work on them."""

    def __init__(self, folder: Path, eloomi: LocalEloomi, slack: LocalSlack, clock: Hands) -> None:
        self.folder, self.eloomi, self.slack, self.clock = folder, eloomi, slack, clock
        self.time = Time()
        self.policy = a_policy(pace={"posts_per_second": 0})
        self.policy_text = "[pace]\nposts_per_second = 0\n"  # of a process
        self.limits = IMPATIENT
        self.post_seconds = POST_SECONDS
        self.wishes: dict[str, Any] = {}  # settings besides the usual ones
        self._ids = itertools.count(1)

    # ── what it holds ────────────────────────────────────────────────────────────────────────────────────────────

    def course(self, course_id: int, title: str, **fields: Any) -> Self:
        """A course."""
        self.eloomi.add_course(course_id, title, **fields)
        return self

    def hire(
        self, person_id: int, *, zone: str = COPENHAGEN, country: str = "DK", locale: str = "en-GB", **fields: Any
    ) -> Self:
        """Somebody in both systems; `fields` are eloomi's."""
        self.eloomi.add_user(person_id, timezone=zone, country=country, **fields)
        email = self.eloomi.users[person_id]["email"]
        self.slack.add_user(slack_id(person_id), email=email, name=f"Person {person_id}", tz=zone, locale=locale)
        return self

    def assign(self, person_id: int, course_id: int, deadline: str | None, **fields: Any) -> Self:
        """A row of eloomi's."""
        self.eloomi.assign(person_id, course_id, deadline, **fields)
        return self

    def row(self, person_id: int, course_id: int) -> dict[str, Any]:
        """The row of this person and course, to be changed in place."""
        return next(r for r in self.eloomi.participants if (r["user_id"], r["course_id"]) == (person_id, course_id))

    def finish(self, person_id: int, course_id: int) -> None:
        """They complete it."""
        self.row(person_id, course_id).update(status="completed", progress="100.00", completed_at="2027-06-15 07:00:00")

    def crowd(self, count: int, *, course_id: int = 1, deadline: str = DAY) -> Self:
        """People 1 to `count`, each with this course."""
        for person_id in range(1, count + 1):
            self.hire(person_id).assign(person_id, course_id, deadline)
        return self

    def no_more_faults(self) -> None:
        """Slack and eloomi are well again."""
        for waiting in self.slack._faults.values():
            waiting.clear()
        self.eloomi.faults.clear()

    # ── the bot ──────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def database(self) -> Path:
        """The store's file."""
        return self.folder / "bot.db"

    def settings(self) -> Settings:
        """The bot's settings, with nothing of the environment's."""
        return Settings(
            _env_file=None,
            slack_bot_token=SecretStr(self.slack.bot_token),
            slack_app_token=SecretStr(self.slack.app_token),
            slack_api_url=self.slack.url,
            eloomi_client_id=self.eloomi.client_id,
            eloomi_client_secret=SecretStr(self.eloomi.client_secret),
            eloomi_api_url=self.eloomi.url,
            eloomi_course_url=COURSE_URL,
            database_url=f"sqlite:///{self.database}",
            policy=self.policy,
            **self.wishes,
        )

    @asynccontextmanager
    async def workspace(self, *, dry_run: bool = False) -> AsyncIterator[Workspace]:
        """What app.py builds, with this company's clocks and short patience; like a process of its own."""
        where = (self.database, self.slack.team_id, wall())
        with rehearsal(*where) if dry_run else closing(open_store(*where)) as store:
            async with self._built(store) as workspace:
                try:
                    yield workspace
                finally:
                    workspace.lease.release()

    @asynccontextmanager
    async def _built(self, store: Store) -> AsyncIterator[Workspace]:
        settings = self.settings()
        source = Eloomi(
            base_url=self.eloomi.url,
            client_id=self.eloomi.client_id,
            client_secret=SecretStr(self.eloomi.client_secret),
            timezone=ZoneInfo("UTC"),
            now=wall,
            limits=self.limits,
        )
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self.post_seconds)) as session:
            client = AsyncWebClient(
                token=self.slack.bot_token, base_url=self.slack.url, session=session, retry_handlers=[]
            )
            slack = Slack(client, sleep=self.time.sleep)
            with suppress(SlackError):  # as app.py does, where a token that is refused ends it
                await slack.identity()
            try:
                yield Workspace(
                    settings=settings,
                    source=source,
                    slack=slack,
                    store=store,
                    lease=Lease(self.database),
                    clock=self.clock,
                    wall=self.time,
                    monotonic=self.time.monotonic,
                    sleep=self.time.sleep,
                    new_id=lambda: f"id-{next(self._ids)}-{os.urandom(4).hex()}",
                )
            finally:
                await source.aclose()

    def at(self, when: str | None) -> datetime:
        """Set the clock to this local time of Copenhagen's, if any is given; the instant it shows."""
        if when is not None:
            self.clock.now = local(when)
        return self.clock.now

    async def one_pass(self, when: str | None = None, *, only: str | None = None, pulls: bool = True) -> PassReport:
        """A whole pass, as `remind` makes it: opened, leased, run, closed."""
        now = self.at(when)
        async with self.workspace() as workspace, sending(workspace):
            return await remind(workspace, now, only=only, pulls=pulls)

    async def rehearsed(self, when: str | None = None, *, only: str | None = None) -> PassReport:
        """`remind --dry-run`."""
        now = self.at(when)
        async with self.workspace(dry_run=True) as workspace:
            return await rehearse(workspace, now, only=only)

    async def pulled(self, when: str | None = None) -> PullReport:
        """`pull`."""
        now = self.at(when)
        async with self.workspace() as workspace, sending(workspace):
            return await one_pull(workspace, now)

    # ── what becomes of its disk ─────────────────────────────────────────────────────────────────────────────────

    def lose_disk(self) -> None:
        """The platform wipes the disk: the database, and all that lies beside it."""
        for file in self.folder.glob(f"{self.database.name}*"):
            file.unlink()

    def backed_up(self) -> Path:
        """A consistent copy of the database as it is now."""
        to = self.folder / f"backup-{next(self._ids)}.db"
        copy(self.database, to)
        return to

    def put_back(self, backup: Path) -> None:
        """A backup takes the database's place; what else lies beside it stays."""
        for ending in ("", "-wal", "-shm"):
            Path(f"{self.database}{ending}").unlink(missing_ok=True)
        shutil.copyfile(backup, self.database)

    def twin(self, folder: Path) -> Company:
        """Another copy of the bot for the same people, with a store of its own in that folder."""
        folder.mkdir()
        twin = Company(folder, self.eloomi, self.slack, self.clock)
        twin.time, twin.policy, twin.wishes, twin._ids = self.time, self.policy, self.wishes, self._ids
        return twin

    # ── what came of it ──────────────────────────────────────────────────────────────────────────────────────────

    def titles_in(self, message: Message) -> str:
        """The courses that a DM named when it was posted: "Fire+Gdpr"."""
        first = message.edits[0].old_text if message.edits else message.text
        known = {row["name"] for row in self.eloomi.courses.values()}
        return "+".join(title for title in re.findall(r"^• (.+?) – ", first, re.MULTILINE) if title in known)

    def heard(self) -> dict[int, list[str]]:
        """By person, the courses that each DM named."""
        found: defaultdict[int, list[str]] = defaultdict(list)
        for message in self.slack.messages:
            found[int(message.slack_id[2:])].append(self.titles_in(message))
        return dict(sorted(found.items()))

    def dms(self) -> dict[int, int]:
        """By person, how many DMs there are."""
        return {person_id: len(titles) for person_id, titles in self.heard().items()}

    def message(self, person_id: int) -> Message:
        """Somebody's latest DM."""
        return next(m for m in reversed(self.slack.messages) if m.slack_id == slack_id(person_id))

    # ── as a process ─────────────────────────────────────────────────────────────────────────────────────────────

    def environment(self, **changed: str | None) -> dict[str, str]:
        """What a process gets, and nothing else of ours; None takes a setting away."""
        (self.folder / "policy.toml").write_text(self.policy_text, encoding="utf-8")
        wanted: dict[str, str | None] = {
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "SLACK_API_URL": self.slack.url,
            "ELOOMI_CLIENT_ID": self.eloomi.client_id,
            "ELOOMI_CLIENT_SECRET": self.eloomi.client_secret,
            "ELOOMI_API_URL": self.eloomi.url,
            "ELOOMI_COURSE_URL": COURSE_URL,
            "DATABASE_URL": f"sqlite:///{self.database}",
            **changed,
        }
        return clean_environment(wanted)

    async def start(self, *arguments: str, **changed: str | None) -> asyncio.subprocess.Process:
        """`python -m bot …` in the company's folder."""
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            *arguments,
            env=self.environment(**changed),
            cwd=self.folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def state(self) -> dict[State, int]:
        """How many notices are in each state."""
        async with self.workspace() as workspace:
            return workspace.store.outbox.counts()

    async def command(self, *arguments: str, **changed: str | None) -> Ended:
        """`python -m bot …` to its end."""
        return await ended(await self.start(*arguments, **changed))

    async def called(self, *arguments: str, **changed: str | None) -> Ended:
        """The same within this process, in a thread: the program's own `main`, many times quicker."""
        return await asyncio.to_thread(_called, self.folder, self.environment(**changed), arguments)


class Ended:
    """What a process left."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def last_line(self) -> str:
        """The last line on stderr."""
        return self.err.splitlines()[-1] if self.err else ""


def _called(folder: Path, environment: Mapping[str, str], arguments: Sequence[str]) -> Ended:
    before, here, argv, code = dict(os.environ), Path.cwd(), sys.argv, 0
    out, err = io.StringIO(), io.StringIO()
    try:
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        sys.argv = ["deadline-bot", *arguments]
        with redirect_stdout(out), redirect_stderr(err):
            main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    finally:
        os.environ.clear()
        os.environ.update(before)
        os.chdir(here)
        sys.argv = argv
        _forget_logs()
    return Ended(code, out.getvalue(), err.getvalue())


def _forget_logs() -> None:
    """Undo what logs.py has set up for the process."""
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    for handler in [h for h in logging.root.handlers if type(h) is logging.StreamHandler]:
        logging.root.removeHandler(handler)


async def ended(process: asyncio.subprocess.Process, timeout_seconds: float = 20) -> Ended:
    """Wait for its end."""
    out, err = await asyncio.wait_for(process.communicate(), timeout_seconds)
    return Ended(process.returncode or 0, out.decode(), err.decode())


def clean_environment(wanted: Mapping[str, str | None]) -> dict[str, str]:
    """An environment with these settings and what it takes to start Python from anywhere."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    kept |= {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    kept["PYTHONPATH"] = str(Path(bot.__file__).resolve().parent.parent)
    return kept | {name: value for name, value in wanted.items() if value is not None}


def slack_id(person_id: int) -> str:
    """Somebody's Slack id."""
    return f"U0{person_id}"


def with_freeze(policy: Policy, **limits: Any) -> Policy:
    """The policy with these limits of the safety freeze."""
    return replace(policy, freeze=replace(policy.freeze, **limits))


Change = Callable[[Company], None]


@asynccontextmanager
async def a_company(folder: Path, *, when: str = f"{DAY} 10:00") -> AsyncIterator[Company]:
    """An empty company, with three courses, at this local time of Copenhagen's."""
    clock = Hands(local(when))
    async with LocalEloomi() as eloomi, LocalSlack(now=clock) as slack:
        slack.per_channel_limit = False  # measured by the real clock, which our waits do not follow
        company = Company(folder, eloomi, slack, clock)
        for course_id, title in {1: "Fire", 2: "Gdpr", 3: "Ladder"}.items():
            company.course(course_id, title)
        yield company
