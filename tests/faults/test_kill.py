"""A short campaign of kills, and proof that its verdict can be a bad one."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import pytest

from bot.jobs import settle
from tests.company import DAY, Company
from tests.faults import kill
from tests.faults.kill import Campaign, Round, judge


@pytest.fixture
async def undisturbed(company: Company) -> Round:
    """A round in which nothing dies."""
    draw = Random(1)  # noqa: S311 - no secret is made of it
    a_round = Round(company=company, draw=draw, budget=asyncio.Semaphore(0))
    await a_round.play()
    return a_round


async def test_killed_again_and_again_nobody_is_told_twice_or_missed(
    no_settings: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kill, "PATIENCE_SECONDS", 3)
    campaign = Campaign(seed=5, kills=4)
    await campaign.run(at_once=3)
    assert campaign.failures == []
    assert str(campaign) == "lost 0, repeated 0, kills 4, seed 5"


async def test_a_bot_that_does_not_read_back_what_it_was_sending_is_found_out(
    no_settings: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def finds_nothing(*_: object) -> None:
        """Stands for a reading back that never finds anything."""

    monkeypatch.setattr(settle, "_find", finds_nothing)
    monkeypatch.setattr(kill, "ALWAYS", {})
    monkeypatch.setattr(kill, "DISK_LOSS", 0)
    monkeypatch.setattr(kill, "SOON_SECONDS", 0)
    monkeypatch.setattr(kill, "WHILE_POSTING", {kill.at_the("message", number_most=1): 1})
    campaign = Campaign(seed=1, kills=1)
    await campaign.run(at_once=1)
    assert campaign.repeated > 0
    assert campaign.lost == 0
    assert "--replay 1:1\n  repeated: person" in campaign.failures[0]


async def test_where_nothing_dies_all_that_is_owed_is_told_and_nothing_else(undisturbed: Round) -> None:
    assert undisturbed.owed
    assert undisturbed.verdict() == ([], [])
    assert undisturbed.trouble == []


async def test_the_verdict_finds_a_message_that_was_sent_twice_and_one_that_was_lost(undisturbed: Round) -> None:
    slack = undisturbed.company.slack
    first = slack.messages[0]
    slack.store(first.slack_id, first.text, first.blocks, first.metadata)
    assert undisturbed.verdict().lost == []
    assert "2 times" in undisturbed.verdict().repeated[0]
    slack.messages = [m for m in slack.messages if m.slack_id != first.slack_id]
    assert undisturbed.verdict().lost
    assert undisturbed.verdict().repeated == []


async def test_the_verdict_finds_a_second_message_on_one_day_and_one_that_is_not_owed(company: Company) -> None:
    for key in ("a", "b"):
        payload = {"notice": key, "reminders": [key]}
        company.slack.store("U01", "…", [], {"event_type": "deadline_reminder", "event_payload": payload})
    owed = {"a": "person 1, course 1, due"}
    assert judge(company.slack.messages, owed) == ([], ["b, 1 times", f"U01 on {DAY}, 2 messages"])


def test_a_minute_passes_only_where_there_is_a_store(tmp_path: Path) -> None:
    assert kill.later(tmp_path / "bot.db") == 0
    assert list(tmp_path.iterdir()) == []
