"""What became of a DM is read back from Slack: in the right DM, after it has had its time, and never guessed."""

from __future__ import annotations

import pytest

from bot.errors import SlackError, SlackRefused, SlackUnreachable
from bot.jobs.settle import WAIT_SECONDS, settle
from bot.store import State
from tests.company import DAY, Company

TEN = f"{DAY} 10:00"


async def leave_unknown(company: Company, *, stored: bool) -> None:
    """A pass after which nobody can say what became of person 1's DM."""
    company.slack.faults_for["U01"] = ["stored_500" if stored else "500"]
    company.slack.fault_next("500", "conversations.history", times=12)
    company.slack.fault_next("ok", "users.conversations")  # asked before anything is sent to people not known yet
    company.slack.fault_next("500", "users.conversations", times=12)
    assert isinstance((await company.one_pass(TEN)).problem, SlackError)
    assert (await company.state())[State.UNKNOWN] == 1
    company.no_more_faults()


async def settled(company: Company) -> dict[State, int]:
    async with company.workspace() as workspace:
        await settle(workspace)
    return await company.state()


@pytest.mark.parametrize(("stored", "state"), [(True, State.SENT), (False, State.PLANNED)])
async def test_what_is_found_was_sent_and_what_is_not_is_planned_again(
    company: Company, stored: bool, state: State
) -> None:
    company.crowd(1)
    await leave_unknown(company, stored=stored)
    assert await settled(company) == {state: 1}


async def test_nothing_is_read_back_before_the_post_and_the_history_have_had_their_time(company: Company) -> None:
    company.crowd(1)
    company.slack.faults_for["U01"] = ["stored_500"]
    begun = company.time()
    await company.one_pass(TEN)
    assert (company.time() - begun).total_seconds() >= WAIT_SECONDS
    assert company.dms() == {1: 1}


async def test_what_has_long_had_its_time_is_read_back_at_once(company: Company) -> None:
    company.crowd(1)
    await leave_unknown(company, stored=True)
    await company.time.sleep(WAIT_SECONDS)
    begun = company.time()
    await settled(company)
    assert (company.time() - begun).total_seconds() < WAIT_SECONDS


async def test_an_earlier_dm_of_the_same_courses_is_not_taken_for_this_one(company: Company) -> None:
    company.hire(1).assign(1, 1, "2027-06-16")
    await company.one_pass("2027-06-14 10:00")
    company.slack.faults_for["U01"] = ["500"]
    report = await company.one_pass("2027-06-16 10:00")
    assert (report.sent, report.problem) == (1, None)
    assert company.heard() == {1: ["Fire", "Fire"]}


async def test_a_dm_far_back_behind_answers_is_found(company: Company) -> None:
    company.crowd(1)
    await leave_unknown(company, stored=True)
    for n in range(40):
        company.slack.store_said("U01", f"question {n}")
    assert await settled(company) == {State.SENT: 1}


async def test_a_history_that_gives_no_answer_settles_nothing(company: Company) -> None:
    company.crowd(1)
    await leave_unknown(company, stored=True)
    company.slack.fault_next("500", "users.conversations", times=12)
    company.slack.fault_next("500", "conversations.history", times=12)
    with pytest.raises(SlackUnreachable):
        await settled(company)
    assert await company.state() == {State.UNKNOWN: 1}


async def test_a_refused_token_settles_nothing(company: Company) -> None:
    company.crowd(1)
    await leave_unknown(company, stored=True)
    company.slack.revoked = True
    with pytest.raises(SlackRefused):
        await settled(company)
    assert await company.state() == {State.UNKNOWN: 1}


async def test_one_dm_that_cannot_be_read_stops_nobody_else(company: Company) -> None:
    company.crowd(3)
    company.slack.faults_for["U01"] = ["stored_500"]
    company.slack.faults_for["U02"] = ["500"]
    company.slack.fault_next("channel_not_found", "conversations.history")
    await company.one_pass(TEN)
    assert company.dms() == {1: 1, 2: 1, 3: 1}
