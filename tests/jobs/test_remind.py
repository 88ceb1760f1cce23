"""A whole pass: each person hears, in one DM, exactly what policy.md says of this instant, and only once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.clock import wall
from bot.deadlines.model import Reason
from bot.deadlines.terms import Audience
from bot.demo.slack_state import Answer, Message, Told
from bot.errors import LmsError, PersonNotFound
from bot.jobs.remind import PassReport
from tests.builders import local
from tests.company import DAY, Change, Company, slack_id, with_freeze

NEXT_DAY = "2027-06-16"
Heard = dict[int, str]


def heard(company: Company) -> Heard:
    """By person, what the one DM named. Fails where somebody had several."""
    found = company.heard()
    assert all(len(titles) == 1 for titles in found.values()), found
    return {person_id: titles[0] for person_id, titles in found.items()}


def after_the_first_post(company: Company, change: Change) -> None:
    """Let something happen once, the moment Slack has taken the first DM."""
    happened: list[str] = []

    def happen(kind: Told, _: Message | Answer) -> None:
        if kind == "message" and not happened:
            happened.append(kind)
            change(company)

    company.slack.listen(happen)


# ── who hears what, when ──


def world(company: Company) -> None:
    """A dozen people, each for one rule."""
    company.course(4, "Old", active=0)
    company.hire(1).assign(1, 1, DAY).assign(1, 2, "2027-06-22")
    company.hire(2).assign(2, 2, "2027-06-14")
    company.hire(3, zone="America/New_York", country="US").assign(3, 1, DAY)
    company.hire(4, zone="Asia/Tokyo", country="JP").assign(4, 1, DAY)
    company.hire(5).assign(5, 2, "2027-06-22")
    company.slack.users["U05"].status_emoji = ":palm_tree:"
    company.slack.users["U05"].status_expiration = int(local("2027-06-18 08:00").timestamp())
    company.hire(6, zone="Asia/Riyadh", country="SA").assign(6, 3, "2027-06-20")
    company.hire(7).assign(7, 1, DAY, status="completed", completed_at="2027-06-10 08:00:00")
    company.hire(8).assign(8, 1, DAY, required=0).assign(8, 2, None).assign(8, 3, "2027-02-30").assign(8, 4, DAY)
    company.hire(9, end_of_employment_at="2027-06-14").assign(9, 1, DAY)
    company.hire(10).assign(10, 1, DAY)
    company.eloomi.inactive.add(10)
    company.hire(11).assign(11, 1, DAY)
    del company.slack.users["U011"]
    company.hire(12).assign(12, 1, DAY)
    company.slack.add_user("U012B", email="PERSON12@example.com", name="Another of that address")


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        pytest.param("2027-06-15 04:00", {4: "Fire"}, id="only Tokyo is at work"),
        pytest.param("2027-06-15 09:29", {4: "Fire"}, id="a minute before the hours"),
        pytest.param("2027-06-15 09:30", {1: "Fire+Gdpr", 2: "Gdpr", 4: "Fire"}, id="the hours begin"),
        pytest.param("2027-06-15 10:00", {1: "Fire+Gdpr", 2: "Gdpr"}, id="17:00 in Tokyo is no longer"),
        pytest.param("2027-06-15 16:59", {1: "Fire+Gdpr", 2: "Gdpr", 3: "Fire"}, id="New York has begun"),
        pytest.param("2027-06-15 17:00", {3: "Fire"}, id="the hours are over"),
        pytest.param("2027-06-17 10:00", {1: "Fire", 2: "Gdpr", 6: "Ladder"}, id="before a Friday and Saturday off"),
        pytest.param("2027-06-18 10:00", {1: "Gdpr", 5: "Gdpr"}, id="back from leave; no nag on a Friday"),
        pytest.param("2027-06-19 10:00", {}, id="a Saturday"),
        pytest.param("2027-06-20 10:00", {6: "Ladder"}, id="a Sunday is worked in Riyadh"),
    ],
)  # fmt: skip
async def test_each_hears_exactly_what_is_due_at_this_instant_and_only_once(
    company: Company, when: str, expected: Heard
) -> None:
    world(company)
    first = await company.one_pass(when)
    assert heard(company) == expected
    assert (first.planned, first.sent, first.failed, first.unknown) == (len(expected), len(expected), 0, 0)
    second = await company.one_pass()
    assert heard(company) == expected
    assert (second.planned, second.sent) == (0, 0)


async def test_every_assignment_has_one_reason(company: Company) -> None:
    world(company)
    report = await company.one_pass(f"{DAY} 10:00")
    assert sum(report.reasons.values()) == len(company.eloomi.participants)
    assert dict(report.reasons) == {
        Reason.COMPLETED: 1,
        Reason.NOT_REQUIRED: 1,
        Reason.COURSE_INACTIVE: 1,
        Reason.PERSON_INACTIVE: 2,
        Reason.NO_DEADLINE: 1,
        Reason.INVALID_DEADLINE: 1,
        Reason.NO_SLACK_MATCH: 2,
        Reason.NOT_DUE_YET: 1,
        Reason.OUTSIDE_HOURS: 2,
        Reason.AWAY: 1,
        Reason.SEND: 3,
    }


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2027-05-14 12:00", {1: "Fire", 2: "Fire"}),
        ("2027-05-17 12:00", {2: "Fire"}),
    ],
)
async def test_a_public_holiday_is_a_day_off_in_its_own_country(company: Company, when: str, expected: Heard) -> None:
    whit_monday = "2027-05-17"
    company.hire(1, country="Denmark").assign(1, 1, whit_monday)
    company.hire(2, zone="Europe/London", country="GB").assign(2, 1, whit_monday)
    await company.one_pass(when)
    assert heard(company) == expected


async def test_nobody_is_told_after_leaving_but_everybody_on_the_last_day(company: Company) -> None:
    company.hire(1, end_of_employment_at=DAY).assign(1, 1, DAY)
    company.hire(2, end_of_employment_at="2027-06-14").assign(2, 1, DAY)
    await company.one_pass(f"{DAY} 10:00")
    assert heard(company) == {1: "Fire"}


async def test_outside_the_audience_nobody_hears(company: Company) -> None:
    company.crowd(3)
    company.policy = replace(company.policy, audience=Audience(emails=("Person2@Example.com",)))
    report = await company.one_pass(f"{DAY} 10:00")
    assert heard(company) == {2: "Fire"}
    assert report.reasons[Reason.NOT_IN_AUDIENCE] == 2


async def test_a_course_that_appears_after_the_days_dm_waits_for_the_next_day(company: Company) -> None:
    company.hire(1).assign(1, 1, "2027-06-22")
    await company.one_pass(f"{DAY} 10:00")
    company.assign(1, 2, "2027-06-17")
    report = await company.one_pass(f"{DAY} 11:00")
    assert report.reasons[Reason.CAPPED] == 1
    await company.one_pass(f"{NEXT_DAY} 10:00")
    assert company.heard() == {1: ["Fire", "Gdpr"]}


async def test_a_first_pass_after_an_outage_names_all_that_is_open_once(company: Company) -> None:
    company.hire(1).assign(1, 1, "2027-06-10").assign(1, 2, "2027-06-16").assign(1, 3, "2027-05-20")
    await company.one_pass(f"{DAY} 10:00")
    await company.one_pass(f"{DAY} 10:15")
    assert company.heard() == {1: ["Ladder+Fire+Gdpr"]}


async def test_a_person_in_another_language_is_written_to_in_it(company: Company) -> None:
    company.hire(1, locale="da-DK").assign(1, 1, DAY)
    await company.one_pass(f"{DAY} 10:00")
    assert "tirsdag den 15. juni 2027" in company.message(1).text


# ── rehearsal ──


def files(folder: Path) -> dict[str, bytes]:
    """Everything in a folder, save what SQLite itself lays beside a file that it reads."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix not in (".db-wal", ".db-shm")}


def gist(report: PassReport) -> tuple[object, ...]:
    """What a rehearsal and the pass have in common."""
    return (report.planned, dict(report.reasons), report.frozen, report.pulled and report.pulled.assignments)


@pytest.mark.parametrize("earlier", [None, "2027-06-14 10:00"], ids=["no store", "a store"])
async def test_a_rehearsal_plans_the_same_and_changes_nothing(company: Company, earlier: str | None) -> None:
    world(company)
    if earlier:
        await company.one_pass(earlier)
    before, told = files(company.folder), len(company.slack.posts)
    rehearsed = await company.rehearsed(f"{DAY} 10:00")
    assert (files(company.folder), len(company.slack.posts)) == (before, told)
    assert not company.slack.calls["chat.update"]
    assert gist(rehearsed) == gist(await company.one_pass())
    assert len(company.slack.posts) - told == rehearsed.planned > 0


async def test_a_rehearsal_says_that_the_pass_would_freeze(company: Company) -> None:
    company.crowd(4)
    company.policy = with_freeze(company.policy, first_pass_people=3)
    rehearsed = await company.rehearsed(f"{DAY} 10:00")
    assert "4 people" in (rehearsed.frozen or "")
    assert files(company.folder) == {}


# ── just completed ──


async def test_who_finished_between_pull_and_post_is_not_reminded(company: Company) -> None:
    company.crowd(2)
    await company.one_pass(f"{DAY} 08:00")
    company.finish(1, 1)
    report = await company.one_pass(f"{DAY} 09:30", pulls=False)
    assert heard(company) == {2: "Fire"}
    assert (report.planned, report.sent) == (2, 1)


async def test_a_look_within_ten_minutes_is_recent_enough(company: Company) -> None:
    company.crowd(1)
    await company.one_pass(f"{DAY} 09:21")
    asked = len(company.eloomi.requests)
    await company.one_pass(f"{DAY} 09:30", pulls=False)
    assert heard(company) == {1: "Fire"}
    assert len(company.eloomi.requests) == asked


async def test_in_a_long_pass_courses_are_looked_at_again(company: Company) -> None:
    company.crowd(6)

    def much_later(company: Company) -> None:
        company.clock.now += timedelta(minutes=11)
        company.finish(6, 1)

    after_the_first_post(company, much_later)
    await company.one_pass(f"{DAY} 10:00")
    assert heard(company) == dict.fromkeys(range(1, 6), "Fire")


async def test_where_the_second_look_fails_nothing_more_is_sent(company: Company) -> None:
    company.crowd(6)
    await company.one_pass(f"{DAY} 08:00")
    company.eloomi.down = True
    report = await company.one_pass(f"{DAY} 09:30", pulls=False)
    assert isinstance(report.problem, LmsError)
    assert (report.sent, company.slack.posts) == (0, [])
    company.eloomi.down = False
    await company.one_pass(f"{DAY} 10:00")
    assert heard(company) == dict.fromkeys(range(1, 7), "Fire")


async def test_a_pull_that_fails_in_a_long_pass_keeps_what_was_sent(company: Company) -> None:
    company.crowd(6)

    def lost(company: Company) -> None:
        company.clock.now += timedelta(minutes=11)
        company.eloomi.down = True

    after_the_first_post(company, lost)
    report = await company.one_pass(f"{DAY} 10:00")
    assert isinstance(report.problem, LmsError)
    assert 1 <= report.sent < 6
    company.eloomi.down = False
    await company.one_pass(f"{DAY} 11:00")
    assert heard(company) == dict.fromkeys(range(1, 7), "Fire")


async def test_when_the_hours_end_during_a_pass_the_rest_is_not_sent(company: Company) -> None:
    company.crowd(6, deadline="2027-06-23")

    def evening(company: Company) -> None:
        company.clock.now = local(f"{NEXT_DAY} 17:00")

    after_the_first_post(company, evening)
    report = await company.one_pass(f"{NEXT_DAY} 16:59")
    assert 1 <= report.sent <= 4, "no more than were under way"
    assert report.problem is None
    await company.one_pass("2027-06-17 10:00")
    assert heard(company) == dict.fromkeys(range(1, 7), "Fire")


# ── earlier DMs stay true ──


def finished(company: Company) -> None:
    company.finish(1, 1)


def moved(company: Company) -> None:
    company.row(1, 1)["deadline"] = "2027-07-20"


def not_required(company: Company) -> None:
    company.row(1, 1)["required"] = 0


def withdrawn(company: Company) -> None:
    company.eloomi.participants.remove(company.row(1, 1))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (finished, "Fire – ✅ finished"),
        (moved, "Fire – its deadline has moved to Tuesday 20 July 2027"),
        (not_required, "Fire – no longer required of you"),
        (withdrawn, "Fire – no longer required of you"),
    ],
)
async def test_an_earlier_dm_is_edited_once_to_stay_true(company: Company, change: Change, says: str) -> None:
    company.hire(1).assign(1, 1, "2027-06-22").assign(1, 2, "2027-06-22")
    await company.one_pass(f"{DAY} 10:00")
    message = company.message(1)
    change(company)
    for hour in (11, 12, 13):
        await company.one_pass(f"{DAY} {hour}:00")
    assert len(message.edits) == 1
    assert says in message.text
    assert "Gdpr – due Tuesday 22 June 2027" in message.text
    assert message.metadata is not None
    assert company.heard() == {1: ["Fire+Gdpr"]}


async def test_a_moved_deadline_earns_a_fresh_reminder(company: Company) -> None:
    company.hire(1).assign(1, 1, "2027-06-22")
    await company.one_pass(f"{DAY} 10:00")
    company.row(1, 1)["deadline"] = "2027-06-23"
    await company.one_pass(f"{DAY} 11:00")
    assert company.heard() == {1: ["Fire"]}
    await company.one_pass(f"{NEXT_DAY} 10:00")
    await company.one_pass(f"{NEXT_DAY} 11:00")
    assert company.heard() == {1: ["Fire", "Fire"]}


async def test_an_lms_that_rewrites_assigned_at_earns_none(company: Company) -> None:
    company.hire(1).assign(1, 1, "2027-06-22")
    await company.one_pass(f"{DAY} 10:00")
    company.row(1, 1).update(assigned_at="2027-06-15 08:30:00", renewal_at="2028-06-15")
    for day in (DAY, NEXT_DAY):
        await company.one_pass(f"{day} 11:00")
    assert company.heard() == {1: ["Fire"]}


@pytest.mark.parametrize("rewritten", [True, False])
async def test_an_lms_that_rewrites_assigned_at_every_night_silences_no_nag(
    company: Company, *, rewritten: bool
) -> None:
    """Due on Wednesday 16 June, first seen that evening: overdue-1, overdue-3 and overdue-7, as if it were not."""
    company.hire(1).assign(1, 1, "2027-06-16", assigned_at="2027-05-01 08:00:00")
    await company.pulled("2027-06-16 18:00")
    told = []
    for day in range(17, 30):
        if rewritten:
            company.row(1, 1)["assigned_at"] = f"2027-06-{day} 01:00:00"
        before = len(company.slack.messages)
        await company.one_pass(f"2027-06-{day} 10:00")
        told += [day] * (len(company.slack.messages) - before)
    assert told == [17, 21, 28]


async def test_an_edit_that_slack_refuses_for_good_is_not_tried_again(company: Company) -> None:
    company.hire(1).assign(1, 1, "2027-06-22")
    await company.one_pass(f"{DAY} 10:00")
    company.finish(1, 1)
    company.slack.fault_next("edit_window_closed", "chat.update")
    for hour in (11, 12):
        assert (await company.one_pass(f"{DAY} {hour}:00")).problem is None
    assert company.slack.calls["chat.update"] == 1


async def test_an_edit_without_an_answer_is_made_at_the_next_pass(company: Company) -> None:
    company.hire(1).assign(1, 1, "2027-06-22")
    await company.one_pass(f"{DAY} 10:00")
    company.finish(1, 1)
    company.slack.fault_next("500", "chat.update", times=3)
    await company.one_pass(f"{DAY} 11:00")
    assert company.message(1).edits == []
    await company.one_pass(f"{DAY} 12:00")
    assert "✅" in company.message(1).text


# ── whom Slack refuses ──


async def test_whom_slack_refuses_is_counted_tried_once_a_day_and_stops_nobody(company: Company) -> None:
    company.crowd(3, deadline="2027-06-23")
    company.slack.faults_for["U02"] = ["channel_not_found", "channel_not_found"]
    report = await company.one_pass(f"{NEXT_DAY} 10:00")
    assert (report.planned, report.sent, report.failed, report.problem) == (3, 2, 1, None)
    again = await company.one_pass(f"{NEXT_DAY} 11:00")
    assert again.reasons[Reason.UNDELIVERABLE] == 1
    assert len(company.slack.posts) == 3
    assert (await company.one_pass("2027-06-17 10:00")).failed == 1
    assert (await company.one_pass("2027-06-18 10:00")).sent == 1
    assert heard(company) == dict.fromkeys((1, 2, 3), "Fire")


# ── the safety freeze ──


async def approve(company: Company) -> str | None:
    async with company.workspace() as workspace:
        return workspace.store.passes.approve(wall(), "test")


async def test_a_first_pass_to_too_many_is_frozen_until_it_is_approved(company: Company) -> None:
    company.crowd(4)
    company.policy = with_freeze(company.policy, first_pass_people=3)
    for hour in (10, 11):
        report = await company.one_pass(f"{DAY} {hour}:00")
        assert "4 people" in (report.frozen or "")
        assert (report.sent, report.reasons[Reason.FROZEN]) == (0, 4)
    assert company.slack.posts == []
    assert await approve(company)
    assert company.slack.posts == [], "an approval sends nothing itself"
    report = await company.one_pass(f"{DAY} 12:00")
    assert (report.frozen, report.sent) == (None, 4)
    assert heard(company) == dict.fromkeys(range(1, 5), "Fire")
    assert await approve(company) is None


async def test_exactly_the_limit_is_not_too_many(company: Company) -> None:
    company.crowd(3)
    company.policy = with_freeze(company.policy, first_pass_people=3)
    assert (await company.one_pass(f"{DAY} 10:00")).sent == 3


async def test_a_pass_far_larger_than_usual_is_frozen(company: Company) -> None:
    company.policy = with_freeze(company.policy, busy_pass_people=2, shrink_people_percent=0)
    company.hire(1).assign(1, 1, DAY)
    assert (await company.one_pass(f"{DAY} 10:00")).sent == 1
    for person_id in range(2, 6):
        company.hire(person_id).assign(person_id, 1, NEXT_DAY)
    report = await company.one_pass(f"{NEXT_DAY} 10:00")
    assert "5 of 5 people" in (report.frozen or "")
    assert company.dms() == {1: 1}
    await approve(company)
    assert (await company.one_pass(f"{NEXT_DAY} 11:00")).sent == 5


async def test_without_a_pull_a_frozen_pass_stays_frozen(company: Company) -> None:
    company.crowd(4)
    company.policy = with_freeze(company.policy, first_pass_people=3)
    await company.one_pass(f"{DAY} 10:00")
    report = await company.one_pass(f"{DAY} 10:15", pulls=False)
    assert report.frozen
    assert company.slack.posts == []


# ── one person, one copy, old data ──


@pytest.mark.parametrize("wanted", ["2", "U02", "Person2@EXAMPLE.com"])
async def test_only_one_person_is_reminded_where_that_is_asked_for(company: Company, wanted: str) -> None:
    company.crowd(3)
    report = await company.one_pass(f"{DAY} 10:00", only=wanted)
    assert heard(company) == {2: "Fire"}
    assert (report.planned, report.sent) == (1, 1)
    await company.one_pass(f"{DAY} 10:15")
    assert heard(company) == dict.fromkeys((1, 2, 3), "Fire")


async def test_nobody_hears_where_the_one_person_is_unknown(company: Company) -> None:
    company.crowd(3)
    with pytest.raises(PersonNotFound):
        await company.one_pass(f"{DAY} 10:00", only="nobody@example.com")
    assert company.slack.posts == []


async def test_by_data_older_than_six_hours_nothing_is_sent(company: Company) -> None:
    company.crowd(1)
    await company.one_pass(f"{DAY} 03:29")
    report = await company.one_pass(f"{DAY} 09:30", pulls=False)
    assert report.reasons == {Reason.STALE: 1}
    assert company.slack.posts == []


async def test_between_pulls_only_those_are_read_whose_time_has_come(company: Company) -> None:
    company.hire(1).assign(1, 1, DAY)
    company.hire(2, zone="America/New_York", country="US").assign(2, 1, DAY)
    await company.one_pass(f"{DAY} 09:00")
    report = await company.one_pass(f"{DAY} 09:30", pulls=False)
    assert report.reasons == {Reason.SEND: 1}
    assert heard(company) == {1: "Fire"}
    await company.one_pass(f"{DAY} 09:45", pulls=False)
    report = await company.one_pass(f"{DAY} 10:00", pulls=False)
    assert report.reasons == {}, "what was sent is looked at once more, and then not again"


async def test_a_dms_metadata_says_nothing_personal(company: Company) -> None:
    company.crowd(1)
    await company.one_pass(f"{DAY} 10:00")
    metadata = company.message(1).metadata
    assert metadata is not None
    assert metadata["event_type"] == "deadline_reminder"
    assert set(metadata["event_payload"]) == {"notice", "reminders"}
    assert len(metadata["event_payload"]["reminders"]) == 1
    assert not any(told in str(metadata) for told in ("Fire", "example.com", slack_id(1), DAY))
