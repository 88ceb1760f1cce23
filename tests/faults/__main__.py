"""The campaign: many schedules on all cores, one line at the end; or the story of one."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.faults.simulation import FAULTS, Verdict, simulate

CHUNK = 100  # schedules that a worker runs before it reports
SHOWN_MOST = 5
COLLECT_AFTER = 50_000  # new objects; the default collects many times in one schedule

Found = list[tuple[int, Verdict]]


def some(seed: int, numbers: range, faults: tuple[str, ...]) -> Found:
    """Run these schedules and return those that failed."""
    gc.set_threshold(COLLECT_AFTER)
    verdicts = ((number, simulate(seed, number, faults=faults)) for number in numbers)
    return [(number, verdict) for number, verdict in verdicts if not verdict.is_good]


def chunks(count: int) -> Iterator[range]:
    """The schedules' numbers, in portions."""
    return (range(first, min(first + CHUNK, count)) for first in range(0, count, CHUNK))


def campaign(seed: int, count: int, faults: tuple[str, ...], workers: int) -> Found:
    """Run so many schedules on so many processes and return those that failed, by number."""
    failed: Found = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("schedules", total=count)
        with ProcessPoolExecutor(workers) as pool:
            waiting = {pool.submit(some, seed, numbers, faults): len(numbers) for numbers in chunks(count)}
            for done in as_completed(waiting):
                failed += done.result()
                bar.update(task, advance=waiting[done], description=f"schedules, {len(failed)} failed")
    return sorted(failed, key=lambda one: one[0])


def replay_command(seed: int, number: int, faults: Sequence[str] = FAULTS) -> str:
    """How to see the story of one schedule."""
    chosen = "" if tuple(faults) == FAULTS else f" --faults {','.join(faults)}"
    return f"python -m tests.faults{chosen} --replay {seed}:{number}"


def replay(seed: int, number: int, faults: tuple[str, ...]) -> bool:
    """Print the story of one schedule; whether it went well."""
    told: list[str] = []
    verdict = simulate(seed, number, faults=faults, told=told)
    sys.stdout.write("\n".join(told) + "\n")
    return verdict.is_good


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--schedules", type=int, default=1000, help="how many")
    parser.add_argument("--seed", type=int, default=1, help="the same seed is the same campaign")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes; all cores")
    parser.add_argument("--faults", default=",".join(FAULTS), help="some of them")
    parser.add_argument("--replay", metavar="SEED:NUMBER", help="tell the story of one schedule")
    return parser.parse_args()


def main() -> int:
    """Run what is asked for; 1 where the promise was broken."""
    asked = arguments()
    faults = tuple(asked.faults.split(","))
    if asked.replay:
        seed, _, number = asked.replay.partition(":")
        return 0 if replay(int(seed), int(number), faults) else 1
    failed = campaign(asked.seed, asked.schedules, faults, asked.workers)
    for number, verdict in failed[:SHOWN_MOST]:
        sys.stderr.write(f"{verdict.line}: {replay_command(asked.seed, number, faults)}\n")
    lost, repeated = (sum(getattr(verdict, name) for _, verdict in failed) for name in ("lost", "repeated"))
    errors = sum(len(verdict.escaped) for _, verdict in failed)
    more = f", errors {errors}" if errors else ""
    sys.stdout.write(f"lost {lost}, repeated {repeated}{more}, schedules {asked.schedules}, seed {asked.seed}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
