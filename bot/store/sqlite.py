"""What is SQLite's alone: how a file is opened, what a transaction is, what its errors mean.

Opened in the one way that keeps a commit on disk: `isolation_level=None`, so that no implicit transaction swallows a
later one (sqlite-utils 4: an INSERT on an ordinary connection opens one that nothing ever commits), WAL, and
synchronous=FULL. A transaction that writes begins IMMEDIATE: a plain one that reads first can fail beside another
writer with SQLITE_BUSY_SNAPSHOT.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from bot.errors import StoreDamaged, StoreError, StoreTooNew
from bot.store.migrations import RELEASED, migrations

BUSY_SECONDS = 15
FOUND = (sqlite3.Error, UnicodeDecodeError)  # what a damaged or unwritable file shows itself by


def connect(path: Path) -> Database:
    """A connection to this file, made where it is missing. Raises a StoreError."""
    with translated(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)  # it holds data about people: for its owner's eyes; SQLite's other files follow it
        conn = sqlite3.connect(
            path, isolation_level=None, timeout=BUSY_SECONDS, check_same_thread=False, factory=_Connection
        )
    conn.path = path
    try:
        _use_wal(conn)
        for pragma in ("synchronous=FULL", "foreign_keys=ON", "temp_store=FILE"):
            conn.execute(f"PRAGMA {pragma}")
    except BaseException:
        conn.close()
        raise
    return Database(conn)


class _Cursor(sqlite3.Cursor):
    """A cursor whose errors are ours: a damaged page may only be met while rows are fetched."""

    connection: _Connection

    def fetchone(self) -> Any:
        """The next row. Raises StoreError."""
        try:
            return super().fetchone()
        except FOUND as error:
            raise ours(self.connection.path, error) from error

    def fetchall(self) -> list[Any]:
        """The rows that are left. Raises StoreError."""
        try:
            return super().fetchall()
        except FOUND as error:
            raise ours(self.connection.path, error) from error

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]  # typeshed wants the cursor itself
        with translated(self.connection.path):
            yield from iter(partial(sqlite3.Cursor.fetchone, self), None)


class _Connection(sqlite3.Connection):
    """A connection whose errors are ours, whoever uses it."""

    path: Path

    def execute(self, *args: Any) -> sqlite3.Cursor:
        """One statement. Raises StoreError."""
        try:
            return self.cursor(_Cursor).execute(*args)
        except FOUND as error:
            raise ours(self.path, error) from error

    def executemany(self, *args: Any) -> sqlite3.Cursor:
        """One statement for many rows. Raises StoreError."""
        try:
            return self.cursor(_Cursor).executemany(*args)
        except FOUND as error:
            raise ours(self.path, error) from error


def _use_wal(conn: sqlite3.Connection) -> None:
    """Switch to WAL; by itself SQLite does not wait for the lock that this takes when two processes start together."""
    until = time.monotonic() + BUSY_SECONDS
    while not _is_wal(conn, last_try=time.monotonic() > until):
        time.sleep(0.02)


def _is_wal(conn: sqlite3.Connection, *, last_try: bool) -> bool:
    try:
        conn.execute("PRAGMA journal_mode=WAL")
    except StoreError as error:
        busy = getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
        if last_try or not busy:
            raise
        return False
    return True


def migrate(db: Database, path: Path) -> None:
    """Bring the schema up to date; two processes that start together take turns. Raises a StoreError."""
    with translated(path):
        if not migrations.pending(db) and not _unknown(db):
            return  # nothing to do, and nothing to wait for
    with translated(path), immediate(db):
        if _unknown(db):
            raise StoreTooNew(f"{path} was written by a newer version of this program.")
        migrations.apply(db)


def _unknown(db: Database) -> set[str]:
    """Steps that were applied and are none of ours."""
    return {m.name for m in migrations.applied(db)} - set(RELEASED)


def check(db: Database, path: Path) -> None:
    """Raise StoreDamaged unless SQLite finds the file sound."""
    with translated(path):
        if db.conn.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise StoreDamaged(f"{path} is damaged.")


def copy(path: Path, to: Path) -> None:
    """A consistent copy of the store at `path`, which may be in use; nothing where there is none."""
    if not path.exists():
        return
    with translated(path):
        source, target = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True), sqlite3.connect(to)
        try:
            source.backup(target)
        finally:
            source.close()
            target.close()


@contextmanager
def immediate(db: Database) -> Iterator[None]:
    """A transaction that writes: all of it is on disk at the end, or none."""
    db.conn.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with suppress(StoreError, sqlite3.Error):
            db.conn.execute("ROLLBACK")
        raise
    db.conn.execute("COMMIT")


def ours(path: Path, error: sqlite3.Error | UnicodeDecodeError) -> StoreError:
    """SQLite's error as ours."""
    if isinstance(error, sqlite3.IntegrityError):
        return StoreError(f"The store {path} refuses what breaks its rules: {error}.")
    if isinstance(error, UnicodeDecodeError) or "decode to UTF-8" in str(error):
        return StoreDamaged(f"{path} is damaged: it holds text that is none.")
    if type(error) is sqlite3.DatabaseError:
        return StoreDamaged(f"{path} is no sound database: {error}.")
    return StoreError(f"The store {path} cannot be used: {error}.")


@contextmanager
def reading(db: Database) -> Iterator[None]:
    """A transaction that only reads: all its statements see one state, whatever others commit meanwhile."""
    db.conn.execute("BEGIN")
    try:
        yield
    finally:
        db.conn.execute("COMMIT")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's errors as ours, with the file's name."""
    try:
        yield
    except FOUND as error:
        raise ours(path, error) from error
    except OSError as error:
        raise StoreError(f"The store {path} cannot be used: {error.strerror}.") from error


def seconds(instant: datetime | None) -> int | None:
    """An aware instant as whole seconds since 1970 in UTC."""
    return None if instant is None else int(instant.timestamp())


def instant(value: float | None) -> datetime | None:
    """The aware UTC instant of so many seconds since 1970."""
    return None if value is None else datetime.fromtimestamp(value, UTC)
