"""A short run of the simulation, and its teeth: with a protection switched off it finds what the protection is for."""

from __future__ import annotations

import pytest

from tests.faults.__main__ import replay_command
from tests.faults.simulation import FAULTS, simulate

SEED = 1
PORTION = 50
DAYS = 3  # of a schedule in which a protection is missing: some are for what was said the day before
MANY = 150  # schedules within which a missing protection must show


@pytest.mark.parametrize("first", range(0, 2 * PORTION, PORTION))
def test_nothing_is_lost_or_repeated_whatever_goes_wrong(first: int) -> None:
    verdicts = {number: simulate(SEED, number) for number in range(first, first + PORTION)}
    assert [f"{v.line}: {replay_command(SEED, n)}" for n, v in verdicts.items() if not v.is_good] == []


def test_a_schedule_is_the_same_each_time() -> None:
    for number in range(5):
        stories: tuple[list[str], list[str]] = ([], [])
        for told in stories:
            simulate(SEED, number, told=told)
        assert stories[0] == stories[1]
        assert len(stories[0]) > 5


# What is switched off, what would find the same mistake by other means, and the faults that it protects from.
@pytest.mark.parametrize(
    ("protection", "second_line", "faults"),
    [
        pytest.param("outbox.claim", ["check_before"], ["crash"], id="the claim before the post"),
        pytest.param("conversations.history", [], ["post", "crash"], id="the read-back of what is unknown"),
        pytest.param("lease.take", [], ["second", "stall"], id="the lease"),
        pytest.param("known.strangers", [], ["lost"], id="the read-back of a lost store"),
        pytest.param("known.was_put_back", ["check_before"], ["restored"], id="the witness of a store put back"),
        pytest.param("check_before", [], ["elsewhere"], id="the look for another copy"),
    ],
)
def test_a_protection_that_is_switched_off_is_missed(
    protection: str, second_line: list[str], faults: list[str]
) -> None:
    off = frozenset({protection, *second_line})
    failing = (n for n in range(MANY) if not simulate(SEED, n, faults=faults, days=DAYS, off=off).is_good)
    found = next(failing, None)
    assert found is not None
    assert simulate(SEED, found, faults=faults, days=DAYS, off=frozenset(second_line)).is_good


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_does_something(fault: str) -> None:
    stories: dict[bool, list[list[str]]] = {True: [], False: []}
    for number in range(3):
        for is_on, told in stories.items():
            told.append([])
            simulate(SEED, number, faults=[fault] if is_on else [], told=told[-1])
    assert [story[1:] for story in stories[True]] != [story[1:] for story in stories[False]]
