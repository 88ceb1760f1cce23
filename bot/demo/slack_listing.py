"""The Web API's methods that read: who we are, who is there, which DMs the bot has and what was said in them.

As `slack_methods.py`: decoded arguments in, an answer or a Refusal out. Changes nothing.
"""

from __future__ import annotations

import time
from zoneinfo import ZoneInfo

from bot.demo.slack_args import Refusal, cursor, cursor_start, handle, instant, limit, yes
from bot.demo.slack_state import Json, Message, SlackState, SlackUser

# ── who we are, who they are ─────────────────────────────────────────────────────────────────────────────────────


def auth_test(state: SlackState, _args: Json) -> Json:
    """auth.test."""
    return {
        "url": "https://demo.slack.com/", "team": state.team_name, "user": state.users[state.bot_user_id].name,
        "team_id": state.team_id, "user_id": state.bot_user_id, "bot_id": state.bot_id, "app_id": state.app_id,
        "is_enterprise_install": False,
    }  # fmt: skip


def users_list(state: SlackState, args: Json) -> Json:
    """users.list: pages of members by cursor, in the order they were added."""
    members, most = list(state.users.values()), limit(args, default=0)
    if not most and len(members) > state.limit_required_over:
        raise Refusal("limit_required")
    start = cursor_start(args, "user")
    page = members[start : start + min(most or len(members), state.page_max)]
    end = start + len(page)
    return {
        "members": [user_object(state, user, locale=yes(args.get("include_locale"))) for user in page],
        "cache_ts": int(state.now().timestamp()),
        "response_metadata": {"next_cursor": cursor("user", end) if end < len(members) else ""},
    }


def users_info(state: SlackState, args: Json) -> Json:
    """users.info."""
    user = state.users.get(str(args["user"]))
    if user is None:
        raise Refusal("user_not_found")
    return {"user": user_object(state, user, locale=yes(args.get("include_locale")))}


def user_object(state: SlackState, user: SlackUser, *, locale: bool) -> Json:
    """A member as Slack shows them: the e-mail only with its scope, the locale only when asked for."""
    profile: Json = {
        "real_name": user.name, "display_name": user.name, "real_name_normalized": user.name,
        "status_text": user.status_text, "status_emoji": user.status_emoji, "team": state.team_id,
        "status_expiration": user.status_expiration, "avatar_hash": "",
    }  # fmt: skip
    if user.email is not None and "users:read.email" in state.scopes:
        profile["email"] = user.email
    member: Json = {"id": user.slack_id, "team_id": state.team_id, "name": handle(user.name), "deleted": user.deleted}
    member |= {"profile": profile, "is_bot": user.is_bot, "is_app_user": False, "updated": 1_700_000_000}
    if not user.deleted:
        member |= _live_fields(state, user)
    if locale:
        member["locale"] = user.locale
    return member


def _live_fields(state: SlackState, user: SlackUser) -> Json:
    fields: Json = {
        "real_name": user.name, "color": "9f69e7", "is_admin": user.is_admin, "is_owner": False,
        "is_primary_owner": False, "is_restricted": user.is_restricted, "is_email_confirmed": user.is_email_confirmed,
        "is_ultra_restricted": user.is_ultra_restricted, "who_can_share_contact_card": "EVERYONE",
    }  # fmt: skip
    fields |= {key: True for key in ("is_stranger", "is_invited_user") if getattr(user, key)}
    if user.tz is not None:
        fields["tz"] = user.tz
        try:
            offset = state.now().astimezone(ZoneInfo(user.tz)).utcoffset()
        except (ValueError, OSError, LookupError):
            offset = None
        fields |= {"tz_label": user.tz, "tz_offset": int(offset.total_seconds()) if offset else 0}
    return fields


# ── conversations ────────────────────────────────────────────────────────────────────────────────────────────────


def users_conversations(state: SlackState, args: Json) -> Json:
    """users.conversations: the bot's DMs. Other types need scopes that the app does not have."""
    types = set(str(args.get("types") or "public_channel").split(","))
    needed = {"public_channel": "channels:read", "private_channel": "groups:read", "mpim": "mpim:read", "im": "im:read"}
    if not types <= needed.keys():
        raise Refusal("invalid_types")
    missing = sorted({needed[name] for name in types} - state.scopes)
    if missing:
        raise Refusal("missing_scope", needed=missing[0], provided=",".join(sorted(state.scopes)))
    most = limit(args, default=100)
    if most > 999:
        raise Refusal("invalid_limit")
    channels = list(state.owners.items()) if "im" in types else []
    start = cursor_start(args, "im")
    page = channels[start : start + min(most or 100, state.page_max)]
    end = start + len(page)
    return {
        "channels": [_channel(state, channel, slack_id) for channel, slack_id in page],
        "response_metadata": {"next_cursor": cursor("im", end) if end < len(channels) else ""},
    }


def _channel(state: SlackState, channel: str, slack_id: str) -> Json:
    owner = state.users.get(slack_id)
    return {
        "id": channel, "created": 1_700_000_000, "is_im": True, "is_org_shared": False, "user": slack_id,
        "is_user_deleted": owner is None or owner.deleted, "priority": 0,
    }  # fmt: skip


def conversations_history(state: SlackState, args: Json) -> Json:
    """conversations.history: the newest first, between two instants, with or without the metadata's payload."""
    channel = str(args["channel"])
    if channel not in state.history:
        raise Refusal("channel_not_found")
    most = min(limit(args, default=100) or 100, state.page_max, 999)
    shown = _between(state.history[channel], args)
    start = cursor_start(args, "next_ts")
    page = shown[start : start + most]
    end, full = start + len(page), yes(args.get("include_all_metadata"))
    answer: Json = {"messages": [message_object(state, message, full=full) for message in page]}
    answer |= {"has_more": end < len(shown), "pin_count": 0, "channel_actions_ts": None, "channel_actions_count": 0}
    if end < len(shown):
        answer["response_metadata"] = {"next_cursor": cursor("next_ts", end)}
    return answer


def _between(history: list[Message], args: Json) -> list[Message]:
    oldest = instant(args.get("oldest") or "0", "invalid_ts_oldest")
    latest = instant(args.get("latest") or "99999999999", "invalid_ts_latest")
    inclusive = yes(args.get("inclusive"))
    visible = [message for message in reversed(history) if message.visible_from <= time.monotonic()]
    if inclusive:
        return [message for message in visible if oldest <= instant(message.ts, "") <= latest]
    return [message for message in visible if oldest < instant(message.ts, "") < latest]


def message_object(state: SlackState, message: Message, *, full: bool) -> Json:
    """A message as Slack shows it; without `full` its metadata is the event type alone."""
    shown: Json = {"type": "message", "text": message.text, "ts": message.ts, "team": state.team_id}
    if message.by_bot:
        shown |= {"user": state.bot_user_id, "bot_id": state.bot_id, "app_id": state.app_id}
    else:
        shown["user"] = message.slack_id
    if message.blocks:
        shown["blocks"] = message.blocks
    if message.metadata:
        shown["metadata"] = message.metadata if full else {"event_type": message.metadata["event_type"]}
    if message.edits:
        edited_at = message.edits[-1].at.timestamp()
        shown["edited"] = {"user": state.bot_user_id, "ts": f"{edited_at:.6f}"}
    return shown
