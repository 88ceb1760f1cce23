"""Why did I (not) get this? The same decisions as a pass's, for one person at one instant, without doing anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.deadlines.model import Course, Decision, Person
from bot.jobs.people import person_of
from bot.jobs.planner import Planner
from bot.settings import Settings
from bot.store import Dossier, Store


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """One person and every assignment's decision."""

    person: Person
    dossier: Dossier  # what it was decided from
    decisions: tuple[tuple[Course, Decision], ...]


def explain_person(
    settings: Settings, store: Store, person_id: int, now: datetime, *, assume_pulls: bool = False
) -> Explanation:
    """Decide for this person at `now`. `assume_pulls`: as if pulls had gone on until then."""
    planner = Planner(settings, store)
    dossier = store.snapshots.dossier(person_id)
    plan = planner.plan(dossier, now, fresh=True if assume_pulls else None)
    final = plan.frozen() if store.passes.frozen() else plan
    return Explanation(
        person=person_of(dossier, settings),
        dossier=dossier,
        decisions=tuple((planner.course(course_id), d) for course_id, d in final.by_course()),
    )
