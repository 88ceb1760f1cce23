"""The contract of Letters and Hitches: said once, compared with the last, read back; what an admin can mend."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.deadlines.freeze import Snapshot
from bot.deadlines.model import Learner, Match, NoMatch, Reason
from bot.errors import StoreError
from bot.store import ClaimedLetter, Hitch, Hold, State, Store, StoredLetter
from tests.builders import an_assignment
from tests.store.some import LATER, NOW, a_decision, a_member, a_page, a_reject, bring, decide, plan, pull, send, stage

TS = "1812900000.000100"


def a_letter(letter_id: str = "l1", **facts: Any) -> StoredLetter:
    """A managers' digest to U1."""
    defaults = {"kind": "managers", "slack_id": "U1", "subject": f"of {letter_id}", "content": f"in {letter_id}"}
    return StoredLetter(**{"letter_id": letter_id, **defaults, **facts})


def claim(store: Store, letter: StoredLetter, *, at: Any = NOW) -> str:
    """It is on its way. Returns its id."""
    store.letters.claim(letter, at=at, wall_at=at)
    return letter.letter_id


Move = Callable[[Store, str], None]
MOVES: dict[str, Move] = {
    "sent": lambda store, letter_id: store.letters.sent(letter_id, channel_id="D1", ts=TS, at=NOW),
    "failed": lambda store, letter_id: store.letters.failed(letter_id, error="user_not_found", at=NOW),
    "unknown": lambda store, letter_id: store.letters.unknown(letter_id, error="timeout"),
    "back": lambda store, letter_id: store.letters.back(letter_id),
}
WAY_TO = {
    "nothing": (),
    "sending": ("claim",),
    "unknown": ("claim", "unknown"),
    "sent": ("claim", "sent"),
    "failed": ("claim", "failed"),
    "skipped": ("skip",),
}
ALLOWED = {("sending", move) for move in MOVES} | {("unknown", "sent"), ("unknown", "back")}


def bring_to(store: Store, state: str, letter: StoredLetter | None = None, *, at: Any = NOW) -> StoredLetter:
    """A letter goes its way to this state."""
    letter = letter or a_letter()
    for move in WAY_TO[state]:
        if move == "claim":
            claim(store, letter, at=at)
        elif move == "skip":
            store.letters.skip(letter, at=at)
        else:
            MOVES[move](store, letter.letter_id)
    return letter


class LetterContract:
    """What becomes of a letter."""

    @pytest.mark.parametrize("move", sorted(MOVES))
    @pytest.mark.parametrize("state", sorted(WAY_TO))
    def test_a_letter_moves_only_from_where_it_may(self, store: Store, state: str, move: str) -> None:
        letter = bring_to(store, state)
        if (state, move) in ALLOWED:
            MOVES[move](store, letter.letter_id)
        else:
            before = store.letters.last("managers", "U1")
            with pytest.raises(StoreError):
                MOVES[move](store, letter.letter_id)
            assert store.letters.last("managers", "U1") == before

    @pytest.mark.parametrize("state", ["sending", "unknown", "sent", "failed", "skipped"])
    def test_a_letter_is_claimed_once_whatever_came_of_it(self, store: Store, state: str) -> None:
        letter = bring_to(store, state)
        assert store.letters.known(["l1", "l2"]) == {"l1"}
        with pytest.raises(StoreError):
            claim(store, letter)

    def test_one_that_went_back_may_be_claimed_again(self, store: Store) -> None:
        letter = bring_to(store, "unknown")
        store.letters.back("l1")
        assert store.letters.known(["l1"]) == set()
        claim(store, letter)

    @pytest.mark.parametrize(
        ("state", "is_told"),
        [
            ("sending", True),
            ("unknown", True),
            ("sent", True),
            ("skipped", True),
            ("failed", False),
            ("nothing", False),
        ],
    )
    def test_what_may_have_arrived_counts_as_told(self, store: Store, state: str, is_told: bool) -> None:
        bring_to(store, state)
        assert store.letters.is_told("managers", "U1", "of l1") is is_told
        assert (store.letters.last("managers", "U1") is not None) is is_told
        assert not store.letters.is_told("managers", "U1", "of l2")
        assert not store.letters.is_told("managers", "U2", "of l1")
        assert not store.letters.is_told("freeze", "U1", "of l1")

    def test_the_last_of_a_kind_and_reader_is_the_latest(self, store: Store) -> None:
        bring_to(store, "sent", at=LATER)
        bring_to(store, "sent", a_letter("l2"), at=NOW)
        bring_to(store, "failed", a_letter("l3"), at=LATER + timedelta(hours=1))
        bring_to(store, "sent", a_letter("l4", kind="freeze"), at=LATER + timedelta(hours=1))
        last = store.letters.last("managers", "U1")
        assert last is not None
        assert (last.subject, last.content, last.at) == ("of l1", "in l1", LATER)

    def test_a_note_is_made_anew_under_its_subject(self, store: Store) -> None:
        bring_to(store, "skipped", a_letter(content="first"), at=NOW)
        bring_to(store, "skipped", a_letter(content="second"), at=LATER)
        last = store.letters.last("managers", "U1")
        assert last is not None
        assert (last.content, last.at) == ("second", LATER)

    @pytest.mark.parametrize("state", ["sending", "sent", "failed"])
    def test_a_note_never_undoes_what_was_posted(self, store: Store, state: str) -> None:
        bring_to(store, state)
        before = store.letters.last("managers", "U1")
        store.letters.skip(a_letter(content="changed"), at=LATER)
        assert store.letters.last("managers", "U1") == before

    def test_what_is_on_its_way_is_listed_the_earliest_first(self, store: Store) -> None:
        bring_to(store, "unknown", a_letter("l2"), at=LATER)
        bring_to(store, "sending", a_letter("l3", slack_id="U2"), at=NOW)
        bring_to(store, "sent", a_letter("l4"), at=NOW)
        assert store.letters.unsettled() == [
            ClaimedLetter(letter_id="l3", slack_id="U2", state=State.SENDING, claimed_at=NOW),
            ClaimedLetter(letter_id="l2", slack_id="U1", state=State.UNKNOWN, claimed_at=LATER, after_ts=TS),
        ]

    def test_a_claim_is_on_disk_at_once(self, store: Store, again: Store) -> None:
        bring_to(store, "sending")
        assert again.letters.known(["l1"]) == {"l1"}

    def test_a_claim_is_noted_so_that_a_store_put_back_is_noticed(self, store: Store) -> None:
        store.known.was_put_back()
        bring_to(store, "sent")
        assert not store.known.was_put_back()

    def test_a_neighbour_knows_nothing_of_it(self, store: Store, neighbour: Store) -> None:
        bring_to(store, "unknown")
        assert neighbour.letters.known(["l1"]) == set()
        assert neighbour.letters.unsettled() == []
        assert neighbour.letters.last("managers", "U1") is None
        assert not neighbour.letters.has_read("U1")
        bring_to(neighbour, "sent")
        assert [letter.letter_id for letter in store.letters.unsettled()] == ["l1"]


class LetterReadContract:
    """Whose DMs were read for letters, and what was found there."""

    def test_in_a_new_store_nobodys_dm_was_read(self, store: Store) -> None:
        assert not store.letters.has_read("U1")
        assert not store.letters.anybody_read()

    def test_whoever_is_written_to_was_read_before(self, store: Store) -> None:
        bring_to(store, "sending")
        assert store.letters.has_read("U1")
        assert not store.letters.has_read("U2")
        assert store.letters.anybody_read()

    def test_what_is_found_was_said(self, store: Store) -> None:
        store.letters.read("U1", "D1", {"l1": TS, "l2": "1812900001.000000"})
        assert store.letters.known(["l1", "l2", "l3"]) == {"l1", "l2"}
        assert store.letters.has_read("U1")
        assert store.letters.unsettled() == []

    def test_it_is_nothing_to_compare_with_until_it_is_wanted(self, store: Store) -> None:
        store.letters.read("U1", "D1", {"l1": TS})
        assert store.letters.last("managers", "U1") is None
        store.letters.adopt(a_letter())
        assert store.letters.is_told("managers", "U1", "of l1")
        last = store.letters.last("managers", "U1")
        assert last is not None
        assert (last.content, last.at) == ("in l1", NOW.fromtimestamp(1812900000, NOW.tzinfo))

    def test_only_what_was_read_back_is_adopted(self, store: Store) -> None:
        bring_to(store, "sent")
        store.letters.adopt(a_letter(content="changed"))
        last = store.letters.last("managers", "U1")
        assert last is not None
        assert last.content == "in l1"

    @pytest.mark.parametrize("state", ["failed", "unknown", "sending"])
    def test_one_that_was_given_up_and_is_found_did_arrive(self, store: Store, state: str) -> None:
        bring_to(store, state)
        store.letters.read("U1", "D1", {"l1": TS})
        assert store.letters.is_told("managers", "U1", "of l1")
        assert store.letters.unsettled() == []

    def test_to_read_again_changes_nothing(self, store: Store) -> None:
        for _ in range(2):
            store.letters.read("U1", "D1", {"l1": TS})
        assert store.letters.known(["l1"]) == {"l1"}

    def test_a_store_that_forgets_has_read_nobody_and_keeps_what_was_said(self, store: Store) -> None:
        bring_to(store, "sent")
        store.known.forget()
        assert not store.letters.has_read("U1")
        assert not store.letters.anybody_read()
        assert store.letters.known(["l1"]) == {"l1"}


class HoldContract:
    """The freezes that hold, each with its beginning."""

    def test_nothing_holds_in_a_new_store(self, store: Store) -> None:
        assert store.passes.holds() == []

    def test_each_kind_that_holds_is_told_with_its_beginning(self, store: Store) -> None:
        store.passes.freeze("pull", "shrank", NOW, measure=(Snapshot(people=1, assignments=1, completions=1), 0))
        store.passes.freeze("pass", "busy", LATER)
        store.passes.freeze("pass", "busier", LATER + timedelta(hours=1))
        holds = [Hold(kind="pass", text="busier", since_at=LATER), Hold(kind="pull", text="shrank", since_at=NOW)]
        assert store.passes.holds() == holds

    def test_what_is_approved_holds_no_more_and_the_next_one_begins_anew(self, store: Store) -> None:
        store.passes.freeze("pass", "busy", NOW)
        store.passes.approve(NOW, "U1")
        assert store.passes.holds() == []
        store.passes.freeze("pass", "busy", LATER)
        assert [hold.since_at for hold in store.passes.holds()] == [LATER]


class HitchContract:
    """What keeps people from being reminded."""

    def test_there_is_none_in_a_new_store(self, store: Store) -> None:
        assert store.hitches.all() == []

    def test_people_without_a_match_are_told_once_each_with_the_reason(self, store: Store) -> None:
        unmatched: dict[str, Any] = {"reason": Reason.NO_SLACK_MATCH, "detail": NoMatch.NOT_IN_SLACK}
        decide(store, a_decision(**unmatched), a_decision(**unmatched, course_id=2), a_decision(person_id=2))
        assert store.hitches.all() == [Hitch(kind="no_slack_match", person_id=1, detail="not_in_slack")]

    def test_impossible_deadlines_are_told_with_their_raw_value(self, store: Store) -> None:
        decide(store, a_decision(reason=Reason.INVALID_DEADLINE, deadline=None, detail="2027-02-30"))
        assert store.hitches.all() == [
            Hitch(kind="invalid_deadline", person_id=1, course_id=1, detail="2027-02-30"),
        ]

    def test_people_whom_slack_refuses_are_told_until_something_arrives(self, store: Store) -> None:
        pull(store, an_assignment(), matches={1: Match(slack_id="U1")})
        bring(store, plan(store, "n1"), State.FAILED)
        assert store.hitches.all() == [Hitch(kind="refused", person_id=1, detail="is_inactive")]
        send(store, "n2", day="2027-06-16")
        assert store.hitches.all() == []

    def test_a_refusal_of_an_account_that_they_have_no_more_is_none(self, store: Store) -> None:
        pull(store, an_assignment(), matches={1: Match(slack_id="U9")})
        bring(store, plan(store, "n1"), State.FAILED)
        assert store.hitches.all() == []

    def test_people_and_courses_that_were_set_aside_are_told_and_participants_are_not(self, store: Store) -> None:
        with store.snapshots.replace() as writer:
            stage(writer, an_assignment())
            writer.add_people(a_page(number=2, rejected=[a_reject("7", kind="user", reason="id: no number")]))
            writer.add_courses(a_page(number=2, rejected=[a_reject("", kind="course", reason="no id")]))
            writer.add_assignments(2, a_page(rejected=[a_reject("8")]))
            writer.commit(NOW)
        assert store.hitches.all() == [
            Hitch(kind="rejected", record="course", detail="no id"),
            Hitch(kind="rejected", record="user 7", detail="id: no number"),
        ]

    def test_a_neighbours_are_not_ours(self, store: Store, neighbour: Store) -> None:
        decide(store, a_decision(reason=Reason.NO_SLACK_MATCH, detail="bot"))
        assert neighbour.hitches.all() == []


class MemberContract:
    """Somebody in Slack, known to the LMS or not."""

    def test_a_member_is_found_by_slack_id(self, store: Store, neighbour: Store) -> None:
        ada = a_member("U9", timezone="Asia/Tokyo", locale="da-DK", deleted=True)
        pull(store, members=[a_member(), ada], people=[Learner(person_id=1)])
        assert store.snapshots.member("U9") == ada
        assert store.snapshots.member("U8") is None
        assert neighbour.snapshots.member("U9") is None
