"""People, courses and assignments as last pulled: staged aside, then put in place in one transaction.

A pull writes into temporary tables of its own connection, so that nobody waits while the LMS is being read and memory
does not grow with its rows. A page whose digest is the one stored already is not written again. Reading everything
about a person is dossiers.py's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlite_utils import Database

from bot.deadlines.freeze import Snapshot
from bot.deadlines.model import Assignment, Course, Learner, Match, Member, Page, Rejected, Status
from bot.store import Pulled, rows
from bot.store.sqlite import connect, immediate, instant, seconds
from bot.text import storable

STAGE = f"""
CREATE TEMP TABLE staged_members ({rows.MEMBER}, PRIMARY KEY (slack_id));
CREATE TEMP TABLE staged_people (person_id INTEGER PRIMARY KEY, {rows.PERSON}, two_addresses, slack_id, no_match);
CREATE TEMP TABLE staged_courses ({rows.COURSE}, PRIMARY KEY (course_id));
CREATE TEMP TABLE staged_pages (
    course_id, page, digest, assignments, completions, rejected, fresh, PRIMARY KEY (course_id, page));
CREATE TEMP TABLE staged_assignments ({rows.ASSIGNMENT}, page, n);
CREATE TEMP TABLE staged_rejects (kind, course_id, page, n, record_id, reason, raw);
CREATE TEMP TABLE replaced_pages (course_id, page, PRIMARY KEY (course_id, page));
CREATE TEMP TABLE first_assigned (staged INTEGER PRIMARY KEY, at);
"""

ADD_MEMBER = f"INSERT OR REPLACE INTO staged_members ({rows.MEMBER}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
ADD_PERSON = f"""
INSERT INTO staged_people (person_id, {rows.PERSON}, two_addresses) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
ON CONFLICT (person_id) DO UPDATE SET
    two_addresses = two_addresses OR coalesce(lower(email), '') <> coalesce(lower(excluded.email), '')
"""
ADD_COURSE = f"INSERT OR REPLACE INTO staged_courses ({rows.COURSE}) VALUES (?, ?, ?, ?, ?, ?)"
ADD_ASSIGNMENT = f"""
INSERT INTO staged_assignments ({rows.ASSIGNMENT}, page, n) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
ADD_PAGE = "INSERT OR REPLACE INTO staged_pages VALUES (?, ?, ?, ?, ?, ?, ?)"
ADD_REJECT = "INSERT INTO staged_rejects VALUES (?, ?, ?, ?, ?, ?, ?)"

IN_SCOPE = "(:whole OR course_id IN (SELECT value FROM json_each(:courses)))"
DIGESTS = f"SELECT course_id, page, digest FROM pages WHERE team_id = :team AND {IN_SCOPE}"

# A page is replaced where it came with another digest than when this pull began, or came no more.
FIND_REPLACED = """
INSERT INTO replaced_pages
SELECT old.course_id, old.page FROM pages old LEFT JOIN staged_pages new USING (course_id, page)
WHERE old.team_id = :team AND (:whole OR old.course_id IN (SELECT value FROM json_each(:courses)))
    AND (new.page IS NULL OR new.fresh)
"""
VANISHED_COMPLETIONS = """
SELECT count(*) FROM (
    SELECT a.person_id, a.course_id FROM replaced_pages r
    JOIN assignments a ON a.team_id = :team AND a.course_id = r.course_id AND a.page = r.page
    WHERE a.status = 'completed' AND a.person_id IN (
        SELECT person_id FROM staged_people WHERE :whole
        UNION ALL SELECT person_id FROM staged_assignments WHERE NOT :whole)
    EXCEPT SELECT person_id, course_id FROM staged_assignments WHERE status = 'completed'
)
"""
IN_REPLACED = "(course_id, page) IN (SELECT course_id, page FROM replaced_pages)"
# A row that came with another `assigned_at` was rewritten, and keeps the first one that was seen for its deadline. One
# that came beside a row which still stands is another assignment.
BY_PERSON = """
CREATE INDEX IF NOT EXISTS temp.staged_by_person ON staged_assignments (person_id, course_id, deadline_on, assigned_at)
"""
FIND_FIRST_ASSIGNED = """
INSERT INTO first_assigned
SELECT new.rowid, coalesce(old.first_assigned_at, old.assigned_at) AS first
FROM staged_assignments new INDEXED BY staged_by_person CROSS JOIN assignments old
    ON old.team_id = :team AND old.person_id = new.person_id AND old.course_id = new.course_id
WHERE old.deadline_on = new.deadline_on AND first < new.assigned_at
    AND (old.assigned_at = new.assigned_at
        OR (old.course_id, old.page) IN (SELECT course_id, page FROM replaced_pages)
        AND NOT EXISTS (
            SELECT 1 FROM staged_assignments still
            WHERE still.person_id = new.person_id AND still.course_id = new.course_id
                AND still.deadline_on = new.deadline_on AND still.assigned_at = +old.assigned_at))
ON CONFLICT (staged) DO UPDATE SET at = min(at, excluded.at)
"""
REPLACE_PAGES = (
    FIND_FIRST_ASSIGNED,
    f"DELETE FROM assignments WHERE team_id = :team AND {IN_REPLACED}",
    f"DELETE FROM rejects WHERE team_id = :team AND kind = 'participant' AND {IN_REPLACED}",
    f"DELETE FROM pages WHERE team_id = :team AND {IN_REPLACED}",
    f"""INSERT INTO assignments (team_id, {rows.ASSIGNMENT}, page, n, first_assigned_at)
    SELECT :team, {rows.ASSIGNMENT}, page, n, first_assigned.at
    FROM staged_assignments new NOT INDEXED LEFT JOIN first_assigned ON staged = new.rowid
    ORDER BY person_id, course_id, page, n""",
    "DELETE FROM rejects WHERE team_id = :team AND kind <> 'participant' AND :whole",
    "INSERT INTO rejects SELECT :team, * FROM staged_rejects",
    """INSERT OR REPLACE INTO pages
    SELECT :team, course_id, page, digest, assignments, completions, rejected FROM staged_pages WHERE fresh""",
)
STAGED = """
SELECT (SELECT count(*) FROM staged_people), coalesce(sum(assignments), 0), coalesce(sum(completions), 0)
FROM staged_pages
"""
STORED = f"""
SELECT (SELECT count(*) FROM people WHERE team_id = :team AND :whole), coalesce(sum(assignments), 0),
    coalesce(sum(completions), 0)
FROM pages WHERE team_id = :team AND {IN_SCOPE}
"""
REPLACE_PEOPLE = (
    "DELETE FROM people WHERE team_id = :team",
    f"""INSERT INTO people (team_id, person_id, {rows.PERSON}, slack_id, no_match)
    SELECT :team, person_id, {rows.PERSON}, slack_id, no_match FROM staged_people""",
    "DELETE FROM leads WHERE team_id = :team",
    """INSERT INTO leads SELECT DISTINCT :team, leader.value FROM staged_people p, json_each(p.manager_ids) leader
    WHERE leader.value <> p.person_id""",
    # A status is seen since the first pull that saw this very status.
    f"""INSERT INTO members (team_id, {rows.MEMBER}, status_seen_at) SELECT :team, {rows.MEMBER}, :at
    FROM staged_members WHERE true
    ON CONFLICT (team_id, slack_id) DO UPDATE SET
        email = excluded.email, timezone = excluded.timezone, locale = excluded.locale, deleted = excluded.deleted,
        is_bot = excluded.is_bot, is_stranger = excluded.is_stranger, status_text = excluded.status_text,
        status_emoji = excluded.status_emoji, status_until_at = excluded.status_until_at,
        status_seen_at = CASE
            WHEN (status_text, status_emoji, coalesce(status_until_at, 0))
                = (excluded.status_text, excluded.status_emoji, coalesce(excluded.status_until_at, 0))
            THEN status_seen_at ELSE excluded.status_seen_at END""",
    "DELETE FROM members WHERE team_id = :team AND slack_id NOT IN (SELECT slack_id FROM staged_members)",
    "DELETE FROM courses WHERE team_id = :team",
    f"""INSERT INTO courses (team_id, {rows.COURSE}, looked_at)
    SELECT :team, {rows.COURSE}, :at FROM staged_courses""",
)
LOOKED_AT = (
    "UPDATE courses SET looked_at = :at WHERE team_id = :team AND course_id IN (SELECT value FROM json_each(:courses))"
)
COUNT = """
SELECT (SELECT count(*) FROM people WHERE team_id = :team), (SELECT count(*) FROM courses WHERE team_id = :team),
    (SELECT coalesce(sum(assignments), 0) FROM pages WHERE team_id = :team),
    (SELECT count(*) FROM rejects WHERE team_id = :team),
    (SELECT coalesce(sum(completions), 0) FROM pages WHERE team_id = :team)
"""
KEEP_COUNT = "INSERT OR REPLACE INTO pulls VALUES (?, ?, ?, ?, ?, ?, ?)"
LAST = "SELECT at, people, courses, assignments, rejected, completions FROM pulls WHERE team_id = ?"
FIND = """
SELECT person_id FROM people WHERE team_id = :team AND email = :wanted COLLATE NOCASE AND email <> ''
UNION SELECT person_id FROM people WHERE team_id = :team AND slack_id = :wanted
UNION SELECT person_id FROM people WHERE team_id = :team AND CAST(:wanted AS INTEGER) = person_id
    AND CAST(CAST(:wanted AS INTEGER) AS TEXT) = :wanted
UNION SELECT person_id FROM assignments WHERE team_id = :team AND CAST(:wanted AS INTEGER) = person_id
    AND CAST(CAST(:wanted AS INTEGER) AS TEXT) = :wanted
"""


class SqliteSnapshots:
    """The snapshot in one SQLite file; see the Snapshots protocol."""

    def __init__(self, db: Database, path: Path, team_id: str) -> None:
        self._db, self._path, self._team = db, path, team_id

    @contextmanager
    def replace(self) -> Iterator[SqliteSnapshotWriter]:
        """A whole pull, on a connection of its own."""
        with self._writer(None) as writer:
            yield writer

    @contextmanager
    def refresh(self, course_ids: Sequence[int]) -> Iterator[SqliteSnapshotWriter]:
        """A pull of these courses' assignments alone."""
        with self._writer(tuple(course_ids)) as writer:
            yield writer

    @contextmanager
    def _writer(self, course_ids: tuple[int, ...] | None) -> Iterator[SqliteSnapshotWriter]:
        db = connect(self._path)
        try:
            yield SqliteSnapshotWriter(db, self._team, course_ids)
        finally:
            db.conn.close()

    def last(self) -> Pulled | None:
        """The last good whole pull."""
        return _last(self._db, self._team)

    def course(self, course_id: int) -> Course:
        """A course; one that the LMS has withdrawn is inactive and titled by its id."""
        sql = f"SELECT {rows.COURSE} FROM courses WHERE team_id = ? AND course_id = ?"
        row = self._db.conn.execute(sql, [self._team, course_id]).fetchone()
        return rows.course(row) if row else Course(course_id=course_id, title=f"Course {course_id}", active=False)

    def looked_at(self, course_id: int) -> datetime | None:
        """When this course's assignments were last pulled."""
        sql = "SELECT looked_at FROM courses WHERE team_id = ? AND course_id = ?"
        row = self._db.conn.execute(sql, [self._team, course_id]).fetchone()
        return instant(row[0]) if row else None

    def rejects(self, most: int) -> list[Rejected]:
        """Records set aside in the last pull, at most so many."""
        sql = "SELECT kind, record_id, reason, raw FROM rejects WHERE team_id = ? "
        sql += "ORDER BY kind, course_id, page, n LIMIT ?"
        return [
            Rejected(kind=kind, record_id=record_id, reason=reason, raw=raw)
            for kind, record_id, reason, raw in self._db.conn.execute(sql, [self._team, most])
        ]

    def find(self, wanted: str) -> list[int]:
        """The ids of people with this e-mail address (any case), LMS id or Slack id."""
        if wanted != storable(wanted):
            return []  # nobody is stored under what cannot be stored
        return [row[0] for row in self._db.conn.execute(FIND, {"team": self._team, "wanted": wanted})]

    def of_slack(self, slack_id: str) -> int | None:
        """The one LMS person who is this Slack person."""
        sql = "SELECT person_id FROM people WHERE team_id = ? AND slack_id = ?"
        found = self._db.conn.execute(sql, [self._team, slack_id]).fetchall()
        return int(found[0][0]) if len(found) == 1 else None

    def member(self, slack_id: str) -> Member | None:
        """Somebody in Slack as last pulled, known to the LMS or not."""
        sql = f"SELECT {rows.MEMBER} FROM members WHERE team_id = ? AND slack_id = ?"
        row = self._db.conn.execute(sql, [self._team, slack_id]).fetchone()
        return rows.member(row) if row else None

    def links(self) -> dict[int, str]:
        """LMS people joined to a Slack person by an admin: LMS id -> Slack id."""
        return dict(self._db.conn.execute("SELECT person_id, slack_id FROM links WHERE team_id = ?", [self._team]))


class SqliteSnapshotWriter:
    """A pull under way; see the SnapshotWriter protocol. `course_ids` None: a whole one."""

    def __init__(self, db: Database, team_id: str, course_ids: tuple[int, ...] | None) -> None:
        self._db, self._team, self._whole = db, team_id, course_ids is None
        self._names = {"team": team_id, "whole": self._whole, "courses": rows.ids_text(course_ids or ())}
        self._listed = 0
        db.conn.executescript(STAGE)
        digests = db.conn.execute(DIGESTS, self._names)
        self._digests = {(course_id, page): digest for course_id, page, digest in digests}

    def add_members(self, members: Sequence[Member]) -> None:
        """Slack's people, a page at a time."""
        self._db.conn.executemany(ADD_MEMBER, map(rows.member_row, members))

    def add_people(self, page: Page[Learner]) -> None:
        """The LMS's people. The same id with another address marks the person as ambiguous."""
        self._db.conn.executemany(ADD_PERSON, ((p.person_id, *rows.person_row(p)) for p in page.rows))
        self._add_rejects_of_listing(page.rejected)

    def add_courses(self, page: Page[Course]) -> None:
        """The LMS's courses."""
        self._db.conn.executemany(ADD_COURSE, map(rows.course_row, page.rows))
        self._add_rejects_of_listing(page.rejected)

    def add_assignments(self, course_id: int, page: Page[Assignment]) -> None:
        """One page of one course's assignments; a page that has not changed costs no writing."""
        done = sum(row.status is Status.COMPLETED for row in page.rows)
        counts = (len(page.rows), done, len(page.rejected))
        fresh = self._digests.get((course_id, page.number)) != page.digest
        self._db.conn.execute(ADD_PAGE, (course_id, page.number, page.digest, *counts, fresh))
        if not fresh:
            return
        with self._db.atomic():  # temporary tables only: nobody else waits
            staged = ((*rows.assignment_row(row), page.number, n) for n, row in enumerate(page.rows))
            self._db.conn.executemany(ADD_ASSIGNMENT, staged)
            self._add_rejects(page.rejected, course_id, page.number)

    def _add_rejects_of_listing(self, rejected: Sequence[Rejected]) -> None:
        """Users come in two listings, whose pages have the same numbers: one running number for all of them."""
        self._listed += 1
        self._add_rejects(rejected, 0, self._listed)

    def _add_rejects(self, rejected: Iterable[Rejected], course_id: int, page: int) -> None:
        found = ((r.kind, course_id, page, n, r.record_id, r.reason, r.raw) for n, r in enumerate(rejected))
        self._db.conn.executemany(ADD_REJECT, found)

    def course_ids(self) -> list[int]:
        """The courses staged so far."""
        return [row[0] for row in self._db.conn.execute("SELECT course_id FROM staged_courses ORDER BY course_id")]

    def lms_addresses(self) -> Iterator[tuple[int, str | None, bool]]:
        """Of each person staged: id, address, whether the id came with two addresses."""
        for person_id, email, two in self._db.conn.execute("SELECT person_id, email, two_addresses FROM staged_people"):
            yield person_id, email, bool(two)

    def slack_people(self) -> Iterator[Member]:
        """Slack's people as staged."""
        return map(rows.member, self._db.conn.execute(f"SELECT {rows.MEMBER} FROM staged_members"))

    def set_matches(self, matches: Mapping[int, Match]) -> None:
        """Who each person is in Slack."""
        sql = "UPDATE staged_people SET slack_id = ?, no_match = ? WHERE person_id = ?"
        self._db.conn.executemany(sql, ((m.slack_id, m.reason, person_id) for person_id, m in matches.items()))

    def compare(self) -> tuple[Snapshot | None, Snapshot, int]:
        """What is stored of the same courses (None: nothing yet), this pull, and how many completions vanished."""
        self._find_replaced()
        one = self._db.conn.execute(STAGED, self._names).fetchone()
        vanished = self._db.conn.execute(VANISHED_COMPLETIONS, self._names).fetchone()[0]
        now = Snapshot(people=one[0], assignments=one[1], completions=one[2])
        if _last(self._db, self._team) is None:
            return None, now, vanished
        people, assignments, completions = self._db.conn.execute(STORED, self._names).fetchone()
        return Snapshot(people=people, assignments=assignments, completions=completions), now, vanished

    def commit(self, at: datetime) -> Pulled:
        """Put everything in place in one transaction."""
        names = {**self._names, "at": seconds(at)}
        self._db.conn.execute(BY_PERSON)
        with immediate(self._db):
            self._find_replaced()
            for statement in (*REPLACE_PAGES, *(REPLACE_PEOPLE if self._whole else (LOOKED_AT,))):
                self._db.conn.execute(statement, names)
            counted = self._db.conn.execute(COUNT, names).fetchone()
            if self._whole:
                self._db.conn.execute(KEEP_COUNT, (self._team, seconds(at), *counted))
        return _pulled(at, counted)

    def _find_replaced(self) -> None:
        self._db.conn.execute("DELETE FROM replaced_pages")
        self._db.conn.execute(FIND_REPLACED, self._names)


def _last(db: Database, team_id: str) -> Pulled | None:
    row = db.conn.execute(LAST, [team_id]).fetchone()
    return _pulled(datetime.fromtimestamp(row[0], UTC), row[1:]) if row else None


def _pulled(at: datetime, counted: Sequence[int]) -> Pulled:
    people, courses, assignments, rejected, completions = counted
    return Pulled(
        at=at, people=people, courses=courses, assignments=assignments, rejected=rejected, completions=completions
    )
