"""`python -m bot run` as a process: it connects, reminds, answers, and ends as it is asked to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from bot.clock import wall
from bot.demo.clock import DemoClock
from tests.builders import local
from tests.company import DAY, Company, Ended, ended

ALWAYS_AT_WORK = """
[pace]
posts_per_second = 0
[hours]
working_weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
"""
NOON_HOUR = 12


def noon_zone() -> tuple[str, str]:
    """A zone in which it is about noon now, and today's date there: people may be written to whenever tests run."""
    now = wall()
    west = now.hour - NOON_HOUR
    zone = f"Etc/GMT{west:+d}"
    return zone, now.date().isoformat()


@pytest.fixture
def today(company: Company) -> Company:
    """Two people for whom a course is due today, by the real clock."""
    zone, date = noon_zone()
    company.policy_text = ALWAYS_AT_WORK
    company.slack.now = wall
    for person_id in (1, 2):
        company.hire(person_id, zone=zone, country="", first_name="Ingeborg").assign(person_id, 1, date)
    return company


@asynccontextmanager
async def running(company: Company, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The bot, connected; killed at the end if it still lives."""
    process = await company.start("run", *arguments)
    try:
        await company.slack.sockets.connected()
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def stopped(process: asyncio.subprocess.Process) -> Ended:
    """What it leaves when it is asked to end; it has 10 seconds."""
    process.terminate()
    return await ended(process, 10)


def events(done: Ended) -> list[dict[str, Any]]:
    """Its log, a line of JSON an event."""
    return [json.loads(line) for line in done.err.splitlines()]


async def test_it_reminds_at_start_answers_and_ends_cleanly(today: Company) -> None:
    async with running(today) as process:
        await today.slack.until(lambda: len(today.slack.messages) == 2, 10)
        await today.slack.command("U01", "/deadlines")
        await today.slack.press(today.message(1), "Why this?")
        await today.slack.until(lambda: len(today.slack.answers) == 2)
        done = await stopped(process)
    assert (done.code, done.out) == (0, "")
    assert today.heard() == {1: ["Fire"], 2: ["Fire"]}
    logged = events(done)
    for line in logged:
        assert {"event", "level", "time", "pass_id"} <= set(line)
        assert datetime.fromisoformat(line["time"]).tzinfo
    names = [line["event"] for line in logged]
    assert names.count("notice.sent") == 2
    assert {"socket.connected", "pull.done", "pass.done", "lease.taken"} <= set(names)
    of_the_pass = {line["pass_id"] for line in logged if line["event"] in ("pull.done", "pass.done", "notice.sent")}
    assert len(of_the_pass) == 1
    assert None not in of_the_pass
    for personal in ("Ingeborg", "Last1", "example.com", "Fire", today.slack.bot_token, today.eloomi.client_secret):
        assert personal not in done.err


async def test_started_again_it_tells_nobody_twice(today: Company) -> None:
    for _ in range(2):
        async with running(today) as process:
            await today.slack.until(lambda: len(today.slack.messages) == 2, 10)
            await today.slack.until(lambda: today.slack.calls["users.list"] >= 1)
            await asyncio.sleep(0.3)
            assert (await stopped(process)).code == 0
    assert today.dms() == {1: 1, 2: 1}


async def test_asked_twice_to_end_it_ends_once(today: Company) -> None:
    async with running(today) as process:
        process.terminate()
        await asyncio.sleep(0.05)
        assert (await stopped(process)).code == 0


async def test_asked_again_and_again_until_it_is_gone_it_still_ends_well(today: Company) -> None:
    async with running(today) as process:
        asked = asyncio.create_task(_keep_asking(process))
        assert (await stopped(process)).code == 0
        await asked


async def _keep_asking(process: asyncio.subprocess.Process) -> None:
    while process.returncode is None:
        with suppress(ProcessLookupError):
            process.terminate()
        await asyncio.sleep(0.002)


async def test_asked_to_end_before_it_is_connected_it_ends(today: Company) -> None:
    today.slack.fault_next("hang", "auth.test", times=9)
    process = await today.start("run")
    await today.slack.until(lambda: today.slack.calls["auth.test"], 10)
    assert (await stopped(process)).code == 0
    assert today.slack.posts == []


@pytest.mark.parametrize(("setting", "value"), [("SLACK_BOT_TOKEN", "xoxb-S3CRET"), ("SLACK_APP_TOKEN", "xapp-S3CRET")])
async def test_a_token_that_is_refused_ends_it_before_anything_is_sent(
    today: Company, setting: str, value: str
) -> None:
    done = await today.command("run", **{setting: value})
    assert done.code == 1
    assert done.last_line.startswith("deadline-bot: ")
    assert setting in done.last_line
    assert "S3CRET" not in done.err
    assert today.slack.posts == []


@pytest.mark.parametrize("value", [None, "xoxb-S3CRET"])
async def test_without_an_app_token_it_does_not_start(today: Company, value: str | None) -> None:
    done = await today.called("run", SLACK_APP_TOKEN=value)
    assert done.code == 2
    assert "SLACK_APP_TOKEN" in done.last_line
    assert "S3CRET" not in done.err


async def test_when_its_holder_is_killed_another_copy_takes_over_within_ten_seconds(today: Company) -> None:
    async with running(today) as first:
        await today.slack.until(lambda: len(today.slack.messages) == 2, 10)
        async with running(today) as second:
            assert await logged(second) == ["socket.connected"], "it does not send beside the first"
            first.kill()
            await first.wait()
            assert "lease.taken" in await logged(second, until="lease.taken")
            assert (await stopped(second)).code == 0
    assert today.dms() == {1: 1, 2: 1}


async def logged(process: asyncio.subprocess.Process, *, until: str = "socket.connected") -> list[str]:
    """The events that it logs until this one, which must come within 10 seconds."""
    found: list[str] = []
    assert process.stderr is not None
    async with asyncio.timeout(10):
        while until not in found:
            found.append(json.loads(await process.stderr.readline())["event"])
    return found


# ── a stand-in's clock ──


@pytest.mark.parametrize("elsewhere", ["ELOOMI_API_URL", "SLACK_API_URL"])
async def test_a_stand_ins_clock_is_refused_unless_both_systems_are_on_this_machine(
    today: Company, elsewhere: str
) -> None:
    done = await today.called("run", "--clock", "http://127.0.0.1:9/", **{elsewhere: "https://real.example.com/api/"})
    assert done.code == 2
    assert "--clock" in done.last_line


@asynccontextmanager
async def served(clock: DemoClock) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/clock", clock.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/clock"
    finally:
        await runner.cleanup()


async def test_with_a_stand_ins_clock_it_follows_its_instants(company: Company) -> None:
    clock = DemoClock(local(f"{DAY} 08:00").astimezone(UTC), pace_seconds=600)
    company.slack.now = clock.now
    company.hire(1).assign(1, 1, DAY)
    company.hire(2, zone="America/New_York", country="US").assign(2, 1, DAY)
    async with served(clock) as url, running(company, "--clock", url) as process:
        clock.jump(hours=1.25)
        await company.slack.until(lambda: not clock.rushing, 10)
        assert company.slack.posts == []
        clock.jump(hours=10)
        await company.slack.until(lambda: not clock.rushing, 10)
        await company.slack.until(lambda: len(company.slack.messages) == 2)
        company.slack.revoked = True
        clock.jump(hours=2)
        done = await ended(process, 10)
    assert [f"{message.at:%H:%M}" for message in company.slack.messages] == ["07:30", "13:30"]
    assert company.heard() == {1: ["Fire"], 2: ["Fire"]}
    assert done.code == 1
    assert "SLACK_BOT_TOKEN" in done.last_line


async def test_with_a_stand_ins_clock_too_another_copy_takes_over_from_one_that_was_killed(company: Company) -> None:
    clock = DemoClock(local(f"{DAY} 10:00").astimezone(UTC), pace_seconds=600)
    company.slack.now = clock.now
    company.hire(1).assign(1, 1, DAY)
    async with served(clock) as url, running(company, "--clock", url) as first:
        await logged(first, until="pass.done")  # else what it was sending would be waited out
        assert company.dms() == {1: 1}
        async with running(company, "--clock", url) as second:
            first.kill()
            await first.wait()
            company.hire(2).assign(2, 1, DAY)
            assert "lease.taken" in await logged(second, until="pass.done")  # a tick that falls into one is passed over
            clock.jump(hours=1)
            await company.slack.until(lambda: len(company.slack.messages) == 2, 10)
            assert (await stopped(second)).code == 0
    assert company.dms() == {1: 1, 2: 1}
