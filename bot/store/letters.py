"""Letters: messages that the bot starts and that are no reminders, and what became of them.

A letter that waits is not stored: whoever wants it said produces it anew at each pass, and its id, worked out from what
it is, says whether that was done. Every move is a conditional update whose row count is checked:

    (nothing) ── claim ──► sending ──┬── sent ────► sent
        ▲  │                  │      ├── failed ──► failed     Slack refused it: not tried again under this subject
        │  └── skip ► skipped │      └── unknown ─► unknown ── sent ──► sent
        └──────── back ───────┴───────────────────────┘

    (Slack) ── read ──► sent, of a kind that is not known until it is wanted: adopt

Whose DM was read for letters is `letters_read`; all are unread again when acquaintance is forgotten (acquaintances.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from bot.errors import StoreError
from bot.store import ClaimedLetter, State, StoredLetter, rows
from bot.store.audit import SqliteAudit
from bot.store.outbox import COUNT_CLAIM
from bot.store.sqlite import immediate, instant, seconds
from bot.store.witness import Witness

KNOWN = """
SELECT letter_id FROM letters WHERE team_id = ? AND letter_id IN (SELECT value FROM json_each(?))
"""
TOLD = """
SELECT 1 FROM letters WHERE team_id = ? AND kind = ? AND slack_id = ? AND subject = ?
    AND state IN ('sending', 'unknown', 'sent', 'skipped')
"""
LAST = """
SELECT letter_id, kind, slack_id, subject, content, at FROM letters WHERE team_id = ? AND kind = ? AND slack_id = ?
    AND state IN ('sending', 'unknown', 'sent', 'skipped') AND (NOT ? OR state <> 'skipped')
ORDER BY at DESC, state = 'skipped' DESC LIMIT 1
"""
# The second condition is the partial index's own, without which SQLite does not use it.
UNSETTLED = """
SELECT letter_id, slack_id, state, claimed_at, (SELECT max(ts) FROM letters s WHERE s.team_id = l.team_id
    AND s.kind = l.kind AND s.slack_id = l.slack_id AND s.state = 'sent' AND s.claimed_at < l.claimed_at)
FROM letters l WHERE team_id = ? AND state IN ('sending', 'unknown') ORDER BY claimed_at, letter_id
"""
CLAIM = """
INSERT INTO letters (team_id, letter_id, kind, slack_id, subject, content, state, at, claimed_at)
VALUES (?, ?, ?, ?, ?, ?, 'sending', ?, ?) ON CONFLICT DO NOTHING
"""
BACK = "DELETE FROM letters WHERE team_id = ? AND letter_id = ? AND state IN ('sending', 'unknown')"
# One that says what stands now may be noted again and again under one subject.
SKIP = """
INSERT INTO letters (team_id, letter_id, kind, slack_id, subject, content, state, at)
VALUES (?, ?, ?, ?, ?, ?, 'skipped', ?)
ON CONFLICT (team_id, letter_id) DO UPDATE SET content = excluded.content, at = excluded.at WHERE state = 'skipped'
"""
READ = "INSERT INTO letters_read VALUES (?, ?) ON CONFLICT DO NOTHING"
HAS_READ = "SELECT 1 FROM letters_read WHERE team_id = ? AND slack_id = ?"
ANYBODY = "SELECT 1 FROM letters_read WHERE team_id = ? LIMIT 1"
# One that this store gave up, and that Slack shows: it did arrive.
RESTORE = """
INSERT INTO letters (team_id, letter_id, kind, slack_id, subject, content, state, at, channel_id, ts)
VALUES (?, ?, 'restored', ?, '', '', 'sent', ?, ?, ?)
ON CONFLICT (team_id, letter_id) DO UPDATE SET
    state = 'sent', channel_id = excluded.channel_id, ts = excluded.ts, error = NULL WHERE state <> 'sent'
"""
ADOPT = """
UPDATE letters SET kind = ?, subject = ?, content = ?
WHERE team_id = ? AND letter_id = ? AND kind = 'restored'
"""


class SqliteLetters:
    """Letters in one SQLite file; see the Letters protocol."""

    def __init__(self, db: Database, witness: Witness, team_id: str) -> None:
        self._db, self._witness, self._team, self._audit = db, witness, team_id, SqliteAudit(db, team_id)

    def _all(self, sql: str, *values: Any) -> list[Any]:
        return self._db.conn.execute(sql, (self._team, *values)).fetchall()

    # ── what was said ──

    def known(self, letter_ids: Collection[str]) -> set[str]:
        """Which of these are said, on their way, refused or skipped."""
        return {row[0] for row in self._all(KNOWN, rows.ids_text(letter_ids))}

    def is_told(self, kind: str, slack_id: str, subject: str) -> bool:
        """Whether this counts as said, or was skipped."""
        return bool(self._all(TOLD, kind, slack_id, subject))

    def last(self, kind: str, slack_id: str, *, posted: bool = False) -> StoredLetter | None:
        """The last of this kind to this Slack person that counts as said or, unless `posted`, was skipped."""
        found = self._all(LAST, kind, slack_id, posted)
        return _letter(found[0]) if found else None

    def unsettled(self) -> list[ClaimedLetter]:
        """Letters whose fate is not known."""
        return [
            ClaimedLetter(
                letter_id=letter_id,
                slack_id=slack_id,
                state=State(state),
                claimed_at=instant(claimed_at),
                after_ts=after_ts,
            )
            for letter_id, slack_id, state, claimed_at, after_ts in self._all(UNSETTLED)
        ]

    # ── moves ──

    def claim(self, letter: StoredLetter, *, at: datetime, wall_at: datetime) -> None:
        """Nothing -> sending, on disk before the post begins."""
        with immediate(self._db):
            values = (self._team, *_columns(letter), seconds(at), wall_at.timestamp())
            if self._db.conn.execute(CLAIM, values).rowcount != 1:
                raise StoreError(f"Letter {letter.letter_id} cannot become sending: another copy has moved it.")
            self._db.conn.execute(READ, (self._team, letter.slack_id))
            ((claims,),) = self._all(COUNT_CLAIM)
        self._witness.note(claims)

    def sent(self, letter_id: str, *, channel_id: str, ts: str, at: datetime) -> None:
        """It arrived."""
        fields = {"channel_id": channel_id, "ts": ts, "error": None}
        with self._move(letter_id, (State.SENDING, State.UNKNOWN), State.SENT, fields):
            self._audit.add(at, "bot", "letter.sent", letter_id)

    def failed(self, letter_id: str, *, error: str, at: datetime) -> None:
        """Slack refused it."""
        with self._move(letter_id, (State.SENDING,), State.FAILED, {"error": error}):
            self._audit.add(at, "bot", "letter.failed", letter_id, error)

    def unknown(self, letter_id: str, *, error: str) -> None:
        """Nobody can say."""
        with self._move(letter_id, (State.SENDING,), State.UNKNOWN, {"error": error}):
            pass

    def back(self, letter_id: str) -> None:
        """It surely did not arrive."""
        if self._db.conn.execute(BACK, (self._team, letter_id)).rowcount != 1:
            raise StoreError(f"Letter {letter_id} cannot go back: another copy has moved it.")

    def skip(self, letter: StoredLetter, *, at: datetime) -> None:
        """There is nothing to say."""
        self._db.conn.execute(SKIP, (self._team, *_columns(letter), seconds(at)))

    @contextmanager
    def _move(self, letter_id: str, before: Sequence[State], after: State, fields: Mapping[str, Any]) -> Iterator[None]:
        """One move and what belongs to it, in one transaction. Raises StoreError where the letter is elsewhere."""
        columns = "".join(f", {name} = :{name}" for name in fields)
        sql = f"UPDATE letters SET state = :after{columns} WHERE team_id = :team AND letter_id = :id "
        sql += "AND state IN (SELECT value FROM json_each(:before))"
        named = {"after": after, "team": self._team, "id": letter_id, "before": rows.ids_text(before), **fields}
        with immediate(self._db):
            if self._db.conn.execute(sql, named).rowcount != 1:
                raise StoreError(f"Letter {letter_id} cannot become {after}: another copy has moved it.")
            yield

    # ── reading back ──

    def has_read(self, slack_id: str) -> bool:
        """Whether this person's DM was read for letters, or needed no reading."""
        return bool(self._all(HAS_READ, slack_id))

    def anybody_read(self) -> bool:
        """Whether anybody's was."""
        return bool(self._all(ANYBODY))

    def read(self, slack_id: str, channel_id: str, found: Mapping[str, str]) -> None:
        """This person's DM was read to its end: these letters (id -> ts) were said; all or nothing."""
        restored = [
            (self._team, letter_id, slack_id, int(float(ts)), channel_id, ts) for letter_id, ts in found.items()
        ]
        with immediate(self._db):
            self._db.conn.executemany(RESTORE, restored)
            self._db.conn.execute(READ, (self._team, slack_id))

    def adopt(self, letter: StoredLetter) -> None:
        """What a letter that was read back is, now that it is wanted; any other stays as it is."""
        said = (letter.kind, letter.subject, letter.content)
        self._db.conn.execute(ADOPT, (*said, self._team, letter.letter_id))


def _columns(letter: StoredLetter) -> rows.Row:
    return letter.letter_id, letter.kind, letter.slack_id, letter.subject, letter.content


def _letter(row: rows.Row) -> StoredLetter:
    return StoredLetter(
        letter_id=row[0], kind=row[1], slack_id=row[2], subject=row[3], content=row[4], at=instant(row[5])
    )
