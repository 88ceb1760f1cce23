"""policy.md, "Safety freeze": each limit at its figure and just past it; 0 turns it off."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.deadlines.freeze import PassSize, Snapshot, too_busy, too_small
from bot.deadlines.terms import Freeze


def a_pass(recipients: int, *, people: int = 1000, largest: int = 10, first: bool = False) -> PassSize:
    return PassSize(recipients=recipients, people=people, largest=largest, first=first)


def a_pull(*, people: int = 100, assignments: int = 500, completions: int = 200) -> Snapshot:
    return Snapshot(people=people, assignments=assignments, completions=completions)


BUSY = [
    pytest.param(a_pass(51, people=1000, largest=10), True, id="51 people, 5.1 %, over three times the largest"),
    pytest.param(a_pass(50, people=100, largest=1), False, id="not more than 50"),
    pytest.param(a_pass(100, people=2000, largest=10), False, id="not more than 5 % of the people"),
    pytest.param(a_pass(101, people=2000, largest=10), True, id="just more than 5 % of the people"),
    pytest.param(a_pass(60, people=1000, largest=20), False, id="not more than three times the largest"),
    pytest.param(a_pass(61, people=1000, largest=20), True, id="just more than three times the largest"),
    pytest.param(a_pass(51, people=1000, largest=0), True, id="no pass in the last 14 days"),
    pytest.param(a_pass(0, people=0, largest=0), False, id="nobody to message, nobody there"),
]


@pytest.mark.parametrize(("size", "frozen"), BUSY)
def test_a_pass_that_would_message_far_more_people_than_usual(size: PassSize, frozen: bool) -> None:
    assert bool(too_busy(size, Freeze())) is frozen


FIRST = [
    pytest.param(a_pass(100, people=100, first=True), False, id="100 on the first"),
    pytest.param(a_pass(101, people=1_000_000, largest=1000, first=True), True, id="101 on the first, whatever else"),
    pytest.param(a_pass(51, people=60, largest=0, first=True), False, id="the busy limits are not the first pass's"),
    pytest.param(a_pass(101, people=1_000_000, largest=0), False, id="nor is 100 the later passes'"),
]


@pytest.mark.parametrize(("size", "frozen"), FIRST)
def test_more_than_100_on_an_installations_first_pass(size: PassSize, frozen: bool) -> None:
    assert bool(too_busy(size, Freeze())) is frozen


@pytest.mark.parametrize("off", ["busy_pass_people", "busy_pass_percent", "busy_pass_factor"])
def test_0_turns_the_busy_limit_off(off: str) -> None:
    assert too_busy(a_pass(1000, largest=0), Freeze(**{off: 0})) == ()


@pytest.mark.parametrize("first", [True, False])
def test_a_store_that_was_lost_has_no_measure_and_freezes_nothing(first: bool) -> None:
    assert too_busy(replace(a_pass(1000, largest=0, first=first), rebuilt=True), Freeze()) == ()


def test_0_turns_the_first_limit_off() -> None:
    assert too_busy(a_pass(1000, largest=0, first=True), Freeze(first_pass_people=0)) == ()


BEFORE = a_pull()
SHRUNK = [
    pytest.param(BEFORE, a_pull(people=80), 0, ["people"], id="a fifth of the people gone"),
    pytest.param(BEFORE, a_pull(people=81), 0, [], id="just less than a fifth of the people gone"),
    pytest.param(a_pull(people=1000), a_pull(people=801), 0, [], id="199 of 1000 people gone"),
    pytest.param(BEFORE, a_pull(assignments=400), 0, ["assignments"], id="a fifth of the assignments gone"),
    pytest.param(BEFORE, a_pull(assignments=401), 0, [], id="just less than a fifth of the assignments gone"),
    pytest.param(a_pull(people=10), a_pull(people=6), 0, [], id="a fifth, but 4 people"),
    pytest.param(a_pull(people=10), a_pull(people=5), 0, ["people"], id="a fifth and 5 people"),
    pytest.param(a_pull(assignments=4), a_pull(assignments=0), 0, [], id="all, but 4 assignments"),
    pytest.param(a_pull(assignments=5), a_pull(assignments=0), 0, ["assignments"], id="all 5 assignments"),
    pytest.param(BEFORE, BEFORE, 20, ["completions"], id="a tenth of the completions vanished"),
    pytest.param(BEFORE, BEFORE, 19, [], id="just less than a tenth of the completions vanished"),
    pytest.param(a_pull(completions=10_000), BEFORE, 999, [], id="999 of 10 000 completions vanished"),
    pytest.param(a_pull(completions=10), BEFORE, 1, ["completions"], id="a tenth, one completion"),
    pytest.param(a_pull(completions=0), BEFORE, 0, [], id="no completions before, none vanished"),
    pytest.param(a_pull(people=0, assignments=0, completions=0), BEFORE, 0, [], id="an empty store fills"),
    pytest.param(BEFORE, a_pull(people=5000, assignments=9000), 0, [], id="growth is no shrinking"),
    pytest.param(
        BEFORE, a_pull(people=0, assignments=0), 200, ["people", "assignments", "completions"], id="every one exceeded"
    ),
]


@pytest.mark.parametrize(("before", "after", "vanished", "expected"), SHRUNK)
def test_a_pull_that_shrank_against_the_last_good_one(
    before: Snapshot, after: Snapshot, vanished: int, expected: list[str]
) -> None:
    found = too_small(before, after, vanished, Freeze())
    assert [next(w for w in ("people", "assignments", "completions") if w in text) for text in found] == expected


OFF = [
    pytest.param("shrink_people_percent", "people", id="people"),
    pytest.param("shrink_assignments_percent", "assignments", id="assignments"),
    pytest.param("vanished_completions_percent", "completions", id="completions"),
]


@pytest.mark.parametrize(("key", "what"), OFF)
def test_0_turns_a_shrink_limit_off_and_no_other(key: str, what: str) -> None:
    found = too_small(BEFORE, a_pull(people=0, assignments=0), 200, Freeze(**{key: 0}))
    assert len(found) == 2
    assert not any(what in text for text in found)


def test_the_admins_are_told_with_the_figures_before_and_after() -> None:
    (people,) = too_small(BEFORE, a_pull(people=70), 0, Freeze())
    assert "from 100 to 70" in people
    assert "shrink_people_percent = 20" in people
    (completions,) = too_small(BEFORE, BEFORE, 30, Freeze())
    assert "30 of 200" in completions
    (busy,) = too_busy(a_pass(77, people=900, largest=12), Freeze())
    assert all(figure in busy for figure in ("77 of 900", "messaged 12", "= 50", "= 5,", "= 3)"))
    (first,) = too_busy(a_pass(101, first=True), Freeze())
    assert "101 people" in first
    assert "first_pass_people = 100" in first
