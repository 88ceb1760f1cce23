"""Two copies with a store each: the second to speak finds it out before it sends, and stops."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from bot.errors import AnotherCopy
from bot.store.witness import beside
from tests.company import DAY, Company

WEEK_BEFORE = "2027-06-08"


async def copied(company: Company, folder: Path) -> Company:
    """Another copy, at work with a store that knows as much as the first one's does now."""
    twin = company.twin(folder)
    shutil.copyfile(company.backed_up(), twin.database)
    shutil.copyfile(beside(company.database), beside(twin.database))
    return twin


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
