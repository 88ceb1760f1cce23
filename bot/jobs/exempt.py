"""An admin exempts a person from reminders, or ends that: found, checked and stored, in one short transaction each.

Needs no lease: a process that sends decides afresh before it posts, so that what was planned for them is dropped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from bot.deadlines.calendar import LocalNow
from bot.deadlines.model import Exemption
from bot.errors import CourseNotFound, UsageError
from bot.jobs.people import zone_of
from bot.jobs.remind import find_person
from bot.settings import Settings
from bot.store import Store

A_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Exempted:
    """What became of somebody's exemptions."""

    person_id: int
    holds: tuple[Exemption, ...]  # from now on, on their local day
    changed: bool = True
    ended: tuple[Exemption, ...] = ()


def last_day(text: str) -> date:
    """A real day, `YYYY-MM-DD`. Raises UsageError."""
    try:
        if A_DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise UsageError(f"--until {text!r} is no day.", fix="Give a real one as YYYY-MM-DD, such as 2027-08-31.")


def exempt(
    settings: Settings,
    store: Store,
    wanted: str,
    course_id: int | None,
    until_on: date | None,
    *,
    now: datetime,
    by: str,
) -> Exempted:
    """No reminders of this course, or of any, up to and including that day. Raises UsageError for one that is past."""
    person_id = find_person(store, wanted)
    if course_id and store.snapshots.looked_at(course_id) is None:
        raise CourseNotFound(f"No course {course_id} was pulled.")
    today = _today(settings, store, person_id, now)
    if until_on and until_on < today:
        raise UsageError(
            f"--until {until_on} is past: LMS {person_id} has {today} already.", fix="Give today or a later day."
        )
    changed = store.exemptions.add(person_id, course_id, until_on, at=now, by=by)
    return Exempted(person_id=person_id, holds=_holding(store, person_id, today), changed=changed)


def unexempt(
    settings: Settings, store: Store, wanted: str, course_id: int | None, *, now: datetime, by: str
) -> Exempted:
    """Reminders again: the exemption from this course ends, or every one of theirs."""
    person_id = find_person(store, wanted)
    ended = tuple(e for e in store.exemptions.of(person_id) if course_id in (None, e.course_id))
    changed = store.exemptions.remove(person_id, course_id, at=now, by=by) > 0
    holds = _holding(store, person_id, _today(settings, store, person_id, now))
    return Exempted(person_id=person_id, holds=holds, changed=changed, ended=ended)


def _today(settings: Settings, store: Store, person_id: int, now: datetime) -> date:
    """The person's own local date."""
    hours = settings.policy.hours
    zone = zone_of(store.snapshots.dossier(person_id), settings)
    return LocalNow(now=now, zone=zone, start=hours.start, end=hours.end).today


def _holding(store: Store, person_id: int, today: date) -> tuple[Exemption, ...]:
    return tuple(e for e in store.exemptions.of(person_id) if e.until_on is None or e.until_on >= today)
