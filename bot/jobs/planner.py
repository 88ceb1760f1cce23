"""Everything about a person -> what they hear at an instant, and their courses as a DM names them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.deadlines.calendar import WorkCalendar
from bot.deadlines.model import Course, Notice, Person, Reminder
from bot.deadlines.plan import Plan, plan, plan_alike
from bot.deadlines.policy import Day
from bot.deadlines.verdicts import Verdicts
from bot.jobs.calendars import calendars_of
from bot.jobs.keys import reminder_key
from bot.jobs.people import person_of
from bot.settings import Settings
from bot.store import Dossier, Named, Store


class Planner:
    """Plans one person after another, remembering courses and calendars. Raises SettingsError for unknown countries."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store = settings, store
        self._calendars = calendars_of(settings)
        self._courses: dict[int, Course] = {}

    def course(self, course_id: int) -> Course:
        """A course, read once."""
        if course_id not in self._courses:
            self._courses[course_id] = self._store.snapshots.course(course_id)
        return self._courses[course_id]

    def day(self, dossier: Dossier, now: datetime) -> Day:
        """The person's day at this instant."""
        person, calendar = self._person(dossier)
        return Day(person=person, policy=self._settings.policy, calendar=calendar, now=now)

    def plan(self, dossier: Dossier, now: datetime, *, fresh: bool | None = None) -> Plan:
        """What this person hears at this instant. `fresh` None: as young as the last pull is."""
        is_fresh = self.is_fresh(now) if fresh is None else fresh
        return plan(self.day(dossier, now), dossier.assignments, dossier.said, self.course, fresh=is_fresh)

    def plans(self, now: datetime, *, fresh: bool | None = None) -> Callable[[Dossier], Plan]:
        """The same for one after another of many people at one instant, each kind of assignment decided once."""
        is_fresh = self.is_fresh(now) if fresh is None else fresh
        verdicts = Verdicts(self._settings.policy, now, self.course)
        return lambda dossier: plan_alike(
            verdicts, *self._person(dossier), dossier.assignments, dossier.said, fresh=is_fresh
        )

    def _person(self, dossier: Dossier) -> tuple[Person, WorkCalendar]:
        country = dossier.learner.country if dossier.learner else None
        return person_of(dossier, self._settings), self._calendars.of(country)

    def is_fresh(self, now: datetime) -> bool:
        """Whether the last pull is young enough to send by; one from the future is not to be trusted."""
        pulled = self._store.snapshots.last()
        limit = timedelta(hours=self._settings.policy.pull.stale_after_hours)
        return pulled is not None and timedelta(0) <= now - pulled.at <= limit

    def named(self, notice: Notice) -> tuple[Named, ...]:
        """The notice's courses as the DM will name them, with their keys."""
        key, team_id = self._settings.reminder_keys[0], self._store.team_id
        return tuple(self.name(r, reminder_key(key, team_id, notice.person_id, r)) for r in notice.reminders)

    def name(self, reminder: Reminder, key: str) -> Named:
        """A course as a DM names it, with its key."""
        course = self.course(reminder.course_id)
        return Named(
            course_id=reminder.course_id,
            title=course.title,
            step=reminder.step,
            deadline_on=reminder.deadline_on,
            key=key,
            reproach_free=reminder.reproach_free,
            locked=course.lock_after_deadline and reminder.step.kind == "overdue",
        )
