"""What admins are told: each thing once, or daily, by their own clock; and nothing where there are none."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.clock import wall
from bot.deadlines.model import Reason
from bot.errors import SlackRefused, StoreError
from bot.jobs.admins import LINES_MOST, shared_out, tell_admins
from bot.jobs.aside import aside
from bot.jobs.remind import PassReport, remind, sending
from bot.slack.messages import digest_metadata
from bot.store import Hitch, Store
from tests.builders import on
from tests.company import DAY, Company, with_freeze
from tests.jobs.admins import ADA, BO, appoint, letters, told

WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, MONDAY = ("2027-06-16", "2027-06-17", "2027-06-18", "2027-06-19", "2027-06-21")
HELD = "Reminders are held since Tuesday 15 June 2027, "


def froze(company: Company, people: int = 4) -> None:
    """A first pass to more than three people: it freezes."""
    company.crowd(people)
    company.policy = with_freeze(company.policy, first_pass_people=3)


async def approved(company: Company) -> None:
    async with company.workspace() as workspace:
        assert workspace.store.passes.approve(wall(), "test")


async def day_approved(company: Company, day: str) -> None:
    async with company.workspace() as workspace:
        workspace.store.passes.approve_day(on(day), wall(), "test")


# ── nobody ──


async def test_where_there_are_no_admins_nobody_is_told_and_nothing_is_worked_out(company: Company) -> None:
    froze(company)
    company.assign(1, 2, "2027-02-30")
    await company.one_pass(f"{DAY} 10:00")
    assert company.slack.posts == []
    async with company.workspace() as workspace:
        await tell_admins(workspace, company.clock.now)
        assert workspace.store.letters.last("forecast", ADA) is None


async def test_a_deactivated_admin_is_not_written_to(company: Company) -> None:
    appoint(company, ADA, BO)
    company.slack.users[ADA].deleted = True
    froze(company)
    await company.one_pass(f"{DAY} 10:00")
    assert (letters(company), len(letters(company, BO))) == ([], 1)


@pytest.mark.parametrize("how", ["only", "rehearsed"])
async def test_a_pass_for_one_person_and_a_rehearsal_tell_nobody_anything(company: Company, how: str) -> None:
    appoint(company, ADA)
    company.hire(1).assign(1, 1, DAY).assign(1, 2, "2027-02-30")
    await (company.one_pass(f"{DAY} 10:00", only="1") if how == "only" else company.rehearsed(f"{DAY} 10:00"))
    assert letters(company) == []


# ── a freeze ──


async def test_a_freeze_is_told_at_once_with_its_figures_and_what_to_do(company: Company) -> None:
    appoint(company, ADA)
    froze(company)
    report = await company.one_pass(f"{DAY} 04:00")
    assert report.frozen is None
    report = await company.one_pass(f"{DAY} 09:30")
    assert (report.frozen is None, report.problem) == (False, None)
    (message,) = letters(company)
    assert message.text.startswith("*Reminders are held* since Tuesday 15 June 2027, 09:30: nobody")
    assert "the first pass of this installation would write to 4 people (freeze.first_pass_people = 3)" in message.text
    assert "press Approve, or run `deadline-bot approve`" in message.text
    assert company.slack.violations == []


async def test_a_freeze_in_the_night_is_told_in_the_night(company: Company) -> None:
    appoint(company, ADA)
    company.crowd(20, deadline="2027-09-01")
    await company.one_pass("2027-06-15 02:00")
    for person_id in range(1, 11):
        company.eloomi.users.pop(person_id)
    await company.one_pass("2027-06-15 03:00")
    (message,) = letters(company)
    assert "there were 20 people, and now there are 10 (freeze.shrink_people_percent = 20)" in message.text
    assert "there were 20 assignments" not in message.text
    assert "the earlier data is kept" in message.text


async def test_a_freeze_is_told_once_a_day_from_half_past_nine_while_it_lasts(company: Company) -> None:
    appoint(company, ADA)
    froze(company)
    seen = []
    for when in (f"{DAY} 11:00", f"{DAY} 12:00", f"{DAY} 23:45", f"{WEDNESDAY} 00:15", f"{WEDNESDAY} 09:15",
                 f"{WEDNESDAY} 09:30", f"{WEDNESDAY} 16:00", f"{THURSDAY} 10:00", f"{SATURDAY} 09:30"):  # fmt: skip
        await company.one_pass(when)
        seen.append(len(letters(company)))
    assert seen == [1, 1, 1, 1, 1, 2, 2, 3, 4]
    assert told(company) == [f"{HELD}11"] * 4


async def test_two_admins_are_told_daily_by_their_own_clocks(company: Company) -> None:
    appoint(company, ADA)
    appoint(company, BO, zone="America/New_York")
    froze(company)
    seen = []
    for when in (f"{DAY} 12:00", f"{WEDNESDAY} 09:30", f"{WEDNESDAY} 15:15", f"{WEDNESDAY} 15:30"):
        await company.one_pass(when)
        seen.append((len(letters(company)), len(letters(company, BO))))
    assert seen == [(1, 1), (2, 1), (2, 1), (2, 2)]
    assert "since Tuesday 15 June 2027, 06:00" in letters(company, BO)[0].text


@pytest.mark.parametrize(
    ("locale", "said"),
    [("da-DK", "Påmindelser holdes tilbage"), ("de-DE", "Erinnerungen werden"), ("xx", "Erinnerungen werden")],
)
async def test_an_admin_is_told_in_the_language_of_their_slack(company: Company, locale: str, said: str) -> None:
    company.wishes["default_language"] = "de"
    appoint(company, ADA, locale=locale)
    froze(company)
    await company.one_pass(f"{DAY} 10:00")
    (message,) = letters(company)
    assert said in message.text
    assert "would" not in message.text


async def test_an_approved_freeze_is_told_no_more_and_the_next_one_at_once(company: Company) -> None:
    appoint(company, ADA)
    company.policy = with_freeze(company.policy, busy_pass_people=2, first_pass_people=3, shrink_people_percent=0)
    company.crowd(4)
    await company.one_pass(f"{DAY} 10:00")
    await approved(company)
    await company.one_pass(f"{DAY} 10:15")
    assert len(company.dms()) == 5
    await company.one_pass(f"{WEDNESDAY} 10:00")
    assert len(letters(company)) == 1
    for person_id in range(11, 31):
        company.hire(person_id).assign(person_id, 1, WEDNESDAY)
    await company.one_pass(f"{WEDNESDAY} 11:00")
    assert told(company) == [f"{HELD}10", "Reminders are held since Wednesday 16 June 2027, 11"]


async def test_a_freeze_that_ended_by_itself_is_told_no_more(company: Company) -> None:
    appoint(company, ADA)
    company.crowd(20, deadline="2027-09-01")
    await company.one_pass(f"{DAY} 10:00")
    gone = {person_id: company.eloomi.users.pop(person_id) for person_id in range(1, 11)}
    await company.one_pass(f"{DAY} 11:00")
    company.eloomi.users.update(gone)
    await company.one_pass(f"{DAY} 12:00")
    await company.one_pass(f"{WEDNESDAY} 10:00")
    assert told(company) == [f"{HELD}11"]


async def test_a_second_freeze_beside_the_first_is_told_at_once_and_the_end_of_one_is_not(company: Company) -> None:
    appoint(company, ADA)
    froze(company, 20)
    await company.one_pass(f"{DAY} 10:00")
    gone = {person_id: company.eloomi.users.pop(person_id) for person_id in range(1, 11)}
    await company.one_pass(f"{DAY} 11:00")
    assert len(letters(company)) == 2
    assert "first pass" in letters(company)[1].text
    assert "there were 20 people" in letters(company)[1].text
    company.eloomi.users.update(gone)
    await company.one_pass(f"{DAY} 12:00")
    assert len(letters(company)) == 2
    await company.one_pass(f"{WEDNESDAY} 10:00")
    assert "there were 20 people" not in letters(company)[2].text


async def test_the_daily_word_has_the_figures_of_its_day(company: Company) -> None:
    appoint(company, ADA)
    froze(company)
    await company.one_pass(f"{DAY} 10:00")
    company.hire(9).assign(9, 1, WEDNESDAY)
    await company.one_pass(f"{WEDNESDAY} 10:00")
    assert ["write to 4 people" in m.text for m in letters(company)] == [True, False]
    assert "write to 5 people" in letters(company)[1].text


# ── exactly once, in a pass ──


@pytest.mark.parametrize("fault", ["stored_500", "stored_hang", "500"])
async def test_a_lost_answer_tells_nobody_twice(company: Company, fault: str) -> None:
    appoint(company, ADA)
    froze(company)
    company.slack.faults_for[ADA] = [fault]
    for minute in (0, 15):
        report = await company.one_pass(f"{DAY} 10:{minute:02}")
        assert report.problem is None
    assert len(letters(company)) == 1


async def test_what_a_killed_pass_left_on_its_way_is_told_by_the_next_one(company: Company) -> None:
    appoint(company, ADA)
    froze(company)
    await company.one_pass(f"{DAY} 10:00")
    company.slack.messages.clear()
    for channel in company.slack.history.values():
        channel.clear()
    async with company.workspace() as workspace:
        last = workspace.store.letters.last("freeze", ADA)
        assert last is not None
        leave_on_its_way(workspace.store, last.letter_id, wall_seconds=company.time().timestamp())
    await company.one_pass(f"{DAY} 10:15")
    assert told(company) == [f"{HELD}10"]


def leave_on_its_way(store: Store, letter_id: str, *, wall_seconds: float) -> None:
    """As a process leaves it that is killed between claim and post."""
    db = store._db  # type: ignore[attr-defined]
    values = (wall_seconds, letter_id)
    db.conn.execute("UPDATE letters SET state = 'sending', ts = NULL, claimed_at = ? WHERE letter_id = ?", values)


async def test_after_a_lost_disk_a_days_warning_is_not_repeated(company: Company) -> None:
    appoint(company, ADA)
    a_busy_friday(company)
    await company.one_pass(f"{WEDNESDAY} 10:00")
    assert len(letters(company)) == 1
    company.lose_disk()
    await company.one_pass(f"{WEDNESDAY} 10:15")
    await company.one_pass(f"{THURSDAY} 10:00")
    assert len(letters(company)) == 1


async def test_a_database_put_back_repeats_nothing(company: Company) -> None:
    appoint(company, ADA)
    company.crowd(1, deadline="2027-09-01")
    await company.one_pass(f"{DAY} 10:00")
    backup = company.backed_up()
    company.row(1, 1)["deadline"] = "2027-02-30"
    await company.one_pass(f"{DAY} 11:00")
    assert len(letters(company)) == 1
    company.put_back(backup)
    await company.one_pass(f"{DAY} 11:15")
    await company.one_pass(f"{WEDNESDAY} 11:15")
    assert len(letters(company)) == 1


async def test_trouble_with_letters_is_the_passs_problem_and_prevents_no_reminder(company: Company) -> None:
    appoint(company, ADA)
    company.hire(1).assign(1, 1, DAY).assign(1, 2, "2027-02-30")
    company.slack.faults_for[ADA] = ["token_revoked"]
    report = await company.one_pass(f"{DAY} 10:00")
    assert (report.sent, type(report.problem)) == (1, SlackRefused)
    assert (await company.one_pass(f"{DAY} 10:15")).problem is None
    assert len(letters(company)) == 1


async def test_a_bug_in_letters_ends_no_pass_and_is_said(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    appoint(company, ADA)
    company.hire(1).assign(1, 1, DAY).assign(1, 2, "2027-02-30")
    monkeypatch.setattr("bot.slack.digests.RAW_MOST", None)
    report = await company.one_pass(f"{DAY} 10:00")
    assert (report.sent, report.problem and report.problem.code) == (1, "failed")
    async with company.workspace() as workspace:
        last = workspace.store.passes.last()
        assert last is not None
        assert last.sent == 1


async def test_a_pass_that_is_asked_to_stop_tells_nobody(company: Company) -> None:
    appoint(company, ADA)
    froze(company)
    async with company.workspace() as workspace, sending(workspace):
        report = await remind(replace(workspace, stopping=lambda: True), company.at(f"{DAY} 10:00"))
    assert (report.problem, letters(company)) == (None, [])


# ── a day that would freeze ──


def a_busy_friday(company: Company, deadline: str = "2027-06-25") -> None:
    """A week before that deadline, on Friday, a pass would write to five people; until then to one at most."""
    company.policy = with_freeze(company.policy, first_pass_people=0, busy_pass_people=4, busy_pass_percent=1)
    company.crowd(5, deadline=deadline)
    company.hire(6).assign(6, 1, THURSDAY)


async def test_a_day_that_would_freeze_is_told_once_with_its_figures(company: Company) -> None:
    appoint(company, ADA)
    a_busy_friday(company)
    seen = []
    for when in (f"{WEDNESDAY} 09:15", f"{WEDNESDAY} 09:30", f"{WEDNESDAY} 09:45", f"{THURSDAY} 09:30"):
        report = await company.one_pass(when)
        assert (report.frozen, report.problem) == (None, None)
        seen.append(len(letters(company)))
    assert seen == [0, 1, 1, 1]
    (message,) = letters(company)
    assert message.text.startswith("*Reminders of Friday 18 June 2027 would be held*")
    assert "one pass would write to 5 of 6 people" in message.text
    assert message.blocks[-1]["elements"][0]["value"] == FRIDAY


async def test_a_day_that_was_approved_does_not_freeze_and_is_not_warned_of(company: Company) -> None:
    appoint(company, ADA)
    a_busy_friday(company)
    await company.one_pass(f"{WEDNESDAY} 10:00")
    await day_approved(company, FRIDAY)
    appoint(company, BO)
    await company.one_pass(f"{THURSDAY} 10:00")
    assert letters(company, BO) == []
    report = await company.one_pass(f"{FRIDAY} 10:00")
    assert (report.frozen, report.sent) == (None, 5)


async def test_a_day_that_was_not_approved_freezes_as_foretold(company: Company) -> None:
    appoint(company, ADA)
    a_busy_friday(company)
    await company.one_pass(f"{WEDNESDAY} 10:00")
    await company.one_pass(f"{THURSDAY} 10:00")
    assert (await company.one_pass(f"{FRIDAY} 10:00")).frozen
    assert told(company) == ["Reminders of Friday 18 June 2027 would be held, by what is known now",
                             "Reminders are held since Friday 18 June 2027, 10"]  # fmt: skip


async def test_the_approval_of_another_day_does_not_help(company: Company) -> None:
    a_busy_friday(company)
    await company.one_pass(f"{WEDNESDAY} 10:00")
    await day_approved(company, THURSDAY)
    await company.one_pass(f"{THURSDAY} 10:00")
    report = await company.one_pass(f"{FRIDAY} 10:00")
    assert (bool(report.frozen), report.reasons[Reason.FROZEN]) == (True, 5)


async def test_an_approved_day_covers_people_who_were_not_read_back_yet_too(company: Company) -> None:
    a_busy_friday(company)
    await company.one_pass(f"{THURSDAY} 10:00")
    for person_id in range(1, 6):
        company.slack.store(f"U0{person_id}", "an answer", [], digest_metadata("x"))
    await day_approved(company, FRIDAY)
    company.slack.fault_next("500", "conversations.history", times=3)
    assert (await company.one_pass(f"{FRIDAY} 10:00")).frozen is None


async def test_the_forecast_comes_on_the_admins_own_working_day_and_clock(company: Company) -> None:
    appoint(company, ADA, zone="America/New_York")
    a_busy_friday(company, deadline="2027-06-29")
    seen = []
    for when in (f"{SATURDAY} 16:00", "2027-06-20 16:00", f"{MONDAY} 15:15", f"{MONDAY} 15:30"):
        await company.one_pass(when)
        seen.append(len(letters(company)))
    assert seen == [0, 0, 0, 1]
    assert "Tuesday 22 June 2027" in letters(company)[0].text


async def test_the_forecast_is_worked_out_once_a_day_whatever_it_finds(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    appoint(company, ADA, BO)
    company.crowd(1, deadline="2027-09-01")
    asked: list[int] = []

    def counted(*arguments: object) -> Store:
        asked.append(int(str(arguments[3])))
        raise StoreError("for the test")

    await company.one_pass(f"{WEDNESDAY} 10:00")
    monkeypatch.setattr("bot.jobs.admins.preview", counted)
    await company.one_pass(f"{WEDNESDAY} 11:00")
    assert asked == []
    assert (await company.one_pass(f"{THURSDAY} 10:00")).problem
    assert asked == [6], "Friday, Monday and Tuesday, counted from Thursday"
    assert (await company.one_pass(f"{THURSDAY} 10:15")).problem
    assert asked == [6, 6], "what could not be worked out is tried again"


async def test_what_slack_did_not_take_is_foreseen_again(company: Company) -> None:
    appoint(company, ADA)
    a_busy_friday(company)
    company.slack.faults_for[ADA] = ["500"] * 3
    assert (await company.one_pass(f"{WEDNESDAY} 10:00")).problem
    company.no_more_faults()
    company.slack.faults_for.clear()
    await company.one_pass(f"{WEDNESDAY} 10:15")
    assert len(letters(company)) == 1


# ── what keeps people from being reminded ──


def a_troubled_company(company: Company) -> None:
    """Somebody whom nobody in Slack is, an impossible deadline, and somebody whom Slack refuses."""
    company.hire(1, first_name="Ada", last_name="<!channel> & Co").assign(1, 1, "2027-09-01")
    del company.slack.users["U01"]
    company.hire(2, first_name="Bo").assign(2, 2, "2027-02-30")
    company.hire(3, first_name="Cy").assign(3, 1, DAY)
    company.slack.faults_for["U03"] = ["user_not_found"]
    company.hire(4).assign(4, 1, "2027-09-01")


async def test_exceptions_are_told_with_names_and_reasons_in_one_message(company: Company) -> None:
    appoint(company, ADA)
    a_troubled_company(company)
    await company.one_pass(f"{DAY} 10:00")
    (message,) = letters(company)
    text = message.text
    assert text.startswith("*3 new exceptions* keep people from being reminded.")
    assert "• Nobody in Slack has this e-mail address: 1\n" in text
    assert "• *Ada &lt;!channel&gt; &amp; Co* (person1@example.com, LMS 1): Nobody in Slack has" in text
    assert "LMS 2): Gdpr. The deadline is no real day: “2027-02-30”." in text
    assert "LMS 3): Slack does not deliver to this person: user_not_found." in text
    assert "`deadline-bot explain PERSON`" in text
    assert all(block["text"]["verbatim"] for block in message.blocks)
    assert "LMS 4" not in text


async def test_exceptions_are_told_only_where_something_is_new(company: Company) -> None:
    appoint(company, ADA)
    a_troubled_company(company)
    for when in (f"{DAY} 10:00", f"{DAY} 11:00", f"{WEDNESDAY} 10:00", f"{THURSDAY} 10:00"):
        await company.one_pass(when)
        company.slack.faults_for["U03"] = ["user_not_found"]
    assert len(letters(company)) == 1
    company.hire(5).assign(5, 2, "2027-02-31")
    await company.one_pass(f"{FRIDAY} 10:00")
    assert len(letters(company)) == 2
    assert letters(company)[1].text.startswith("*1 new exception* keeps somebody")
    assert "Deadlines that are no real day: 2" in letters(company)[1].text
    assert "LMS 2)" not in letters(company)[1].text


async def test_what_is_new_later_that_day_waits_for_the_next(company: Company) -> None:
    appoint(company, ADA)
    a_troubled_company(company)
    await company.one_pass(f"{DAY} 10:00")
    company.hire(5).assign(5, 2, "2027-02-31")
    await company.one_pass(f"{DAY} 11:00")
    assert len(letters(company)) == 1
    await company.one_pass(f"{WEDNESDAY} 10:00")
    assert "LMS 5)" in letters(company)[1].text


async def test_what_was_solved_and_comes_back_is_new_again(company: Company) -> None:
    appoint(company, ADA)
    company.hire(1).assign(1, 1, "2027-02-30").hire(2).assign(2, 1, "2027-02-30")
    await company.one_pass(f"{DAY} 10:00")
    company.row(1, 1)["deadline"] = "2027-09-01"
    await company.one_pass(f"{DAY} 11:00")
    company.row(1, 1)["deadline"] = "2027-02-30"
    await company.one_pass(f"{WEDNESDAY} 10:00")
    assert [text.split("*")[1] for text in (m.text for m in letters(company))] == [
        "2 new exceptions",
        "1 new exception",
    ]


@pytest.mark.parametrize(
    ("when", "count"),
    [
        (f"{DAY} 09:15", 0),
        (f"{DAY} 09:30", 1),
        (f"{DAY} 16:45", 1),
        (f"{DAY} 17:00", 0),
        (f"{SATURDAY} 10:00", 0),
    ],
)
async def test_exceptions_are_told_in_the_hours_of_the_admins_working_day(
    company: Company, when: str, count: int
) -> None:
    appoint(company, ADA)
    company.hire(1).assign(1, 1, "2027-02-30")
    await company.one_pass(when)
    assert len(letters(company)) == count


async def test_an_admins_working_days_are_their_countrys(company: Company) -> None:
    company.hire(1, country="SA", zone="Asia/Riyadh").assign(1, 1, "2027-02-30")
    company.wishes["slack_admins"] = ("U01",)
    await company.one_pass(f"{FRIDAY} 12:00")
    assert letters(company, "U01") == []
    await company.one_pass("2027-06-20 12:00")
    assert len(letters(company, "U01")) == 1


async def test_each_admin_is_compared_with_what_they_were_told_themselves(company: Company) -> None:
    appoint(company, ADA)
    company.hire(1).assign(1, 1, "2027-02-30")
    await company.one_pass(f"{DAY} 10:00")
    appoint(company, BO)
    await company.one_pass(f"{DAY} 10:15")
    assert (len(letters(company)), len(letters(company, BO))) == (1, 1)


async def test_a_record_that_could_not_be_read_is_told(company: Company) -> None:
    appoint(company, ADA)
    company.hire(1).assign(1, 1, "2027-09-01")
    company.eloomi.add_user(2)
    company.eloomi.users[2]["id"] = "<!here>"
    await company.one_pass(f"{DAY} 10:00")
    (message,) = letters(company)
    assert "*user &lt;!here&gt;*" in message.text


async def test_many_people_at_first_are_one_readable_message_with_counts(company: Company) -> None:
    appoint(company, ADA)
    for person_id in range(1, 61):
        company.eloomi.add_user(person_id, timezone="Europe/Copenhagen", country="DK")
        company.assign(person_id, 1, "2027-09-01")
    company.hire(61).assign(61, 1, "2027-02-30")
    report: PassReport = await company.one_pass(f"{DAY} 10:00")
    assert report.problem is None
    (message,) = letters(company)
    assert "• Nobody in Slack has this e-mail address: 60\n• Deadlines that are no real day: 1" in message.text
    assert "LMS 61): Fire" in message.text
    assert message.text.count("LMS ") == LINES_MOST
    assert "… and 41 more." in message.text
    assert company.slack.violations == []


def hitches(kind: str, *ids: int, detail: str = "") -> list[Hitch]:
    return [Hitch(kind=kind, person_id=n, detail=detail) for n in ids]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        pytest.param([], [], id="none"),
        pytest.param(hitches("refused", 1, 2), [1, 2], id="few"),
        pytest.param(hitches("refused", *range(10)), [0, 1, 2, 3, 4, 5], id="one group takes all the room"),
        pytest.param(
            [*hitches("refused", *range(10)), *hitches("invalid_deadline", 91, 92)],
            [91, 92, 0, 1, 2, 3],
            id="the smaller group is shown whole",
        ),
        pytest.param(
            [*hitches("refused", *range(10)), *hitches("invalid_deadline", *range(91, 99))],
            [91, 92, 93, 0, 1, 2],
            id="two large ones share",
        ),
        pytest.param(
            [h for n in range(9) for h in hitches("no_slack_match", n, detail=str(n))],
            [0, 1, 2, 3, 4, 5],
            id="more groups than room",
        ),
    ],
)
def test_lines_are_shared_out_so_that_no_group_hides_another(found: list[Hitch], shown: list[int]) -> None:
    assert [hitch.person_id for hitch in shared_out(found, 6)] == shown


# ── beside the loop ──


async def test_the_loop_goes_on_while_the_store_is_read_aside(company: Company) -> None:
    async with company.workspace() as workspace:
        reading, ticked = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def work(store: Store) -> str:
            loop.call_soon_threadsafe(reading.set)
            asyncio.run_coroutine_threadsafe(ticked.wait(), loop).result(5)
            return store.team_id

        found = asyncio.create_task(aside(workspace, work))
        await reading.wait()
        ticked.set()
        assert await found == company.slack.team_id


@pytest.mark.parametrize("how", ["asked to stop", "given up"])
async def test_reading_aside_ends_soon_where_the_process_is_to_end(company: Company, how: str) -> None:
    company.crowd(30)
    await company.pulled(f"{DAY} 10:00")
    begun, ended, stop = asyncio.Event(), asyncio.Event(), [False]
    loop = asyncio.get_running_loop()

    def work(store: Store) -> None:
        try:
            while True:
                list(store.snapshots.dossiers())
                loop.call_soon_threadsafe(begun.set)
        finally:
            loop.call_soon_threadsafe(ended.set)

    async with company.workspace() as workspace:
        task = asyncio.create_task(aside(replace(workspace, stopping=lambda: stop[0]), work))
        await begun.wait()
        if how == "asked to stop":
            stop[0] = True
            with pytest.raises(StoreError):
                await task
        else:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await asyncio.wait_for(ended.wait(), timedelta(seconds=5).total_seconds())
