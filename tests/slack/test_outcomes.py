"""Every error word that Slack documents for a post or an edit, and every exception its client can raise, has a class.

The words are copied from the method pages (docs.slack.dev/reference/methods/chat.postMessage and chat.update, "Errors")
and from the errors common to all methods. UNNAMED are those that no class names: they fall to Refused on purpose,
since they are about files, drafts, threads or broadcasts, which the bot does not send.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator, Mapping
from itertools import combinations
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import SlackRefused
from bot.slack.api import TROUBLE, Slack, _classified
from bot.slack.messages import Message
from bot.slack.outcomes import BY_WORD, CLASSES, NotTaken, Refused, Stop, Unknown, Wait

THE_DM = Message(text="Hi", blocks=[], metadata={})
NO_RETRIES: list[AsyncRetryHandler] = []

DOCUMENTED: dict[Any, tuple[str, ...]] = {
    Refused: (
        # this person
        "app_access_restricted",
        "channel_not_found",
        "ekm_access_denied",
        "is_archived",
        "not_in_channel",
        "restricted_action",
        "restricted_action_non_threadable_channel",
        "restricted_action_read_only_channel",
        "restricted_action_thread_locked",
        "restricted_action_thread_only_channel",
        # this message
        "attachment_payload_limit_exceeded",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_metadata_format",
        "invalid_metadata_schema",
        "markdown_text_conflict",
        "metadata_must_be_sent_from_app",
        "metadata_too_large",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
        # this edit
        "cant_update_message",
        "edit_window_closed",
        "message_not_found",
    ),
    Wait: ("message_limit_exceeded", "rate_limited", "ratelimited"),
    NotTaken: ("org_login_required", "request_timeout", "team_added_to_org"),
    Unknown: ("fatal_error", "internal_error", "service_unavailable", "update_failed"),
    Stop: (
        "accesslimited",
        "account_inactive",
        "enterprise_is_restricted",
        "invalid_auth",
        "messages_tab_disabled",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "team_access_not_granted",
        "team_not_found",
        "token_expired",
        "token_revoked",
        "two_factor_setup_required",
    ),
}
OF_A_PERSON = ("cannot_dm_bot", "invalid_user_combination", "user_disabled", "user_is_bot", "user_not_found")
SEEN: dict[Any, tuple[str, ...]] = {Refused: (*OF_A_PERSON, "user_not_visible")}  # by other methods' pages, or tried
UNNAMED = (
    "as_user_not_supported",
    "block_mismatch",
    "blocked_file_type",
    "cannot_reply_to_message",
    "cant_broadcast_message",
    "draft_already_deleted",
    "draft_already_sent",
    "draft_has_conflict",
    "draft_not_found",
    "duplicate_channel_not_found",
    "duplicate_message_not_found",
    "external_channel_migrating",
    "file_deleted",
    "file_is_deleted",
    "file_not_found",
    "file_share_limit_reached",
    "invalid_attachments",
    "is_inactive",
    "max_file_sharing_exceeded",
    "missing_file_data",
    "no_dual_broadcast_content_update",
    "posting_to_channel_denied",
    "send_on_behalf_not_allowed",
    "slack_connect_blocked_file_type",
    "slack_connect_canvas_sharing_blocked",
    "slack_connect_clip_sharing_blocked",
    "slack_connect_file_link_sharing_blocked",
    "slack_connect_file_upload_sharing_blocked",
    "slack_connect_lists_sharing_blocked",
    "streaming_state_conflict",
    "too_many_attachments",
    "too_many_contact_cards",
    "unable_to_share_files",
)


def refusal(word: str, *, status: int = 200, headers: Mapping[str, str] | None = None) -> SlackApiError:
    """Slack's client says that Slack refused, in this word."""
    response = SimpleNamespace(status_code=status, headers=headers or {}, get={"ok": False, "error": word}.get)
    untyped: Any = SlackApiError
    error: SlackApiError = untyped("refused", response)
    return error


def words_of(table: Mapping[Any, tuple[str, ...]], *classes: Any) -> list[Any]:
    return [pytest.param(cls, word, id=f"{cls.__name__}-{word}") for cls in classes for word in table.get(cls, ())]


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("cls", "word"), [*words_of(DOCUMENTED, Refused, NotTaken, Unknown), *words_of(SEEN, Refused)])
def test_a_word_becomes_the_outcome_of_its_class_which_says_the_word(cls: Any, word: str) -> None:
    assert _classified(refusal(word)) == cls(word)


@pytest.mark.parametrize(("cls", "word"), words_of(DOCUMENTED, Wait))
def test_a_rate_limit_in_words_waits_as_long_as_its_header_says(cls: Any, word: str) -> None:
    assert _classified(refusal(word, headers={"Retry-After": "9"})) == cls(9.0)


@pytest.mark.parametrize(("cls", "word"), words_of(DOCUMENTED, Stop))
def test_a_word_about_our_token_or_app_stops_everything_and_names_the_setting(cls: Any, word: str) -> None:
    with pytest.raises(SlackRefused, match=word) as refused:
        _classified(refusal(word))
    assert BY_WORD[word] is cls
    assert "SLACK_BOT_TOKEN" in refused.value.line


@pytest.mark.parametrize("word", UNNAMED)
def test_a_word_about_what_the_bot_never_sends_is_named_nowhere_and_refuses_this_message_only(word: str) -> None:
    assert word not in BY_WORD
    assert _classified(refusal(word)) == Refused(word)


def test_a_word_that_slack_has_yet_to_invent_refuses_this_message_only() -> None:
    assert _classified(refusal("mercury_in_retrograde")) == Refused("mercury_in_retrograde")


def test_no_word_stands_in_two_classes() -> None:
    for one, other in combinations(CLASSES, 2):
        assert not one.words & other.words, (one.__name__, other.__name__)
    assert len(BY_WORD) == sum(len(cls.words) for cls in CLASSES)


def test_no_class_owns_a_word_that_this_table_does_not_know() -> None:
    known = {word: cls for table in (DOCUMENTED, SEEN) for cls, words in table.items() for word in words}
    assert known == BY_WORD


@pytest.mark.parametrize(
    ("status", "word", "expected"),
    [
        pytest.param(429, "ratelimited", Wait(1.0), id="429 waits"),
        pytest.param(429, "invalid_auth", Wait(1.0), id="429 waits whatever its word"),
        pytest.param(429, "", Wait(1.0), id="429 waits without a word"),
        pytest.param(500, "", Unknown("HTTP 500"), id="500 leaves the outcome unknown"),
        pytest.param(503, "channel_not_found", Unknown("HTTP 503"), id="5xx leaves it unknown whatever its word"),
        pytest.param(200, "", Unknown("HTTP 200"), id="no word leaves it unknown"),
        pytest.param(404, "", Unknown("HTTP 404"), id="so does a 404 that is not Slack's"),
    ],
)
def test_the_http_status_decides_before_the_word(status: int, word: str, expected: object) -> None:
    assert _classified(refusal(word, status=status)) == expected


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        pytest.param("30", 30.0, id="a number"),
        pytest.param("2.5", 2.5, id="a fraction"),
        pytest.param("0", 1.0, id="none at all would never end"),
        pytest.param("-5", 1.0, id="a negative number"),
        pytest.param("nan", 1.0, id="not a number"),
        pytest.param("inf", 1.0, id="for ever"),
        pytest.param("1e999", 1.0, id="for ever, in figures"),
        pytest.param("Wed, 21 Oct 2027 07:28:00 GMT", 1.0, id="a date"),
        pytest.param("", 1.0, id="nothing"),
    ],
)
def test_retry_after_is_obeyed_where_it_makes_sense_and_is_a_second_else(header: str, seconds: float) -> None:
    assert _classified(refusal("ratelimited", status=429, headers={"retry-after": header})) == Wait(seconds)


# ── exceptions ───────────────────────────────────────────────────────────────────────────────────────────────────────


def family(root: type[Exception]) -> Iterator[type[Exception]]:
    """A class and everything that derives from it."""
    yield root
    for child in root.__subclasses__():
        yield from family(child)


VENDORS = sorted(
    {*family(SlackClientError), *family(aiohttp.ClientError)}, key=lambda cls: (cls.__module__, cls.__name__)
)
CONNECTING = set(family(aiohttp.ClientConnectorError))  # nothing was sent where no connection came about
PLAIN: list[Exception] = [
    TimeoutError(),
    ConnectionResetError(),
    BrokenPipeError(),
    OSError(),
    ssl.SSLError(),
    json.JSONDecodeError("no", "", 0),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no"),
    TypeError(),
    AttributeError(),
    RecursionError(),
]


def made(cls: type[Exception]) -> Exception:
    """An error of this class without calling it: each wants other arguments, and only its class counts."""
    error = cls.__new__(cls)
    if isinstance(error, SlackApiError):
        error.response = None
    return error


class Failing(AsyncWebClient):
    """slack_sdk's client whose every call ends in one error."""

    def __init__(self, error: Exception) -> None:
        super().__init__(retry_handlers=NO_RETRIES)
        self.error, self.calls = error, 0

    async def api_call(self, *_: Any, **__: Any) -> Any:
        self.calls += 1
        raise self.error


async def never(_: float) -> None:
    raise AssertionError("a post never waits")


def test_the_vendors_families_are_walked_to_their_leaves() -> None:
    assert {SlackApiError, aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError} <= set(VENDORS)
    assert len(CONNECTING) > 1


@pytest.mark.parametrize("cls", VENDORS, ids=lambda cls: f"{cls.__module__}.{cls.__name__}")
async def test_every_exception_of_the_vendors_becomes_an_outcome_of_the_post(cls: type[Exception]) -> None:
    assert issubclass(cls, TROUBLE)
    client = Failing(made(cls))
    outcome = await Slack(client, sleep=never).post("U1", THE_DM)
    assert isinstance(outcome, NotTaken if cls in CONNECTING else Unknown)
    assert client.calls == 1


@pytest.mark.parametrize("error", PLAIN, ids=lambda error: type(error).__name__)
async def test_so_does_what_python_raises_under_them_and_over_broken_json(error: Exception) -> None:
    client = Failing(error)
    assert await Slack(client, sleep=never).post("U1", THE_DM) == Unknown(type(error).__name__)
    assert client.calls == 1


@pytest.mark.parametrize("cls", [KeyboardInterrupt, SystemExit, MemoryError, AssertionError])
async def test_what_is_no_trouble_of_slacks_is_not_swallowed(cls: type[BaseException]) -> None:
    class Broken(Failing):
        async def api_call(self, *_: Any, **__: Any) -> Any:
            raise cls

    with pytest.raises(cls):
        await Slack(Broken(ValueError()), sleep=never).post("U1", THE_DM)
