"""The SQLite store keeps the contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database

from bot.store import Store
from bot.store.sqlite import connect
from bot.store.sqlite_store import SqliteStore, open_existing, open_store
from tests.store.contract import StoreContract
from tests.store.some import NOW


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A store of workspace T1 that holds nothing yet, made once."""
    path = tmp_path_factory.mktemp("empty") / "bot.db"
    open_store(path, "T1", NOW).close()
    return path.read_bytes()


class TestSqlite(StoreContract):
    @pytest.fixture
    def path(self, empty: bytes, tmp_path: Path) -> Path:
        path = tmp_path / "bot.db"
        path.write_bytes(empty)
        return path

    @pytest.fixture
    def db(self, path: Path) -> Iterator[Database]:
        """A connection that does not wait for the disk: test_sqlite.py sees to power cuts."""
        db = connect(path)
        db.conn.execute("PRAGMA synchronous=OFF")
        yield db
        db.conn.close()

    @pytest.fixture
    def store(self, db: Database, path: Path) -> Store:
        return SqliteStore(db, path, "T1")

    @pytest.fixture
    def neighbour(self, db: Database, path: Path) -> Store:
        return SqliteStore(db, path, "T2")

    @pytest.fixture
    def again(self, path: Path) -> Iterator[Store]:
        store = open_existing(path)
        assert store is not None
        yield store
        store.close()
