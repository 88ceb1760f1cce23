"""Finds out what became of notices whose fate is not known, by reading them back from Slack.

A history may lag behind a post, and a post may still arrive after our time-out: nothing is read back before both have
had their time. What is found was sent; what is not found by then was not, and goes back to be decided again. Where one
person's DM cannot be read, that notice stays unknown and counts as said; the others go on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import structlog

from bot.errors import SlackDenied
from bot.slack.api import LAG_SECONDS, TIMEOUT_SECONDS
from bot.store import State, StoredNotice
from bot.workspace import Workspace

T = TypeVar("T")

log = structlog.get_logger()

WAITING = "waiting until Slack shows all that was sent"
WAIT_SECONDS = TIMEOUT_SECONDS + LAG_SECONDS  # after the claim, by the real clock


class OnItsWay(Protocol):
    """A notice or a letter whose fate is not known."""

    @property
    def state(self) -> State:
        """Sending or unknown."""
        ...

    @property
    def claimed_at(self) -> datetime | None:
        """By the real clock."""
        ...


async def settle(workspace: Workspace) -> None:
    """Settle every notice that is unknown, or was being sent by a process that is gone.

    Raises SlackRefused or SlackUnreachable where Slack cannot be read at all: then all stay as they are.
    """
    unsettled = workspace.store.outbox.unsettled()
    await wait_out(workspace, unsettled)
    channels: dict[str, str] | None = None  # listed after the wait: a first DM makes its channel as it arrives
    for notice in unsettled:
        channel_id, after_ts = workspace.store.outbox.before(notice)
        if channel_id is None:
            channels = await workspace.slack.dm_channels() if channels is None else channels
            channel_id = channels.get(notice.slack_id)
        try:
            ts = await _find(workspace, channel_id, after_ts, notice.notice_id) if channel_id else None
        except SlackDenied as error:
            log.warning("notice.unknown", notice_id=notice.notice_id, error=error.message)
            continue
        _record(workspace, notice, channel_id, ts)


def _record(workspace: Workspace, notice: StoredNotice, channel_id: str | None, ts: str | None) -> None:
    if channel_id and ts:
        workspace.store.outbox.sent(notice.notice_id, channel_id=channel_id, ts=ts, at=workspace.clock())
    else:
        workspace.store.outbox.back(notice.notice_id)
    log.info("notice.settled", notice_id=notice.notice_id, found=bool(ts))


async def wait_out(workspace: Workspace, unsettled: Sequence[OnItsWay]) -> None:
    """Until each of them has had its time, whatever the clock says and however long a post began after its claim.

    The post of an unknown one is over, so that only Slack still needs time; that of a process which is gone may have
    left it a moment ago.
    """
    if not unsettled:
        return
    claimed_at = max((n.claimed_at for n in unsettled if n.claimed_at), default=None)
    left = (claimed_at + timedelta(seconds=WAIT_SECONDS) - workspace.wall()).total_seconds() if claimed_at else 0.0
    least = WAIT_SECONDS if any(n.state is State.SENDING for n in unsettled) else LAG_SECONDS
    workspace.progress(WAITING, 0, None)
    await workspace.sleep(min(max(least, left), WAIT_SECONDS))


async def _find(workspace: Workspace, channel_id: str, after_ts: str | None, notice_id: str) -> str | None:
    pages = workspace.slack.own_messages(channel_id, after_ts=after_ts)
    own = await found_in(pages, lambda own: own.notice_id == notice_id)
    return own.ts if own else None


async def found_in(pages: AsyncIterator[list[T]], is_it: Callable[[T], bool]) -> T | None:
    """The first of a history that is the one looked for; no page after it is read."""
    async for page in pages:
        for own in page:
            if is_it(own):
                return own
    return None
