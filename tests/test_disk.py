"""A full disk, a write that fails, a damaged file: one clear line, exit 1, nothing said that could not be recorded
first, and the next pass repairs it.

A disk is full here where the kernel refuses to let a file grow (RLIMIT_FSIZE): SQLite meets the same refusals, in the
log, the database and its temporary files, and they can be had at any byte.
"""

from __future__ import annotations

import asyncio
import random
import resource
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.demo.clock import DemoClock
from bot.errors import DeadlineBotError, StoreDamaged, StoreError
from bot.jobs.remind import remind, sending
from bot.jobs.schedule import Ticker
from bot.store import State
from bot.store.sqlite_store import need_existing, open_store
from tests.builders import an_assignment, local
from tests.company import DAY, Company, Ended, a_company, ended
from tests.jobs.test_deliver import at_the_first, everybody
from tests.store.some import NOW, a_reminder, plan, pull
from tests.test_cli import failed
from tests.test_run import events, running, served, stopped

KIB = 1024
FRAME = 4120  # what a page takes in SQLite's write-ahead log
PAGE = 4096
FIRST_SIZE = 32 * KIB  # what SQLite needs beside the log before it can read at all
PEOPLE = 2
TEN = ("--now", f"{DAY}T10:00:00+02:00")
YESTERDAY = "2027-06-14"

# Runs the program with files of so many bytes at most. Coverage writes its own at the end, when there is room again.
ON_A_SMALL_DISK = """
import atexit, resource, sys
size, most = int(sys.argv.pop(1)), resource.getrlimit(resource.RLIMIT_FSIZE)[1]
atexit.register(resource.setrlimit, resource.RLIMIT_FSIZE, (most, most))
resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
from bot.cli import main
main()
"""


class Disk:
    """How far the files of this process may grow."""

    def __init__(self) -> None:
        self._soft, self._most = resource.getrlimit(resource.RLIMIT_FSIZE)

    def ends_at(self, size_bytes: int) -> None:
        """No file grows beyond this; 0: nothing at all can be written."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, self._most))

    def has_room(self) -> None:
        """As it was before."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._soft, self._most))


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """The disk of this very process, which tests and stand-ins share with the bot."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # half a module in a cache would outlive the test
    disk = Disk()
    with capture_logs():  # pytest keeps what is printed in a file
        yield disk
        disk.has_room()


async def on_a_small_disk(company: Company, size_bytes: int, *arguments: str) -> Ended:
    """`python -m bot …` to its end, where no file can grow beyond this."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ON_A_SMALL_DISK, str(size_bytes), *arguments, cwd=company.folder,
        env=company.environment(PYTHONDONTWRITEBYTECODE="1"),  # half a module in a cache would outlive the test
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    return await ended(process)


def says_what_to_do_about_the_disk(company: Company, done: Ended) -> None:
    """One line, which names the file and what to look at."""
    line = failed(company, done, 1)
    assert done.err.count("\n") == 1
    assert str(company.database) in line
    assert "free space" in line


def says_what_to_do_about_the_damage(company: Company, done: Ended) -> None:
    """One line, which names the file and what can be done."""
    line = failed(company, done, 1)
    assert done.err.count("\n") == 1
    assert str(company.database) in line
    assert "Restore a backup" in line
    assert "move the file aside" in line


async def nothing_was_said_that_is_not_recorded(company: Company, *, before: int = 0) -> dict[State, int]:
    """Who has a DM, beyond so many earlier ones, has a claim on disk; the state of all notices."""
    state = await company.state()
    recorded = state.get(State.SENDING, 0) + state.get(State.SENT, 0)
    assert len(company.slack.messages) <= recorded
    assert state.get(State.SENT, 0) <= len(company.slack.messages)
    assert recorded == before or len(company.slack.posts) > before
    return state


# ── a process whose disk is full ──


@pytest.mark.parametrize(
    "size_bytes",
    [100 * KIB, 180 * KIB, 250 * KIB, 330 * KIB],
    ids=["at the schema", "at the pull", "at a claim", "at a settle"],
)
async def test_a_process_on_a_full_disk_ends_in_one_line_and_the_next_pass_tells_each_once(
    company: Company, size_bytes: int
) -> None:
    company.crowd(6)
    says_what_to_do_about_the_disk(company, await on_a_small_disk(company, size_bytes, "remind", *TEN))
    await nothing_was_said_that_is_not_recorded(company)
    assert (await company.one_pass(f"{DAY} 10:15")).problem is None
    assert company.dms() == everybody(6)
    assert await company.state() == {State.SENT: 6}


# ── at each page that is written ──


@dataclass(frozen=True)
class Attempt:
    """What a pass came to on a disk of some size."""

    code: int
    posts: int
    claimed: int
    settled: int


def made(folder: Path) -> Path:
    """This folder, which is new."""
    folder.mkdir()
    return folder


@asynccontextmanager
async def a_new_company(folder: Path) -> AsyncIterator[Company]:
    """Two people who are to hear of Fire today."""
    async with a_company(made(folder)) as company:
        company.time.faster = 400
        yield company.crowd(PEOPLE)


@asynccontextmanager
async def a_company_with_a_past(folder: Path) -> AsyncIterator[Company]:
    """The same, who have heard of Gdpr yesterday and have finished that since."""
    async with a_new_company(folder) as company:
        for person_id in everybody(PEOPLE):
            company.assign(person_id, 2, YESTERDAY)
        await company.one_pass(f"{YESTERDAY} 10:00")
        for person_id in everybody(PEOPLE):
            company.finish(person_id, 2)
        yield company


async def attempt_and_repair(company: Company, disk: Disk, size_bytes: int) -> Attempt:
    """A pass on a disk of this size, and one with room, at the end of which each has heard of Fire once."""
    before = company.heard()
    disk.ends_at(size_bytes)
    done = await company.called("remind", *TEN)
    disk.has_room()
    if done.code:
        says_what_to_do_about_the_disk(company, done)
    state = await nothing_was_said_that_is_not_recorded(company, before=len(before))
    attempt = Attempt(
        code=done.code,
        posts=len(company.slack.posts) - len(before),
        claimed=state.get(State.SENDING, 0),
        settled=state.get(State.SENT, 0) - len(before),
    )
    assert (await company.one_pass(f"{DAY} 10:15")).problem is None
    assert set(await company.state()) == {State.SENT}
    assert company.heard() == {person_id: [*before.get(person_id, []), "Fire"] for person_id in everybody(PEOPLE)}
    return attempt


async def test_at_whatever_stage_of_a_pass_the_disk_is_full_nobody_is_missed_or_told_twice(
    folder: Path, disk: Disk, no_settings: None
) -> None:
    attempts: list[Attempt] = []
    while not attempts or attempts[-1].code:
        size_bytes = FIRST_SIZE + len(attempts) * 3 * FRAME  # each stage of the pass lasts for five pages or more
        async with a_company_with_a_past(folder / str(size_bytes)) as company:
            attempts.append(await attempt_and_repair(company, disk, size_bytes))
            edited = [bool(message.edits) for message in company.slack.messages]
            assert edited == [True] * PEOPLE + [False] * PEOPLE, "the same edit twice does no harm"
    *failures, last = attempts
    assert last == Attempt(code=0, posts=PEOPLE, claimed=0, settled=PEOPLE)
    assert any(a.posts == 0 for a in failures), "before the first claim: nobody"
    assert any(a.claimed and not a.settled for a in failures), "said, and no answer recorded"
    assert any(a.claimed and a.settled for a in failures), "one answer recorded, the other not"
    assert any(a.settled == PEOPLE for a in failures), "all recorded, but not the end of the pass"


async def test_wherever_the_disk_of_a_new_store_is_full_nobody_is_missed_or_told_twice(
    folder: Path, disk: Disk, no_settings: None
) -> None:
    attempts: list[Attempt] = []
    while not attempts or attempts[-1].code:
        size_bytes = FRAME + len(attempts) * 10 * FRAME
        async with a_new_company(folder / str(size_bytes)) as company:
            attempts.append(await attempt_and_repair(company, disk, size_bytes))
    assert len(attempts) > 5


# ── from one moment on ──


@pytest.mark.parametrize("nth", [1, 2, 5])
async def test_who_was_told_when_the_disk_became_full_is_read_back_and_never_posted_to_again(
    company: Company, disk: Disk, nth: int
) -> None:
    company.crowd(5)
    at_the_first(company, "message", lambda: disk.ends_at(0), number=nth)
    with pytest.raises(StoreError):
        await company.one_pass(f"{DAY} 10:00")
    disk.has_room()
    told = company.dms()
    assert len(told) >= nth
    state = await nothing_was_said_that_is_not_recorded(company)
    assert state[State.SENDING] >= 1
    assert (await company.one_pass(f"{DAY} 10:15")).problem is None
    assert company.dms() == everybody(5)
    assert len(company.slack.posts) == 5, "nobody was even tried a second time"
    assert await company.state() == {State.SENT: 5}


# ── SQLite's own limit: the error word of a disk without space ──


def limit_pages(store: Any, pages: int) -> None:
    """Let the store's own connection make the file no larger than this, or than it is."""
    store._db.conn.execute(f"PRAGMA max_page_count={pages}")


async def test_a_plan_that_finds_no_space_sends_nothing_and_the_next_pass_does(company: Company) -> None:
    company.crowd(60)
    async with company.workspace() as workspace, sending(workspace):
        limit_pages(workspace.store, 1)
        with pytest.raises(StoreError, match="full"):
            await remind(workspace, company.at(f"{DAY} 10:00"))
    assert company.slack.posts == []
    assert (await company.one_pass(f"{DAY} 10:15")).problem is None
    assert company.dms() == everybody(60)


# ── while it runs ──


def never(_: DeadlineBotError) -> None:
    raise AssertionError("Slack has not refused us")


async def test_a_tick_that_pulls_and_finds_no_space_to_plan_is_logged_and_the_next_one_sends(company: Company) -> None:
    company.crowd(60)
    async with company.workspace() as workspace:
        ticker = Ticker(workspace, never)
        with capture_logs() as logs:
            limit_pages(workspace.store, 1)
            company.at(f"{DAY} 10:00")
            await ticker.tick()
        assert company.slack.posts == []
        limit_pages(workspace.store, 1_000_000)
        company.at(f"{DAY} 10:15")
        await ticker.tick()
    (line,) = [line for line in logs if line["log_level"] == "warning"]
    assert (line["event"], "full" in line["reason"]) == ("pass.failed", True)
    assert company.dms() == everybody(60)


async def test_a_tick_whose_answers_cannot_be_recorded_leaves_them_to_a_later_tick(
    company: Company, disk: Disk
) -> None:
    company.crowd(9)
    at_the_first(company, "message", lambda: disk.ends_at(0), number=2)
    async with company.workspace() as workspace:
        ticker = Ticker(workspace, never)
        for when in ("10:00", "10:15"):
            company.at(f"{DAY} {when}")
            await ticker.tick()
        told = len(company.slack.posts)
        disk.has_room()
        company.at(f"{DAY} 10:30")
        await ticker.tick()
    assert 2 <= told < 9, "nothing more was said while nothing could be recorded"
    assert company.dms() == everybody(9)
    assert len(company.slack.posts) == 9
    assert await company.state() == {State.SENT: 9}


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux can fill the disk of another process")
async def test_the_running_bot_outlives_a_full_disk_and_sends_when_there_is_room(company: Company) -> None:
    clock = DemoClock(local(f"{DAY} 08:00").astimezone(UTC), pace_seconds=600)
    company.slack.now = clock.now
    company.crowd(2)

    async def ticked(hours: float) -> None:
        clock.jump(hours=hours)
        await company.slack.until(lambda: not clock.rushing, 10)

    async with served(clock) as url, running(company, "--clock", url) as process:
        soft, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        await ticked(0.5)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, most))
        await ticked(2)
        assert company.slack.posts == []
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (soft, most))
        await ticked(0.5)
        await company.slack.until(lambda: len(company.slack.messages) == 2, 10)
        done = await stopped(process)
    assert done.code == 0
    assert "Traceback" not in done.err
    failures = [line for line in events(done) if line["event"] == "pass.failed"]
    assert failures
    assert all(str(company.database) in line["reason"] for line in failures)
    assert company.dms() == everybody(2)


# ── what cannot be written at all ──


def a_folder_in_place_of(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).mkdir()


@pytest.mark.parametrize(
    "obstacle",
    [
        pytest.param(a_folder_in_place_of("bot.db"), id="a folder in the database's place"),
        pytest.param(a_folder_in_place_of("bot.db-wal"), id="a folder in its log's place"),
        pytest.param(a_folder_in_place_of("bot.db.lease"), id="a folder in the lease's place"),
    ],
)
async def test_a_store_that_cannot_be_written_ends_in_one_line_and_sends_nothing(
    company: Company, obstacle: Callable[[Path], None]
) -> None:
    company.crowd(1)
    company.environment()  # writes the policy while that can still be done
    obstacle(company.folder)
    says_what_to_do_about_the_disk(company, await company.called("remind", *TEN, POLICY_FILE=None))
    assert company.slack.posts == []


# ── damage ──


async def a_morning(company: Company, people: int) -> bytes:
    """These people have been told at ten; what the database then holds."""
    company.crowd(people)
    await company.one_pass(f"{DAY} 10:00")
    return company.database.read_bytes()


def move_aside(database: Path) -> None:
    """What the line of a damaged store says can be done."""
    database.rename(database.with_name("damaged.db"))


def noise(seed: int, size_bytes: int) -> bytes:
    """Bytes that mean nothing, the same at each run."""
    return random.Random(seed).randbytes(size_bytes)  # noqa: S311 - no secret


async def test_a_damaged_store_ends_each_command_in_one_line_until_it_is_moved_aside(company: Company) -> None:
    whole = await a_morning(company, 20)
    posts = len(company.slack.posts)
    quarter = len(whole) // 4 // PAGE * PAGE
    company.database.write_bytes(whole[:quarter] + noise(1, 2 * quarter) + whole[3 * quarter :])
    for arguments in (("remind", "--now", f"{DAY}T10:15:00+02:00"), ("pull",), ("status",)):
        says_what_to_do_about_the_damage(company, await company.called(*arguments))
    says_what_to_do_about_the_damage(company, await company.command("run"))
    assert len(company.slack.posts) == posts
    move_aside(company.database)
    company.hire(21).assign(21, 1, DAY)
    assert (await company.one_pass(f"{DAY} 10:30")).problem is None
    assert company.dms() == everybody(21)


async def test_when_a_damaged_store_was_moved_aside_nobody_hears_again_what_they_have_heard(company: Company) -> None:
    await a_morning(company, 3)
    move_aside(company.database)
    company.hire(4).assign(4, 1, DAY)
    await company.one_pass(f"{DAY} 10:30")
    assert company.dms() == everybody(4)


async def test_noise_in_any_one_page_is_found_before_anything_is_sent(company: Company) -> None:
    whole = await a_morning(company, 5)
    posts = len(company.slack.posts)
    for start in range(0, len(whole), PAGE):
        company.database.write_bytes(whole[:start] + noise(start, PAGE) + whole[start + PAGE :])
        done = await company.called("remind", "--now", f"{DAY}T10:15:00+02:00")
        says_what_to_do_about_the_damage(company, done)
    assert len(company.slack.posts) == posts


@pytest.mark.parametrize(
    ("was", "arguments"),
    [
        (b'{"send"', ["status"]),
        (b"TABLE workspace", ["status"]),
        (b"TABLE workspace", ["remind", *TEN]),
    ],
    ids=["a figure of the last pass", "the schema, which status reads", "the schema, which a pass reads"],
)
async def test_text_that_is_no_text_any_more_is_damage_and_not_a_bug(
    company: Company, was: bytes, arguments: list[str]
) -> None:
    whole = await a_morning(company, 1)
    assert was in whole
    company.database.write_bytes(whole.replace(was, b"\xff" * len(was)))
    says_what_to_do_about_the_damage(company, await company.called(*arguments))


def test_damage_that_is_met_at_some_later_row_is_told_as_damage(folder: Path) -> None:
    path = folder / "bot.db"
    with closing(open_store(path, "T1", NOW)) as store:
        pull(store, *(an_assignment(person_id=person_id, deadline_raw="x" * 90) for person_id in range(400)))
        for person_id in range(200):
            plan(store, f"notice {person_id:60}", a_reminder(), person_id=person_id)
    whole, met = path.read_bytes(), 0
    for start in range(0, len(whole), PAGE):
        path.write_bytes(whole[:start] + noise(start, PAGE) + whole[start + PAGE :])
        for read in (lambda store: list(store.snapshots.dossiers()), lambda store: store.outbox.planned()):
            try:
                with closing(need_existing(path)) as store:
                    read(store)
            except StoreDamaged:
                met += 1
    assert met > 20
