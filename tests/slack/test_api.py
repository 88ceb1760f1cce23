"""The calls to Slack over real HTTP: what is repeated and what never is, and that no garbage passes for an answer.

`slack` is the project's own stand-in with its faults; where Slack must answer what no Slack would, `answering` serves
it. The session is built as app.py builds it, `impatient` has a short time-out; `sleeper` keeps the waits.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.deadlines.model import Member
from bot.demo.slack import LocalSlack
from bot.demo.slack_methods import METHODS
from bot.errors import SlackError, SlackRefused, SlackUnreachable
from bot.slack.api import RATE_WAIT_SECONDS, TRIES, Identity, Own, Slack
from bot.slack.messages import Message, digest_metadata
from bot.slack.outcomes import BY_WORD, NotTaken, Outcome, Posted, Refused, Stop, Unknown, Wait

NOON = datetime(2027, 3, 9, 12, 0, tzinfo=UTC)
NO_RETRIES: list[AsyncRetryHandler] = []
HANG_SECONDS = 0.1  # the time-out of a call that is never answered

Call = Callable[[Slack], Awaitable[Any]]


class Sleeper:
    """Keeps the waits, in seconds."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)


class Clock:
    """Moves on a second at each look."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


def a_dm(number: int = 1) -> Message:
    """A reminder with a notice's id and one key."""
    text = f"reminder {number}"
    payload = {"notice": f"n{number}", "reminders": [f"k{number}"]}
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}]
    return Message(text=text, blocks=blocks, metadata={"event_type": "deadline_reminder", "event_payload": payload})


@pytest.fixture
def sleeper() -> Sleeper:
    return Sleeper()


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack(now=Clock()) as slack:
        slack.per_channel_limit = False
        slack.add_user("U1", email="ada@example.com", name="Ada", tz="Europe/London", locale="en-GB")
        yield slack


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        yield session


@pytest.fixture
def api(slack: LocalSlack, session: aiohttp.ClientSession, sleeper: Sleeper) -> Slack:
    return speaking(slack.url, slack.bot_token, session, sleeper)


@pytest.fixture
async def impatient(slack: LocalSlack, sleeper: Sleeper) -> AsyncIterator[Slack]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=HANG_SECONDS)) as session:
        yield speaking(slack.url, slack.bot_token, session, sleeper)


def speaking(url: str, token: str, session: aiohttp.ClientSession, sleeper: Sleeper) -> Slack:
    client = AsyncWebClient(token=token, base_url=url, session=session, retry_handlers=NO_RETRIES)
    return Slack(client, sleep=sleeper)


@dataclass(kw_only=True)
class Garbage:
    """A server on Slack's place that answers these bodies in turn, the last one for ever."""

    bodies: Sequence[bytes | str]
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    calls: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        await request.read()
        body = self.bodies[min(self.calls, len(self.bodies) - 1)]
        self.calls += 1
        raw = body.encode() if isinstance(body, str) else body
        headers = {"Content-Type": self.content_type, **self.headers}
        return web.Response(status=self.status, body=raw, headers=headers)


@asynccontextmanager
async def answering(garbage: Garbage, sleeper: Sleeper) -> AsyncIterator[Slack]:
    """A client of that server."""
    async with AsyncExitStack() as stack:
        app = web.Application()
        app.router.add_route("*", "/api/{method}", garbage.answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)))
        yield speaking(f"http://127.0.0.1:{runner.addresses[0][1]}/api/", "xoxb-secret", session, sleeper)


def ok(**facts: Any) -> str:
    """An answer of Slack's."""
    return json.dumps({"ok": True, **facts})


async def everything(pages: AsyncIterator[list[Any]]) -> list[list[Any]]:
    """All pages of a listing."""
    return [page async for page in pages]


READS: dict[str, Call] = {
    "members": lambda api: everything(api.members()),
    "dm_channels": lambda api: api.dm_channels(),
    "own_messages": lambda api: everything(api.own_messages("D1", after_ts=None)),
    "own_digests": lambda api: everything(api.own_digests("D1", after_ts=None)),
}
LISTS = {"members": "members", "dm_channels": "channels", "own_messages": "messages", "own_digests": "messages"}
CALLS: dict[str, Call] = {
    "identity": lambda api: api.identity(),
    **READS,
    "post": lambda api: api.post("U1", a_dm()),
    "update": lambda api: api.update("D1", "1.000001", a_dm()),
}


def methods(slack: LocalSlack) -> list[str]:
    """The methods called so far."""
    return list(slack.calls.elements())


# ── the client ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_client_that_repeats_calls_by_itself_is_refused(sleeper: Sleeper) -> None:
    with pytest.raises(ValueError, match="retry_handlers"):
        Slack(AsyncWebClient(token="xoxb-1"), sleep=sleeper)


def test_the_client_is_the_one_that_was_given(sleeper: Sleeper) -> None:
    client = AsyncWebClient(token="xoxb-1", retry_handlers=NO_RETRIES)
    assert Slack(client, sleep=sleeper).client is client


# ── who we are ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_token_says_whose_it_is(slack: LocalSlack, api: Slack) -> None:
    assert await api.identity() == Identity(team_id=slack.team_id, bot_user_id=slack.bot_user_id)


@pytest.mark.parametrize(
    "body",
    [ok(), ok(team_id=None, user_id="U1"), ok(team_id="T1"), ok(team_id=7, user_id="U1"), ok(team_id="", user_id="U1")],
)
async def test_an_answer_that_names_no_workspace_is_no_identity(body: str, sleeper: Sleeper) -> None:
    async with answering(Garbage(bodies=[body]), sleeper) as api:
        with pytest.raises(SlackUnreachable):
            await api.identity()


async def test_a_good_app_token_is_taken(slack: LocalSlack, api: Slack) -> None:
    await api.check_app_token(slack.app_token)
    assert methods(slack) == ["apps.connections.open"]


@pytest.mark.parametrize(
    ("token", "word"), [("xapp-wrong", "invalid_auth"), ("xoxb-T0DEMO-local", "not_allowed_token_type")]
)
async def test_a_bad_app_token_is_refused_at_once_naming_its_setting(
    token: str, word: str, slack: LocalSlack, api: Slack, sleeper: Sleeper
) -> None:
    with pytest.raises(SlackRefused, match=word) as refused:
        await api.check_app_token(token)
    assert "SLACK_APP_TOKEN" in refused.value.line
    assert "SLACK_BOT_TOKEN" not in refused.value.line
    assert (methods(slack), sleeper.waits) == (["apps.connections.open"], [])


async def test_an_app_token_that_slack_can_not_check_now_is_not_called_bad(slack: LocalSlack, api: Slack) -> None:
    slack.fault_next("500", "apps.connections.open", times=TRIES)
    with pytest.raises(SlackUnreachable):
        await api.check_app_token(slack.app_token)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_revoked_token_is_refused_at_once_whatever_is_called(
    call: Call, slack: LocalSlack, api: Slack, sleeper: Sleeper
) -> None:
    slack.revoked = True
    with pytest.raises(SlackRefused, match="token_revoked") as refused:
        await call(api)
    assert "SLACK_BOT_TOKEN" in refused.value.line
    assert (len(methods(slack)), sleeper.waits) == (1, [])


async def test_a_missing_scope_is_refused_by_name(slack: LocalSlack, api: Slack) -> None:
    slack.scopes.discard("im:history")
    slack.open_channel("U1")
    with pytest.raises(SlackRefused, match="missing_scope"):
        await READS["own_messages"](api)


# ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_everybody_comes_in_pages_of_200_each_asked_for_once(slack: LocalSlack, api: Slack) -> None:
    for n in range(2, 450):
        slack.add_user(f"U{n}", email=f"{n}@example.com", name=f"N{n}")
    pages = await everything(api.members())
    assert [len(page) for page in pages] == [200, 200, 51]
    assert len({member.slack_id for page in pages for member in page}) == 451
    assert methods(slack) == ["users.list"] * 3


async def test_a_member_has_all_that_slack_says_of_them(slack: LocalSlack, api: Slack) -> None:
    slack.add_user(
        "U2",
        email="bo@example.com",
        name="Bo",
        tz="Europe/Copenhagen",
        locale="da-DK",
        is_stranger=True,
        status_text="Ferie",
        status_emoji=":palm_tree:",
        status_expiration=int(NOON.timestamp()),
    )
    slack.add_user("U3", email="cy@example.com", name="Cy", deleted=True)
    found = {member.slack_id: member for page in await everything(api.members()) for member in page}
    assert found["U2"] == Member(
        slack_id="U2",
        email="bo@example.com",
        timezone="Europe/Copenhagen",
        locale="da-DK",
        is_stranger=True,
        status_text="Ferie",
        status_emoji=":palm_tree:",
        status_until_at=NOON,
    )
    assert found["U3"].deleted
    assert found["U1"].status_until_at is None


async def test_slackbot_counts_as_a_bot_though_slack_says_otherwise(api: Slack) -> None:
    found = {member.slack_id: member for page in await everything(api.members()) for member in page}
    assert found["USLACKBOT"].is_bot
    assert not found["U1"].is_bot


NOTHING_KNOWN = Member(slack_id="U1")


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({"id": "U1"}, id="all absent"),
        pytest.param({"id": "U1", "profile": None, "tz": None, "locale": None, "deleted": None}, id="all null"),
        pytest.param({"id": "U1", "profile": []}, id="a list for a profile"),
        pytest.param({"id": "U1", "profile": {"email": "", "status_expiration": 0}}, id="empty"),
        pytest.param({"id": "U1", "profile": {"email": 7, "status_text": [], "status_emoji": None}}, id="no texts"),
        pytest.param({"id": "U1", "profile": {"status_expiration": "soon"}}, id="an end that is no number"),
        pytest.param({"id": "U1", "profile": {"status_expiration": 10**18}}, id="an end past all calendars"),
        pytest.param({"id": "U1", "profile": {"status_expiration": -1}}, id="an end before all"),
    ],
)
async def test_a_member_of_whom_slack_says_nothing_usable_is_still_a_member(row: object, sleeper: Sleeper) -> None:
    async with answering(Garbage(bodies=[ok(members=[row])]), sleeper) as api:
        assert await everything(api.members()) == [[NOTHING_KNOWN]]


async def test_rows_that_are_no_members_are_passed_over(sleeper: Sleeper) -> None:
    rows: list[object] = [None, "U2", [], {}, {"id": ""}, {"id": "U1"}]
    async with answering(Garbage(bodies=[ok(members=rows)]), sleeper) as api:
        assert await everything(api.members()) == [[NOTHING_KNOWN]]


# ── our DMs ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_our_dms_are_found_over_all_pages_without_opening_any(slack: LocalSlack, api: Slack) -> None:
    slack.page_max = 2
    for n in range(2, 7):
        slack.add_user(f"U{n}", email=None, name=f"N{n}")
        slack.open_channel(f"U{n}")
    assert await api.dm_channels() == {f"U{n}": f"D{n}" for n in range(2, 7)}
    assert methods(slack) == ["users.conversations"] * 3
    assert all(args["types"] == "im" for _, args in slack.requests)


async def test_rows_that_are_no_dms_are_passed_over(sleeper: Sleeper) -> None:
    rows: list[object] = [
        None,
        "D1",
        {"id": "C1"},
        {"user": "U2"},
        {"id": ["D3"], "user": {}},
        {"id": "D4", "user": "U4"},
    ]
    async with answering(Garbage(bodies=[ok(channels=rows)]), sleeper) as api:
        assert await api.dm_channels() == {"U4": "D4"}


async def test_what_we_sent_is_read_back_with_its_metadata_in_pages_of_15_the_newest_first(
    slack: LocalSlack, api: Slack
) -> None:
    sent = [await api.post("U1", a_dm(n)) for n in range(40)]
    pages = await everything(api.own_messages("D1", after_ts=None))
    assert [len(page) for page in pages] == [15, 15, 10]
    expected = [
        Own(ts=posted.ts, notice_id=f"n{n}", keys=(f"k{n}",))
        for n, posted in reversed(list(enumerate(sent)))
        if isinstance(posted, Posted)
    ]
    assert [own for page in pages for own in page] == expected
    assert slack.calls["conversations.history"] == 3


async def test_reading_back_after_a_message_leaves_that_one_out(api: Slack) -> None:
    sent = [await api.post("U1", a_dm(n)) for n in range(3)]
    assert isinstance(sent[0], Posted)
    pages = await everything(api.own_messages("D1", after_ts=sent[0].ts))
    assert [own.notice_id for page in pages for own in page] == ["n2", "n1"]


async def test_only_our_reminders_are_read_back(slack: LocalSlack, api: Slack) -> None:
    await api.post("U1", a_dm(1))
    slack.store_said("U1", "thanks!")
    slack.store("U1", "a digest", [], {"event_type": "deadline_digest", "event_payload": {"notice": "n2"}})
    slack.store("U1", "a word", [], None)
    pages = await everything(api.own_messages("D1", after_ts=None))
    assert [own.notice_id for page in pages for own in page] == ["n1"]


async def test_messages_whose_metadata_is_not_as_ours_are_passed_over(sleeper: Sleeper) -> None:
    kind = "deadline_reminder"
    odd: list[object] = [None, [], "x", {}, {"event_type": kind}, {"event_type": kind, "event_payload": []}]
    odd += [{"event_type": kind, "event_payload": payload} for payload in ({}, {"reminders": None}, {"reminders": "k"})]
    rows: list[object] = [None, "x", {}, *({"ts": "1.0", "metadata": metadata} for metadata in odd)]
    good = {"event_type": kind, "event_payload": {"notice": "n1", "reminders": ["k1"]}}
    rows += [{"ts": ts, "metadata": good} for ts in ("soon", "1e9.0", "", None, 1.5, "9" * 400 + ".0")]
    async with answering(Garbage(bodies=[ok(messages=rows)]), sleeper) as api:
        assert await everything(api.own_messages("D1", after_ts=None)) == [[]]


async def test_a_reminder_without_an_id_is_known_by_its_instant(sleeper: Sleeper) -> None:
    row = {"ts": "1.5", "metadata": {"event_type": "deadline_reminder", "event_payload": {"reminders": [1]}}}
    async with answering(Garbage(bodies=[ok(messages=[row])]), sleeper) as api:
        assert await everything(api.own_messages("D1", after_ts=None)) == [
            [Own(ts="1.5", notice_id="1.5", keys=("1",))]
        ]


async def test_our_messages_that_are_no_reminders_are_read_back_by_their_ids(slack: LocalSlack, api: Slack) -> None:
    await api.post("U1", a_dm(1))
    slack.store_said("U1", "thanks!")
    slack.store("U1", "a word", [], None)
    for n in range(16):
        slack.store("U1", "a digest", [], digest_metadata(f"d{n}"))
    pages = await everything(api.own_digests("D1", after_ts=None))
    assert [own.message_id for page in pages for own in page] == [f"d{n}" for n in reversed(range(16))]
    (after, _) = [own for page in pages for own in page][1:3]
    assert await everything(api.own_digests("D1", after_ts=after.ts)) == [[pages[0][0]]]


async def test_metadata_of_a_digest_that_is_not_as_ours_is_passed_over(sleeper: Sleeper) -> None:
    kind = "deadline_digest"
    odd: list[object] = [None, [], {"event_type": kind}, {"event_type": kind, "event_payload": []}]
    odd += [{"event_type": kind, "event_payload": payload} for payload in ({}, {"notice": None}, {"notice": ""})]
    rows: list[object] = [None, "x", {}, *({"ts": "1.0", "metadata": metadata} for metadata in odd)]
    rows += [{"ts": ts, "metadata": digest_metadata("d1")} for ts in ("soon", "", None, 1.5)]
    rows += [{"ts": "1.0", "user": "U0SOMEBODY", "metadata": digest_metadata("d1")}]
    async with answering(Garbage(bodies=[ok(user_id="U0BOT", team_id="T1"), ok(messages=rows)]), sleeper) as api:
        await api.identity()
        assert await everything(api.own_digests("D1", after_ts=None)) == [[]]


async def test_a_dm_that_slack_does_not_know_is_an_error_and_not_an_empty_history(api: Slack) -> None:
    with pytest.raises(SlackError, match="channel_not_found"):
        await everything(api.own_messages("D404", after_ts=None))


# ── garbage ──────────────────────────────────────────────────────────────────────────────────────────────────────────

GARBAGE = {
    "html": Garbage(bodies=["<html><h1>Sign in to the guest network</h1></html>"], content_type="text/html"),
    "html that calls itself JSON": Garbage(bodies=["<html></html>"]),
    "plain text": Garbage(bodies=["ok"], content_type="text/plain"),
    "an empty body": Garbage(bodies=[b""]),
    "a JSON list": Garbage(bodies=["[]"]),
    "a JSON list of rows": Garbage(bodies=['[{"id": "U1"}]']),
    "null": Garbage(bodies=["null"]),
    "a number": Garbage(bodies=["7"]),
    "an empty object": Garbage(bodies=["{}"]),
    "truncated": Garbage(bodies=['{"ok": true, "members": [{"id": "U1"}, {"i']),
    "no UTF-8": Garbage(bodies=[b'{"ok": true, "members": ["\xff\xfe"]}']),
    "nested too deep": Garbage(bodies=["[" * 100_000]),
    "gzip": Garbage(bodies=[b"\x1f\x8b"], content_type="application/gzip"),
    "ok without the list": Garbage(bodies=[ok()]),
    "ok and null for the list": Garbage(bodies=[ok(members=None, channels=None, messages=None)]),
    "ok and an object for the list": Garbage(bodies=[ok(members={}, channels={}, messages={})]),
    "an empty error": Garbage(bodies=[json.dumps({"ok": False})]),
    "an error that is no word": Garbage(bodies=[json.dumps({"ok": False, "error": {"code": 7}})]),
}


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("what", GARBAGE)
async def test_garbage_is_never_read_as_an_empty_list(what: str, read: str, sleeper: Sleeper) -> None:
    kind = GARBAGE[what]
    garbage = Garbage(bodies=kind.bodies, content_type=kind.content_type)
    async with answering(garbage, sleeper) as api:
        with pytest.raises(SlackUnreachable):
            await READS[read](api)
    assert garbage.calls == TRIES
    assert sleeper.waits == [1, 2]


@pytest.mark.parametrize("what", GARBAGE)
async def test_garbage_leaves_a_posts_outcome_unknown_and_is_not_asked_twice(what: str, sleeper: Sleeper) -> None:
    kind = GARBAGE[what]
    garbage = Garbage(bodies=kind.bodies, content_type=kind.content_type)
    async with answering(garbage, sleeper) as api:
        assert isinstance(await api.post("U1", a_dm()), Unknown)
    assert (garbage.calls, sleeper.waits) == (1, [])


@pytest.mark.parametrize("read", READS)
async def test_an_empty_list_is_one_where_slack_says_so(read: str, sleeper: Sleeper) -> None:
    async with answering(Garbage(bodies=[ok(**{LISTS[read]: []})]), sleeper) as api:
        assert await READS[read](api) in ([[]], {})


@pytest.mark.parametrize("read", READS)
async def test_garbage_on_the_second_page_is_no_end_of_the_list(read: str, sleeper: Sleeper) -> None:
    first = ok(**{LISTS[read]: []}, response_metadata={"next_cursor": "more"})
    async with answering(Garbage(bodies=[first, "<html></html>"]), sleeper) as api:
        with pytest.raises(SlackUnreachable):
            await READS[read](api)


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize(
    ("cursors", "calls"), [(["a"], 2), (["a", "b", "a"], 3)], ids=["the same again", "back to an earlier one"]
)
async def test_a_cursor_that_goes_round_in_circles_is_an_error(
    cursors: list[str], calls: int, read: str, sleeper: Sleeper
) -> None:
    pages = [ok(**{LISTS[read]: []}, response_metadata={"next_cursor": cursor}) for cursor in cursors]
    garbage = Garbage(bodies=pages)
    async with answering(garbage, sleeper) as api:
        with pytest.raises(SlackUnreachable, match="circles"):
            await READS[read](api)
    assert garbage.calls == calls


@pytest.mark.parametrize("about", [None, [], "x", 7, {}, {"next_cursor": None}, {"next_cursor": ""}])
async def test_a_page_without_a_cursor_is_the_last(about: object, sleeper: Sleeper) -> None:
    async with answering(Garbage(bodies=[ok(members=[{"id": "U1"}], response_metadata=about)]), sleeper) as api:
        assert await everything(api.members()) == [[NOTHING_KNOWN]]


# ── waiting ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_rate_limit_is_waited_out_as_slack_asks(slack: LocalSlack, api: Slack, sleeper: Sleeper) -> None:
    slack.retry_after_seconds = 7
    slack.fault_next("429", "users.list", times=4)
    assert len((await everything(api.members()))[0]) == 3
    assert sleeper.waits == [7, 7, 7, 7]


@pytest.mark.parametrize(
    ("retry_after_seconds", "calls"),
    [
        pytest.param(30, 5, id="a little each time"),
        pytest.param(RATE_WAIT_SECONDS, 2, id="all that there is at once"),
        pytest.param(RATE_WAIT_SECONDS + 1, 1, id="more than there is: not even asked again"),
        pytest.param(0, RATE_WAIT_SECONDS + 1, id="no wait at all, for ever"),
    ],
)
async def test_a_rate_limit_without_end_ends_and_is_never_disobeyed(
    retry_after_seconds: int, calls: int, slack: LocalSlack, api: Slack, sleeper: Sleeper
) -> None:
    slack.retry_after_seconds = retry_after_seconds
    slack.fault_next("429", "users.list", times=1000)
    with pytest.raises(SlackUnreachable, match="rate limit"):
        await everything(api.members())
    assert slack.calls["users.list"] == calls
    assert sum(sleeper.waits) <= RATE_WAIT_SECONDS
    assert all(wait >= retry_after_seconds for wait in sleeper.waits)


@pytest.mark.parametrize("kind", ["500", "html", "internal", "service_unavailable", "request_timeout"])
@pytest.mark.parametrize("times", [TRIES - 1, TRIES])
async def test_a_read_is_tried_three_times_in_all(
    kind: str, times: int, slack: LocalSlack, api: Slack, sleeper: Sleeper
) -> None:
    slack.fault_next(kind, "users.list", times=times)
    if times < TRIES:
        assert len((await everything(api.members()))[0]) == 3
    else:
        with pytest.raises(SlackUnreachable):
            await everything(api.members())
    assert (slack.calls["users.list"], sleeper.waits) == (TRIES, [1, 2])


async def test_a_read_whose_connection_is_dropped_is_tried_again_but_not_for_ever(
    slack: LocalSlack, api: Slack, sleeper: Sleeper
) -> None:
    slack.fault_next("drop", "users.list", times=100)
    with pytest.raises(SlackUnreachable):
        await everything(api.members())
    assert sleeper.waits == [1, 2]
    assert slack.calls["users.list"] <= 2 * TRIES  # aiohttp itself repeats a dropped GET once; a post is no GET


async def test_a_read_that_is_never_answered_is_tried_three_times(
    slack: LocalSlack, impatient: Slack, sleeper: Sleeper
) -> None:
    slack.fault_next("hang", "users.list", times=100)
    with pytest.raises(SlackUnreachable):
        await everything(impatient.members())
    assert (slack.calls["users.list"], sleeper.waits) == (TRIES, [1, 2])


async def test_rate_limits_do_not_use_up_the_tries(slack: LocalSlack, api: Slack, sleeper: Sleeper) -> None:
    for kind in ("500", "429", "429", "429", "500"):
        slack.fault_next(kind, "users.list")
    assert len((await everything(api.members()))[0]) == 3
    assert sleeper.waits == [1, 1, 1, 1, 2]


async def test_a_refused_read_is_not_repeated(slack: LocalSlack, api: Slack, sleeper: Sleeper) -> None:
    slack.fault_next("limit_required", "users.list")
    with pytest.raises(SlackError, match=r"users\.list: limit_required"):
        await everything(api.members())
    assert (slack.calls["users.list"], sleeper.waits) == (1, [])


async def test_a_refused_connection_is_tried_again_for_a_read(slack: LocalSlack, api: Slack, sleeper: Sleeper) -> None:
    await slack.stop()
    with pytest.raises(SlackUnreachable):
        await api.identity()
    assert sleeper.waits == [1, 2]


# ── posting ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_post_arrives_whole_and_says_where(slack: LocalSlack, api: Slack) -> None:
    outcome = await api.post("U1", a_dm())
    [message] = slack.messages
    assert outcome == Posted("D1", message.ts)
    assert (message.text, message.blocks, message.metadata) == (a_dm().text, a_dm().blocks, a_dm().metadata)
    sent = slack.posts[0].args
    assert (sent["channel"], sent["unfurl_links"], sent["unfurl_media"]) == ("U1", False, False)
    assert not sent.keys() & {"username", "icon_emoji", "icon_url", "as_user"}  # else it lands in Slackbot's DM


FAULTS: list[tuple[str, Outcome]] = [
    ("drop", Unknown("ServerDisconnectedError")),
    ("500", Unknown("HTTP 500")),
    ("internal", Unknown("internal_error")),
    ("html", Unknown("HTTP 502")),
    ("429", Wait(1.0)),
]


@pytest.mark.parametrize("stored", ["", "stored_"], ids=["", "stored"])
@pytest.mark.parametrize(("kind", "expected"), FAULTS, ids=[kind for kind, _ in FAULTS])
async def test_a_post_that_goes_wrong_is_made_once_and_its_outcome_is_told(
    kind: str, expected: Outcome, stored: str, slack: LocalSlack, api: Slack
) -> None:
    slack.faults_for["U1"] = [stored + kind]
    assert await api.post("U1", a_dm()) == expected
    assert slack.calls["chat.postMessage"] == 1
    assert len(slack.messages) == (1 if stored else 0)


@pytest.mark.parametrize(("kind", "stored"), [("hang", 0), ("stored_hang", 1)])
async def test_a_post_that_is_never_answered_is_made_once_and_unknown(
    kind: str, stored: int, slack: LocalSlack, impatient: Slack
) -> None:
    slack.faults_for["U1"] = [kind]
    assert await impatient.post("U1", a_dm()) == Unknown("TimeoutError")
    assert (slack.calls["chat.postMessage"], len(slack.messages)) == (1, stored)


@pytest.mark.parametrize("kind", [kind for kind, _ in FAULTS])
async def test_a_post_that_goes_wrong_is_not_waited_for(
    kind: str, slack: LocalSlack, api: Slack, sleeper: Sleeper
) -> None:
    slack.faults_for["U1"] = [kind]
    await api.post("U1", a_dm())
    assert sleeper.waits == []


@pytest.mark.parametrize("word", sorted(BY_WORD))
async def test_every_word_of_slacks_ends_a_post_after_one_call(
    word: str, slack: LocalSlack, api: Slack, sleeper: Sleeper
) -> None:
    slack.faults_for["U1"] = [word]
    if BY_WORD[word] is Stop:
        with pytest.raises(SlackRefused, match=word):
            await api.post("U1", a_dm())
    else:
        expected: dict[Any, Outcome] = {
            Refused: Refused(word),
            Wait: Wait(1.0),
            NotTaken: NotTaken(word),
            Unknown: Unknown(word),
        }
        assert await api.post("U1", a_dm()) == expected[BY_WORD[word]]
    assert (slack.calls["chat.postMessage"], sleeper.waits) == (1, [])


async def test_a_post_waits_for_as_long_as_the_429_says(slack: LocalSlack, api: Slack) -> None:
    slack.retry_after_seconds = 42
    slack.faults_for["U1"] = ["429"]
    assert await api.post("U1", a_dm()) == Wait(42.0)


async def test_a_refused_connection_has_surely_posted_nothing(slack: LocalSlack, api: Slack, sleeper: Sleeper) -> None:
    await slack.stop()
    assert await api.post("U1", a_dm()) == NotTaken("connection refused")
    assert (methods(slack), sleeper.waits) == ([], [])


async def test_a_connection_kept_from_an_earlier_call_does_not_make_a_post_happen_twice(
    slack: LocalSlack, api: Slack
) -> None:
    await api.identity()
    slack.faults_for["U1"] = ["stored_drop"]
    assert isinstance(await api.post("U1", a_dm()), Unknown)
    assert (slack.calls["chat.postMessage"], len(slack.messages)) == (1, 1)


@pytest.mark.parametrize("slack_id", ["U404", "USLACKBOT"])
async def test_somebody_who_can_not_be_written_to_is_refused_alone(slack_id: str, api: Slack) -> None:
    assert isinstance(await api.post(slack_id, a_dm()), Refused)
    assert isinstance(await api.post("U1", a_dm()), Posted)


@pytest.mark.parametrize("body", [ok(), ok(channel="D1"), ok(ts="1.0"), ok(channel="", ts=""), ok(channel=1, ts=2)])
async def test_a_yes_that_does_not_say_where_leaves_the_outcome_unknown(body: str, sleeper: Sleeper) -> None:
    async with answering(Garbage(bodies=[body]), sleeper) as api:
        assert isinstance(await api.post("U1", a_dm()), Unknown)


# ── editing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_edit_sends_text_and_blocks_and_keeps_the_metadata(slack: LocalSlack, api: Slack) -> None:
    posted = await api.post("U1", a_dm(1))
    assert isinstance(posted, Posted)
    assert await api.update(posted.channel_id, posted.ts, a_dm(2)) == posted
    [message] = slack.messages
    assert (message.text, message.blocks, message.metadata) == (a_dm(2).text, a_dm(2).blocks, a_dm(1).metadata)
    assert {"text", "blocks"} <= slack.requests[-1][1].keys()


@pytest.mark.parametrize("kind", ["500", "429", "drop", "stored_500", "internal", "update_failed"])
async def test_an_edit_is_repeated_until_it_is_done(kind: str, slack: LocalSlack, api: Slack) -> None:
    posted = await api.post("U1", a_dm(1))
    assert isinstance(posted, Posted)
    slack.fault_next(kind, "chat.update", times=2)
    assert await api.update(posted.channel_id, posted.ts, a_dm(2)) == posted
    assert slack.calls["chat.update"] == 3
    assert slack.messages[0].text == a_dm(2).text


@pytest.mark.parametrize("word", ["message_not_found", "channel_not_found", "edit_window_closed", "is_inactive"])
async def test_an_edit_that_slack_refuses_is_given_up_by_name(
    word: str, slack: LocalSlack, api: Slack, sleeper: Sleeper
) -> None:
    slack.fault_next(word, "chat.update")
    outcome = await api.update("D1", "1.000001", a_dm())
    assert isinstance(outcome, Refused)
    assert word in outcome.error
    assert (slack.calls["chat.update"], sleeper.waits) == (1, [])


async def test_an_edit_of_a_message_that_is_gone_is_refused(slack: LocalSlack, api: Slack) -> None:
    slack.open_channel("U1")
    outcome = await api.update("D1", "1.000001", a_dm())
    assert isinstance(outcome, Refused)
    assert "message_not_found" in outcome.error


@pytest.mark.parametrize("kind", ["500", "html", "update_failed", "429"])
async def test_an_edit_that_never_gets_an_answer_has_an_unknown_outcome(
    kind: str, slack: LocalSlack, api: Slack
) -> None:
    slack.retry_after_seconds = RATE_WAIT_SECONDS
    slack.fault_next(kind, "chat.update", times=TRIES)
    assert isinstance(await api.update("D1", "1.000001", a_dm()), Unknown)


# ── secrets ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def told(error: BaseException) -> str:
    """All that an error and its causes can say."""
    chain: list[BaseException] = []
    nearest: BaseException | None = error
    while nearest is not None and nearest not in chain:
        chain.append(nearest)
        nearest = nearest.__cause__ or nearest.__context__
    return "\n".join([*map(str, chain), *map(repr, chain), *traceback.format_exception(error)])


@pytest.mark.parametrize("fault", ["", "500", "drop", "html", "429", "invalid_auth", "channel_not_found"])
@pytest.mark.parametrize("call", [*CALLS.values(), lambda api: api.check_app_token("xapp-wrong")], ids=[*CALLS, "app"])
async def test_no_token_gets_into_an_error_an_outcome_or_a_log(
    call: Call, fault: str, slack: LocalSlack, api: Slack, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    slack.revoked = not fault
    slack.retry_after_seconds = 500
    for method in [*METHODS, "apps.connections.open"]:
        slack.fault_next(fault, method, times=2 * TRIES)
    try:
        said = repr(await call(api))
    except SlackError as error:
        said = told(error) + error.line
    for token in (slack.bot_token, slack.app_token, "xapp-wrong"):
        assert token not in said
        assert token not in caplog.text
    assert token not in repr(api)
