"""The snapshot -> everybody's final decisions and planned notices in the outbox; person by person, in flat memory."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from bot.deadlines.freeze import MEASURE, PassSize, too_busy
from bot.deadlines.model import Reason
from bot.deadlines.plan import Plan
from bot.jobs.planner import Planner
from bot.jobs.recall import Recall
from bot.workspace import Workspace


@dataclass(kw_only=True)
class Decided:
    """What a pass came to before anything was sent."""

    pass_id: str
    at: datetime
    recall: Recall
    reasons: Counter[Reason] = field(default_factory=Counter)
    recipients: set[int] = field(default_factory=set)
    approved_days: set[date] = field(default_factory=set)  # local days that were approved before they came
    excused: set[int] = field(default_factory=set)  # whose local day is one of them: they do not count
    unread: set[int] = field(default_factory=set)  # of whom it could not be found out what they have heard
    frozen: str | None = None


async def decide(
    workspace: Workspace,
    now: datetime,
    pass_id: str,
    person_ids: Iterable[int] | None = None,
    *,
    held: str | None = None,
) -> Decided:
    """Decide for everybody (or these people) and put the planned notices into the outbox.

    Those who are due and of whom the store knows nothing are decided last, once their DMs have been read back. `held`
    is why nothing may be sent whatever is decided (a pull that shrank); else the size of the pass decides.
    Raises SlackError or AnotherCopy where what strangers have heard cannot be read.
    """
    workspace.store.outbox.drop_planned(at=now)
    planner = Planner(workspace.settings, workspace.store)
    decided, plan = Decided(pass_id=pass_id, at=now, recall=Recall(workspace, planner)), planner.plans(now)
    decided.approved_days = workspace.store.passes.approved_days()
    strangers: list[tuple[int, str]] = []
    for chunk in workspace.store.snapshots.dossiers(person_ids):
        plans = [plan(dossier) for dossier in chunk]
        strangers += _save_acquainted(workspace, planner, plans, decided, all_are=held is not None)
        await asyncio.sleep(0)  # commands are answered between two chunks
    decided.unread = await decided.recall.meet(strangers)
    for chunk in workspace.store.snapshots.dossiers([person_id for person_id, _ in strangers]):
        plans = [plan(dossier) for dossier in chunk]
        _save(workspace, plans, planner, decided)
        await asyncio.sleep(0)
    if person_ids is None:
        workspace.store.outbox.forget_vanished()
    busy = await _too_busy(workspace, decided)
    decided.frozen = "; ".join(text for text in (held, busy) if text) or None
    _apply_freeze(workspace, decided, busy)
    return decided


def _save_acquainted(
    workspace: Workspace, planner: Planner, plans: Sequence[Plan], decided: Decided, *, all_are: bool
) -> list[tuple[int, str]]:
    """Save these plans, but for those of people who are due and strangers: returns their LMS ids and Slack ids."""
    due = [plan.notice for plan in plans if plan.notice]
    decided.excused.update(notice.person_id for notice in due if notice.local_on in decided.approved_days)
    strange = set() if all_are or not due else workspace.store.known.strangers({n.slack_id for n in due})
    aside = {n.person_id: n.slack_id for n in due if n.slack_id in strange}
    _save(workspace, [plan for plan in plans if plan.person_id not in aside], planner, decided)
    return list(aside.items())


def _save(workspace: Workspace, plans: Sequence[Plan], planner: Planner, decided: Decided) -> None:
    """Save final decisions, and the notices that follow; whose DM could not be read is not written to."""
    going = [plan.notice for plan in plans if plan.notice and plan.notice.person_id not in decided.unread]
    notices = [(workspace.new_id(), notice, planner.named(notice)) for notice in going]
    workspace.store.outbox.save(plans, notices, pass_id=decided.pass_id, at=decided.at)
    decided.reasons.update(d.reason for plan in plans for d in plan.decisions)
    decided.recipients.update(notice.person_id for notice in going)


async def _too_busy(workspace: Workspace, decided: Decided) -> str | None:
    passes, pulled = workspace.store.passes, workspace.store.snapshots.last()
    going = decided.recipients | decided.unread
    if going and any(hold.kind == "pass" for hold in passes.holds()):
        going |= passes.held_people()  # a few in another zone do not end a freeze over many who wait
    size = PassSize(
        recipients=len(going - decided.excused - passes.approved_people()),
        people=pulled.people if pulled else 0,
        largest=passes.largest_since(decided.at - MEASURE),
        first=passes.is_first(),
        rebuilt=passes.is_rebuilt(),
    )
    found = too_busy(size, workspace.settings.policy.freeze)
    if found and size.first and await decided.recall.anything_said():
        return None  # a wiped disk is no first installation, and has no other measure
    return "; ".join(found) or None


def _apply_freeze(workspace: Workspace, decided: Decided, busy: str | None) -> None:
    if decided.frozen is None:
        return
    workspace.store.outbox.hold_planned()
    if busy:
        workspace.store.passes.freeze("pass", busy, decided.at)
    decided.reasons[Reason.FROZEN] += decided.reasons.pop(Reason.SEND, 0)
