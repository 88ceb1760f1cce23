"""What is SQLite's alone: settings, kill -9, two processes at once, damage, rehearsal, the lease, schema, indices."""

from __future__ import annotations

import gc
import os
import signal
import sqlite3
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from threading import Thread, Timer
from typing import Any

import pytest
from sqlite_utils import Database

from bot.deadlines.model import DUE, Exemption, Match, Reason
from bot.errors import StoreDamaged, StoreEmpty, StoreError, StoreTooNew, WrongWorkspace
from bot.store import State, dossiers, exemptions, hitches, letters, outbox, passes, snapshot
from bot.store.lease import Lease
from bot.store.migrations import RELEASED, migrations
from bot.store.sqlite import connect
from bot.store.sqlite_store import SqliteStore, need_existing, open_existing, open_store, rehearsal
from bot.store.witness import beside
from tests.builders import an_assignment, on
from tests.store.some import (
    LATER,
    MOVES,
    NOW,
    a_decision,
    a_member,
    a_page,
    a_reminder,
    bring,
    decide,
    plan,
    pull,
    send,
    stored,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bot.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    store = open_store(path, "T1", NOW)
    yield store
    store.close()


def a_process(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Another copy of the program, running this."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def query(path: Path, sql: str, *values: object) -> list[Any]:
    """What a reader from outside sees."""
    with closing(sqlite3.connect(path)) as conn:
        return conn.execute(sql, values).fetchall()


def connection_of(used: Any) -> sqlite3.Connection:
    """The connection that a store or a writer uses itself."""
    conn: sqlite3.Connection = used._db.conn
    return conn


def change(path: Path, sql: str, *values: object) -> None:
    """Somebody changes the file behind the program's back."""
    with closing(sqlite3.connect(path)) as conn, conn:
        conn.execute(sql, values)


# ── what is on disk ──


class TestDurability:
    @pytest.mark.parametrize(
        ("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("temp_store", 1)]
    )
    def test_settings_in_force(self, path: Path, pragma: str, value: object) -> None:
        with closing(connect(path).conn) as conn:
            assert conn.execute(f"PRAGMA {pragma}").fetchone()[0] == value

    def test_a_claim_is_on_disk_after_kill_9(self, store: SqliteStore, path: Path) -> None:
        plan(store, "n1")
        code = """if True:
            import os, signal, sys
            from pathlib import Path
            from bot.store.sqlite_store import open_existing
            from tests.store.some import NOW
            open_existing(Path(sys.argv[1])).outbox.claim("n1", wall_at=NOW)
            os.kill(os.getpid(), signal.SIGKILL)
        """
        with a_process(code, path) as copy:
            copy.wait()
        assert copy.returncode == -signal.SIGKILL
        with closing(open_store(path, "T1", LATER)) as after:
            [found] = after.outbox.unsettled()
        assert (found.notice_id, found.state, found.attempts) == ("n1", State.SENDING, 1)

    def test_kill_9_within_a_commit_leaves_the_earlier_snapshot(self, store: SqliteStore, path: Path) -> None:
        before = pull(store, an_assignment())
        code = """if True:
            import os, signal, sys
            from pathlib import Path
            from bot.store.sqlite_store import open_existing
            from tests.builders import an_assignment
            from tests.store.some import NOW, stage
            with open_existing(Path(sys.argv[1])).snapshots.replace() as writer:
                stage(writer, an_assignment("2028-01-01", person_id=9))
                kill = lambda statement: "INTO pulls" in statement and os.kill(os.getpid(), signal.SIGKILL)
                writer._db.conn.set_trace_callback(kill)
                writer.commit(NOW)
        """
        with a_process(code, path) as copy:
            copy.wait()
        assert copy.returncode == -signal.SIGKILL
        assert store.snapshots.last() == before
        assert stored(store) == [an_assignment()]

    def test_each_instant_is_whole_seconds_and_each_day_a_date(self, store: SqliteStore, path: Path) -> None:
        pull(store, an_assignment(assigned_at=NOW.replace(microsecond=900_000)))
        [(deadline_on, assigned_at)] = query(path, "SELECT deadline_on, assigned_at FROM assignments")
        assert (deadline_on, assigned_at) == ("2027-06-23", int(NOW.timestamp()))


class TestWriting:
    def test_a_pull_that_changed_nothing_costs_next_to_no_writing(self, store: SqliteStore, path: Path) -> None:
        pages = {1: [a_page(*(an_assignment(person_id=n) for n in range(200)), number=p) for p in range(1, 21)]}
        first, second = (written_by(path, lambda: pull(store, pages=pages, people=[])) for _ in range(2))
        assert second < first / 20

    def test_saving_the_same_decisions_again_writes_nothing(self, store: SqliteStore, path: Path) -> None:
        decisions = [a_decision(Reason.SEND, step=DUE, next_at=NOW), a_decision(deadline=None, course_id=2)]
        decide(store, *decisions)
        with closing(sqlite3.connect(path)) as watcher:
            before = watcher.execute("PRAGMA data_version").fetchone()
            decide(store, *decisions, at=LATER)
            assert watcher.execute("PRAGMA data_version").fetchone() == before

    def test_saving_one_change_leaves_the_other_decisions_unwritten(self, store: SqliteStore, path: Path) -> None:
        many = [a_decision(person_id=n, detail="x" * 50) for n in range(2_000)]
        first = written_by(path, lambda: decide(store, *many))
        changed = [*many[:-1], a_decision(Reason.COMPLETED, person_id=1_999)]
        assert written_by(path, lambda: decide(store, *changed)) < first / 10

    def test_links_are_read(self, store: SqliteStore, path: Path) -> None:
        change(path, "INSERT INTO links VALUES ('T1', 1, 'U9'), ('T2', 2, 'U8')")
        assert store.snapshots.links() == {1: "U9"}


def written_by(path: Path, act: Any) -> int:
    """Bytes that this adds to the write-ahead log."""
    query(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    act()
    return path.with_name(path.name + "-wal").stat().st_size


class TestReadingMeanwhile:
    def test_the_store_answers_while_a_pull_is_staged_in_a_thread(self, store: SqliteStore) -> None:
        pull(store, an_assignment())
        found: list[object] = []
        with store.snapshots.replace() as writer:
            page = a_page(an_assignment("2028-01-01"))
            thread = Thread(target=writer.add_assignments, args=(1, page))
            thread.start()
            found.append(stored(store))
            thread.join()
            found.append(stored(store))
            plan(store, "n1")
            store.outbox.claim("n1", wall_at=NOW)
        assert found == [[an_assignment()]] * 2

    def test_the_store_answers_with_the_earlier_snapshot_until_the_commit_is_through(self, store: SqliteStore) -> None:
        before = pull(store, an_assignment())
        seen: list[object] = []

        def look(statement: str) -> None:
            if "INTO pulls" in statement:
                seen.append((stored(store), store.snapshots.last()))

        with store.snapshots.replace() as writer:
            writer.add_assignments(1, a_page(an_assignment("2028-01-01")))
            connection_of(writer).set_trace_callback(look)
            writer.commit(LATER)
        assert seen == [([an_assignment()], before)]


# ── opening ──


class TestOpening:
    def test_a_store_is_kept_from_one_opening_to_the_next(self, path: Path) -> None:
        with closing(open_store(path, "T1", NOW)) as store:
            pull(store, an_assignment())
        with closing(open_store(path, "T1", LATER)) as store:
            assert stored(store) == [an_assignment()]

    def test_missing_folders_are_made(self, tmp_path: Path) -> None:
        path = tmp_path / "a" / "b" / "bot.db"
        open_store(path, "T1", NOW).close()
        assert path.exists()

    def test_two_processes_that_start_at_once_both_migrate(self, tmp_path: Path) -> None:
        code = """if True:
            import sys, time
            from pathlib import Path
            from bot.store.sqlite_store import open_store
            from tests.store.some import NOW
            for n in range(12):
                while time.monotonic() < float(sys.argv[2]) + n * 0.04:
                    pass
                open_store(Path(sys.argv[1]) / f"{n}.db", "T1", NOW).close()
        """
        start = time.monotonic() + 1.0
        copies = [a_process(code, tmp_path, start) for _ in range(2)]
        for copy in copies:
            with copy:
                copy.wait()
        assert [copy.returncode for copy in copies] == [0, 0]

    def test_it_waits_for_another_process_that_is_just_making_it(self, path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("CREATE TABLE something (n INTEGER)")
            timer = Timer(0.3, other.execute, ("COMMIT",))
            timer.start()
            try:
                open_store(path, "T1", NOW).close()
            finally:
                timer.join()
        assert query(path, "SELECT team_id FROM workspace") == [("T1",)]

    def test_the_store_of_another_workspace_is_refused_and_left_alone(self, store: SqliteStore, path: Path) -> None:
        with pytest.raises(WrongWorkspace, match=r"T1.*T2") as caught:
            open_store(path, "T2", NOW)
        assert str(path) in caught.value.line
        assert query(path, "SELECT team_id FROM workspace") == [("T1",)]

    @pytest.mark.parametrize("how", ["open_store", "open_existing"])
    def test_a_store_with_an_unknown_migration_is_too_new(self, path: Path, how: str) -> None:
        open_store(path, "T1", NOW).close()
        unknown = "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES (?, ?, ?)"
        change(path, unknown, migrations.name, "from_the_future", "2030-01-01")
        with pytest.raises(StoreTooNew, match="newer version") as caught:
            open_store(path, "T1", NOW) if how == "open_store" else open_existing(path)
        assert_one_line(caught.value, path)

    @pytest.mark.parametrize("how", ["open_store", "open_existing"])
    def test_a_file_that_is_no_database_is_damaged(self, path: Path, how: str) -> None:
        path.write_bytes(b"Dear diary, today " * 500)
        with pytest.raises(StoreDamaged) as caught:
            open_store(path, "T1", NOW) if how == "open_store" else open_existing(path)
        assert_one_line(caught.value, path)

    @pytest.mark.parametrize("how", ["torn", "cut short"])
    def test_a_damaged_database_is_damaged(self, path: Path, how: str) -> None:
        with closing(open_store(path, "T1", NOW)) as store:
            pull(store, *(an_assignment(person_id=n, deadline_raw="x" * 90) for n in range(500)))
        tear(path, cut_short=how == "cut short")
        with pytest.raises(StoreDamaged) as caught:
            open_store(path, "T1", NOW)
        assert_one_line(caught.value, path)

    @pytest.mark.parametrize("below", ["a file", "/proc", "a folder"])
    def test_a_path_that_can_not_be_written_is_a_store_error(self, tmp_path: Path, below: str) -> None:
        file = tmp_path / "file"
        file.touch()
        path = {"a file": file / "bot.db", "/proc": Path("/proc/bot.db"), "a folder": tmp_path}[below]
        with pytest.raises(StoreError) as caught:
            open_store(path, "T1", NOW)
        assert type(caught.value) is StoreError
        assert_one_line(caught.value, path)

    def test_there_is_no_existing_store_where_nothing_was_stored(self, path: Path, tmp_path: Path) -> None:
        assert open_existing(path) is None
        assert list(tmp_path.iterdir()) == []

    def test_who_needs_an_existing_store_is_told_that_there_is_none(self, path: Path) -> None:
        with pytest.raises(StoreEmpty) as caught:
            need_existing(path)
        assert_one_line(caught.value, path)
        with closing(open_store(path, "T1", NOW)) as store:
            plan(store, "n1")
            with pytest.raises(StoreEmpty) as caught:
                need_existing(path)
            assert_one_line(caught.value, path)
            pull(store)
        need_existing(path).close()

    def test_there_is_no_existing_store_in_an_empty_file(self, path: Path) -> None:
        path.touch()
        assert open_existing(path) is None

    def test_an_existing_store_is_that_of_its_workspace(self, store: SqliteStore, path: Path) -> None:
        found = open_existing(path)
        assert found is not None
        assert found.team_id == "T1"
        found.close()

    def test_reading_an_existing_store_waits_for_nobody_who_writes(
        self, store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pull(store, an_assignment())
        monkeypatch.setattr("bot.store.sqlite.BUSY_SECONDS", 0)
        connection_of(store).execute("BEGIN IMMEDIATE")
        with closing(need_existing(path)) as found:
            assert stored(found) == [an_assignment()]

    def test_reading_an_existing_store_does_not_look_for_damage(self, path: Path) -> None:
        with closing(open_store(path, "T1", NOW)) as store:
            pull(store, *(an_assignment(person_id=n, deadline_raw="x" * 90) for n in range(2000)))
        tear(path)
        with closing(need_existing(path)) as found:
            assert found.snapshots.last() is not None
            with pytest.raises(StoreError):
                stored(found)

    @pytest.mark.parametrize("how", ["no database", "another workspace's", "an empty file", "nothing pulled"])
    def test_a_store_that_is_not_handed_out_is_closed(self, path: Path, how: str) -> None:
        opens = {"an empty file": open_existing, "nothing pulled": need_existing}
        if how in ("another workspace's", "nothing pulled"):
            open_store(path, "T2", NOW).close()
        else:
            path.write_bytes(b"Dear diary, today " * 500 if how == "no database" else b"")
        gc.collect()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with suppress(StoreError):
                opens[how](path) if how in opens else open_store(path, "T1", NOW)
            gc.collect()
        assert [str(w.message) for w in caught] == []


def tear(path: Path, *, cut_short: bool = False) -> None:
    """Two pages in the middle of the file are garbage, or it ends there."""
    whole = path.read_bytes()
    half = len(whole) // 2 // 4096 * 4096
    path.write_bytes(whole[:half] + (b"" if cut_short else b"\xa5" * 8192 + whole[half + 8192 :]))


def assert_one_line(error: StoreError, path: Path) -> None:
    """It names the file, and what to do."""
    assert "\n" not in error.message
    assert str(path) in error.line
    assert error.line.endswith(error.fix)
    assert error.fix


class TestErrors:
    """Nobody outside the store knows SQLite's errors."""

    @pytest.mark.parametrize(
        "write",
        [
            lambda s: plan(s, "n2", person_id=2),
            lambda s: decide(s, a_decision()),
            lambda s: s.outbox.claim("n1", wall_at=NOW),
            lambda s: s.outbox.drop_planned(at=NOW),
            lambda s: s.outbox.hold_planned(),
            lambda s: s.outbox.shown("n1", {1: "done"}),
            lambda s: s.passes.begun("p", NOW),
            lambda s: s.passes.freeze("pass", "why", NOW),
            lambda s: s.passes.thaw_pull(),
            lambda s: s.exemptions.add(1, None, None, at=NOW, by="U9"),
            lambda s: s.audit.add(NOW, "bot", "did", "it"),
        ],
        ids=["plan", "decide", "claim", "drop", "hold", "shown", "begun", "freeze", "thaw", "exempt", "audit"],
    )
    def test_a_write_that_the_disk_refuses_is_a_store_error(self, store: SqliteStore, write: Any) -> None:
        plan(store, "n1")
        connection_of(store).execute("PRAGMA query_only=ON")
        with pytest.raises(StoreError):
            write(store)

    def test_a_page_that_comes_twice_does_not_make_the_store_a_damaged_one(self, store: SqliteStore) -> None:
        pull(store, an_assignment())
        told: list[type[Exception]] = []
        try:
            pull(store, pages={1: [a_page(an_assignment("2028-01-01"))] * 2})
        except (StoreError, sqlite3.Error) as error:
            told.append(type(error))
        assert StoreDamaged not in told
        assert len(stored(store)) == 1

    def test_statements_bind_as_python_3_14_asks(self, store: SqliteStore) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            pull(store, an_assignment())


class TestMoves:
    def test_what_was_sent_and_what_slack_refused_is_in_the_audit_and_no_other_move(
        self, store: SqliteStore, path: Path
    ) -> None:
        for n, state in enumerate(State):
            bring(store, plan(store, f"n-{state}", person_id=n), state)
        assert query(path, "SELECT at, actor, action, subject, detail FROM public_audit ORDER BY seq") == [
            ("2027-06-15 08:00:00", "bot", "notice.sent", "n-sent", ""),
            ("2027-06-15 08:00:00", "bot", "notice.failed", "n-failed", "is_inactive"),
        ]

    @pytest.mark.parametrize("move", ["sent", "failed"])
    def test_a_move_and_its_audit_line_are_on_disk_together_or_not_at_all(
        self, store: SqliteStore, path: Path, move: str
    ) -> None:
        bring(store, plan(store, "n1"), State.SENDING)
        change(path, "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        with pytest.raises(StoreError):
            MOVES[move](store.outbox, "n1")
        assert store.outbox.notice("n1").state is State.SENDING
        change(path, "DROP TRIGGER full")
        MOVES[move](store.outbox, "n1")
        assert query(path, "SELECT action, subject FROM public_audit") == [(f"notice.{move}", "n1")]

    def test_a_move_that_is_refused_leaves_no_audit_line(self, store: SqliteStore, path: Path) -> None:
        plan(store, "n1")
        for move in ("sent", "failed"):
            with pytest.raises(StoreError):
                MOVES[move](store.outbox, "n1")
        assert query(path, "SELECT * FROM public_audit") == []

    def test_a_notice_that_is_claimed_meanwhile_is_not_dropped_from_the_plan(
        self, store: SqliteStore, path: Path
    ) -> None:
        plan(store, "n1")
        claimed: list[str] = []

        def claim_before_its_transaction(statement: str) -> None:
            if statement.startswith("BEGIN") and not claimed:
                claimed.append("n1")
                with closing(open_store(path, "T1", NOW)) as other:
                    other.outbox.claim("n1", wall_at=NOW)

        connection_of(store).set_trace_callback(claim_before_its_transaction)
        store.outbox.drop_planned(at=NOW)
        assert claimed == ["n1"]
        assert [notice.notice_id for notice in store.outbox.unsettled()] == ["n1"]


# ── a database that was put back ──


class TestPutBack:
    @pytest.fixture
    def older(self, store: SqliteStore, path: Path) -> bytes:
        """The database as it was before the last of two DMs."""
        send(store, "n1")
        connection_of(store).execute("PRAGMA wal_checkpoint(TRUNCATE)")
        before = path.read_bytes()
        send(store, "n2", person_id=2)
        store.close()
        return before

    def reopened(self, path: Path, data: bytes) -> SqliteStore:
        for file in path.parent.glob("bot.db-*"):
            file.unlink()
        path.write_bytes(data)
        return open_store(path, "T1", NOW)

    def test_it_is_noticed_once_and_everybody_is_a_stranger(self, path: Path, older: bytes) -> None:
        with closing(self.reopened(path, older)) as found:
            assert found.known.was_put_back()
            assert not found.known.anybody()
            assert not found.known.was_put_back()

    def test_the_same_backup_put_back_again_is_noticed_again(self, path: Path, older: bytes) -> None:
        for _ in range(2):
            with closing(self.reopened(path, older)) as found:
                assert found.known.was_put_back()

    def test_on_a_disk_without_its_witness_it_is_noticed_too(self, path: Path, older: bytes) -> None:
        beside(path).unlink()
        with closing(self.reopened(path, older)) as found:
            assert found.known.was_put_back()
            assert not found.known.was_put_back()

    @pytest.mark.parametrize("text", ["", "three", "\x00" * 20])
    def test_a_witness_that_can_not_be_read_is_none(self, path: Path, older: bytes, text: str) -> None:
        beside(path).write_text(text)
        with closing(self.reopened(path, older)) as found:
            assert found.known.was_put_back()

    def test_a_new_database_beside_an_old_witness_begins_anew(self, path: Path, older: bytes) -> None:
        path.unlink()
        with closing(open_store(path, "T1", NOW)) as found:
            assert found.known.was_put_back()
            send(found, "n1")
            assert not found.known.was_put_back()
            assert found.known.anybody()

    def test_a_claim_is_noted_before_anything_is_posted(self, store: SqliteStore, path: Path) -> None:
        for n in range(1, 4):
            store.outbox.claim(plan(store, f"n{n}", person_id=n), wall_at=NOW)
            assert int(beside(path).read_text()) == n

    def test_a_witness_that_can_not_be_written_refuses_the_claim_in_one_line(
        self, store: SqliteStore, path: Path
    ) -> None:
        beside(path).mkdir()
        with pytest.raises(StoreError) as caught:
            store.outbox.claim(plan(store, "n1"), wall_at=NOW)
        assert_one_line(caught.value, path)


# ── rehearsal and lease ──


class TestRehearsal:
    def test_it_starts_from_what_is_stored_and_leaves_that_unchanged(self, store: SqliteStore, path: Path) -> None:
        pull(store, an_assignment())
        files = [path, path.with_name("bot.db-wal")]
        before = [file.read_bytes() for file in files]
        with rehearsal(path, "T1", LATER) as copy:
            assert stored(copy) == [an_assignment()]
            pull(copy)
            send(copy, "n1")
        assert [file.read_bytes() for file in files] == before
        assert stored(store) == [an_assignment()]

    def test_it_leaves_a_store_that_nobody_has_open_unchanged(self, path: Path) -> None:
        with closing(open_store(path, "T1", NOW)) as store:
            pull(store, an_assignment())
        before = path.read_bytes()
        with rehearsal(path, "T1", LATER) as copy:
            pull(copy)
        assert path.read_bytes() == before

    def test_it_makes_no_file_where_there_was_none(self, path: Path, tmp_path: Path) -> None:
        with rehearsal(path, "T1", NOW) as copy:
            pull(copy, an_assignment())
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("folder", ["a #1", "what?", "100%25", "å b"])
    def test_it_finds_the_store_whatever_its_folder_is_called(self, tmp_path: Path, folder: str) -> None:
        path = tmp_path / folder / "bot.db"
        with closing(open_store(path, "T1", NOW)) as store:
            pull(store, an_assignment())
        with rehearsal(path, "T1", NOW) as copy:
            assert stored(copy) == [an_assignment()]
        assert [file.name for file in tmp_path.iterdir()] == [folder]

    def test_its_errors_name_the_real_store(self, store: SqliteStore, path: Path) -> None:
        with pytest.raises(WrongWorkspace) as caught, rehearsal(path, "T2", NOW):
            pass
        assert str(path) in caught.value.line

    def test_it_knows_as_much_of_being_put_back_as_the_store_itself(self, store: SqliteStore, path: Path) -> None:
        send(store, "n1")
        with rehearsal(path, "T1", NOW) as copy:
            assert not copy.known.was_put_back()
        beside(path).write_text("7")
        with rehearsal(path, "T1", NOW) as copy:
            assert copy.known.was_put_back()
        assert store.known.was_put_back(), "the rehearsal has not told the witness"

    def test_nothing_of_it_is_left(self, store: SqliteStore, path: Path) -> None:
        with rehearsal(path, "T1", NOW) as copy:
            _, _, file = connection_of(copy).execute("PRAGMA database_list").fetchone()
            assert Path(file).exists()
        assert not Path(file).parent.exists()


class TestLease:
    def test_it_has_one_holder(self, path: Path) -> None:
        one, two = Lease(path), Lease(path)
        assert one.take()
        assert not two.take()
        assert one.take()
        one.release()
        assert two.take()
        two.release()

    def test_it_is_not_lost_when_the_database_is_closed(self, path: Path) -> None:
        one, two = Lease(path), Lease(path)
        open_store(path, "T1", NOW).close()
        assert one.take()
        open_store(path, "T1", NOW).close()
        assert not two.take()
        one.release()

    def test_releasing_what_was_not_taken_is_nothing(self, path: Path) -> None:
        Lease(path).release()

    def test_two_stores_in_one_folder_have_a_lease_each(self, tmp_path: Path) -> None:
        one, two = Lease(tmp_path / "one.db"), Lease(tmp_path / "two.db")
        assert one.take()
        assert two.take()
        one.release()
        two.release()

    def test_it_is_free_the_moment_its_holder_is_killed(self, path: Path) -> None:
        code = """if True:
            import sys
            from pathlib import Path
            from bot.store.lease import Lease
            lease = Lease(Path(sys.argv[1]))
            print(lease.take(), flush=True)
            sys.stdin.read()
        """
        mine = Lease(path)
        with a_process(code, path) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "True\n"
            assert not mine.take()
            os.kill(holder.pid, signal.SIGKILL)
            holder.wait()
            assert mine.take()
            mine.release()

    def test_a_path_that_can_not_be_written_is_a_store_error(self) -> None:
        with pytest.raises(StoreError):
            Lease(Path("/proc/bot.db")).take()


# ── the schema ──

PUBLIC = {
    "public_assignments": "team_id person_id course_id course required status deadline_on deadline_raw assigned_at "
    "started_at completed_at renewal_at progress_percent score attempts time_spent_seconds",
    "public_decisions": "team_id person_id course_id course reason step step_on deadline_on detail next_at next_step "
    "next_on",
    "public_notices": "team_id notice_id person_id slack_id local_on state error planned_at settled_at course_id "
    "course deadline_on step fate shown",
    "public_audit": "team_id seq at actor action subject detail",
}


class TestPublicViews:
    @pytest.mark.parametrize("view", PUBLIC)
    def test_they_have_the_columns_that_are_promised(self, store: SqliteStore, path: Path, view: str) -> None:
        assert [row[1] for row in query(path, f"PRAGMA table_info({view})")] == PUBLIC[view].split()

    def test_no_other_view_is_promised(self, store: SqliteStore, path: Path) -> None:
        assert {name for (name,) in query(path, "SELECT name FROM sqlite_master WHERE type = 'view'")} == set(PUBLIC)

    def test_they_show_what_is_stored(self, store: SqliteStore, path: Path) -> None:
        pull(store, an_assignment(assigned_at=NOW))
        decide(store, a_decision(Reason.SEND, step=DUE, next_at=LATER))
        send(store, "n1", a_reminder(1), a_reminder(2))
        assert query(path, "SELECT course, status, deadline_on, assigned_at FROM public_assignments") == [
            ("fire", "not_started", "2027-06-23", "2027-06-15 08:00:00")
        ]
        assert query(path, "SELECT course, reason, step, next_at FROM public_decisions") == [
            ("fire", "send", "due", "2027-06-15 09:00:00")
        ]
        notices = (
            "SELECT notice_id, state, settled_at, course, step, fate, shown FROM public_notices ORDER BY course_id"
        )
        assert query(path, notices) == [
            ("n1", "sent", "2027-06-15 08:00:00", f"course {n}", "before-7", "named", "open") for n in (1, 2)
        ]

    def test_the_audit_is_in_the_order_of_what_happened_even_where_the_clock_was_set_back(
        self, store: SqliteStore, path: Path
    ) -> None:
        neighbour = SqliteStore(Database(connection_of(store)), path, "T2")
        store.audit.add(LATER, "U1", "exempt", "person 7", "course 1")
        neighbour.audit.add(NOW, "U9", "elsewhere", "x")
        store.audit.add(NOW, "bot", "sent", "notice n1")
        assert query(path, "SELECT * FROM public_audit WHERE team_id = 'T1' ORDER BY seq") == [
            ("T1", 1, "2027-06-15 09:00:00", "U1", "exempt", "person 7", "course 1"),
            ("T1", 2, "2027-06-15 08:00:00", "bot", "sent", "notice n1", ""),
        ]

    def test_an_approval_is_in_the_audit(self, store: SqliteStore, path: Path) -> None:
        store.passes.freeze("pass", "300 people", NOW)
        store.passes.approve(LATER, "U1")
        store.passes.approve(LATER, "U1")
        found = query(path, "SELECT at, actor, action, detail FROM public_audit")
        assert found == [("2027-06-15 09:00:00", "U1", "approve", "300 people")]

    def test_an_exemption_and_its_end_are_in_the_audit_and_what_changed_nothing_is_not(
        self, store: SqliteStore, path: Path
    ) -> None:
        for until_on in (on("2027-06-30"), on("2027-06-30"), on("2027-07-31")):
            store.exemptions.add(7, None, until_on, at=NOW, by="U9")
        store.exemptions.add(7, 3, None, at=NOW, by="U9")
        for _ in range(2):
            store.exemptions.remove(7, at=LATER, by="U8")
        assert query(path, "SELECT at, actor, action, subject, detail FROM public_audit ORDER BY seq") == [
            ("2027-06-15 08:00:00", "U9", "exempt", "person 7", "every course until 2027-06-30"),
            ("2027-06-15 08:00:00", "U9", "exempt", "person 7", "every course until 2027-07-31"),
            ("2027-06-15 08:00:00", "U9", "exempt", "person 7", "course 3"),
            ("2027-06-15 09:00:00", "U8", "unexempt", "person 7", "every course until 2027-07-31"),
            ("2027-06-15 09:00:00", "U8", "unexempt", "person 7", "course 3"),
        ]

    def test_an_exemption_and_its_audit_line_are_on_disk_together_or_not_at_all(
        self, store: SqliteStore, path: Path
    ) -> None:
        store.exemptions.add(7, None, None, at=NOW, by="U9")
        decide(store, a_decision(person_id=7))
        change(path, "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        with pytest.raises(StoreError):
            store.exemptions.add(7, 3, None, at=NOW, by="U9")
        with pytest.raises(StoreError):
            store.exemptions.remove(7, at=NOW, by="U9")
        assert store.exemptions.of(7) == (Exemption(),)
        assert store.outbox.due_people(LATER) == []


def tables(path: Path) -> list[str]:
    """Our own tables."""
    sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%sqlite_%'"
    return [name for (name,) in query(path, sql)]


class TestSchema:
    def test_every_table_is_strict(self, store: SqliteStore, path: Path) -> None:
        strict = {row[1]: row[5] for row in query(path, "PRAGMA table_list")}
        assert {name: strict[name] for name in tables(path)} == dict.fromkeys(tables(path), 1)

    def test_every_key_and_index_begins_with_the_workspace(self, store: SqliteStore, path: Path) -> None:
        for table in tables(path):
            keys = [row[1] for row in query(path, f"PRAGMA table_info({table})") if row[5] == 1]
            assert (table, keys) == (table, ["team_id"])
            for _, index, *_ in query(path, f"PRAGMA index_list({table})"):
                assert (index, query(path, f"PRAGMA index_info({index})")[0][2]) == (index, "team_id")

    def test_every_step_is_known_as_released(self) -> None:
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as conn:
            pending: list[Any] = migrations.pending(Database(conn))
            assert tuple(step.name for step in pending) == RELEASED

    def test_whom_an_earlier_version_has_written_to_is_read_once(self, path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as conn:
            migrations.apply(Database(conn), stop_before="whom_we_know")
            notice = (
                "INSERT INTO notices (team_id, notice_id, seq, pass_id, person_id, slack_id, local_on, state, "
                "planned_at) VALUES ('T1', ?, 1, 'p', ?, ?, '2027-06-15', ?, 0)"
            )
            conn.executemany(notice, [("n1", 1, "U1", "sent"), ("n2", 2, "U2", "failed")])
        with closing(open_store(path, "T1", NOW)) as store:
            assert store.known.strangers({"U1", "U2"}) == {"U1", "U2"}
            assert not store.known.was_put_back()

    def test_step_by_step_the_schema_is_the_same_as_at_once(self) -> None:
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as conn:
            migrations.apply(Database(conn))
            at_once = schema(conn)
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as conn:
            later: tuple[str, ...] = RELEASED[1:]
            for step in later:
                migrations.apply(Database(conn), stop_before=step)
            migrations.apply(Database(conn))
            assert schema(conn) == at_once

    def test_a_released_step_is_not_run_twice(self, store: SqliteStore, path: Path) -> None:
        pull(store, an_assignment())
        open_store(path, "T1", LATER).close()
        assert len(query(path, "SELECT * FROM _sqlite_migrations")) == len(RELEASED)
        assert stored(store) == [an_assignment()]


def schema(conn: sqlite3.Connection) -> list[Any]:
    """Everything the database declares."""
    return conn.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name").fetchall()


STATEMENTS = {
    "due people": outbox.DUE_PEOPLE,
    "decisions of people": outbox.DECISIONS_OF,
    "notices in a state": outbox.IN_STATE,
    "outcomes of a pass": outbox.OUTCOMES,
    "one notice": outbox.NOTICE,
    "courses named": outbox.NAMED,
    "planning": outbox.PLAN,
    "DM before": outbox.BEFORE,
    "true state of a DM": outbox.TRUE_STATE_OF,
    "DM shown": outbox.SHOWN,
    "DMs to correct": outbox.CORRECTIONS,
    "people to correct": outbox.TO_CORRECT,
    "next people": dossiers.NEXT_PEOPLE,
    "people": dossiers.PEOPLE,
    "members": dossiers.MEMBERS,
    "assignments of people": dossiers.ASSIGNMENTS,
    "said to people": dossiers.SAID,
    "refusals of people": dossiers.REFUSALS,
    "exemptions of people": dossiers.EXEMPTIONS,
    "exemptions of a person": exemptions.OF,
    "deciding afresh": exemptions.DECIDE_AFRESH,
    "finding a person": snapshot.FIND,
    "largest pass": passes.LARGEST,
    "letters known": letters.KNOWN,
    "letter told": letters.TOLD,
    "last letter": letters.LAST,
    "letters on their way": letters.UNSETTLED,
    "people without a match": hitches.UNMATCHED,
    "impossible deadlines": hitches.IMPOSSIBLE,
}


@pytest.fixture(scope="class")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """A store with a past, closed once and opened again, as a statement of an older process finds it."""
    path = tmp_path_factory.mktemp("lived") / "bot.db"
    with closing(open_store(path, "T1", NOW)) as store:
        people = range(1, 101)
        rows = [an_assignment(person_id=n) for n in people]
        matches = {n: Match(slack_id=f"U{n}") for n in people}
        pull(store, *rows, matches=matches, members=[a_member(f"U{n}") for n in people])
        decide(store, *(a_decision(person_id=n, next_at=NOW) for n in people))
        for n in people:
            bring(store, plan(store, f"n{n}", person_id=n), State.PLANNED if n % 10 == 0 else State.SENT)
    with closing(open_store(path, "T1", NOW)) as store:
        yield connection_of(store)


class TestIndices:
    """Every table begins with the workspace, so a search by nothing else reads all of it."""

    @pytest.mark.parametrize("name", STATEMENTS)
    def test_what_is_asked_often_reads_no_whole_table(self, lived_in: sqlite3.Connection, name: str) -> None:
        sql = STATEMENTS[name]
        values: Any = ["T1", *["1"] * (sql.count("?") - 1)] if "?" in sql else dict.fromkeys(NAMES, "1")
        steps = [row[3] for row in lived_in.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
        assert [step for step in steps if reads_everything(step)] == []


NAMES = ("team", "id", "ids", "after", "most", "wanted", "pass", "person", "slack", "on", "at")


def reads_everything(step: str) -> bool:
    """Whether this step of a query's plan goes through all rows of a workspace."""
    if step.startswith("SEARCH t "):
        return False  # to_correct: all of it is to be done
    return (step.startswith("SCAN") and "json_each" not in step) or step.endswith("(team_id=?)")
