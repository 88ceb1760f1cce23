"""Calls Slack's Web API: post, update, read back, list people. Every documented error is put into its class.

Two rules decide about repeating. `chat.postMessage` is never repeated here: slack_sdk's own handlers would post twice
when the server takes a request and drops the connection, so there are none (`retry_handlers=[]`), and the outbox
decides. Everything else may be repeated, in one place (`_repeat`): rate limits are waited out, at most
RATE_WAIT_SECONDS in all, other trouble is tried TRIES times.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Any, TypeAlias

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.deadlines.model import Member
from bot.errors import SlackDenied, SlackRefused, SlackUnreachable
from bot.slack.messages import Message
from bot.slack.outcomes import BY_WORD, NotTaken, Outcome, Posted, Refused, Stop, Unknown, Wait
from bot.text import storable

TIMEOUT_SECONDS = 8  # of one call
LAG_SECONDS = 5  # that a post may still take to show in a history once its time-out has passed
TRIES = 3
RATE_WAIT_SECONDS = 120  # that one read may wait for rate limits, in all
PEOPLE_PER_PAGE = 200  # Slack advises 200 for users.list
CHANNELS_PER_PAGE = 999  # the most users.conversations takes
MESSAGES_PER_PAGE = 15  # the most some apps get from conversations.history

CHECK_THE_OTHER_ONE = "Check SLACK_APP_TOKEN (the app's page at Slack, Basic Information, App-Level Tokens)."

TS = re.compile(r"\d{1,10}\.\d{1,6}", re.ASCII)  # a message's id: its instant, in seconds since 1970

Json: TypeAlias = Mapping[str, Any]
# What a call can end in besides an answer. Bad JSON, or JSON that is no object or too deep, surfaces as the last four.
TROUBLE = (
    SlackClientError,
    aiohttp.ClientError,
    TimeoutError,
    OSError,
    ValueError,
    TypeError,
    AttributeError,
    RecursionError,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Whose token it is."""

    team_id: str
    bot_user_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Own:
    """A message of our own in a DM, as read back."""

    ts: str
    notice_id: str
    keys: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnDigest:
    """A message of our own in a DM that is no reminder, as read back."""

    ts: str
    message_id: str


class Slack:
    """One workspace, through one bot token."""

    def __init__(self, client: AsyncWebClient, *, sleep: Callable[[float], Awaitable[None]]) -> None:
        if client.retry_handlers:
            raise ValueError("the client must have retry_handlers=[]: slack_sdk's own post twice")
        self._client, self._sleep = client, sleep
        self._bot_user_id: str | None = None  # as `identity` finds it

    @property
    def client(self) -> AsyncWebClient:
        """The client, which Bolt shares."""
        return self._client

    # ── reading ──

    async def check_app_token(self, app_token: str) -> None:
        """Raise SlackRefused unless Slack takes this token for Socket Mode: slack_sdk would try a bad one for ever."""
        try:
            await self._repeat("apps.connections.open", self._client.apps_connections_open, app_token=app_token)
        except SlackRefused as error:
            raise SlackRefused(error.message, fix=CHECK_THE_OTHER_ONE) from error

    async def identity(self) -> Identity:
        """Whose token it is. Raises SlackRefused where Slack does not take it."""
        answer = await self._repeat("auth.test", self._client.auth_test)
        team_id, bot_user_id = _field(answer, "team_id"), _field(answer, "user_id")
        if not team_id or not bot_user_id:
            raise SlackUnreachable("Slack's auth.test does not say whose token it is.")
        self._bot_user_id = bot_user_id
        return Identity(team_id=team_id, bot_user_id=bot_user_id)

    async def members(self) -> AsyncIterator[list[Member]]:
        """Everybody in the workspace, page by page, never one call a person."""
        async for page in self._pages(
            "users.list", self._client.users_list, "members", limit=PEOPLE_PER_PAGE, include_locale=True
        ):
            yield [_member(row) for row in page if isinstance(row, dict) and row.get("id")]

    async def dm_channels(self) -> dict[str, str]:
        """The DMs we have: Slack id -> channel id. (conversations.open would need im:write.)"""
        found: dict[str, str] = {}
        async for page in self._pages(
            "users.conversations", self._client.users_conversations, "channels", types="im", limit=CHANNELS_PER_PAGE
        ):
            pairs = [(_field(row, "user"), _field(row, "id")) for row in page]
            found.update({slack_id: channel_id for slack_id, channel_id in pairs if slack_id and channel_id})
        return found

    async def own_messages(self, channel_id: str, *, after_ts: str | None) -> AsyncIterator[list[Own]]:
        """Our reminders in a DM, the newest first; `after_ts` leaves out that message and all before it."""
        async for page in self._history(channel_id, after_ts):
            yield [own for row in page if (own := _own(row)) and self._is_ours(row)]

    async def own_digests(self, channel_id: str, *, after_ts: str | None) -> AsyncIterator[list[OwnDigest]]:
        """Our messages in a DM that are no reminders, letters and answers alike; else as `own_messages`."""
        async for page in self._history(channel_id, after_ts):
            yield [own for row in page if (own := _own_digest(row)) and self._is_ours(row)]

    def _history(self, channel_id: str, after_ts: str | None) -> AsyncIterator[list[Any]]:
        return self._pages(
            "conversations.history",
            self._client.conversations_history,
            "messages",
            channel=channel_id,
            limit=MESSAGES_PER_PAGE,
            include_all_metadata=True,
            oldest=after_ts or "0",
        )

    def _is_ours(self, row: Json) -> bool:
        """Whether the bot wrote it: metadata can be put on by anybody's app."""
        author = _field(row, "user")
        return not author or self._bot_user_id is None or author == self._bot_user_id

    async def _pages(
        self, method: str, call: Callable[..., Awaitable[Any]], key: str, **arguments: Any
    ) -> AsyncIterator[list[Any]]:
        """A listing by cursor. An answer without its list, or a cursor that comes again, is no end but an error."""
        cursor, seen = "", set[str]()
        while True:
            more = {"cursor": cursor} if cursor else {}
            answer = await self._repeat(method, call, needs=key, **arguments, **more)
            yield answer[key]
            cursor = _field(answer.get("response_metadata"), "next_cursor")
            if not cursor:
                return
            if cursor in seen:
                raise SlackUnreachable(f"Slack's {method} goes round in circles.")
            seen.add(cursor)

    async def _repeat(
        self, method: str, call: Callable[..., Awaitable[Any]], *, needs: str = "", **arguments: Any
    ) -> Json:
        """Call what may be repeated until it answers. Raises SlackRefused, SlackUnreachable or SlackDenied."""
        waited, tries = 0.0, 0
        while True:
            answer, outcome = await self._ask(call, needs, arguments)
            match outcome:
                case None:
                    return answer
                case Wait(seconds) if waited + seconds <= RATE_WAIT_SECONDS:
                    waited += seconds
                    await self._sleep(seconds)
                case Wait():
                    raise SlackUnreachable(f"Slack's rate limit on {method} asks for a longer wait than we make.")
                case Refused(error):
                    raise SlackDenied(f"Slack refuses {method}: {error}.")
                case _ if (tries := tries + 1) < TRIES:
                    await self._sleep(tries)
                case _:
                    raise SlackUnreachable(f"Slack gives no usable answer to {method}.")

    async def _ask(
        self, call: Callable[..., Awaitable[Any]], needs: str, arguments: Mapping[str, Any]
    ) -> tuple[Json, Outcome | None]:
        try:
            answer = (await call(**arguments)).data
        except TROUBLE as error:
            return {}, _classified(error)
        if not isinstance(answer, dict) or (needs and not isinstance(answer.get(needs), list)):
            return {}, Unknown("not what its documentation says")
        return answer, None

    # ── writing ──

    async def post(self, slack_id: str, message: Message) -> Outcome:
        """Send a DM to a person, once. Raises SlackRefused where nobody can be written to."""
        try:
            answer = await self._client.chat_postMessage(
                channel=slack_id,
                text=message.text,
                blocks=message.blocks,
                metadata=message.metadata,
                unfurl_links=False,
                unfurl_media=False,
            )
        except TROUBLE as error:
            return _classified(error)
        channel_id, ts = _field(answer.data, "channel"), _field(answer.data, "ts")
        return Posted(channel_id, ts) if channel_id and ts else Unknown("an answer without channel or ts")

    async def update(self, channel_id: str, ts: str, message: Message) -> Outcome:
        """Edit a DM; may be repeated. Always with blocks: accounts differ on what a text alone does to them."""
        try:
            await self._repeat(
                "chat.update",
                self._client.chat_update,
                channel=channel_id,
                ts=ts,
                text=message.text,
                blocks=message.blocks,
            )
        except SlackUnreachable as error:
            return Unknown(error.message)
        except SlackDenied as error:
            return Refused(error.message)
        return Posted(channel_id, ts)


def _classified(error: Exception) -> Outcome:
    """What this error means. Raises SlackRefused where it concerns every call."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return NotTaken("connection refused")
    if not isinstance(error, SlackApiError):
        return Unknown(type(error).__name__)
    word, status = _field(error.response, "error"), getattr(error.response, "status_code", 0)
    if status == 429 or word in Wait.words:
        return Wait(_retry_after(error.response))
    if status >= 500 or not word:
        return Unknown(f"HTTP {status}" if status else "no answer")
    found = BY_WORD.get(word, Refused)
    if found is Stop:
        raise SlackRefused(f"Slack refuses our token or app: {word}.") from error
    return Refused(word) if found is Refused else NotTaken(word) if found is NotTaken else Unknown(word)


def _retry_after(response: Any) -> float:
    """Slack's `Retry-After` in seconds; a second where it names none that makes sense, and never less."""
    headers = {str(k).lower(): v for k, v in dict(getattr(response, "headers", None) or {}).items()}
    try:
        seconds = float(headers.get("retry-after", 1))
    except ValueError:
        return 1.0
    return max(1.0, seconds) if isfinite(seconds) else 1.0


def _field(data: Any, name: str) -> str:
    """A text of an answer whatever its shape."""
    try:
        value = data.get(name)
    except (AttributeError, TypeError, ValueError):
        return ""
    return storable(value) if isinstance(value, str) else ""


def _member(row: Json) -> Member:
    """A row of users.list; every field but the id may be absent."""
    profile = found if isinstance(found := row.get("profile"), dict) else {}
    return Member(
        slack_id=storable(str(row["id"])),
        email=_field(profile, "email") or None,
        timezone=_field(row, "tz") or None,
        locale=_field(row, "locale") or None,
        deleted=bool(row.get("deleted")),
        is_bot=bool(row.get("is_bot")) or row["id"] == "USLACKBOT",
        is_stranger=bool(row.get("is_stranger")),
        status_text=_field(profile, "status_text"),
        status_emoji=_field(profile, "status_emoji"),
        status_until_at=_until(profile.get("status_expiration")),
    )


def _until(seconds: object) -> datetime | None:
    """A Unix time as an instant; None for 0, which means no end, and for what is no time."""
    with suppress(ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) and seconds > 0 else None
    return None


def _own(row: Any) -> Own | None:
    """A reminder of ours, told by its metadata (interface.md), or None."""
    payload, ts = _payload(row, "deadline_reminder"), _field(row, "ts")
    if not isinstance(payload.get("reminders"), list) or not TS.fullmatch(ts):
        return None
    return Own(ts=ts, notice_id=_field(payload, "notice") or ts, keys=tuple(map(str, payload["reminders"])))


def _own_digest(row: Any) -> OwnDigest | None:
    """A message of ours that is no reminder, told by its metadata, or None."""
    message_id, ts = _field(_payload(row, "deadline_digest"), "notice"), _field(row, "ts")
    return OwnDigest(ts=ts, message_id=message_id) if message_id and TS.fullmatch(ts) else None


def _payload(row: Any, event_type: str) -> Json:
    """What the metadata of a message of this type says; nothing for any other."""
    metadata = row.get("metadata") if isinstance(row, dict) else None
    if not isinstance(metadata, dict) or metadata.get("event_type") != event_type:
        return {}
    payload = metadata.get("event_payload")
    return payload if isinstance(payload, dict) else {}
