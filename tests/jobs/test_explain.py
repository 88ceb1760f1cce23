"""Why did I (not) get this? Each assignment has one decision, and it is the one that a pass comes to."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import pytest

from bot.deadlines.model import Reason
from bot.jobs.explain import explain_person
from tests.builders import local
from tests.company import DAY, Company, with_freeze


def busy(company: Company) -> None:
    """People with something of everything."""
    company.course(4, "Old", active=0)
    company.hire(1).assign(1, 1, DAY).assign(1, 2, "2027-06-22").assign(1, 3, None).assign(1, 4, DAY)
    company.hire(2).assign(2, 1, DAY, status="completed", completed_at="2027-06-01 08:00:00")
    company.assign(2, 1, "2027-05-01", assigned_at="2026-01-01 08:00:00").assign(2, 2, "2027-02-30")
    company.hire(3, zone="America/New_York", country="US").assign(3, 1, DAY).assign(3, 2, "2027-09-01")
    company.hire(4).assign(4, 1, "2027-04-01").assign(4, 2, DAY, required=0)


async def explained(company: Company, now: datetime, *, assume_pulls: bool = False) -> Counter[Reason]:
    """The reasons of everybody's assignments at this instant."""
    found: Counter[Reason] = Counter()
    async with company.workspace() as workspace:
        for person_id in company.eloomi.users:
            told = explain_person(workspace.settings, workspace.store, person_id, now, assume_pulls=assume_pulls)
            rows = [row for row in company.eloomi.participants if row["user_id"] == person_id]
            assert sorted(course.course_id for course, _ in told.decisions) == sorted(r["course_id"] for r in rows)
            found.update(decision.reason for _, decision in told.decisions)
    return found


@pytest.mark.parametrize("when", ["2027-06-15 08:00", "2027-06-15 10:00", "2027-06-18 10:00", "2027-06-19 12:00"])
async def test_before_a_pass_it_says_what_the_pass_then_decides(company: Company, when: str) -> None:
    busy(company)
    await company.pulled(when)
    told = await explained(company, company.clock())
    assert told == (await company.one_pass(when)).reasons


async def test_after_a_pass_it_says_what_was_sent(company: Company) -> None:
    busy(company)
    before = (await company.one_pass(f"{DAY} 10:00")).reasons
    after = await explained(company, company.clock())
    assert after[Reason.SEND] == 0
    assert after[Reason.ALREADY_SENT] + after[Reason.GAVE_UP] == before[Reason.SEND] == 3


async def test_while_frozen_it_says_so(company: Company) -> None:
    company.policy = with_freeze(company.policy, first_pass_people=1)
    company.crowd(3)
    report = await company.one_pass(f"{DAY} 10:00")
    assert await explained(company, company.clock()) == report.reasons == {Reason.FROZEN: 3}


async def test_later_than_the_last_pull_it_may_assume_that_pulls_went_on(company: Company) -> None:
    company.crowd(1)
    await company.pulled("2027-06-14 22:00")
    now = local(f"{DAY} 10:00")
    assert await explained(company, now) == {Reason.STALE: 1}
    assert await explained(company, now, assume_pulls=True) == {Reason.SEND: 1}


async def test_whom_nobody_knows_has_no_decisions(company: Company) -> None:
    await company.pulled()
    async with company.workspace() as workspace:
        told = explain_person(workspace.settings, workspace.store, 99, company.clock())
    assert told.decisions == ()
    assert not told.person.active
