"""The buttons of a DM, pressed over the real socket: each is acked, and only its owner learns anything."""

from __future__ import annotations

import asyncio

import pytest

from bot.demo.slack_state import Answer, Message
from tests.answers.conftest import Listening
from tests.company import DAY, Company, slack_id

TEN = f"{DAY} 10:00"


async def pressed(
    company: Company, button: str, *, person_id: int = 1, by: int | None = None, on: Message | None = None
) -> list[Answer]:
    """What comes of pressing a button of a DM, of somebody's latest where none is given."""
    before = len(company.slack.answers)
    message = on or company.message(person_id)
    assert await company.slack.press(message, button, by=slack_id(by or person_id)) == {}
    await asyncio.sleep(0.15)
    return company.slack.answers[before:]


async def only_answer(company: Company, button: str, *, person_id: int = 1, by: int | None = None) -> Answer:
    """The one answer to a press."""
    (answer,) = await pressed(company, button, person_id=person_id, by=by)
    return answer


@pytest.mark.parametrize("button", ["open", "plan", "done", "why"])
async def test_every_button_is_acked_and_the_dm_stays_as_it_is(
    company: Company, listening: Listening, button: str
) -> None:
    company.crowd(1)
    await company.one_pass(TEN)
    async with listening():
        await pressed(company, button)
    assert company.message(1).edits == []
    assert company.slack.violations == []
    assert company.dms() == {1: 1}


async def test_why_this_explains_each_course_that_the_dm_named(company: Company, listening: Listening) -> None:
    company.hire(1).assign(1, 1, DAY).assign(1, 2, "2027-06-22").assign(1, 3, "2027-09-01")
    await company.one_pass(TEN)
    async with listening():
        answer = await only_answer(company, "Why this?")
    assert (answer.kind, answer.slack_id, answer.about) == ("response", "U01", company.message(1))
    assert "*Fire*\nYou got this on Tuesday 15 June 2027; the rule: on the day it is due. Due " in answer.text
    assert "*Gdpr*\nYou got this on Tuesday 15 June 2027; the rule: 7 days before. Due " in answer.text
    assert "Ladder" not in answer.text


@pytest.mark.parametrize(
    ("locale", "said"),
    [("da-DK", "tirsdag den 15. juni 2027"), ("de-DE", "Dienstag, 15. Juni 2027"), ("fr-FR", "Tuesday 15 June 2027")],
)
async def test_why_this_answers_in_the_persons_language(
    company: Company, listening: Listening, locale: str, said: str
) -> None:
    company.hire(1, locale=locale).assign(1, 1, DAY)
    await company.one_pass(TEN)
    async with listening():
        answer = await only_answer(company, "why")
    assert said in answer.text


async def test_why_this_tells_what_has_become_of_a_course_since(company: Company, listening: Listening) -> None:
    company.hire(1).assign(1, 1, DAY).assign(1, 2, "2027-06-22")
    await company.one_pass(TEN)
    company.finish(1, 1)
    await company.one_pass(f"{DAY} 11:00")
    async with listening():
        answer = await only_answer(company, "why")
    assert "the rule: on the day it is due. The course is finished." in answer.text


async def test_why_this_tells_the_rule_of_its_own_dm_and_how_the_course_stands_now(
    company: Company, listening: Listening
) -> None:
    company.hire(1).assign(1, 1, DAY)
    await company.one_pass(TEN)
    tuesdays = company.message(1)
    await company.one_pass("2027-06-16 10:00")
    async with listening():
        (answer,) = await pressed(company, "why", on=tuesdays)
    assert "You got this on Tuesday 15 June 2027; the rule: on the day it is due." in answer.text
    assert "This reminder was sent on Wednesday 16 June 2027: 1 working day after." in answer.text


async def test_why_this_says_of_a_course_no_longer_assigned_that_it_is_not_required(
    company: Company, listening: Listening
) -> None:
    company.hire(1).assign(1, 1, DAY).assign(1, 2, "2027-06-22")
    await company.one_pass(TEN)
    del company.eloomi.participants[0]
    await company.one_pass(f"{DAY} 11:00")
    async with listening():
        answer = await only_answer(company, "why")
    assert "the rule: on the day it is due. The course is not required." in answer.text


@pytest.mark.parametrize(
    ("button", "said"), [("done", "I ask the learning system again"), ("plan", "put one into your calendar")]
)
async def test_the_other_buttons_say_what_to_expect(
    company: Company, listening: Listening, button: str, said: str
) -> None:
    company.crowd(1)
    await company.one_pass(TEN)
    async with listening():
        answer = await only_answer(company, button)
    assert said in answer.text


async def test_somebody_elses_button_reveals_nothing(company: Company, listening: Listening) -> None:
    company.crowd(2)
    await company.one_pass(TEN)
    async with listening():
        answer = await only_answer(company, "why", person_id=1, by=2)
    assert answer.slack_id == "U02"
    assert answer.text == "This button belongs to a reminder that is not yours."


@pytest.mark.parametrize("value", ["", "nonsense", "' OR 1=1 --", "id-1-00000000", "x" * 2000])
async def test_a_forged_value_is_answered_as_somebody_elses(company: Company, listening: Listening, value: str) -> None:
    company.crowd(1)
    await company.one_pass(TEN)
    message = company.message(1)
    for button in message.blocks[-1]["elements"]:
        button["value"] = value
    async with listening():
        answer = await only_answer(company, "why")
    assert answer.text == "This button belongs to a reminder that is not yours."


async def test_another_persons_notice_id_reveals_nothing_to_who_forges_it(
    company: Company, listening: Listening
) -> None:
    company.hire(1).assign(1, 1, DAY).hire(2).assign(2, 2, DAY)
    await company.one_pass(TEN)
    own, theirs = company.message(1).blocks[-1]["elements"], company.message(2).blocks[-1]["elements"]
    for button, other in zip(own, theirs, strict=True):
        button["value"] = other.get("value", "")
    async with listening():
        answer = await only_answer(company, "why")
    assert "Gdpr" not in answer.text


async def test_a_hostile_title_is_shown_literally(company: Company, listening: Listening) -> None:
    company.course(5, "<!channel> & <https://evil.example|prizes>").hire(1).assign(1, 5, DAY)
    await company.one_pass(TEN)
    async with listening():
        answer = await only_answer(company, "why")
    shown = "&lt;!channel&gt; &amp; &lt;https://evil.example|prizes&gt;"
    assert shown in answer.text
    assert all("<!channel>" not in str(block) and "<https" not in str(block) for block in answer.blocks)
    assert all(block["text"]["verbatim"] for block in answer.blocks)


async def test_a_raw_deadline_that_is_hostile_is_shown_literally(company: Company, listening: Listening) -> None:
    company.hire(1).assign(1, 1, DAY)
    await company.one_pass(TEN)
    company.row(1, 1)["deadline"] = "<!here>"
    await company.pulled(f"{DAY} 11:00")
    async with listening():
        answer = await only_answer(company, "why")
    assert "&lt;!here&gt;" in answer.text
    assert "<!here>" not in answer.text


async def test_a_press_is_answered_while_the_lms_is_away(company: Company, listening: Listening) -> None:
    company.crowd(1)
    await company.one_pass(TEN)
    company.eloomi.down = True
    async with listening():
        answer = await only_answer(company, "why")
    assert "Fire" in answer.text


async def test_a_corrected_dms_buttons_still_work(company: Company, listening: Listening) -> None:
    company.hire(1).assign(1, 1, DAY).assign(1, 2, "2027-06-22")
    await company.one_pass(TEN)
    company.finish(1, 1)
    await company.one_pass(f"{DAY} 11:00")
    assert company.message(1).edits
    async with listening():
        answer = await only_answer(company, "why")
    assert "Gdpr" in answer.text
