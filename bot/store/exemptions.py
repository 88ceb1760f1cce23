"""Exemptions: who gets no reminders because an admin has said so, each change with its line of audit.

An exemption whose last day is past stays until it is ended or given another end: policy.py compares it with the
person's own local date, which is none of the store's.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlite_utils import Database

from bot.deadlines.model import Exemption
from bot.store import rows
from bot.store.audit import SqliteAudit
from bot.store.sqlite import immediate, seconds

EVERY_COURSE = 0  # the course_id of an exemption from every course
ADD = """
INSERT INTO exemptions (team_id, person_id, course_id, until_on, at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (team_id, person_id, course_id) DO UPDATE SET until_on = excluded.until_on, at = excluded.at
WHERE until_on IS NOT excluded.until_on
"""
REMOVE = "DELETE FROM exemptions WHERE team_id = ? AND person_id = ? AND course_id = ?"
OF = f"SELECT {rows.EXEMPTION} FROM exemptions WHERE team_id = ? AND person_id = ? ORDER BY course_id"
# Between two pulls a tick reads only the people whose decisions can have changed.
DECIDE_AFRESH = "UPDATE decisions SET next_at = ? WHERE team_id = ? AND person_id = ?"


class SqliteExemptions:
    """Exemptions in one SQLite file; see the Exemptions protocol."""

    def __init__(self, db: Database, team_id: str) -> None:
        self._db, self._team = db, team_id
        self._audit = SqliteAudit(db, team_id)

    def _run(self, sql: str, *values: Any) -> int:
        """One statement; returns how many rows it changed."""
        return self._db.conn.execute(sql, (self._team, *values)).rowcount

    def add(self, person_id: int, course_id: int | None, until_on: date | None, *, at: datetime, by: str) -> bool:
        """From this course, or from every one, up to and including that local day; returns whether that is new."""
        with immediate(self._db):
            if not self._run(ADD, person_id, course_id or EVERY_COURSE, rows.text(until_on), seconds(at)):
                return False
            self._changed("exempt", person_id, Exemption(course_id=course_id, until_on=until_on), at=at, by=by)
        return True

    def remove(self, person_id: int, course_id: int | None = None, *, at: datetime, by: str) -> int:
        """End the exemption from this course alone, or every one of theirs; returns how many that ended."""
        with immediate(self._db):
            gone = [e for e in self.of(person_id) if course_id in (None, e.course_id)]
            for exemption in gone:
                self._run(REMOVE, person_id, exemption.course_id or EVERY_COURSE)
                self._changed("unexempt", person_id, exemption, at=at, by=by)
        return len(gone)

    def of(self, person_id: int) -> tuple[Exemption, ...]:
        """This person's, that from every course first; also those whose last day is past."""
        return tuple(map(rows.exemption, self._db.conn.execute(OF, (self._team, person_id))))

    def _changed(self, action: str, person_id: int, exemption: Exemption, *, at: datetime, by: str) -> None:
        self._audit.add(at, by, action, f"person {person_id}", _detail(exemption))
        self._db.conn.execute(DECIDE_AFRESH, (seconds(at), self._team, person_id))


def _detail(exemption: Exemption) -> str:
    course = f"course {exemption.course_id}" if exemption.course_id else "every course"
    return f"{course} until {exemption.until_on}" if exemption.until_on else course
