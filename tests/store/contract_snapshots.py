"""The contract of Snapshots and SnapshotWriter: what a pull replaces, and what is read of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.deadlines.freeze import Snapshot
from bot.deadlines.model import Assignment, Course, Learner, Match, NoMatch, Status
from bot.store import Pulled, Store
from tests.builders import a_course, an_assignment, on
from tests.store.some import (
    LATER,
    NOW,
    a_learner,
    a_member,
    a_page,
    a_reject,
    done,
    dossier_of,
    pull,
    refresh,
    stage,
    stage_pages,
    stored,
)

TWO = [an_assignment(person_id=1), an_assignment(person_id=2)]


class ReplaceContract:
    """A whole pull replaces everything or nothing."""

    def test_an_empty_store_has_no_pull(self, store: Store) -> None:
        assert store.snapshots.last() is None
        assert stored(store) == []
        assert store.snapshots.rejects(9) == []
        assert store.snapshots.links() == {}

    def test_a_pull_is_counted(self, store: Store) -> None:
        pages = {
            1: [a_page(*TWO, rejected=[a_reject("7")]), a_page(done(person_id=3), number=2)],
            2: [a_page(done(course_id=2))],
        }
        expected = Pulled(at=NOW, people=3, courses=2, assignments=4, rejected=1, completions=2)
        assert pull(store, pages=pages) == expected
        assert store.snapshots.last() == expected

    def test_a_pull_is_seen_by_who_has_the_store_open_already(self, store: Store, again: Store) -> None:
        pull(store, *TWO)
        assert stored(again) == TWO

    def test_nothing_is_seen_of_a_pull_before_its_commit(self, store: Store, again: Store) -> None:
        pull(store, *TWO)
        with store.snapshots.replace() as writer:
            stage(writer, an_assignment("2027-07-01", person_id=9))
            assert stored(store) == TWO
            assert stored(again) == TWO

    def test_leaving_without_commit_leaves_the_earlier_snapshot(self, store: Store) -> None:
        before = pull(store, *TWO)
        with store.snapshots.replace() as writer:
            stage(writer, an_assignment("2027-07-01", person_id=9))
        assert stored(store) == TWO
        assert store.snapshots.last() == before

    @pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, TimeoutError, ConnectionResetError])
    def test_an_exception_midway_leaves_the_earlier_snapshot_and_goes_on_as_it_is(
        self, store: Store, error: type[BaseException]
    ) -> None:
        before = pull(store, *TWO)
        with pytest.raises(error):
            pull_that_breaks(store, error)
        assert stored(store) == TWO
        assert store.snapshots.last() == before

    def test_an_unchanged_page_is_not_written_again(self, store: Store) -> None:
        pull(store, pages={1: [a_page(*TWO, digest=b"same")]})
        pull(store, pages={1: [a_page(an_assignment("2027-07-01"), digest=b"same")]}, people=map_people(1, 2))
        assert stored(store) == TWO

    def test_a_changed_page_replaces_its_own_rows_only(self, store: Store) -> None:
        first, second = an_assignment(person_id=1), an_assignment(person_id=2)
        moved = an_assignment("2027-07-01", person_id=1)
        pull(store, pages={1: [a_page(first, digest=b"a"), a_page(second, number=2, digest=b"b")]})
        pages = [a_page(moved, digest=b"a2"), a_page(an_assignment(None, person_id=2), number=2, digest=b"b")]
        assert pull(store, pages={1: pages}).assignments == 2
        assert stored(store) == [moved, second]

    def test_rows_of_a_page_that_came_no_more_are_gone(self, store: Store) -> None:
        pull(store, pages={1: [a_page(TWO[0]), a_page(TWO[1], number=2, rejected=[a_reject("7")])]})
        pulled = pull(store, pages={1: [a_page(TWO[0])]})
        assert stored(store) == TWO[:1]
        assert (pulled.assignments, pulled.rejected, store.snapshots.rejects(9)) == (1, 0, [])

    def test_a_course_that_came_no_more_is_gone_with_its_rows(self, store: Store) -> None:
        pull(store, an_assignment(course_id=1), an_assignment(course_id=2))
        pulled = pull(store, an_assignment(course_id=1))
        assert (pulled.courses, pulled.assignments) == (1, 1)
        assert [row.course_id for row in stored(store)] == [1]
        assert store.snapshots.looked_at(2) is None

    def test_a_withdrawn_course_is_inactive_and_titled_by_its_id(self, store: Store) -> None:
        assert store.snapshots.course(7) == Course(course_id=7, title="Course 7", active=False)

    def test_a_course_is_kept_with_all_its_facts_and_replaced_by_the_next_pull(self, store: Store) -> None:
        long = Course(
            course_id=1, title="Førstehjælp", expected_minutes=90, lock_after_deadline=True, inform_leader_deadline=True
        )
        pull(store, courses=[long])
        assert store.snapshots.course(1) == long
        pull(store, courses=[a_course(1, active=False)])
        assert store.snapshots.course(1) == a_course(1, active=False)

    def test_an_empty_pull_that_is_committed_leaves_nothing(self, store: Store) -> None:
        pull(store, *TWO)
        assert pull(store) == Pulled(at=NOW, people=0, courses=0, assignments=0, rejected=0, completions=0)
        assert stored(store) == []

    def test_rejects_of_an_unchanged_page_are_kept_and_those_of_a_changed_one_replaced(self, store: Store) -> None:
        kept, old, new = a_reject("1"), a_reject("2"), a_reject("3")
        pull(store, pages={1: [a_page(TWO[0], rejected=[kept]), a_page(number=2, rejected=[old])]})
        pages = [a_page(TWO[0], rejected=[kept]), a_page(number=2, rejected=[new])]
        assert pull(store, pages={1: pages}).rejected == 2
        assert store.snapshots.rejects(9) == [kept, new]

    def test_rejected_users_of_two_listings_with_the_same_page_number_are_both_kept(self, store: Store) -> None:
        active, pending, course = a_reject("1", "user"), a_reject("2", "user"), a_reject("3", "course")
        for _ in range(2):  # and none twice when pulled again
            with store.snapshots.replace() as writer:
                writer.add_people(a_page(a_learner(1), rejected=[active]))
                writer.add_people(a_page(a_learner(2), rejected=[pending]))
                writer.add_courses(a_page(a_course(), rejected=[course]))
                assert writer.commit(NOW).rejected == 3
            assert sorted(store.snapshots.rejects(9), key=lambda r: r.record_id) == [active, pending, course]

    def test_a_user_that_can_be_read_again_is_no_reject_any_more(self, store: Store) -> None:
        with store.snapshots.replace() as writer:
            writer.add_people(a_page(rejected=[a_reject("1", "user")]))
            writer.commit(NOW)
        pull(store)
        assert store.snapshots.rejects(9) == []

    @pytest.mark.parametrize(("most", "told"), [(0, 0), (1, 1), (2, 2), (3, 2)])
    def test_no_more_rejects_are_told_than_asked_for(self, store: Store, most: int, told: int) -> None:
        rejected = [a_reject("1"), a_reject("2")]
        assert pull(store, pages={1: [a_page(rejected=rejected)]}).rejected == 2
        assert store.snapshots.rejects(most) == rejected[:told]

    def test_the_writer_tells_what_is_staged(self, store: Store) -> None:
        ann = a_member("U1", email="ann@acme.com", is_bot=True, status_until_at=LATER)
        with store.snapshots.replace() as writer:
            stage(writer, courses=[a_course(3), a_course(2)], people=[a_learner(1, email=None)], members=[ann])
            assert sorted(writer.course_ids()) == [2, 3]
            assert list(writer.lms_addresses()) == [(1, None, False)]
            assert list(writer.slack_people()) == [ann]


class RefreshContract:
    """A pull of single courses touches nothing else."""

    def test_it_replaces_the_rows_of_its_courses_alone(self, store: Store) -> None:
        other = an_assignment(course_id=2)
        pull(store, an_assignment(), other, members=[a_member()], matches={1: Match(slack_id="U1")})
        refresh(store, {1: [a_page(done())]})
        assert stored(store) == [done(), other]
        assert dossier_of(store).member == a_member()

    def test_it_renews_when_they_were_looked_at_and_not_when_all_was_pulled(self, store: Store) -> None:
        whole = pull(store, an_assignment(), an_assignment(course_id=2))
        found = refresh(store, {1: [a_page(done())]})
        assert store.snapshots.looked_at(1) == LATER
        assert store.snapshots.looked_at(2) == NOW
        assert found == Pulled(at=LATER, people=1, courses=2, assignments=2, rejected=0, completions=1)
        assert store.snapshots.last() == whole, "the figures of the last whole pull stay, too"

    def test_a_course_that_has_nobody_left_is_empty_afterwards(self, store: Store) -> None:
        pull(store, an_assignment(), an_assignment(course_id=2))
        assert refresh(store, {1: []}).assignments == 1
        assert stored(store) == [an_assignment(course_id=2)]

    def test_an_unchanged_page_is_not_written_again_but_was_looked_at(self, store: Store) -> None:
        pull(store, pages={1: [a_page(*TWO, digest=b"same")]})
        refresh(store, {1: [a_page(an_assignment("2027-07-01"), digest=b"same")]})
        assert stored(store) == TWO
        assert store.snapshots.looked_at(1) == LATER

    def test_rejects_of_users_and_of_other_courses_stay(self, store: Store) -> None:
        user, mine, other = a_reject("1", "user"), a_reject("2"), a_reject("3")
        with store.snapshots.replace() as writer:
            writer.add_people(a_page(rejected=[user]))
            stage_pages(writer, {1: [a_page(rejected=[mine])], 2: [a_page(rejected=[other])]})
            writer.commit(NOW)
        assert refresh(store, {1: [a_page(TWO[0])]}).rejected == 2
        assert sorted(store.snapshots.rejects(9), key=lambda r: r.record_id) == [user, other]

    def test_leaving_without_commit_changes_nothing(self, store: Store) -> None:
        pull(store, *TWO)
        with store.snapshots.refresh([1]) as writer:
            writer.add_assignments(1, a_page(done()))
        assert stored(store) == TWO
        assert store.snapshots.looked_at(1) == NOW

    def test_a_refresh_is_no_whole_pull_even_where_there_was_none(self, store: Store) -> None:
        refresh(store, {1: [a_page(an_assignment())]})
        assert store.snapshots.last() is None


FIRST, SECOND, THIRD = (NOW + timedelta(days=n) for n in range(3))


def assigned(at: datetime | None, first: datetime | None = None, **facts: Any) -> Assignment:
    """A row assigned at one instant, and first at another."""
    return an_assignment(assigned_at=at, first_assigned_at=first, **facts)


class FirstAssignedContract:
    """An LMS may rewrite `assigned_at`: the first one that was seen for a person, course and deadline is kept."""

    @pytest.mark.parametrize(
        ("before", "now", "kept"),
        [
            pytest.param(FIRST, FIRST, None, id="it is the same"),
            pytest.param(FIRST, SECOND, FIRST, id="it is rewritten"),
            pytest.param(SECOND, FIRST, None, id="it is earlier: that one counts"),
            pytest.param(None, FIRST, None, id="there was none"),
            pytest.param(FIRST, None, None, id="there is none any more"),
        ],
    )
    def test_a_row_that_is_replaced_hands_on_the_first(
        self, store: Store, before: datetime | None, now: datetime | None, kept: datetime | None
    ) -> None:
        pull(store, assigned(before))
        pull(store, assigned(now))
        assert stored(store) == [assigned(now, kept)]

    def test_it_is_handed_on_from_pull_to_pull_also_when_nothing_is_rewritten_any_more(self, store: Store) -> None:
        for at in (FIRST, SECOND, THIRD):
            pull(store, assigned(at))
        pull(store, assigned(THIRD, attempts=2))
        assert stored(store) == [assigned(THIRD, FIRST, attempts=2)]

    def test_a_refresh_hands_it_on_as_a_whole_pull_does(self, store: Store) -> None:
        other = assigned(FIRST, course_id=2)
        pull(store, assigned(FIRST), other)
        refresh(store, {1: [a_page(assigned(SECOND))]})
        refresh(store, {1: [a_page(assigned(THIRD))]})
        assert stored(store) == [assigned(THIRD, FIRST), other]

    def test_an_unchanged_page_keeps_it(self, store: Store) -> None:
        for at in (FIRST, SECOND, SECOND):
            pull(store, assigned(at))
        assert stored(store) == [assigned(SECOND, FIRST)]

    @pytest.mark.parametrize(("before", "now"), [(1, 2), (2, 1)])
    def test_a_row_takes_it_along_to_another_page_or_place(self, store: Store, before: int, now: int) -> None:
        other = an_assignment(person_id=2)
        for at, number in ((FIRST, before), (SECOND, now)):
            pages = {number: a_page(assigned(at), number=number), 3 - number: a_page(other, number=3 - number)}
            pull(store, pages={1: [pages[1], pages[2]]})
        pull(store, other, assigned(THIRD))
        assert stored(store) == [assigned(THIRD, FIRST), other]

    def test_a_row_takes_it_along_from_a_page_that_came_no_more(self, store: Store) -> None:
        pull(store, pages={1: [a_page(TWO[1]), a_page(assigned(FIRST), number=2)]})
        pull(store, pages={1: [a_page(assigned(SECOND), TWO[1])]})
        assert stored(store) == [assigned(SECOND, FIRST), TWO[1]]

    @pytest.mark.parametrize(
        "other",
        [
            pytest.param({"deadline_on": on("2028-06-23")}, id="a renewal or a moved deadline"),
            pytest.param({"person_id": 2}, id="another person"),
            pytest.param({"course_id": 2}, id="another course"),
            pytest.param({"deadline_on": None}, id="no deadline any more"),
        ],
    )
    def test_another_deadline_person_or_course_starts_afresh(self, store: Store, other: dict[str, Any]) -> None:
        pull(store, assigned(FIRST))
        pull(store, assigned(SECOND, **other))
        assert stored(store) == [assigned(SECOND, **other)]

    def test_a_renewed_row_starts_afresh_and_is_kept_from_there(self, store: Store) -> None:
        renewed: dict[str, Any] = {"deadline_on": on("2028-06-23"), "renewal_at": LATER}
        pull(store, assigned(FIRST))
        pull(store, assigned(SECOND, **renewed))
        pull(store, assigned(THIRD, **renewed))
        assert stored(store) == [assigned(THIRD, SECOND, **renewed)]

    @pytest.mark.parametrize("apart", [True, False])
    def test_a_row_beside_one_that_still_stands_is_another_assignment(self, store: Store, *, apart: bool) -> None:
        """On a page of its own or not: only what was rewritten is handed on."""
        first = assigned(FIRST)
        pull(store, first)
        for attempts in (None, 1, 2):
            beside = assigned(SECOND, attempts=attempts)
            pages = [a_page(first), a_page(beside, number=2)] if apart else [a_page(first, beside)]
            pull(store, pages={1: pages})
        assert stored(store) == [first, assigned(SECOND, attempts=2)]

    def test_of_two_rows_that_are_both_rewritten_the_smallest_is_kept(self, store: Store) -> None:
        pull(store, assigned(FIRST), assigned(SECOND))
        pull(store, assigned(THIRD))
        assert stored(store) == [assigned(THIRD, FIRST)]

    def test_identical_rows_stay_identical(self, store: Store) -> None:
        pull(store, assigned(FIRST), assigned(FIRST))
        pull(store, assigned(SECOND), assigned(SECOND))
        assert stored(store) == [assigned(SECOND, FIRST)] * 2

    def test_another_workspaces_rows_hand_on_nothing(self, store: Store, neighbour: Store) -> None:
        pull(neighbour, assigned(FIRST))
        pull(store, assigned(SECOND))
        assert stored(store) == [assigned(SECOND)]

    def test_a_pull_that_is_not_committed_leaves_it(self, store: Store) -> None:
        pull(store, assigned(FIRST))
        with store.snapshots.replace() as writer:
            stage(writer, assigned(SECOND))
            writer.compare()
        pull(store, assigned(THIRD))
        assert stored(store) == [assigned(THIRD, FIRST)]


class TwoPullsContract:
    """A whole pull takes minutes; an "Already done?" asks for one course meanwhile. Neither may lose rows."""

    def test_a_page_that_was_renewed_meanwhile_does_not_lose_its_rows(self, store: Store) -> None:
        pull(store, pages={1: [a_page(*TWO, digest=b"old")]})
        with store.snapshots.replace() as whole:
            stage(whole, pages={1: [a_page(*TWO, digest=b"old")]})
            refresh(store, {1: [a_page(done(), TWO[1], digest=b"new")]})
            pulled = whole.commit(LATER)
        assert len(stored(store)) == pulled.assignments == 2

    def test_a_page_that_both_found_changed_is_stored_once(self, store: Store) -> None:
        pull(store, *TWO)
        page = a_page(done(), TWO[1])
        with store.snapshots.replace() as whole:
            stage(whole, pages={1: [page]})
            refresh(store, {1: [page]})
            whole.commit(LATER)
        assert stored(store) == [done(), TWO[1]]


class PeopleContract:
    """People of the LMS and of Slack, and who is who."""

    def test_a_person_is_kept_with_all_their_facts(self, store: Store) -> None:
        full = a_learner(
            2**63 - 1,
            first_name="Åse",
            last_name="O'Hara",
            language="da",
            timezone="Europe/Copenhagen",
            country="DK",
            employment_ends_on=on("2027-12-31"),
            manager_ids=(5, 6),
            team_ids=(7,),
            department_ids=(8, 9),
        )
        pull(store, an_assignment(person_id=full.person_id), people=[full])
        assert dossier_of(store, full.person_id).learner == full

    def test_the_next_pull_replaces_people_and_their_matches(self, store: Store) -> None:
        pull(store, *TWO, members=[a_member()], matches={1: Match(slack_id="U1")})
        pull(store, *TWO, people=[a_learner(1, email="new@acme.com")], matches={1: Match(reason=NoMatch.BOT)})
        found = dossier_of(store)
        assert found.learner == a_learner(1, email="new@acme.com")
        assert (found.member, found.no_match) == (None, NoMatch.BOT)
        assert dossier_of(store, 2).learner is None

    def test_the_same_id_with_the_same_address_in_any_case_comes_with_one(self, store: Store) -> None:
        with store.snapshots.replace() as writer:
            writer.add_people(a_page(a_learner(1, email="Ann@Acme.com")))
            writer.add_people(a_page(a_learner(1, email="ann@acme.com")))
            assert list(writer.lms_addresses()) == [(1, "Ann@Acme.com", False)]

    def test_the_same_id_with_another_address_comes_with_two_for_good(self, store: Store) -> None:
        with store.snapshots.replace() as writer:
            for email in ("ann@acme.com", "bo@acme.com", "ann@acme.com"):
                writer.add_people(a_page(a_learner(1, email=email)))
            assert [two for _, _, two in writer.lms_addresses()] == [True]
            assert writer.commit(NOW).people == 1

    def test_a_slack_person_is_kept_with_all_their_facts(self, store: Store) -> None:
        full = a_member(
            email="a@b.c",
            timezone="Asia/Tokyo",
            locale="ja-JP",
            deleted=True,
            is_bot=True,
            is_stranger=True,
            status_text="out",
            status_emoji=":palm_tree:",
            status_until_at=LATER,
        )
        pull(store, an_assignment(), members=[full], matches={1: Match(slack_id="U1")})
        assert dossier_of(store).member == full

    def test_a_slack_person_who_came_no_more_is_gone(self, store: Store) -> None:
        match = {1: Match(slack_id="U1")}
        pull(store, an_assignment(), members=[a_member()], matches=match)
        pull(store, an_assignment(), matches=match)
        assert (dossier_of(store).member, dossier_of(store).status_seen_at) == (None, None)

    @pytest.mark.parametrize(
        ("change", "seen_at"),
        [
            ({}, NOW),
            ({"locale": "en-GB", "timezone": "Asia/Tokyo"}, NOW),
            ({"status_text": "back soon"}, LATER),
            ({"status_emoji": ":baby:"}, LATER),
            ({"status_until_at": LATER + timedelta(days=1)}, LATER),
            ({"status_until_at": None}, LATER),
        ],
    )
    def test_a_status_is_seen_since_the_first_pull_that_saw_this_very_status(
        self, store: Store, change: dict[str, Any], seen_at: datetime
    ) -> None:
        away: dict[str, Any] = {"status_text": "off", "status_emoji": ":palm_tree:", "status_until_at": LATER}
        match = {1: Match(slack_id="U1")}
        pull(store, an_assignment(), members=[a_member(**away)], matches=match)
        pull(store, an_assignment(), members=[a_member(**{**away, **change})], matches=match, at=LATER)
        assert dossier_of(store).status_seen_at == seen_at


class CompareContract:
    """What the safety freeze is told."""

    def test_there_is_nothing_to_compare_the_first_pull_with(self, store: Store) -> None:
        with store.snapshots.replace() as writer:
            stage(writer, TWO[0], done(person_id=2))
            assert writer.compare() == (None, Snapshot(people=2, assignments=2, completions=1), 0)

    def test_figures_before_and_now_count_unchanged_pages_too(self, store: Store) -> None:
        same = a_page(done(course_id=2))
        pull(store, pages={1: [a_page(*TWO)], 2: [same]})
        with store.snapshots.replace() as writer:
            stage(writer, pages={1: [a_page(TWO[0])], 2: [same]})
            before = Snapshot(people=2, assignments=3, completions=1)
            assert writer.compare() == (before, Snapshot(people=1, assignments=2, completions=1), 0)

    def test_the_measure_is_the_last_pull_that_was_committed(self, store: Store) -> None:
        pull(store, *TWO)
        with store.snapshots.replace() as frozen:
            stage(frozen)
        with store.snapshots.replace() as writer:
            stage(writer, *TWO)
            assert writer.compare()[0] == Snapshot(people=2, assignments=2, completions=0)

    @pytest.mark.parametrize(
        ("now", "vanished"),
        [
            pytest.param([done()], 0, id="it is still completed"),
            pytest.param([done(deadline_on=on("2028-01-01"))], 0, id="it is completed with another deadline"),
            pytest.param([an_assignment()], 1, id="it is open again"),
            pytest.param([an_assignment(), done()], 0, id="a new cycle came beside it"),
            pytest.param([TWO[1]], 1, id="its row is gone"),
        ],
    )
    def test_a_completion_vanished_where_the_person_has_none_for_the_course_any_more(
        self, store: Store, now: list[Assignment], vanished: int
    ) -> None:
        people = [a_learner(1), a_learner(2)]
        pull(store, done(), people=people)
        with store.snapshots.replace() as writer:
            stage(writer, *now, people=people)
            assert writer.compare()[2] == vanished

    def test_completions_of_a_withdrawn_course_vanished(self, store: Store) -> None:
        pull(store, done(), done(course_id=2))
        with store.snapshots.replace() as writer:
            stage(writer, done())
            assert writer.compare()[2] == 1

    def test_completions_of_people_who_are_gone_do_not_count(self, store: Store) -> None:
        pull(store, done(person_id=1), done(person_id=2))
        with store.snapshots.replace() as writer:
            stage(writer, done(person_id=1))
            assert writer.compare()[2] == 0

    def test_a_completed_row_that_moved_to_another_page_did_not_vanish(self, store: Store) -> None:
        pull(store, pages={1: [a_page(done(), TWO[1]), a_page(an_assignment(person_id=3), number=2)]})
        with store.snapshots.replace() as writer:
            stage(writer, pages={1: [a_page(TWO[1]), a_page(an_assignment(person_id=3), done(), number=2)]})
            assert writer.compare()[2] == 0

    def test_a_refresh_is_compared_with_what_is_stored_of_its_courses_alone(self, store: Store) -> None:
        two, others = [done(person_id=n) for n in (1, 2)], [done(person_id=n, course_id=2) for n in range(1, 9)]
        pull(store, *two, *others)
        with store.snapshots.refresh([1]) as writer:
            stage_pages(writer, {1: [a_page(done(person_id=1))]})
            before = Snapshot(people=0, assignments=2, completions=2)
            assert writer.compare() == (before, Snapshot(people=0, assignments=1, completions=1), 0)

    def test_a_refresh_counts_completions_undone_and_not_people_gone_from_a_course(self, store: Store) -> None:
        pull(store, *(done(person_id=n) for n in (1, 2, 3)))
        with store.snapshots.refresh([1]) as writer:
            stage_pages(writer, {1: [a_page(done(person_id=1), an_assignment(person_id=2))]})
            assert writer.compare()[2] == 1

    def test_a_refresh_of_several_courses_is_compared_with_all_of_them(self, store: Store) -> None:
        pull(store, *(done(course_id=n) for n in (1, 2, 3)))
        with store.snapshots.refresh([1, 3]) as writer:
            stage_pages(writer, {1: [a_page(done())], 3: []})
            before = Snapshot(people=0, assignments=2, completions=2)
            assert writer.compare() == (before, Snapshot(people=0, assignments=1, completions=1), 0)

    def test_an_unchanged_refresh_has_lost_nothing(self, store: Store) -> None:
        page = a_page(done(), TWO[1])
        pull(store, pages={1: [page], 2: [a_page(done(course_id=2))]})
        with store.snapshots.refresh([1]) as writer:
            stage_pages(writer, {1: [page]})
            same = Snapshot(people=0, assignments=2, completions=1)
            assert writer.compare() == (same, same, 0)

    def test_a_refresh_where_nothing_was_pulled_has_nothing_to_compare_with(self, store: Store) -> None:
        with store.snapshots.refresh([1]) as writer:
            stage_pages(writer, {1: [a_page(done())]})
            assert writer.compare() == (None, Snapshot(people=0, assignments=1, completions=1), 0)

    def test_a_whole_pull_is_compared_with_what_a_refresh_has_brought_since(self, store: Store) -> None:
        pull(store, *TWO)
        refresh(store, {1: [a_page(done(), TWO[1])]})
        with store.snapshots.replace() as writer:
            stage(writer, *TWO)
            before = Snapshot(people=2, assignments=2, completions=1)
            assert writer.compare() == (before, Snapshot(people=2, assignments=2, completions=0), 1)

    def test_comparing_does_not_hinder_the_commit(self, store: Store) -> None:
        pull(store, *TWO)
        with store.snapshots.replace() as writer:
            stage(writer, TWO[0])
            writer.compare()
            writer.compare()
            assert writer.commit(LATER).assignments == 1
        assert stored(store) == TWO[:1]


class FindContract:
    """Somebody looks for a person."""

    @pytest.mark.parametrize(
        ("wanted", "found"),
        [
            ("ann@acme.com", [1]),
            ("ANN@ACME.COM", [1]),
            ("shared@acme.com", [2, 3]),
            ("2", [2]),
            ("U7", [1]),
            (str(2**63 - 1), [2**63 - 1]),
            ("77", [77]),  # no longer in the LMS, but with an assignment
            ("", []),
            ("0", []),
            ("0x1", []),
            ("1 ", []),
            (" 1", []),
            ("01", []),
            ("+1", []),
            ("1.0", []),
            ("-1", []),
            ("u7", []),
            ("U", []),
            ("ann@acme", []),
            ("%", []),
            (str(2**63), []),
            (str(2**64 + 1), []),
            ("nobody@acme.com", []),
        ],
    )
    def test_by_address_in_any_case_lms_id_or_slack_id(self, store: Store, wanted: str, found: list[int]) -> None:
        people = [
            a_learner(1, email="Ann@Acme.com"),
            a_learner(2, email="shared@acme.com"),
            a_learner(3, email="Shared@acme.com"),
            a_learner(4, email=None),
            a_learner(5, email=""),
            a_learner(2**63 - 1),
        ]
        pull(store, an_assignment(person_id=77), people=people, matches={1: Match(slack_id="U7")})
        assert sorted(store.snapshots.find(wanted)) == found

    @pytest.mark.parametrize(("slack_id", "found"), [("U1", 1), ("U2", None), ("U9", None), ("", None)])
    def test_a_slack_person_is_one_lms_person_or_nobody(self, store: Store, slack_id: str, found: int | None) -> None:
        matches = {1: Match(slack_id="U1"), 2: Match(slack_id="U2"), 3: Match(slack_id="U2")}
        pull(store, people=map_people(1, 2, 3, 4), matches=matches)
        assert store.snapshots.of_slack(slack_id) == found


class DossierContract:
    """Everything about a person, in chunks."""

    def test_everybody_with_an_assignment_comes_once_by_id_in_chunks(self, store: Store) -> None:
        rows = [an_assignment(person_id=n, course_id=c) for n in range(1, 1202) for c in (1, 2)]
        pull(store, *rows, people=[a_learner(n) for n in range(1, 1300) if n != 600])
        chunks = list(store.snapshots.dossiers())
        people = [dossier for chunk in chunks for dossier in chunk]
        assert [d.person_id for d in people] == list(range(1, 1202))
        assert all(len(d.assignments) == 2 for d in people)
        assert max(map(len, chunks)) <= 500
        assert [d.person_id for d in people if d.learner is None] == [600]

    def test_these_people_come_once_by_id_also_more_than_a_chunk(self, store: Store) -> None:
        pull(store, *(an_assignment(person_id=n) for n in range(1, 1202)))
        found = [d.person_id for chunk in store.snapshots.dossiers([*range(1201, 0, -1), 7, 7]) for d in chunk]
        assert found == list(range(1, 1202))

    def test_nobody_asked_for_is_nobody_found(self, store: Store) -> None:
        pull(store, *TWO)
        assert [d for chunk in store.snapshots.dossiers([]) for d in chunk] == []

    def test_one_person_is_read_like_everybody_and_a_stranger_is_an_empty_dossier(self, store: Store) -> None:
        pull(store, an_assignment(person_id=1), an_assignment(person_id=2))
        assert [[store.snapshots.dossier(n) for n in (1, 2)]] == list(store.snapshots.dossiers())
        stranger = store.snapshots.dossier(9)
        assert (stranger.person_id, stranger.learner, stranger.assignments, stranger.said) == (9, None, (), ())

    def test_somebody_unknown_has_an_empty_dossier(self, store: Store) -> None:
        found = dossier_of(store, 99)
        assert (found.learner, found.member, found.no_match) == (None, None, None)
        assert (found.assignments, found.said, found.refused_on) == ((), (), None)

    def test_why_somebody_has_no_slack_person_is_told(self, store: Store) -> None:
        pull(store, *TWO, matches={1: Match(reason=NoMatch.SHARED_IN_SLACK)})
        assert dossier_of(store, 1).no_match is NoMatch.SHARED_IN_SLACK
        assert dossier_of(store, 2).no_match is None

    def test_an_assignment_is_kept_with_all_its_facts_and_its_twins(self, store: Store) -> None:
        full = Assignment(
            person_id=1,
            course_id=1,
            required=False,
            status=Status.STARTED,
            deadline_on=on("2027-06-23"),
            deadline_raw="31-06-2027",
            assigned_at=NOW,
            started_at=NOW + timedelta(days=1),
            completed_at=NOW + timedelta(days=2),
            renewal_at=NOW + timedelta(days=3),
            progress_percent=12.5,
            score=99.0,
            attempts=3,
            time_spent_seconds=4,
        )
        pull(store, full, full, an_assignment(None))
        assert dossier_of(store).assignments == (full, full, an_assignment(None))

    @pytest.mark.parametrize("year", [1, 1969, 1970, 9999])
    def test_the_first_and_the_last_year_survive(self, store: Store, year: int) -> None:
        at, day = datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC), on(f"{year:04}-12-31")
        row = an_assignment(deadline_on=day, assigned_at=at, completed_at=at)
        pull(store, row, members=[a_member(status_until_at=at)], matches={1: Match(slack_id="U1")}, at=at)
        found = dossier_of(store)
        assert found.assignments == (row,)
        assert found.member == a_member(status_until_at=at)
        assert (found.status_seen_at, store.snapshots.looked_at(1)) == (at, at)

    def test_instants_are_whole_seconds_in_utc(self, store: Store) -> None:
        precise = an_assignment(assigned_at=NOW.replace(microsecond=999_999))
        pull(store, precise)
        [row] = dossier_of(store).assignments
        assert row.assigned_at == NOW
        assert row.assigned_at.tzinfo is UTC


def map_people(*ids: int) -> list[Learner]:
    """These people, as the LMS lists them."""
    return [a_learner(n) for n in ids]


def pull_that_breaks(store: Store, error: type[BaseException]) -> None:
    """A pull that ends with this error when everything is staged."""
    with store.snapshots.replace() as writer:
        stage(writer, an_assignment("2027-07-01", person_id=9))
        raise error
