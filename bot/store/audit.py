"""The audit: one line for each thing done, in the transaction that did it; never changed, pseudonyms only."""

from __future__ import annotations

from datetime import datetime

from sqlite_utils import Database

from bot.store.sqlite import seconds

ADD_AUDIT = """
INSERT INTO audit (team_id, seq, at, actor, action, subject, detail)
SELECT :team, 1 + coalesce(max(seq), 0), :at, :actor, :action, :subject, :detail FROM audit WHERE team_id = :team
"""


class SqliteAudit:
    """The audit in one SQLite file; see the Audit protocol."""

    def __init__(self, db: Database, team_id: str) -> None:
        self._db, self._team = db, team_id

    def add(self, at: datetime, actor: str, action: str, subject: str, detail: str = "") -> None:
        """One line; never changed afterwards."""
        named = {"team": self._team, "at": seconds(at), "actor": actor, "action": action, "subject": subject}
        self._db.conn.execute(ADD_AUDIT, {**named, "detail": detail})
