"""The Web API's methods that write, and the table of all: decoded arguments in, an answer or a Refusal out.

Owns what each method accepts, answers and refuses, by its reference page (docs.slack.dev/reference/methods). Knows no
HTTP, no token and no fault: `slack.py` checks those before it calls a method. Arguments have been decoded from form or
JSON; values may still be JSON in a text, as form fields carry them.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.demo import slack_rules as rules
from bot.demo.slack_args import Refusal, decoded, plain
from bot.demo.slack_listing import (
    auth_test,
    conversations_history,
    message_object,
    users_conversations,
    users_info,
    users_list,
)
from bot.demo.slack_state import Answer, Json, SlackState

CHANNEL_SECONDS = 1.0  # one message a second and channel
TRIGGER_SECONDS = 3.0


@dataclass(frozen=True, kw_only=True)
class Method:
    """One Web API method: who may call it and how."""

    call: Callable[[SlackState, Json], Json]
    scope: str = ""
    takes_json: bool = True
    by_app_token: bool = False
    required: tuple[str, ...] = ()


# ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────────


def post_message(state: SlackState, args: Json) -> Json:
    """chat.postMessage into a DM, named by the person or by the channel."""
    slack_id = recipient(state, str(args["channel"]))
    user = state.users.get(slack_id)
    if user is None:
        raise Refusal("channel_not_found")
    if user.is_bot or slack_id == "USLACKBOT":
        raise Refusal("cannot_dm_bot")
    if any(args.get(key) for key in ("username", "icon_emoji", "icon_url")):
        raise Refusal("missing_scope", needed="chat:write.customize", provided=",".join(sorted(state.scopes)))
    text, blocks = content(state, args, text_max=None)
    metadata = _metadata(state, args)
    _keep_pace(state, state.open_channel(slack_id))
    message = state.store(slack_id, text[: rules.TEXT_MAX], blocks, metadata)
    answer: Json = {"channel": message.channel, "ts": message.ts, "message": message_object(state, message, full=True)}
    if len(text) > rules.TEXT_MAX:
        answer |= {"warning": "message_truncated", "response_metadata": {"warnings": ["message_truncated"]}}
    return answer


def recipient(state: SlackState, channel: str) -> str:
    """The person meant by U… or D…; "" where there is none."""
    return state.owners.get(channel, channel if channel in state.users else "")


def _keep_pace(state: SlackState, channel: str) -> None:
    now = time.monotonic()
    if state.per_channel_limit and now - state.last_posted.get(channel, now - CHANNEL_SECONDS) < CHANNEL_SECONDS:
        raise Refusal("ratelimited", retry_after_seconds=1)
    state.last_posted[channel] = now


def update_message(state: SlackState, args: Json) -> Json:
    """chat.update: what is sent replaces text and blocks; metadata stays unless sent, `{}` removes it."""
    channel = str(args["channel"])
    if channel not in state.history:
        raise Refusal("channel_not_found")
    message = next((one for one in state.history[channel] if one.ts == str(args["ts"])), None)
    if message is None:
        raise Refusal("message_not_found")
    if not message.by_bot:
        raise Refusal("cant_update_message")
    text, blocks = content(state, args, text_max=rules.UPDATE_TEXT_MAX)
    if "metadata" in args:
        message.metadata = None if decoded(args["metadata"]) == {} else _metadata(state, args)
    state.edit(message, text, blocks)
    return {
        "channel": channel, "ts": message.ts, "text": message.text,
        "message": message_object(state, message, full=True),
    }  # fmt: skip


def post_ephemeral(state: SlackState, args: Json) -> Json:
    """chat.postEphemeral: shown to one person in their own DM."""
    slack_id = recipient(state, str(args["channel"]))
    if slack_id not in state.users:
        raise Refusal("channel_not_found")
    if str(args["user"]) != slack_id:
        raise Refusal("user_not_in_channel")
    text, blocks = content(state, args, text_max=rules.TEXT_MAX)
    return {"message_ts": state.answer(slack_id, "ephemeral", text, blocks).ts}


def content(state: SlackState, args: Json, *, text_max: int | None) -> tuple[str, list[Json]]:
    """Text and blocks of a message, checked. What is wrong with blocks is kept in `state.violations`."""
    text, markdown = str(args.get("text") or ""), args.get("markdown_text")
    blocks = decoded(args.get("blocks") or [], "invalid_blocks_format")
    if markdown and (text or blocks):
        raise Refusal("markdown_text_conflict")
    text = text or str(markdown or "")
    if not text and not blocks:
        raise Refusal("no_text")
    if text_max is not None and len(text) > text_max:
        raise Refusal("msg_too_long")
    refuse_bad_blocks(state, rules.check_blocks(blocks))
    return text, blocks


def refuse_bad_blocks(state: SlackState, problems: list[str]) -> None:
    """Keep the problems and refuse, where there are any."""
    if problems:
        state.violations += problems
        raise Refusal("invalid_blocks", errors=problems, response_metadata={"messages": problems})


def _metadata(state: SlackState, args: Json) -> Json | None:
    if args.get("metadata") in (None, ""):
        return None
    metadata = decoded(args["metadata"], "invalid_metadata_format")
    problems = rules.check_metadata(metadata)
    if problems:
        state.violations += problems
        raise Refusal("invalid_metadata_schema", response_metadata={"messages": problems})
    if rules.size_bytes(metadata) > rules.METADATA_MAX_BYTES:
        state.violations.append("/metadata: over the size limit")
        raise Refusal("metadata_too_large")
    return dict(metadata)


# ── views ────────────────────────────────────────────────────────────────────────────────────────────────────────


def open_view(state: SlackState, args: Json) -> Json:
    """views.open: a trigger opens one view, within three seconds."""
    slack_id = _spend_trigger(state, str(args.get("trigger_id") or ""))
    view = _view(state, args, "modal")
    answer = state.answer(slack_id, "view", plain(view.get("title")), view["blocks"], view=view)
    return {"view": _view_object(state, view, answer.ts)}


def update_view(state: SlackState, args: Json) -> Json:
    """views.update of an open modal, by its id."""
    view = _view(state, args, "modal")
    for answer in state.answers:
        if answer.view is not None and not answer.gone and view_id(answer) == args.get("view_id"):
            answer.view, answer.blocks, answer.text = view, view["blocks"], plain(view.get("title"))
            state.tell("answer_edit", answer)
            return {"view": _view_object(state, view, answer.ts)}
    raise Refusal("not_found")


def publish_view(state: SlackState, args: Json) -> Json:
    """views.publish: somebody's Home tab."""
    slack_id = str(args["user_id"])
    if slack_id not in state.users:
        raise Refusal("invalid_arguments", response_metadata={"messages": ["invalid `user_id`"]})
    view = _view(state, args, "home")
    shown = state.homes.get(slack_id)
    if args.get("hash") and shown is not None and args["hash"] != view_hash(shown):
        raise Refusal("hash_conflict")
    state.homes[slack_id] = view
    return {"view": _view_object(state, view, state.next_ts())}


def view_id(answer: Answer) -> str:
    """The id of the view that was opened."""
    return f"V{answer.ts.replace('.', '')}"


def view_hash(view: Json) -> str:
    """Changes when the view does."""
    return hashlib.sha256(json.dumps(view, sort_keys=True).encode()).hexdigest()[:16]


def _view(state: SlackState, args: Json, kind: str) -> Json:
    view = decoded(args["view"], "invalid_arguments")
    if rules.size_bytes(view) > rules.VIEW_MAX_BYTES:
        state.violations.append("/view: over 250 KB")
        raise Refusal("view_too_large")
    problems = rules.check_view(view)
    if not problems and view["type"] != kind:
        problems = [f"/view/type: {view['type']!r}, expected {kind!r}"]
    if problems:
        state.violations += problems
        raise Refusal("invalid_arguments", response_metadata={"messages": problems})
    return dict(view)


def _spend_trigger(state: SlackState, trigger: str) -> str:
    if trigger in state.spent_triggers:
        raise Refusal("exchanged_trigger_id")
    if trigger not in state.triggers:
        raise Refusal("invalid_trigger_id")
    slack_id, until = state.triggers.pop(trigger)
    if time.monotonic() > until:
        raise Refusal("expired_trigger_id")
    state.spent_triggers.add(trigger)
    return slack_id


def _view_object(state: SlackState, view: Json, ts: str) -> Json:
    return view | {
        "id": f"V{ts.replace('.', '')}", "team_id": state.team_id, "hash": view_hash(view), "bot_id": state.bot_id,
        "app_id": state.app_id, "state": {"values": {}}, "previous_view_id": None,
    }  # fmt: skip


METHODS: dict[str, Method] = {
    "auth.test": Method(call=auth_test),
    "users.list": Method(call=users_list, scope="users:read", takes_json=False),
    "users.info": Method(call=users_info, scope="users:read", takes_json=False, required=("user",)),
    "users.conversations": Method(call=users_conversations, takes_json=False),
    "conversations.history": Method(call=conversations_history, scope="im:history", required=("channel",)),
    "chat.postMessage": Method(call=post_message, scope="chat:write", required=("channel",)),
    "chat.update": Method(call=update_message, scope="chat:write", required=("channel", "ts")),
    "chat.postEphemeral": Method(call=post_ephemeral, scope="chat:write", required=("channel", "user")),
    "views.open": Method(call=open_view, required=("view",)),
    "views.update": Method(call=update_view, required=("view",)),
    "views.publish": Method(call=publish_view, required=("user_id", "view")),
}
