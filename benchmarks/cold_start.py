"""`--help` of a cold process, against a Python that does nothing."""

from __future__ import annotations

import statistics
import subprocess
import sys
from time import perf_counter

RUNS = 7


def _seconds(*command: str) -> float:
    found = []
    for _ in range(RUNS):
        begun = perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        found.append(perf_counter() - begun)
    return statistics.median(found)


def main() -> None:
    """Median seconds of both, and their ratio."""
    bare = _seconds(sys.executable, "-c", "pass")
    ours = _seconds(sys.executable, "-m", "bot", "--help")
    print(f"--help {ours:.3f} s, a bare Python {bare:.3f} s: {ours / bare:.1f} x")
