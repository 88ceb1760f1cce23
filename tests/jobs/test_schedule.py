"""The clock of `run`: a tick each quarter of an hour, one at a time; one that goes wrong does not stop the next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.clock import wall
from bot.demo.eloomi import Fault
from bot.demo.slack_state import Answer, Message, Told
from bot.errors import DeadlineBotError, SlackRefused
from bot.jobs import schedule
from bot.jobs.remind import remind, sending
from bot.jobs.schedule import Ticker, follow, scheduled
from bot.store import State
from bot.store.sqlite_store import SqliteStore
from bot.workspace import Workspace
from tests.company import DAY, Company, a_company, with_freeze


class Refused:
    """Whom a ticker tells that Slack refuses us."""

    def __init__(self) -> None:
        self.errors: list[DeadlineBotError] = []

    def __call__(self, error: DeadlineBotError) -> None:
        self.errors.append(error)


async def tick_at(company: Company, ticker: Ticker, *times: str) -> list[str]:
    """Tick at these local times; the warnings and worse that were logged."""
    with capture_logs() as logs:
        for when in times:
            company.at(f"{DAY} {when}")
            await ticker.tick()
    return [line["event"] for line in logs if line["log_level"] not in ("info", "debug")]


async def test_a_tick_reminds(company: Company) -> None:
    company.crowd(2)
    async with company.workspace() as workspace:
        assert await tick_at(company, Ticker(workspace, Refused()), "10:00", "10:15") == []
    assert company.dms() == {1: 1, 2: 1}


async def test_the_lms_is_asked_once_an_hour(company: Company) -> None:
    company.crowd(1)

    def pulls() -> int:
        return sum(asked.path == "/v3/courses" for asked in company.eloomi.requests) // 2

    async with company.workspace() as workspace:
        ticker, counted = Ticker(workspace, Refused()), []
        for when in ("08:00", "08:15", "08:45", "09:00", "09:15"):
            await tick_at(company, ticker, when)
            counted.append(pulls())
    assert counted == [1, 1, 1, 2, 2]


async def test_an_lms_that_fails_is_logged_and_the_next_tick_tries_again(company: Company) -> None:
    company.crowd(1)
    async with company.workspace() as workspace:
        ticker = Ticker(workspace, Refused())
        company.eloomi.down = True
        assert await tick_at(company, ticker, "10:00", "10:15") == ["pull.failed", "pull.failed"]
        company.eloomi.down = False
        assert await tick_at(company, ticker, "10:30") == []
    assert company.dms() == {1: 1}


async def test_a_slack_that_fails_is_logged_and_the_next_tick_goes_on(company: Company) -> None:
    company.crowd(3)
    company.slack.faults_for["U01"] = ["500"] * 3
    async with company.workspace() as workspace:
        ticker = Ticker(workspace, Refused())
        assert "pass.failed" in await tick_at(company, ticker, "10:00")
        assert await tick_at(company, ticker, "10:15") == []
    assert company.dms() == {1: 1, 2: 1, 3: 1}


async def test_a_token_that_slack_refuses_is_told(company: Company) -> None:
    company.crowd(1)
    refused = Refused()
    company.slack.revoked = True
    async with company.workspace() as workspace:
        await tick_at(company, Ticker(workspace, refused), "10:00")
    assert [type(error) for error in refused.errors] == [SlackRefused]


async def test_while_another_copy_holds_the_lease_a_tick_does_nothing(company: Company) -> None:
    company.crowd(1)
    async with company.workspace() as first, company.workspace() as second:
        assert first.lease.take()
        ticker = Ticker(second, Refused())
        await tick_at(company, ticker, "10:00")
        assert company.slack.posts == []
        first.lease.release()
        await tick_at(company, ticker, "10:15")
    assert company.dms() == {1: 1}


async def test_a_copy_in_waiting_takes_over_and_ticks_at_once(company: Company) -> None:
    company.crowd(1)
    async with company.workspace() as first, company.workspace() as second:
        assert first.lease.take()
        ticker = Ticker(second, Refused())
        await ticker.tick()
        waiting = asyncio.create_task(ticker.take_over())
        await asyncio.sleep(0.1)
        assert company.slack.posts == []
        begun = company.time()
        first.lease.release()
        await company.slack.until(lambda: company.slack.messages)
        assert (company.time() - begun).total_seconds() < 10
        waiting.cancel()
        await ticker.drain()
    assert company.dms() == {1: 1}


async def test_two_ticks_never_overlap(company: Company) -> None:
    company.crowd(4)
    async with company.workspace() as workspace:
        ticker = Ticker(workspace, Refused())
        company.at(f"{DAY} 10:00")
        await asyncio.gather(*(ticker.tick() for _ in range(3)))
        await ticker.drain()
        assert workspace.store.passes.last() is not None
    assert company.dms() == {1: 1, 2: 1, 3: 1, 4: 1}
    assert company.slack.calls["users.list"] == 1


def stopping_at_first_post(company: Company, workspace: Workspace) -> tuple[Workspace, asyncio.Event]:
    """A workspace that is asked to stop the moment Slack has taken a post."""
    stopped = asyncio.Event()

    def listen(kind: Told, _: Message | Answer) -> None:
        if kind == "message":
            stopped.set()

    company.slack.listen(listen)
    return replace(workspace, stopping=stopped.is_set), stopped


async def test_at_the_end_what_is_under_way_is_settled_and_the_rest_left(company: Company) -> None:
    company.crowd(8)
    async with company.workspace() as workspace:
        ours, stopped = stopping_at_first_post(company, workspace)
        ticker = Ticker(ours, Refused())
        company.at(f"{DAY} 10:00")
        ticking = asyncio.create_task(ticker.tick())
        await stopped.wait()
        await ticker.drain()
        await ticking
        assert ours.lease.take(), "the lease was let go of"
        ours.lease.release()
    state = await company.state()
    assert State.SENDING not in state
    assert state[State.SENT] == len(company.slack.messages) <= 4


async def test_a_tick_that_does_not_end_is_cut_off_and_the_next_process_goes_on(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "DRAIN_SECONDS", 0.2)
    company.post_seconds = 5
    company.crowd(3)
    company.slack.fault_next("stored_hang")
    async with company.workspace() as workspace:
        ticker = Ticker(workspace, Refused())
        company.at(f"{DAY} 10:00")
        ticking = asyncio.create_task(ticker.tick())
        await company.slack.until(lambda: company.slack.messages)
        begun = wall()
        await ticker.drain()
        assert (wall() - begun).total_seconds() < 2
        with pytest.raises(asyncio.CancelledError):
            await ticking
    assert (await company.one_pass(f"{DAY} 10:15")).problem is None
    assert company.dms() == {1: 1, 2: 1, 3: 1}


async def test_when_following_a_clock_ends_the_tick_under_way_is_not_cut_off(company: Company) -> None:
    company.crowd(2)
    company.limits = replace(company.limits, read_seconds=5)
    company.eloomi.faults.append(Fault(kind="slow", path="/v3/users", seconds=0.3))

    async def instants() -> AsyncIterator[datetime]:
        yield company.at(f"{DAY} 10:00")

    async with company.workspace() as workspace:
        ticker = Ticker(workspace, Refused())
        following = asyncio.create_task(follow(instants(), ticker))
        await asyncio.sleep(0.1)
        following.cancel()
        await ticker.drain()
    assert company.dms() == {1: 1, 2: 1}


# ── when it ticks ──


async def test_it_ticks_at_start_and_then_at_each_quarter_of_an_hour(company: Company) -> None:
    async with company.workspace() as workspace:
        now = wall()
        scheduler: Any = scheduled(Ticker(workspace, Refused()), now)
        scheduler.start(paused=True)
        (job,) = scheduler.get_jobs()
        scheduler.shutdown(wait=False)
    assert job.next_run_time == now
    following = job.trigger.get_next_fire_time(None, datetime(2027, 3, 28, 0, 1, tzinfo=UTC))
    times = [following]
    for _ in range(5):
        times.append(job.trigger.get_next_fire_time(times[-1], times[-1] + timedelta(seconds=1)))
    assert [f"{at:%H:%M}" for at in times] == ["00:15", "00:30", "00:45", "01:00", "01:15", "01:30"]
    assert job.misfire_grace_time is None, "a tick that was missed is made up for"
    assert job.coalesce, "but only once"


async def test_with_a_stand_ins_clock_it_ticks_at_each_of_its_instants(company: Company) -> None:
    company.crowd(1)

    async def instants() -> AsyncIterator[datetime]:
        for when in quarters("09:00", "09:15", "09:30"):
            yield company.at(when)

    async with company.workspace() as workspace:
        await follow(instants(), Ticker(workspace, Refused()))
    assert company.dms() == {1: 1}
    assert company.slack.posts[0].at == company.clock()


def quarters(*times: str) -> Iterable[str]:
    return (f"{DAY} {time}" for time in times)


# ── what a tick between pulls reads ──


async def steps_of_a_tick(company: Company, people: int) -> int:
    """How many steps SQLite makes, in hundreds, for a tick at which nobody is due, in a company of this size."""
    company.crowd(people, deadline="2027-09-15")
    company.policy = with_freeze(company.policy, first_pass_people=0)
    await company.one_pass(f"{DAY} 09:00")
    counted = 0

    def count() -> None:
        nonlocal counted
        counted += 1

    company.at(f"{DAY} 10:00")
    async with company.workspace() as workspace, sending(workspace):
        assert isinstance(workspace.store, SqliteStore)
        workspace.store._db.conn.set_progress_handler(count, 100)
        report = await remind(workspace, company.clock(), pulls=False)
    assert report.planned == 0
    return counted


async def test_a_tick_at_which_nobody_is_due_reads_no_more_where_there_are_more_people(tmp_path: Path) -> None:
    steps = []
    for people in (20, 400):
        (tmp_path / str(people)).mkdir()
        async with a_company(tmp_path / str(people)) as company:
            steps.append(await steps_of_a_tick(company.course(1, "Fire"), people))
    assert steps[1] <= steps[0] + 3
