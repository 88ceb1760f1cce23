"""Who leads whom, as the LMS said at the last pull: managers, their direct reports, and where managers are found."""

from __future__ import annotations

from collections import defaultdict

from sqlite_utils import Database

# Nobody is their own report, whatever the LMS says.
MANAGERS = """
SELECT DISTINCT leader.value, p.person_id FROM people p, json_each(p.manager_ids) leader
WHERE p.team_id = :team AND leader.value <> p.person_id ORDER BY leader.value, p.person_id
"""
REPORTS_OF = """
SELECT person_id FROM people p WHERE team_id = :team AND person_id <> :manager
    AND EXISTS (SELECT 1 FROM json_each(p.manager_ids) WHERE value = :manager) ORDER BY person_id
"""
REACHABLE = """
SELECT p.person_id, p.slack_id, m.timezone, p.timezone
FROM leads JOIN people p USING (team_id, person_id) JOIN members m USING (team_id, slack_id)
WHERE leads.team_id = :team ORDER BY p.person_id
"""


class SqliteTeams:
    """Teams in one SQLite file; see the Teams protocol."""

    def __init__(self, db: Database, team_id: str) -> None:
        self._db, self._team = db, team_id

    def managers(self) -> dict[int, tuple[int, ...]]:
        """Every manager's LMS id and their direct reports', in one pass over all people."""
        found: defaultdict[int, list[int]] = defaultdict(list)
        for manager_id, person_id in self._db.conn.execute(MANAGERS, {"team": self._team}):
            found[manager_id].append(person_id)
        return {manager_id: tuple(reports) for manager_id, reports in found.items()}

    def reports_of(self, manager_id: int) -> tuple[int, ...]:
        """This manager's direct reports."""
        rows = self._db.conn.execute(REPORTS_OF, {"team": self._team, "manager": manager_id})
        return tuple(row[0] for row in rows)

    def reachable(self) -> list[tuple[int, str, tuple[str, ...]]]:
        """Managers who are matched in Slack: LMS id, Slack id, and the zones that are given for them, unchecked."""
        rows = self._db.conn.execute(REACHABLE, {"team": self._team})
        return [(row[0], row[1], tuple(zone for zone in row[2:] if zone)) for row in rows]
