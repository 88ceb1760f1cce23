"""The program's own log goes nowhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.simulation import quiet


@pytest.fixture(autouse=True, scope="module")
def silence() -> Iterator[None]:
    """For each file."""
    with quiet():
        yield
