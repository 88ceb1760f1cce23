"""Notices another copy of the bot that works from a store of its own: two disks know nothing of each other's lease.

Before a pass sends, the DMs of its first recipients are read back, and a reminder that this store did not write stops
it. Two copies that tick at the same moment both find nothing; so the first DM of a pass goes alone and its channel is
read once more: of two copies the one whose DM came second stops there, with that one person told twice at most.
"""

from __future__ import annotations

from bot.errors import SlackError, SlackRefused
from bot.jobs.recall import Recall, another_copy
from bot.store import State
from bot.workspace import Workspace

RECIPIENTS = 5  # whose DMs are read back before a pass


async def check_before(workspace: Workspace, recall: Recall) -> None:
    """Raise AnotherCopy where one of the first recipients heard from another copy; SlackError where nobody can tell."""
    looked = 0
    for notice_id in workspace.store.outbox.planned():
        if looked == RECIPIENTS:
            return
        slack_id = workspace.store.outbox.notice(notice_id).slack_id
        channel_id, after_ts = await recall.channel_of(slack_id)
        if channel_id is None:
            continue
        looked += 1
        if not recall.has_read(slack_id) and await _strange(workspace, channel_id, after_ts):
            raise another_copy(workspace)


async def check_after(workspace: Workspace, notice_id: str) -> None:
    """Raise AnotherCopy where another copy's DM came to this person just before ours. Raises SlackRefused."""
    notice = workspace.store.outbox.notice(notice_id)
    if notice.state is not State.SENT or notice.channel_id is None or notice.ts is None:
        return
    _, before_ts = workspace.store.outbox.before(notice)
    try:
        strange = await _strange(workspace, notice.channel_id, before_ts)
    except SlackRefused:
        raise
    except SlackError:
        return  # the check before the pass was made; reminders do not wait for this one
    if any(ts < notice.ts for ts in strange):
        raise another_copy(workspace)


async def _strange(workspace: Workspace, channel_id: str, after_ts: str | None) -> list[str]:
    """The ts of each reminder in this DM that this store did not write."""
    pages = workspace.slack.own_messages(channel_id, after_ts=after_ts)
    found = {own.notice_id: own.ts async for page in pages for own in page}
    known = workspace.store.known.wrote(found)
    return [ts for notice_id, ts in found.items() if notice_id not in known]
