"""A pull replaces the whole snapshot or nothing of it, whatever eloomi and Slack do."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import pytest

from bot.clock import wall
from bot.deadlines.model import Status
from bot.demo.eloomi import Fault, Kind
from bot.errors import LmsError, SlackError
from bot.jobs.pull import refresh
from bot.store import Dossier, Pulled
from tests.company import DAY, Company, slack_id, with_freeze

Row = dict[str, Any]
Paging = Literal["pages", "ignores_paging", "caps_at_25"]
PEOPLE = 60  # more than two pages of 25


async def dossiers(company: Company) -> list[Dossier]:
    """Everything that the store says about everybody."""
    async with company.workspace() as workspace:
        return [dossier for chunk in workspace.store.snapshots.dossiers() for dossier in chunk]


async def last(company: Company) -> Pulled | None:
    """The last good pull."""
    async with company.workspace() as workspace:
        return workspace.store.snapshots.last()


def large(company: Company) -> None:
    """People with all sorts of rows: under way, done, without a deadline."""
    for person_id in range(1, PEOPLE + 1):
        company.hire(person_id)
        for course_id in (1, 2, 3):
            done = (person_id + course_id) % 3 == 0
            company.assign(
                person_id,
                course_id,
                DAY if person_id % 5 else None,
                status="completed" if done else "started",
                progress="100.00" if done else "33.33",
                started_at="2027-05-01 08:00:00",
                completed_at="2027-06-01 08:00:00" if done else None,
                time_spent=person_id,
                score="87.50",
                attempts=2,
            )


def as_text(row: Row) -> Row:
    """Every figure as text, as eloomi sometimes writes them, and no figure as nothing."""
    return {
        key: str(value) if isinstance(value, int) else "" if value is None and key == "completed_at" else value
        for key, value in row.items()
    }


def as_numbers(row: Row) -> Row:
    """Every figure that is text as a number, and truth values as such."""
    figures = {key: float(row[key]) for key in ("progress", "score")}
    return row | figures | {"required": bool(row["required"])}


SHAPES: dict[str, Callable[[Row], Row]] = {"plain": dict, "text": as_text, "numbers": as_numbers}


# ── one and the same snapshot ──


async def test_whatever_the_paging_mode_and_types_the_snapshot_is_the_same(company: Company) -> None:
    large(company)
    company.limits = replace(company.limits, patience_seconds=20)
    found: dict[tuple[str, bool, str], tuple[int, list[Dossier]]] = {}
    for n, (paging, extended, shape) in enumerate(combinations()):
        company.eloomi.paging, company.eloomi.extended, company.eloomi.mutate = paging, extended, SHAPES[shape]
        pulled = (await company.pulled(f"{DAY} 10:{n:02}")).pulled
        found[paging, extended, shape] = (pulled.rejected, await dossiers(company))
    first = found["pages", True, "plain"]
    assert len(first[1]) == PEOPLE
    assert first[0] == 0
    assert {row.status for row in first[1][0].assignments} == {Status.STARTED, Status.COMPLETED}
    assert [key for key, what in found.items() if what != first] == []


def combinations() -> list[tuple[Paging, bool, str]]:
    pagings: tuple[Paging, ...] = ("pages", "ignores_paging", "caps_at_25")
    return [(paging, extended, shape) for paging in pagings for extended in (True, False) for shape in SHAPES]


async def test_what_cannot_be_read_is_set_aside_and_counted(company: Company) -> None:
    company.crowd(2)
    company.assign(1, 2, "2027-02-30").row(1, 1)["user_id"] = "nobody"
    company.eloomi.add_user(0, email="zero@example.com")
    report = await company.pulled(f"{DAY} 10:00")
    assert (report.pulled.people, report.pulled.assignments, report.pulled.rejected) == (2, 2, 2)
    assert {reject.kind for reject in report.rejects} == {"user", "participant"}


# ── a pull that fails ──

LASTING: tuple[Kind, ...] = (
    "429_retry_after",
    "401",
    "revoked",
    "500",
    "html502",
    "html200",
    "empty200",
    "error200",
    "null200",
    "truncated",
    "drop",
    "cut",
    "hang",
)  # fmt: skip
SECOND_PAGE = r"/v3/courses/2/participants"


@pytest.mark.parametrize("kind", LASTING)
async def test_a_fault_that_lasts_keeps_the_earlier_snapshot_and_sends_nothing(company: Company, kind: Kind) -> None:
    company.crowd(2).assign(1, 2, DAY)
    await company.pulled(f"{DAY} 08:00")
    before = await dossiers(company)
    company.row(1, 1)["deadline"] = "2027-06-16"
    company.hire(3).assign(3, 1, DAY)
    company.eloomi.faults.append(Fault(kind=kind, path=SECOND_PAGE, times=None, seconds=100))
    with pytest.raises(LmsError):
        await company.one_pass(f"{DAY} 10:00")
    assert await dossiers(company) == before
    assert company.slack.posts == []


@pytest.mark.parametrize("kind", ["500", "html200", "drop", "revoked", "429_retry_after"])
async def test_a_fault_that_passes_is_waited_out(company: Company, kind: Kind) -> None:
    company.crowd(2)
    company.limits = replace(company.limits, patience_seconds=5, busy_seconds=5)
    company.eloomi.faults.append(Fault(kind=kind, path="/v3/courses/1/participants", times=1, seconds=0.1))
    report = await company.one_pass(f"{DAY} 10:00")
    assert report.sent == 2


@pytest.mark.parametrize("path", ["/oauth/token", "/v3/users", "/v3/courses$"])
async def test_a_listing_that_fails_is_never_an_empty_one(company: Company, path: str) -> None:
    company.crowd(2)
    await company.pulled(f"{DAY} 08:00")
    before = await last(company)
    company.eloomi.faults.append(Fault(kind="500", path=path, times=None))
    with pytest.raises(LmsError):
        await company.pulled(f"{DAY} 10:00")
    assert await last(company) == before


@pytest.mark.parametrize("kind", ["500", "html", "drop", "internal", "hang"])
async def test_garbage_from_slack_keeps_the_earlier_snapshot(company: Company, kind: str) -> None:
    company.crowd(2)
    await company.pulled(f"{DAY} 08:00")
    before = await dossiers(company)
    company.row(1, 1)["deadline"] = "2027-06-16"
    company.slack.fault_next(kind, "users.list", times=12)
    with pytest.raises(SlackError):
        await company.one_pass(f"{DAY} 10:00")
    assert await dossiers(company) == before
    assert company.slack.posts == []


async def test_a_page_of_slacks_people_that_is_missing_keeps_the_earlier_snapshot(company: Company) -> None:
    company.crowd(6)
    company.slack.page_max = 3
    await company.pulled(f"{DAY} 08:00")
    company.slack.fault_next("ok", "users.list")
    company.slack.fault_next("500", "users.list", times=3)
    with pytest.raises(SlackError):
        await company.pulled(f"{DAY} 09:00")
    assert all(dossier.member for dossier in await dossiers(company))


# ── a pull that has shrunk ──


async def test_a_company_that_shrinks_at_once_keeps_the_earlier_snapshot(company: Company) -> None:
    company.crowd(10)
    await company.pulled(f"{DAY} 08:00")
    for person_id in range(1, 6):
        company.eloomi.inactive.add(person_id)
    report = await company.one_pass(f"{DAY} 10:00")
    assert "people shrank from 10 to 5" in (report.frozen or "")
    assert company.slack.posts == []
    assert len(await dossiers(company)) == 10
    company.eloomi.inactive.clear()
    report = await company.one_pass(f"{DAY} 11:00")
    assert (report.frozen, report.sent) == (None, 10)


async def test_between_pulls_a_shrunk_pull_still_holds_everything(company: Company) -> None:
    company.crowd(10)
    await company.pulled(f"{DAY} 08:00")
    company.eloomi.participants = company.eloomi.participants[:5]
    assert (await company.pulled(f"{DAY} 09:00")).frozen
    report = await company.one_pass(f"{DAY} 09:30", pulls=False)
    assert "assignments shrank from 10 to 5" in (report.frozen or "")
    assert company.slack.posts == []


async def test_a_shrunk_pull_that_is_approved_becomes_the_measure(company: Company) -> None:
    company.crowd(10)
    await company.pulled(f"{DAY} 08:00")
    company.eloomi.participants = company.eloomi.participants[:5]
    assert (await company.pulled(f"{DAY} 09:00")).frozen
    async with company.workspace() as workspace:
        assert workspace.store.passes.approve(wall(), "test")
    report = await company.one_pass(f"{DAY} 10:00")
    assert (report.frozen, report.sent) == (None, 5)
    assert (await company.pulled(f"{DAY} 11:00")).frozen is None


async def test_completions_that_vanish_freeze(company: Company) -> None:
    company.crowd(10)
    for person_id in range(1, 8):
        company.finish(person_id, 1)
    await company.pulled(f"{DAY} 08:00")
    for person_id in range(1, 8):
        company.row(person_id, 1).update(status="not_started", progress="0.00", completed_at=None)
    report = await company.one_pass(f"{DAY} 10:00")
    assert "7 of 7 completions vanished" in (report.frozen or "")
    assert company.slack.posts == []


async def test_a_limit_of_nought_lets_everything_shrink(company: Company) -> None:
    company.policy = with_freeze(company.policy, shrink_people_percent=0, shrink_assignments_percent=0)
    company.crowd(10)
    await company.pulled(f"{DAY} 08:00")
    company.eloomi.participants = company.eloomi.participants[:5]
    assert (await company.pulled(f"{DAY} 09:00")).pulled.assignments == 5


# ── a second look ──


async def test_a_second_look_renews_the_courses_asked_for_alone(company: Company) -> None:
    company.hire(1).assign(1, 1, DAY).assign(1, 2, DAY)
    await company.pulled(f"{DAY} 08:00")
    company.finish(1, 1)
    company.finish(1, 2)
    asked = len(company.eloomi.requests)
    async with company.workspace() as workspace:
        await refresh(workspace, [1], company.clock() + timedelta(hours=1))
    assert {r.path for r in company.eloomi.requests[asked:]} == {"/oauth/token", "/v3/courses/1/participants"}
    (dossier,) = await dossiers(company)
    assert [row.status for row in dossier.assignments] == [Status.COMPLETED, Status.NOT_STARTED]
    pulled = await last(company)
    assert pulled is not None
    assert pulled.at == company.clock(), "it is no whole pull"


@pytest.mark.parametrize("kind", ["500", "null200"])
async def test_a_second_look_that_fails_changes_nothing(company: Company, kind: Kind) -> None:
    company.hire(1).assign(1, 1, DAY)
    await company.pulled(f"{DAY} 08:00")
    company.finish(1, 1)
    company.eloomi.faults.append(Fault(kind=kind, path="participants", times=None))
    async with company.workspace() as workspace:
        with pytest.raises(LmsError):
            await refresh(workspace, [1], company.clock() + timedelta(hours=1))
    (dossier,) = await dossiers(company)
    assert dossier.assignments[0].status is Status.NOT_STARTED


# ── Slack's people ──


async def test_a_status_is_seen_first_when_it_is_first_pulled(company: Company) -> None:
    company.hire(1).assign(1, 1, DAY)
    company.slack.users["U01"].status_emoji = ":palm_tree:"
    for hour in ("08", "09"):
        await company.pulled(f"{DAY} {hour}:00")
    first_seen = company.at(f"{DAY} 08:00")
    assert [dossier.status_seen_at for dossier in await dossiers(company)] == [first_seen]
    company.slack.users["U01"].status_text = "On leave"
    await company.pulled(f"{DAY} 10:00")
    assert [dossier.status_seen_at for dossier in await dossiers(company)] == [company.clock()]


async def test_somebody_who_joins_slack_is_matched_at_the_next_pull(company: Company) -> None:
    company.hire(1).assign(1, 1, DAY)
    member = company.slack.users.pop("U01")
    await company.pulled(f"{DAY} 08:00")
    assert [dossier.no_match for dossier in await dossiers(company)] == ["not_in_slack"]
    company.slack.users["U01"] = member
    await company.pulled(f"{DAY} 09:00")
    assert [d.member and d.member.slack_id for d in await dossiers(company)] == [slack_id(1)]


async def test_people_come_with_the_fewest_calls(company: Company) -> None:
    company.crowd(30)
    await company.pulled(f"{DAY} 08:00")
    assert company.slack.calls["users.list"] == 1
    assert company.slack.calls["users.info"] == 0


def test_the_shapes_differ_as_served() -> None:
    row = {"user_id": 1, "progress": "33.33", "score": "1.00", "required": 1, "completed_at": None}
    assert len({json.dumps(shape(row)) for shape in SHAPES.values()}) == len(SHAPES)
