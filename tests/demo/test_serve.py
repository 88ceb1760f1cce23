"""The whole demo: it starts a program in an environment of its own, says when it dies, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import io
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.demo.eloomi import LocalEloomi
from bot.demo.serve import serve
from bot.errors import UsageError

START = datetime(2027, 3, 9, 8, 45, tzinfo=UTC)

CHILD = """
import os, sys, time, urllib.parse, urllib.request
assert sorted(os.listdir(".")) == ["bot.log", "policy.toml"], os.listdir(".")
assert "REAL_SECRET" not in os.environ
now = ""
for text in ("one", "two"):
    with urllib.request.urlopen(sys.argv[1] + "?after=" + urllib.parse.quote(now)) as answer:
        now = __import__("json").load(answer)["now"]
    form = urllib.parse.urlencode({"channel": os.environ["SLACK_ADMINS"], "text": text}).encode()
    headers = {"Authorization": "Bearer " + os.environ["SLACK_BOT_TOKEN"]}
    request = urllib.request.Request(os.environ["SLACK_API_URL"] + "chat.postMessage", form, headers)
    assert b'"ok": true' in urllib.request.urlopen(request).read()
    time.sleep(1.01)
print("out of ideas", file=sys.stderr)
if sys.argv[1].endswith("clock"): sys.exit(3) if os.environ["ELOOMI_COURSE_URL"].endswith("{course_id}") else 4
"""


@pytest.fixture
def nothing_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Temporary folders are made in an empty one, which is empty again in the end."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    yield
    assert list(tmp_path.iterdir()) == []


class Lines(io.StringIO):
    """A stream that says when something has been written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = asyncio.Event()

    def flush(self) -> None:
        super().flush()
        if not self.closed and self.getvalue():
            self.written.set()


@asynccontextmanager
async def running(**arguments: Any) -> AsyncIterator[tuple[Lines, Lines]]:
    """The whole demo, until the block ends."""
    out, err, stop = Lines(), Lines(), asyncio.Event()
    task = asyncio.ensure_future(serve(now=START, out=out, err=err, stop=stop, **arguments))
    try:
        await asyncio.wait([task, asyncio.ensure_future(out.written.wait())], return_when=asyncio.FIRST_COMPLETED)
        yield out, err
    finally:
        stop.set()
        await task


@pytest.mark.usefixtures("nothing_left_behind")
async def test_it_runs_a_program_and_says_when_that_dies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REAL_SECRET", "xoxb-real")
    async with running(port=0, command=[sys.executable, "-c", CHILD]) as (out, err):
        address = out.getvalue().removeprefix("demo: ").strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
        await asyncio.wait_for(err.written.wait(), 10)
        async with aiohttp.ClientSession() as http:
            html = await (await http.get(address)).text()
    assert html.count('data-testid="message"') == 2
    assert "The bot has stopped (exit 3): out of ideas" in html
    assert err.getvalue().count("\n") == 1


async def test_a_taken_port_is_wrong_usage() -> None:
    async with LocalEloomi() as other:
        port = int(other.url.rpartition(":")[2])
        with pytest.raises(UsageError, match=f"port {port}"):
            await serve(port=port, now=START, command=[sys.executable, "-c", ""])


@pytest.mark.usefixtures("nothing_left_behind")
async def test_a_stopped_demo_stops_its_program() -> None:
    async with running(port=0, command=[sys.executable, "-c", "import time; time.sleep(60)"]) as (_, err):
        pass
    assert err.getvalue() == ""
