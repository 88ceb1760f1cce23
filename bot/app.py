"""The composition root: builds clients, store, Bolt app, scheduler and clock, and hands them down as a Workspace."""

from __future__ import annotations

import asyncio
import atexit
import logging
import secrets
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from datetime import datetime
from zoneinfo import ZoneInfo

import aiohttp
import structlog
from pydantic import SecretStr
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.answers import actions, commands
from bot.clock import StandInClock, wall
from bot.errors import DeadlineBotError, UsageError
from bot.jobs.calendars import calendars_of
from bot.jobs.schedule import Ticker, follow, scheduled
from bot.lms.eloomi import Eloomi
from bot.settings import Settings
from bot.slack.api import TIMEOUT_SECONDS, Slack
from bot.store.lease import Lease
from bot.store.sqlite_store import open_store, rehearsal
from bot.workspace import Progress, Workspace, silent

log = structlog.get_logger()

ENDING = (signal.SIGTERM, signal.SIGINT)
CLOSE_SECONDS = 1.5  # that closing the socket may take


@asynccontextmanager
async def open_workspace(
    settings: Settings,
    *,
    clock: Callable[[], datetime] = wall,
    progress: Progress = silent,
    dry_run: bool = False,
    stopping: Callable[[], bool] = lambda: False,
) -> AsyncIterator[Workspace]:
    """Everything that a job needs, for the workspace of the token; with `dry_run` on a copy of the store."""
    settings.need_what_a_pass_needs()
    calendars_of(settings)  # a wrong country is said before anything is asked
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(_session())
        slack = Slack(_web_client(settings, session), sleep=asyncio.sleep)
        team_id = (await slack.identity()).team_id
        where = (settings.database_path, team_id, wall())
        store = stack.enter_context(rehearsal(*where) if dry_run else closing(open_store(*where)))
        source = _source(settings)
        stack.push_async_callback(source.aclose)
        yield Workspace(
            settings=settings,
            source=source,
            slack=slack,
            store=store,
            lease=Lease(settings.database_path),
            clock=clock,
            wall=wall,
            sleep=asyncio.sleep,
            new_id=lambda: secrets.token_hex(16),
            progress=progress,
            stopping=stopping,
        )


def _session() -> aiohttp.ClientSession:
    """One session for all of Slack: without a shared one each call pays for a connection of its own."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS))


def _web_client(settings: Settings, session: aiohttp.ClientSession) -> AsyncWebClient:
    """A client that never repeats a call by itself: slack_sdk's default handlers post twice."""
    return AsyncWebClient(
        token=settings.secret("slack_bot_token"),
        base_url=settings.slack_api_url,
        session=session,
        timeout=TIMEOUT_SECONDS,
        retry_handlers=[],
    )


def _source(settings: Settings) -> Eloomi:
    return Eloomi(
        base_url=settings.eloomi_api_url,
        client_id=settings.secret("eloomi_client_id"),
        client_secret=SecretStr(settings.secret("eloomi_client_secret")),
        timezone=ZoneInfo(settings.eloomi_timezone),
        now=wall,
    )


async def run(settings: Settings, clock_url: str | None = None) -> None:
    """The whole bot until SIGTERM or SIGINT. Raises SettingsError or SlackError where it cannot start or go on.

    `clock_url` is a stand-in's clock, which gives every instant and tick; only where both APIs are on this machine.
    """
    _check_run(settings, clock_url)
    running = _Running(settings)
    _listen_for_signals(running.stop)
    served = asyncio.create_task(_serve(settings, running, clock_url))
    await asyncio.wait([served, asyncio.create_task(running.stopped.wait())], return_when=asyncio.FIRST_COMPLETED)
    if not running.connected:
        served.cancel()  # a signal before we were connected: there is nothing to bring to an end
    with suppress(asyncio.CancelledError):
        await served
    if running.error:
        raise running.error


def _listen_for_signals(stop: Callable[[], None]) -> None:
    """Call `stop` in the loop at each signal to end, for as long as the process lives.

    Not by the loop's own handlers: closing the loop would give the signals back their default, and a second one that
    comes while the process is on its way out would then kill it. So would one that comes while Python itself ends,
    which is why they are ignored from there on.
    """
    loop = asyncio.get_running_loop()

    def heard(_number: int, _frame: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: we are ending already
            loop.call_soon_threadsafe(stop)

    for number in ENDING:
        signal.signal(number, heard)
        atexit.register(signal.signal, number, signal.SIG_IGN)


async def _serve(settings: Settings, running: _Running, clock_url: str | None) -> None:
    async with AsyncExitStack() as stack:
        pretended = None
        if clock_url:
            pretended = StandInClock(clock_url, await stack.enter_async_context(aiohttp.ClientSession()))
        workspace = await stack.enter_async_context(
            open_workspace(settings, clock=pretended or wall, stopping=running.stopped.is_set)
        )
        await running.serve(workspace, pretended)


def _check_run(settings: Settings, clock_url: str | None) -> None:
    settings.need_what_a_pass_needs()
    settings.need("SLACK_APP_TOKEN|SLACK_SIGNING_SECRET")
    settings.need("SLACK_APP_TOKEN")  # this version speaks Socket Mode only
    if clock_url and not (settings.slack_is_local and settings.lms_is_local):
        raise UsageError(
            "--clock is only for stand-ins: both SLACK_API_URL and ELOOMI_API_URL must be on this machine.",
            fix="Leave --clock away.",
        )


class _Running:
    """One running bot: its socket, its ticks, and how it ends."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.stopped = asyncio.Event()
        self.connected = False
        self.error: DeadlineBotError | None = None

    def stop(self, error: DeadlineBotError | None = None) -> None:
        """Begin to end; a second signal changes nothing."""
        self.error = self.error or error
        self.stopped.set()

    async def serve(self, workspace: Workspace, pretended: StandInClock | None) -> None:
        """Connect, tick, answer; at the end close the socket first, so that a new copy gets what people press."""
        handler = await self._connect(workspace)
        self.connected = True
        ticker = Ticker(workspace, on_refused=self.stop)
        end_ticks = self._follow(pretended, ticker) if pretended else self._schedule(workspace, ticker)
        await self.stopped.wait()
        await _closed(handler)
        await end_ticks()

    async def _connect(self, workspace: Workspace) -> AsyncSocketModeHandler:
        app_token = self._settings.secret("slack_app_token")
        await workspace.slack.check_app_token(app_token)
        quiet = logging.getLogger("slack_bolt")
        app = AsyncApp(client=workspace.slack.client, logger=quiet, request_verification_enabled=False)
        actions.register(app, workspace)
        commands.register(app, workspace)
        handler = AsyncSocketModeHandler(app, app_token, web_client=workspace.slack.client, logger=quiet)
        try:
            await handler.connect_async()
        except asyncio.CancelledError:  # asked to end meanwhile: what the handler has opened is closed
            await _closed(handler)
            raise
        log.info("socket.connected")
        return handler

    @staticmethod
    def _schedule(workspace: Workspace, ticker: Ticker) -> Callable[[], Awaitable[None]]:
        """Tick by the scheduler; returns how to end it: no new tick, the one under way drained, then the scheduler."""
        scheduler = scheduled(ticker, workspace.wall())
        scheduler.start()
        waiting = asyncio.create_task(ticker.take_over())

        async def end() -> None:
            scheduler.pause()
            waiting.cancel()
            await ticker.drain()
            scheduler.shutdown(wait=False)

        return end

    def _follow(self, pretended: StandInClock, ticker: Ticker) -> Callable[[], Awaitable[None]]:
        """Tick by a stand-in's clock, and end when it is gone; returns how to end it."""

        async def to_the_end() -> None:
            await follow(pretended.instants(), ticker)
            self.stop(DeadlineBotError("The stand-in's clock is gone."))

        async def once_it_has_struck() -> None:
            await pretended.struck.wait()
            await ticker.take_over()

        tasks = [asyncio.create_task(to_the_end()), asyncio.create_task(once_it_has_struck())]

        async def end() -> None:
            for task in tasks:
                task.cancel()
            await ticker.drain()

        return end


async def _closed(handler: AsyncSocketModeHandler) -> None:
    """Close the socket, whatever comes of it: the ticks must still be brought to an end."""
    try:
        await asyncio.wait_for(handler.close_async(), CLOSE_SECONDS)
    except Exception:
        log.exception("socket.lost")
    else:
        log.info("socket.closed")
