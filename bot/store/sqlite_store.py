"""The Store in one SQLite file: opening it for a workspace, reading it without one, rehearsing on a copy."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from bot.errors import StoreEmpty, StoreError, WrongWorkspace
from bot.store import Dossier
from bot.store.acquaintances import SqliteAcquaintances
from bot.store.audit import SqliteAudit
from bot.store.dossiers import Dossiers
from bot.store.exemptions import SqliteExemptions
from bot.store.hitches import SqliteHitches
from bot.store.letters import SqliteLetters
from bot.store.outbox import SqliteOutbox
from bot.store.passes import SqlitePasses
from bot.store.snapshot import SqliteSnapshots
from bot.store.sqlite import check, connect, copy, immediate, migrate, seconds
from bot.store.teams import SqliteTeams
from bot.store.witness import Witness, beside

STEPS_BETWEEN_LOOKS = 5000  # of SQLite's machine: some tenths of a millisecond


class _Snapshots(SqliteSnapshots):
    """The snapshot with its reader of people."""

    def __init__(self, db: Database, path: Path, team_id: str) -> None:
        super().__init__(db, path, team_id)
        self._dossiers = Dossiers(db, team_id)

    def dossiers(self, person_ids: Iterable[int] | None = None) -> Iterator[list[Dossier]]:
        """Everybody with an assignment, or these people, in chunks, by id."""
        return self._dossiers.all() if person_ids is None else self._dossiers.of(person_ids)

    def dossier(self, person_id: int) -> Dossier:
        """Everything about this one person; an empty dossier where nothing is stored."""
        (chunk,) = self._dossiers.of([person_id])
        return chunk[0]


class SqliteStore:
    """One workspace's memory in one file; see the Store protocol."""

    def __init__(self, db: Database, path: Path, team_id: str) -> None:
        self._db, self._path = db, path
        self.team_id = team_id
        self._witness = Witness(path)
        self.snapshots = _Snapshots(db, path, team_id)
        self.outbox = SqliteOutbox(db, self._witness, team_id)
        self.known = SqliteAcquaintances(db, self._witness, team_id)
        self.exemptions = SqliteExemptions(db, team_id)
        self.letters = SqliteLetters(db, self._witness, team_id)
        self.hitches = SqliteHitches(db, team_id)
        self.passes = SqlitePasses(db, team_id)
        self.teams = SqliteTeams(db, team_id)
        self.audit = SqliteAudit(db, team_id)

    @contextmanager
    def another(self, *, stopping: Callable[[], bool] | None = None) -> Iterator[SqliteStore]:
        """The same store on a connection of its own, which breaks off once `stopping` says so."""
        db = connect(self._path)
        if stopping:
            db.conn.set_progress_handler(stopping, STEPS_BETWEEN_LOOKS)
        store = SqliteStore(db, self._path, self.team_id)
        try:
            yield store
        finally:
            store.close()

    def close(self) -> None:
        """Let go of the database."""
        self._witness.close()
        self._db.conn.close()


def open_store(path: Path, team_id: str, now: datetime) -> SqliteStore:
    """The store of this workspace, made where it is missing. Raises a StoreError."""
    db = _opened(path, checked=True)
    try:
        with immediate(db):
            first = "INSERT INTO workspace SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM workspace)"
            db.conn.execute(first, (team_id, seconds(now)))
        _check_owner(db, path, team_id)
    except BaseException:
        db.conn.close()
        raise
    return SqliteStore(db, path, team_id)


def open_existing(path: Path) -> SqliteStore | None:
    """The store as it is, for commands that only read; None where nothing was ever stored. Raises a StoreError."""
    if not path.exists():
        return None
    db = _opened(path)
    try:
        owner = _owner(db)
    except BaseException:
        db.conn.close()
        raise
    if owner is None:
        db.conn.close()
        return None
    return SqliteStore(db, path, owner)


def need_existing(path: Path) -> SqliteStore:
    """The store as it is. Raises StoreError where nothing was ever stored."""
    if store := open_existing(path):
        try:
            if store.snapshots.last():
                return store
        except BaseException:
            store.close()
            raise
        store.close()
    raise StoreEmpty(f"The store {path} is empty.")


@contextmanager
def rehearsal(path: Path, team_id: str, now: datetime) -> Iterator[SqliteStore]:
    """A copy of the store to rehearse a pass on, thrown away afterwards; the real one is not touched."""
    with tempfile.TemporaryDirectory(prefix="deadline-bot-") as folder:
        on_copy = Path(folder) / "rehearsal.db"
        if beside(path).exists():  # first: claims that are made meanwhile are then in the database alone
            shutil.copyfile(beside(path), beside(on_copy))
        copy(path, on_copy)
        try:
            store = open_store(on_copy, team_id, now)
        except StoreError as error:
            raise type(error)(error.message.replace(str(on_copy), str(path)), fix=error.fix) from error
        try:
            yield store
        finally:
            store.close()


def _opened(path: Path, *, checked: bool = False) -> Database:
    """The database, brought up to date; `checked` for damage too, which takes seconds on a large one."""
    db = connect(path)
    try:
        if checked:
            check(db, path)
        migrate(db, path)
    except BaseException:
        db.conn.close()
        raise
    return db


def _check_owner(db: Database, path: Path, team_id: str) -> None:
    if (owner := _owner(db)) != team_id:
        raise WrongWorkspace(f"The store {path} belongs to the Slack workspace {owner}, the token to {team_id}.")


def _owner(db: Database) -> str | None:
    row = db.conn.execute("SELECT team_id FROM workspace").fetchone()
    return str(row[0]) if row else None
