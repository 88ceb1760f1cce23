"""The bot listening to the small company's Slack, over the real socket."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp

from bot.answers import actions, commands
from tests.company import Company

Listening = Callable[[], AbstractAsyncContextManager[None]]


@pytest.fixture
def listening(company: Company) -> Listening:
    """`async with listening():` the bot answers what people do in Slack."""

    @asynccontextmanager
    async def listen() -> AsyncIterator[None]:
        async with company.workspace() as workspace:
            quiet = logging.getLogger("slack_bolt")
            app = AsyncApp(client=workspace.slack.client, logger=quiet, request_verification_enabled=False)
            actions.register(app, workspace)
            commands.register(app, workspace)
            socket: Any = AsyncSocketModeHandler(
                app, company.slack.app_token, web_client=workspace.slack.client, logger=quiet
            )
            await socket.connect_async()
            await company.slack.sockets.connected()
            try:
                yield
            finally:
                await socket.close_async()

    return listen
