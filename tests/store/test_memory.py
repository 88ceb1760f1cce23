"""Memory stays flat however many rows a pull brings."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FEW, MANY = 20_000, 100_000
GROWTH_MIB = 25


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What one process measured of itself, rows by pages of 1,000."""
    path = tmp_path_factory.mktemp("large") / "bot.db"
    command = [sys.executable, "-m", "tests.store.large_pull", str(path), str(FEW), str(MANY)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def test_five_times_the_rows_are_staged_and_put_in_place_in_the_same_memory(figures: Any) -> None:
    assert figures["many"]["peak_mib"] - figures["few_read"]["peak_mib"] < GROWTH_MIB


def test_five_times_the_dossiers_are_read_in_the_same_memory(figures: Any) -> None:
    assert (figures["few_read"]["rows"], figures["many_read"]["rows"]) == (FEW, MANY)
    assert figures["many_read"]["peak_mib"] - figures["few_read"]["peak_mib"] < GROWTH_MIB


def test_the_same_pull_again_takes_a_third_of_the_time_at_most(figures: Any) -> None:
    assert figures["again"]["seconds"] < figures["many"]["seconds"] / 3
