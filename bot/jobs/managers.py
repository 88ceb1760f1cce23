"""The managers' weekly digests: who is to be told now, and of what -> letters, handed to the mail room.

Asked at each tick. Whoever's letter of the week exists already, or whose clock says no, is passed over by a few columns
of theirs; reports are read of those managers alone who remain.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import TypeAlias

from bot.deadlines.calendar import LocalNow, zone_info
from bot.deadlines.policy import Day
from bot.deadlines.team import Entry, Overdue, digest_due, digest_week, is_worth_sending, overdue
from bot.deadlines.terms import WEEKDAYS
from bot.jobs.aside import aside
from bot.jobs.letters import SECONDS_MOST, Letter, deliver_letters
from bot.jobs.planner import Planner
from bot.settings import Settings
from bot.slack.messages import Block
from bot.slack.team_digest import Missed, Report, team_digest
from bot.slack.words import words
from bot.store import Dossier, Store
from bot.workspace import Workspace

AT_ONCE = 50  # letters that are made before they are posted

Told: TypeAlias = Callable[[str, str], bool]  # (Slack id, week) -> whether that week's letter exists
Last: TypeAlias = Callable[[str], tuple[datetime, str] | None]  # Slack id -> when the last digest went, and its content


async def tell_managers(workspace: Workspace, now: datetime) -> None:
    """Tell each manager who is due at `now`, a few at a time. Raises SlackError, StoreError or SettingsError."""
    settings, letters, begun = workspace.settings, workspace.store.letters, workspace.monotonic()

    def who(other: Store) -> Due:
        return due_managers(
            settings, other, now, lambda slack_id, week: other.letters.is_told("managers", slack_id, week)
        )

    def last(slack_id: str) -> tuple[datetime, str] | None:
        found = letters.last("managers", slack_id, posted=True)
        return (found.at, found.content) if found and found.at else None

    found = manager_letters(settings, workspace.store, now, await aside(workspace, who), last)
    while (some := await _some(found)) and not workspace.stopping():
        await deliver_letters(workspace, some)
        if workspace.monotonic() - begun > SECONDS_MOST:
            return  # reminders wait: the next pass goes on


async def _some(letters: Iterator[Letter]) -> list[Letter]:
    """The next few; commands are answered between two."""
    found = []
    for letter in islice(letters, AT_ONCE):
        found.append(letter)
        await asyncio.sleep(0)
    return found


def manager_letters(settings: Settings, store: Store, now: datetime, due: Due, last: Last) -> Iterator[Letter]:
    """The letters to these managers, made one by one; one without text notes that there is nothing to say.

    Raises SettingsError for an unknown country.
    """
    managers, reports_of = due
    desk = _Desk(settings, store, Planner(settings, store), now, reports_of)
    for manager in managers:
        yield desk.letter(manager, last(manager.slack_id))


def due_managers(settings: Settings, store: Store, now: datetime, told: Told) -> Due:
    """Who is to be told now, and everybody's reports: all people are read for it, so it is asked beside the loop.

    Nobody while the safety freeze holds or the data is stale, so that a later tick of the same week tells them.
    """
    planner = Planner(settings, store)
    if store.passes.frozen() or not planner.is_fresh(now):
        return [], {}
    found = list(_chosen(store, planner, _may_be_due(settings, store, now, told), now, told))
    return found, store.teams.managers() if found else {}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Manager:
    """Somebody who is to be told now."""

    day: Day
    slack_id: str
    week: str


Due: TypeAlias = tuple[list[_Manager], dict[int, tuple[int, ...]]]  # managers, and the reports of all there are


@dataclass(frozen=True, kw_only=True, slots=True)
class _Member:
    """One of their team with something overdue."""

    name: str
    overdue: Sequence[Overdue]


def _may_be_due(settings: Settings, store: Store, now: datetime, told: Told) -> list[int]:
    """Managers who are not told yet and whose clock, whichever of their zones holds, says that they may be."""
    weeks: dict[str, str | None] = {}

    def week_in(zone: str) -> str | None:
        if zone not in weeks:
            weeks[zone] = _week_in(settings, zone, now)
        return weeks[zone]

    return [
        person_id
        for person_id, slack_id, zones in store.teams.reachable()
        if any(not told(slack_id, week) for zone in (*zones, settings.default_timezone) if (week := week_in(zone)))
    ]


def _week_in(settings: Settings, zone: str, now: datetime) -> str | None:
    hours = settings.policy.hours
    if zone_info(zone) is None:
        return None
    return digest_week(LocalNow(now=now, zone=zone, start=hours.start, end=hours.end), settings.policy.managers)


def _chosen(
    store: Store, planner: Planner, manager_ids: Iterable[int], now: datetime, told: Told
) -> Iterator[_Manager]:
    """Those of these managers who are to be told now."""
    for chunk in store.snapshots.dossiers(manager_ids):
        for dossier in chunk:
            day = planner.day(dossier, now)
            slack_id, week = day.person.slack_id, digest_due(day)
            if slack_id and week and not told(slack_id, week):
                yield _Manager(day=day, slack_id=slack_id, week=week)


class _Desk:
    """Makes one manager's letter after another."""

    def __init__(
        self, settings: Settings, store: Store, planner: Planner, now: datetime, reports_of: Mapping[int, Sequence[int]]
    ) -> None:
        self._snapshots, self._planner, self._now, self._reports_of = store.snapshots, planner, now, reports_of
        self._weekday = WEEKDAYS.index(settings.policy.managers.digest_weekday)

    def letter(self, manager: _Manager, last: tuple[datetime, str] | None) -> Letter:
        """This manager's letter of the week; `last` is the digest that was sent to them before."""
        team = list(self._team(manager.day.person.person_id))
        listed = frozenset(one.entry for member in team for one in member.overdue)
        before = _entries(last[1]) if last else frozenset[Entry]()
        sent = (manager.day.local.day_of(last[0]), before) if last else None
        worth_it = is_worth_sending(listed, sent, manager.day.today, manager.day.policy.managers)
        text, blocks = self._said(manager, team, before) if worth_it else ("", ())
        return Letter(
            kind="managers",
            slack_id=manager.slack_id,
            subject=manager.week,
            content=_content(listed),
            text=text,
            blocks=blocks,
        )

    def _team(self, manager_id: int) -> Iterator[_Member]:
        for chunk in self._snapshots.dossiers(self._reports_of.get(manager_id, ())):
            for dossier in chunk:
                day = self._planner.day(dossier, self._now)
                if found := overdue(day, dossier.assignments, dossier.said, self._planner.course):
                    yield _Member(name=_name(dossier), overdue=found)

    def _said(
        self, manager: _Manager, team: Iterable[_Member], before: frozenset[Entry]
    ) -> tuple[str, tuple[Block, ...]]:
        person = manager.day.person
        reports = [
            Report(name=member.name, missed=tuple(_missed(one, before) for one in member.overdue)) for member in team
        ]
        return team_digest(words(person.language), reports, first_name=person.first_name, weekday=self._weekday)


def _missed(one: Overdue, before: frozenset[Entry]) -> Missed:
    """Nothing is marked as new on a first list."""
    return Missed(
        title=one.course.title.strip() or str(one.course.course_id),
        deadline_on=one.deadline_on,
        days=one.days,
        is_new=bool(before) and one.entry not in before,
        locked=one.course.lock_after_deadline,
        assigned_late=one.assigned_late,
    )


def _name(dossier: Dossier) -> str:
    learner = dossier.learner
    if learner is None:
        return str(dossier.person_id)
    return learner.name or learner.email or str(dossier.person_id)


def _content(listed: Iterable[Entry]) -> str:
    return json.dumps(sorted((person_id, course_id, on.isoformat()) for person_id, course_id, on in listed))


def _entries(content: str) -> frozenset[Entry]:
    """What an earlier letter listed; nothing where that is not known, as of one that was read back from Slack."""
    try:
        rows = [(person_id, course_id, date.fromisoformat(on)) for person_id, course_id, on in json.loads(content)]
        return frozenset(rows)
    except (ValueError, TypeError):
        return frozenset()
