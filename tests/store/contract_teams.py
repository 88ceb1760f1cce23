"""The contract of Teams: who leads whom, and where managers are found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from bot.deadlines.model import Match, NoMatch
from bot.store import Store
from tests.builders import an_assignment
from tests.store.some import a_learner, a_member, pull

HIGHEST = 2**63 - 1


def teams(store: Store, managers_of: Mapping[int, Sequence[int]], **what: Any) -> None:
    """A pull of these people: LMS id -> the managers that the LMS names."""
    people = [a_learner(person_id, manager_ids=tuple(named)) for person_id, named in managers_of.items()]
    pull(store, people=people, **what)


class TeamContract:
    """Managers and their direct reports."""

    def test_an_empty_store_has_no_managers(self, store: Store) -> None:
        assert store.teams.managers() == {}
        assert store.teams.reports_of(1) == ()
        assert store.teams.reachable() == []

    @pytest.mark.parametrize(
        ("managers_of", "expected"),
        [
            pytest.param({1: [], 2: [1], 3: [1]}, {1: (2, 3)}, id="direct reports, by id"),
            pytest.param({1: [], 2: [1], 3: [2]}, {1: (2,), 2: (3,)}, id="a report's report is not one's own"),
            pytest.param({1: [], 2: [], 3: [1, 2]}, {1: (3,), 2: (3,)}, id="two managers: on both their lists"),
            pytest.param({1: [1], 2: [1, 2]}, {1: (2,)}, id="nobody is their own report"),
            pytest.param({1: [2], 2: [1]}, {1: (2,), 2: (1,)}, id="two who lead each other"),
            pytest.param({2: [1, 1]}, {1: (2,)}, id="named twice: once, also a manager whom the LMS does not list"),
            pytest.param({12: [1], 2: [12], 3: [112]}, {1: (12,), 12: (2,), 112: (3,)}, id="ids are compared whole"),
            pytest.param({2: [HIGHEST], HIGHEST: [2]}, {2: (HIGHEST,), HIGHEST: (2,)}, id="the highest id"),
            pytest.param({1: [], 2: []}, {}, id="nobody leads anybody"),
        ],
    )
    def test_who_leads_whom(
        self, store: Store, managers_of: Mapping[int, Sequence[int]], expected: Mapping[int, tuple[int, ...]]
    ) -> None:
        teams(store, managers_of)
        assert store.teams.managers() == expected
        for manager_id in {*expected, *managers_of}:
            assert store.teams.reports_of(manager_id) == expected.get(manager_id, ())

    def test_a_report_needs_no_assignment_and_an_assignment_makes_no_report(self, store: Store) -> None:
        people = [a_learner(1), a_learner(2, manager_ids=(1,)), a_learner(3)]
        pull(store, an_assignment(person_id=3), people=people)
        assert store.teams.managers() == {1: (2,)}

    def test_the_next_pull_moves_a_report_to_another_manager(self, store: Store) -> None:
        teams(store, {1: [], 2: [], 3: [1]})
        teams(store, {1: [], 2: [], 3: [2]})
        assert store.teams.managers() == {2: (3,)}
        assert (store.teams.reports_of(1), store.teams.reports_of(2)) == ((), (3,))

    def test_managers_who_are_matched_are_found_by_slack_id_and_zones_slacks_first(self, store: Store) -> None:
        people = [
            a_learner(1, timezone="Europe/Copenhagen"),
            a_learner(2, manager_ids=(1, 3, 4)),
            a_learner(3, manager_ids=(1,)),
            a_learner(4, timezone="Asia/Tokyo"),
        ]
        members = [a_member(f"U{n}", timezone=zone) for n, zone in {1: "Mars/Olympus", 2: None, 3: None}.items()]
        matches = {n: Match(slack_id=f"U{n}") for n in (1, 2, 3)} | {4: Match(reason=NoMatch.NOT_IN_SLACK)}
        pull(store, people=people, members=members, matches=matches)
        assert store.teams.reachable() == [(1, "U1", ("Mars/Olympus", "Europe/Copenhagen")), (3, "U3", ())]

    def test_teams_of_another_workspace_are_none_of_ones_own(self, store: Store, neighbour: Store) -> None:
        one = {"members": [a_member("U1")], "matches": {1: Match(slack_id="U1")}}
        teams(store, {1: [], 2: [1]}, **one)
        teams(neighbour, {1: [], 3: [1]}, **one)
        assert store.teams.managers() == {1: (2,)}
        assert store.teams.reports_of(1) == (2,)
        assert store.teams.reachable() == [(1, "U1", ())]
        assert neighbour.teams.reports_of(1) == (3,)
