"""Whose DMs the store knows in full, and what was read back of those it did not.

A person is acquainted once their DM was read back, or once this store claimed one to them, since it reads strangers
first; what was said to anybody else is an unknown outcome. A store that was put back, or that has met another copy of
the bot, forgets all acquaintance: `forget`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from bot.store import Heard, Named, rows
from bot.store.audit import SqliteAudit
from bot.store.outbox import SENT_TO_CORRECT
from bot.store.sqlite import immediate, seconds
from bot.store.witness import Witness

ACQUAINTED = """
SELECT slack_id FROM acquainted WHERE team_id = ? AND slack_id IN (SELECT value FROM json_each(?))
"""
ANYBODY = "SELECT 1 FROM acquainted WHERE team_id = ? LIMIT 1"
MEET = "INSERT INTO acquainted VALUES (?, ?) ON CONFLICT DO NOTHING"
LAST_DM = """
SELECT channel_id, ts FROM notices WHERE team_id = ? AND slack_id = ? AND state = 'sent' AND ts IS NOT NULL
ORDER BY ts DESC LIMIT 1
"""
WROTE = "SELECT notice_id FROM notices WHERE team_id = ? AND notice_id IN (SELECT value FROM json_each(?))"
ARRIVED = f"{WROTE} AND state IN ('sent', 'sending', 'unknown')"
# One that this store gave up, and that Slack shows: it did arrive.
GIVEN_UP = "DELETE FROM notices WHERE team_id = ? AND notice_id = ? AND state NOT IN ('sent', 'sending', 'unknown')"
RESTORE = """
INSERT INTO notices (team_id, notice_id, seq, pass_id, person_id, slack_id, local_on, state, planned_at, claimed_at,
    settled_at, channel_id, ts, restored)
VALUES (?, ?, 0, 'restored', ?, ?, ?, 'sent', ?, ?, ?, ?, ?, 1) ON CONFLICT DO NOTHING
"""
RESTORE_REMINDER = """
INSERT INTO reminders (team_id, notice_id, course_id, deadline_on, step, fate, person_id, title, key, reproach_free,
    locked, shown) VALUES (?, ?, ?, ?, ?, 'named', ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
NEVER_EDIT = "UPDATE reminders SET shown = 'done' WHERE team_id = ? AND notice_id = ?"
SPEAKS_SINCE = "SELECT speaks_since_ts FROM marks WHERE team_id = ?"
CLAIMS = "SELECT claims FROM marks WHERE team_id = ?"
SET_CLAIMS = """
INSERT INTO marks (team_id, claims) VALUES (?, ?) ON CONFLICT (team_id) DO UPDATE SET claims = excluded.claims
"""
FORGET = (
    "DELETE FROM acquainted WHERE team_id = ?",
    "DELETE FROM letters_read WHERE team_id = ?",
    "UPDATE marks SET speaks_since_ts = NULL WHERE team_id = ?",
)


class SqliteAcquaintances:
    """Acquaintances in one SQLite file; see the Acquaintances protocol."""

    def __init__(self, db: Database, witness: Witness, team_id: str) -> None:
        self._db, self._witness, self._team = db, witness, team_id
        self._audit = SqliteAudit(db, team_id)

    def _first(self, sql: str, *values: Any) -> Any:
        return self._db.conn.execute(sql, (self._team, *values)).fetchone()

    def _among(self, sql: str, ids: Collection[str]) -> set[str]:
        return {row[0] for row in self._db.conn.execute(sql, (self._team, rows.ids_text(ids)))}

    def strangers(self, slack_ids: Collection[str]) -> set[str]:
        """Which of these Slack people's DMs are not known in full."""
        return set(slack_ids) - self._among(ACQUAINTED, slack_ids)

    def anybody(self) -> bool:
        """Whether there is anybody whose DM is known: not in a new store, nor in one that has forgotten."""
        return self._first(ANYBODY) is not None

    def last_dm(self, slack_id: str) -> tuple[str | None, str | None]:
        """Channel and ts of the last DM known to have reached this Slack person."""
        found = self._first(LAST_DM, slack_id)
        return (found[0], found[1]) if found else (None, None)

    def wrote(self, notice_ids: Collection[str]) -> set[str]:
        """Which of these notices this store knows."""
        return self._among(WROTE, notice_ids)

    def arrived(self, notice_ids: Collection[str]) -> set[str]:
        """Which of these notices count as said already."""
        return self._among(ARRIVED, notice_ids)

    def speaks_since(self) -> str | None:
        """The ts of the first DM that this store has sent since everybody was a stranger."""
        found = self._first(SPEAKS_SINCE)
        return found[0] if found else None

    def meet(
        self, person_id: int, slack_id: str, channel_id: str, heard: Sequence[Heard], *, at: datetime, wall_at: datetime
    ) -> None:
        """This person's DM was read to its end: what it holds was said, and they are acquainted; all or nothing."""
        with immediate(self._db):
            for dm in heard:
                self._restore(person_id, slack_id, channel_id, dm, at=at, wall_at=wall_at)
            self._db.conn.execute(MEET, (self._team, slack_id))

    def _restore(
        self, person_id: int, slack_id: str, channel_id: str, dm: Heard, *, at: datetime, wall_at: datetime
    ) -> None:
        instants = (seconds(at), wall_at.timestamp(), seconds(at))
        row = (self._team, dm.notice_id, person_id, slack_id, dm.local_on.isoformat(), *instants, channel_id, dm.ts)
        self._db.conn.execute(GIVEN_UP, (self._team, dm.notice_id))
        if not self._db.conn.execute(RESTORE, row).rowcount:
            return
        ids = (self._team, dm.notice_id)
        reminders = [
            (*ids, n.course_id, n.deadline_on.isoformat(), n.step.name, person_id, n.title, n.key, *_flags(n))
            for n in dm.named
        ]
        if self._db.conn.executemany(RESTORE_REMINDER, reminders).rowcount < len(reminders):
            self._db.conn.execute(NEVER_EDIT, ids)  # it names what another DM named before: not known in full
        self._db.conn.execute(SENT_TO_CORRECT, ids)
        self._audit.add(at, "bot", "notice.restored", dm.notice_id)

    def forget(self) -> None:
        """Everybody is a stranger again: their DMs are read back before the next one."""
        with immediate(self._db):
            for statement in FORGET:
                self._first(statement)

    def was_put_back(self) -> bool:
        """Whether the database is older than what it has sent; then all acquaintance is forgotten. Needs the lease."""
        found = self._first(CLAIMS)
        claims, noted = (found[0] if found else 0), self._witness.read()
        if claims >= (noted or 0) and (noted is not None or not claims):
            return False
        self.forget()
        claims = max(claims, noted or 0) + 1  # so that the same backup is noticed a second time too
        self._first(SET_CLAIMS, claims)
        self._witness.note(claims)
        return True


def _flags(named: Named) -> tuple[bool, bool, str]:
    return named.reproach_free, named.locked, named.shown
