"""The client against a local eloomi over real HTTP: paging, faults, budgets, and what its errors never say."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import json
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.deadlines.model import Assignment, Course, Learner, Page, Rejected
from bot.demo.eloomi import START, Fault, Kind, LocalEloomi
from bot.errors import LmsAnswerError, LmsBusy, LmsError, LmsRefused, LmsUnreachable
from bot.lms import Source
from bot.lms.budget import Gate, Limits, Patience, wait_asked_seconds
from bot.lms.eloomi import Eloomi
from bot.lms.transport import Transport

T = TypeVar("T")
Answer = Callable[[httpx.Request], httpx.Response] | Callable[[httpx.Request], Coroutine[None, None, httpx.Response]]
Paging = Literal["pages", "ignores_paging", "caps_at_25"]
PAGINGS: list[Paging] = ["pages", "ignores_paging", "caps_at_25"]
ANSWERLESS: list[Kind] = ["500", "html502", "drop", "cut"]
NONSENSE: list[Kind] = ["html200", "empty200", "error200", "null200", "truncated"]


class Clock:
    """Time that passes only while somebody sleeps, and then at once."""

    def __init__(self) -> None:
        self.at = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds
        await asyncio.sleep(0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def eloomi() -> AsyncIterator[LocalEloomi]:
    """With one course, 12, that three people are in."""
    async with LocalEloomi() as eloomi:
        eloomi.add_course(12, "Fire safety")
        for person_id in (1, 2, 3):
            eloomi.add_user(person_id)
            eloomi.assign(person_id, 12, "2027-03-12")
        yield eloomi


@asynccontextmanager
async def client_of(eloomi: LocalEloomi, clock: Clock | None = None, **options: Any) -> AsyncIterator[Eloomi]:
    """Its client, on the pretended clock where one is given."""
    if clock:
        options |= {"sleep": clock.sleep, "monotonic": clock.monotonic}
    standard: dict[str, Any] = {
        "base_url": eloomi.url,
        "client_id": eloomi.client_id,
        "client_secret": SecretStr(eloomi.client_secret),
        "timezone": ZoneInfo("UTC"),
        "now": lambda: START,
    }
    async with aclosing(Eloomi(**(standard | options))) as client:
        yield client


def transport_over(
    answer: Answer,
    clock: Clock,
    limits: Limits | None = None,
) -> aclosing[Transport]:
    """The layer below, with httpx's wire in our hands."""
    return aclosing(
        Transport(
            base_url="http://lms.example",
            client_id="id",
            client_secret=SecretStr("hush"),
            now=lambda: START,
            sleep=clock.sleep,
            monotonic=clock.monotonic,
            limits=limits or Limits(),
            wire=httpx.MockTransport(answer),
        )
    )


@pytest.fixture
async def client(eloomi: LocalEloomi, clock: Clock) -> AsyncIterator[Eloomi]:
    async with client_of(eloomi, clock) as client:
        yield client


async def rows_of(pages: AsyncIterator[Page[T]]) -> list[T]:
    return [row async for page in pages for row in page.rows]


async def rejects_of(pages: AsyncIterator[Page[T]]) -> list[Rejected]:
    return [reject async for page in pages for reject in page.rejected]


async def persons_of(client: Eloomi, course_id: int = 12) -> list[int]:
    return [row.person_id for row in await rows_of(client.assignments(course_id))]


def asked(eloomi: LocalEloomi, path: str) -> int:
    """How many requests of this path came in."""
    return sum(request.path == path for request in eloomi.requests)


PARTICIPANTS = "/v3/courses/12/participants"

# ── listings ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_it_is_a_source(client: Eloomi) -> None:
    source: Source = client
    assert [type(row) for row in await rows_of(source.people())] == [Learner] * 3
    assert [type(row) for row in await rows_of(source.courses())] == [Course]
    assert [type(row) for row in await rows_of(source.assignments(12))] == [Assignment] * 3


@pytest.mark.parametrize("paging", PAGINGS)
@pytest.mark.parametrize("size", [0, 1, 25, 26, 50])
async def test_every_row_comes_once_however_the_server_pages(
    eloomi: LocalEloomi, client: Eloomi, paging: Paging, size: int
) -> None:
    eloomi.paging = paging
    for n in range(100, 100 + size):
        eloomi.add_user(n)
        eloomi.add_course(n, f"Course {n}")
        eloomi.assign(n, 100, None)
    wanted = list(range(100, 100 + size))
    assert sorted(row.person_id for row in await rows_of(client.people())) == [1, 2, 3, *wanted]
    assert sorted(row.course_id for row in await rows_of(client.courses())) == [12, *wanted]
    assert await persons_of(client) == [1, 2, 3]
    assert await persons_of(client, 100) == wanted


async def test_a_listing_of_several_full_pages_comes_whole(eloomi: LocalEloomi, client: Eloomi) -> None:
    eloomi.add_course(7, "Big")
    for n in range(2500):
        eloomi.assign(n + 1, 7, "2027-03-12")
    pages = [page async for page in client.assignments(7)]
    assert [page.number for page in pages] == [1, 2, 3]
    assert [row.person_id for page in pages for row in page.rows] == list(range(1, 2501))


async def test_every_request_says_page_size_page_and_extended_mode(eloomi: LocalEloomi, client: Eloomi) -> None:
    await rows_of(client.people())
    await rows_of(client.assignments(12))
    queries = [dict(request.query) for request in eloomi.requests if request.path != "/oauth/token"]
    assert all(query["per_page"] == "1000" and query["page"] for query in queries)
    assert [query.get("mode") for query in queries] == ["active", "active", "pending", None, None]
    assert queries[-1]["extended_mode"] == "1"


async def test_a_short_page_ends_a_listing_only_where_a_longer_one_was_seen(
    eloomi: LocalEloomi, client: Eloomi
) -> None:
    eloomi.add_course(13, "Short")
    eloomi.assign(1, 13, None)
    await rows_of(client.assignments(12))
    assert asked(eloomi, PARTICIPANTS) == 2
    await rows_of(client.assignments(13))
    assert asked(eloomi, "/v3/courses/13/participants") == 1
    client.begin_pull()
    await rows_of(client.assignments(13))
    assert asked(eloomi, "/v3/courses/13/participants") == 3


async def test_pending_people_come_too_and_inactive_ones_do_not(eloomi: LocalEloomi, client: Eloomi) -> None:
    eloomi.pending.add(2)
    eloomi.inactive.add(3)
    assert [row.person_id for row in await rows_of(client.people())] == [1, 2]


async def test_a_person_served_in_both_modes_comes_once_unless_the_address_differs(
    eloomi: LocalEloomi, client: Eloomi
) -> None:
    def users(*emails: str) -> bytes:
        rows = [{"id": n, "email": email} for n, email in enumerate(emails, start=1)]
        return json.dumps({"status_code": "200", "data": rows}).encode()

    eloomi.faults = [
        Fault(kind="status", path="users", body=users("a@x.com", "b@x.com", "K@x.com")),
        Fault(kind="status", path="users", body=users()),
        Fault(kind="status", path="users", body=users("A@X.com", "new@x.com", "\u212a@x.com")),
        Fault(kind="status", path="users", body=users()),
    ]
    got = [(row.person_id, row.email) for row in await rows_of(client.people())]
    assert got == [(1, "a@x.com"), (2, "b@x.com"), (3, "K@x.com"), (2, "new@x.com"), (3, "\u212a@x.com")]


async def test_a_mode_with_one_repeated_page_goes_on_to_its_next(eloomi: LocalEloomi, client: Eloomi) -> None:
    eloomi.paging = "caps_at_25"
    for n in range(1, 60):
        eloomi.add_user(n)
    eloomi.pending = set(eloomi.users)
    eloomi.faults = [Fault(kind="status", path="users", body=body(list(eloomi.users.values())[:25]))]
    assert len(await rows_of(client.people())) == 59


def body(data: object, status_code: object = 200) -> bytes:
    return json.dumps({"status": "OK", "status_code": status_code, "message": None, "data": data}).encode()


async def test_identical_rows_within_a_page_all_count_and_repeated_ones_across_pages_do_not(
    eloomi: LocalEloomi, client: Eloomi
) -> None:
    rows = [{"user_id": n, "course_id": 12, "required": 1, "extra": [n]} for n in range(1, 5)]
    for page in ([rows[0], rows[0], rows[1]], [rows[1], rows[2]], [rows[2], rows[3]], [rows[0], rows[3]]):
        eloomi.faults.append(Fault(kind="status", path="participants", body=body(page)))
    eloomi.faults[1].body = body([rows[1], rows[2], rows[2]])
    eloomi.faults[2].body = body([rows[2], rows[0], rows[3]])
    eloomi.faults[3].body = body([rows[0], rows[3], rows[1]])
    assert await persons_of(client) == [1, 1, 2, 3, 3, 4]


async def test_rejects_are_counted_once_and_carry_their_reason(eloomi: LocalEloomi, client: Eloomi) -> None:
    eloomi.paging = "ignores_paging"
    eloomi.participants[1]["required"] = "maybe"
    eloomi.users[2]["id"] = None
    eloomi.courses[12]["id"] = "x"
    assert [reject.reason for reject in await rejects_of(client.assignments(12))] == ["required is neither 0 nor 1"]
    assert [reject.kind for reject in await rejects_of(client.people())] == ["user"]
    assert [reject.kind for reject in await rejects_of(client.courses())] == ["course"]


async def test_an_unknown_course_has_no_rows(eloomi: LocalEloomi, client: Eloomi) -> None:
    assert [page async for page in client.assignments(999)] == []


async def test_both_modes_and_odd_types_give_the_same_values(eloomi: LocalEloomi, client: Eloomi) -> None:
    eloomi.participants[0].update(status="started", progress="50.00", started_at="2027-01-01 10:00:00")
    eloomi.participants[1].update(status="completed", completed_at="2027-01-01 10:00:00")
    usual = await rows_of(client.assignments(12))
    eloomi.extended = False
    assert await rows_of(client.assignments(12)) == usual
    eloomi.mutate = lambda row: {k: str(v) if isinstance(v, int) else v for k, v in row.items()} | {"new": 1}
    assert await rows_of(client.assignments(12)) == usual


async def test_the_zone_of_timestamps_is_a_setting(eloomi: LocalEloomi) -> None:
    async with client_of(eloomi, timezone=ZoneInfo("Europe/Copenhagen")) as client:
        (first, *_) = await rows_of(client.assignments(12))
    assert first.assigned_at == datetime(2026, 12, 1, 7, tzinfo=UTC)


async def test_the_digest_is_that_of_what_was_decoded(eloomi: LocalEloomi) -> None:
    async def digests(zone: str = "UTC") -> list[bytes]:
        async with client_of(eloomi, timezone=ZoneInfo(zone)) as client:
            return [page.digest async for page in client.assignments(12)]

    first = await digests()
    assert await digests() == first
    assert await digests("Europe/Copenhagen") != first
    eloomi.participants[0]["progress"] = "1.00"
    assert await digests() != first


async def test_one_nan_or_lone_surrogate_costs_only_its_field(eloomi: LocalEloomi, client: Eloomi) -> None:
    rows = b'[{"user_id":1,"course_id":12,"required":1,"progress":NaN,"deadline":"\\ud800"},'
    rows += b'{"user_id":2,"course_id":12,"required":1,"score":1e999,"attempts":99999999999999999999}]'
    eloomi.faults = [Fault(kind="status", body=b'{"status_code":200,"data":' + rows + b"}", path="part", times=2)]
    first, second = await rows_of(client.assignments(12))
    assert (first.progress_percent, first.deadline_raw) == (None, "\ufffd")
    assert (second.score, second.attempts) == (None, None)
    assert asked(eloomi, PARTICIPANTS) == 2


# ── login ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_one_login_serves_many_requests_with_both_headers(eloomi: LocalEloomi, client: Eloomi) -> None:
    await asyncio.gather(*(persons_of(client) for _ in range(8)))
    assert asked(eloomi, "/oauth/token") == 1
    headers = [request.headers for request in eloomi.requests if request.path == PARTICIPANTS]
    assert all(each["Authorization"].startswith("Bearer ") and each["ClientId"] == "local-client" for each in headers)


async def test_a_wrong_secret_is_refused_without_another_try(eloomi: LocalEloomi, clock: Clock) -> None:
    async with client_of(eloomi, clock, client_secret=SecretStr("wr\u00f6ng")) as client:
        with pytest.raises(LmsRefused):
            await rows_of(client.people())
    assert len(eloomi.requests) == 1


@pytest.mark.parametrize("kind", ["401", "revoked"])
async def test_a_refused_token_is_replaced_once(eloomi: LocalEloomi, client: Eloomi, kind: Kind) -> None:
    eloomi.faults = [Fault(kind=kind, path="participants")]
    assert await persons_of(client) == [1, 2, 3]
    assert asked(eloomi, "/oauth/token") == 2


async def test_a_token_refused_for_many_requests_at_once_is_replaced_once(eloomi: LocalEloomi, client: Eloomi) -> None:
    await persons_of(client)
    eloomi.faults = [Fault(kind="revoked", path="participants")]
    await asyncio.gather(*(persons_of(client) for _ in range(4)))
    assert asked(eloomi, "/oauth/token") == 2


async def test_a_fresh_token_that_is_refused_ends_the_pull(eloomi: LocalEloomi, client: Eloomi) -> None:
    eloomi.faults = [Fault(kind="401", path="participants", times=None)]
    with pytest.raises(LmsRefused):
        await persons_of(client)
    assert asked(eloomi, "/oauth/token") == 2


async def test_a_token_revoked_at_every_other_request_ends_the_pull(eloomi: LocalEloomi, client: Eloomi) -> None:
    for _ in range(2):
        eloomi.faults = [Fault(kind="revoked", path="participants")]
        await persons_of(client)
    eloomi.faults = [Fault(kind="revoked", path="participants")]
    with pytest.raises(LmsRefused):
        await persons_of(client)
    assert asked(eloomi, "/oauth/token") == 4


@pytest.mark.parametrize(
    "answer",
    [
        b"[]",
        b"{}",
        b'{"access_token":5}',
        b'{"access_token":""}',
        b'{"access_token":"a\\nb"}',
        b'{"access_token":"\\ud800"}',
        b"x",
    ],
    ids=repr,
)
async def test_a_login_answer_without_a_usable_token_is_no_answer(
    eloomi: LocalEloomi, client: Eloomi, answer: bytes
) -> None:
    eloomi.faults = [Fault(kind="status", path="oauth", body=answer)]
    assert await persons_of(client) == [1, 2, 3]
    eloomi.faults = [
        Fault(kind="401", path="participants"),
        Fault(kind="status", path="oauth", body=answer, times=None),
    ]
    with pytest.raises(LmsAnswerError):
        await persons_of(client)


@pytest.mark.parametrize("client_id", ["\ud800", "n\u00f6", "a\nb"], ids=repr)
async def test_a_client_id_that_cannot_be_sent_is_an_error_of_ours(
    eloomi: LocalEloomi, clock: Clock, client_id: str
) -> None:
    eloomi.client_id = client_id
    async with client_of(eloomi, clock) as client:
        with pytest.raises(LmsError):
            await persons_of(client)


# ── faults ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/oauth/token", "participants"])
@pytest.mark.parametrize("kind", [*ANSWERLESS, *NONSENSE])
async def test_a_passing_fault_is_asked_over(eloomi: LocalEloomi, client: Eloomi, kind: Kind, path: str) -> None:
    eloomi.faults = [Fault(kind=kind, path=path, times=3)]
    assert await persons_of(client) == [1, 2, 3]


@pytest.mark.parametrize("kind", ANSWERLESS)
async def test_an_lms_that_gives_no_answer_is_out_of_reach(
    eloomi: LocalEloomi, client: Eloomi, clock: Clock, kind: Kind
) -> None:
    eloomi.faults = [Fault(kind=kind, path="participants", times=None)]
    with pytest.raises(LmsUnreachable):
        await persons_of(client)
    assert asked(eloomi, PARTICIPANTS) == 4
    assert clock.slept == [0.5, 1, 2]


@pytest.mark.parametrize("kind", NONSENSE)
async def test_nonsense_is_a_failure_and_never_an_empty_list(eloomi: LocalEloomi, client: Eloomi, kind: Kind) -> None:
    eloomi.faults = [Fault(kind=kind, path="/v3/", times=None)]
    with pytest.raises(LmsAnswerError):
        await rows_of(client.people())
    with pytest.raises(LmsAnswerError):
        await rows_of(client.courses())
    with pytest.raises(LmsAnswerError):
        await persons_of(client)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"data":[]}',
        body([], 500),
        body([], "500"),
        body([], None),
        body([], [200]),
        body({}),
        body(None),
        body("rows"),
        b"\xff\xfe\x00",
        b"[" * 500_000,
        b'{"status_code":200,"data":[' + b"[" * 500_000 + b"]" * 500_000 + b"]}",
        b'{"status_code":200,"data":[{"user_id":' + b"9" * 5000 + b"}]}",
    ],
    ids=lambda answer: repr(answer[:40]),
)
async def test_an_answer_that_is_no_envelope_of_a_list_is_a_failure(
    eloomi: LocalEloomi, client: Eloomi, answer: bytes
) -> None:
    eloomi.faults = [Fault(kind="status", path="participants", body=answer, times=None)]
    with pytest.raises(LmsAnswerError):
        await persons_of(client)


@pytest.mark.parametrize("status", [301, 302, 400, 404, 418])
async def test_another_status_is_a_failure(eloomi: LocalEloomi, client: Eloomi, status: int) -> None:
    eloomi.faults = [Fault(kind="status", path="participants", status=status, body=body([]), times=None)]
    with pytest.raises(LmsAnswerError, match=str(status)):
        await persons_of(client)


async def test_a_403_is_a_refusal(eloomi: LocalEloomi, client: Eloomi) -> None:
    eloomi.faults = [Fault(kind="status", path="participants", status=403)]
    with pytest.raises(LmsRefused):
        await persons_of(client)


async def test_a_fault_on_a_later_page_raises_after_the_pages_before_it(eloomi: LocalEloomi, client: Eloomi) -> None:
    eloomi.faults = [Fault(kind="error200", path="participants", page=2, times=None)]
    listing = client.assignments(12)
    assert len((await anext(listing)).rows) == 3
    with pytest.raises(LmsAnswerError):
        await anext(listing)


async def test_a_slow_answer_is_a_healthy_one(eloomi: LocalEloomi) -> None:
    eloomi.faults = [Fault(kind="slow", seconds=0.06, times=None)]
    async with client_of(eloomi, limits=Limits(patience_seconds=0.15)) as client:
        for _ in range(2):
            assert await persons_of(client) == [1, 2, 3]
    assert len(eloomi.requests) >= 5  # longer in all than its patience, of which nothing was lost


async def test_a_listing_that_never_ends_is_a_failure(
    eloomi: LocalEloomi, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.lms.eloomi.MOST_PAGES", 2)
    eloomi.paging = "caps_at_25"
    for n in range(60):
        eloomi.assign(n + 10, 12, None)
    async with client_of(eloomi, clock) as client:
        with pytest.raises(LmsAnswerError, match="does not end"):
            await persons_of(client)


# ── patience ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def seconds_to_fail(client: Eloomi, calls: int) -> float:
    begin = time.monotonic()
    outcomes = await asyncio.gather(*(persons_of(client) for _ in range(calls)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {LmsUnreachable}
    return time.monotonic() - begin


@pytest.mark.parametrize("path", ["oauth", "participants"])
@pytest.mark.parametrize("calls", [1, 4, 9])
async def test_an_lms_that_hangs_is_given_up_in_time_whatever_hangs(eloomi: LocalEloomi, path: str, calls: int) -> None:
    eloomi.faults = [Fault(kind="hang", path=path, times=None)]
    limits = Limits(patience_seconds=0.3, read_seconds=0.12, first_back_off_seconds=0.01)
    async with client_of(eloomi, limits=limits) as client:
        assert await seconds_to_fail(client, calls) < 0.6


async def test_a_trickle_of_bytes_is_no_answer(eloomi: LocalEloomi) -> None:
    gone = asyncio.Event()

    async def trickle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nX: ")
        while not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(0.05)
        gone.set()

    server = await asyncio.start_server(trickle, "127.0.0.1")
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with client_of(eloomi, base_url=url, limits=Limits(patience_seconds=0.4, read_seconds=0.3)) as client:
        assert await seconds_to_fail(client, 1) < 0.7
    await gone.wait()
    server.close()


async def test_a_refused_connection_is_out_of_reach(eloomi: LocalEloomi, clock: Clock) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    async with client_of(eloomi, clock, base_url=url) as client:
        with pytest.raises(LmsUnreachable) as caught:
            await rows_of(client.people())
    assert isinstance(caught.value.__cause__, httpx.ConnectError)


async def test_an_lms_that_went_down_is_out_of_reach_and_then_back(
    eloomi: LocalEloomi, client: Eloomi, clock: Clock
) -> None:
    eloomi.down = True
    with pytest.raises(LmsUnreachable):
        await rows_of(client.people())
    eloomi.down = False
    assert len(await rows_of(client.people())) == 3


async def failures_survived(eloomi: LocalEloomi, client: Eloomi) -> int:
    """How many requests in a row fail once each until a pull is given up."""
    for survived in range(100):
        eloomi.faults = [Fault(kind="500", path="participants")]
        try:
            await persons_of(client)
        except LmsUnreachable:
            return survived
    return 100


async def test_patience_is_one_for_the_whole_pull(eloomi: LocalEloomi, client: Eloomi, clock: Clock) -> None:
    assert await failures_survived(eloomi, client) == 39
    assert sum(clock.slept) == 19.5


async def test_a_new_pull_begins_with_new_patience(eloomi: LocalEloomi, client: Eloomi) -> None:
    assert await failures_survived(eloomi, client) == 39
    assert await failures_survived(eloomi, client) == 0
    client.begin_pull()
    assert await failures_survived(eloomi, client) == 39
    await rows_of(client.people())
    assert await failures_survived(eloomi, client) == 39


@pytest.mark.parametrize(("rest", "survived"), [(59, 0), (60, 39)])
async def test_after_a_minute_without_a_request_the_next_begins_a_pull(
    eloomi: LocalEloomi, client: Eloomi, clock: Clock, rest: float, survived: int
) -> None:
    await failures_survived(eloomi, client)
    clock.at += rest
    assert await failures_survived(eloomi, client) == survived


async def test_a_call_under_way_is_no_rest(eloomi: LocalEloomi, client: Eloomi, clock: Clock) -> None:
    await failures_survived(eloomi, client)
    eloomi.faults = [Fault(kind="hang", path="courses$")]
    hanging = asyncio.create_task(rows_of(client.courses()))
    await asyncio.sleep(0.1)
    assert asked(eloomi, "/v3/courses") == 1
    clock.at += 60
    assert await failures_survived(eloomi, client) == 0
    hanging.cancel()


@pytest.mark.parametrize(("seconds", "tries", "error"), [(6, 3, LmsAnswerError), (10, 2, LmsUnreachable)])
async def test_nonsense_that_comes_slowly_costs_patience(
    clock: Clock, seconds: float, tries: int, error: type[LmsError]
) -> None:
    decoded = []

    def answer(request: httpx.Request) -> httpx.Response:
        clock.at += seconds if request.method == "GET" else 0
        return httpx.Response(200, json={"access_token": "t"})

    def decode(body: bytes) -> None:
        decoded.append(body)
        raise LmsAnswerError("nonsense")

    async with transport_over(answer, clock) as transport:
        with pytest.raises(error):
            await transport.get("/v3/courses", {}, decode)
    assert len(decoded) == tries


def test_spans_lost_together_count_once() -> None:
    patience = Patience(limits=Limits(patience_seconds=20))
    for begin, end in ((5, 8), (0, 6), (7, 7.5), (10, 12), (11, 13), (0, 1)):
        patience.lose(begin, end)
    assert patience.left_seconds == 20 - 8 - 3


# ── the rate limit ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fault", "waited"),
    [
        (Fault(kind="429"), 60),
        (Fault(kind="429", path="oauth"), 60),
        (Fault(kind="429_retry_after", seconds=7), 7),
        (Fault(kind="429_retry_after", seconds=7, path="participants"), 7),
        (Fault(kind="429_retry_after", seconds=0), 1),
        (Fault(kind="429_retry_date", seconds=30), 30),
        (Fault(kind="429_reset", seconds=12), 12),
        (Fault(kind="429_reset_epoch", seconds=45), 45),
        (Fault(kind="429_reset_epoch", seconds=-45), 1),
    ],
    ids=lambda value: f"{value.kind} {value.path}" if isinstance(value, Fault) else f"{value}s",
)
async def test_a_429_is_waited_out(
    eloomi: LocalEloomi, client: Eloomi, clock: Clock, fault: Fault, waited: int
) -> None:
    eloomi.faults = [replace(fault)]
    assert await persons_of(client) == [1, 2, 3]
    assert clock.slept == [waited]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 60),
        ({"Retry-After": "soon"}, 60),
        ({"Retry-After": "nan"}, 60),
        ({"Retry-After": "inf"}, 60),
        ({"Retry-After": "-5"}, 60),
        ({"Retry-After": ""}, 60),
        ({"Retry-After": "2.5"}, 2.5),
        ({"Retry-After": "x", "X-RateLimit-Reset": "9"}, 9),
        ({"Retry-After": "3", "X-RateLimit-Reset": "9"}, 3),
        ({"X-RateLimit-Reset": str(int(START.timestamp()) + 20)}, 20),
        ({"X-RateLimit-Reset": str(int(START.timestamp()) * 1000 + 20_000)}, 20),
        ({"Retry-After": "Mon, 04 Jan 2027 09:00:30 GMT"}, 30),
        ({"Retry-After": "Mon, 04 Jan 2027 09:00:30 -0000"}, 30),
        ({"Retry-After": "Mon, 99 Jan 2027 09:00:30 GMT"}, 60),
    ],
    ids=str,
)
def test_the_wait_is_read_from_whichever_header_comes(headers: dict[str, str], seconds: float) -> None:
    assert wait_asked_seconds(httpx.Headers(headers), START) == seconds


async def test_a_429_holds_all_requests_back(eloomi: LocalEloomi) -> None:
    eloomi.faults = [Fault(kind="429_retry_after", seconds=1, path="participants")]
    async with client_of(eloomi) as client:
        await asyncio.gather(persons_of(client), rows_of(client.courses()), rows_of(client.courses()))
    at = [request.at for request in eloomi.requests]
    gaps = [later - earlier for earlier, later in itertools.pairwise(at)]
    assert sum(gap > 0.9 for gap in gaps) == 1
    before = gaps.index(max(gaps)) + 1
    assert before <= 4  # the login, and what was in flight with the one that was refused


@pytest.mark.parametrize(
    ("faults", "slept"),
    [
        pytest.param([Fault(kind="429_retry_after", seconds=91)], [], id="one too long"),
        pytest.param([Fault(kind="429", times=2)], [60], id="two a minute each"),
        pytest.param([Fault(kind="429_retry_after", seconds=0, times=None)], [1] * 90, id="for ever"),
        pytest.param([Fault(kind="429_reset_epoch", seconds=10**6)], [], id="in eleven days"),
    ],
)
async def test_longer_waits_than_a_pass_may_take_are_refused(
    eloomi: LocalEloomi, client: Eloomi, clock: Clock, faults: list[Fault], slept: list[float]
) -> None:
    eloomi.faults = [replace(fault) for fault in faults]
    with pytest.raises(LmsBusy):
        await persons_of(client)
    assert clock.slept == slept
    eloomi.faults = []
    client.begin_pull()
    assert await persons_of(client) == [1, 2, 3]


def test_waits_asked_for_together_count_once() -> None:
    gate = Gate(Limits())
    assert gate.extra_seconds(0, 80) == 80
    gate.shut(0, 80)
    assert gate.extra_seconds(1, 80) == 1
    assert gate.extra_seconds(1, 10) == 0
    assert gate.extra_seconds(100, 10) == 10


async def test_it_keeps_under_the_rate_limit_by_itself(clock: Clock) -> None:
    left_at: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        left_at.append(clock.at)
        clock.at += 1
        return httpx.Response(200, json={"access_token": "t"})

    async with transport_over(answer, clock, limits=Limits(window_requests=5)) as transport:
        for _ in range(20):
            await transport.get("/v3/courses", {}, bytes)
    assert len(left_at) == 21
    assert all(later - earlier >= 60 for earlier, later in zip(left_at, left_at[5:], strict=False))
    assert clock.slept == [55] * 4


def test_the_window_slides() -> None:
    gate = Gate(Limits(window_requests=2))
    for at in (0.0, 10.0):
        assert gate.wait_seconds(at) <= 0
        gate.leave(at)
    assert gate.wait_seconds(20) == 40
    assert gate.wait_seconds(60) <= 0
    gate.leave(60)
    assert gate.wait_seconds(61) == 9


def test_the_standard_window_stays_below_the_vendors() -> None:
    assert Limits().window_requests < 600
    assert Limits().window_seconds >= 60


@pytest.mark.parametrize(
    ("remaining", "waited"), [("9", 0), ("8", 60 / 9), ("1", 30), ("0", 60), ("", 0), ("-1", 0), ("many", 0), ("٣", 0)]
)
def test_what_scarcely_remains_is_spread_over_a_window(remaining: str, waited: float) -> None:
    gate = Gate(Limits())
    gate.note_remaining(0, {"X-RateLimit-Remaining": remaining})
    assert gate.wait_seconds(0) == pytest.approx(waited)


async def test_another_clients_use_of_the_limit_slows_us_down_and_costs_no_patience(
    eloomi: LocalEloomi, clock: Clock
) -> None:
    async with httpx.AsyncClient() as other:
        for _ in range(591):
            await other.get(f"{eloomi.url}/v3/users")
    async with client_of(eloomi, clock) as client:
        assert await persons_of(client) == [1, 2, 3]
    assert clock.slept == pytest.approx([60 / 9, 60 / 8])


async def test_at_most_four_requests_are_in_flight(clock: Clock) -> None:
    in_flight, most = 0, 0

    async def answer(_: httpx.Request) -> httpx.Response:
        nonlocal in_flight, most
        in_flight += 1
        most = max(most, in_flight)
        await asyncio.sleep(0.01)
        in_flight -= 1
        return httpx.Response(200, json={"access_token": "t"})

    async with transport_over(answer, clock) as transport:
        await asyncio.gather(*(transport.get("/v3/courses", {}, bytes) for _ in range(9)))
    assert most == 4


# ── errors ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def httpx_errors() -> list[type[Exception]]:
    return [
        each
        for _, each in inspect.getmembers(httpx, inspect.isclass)
        if issubclass(each, Exception) and each.__module__.startswith("httpx")
    ]


def raised(kind: type[Exception]) -> Exception:
    """An instance of it, whatever its constructor wants."""
    wants = inspect.signature(kind).parameters
    request = httpx.Request("GET", "http://secret.example")
    extra = {"request": request, "response": httpx.Response(500, request=request)}
    texts = ["vendor-text"] if "message" in wants else []
    return kind(*texts, **{name: value for name, value in extra.items() if name in wants})


def test_httpx_has_errors_to_walk() -> None:
    assert len(httpx_errors()) > 20


@pytest.mark.parametrize("kind", httpx_errors())
async def test_every_httpx_error_becomes_one_of_ours(clock: Clock, kind: type[Exception]) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise raised(kind)

    async with transport_over(fail, clock) as transport:
        with pytest.raises((LmsUnreachable, LmsAnswerError)) as caught:
            await transport.get("/v3/courses", {}, bytes)
    assert type(caught.value.__cause__) is kind
    assert "vendor-text" not in caught.value.line


@pytest.mark.parametrize(
    "kind",
    [
        "401",
        "500",
        "html502",
        "html200",
        "empty200",
        "error200",
        "null200",
        "truncated",
        "drop",
        "cut",
        "429",
        "status",
    ],
)
async def test_no_secret_no_address_and_no_answer_goes_into_an_error(
    eloomi: LocalEloomi, client: Eloomi, kind: Kind
) -> None:
    answer = b'{"error":"person1@example.com","detail":"vendor text"}'
    for path in ("oauth", "participants"):
        client.begin_pull()
        eloomi.faults = [
            Fault(kind="revoked", path="participants"),
            Fault(kind=kind, path=path, status=418, body=answer, times=None),
        ]
        with pytest.raises(LmsError) as caught:
            await persons_of(client)
        told = f"{caught.value.line} {caught.value!r}"
        for secret in (eloomi.client_secret, eloomi.client_id, "Bearer", "@", "vendor text", "html", "127.0.0.1"):
            assert secret not in told
        assert caught.value.fix


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=200) | st.text().map(str.encode))
def test_no_body_breaks_the_client(junk: bytes) -> None:
    async def pull() -> None:
        async with LocalEloomi() as eloomi, client_of(eloomi, Clock()) as client:
            eloomi.faults = [Fault(kind="status", path="", body=junk, skip=1, times=None)]
            with pytest.raises(LmsError):
                await persons_of(client)

    asyncio.run(pull())
