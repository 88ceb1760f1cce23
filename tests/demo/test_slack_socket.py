"""The pretended Slack's Socket Mode, seen through the real slack_sdk: what a person does reaches the app."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack import LocalSlack, NotAcked, NotConnected

METADATA = {"event_type": "deadline_reminder", "event_payload": {"id": "n1"}}
DONE = {"type": "button", "action_id": "done", "value": "7", "text": {"type": "plain_text", "text": "Already done?"}}
BUTTONS: list[dict[str, Any]] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "Hello", "verbatim": True}},
    {"type": "actions", "elements": [DONE]},
]


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack(now=lambda: datetime(2027, 3, 9, 12, tzinfo=UTC)) as slack:
        slack.add_user("U1", email="ada@example.com", name="Ada")
        yield slack


@pytest.fixture
def client(slack: LocalSlack) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.url)


async def error_of(call: Any) -> str:
    """The error word with which Slack refuses a call."""
    with pytest.raises(SlackApiError) as refused:
        await call
    return str(refused.value.response["error"])


class App:
    """An app in Socket Mode that acknowledges everything, with a payload if it has one."""

    def __init__(self, slack: LocalSlack) -> None:
        self.got: list[SocketModeRequest] = []
        self.payload: dict[str, Any] | None = None
        self.acks = True
        web = AsyncWebClient(base_url=slack.url)
        self.client: Any = SocketModeClient(app_token=slack.app_token, web_client=web, ping_interval=0.5)
        self.client.socket_mode_request_listeners.append(self._listen)

    async def _listen(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        self.got.append(request)
        if self.acks:
            await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, self.payload))


@pytest.fixture
async def app(slack: LocalSlack) -> AsyncIterator[App]:
    app = App(slack)
    await app.client.connect()
    await slack.sockets.connected()
    yield app
    await app.client.close()


async def test_a_button_is_delivered_and_acked(slack: LocalSlack, app: App) -> None:
    slack.echo = False
    message = slack.store("U1", "Hello", BUTTONS, METADATA)
    assert await slack.press(message, "Already done?") == {}
    [request] = app.got
    assert request.type == "interactive"
    assert request.payload["actions"][0]["action_id"] == "done"
    assert request.payload["actions"][0]["value"] == "7"
    assert request.payload["user"]["id"] == "U1"
    assert request.payload["message"]["metadata"] == METADATA
    with pytest.raises(LookupError, match="Already done"):
        await slack.press(message, "No such button")


async def test_a_response_url_answers_five_times(slack: LocalSlack, app: App) -> None:
    slack.echo = False
    message = slack.store("U1", "Hello", BUTTONS, METADATA)
    await slack.press(message, "done")
    url = app.got[0].payload["response_url"]
    async with aiohttp.ClientSession() as http:
        statuses = [(await http.post(url, json={"text": f"answer {n}"})).status for n in range(6)]
        bad = await http.post(f"{slack.base}/response/none", json={"text": "x"})
    assert statuses == [200] * 5 + [404]
    assert bad.status == 404
    assert [(answer.slack_id, answer.kind, answer.text) for answer in slack.answers][:1] == [
        ("U1", "response", "answer 0")
    ]
    assert slack.answers[0].about is message


async def test_a_response_url_may_replace_the_original(slack: LocalSlack, app: App) -> None:
    slack.echo = False
    message = slack.store("U1", "Hello", BUTTONS, METADATA)
    await slack.press(message, "done")
    async with aiohttp.ClientSession() as http:
        await http.post(app.got[0].payload["response_url"], json={"text": "Done", "replace_original": True})
    assert (message.text, len(message.edits)) == ("Done", 1)


async def test_a_command_answered_in_its_ack(slack: LocalSlack, app: App) -> None:
    app.payload = {"text": "Nothing is due"}
    await slack.command("U1", "/deadlines", "week")
    assert (app.got[0].payload["command"], app.got[0].payload["text"]) == ("/deadlines", "week")
    assert [answer.text for answer in slack.answers] == ["Nothing is due"]


async def test_a_trigger_opens_one_view(slack: LocalSlack, app: App, client: AsyncWebClient) -> None:
    await slack.command("U1", "/deadlines")
    trigger = app.got[0].payload["trigger_id"]
    view = {"type": "modal", "title": {"type": "plain_text", "text": "Plan"}, "blocks": BUTTONS[:1], "callback_id": "p"}
    await client.views_open(trigger_id=trigger, view=view)
    assert await error_of(client.views_open(trigger_id=trigger, view=view)) == "exchanged_trigger_id"
    assert await error_of(client.views_open(trigger_id="1.2.3", view=view)) == "invalid_trigger_id"
    [answer] = slack.answers
    await slack.submit(answer, {"b": {"a": {"type": "datepicker", "selected_date": "2027-03-10"}}})
    assert app.got[-1].payload["view"]["state"]["values"]["b"]["a"]["selected_date"] == "2027-03-10"
    assert answer.gone


async def test_words_and_home_arrive_as_events(slack: LocalSlack, app: App, client: AsyncWebClient) -> None:
    await slack.say("U1", "hi")
    await slack.open_home("U1")
    events = [request.payload["event"] for request in app.got]
    assert [(event["type"], event["user"]) for event in events] == [("message", "U1"), ("app_home_opened", "U1")]
    home = {"type": "home", "blocks": BUTTONS}
    await client.views_publish(user_id="U1", view=home)
    assert slack.homes["U1"] == home
    await slack.resend(slack.sockets.sent[0])
    assert app.got[2].envelope_id == app.got[0].envelope_id


async def test_the_bots_own_posts_and_edits_come_back(slack: LocalSlack, app: App) -> None:
    message = slack.store("U1", "Hello", [], None)
    slack.edit(message, "Hello again", [])
    await slack.until(lambda: len(app.got) == 2)
    first, second = (request.payload["event"] for request in app.got)
    assert (first["bot_id"], first["user"]) == (slack.bot_id, slack.bot_user_id)
    assert (second["subtype"], "user" in second) == ("message_changed", False)


async def test_who_does_not_ack_is_found_out(slack: LocalSlack, app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.demo.slack_socket.ACK_SECONDS", 0.05)
    app.acks = False
    with pytest.raises(NotAcked):
        await slack.command("U1", "/deadlines")


async def test_without_an_app_nothing_is_delivered(slack: LocalSlack) -> None:
    with pytest.raises(NotConnected):
        await slack.command("U1", "/deadlines")


@pytest.mark.parametrize("polite", [True, False])
async def test_a_lost_connection_comes_back(slack: LocalSlack, app: App, polite: bool) -> None:
    await slack.sockets.disconnect(polite=polite)
    await slack.sockets.connected()
    await slack.command("U1", "/deadlines")
    assert slack.sockets.handshakes == 2


async def test_a_ticket_works_once(slack: LocalSlack, client: AsyncWebClient) -> None:
    url = (await client.apps_connections_open(app_token=slack.app_token))["url"]
    async with aiohttp.ClientSession() as http:
        async with http.ws_connect(url) as socket:
            assert json.loads((await socket.receive()).data)["type"] == "hello"
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await http.ws_connect(url)
    assert await error_of(client.apps_connections_open(app_token=slack.bot_token)) == "not_allowed_token_type"


async def test_listeners_hear_everything(slack: LocalSlack) -> None:
    heard: list[str] = []
    slack.listen(lambda kind, _: heard.append(kind))
    message = slack.store("U1", "a", [], None)
    slack.edit(message, "b", [])
    slack.store_said("U1", "c")
    slack.answer("U1", "ephemeral", "d", [])
    assert heard == ["message", "edit", "said", "answer"]
