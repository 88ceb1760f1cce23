"""The command line as a process: exit codes, one plain line for a failure, JSON as interface.md promises it."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.builders import on
from tests.company import DAY, Company, Ended, clean_environment, ended, with_freeze

AT_TEN = ("--now", f"{DAY}T10:00:00+02:00")
HEAVY = (
    "httpx", "pydantic", "slack_sdk", "slack_bolt", "aiohttp", "apscheduler", "sqlite_utils", "babel", "holidays",
    "structlog", "rich",
)  # fmt: skip


def the_object(done: Ended) -> dict[str, Any]:
    """The one JSON object on stdout, which holds nothing else."""
    assert done.out.count("\n") == 1
    found = json.loads(done.out)
    assert isinstance(found, dict)
    return found


def failed(company: Company, done: Ended, code: int) -> str:
    """The one plain line of a failure, which is the last on stderr; no secret is anywhere."""
    assert done.code == code, done.err
    line = done.last_line
    assert line.startswith("deadline-bot: ")
    assert "\x1b" not in done.err
    assert "Traceback" not in done.err
    for secret in (company.slack.bot_token, company.slack.app_token, company.eloomi.client_secret, "S3CRET"):
        assert secret not in done.out + done.err
    return line


# ── what the commands print ──


async def test_remind_sends_and_prints_what_it_came_to_as_json(company: Company) -> None:
    company.hire(1).assign(1, 1, DAY).assign(1, 2, None).hire(2).assign(2, 1, DAY)
    company.eloomi.participants.append({"user_id": "nobody", "course_id": 1})
    company.slack.faults_for["U02"] = ["channel_not_found"]
    done = await company.command("remind", "--json", *AT_TEN)
    assert (done.code, done.err) == (0, "")
    found = the_object(done)
    assert found.pop("seconds") > 0
    assert found == {
        "pulled": {"people": 2, "courses": 3, "assignments": 3, "rejected": 1},
        "decisions": {"no_deadline": 1, "send": 2},
        "notices": {"planned": 2, "sent": 1, "failed": 1, "unknown": 0},
        "frozen": None,
    }
    assert company.heard() == {1: ["Fire"]}


async def test_remind_says_to_a_person_what_it_came_to(company: Company) -> None:
    company.crowd(2)
    done = await company.called("remind", *AT_TEN)
    assert (done.code, done.err) == (0, "")
    assert "Pulled: 2 people, 3 courses, 2 assignments." in done.out
    assert "Messages: 2 of 2 sent." in done.out


async def test_a_dry_run_says_the_same_and_sends_and_writes_nothing(company: Company) -> None:
    company.crowd(2)
    done = await company.called("remind", "--dry-run", "--json", *AT_TEN)
    assert done.code == 0
    found = the_object(done)
    assert found["decisions"] == {"send": 2}
    assert found["notices"] == {"planned": 2, "sent": 0, "failed": 0, "unknown": 0}
    assert company.slack.posts == []
    assert [path.name for path in company.folder.iterdir()] == ["policy.toml"]


async def test_pull_counts_and_sends_nothing(company: Company) -> None:
    company.crowd(2)
    done = await company.called("pull", "--json")
    assert done.code == 0
    found = the_object(done)
    assert found["pulled"] == {"people": 2, "courses": 3, "assignments": 2, "rejected": 0}
    assert found["seconds"] > 0
    assert company.slack.posts == []


async def test_status_shows_the_last_pull_and_pass(company: Company) -> None:
    company.crowd(2)
    await company.one_pass(f"{DAY} 10:00")
    done = await company.called("status", "--json")
    in_text = await company.called("status")
    found = the_object(done)
    assert {"version", "team_id", "last_pull", "last_pass", "pending", "unknown", "frozen", "policy_digest"} <= set(
        found
    )
    assert found["team_id"] == company.slack.team_id
    assert found["last_pull"]["at"] == "2027-06-15T08:00:00+00:00"
    assert found["last_pass"]["sent"] == 2
    assert (found["pending"], found["unknown"], found["frozen"]) == (0, 0, None)
    assert "2 of 2 sent" in in_text.out
    assert (done.code, in_text.code, in_text.err) == (0, 0, "")


async def test_status_shows_whom_slack_refuses_and_how_often(company: Company) -> None:
    company.crowd(2, deadline="2027-06-28")
    company.slack.faults_for["U01"] = ["user_not_found", "user_not_found"]
    for day in ("2027-06-21", "2027-06-22"):
        await company.one_pass(f"{day} 10:00")
    found = the_object(await company.called("status", "--json"))
    assert found["refused"] == [
        {"person": 1, "slack_id": "U01", "error": "user_not_found", "on": "2027-06-22", "times": 2}
    ]
    in_text = await company.called("status")
    assert "LMS 1, Slack U01: user_not_found on 2027-06-22, 2 times in a row" in in_text.out
    await company.one_pass("2027-06-25 10:00")
    assert company.dms() == {1: 1, 2: 2}
    assert the_object(await company.called("status", "--json"))["refused"] == []


async def test_status_shows_since_when_a_freeze_holds_and_the_approved_days_that_are_not_over(company: Company) -> None:
    company.crowd(4)
    company.policy = with_freeze(company.policy, first_pass_people=3)
    for when in (f"{DAY} 10:00", f"{DAY} 11:00"):
        await company.one_pass(when)
    async with company.workspace() as workspace:
        for day in ("2027-06-14", "2027-06-18", "2027-06-15"):
            workspace.store.passes.approve_day(on(day), company.clock.now, "test")
    found = the_object(await company.called("status", "--json"))
    in_text = " ".join((await company.called("status")).out.split())
    assert found["frozen_since"] == "2027-06-15T08:00:00+00:00"
    assert found["approved_days"] == ["2027-06-15", "2027-06-18"]
    assert "since 2027-06-15 08:00 UTC: the first pass" in in_text
    assert "release it with: deadline-bot approve" in in_text
    assert "2027-06-15, 2027-06-18" in in_text


async def test_explain_tells_each_decision_of_a_person(company: Company) -> None:
    company.hire(1).assign(1, 1, DAY).assign(1, 2, None)
    await company.one_pass(f"{DAY} 10:00")
    by_email = await company.called("explain", "PERSON1@example.com", "--json", *AT_TEN)
    by_slack_id = await company.called("explain", "U01", "--course", "2", "--json", *AT_TEN)
    in_text = await company.called("explain", "1", *AT_TEN)
    found = the_object(by_email)
    assert {"person", "slack_id", "decisions"} <= set(found)
    assert (found["person"], found["slack_id"]) == (1, "U01")
    fire, gdpr = found["decisions"]
    assert {"course_id", "reason", "step", "deadline", "detail"} <= set(fire)
    assert (fire["course_id"], fire["reason"], fire["step"], fire["deadline"]) == (1, "already_sent", "due", DAY)
    assert (gdpr["course_id"], gdpr["reason"], gdpr["step"], gdpr["deadline"]) == (2, "no_deadline", None, None)
    assert [d["course_id"] for d in the_object(by_slack_id)["decisions"]] == [2]
    assert "already_sent" in in_text.out
    assert "Fire" in in_text.out
    assert [done.code for done in (by_email, by_slack_id, in_text)] == [0, 0, 0]


async def test_a_frozen_pass_is_exit_3_and_is_released_by_approve(company: Company) -> None:
    company.crowd(3)
    company.policy_text += "[freeze]\nfirst_pass_people = 2\n"
    done = await company.called("remind", "--json", *AT_TEN)
    line = failed(company, done, 3)
    assert "approve" in line
    found = the_object(done)
    assert "3 people" in found["frozen"]
    assert found["error"]["code"] == "frozen"
    assert found["decisions"] == {"frozen": 3}
    released = await company.called("approve")
    assert (released.code, released.out.startswith("Released: ")) == (0, True)
    assert company.slack.posts == []
    assert (await company.called("remind", *AT_TEN)).code == 0
    assert company.dms() == {1: 1, 2: 1, 3: 1}
    assert "nothing to release" in (await company.called("approve")).out


# ── what goes wrong ──


def wrong_bot_token(company: Company) -> dict[str, str | None]:
    return {"SLACK_BOT_TOKEN": "xoxb-S3CRET"}


def wrong_client_secret(company: Company) -> dict[str, str | None]:
    return {"ELOOMI_CLIENT_SECRET": "S3CRET"}


def no_bot_token(company: Company) -> dict[str, str | None]:
    return {"SLACK_BOT_TOKEN": None}


def malformed_bot_token(company: Company) -> dict[str, str | None]:
    return {"SLACK_BOT_TOKEN": "xoxp-S3CRET"}


def missing_scope(company: Company) -> dict[str, str | None]:
    company.slack.scopes.remove("users:read")
    return {}


def damaged_store(company: Company) -> dict[str, str | None]:
    company.database.write_bytes(b"no database at all" * 300)
    return {}


def unwritable_store(company: Company) -> dict[str, str | None]:
    (company.folder / "a-file").touch()
    return {"DATABASE_URL": f"sqlite:///{company.folder / 'a-file' / 'bot.db'}"}


def strange_default_country(company: Company) -> dict[str, str | None]:
    return {"DEFAULT_COUNTRY": "Atlantis"}


def broken_policy(company: Company) -> dict[str, str | None]:
    company.policy_text = "[caps]\nreminders_in_7_days = 8\n"
    return {}


def eloomi_without_sense(company: Company) -> dict[str, str | None]:
    company.eloomi.courses.clear()
    company.eloomi.mutate = dict
    return {"ELOOMI_API_URL": company.slack.base}


@pytest.mark.parametrize(
    ("prepare", "exit_code", "code", "says"),
    [
        (wrong_bot_token, 1, "slack_refused", "SLACK_BOT_TOKEN"),
        (missing_scope, 1, "slack_refused", "missing_scope"),
        (wrong_client_secret, 1, "lms_refused", "ELOOMI_CLIENT_SECRET"),
        (eloomi_without_sense, 1, "lms_answer", "HTTP 404"),
        (no_bot_token, 2, "settings", "SLACK_BOT_TOKEN is not set"),
        (malformed_bot_token, 2, "settings", "SLACK_BOT_TOKEN must begin with xoxb-"),
        (damaged_store, 1, "store_damaged", "bot.db"),
        (unwritable_store, 1, "store", "bot.db"),
        (strange_default_country, 2, "settings", "DEFAULT_COUNTRY"),
        (broken_policy, 2, "settings", "policy.toml: caps.reminders_in_7_days"),
    ],
)
async def test_a_failure_ends_in_one_plain_line_and_an_object(
    company: Company, prepare: Any, exit_code: int, code: str, says: str
) -> None:
    company.crowd(1)
    changed = prepare(company)
    done = await company.called("remind", "--json", *AT_TEN, LOG_FORMAT="json", **changed)
    line = failed(company, done, exit_code)
    assert says in line
    error = the_object(done)["error"]
    assert error["code"] == code
    assert set(error) == {"code", "message", "fix"}
    assert " ".join(f"deadline-bot: {error['message']} {error['fix']}".split()) == line
    assert company.slack.posts == []


async def test_a_store_of_another_workspace_is_refused(company: Company) -> None:
    company.crowd(1)
    await company.pulled(f"{DAY} 08:00")
    company.slack.team_id = "T0OTHER"
    done = await company.called("remind", "--json", *AT_TEN)
    failed(company, done, 1)
    assert the_object(done)["error"]["code"] == "wrong_workspace"
    assert company.slack.posts == []


async def test_another_copy_that_sends_is_exit_4(company: Company) -> None:
    company.crowd(1)
    hurried = "import bot.jobs.remind as r; r.LEASE_WAIT_SECONDS = 1; from bot.cli import main; main()"
    async with company.workspace() as workspace:
        assert workspace.lease.take()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", hurried, "remind", *AT_TEN, env=company.environment(), cwd=company.folder,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        failed(company, await ended(process), 4)
    assert company.slack.posts == []


async def test_a_person_whom_nobody_or_several_match_is_exit_1(company: Company) -> None:
    company.hire(1, email="same@example.com").assign(1, 1, DAY).hire(2, email="Same@example.com").assign(2, 1, DAY)
    await company.pulled(f"{DAY} 08:00")
    nobody = await company.called("explain", "nobody@example.com", "--json")
    several = await company.called("explain", "same@example.com")
    assert "Nobody matches" in failed(company, nobody, 1)
    assert the_object(nobody)["error"]["code"] == "person_not_found"
    assert "More than one person matches" in failed(company, several, 1)


async def test_on_an_empty_store_what_only_reads_says_so(company: Company) -> None:
    explained = await company.called("explain", "1", "--json")
    status, as_json = await company.called("status"), await company.called("status", "--json")
    line = failed(company, explained, 1)
    assert "empty" in line
    assert "disk of its own" in line.replace("can't", "cannot")
    assert the_object(explained)["error"]["code"] == "store_empty"
    assert (status.code, "empty" in status.out, "disk of its own" in status.out) == (0, True, True)
    assert the_object(as_json)["last_pull"] is None
    assert not company.database.exists()


async def test_a_store_into_which_nothing_was_pulled_is_empty_too(company: Company) -> None:
    async with company.workspace():
        pass
    explained, status = await company.command("explain", "1"), await company.called("status")
    assert "empty" in failed(company, explained, 1)
    assert (status.code, "empty" in status.out) == (0, True)


# ── usage ──


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["remind", "--nonsense"],
        ["explain"],
        ["explain", "1", "--course", "one"],
        ["remind", "--now"],
        [],
    ],
    ids=lambda arguments: " ".join(arguments) or "nothing",
)
async def test_wrong_usage_is_exit_2(company: Company, arguments: list[str]) -> None:
    failed(company, await company.called(*arguments), 2)


@pytest.mark.parametrize("now", ["2027-06-15T10:00:00", "2027-06-15", "tomorrow", "0001-01-01T00:00:00+14:00"])
async def test_now_wants_an_instant_with_offset(company: Company, now: str) -> None:
    done = await company.called("remind", "--json", "--now", now)
    assert "--now" in failed(company, done, 2)
    assert the_object(done)["error"]["code"] == "usage"


async def test_now_far_from_the_real_clock_is_refused_where_real_people_would_hear(company: Company) -> None:
    real = {"SLACK_API_URL": "https://slack.com/api/"}
    refused = await company.called("remind", "--now", "2020-03-10T11:00:00Z", **real)
    reads = await company.called("explain", "1", "--now", "2020-03-10T11:00:00Z", **real)
    assert "--dry-run" in failed(company, refused, 2)
    assert "empty" in failed(company, reads, 1), "what only reads may look anywhere"


async def test_a_help_page_needs_none_of_the_heavy_libraries(tmp_path: Path) -> None:
    code = (
        "import atexit, sys; sys.argv = ['deadline-bot', *sys.argv[1:]]\n"
        f"atexit.register(lambda: print('LOADED', [name for name in {HEAVY!r} if name in sys.modules]))\n"
        "from bot.cli import main; main()"
    )
    for arguments in (["--help"], ["--version"]):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, *arguments, env=clean_environment({}), cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        done = await ended(process)
        assert done.code == 0
        assert done.out.splitlines()[-1] == "LOADED []"


async def test_each_command_is_in_the_help(company: Company) -> None:
    done = await company.command("--help")
    for name in ("run", "remind", "pull", "preview", "explain", "status", "approve", "demo"):
        assert f"\n  {name} " in done.out
