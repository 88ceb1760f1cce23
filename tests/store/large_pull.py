"""Run by test_memory.py in a process of its own: pulls, reads all dossiers and prints how much memory each took."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from bot.deadlines.model import Assignment, Match, Page
from bot.store.sqlite_store import SqliteStore, open_store
from tests.builders import a_course, an_assignment
from tests.store.some import NOW, a_learner, a_member

ROWS_A_PAGE = 1_000
COURSES = 10


def peak_mib() -> float:
    """The most memory this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def chunks(people: int) -> Iterator[range]:
    """Ids, a page at a time."""
    return (range(start, min(start + ROWS_A_PAGE, people)) for start in range(0, people, ROWS_A_PAGE))


def pages_of(course_id: int, people: int) -> Iterator[Page[Assignment]]:
    """One course's assignments: everybody has it."""
    for n, ids in enumerate(chunks(people), 1):
        rows = tuple(an_assignment(person_id=i + 1, course_id=course_id, assigned_at=NOW) for i in ids)
        yield Page(number=n, digest=f"{course_id}/{n}/{len(rows)}".encode(), rows=rows)


def pull(store: SqliteStore, assignments: int) -> dict[str, float]:
    """A whole pull of so many rows; seconds within the store, without the making of rows."""
    people, seconds = assignments // COURSES, 0.0
    with store.snapshots.replace() as writer:
        for n, ids in enumerate(chunks(people), 1):
            writer.add_members([a_member(f"U{i + 1}") for i in ids])
            writer.add_people(Page(number=n, digest=b"", rows=tuple(a_learner(i + 1) for i in ids)))
        writer.add_courses(Page(number=1, digest=b"", rows=tuple(a_course(c + 1) for c in range(COURSES))))
        for course_id in range(1, COURSES + 1):
            for page in pages_of(course_id, people):
                start = perf_counter()
                writer.add_assignments(course_id, page)
                seconds += perf_counter() - start
        start = perf_counter()
        writer.set_matches({i + 1: Match(slack_id=f"U{i + 1}") for i in range(people)})
        writer.compare()
        writer.commit(NOW)
        seconds += perf_counter() - start
    return {"seconds": seconds, "peak_mib": peak_mib()}


def read(store: SqliteStore) -> dict[str, float]:
    """All dossiers, a chunk at a time."""
    start = perf_counter()
    rows = sum(len(d.assignments) for chunk in store.snapshots.dossiers() for d in chunk)
    return {"seconds": perf_counter() - start, "rows": rows, "peak_mib": peak_mib()}


def main(path: Path, few: int, many: int) -> None:
    """Few rows first, so that what is measured then is what more rows add."""
    store = open_store(path, "T1", NOW)
    figures = {"few": pull(store, few), "few_read": read(store), "many": pull(store, many), "many_read": read(store)}
    figures["again"] = pull(store, many)
    sys.stdout.write(json.dumps(figures))
    store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
