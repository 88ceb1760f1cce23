"""The lease beside the database: one process sends at a time.

An flock, so that the kernel takes it back the moment its holder dies, however it dies. On a file of its own: SQLite's
own locks are dropped when any descriptor of the database file is closed.
"""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

from bot.errors import StoreError
from bot.store.sqlite import translated


class Lease:
    """A lease on sending from the store at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + ".lease")
        self._file: IO[bytes] | None = None

    @property
    def held(self) -> bool:
        """Whether this process has it."""
        return self._file is not None

    def take(self) -> bool:
        """Take it, without waiting; False while another process holds it."""
        if self._file is not None:
            return True
        with translated(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = self._path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        except OSError as error:
            file.close()
            raise StoreError(f"{self._path} cannot be locked: {error.strerror}.") from error
        self._file = file
        return True

    def release(self) -> None:
        """Let go of it."""
        if self._file is not None:
            self._file.close()
            self._file = None
