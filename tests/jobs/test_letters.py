"""Letters are posted exactly once, through time-outs, crashes, lost disks and databases put back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from pydantic import SecretStr

from bot.errors import SlackRefused, SlackUnreachable
from bot.jobs.letters import SECONDS_MOST, WAIT_SECONDS_MOST, Letter, deliver_letters, letter_ids, settle_letters
from bot.jobs.settle import WAIT_SECONDS
from bot.slack.messages import answer, digest_metadata
from bot.store import StoredLetter
from bot.workspace import Workspace
from tests.company import Company
from tests.jobs.admins import ADA, BO, appoint, letters


@pytest.fixture(autouse=True)
def two_people(company: Company) -> None:
    appoint(company, ADA, BO)


def a_letter(slack_id: str = ADA, *, subject: str = "2027-W24", text: str = "Hello", content: str = "c") -> Letter:
    blocks = tuple(answer([text])[1]) if text else ()
    return Letter(kind="managers", slack_id=slack_id, subject=subject, content=content, text=text, blocks=blocks)


async def delivered(company: Company, *wanted: Letter) -> int:
    """How many of these arrive."""
    async with company.workspace() as workspace:
        return await deliver_letters(workspace, wanted)


async def claimed_by_one_that_is_gone(company: Company, letter: Letter, *, posted: bool) -> None:
    """A process claims it and dies, before or after Slack has taken the post."""
    async with company.workspace() as workspace:
        stored = as_stored(workspace, letter)
        workspace.store.letters.claim(stored, at=company.clock.now, wall_at=workspace.wall())
    if posted:
        company.slack.store(letter.slack_id, letter.text, [], digest_metadata(stored.letter_id))


def as_stored(workspace: Workspace, letter: Letter) -> StoredLetter:
    (letter_id, *_) = letter_ids(workspace.settings, workspace.store.team_id, letter)
    return StoredLetter(
        letter_id=letter_id,
        kind=letter.kind,
        slack_id=letter.slack_id,
        subject=letter.subject,
        content=letter.content,
    )


async def last_content(company: Company, kind: str = "managers", slack_id: str = ADA) -> str | None:
    async with company.workspace() as workspace:
        found = workspace.store.letters.last(kind, slack_id)
        return found.content if found else None


def texts(company: Company, slack_id: str = ADA) -> list[str]:
    return [message.text for message in letters(company, slack_id)]


# ── once ──


async def test_a_letter_is_posted_once_however_often_it_is_handed_in(company: Company) -> None:
    assert [await delivered(company, a_letter(), a_letter()) for _ in range(3)] == [1, 0, 0]
    assert texts(company) == ["Hello"]
    assert company.slack.calls["conversations.history"] == 0


async def test_another_subject_recipient_or_kind_is_another_letter(company: Company) -> None:
    wanted = [a_letter(), a_letter(BO), a_letter(subject="2027-W25"), replace(a_letter(), kind="freeze")]
    assert await delivered(company, *wanted) == 4
    assert await delivered(company, *wanted) == 0


async def test_another_text_is_the_same_letter(company: Company) -> None:
    await delivered(company, a_letter())
    assert await delivered(company, a_letter(text="Something else")) == 0


async def test_its_id_is_opaque_and_stands_in_the_metadata(company: Company) -> None:
    await delivered(company, a_letter())
    (message,) = letters(company)
    assert message.metadata is not None
    letter_id = message.metadata["event_payload"].pop("notice")
    assert message.metadata == {"event_type": "deadline_digest", "event_payload": {}}
    assert len(letter_id) == 32
    assert int(letter_id, 16) >= 0
    assert message.blocks[0]["text"]["text"] == "Hello"


async def test_a_letter_without_text_is_noted_and_never_posted(company: Company) -> None:
    assert await delivered(company, a_letter(text="")) == 0
    assert await delivered(company, a_letter(text="Hello after all")) == 0
    assert company.slack.posts == []
    assert await last_content(company) == "c"


async def test_a_note_may_be_made_anew(company: Company) -> None:
    await delivered(company, a_letter(text="", content="first"))
    await delivered(company, a_letter(text="", content="second"))
    assert await last_content(company) == "second"


async def test_without_letters_slack_is_asked_nothing(company: Company) -> None:
    assert await delivered(company) == 0
    assert company.slack.calls.total() == 1  # auth.test, at the start


async def test_nothing_is_posted_while_stopping(company: Company) -> None:
    async with company.workspace() as workspace:
        stopping = replace(workspace, stopping=lambda: True)
        assert await deliver_letters(stopping, [a_letter(), a_letter(subject="note", text="")]) == 0
    assert company.slack.posts == []
    assert await last_content(company) is None


# ── what goes wrong ──


@pytest.mark.parametrize("fault", ["stored_500", "stored_drop", "stored_hang", "stored_internal"])
async def test_a_post_that_arrived_though_its_answer_was_lost_is_read_back_and_not_repeated(
    company: Company, fault: str
) -> None:
    company.slack.faults_for[ADA] = [fault]
    begun = company.time()
    assert await delivered(company, a_letter()) == 1
    assert (company.time() - begun).total_seconds() >= WAIT_SECONDS
    assert texts(company) == ["Hello"]
    assert await delivered(company, a_letter()) == 0


@pytest.mark.parametrize("fault", ["500", "drop", "hang", "429", "request_timeout"])
async def test_a_post_that_was_not_taken_is_made_again(company: Company, fault: str) -> None:
    company.slack.faults_for[ADA] = [fault]
    assert await delivered(company, a_letter()) == 1
    assert texts(company) == ["Hello"]


async def test_an_earlier_letter_is_not_taken_for_this_one(company: Company) -> None:
    await delivered(company, a_letter(subject="2027-W23", text="Last week"))
    company.slack.faults_for[ADA] = ["500"]
    assert await delivered(company, a_letter()) == 1
    assert texts(company) == ["Last week", "Hello"]


async def test_while_a_history_gives_no_answer_nothing_is_repeated(company: Company) -> None:
    company.slack.faults_for[ADA] = ["stored_500"]
    company.slack.fault_next("500", "conversations.history", times=3)
    with pytest.raises(SlackUnreachable):
        await delivered(company, a_letter())
    assert await delivered(company, a_letter()) == 0
    assert texts(company) == ["Hello"]
    assert await last_content(company) == "c"


async def test_one_whose_dm_cannot_be_read_is_left_unknown_and_counts_as_said(company: Company) -> None:
    company.slack.faults_for[ADA] = ["500"]
    company.slack.open_channel(ADA)
    async with company.workspace() as workspace:
        workspace.store.letters.read(ADA, "D1", {})
    company.slack.fault_next("channel_not_found", "conversations.history")
    assert await delivered(company, a_letter(), a_letter(BO)) == 1
    assert (texts(company), texts(company, BO)) == ([], ["Hello"])


async def test_a_refusal_of_one_stops_nobody_else_and_is_not_tried_again(company: Company) -> None:
    company.slack.faults_for[ADA] = ["user_not_found"]
    assert await delivered(company, a_letter(), a_letter(BO)) == 1
    assert await delivered(company, a_letter(), a_letter(BO)) == 0
    assert (texts(company), texts(company, BO)) == ([], ["Hello"])
    assert await last_content(company) is None


async def test_a_refused_token_stops_all_and_loses_nothing(company: Company) -> None:
    company.slack.fault_next("token_revoked")
    with pytest.raises(SlackRefused):
        await delivered(company, a_letter(), a_letter(BO))
    assert await delivered(company, a_letter(), a_letter(BO)) == 2


async def test_slack_that_takes_nothing_ends_it_without_a_note(company: Company) -> None:
    company.slack.fault_next("request_timeout", times=20)
    with pytest.raises(SlackUnreachable):
        await delivered(company, a_letter(), a_letter(subject="looked", text=""))
    company.no_more_faults()
    assert await last_content(company) is None
    assert await delivered(company, a_letter(), a_letter(subject="looked", text="")) == 1


async def test_a_limit_that_asks_for_long_ends_it(company: Company) -> None:
    company.slack.retry_after_seconds = WAIT_SECONDS_MOST + 1
    company.slack.fault_next("429")
    begun = company.time()
    with pytest.raises(SlackUnreachable):
        await delivered(company, a_letter())
    assert (company.time() - begun).total_seconds() < WAIT_SECONDS_MOST
    assert await delivered(company, a_letter()) == 1


async def test_letters_leave_at_the_pace_that_reminders_have_learned(company: Company) -> None:
    async with company.workspace() as workspace:
        workspace.store.passes.keep_pace(0.25, 0)
    begun = company.time()
    await delivered(company, a_letter(), a_letter(BO), a_letter(subject="2027-W25"))
    assert (company.time() - begun).total_seconds() > 7
    async with company.workspace() as workspace:
        assert workspace.store.passes.pace(0) == 0.25


async def test_letters_make_reminders_wait_no_longer_than_ten_minutes(company: Company) -> None:
    async with company.workspace() as workspace:
        workspace.store.passes.keep_pace(0.2, 0)
        late = replace(workspace, monotonic=lambda: company.time.monotonic() * 200)
        wanted = [a_letter(subject=str(n)) for n in range(5)]
        some = await deliver_letters(late, wanted)
        assert 0 < some < 5
        assert SECONDS_MOST == 600
        assert some + await deliver_letters(workspace, wanted) == 5
    assert len(letters(company)) == 5


# ── a process that is gone ──


@pytest.mark.parametrize("posted", [True, False], ids=["after the post", "before the post"])
async def test_what_a_process_claimed_before_it_died_is_read_back_first(company: Company, posted: bool) -> None:
    await claimed_by_one_that_is_gone(company, a_letter(), posted=posted)
    begun = company.time()
    assert await delivered(company, a_letter()) == (0 if posted else 1)
    assert (company.time() - begun).total_seconds() >= WAIT_SECONDS
    assert texts(company) == ["Hello"]


async def test_what_is_found_is_told_and_what_is_not_is_as_if_it_had_never_been(company: Company) -> None:
    await claimed_by_one_that_is_gone(company, a_letter(), posted=True)
    await claimed_by_one_that_is_gone(company, a_letter(BO), posted=False)
    async with company.workspace() as workspace:
        found = await settle_letters(workspace)
        assert found == {as_stored(workspace, a_letter()).letter_id}
        assert workspace.store.letters.unsettled() == []
    assert (await last_content(company), await last_content(company, slack_id=BO)) == ("c", None)


# ── a store that is lost, or put back ──


async def test_after_a_lost_disk_a_letter_is_recognised_in_its_dm(company: Company) -> None:
    await delivered(company, a_letter(), a_letter(BO))
    company.lose_disk()
    assert await delivered(company, a_letter(), a_letter(BO)) == 0
    assert (texts(company), texts(company, BO)) == (["Hello"], ["Hello"])
    assert await last_content(company) == "c"


async def test_a_letter_that_is_wanted_only_later_is_still_recognised(company: Company) -> None:
    await delivered(company, a_letter(subject="2027-W23"), a_letter())
    company.lose_disk()
    assert await delivered(company, a_letter(subject="2027-W23")) == 0
    assert await delivered(company, a_letter()) == 0
    assert len(texts(company)) == 2


async def test_each_dm_is_read_once_and_the_channels_are_asked_once_a_delivery(company: Company) -> None:
    await delivered(company, a_letter(), a_letter(BO))
    company.lose_disk()
    await delivered(company, a_letter())
    company.slack.calls.clear()
    await delivered(company, a_letter(), a_letter(subject="2027-W25"), a_letter(BO), a_letter(BO, subject="2027-W25"))
    assert company.slack.calls["users.conversations"] == 1
    assert company.slack.calls["conversations.history"] == 1
    await delivered(company, a_letter(subject="2027-W26"), a_letter(BO, subject="2027-W26"))
    assert company.slack.calls["conversations.history"] == 1


async def test_a_letter_of_an_older_key_is_recognised_in_the_dm_and_in_the_store(company: Company) -> None:
    company.wishes["reminder_key"] = SecretStr("old")
    await delivered(company, a_letter())
    company.wishes["reminder_key"] = SecretStr("new, old")
    assert await delivered(company, a_letter()) == 0
    company.lose_disk()
    assert await delivered(company, a_letter()) == 0
    assert await last_content(company) == "c"


async def test_a_letter_far_back_behind_answers_and_reminders_is_recognised(company: Company) -> None:
    await delivered(company, a_letter())
    for n in range(40):
        company.slack.store(ADA, f"answer {n}", [], digest_metadata(f"{n:032x}"))
    company.lose_disk()
    assert await delivered(company, a_letter()) == 0


async def test_somebody_elses_metadata_is_no_letter_of_ours(company: Company) -> None:
    await delivered(company, a_letter())
    (message,) = letters(company)
    message.by_bot = False
    company.lose_disk()
    assert await delivered(company, a_letter()) == 1


async def test_after_a_lost_disk_what_was_posted_a_moment_ago_has_its_time(company: Company) -> None:
    company.slack.history_delay_seconds = 4 / company.time.faster
    await delivered(company, a_letter())
    company.lose_disk()
    assert await delivered(company, a_letter()) == 0


async def test_a_database_put_back_reads_everybody_again(company: Company) -> None:
    await delivered(company, a_letter(subject="2027-W23"))
    backup = company.backed_up()
    await delivered(company, a_letter())
    company.put_back(backup)
    async with company.workspace() as workspace:
        assert workspace.store.known.was_put_back()
        assert await deliver_letters(workspace, [a_letter(subject="2027-W23"), a_letter()]) == 0
    assert len(texts(company)) == 2


async def test_one_whose_dm_cannot_be_read_waits_and_the_others_go_on(company: Company) -> None:
    await delivered(company, a_letter(), a_letter(BO))
    company.lose_disk()
    company.slack.fault_next("channel_not_found", "conversations.history")
    wanted: Sequence[Letter] = [a_letter(subject="2027-W25"), a_letter(BO, subject="2027-W25")]
    assert await delivered(company, *wanted) == 1
    assert await delivered(company, *wanted) == 1
    assert (len(texts(company)), len(texts(company, BO))) == (2, 2)
