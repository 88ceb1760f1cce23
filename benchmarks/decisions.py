"""Planning one person after another, against a bare loop over the same rows that only compares dates."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from time import perf_counter

from bot.deadlines.calendar import WorkCalendar
from bot.deadlines.model import Assignment, Course, Person, Status
from bot.deadlines.plan import plan
from bot.deadlines.policy import Day
from bot.deadlines.terms import Policy

PEOPLE, EACH = 20_000, 10
NOW = datetime(2027, 3, 10, 11, tzinfo=UTC)


def _rows(person_id: int) -> Iterator[Assignment]:
    for n in range(EACH):
        days = (person_id * 7 + n * 13) % 200 - 60
        done = (person_id + n) % 3 > 0
        yield Assignment(
            person_id=person_id,
            course_id=n,
            required=True,
            status=Status.COMPLETED if done else Status.STARTED,
            deadline_on=date(2027, 3, 10) + timedelta(days=days),
            assigned_at=datetime(2026, 6, 1, tzinfo=UTC),
        )


def main() -> None:
    """Seconds of both over the same rows, their ratio, and the peak of memory while planning."""
    courses = [Course(course_id=n, title=f"Course {n}", expected_minutes=30 + 10 * n) for n in range(EACH)]
    people = [list(_rows(person_id)) for person_id in range(PEOPLE)]
    begun = perf_counter()
    due = sum(r.deadline_on is not None and r.deadline_on <= NOW.date() for rows in people for r in rows)
    bare = perf_counter() - begun

    policy, calendar = Policy(), WorkCalendar()
    begun = perf_counter()
    notices = 0
    for person_id, rows in enumerate(people):
        person = Person(person_id=person_id, zone="Europe/Copenhagen", slack_id=f"U{person_id}")
        day = Day(person=person, policy=policy, calendar=calendar, now=NOW)
        notices += plan(day, rows, (), courses.__getitem__).notice is not None
    ours = perf_counter() - begun
    tracemalloc.start()
    for person_id, rows in enumerate(people[:2000]):
        person = Person(person_id=person_id, zone="Europe/Copenhagen", slack_id=f"U{person_id}")
        plan(Day(person=person, policy=policy, calendar=calendar, now=NOW), rows, (), courses.__getitem__)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    rows_each = PEOPLE * EACH
    print(f"{rows_each:,} assignments: planned in {ours:.2f} s ({rows_each / ours:,.0f}/s, {notices:,} notices),")
    print(f"a bare loop {bare:.3f} s ({due:,} due): {ours / bare:.0f} x; peak while planning {peak / 2**20:.1f} MiB")
