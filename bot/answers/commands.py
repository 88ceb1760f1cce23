"""Slash commands, direct messages and the Home tab: ack first, then answer from the store, to the asker alone."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond, AsyncSay
from slack_sdk.web.async_client import AsyncWebClient

from bot.answers.asker import own_list
from bot.answers.guard import guarded
from bot.slack.messages import answer, digest_metadata, home
from bot.workspace import Workspace

COMMANDS = ("/deadlines", "/progress")
EVENTS = ("app_home_opened", "message")


def register(app: AsyncApp, workspace: Workspace) -> None:
    """Listen to every command and event of the manifest."""

    @guarded
    async def command(ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond) -> None:
        await ack()
        with_help = bool(str(body.get("text") or "").strip())
        text, blocks = answer(own_list(workspace, body["user_id"], with_help=with_help))
        await respond(text=text, blocks=blocks, response_type="ephemeral")

    @guarded
    async def message(event: dict[str, Any], say: AsyncSay) -> None:
        if event.get("subtype") or event.get("bot_id") or not event.get("user"):
            return  # our own posts, edits and deletions come back as events too
        text, blocks = answer(own_list(workspace, event["user"], with_help=True))
        await say(text=text, blocks=blocks, metadata=digest_metadata(workspace.new_id()))

    @guarded
    async def home_opened(event: dict[str, Any], client: AsyncWebClient) -> None:
        _, blocks = answer(own_list(workspace, event["user"], with_help=True))
        await client.views_publish(user_id=event["user"], view=home(blocks))

    for name in COMMANDS:
        app.command(name)(command)
    app.event("message")(message)
    app.event("app_home_opened")(home_opened)
