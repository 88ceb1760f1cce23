"""Finds out what became of notices whose fate is not known, by reading them back from Slack.

A history may lag behind a post, so nothing is read back before the post's own time-out has passed. What is found was
sent; what is not found surely was not, and goes back to be decided again.
"""

from __future__ import annotations

from datetime import timedelta

import structlog

from bot.slack.api import TIMEOUT_SECONDS
from bot.store import StoredNotice
from bot.workspace import Workspace

log = structlog.get_logger()


async def settle(workspace: Workspace) -> int:
    """Settle every notice that is unknown, or was being sent by a process that is gone; returns how many there were.

    Raises SlackError where Slack cannot be read: then they stay as they are, and count as said.
    """
    unsettled = workspace.store.outbox.unsettled()
    channels: dict[str, str] | None = None
    for notice in unsettled:
        await _wait_out(workspace, notice)
        channel_id, after_ts = workspace.store.outbox.last_ts(notice.person_id)
        if channel_id is None:
            channels = await workspace.slack.dm_channels() if channels is None else channels
            channel_id = channels.get(notice.slack_id)
        ts = await _find(workspace, channel_id, after_ts, notice.notice_id) if channel_id else None
        if channel_id and ts:
            workspace.store.outbox.sent(notice.notice_id, channel_id=channel_id, ts=ts, at=workspace.clock())
        else:
            workspace.store.outbox.back(notice.notice_id)
        log.info("notice.settled", notice_id=notice.notice_id, found=bool(ts))
    return len(unsettled)


async def _wait_out(workspace: Workspace, notice: StoredNotice) -> None:
    if notice.claimed_at is None:
        return
    late = notice.claimed_at + timedelta(seconds=TIMEOUT_SECONDS) - workspace.wall()
    # A clock that was set back must not make us wait for long.
    await workspace.sleep(min(max(0.0, late.total_seconds()), TIMEOUT_SECONDS))


async def _find(workspace: Workspace, channel_id: str, after_ts: str | None, notice_id: str) -> str | None:
    async for page in workspace.slack.own_messages(channel_id, after_ts=after_ts):
        for own in page:
            if own.notice_id == notice_id:
                return own.ts
    return None
