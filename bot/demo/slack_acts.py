"""What a person does in Slack, as the payloads that an app receives: buttons, forms, commands, messages, Home.

Builds values from the state and hands out the `trigger_id` and `response_url` that go with them; sends nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from bot.demo.slack_listing import message_object
from bot.demo.slack_methods import TRIGGER_SECONDS, view_hash, view_id
from bot.demo.slack_state import Answer, Json, Message, Reply, SlackState

REPLY_SECONDS = 30 * 60.0
_VERIFICATION = "local"  # the payloads' old `token` field, which no app should look at


def envelope(state: SlackState, kind: str, payload: Json) -> Json:
    """A Socket Mode envelope around a payload."""
    made: Json = {"envelope_id": state.new_id("envelope-"), "type": kind, "payload": payload}
    return made | {"accepts_response_payload": kind != "events_api"}


def command(state: SlackState, slack_id: str, name: str, text: str, base: str) -> Json:
    """Somebody enters a slash command in their DM with the bot."""
    return {
        "token": _VERIFICATION, "team_id": state.team_id, "team_domain": "demo", "is_enterprise_install": "false",
        "channel_id": state.open_channel(slack_id), "channel_name": "directmessage", "user_id": slack_id,
        "user_name": _user(state, slack_id)["username"], "command": name, "text": text, "api_app_id": state.app_id,
        "trigger_id": _trigger(state, slack_id), "response_url": _response_url(state, slack_id, None, base),
    }  # fmt: skip


def block_action(
    state: SlackState, item: Message | Answer, element: Json, block_id: str, *, by: str, value: str | None, base: str
) -> Json:
    """Somebody uses a button, a menu or a picker of a message, an answer or a modal."""
    payload: Json = {
        "type": "block_actions", "token": _VERIFICATION, "api_app_id": state.app_id, "user": _user(state, by),
        "team": {"id": state.team_id, "domain": "demo"}, "enterprise": None, "is_enterprise_install": False,
        "trigger_id": _trigger(state, by), "state": {"values": {}},
        "actions": [_action(element, block_id, value) | {"action_ts": state.next_ts()}],
    }  # fmt: skip
    if isinstance(item, Answer) and item.view is not None:
        return payload | _of_view(state, item)
    channel = state.open_channel(item.slack_id)
    place = {"type": "message", "message_ts": item.ts, "channel_id": channel, "is_ephemeral": isinstance(item, Answer)}
    payload |= {"container": place, "channel": {"id": channel, "name": "directmessage"}}
    payload["response_url"] = _response_url(state, by, item, base)
    if isinstance(item, Message):
        payload["message"] = message_object(state, item, full=True)
    return payload


def view_submission(state: SlackState, answer: Answer, values: Json, base: str) -> Json:
    """Somebody submits a modal; `values` is `{block_id: {action_id: {"type": …, …}}}`."""
    shown = _of_view(state, answer)
    view = shown["view"] | {"state": {"values": values}}
    return {
        "type": "view_submission", "token": _VERIFICATION, "api_app_id": state.app_id, "view": view,
        "team": {"id": state.team_id, "domain": "demo"}, "user": _user(state, answer.slack_id),
        "trigger_id": _trigger(state, answer.slack_id), "enterprise": None, "is_enterprise_install": False,
        "response_urls": [],
    }  # fmt: skip


def event(state: SlackState, inner: Json) -> Json:
    """An event of the Events API around its inner event."""
    return {
        "token": _VERIFICATION, "team_id": state.team_id, "api_app_id": state.app_id, "type": "event_callback",
        "event": inner, "event_id": state.new_id("Ev"), "event_time": int(state.now().timestamp()),
        "authorizations": [{"team_id": state.team_id, "user_id": state.bot_user_id, "is_bot": True}],
        "is_ext_shared_channel": False,
    }  # fmt: skip


def message_event(state: SlackState, message: Message) -> Json:
    """The inner event of a new message in a DM, a person's or the bot's own."""
    shown = message_object(state, message, full=True)
    return shown | {"channel": message.channel, "channel_type": "im", "event_ts": message.ts}


def changed_event(state: SlackState, message: Message) -> Json:
    """The inner event of an edit: a subtype, and no `user` beside it."""
    ts = state.next_ts()
    return {
        "type": "message", "subtype": "message_changed", "hidden": True, "channel": message.channel,
        "channel_type": "im", "ts": ts, "event_ts": ts, "message": message_object(state, message, full=True),
        "previous_message": {"type": "message", "ts": message.ts, "text": message.edits[-1].old_text},
    }  # fmt: skip


def home_event(state: SlackState, slack_id: str, tab: str) -> Json:
    """The inner event of somebody opening the app's Home or Messages tab."""
    ts = state.next_ts()
    inner = {"type": "app_home_opened", "user": slack_id, "tab": tab, "event_ts": ts}
    return inner | {"channel": state.open_channel(slack_id)}


def find_element(blocks: list[Json], wanted: str, *, block: int | None = None) -> tuple[Json, str]:
    """The button, menu or picker with this action id, or else this text, and its block's id. Raises LookupError.

    An action id is unique within its block only, so `block` (an index) may say where to look.
    """
    found = [(element, block_id) for index, element, block_id in _elements(blocks) if block in (None, index)]
    for matches in (lambda one: one.get("action_id") == wanted, lambda one: _label(one) == wanted):
        for element, block_id in found:
            if matches(element):
                return element, block_id
    there = ", ".join(f"{_label(element)!r} ({element.get('action_id')})" for element, _ in found)
    raise LookupError(f"no button {wanted!r}; there is: {there or 'none'}")


def _elements(blocks: list[Json]) -> Iterator[tuple[int, Json, str]]:
    for index, block in enumerate(blocks):
        block_id = str(block.get("block_id") or f"block{index}")
        parts = [*(block.get("elements") or ()), block.get("accessory"), block.get("element")]
        for part in parts:
            if isinstance(part, dict) and ("action_id" in part or part.get("type") == "button"):
                yield index, part, block_id


def _label(element: Json) -> str:
    text = element.get("text") or element.get("placeholder") or {}
    return str(text.get("text", ""))


def _action(element: Json, block_id: str, value: str | None) -> Json:
    kind = str(element["type"])
    action: Json = {"type": kind, "block_id": block_id, "action_id": element.get("action_id") or "action0"}
    if kind == "button":
        return action | {key: element[key] for key in ("text", "value", "style") if key in element}
    if kind in ("static_select", "radio_buttons", "overflow"):
        return action | {"selected_option": _option(element, value)}
    if kind == "checkboxes":
        return action | {"selected_options": [] if value is None else [_option(element, value)]}
    key = {"datepicker": "selected_date", "timepicker": "selected_time", "datetimepicker": "selected_date_time"}
    if kind == "datetimepicker" and value is not None:
        return action | {"selected_date_time": int(value)}
    return action | {key.get(kind, "value"): value}


def _option(element: Json, value: str | None) -> Json:
    options: list[Json] = element.get("options") or []
    for option in options:
        if value in (None, option["value"], option["text"]["text"]):
            return option
    raise LookupError(f"no option {value!r}; there is: {', '.join(option['value'] for option in options)}")


def _of_view(state: SlackState, answer: Answer) -> Json:
    ids: Json = {"id": view_id(answer), "team_id": state.team_id, "app_id": state.app_id, "bot_id": state.bot_id}
    view = (answer.view or {}) | ids | {"hash": view_hash(answer.view or {}), "state": {"values": {}}}
    return {"container": {"type": "view", "view_id": ids["id"]}, "view": view}


def _user(state: SlackState, slack_id: str) -> dict[str, Any]:
    name = slack_id.lower()
    return {"id": slack_id, "username": name, "name": name, "team_id": state.team_id}


def _trigger(state: SlackState, slack_id: str) -> str:
    trigger = f"{state.new_id('1')}.2.{slack_id.lower()}"
    state.triggers[trigger] = (slack_id, time.monotonic() + TRIGGER_SECONDS)
    return trigger


def _response_url(state: SlackState, slack_id: str, about: Message | Answer | None, base: str) -> str:
    key = state.new_id("reply")
    state.replies[key] = Reply(slack_id=slack_id, about=about, until=time.monotonic() + REPLY_SECONDS)
    return f"{base}/response/{key}"
