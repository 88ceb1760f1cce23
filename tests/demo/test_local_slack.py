"""The pretended Slack, seen through the real slack_sdk: it answers, refuses and misbehaves as the facts say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack import LocalSlack

NOON = datetime(2027, 3, 9, 12, 0, tzinfo=UTC)
METADATA = {"event_type": "deadline_reminder", "event_payload": {"id": "n1"}}
DONE = {"type": "button", "action_id": "done", "value": "7", "text": {"type": "plain_text", "text": "Already done?"}}
BUTTONS: list[dict[str, Any]] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "Hello", "verbatim": True}},
    {"type": "actions", "elements": [DONE]},
]
NO_RETRIES: list[AsyncRetryHandler] = []


class Clock:
    """A virtual clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def slack(clock: Clock) -> AsyncIterator[LocalSlack]:
    async with LocalSlack(now=clock) as slack:
        slack.add_user("U1", email="ada@example.com", name="Ada", tz="Europe/London", locale="en-GB")
        slack.add_user("U2", email="bo@example.com", name="Bo", tz="Europe/Copenhagen", deleted=True)
        yield slack


@pytest.fixture
def client(slack: LocalSlack) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.url, retry_handlers=NO_RETRIES, timeout=2)


async def error_of(call: Any) -> str:
    """The error word with which Slack refuses a call."""
    with pytest.raises(SlackApiError) as refused:
        await call
    return str(refused.value.response["error"])


# ── tokens, scopes, arguments ────────────────────────────────────────────────────────────────────────────────────


async def test_it_says_who_the_token_is(slack: LocalSlack, client: AsyncWebClient) -> None:
    answer = await client.auth_test()
    assert (answer["team_id"], answer["user_id"]) == (slack.team_id, slack.bot_user_id)
    assert answer.headers["X-OAuth-Scopes"].split(",") == sorted(slack.scopes)


@pytest.mark.parametrize(
    ("token", "error"),
    [("xoxb-other", "invalid_auth"), ("", "not_authed"), ("xapp-T0DEMO-local", "not_allowed_token_type")],
)
async def test_a_wrong_token_is_refused(slack: LocalSlack, token: str, error: str) -> None:
    client = AsyncWebClient(token=token, base_url=slack.url)
    assert await error_of(client.auth_test()) == error


async def test_a_revoked_token_is_refused_everywhere(slack: LocalSlack, client: AsyncWebClient) -> None:
    slack.revoked = True
    assert await error_of(client.auth_test()) == "token_revoked"
    assert await error_of(client.apps_connections_open(app_token=slack.app_token)) == "invalid_auth"


async def test_a_missing_scope_is_named(slack: LocalSlack, client: AsyncWebClient) -> None:
    slack.scopes.remove("im:history")
    with pytest.raises(SlackApiError) as refused:
        await client.conversations_history(channel="D1")
    assert (refused.value.response["error"], refused.value.response["needed"]) == ("missing_scope", "im:history")


async def test_the_email_needs_its_scope(slack: LocalSlack, client: AsyncWebClient) -> None:
    assert (await client.users_info(user="U1"))["user"]["profile"]["email"] == "ada@example.com"
    slack.scopes.remove("users:read.email")
    assert "email" not in (await client.users_info(user="U1"))["user"]["profile"]


async def test_methods_without_json_ignore_a_json_body(slack: LocalSlack) -> None:
    slack.open_channel("U1")
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        as_json = await (await http.post(f"{slack.url}users.conversations", json={"types": "im"})).json()
        as_form = await (await http.post(f"{slack.url}users.conversations", data={"types": "im"})).json()
        posted = await (await http.post(f"{slack.url}chat.postMessage", json={"channel": "U1", "text": "x"})).json()
        broken = await (
            await http.post(
                f"{slack.url}chat.postMessage", data=b"{", headers={**headers, "Content-Type": "application/json"}
            )
        ).json()
    assert (as_json["ok"], as_json["error"]) == (False, "missing_scope")
    assert [one["user"] for one in as_form["channels"]] == ["U1"]
    assert posted["ok"]
    assert broken["error"] == "invalid_json"


# ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_people_come_in_pages(slack: LocalSlack, client: AsyncWebClient) -> None:
    slack.page_max = 3
    pages = [page["members"] async for page in await client.users_list(limit=200, include_locale=True)]
    assert [len(page) for page in pages] == [3, 1]
    people = {one["id"]: one for page in pages for one in page}
    assert people["U1"]["tz"] == "Europe/London"
    assert people["U1"]["locale"] == "en-GB"
    assert (people["U2"]["deleted"], "tz" in people["U2"]) == (True, False)
    assert people["USLACKBOT"]["is_bot"] is False
    assert people[slack.bot_user_id]["is_bot"] is True


async def test_a_cursor_or_limit_that_makes_no_sense_is_refused(slack: LocalSlack, client: AsyncWebClient) -> None:
    assert await error_of(client.users_list(cursor="nonsense")) == "invalid_cursor"
    assert await error_of(client.users_conversations(types="im", limit=1000)) == "invalid_limit"
    slack.limit_required_over = 2
    assert await error_of(client.users_list()) == "limit_required"


async def test_locales_come_only_when_asked_for(client: AsyncWebClient) -> None:
    assert "locale" not in (await client.users_info(user="U1"))["user"]


# ── posting ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_post_lands_in_the_persons_dm(slack: LocalSlack, client: AsyncWebClient) -> None:
    answer = await client.chat_postMessage(channel="U1", text="Hello", blocks=BUTTONS, metadata=METADATA)
    [message] = slack.messages
    assert (message.slack_id, message.text, message.blocks, message.metadata) == ("U1", "Hello", BUTTONS, METADATA)
    assert (answer["channel"], answer["ts"]) == (message.channel, message.ts)
    assert message.channel.startswith("D")
    assert message.ts == f"{int(NOON.timestamp())}.000000"


async def test_ts_follow_the_clock_and_always_rise(slack: LocalSlack, client: AsyncWebClient, clock: Clock) -> None:
    slack.per_channel_limit = False
    stamps = []
    for step in (timedelta(0), timedelta(0), timedelta(hours=-1), timedelta(days=1)):
        clock.at += step
        stamps.append((await client.chat_postMessage(channel="U1", text="x"))["ts"])
    assert stamps == sorted(set(stamps), key=float)
    assert all(len(ts.partition(".")[2]) == 6 for ts in stamps)


@pytest.mark.parametrize(("channel", "error"), [("U404", "channel_not_found"), ("USLACKBOT", "cannot_dm_bot")])
async def test_who_cannot_be_written_to(client: AsyncWebClient, channel: str, error: str) -> None:
    assert await error_of(client.chat_postMessage(channel=channel, text="x")) == error


async def test_a_deactivated_person_can_be_written_to(slack: LocalSlack, client: AsyncWebClient) -> None:
    assert (await client.chat_postMessage(channel="U2", text="x"))["ok"]


async def test_one_message_a_second_and_channel(slack: LocalSlack, client: AsyncWebClient) -> None:
    await client.chat_postMessage(channel="U1", text="1")
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel="U1", text="2")
    assert refused.value.response.status_code == 429
    assert int(refused.value.response.headers["Retry-After"]) == 1
    await client.chat_postMessage(channel="U2", text="another channel")
    slack.per_channel_limit = False
    await client.chat_postMessage(channel="U1", text="2")
    assert [post.outcome for post in slack.posts] == ["ok", "ratelimited", "ok", "ok"]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, "no_text"),
        ({"text": "x", "markdown_text": "y"}, "markdown_text_conflict"),
        ({"text": "x", "blocks": "["}, "invalid_blocks_format"),
        ({"text": "x", "blocks": [{"type": "section"}]}, "invalid_blocks"),
        ({"text": "x", "metadata": {"event_type": "t"}}, "invalid_metadata_schema"),
        ({"text": "x", "metadata": "{"}, "invalid_metadata_format"),
        ({"text": "x", "metadata": {"event_type": "t", "event_payload": {"a": "b" * 17_000}}}, "metadata_too_large"),
        ({"text": "x", "username": "Boss"}, "missing_scope"),
    ],
)
async def test_what_is_refused_in_a_post(slack: LocalSlack, fields: dict[str, Any], error: str) -> None:
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        answer = await (await http.post(f"{slack.url}chat.postMessage", json={"channel": "U1"} | fields)).json()
    assert answer["error"] == error
    assert bool(slack.violations) == (error in ("invalid_blocks", "invalid_metadata_schema", "metadata_too_large"))
    assert not slack.messages


async def test_long_text_is_cut_in_a_post_and_refused_in_an_edit(slack: LocalSlack, client: AsyncWebClient) -> None:
    answer = await client.chat_postMessage(channel="U1", text="x" * 40_001)
    assert (len(slack.messages[0].text), answer["warning"]) == (40_000, "message_truncated")
    edit = client.chat_update(channel=answer["channel"], ts=answer["ts"], text="x" * 4_001)
    assert await error_of(edit) == "msg_too_long"


# ── edits and history ────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_edit_keeps_what_stood_there(slack: LocalSlack, client: AsyncWebClient) -> None:
    answer = await client.chat_postMessage(channel="U1", text="old", blocks=BUTTONS, metadata=METADATA)
    await client.chat_update(channel=answer["channel"], ts=answer["ts"], text="new", blocks=[])
    [message] = slack.messages
    assert (message.text, message.blocks, message.metadata) == ("new", [], METADATA)
    assert [(edit.old_text, edit.old_blocks) for edit in message.edits] == [("old", BUTTONS)]


async def test_an_edit_of_what_is_not_there(slack: LocalSlack, client: AsyncWebClient) -> None:
    channel = slack.open_channel("U1")
    assert await error_of(client.chat_update(channel="U1", ts="1.0", text="x")) == "channel_not_found"
    assert await error_of(client.chat_update(channel=channel, ts="1.0", text="x")) == "message_not_found"
    said = slack.store_said("U1", "mine")
    assert await error_of(client.chat_update(channel=channel, ts=said.ts, text="x")) == "cant_update_message"


async def test_history_between_two_instants_newest_first(slack: LocalSlack, client: AsyncWebClient) -> None:
    ts = [slack.store("U1", str(number), [], METADATA).ts for number in range(4)]
    channel = slack.channels["U1"]

    async def texts(**arguments: Any) -> list[str]:
        answer = await client.conversations_history(channel=channel, **arguments)
        return [message["text"] for message in answer["messages"]]

    assert await texts() == ["3", "2", "1", "0"]
    assert await texts(oldest=ts[1]) == ["3", "2"]
    assert await texts(oldest=ts[1], inclusive=True) == ["3", "2", "1"]
    assert await texts(oldest=ts[0], latest=ts[3]) == ["2", "1"]
    first = await client.conversations_history(channel=channel, limit=3)
    assert first["has_more"] is True
    assert await texts(limit=3, cursor=first["response_metadata"]["next_cursor"]) == ["0"]


async def test_history_shows_the_payload_only_when_asked(slack: LocalSlack, client: AsyncWebClient) -> None:
    slack.store("U1", "x", [], METADATA)
    channel = slack.channels["U1"]
    short = await client.conversations_history(channel=channel)
    full = await client.conversations_history(channel=channel, include_all_metadata=True)
    assert short["messages"][0]["metadata"] == {"event_type": "deadline_reminder"}
    assert full["messages"][0]["metadata"] == METADATA


async def test_history_may_lag(slack: LocalSlack, client: AsyncWebClient) -> None:
    slack.history_delay_seconds = 0.15
    slack.store("U1", "x", [], None)
    assert (await client.conversations_history(channel=slack.channels["U1"]))["messages"] == []
    await asyncio.sleep(0.2)
    assert len((await client.conversations_history(channel=slack.channels["U1"]))["messages"]) == 1


# ── faults ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["drop", "500", "internal", "429", "hang", "is_archived"])
@pytest.mark.parametrize("stored", [False, True])
async def test_a_fault_on_request(slack: LocalSlack, kind: str, stored: bool) -> None:
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.url, retry_handlers=NO_RETRIES, timeout=1)
    kind = f"stored_{kind}" if stored else kind
    slack.faults_for["U1"] = [kind]
    with pytest.raises((SlackApiError, aiohttp.ClientError, TimeoutError)) as failed:
        await client.chat_postMessage(channel="U1", text="x")
    assert bool(slack.messages) is stored
    assert [(post.slack_id, post.outcome, post.stored) for post in slack.posts] == [("U1", kind, stored)]
    if isinstance(failed.value, SlackApiError):
        response = failed.value.response
        plain = kind.removeprefix("stored_")
        word = response.data.get("error") if isinstance(response.data, dict) else None
        assert word == {"internal": "internal_error", "429": "ratelimited", "500": None}.get(plain, plain)


async def test_the_default_client_posts_twice_on_a_dropped_connection(slack: LocalSlack) -> None:
    slack.per_channel_limit = False
    slack.fault_next("stored_drop")
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.url)
    await client.chat_postMessage(channel="U1", text="x")
    assert len(slack.messages) == 2


async def test_a_fault_of_another_method(slack: LocalSlack, client: AsyncWebClient) -> None:
    slack.fault_next("ok", "users.list")
    slack.fault_next("429", "users.list")
    await client.users_list()
    assert await error_of(client.users_list()) == "ratelimited"
    assert slack.calls["users.list"] == 2


async def test_after_a_stop_it_listens_on_the_same_port(slack: LocalSlack, client: AsyncWebClient) -> None:
    await slack.stop()
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.auth_test()
    await slack.start()
    assert (await client.auth_test())["ok"]
