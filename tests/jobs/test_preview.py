"""The forecast by what is stored: it says what the passes then do, and does nothing itself."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from bot.deadlines.forecast import quarter
from bot.errors import DeadlineBotError
from bot.jobs.preview import Preview, preview
from bot.jobs.schedule import Ticker
from tests.builders import a_policy, local
from tests.company import Company, slack_id

MONDAY, DAYS = "2027-06-14", 5
PATIENT = {"pull": {"every_minutes": 1440, "stale_after_hours": 168}, "pace": {"posts_per_second": 0}}
Said = tuple[str, str, str]  # when, by UTC's clock; the Slack id; the courses


def busy(company: Company) -> None:
    """People of three continents with several courses each."""
    company.course(1, "Fire").course(2, "Gdpr").course(3, "Ladder", expected_duration=90)
    company.hire(1).assign(1, 1, "2027-06-20").assign(1, 2, "2027-06-18").assign(1, 3, "2027-06-30")
    company.hire(2, zone="Asia/Riyadh", country="SA").assign(2, 1, "2027-06-18").assign(2, 2, "2027-06-10")
    company.hire(3, zone="America/New_York", country="US").assign(3, 1, "2027-06-18").assign(3, 2, "2027-05-01")
    company.hire(4, zone="Asia/Kathmandu", country="NP").assign(4, 1, "2027-06-15").assign(4, 3, "2027-06-21")
    company.hire(5).assign(5, 1, "2027-06-17").assign(5, 2, "2027-02-30")
    somebody = company.slack.users[slack_id(5)]
    somebody.status_emoji, somebody.status_expiration = ":palm_tree:", int(local("2027-06-16 12:00").timestamp())


async def foresee(company: Company, now: str, *, days: int = DAYS) -> Preview:
    """The forecast at this time in Copenhagen."""
    async with company.workspace() as workspace:
        return preview(workspace.settings, workspace.store, local(now), days)


def told(found: Preview) -> set[Said]:
    """The DMs that a forecast foresees."""
    titles = {1: "Fire", 2: "Gdpr", 3: "Ladder"}
    return {
        (
            f"{f.at.astimezone(local(MONDAY).tzinfo):%d %H:%M}",
            f.notice.slack_id,
            "+".join(titles[r.course_id] for r in f.notice.reminders),
        )
        for day in found.days
        for f in day.notices
    }


async def done(company: Company, now: str, until: str, *, approves: bool = False) -> set[Said]:
    """What the running bot then sends, a tick at each quarter of an hour."""
    found: set[Said] = set()
    at = quarter(local(now))
    async with company.workspace() as workspace:
        ticker = Ticker(workspace, on_refused=_fail)
        while at < local(until):
            company.clock.now, before = at, len(company.slack.messages)
            await ticker.tick()
            if approves:
                workspace.store.passes.approve(at, "somebody")
            found |= {(f"{at:%d %H:%M}", m.slack_id, company.titles_in(m)) for m in company.slack.messages[before:]}
            at += timedelta(minutes=15)
        await ticker.drain()
    return found


def _fail(error: DeadlineBotError) -> None:
    raise error


async def test_it_says_what_the_passes_then_do(company: Company) -> None:
    company.policy = a_policy(**PATIENT)
    busy(company)
    await company.one_pass(f"{MONDAY} 08:00")
    found = await foresee(company, f"{MONDAY} 08:00")
    assert told(found) == await done(company, f"{MONDAY} 08:00", "2027-06-19 12:00")
    assert len(told(found)) > 10


async def test_a_day_that_it_marks_freezes_and_goes_on_at_the_tick_after_the_approval(company: Company) -> None:
    company.policy = a_policy(**PATIENT, freeze={"first_pass_people": 2, "busy_pass_people": 1, "busy_pass_percent": 1})
    busy(company)
    for person_id in (6, 7, 8):
        company.hire(person_id).assign(person_id, 1, "2027-06-16")
    await company.pulled(f"{MONDAY} 02:00")
    found = await foresee(company, f"{MONDAY} 02:00")
    assert [f"{day.on:%d}" for day in found.days if day.frozen] == ["14"]
    assert told(found) == await done(company, f"{MONDAY} 02:00", "2027-06-19 02:00", approves=True)


async def test_it_begins_on_the_date_of_the_default_zone(company: Company) -> None:
    company.wishes["default_timezone"] = "Pacific/Auckland"
    company.course(1, "Fire").hire(1).assign(1, 1, "2027-06-15")
    await company.pulled(f"{MONDAY} 08:00")
    found = await foresee(company, f"{MONDAY} 22:00", days=2)
    assert [f"{day.on}" for day in found.days] == ["2027-06-15", "2027-06-16"]
    assert f"{found.today}" == "2027-06-15"


async def test_it_writes_nothing_and_sends_nothing(company: Company) -> None:
    busy(company)
    await company.pulled(f"{MONDAY} 08:00")
    before = company.backed_up().read_bytes()
    assert told(await foresee(company, f"{MONDAY} 08:00"))
    assert company.backed_up().read_bytes() == before
    assert company.dms() == {}


async def test_it_takes_pulls_to_go_on_however_far_it_looks(company: Company) -> None:
    busy(company)
    await company.pulled(f"{MONDAY} 08:00")
    found = await foresee(company, f"{MONDAY} 08:00", days=30)
    assert not [day.on for day in found.days if "stale" in day.held]
    assert {re.sub(" .*", "", at) for at, _, _ in told(found)} >= {"14", "28"}


async def test_without_a_pull_there_is_nothing_to_foresee_by(company: Company) -> None:
    with pytest.raises(ValueError, match="nothing was ever pulled"):
        await foresee(company, f"{MONDAY} 08:00")
