"""The contract of Acquaintances: whose DMs are known, what is read back counts as said, when a store was put back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.deadlines.model import Said, Step
from bot.store import Heard, Named, State, Store
from tests.builders import on
from tests.store.some import LATER, NOW, a_plan_of, a_reminder, as_named, bring, dossier_of, plan, send

TS = "1812900000.000100"


def heard(notice_id: str = "old", *named: Named, ts: str = TS, day: str = "2027-06-08") -> Heard:
    """A DM read back."""
    return Heard(notice_id=notice_id, ts=ts, local_on=on(day), named=named)


def meet(store: Store, *dms: Heard, person_id: int = 1) -> None:
    """This person's DM with the bot held these."""
    store.known.meet(person_id, f"U{person_id}", f"D{person_id}", dms, at=NOW, wall_at=NOW)


class KnownContract:
    """Who is a stranger, and what is read back."""

    def test_in_a_new_store_everybody_is_a_stranger(self, store: Store) -> None:
        assert store.known.strangers({"U1", "U2"}) == {"U1", "U2"}
        assert not store.known.anybody()
        assert store.known.last_dm("U1") == (None, None)
        assert store.known.speaks_since() is None

    @pytest.mark.parametrize("state", [State.PLANNED, State.HELD, State.DROPPED])
    def test_a_dm_that_was_never_claimed_acquaints_nobody(self, store: Store, state: State) -> None:
        bring(store, plan(store, "n1"), state)
        assert store.known.strangers({"U1"}) == {"U1"}

    @pytest.mark.parametrize("state", [State.SENDING, State.UNKNOWN, State.FAILED])
    def test_whoever_is_written_to_was_read_before_and_is_acquainted_whatever_comes_of_it(
        self, store: Store, state: State
    ) -> None:
        bring(store, plan(store, "n1"), state)
        assert store.known.strangers({"U1"}) == set()
        assert store.known.last_dm("U1") == (None, None)

    def test_what_is_settled_after_forgetting_makes_no_acquaintance_and_no_beginning(self, store: Store) -> None:
        bring(store, plan(store, "n1"), State.UNKNOWN)
        store.known.forget()
        store.outbox.sent("n1", channel_id="D1", ts="1.000001", at=NOW)
        assert store.known.strangers({"U1"}) == {"U1"}
        assert store.known.speaks_since() is None

    def test_a_dm_that_arrived_acquaints_its_reader_and_nobody_else(self, store: Store) -> None:
        send(store, "n1")
        assert store.known.strangers({"U1", "U2"}) == {"U2"}
        assert store.known.anybody()
        assert store.known.last_dm("U1") == ("D1", "1.000001")

    def test_whose_dm_was_read_back_is_acquainted_even_if_it_held_nothing(self, store: Store) -> None:
        meet(store)
        assert store.known.strangers({"U1"}) == set()
        assert store.known.last_dm("U1") == (None, None)

    def test_what_is_read_back_counts_as_said_on_its_day(self, store: Store) -> None:
        meet(store, heard("old", as_named(a_reminder())))
        assert dossier_of(store).said == (
            Said(course_id=1, deadline_on=on("2027-06-23"), step=Step("before", 7), said_on=on("2027-06-08")),
        )
        assert dossier_of(store).told_on == ()
        found = store.outbox.notice("old")
        assert (found.state, found.channel_id, found.ts) == (State.SENT, "D1", TS)
        assert store.known.last_dm("U1") == ("D1", TS)

    def test_a_dm_of_which_nobody_can_tell_what_it_named_counts_for_its_day(self, store: Store) -> None:
        meet(store, heard())
        assert (dossier_of(store).said, dossier_of(store).told_on) == ((), (on("2027-06-08"),))

    def test_several_dms_of_one_day_may_be_read_back_and_a_step_said_twice_counts_once(self, store: Store) -> None:
        meet(store, heard("a", as_named(a_reminder())), heard("b", as_named(a_reminder()), as_named(a_reminder(2))))
        assert [(s.course_id, s.step.name) for s in dossier_of(store).said] == [(1, "before-7"), (2, "before-7")]

    def test_what_was_read_back_does_not_stand_in_the_way_of_a_dm_of_ours(self, store: Store) -> None:
        meet(store, heard("old", day="2027-06-15"))
        send(store, "n1", day="2027-06-15")
        assert store.outbox.notice("n1").state is State.SENT

    def test_what_is_known_already_is_not_stored_again(self, store: Store) -> None:
        send(store, "n1")
        meet(store, heard("n1"))
        assert store.outbox.notice("n1").ts == "1.000001"

    def test_the_last_dm_is_the_one_with_the_latest_ts(self, store: Store) -> None:
        meet(store, heard("b", ts="1812900002.000000"), heard("a", ts="1812900001.000000"))
        assert store.known.last_dm("U1") == ("D1", "1812900002.000000")

    def test_what_was_read_back_is_no_part_of_a_pass(self, store: Store) -> None:
        meet(store, heard())
        assert store.outbox.outcomes("p") == {}
        assert store.outbox.unsettled() == []

    def test_the_notices_that_this_store_wrote(self, store: Store) -> None:
        plan(store, "n1")
        meet(store, heard("old"), person_id=2)
        assert store.known.wrote(["n1", "old", "foreign"]) == {"n1", "old"}

    @pytest.mark.parametrize("state", list(State))
    def test_what_arrived_or_may_have_counts_as_said(self, store: Store, state: State) -> None:
        bring(store, plan(store, "n1"), state)
        expected = {"n1"} if state in (State.SENT, State.SENDING, State.UNKNOWN) else set()
        assert store.known.arrived(["n1", "foreign"]) == expected

    def test_what_was_given_up_and_is_found_in_slack_was_said(self, store: Store) -> None:
        bring(store, plan(store, "n1"), State.DROPPED)
        meet(store, heard("n1", as_named(a_reminder())))
        assert store.outbox.notice("n1").state is State.SENT
        assert len(dossier_of(store).said) == 1

    def test_it_speaks_since_its_first_dm_that_arrived(self, store: Store) -> None:
        for n, ts in ((1, "5.000001"), (2, "6.000001")):
            store.outbox.claim(plan(store, f"n{n}", person_id=n), wall_at=NOW)
            store.outbox.sent(f"n{n}", channel_id=f"D{n}", ts=ts, at=NOW)
        meet(store, heard("old", ts="4.000001"), person_id=3)
        assert store.known.speaks_since() == "5.000001"

    def test_after_forgetting_everybody_is_a_stranger_and_what_was_said_stays_said(self, store: Store) -> None:
        send(store, "n1")
        store.known.forget()
        assert store.known.strangers({"U1"}) == {"U1"}
        assert not store.known.anybody()
        assert store.known.speaks_since() is None
        assert store.known.last_dm("U1") == ("D1", "1.000001")
        assert len(dossier_of(store).said) == 1

    def test_another_workspace_knows_nothing_of_it(self, store: Store, neighbour: Store) -> None:
        send(store, "n1")
        meet(store, heard(), person_id=2)
        assert neighbour.known.strangers({"U1"}) == {"U1"}
        assert neighbour.known.wrote(["n1", "old"]) == set()
        neighbour.known.forget()
        assert store.known.anybody()

    def test_it_is_all_or_nothing(self, store: Store) -> None:
        broken = Heard(notice_id="bad", ts=TS, local_on=on("2027-06-08"), named=(None,))  # type: ignore[arg-type]
        with pytest.raises(AttributeError):
            meet(store, heard("old"), broken)
        assert store.known.strangers({"U1"}) == {"U1"}
        assert store.known.wrote(["old", "bad"]) == set()


class RebuiltContract:
    """What a store that was read back means for the measure of a pass."""

    def test_a_store_that_was_read_back_is_no_first_installation_and_has_no_measure(self, store: Store) -> None:
        assert (store.passes.is_first(), store.passes.is_rebuilt()) == (True, False)
        meet(store, heard())
        assert (store.passes.is_first(), store.passes.is_rebuilt()) == (False, True)

    def test_its_first_pass_that_sends_is_a_measure_again(self, store: Store) -> None:
        meet(store, heard())
        record = store.passes
        record.begun("a", NOW)
        assert store.passes.is_rebuilt()
        send(store, "n1")
        store.passes.begun("b", LATER)  # closes the one before, with what it had sent
        assert store.passes.is_rebuilt(), "that DM was of another pass"
        planned = a_plan_of("n2", person_id=2)
        store.outbox.save([], [planned], pass_id="b", at=LATER)
        bring(store, "n2", State.SENT)
        store.passes.begun("c", LATER)
        assert not store.passes.is_rebuilt()


class PutBackContract:
    """A database that is older than what it has sent."""

    def test_a_store_in_ordinary_use_was_not_put_back(self, store: Store, again: Store) -> None:
        assert not store.known.was_put_back()
        for n, state in enumerate((State.SENT, State.UNKNOWN, State.FAILED, State.SENDING)):
            bring(store, plan(store, f"n{n}", person_id=n), state)
            assert not store.known.was_put_back()
        assert not again.known.was_put_back()
        assert store.known.anybody()


class MeasureContract:
    """The largest day that was read back is a measure of a pass."""

    def test_the_largest_day_that_was_read_back_counts_as_a_pass(self, store: Store) -> None:
        for person_id in (1, 2, 3):
            meet(store, heard(f"a{person_id}", day="2027-06-08"), person_id=person_id)
        meet(store, heard("b", day="2027-06-09"), heard("c", day="2027-06-09"), person_id=4)
        assert store.passes.largest_since(NOW - timedelta(days=14)) == 3
        assert store.passes.largest_since(NOW - timedelta(days=6)) == 1


class PaceContract:
    """The pace that passes learn."""

    def test_no_pace_is_known_at_first(self, store: Store) -> None:
        assert store.passes.pace(4) is None

    def test_the_pace_that_was_learned_last_is_kept_and_does_not_disturb_the_rest(self, store: Store) -> None:
        send(store, "n1")
        store.passes.keep_pace(3.5, 4)
        store.passes.keep_pace(3.7, 4)
        assert store.passes.pace(4) == 3.7
        assert store.known.speaks_since() == "1.000001"
        assert not store.known.was_put_back()

    def test_a_policy_with_another_start_begins_afresh(self, store: Store) -> None:
        store.passes.keep_pace(3.5, 4)
        assert store.passes.pace(1) is None

    def test_another_workspaces_pace_is_its_own(self, store: Store, neighbour: Store) -> None:
        store.passes.keep_pace(3.5, 4)
        assert neighbour.passes.pace(4) is None
