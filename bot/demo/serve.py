"""The demo, whole: both stand-ins, the company, the clock and the page, and the real program beside them.

Owns start and end: ports, the child process and its environment, the temporary folder. The child is `run --clock`,
nothing simulated; it gets a fresh environment, so that no real token of the person at the keyboard can reach it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

from aiohttp import web

import bot
from bot.demo.clock import DemoClock
from bot.demo.company import ADMIN, Company, fill, last_tuesday
from bot.demo.eloomi import LocalEloomi
from bot.demo.page import Page
from bot.demo.slack import LocalSlack, NotConnected
from bot.errors import UsageError

# The defaults, save that eloomi is asked rarely: a day passes in a minute here, but its rate limit's minute is real.
DEMO_POLICY = "[pull]\nevery_minutes = 240\n"
START = time(8, 45)  # UTC: Europe's working day has begun, America's comes next
STOP_SECONDS = 12.0  # the program's own clean stop takes up to 10
SHOWN_LINES = 3
KEPT_NAMES = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "PYTHONPATH")
LOG_NAME = "bot.log"


async def serve(
    *,
    port: int,
    now: datetime,
    command: Sequence[str] | None = None,
    out: TextIO | None = None,
    err: TextIO | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Run the demo until Ctrl-C, SIGTERM or `stop`, and leave nothing behind.

    `now` is the real instant: the demo begins on that day's or the last Tuesday. `command` replaces the program (the
    clock's address is appended). Port 0 takes a free one. Raises UsageError where the port cannot be had.
    """
    out, err, stop = out or sys.stdout, err or sys.stderr, stop or asyncio.Event()
    today = last_tuesday(now.astimezone(UTC).date())
    clock = DemoClock(datetime.combine(today, START, UTC))
    with TemporaryDirectory(prefix="deadline-demo-", ignore_cleanup_errors=True) as folder, _signals(stop):
        async with LocalEloomi(now=clock.now) as eloomi, LocalSlack(now=clock.now) as slack:
            company = fill(eloomi, slack, today)
            page = Page(slack=slack, clock=clock, company=company)
            async with _listening(page, port) as address:
                environment = _environment(eloomi, slack, address, company)
                program = [*(command or (sys.executable, "-m", "bot", "run", "--clock")), f"{address}clock"]
                async with _program(program, environment, Path(folder)) as child:
                    _say(out, f"demo: {address}")
                    await _watch(child, page=page, slack=slack, folder=Path(folder), err=err, stop=stop)


# ── the page's port ──────────────────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def _listening(page: Page, port: int) -> AsyncIterator[str]:
    runner = web.AppRunner(page.app, access_log=None, shutdown_timeout=1.0, handler_cancellation=True)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
        except (OSError, OverflowError) as taken:
            raise UsageError(
                f"The demo cannot listen on port {port} of 127.0.0.1: it is taken or not allowed.",
                fix="Choose another with --port (0: any free one).",
            ) from taken
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        page.feed.close()
        await runner.cleanup()


# ── the program ──────────────────────────────────────────────────────────────────────────────────────────────────


def _environment(eloomi: LocalEloomi, slack: LocalSlack, address: str, company: Company) -> dict[str, str]:
    """Everything the program needs, and of ours only what it takes to start it."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT_NAMES or name.startswith("COVERAGE_")}
    root = str(Path(bot.__file__).resolve().parent.parent)
    return kept | {
        "PYTHONPATH": os.pathsep.join(filter(None, (root, kept.get("PYTHONPATH")))),
        "PYTHONUNBUFFERED": "1",
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_API_URL": slack.url,
        "SLACK_ADMINS": next(person.slack_id for person in company.people if person.person_id == ADMIN),
        "ELOOMI_CLIENT_ID": eloomi.client_id,
        "ELOOMI_CLIENT_SECRET": eloomi.client_secret,
        "ELOOMI_API_URL": eloomi.url,
        "ELOOMI_COURSE_URL": f"{address}course/{{course_id}}",
        "DATABASE_URL": "sqlite:///bot.db",  # in the temporary folder, where the program is started
        "LOG_FORMAT": "text",
    }


@asynccontextmanager
async def _program(
    command: Sequence[str], env: dict[str, str], folder: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The program in a folder of its own, with a policy of its own; stopped at the end, politely and then not."""
    (folder / "policy.toml").write_text(DEMO_POLICY, encoding="utf-8")
    with (folder / LOG_NAME).open("wb") as log:
        child = await asyncio.create_subprocess_exec(
            *command, env=env, cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,  # Ctrl-C is ours; the child hears of it from us
        )  # fmt: skip
    try:
        yield child
    finally:
        await _end(child)


async def _end(child: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        if child.returncode is None:
            child.terminate()
        try:
            await asyncio.wait_for(child.wait(), STOP_SECONDS)
        except TimeoutError:
            child.kill()
    await child.wait()


async def _watch(
    child: asyncio.subprocess.Process, *, page: Page, slack: LocalSlack, folder: Path, err: TextIO, stop: asyncio.Event
) -> None:
    """Until `stop`: say on the page when the program has connected, and there and on stderr when it has died."""
    stopping = asyncio.ensure_future(stop.wait())
    greeting = asyncio.ensure_future(_greet(page, slack))
    death = asyncio.ensure_future(child.wait())
    try:
        await asyncio.wait((stopping, death), return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            said = f"The bot has stopped (exit {child.returncode}): {_last_lines(folder / LOG_NAME)}"
            page.say(said, bad=True)
            _say(err, said)
            await stopping
    finally:
        for task in (stopping, greeting, death):
            task.cancel()
        await asyncio.gather(stopping, greeting, death, return_exceptions=True)


async def _greet(page: Page, slack: LocalSlack) -> None:
    with suppress(NotConnected):
        await slack.sockets.connected(timeout_seconds=120)
        page.say("The bot is connected and looks for what is due.")


def _say(stream: TextIO, line: str) -> None:
    stream.write(f"{line}\n")
    stream.flush()


def _last_lines(log: Path) -> str:
    lines = [line.strip() for line in log.read_text("utf-8", "replace")[-4000:].splitlines() if line.strip()]
    return " / ".join(lines[-SHOWN_LINES:]) or "it said nothing"


@contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    """Ctrl-C and SIGTERM set `stop` instead of raising."""
    loop, caught = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)
    for number in caught:
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)
