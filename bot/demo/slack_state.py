"""What the pretended Slack remembers: people, DM channels, messages, answers, and what the bot tried.

Values and their bookkeeping only. No HTTP, no socket, no rule about what is allowed: `slack_methods.py` and
`slack_rules.py` say that, `slack.py` serves it. Instants come from `now`, which may be a virtual clock; what is about
waiting (limits, expiries, delays) is measured by the real monotonic clock, because the bot waits in real time.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Json = dict[str, Any]
AnswerKind = Literal["ephemeral", "response", "view"]
SCOPES = frozenset({"chat:write", "commands", "im:history", "im:read", "users:read", "users:read.email"})


@dataclass(kw_only=True)
class SlackUser:
    """A member of the workspace. Change a field at any time; the next call sees it."""

    slack_id: str
    email: str | None
    name: str
    tz: str | None = "UTC"  # None: the field is absent
    locale: str = "en-US"
    status_text: str = ""
    status_emoji: str = ""
    status_expiration: int = 0  # Unix seconds; 0: no end
    deleted: bool = False
    is_bot: bool = False
    is_stranger: bool = False  # of another workspace, by Slack Connect
    is_restricted: bool = False  # a guest
    is_ultra_restricted: bool = False
    is_invited_user: bool = False
    is_email_confirmed: bool = True
    is_admin: bool = False


@dataclass(kw_only=True)
class Edit:
    """One change of a message: when, and what stood there before."""

    at: datetime
    old_text: str
    old_blocks: list[Json]


@dataclass(kw_only=True, eq=False)
class Message:
    """A message in a DM. `text`, `blocks` and `metadata` are the current ones, `edits[0].old_text` the first."""

    slack_id: str  # the person whose DM it is in
    channel: str  # D…
    ts: str
    text: str
    blocks: list[Json]
    metadata: Json | None
    at: datetime
    edits: list[Edit] = field(default_factory=list)
    by_bot: bool = True
    visible_from: float = 0.0  # monotonic seconds from which conversations.history shows it


@dataclass(kw_only=True, eq=False)
class Answer:
    """What only one person sees: an ephemeral, a post to a response_url, or a modal."""

    slack_id: str
    kind: AnswerKind
    text: str
    blocks: list[Json]
    ts: str
    at: datetime
    view: Json | None = None
    about: Message | None = None  # the message whose button was pressed, where there is one
    gone: bool = False  # deleted by delete_original, or a modal that was submitted


@dataclass(kw_only=True)
class Post:
    """One attempt of chat.postMessage that got past the token: also a refused or lost one."""

    slack_id: str  # as sent: U… or the owner of D…; "" where unknown
    outcome: str  # "ok", the fault's kind, or Slack's error word
    stored: bool
    at: datetime
    monotonic: float  # real seconds, for pace
    args: Json


@dataclass(kw_only=True)
class Reply:
    """Where a response_url leads."""

    slack_id: str
    about: Message | Answer | None
    until: float  # monotonic
    left: int = 5


Told = Literal["message", "edit", "answer", "answer_edit", "said"]
Listener = Callable[[Told, "Message | Answer"], None]


class SlackState:
    """The memory of one workspace; every attribute may be read and set by tests."""

    team_name = "Demo"
    bot_user_id = "U0DEADLINEBOT"
    bot_id = "B0DEADLINEBOT"
    app_id = "A0DEADLINEBOT"

    def __init__(self, *, now: Callable[[], datetime], team_id: str = "T0DEMO") -> None:
        self.team_id = team_id
        self.bot_token = f"xoxb-{team_id}-local"
        self.app_token = f"xapp-{team_id}-local"
        self.now = now
        self.scopes = set(SCOPES)
        self.revoked = False
        self.per_channel_limit = True
        self.history_delay_seconds = 0.0
        self.page_max = 999  # the most that one page of a listing holds, whatever `limit` says
        self.limit_required_over = 10_000  # people from which an unpaged users.list is refused
        self.users: dict[str, SlackUser] = {}
        self.messages: list[Message] = []
        self.answers: list[Answer] = []
        self.homes: dict[str, Json] = {}
        self.posts: list[Post] = []
        self.calls: Counter[str] = Counter()
        self.requests: list[tuple[str, Json]] = []  # method and decoded arguments, as received
        self.violations: list[str] = []
        self.history: dict[str, list[Message]] = {}  # by channel, the oldest first
        self.owners: dict[str, str] = {}  # channel -> person
        self.channels: dict[str, str] = {}  # person -> channel
        self.triggers: dict[str, tuple[str, float]] = {}  # unused trigger -> person, monotonic end
        self.spent_triggers: set[str] = set()
        self.replies: dict[str, Reply] = {}
        self.last_posted: dict[str, float] = {}  # channel -> monotonic
        self._listeners: list[Listener] = []
        self._last_ts_micros = 0
        self._serial = 0
        self.add_user("USLACKBOT", email=None, name="Slackbot", tz=None)  # Slack says is_bot false here
        self.add_user(self.bot_user_id, email=None, name="deadlines", is_bot=True)

    # ── people and channels ──────────────────────────────────────────────────────────────────────────────────────

    def add_user(self, slack_id: str, *, email: str | None, name: str, **fields: Any) -> SlackUser:
        """Add a member; `fields` are SlackUser's."""
        user = SlackUser(slack_id=slack_id, email=email, name=name, **fields)
        self.users[slack_id] = user
        return user

    def open_channel(self, slack_id: str) -> str:
        """The id of the bot's DM with this person, made where there is none."""
        if slack_id not in self.channels:
            channel = f"D{slack_id[1:]}"
            self.channels[slack_id], self.owners[channel], self.history[channel] = channel, slack_id, []
        return self.channels[slack_id]

    # ── instants and ids ─────────────────────────────────────────────────────────────────────────────────────────

    def next_ts(self) -> str:
        """A message id from `now()`: seconds with six decimals, strictly increasing."""
        micros = int(self.now().timestamp()) * 1_000_000 + self.now().microsecond
        self._last_ts_micros = max(micros, self._last_ts_micros + 1)
        return f"{self._last_ts_micros // 1_000_000}.{self._last_ts_micros % 1_000_000:06d}"

    def new_id(self, prefix: str) -> str:
        """An id that this workspace has not used yet."""
        self._serial += 1
        return f"{prefix}{self._serial:09d}"

    # ── what the methods do ──────────────────────────────────────────────────────────────────────────────────────

    def store(self, slack_id: str, text: str, blocks: list[Json], metadata: Json | None) -> Message:
        """Post the bot's message into this person's DM."""
        message = self._put(slack_id, text, blocks, metadata, by_bot=True)
        self.messages.append(message)
        self.tell("message", message)
        return message

    def store_said(self, slack_id: str, text: str) -> Message:
        """Post a person's own words into their DM with the bot."""
        message = self._put(slack_id, text, [], None, by_bot=False)
        self.tell("said", message)
        return message

    def _put(self, slack_id: str, text: str, blocks: list[Json], metadata: Json | None, *, by_bot: bool) -> Message:
        channel = self.open_channel(slack_id)
        message = Message(
            slack_id=slack_id, channel=channel, ts=self.next_ts(), text=text, blocks=blocks, metadata=metadata,
            at=self.now(), by_bot=by_bot, visible_from=time.monotonic() + self.history_delay_seconds,
        )  # fmt: skip
        self.history[channel].append(message)
        return message

    def edit(self, message: Message, text: str, blocks: list[Json]) -> None:
        """Change a message in place."""
        message.edits.append(Edit(at=self.now(), old_text=message.text, old_blocks=message.blocks))
        message.text, message.blocks = text, blocks
        self.tell("edit", message)

    def answer(self, slack_id: str, kind: AnswerKind, text: str, blocks: list[Json], **fields: Any) -> Answer:
        """Show something to one person only; `fields` are Answer's `view` and `about`."""
        answer = Answer(
            slack_id=slack_id, kind=kind, text=text, blocks=blocks, ts=self.next_ts(), at=self.now(), **fields
        )
        self.answers.append(answer)
        self.tell("answer", answer)
        return answer

    # ── those who watch ──────────────────────────────────────────────────────────────────────────────────────────

    def listen(self, callback: Listener) -> None:
        """Call back with "message", "edit", "answer", "answer_edit" or "said", and the Message or Answer."""
        self._listeners.append(callback)

    def tell(self, kind: Told, what: Message | Answer) -> None:
        """Tell those who listen."""
        for callback in self._listeners:
            callback(kind, what)
