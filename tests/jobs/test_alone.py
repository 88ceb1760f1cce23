"""Two copies with a store each: the second to speak finds it out before it sends, and stops."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from bot.demo.slack_state import Answer, Told
from bot.demo.slack_state import Message as SlackMessage
from bot.errors import AnotherCopy, OutcomeUnknown
from bot.jobs.deliver import WATCH_SECONDS
from bot.slack.api import LAG_SECONDS
from bot.store.witness import beside
from tests.builders import a_policy
from tests.company import DAY, Company

WEEK_BEFORE = "2027-06-08"


async def copied(company: Company, folder: Path) -> Company:
    """Another copy, at work with a store that knows as much as the first one's does now."""
    twin = company.twin(folder)
    shutil.copyfile(company.backed_up(), twin.database)
    shutil.copyfile(beside(company.database), beside(twin.database))
    return twin


def say_theirs(company: Company, person_id: int) -> None:
    """Another copy of the bot reminds this person of something."""
    payload = {"notice": f"theirs-{person_id}", "reminders": ["theirs"]}
    company.slack.store(f"U0{person_id}", "…", [], {"event_type": "deadline_reminder", "event_payload": payload})


async def test_what_another_copy_has_written_stops_a_pass_before_it_sends(company: Company, tmp_path: Path) -> None:
    company.crowd(7)
    await company.one_pass(f"{WEEK_BEFORE} 10:00")
    twin = await copied(company, tmp_path / "twin")
    assert (await twin.one_pass("2027-06-11 10:00")).sent == 7
    report = await company.one_pass("2027-06-11 10:00")
    assert isinstance(report.problem, AnotherCopy)
    assert (report.problem.exit_code, report.sent) == (4, 0)
    assert set(company.dms().values()) == {2}


async def test_once_the_other_copy_is_gone_its_words_are_read_back_and_the_next_steps_are_sent(
    company: Company, tmp_path: Path
) -> None:
    company.crowd(7)
    await company.one_pass(f"{WEEK_BEFORE} 10:00")
    twin = await copied(company, tmp_path / "twin")
    await twin.one_pass("2027-06-11 10:00")
    await company.one_pass("2027-06-11 10:00")
    report = await company.one_pass("2027-06-11 10:15")
    assert (report.sent, report.problem) == (0, None)
    assert (await company.one_pass(f"{DAY} 10:00")).sent == 7
    assert set(company.dms().values()) == {3}


async def test_it_is_said_in_one_line_with_exit_code_4(company: Company, tmp_path: Path) -> None:
    company.crowd(2)
    await company.one_pass(f"{WEEK_BEFORE} 10:00")
    twin = await copied(company, tmp_path / "twin")
    await twin.one_pass("2027-06-11 10:00")
    ended = await company.called("remind", "--now", "2027-06-11T10:00:00+02:00")
    assert ended.code == 4
    assert ended.err.count("\n") == 1
    assert "Another copy of the bot" in ended.last_line
    assert "Stop one of them" in ended.last_line


async def test_a_new_person_to_whom_only_the_other_copy_has_written_is_found_too(
    company: Company, tmp_path: Path
) -> None:
    company.crowd(2)
    await company.one_pass(f"{WEEK_BEFORE} 10:00")
    twin = await copied(company, tmp_path / "twin")
    company.hire(3).assign(3, 1, "2027-06-16")
    await twin.one_pass("2027-06-09 10:00")
    assert company.dms()[3] == 1
    with pytest.raises(AnotherCopy):
        await company.one_pass("2027-06-09 10:00")
    assert company.dms() == {1: 1, 2: 1, 3: 1}


async def test_an_empty_second_store_is_taken_for_a_lost_disk_and_repeats_nothing(
    company: Company, tmp_path: Path
) -> None:
    company.crowd(3)
    await company.one_pass(f"{WEEK_BEFORE} 10:00")
    twin = company.twin(tmp_path / "twin")
    report = await twin.one_pass(f"{WEEK_BEFORE} 10:15")
    assert (report.sent, report.problem) == (0, None)
    assert (await twin.one_pass("2027-06-11 10:00")).sent == 3
    assert isinstance((await company.one_pass("2027-06-11 10:00")).problem, AnotherCopy)
    assert company.dms() == {1: 2, 2: 2, 3: 2}


async def test_of_two_copies_that_tick_at_the_same_moment_one_stops_after_one_dm(
    company: Company, tmp_path: Path
) -> None:
    company.crowd(12)
    await company.one_pass(f"{WEEK_BEFORE} 10:00")
    twin = await copied(company, tmp_path / "twin")
    reports = await asyncio.gather(company.one_pass("2027-06-11 10:00"), twin.one_pass("2027-06-11 10:00"))
    stopped = [report for report in reports if isinstance(report.problem, AnotherCopy)]
    assert len(stopped) == 1
    assert stopped[0].sent <= 1
    told = company.dms()
    assert sum(told.values()) <= 12 * 2 + 1
    assert min(told.values()) == 2


async def test_a_message_of_the_bots_that_is_no_reminder_is_not_another_copys(company: Company) -> None:
    company.crowd(2)
    await company.one_pass(f"{WEEK_BEFORE} 10:00")
    company.slack.store("U01", "A digest", [], {"event_type": "deadline_digest", "event_payload": {"notice": "x"}})
    report = await company.one_pass("2027-06-11 10:00")
    assert (report.sent, report.problem) == (2, None)


async def test_somebody_elses_message_that_looks_like_ours_is_not_another_copys(company: Company) -> None:
    company.crowd(2)
    await company.one_pass(f"{WEEK_BEFORE} 10:00")
    forged = {"event_type": "deadline_reminder", "event_payload": {"notice": "forged", "reminders": []}}
    company.slack.store_said("U01", "ha").metadata = forged
    report = await company.one_pass("2027-06-11 10:00")
    assert (report.sent, report.problem) == (2, None)


async def test_a_dm_among_the_first_that_cannot_be_read_keeps_that_person_waiting_and_nobody_else(
    company: Company,
) -> None:
    company.crowd(3)
    await company.one_pass(f"{WEEK_BEFORE} 10:00")
    company.slack.fault_next("channel_not_found", "conversations.history")
    report = await company.one_pass("2027-06-11 10:00")
    assert isinstance(report.problem, OutcomeUnknown)
    assert company.dms() == {1: 1, 2: 2, 3: 2}
    report = await company.one_pass("2027-06-11 10:15")
    assert (report.sent, report.problem) == (1, None)


async def test_where_the_history_lags_the_second_copy_stops_as_soon_as_it_shows(
    company: Company, tmp_path: Path
) -> None:
    company.crowd(60)
    await company.one_pass(f"{WEEK_BEFORE} 10:00")
    twin = await copied(company, tmp_path / "twin")
    company.policy = twin.policy = a_policy(pace={"posts_per_second": 4})
    company.slack.history_delay_seconds = 4 / company.time.faster
    reports = await asyncio.gather(company.one_pass("2027-06-11 10:00"), twin.one_pass("2027-06-11 10:00"))
    stopped = [report for report in reports if isinstance(report.problem, AnotherCopy)]
    assert len(stopped) == 1
    assert stopped[0].sent < 5 * 4 + 10, "what is sent in five seconds at the policy's pace"
    assert min(company.dms().values()) == 2


async def test_what_the_other_copy_said_just_before_a_dm_of_ours_is_read_back_too(
    company: Company, tmp_path: Path
) -> None:
    company.crowd(2)
    await company.one_pass(f"{WEEK_BEFORE} 10:00")
    twin = await copied(company, tmp_path / "twin")
    await company.pulled("2027-06-11 10:00")
    company.course(2, "Gdpr", expected_duration="90").assign(1, 2, "2027-06-25", assigned_at="2027-06-11 06:00:00")
    await twin.one_pass("2027-06-11 10:00")
    assert company.heard()[1] == ["Fire", "Fire+Gdpr"]
    theirs = company.message(1)
    with pytest.MonkeyPatch.context() as both_tick_at_once:
        both_tick_at_once.setattr("bot.jobs.remind.check_before", looks_too_early)
        report = await company.one_pass("2027-06-11 10:00", pulls=False)
    assert isinstance(report.problem, AnotherCopy)
    for when in ("2027-06-11 10:15", "2027-06-14 10:00"):
        await company.one_pass(when)
    assert sum("Gdpr" in titles for titles in company.heard()[1]) == 1
    company.finish(1, 2)
    await company.one_pass("2027-06-14 11:20")
    assert "Fire" in theirs.text, "an edit leaves out nothing that the DM has named"


async def looks_too_early(*_: object) -> set[int]:
    """Stands for a look at DMs a moment before the other copy writes there."""
    return set()


async def test_a_post_of_ours_that_slack_shows_very_late_is_not_another_copys(company: Company) -> None:
    company.crowd(2)
    company.slack.faults_for["U01"] = ["500"]
    company.slack.fault_next("500", "conversations.history", times=12)
    company.slack.fault_next("ok", "users.conversations")
    company.slack.fault_next("500", "users.conversations", times=12)
    await company.one_pass(f"{WEEK_BEFORE} 10:00")
    async with company.workspace() as workspace:
        (lost,) = workspace.store.outbox.unsettled()
    company.no_more_faults()
    await company.one_pass(f"{WEEK_BEFORE} 10:15")
    late = {"event_type": "deadline_reminder", "event_payload": {"notice": lost.notice_id, "reminders": []}}
    company.slack.store("U01", "late", [], late)
    assert (await company.one_pass("2027-06-11 10:00")).problem is None


async def test_a_copy_that_begins_while_another_still_sends_is_noticed_within_seconds(company: Company) -> None:
    company.crowd(100)
    await company.one_pass(f"{WEEK_BEFORE} 10:00")
    company.policy = a_policy(pace={"posts_per_second": 2})
    stored: list[str] = []

    def the_other_copy_begins(kind: Told, message: SlackMessage | Answer) -> None:
        stored.append(message.slack_id)
        if kind == "message" and len(stored) == 10:
            for person_id in range(20, 101):
                said = {"notice": f"theirs-{person_id}", "reminders": ["theirs"]}
                company.slack.store(
                    f"U0{person_id}", "…", [], {"event_type": "deadline_reminder", "event_payload": said}
                )

    company.slack.listen(the_other_copy_begins)
    report = await company.one_pass("2027-06-11 10:00")
    assert isinstance(report.problem, AnotherCopy)
    assert report.sent < 10 + 2 * (LAG_SECONDS + WATCH_SECONDS) + 10, "what leaves between two looks"
    assert (await company.one_pass("2027-06-11 10:15")).problem is None
    assert min(company.dms().values()) == 2
    assert sum(count == 3 for count in company.dms().values()) <= report.sent - 10


async def test_once_another_copy_was_found_nobody_who_waits_for_a_turn_is_written_to(company: Company) -> None:
    company.time.faster = 100
    company.crowd(40)
    await company.one_pass(f"{WEEK_BEFORE} 10:00")
    company.policy = a_policy(pace={"posts_per_second": 0.2})

    async def the_other_copy() -> None:
        await company.slack.until(lambda: len(company.slack.messages) >= 42, 10)
        for person_id, heard in company.dms().items():
            if heard == 1:
                said = {"notice": f"theirs-{person_id}", "reminders": ["theirs"]}
                company.slack.store(
                    f"U0{person_id}", "…", [], {"event_type": "deadline_reminder", "event_payload": said}
                )

    report, _ = await asyncio.gather(company.one_pass("2027-06-11 10:00"), the_other_copy())
    assert isinstance(report.problem, AnotherCopy)
    assert [person_id for person_id, heard in company.dms().items() if heard > 2] == []
    assert (await company.one_pass("2027-06-11 10:15")).problem is None
