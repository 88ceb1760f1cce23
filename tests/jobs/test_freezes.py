"""A freeze holds until it is approved or its cause is gone, and what is told of it floods nobody."""

from __future__ import annotations

from bot.answers.actions import _answer
from bot.clock import wall
from tests.company import DAY, Company, with_freeze
from tests.jobs.admins import ADA, appoint, letters

WEDNESDAY = "2027-06-16"
NEW_YORK = {"zone": "America/New_York", "country": "US"}


def held(company: Company, people: int = 20) -> None:
    """So many people in Copenhagen are due together under a first limit of three; one in New York is due later."""
    company.policy = with_freeze(company.policy, first_pass_people=3)
    company.crowd(people).hire(50, **NEW_YORK).assign(50, 1, DAY)


async def test_a_few_people_of_another_zone_do_not_end_a_freeze_over_many(company: Company) -> None:
    held(company)
    assert (await company.one_pass(f"{DAY} 10:00")).frozen
    report = await company.one_pass(f"{DAY} 18:00")  # noon in New York
    assert (report.frozen is not None, report.sent) == (True, 0)
    assert company.dms() == {}


async def test_after_a_pass_elsewhere_the_first_limit_still_holds_the_next_morning(company: Company) -> None:
    held(company)
    for when in (f"{DAY} 10:00", f"{DAY} 18:00"):
        await company.one_pass(when)
    report = await company.one_pass(f"{WEDNESDAY} 10:00")
    assert (report.frozen is not None, report.sent) == (True, 0)
    async with company.workspace() as workspace:
        workspace.store.passes.approve(wall(), "somebody")
    report = await company.one_pass(f"{WEDNESDAY} 10:15")
    assert (report.frozen, report.sent) == (None, 20)


async def test_a_learning_system_that_is_ill_every_other_hour_does_not_flood_an_admin(company: Company) -> None:
    appoint(company, ADA)
    company.crowd(20, deadline="2027-09-01")
    await company.one_pass(f"{DAY} 00:00")
    everybody = dict(company.eloomi.users)
    for hour in range(1, 8):
        company.eloomi.users.clear()
        company.eloomi.users.update({n: who for n, who in everybody.items() if n > 10 or hour % 2 == 0})
        await company.one_pass(f"{DAY} {hour:02}:00")
    assert len(letters(company)) == 1


async def test_a_button_does_not_approve_far_more_than_its_message_said(company: Company) -> None:
    appoint(company, ADA)
    company.policy = with_freeze(company.policy, first_pass_people=3)
    company.crowd(4)
    await company.one_pass(f"{DAY} 10:00")
    button = letters(company)[0].blocks[-1]["elements"][0]
    for person_id in range(100, 110):
        company.hire(person_id).assign(person_id, 1, DAY)
    await company.one_pass(f"{DAY} 11:00")
    async with company.workspace() as workspace:
        (said,) = _answer(workspace, {"action_id": "approve", "value": button["value"]}, ADA)
        assert workspace.store.passes.frozen()
    assert said.startswith("This button belongs to an earlier hold.")
    assert len(letters(company)) == 2  # with the new figure, and a button of its own


async def test_a_frozen_pass_is_exit_3_also_where_an_admin_could_not_be_told(company: Company) -> None:
    company.policy_text += "[freeze]\nfirst_pass_people = 3\n"
    company.crowd(4)
    appoint(company, ADA)
    company.slack.faults_for[ADA] = ["500"] * 20
    done = await company.called("remind", "--now", "2027-06-15T10:00:00+02:00", SLACK_ADMINS=ADA)
    assert done.code == 3
