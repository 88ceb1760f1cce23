"""What an independent reading found, each as it went wrong; the numbers are the review's."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.clock import wall
from bot.deadlines.model import Reason
from bot.errors import DeadlineBotError, LmsAnswerError, LmsError, OutcomeUnknown, SlackRefused
from bot.jobs.decide import decide
from bot.jobs.remind import remind, sending
from bot.jobs.schedule import Ticker
from bot.slack.api import Slack
from bot.slack.messages import Message
from bot.slack.outcomes import Outcome
from bot.store import Dossier, Pulled, State
from tests.builders import a_policy, local
from tests.company import DAY, Company, Time, slack_id, with_freeze

NEXT_DAY = "2027-06-16"


class AtOnce(Time):
    """A real clock on which waiting takes no time at all."""

    async def sleep(self, seconds: float) -> None:
        """Go on, that much later."""
        until = self() + timedelta(seconds=seconds)
        await asyncio.sleep(0)
        self._skipped = max(self._skipped, until - wall())


@pytest.fixture(autouse=True)
def waiting_takes_no_time(company: Company) -> None:
    company.time = AtOnce()


async def snapshot(company: Company) -> tuple[list[Dossier], Pulled | None]:
    """Everybody's rows, and the last pull's figures."""
    async with company.workspace() as workspace:
        dossiers = [dossier for chunk in workspace.store.snapshots.dossiers() for dossier in chunk]
        return dossiers, workspace.store.snapshots.last()


async def notices(company: Company) -> dict[State, int]:
    """How many notices are in each state."""
    async with company.workspace() as workspace:
        return workspace.store.outbox.counts()


async def approve(company: Company) -> None:
    """An admin approves the freeze that holds."""
    async with company.workspace() as workspace:
        assert workspace.store.passes.approve(wall(), "test")


def once_each(*people: int) -> dict[int, int]:
    """A DM each."""
    return dict.fromkeys(people, 1)


# ── 1.1: read back in the DM that it went to ──


async def test_an_unknown_outcome_is_read_back_in_the_dm_of_the_present_slack_account(company: Company) -> None:
    company.hire(1).assign(1, 1, "2027-06-22")
    assert (await company.one_pass(f"{DAY} 10:00")).sent == 1
    company.slack.users["U01"].email = "earlier@example.com"
    company.slack.add_user("U02", email="person1@example.com", name="Person 1, anew", tz="Europe/Copenhagen")
    company.slack.faults_for["U02"] = ["stored_drop"]
    report = await company.one_pass("2027-06-18 10:00")
    assert (report.sent, report.unknown, report.problem) == (1, 0, None)
    await company.one_pass("2027-06-18 11:00")
    assert company.dms() == once_each(1, 2)


# ── 1.2: one DM that cannot be read stops nobody ──


async def test_a_dm_that_cannot_be_read_stays_unknown_and_stops_nobody(company: Company) -> None:
    company.crowd(3)
    company.slack.faults_for |= {"U01": ["stored_500"], "U02": ["stored_500"]}
    company.slack.fault_next("ok", "conversations.history")  # where the first DM arrived, no other copy has written
    company.slack.fault_next("channel_not_found", "conversations.history")
    first = await company.one_pass(f"{DAY} 10:00")
    assert isinstance(first.problem, OutcomeUnknown)
    assert (first.sent, first.unknown) == (2, 1)
    assert await notices(company) == {State.SENT: 2, State.UNKNOWN: 1}

    company.hire(4).assign(4, 1, DAY)
    company.slack.fault_next("channel_not_found", "conversations.history", times=2)
    second = await company.one_pass(f"{DAY} 10:15")
    assert (second.sent, second.unknown) == (1, 0), "it belongs to the pass before"
    assert isinstance(second.problem, OutcomeUnknown), "but it is still not known"
    assert await notices(company) == {State.SENT: 3, State.UNKNOWN: 1}

    third = await company.one_pass(f"{DAY} 10:30")
    assert (third.sent, third.problem) == (0, None)
    assert await notices(company) == {State.SENT: 4}
    assert company.dms() == once_each(1, 2, 3, 4)


async def test_where_slack_cannot_be_read_at_all_the_pass_ends(company: Company) -> None:
    company.crowd(2)
    company.slack.faults_for["U01"] = ["stored_drop"]
    company.slack.fault_next("token_revoked", "conversations.history")
    report = await company.one_pass(f"{DAY} 10:00")
    assert isinstance(report.problem, SlackRefused)
    assert await notices(company) == {State.SENT: 1, State.UNKNOWN: 1}


# ── 1.3: a second look that brings too little is not believed ──

DONE = range(1, 11)
OPEN = (11, 12)


def without_completions(company: Company) -> None:
    for person_id in DONE:
        company.row(person_id, 1).update(status="not_started", progress="0.00", completed_at=None)


def without_rows(company: Company) -> None:
    company.eloomi.participants.clear()


@pytest.mark.parametrize("shrink", [without_completions, without_rows])
async def test_a_second_look_that_brings_far_too_little_sends_nothing_and_changes_nothing(
    company: Company, shrink: Callable[[Company], None]
) -> None:
    company.crowd(len(DONE) + len(OPEN)).hire(13).assign(13, 2, None)
    for person_id in DONE:
        company.finish(person_id, 1)
    await company.one_pass(f"{DAY} 08:00")
    before, rows = await snapshot(company), [dict(row) for row in company.eloomi.participants]
    shrink(company)
    report = await company.one_pass(f"{DAY} 09:30", pulls=False)
    assert isinstance(report.problem, LmsAnswerError)
    assert company.slack.posts == []
    assert await snapshot(company) == before

    company.eloomi.participants = rows
    report = await company.one_pass(f"{DAY} 10:00")
    assert (report.sent, report.problem) == (2, None)
    assert company.dms() == once_each(*OPEN)


async def test_a_second_look_is_no_pull_and_leaves_the_last_ones_figures(company: Company) -> None:
    company.crowd(3)
    await company.one_pass(f"{DAY} 08:00")
    _, pulled = await snapshot(company)
    company.finish(1, 1)
    await company.one_pass(f"{DAY} 09:30", pulls=False)
    assert company.dms() == once_each(2, 3)
    assert (await snapshot(company))[1] == pulled


# ── 1.4: what a notice comes to name is looked at, too ──


async def test_a_course_that_is_named_only_now_is_looked_at_before_it_is_named(company: Company) -> None:
    company.policy = a_policy(caps={"gather_days": 0}, pull={"stale_after_hours": 48}, pace={"posts_per_second": 0})
    company.hire(1).assign(1, 1, "2027-06-14").assign(1, 2, "2027-06-23")
    await company.one_pass(f"{DAY} 08:00")
    company.finish(1, 2)
    company.at(f"{NEXT_DAY} 10:00")  # planned on one day, sent on the next: the machine was asleep
    async with company.workspace() as workspace, sending(workspace):
        report = await remind(workspace, local(f"{DAY} 16:45"), pulls=False)
    assert (report.sent, report.problem) == (1, None)
    assert company.heard() == {1: ["Fire"]}


# ── 1.7: an approval is of the figures that were frozen ──


async def test_an_approved_pull_is_the_measure_of_the_next_and_no_smaller_one(company: Company) -> None:
    company.crowd(40)
    await company.pulled(f"{DAY} 06:00")
    company.eloomi.participants = company.eloomi.participants[:20]
    frozen = (await company.pulled(f"{DAY} 07:00")).frozen
    assert "assignments shrank from 40 to 20" in (frozen or "")
    await approve(company)

    company.eloomi.participants = company.eloomi.participants[:8]
    report = await company.one_pass(f"{DAY} 10:00")
    assert "assignments shrank from 20 to 8" in (report.frozen or "")
    assert company.slack.posts == []
    assert len((await snapshot(company))[0]) == 40

    await approve(company)
    report = await company.one_pass(f"{DAY} 11:00")
    assert (report.frozen, report.sent) == (None, 8)


async def test_completions_that_vanished_with_approval_do_not_freeze_again(company: Company) -> None:
    company.crowd(10)
    for person_id in DONE:
        company.finish(person_id, 1)
    await company.pulled(f"{DAY} 08:00")
    without_completions(company)
    assert "10 of 10 completions vanished" in ((await company.pulled(f"{DAY} 09:00")).frozen or "")
    await approve(company)
    report = await company.one_pass(f"{DAY} 10:00")
    assert (report.frozen, report.sent) == (None, 10)


# ── 1.8: a pull from the future ──


@pytest.mark.parametrize(("ahead_seconds", "reason"), [(0, Reason.SEND), (1, Reason.STALE), (86_400, Reason.STALE)])
async def test_a_pull_from_the_future_is_stale(company: Company, ahead_seconds: int, reason: Reason) -> None:
    company.crowd(2)
    now = local(f"{DAY} 10:00")
    company.clock.now = now + timedelta(seconds=ahead_seconds)
    await company.pulled()
    async with company.workspace() as workspace:
        decided = await decide(workspace, now, "a pass")
        assert decided.reasons == {reason: 2}
        assert bool(workspace.store.outbox.planned()) == (reason is Reason.SEND)


@pytest.mark.parametrize("ahead", [timedelta(seconds=1), timedelta(days=365)])
async def test_after_a_pull_from_the_future_the_next_tick_pulls(company: Company, ahead: timedelta) -> None:
    company.crowd(2)
    now = local(f"{DAY} 10:00")
    company.clock.now = now + ahead
    await company.pulled()
    company.clock.now = now
    refused: list[DeadlineBotError] = []
    async with company.workspace() as workspace:
        ticker = Ticker(workspace, on_refused=refused.append)
        await ticker.tick()
        await ticker.drain()
    assert refused == []
    _, pulled = await snapshot(company)
    assert pulled is not None
    assert pulled.at == now
    assert company.dms() == once_each(1, 2)


# ── 1.10: refused for good, and not taken once ──


class AnswersFirst(Slack):
    """Slack, whose answers to all others come after that to one person, save to somebody told alone before."""

    alone: str
    first: str
    answered: asyncio.Event

    async def post(self, slack_id: str, message: Message) -> Outcome:
        """As ever, and then wait."""
        try:
            outcome = await super().post(slack_id, message)
        finally:
            if slack_id == self.first:
                self.answered.set()
        if slack_id not in (self.alone, self.first):
            await self.answered.wait()
            await asyncio.sleep(0.05)  # until the first answer has been taken to heart
        return outcome


async def test_once_the_token_is_revoked_nothing_more_is_posted_whoever_was_told_to_wait(company: Company) -> None:
    company.crowd(9)  # the first DM of a pass goes alone, the next four together
    company.slack.faults_for |= {"U02": ["token_revoked"], "U03": ["429"]}
    now = company.at(f"{DAY} 10:00")
    async with company.workspace() as workspace, sending(workspace):
        slack = AnswersFirst(workspace.slack.client, sleep=workspace.sleep)
        slack.alone, slack.first, slack.answered = slack_id(1), slack_id(2), asyncio.Event()
        report = await remind(replace(workspace, slack=slack), now)
    assert isinstance(report.problem, SlackRefused)
    assert Counter(post.slack_id for post in company.slack.posts) == Counter(map(slack_id, range(1, 6)))
    assert report.sent == 3
    assert (await company.one_pass(f"{DAY} 10:15")).sent == 6
    assert company.dms() == once_each(*range(1, 10))


async def test_what_slack_did_not_take_once_is_sent_within_the_pass(company: Company) -> None:
    company.crowd(2)
    company.slack.faults_for["U01"] = ["request_timeout"]
    report = await company.one_pass(f"{DAY} 10:00")
    assert (report.sent, report.problem) == (2, None)
    assert company.dms() == once_each(1, 2)


# ── 1.11: a pass for one person is no first pass ──


@pytest.mark.parametrize(("only", "sent"), [("2", 1), ("6", 0)], ids=["who is told", "who has nothing to hear"])
async def test_a_pass_for_one_person_does_not_end_the_first_passs_limit(company: Company, only: str, sent: int) -> None:
    company.crowd(5).hire(6).assign(6, 1, "2027-12-01")
    company.policy = with_freeze(company.policy, first_pass_people=3)
    assert (await company.one_pass(f"{DAY} 10:00", only=only)).sent == sent
    report = await company.one_pass(f"{DAY} 10:15")
    assert "the first pass of this installation" in (report.frozen or "")
    assert (report.sent, len(company.slack.posts)) == (0, sent)


# ── 1.12: a zone that moves back ──


async def test_a_zone_that_moves_back_to_yesterday_gives_no_second_dm(company: Company) -> None:
    company.hire(1, zone="Pacific/Kiritimati").assign(1, 1, NEXT_DAY)
    assert (await company.one_pass(f"{DAY} 22:00")).sent == 1  # the 16th, 10:00, there
    company.slack.users["U01"].tz = "Pacific/Pago_Pago"
    company.assign(1, 2, DAY)
    report = await company.one_pass(f"{DAY} 23:00")  # the 15th, 10:00, there
    assert report.reasons[Reason.CAPPED] == 1
    assert company.heard() == {1: ["Fire"]}
    await company.one_pass(f"{NEXT_DAY} 23:00")
    assert company.heard() == {1: ["Fire"]}, "their 16th has had its DM"
    await company.one_pass("2027-06-17 23:00")
    assert company.dms() == {1: 2}


# ── settling comes first ──


async def test_what_is_unknown_is_settled_though_eloomi_is_down(company: Company) -> None:
    company.crowd(1)
    company.slack.faults_for["U01"] = ["stored_drop"]
    company.slack.fault_next("channel_not_found", "conversations.history")
    await company.one_pass(f"{DAY} 10:00")
    assert await notices(company) == {State.UNKNOWN: 1}
    company.eloomi.down = True
    with pytest.raises(LmsError):
        await company.one_pass(f"{DAY} 10:15")
    assert await notices(company) == {State.SENT: 1}
    assert company.dms() == once_each(1)
