"""The contract of Exemptions: what holds for whom, what is on the audit, and that the next tick decides by it."""

from __future__ import annotations

import pytest

from bot.deadlines.model import Exemption
from bot.store import Store
from tests.builders import on
from tests.store.some import LATER, NOW, a_decision, decide, dossier_of


def add(store: Store, course_id: int | None = None, until: str | None = None, *, person_id: int = 1) -> bool:
    """An admin exempts somebody."""
    return store.exemptions.add(person_id, course_id, on(until) if until else None, at=NOW, by="U9")


def remove(store: Store, course_id: int | None = None, *, person_id: int = 1) -> int:
    """An admin ends it."""
    return store.exemptions.remove(person_id, course_id, at=LATER, by="U9")


class ExemptionContract:
    """Who is exempt from what, and until when."""

    def test_at_first_nobody_is_exempt(self, store: Store) -> None:
        assert store.exemptions.of(1) == ()
        assert dossier_of(store).exemptions == ()

    @pytest.mark.parametrize("course_id", [None, 1, 2**63 - 1], ids=["every course", "one", "the largest id"])
    @pytest.mark.parametrize("until", [None, "2027-06-30", "9999-12-31"])
    def test_an_exemption_is_read_back_as_it_was_given(
        self, store: Store, again: Store, course_id: int | None, until: str | None
    ) -> None:
        assert add(store, course_id, until)
        expected = (Exemption(course_id=course_id, until_on=on(until) if until else None),)
        assert again.exemptions.of(1) == expected
        assert dossier_of(again).exemptions == expected
        assert again.snapshots.dossier(1).exemptions == expected

    def test_somebody_may_have_several_and_that_from_every_course_comes_first(self, store: Store) -> None:
        for course_id in (7, None, 3):
            add(store, course_id)
        assert [e.course_id for e in store.exemptions.of(1)] == [None, 3, 7]
        assert [e.course_id for e in dossier_of(store).exemptions] == [None, 3, 7]

    def test_it_is_theirs_alone(self, store: Store) -> None:
        add(store, person_id=1)
        assert store.exemptions.of(2) == dossier_of(store, 2).exemptions == ()
        assert remove(store, person_id=2) == 0
        assert store.exemptions.of(1) == (Exemption(),)

    @pytest.mark.parametrize(
        ("first", "second"), [("2027-06-30", "2027-07-31"), ("2027-06-30", None), (None, "2027-06-30")]
    )
    def test_given_again_it_has_the_new_end(self, store: Store, first: str | None, second: str | None) -> None:
        add(store, 1, first)
        assert add(store, 1, second)
        assert store.exemptions.of(1) == (Exemption(course_id=1, until_on=on(second) if second else None),)

    @pytest.mark.parametrize("until", [None, "2027-06-30"])
    def test_given_again_with_the_same_end_it_is_nothing_new(self, store: Store, until: str | None) -> None:
        add(store, 1, until)
        assert not add(store, 1, until)
        assert len(store.exemptions.of(1)) == 1

    def test_one_of_several_is_ended(self, store: Store) -> None:
        for course_id in (None, 3, 7):
            add(store, course_id)
        assert remove(store, 3) == 1
        assert [e.course_id for e in store.exemptions.of(1)] == [None, 7]

    def test_all_of_somebodys_are_ended(self, store: Store) -> None:
        for course_id in (None, 3):
            add(store, course_id)
        assert remove(store) == 2
        assert store.exemptions.of(1) == ()

    @pytest.mark.parametrize("course_id", [None, 3])
    def test_what_is_not_there_is_not_ended(self, store: Store, course_id: int | None) -> None:
        add(store, 7, person_id=2)
        assert remove(store, course_id) == 0
        assert remove(store, 3, person_id=2) == 0

    @pytest.mark.parametrize("course_id", [None, 1])
    def test_the_next_tick_decides_afresh_about_them_and_about_nobody_else(
        self, store: Store, course_id: int | None
    ) -> None:
        decide(store, a_decision(person_id=1), a_decision(person_id=2))
        add(store, course_id)
        assert store.outbox.due_people(NOW) == [1]

    def test_so_it_does_when_it_has_ended(self, store: Store) -> None:
        add(store)
        decide(store, a_decision(person_id=1), a_decision(person_id=2))
        remove(store)
        assert (store.outbox.due_people(NOW), store.outbox.due_people(LATER)) == ([], [1])

    def test_what_changes_nothing_is_not_decided_afresh(self, store: Store) -> None:
        add(store)
        decide(store, a_decision())
        add(store)
        remove(store, 3)
        assert store.outbox.due_people(LATER) == []

    def test_two_workspaces_never_see_each_others(self, store: Store, neighbour: Store) -> None:
        add(store, 1)
        add(neighbour, 2)
        decide(neighbour, a_decision())
        assert remove(store) == 1
        assert neighbour.exemptions.of(1) == dossier_of(neighbour).exemptions == (Exemption(course_id=2),)
        assert neighbour.outbox.due_people(LATER) == []
