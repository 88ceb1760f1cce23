"""What a second independent reading found, each as it went wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from bot import clock
from bot.deadlines.model import Reason
from bot.deadlines.terms import CourseSteps
from bot.errors import LmsShrunk, SlackUnreachable, UsageError
from bot.jobs.correct import correct
from bot.store import State
from tests.company import DAY, Company, with_freeze

NEXT_DAY = "2027-06-16"
DONE = range(1, 11)


# ── the limit of a first pass ──


@pytest.mark.parametrize("before", [f"{DAY} 08:00", "2027-06-13 10:00"], ids=["before the hours", "on a Sunday"])
async def test_a_pass_while_everybody_waits_does_not_end_the_first(company: Company, before: str) -> None:
    company.policy = with_freeze(company.policy, first_pass_people=2)
    company.crowd(3)
    assert (await company.one_pass(before)).frozen is None
    report = await company.one_pass(f"{DAY} 10:00")
    assert report.frozen is not None
    assert company.slack.posts == []


async def test_a_frozen_first_pass_is_not_sent_unapproved_the_next_morning(company: Company) -> None:
    company.policy = with_freeze(company.policy, first_pass_people=2)
    company.crowd(3, deadline="2027-06-17")
    assert (await company.one_pass(f"{DAY} 10:00")).frozen
    assert (await company.one_pass(f"{DAY} 18:00", pulls=False)).planned == 0
    assert (await company.one_pass(f"{NEXT_DAY} 10:00")).frozen
    assert company.slack.posts == []


async def test_a_first_pass_with_nothing_left_to_say_ends_the_first(company: Company) -> None:
    company.policy = with_freeze(company.policy, first_pass_people=2, busy_pass_people=0)
    company.hire(9).assign(9, 1, None)
    await company.one_pass(f"{DAY} 08:00")
    company.crowd(3)
    assert (await company.one_pass(f"{DAY} 10:00")).sent == 3


# ── odd rows and texts ──


async def test_half_an_emoji_in_a_slack_status_stops_nobody(company: Company) -> None:
    company.crowd(2)
    company.slack.users["U01"].status_text = "\ud83c"
    assert (await company.one_pass(f"{DAY} 10:00")).sent == 2


async def test_a_row_of_another_course_than_the_one_asked_for_is_set_aside_at_every_pull(company: Company) -> None:
    def astray(row: Mapping[str, object]) -> dict[str, object]:
        return {**row, "course_id": 2} if row["user_id"] == 2 else dict(row)

    company.crowd(2).assign(2, 2, DAY)
    company.eloomi.mutate = astray
    for when in (f"{DAY} 10:00", f"{DAY} 11:00"):
        pulled = (await company.one_pass(when)).pulled
        assert pulled
        assert (pulled.assignments, pulled.rejected) == (2, 1)
    assert company.dms() == {1: 1, 2: 1}


async def test_a_title_of_a_megabyte_is_cut_at_the_door(company: Company) -> None:
    company.course(4, "Long " * 200_000).hire(1).assign(1, 4, DAY)
    await company.one_pass(f"{DAY} 10:00")
    async with company.workspace() as workspace:
        assert len(workspace.store.snapshots.course(4).title) <= 500


async def test_nobody_is_found_by_what_is_no_text(company: Company) -> None:
    company.crowd(1)
    await company.one_pass(f"{DAY} 10:00")
    async with company.workspace() as workspace:
        assert workspace.store.snapshots.find("\udcff") == []


@pytest.mark.parametrize("text", ["0001-01-10T00:00:00+00:00", "9999-12-31T23:00:00+00:00"])
def test_an_instant_at_the_calendars_own_ends_is_no_now(text: str) -> None:
    with pytest.raises(UsageError, match="--now"):
        clock.parse(text)


# ── edits ──


async def test_a_course_that_is_switched_off_is_still_required_of_those_who_were_reminded(company: Company) -> None:
    company.crowd(1)
    await company.one_pass(f"{DAY} 10:00")
    company.policy = replace(company.policy, course={1: CourseSteps(off=True)})
    report = await company.one_pass(f"{DAY} 11:00")
    assert report.reasons == {Reason.COURSE_INACTIVE: 1}
    assert company.message(1).edits == []


async def test_edits_end_where_slack_does_not_answer_and_go_on_at_the_next_pass(company: Company) -> None:
    company.crowd(3)
    await company.one_pass(f"{DAY} 10:00")
    for person_id in (1, 2, 3):
        company.finish(person_id, 1)
    company.slack.fault_next("500", "chat.update", times=3)
    await company.one_pass(f"{DAY} 11:00")
    assert company.slack.calls["chat.update"] == 3
    await company.one_pass(f"{DAY} 12:00")
    assert [len(company.message(n).edits) for n in (1, 2, 3)] == [1, 1, 1]


async def test_edits_leave_time_for_reminders(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    company.crowd(3)
    await company.one_pass(f"{DAY} 10:00")
    monkeypatch.setattr("bot.jobs.correct.EDIT_SECONDS", -1)
    for person_id in (1, 2, 3):
        company.finish(person_id, 1)
    await company.one_pass(f"{DAY} 11:00")
    assert company.slack.calls["chat.update"] == 0
    monkeypatch.undo()
    async with company.workspace() as workspace:
        assert await correct(workspace) == 3


# ── one course that shrank, one long wait ──


async def test_a_course_that_shrank_holds_back_its_own_reminders_alone(company: Company) -> None:
    company.crowd(len(DONE) + 1)
    for person_id in DONE:
        company.finish(person_id, 1)
    company.hire(12).assign(12, 2, DAY)
    await company.one_pass(f"{DAY} 08:00")
    for person_id in DONE:
        company.row(person_id, 1).update(status="not_started", progress="0.00", completed_at=None)
    report = await company.one_pass(f"{DAY} 09:30", pulls=False)
    assert isinstance(report.problem, LmsShrunk)
    assert company.dms() == {12: 1}


async def test_a_rate_limit_of_an_hour_ends_the_pass_and_loses_nothing(company: Company) -> None:
    company.crowd(2)
    company.slack.retry_after_seconds = 3600
    company.slack.fault_next("429")
    report = await company.one_pass(f"{DAY} 10:00")
    assert isinstance(report.problem, SlackUnreachable)
    assert report.unknown == 0
    company.slack.retry_after_seconds = 1
    await company.one_pass(f"{DAY} 11:00")
    assert company.dms() == {1: 1, 2: 1}


# ── rehearsals ──


async def test_a_dry_run_lists_who_would_get_what(company: Company) -> None:
    company.crowd(2).assign(1, 2, NEXT_DAY)
    report = await company.rehearsed(f"{DAY} 10:00")
    listed = {n.person_id: [(m.course_id, m.step.name) for m in n.named] for n in report.would_send}
    assert listed == {1: [(1, "due"), (2, "before-2")], 2: [(1, "due")]}
    assert all(n.state is State.PLANNED for n in report.would_send)
