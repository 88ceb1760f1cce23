"""What happens when somebody presses a button of a DM. Every press is acked first and authorised again here.

A button's value is the notice's opaque id: whoever forges one learns nothing, since a notice is only ever explained to
the person it was sent to. What admins can approve is approved for nobody else, and a freeze only by a button that was
made for it.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond

from bot.answers.guard import guarded
from bot.jobs.admins import freeze_ids, has_grown, words_of
from bot.jobs.explain import Explanation, explain_person
from bot.slack.digests import APPROVE, APPROVE_DAY
from bot.slack.messages import answer, escape, literal
from bot.slack.reasons import received
from bot.slack.words import Words, words
from bot.store import StoredNotice
from bot.workspace import Workspace

log = structlog.get_logger()

BUTTONS = ("open", "plan", "done", "why")  # the action ids of messages.py
ADMIN_BUTTONS = (APPROVE, APPROVE_DAY)  # and those of digests.py


def register(app: AsyncApp, workspace: Workspace) -> None:
    """Listen to every button. Listeners are closures: Bolt gives arguments by name and would give others None."""

    @guarded
    async def pressed(ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond) -> None:
        await ack()
        action = body["actions"][0]
        log.info("button.pressed", action=action.get("action_id"))
        if paragraphs := _answer(workspace, action, body["user"]["id"]):
            text, blocks = answer(paragraphs)
            await respond(text=text, blocks=blocks, response_type="ephemeral", replace_original=False)

    for action_id in (*BUTTONS, *ADMIN_BUTTONS):
        app.action(action_id)(pressed)


def _answer(workspace: Workspace, action: dict[str, Any], slack_id: str) -> list[str]:
    """What the presser is told, a paragraph a course; nothing for a link, which only needs an ack."""
    action_id, value = str(action.get("action_id")), str(action.get("value", ""))
    if action_id == "open":
        return []
    if action_id in ADMIN_BUTTONS:
        return [_approval(workspace, action_id, value, slack_id)]
    notice = _own_notice(workspace, value, slack_id)
    if notice is None:
        return [words(workspace.settings.default_language).t("This button belongs to a reminder that is not yours.")]
    found = explain_person(workspace.settings, workspace.store, notice.person_id, workspace.clock())
    said = words(found.person.language)
    return _why(said, notice, found) if action_id == "why" else [_promise(said, action_id)]


def _why(said: Words, notice: StoredNotice, found: Explanation) -> list[str]:
    """Of each course that the DM names: why it was named that day, and how it stands now."""
    now = {course.course_id: found.in_words(said, course, decision) for course, decision in reversed(found.decisions)}
    gone = said.t("The course is not required.")
    return [
        f"*{escape(n.title)}*\n{received(said, notice.local_on, n.step)} {literal(now.get(n.course_id, gone))}"
        for n in notice.named
    ]


def _promise(said: Words, action_id: str) -> str:
    """What is true of the two buttons that this version does not act on yet."""
    if action_id == "done":
        return said.t(
            "Thank you! I ask the learning system again before I remind you of anything, "
            "and this message turns ✅ as soon as it says that you have finished."
        )
    return said.t("I can't plan a time for you yet; please put one into your calendar.")


def _own_notice(workspace: Workspace, notice_id: str, slack_id: str) -> StoredNotice | None:
    try:
        notice = workspace.store.outbox.notice(notice_id)
    except KeyError:
        return None
    return notice if notice.slack_id == slack_id else None


# ── what admins approve ──


def _approval(workspace: Workspace, action_id: str, value: str, slack_id: str) -> str:
    """Do it for an admin, and say what happened; anybody else is told nothing."""
    said = words_of(workspace.settings, workspace.store, slack_id)
    if slack_id not in workspace.settings.slack_admins:
        return said.t("Only an admin of this bot can do that.")
    approve = _approve if action_id == APPROVE else _approve_day
    return approve(workspace, said, value, f"slack:{slack_id}")


def _approve(workspace: Workspace, said: Words, value: str, by: str) -> str:
    """Release the freeze that this button was made for; never one that came later."""
    passes = workspace.store.passes
    holds = passes.holds()
    holding = set(freeze_ids(holds))
    if not holding:
        return said.t("That is done already: nothing is held.")
    if not holding <= set(value.split()) or has_grown(holds, value.split()):
        return said.t("This button belongs to an earlier hold. Another one is on: its own message has its own button.")
    passes.approve(workspace.clock(), by)
    return said.t("Approved. The next pass sends what is still right.")


def _approve_day(workspace: Workspace, said: Words, value: str, by: str) -> str:
    """Let the reminders of a day that has not come yet go out without a further question."""
    passes, now = workspace.store.passes, workspace.clock()
    on = _day(value)
    if on is None or on < now.astimezone(ZoneInfo(workspace.settings.default_timezone)).date():
        return said.t("That day is over.")
    if on in passes.approved_days():
        return said.t("That is done already: {date} is approved.", date=said.date(on))
    passes.approve_day(on, now, by)
    return said.t("Approved. The reminders of {date} go out in time.", date=said.date(on))


def _day(value: str) -> date | None:
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None
