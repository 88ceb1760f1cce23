"""A pass over a large company, against bare loops over the same rows that only compare dates.

Twice: deciding alone, from values in memory; and the job as it runs, from SQLite to SQLite with nothing new to write.
"""

from __future__ import annotations

import resource
import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from random import Random
from time import perf_counter
from typing import TypeAlias
from zoneinfo import ZoneInfo

from bot.deadlines.calendar import WorkCalendar
from bot.deadlines.model import Assignment, Course, Learner, Match, Member, Page, Person, Said, Status, Step
from bot.deadlines.plan import plan_alike
from bot.deadlines.terms import Policy
from bot.deadlines.verdicts import Verdicts
from bot.jobs.planner import Planner
from bot.settings import Settings
from bot.store import SnapshotWriter
from bot.store.sqlite_store import SqliteStore, open_store

PEOPLE, EACH, COURSES, CHUNK = 100_000, 10, 200, 1000
TEAM = "T1"
NOW = datetime(2027, 3, 10, 11, tzinfo=UTC)
TODAY = date(2027, 3, 10)
ZONES = {"Europe/Copenhagen": 70, "Europe/Berlin": 15, "Europe/London": 10, "America/New_York": 5}  # per cent

One: TypeAlias = tuple[Person, list[Assignment], list[Said]]


# ── the company ──


@lru_cache(maxsize=1000)
def _day(days: int) -> date:
    """So many days from today; one object a day, as the store gives it."""
    return TODAY + timedelta(days=days)


@lru_cache(maxsize=1000)
def _instant(days: int) -> datetime:
    return NOW + timedelta(days=days)


def _deadline(draw: Random, *, done: bool) -> date | None:
    """Of what is open most lies weeks ahead; a little is due today or past."""
    if draw.random() < 0.03:
        return None
    if done:
        return _day(draw.randint(-300, 60))
    kind = draw.random()
    return _day(0 if kind < 0.01 else draw.randint(-20, -1) if kind < 0.03 else draw.randint(15, 90))


def _row(draw: Random, person_id: int, course_id: int) -> Assignment:
    done = draw.random() < 2 / 3
    return Assignment(
        person_id=person_id,
        course_id=course_id,
        required=draw.random() < 0.95,
        status=Status.COMPLETED if done else draw.choice((Status.NOT_STARTED, Status.STARTED)),
        deadline_on=_deadline(draw, done=done),
        assigned_at=_instant(draw.randint(-400, -25)),
    )


def _said(draw: Random, row: Assignment) -> Iterator[Said]:
    """What is past its date was spoken of yesterday, and so was, some days ago, a tenth of all else that is open."""
    if row.status is Status.COMPLETED or row.deadline_on is None:
        return
    if row.deadline_on < TODAY:
        late = (TODAY - row.deadline_on).days
        step = Step("overdue", 1 if late < 5 else 3 if late < 10 else 7)
        yield Said(course_id=row.course_id, deadline_on=row.deadline_on, step=step, said_on=_day(-1))
    elif draw.random() < 0.1:
        on = _day(-draw.randint(3, 6))
        yield Said(course_id=row.course_id, deadline_on=row.deadline_on, step=Step("before", 14), said_on=on)


def _company() -> Iterator[list[One]]:
    """The same people each time, chunk by chunk."""
    draw = Random(1)  # noqa: S311 - no secret
    zones = draw.choices(list(ZONES), list(ZONES.values()), k=PEOPLE)
    for first in range(1, PEOPLE + 1, CHUNK):
        chunk = []
        for person_id in range(first, first + CHUNK):
            courses = sorted(draw.sample(range(1, COURSES + 1), EACH))
            own = [_row(draw, person_id, course_id) for course_id in courses]
            person = Person(person_id=person_id, zone=zones[person_id - 1], slack_id=f"U{person_id:06}")
            chunk.append((person, own, [said for row in own for said in _said(draw, row)]))
        yield chunk


def _courses() -> dict[int, Course]:
    ids = range(1, COURSES + 1)
    return {n: Course(course_id=n, title=f"Course {n}", expected_minutes=15 * (1 + n % 8)) for n in ids}


# ── deciding alone ──


def _bare(chunk: list[One]) -> int:
    due = 0
    for person, own, _ in chunk:
        today = NOW.astimezone(ZoneInfo(person.zone)).date()
        for row in own:
            if row.deadline_on is not None and row.deadline_on <= today:
                due += 1
    return due


def _decider() -> Callable[[list[One]], int]:
    verdicts, calendar = Verdicts(Policy(), NOW, _courses().__getitem__), WorkCalendar()

    def decided(chunk: list[One]) -> int:
        return sum(plan_alike(verdicts, person, calendar, own, said).notice is not None for person, own, said in chunk)

    return decided


def _timed(act: Callable[[list[One]], int], chunk: list[One]) -> tuple[float, int]:
    begun = perf_counter()
    found = act(chunk)
    return perf_counter() - begun, found


def _deciding() -> None:
    """Both loops in turn over each chunk, as it is made; memory must not grow with the number of people."""
    decided, bare_seconds, our_seconds, due, notices = _decider(), 0.0, 0.0, 0, 0
    high_water: list[float] = []
    for chunk in _company():
        (bare, found), (ours, going) = _timed(_bare, chunk), _timed(decided, chunk)
        bare_seconds, our_seconds, due, notices = bare_seconds + bare, our_seconds + ours, due + found, notices + going
        high_water.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    _print(f"decided ({notices:,} notices)", our_seconds, f"a bare loop ({due:,} due or past)", bare_seconds)
    first, tenth, last = (high_water[n] for n in (0, len(high_water) // 10, -1))
    print(f"the process's peak of memory: {first:.0f} MiB after the first {CHUNK} people, {tenth:.0f} after a tenth of")
    print(f"all, {last:.0f} at the end")


def _print(what: str, seconds: float, bare: str, bare_seconds: float) -> None:
    assignments = PEOPLE * EACH
    print(f"{what}: {seconds:.2f} s, {assignments / seconds:,.0f} assignments/s")
    print(f"{bare}: {bare_seconds:.2f} s, {assignments / bare_seconds:,.0f}/s; ratio {seconds / bare_seconds:.1f} x")


# ── the job, from SQLite to SQLite ──

SAID = """
INSERT INTO notices (team_id, notice_id, seq, pass_id, person_id, slack_id, local_on, state, planned_at)
VALUES (?, ?, 0, 'p', ?, ?, ?, 'sent', 0) ON CONFLICT DO NOTHING
"""
NAMED = """
INSERT INTO reminders (team_id, notice_id, course_id, deadline_on, step, fate, person_id, title, key, reproach_free,
    locked) VALUES (?, ?, ?, ?, ?, 'named', ?, '', '', 0, 0)
"""
ZONES_OF = "SELECT person_id, m.timezone FROM people JOIN members m USING (team_id, slack_id)"
DEADLINES = "SELECT person_id, deadline_on FROM assignments ORDER BY person_id"


def _fill(store: SqliteStore, path: Path) -> None:
    """The company is pulled, and has been told what it was told."""
    with store.snapshots.replace() as writer:
        writer.add_courses(Page(number=1, digest=b"", rows=tuple(_courses().values())))
        for number, chunk in enumerate(_company(), 1):
            _pull(writer, number, chunk)
        writer.set_matches({n: Match(slack_id=f"U{n:06}") for n in range(1, PEOPLE + 1)})
        writer.commit(NOW)
    with closing(sqlite3.connect(path)) as conn:
        for chunk in _company():
            for person, _, said in chunk:
                conn.executemany(SAID, (_notice(person, one) for one in said))
                conn.executemany(NAMED, (_reminder(person, one) for one in said))
        conn.commit()


def _pull(writer: SnapshotWriter, number: int, chunk: list[One]) -> None:
    ids = [(person.person_id, person.slack_id or "", person.zone) for person, _, _ in chunk]
    writer.add_members([Member(slack_id=slack_id, timezone=zone, locale="en-GB") for _, slack_id, zone in ids])
    writer.add_people(Page(number=number, digest=b"", rows=tuple(Learner(person_id=n, country="DK") for n, *_ in ids)))
    by_course = defaultdict[int, list[Assignment]](list)
    for _, own, _ in chunk:
        for row in own:
            by_course[row.course_id].append(row)
    for course_id, of_course in by_course.items():
        writer.add_assignments(course_id, Page(number=number, digest=b"", rows=tuple(of_course)))


def _notice(person: Person, said: Said) -> tuple[str | int | None, ...]:
    on = said.said_on.isoformat()
    return TEAM, f"{person.person_id} {on}", person.person_id, person.slack_id, on


def _reminder(person: Person, said: Said) -> tuple[str | int, ...]:
    notice_id = f"{person.person_id} {said.said_on}"
    return TEAM, notice_id, said.course_id, said.deadline_on.isoformat(), said.step.name, person.person_id


def _job(store: SqliteStore, settings: Settings) -> float:
    """Seconds for reading, deciding and saving everybody."""
    begun = perf_counter()
    plan = Planner(settings, store).plans(NOW)
    for chunk in store.snapshots.dossiers():
        store.outbox.save([plan(dossier) for dossier in chunk], [], pass_id="p", at=NOW)
    return perf_counter() - begun


def _bare_job(path: Path) -> float:
    """Seconds for reading each person's zone and each row's deadline, and comparing it with their local date."""
    begun, due = perf_counter(), 0
    with closing(sqlite3.connect(path)) as conn:
        zones, today, last = dict(conn.execute(ZONES_OF)), "", None
        for person_id, deadline_on in conn.execute(DEADLINES):
            if person_id != last:
                today, last = NOW.astimezone(ZoneInfo(zones[person_id])).date().isoformat(), person_id
            if deadline_on is not None and deadline_on <= today:
                due += 1
    return perf_counter() - begun


def _whole_job() -> None:
    """The first pass writes every decision, the next finds nothing new: that is the one that happens all day."""
    with tempfile.TemporaryDirectory() as folder:
        path, settings = Path(folder) / "bot.db", Settings(_env_file=None)
        store = open_store(path, TEAM, NOW)
        _fill(store, path)
        first = _job(store, settings)
        bare, ours = _bare_job(path), _job(store, settings)
        store.close()
    print(f"the whole job: the first pass, which writes all decisions, {first:.1f} s")
    _print("the next pass, with nothing to write", ours, "a bare loop over the same store", bare)


def main() -> None:
    """Assignments a second of both loops and their ratio, deciding alone and as a whole job; the peak of memory."""
    print(f"{PEOPLE * EACH:,} assignments of {PEOPLE:,} people, {COURSES} courses, {len(ZONES)} time zones")
    _deciding()
    _whole_job()
