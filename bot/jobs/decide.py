"""The snapshot -> everybody's final decisions and planned notices in the outbox; person by person, in flat memory."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.deadlines.freeze import PassSize, too_busy
from bot.deadlines.model import Course, Notice, Reason
from bot.deadlines.plan import Plan, plan
from bot.jobs.calendars import Calendars
from bot.jobs.keys import reminder_key
from bot.jobs.people import day_of
from bot.settings import Settings
from bot.store import Dossier, Named, Store
from bot.workspace import Workspace

MEASURE = timedelta(days=14)  # the busiest pass in this long is what a pass is measured by


@dataclass(kw_only=True)
class Decided:
    """What a pass came to before anything was sent."""

    pass_id: str
    at: datetime
    reasons: Counter[Reason] = field(default_factory=Counter)
    recipients: set[int] = field(default_factory=set)
    frozen: str | None = None


class Planner:
    """Plans one person after another, remembering courses and calendars. Raises SettingsError for unknown countries."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store = settings, store
        self._calendars = Calendars(settings.policy.hours, settings.default_country)
        self._courses: dict[int, Course] = {}

    def course(self, course_id: int) -> Course:
        """A course, read once."""
        if course_id not in self._courses:
            self._courses[course_id] = self._store.snapshots.course(course_id)
        return self._courses[course_id]

    def plan(self, dossier: Dossier, now: datetime, *, fresh: bool | None = None) -> Plan:
        """What this person hears at this instant. `fresh` None: as young as the last pull is."""
        day = day_of(dossier, self._settings, self._calendars, now)
        is_fresh = self.is_fresh(now) if fresh is None else fresh
        return plan(day, dossier.assignments, dossier.said, self.course, fresh=is_fresh)

    def is_fresh(self, now: datetime) -> bool:
        """Whether the last pull is young enough to send by; one from the future is not to be trusted."""
        pulled = self._store.snapshots.last()
        limit = timedelta(hours=self._settings.policy.pull.stale_after_hours)
        return pulled is not None and timedelta(0) <= now - pulled.at <= limit

    def named(self, notice: Notice) -> tuple[Named, ...]:
        """The notice's courses as the DM will name them, with their keys."""
        key, team_id = self._settings.reminder_keys[0], self._store.team_id
        return tuple(
            Named(
                course_id=r.course_id,
                title=self.course(r.course_id).title,
                step=r.step,
                deadline_on=r.deadline_on,
                key=reminder_key(key, team_id, notice.person_id, r),
                reproach_free=r.reproach_free,
                locked=self.course(r.course_id).lock_after_deadline and r.step.kind == "overdue",
            )
            for r in notice.reminders
        )


async def decide(
    workspace: Workspace,
    now: datetime,
    pass_id: str,
    person_ids: Iterable[int] | None = None,
    *,
    held: str | None = None,
) -> Decided:
    """Decide for everybody (or these people) and put the planned notices into the outbox.

    `held` is why nothing may be sent whatever is decided (a pull that shrank); else the size of the pass decides.
    """
    workspace.store.outbox.drop_planned()
    decided, planner = Decided(pass_id=pass_id, at=now), Planner(workspace.settings, workspace.store)
    for chunk in workspace.store.snapshots.dossiers(person_ids):
        _save(workspace, planner, chunk, decided)
        await asyncio.sleep(0)  # commands are answered between two chunks
    if person_ids is None:
        workspace.store.outbox.forget_vanished()
    busy = _too_busy(workspace, decided)
    decided.frozen = "; ".join(text for text in (held, busy) if text) or None
    _apply_freeze(workspace, decided, busy)
    return decided


def _save(workspace: Workspace, planner: Planner, chunk: list[Dossier], decided: Decided) -> None:
    fresh = planner.is_fresh(decided.at)
    plans = [planner.plan(dossier, decided.at, fresh=fresh) for dossier in chunk]
    notices = [(workspace.new_id(), p.notice, planner.named(p.notice)) for p in plans if p.notice is not None]
    decisions = [d for p in plans for d in p.decisions]
    ids = [d.person_id for d in chunk]
    workspace.store.outbox.save(ids, decisions, notices, pass_id=decided.pass_id, at=decided.at)
    decided.reasons.update(d.reason for d in decisions)
    decided.recipients.update(notice.person_id for _, notice, _ in notices)


def _too_busy(workspace: Workspace, decided: Decided) -> str | None:
    passes, pulled = workspace.store.passes, workspace.store.snapshots.last()
    size = PassSize(
        recipients=len(decided.recipients - passes.approved_people()),
        people=pulled.people if pulled else 0,
        largest=passes.largest_since(decided.at - MEASURE),
        first=passes.is_first(),
    )
    return "; ".join(too_busy(size, workspace.settings.policy.freeze)) or None


def _apply_freeze(workspace: Workspace, decided: Decided, busy: str | None) -> None:
    if decided.frozen is None:
        return
    workspace.store.outbox.hold_planned()
    if busy:
        workspace.store.passes.freeze("pass", busy, decided.at)
    decided.reasons[Reason.FROZEN] += decided.reasons.pop(Reason.SEND, 0)
