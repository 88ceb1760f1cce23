"""However Slack misbehaves and wherever the program dies: each person gets exactly one DM, and nobody is missed."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from bot.demo.slack_state import Answer, Message, Told
from bot.errors import AnotherCopy, SlackError, SlackRefused, SlackUnreachable
from bot.jobs.remind import remind, sending
from bot.store import State
from tests.company import DAY, Company, ended

Kill = Callable[[], None]
T = TypeVar("T")
TEN = f"{DAY} 10:00"


def everybody(count: int) -> dict[int, int]:
    """One DM each."""
    return dict.fromkeys(range(1, count + 1), 1)


def at_the_first(company: Company, kind: Told, act: Kill, *, number: int = 1) -> None:
    """Act the moment Slack has done this for the n-th time, before it answers."""
    seen: list[str] = []

    def listener(told: Told, _: Message | Answer) -> None:
        if told == kind:
            seen.append(told)
            if len(seen) == number:
                act()

    company.slack.listen(listener)


# ── one post goes wrong ──


@pytest.mark.parametrize(
    "faults",
    [
        ["drop"],
        ["stored_drop"],
        ["500"],
        ["stored_500"],
        ["internal"],
        ["stored_internal"],
        ["html"],
        ["stored_html"],
        ["hang"],
        ["stored_hang"],
        ["429"],
        ["429", "429", "stored_drop"],
        ["request_timeout"],
        ["drop", "500"],
        ["500", "stored_500"],
    ],
    ids="+".join,
)
async def test_a_post_that_goes_wrong_is_told_once_in_the_same_pass(company: Company, faults: list[str]) -> None:
    company.crowd(3)
    company.slack.history_delay_seconds = 0.1
    company.slack.faults_for["U01"] = faults
    report = await company.one_pass(TEN)
    assert company.dms() == everybody(3)
    assert (report.sent, report.unknown, report.problem) == (3, 0, None)
    await company.one_pass(f"{DAY} 10:15")
    assert company.dms() == everybody(3)


async def test_what_slack_never_takes_waits_for_the_next_pass(company: Company) -> None:
    company.crowd(3)
    company.slack.faults_for["U01"] = ["500"] * 3
    report = await company.one_pass(TEN)
    assert isinstance(report.problem, SlackUnreachable)
    assert company.dms() == {2: 1, 3: 1}
    assert (await company.one_pass(f"{DAY} 10:15")).problem is None
    assert company.dms() == everybody(3)


async def test_a_dm_whose_fate_cannot_be_read_is_settled_by_the_next_pass(company: Company) -> None:
    company.crowd(3)
    company.slack.faults_for["U01"] = ["stored_500"]
    company.slack.fault_next("500", "conversations.history", times=12)
    report = await company.one_pass(TEN)
    assert isinstance(report.problem, SlackError)
    assert (report.sent, report.unknown) == (2, 1)
    assert company.dms() == everybody(3)
    company.no_more_faults()
    assert (await company.one_pass(f"{DAY} 10:15")).problem is None
    assert company.dms() == everybody(3)
    assert await company.state() == {State.SENT: 3}


async def test_while_a_fate_is_unknown_that_person_hears_nothing_more(company: Company) -> None:
    company.crowd(1)
    company.slack.faults_for["U01"] = ["stored_500"]
    company.slack.fault_next("channel_not_found", "conversations.history", times=2)
    first = await company.one_pass(TEN)
    second = await company.one_pass(f"{DAY} 10:15")
    assert first.problem is not None
    assert first.problem.exit_code == 1
    assert second.planned == 0
    await company.one_pass(f"{DAY} 10:30")
    assert company.dms() == everybody(1)
    assert await company.state() == {State.SENT: 1}


async def test_a_slack_that_answers_nobody_ends_the_pass_early(company: Company) -> None:
    company.crowd(30)
    company.slack.fault_next("500", times=100)
    report = await company.one_pass(TEN)
    assert isinstance(report.problem, SlackUnreachable)
    assert len(company.slack.posts) < 20
    company.no_more_faults()
    assert (await company.one_pass(f"{DAY} 10:15")).problem is None
    assert company.dms() == everybody(30)


async def test_when_slack_goes_away_during_a_pass_the_next_one_goes_on(company: Company) -> None:
    company.crowd(8)
    stops: list[asyncio.Task[None]] = []
    at_the_first(company, "message", lambda: stops.append(asyncio.create_task(company.slack.stop())))
    report = await company.one_pass(TEN)
    assert isinstance(report.problem, SlackError)
    assert report.sent < 8
    await asyncio.gather(*stops)
    await company.slack.start()
    assert (await company.one_pass(f"{DAY} 10:15")).problem is None
    assert company.dms() == everybody(8)


async def test_a_token_that_is_revoked_during_a_pass_stops_it_and_nothing_counts_as_sent_that_was_not(
    company: Company,
) -> None:
    company.crowd(8)
    at_the_first(company, "message", lambda: setattr(company.slack, "revoked", True))
    report = await company.one_pass(TEN)
    assert isinstance(report.problem, SlackRefused)
    state = await company.state()
    assert state[State.SENT] == len(company.slack.messages) == report.sent
    assert report.unknown == 0, "Slack said itself that it took nothing"
    assert set(state) == {State.SENT, State.PLANNED}
    with pytest.raises(SlackRefused):
        await company.one_pass(f"{DAY} 10:15")
    company.slack.revoked = False
    assert (await company.one_pass(f"{DAY} 10:30")).problem is None
    assert company.dms() == everybody(8)


async def test_a_rate_limit_for_one_holds_all_back_for_as_long_as_slack_asks(company: Company) -> None:
    company.crowd(3)
    company.slack.retry_after_seconds = 20
    company.slack.fault_next("429")
    begun = company.time()
    report = await company.one_pass(TEN)
    assert (report.sent, report.problem) == (3, None)
    assert (company.time() - begun).total_seconds() >= 20


async def test_no_more_leave_a_second_than_the_policy_says(company: Company) -> None:
    company.crowd(6)
    company.policy = type(company.policy)()  # the default: 4 a second
    begun = company.time()
    await company.one_pass(TEN)
    assert (company.time() - begun).total_seconds() >= 5 / 4
    assert company.dms() == everybody(6)


async def test_a_pass_begins_at_the_pace_that_the_one_before_has_learned(company: Company) -> None:
    company.crowd(3)
    company.slack.fault_next("429")
    await company.one_pass(TEN)
    async with company.workspace() as workspace:
        learned = workspace.store.passes.pace(0)
    assert learned is not None
    for person_id in range(4, 12):
        company.hire(person_id).assign(person_id, 1, DAY)
    begun = company.time()
    assert (await company.one_pass(f"{DAY} 10:15")).sent == 8
    assert (company.time() - begun).total_seconds() >= 6 / (learned * 1.5)


# ── anything, again and again ──

KINDS = ("ok", "drop", "stored_drop", "500", "stored_500", "internal", "stored_internal", "html", "stored_html", "429")


class Chance:
    """Choices that look random and are the same at each run."""

    def __init__(self, seed: int) -> None:
        self._seed, self._drawn = seed, 0

    def of(self, what: Sequence[T]) -> T:
        """One of these."""
        self._drawn += 1
        return what[zlib.crc32(f"{self._seed} {self._drawn}".encode()) % len(what)]


@pytest.mark.parametrize("seed", range(6))
async def test_after_any_mixture_of_faults_over_several_passes_everybody_has_one_dm(
    company: Company, seed: int
) -> None:
    chance = Chance(seed)
    company.time.faster = 400
    company.crowd(5)
    company.slack.history_delay_seconds = 0.01
    for person_id in range(1, 6):
        company.slack.faults_for[f"U0{person_id}"] = [chance.of(KINDS) for _ in range(chance.of(range(6)))]
    for method in ("conversations.history", "users.conversations", "users.list"):
        for _ in range(4):
            company.slack.fault_next(chance.of(("ok", "500", "drop", "429")), method)
    for quarter in range(6):
        try:
            await company.one_pass(f"{DAY} {10 + quarter // 4}:{quarter % 4 * 15:02}")
        except SlackError:
            continue
        assert max(company.dms().values(), default=0) <= 1
    assert company.dms() == everybody(5)
    assert set(await company.state()) <= {State.SENT, State.DROPPED}


# ── the program dies ──


async def test_killed_when_slack_has_stored_a_post_nobody_is_told_twice_or_missed(company: Company) -> None:
    company.crowd(6)
    process = await company.start("remind", "--now", "2027-06-15T10:00:00+02:00")
    at_the_first(company, "message", process.kill)
    assert (await ended(process)).code == -9
    assert (await company.state()).get(State.SENDING)
    report = await company.one_pass(f"{DAY} 10:15")
    assert report.problem is None
    assert company.dms() == everybody(6)
    assert await company.state() == {State.SENT: 6}


async def test_killed_before_slack_stores_a_post_nobody_is_told_twice_or_missed(company: Company) -> None:
    company.crowd(6)
    company.slack.fault_next("hang", times=4)
    process = await company.start("remind", "--now", "2027-06-15T10:00:00+02:00")
    await company.slack.until(lambda: company.slack.posts, 10)
    process.kill()
    assert (await ended(process)).code == -9
    company.no_more_faults()
    assert (await company.one_pass(f"{DAY} 10:15")).problem is None
    assert company.dms() == everybody(6)


async def test_killed_a_moment_after_an_answer_nobody_is_told_twice_or_missed(company: Company) -> None:
    company.crowd(6)
    process = await company.start("remind", "--now", "2027-06-15T10:00:00+02:00")
    loop = asyncio.get_running_loop()
    at_the_first(company, "message", lambda: call_soon_after(loop, process.kill), number=2)
    await ended(process)
    assert (await company.one_pass(f"{DAY} 10:15")).problem is None
    assert company.dms() == everybody(6)


def call_soon_after(loop: asyncio.AbstractEventLoop, act: Kill) -> None:
    loop.call_later(0.004, act)


async def test_killed_while_an_earlier_dm_is_edited_the_next_pass_edits_it(company: Company) -> None:
    company.crowd(1)
    await company.one_pass(TEN)
    company.finish(1, 1)
    company.slack.fault_next("hang", "chat.update")
    process = await company.start("remind", "--now", "2027-06-15T11:00:00+02:00")
    await company.slack.until(lambda: company.slack.calls["chat.update"], 10)
    process.kill()
    await ended(process)
    await company.one_pass(f"{DAY} 11:15")
    assert len(company.message(1).edits) == 1
    assert company.dms() == everybody(1)


# ── two copies ──


async def test_two_processes_at_once_tell_nobody_twice(company: Company) -> None:
    company.crowd(6)
    arguments = ("remind", "--now", "2027-06-15T10:00:00+02:00")
    both = await asyncio.gather(company.command(*arguments), company.command(*arguments))
    assert sorted(one.code for one in both) == [0, 0], "the second waited for the first"
    assert company.dms() == everybody(6)


async def test_the_second_copy_gives_up_after_ten_seconds_and_does_nothing(company: Company) -> None:
    company.crowd(1)
    async with company.workspace() as first, sending(first):
        begun = company.time()
        with pytest.raises(AnotherCopy):
            await company.one_pass(TEN)
        assert 10 <= (company.time() - begun).total_seconds() < 15
    assert company.slack.posts == []
    assert (await company.one_pass(TEN)).sent == 1


async def test_what_is_asked_to_stop_finishes_what_is_under_way_and_leaves_the_rest(company: Company) -> None:
    company.crowd(8)
    stopped: list[Any] = []
    at_the_first(company, "message", lambda: stopped.append(1))
    async with company.workspace() as workspace, sending(workspace):
        report = await remind(replace(workspace, stopping=lambda: bool(stopped)), company.at(TEN))
    assert 1 <= report.sent <= 4
    assert report.problem is None
    assert State.SENDING not in await company.state()
    await company.one_pass(f"{DAY} 10:15")
    assert company.dms() == everybody(8)
