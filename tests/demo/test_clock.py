"""The demo's clock moves a tick when the bot has asked again and the pace has passed, and not otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.demo.clock import TICK, DemoClock

START = datetime(2027, 3, 9, 8, 45, tzinfo=UTC)
Ask = Callable[[datetime | None], Awaitable[datetime]]


@pytest.fixture
def clock() -> DemoClock:
    return DemoClock(START, pace_seconds=0.05)


@pytest.fixture
async def ask(clock: DemoClock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ask]:
    monkeypatch.setattr("bot.demo.clock.POLL_SECONDS", 0.2)
    app = web.Application()
    app.router.add_get("/clock", clock.handle)
    async with TestClient(TestServer(app)) as client:

        async def ask(after: datetime | None) -> datetime:
            response = await client.get("/clock", params={"after": after.isoformat() if after else ""})
            return datetime.fromisoformat((await response.json())["now"])

        yield ask


async def test_the_first_answer_is_the_start(ask: Ask) -> None:
    assert await ask(None) == START


async def test_it_moves_a_tick_when_the_bot_asks_again(ask: Ask, clock: DemoClock) -> None:
    assert await ask(START) == START + TICK
    began = monotonic()
    assert await ask(START + TICK) == START + 2 * TICK
    assert monotonic() - began >= 0.04
    assert clock.now() == START + 2 * TICK


async def test_it_stands_still_while_the_bot_works(ask: Ask, clock: DemoClock) -> None:
    await ask(START)
    await asyncio.sleep(0.15)
    assert clock.now() == START + TICK


async def test_an_instant_already_past_is_answered_at_once(ask: Ask, clock: DemoClock) -> None:
    clock.pause()
    assert await ask(START - timedelta(hours=1)) == START


async def test_paused_it_answers_the_unchanged_time_after_a_poll(ask: Ask, clock: DemoClock) -> None:
    clock.pause()
    began = monotonic()
    assert await ask(START) == START
    assert monotonic() - began >= 0.15


async def test_play_wakes_a_waiting_bot(ask: Ask, clock: DemoClock) -> None:
    clock.pause()
    waiting = asyncio.ensure_future(ask(START))
    await asyncio.sleep(0.05)
    clock.play()
    assert await waiting == START + TICK


async def test_a_jump_takes_every_tick_without_pace(ask: Ask, clock: DemoClock) -> None:
    clock.pace_seconds = 60
    clock.pause()
    clock.jump(hours=1)
    at = START
    for tick in range(1, 5):
        at = await ask(at)
        assert at == START + tick * TICK
    assert not clock.rushing
    assert await ask(at) == at


async def test_it_stops_at_its_end(ask: Ask, clock: DemoClock) -> None:
    assert clock.end == START + timedelta(days=10)
    clock.end = START + TICK
    clock.jump(hours=100)
    assert await ask(START) == START + TICK
    assert clock.ended
    assert await ask(START + TICK) == START + TICK


async def test_listeners_hear_each_change(ask: Ask, clock: DemoClock) -> None:
    heard: list[datetime] = []
    clock.listen(lambda: heard.append(clock.now()))
    clock.pause()
    clock.play()
    await ask(START)
    assert heard == [START, START, START + TICK]


async def test_nonsense_is_refused(clock: DemoClock) -> None:
    app = web.Application()
    app.router.add_get("/clock", clock.handle)
    async with TestClient(TestServer(app)) as client:
        for after in ("yesterday", "2027-03-09T08:45:00"):
            assert (await client.get("/clock", params={"after": after})).status == 400
