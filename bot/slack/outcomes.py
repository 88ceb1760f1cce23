"""What Slack's answer to a post or an edit means for what we do next.

Each class owns Slack's own error words; the map is built from the classes, so a word stands in one place. An error
that no class names is a refusal of this one message: it is recorded and shown, and nothing else stops.
Source: Slack's documentation of chat.postMessage and chat.update, and what was tried.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias


@dataclass(frozen=True, slots=True)
class Posted:
    """It is in the channel."""

    channel_id: str
    ts: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Slack refuses this person, or this message: nothing was posted, and another try now would end the same."""

    error: str

    words: ClassVar[frozenset[str]] = frozenset(
        {
            "app_access_restricted",
            "cannot_dm_bot",
            "channel_not_found",
            "ekm_access_denied",
            "invalid_user_combination",
            "is_archived",
            "not_in_channel",
            "restricted_action",
            "restricted_action_non_threadable_channel",
            "restricted_action_read_only_channel",
            "restricted_action_thread_locked",
            "restricted_action_thread_only_channel",
            "user_disabled",
            "user_is_bot",
            "user_not_found",
            "user_not_visible",
            # a message of ours that Slack does not take: our bug, but only this message is lost
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
            # an edit of a message that is gone, or may not be edited any more
            "cant_update_message",
            "edit_window_closed",
            "message_not_found",
        }
    )


@dataclass(frozen=True, slots=True)
class Wait:
    """Slack took nothing and says when to come back."""

    seconds: float

    words: ClassVar[frozenset[str]] = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Slack surely took nothing; the same call may be made again."""

    error: str

    words: ClassVar[frozenset[str]] = frozenset({"request_timeout", "team_added_to_org", "org_login_required"})


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody can say whether it was posted: to be read back before anything is sent again."""

    error: str

    words: ClassVar[frozenset[str]] = frozenset(
        {"internal_error", "fatal_error", "service_unavailable", "update_failed"}
    )


class Stop:
    """Slack refuses our token or our app: nothing can be sent to anybody."""

    words: ClassVar[frozenset[str]] = frozenset(
        {
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
        }
    )


Outcome: TypeAlias = Posted | Refused | Wait | NotTaken | Unknown
OutcomeClass: TypeAlias = type[Refused | Wait | NotTaken | Unknown | Stop]

CLASSES: tuple[OutcomeClass, ...] = (Refused, Wait, NotTaken, Unknown, Stop)
BY_WORD: dict[str, OutcomeClass] = {word: cls for cls in CLASSES for word in cls.words}
