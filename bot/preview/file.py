"""A file that is there whole or not at all, and readable by its owner alone: it names people."""

from __future__ import annotations

from pathlib import Path
from tempfile import NamedTemporaryFile
from types import TracebackType
from typing import Self

from bot.errors import FileNotWritten


class NewFile:
    """Begun beside the file it will replace, before long work that it would be a pity to lose.

    with NewFile(path) as file:
        file.write(text)
    """

    def __init__(self, path: Path) -> None:
        """Raises FileNotWritten."""
        self._path = path
        try:
            self._to = path.resolve()
            if self._to.exists() and not self._to.is_file():
                raise FileNotWritten(f"{path} cannot be written: it is no ordinary file.")
            self._file = NamedTemporaryFile(  # noqa: SIM115 - closed by write() or on leaving
                "w", encoding="utf-8", dir=self._to.parent, prefix=".deadline-bot-", delete=False
            )
        except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, before Python 3.13
            raise self._failed(error) from error

    def write(self, text: str) -> None:
        """All that the file will hold. Raises FileNotWritten."""
        try:
            with self._file:
                self._file.write(text)
            Path(self._file.name).replace(self._to)
        except OSError as error:
            raise self._failed(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()
        Path(self._file.name).unlink(missing_ok=True)

    def _failed(self, error: OSError | RuntimeError) -> FileNotWritten:
        why = (error.strerror if isinstance(error, OSError) else None) or "links in a circle"
        return FileNotWritten(f"{self._path} cannot be written: {why}.")
