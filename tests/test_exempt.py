"""`exempt` and `unexempt`, end to end: who is exempted hears nothing, until the day is past or the exemption ended."""

from __future__ import annotations

from contextlib import closing
from datetime import date, timedelta

import pytest

from bot.clock import wall
from bot.deadlines.model import Exemption, Reason
from bot.errors import CourseNotFound, UsageError
from bot.jobs.exempt import Exempted, exempt, last_day, unexempt
from bot.jobs.explain import explain_person
from bot.jobs.remind import remind, sending
from bot.slack.words import words
from bot.store import State
from bot.store.sqlite_store import need_existing
from tests.company import DAY, Company, Ended

BEFORE = "2027-06-14 12:00"  # a Monday; what is due on DAY, a Tuesday, was warned of by then


async def on_leave(
    company: Company, person_id: int = 1, course_id: int | None = None, until: str | None = None
) -> Exempted:
    """An admin exempts this person, at the instant that the company's clock shows."""
    with closing(need_existing(company.database)) as store:
        now, until_on = company.clock(), date.fromisoformat(until) if until else None
        return exempt(company.settings(), store, str(person_id), course_id, until_on, now=now, by="test")


async def back(company: Company, person_id: int = 1, course_id: int | None = None) -> Exempted:
    """And ends that."""
    with closing(need_existing(company.database)) as store:
        return unexempt(company.settings(), store, str(person_id), course_id, now=company.clock(), by="test")


async def reasons(company: Company, person_id: int = 1) -> dict[int, str]:
    """What `explain` says of each course at the instant that the clock shows."""
    async with company.workspace() as workspace:
        found = explain_person(workspace.settings, workspace.store, person_id, company.clock())
        return {course.course_id: decision.reason.value for course, decision in found.decisions}


# ── what comes of it ──


async def test_who_is_exempt_hears_nothing_until_the_day_is_past_and_is_reminded_on_the_next_working_day(
    company: Company,
) -> None:
    company.crowd(2)
    await company.pulled(BEFORE)
    await on_leave(company, 1, until="2027-06-18")
    for day in ("2027-06-15", "2027-06-16", "2027-06-18"):
        await company.one_pass(f"{day} 10:00")
    assert company.heard()[2]
    assert 1 not in company.heard()
    weekend = await company.one_pass("2027-06-19 10:00")
    assert weekend.reasons[Reason.EXEMPT] == 0
    assert 1 not in company.heard()
    await company.one_pass("2027-06-21 10:00")
    assert company.heard()[1] == ["Fire"]


async def test_a_tick_without_a_pull_reminds_once_the_exemption_is_over(company: Company) -> None:
    company.crowd(1, deadline="2027-06-30")
    await company.pulled("2027-06-23 08:00")
    await on_leave(company, 1, until="2027-06-23")
    await company.one_pass("2027-06-23 10:00")
    await company.pulled("2027-06-24 09:00")
    await company.one_pass("2027-06-24 09:15", pulls=False)
    assert company.heard() == {}
    await company.one_pass("2027-06-24 09:30", pulls=False)
    assert company.heard() == {1: ["Fire"]}


async def test_a_tick_without_a_pull_reminds_when_the_exemption_was_ended(company: Company) -> None:
    company.crowd(1)
    await company.pulled(BEFORE)
    await on_leave(company)
    await company.one_pass(f"{DAY} 10:00")
    company.at(f"{DAY} 10:05")
    await back(company)
    await company.one_pass(f"{DAY} 10:15", pulls=False)
    assert company.heard() == {1: ["Fire"]}


async def test_from_one_course_it_leaves_the_others(company: Company) -> None:
    company.hire(1).assign(1, 1, DAY).assign(1, 2, DAY)
    await company.pulled(BEFORE)
    await on_leave(company, course_id=1)
    await company.one_pass(f"{DAY} 10:00")
    assert company.heard() == {1: ["Gdpr"]}
    assert await reasons(company) == {1: "exempt", 2: "already_sent"}
    await back(company, course_id=1)
    await company.one_pass("2027-06-16 10:00")
    assert company.heard() == {1: ["Gdpr", "Fire+Gdpr"]}


async def test_whoever_is_exempted_between_plan_and_post_hears_nothing_though_the_sender_has_the_lease(
    company: Company,
) -> None:
    company.crowd(3)

    def exempt_the_next(*_: object) -> None:
        if len(company.slack.messages) == 1:
            with closing(need_existing(company.database)) as store:
                exempt(company.settings(), store, "2", None, None, now=company.clock(), by="test")

    company.slack.listen(exempt_the_next)
    report = await company.one_pass(f"{DAY} 10:00")
    assert company.dms() == {1: 1, 3: 1}
    assert (report.sent, report.problem) == (2, None)
    assert await company.state() == {State.SENT: 2, State.DROPPED: 1}
    assert await reasons(company, 2) == {1: "exempt"}


async def test_a_course_exempted_between_plan_and_post_is_left_out_of_the_dm(company: Company) -> None:
    company.crowd(1).hire(2).assign(2, 1, DAY).assign(2, 2, DAY)

    def exempt_the_next(*_: object) -> None:
        if len(company.slack.messages) == 1:
            with closing(need_existing(company.database)) as store:
                exempt(company.settings(), store, "2", 1, None, now=company.clock(), by="test")

    company.slack.listen(exempt_the_next)
    await company.one_pass(f"{DAY} 10:00")
    assert company.heard() == {1: ["Fire"], 2: ["Gdpr"]}


async def test_a_planned_notice_of_a_frozen_pass_is_not_sent_to_who_was_exempted_before_the_approval(
    company: Company,
) -> None:
    company.policy_text += "[freeze]\nfirst_pass_people = 1\n"
    company.crowd(2)
    at_ten = ("--now", f"{DAY}T10:00:00+02:00")
    assert (await company.called("remind", *at_ten)).code == 3
    assert (await company.called("exempt", "1")).code == 0
    assert (await company.called("approve")).code == 0
    assert (await company.called("remind", *at_ten)).code == 0
    assert company.dms() == {2: 1}


async def test_the_reason_in_words_names_the_last_day_and_the_day_after(company: Company) -> None:
    company.crowd(1)
    await company.pulled(BEFORE)
    await on_leave(company, until="2027-06-18")
    async with company.workspace() as workspace:
        found = explain_person(workspace.settings, workspace.store, 1, company.clock())
    ((course, decision),) = found.decisions
    said = found.in_words(words("en"), course, decision)
    assert "up to and including Friday 18 June 2027" in said
    assert "Monday 21 June 2027" in said


# ── what is checked ──


@pytest.mark.parametrize("until", ["2027-06-14", "2027-06-15", "9999-12-31"])
async def test_the_last_day_may_be_today_in_the_persons_own_zone_or_later(company: Company, until: str) -> None:
    company.hire(1, zone="Pacific/Honolulu", country="US").assign(1, 1, DAY)
    await company.pulled(f"{DAY} 10:00")  # still the 14th in Honolulu
    found = await on_leave(company, until=until)
    assert found.holds == (Exemption(until_on=date.fromisoformat(until)),)


async def test_a_last_day_that_is_past_for_the_person_is_refused(company: Company) -> None:
    company.hire(1, zone="Pacific/Kiritimati", country="KI").assign(1, 1, DAY)
    await company.pulled(f"{DAY} 12:30")  # the 16th already on Kiritimati
    with pytest.raises(UsageError, match="2027-06-16"):
        await on_leave(company, until="2027-06-15")
    assert (await back(company)).ended == ()


async def test_a_course_that_was_never_pulled_is_refused(company: Company) -> None:
    company.crowd(1)
    await company.pulled(BEFORE)
    with pytest.raises(CourseNotFound, match="99"):
        await on_leave(company, course_id=99)


@pytest.mark.parametrize(
    "text",
    [
        "tomorrow",
        "2027-02-30",
        "20270615",
        "2027-W24-2",
        "2027-6-15",
        "15-06-2027",
        "٢٠٢٧-٠١-٠١",
        " 2027-06-15",
        "",
        "2027-06-15\n",
    ],
)
def test_a_last_day_is_a_real_day_in_the_one_form(text: str) -> None:
    with pytest.raises(UsageError, match="--until"):
        last_day(text)


# ── the command line ──

FAR = "2999-12-31"


def said(done: Ended) -> str:
    """The one line of a command that went well."""
    assert (done.code, done.err) == (0, "")
    (line,) = done.out.splitlines()
    return line


def failed(done: Ended, code: int) -> str:
    """The one plain line of a failure."""
    assert (done.code, done.out) == (code, "")
    (line,) = done.err.splitlines()
    return line


async def test_what_now_holds_is_said_in_one_sentence(company: Company) -> None:
    company.crowd(1)
    await company.pulled(BEFORE)
    run = company.called
    assert said(await run("exempt", "person1@EXAMPLE.com")) == "LMS 1 is exempt from every course without an end."
    assert said(await run("exempt", "U01")) == "Nothing new: LMS 1 is exempt from every course without an end."
    assert said(await run("exempt", "1", "--until", FAR)) == (
        f"LMS 1 is exempt from every course up to and including {FAR}."
    )
    assert said(await run("exempt", "1", "--course", "2")) == (
        f"LMS 1 is exempt from every course up to and including {FAR} and from course 2 without an end."
    )
    assert said(await run("unexempt", "1", "--course", "3")) == (
        "There was no such exemption to end: "
        f"LMS 1 is exempt from every course up to and including {FAR} and from course 2 without an end."
    )
    assert said(await run("unexempt", "1", "--course", "2")) == (
        "LMS 1 was exempt from course 2 without an end; that has ended, "
        f"and now they are exempt from every course up to and including {FAR}."
    )
    assert said(await run("unexempt", "1")) == (
        f"LMS 1 was exempt from every course up to and including {FAR}; that has ended, "
        "and now they are not exempt from any course."
    )
    assert said(await run("unexempt", "1")) == (
        "There was no such exemption to end: LMS 1 is not exempt from any course."
    )


async def test_it_needs_no_token_and_no_lease(company: Company) -> None:
    company.crowd(1)
    await company.pulled(BEFORE)
    nothing = dict.fromkeys(("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "ELOOMI_CLIENT_ID", "ELOOMI_CLIENT_SECRET"))
    async with company.workspace() as workspace, sending(workspace):
        assert workspace.lease.held
        assert "is exempt" in said(await company.called("exempt", "1", **nothing))
        report = await remind(workspace, company.at(f"{DAY} 10:00"))
        assert "has ended" in said(await company.called("unexempt", "1", **nothing))
    assert report.reasons == {Reason.EXEMPT: 1}
    assert company.heard() == {}


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["1", "--until", "2020-01-31"], 2, "is past"),
        (["1", "--until", "2027-02-30"], 2, "is no day"),
        (["nobody@example.com"], 1, "Nobody matches"),
        (["1", "--course", "99"], 1, "No course 99"),
        (["1", "--course", "0"], 2, "--course"),
        (["1", "--course", "one"], 2, "--course"),
        (["1", "--course", str(2**63)], 2, "--course"),
        ([], 2, "PERSON"),
    ],
    ids=lambda value: " ".join(value) or "nothing" if isinstance(value, list) else "",
)
async def test_what_makes_no_sense_is_one_line_and_changes_nothing(
    company: Company, arguments: list[str], code: int, says: str
) -> None:
    company.crowd(1)
    await company.pulled(BEFORE)
    assert says in failed(await company.called("exempt", *arguments), code)
    assert "no such exemption" in said(await company.called("unexempt", "1"))


@pytest.mark.parametrize("command", ["exempt", "unexempt"])
async def test_an_empty_store_says_that_it_is_empty(company: Company, command: str) -> None:
    assert "empty" in failed(await company.called(command, "1"), 1)
    assert not company.database.exists()


async def test_yesterday_by_the_persons_clock_is_past_and_today_is_not(company: Company) -> None:
    company.hire(1, zone="UTC", country="DK").assign(1, 1, DAY)
    await company.pulled(BEFORE)
    now = wall()
    assert "is past" in failed(await company.called("exempt", "1", "--until", f"{now - timedelta(days=2):%Y-%m-%d}"), 2)
    assert "is exempt" in said(await company.called("exempt", "1", "--until", f"{now + timedelta(days=1):%Y-%m-%d}"))


async def test_reminders_of_other_people_go_on(company: Company) -> None:
    company.crowd(3)
    await company.pulled(BEFORE)
    await on_leave(company, 2)
    report = await company.one_pass(f"{DAY} 10:00")
    assert company.dms() == {1: 1, 3: 1}
    assert report.reasons == {Reason.EXEMPT: 1, Reason.SEND: 2}
