"""Notices another copy of the bot that works from a store of its own: two disks know nothing of each other's lease.

Before a pass sends, the DMs of its first recipients are read back, and a reminder that this store did not write stops
it. Two copies that tick at the same moment both find nothing; so the first DM of a pass goes alone and its channel is
read once more: of two copies the one whose DM came second stops there, with that one person told twice. What begins or
shows later is found by looks every few seconds while a pass sends.
"""

from __future__ import annotations

import asyncio

import structlog

from bot.errors import SlackDenied, SlackError, SlackRefused
from bot.jobs.recall import Recall, another_copy
from bot.store import State
from bot.workspace import Workspace

log = structlog.get_logger()

RECIPIENTS = 5  # whose DMs are read back before a pass


async def check_before(workspace: Workspace, recall: Recall) -> set[int]:
    """Raise AnotherCopy where one of the first recipients heard from another copy; SlackError where nobody can tell.

    A DM that cannot be read keeps that one person waiting; returns who waits so, by LMS id.
    """
    looked, waiting = 0, set[int]()
    for notice_id in workspace.store.outbox.planned():
        if looked == RECIPIENTS:
            break
        notice = workspace.store.outbox.notice(notice_id)
        slack_id = notice.slack_id
        channel_id, after_ts = await recall.channel_of(slack_id)
        if channel_id is None:
            await asyncio.sleep(0)  # commands are answered meanwhile
            continue
        try:
            strange = not recall.has_read(slack_id) and await _strange(workspace, channel_id, after_ts)
        except SlackDenied as error:
            log.warning("dm.unread", people=1, error=error.message)
            workspace.store.outbox.drop(notice_id, detail="unread", at=workspace.clock())
            waiting.add(notice.person_id)
            continue
        if strange:
            raise another_copy(workspace)
        looked += 1
    return waiting


async def check_after(workspace: Workspace, notice_id: str) -> None:
    """Raise AnotherCopy where another copy's DM came to this person just before ours. Raises SlackRefused."""
    notice = workspace.store.outbox.notice(notice_id)
    if notice.state is not State.SENT or notice.channel_id is None or notice.ts is None:
        return
    _, before_ts = workspace.store.outbox.before(notice)
    strange = await _strange_if_it_can_be_read(workspace, notice.channel_id, before_ts)
    if any(ts < notice.ts for ts in strange):
        raise another_copy(workspace)


async def check_next(workspace: Workspace, notice_id: str) -> None:
    """Raise AnotherCopy where the person who is to hear next has heard from another copy. Raises SlackRefused."""
    channel_id, after_ts = workspace.store.known.last_dm(workspace.store.outbox.notice(notice_id).slack_id)
    if channel_id and await _strange_if_it_can_be_read(workspace, channel_id, after_ts):
        raise another_copy(workspace)


async def _strange_if_it_can_be_read(workspace: Workspace, channel_id: str, after_ts: str | None) -> list[str]:
    """As `_strange`; nothing where the DM cannot be read: reminders under way do not wait for that."""
    try:
        return await _strange(workspace, channel_id, after_ts)
    except SlackRefused:
        raise
    except SlackError:
        return []


async def _strange(workspace: Workspace, channel_id: str, after_ts: str | None) -> list[str]:
    """The ts of each reminder in this DM that this store did not write."""
    pages = workspace.slack.own_messages(channel_id, after_ts=after_ts)
    found = {own.notice_id: own.ts async for page in pages for own in page}
    known = workspace.store.known.wrote(found)
    return [ts for notice_id, ts in found.items() if notice_id not in known]
