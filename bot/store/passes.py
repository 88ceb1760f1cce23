"""Passes, freezes and approvals."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

from sqlite_utils import Database

from bot.deadlines.freeze import Snapshot
from bot.deadlines.model import STILL_TO_SAY
from bot.store import Hold, PassRecord
from bot.store.audit import SqliteAudit
from bot.store.sqlite import immediate, seconds

BEGUN = "INSERT INTO passes (team_id, pass_id, at, partial) VALUES (?, ?, ?, ?)"
ENDED = """
UPDATE passes SET ended = 1, quiet = ?, planned = ?, sent = ?, failed = ?, unknown = ?, frozen = ?, reasons = ?
WHERE team_id = ? AND pass_id = ?
"""
LAST = """
SELECT pass_id, at, planned, sent, failed, unknown, frozen, quiet, reasons FROM passes
WHERE team_id = ? AND ended = 1 ORDER BY at DESC, pass_id DESC LIMIT 1
"""
# A frozen pass is no first pass: it has neither sent nor had nothing to send.
WENT_WELL = """
SELECT 1 FROM passes WHERE team_id = ? AND NOT partial AND frozen IS NULL AND (sent > 0 OR quiet)
"""
RESTORED = "SELECT 1 FROM notices WHERE team_id = ? AND restored = 1 LIMIT 1"
SENT = "SELECT 1 FROM passes WHERE team_id = ? AND NOT partial AND sent > 0 LIMIT 1"
PACE = "SELECT posts_per_second FROM marks WHERE team_id = ? AND learned_from = ?"
KEEP_PACE = """
INSERT INTO marks (team_id, posts_per_second, learned_from) VALUES (?, ?, ?)
ON CONFLICT (team_id) DO UPDATE SET posts_per_second = excluded.posts_per_second, learned_from = excluded.learned_from
"""
LARGEST_RESTORED = """
SELECT coalesce(max(people), 0) FROM (SELECT count(DISTINCT person_id) AS people FROM notices
    WHERE team_id = ? AND restored = 1 AND local_on >= ? GROUP BY local_on)
"""
LARGEST = "SELECT coalesce(max(sent), 0) FROM passes WHERE team_id = ? AND at >= ? AND frozen IS NULL AND NOT partial"
HOLDS = "SELECT kind, text, since_at FROM freezes WHERE team_id = ? AND approved_at IS NULL ORDER BY kind"
HELD_BY_PULL = "SELECT text FROM freezes WHERE team_id = ? AND kind = 'pull' AND approved_at IS NULL"
FREEZE = """
INSERT INTO freezes (team_id, kind, text, since_at, people, assignments, completions, vanished)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (team_id, kind) DO UPDATE SET text = excluded.text, approved_at = NULL, people = excluded.people,
    assignments = excluded.assignments, completions = excluded.completions, vanished = excluded.vanished,
    since_at = CASE WHEN approved_at IS NULL THEN since_at ELSE excluded.since_at END
"""
MEASURE = """
SELECT people, assignments, completions, vanished FROM freezes
WHERE team_id = ? AND kind = 'pull' AND approved_at IS NOT NULL AND people IS NOT NULL
"""
APPROVED = "SELECT 1 FROM freezes WHERE team_id = ? AND approved_at IS NOT NULL"
# Somebody held still waits while they have not heard since, and something of theirs is to be said at the next hour.
WAITS = f"""
NOT EXISTS (SELECT 1 FROM notices heard WHERE heard.team_id = held.team_id AND heard.person_id = held.person_id
    AND heard.state IN ('sending', 'unknown', 'sent') AND heard.local_on >= held.local_on)
AND EXISTS (SELECT 1 FROM decisions d WHERE d.team_id = held.team_id AND d.person_id = held.person_id
    AND d.reason IN ({", ".join(f"'{reason}'" for reason in sorted(STILL_TO_SAY))}))
"""
HELD_PEOPLE = f"SELECT DISTINCT person_id FROM notices AS held WHERE team_id = ? AND state = 'held' AND {WAITS}"
FORGET_HELD = f"DELETE FROM notices AS held WHERE team_id = ? AND state = 'held' AND NOT ({WAITS})"
ANY_FREEZE = (
    "SELECT 1 FROM freezes WHERE team_id = ?1 UNION SELECT 1 FROM notices WHERE team_id = ?1 AND state = 'held'"
)
END_OF_HOLD = """
DELETE FROM freezes WHERE team_id = ? AND kind = 'pass' AND NOT EXISTS (
    SELECT 1 FROM notices n WHERE n.team_id = freezes.team_id AND n.state = 'held')
"""
APPROVE_DAY = "INSERT INTO approved_days (team_id, day, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
APPROVED_DAYS = "SELECT day FROM approved_days WHERE team_id = ?"
# A pass that was killed is closed by the next one, with what it had sent.
KILLED = """
UPDATE passes SET sent = (SELECT count(*) FROM notices n WHERE n.team_id = passes.team_id
    AND n.pass_id = passes.pass_id AND n.state = 'sent'), ended = 1 WHERE team_id = ? AND ended = 0
"""


class SqlitePasses:
    """Passes and freezes in one SQLite file; see the Passes protocol."""

    def __init__(self, db: Database, team_id: str) -> None:
        self._db, self._team = db, team_id

    def _one(self, sql: str, *values: Any) -> Any:
        return self._db.conn.execute(sql, (self._team, *values)).fetchone()

    def begun(self, pass_id: str, at: datetime, *, partial: bool = False) -> None:
        """A pass starts; a partial one, for one person, is no measure of anything."""
        self._one(KILLED)
        self._one(BEGUN, pass_id, seconds(at), partial)

    def ended(self, record: PassRecord) -> None:
        """A pass is over."""
        reasons = json.dumps(dict(record.reasons or {}))
        figures = (record.quiet, record.planned, record.sent, record.failed, record.unknown, record.frozen, reasons)
        self._db.conn.execute(ENDED, (*figures, self._team, record.pass_id))

    def last(self) -> PassRecord | None:
        """The last pass that ended."""
        row = self._one(LAST)
        if row is None:
            return None
        pass_id, at, planned, sent, failed, unknown, frozen, quiet, reasons = row
        return PassRecord(
            pass_id=pass_id,
            at=datetime.fromtimestamp(at, UTC),
            planned=planned,
            sent=sent,
            failed=failed,
            unknown=unknown,
            frozen=frozen,
            quiet=bool(quiet),
            reasons=json.loads(reasons),
        )

    def is_first(self) -> bool:
        """Whether no pass has yet sent, or had nothing to send, and nothing was read back of an earlier store."""
        return self._one(WENT_WELL) is None and self._one(RESTORED) is None

    def is_rebuilt(self) -> bool:
        """Whether an earlier store's DMs were read back and no pass has sent since: there is no measure of a pass."""
        return self._one(RESTORED) is not None and self._one(SENT) is None

    def largest_since(self, since: datetime) -> int:
        """People messaged by the largest pass since then, or on the largest day that was read back."""
        restored = self._one(LARGEST_RESTORED, since.date().isoformat())[0]
        return max(int(self._one(LARGEST, seconds(since))[0]), int(restored))

    def frozen(self) -> str | None:
        """Why the safety freeze holds, or None."""
        return "; ".join(hold.text for hold in self.holds()) or None

    def holds(self) -> list[Hold]:
        """The freezes that hold, at most one of each kind."""
        found = self._db.conn.execute(HOLDS, (self._team,)).fetchall()
        return [
            Hold(kind=kind, text=text, since_at=datetime.fromtimestamp(since_at, UTC)) for kind, text, since_at in found
        ]

    def held_by_pull(self) -> str | None:
        """Why the last pull was not taken, and not approved since."""
        row = self._one(HELD_BY_PULL)
        return str(row[0]) if row else None

    def freeze(self, kind: str, text: str, at: datetime, *, measure: tuple[Snapshot, int] | None = None) -> None:
        """The safety freeze begins or goes on."""
        found, vanished = measure or (None, None)
        figures = (found.people, found.assignments, found.completions) if found else (None, None, None)
        self._one(FREEZE, kind, text, seconds(at), *figures, vanished)

    def thaw_pull(self) -> None:
        """A pull was taken: its freeze is over by itself."""
        self._one("DELETE FROM freezes WHERE team_id = ? AND kind = 'pull'")

    def thaw_pass(self) -> None:
        """A pass went through: its freeze, and an approval, are over once nobody held waits any more."""
        if self._one(ANY_FREEZE) is None:
            return
        with immediate(self._db):
            self._one(FORGET_HELD)
            self._one(END_OF_HOLD)

    def approve(self, at: datetime, by: str) -> str | None:
        """Release the freeze that holds; returns its text, None where nothing is frozen."""
        text = self.frozen()
        if text is None:
            return None
        with immediate(self._db):
            self._db.conn.execute(
                "UPDATE freezes SET approved_at = ? WHERE team_id = ? AND approved_at IS NULL",
                (seconds(at), self._team),
            )
            SqliteAudit(self._db, self._team).add(at, by, "approve", "freeze", text)
        return text

    def approve_day(self, day: date, at: datetime, by: str) -> None:
        """People whose local day this is do not count towards the limits of a pass."""
        with immediate(self._db):
            if self._db.conn.execute(APPROVE_DAY, (self._team, day.isoformat(), seconds(at))).rowcount:
                SqliteAudit(self._db, self._team).add(at, by, "approve", "day", day.isoformat())

    def approved_days(self) -> set[date]:
        """The local days that were approved before they came."""
        return {date.fromisoformat(row[0]) for row in self._db.conn.execute(APPROVED_DAYS, (self._team,))}

    def pace(self, posts_per_second: float) -> float | None:
        """The posts a second that earlier passes learned, starting at this figure of the policy."""
        row = self._one(PACE, posts_per_second)
        return float(row[0]) if row else None

    def keep_pace(self, learned: float, posts_per_second: float) -> None:
        """A pass that started at this figure of the policy learned that one."""
        self._one(KEEP_PACE, learned, posts_per_second)

    def approved_people(self) -> set[int]:
        """People whose notices were planned in a frozen pass that was approved, and who have not heard yet."""
        return self.held_people() if self._one(APPROVED) else set()

    def held_people(self) -> set[int]:
        """People whose notices were planned in a frozen pass, and who have not heard yet."""
        return {row[0] for row in self._db.conn.execute(HELD_PEOPLE, (self._team,))}

    def approved_measure(self) -> tuple[Snapshot, int] | None:
        """The figures and the vanished completions of a frozen pull that was approved: the new measure."""
        row = self._one(MEASURE)
        return (Snapshot(people=row[0], assignments=row[1], completions=row[2]), row[3]) if row else None
