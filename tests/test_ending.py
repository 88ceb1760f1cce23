"""`python -m bot run` asked to end in the midst of things: the socket closes first, what is in flight is drained and
recorded, it exits 0 within ten seconds, and the next pass says what is left, exactly once.

Ending when nothing is in flight is test_run.py's. These processes live by the real clock and mostly wait: those that
must wait out a drain do so side by side.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from bot.clock import wall
from bot.demo.eloomi import Fault
from bot.errors import DeadlineBotError
from bot.jobs.schedule import Ticker
from bot.settings import read_policy
from bot.store import State
from tests.company import DAY, Company, a_company, ended
from tests.test_run import ALWAYS_AT_WORK, noon_zone

AT_MOST_SECONDS = 10  # from being asked to end to the end
SOCKET_SECONDS = 3  # within which the socket must be closed
SLOW_SECONDS = 4  # longer than closing the socket takes, shorter than what a drain may

# Sends itself SIGTERM the first time that Python audits this event about something whose name ends so.
ASKED_AT_A_MOMENT = """
import os, signal, sys
moment, about, asked = sys.argv.pop(1), sys.argv.pop(1), []

def look(event, arguments):
    if event == moment and str(arguments[0]).endswith(about) and not asked:
        asked.append(event)
        os.kill(os.getpid(), signal.SIGTERM)

sys.addaudithook(look)
from bot.cli import main
main()
"""


@asynccontextmanager
async def a_working_company(folder: Path, people: int) -> AsyncIterator[Company]:
    """People for whom a course is due today and whose hours it is, by the real clock."""
    zone, date = noon_zone()
    async with a_company(folder) as company:
        company.policy_text = ALWAYS_AT_WORK
        company.environment()  # writes the policy: the passes of this process go by it, too
        company.policy = read_policy(folder / "policy.toml")
        company.slack.now = wall
        company.slack.slow_seconds = SLOW_SECONDS
        company.slack.echo = False  # an event that comes while the socket closes is another matter
        company.clock.now = wall()
        for person_id in range(1, people + 1):
            company.hire(person_id, zone=zone, country="").assign(person_id, 1, date)
        yield company


@asynccontextmanager
async def started(company: Company) -> AsyncIterator[asyncio.subprocess.Process]:
    """The bot as a process; killed at the end if it still lives."""
    process = await company.start("run")
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def ended_well(process: asyncio.subprocess.Process) -> list[dict[str, Any]]:
    """Its log, once it has ended: with 0, without a traceback or an error in its log."""
    done = await ended(process)
    assert (done.code, done.out) == (0, ""), done.err
    assert "Traceback" not in done.err, done.err
    logged = [json.loads(line) for line in done.err.splitlines()]
    assert "error" not in {line["level"] for line in logged}, done.err
    return logged


async def the_next_pass_completes(company: Company, people: int) -> None:
    """Everybody has exactly one DM after it, and no fate is left unknown."""
    company.no_more_faults()
    company.clock.now = wall()
    assert (await company.one_pass()).problem is None
    assert company.dms() == dict.fromkeys(range(1, people + 1), 1)
    assert set(await company.state()) <= {State.SENT, State.DROPPED}


def last(names: list[str], name: str) -> int:
    """Where this stands last."""
    return len(names) - 1 - names[::-1].index(name)


async def socket_closed(company: Company) -> None:
    """The socket is closed while the process goes on."""
    await company.slack.until(lambda: company.slack.sockets.count == 0, SOCKET_SECONDS)


# ── what it is in the midst of ──


async def posts_that_hang(folder: Path) -> None:
    """Two of the four under way never get an answer: the others are recorded, and the two are read back."""
    async with a_working_company(folder, 7) as company, started(company) as process:
        for kind in ("ok", "hang", "stored_hang", "slow", "slow"):  # the first DM of a pass goes alone
            company.slack.fault_next(kind)
        await company.slack.until(lambda: company.slack.calls["chat.postMessage"] == 5, 15)
        async with asyncio.timeout(AT_MOST_SECONDS):
            process.terminate()
            await socket_closed(company)
            assert len(company.slack.messages) == 2, "the slow posts were still under way"
            process.terminate()
            logged = await ended_well(process)
        assert await company.state() == {State.SENDING: 2, State.SENT: 3, State.PLANNED: 2}
        names = [line["event"] for line in logged]
        assert names.index("socket.closed") < last(names, "notice.sent")
        await the_next_pass_completes(company, 7)


async def posts_that_are_slow(folder: Path) -> None:
    """They are waited for; SIGINT says the same as SIGTERM."""
    async with a_working_company(folder, 7) as company, started(company) as process:
        company.slack.fault_next("ok")
        company.slack.fault_next("slow", times=4)
        await company.slack.until(lambda: company.slack.calls["chat.postMessage"] == 5, 15)
        async with asyncio.timeout(AT_MOST_SECONDS):
            process.send_signal(signal.SIGINT)
            await socket_closed(company)
            assert len(company.slack.messages) == 1, "the slow posts were still under way"
            process.send_signal(signal.SIGINT)
            await ended_well(process)
        assert await company.state() == {State.SENT: 5, State.PLANNED: 2}
        await the_next_pass_completes(company, 7)


async def a_pull_that_hangs(folder: Path) -> None:
    """The earlier snapshot stays, here none."""
    async with a_working_company(folder, 2) as company, started(company) as process:
        company.eloomi.faults.append(Fault(kind="hang", path="/v3/users", times=None))
        await company.slack.until(lambda: any("/v3/users" in asked.path for asked in company.eloomi.requests), 15)
        async with asyncio.timeout(AT_MOST_SECONDS):
            process.terminate()
            await socket_closed(company)
            await ended_well(process)
        assert company.slack.posts == []
        await the_next_pass_completes(company, 2)


async def a_wait_that_slack_asks_for(folder: Path) -> None:
    """A minute is asked for: nothing has arrived, so it goes back."""
    async with a_working_company(folder, 2) as company, started(company) as process:
        company.slack.retry_after_seconds = 60
        company.slack.fault_next("429")
        await company.slack.until(lambda: company.slack.posts, 15)
        async with asyncio.timeout(AT_MOST_SECONDS):
            process.terminate()
            await socket_closed(company)
            await ended_well(process)
        assert await company.state() == {State.PLANNED: 2}
        await the_next_pass_completes(company, 2)


async def an_edit_that_hangs(folder: Path) -> None:
    """What has become of the course is said by the next pass."""
    async with a_working_company(folder, 1) as company:
        company.clock.now = wall() - timedelta(hours=2)
        await company.one_pass()
        company.finish(1, 1)
        company.slack.fault_next("hang", "chat.update")
        async with started(company) as process:
            await company.slack.until(lambda: company.slack.calls["chat.update"], 15)
            async with asyncio.timeout(AT_MOST_SECONDS):
                process.terminate()
                await socket_closed(company)
                await ended_well(process)
        await the_next_pass_completes(company, 1)
        assert len(company.message(1).edits) == 1


Scene = Callable[[Path], Coroutine[Any, Any, None]]


async def test_whatever_is_in_flight_is_drained_and_recorded_after_the_socket_and_nothing_is_lost_or_repeated(
    folder: Path, no_settings: None
) -> None:
    scenes: list[Scene] = [
        posts_that_hang,
        posts_that_are_slow,
        a_pull_that_hangs,
        a_wait_that_slack_asks_for,
        an_edit_that_hangs,
    ]
    async with asyncio.TaskGroup() as at_once:
        for scene in scenes:
            at_once.create_task(scene(Path(mkdtemp(dir=folder))))


# ── before it has begun ──


@pytest.mark.parametrize(
    ("moment", "about"),
    [("import", "bot.app"), ("sqlite3.connect", "bot.db")],
    ids=["as it loads its libraries", "as it opens its store"],
)
async def test_asked_to_end_right_after_its_start_it_ends_well_and_the_next_pass_begins(
    folder: Path, no_settings: None, moment: str, about: str
) -> None:
    async with a_working_company(folder, 2) as company:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", ASKED_AT_A_MOMENT, moment, about, "run", env=company.environment(),
            cwd=company.folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        await ended_well(process)
        assert company.slack.posts == []
        await the_next_pass_completes(company, 2)


async def test_asked_to_end_while_its_socket_does_not_open_it_leaves_at_once_and_lets_go_of_all_it_has_opened(
    folder: Path, no_settings: None
) -> None:
    async with a_working_company(folder, 2) as company, started(company) as process:
        for kind in ("ok", "hang"):  # the first call only checks the token
            company.slack.fault_next(kind, "apps.connections.open")
        await company.slack.until(lambda: company.slack.calls["apps.connections.open"] == 2, 15)
        async with asyncio.timeout(AT_MOST_SECONDS / 2):
            process.terminate()
            await ended_well(process)
        assert company.slack.posts == []
        await the_next_pass_completes(company, 2)


# ── between the pull and the plan ──


async def test_where_one_process_ended_between_its_pull_and_its_plan_the_next_one_plans_at_its_first_tick(
    company: Company,
) -> None:
    company.crowd(2)
    await company.pulled(f"{DAY} 10:00")
    async with company.workspace() as workspace:
        company.at(f"{DAY} 10:15")
        await Ticker(workspace, on_refused=list[DeadlineBotError]().append).tick()
    assert company.dms() == {1: 1, 2: 1}
