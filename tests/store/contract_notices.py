"""The contract of the Outbox's notices: every move, what can't be said twice, and what counts as said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.deadlines.model import Match, Reason, Reminder, Said, Step
from bot.errors import StoreError
from bot.store import Named, State, Store, StoredNotice
from tests.builders import an_assignment, on, said
from tests.store.some import (
    LATER,
    MOVES,
    NOW,
    a_decision,
    a_plan_of,
    a_reminder,
    an_unknown,
    bring,
    decide,
    dossier_of,
    plan,
    pull,
    send,
)

ALLOWED = {
    (State.PLANNED, "claim"): State.SENDING,
    (State.PLANNED, "drop"): State.DROPPED,
    (State.SENDING, "sent"): State.SENT,
    (State.SENDING, "failed"): State.FAILED,
    (State.SENDING, "unknown"): State.UNKNOWN,
    (State.SENDING, "back"): State.PLANNED,
    (State.UNKNOWN, "sent"): State.SENT,
    (State.UNKNOWN, "back"): State.PLANNED,
}
FORBIDDEN = [(state, move) for state in State for move in MOVES if move != "hold" and (state, move) not in ALLOWED]
ON_ITS_WAY = (State.PLANNED, State.SENDING, State.UNKNOWN, State.SENT)
LET_GO = (State.HELD, State.FAILED, State.DROPPED)


def refuse(store: Store, day: str, *, person_id: int = 1, error: str = "user_not_found") -> None:
    """Slack refuses a DM of this day."""
    notice_id = plan(store, f"{person_id} {day}", person_id=person_id, day=day)
    store.outbox.claim(notice_id, wall_at=NOW)
    store.outbox.failed(notice_id, error=error, at=NOW)


REFUSED = r"(?i)unique|twice|refuses"


class NoticeContract:
    """A notice moves in the one way that is drawn in outbox.py."""

    def test_a_planned_notice_is_read_as_it_was_planned(self, store: Store) -> None:
        first = a_reminder(2, deadline="2027-06-20", reproach_free=True)
        _, notice, (one, two) = a_plan_of("n1", first, a_reminder(1), person_id=7)
        locked = Named(
            course_id=two.course_id, title=two.title, step=two.step, deadline_on=two.deadline_on, key="k", locked=True
        )
        store.outbox.save([], [("n1", notice, (one, locked))], pass_id="p", at=NOW)
        assert store.outbox.notice("n1") == StoredNotice(
            notice_id="n1",
            person_id=7,
            slack_id="U7",
            local_on=on("2027-06-15"),
            state=State.PLANNED,
            named=(one, locked),
        )

    def test_there_is_no_notice_of_an_unknown_id(self, store: Store) -> None:
        with pytest.raises(KeyError):
            store.outbox.notice("nothing")

    @pytest.mark.parametrize(("state", "move"), ALLOWED, ids=str)
    def test_allowed_moves(self, store: Store, state: State, move: str) -> None:
        bring(store, plan(store, "n1"), state)
        MOVES[move](store.outbox, "n1")
        assert store.outbox.notice("n1").state is ALLOWED[state, move]

    @pytest.mark.parametrize(("state", "move"), FORBIDDEN, ids=str)
    def test_forbidden_moves_change_nothing(self, store: Store, state: State, move: str) -> None:
        before = store.outbox.notice(bring(store, plan(store, "n1"), state))
        with pytest.raises(StoreError, match="n1"):
            MOVES[move](store.outbox, "n1")
        assert store.outbox.notice("n1") == before

    @pytest.mark.parametrize("move", [move for move in MOVES if move != "hold"])
    def test_a_notice_that_is_not_there_can_not_move(self, store: Store, move: str) -> None:
        with pytest.raises(StoreError):
            MOVES[move](store.outbox, "nothing")

    def test_of_two_that_claim_one_notice_one_is_refused(self, store: Store, again: Store) -> None:
        plan(store, "n1")
        store.outbox.claim("n1", wall_at=NOW)
        with pytest.raises(StoreError):
            again.outbox.claim("n1", wall_at=NOW)
        assert again.outbox.notice("n1").attempts == 1

    def test_each_claim_is_an_attempt_with_its_wall_time(self, store: Store) -> None:
        plan(store, "n1")
        assert store.outbox.notice("n1").attempts == 0
        store.outbox.claim("n1", wall_at=datetime(2027, 6, 15, 8, 0, tzinfo=UTC))
        store.outbox.back("n1")
        wall_at = datetime(2027, 6, 15, 8, 5, 1, 250_000, tzinfo=UTC)
        store.outbox.claim("n1", wall_at=wall_at)
        assert store.outbox.notice("n1").attempts == 2
        assert store.outbox.notice("n1").claimed_at == wall_at

    def test_a_dm_that_arrived_is_where_slack_said(self, store: Store) -> None:
        bring(store, plan(store, "n1"), State.UNKNOWN)
        store.outbox.sent("n1", channel_id="D9", ts="1812900000.000100", at=NOW)
        found = store.outbox.notice("n1")
        assert (found.channel_id, found.ts) == ("D9", "1812900000.000100")

    def test_planned_notices_wait_in_the_order_of_planning(self, store: Store) -> None:
        for n in (5, 3, 9):
            plan(store, f"n{n}", person_id=n)
        send(store, "n1", person_id=1)
        store.outbox.claim("n5", wall_at=NOW)
        store.outbox.back("n5")
        plan(store, "n2", person_id=2)
        assert store.outbox.planned() == ["n5", "n3", "n9", "n2"]

    def test_unsettled_are_those_sending_and_unknown(self, store: Store) -> None:
        for n, state in enumerate(State):
            if state is not State.HELD:
                bring(store, plan(store, f"n{state}", person_id=n), state)
        assert {(n.notice_id, n.state) for n in store.outbox.unsettled()} == {
            ("nsending", State.SENDING),
            ("nunknown", State.UNKNOWN),
        }

    def test_counts_are_by_state(self, store: Store) -> None:
        assert store.outbox.counts() == {}
        send(store, "n1", person_id=1)
        send(store, "n2", person_id=2)
        bring(store, plan(store, "n3", person_id=3), State.FAILED)
        assert store.outbox.counts() == {State.SENT: 2, State.FAILED: 1}

    def test_outcomes_are_those_of_one_pass(self, store: Store) -> None:
        send(store, "n1", person_id=1)
        plan(store, "n2", person_id=2)
        store.outbox.save([], [a_plan_of("n3", person_id=3)], pass_id="another", at=NOW)
        assert store.outbox.outcomes("p") == {State.SENT: 1, State.PLANNED: 1}
        assert store.outbox.outcomes("another") == {State.PLANNED: 1}
        assert store.outbox.outcomes("none") == {}

    def test_drop_planned_forgets_what_waits_and_nothing_else(self, store: Store) -> None:
        others = [s for s in State if s not in {State.PLANNED, State.HELD}]
        for n, state in enumerate(others):
            bring(store, plan(store, f"n{n}", person_id=n), state)
        plan(store, "w1", person_id=100)
        plan(store, "w2", person_id=101)
        assert store.outbox.drop_planned(at=NOW) == 2
        assert store.outbox.counts() == dict.fromkeys(others, 1)
        assert store.outbox.drop_planned(at=NOW) == 0
        with pytest.raises(KeyError):
            store.outbox.notice("w1")

    def test_what_was_dropped_from_the_plan_can_be_planned_again(self, store: Store) -> None:
        plan(store, "n1")
        store.outbox.drop_planned(at=NOW)
        assert store.outbox.notice(plan(store, "n2")).state is State.PLANNED

    def test_what_was_claimed_once_and_is_planned_again_is_dropped_and_stays_known(self, store: Store) -> None:
        store.outbox.claim(plan(store, "n1"), wall_at=NOW)
        store.outbox.back("n1")
        assert store.outbox.drop_planned(at=NOW) == 1
        assert store.outbox.notice("n1").state is State.DROPPED
        assert store.outbox.notice(plan(store, "n2")).state is State.PLANNED, "its steps are free again"

    def test_hold_planned_holds_what_waits_and_freezes_its_decisions(self, store: Store) -> None:
        decide(store, a_decision(Reason.SEND), a_decision(Reason.AWAY, course_id=2))
        send(store, "n1", person_id=9)
        plan(store, "n2")
        store.outbox.hold_planned()
        assert store.outbox.counts() == {State.SENT: 1, State.HELD: 1}
        assert store.outbox.reasons() == {Reason.FROZEN: 1, Reason.AWAY: 1}
        assert store.outbox.planned() == []

    def test_the_next_frozen_pass_holds_what_it_planned_instead(self, store: Store) -> None:
        plan(store, "n1", person_id=1)
        plan(store, "n2", person_id=2)
        store.outbox.hold_planned()
        plan(store, "n3", person_id=2)
        store.outbox.hold_planned()
        assert store.outbox.counts() == {State.HELD: 2}
        assert store.outbox.notice("n3").state is State.HELD

    def test_a_frozen_pass_for_one_person_leaves_those_held_before_alone(self, store: Store) -> None:
        plan(store, "n1", person_id=1)
        store.outbox.hold_planned()
        plan(store, "n2", person_id=2)
        store.outbox.hold_planned()
        assert store.outbox.notice("n1").state is State.HELD

    def test_the_last_dm_that_reached_somebody(self, store: Store) -> None:
        assert store.outbox.before(an_unknown()) == (None, None)
        for n, minute in enumerate([0, 50, 20]):
            plan(store, f"n{n}", a_reminder(n + 1), day=f"2027-06-{15 + n}")
            store.outbox.claim(f"n{n}", wall_at=NOW + timedelta(minutes=minute))
            store.outbox.sent(f"n{n}", channel_id=f"D{n}", ts=f"18129{minute:02}000.000100", at=NOW)
        bring(store, plan(store, "u", a_reminder(9), day="2027-06-20"), State.UNKNOWN)
        send(store, "other", person_id=2)
        assert store.outbox.before(an_unknown()) == ("D1", "1812950000.000100")

    @pytest.mark.parametrize(
        ("minute", "found"),
        [
            pytest.param(61, ("D1", "2.5"), id="both were claimed earlier"),
            pytest.param(60, ("D0", "1.5"), id="the second is no earlier"),
            pytest.param(30, ("D0", "1.5"), id="the second was claimed later"),
            pytest.param(0, (None, None), id="the first is no earlier"),
            pytest.param(-1, (None, None), id="both were claimed later"),
            pytest.param(None, (None, None), id="never claimed"),
        ],
    )
    def test_a_dm_that_was_claimed_no_earlier_is_none_before(
        self, store: Store, minute: int | None, found: tuple[str | None, str | None]
    ) -> None:
        for n, at in enumerate([NOW, LATER]):
            plan(store, f"n{n}", a_reminder(n + 1), day=f"2027-06-{15 + n}")
            store.outbox.claim(f"n{n}", wall_at=at)
            store.outbox.sent(f"n{n}", channel_id=f"D{n}", ts=f"{n + 1}.5", at=at)
        claimed_at = None if minute is None else NOW + timedelta(minutes=minute)
        assert store.outbox.before(an_unknown(claimed_at=claimed_at)) == found

    def test_a_dm_to_their_earlier_slack_account_is_none_before(self, store: Store) -> None:
        send(store, "n1")
        assert store.outbox.before(an_unknown(slack_id="U2")) == (None, None)

    @pytest.mark.parametrize("state", [s for s in State if s is not State.SENT])
    def test_only_what_surely_arrived_is_before(self, store: Store, state: State) -> None:
        bring(store, plan(store, "n1"), state)
        assert store.outbox.before(an_unknown()) == (None, None)

    def test_a_notice_that_is_tried_again_has_the_same_before_it(self, store: Store) -> None:
        send(store, "n1")
        plan(store, "n2", a_reminder(2), day="2027-06-16")
        for at in (LATER, LATER + timedelta(minutes=1)):
            store.outbox.claim("n2", wall_at=at)
            store.outbox.unknown("n2", error="timeout", at=at)
            [notice] = store.outbox.unsettled()
            assert store.outbox.before(notice) == ("D1", "1.000001")
            store.outbox.back("n2")


class UniqueContract:
    """One DM a day and no step twice are held by the database, whoever asks."""

    @pytest.mark.parametrize("state", ON_ITS_WAY)
    def test_one_dm_a_day(self, store: Store, state: State) -> None:
        bring(store, plan(store, "n1"), state)
        with pytest.raises(Exception, match=REFUSED):
            plan(store, "n2", a_reminder(2))
        assert sum(store.outbox.counts().values()) == 1

    @pytest.mark.parametrize("state", ON_ITS_WAY)
    def test_no_step_twice(self, store: Store, state: State) -> None:
        bring(store, plan(store, "n1"), state)
        with pytest.raises(Exception, match=REFUSED):
            plan(store, "n2", day="2027-06-16")
        assert sum(store.outbox.counts().values()) == 1

    @pytest.mark.parametrize("state", LET_GO)
    def test_what_was_not_said_takes_up_neither_day_nor_step(self, store: Store, state: State) -> None:
        bring(store, plan(store, "n1"), state)
        send(store, "n2")
        assert store.outbox.notice("n2").state is State.SENT

    @pytest.mark.parametrize(
        ("reminder", "person_id"),
        [
            (a_reminder(step="before-2"), 1),
            (a_reminder(deadline="2028-06-23"), 1),
            (a_reminder(2), 1),
            (a_reminder(), 2),
        ],
        ids=["another step", "another deadline", "another course", "another person"],
    )
    def test_another_step_deadline_course_or_person_is_another_reminder(
        self, store: Store, reminder: Reminder, person_id: int
    ) -> None:
        send(store, "n1")
        send(store, "n2", reminder, person_id=person_id, day="2027-06-16")
        assert store.outbox.counts() == {State.SENT: 2}

    def test_a_step_that_was_passed_over_may_still_be_said(self, store: Store) -> None:
        send(store, "n1", a_reminder(step="before-2", passed_over=(Step("before", 7),)))
        send(store, "n2", a_reminder(step="before-7"), day="2027-06-16")
        assert store.outbox.counts() == {State.SENT: 2}


class SaidContract:
    """What counts as said to somebody, and as refused."""

    @pytest.mark.parametrize("state", State)
    def test_said_is_what_was_sent_or_may_have_arrived(self, store: Store, state: State) -> None:
        bring(store, plan(store, "n1"), state)
        counts = state in {State.SENT, State.SENDING, State.UNKNOWN}
        assert dossier_of(store).said == ((said("before-7", "2027-06-15"),) if counts else ())

    def test_each_course_named_was_said_and_no_step_passed_over(self, store: Store) -> None:
        send(store, "n1", a_reminder(1, step="before-2", passed_over=(Step("before", 7),)), a_reminder(2, step="due"))
        send(store, "n2", a_reminder(3, step="overdue-12", deadline="2027-05-01"), day="2027-06-16")
        expected = {
            said("before-2", "2027-06-15"),
            said("due", "2027-06-15", course_id=2),
            said("overdue-12", "2027-06-16", course_id=3, deadline="2027-05-01"),
        }
        found: tuple[Said, ...] = dossier_of(store).said
        assert set(found) == expected
        assert len(found) == len(expected)

    def test_to_each_person_their_own(self, store: Store) -> None:
        send(store, "n1", person_id=1)
        send(store, "n2", a_reminder(2), person_id=2)
        [[one, two]] = store.snapshots.dossiers([1, 2])
        assert ([s.course_id for s in one.said], [s.course_id for s in two.said]) == ([1], [2])

    def test_the_last_refusal_is_told_with_slacks_word_and_how_many_there_were(self, store: Store) -> None:
        pull(store, an_assignment(), matches={1: Match(slack_id="U1")})
        for day, error in [("2027-06-14", "user_not_found"), ("2027-06-16", "is_inactive"), ("2027-06-15", "other")]:
            refuse(store, day, error=error)
        found = dossier_of(store)
        assert (found.refused_on, found.refusal, found.refusals) == (on("2027-06-16"), "is_inactive", 3)
        assert dossier_of(store, 2).refused_on is None

    def test_refusals_are_counted_from_the_last_dm_that_arrived(self, store: Store) -> None:
        pull(store, an_assignment(), matches={1: Match(slack_id="U1")})
        refuse(store, "2027-06-14")
        send(store, "n1", a_reminder(2), day="2027-06-15")
        assert (dossier_of(store).refused_on, dossier_of(store).refusals) == (None, 0)
        assert store.outbox.refused(9) == []
        refuse(store, "2027-06-16")
        assert (dossier_of(store).refused_on, dossier_of(store).refusals) == (on("2027-06-16"), 1)

    def test_a_refusal_of_another_slack_account_of_theirs_does_not_count(self, store: Store) -> None:
        pull(store, an_assignment(), matches={1: Match(slack_id="U2")})
        refuse(store, "2027-06-14")
        assert dossier_of(store).refused_on is None

    def test_the_people_whom_slack_refuses_are_listed_the_latest_first(self, store: Store) -> None:
        refuse(store, "2027-06-14")
        refuse(store, "2027-06-15", error="is_inactive")
        refuse(store, "2027-06-16", person_id=2)
        found = store.outbox.refused(9)
        assert [(r.person_id, r.slack_id, r.error, r.local_on, r.times) for r in found] == [
            (2, "U2", "user_not_found", on("2027-06-16"), 1),
            (1, "U1", "is_inactive", on("2027-06-15"), 2),
        ]
        assert store.outbox.refused(1) == found[:1]

    @pytest.mark.parametrize("state", [s for s in State if s is not State.FAILED])
    def test_nothing_else_is_a_refusal(self, store: Store, state: State) -> None:
        bring(store, plan(store, "n1"), state)
        assert (dossier_of(store).refused_on, dossier_of(store).refusal) == (None, "")
