"""What became of a DM is read back from Slack: in the right DM, after it has had its time, and never guessed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.clock import wall
from bot.errors import SlackError, SlackRefused, SlackUnreachable
from bot.jobs.decide import decide
from bot.jobs.pull import pull
from bot.jobs.remind import remind, sending
from bot.jobs.settle import WAIT_SECONDS, settle
from bot.slack.api import Slack
from bot.slack.messages import Message
from bot.slack.outcomes import Outcome
from bot.store import State
from bot.workspace import Workspace
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


# ── its time is its own ──


async def test_a_first_dm_that_arrives_during_the_wait_is_found(company: Company) -> None:
    """Its channel comes into being only as it arrives: a list made before the wait does not have it."""
    company.crowd(2)
    company.slack.faults_for = {"U01": ["500"], "U02": ["500"]}
    company.slack.fault_next("500", "conversations.history", times=12)
    company.slack.fault_next("ok", "users.conversations")
    company.slack.fault_next("500", "users.conversations", times=12)
    await company.one_pass(TEN)
    company.no_more_faults()
    (lost,) = [args for method, args in company.slack.requests if args.get("channel") == "U02"]
    asyncio.get_running_loop().call_later(
        2 / company.time.faster, lambda: company.slack.store("U02", "late", [], lost["metadata"])
    )
    assert await settled(company) == {State.PLANNED: 1, State.SENT: 1}


async def test_however_late_a_post_began_after_its_claim_its_history_has_its_time(company: Company) -> None:
    """A process stood still between claim and post: by the clock of the claim the wait would be over already."""
    company.crowd(1)
    company.slack.faults_for["U01"] = ["stored_500"]
    company.slack.history_delay_seconds = 4 / company.time.faster
    async with company.workspace() as workspace, sending(workspace):
        stood_still = StoodStill(workspace.slack.client, sleep=workspace.sleep)
        report = await remind(replace(workspace, slack=stood_still), company.at(TEN))
    assert (report.sent, company.dms()) == (1, {1: 1})


class StoodStill(Slack):
    """Slack as seen by a process that stands still for half a minute before each post."""

    async def post(self, slack_id: str, message: Message) -> Outcome:
        """As ever, half a minute later."""
        await self._sleep(30)
        return await super().post(slack_id, message)


async def test_after_the_death_of_a_process_its_post_has_its_time_however_old_the_claim_is(company: Company) -> None:
    company.crowd(1)
    async with company.workspace() as workspace:
        await one_claimed(workspace, company.at(TEN))
    await company.time.sleep(60)
    begun = company.time()
    await settled(company)
    assert (company.time() - begun).total_seconds() >= WAIT_SECONDS


async def one_claimed(workspace: Workspace, now: datetime) -> None:
    """A pass that ends right after its claim."""
    await pull(workspace, now)
    await decide(workspace, now, "p")
    (notice_id,) = workspace.store.outbox.planned()
    workspace.store.outbox.claim(notice_id, wall_at=workspace.wall())


async def test_a_clock_that_was_set_forward_does_not_shorten_the_wait(company: Company) -> None:
    company.crowd(1)
    async with company.workspace() as workspace:
        await one_claimed(workspace, company.at(TEN))
        waits: list[float] = []

        async def sleep(seconds: float) -> None:
            waits.append(seconds)

        await settle(replace(workspace, wall=lambda: wall() + timedelta(hours=1), sleep=sleep))
    assert sum(waits) >= WAIT_SECONDS
