"""The contract of the Outbox's decisions: saved, counted, found when due, and what they make of earlier DMs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bot.deadlines.model import DUE, Reason, Step
from bot.store import State, Store
from tests.builders import an_assignment, on
from tests.store.some import (
    NOW,
    Decided,
    a_decision,
    a_plan_of,
    a_plan_without_notice,
    a_reminder,
    bring,
    decide,
    plan,
    plans_of,
    pull,
    send,
)

SECOND = timedelta(seconds=1)
EVERY_FACT = a_decision(
    Reason.SEND,
    step=DUE,
    step_on=on("2027-06-22"),
    detail="gathered",
    next_at=NOW,
    next_step=Step("overdue", 3),
    next_on=on("2027-06-28"),
)


class DecisionContract:
    """save() keeps the last word about each assignment."""

    def test_reasons_count_assignments_also_two_of_one_person_and_course(self, store: Store) -> None:
        decide(store, a_decision(), a_decision(Reason.SUPERSEDED), a_decision(course_id=2), a_decision(person_id=2))
        assert store.outbox.reasons() == {Reason.NOT_DUE_YET: 3, Reason.SUPERSEDED: 1}

    def test_nothing_decided_is_nothing_counted(self, store: Store) -> None:
        assert store.outbox.reasons() == {}
        assert store.outbox.due_people(NOW) == []

    def test_the_next_decision_takes_the_place_of_the_earlier(self, store: Store) -> None:
        decide(store, a_decision())
        decide(store, a_decision(Reason.COMPLETED))
        assert store.outbox.reasons() == {Reason.COMPLETED: 1}

    def test_a_decision_that_is_taken_no_more_is_removed(self, store: Store) -> None:
        decide(store, a_decision(), a_decision(Reason.SUPERSEDED), a_decision(Reason.EXEMPT, course_id=2))
        decide(store, a_decision())
        assert store.outbox.reasons() == {Reason.NOT_DUE_YET: 1}

    def test_somebody_without_any_decision_now_has_none_left(self, store: Store) -> None:
        decide(store, a_decision(person_id=1), a_decision(Reason.SNOOZED, person_id=2))
        store.outbox.save([a_plan_without_notice(1)], [], pass_id="p", at=NOW)
        assert store.outbox.reasons() == {Reason.SNOOZED: 1}

    def test_people_who_were_not_decided_about_keep_their_decisions(self, store: Store) -> None:
        decide(store, a_decision(person_id=1))
        decide(store, a_decision(Reason.AWAY, person_id=2))
        assert store.outbox.reasons() == {Reason.NOT_DUE_YET: 1, Reason.AWAY: 1}

    def test_decisions_and_notices_are_saved_all_or_nothing(self, store: Store) -> None:
        decide(store, a_decision())
        plan(store, "n1", a_reminder(2), day="2027-06-15")
        clash = [a_plan_of("n2", person_id=2), a_plan_of("n3", day="2027-06-15")]
        changed = [a_decision(Reason.SEND), a_decision(Reason.SEND, person_id=2)]
        with pytest.raises(Exception, match=r"(?i)unique|twice|refuses"):
            store.outbox.save(plans_of(*changed), clash, pass_id="p", at=NOW)
        assert store.outbox.reasons() == {Reason.NOT_DUE_YET: 1}
        assert store.outbox.planned() == ["n1"]

    def test_the_store_goes_on_after_a_save_that_failed(self, store: Store) -> None:
        plan(store, "n1")
        with pytest.raises(Exception, match=r"(?i)unique|twice|refuses"):
            plan(store, "n2")
        plan(store, "n3", a_reminder(2), person_id=2)
        assert store.outbox.planned() == ["n1", "n3"]

    @pytest.mark.parametrize("decision", [EVERY_FACT, a_decision(deadline=None)], ids=["every fact", "few facts"])
    def test_saving_the_same_again_changes_nothing(self, store: Store, decision: Decided) -> None:
        decide(store, decision)
        decide(store, decision)
        assert store.outbox.reasons() == {decision.decision.reason: 1}

    def test_decisions_of_people_without_an_assignment_are_forgotten(self, store: Store) -> None:
        pull(store, an_assignment(person_id=1))
        decide(store, a_decision(person_id=1), a_decision(Reason.COMPLETED, person_id=2))
        store.outbox.forget_vanished()
        assert store.outbox.reasons() == {Reason.NOT_DUE_YET: 1}

    @pytest.mark.parametrize(
        ("next_at", "due"), [(NOW - SECOND, True), (NOW, True), (NOW + SECOND, False), (None, False)]
    )
    def test_somebody_is_due_from_the_instant_at_which_a_decision_can_change(
        self, store: Store, next_at: datetime | None, due: bool
    ) -> None:
        decide(store, a_decision(next_at=next_at))
        assert store.outbox.due_people(NOW) == ([1] if due else [])

    def test_due_people_come_once_each(self, store: Store) -> None:
        early = NOW - timedelta(days=1)
        decide(
            store,
            a_decision(person_id=2, next_at=NOW),
            *(a_decision(course_id=n, next_at=early) for n in (1, 2)),
            a_decision(person_id=3),
        )
        assert sorted(store.outbox.due_people(NOW)) == [1, 2]

    @pytest.mark.parametrize("year", [1, 9999])
    def test_decisions_about_the_first_and_the_last_year_are_kept(self, store: Store, year: int) -> None:
        at = datetime(year, 6, 15, tzinfo=UTC)
        decide(store, a_decision(deadline=f"{year:04}-06-15", next_at=at))
        assert store.outbox.due_people(at) == [1]
        assert store.outbox.due_people(at - SECOND) == []


DEADLINE = on("2027-06-23")
NEW_DEADLINE = on("2027-09-01")


def completed(deadline: str | None = "2027-06-23") -> Decided:
    """The row is completed."""
    return a_decision(Reason.COMPLETED, deadline)


def still_open(deadline: str | None = "2027-06-23") -> Decided:
    """The row waits for its next step."""
    return a_decision(Reason.ALREADY_SENT, deadline)


class TruthContract:
    """Earlier DMs stay true. Each DM here named course 1 with its deadline of 23 June."""

    @pytest.mark.parametrize(
        ("decisions", "truth", "deadline"),
        [
            pytest.param([still_open()], "open", DEADLINE, id="nothing changed"),
            pytest.param([completed()], "done", DEADLINE, id="completed"),
            pytest.param([completed("2027-09-01")], "done", NEW_DEADLINE, id="completed, its deadline moved"),
            pytest.param([completed(None)], "done", None, id="completed, its deadline taken away"),
            pytest.param(
                [still_open("2027-09-01"), completed()], "done", NEW_DEADLINE, id="completed, and a new cycle governs"
            ),
            pytest.param(
                [still_open("2027-09-01"), completed("2026-06-23")],
                "moved",
                NEW_DEADLINE,
                id="only an earlier cycle was completed",
            ),
            pytest.param(
                [still_open("2027-09-01"), a_decision(Reason.SUPERSEDED)], "moved", NEW_DEADLINE, id="superseded"
            ),
            pytest.param([still_open("2027-09-01")], "moved", NEW_DEADLINE, id="the deadline moved"),
            pytest.param([a_decision(Reason.NOT_REQUIRED)], "dropped", DEADLINE, id="not required any more"),
            pytest.param([a_decision(Reason.COURSE_INACTIVE)], "dropped", DEADLINE, id="the course is inactive"),
            pytest.param([a_decision(Reason.NO_DEADLINE, None)], "open", None, id="no deadline any more"),
            pytest.param([a_decision(Reason.INVALID_DEADLINE, None)], "open", None, id="an impossible deadline"),
            pytest.param(
                [a_decision(Reason.COURSE_INACTIVE, detail="switched_off")],
                "open",
                DEADLINE,
                id="reminders switched off",
            ),
            pytest.param([a_decision(course_id=2)], "dropped", None, id="the assignment is gone"),
            pytest.param([a_decision(Reason.SNOOZED)], "open", DEADLINE, id="snoozed"),
            pytest.param([a_decision(Reason.GAVE_UP)], "open", DEADLINE, id="gave up"),
        ],
    )
    def test_what_a_named_course_has_become(
        self, store: Store, decisions: list[Decided], truth: str, deadline: date | None
    ) -> None:
        send(store, "n1")
        decide(store, *decisions)
        assert store.outbox.true_state("n1") == {1: (truth, deadline)}
        assert store.outbox.corrections() == ([] if truth == "open" else ["n1"])

    @pytest.mark.parametrize("truth", ["done", "moved", "dropped"])
    def test_a_dm_that_shows_the_truth_needs_no_correction(self, store: Store, truth: str) -> None:
        why = {"done": completed(), "moved": still_open("2027-09-01"), "dropped": a_decision(Reason.NOT_REQUIRED)}
        send(store, "n1")
        decide(store, why[truth])
        store.outbox.shown("n1", {1: truth})
        assert store.outbox.corrections() == []
        assert [named.shown for named in store.outbox.notice("n1").named] == [truth]

    def test_what_could_not_be_corrected_yet_is_found_again(self, store: Store) -> None:
        send(store, "n1")
        decide(store, completed())
        assert [store.outbox.corrections() for _ in range(3)] == [["n1"]] * 3

    def test_a_dm_that_arrives_after_its_course_was_completed_is_found(self, store: Store) -> None:
        """Its outcome was unknown while the course was completed: only then is it known as sent."""
        plan(store, "n1")
        store.outbox.claim("n1", wall_at=NOW)
        store.outbox.unknown("n1", error="TimeoutError", at=NOW)
        decide(store, completed())
        assert store.outbox.corrections() == []
        store.outbox.sent("n1", channel_id="D1", ts="1.1", at=NOW)
        assert store.outbox.corrections() == ["n1"]

    def test_a_dm_to_somebody_who_has_no_assignment_any_more_is_found(self, store: Store) -> None:
        send(store, "n1")
        decide(store, still_open())
        assert store.outbox.corrections() == []
        store.outbox.forget_vanished()
        assert store.outbox.corrections() == ["n1"]

    def test_a_deadline_that_moved_back_is_corrected_again(self, store: Store) -> None:
        send(store, "n1")
        decide(store, still_open("2027-09-01"))
        store.outbox.shown("n1", {1: "moved"})
        decide(store, still_open())
        assert store.outbox.corrections() == ["n1"]

    def test_a_deadline_that_moves_a_second_time_is_corrected_again(self, store: Store) -> None:
        send(store, "n1")
        decide(store, still_open("2027-09-01"))
        store.outbox.shown("n1", {1: "moved"})
        decide(store, still_open("2027-10-01"))
        assert store.outbox.corrections() == ["n1"]

    def test_a_dm_that_says_done_stays_so_whatever_comes_after(self, store: Store) -> None:
        send(store, "n1")
        store.outbox.shown("n1", {1: "done"})
        decide(store, still_open("2028-06-23"))
        assert store.outbox.corrections() == []

    def test_each_course_of_a_dm_is_told_apart(self, store: Store) -> None:
        send(store, "n1", a_reminder(1), a_reminder(2), a_reminder(3))
        decide(store, completed(), a_decision(course_id=2), a_decision(Reason.NOT_REQUIRED, course_id=3))
        truth = {course: state for course, (state, _) in store.outbox.true_state("n1").items()}
        assert truth == {1: "done", 2: "open", 3: "dropped"}
        store.outbox.shown("n1", {1: "done"})
        assert store.outbox.corrections() == ["n1"]
        store.outbox.shown("n1", {3: "dropped"})
        assert store.outbox.corrections() == []

    def test_each_dm_about_the_course_is_corrected_once(self, store: Store) -> None:
        send(store, "n1", a_reminder(1), a_reminder(2))
        send(store, "n2", a_reminder(step="due"), day="2027-06-23")
        decide(store, completed(), a_decision(Reason.COMPLETED, course_id=2))
        assert sorted(store.outbox.corrections()) == ["n1", "n2"]

    def test_somebody_elses_completion_changes_nothing(self, store: Store) -> None:
        send(store, "n1")
        decide(store, still_open(), a_decision(Reason.COMPLETED, person_id=2))
        assert store.outbox.corrections() == []

    @pytest.mark.parametrize("state", [s for s in State if s is not State.SENT])
    def test_only_a_dm_that_arrived_is_corrected(self, store: Store, state: State) -> None:
        bring(store, plan(store, "n1"), state)
        decide(store, completed())
        assert store.outbox.corrections() == []

    def test_steps_that_the_dm_passed_over_are_not_courses_named(self, store: Store) -> None:
        facts: dict[str, Any] = {"passed_over": (Step("before", 14), Step("before", 7))}
        send(store, "n1", a_reminder(step="before-2", **facts))
        decide(store, completed())
        assert store.outbox.true_state("n1") == {1: ("done", DEADLINE)}
        assert len(store.outbox.notice("n1").named) == 1
