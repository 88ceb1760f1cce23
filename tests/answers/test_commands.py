"""Commands, messages and the Home tab over the real socket: one's own open courses, the earliest first, to oneself."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from bot.demo.slack_state import Message
from tests.answers.conftest import Listening
from tests.builders import local
from tests.company import DAY, Company

TEN = f"{DAY} 10:00"


def ada(company: Company) -> Company:
    """Somebody with courses of every kind."""
    company.course(4, "Old", active=0)
    company.hire(1).assign(1, 1, "2027-07-01").assign(1, 2, "2027-06-14").assign(1, 3, "2027-06-15", progress="33.33")
    company.assign(1, 4, DAY)
    return company.hire(2).assign(2, 1, DAY)


async def asked(company: Company, command: str = "/deadlines", text: str = "", *, by: str = "U01") -> str:
    """What a command is answered, to the asker alone."""
    before = len(company.slack.answers)
    assert await company.slack.command(by, command, text) == {}
    await company.slack.until(lambda: len(company.slack.answers) > before)
    (answer,) = company.slack.answers[before:]
    assert (answer.kind, answer.slack_id) == ("response", by)
    return answer.text


def said(company: Company, who: str = "U01") -> list[Message]:
    """What the bot has written into somebody's DM."""
    return [message for message in company.slack.messages if message.slack_id == who]


def shown(blocks: list[dict[str, Any]]) -> str:
    return "\n".join(block["text"]["text"] for block in blocks)


@pytest.mark.parametrize("command", ["/deadlines", "/progress"])
async def test_a_command_lists_ones_own_open_courses_the_earliest_first(
    company: Company, listening: Listening, command: str
) -> None:
    ada(company)
    await company.pulled(TEN)
    company.clock.now = local(f"{DAY} 10:45")
    async with listening():
        text = await asked(company, command)
    assert re.findall(r"\|(\w+)>", text) == ["Gdpr", "Ladder", "Fire"]
    assert "You have 3 open required courses:" in text
    assert "was due Monday 14 June 2027, 1 day ago" in text
    assert "due today, Tuesday 15 June 2027; 33.3% done" in text
    assert "due Thursday 1 July 2027, in 16 days" in text
    assert "<https://lms.example.com/courses/2|Gdpr>" in text
    assert text.endswith("Checked 45 minutes ago.")
    assert company.slack.messages == []


async def test_what_is_finished_optional_or_without_a_date_is_not_open(company: Company, listening: Listening) -> None:
    company.hire(1).assign(1, 1, DAY, status="completed", completed_at="2027-06-01 08:00:00")
    company.assign(1, 2, DAY, required=0).assign(1, 3, None)
    await company.pulled(TEN)
    async with listening():
        text = await asked(company)
    assert "Nothing is open" in text
    assert "Checked 0 minutes ago." in text


async def test_it_is_answered_in_the_persons_language_and_zone(company: Company, listening: Listening) -> None:
    company.hire(1, locale="da-DK", zone="Asia/Tokyo").assign(1, 1, "2027-06-16")
    await company.pulled(f"{DAY} 18:00")
    async with listening():
        text = await asked(company)
    assert "onsdag den 16. juni 2027" in text
    assert "Checked" not in text
    company.slack.users["U01"].locale = "en-GB"
    await company.pulled()
    async with listening():
        assert "due today" in await asked(company), "in Tokyo it is the 16th"


async def test_with_other_words_help_comes_first(company: Company, listening: Listening) -> None:
    ada(company)
    await company.pulled(TEN)
    async with listening():
        text = await asked(company, text="what can you do")
    assert text.startswith("Type */deadlines*")
    assert "Gdpr" in text


@pytest.mark.parametrize("who", ["a stranger", "somebody with nothing", "before the first pull"])
async def test_whom_nobody_knows_is_told_so_kindly(company: Company, listening: Listening, who: str) -> None:
    ada(company)
    company.slack.add_user("U0X", email="guest@elsewhere.example", name="Guest")
    if who != "before the first pull":
        await company.pulled(TEN)
    if who == "somebody with nothing":
        company.hire(9)
        await company.pulled(TEN)
    async with listening():
        text = await asked(company, by="U09" if who == "somebody with nothing" else "U0X")
    expected = "Nothing is open" if who == "somebody with nothing" else "I can't find you in the learning system"
    assert expected in text
    assert "Gdpr" not in text


@pytest.mark.parametrize(("language", "said"), [("da-DK", "Jeg kan ikke finde"), ("EN", "I can't find")])
async def test_whom_nobody_knows_is_answered_in_the_default_language(
    company: Company, listening: Listening, language: str, said: str
) -> None:
    company.slack.add_user("U0X", email="guest@elsewhere.example", name="Guest")
    company.wishes["default_language"] = language
    async with listening():
        assert said in await asked(company, by="U0X")


async def test_two_people_of_one_address_are_told_nothing_of_each_other(company: Company, listening: Listening) -> None:
    company.hire(1, email="same@example.com").assign(1, 1, DAY)
    company.hire(2, email="same@example.com").assign(2, 2, DAY)
    await company.pulled(TEN)
    async with listening():
        assert "I can't find you" in await asked(company)


async def test_it_answers_while_the_lms_is_away_saying_how_old_the_data_is(
    company: Company, listening: Listening
) -> None:
    ada(company)
    await company.pulled(TEN)
    company.eloomi.down = True
    company.clock.now = local(f"{DAY} 15:00")
    async with listening():
        assert (await asked(company)).endswith("Checked 5 hours ago.")


async def test_many_courses_fit_into_what_slack_takes(company: Company, listening: Listening) -> None:
    company.hire(1)
    for course_id in range(10, 90):
        company.course(course_id, f"Course {course_id} {'long title ' * 15}").assign(1, course_id, DAY)
    await company.pulled(TEN)
    async with listening():
        text = await asked(company)
        await company.slack.open_home("U01")
        await company.slack.until(lambda: company.slack.homes)
    assert "80 open required courses" in text
    assert company.slack.violations == []


async def test_hostile_titles_are_shown_literally(company: Company, listening: Listening) -> None:
    company.course(5, "<!channel> *bold* <https://evil.example|prizes>").hire(1).assign(1, 5, DAY)
    await company.pulled(TEN)
    async with listening():
        text = await asked(company)
    assert "<!channel>" not in text
    assert "<https://evil.example" not in text
    assert "&lt;!channel&gt;" in text


# ── messages ──


async def test_a_message_gets_help_and_ones_own_list_in_the_dm(company: Company, listening: Listening) -> None:
    ada(company)
    await company.pulled(TEN)
    async with listening():
        await company.slack.say("U01", "hello?")
        await company.slack.until(lambda: said(company))
        await asyncio.sleep(0.15)
    (message,) = said(company)
    assert message.text.startswith("Type */deadlines*")
    assert "Gdpr" in message.text
    assert message.metadata is not None
    assert message.metadata["event_type"] == "deadline_digest"


async def test_its_own_posts_edits_and_other_bots_are_not_answered(company: Company, listening: Listening) -> None:
    ada(company)
    await company.pulled(TEN)
    async with listening():
        own = company.slack.store("U01", "a post of the bot's", [], None)
        company.slack.edit(own, "edited", [])
        event = {"type": "message", "channel": own.channel, "channel_type": "im", "ts": own.ts, "text": "x"}
        await company.slack.event(event | {"bot_id": "B0OTHER", "user": "U0OTHER"})
        await company.slack.event(event | {"subtype": "message_deleted", "deleted_ts": own.ts})
        await company.slack.event(event | {"subtype": "message_changed", "message": {"user": "U01", "text": "y"}})
        await company.slack.event(event | {"subtype": "file_share", "user": "U01"})
        await asyncio.sleep(0.3)
    assert said(company) == [own]
    assert company.slack.unacked == []


async def test_an_answer_is_not_taken_for_a_reminder(company: Company, listening: Listening) -> None:
    ada(company)
    await company.pulled(f"{DAY} 09:00")
    async with listening():
        await company.slack.say("U01", "hello?")
        await company.slack.until(lambda: said(company))
    report = await company.one_pass(TEN)
    assert report.sent == 2
    assert len(said(company)) == 2


# ── the Home tab ──


async def test_the_home_tab_shows_the_same_list(company: Company, listening: Listening) -> None:
    ada(company)
    await company.pulled(TEN)
    async with listening():
        await company.slack.open_home("U01")
        await company.slack.until(lambda: "U01" in company.slack.homes)
    home = shown(company.slack.homes["U01"]["blocks"])
    assert re.findall(r"\|(\w+)>", home) == ["Gdpr", "Ladder", "Fire"]
    assert "U02" not in company.slack.homes


def rename(company: Company, table: str, name: str) -> None:
    """Behind the program's back."""
    with closing(sqlite3.connect(company.database)) as other:
        other.execute(f"ALTER TABLE {table} RENAME TO {name}")


async def test_what_fails_is_acked_all_the_same_and_the_next_one_answered(
    company: Company, listening: Listening
) -> None:
    ada(company)
    await company.pulled(TEN)
    async with listening():
        rename(company, "people", "elsewhere")
        assert await company.slack.command("U01", "/deadlines") == {}
        await company.slack.say("U01", "hello?")
        await company.slack.open_home("U01")
        rename(company, "elsewhere", "people")
        assert "Gdpr" in await asked(company)
    assert len(company.slack.answers) == 1


async def test_a_response_that_slack_does_not_take_stops_nothing(company: Company, listening: Listening) -> None:
    ada(company)
    await company.pulled(TEN)
    async with listening():
        company.slack.fault_next("internal", "views.publish")
        await company.slack.open_home("U01")
        company.slack.fault_next("500", "chat.postMessage")
        await company.slack.say("U01", "hello?")
        assert "Gdpr" in await asked(company)


async def test_everything_is_acked_at_once_also_when_many_ask(company: Company, listening: Listening) -> None:
    ada(company)
    await company.pulled(TEN)
    async with listening():
        await asyncio.gather(*(company.slack.command("U01", "/deadlines") for _ in range(20)))
        await company.slack.until(lambda: len(company.slack.answers) == 20)
