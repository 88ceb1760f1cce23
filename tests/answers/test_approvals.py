"""What admins approve by a button, over the real socket: done once, on record, and by nobody else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.demo.slack_state import Answer, Message
from tests.answers.conftest import Listening
from tests.builders import on
from tests.company import DAY, Company, with_freeze
from tests.jobs.admins import ADA, BO, appoint, letters

NOT_YOURS = "Only an admin of this bot can do that."
DONE = "That is done already: nothing is held."


async def pressed(company: Company, message: Message, button: str, *, by: str = ADA) -> str:
    """The answer to a press."""
    before = len(company.slack.answers)
    assert await company.slack.press(message, button, by=by) == {}
    await company.slack.until(lambda: len(company.slack.answers) > before)
    await asyncio.sleep(0.05)
    (answer,) = company.slack.answers[before:]
    assert (answer.slack_id, answer.kind) == (by, "response")
    return text_of(answer)


def text_of(answer: Answer) -> str:
    assert answer.blocks[0]["text"]["text"] == answer.text
    return answer.text


async def frozen(company: Company, when: str = f"{DAY} 10:00") -> Message:
    """A first pass that froze, and what Ada was told of it."""
    company.crowd(4)
    company.policy = with_freeze(company.policy, first_pass_people=3)
    assert (await company.one_pass(when)).frozen
    return letters(company)[-1]


async def forewarned(company: Company) -> Message:
    """A Friday that would freeze, and what Ada was told of it on Wednesday."""
    company.policy = with_freeze(company.policy, first_pass_people=0, busy_pass_people=4, busy_pass_percent=1)
    company.crowd(5, deadline="2027-06-25")
    company.hire(6).assign(6, 1, "2027-06-17")
    await company.one_pass("2027-06-16 10:00")
    return letters(company)[-1]


async def audited(company: Company) -> list[tuple[str, str, str]]:
    """Who approved what."""
    async with company.workspace() as workspace:
        db: Any = workspace.store._db  # type: ignore[attr-defined]
        sql = "SELECT actor, subject, detail FROM public_audit WHERE action = 'approve'"
        return list(db.conn.execute(sql))


async def holds(company: Company) -> bool:
    async with company.workspace() as workspace:
        return workspace.store.passes.frozen() is not None


# ── a freeze ──


async def test_an_admins_press_releases_the_freeze_and_the_next_pass_sends(
    company: Company, listening: Listening
) -> None:
    appoint(company, ADA)
    message = await frozen(company)
    async with listening():
        assert await pressed(company, message, "approve") == "Approved. The next pass sends what is still right."
    ((actor, subject, detail),) = await audited(company)
    assert (actor, subject) == (f"slack:{ADA}", "freeze")
    assert "4 people" in detail
    assert (await company.one_pass(f"{DAY} 10:15")).sent == 4
    assert len(letters(company)) == 1


async def test_a_second_press_and_another_admins_say_that_it_is_done(company: Company, listening: Listening) -> None:
    appoint(company, ADA, BO)
    message = await frozen(company)
    async with listening():
        await pressed(company, message, "approve")
        assert await pressed(company, message, "approve") == DONE
        assert await pressed(company, letters(company, BO)[0], "approve", by=BO) == DONE
    assert len(await audited(company)) == 1


async def test_somebody_elses_press_changes_nothing_and_reveals_nothing(company: Company, listening: Listening) -> None:
    appoint(company, ADA)
    message = await frozen(company)
    async with listening():
        assert await pressed(company, message, "approve", by="U01") == NOT_YOURS
        assert await pressed(company, message, "approve", by="U0NOBODY") == NOT_YOURS
    assert await audited(company) == []
    assert await holds(company)


async def test_one_who_is_no_admin_any_more_can_approve_nothing(company: Company, listening: Listening) -> None:
    appoint(company, ADA, BO)
    message = await frozen(company)
    company.wishes["slack_admins"] = (BO,)
    async with listening():
        assert await pressed(company, message, "approve") == NOT_YOURS
    assert await holds(company)


@pytest.mark.parametrize("value", ["", "nonsense", "pass@1", "' OR 1=1 --", "x" * 2000])
async def test_a_forged_value_releases_nothing(company: Company, listening: Listening, value: str) -> None:
    appoint(company, ADA)
    message = await frozen(company)
    message.blocks[-1]["elements"][0]["value"] = value
    async with listening():
        assert "earlier hold" in await pressed(company, message, "approve")
    assert await audited(company) == []
    assert await holds(company)


async def test_an_old_button_does_not_release_a_newer_freeze(company: Company, listening: Listening) -> None:
    appoint(company, ADA)
    old = await frozen(company)
    async with listening():
        await pressed(company, old, "approve")
    await company.one_pass(f"{DAY} 10:15")
    company.policy = with_freeze(company.policy, busy_pass_people=2)
    for person_id in range(11, 31):
        company.hire(person_id).assign(person_id, 1, DAY)
    assert (await company.one_pass(f"{DAY} 11:00")).frozen
    new = letters(company)[-1]
    assert new is not old
    async with listening():
        assert "This button belongs to an earlier hold." in await pressed(company, old, "approve")
        assert await holds(company)
        assert "Approved." in await pressed(company, new, "approve")


async def test_yesterdays_button_of_the_same_freeze_still_releases_it(company: Company, listening: Listening) -> None:
    appoint(company, ADA)
    message = await frozen(company)
    await company.one_pass("2027-06-16 10:00")
    assert len(letters(company)) == 2
    async with listening():
        assert "Approved." in await pressed(company, message, "approve")


async def test_a_press_is_answered_in_the_admins_language(company: Company, listening: Listening) -> None:
    appoint(company, ADA, locale="da-DK")
    message = await frozen(company)
    async with listening():
        assert await pressed(company, message, "approve") == "Godkendt. Næste kørsel sender det, der stadig er rigtigt."
        assert await pressed(company, message, "approve", by="U01") == NOT_YOURS


# ── a day ──


async def test_an_approved_day_goes_out_without_a_freeze(company: Company, listening: Listening) -> None:
    appoint(company, ADA)
    message = await forewarned(company)
    async with listening():
        said = await pressed(company, message, "approve_day")
        assert said == "Approved. The reminders of Friday 18 June 2027 go out in time."
        said = await pressed(company, message, "approve_day")
        assert said == "That is done already: Friday 18 June 2027 is approved."
    assert await audited(company) == [(f"slack:{ADA}", "day", "2027-06-18")]
    report = await company.one_pass("2027-06-18 10:00")
    assert (report.frozen, report.sent) == (None, 5)


async def test_somebody_elses_press_approves_no_day(company: Company, listening: Listening) -> None:
    appoint(company, ADA)
    message = await forewarned(company)
    async with listening():
        assert await pressed(company, message, "approve_day", by="U01") == NOT_YOURS
    assert await audited(company) == []
    assert (await company.one_pass("2027-06-18 10:00")).frozen


@pytest.mark.parametrize("value", ["", "nonsense", "2027-06-14", "2027-02-30", "0001-01-01"])
async def test_a_day_that_is_over_or_none_is_not_approved(company: Company, listening: Listening, value: str) -> None:
    appoint(company, ADA)
    message = await forewarned(company)
    message.blocks[-1]["elements"][0]["value"] = value
    async with listening():
        assert await pressed(company, message, "approve_day") == "That day is over."
    async with company.workspace() as workspace:
        assert workspace.store.passes.approved_days() == set()


async def test_the_day_itself_can_still_be_approved(company: Company, listening: Listening) -> None:
    appoint(company, ADA)
    message = await forewarned(company)
    assert (await company.one_pass("2027-06-18 10:00")).frozen
    async with listening():
        assert "Approved." in await pressed(company, message, "approve_day")
    async with company.workspace() as workspace:
        assert workspace.store.passes.approved_days() == {on("2027-06-18")}
    assert (await company.one_pass("2027-06-18 10:15")).sent == 5
    assert not await holds(company)
