"""What it costs that a DM is on disk before it is posted and its outcome after, beside two bare commits of SQLite."""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from bot.deadlines.model import DUE, Notice, Reminder
from bot.store import Named
from bot.store.sqlite_store import SqliteStore, open_store

DMS = 1000
ROUNDS = 5
NOW = datetime(2027, 6, 15, 8, 0, tzinfo=UTC)


def _planned(store: SqliteStore, day: int) -> list[str]:
    """So many DMs are planned, each of two courses."""
    on = NOW.date().replace(day=1 + day)
    planned = []
    for person_id in range(DMS):
        reminders = tuple(Reminder(course_id=n, step=DUE, deadline_on=on) for n in (1, 2))
        notice = Notice(person_id=person_id, slack_id=f"U{person_id}", local_on=on, reminders=reminders)
        named = tuple(
            Named(course_id=r.course_id, title="A course", step=r.step, deadline_on=on, key=f"{person_id:032}")
            for r in reminders
        )
        planned.append((f"{day}-{person_id}", notice, named))
    store.outbox.save([], planned, pass_id="p", at=NOW)
    return [notice_id for notice_id, _, _ in planned]


def _claimed_and_settled(store: SqliteStore, day: int) -> float:
    """Seconds for one DM."""
    notice_ids = _planned(store, day)
    begun = perf_counter()
    for n, notice_id in enumerate(notice_ids):
        store.outbox.claim(notice_id, wall_at=NOW)
        store.outbox.sent(notice_id, channel_id="D1", ts=f"18{day:02}000000.{n:06}", at=NOW)
    return (perf_counter() - begun) / DMS


def _bare(conn: sqlite3.Connection) -> float:
    """Seconds for two durable commits of one row each."""
    begun = perf_counter()
    for n in range(DMS):
        conn.execute("INSERT INTO t VALUES (?, 'sending')", (n,))
        conn.execute("UPDATE t SET state = 'sent' WHERE n = ?", (n,))
    seconds = (perf_counter() - begun) / DMS
    conn.execute("DELETE FROM t")
    return seconds


def _bare_connection(folder: str) -> sqlite3.Connection:
    conn = sqlite3.connect(Path(folder) / "bare.db", isolation_level=None)
    conn.execute("PRAGMA journal_mode=WAL")
    conn.execute("PRAGMA synchronous=FULL")
    conn.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, state TEXT) STRICT")
    return conn


def main() -> None:
    """Milliseconds for a claim and a settle, and their ratio to two bare commits; medians of alternating rounds."""
    with tempfile.TemporaryDirectory() as folder:
        store, conn = open_store(Path(folder) / "bot.db", "T1", NOW), _bare_connection(folder)
        pairs = [(_claimed_and_settled(store, n), _bare(conn)) for n in range(ROUNDS)]
        ours, bare = (statistics.median(column) for column in zip(*pairs, strict=True))
        store.close()
        conn.close()
    print(
        f"a claim and a settle: {ours * 1000:.2f} ms a DM; two bare commits {bare * 1000:.2f} ms: {ours / bare:.1f} x"
    )
