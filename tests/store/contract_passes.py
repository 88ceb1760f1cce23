"""The contract of passes, freezes and approvals, and of two workspaces in one database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.deadlines.freeze import Snapshot
from bot.deadlines.model import Match, Reason
from bot.store import PassRecord, State, Store
from tests.builders import an_assignment
from tests.store.some import (
    LATER,
    NOW,
    a_decision,
    a_member,
    a_page,
    a_plan_without_notice,
    a_reject,
    a_reminder,
    an_unknown,
    bring,
    decide,
    dossier_of,
    plan,
    pull,
    refresh,
    send,
    stored,
)

DAY = timedelta(days=1)
SHRUNK = (Snapshot(people=50, assignments=70, completions=30), 7)
SHRUNK_MORE = (Snapshot(people=5, assignments=7, completions=3), 40)


def a_pass(store: Store, pass_id: str, at: Any = NOW, *, partial: bool = False, **figures: Any) -> PassRecord:
    """A pass begins and ends with these figures."""
    record = PassRecord(pass_id=pass_id, at=at, **figures)
    store.passes.begun(pass_id, at, partial=partial)
    store.passes.ended(record)
    return record


class PassContract:
    """What is remembered of passes."""

    def test_there_was_no_pass_yet(self, store: Store) -> None:
        assert store.passes.last() is None
        assert store.passes.is_first()
        assert store.passes.largest_since(NOW - DAY) == 0

    def test_the_last_pass_that_ended_is_told_with_its_figures(self, store: Store) -> None:
        a_pass(store, "a", NOW - DAY)
        ended = a_pass(store, "b", planned=4, sent=2, failed=1, unknown=1, frozen="why", reasons={"send": 4})
        store.passes.begun("c", LATER)
        assert store.passes.last() == ended

    def test_a_pass_that_only_began_is_not_the_last(self, store: Store) -> None:
        store.passes.begun("a", NOW)
        assert store.passes.last() is None

    @pytest.mark.parametrize(
        ("figures", "first"),
        [
            pytest.param({"planned": 3, "sent": 1, "failed": 2}, False, id="it sent"),
            pytest.param({"planned": 0, "quiet": True}, False, id="it had nothing to send"),
            pytest.param({"planned": 0}, True, id="everybody was outside their hours"),
            pytest.param({"planned": 3, "failed": 3}, True, id="Slack refused everything"),
            pytest.param({"planned": 3}, True, id="it planned and sent nothing"),
            pytest.param({"planned": 300, "frozen": "too many"}, True, id="it was frozen"),
            pytest.param({"planned": 0, "frozen": "people shrank"}, True, id="its pull was frozen"),
        ],
    )
    def test_first_lasts_until_a_pass_has_sent_or_had_nothing_to_send(
        self, store: Store, figures: dict[str, Any], first: bool
    ) -> None:
        a_pass(store, "a", **figures)
        assert store.passes.is_first() is first

    def test_a_pass_that_only_began_leaves_the_next_one_the_first(self, store: Store) -> None:
        store.passes.begun("a", NOW)
        assert store.passes.is_first()

    def test_once_not_the_first_never_again(self, store: Store) -> None:
        a_pass(store, "a", planned=1, sent=1)
        a_pass(store, "b", LATER, planned=3, frozen="too many")
        assert not store.passes.is_first()

    def test_the_largest_pass_is_measured_by_people_messaged_within_the_time(self, store: Store) -> None:
        a_pass(store, "old", NOW - 15 * DAY, planned=900, sent=900)
        a_pass(store, "edge", NOW - 14 * DAY, planned=50, sent=40)
        a_pass(store, "new", NOW, planned=30, sent=30)
        assert store.passes.largest_since(NOW - 14 * DAY) == 40
        assert store.passes.largest_since(NOW - 13 * DAY) == 30
        assert store.passes.largest_since(NOW - 16 * DAY) == 900

    def test_a_frozen_pass_is_never_the_measure(self, store: Store) -> None:
        a_pass(store, "a", planned=500, sent=7, frozen="too many")
        assert store.passes.largest_since(NOW - DAY) == 0

    def test_a_pass_that_was_killed_after_it_had_sent_counts(self, store: Store) -> None:
        store.passes.begun("p", NOW)
        send(store, "n1", person_id=1)
        send(store, "n2", person_id=2)
        store.passes.begun("the next", LATER)
        assert not store.passes.is_first()
        assert store.passes.largest_since(NOW - DAY) == 2

    @pytest.mark.parametrize("figures", [{"planned": 1, "sent": 1}, {"quiet": True}], ids=["it sent", "it had nothing"])
    def test_a_pass_for_one_person_leaves_the_next_one_the_first(self, store: Store, figures: dict[str, Any]) -> None:
        ended = a_pass(store, "a", partial=True, reasons={}, **figures)
        assert store.passes.is_first()
        assert store.passes.last() == ended
        a_pass(store, "b", LATER, **figures)
        assert not store.passes.is_first()

    def test_a_pass_for_one_person_is_never_the_measure(self, store: Store) -> None:
        a_pass(store, "a", planned=3, sent=3)
        a_pass(store, "b", partial=True, planned=9, sent=9)
        assert store.passes.largest_since(NOW - DAY) == 3

    def test_a_pass_for_one_person_that_was_killed_counts_no_more_than_one_that_ended(self, store: Store) -> None:
        store.passes.begun("p", NOW, partial=True)
        send(store, "n1")
        store.passes.begun("the next", LATER)
        assert store.passes.is_first()
        assert store.passes.largest_since(NOW - DAY) == 0


class FreezeContract:
    """The safety freeze: it holds, is approved, or is over by itself."""

    def test_nothing_is_frozen_at_first(self, store: Store) -> None:
        assert store.passes.frozen() is None
        assert store.passes.approve(NOW, "admin") is None
        assert store.passes.approved_people() == set()
        assert store.passes.approved_measure() is None

    def test_it_holds_with_its_latest_figures(self, store: Store) -> None:
        store.passes.freeze("pass", "300 people", NOW)
        store.passes.freeze("pass", "310 people", LATER)
        assert store.passes.frozen() == "310 people"

    def test_both_kinds_are_told(self, store: Store) -> None:
        store.passes.freeze("pass", "300 people", NOW)
        store.passes.freeze("pull", "people shrank", NOW)
        assert set((store.passes.frozen() or "").split("; ")) == {"300 people", "people shrank"}
        store.passes.thaw_pull()
        assert store.passes.frozen() == "300 people"

    @pytest.mark.parametrize("kind", ["pull", "pass"])
    def test_it_is_over_by_itself(self, store: Store, kind: str) -> None:
        store.passes.freeze(kind, "why", NOW)
        store.passes.thaw_pull() if kind == "pull" else store.passes.thaw_pass()
        assert store.passes.frozen() is None
        assert store.passes.approve(NOW, "admin") is None

    def test_thawing_what_is_not_frozen_is_nothing(self, store: Store) -> None:
        store.passes.thaw_pull()
        store.passes.thaw_pass()
        assert store.passes.frozen() is None

    def test_approval_releases_it_and_tells_what_it_was(self, store: Store) -> None:
        store.passes.freeze("pass", "300 people", NOW)
        assert store.passes.approve(LATER, "admin") == "300 people"
        assert store.passes.frozen() is None
        assert store.passes.approve(LATER, "admin") is None

    def test_only_a_pull_that_was_not_taken_nor_approved_holds_what_follows(self, store: Store) -> None:
        store.passes.freeze("pass", "300 people", NOW)
        assert store.passes.held_by_pull() is None
        store.passes.freeze("pull", "people shrank", NOW)
        assert store.passes.held_by_pull() == "people shrank"
        store.passes.approve(LATER, "admin")
        assert store.passes.held_by_pull() is None

    def test_an_approved_pull_is_the_new_measure_until_it_thaws(self, store: Store) -> None:
        store.passes.freeze("pull", "people shrank", NOW, measure=SHRUNK)
        assert store.passes.approved_measure() is None
        store.passes.approve(LATER, "admin")
        assert store.passes.approved_measure() == SHRUNK
        store.passes.thaw_pull()
        assert store.passes.approved_measure() is None

    def test_an_approved_pass_says_nothing_of_the_pull(self, store: Store) -> None:
        store.passes.freeze("pass", "300 people", NOW)
        store.passes.approve(LATER, "admin")
        assert store.passes.approved_measure() is None

    def test_a_new_freeze_needs_a_new_approval(self, store: Store) -> None:
        store.passes.freeze("pull", "people shrank", NOW, measure=SHRUNK)
        store.passes.approve(NOW, "admin")
        store.passes.freeze("pull", "people shrank more", LATER, measure=SHRUNK_MORE)
        assert store.passes.frozen() == "people shrank more"
        assert store.passes.approved_measure() is None
        store.passes.approve(LATER, "admin")
        assert store.passes.approved_measure() == SHRUNK_MORE

    def test_people_of_a_frozen_pass_are_approved_with_it(self, store: Store) -> None:
        hold(store, 1, 2)
        assert store.passes.approved_people() == set()
        store.passes.approve(LATER, "admin")
        assert store.passes.approved_people() == {1, 2}

    def test_approval_sends_nothing_and_leaves_the_days_and_steps_free(self, store: Store) -> None:
        hold(store, 1)
        store.passes.approve(LATER, "admin")
        assert store.outbox.planned() == []
        assert store.outbox.notice(plan(store, "again")).state is State.PLANNED

    @pytest.mark.parametrize("state", [State.SENDING, State.UNKNOWN, State.SENT])
    def test_who_has_heard_since_is_no_approved_person_any_more(self, store: Store, state: State) -> None:
        hold(store, 1, 2)
        store.passes.approve(LATER, "admin")
        bring(store, plan(store, "again", person_id=1), state)
        assert store.passes.approved_people() == {2}

    @pytest.mark.parametrize("state", [State.PLANNED, State.FAILED, State.DROPPED])
    def test_who_has_not_heard_yet_stays_approved(self, store: Store, state: State) -> None:
        hold(store, 1, 2)
        store.passes.approve(LATER, "admin")
        bring(store, plan(store, "again", person_id=1), state)
        assert store.passes.approved_people() == {1, 2}

    def test_an_approval_outlasts_passes_until_everybody_held_has_heard(self, store: Store) -> None:
        hold(store, 1, 2)
        store.passes.approve(LATER, "admin")
        bring(store, plan(store, "again", person_id=1), State.SENT)
        store.passes.thaw_pass()
        assert store.passes.approved_people() == {2}
        bring(store, plan(store, "again-2", person_id=2), State.SENT)
        store.passes.thaw_pass()
        assert (store.passes.approved_people(), store.outbox.counts()) == (set(), {State.SENT: 2})

    def test_a_freeze_outlasts_a_pass_that_had_nothing_to_say_to_those_held(self, store: Store) -> None:
        hold(store, 1)
        decide(store, a_decision(Reason.OUTSIDE_HOURS))
        store.passes.thaw_pass()
        assert store.passes.frozen() == "1 people"

    @pytest.mark.parametrize("reason", [Reason.COMPLETED, Reason.NOT_REQUIRED, Reason.GAVE_UP, Reason.NOT_DUE_YET])
    def test_who_has_nothing_left_to_hear_is_held_no_more(self, store: Store, reason: Reason) -> None:
        hold(store, 1)
        decide(store, a_decision(reason))
        store.passes.thaw_pass()
        assert (store.passes.frozen(), store.outbox.counts()) == (None, {})

    def test_an_approved_pull_approves_no_people(self, store: Store) -> None:
        plan(store, "n1")
        store.outbox.hold_planned()
        store.passes.freeze("pull", "people shrank", NOW)
        store.passes.approve(LATER, "admin")
        assert store.passes.approved_people() == set()


def hold(store: Store, *people: int) -> None:
    """A pass that would message these people is frozen."""
    for person_id in people:
        decide(store, a_decision(Reason.SEND, person_id=person_id))
        plan(store, f"held-{person_id}", person_id=person_id)
    store.outbox.hold_planned()
    store.passes.freeze("pass", f"{len(people)} people", NOW)


class WorkspaceContract:
    """Two workspaces in one database never see each other."""

    def test_a_pull_touches_its_own_workspace_alone(self, store: Store, neighbour: Store) -> None:
        mine, theirs = an_assignment(), an_assignment("2028-01-01", person_id=2)
        page = a_page(theirs, rejected=[a_reject("5")])
        there = pull(neighbour, pages={1: [page]}, members=[a_member()], matches={2: Match(slack_id="U1")})
        here = pull(store, mine, at=LATER)
        pull(store, at=LATER)
        pull(store, mine, at=LATER)
        refresh(store, {1: []})
        assert stored(store) == []
        assert stored(neighbour) == [theirs]
        assert neighbour.snapshots.last() == there
        assert neighbour.snapshots.rejects(9) == [a_reject("5")]
        assert neighbour.snapshots.looked_at(1) == NOW
        assert dossier_of(neighbour, 2).member == a_member()
        assert (here.assignments, here.rejected) == (1, 0)
        assert dossier_of(store, 2).learner is None

    def test_the_same_page_in_both_is_stored_in_both(self, store: Store, neighbour: Store) -> None:
        for one in (store, neighbour):
            assert pull(one, an_assignment()).assignments == 1
            assert stored(one) == [an_assignment()]

    def test_a_pull_is_compared_with_its_own_workspace(self, store: Store, neighbour: Store) -> None:
        pull(neighbour, *(an_assignment(person_id=n) for n in range(1, 9)))
        with store.snapshots.replace() as writer:
            assert writer.compare()[0] is None

    def test_nobody_is_found_next_door(self, store: Store, neighbour: Store) -> None:
        pull(neighbour, an_assignment(person_id=1), matches={1: Match(slack_id="U1")})
        assert [store.snapshots.find(wanted) for wanted in ("1", "U1", "p1@acme.com")] == [[], [], []]
        assert store.snapshots.of_slack("U1") is None
        assert not store.snapshots.course(1).active

    def test_decisions_are_apart(self, store: Store, neighbour: Store) -> None:
        decide(neighbour, a_decision(Reason.SEND, next_at=NOW))
        pull(store)
        store.outbox.save([a_plan_without_notice(1)], [], pass_id="p", at=NOW)
        store.outbox.forget_vanished()
        store.outbox.hold_planned()
        assert (store.outbox.reasons(), store.outbox.due_people(NOW)) == ({}, [])
        assert (neighbour.outbox.reasons(), neighbour.outbox.due_people(NOW)) == ({Reason.SEND: 1}, [1])

    def test_notices_are_apart_even_with_the_same_ids(self, store: Store, neighbour: Store) -> None:
        send(neighbour, "n1")
        plan(store, "n1")
        plan(neighbour, "n2", a_reminder(2), day="2027-06-16")
        store.outbox.hold_planned()
        store.outbox.drop_planned(at=NOW)
        store.passes.thaw_pass()
        assert store.outbox.counts() == {}
        assert neighbour.outbox.counts() == {State.SENT: 1, State.PLANNED: 1}
        assert store.outbox.outcomes("p") == {}
        assert (store.outbox.before(an_unknown()), dossier_of(store).said) == ((None, None), ())
        assert neighbour.outbox.before(an_unknown()) == ("D1", "1.000001")

    def test_corrections_are_apart(self, store: Store, neighbour: Store) -> None:
        send(store, "n1")
        decide(store, a_decision())
        send(neighbour, "n1")
        decide(neighbour, a_decision(Reason.COMPLETED))
        assert (store.outbox.corrections(), neighbour.outbox.corrections()) == ([], ["n1"])
        neighbour.outbox.shown("n1", {1: "done"})
        assert store.outbox.notice("n1").named[0].shown == "open"

    def test_refusals_are_apart(self, store: Store, neighbour: Store) -> None:
        bring(store, plan(store, "n1"), State.FAILED)
        assert dossier_of(neighbour).refused_on is None

    def test_passes_and_freezes_are_apart(self, store: Store, neighbour: Store) -> None:
        a_pass(neighbour, "p", planned=5, sent=5)
        hold(neighbour, 1)
        neighbour.passes.approve(NOW, "admin")
        neighbour.passes.freeze("pull", "people shrank", NOW, measure=SHRUNK)
        assert (store.passes.last(), store.passes.is_first(), store.passes.frozen()) == (None, True, None)
        assert (store.passes.largest_since(NOW - DAY), store.passes.held_by_pull()) == (0, None)
        assert (store.passes.approve(NOW, "admin"), store.passes.approved_people()) == (None, set())
        store.passes.thaw_pull()
        assert neighbour.passes.frozen() == "people shrank"
        neighbour.passes.approve(LATER, "admin")
        assert (store.passes.approved_measure(), neighbour.passes.approved_measure()) == (None, SHRUNK)
