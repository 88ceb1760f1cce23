"""What several folders of tests share: the small company, and an environment without our settings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from bot.settings import Settings
from tests.company import Company, a_company

MEMORY = Path("/dev") / "shm"


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the environment's is read."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is such a thing: a store waits for its disk at each commit."""
    if not MEMORY.is_dir():
        yield tmp_path
        return
    with TemporaryDirectory(dir=MEMORY, prefix="deadline-bot-test-") as folder:
        yield Path(folder)


@pytest.fixture
async def company(folder: Path, no_settings: None) -> AsyncIterator[Company]:
    """A company in a folder of its own."""
    async with a_company(folder) as company:
        yield company
