"""Reads everything about a person that their decisions need, chunk by chunk, so that memory stays flat."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

from sqlite_utils import Database

from bot.deadlines.model import Assignment, Exemption, Learner, NoMatch, Said
from bot.store import Dossier, rows
from bot.store.sqlite import instant, reading

CHUNK = 500  # people

NEXT_PEOPLE = """
SELECT DISTINCT person_id FROM assignments WHERE team_id = :team AND person_id > :after ORDER BY person_id LIMIT :most
"""
PEOPLE = f"""
SELECT person_id, no_match, {rows.PERSON} FROM people
WHERE team_id = :team AND person_id IN (SELECT value FROM json_each(:ids))
"""
MEMBERS = f"""
SELECT p.person_id, m.status_seen_at, {", ".join("m." + c for c in rows.MEMBER.split(", "))}
FROM people p JOIN members m USING (team_id, slack_id)
WHERE p.team_id = :team AND p.person_id IN (SELECT value FROM json_each(:ids))
"""
ASSIGNMENTS = f"""
SELECT {rows.ASSIGNMENT_KEPT} FROM assignments
WHERE team_id = :team AND person_id IN (SELECT value FROM json_each(:ids)) ORDER BY person_id, course_id, page, n
"""
# What is on its way counts as said: it may have arrived.
SAID = """
SELECT n.person_id, r.course_id, r.deadline_on, r.step, n.local_on
FROM notices n JOIN reminders r USING (team_id, notice_id)
WHERE r.team_id = :team AND r.person_id IN (SELECT value FROM json_each(:ids)) AND r.fate = 'named'
    AND n.state IN ('sent', 'sending', 'unknown')
"""
# DMs read back from Slack whose keys nobody knows any more.
TOLD = """
SELECT person_id, local_on FROM notices n
WHERE team_id = :team AND person_id IN (SELECT value FROM json_each(:ids)) AND restored = 1 AND NOT EXISTS (
    SELECT 1 FROM reminders r WHERE r.team_id = n.team_id AND r.notice_id = n.notice_id)
"""
EXEMPTIONS = f"""
SELECT person_id, {rows.EXEMPTION} FROM exemptions
WHERE team_id = :team AND person_id IN (SELECT value FROM json_each(:ids)) ORDER BY person_id, course_id
"""
# Of the Slack account that they have now: a new one is tried at once.
REFUSALS = """
SELECT f.person_id, max(f.local_on), f.error, count(*) FROM notices f
JOIN people p ON p.team_id = f.team_id AND p.person_id = f.person_id AND p.slack_id = f.slack_id
WHERE f.team_id = :team AND f.state = 'failed' AND f.person_id IN (SELECT value FROM json_each(:ids))
    AND NOT EXISTS (SELECT 1 FROM notices s WHERE s.team_id = f.team_id AND s.person_id = f.person_id
        AND s.slack_id = f.slack_id AND s.state = 'sent' AND s.local_on > f.local_on)
GROUP BY f.person_id
"""


class Dossiers:
    """The reader over one connection."""

    def __init__(self, db: Database, team_id: str) -> None:
        self._db, self._team = db, team_id

    def all(self) -> Iterator[list[Dossier]]:
        """Everybody with an assignment, in chunks, by id."""
        after = -1
        while ids := [row[0] for row in self._rows(NEXT_PEOPLE, after=after, most=CHUNK)]:
            yield self._read(ids)
            after = ids[-1]

    def of(self, person_ids: Iterable[int]) -> Iterator[list[Dossier]]:
        """These people, in chunks, by id."""
        ids = sorted(set(person_ids))
        for start in range(0, len(ids), CHUNK):
            yield self._read(ids[start : start + CHUNK])

    def _rows(self, sql: str, **named: Any) -> Iterator[Any]:
        return iter(self._db.conn.execute(sql, {"team": self._team, **named}).fetchall())

    def _read(self, ids: Sequence[int]) -> list[Dossier]:
        wanted = rows.ids_text(ids)
        with reading(self._db):
            people, assignments, said = self._people(wanted), self._assignments(wanted), self._said(wanted)
            members = {row[0]: (rows.member(row[2:]), instant(row[1])) for row in self._rows(MEMBERS, ids=wanted)}
            told, exemptions = self._told(wanted), self._exemptions(wanted)
            refusals = {row[0]: (date.fromisoformat(row[1]), *row[2:]) for row in self._rows(REFUSALS, ids=wanted)}
        return [
            Dossier(
                person_id=person_id,
                learner=people[person_id][0] if person_id in people else None,
                no_match=people[person_id][1] if person_id in people else None,
                member=members[person_id][0] if person_id in members else None,
                status_seen_at=members[person_id][1] if person_id in members else None,
                assignments=tuple(assignments[person_id]),
                said=tuple(said[person_id]),
                exemptions=tuple(exemptions[person_id]),
                told_on=tuple(told[person_id]),
                refused_on=refusals[person_id][0] if person_id in refusals else None,
                refusal=refusals[person_id][1] if person_id in refusals else "",
                refusals=refusals[person_id][2] if person_id in refusals else 0,
            )
            for person_id in ids
        ]

    def _people(self, wanted: str) -> dict[int, tuple[Learner, NoMatch | None]]:
        return {
            row[0]: (rows.learner(row[0], row[2:]), NoMatch(row[1]) if row[1] else None)
            for row in self._rows(PEOPLE, ids=wanted)
        }

    def _assignments(self, wanted: str) -> defaultdict[int, list[Assignment]]:
        found: defaultdict[int, list[Assignment]] = defaultdict(list)
        for row in self._rows(ASSIGNMENTS, ids=wanted):
            found[row[0]].append(rows.assignment(row))
        return found

    def _said(self, wanted: str) -> defaultdict[int, list[Said]]:
        found: defaultdict[int, list[Said]] = defaultdict(list)
        for row in self._rows(SAID, ids=wanted):
            found[row[0]].append(rows.said(row[1:]))
        return found

    def _told(self, wanted: str) -> defaultdict[int, list[date]]:
        found: defaultdict[int, list[date]] = defaultdict(list)
        for person_id, local_on in self._rows(TOLD, ids=wanted):
            found[person_id].append(date.fromisoformat(local_on))
        return found

    def _exemptions(self, wanted: str) -> defaultdict[int, list[Exemption]]:
        found: defaultdict[int, list[Exemption]] = defaultdict(list)
        for row in self._rows(EXEMPTIONS, ids=wanted):
            found[row[0]].append(rows.exemption(row[1:]))
        return found
