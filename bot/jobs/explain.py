"""Why did I (not) get this? The same decisions as a pass's, for one person at one instant, without doing anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.deadlines.model import Course, Decision, Person, Said
from bot.deadlines.policy import Day
from bot.jobs.calendars import country_code
from bot.jobs.planner import Planner
from bot.settings import Settings
from bot.slack.reasons import Facts, explain
from bot.slack.upcoming import DayOff
from bot.slack.words import Words
from bot.store import Dossier, Store


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """One person and every assignment's decision."""

    day: Day  # theirs, at the instant that was asked about
    dossier: Dossier  # what it was decided from
    decisions: tuple[tuple[Course, Decision], ...]  # by course, of each the one that governs first
    country: str | None  # the ISO code of whose working days count; None: Monday to Friday
    pulled_at: datetime | None

    @property
    def person(self) -> Person:
        """The person, as decisions see them."""
        return self.day.person

    def in_words(self, words: Words, course: Course, decision: Decision) -> str:
        """Why, and what comes next, with all the facts that are known."""
        facts = Facts(
            policy=self.day.policy,
            course_id=course.course_id,
            person=self.person,
            said=tuple(s for s in self.dossier.said if s.course_id == course.course_id),
            governs_on=next(d.deadline_on for c, d in self.decisions if c.course_id == course.course_id),
            day_off=_day_off(self.day),
            country=self.country,
            now=self.day.now,
            pulled_at=self.pulled_at,
        )
        return explain(words, decision, self.person.zone, facts=facts)

    def last_said(self, course_id: int) -> Said | None:
        """The last reminder of this course that went out, or may have."""
        about = [s for s in self.dossier.said if s.course_id == course_id]
        return max(about, key=lambda s: (s.said_on, s.deadline_on), default=None)


def explain_person(
    settings: Settings, store: Store, person_id: int, now: datetime, *, assume_pulls: bool = False
) -> Explanation:
    """Decide for this person at `now`. `assume_pulls`: as if pulls had gone on until then."""
    planner = Planner(settings, store)
    dossier, pulled = store.snapshots.dossier(person_id), store.snapshots.last()
    plan = planner.plan(dossier, now, fresh=True if assume_pulls else None)
    final = plan.frozen() if store.passes.frozen() else plan
    theirs = dossier.learner.country if dossier.learner else None
    return Explanation(
        day=planner.day(dossier, now),
        dossier=dossier,
        decisions=tuple((planner.course(course_id), d) for course_id, d in final.by_course()),
        country=country_code(theirs) or country_code(settings.default_country),
        pulled_at=pulled.at if pulled else None,
    )


def _day_off(day: Day) -> DayOff | None:
    """Which kind of day off their today is."""
    if day.calendar.is_working(day.today):
        return None
    if day.today.weekday() in day.calendar.weekend:
        return "weekend"
    own = {day.today.isoformat(), f"{day.today:%m-%d}"} & set(day.policy.hours.days_off)
    return "own" if own else "holiday"
