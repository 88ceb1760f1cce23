"""What keeps people from being reminded and only an admin can mend, read from decisions, refusals and rejects.

Owns these reads alone; light rows without names, for there may be one a person. What is told of them is admins.py's.
"""

from __future__ import annotations

from typing import Any

from sqlite_utils import Database

from bot.store import Hitch, HitchKind

# The second condition of the first two is the partial index's own, without which SQLite does not use it.
UNMATCHED = """
SELECT person_id, 0, min(detail) FROM decisions
WHERE team_id = ? AND reason = 'no_slack_match' AND reason IN ('no_slack_match', 'invalid_deadline')
GROUP BY person_id ORDER BY person_id
"""
IMPOSSIBLE = """
SELECT person_id, course_id, detail FROM decisions
WHERE team_id = ? AND reason = 'invalid_deadline' AND reason IN ('no_slack_match', 'invalid_deadline')
ORDER BY person_id, course_id, n
"""
# Of the Slack account that they have now, to which nothing has arrived since.
REFUSED = """
SELECT f.person_id, 0, max(f.error) FROM notices f
JOIN people p ON p.team_id = f.team_id AND p.person_id = f.person_id AND p.slack_id = f.slack_id
WHERE f.team_id = ? AND f.state = 'failed' AND NOT EXISTS (SELECT 1 FROM notices s WHERE s.team_id = f.team_id
    AND s.person_id = f.person_id AND s.slack_id = f.slack_id AND s.state = 'sent' AND s.local_on > f.local_on)
GROUP BY f.person_id ORDER BY f.person_id
"""
REJECTED = """
SELECT kind, record_id, reason FROM rejects WHERE team_id = ? AND kind IN ('user', 'course')
ORDER BY kind, course_id, page, n
"""

OF_PEOPLE: tuple[tuple[HitchKind, str], ...] = (
    ("no_slack_match", UNMATCHED),
    ("invalid_deadline", IMPOSSIBLE),
    ("refused", REFUSED),
)


class SqliteHitches:
    """Hitches in one SQLite file; see the Hitches protocol."""

    def __init__(self, db: Database, team_id: str) -> None:
        self._db, self._team = db, team_id

    def all(self) -> list[Hitch]:
        """Every one that stands now."""
        people = [
            Hitch(kind=kind, person_id=person_id, course_id=course_id, detail=detail)
            for kind, sql in OF_PEOPLE
            for person_id, course_id, detail in self._rows(sql)
        ]
        records = [
            Hitch(kind="rejected", record=f"{kind} {record_id}".rstrip(), detail=reason)
            for kind, record_id, reason in self._rows(REJECTED)
        ]
        return people + records

    def _rows(self, sql: str) -> list[Any]:
        return self._db.conn.execute(sql, (self._team,)).fetchall()
