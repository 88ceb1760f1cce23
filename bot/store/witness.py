"""A small file beside the database that remembers how far the store was, so that one put back is noticed.

Each claim is counted in the database and then noted here, before the post. A database that counts fewer claims than its
witness, or has claims and no witness at all, is older than what was sent: a backup was put back, a replica restored, or
the file carried to another disk. (A whole disk that is set back takes the witness along; docs/delivery.md.)
"""

from __future__ import annotations

import os
from pathlib import Path

from bot.store.sqlite import translated

WIDTH = 20  # digits, so that a later figure always covers an earlier one


class Witness:
    """The witness of the store at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = beside(path)
        self._file: int | None = None

    def read(self) -> int | None:
        """The claims noted; None where there is no witness, or none that can be read as one."""
        with translated(self._path):
            try:
                return int(self._path.read_text("ascii"))
            except (FileNotFoundError, ValueError):
                return None

    def note(self, claims: int) -> None:
        """Note so many claims. Raises StoreError."""
        with translated(self._path):
            if self._file is None:
                self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
            os.pwrite(self._file, b"%0*d" % (WIDTH, claims), 0)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def beside(path: Path) -> Path:
    """Where the witness of the database at `path` is."""
    return path.with_name(path.name + ".witness")
