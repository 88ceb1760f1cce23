"""Keeps earlier DMs true: a course finished since becomes ✅, a moved deadline or one no longer owed says so."""

from __future__ import annotations

import structlog

from bot.jobs.render import correction
from bot.slack.outcomes import Posted, Refused
from bot.workspace import Workspace

log = structlog.get_logger()

EDIT_SECONDS = 240  # that one pass may spend on edits


async def correct(workspace: Workspace) -> int:
    """Edit sent DMs that are no longer true, for EDIT_SECONDS at most; returns how many. Raises SlackRefused.

    One that Slack does not let us edit any more is left as it is, for good; one whose outcome is not known is edited
    again at the next pass, which does no harm. Reminders must not wait for edits: those take a minute for fifty.
    """
    waiting = workspace.store.outbox.corrections()
    begun = workspace.monotonic()
    for done, notice_id in enumerate(waiting):
        if workspace.stopping() or workspace.monotonic() - begun > EDIT_SECONDS:
            return done
        if not await correct_one(workspace, notice_id):
            return done  # Slack does not answer: the next pass finds the rest again
        workspace.progress("edits", done + 1, len(waiting))
    return len(waiting)


async def correct_one(workspace: Workspace, notice_id: str) -> bool:
    """Edit this DM to say what has become of its courses; False where Slack gave no usable answer."""
    notice, truth = workspace.store.outbox.notice(notice_id), workspace.store.outbox.true_state(notice_id)
    if notice.channel_id is None or notice.ts is None:
        return True
    dossier = workspace.store.snapshots.dossier(notice.person_id)
    outcome = await workspace.slack.update(
        notice.channel_id, notice.ts, correction(workspace.settings, notice, dossier, truth)
    )
    if isinstance(outcome, Posted | Refused):
        workspace.store.outbox.shown(notice_id, {course_id: state for course_id, (state, _) in truth.items()})
    log.info("notice.corrected", notice_id=notice_id, outcome=type(outcome).__name__)
    return isinstance(outcome, Posted | Refused)
