"""A disk is wiped, a backup is put back: nobody hears a step again, and the next steps are sent."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.deadlines.model import Reason
from bot.errors import OutcomeUnknown, SlackRefused
from bot.jobs import recall
from bot.jobs.remind import rehearse
from bot.store import State, sqlite_store
from bot.store.outbox import SqliteOutbox
from bot.store.sqlite import copy
from bot.store.witness import beside
from tests.builders import local
from tests.company import DAY, Company, slack_id, with_freeze

WEEK_BEFORE, TWO_BEFORE = "2027-06-08", "2027-06-14"  # of a deadline on the 15th, a Tuesday; the 13th is a Sunday


@pytest.fixture(autouse=True)
def waiting_is_short(company: Company) -> None:
    company.time.faster = 400


def histories(company: Company) -> Counter[str]:
    """How often each person's DM was read, by Slack id."""
    read = [args["channel"] for method, args in company.slack.requests if method == "conversations.history"]
    return Counter(company.slack.owners[channel] for channel in read)


async def a_week_then_the_disk_is_lost(company: Company, count: int) -> None:
    """Everybody has heard a week before the deadline of the 15th; then the store is gone."""
    company.crowd(count)
    assert (await company.one_pass(f"{WEEK_BEFORE} 10:00")).sent == count
    company.lose_disk()
    company.slack.requests.clear()


# ── a lost disk ──


async def test_after_a_lost_disk_nobody_hears_a_step_again_and_the_next_steps_are_sent(company: Company) -> None:
    await a_week_then_the_disk_is_lost(company, 3)
    report = await company.one_pass(f"{WEEK_BEFORE} 10:15")
    assert (report.sent, report.problem, report.reasons[Reason.ALREADY_SENT]) == (0, None, 3)
    assert company.dms() == {1: 1, 2: 1, 3: 1}
    company.lose_disk()
    assert (await company.one_pass("2027-06-11 10:00")).sent == 3, "the Friday before a Sunday two days before"
    company.lose_disk()
    assert (await company.one_pass("2027-06-11 10:15")).sent == 0
    assert (await company.one_pass(f"{DAY} 10:00")).sent == 3
    company.lose_disk()
    assert (await company.one_pass(f"{DAY} 10:15")).sent == 0
    assert company.dms() == {1: 3, 2: 3, 3: 3}


async def test_only_those_due_now_who_have_a_dm_are_read_and_each_once(company: Company) -> None:
    company.crowd(3).hire(4).assign(4, 2, "2027-12-01")
    company.slack.store_said(slack_id(4), "Hello?")
    await company.one_pass(f"{WEEK_BEFORE} 10:00")
    company.hire(5).assign(5, 1, DAY)
    company.lose_disk()
    company.slack.requests.clear()
    report = await company.one_pass(f"{WEEK_BEFORE} 10:15")
    assert (report.sent, company.dms()[5]) == (1, 1)
    assert histories(company) == {slack_id(n): 1 for n in (1, 2, 3)}
    company.slack.requests.clear()
    await company.one_pass(f"{WEEK_BEFORE} 10:30")
    assert company.slack.requests, "it has pulled"
    assert not histories(company), "the second pass reads nothing back"
    assert "users.conversations" not in {method for method, _ in company.slack.requests}


async def test_where_nobody_has_a_dm_nothing_is_read_and_nobody_waits(company: Company) -> None:
    company.crowd(1)
    begun = company.time()
    await company.one_pass(f"{DAY} 10:00")
    assert not histories(company)
    assert (company.time() - begun).total_seconds() < 5


async def test_where_slacks_clock_is_days_ahead_of_ours_what_it_told_was_told_before_today(company: Company) -> None:
    company.crowd(1)
    with pytest.MonkeyPatch.context() as ahead:
        ahead.setattr(company.slack, "now", lambda: local("2027-07-20 10:00"))
        await company.one_pass(f"{WEEK_BEFORE} 10:00")
    company.lose_disk()
    assert (await company.one_pass("2027-06-11 10:00")).sent == 1
    assert company.dms() == {1: 2}


async def test_a_wiped_disk_is_no_first_installation(company: Company) -> None:
    company.policy = with_freeze(company.policy, first_pass_people=5, busy_pass_people=5)
    company.crowd(4)
    await company.one_pass(f"{WEEK_BEFORE} 10:00")
    company.lose_disk()
    for person_id in range(5, 12):
        company.hire(person_id).assign(person_id, 1, DAY)
    report = await company.one_pass("2027-06-11 10:00")
    assert (report.frozen, report.sent) == (None, 11)


async def test_a_pass_that_only_read_back_is_no_measure_of_the_next(company: Company) -> None:
    company.policy = with_freeze(company.policy, first_pass_people=100, busy_pass_people=2)
    await a_week_then_the_disk_is_lost(company, 4)
    assert (await company.one_pass(f"{WEEK_BEFORE} 10:15")).sent == 0
    report = await company.one_pass("2027-06-11 10:00")
    assert (report.frozen, report.sent) == (None, 4)


async def test_a_wiped_disk_shows_in_dms_of_people_who_are_not_due_now(company: Company) -> None:
    company.policy = with_freeze(company.policy, first_pass_people=3)
    company.hire(1).assign(1, 1, DAY)
    await company.one_pass(f"{DAY} 10:00")
    company.finish(1, 1)
    company.lose_disk()
    for person_id in range(2, 7):
        company.hire(person_id).assign(person_id, 1, DAY)
    report = await company.one_pass(f"{DAY} 10:15")
    assert (report.frozen, report.sent) == (None, 5)


async def test_people_who_only_wrote_to_the_bot_before_its_first_pass_do_not_lift_the_first_passs_limit(
    company: Company,
) -> None:
    company.policy = with_freeze(company.policy, first_pass_people=3)
    company.crowd(4).hire(5)
    for person_id in (1, 5):
        company.slack.store_said(slack_id(person_id), "Hello?")
    report = await company.one_pass(f"{DAY} 10:00")
    assert "the first pass of this installation" in (report.frozen or "")


async def test_a_post_that_the_history_does_not_show_yet_when_the_disk_is_lost_is_not_repeated(
    company: Company,
) -> None:
    company.crowd(2)
    company.slack.history_delay_seconds = 4 / company.time.faster
    await company.one_pass(f"{DAY} 10:00")
    company.lose_disk()
    report = await company.one_pass(f"{DAY} 10:01")
    assert (report.sent, company.dms()) == (0, {1: 1, 2: 1})


async def test_a_long_dm_is_read_to_its_end(company: Company) -> None:
    await a_week_then_the_disk_is_lost(company, 1)
    for n in range(40):
        company.slack.store_said(slack_id(1), f"question {n}")
    assert (await company.one_pass(f"{WEEK_BEFORE} 10:15")).sent == 0
    assert all(args["limit"] == "15" for method, args in company.slack.requests if method == "conversations.history")


async def test_a_dm_read_back_still_turns_into_a_tick_when_its_course_is_finished(company: Company) -> None:
    await a_week_then_the_disk_is_lost(company, 1)
    await company.one_pass(f"{WEEK_BEFORE} 10:15")
    company.finish(1, 1)
    await company.one_pass(f"{WEEK_BEFORE} 11:15")
    assert "✅" in company.message(1).text


async def test_a_moved_deadline_earns_fresh_reminders_after_a_lost_disk_too(company: Company) -> None:
    await a_week_then_the_disk_is_lost(company, 1)
    company.row(1, 1)["deadline"] = "2027-06-16"
    assert (await company.one_pass("2027-06-09 10:00")).sent == 1


async def test_a_long_courses_moved_deadline_earns_the_same_reminders_as_with_the_disk(company: Company) -> None:
    company.course(1, "Fire", expected_duration="90")
    await a_week_then_the_disk_is_lost(company, 1)
    company.row(1, 1)["deadline"] = "2027-06-21"
    assert (await company.one_pass("2027-06-09 10:00")).sent == 1


async def test_a_dm_of_which_one_deadline_has_moved_keeps_all_its_courses_when_it_is_edited(company: Company) -> None:
    company.hire(1).assign(1, 1, DAY).assign(1, 2, DAY)
    await company.one_pass(f"{WEEK_BEFORE} 10:00")
    company.lose_disk()
    company.row(1, 2)["deadline"] = "2027-07-20"
    await company.one_pass(f"{WEEK_BEFORE} 10:15")
    company.finish(1, 1)
    await company.one_pass(f"{WEEK_BEFORE} 11:20")
    assert "Gdpr" in company.message(1).text


async def test_what_cannot_be_read_in_a_quarter_of_an_hour_or_so_waits_for_the_next_pass(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_week_then_the_disk_is_lost(company, 3)
    monkeypatch.setattr(recall, "READ_SECONDS", -1)
    report = await company.one_pass("2027-06-11 10:00")
    assert isinstance(report.problem, OutcomeUnknown)
    assert report.sent == 0
    monkeypatch.undo()
    assert (await company.one_pass("2027-06-11 10:15")).sent == 3


async def test_the_second_pass_on_a_wiped_disk_is_measured_by_what_was_read_back(company: Company) -> None:
    company.policy = with_freeze(company.policy, first_pass_people=0, busy_pass_people=5)
    company.crowd(20).hire(31).assign(31, 1, "2027-06-17")
    await company.one_pass(f"{WEEK_BEFORE} 10:00")
    company.lose_disk()
    assert (await company.one_pass("2027-06-10 10:00")).sent == 1
    report = await company.one_pass("2027-06-11 10:00")
    assert (report.frozen, report.sent) == (None, 20)


async def test_where_a_dm_cannot_be_read_it_tells_nothing_about_a_first_installation(company: Company) -> None:
    company.policy = with_freeze(company.policy, first_pass_people=3)
    company.crowd(4).hire(9)
    company.slack.store_said(slack_id(9), "Hello?")
    company.slack.fault_next("channel_not_found", "conversations.history")
    assert (await company.one_pass(f"{DAY} 10:00")).frozen


async def test_a_dm_that_cannot_be_read_keeps_that_person_waiting_and_nobody_else(company: Company) -> None:
    await a_week_then_the_disk_is_lost(company, 3)
    company.slack.fault_next("channel_not_found", "conversations.history")
    report = await company.one_pass("2027-06-11 10:00")
    assert isinstance(report.problem, OutcomeUnknown)
    assert (report.problem.exit_code, report.sent) == (1, 2)
    report = await company.one_pass("2027-06-11 10:15")
    assert (report.problem, report.sent) == (None, 1)
    assert company.dms() == {1: 2, 2: 2, 3: 2}


async def test_while_slack_lists_no_dms_strangers_wait_and_those_who_are_known_do_not(company: Company) -> None:
    company.crowd(1)
    await company.one_pass(f"{WEEK_BEFORE} 10:00")
    company.hire(2).assign(2, 1, DAY)
    company.slack.fault_next("500", "users.conversations", times=3)
    report = await company.one_pass("2027-06-11 10:00")
    assert isinstance(report.problem, OutcomeUnknown)
    assert company.dms() == {1: 2}
    assert (await company.one_pass("2027-06-11 10:15")).sent == 1


async def test_without_the_right_to_read_nothing_is_sent(company: Company) -> None:
    await a_week_then_the_disk_is_lost(company, 2)
    company.slack.scopes.discard("im:history")
    with pytest.raises(SlackRefused):
        await company.one_pass("2027-06-11 10:00")
    assert company.dms() == {1: 1, 2: 1}


async def test_a_rehearsal_on_a_lost_disk_says_what_a_pass_would_send(company: Company) -> None:
    await a_week_then_the_disk_is_lost(company, 2)
    company.hire(3).assign(3, 1, DAY)
    assert (await company.rehearsed(f"{WEEK_BEFORE} 10:15")).planned == 1
    assert (await company.one_pass(f"{WEEK_BEFORE} 10:15")).sent == 1


# ── keys ──


def use_keys(company: Company, keys: str) -> None:
    company.wishes["reminder_key"] = SecretStr(keys)


async def test_an_older_key_in_the_list_is_still_recognised_and_the_first_is_used(company: Company) -> None:
    use_keys(company, "old")
    await a_week_then_the_disk_is_lost(company, 1)
    old = company.message(1).metadata
    use_keys(company, "new, old")
    company.assign(1, 2, "2027-06-17")
    report = await company.one_pass(f"{WEEK_BEFORE} 10:15")
    assert report.reasons[Reason.ALREADY_SENT] == 1, "and not what only an unknown key would be taken for"
    await company.one_pass("2027-06-11 10:00")
    assert company.dms() == {1: 2}
    assert old != company.message(1).metadata


async def test_a_dm_of_an_unknown_key_counts_as_told_that_day(company: Company) -> None:
    use_keys(company, "old")
    await a_week_then_the_disk_is_lost(company, 1)
    use_keys(company, "new")
    company.assign(1, 2, DAY, assigned_at=f"{WEEK_BEFORE} 08:05:00")
    report = await company.one_pass(f"{WEEK_BEFORE} 10:15")
    assert report.sent == 0
    assert (await company.one_pass("2027-06-09 10:00")).sent == 0, (
        "what was due on its day is not repeated later either"
    )
    assert (await company.one_pass("2027-06-11 10:00")).sent == 1, "the next step is sent"


async def test_a_dm_that_named_nothing_that_is_still_known_counts_for_that_day_and_the_week(company: Company) -> None:
    use_keys(company, "old")
    company.hire(1).assign(1, 1, DAY)
    await company.one_pass(f"{DAY} 10:00")
    company.lose_disk()
    use_keys(company, "new")
    company.finish(1, 1)
    company.assign(1, 2, DAY)
    company.eloomi.participants[-1]["created_at"] = f"{DAY} 08:30:00"
    report = await company.one_pass(f"{DAY} 11:00")
    assert (report.sent, company.dms()) == (0, {1: 1})


async def test_a_step_that_a_dm_of_an_unknown_key_took_along_is_not_repeated(company: Company) -> None:
    use_keys(company, "old")
    company.hire(1).assign(1, 1, DAY).assign(1, 2, "2027-06-17")
    await company.one_pass(f"{WEEK_BEFORE} 10:00")
    assert company.heard() == {1: ["Fire+Gdpr"]}
    company.lose_disk()
    use_keys(company, "new")
    await company.one_pass(f"{WEEK_BEFORE} 10:15")
    assert (await company.one_pass("2027-06-10 10:00")).sent == 0


async def test_a_dm_of_an_unknown_key_named_nothing_that_was_assigned_later(company: Company) -> None:
    use_keys(company, "old")
    await a_week_then_the_disk_is_lost(company, 1)
    use_keys(company, "new")
    company.assign(1, 2, "2027-06-08", assigned_at="2027-06-09 06:00:00")
    assert (await company.one_pass("2027-06-10 10:00")).sent == 1


async def test_the_key_that_was_used_before_any_was_set_is_still_recognised(company: Company) -> None:
    await a_week_then_the_disk_is_lost(company, 1)
    use_keys(company, "new")
    company.assign(1, 2, DAY, assigned_at=f"{WEEK_BEFORE} 08:05:00")
    await company.one_pass(f"{WEEK_BEFORE} 10:15")
    async with company.workspace() as workspace:
        said = workspace.store.snapshots.dossier(1).said
    assert [s.course_id for s in said] == [1], "and not what only an unknown key would be taken for"


async def test_a_dm_of_an_unknown_key_is_never_edited_into_what_it_may_not_have_said(company: Company) -> None:
    use_keys(company, "old")
    await a_week_then_the_disk_is_lost(company, 1)
    text = company.message(1).text
    use_keys(company, "new")
    company.assign(1, 2, DAY, assigned_at=f"{WEEK_BEFORE} 08:05:00")
    await company.one_pass(f"{WEEK_BEFORE} 10:15")
    company.finish(1, 2)
    await company.one_pass(f"{WEEK_BEFORE} 11:20")
    assert company.message(1).text == text


async def test_a_dm_without_any_key_is_not_edited_either(company: Company) -> None:
    await a_week_then_the_disk_is_lost(company, 1)
    message = company.message(1)
    message.metadata = {"event_type": "deadline_reminder", "event_payload": {"notice": "n", "reminders": []}}
    await company.one_pass(f"{WEEK_BEFORE} 10:15")
    company.finish(1, 1)
    await company.one_pass(f"{WEEK_BEFORE} 11:20")
    assert message.edits == []
    assert company.dms() == {1: 1}


# ── a store that was put back ──


@pytest.mark.parametrize("witness", [True, False], ids=["beside what it was", "on another disk"])
async def test_after_a_backup_was_put_back_nobody_hears_again_what_it_does_not_know(
    company: Company, witness: bool
) -> None:
    company.crowd(3).assign(1, 2, "2027-06-18")
    await company.one_pass(f"{WEEK_BEFORE} 10:00")
    backup = company.backed_up()
    await company.one_pass("2027-06-11 10:00")
    company.put_back(backup)
    if not witness:
        for file in company.folder.glob("bot.db.*"):
            file.unlink()
    company.slack.requests.clear()
    report = await company.one_pass("2027-06-11 10:15")
    assert (report.sent, report.problem) == (0, None)
    assert company.dms() == {1: 2, 2: 2, 3: 2}
    assert histories(company) == {slack_id(n): 1 for n in (1, 2, 3)}
    asked = [args for method, args in company.slack.requests if method == "conversations.history"]
    assert all(args["oldest"] != "0" for args in asked), "from a week before the last recorded send on"
    assert (await company.one_pass(f"{DAY} 10:00")).sent == 3


async def test_a_backup_of_the_middle_of_a_pass_is_noticed_too(company: Company) -> None:
    company.crowd(4)
    backups: list[Path] = []
    company.slack.listen(lambda kind, _: backups.append(company.backed_up()) if kind == "message" else None)
    await company.one_pass(f"{DAY} 10:00")
    company.put_back(backups[1])
    report = await company.one_pass(f"{DAY} 10:15")
    assert report.problem is None
    assert company.dms() == {1: 1, 2: 1, 3: 1, 4: 1}
    assert await company.state() == {State.SENT: 4}


async def test_a_notice_settled_after_a_restore_makes_no_acquaintance(company: Company) -> None:
    for person_id in range(1, 11):
        west = {"zone": "America/New_York", "country": "US"} if person_id <= 5 else {}
        company.hire(person_id, **west).assign(person_id, 1, DAY)
        company.slack.faults_for[slack_id(person_id)] = ["stored_500"]
    await company.one_pass(f"{WEEK_BEFORE} 16:00")
    backup = company.backed_up()
    await company.one_pass(f"{WEEK_BEFORE} 16:15")
    assert (await company.one_pass("2027-06-11 10:00")).sent == 5, "in New York it is night"
    company.put_back(backup)
    report = await company.one_pass("2027-06-11 16:00")
    assert (report.sent, report.problem) == (5, None)
    assert set(company.dms().values()) == {2}


async def test_a_backup_of_the_middle_of_a_large_pass_is_no_other_copys(company: Company) -> None:
    company.crowd(12)
    backups: list[Path] = []
    company.slack.listen(lambda kind, _: backups.append(company.backed_up()) if kind == "message" else None)
    await company.one_pass(f"{DAY} 10:00")
    company.put_back(backups[1])
    assert (await company.one_pass(f"{DAY} 10:15")).problem is None
    assert set(company.dms().values()) == {1}


async def test_a_rehearsal_beside_a_pass_that_claims_reads_nobody_back(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.crowd(3)
    await company.one_pass(f"{WEEK_BEFORE} 10:00")

    def while_a_pass_claims(path: Path, to: Path) -> None:
        copy(path, to)
        beside(path).write_text(str(int(beside(path).read_text()) + 1))

    monkeypatch.setattr(sqlite_store, "copy", while_a_pass_claims)
    company.slack.requests.clear()
    await company.rehearsed("2027-06-11 10:00")
    assert not histories(company)


async def test_in_ordinary_life_no_store_is_taken_for_one_that_was_put_back(company: Company) -> None:
    company.crowd(3)
    company.slack.faults_for["U02"] = ["500", "stored_drop"]
    for when in (f"{WEEK_BEFORE} 10:00", "2027-06-11 10:00", f"{DAY} 10:00"):
        await company.one_pass(when)
        async with company.workspace() as workspace:
            assert not workspace.store.known.was_put_back()
            assert workspace.store.known.anybody()


async def test_a_backup_of_between_a_refusal_and_the_second_post_repeats_nothing(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.crowd(1)
    company.slack.faults_for["U01"] = ["429"]
    backups: list[Path] = []
    back = SqliteOutbox.back

    def and_a_backup(outbox: SqliteOutbox, notice_id: str) -> None:
        back(outbox, notice_id)
        backups.append(company.backed_up())

    monkeypatch.setattr(SqliteOutbox, "back", and_a_backup)
    await company.one_pass(f"{DAY} 10:00")
    company.put_back(backups[0])
    await company.one_pass(f"{DAY} 10:15")
    assert company.dms() == {1: 1}


async def test_a_tick_stays_a_tick_after_a_lost_disk_and_a_renewal(company: Company) -> None:
    company.crowd(1)
    await company.one_pass(f"{WEEK_BEFORE} 10:00")
    company.finish(1, 1)
    await company.one_pass(f"{WEEK_BEFORE} 11:15")
    first = company.message(1)
    renewed = {"deadline": "2027-06-21", "created_at": "2027-06-10 06:00:00"}
    company.row(1, 1).update(status="not_started", progress="0.00", completed_at=None, **renewed)
    company.lose_disk()
    for when in ("2027-06-14 10:00", "2027-06-14 11:20"):
        await company.one_pass(when)
    assert "✅" in first.text


async def test_a_rehearsal_beside_a_running_pass_takes_that_one_for_no_other_copy(company: Company) -> None:
    company.crowd(2)
    await company.one_pass(f"{WEEK_BEFORE} 10:00")
    company.hire(3).assign(3, 1, DAY)
    now = company.at("2027-06-11 10:00")
    async with company.workspace(dry_run=True) as workspace:
        await company.one_pass("2027-06-11 10:00")
        assert (await rehearse(workspace, now)).problem is None


async def test_a_new_hires_first_dm_on_its_way_while_the_disk_is_lost_is_waited_for(company: Company) -> None:
    company.hire(1).assign(1, 1, DAY)
    await company.one_pass(f"{DAY} 10:00")
    company.hire(2).assign(2, 1, DAY)
    await company.one_pass(f"{DAY} 10:15")
    late = company.slack.messages.pop()
    company.slack.history.pop(company.slack.channels.pop("U02"))
    company.slack.owners.pop(late.channel)
    company.finish(1, 1)
    company.lose_disk()
    asyncio.get_running_loop().call_later(
        4 / company.time.faster, lambda: company.slack.store("U02", late.text, late.blocks, late.metadata)
    )
    await company.one_pass(f"{DAY} 10:16")
    assert company.dms() == {1: 1, 2: 1}
