"""One Slack workspace in hand: its settings, clients, store, clock and chance. Nothing is global.

app.py builds it and hands it down; a second workspace in the same process is a second value. Two clocks: `clock`
tells the instant that decisions are made for, which `--now` and `--clock` replace; `wall` and `sleep` are the real
one, for leases, waits and time-outs.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.lms import Source
from bot.settings import Settings
from bot.slack.api import Slack
from bot.store import Store


class Lease(Protocol):
    """Who may send from the store."""

    def take(self) -> bool:
        """Take it, without waiting; False while another process holds it."""
        ...

    def release(self) -> None:
        """Let go of it."""
        ...

    @property
    def held(self) -> bool:
        """Whether this process has it."""
        ...


class Progress(Protocol):
    """Where long work says how far it is."""

    def __call__(self, what: str, done: int, total: int | None) -> None:
        """`done` of `total` (None: not known) of what is being done."""
        ...


def silent(what: str, done: int, total: int | None) -> None:
    """Shows no progress."""


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """Everything that a job or an answer needs."""

    settings: Settings
    source: Source
    slack: Slack
    store: Store
    lease: Lease
    clock: Callable[[], datetime]
    wall: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    new_id: Callable[[], str]
    monotonic: Callable[[], float] = time.monotonic
    progress: Progress = silent
    stopping: Callable[[], bool] = lambda: False  # whether the process has been asked to stop
