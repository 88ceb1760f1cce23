"""A local eloomi: its API v3 over real HTTP on loopback, for the demo and the tests. It misbehaves on request.

Owns what a server of eloomi's does with people, courses and participants that are put into it: both headers, tokens,
the envelope, paging in three manners, the rate limit, and faults. Keeps everything in memory and never asks anybody.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Literal, Self

from aiohttp import web

Row = dict[str, Any]
Kind = Literal[
    "429",  # no header
    "429_retry_after",  # Retry-After: seconds
    "429_retry_date",  # Retry-After: an HTTP date
    "429_reset",  # X-RateLimit-Reset: seconds
    "429_reset_epoch",  # X-RateLimit-Reset: an instant
    "401",  # this once
    "revoked",  # the token is good no more
    "status",  # any HTTP status, with a body of its own
    "500",
    "html502",
    "html200",
    "empty200",
    "error200",  # HTTP 200, status_code 500
    "null200",
    "truncated",  # half of the JSON, in a whole answer
    "drop",  # no answer, the connection closed
    "cut",  # the connection closed within the body
    "slow",  # the right answer, late
    "hang",
]
RATE_LIMIT = 600
WINDOW_SECONDS = 60.0
DEFAULT_PER_PAGE = 25
PAGE = "<html><body><h1>502 Bad Gateway</h1></body></html>"
START = datetime(2027, 1, 4, 9, tzinfo=UTC)  # the clock where none is given


@dataclass(kw_only=True)
class Fault:
    """Something that goes wrong with the next requests whose path (and page) match."""

    kind: Kind
    path: str = ""  # a regular expression, searched for in the path
    page: int | None = None
    skip: int = 0  # so many matching requests are served well first
    times: int | None = 1  # None: for ever
    seconds: float = 1  # of 429_…, slow
    status: int = 200  # of "status"
    body: bytes = b""

    def strikes(self, path: str, page: str) -> bool:
        """Whether this request is hit; counts it."""
        if self.times == 0 or not re.search(self.path, path) or (self.page is not None and str(self.page) != page):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request as it came in."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    at: float  # monotonic


class LocalEloomi:
    """`async with LocalEloomi() as eloomi:` listens at `eloomi.url`; change its attributes at any time.

    `mutate` changes a participant's row as it is served. `now` is asked only what an epoch in a header is.
    """

    def __init__(self, *, port: int = 0, now: Callable[[], datetime] = lambda: START) -> None:
        self.url = ""
        self.client_id = "local-client"
        self.client_secret = secrets.token_urlsafe(16)
        self.users: dict[int, Row] = {}
        self.courses: dict[int, Row] = {}
        self.participants: list[Row] = []
        self.inactive: set[int] = set()
        self.pending: set[int] = set()
        self.paging: Literal["pages", "ignores_paging", "caps_at_25"] = "pages"
        self.extended = True  # whether extended_mode is honoured
        self.mutate: Callable[[Row], Row] = dict
        self.requests: list[Asked] = []
        self.faults: list[Fault] = []
        self.down = False
        self._port, self._now = port, now
        self._tokens: set[str] = set()
        self._served_at: deque[float] = deque()
        self._stopping = asyncio.Event()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping.set()
        await self._runner.cleanup()

    # ── what is in it ────────────────────────────────────────────────────────────────────────────────────────────

    def add_user(self, user_id: int, **fields: Any) -> Row:
        """A person, active unless `pending` or `inactive` says otherwise."""
        self.users[user_id] = {
            "id": user_id,
            "first_name": f"First{user_id}",
            "last_name": f"Last{user_id}",
            "employee_id": None,
            "email": f"person{user_id}@example.com",
            "username": f"person{user_id}",
            "activated_at": None,
            "department_id": [1],
            "team_id": None,
            "direct_manager_ids": [],
            "user_permission": "user",
            "language": "en",
            "timezone": "Europe/Copenhagen",
            "end_of_employment_at": None,
            "title": "",
            "country": "",
            "location": "",
            "access_groups": [{"id": 3, "name": "user"}],
            "custom_attributes": {"x": None},
        } | fields
        return self.users[user_id]

    def add_course(self, course_id: int, name: str, **fields: Any) -> Row:
        """A course, active."""
        self.courses[course_id] = {
            "id": course_id,
            "name": name,
            "description": "",
            "cover": 100 + course_id,
            "active": 1,
            "points": "10",
            "reward": 0,
            "expected_duration": "45",
            "voluntary": 0,
            "lock_after_deadline": 0,
            "inform_leader_deadline": 0,
            "created_at": "2024-01-08 08:00:00",
            "updated_at": "2024-01-08 08:00:00",
            "price": None,
            "reference_number": "",
        } | fields
        return self.courses[course_id]

    def assign(self, user_id: int, course_id: int, deadline: date | str | None, **fields: Any) -> Row:
        """A row of a course's participants: required, not started."""
        row: Row = {
            "assigned_at": "2026-12-01 08:00:00",
            "attempts": 0,
            "completed_at": None,
            "course_id": course_id,
            "deadline": deadline.isoformat() if isinstance(deadline, date) else deadline,
            "progress": "0.00",
            "renewal_at": None,
            "required": 1,
            "score": "0.00",
            "started_at": None,
            "status": "not_started",
            "time_spent": 0,
            "user_id": user_id,
        } | fields
        self.participants.append(row)
        return row

    # ── how it answers ───────────────────────────────────────────────────────────────────────────────────────────

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(
            Asked(
                method=request.method,
                path=request.path,
                query=dict(request.query),
                headers=dict(request.headers),
                at=time.monotonic(),
            )
        )
        page = request.query.get("page", "1")
        fault = next((fault for fault in self.faults if fault.strikes(request.path, page)), None)
        if self.down or (fault and fault.kind == "drop"):
            return _hang_up(request)
        return await (self._misbehave(fault, request) if fault else self._answer(request))

    async def _answer(self, request: web.Request) -> web.Response:
        """What a healthy eloomi says."""
        remaining = self._remaining()
        limits = {"X-RateLimit-Limit": str(RATE_LIMIT), "X-RateLimit-Remaining": str(max(0, remaining))}
        if remaining < 0:
            wait = WINDOW_SECONDS - (time.monotonic() - self._served_at[0])
            return _json(429, {"message": "Too Many Attempts."}, limits | {"Retry-After": str(int(wait) + 1)})
        answer = await (self._login(request) if request.path == "/oauth/token" else self._listing(request))
        answer.headers.update(limits)
        return answer

    def _remaining(self) -> int:
        """Count a request; how many more the window lets in, or -1 where this one is too many."""
        at = time.monotonic()
        while self._served_at and at - self._served_at[0] >= WINDOW_SECONDS:
            self._served_at.popleft()
        if len(self._served_at) >= RATE_LIMIT:
            return -1
        self._served_at.append(at)
        return RATE_LIMIT - len(self._served_at)

    async def _login(self, request: web.Request) -> web.Response:
        form = await request.post()
        if (form.get("client_id"), form.get("client_secret")) != (self.client_id, self.client_secret):
            return _json(400, {"error": "invalid_client", "message": "Client authentication failed"})
        if form.get("grant_type") != "client_credentials" or form.get("scope") != "*":
            return _json(400, {"error": "invalid_scope", "message": "The scope is unknown", "hint": "Check it"})
        token = secrets.token_urlsafe(24)
        self._tokens.add(token)
        return _json(200, {"token_type": "Bearer", "expires_in": 31535999, "access_token": token})

    async def _listing(self, request: web.Request) -> web.Response:
        if not self._is_known(request):
            return _json(401, {"error": "Unauthenticated."})
        rows = self._rows(request)
        if rows is None:
            return web.Response(status=204)
        return _json(200, _envelope(self._paged(rows, request.query)))

    def _is_known(self, request: web.Request) -> bool:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return token in self._tokens and request.headers.get("ClientId") == self.client_id

    def _rows(self, request: web.Request) -> list[Row] | None:
        """All rows of a listing; None for what is unknown."""
        if request.path == "/v3/users":
            return self._users(request.query.get("mode", "all"))
        if request.path == "/v3/courses":
            return list(self.courses.values())
        course = re.fullmatch(r"/v3/courses/(\d+)/participants", request.path)
        if course is None or int(course[1]) not in self.courses:
            return None
        extended = self.extended and request.query.get("extended_mode") == "1"
        rows = (self.mutate(row) for row in self.participants if row["course_id"] == int(course[1]))
        return [row if extended else _plain(row) for row in rows]

    def _users(self, mode: str) -> list[Row]:
        groups = {"all": set(self.users), "pending": self.pending, "inactive": self.inactive}
        wanted = groups.get(mode, set(self.users) - self.pending - self.inactive)
        return [user for user_id, user in self.users.items() if user_id in wanted]

    def _paged(self, rows: list[Row], query: Mapping[str, str]) -> list[Row]:
        if self.paging == "ignores_paging":
            return rows
        size = int(query.get("per_page", DEFAULT_PER_PAGE))
        if self.paging == "caps_at_25":
            size = min(size, 25)
        begin = (int(query.get("page", 1)) - 1) * size
        return rows[begin : begin + size]

    # ── how it misbehaves ────────────────────────────────────────────────────────────────────────────────────────

    async def _misbehave(self, fault: Fault, request: web.Request) -> web.StreamResponse:
        match fault.kind:
            case "hang":
                await self._stopping.wait()
                return _hang_up(request)
            case "slow":
                await asyncio.sleep(fault.seconds)
                return await self._answer(request)
            case "revoked":
                self._tokens.clear()
                return await self._answer(request)
            case "cut" | "truncated":
                whole = await self._answer(request)
                return await _half(whole, request, cut=fault.kind == "cut")
        return self._nonsense(fault)

    def _nonsense(self, fault: Fault) -> web.Response:
        if fault.kind == "status":
            return web.Response(status=fault.status, body=fault.body, content_type="application/json")
        if fault.kind.startswith("429"):
            return _json(429, {"message": "Too Many Attempts."}, self._wait_header(fault))
        return _NONSENSE[fault.kind]()

    def _wait_header(self, fault: Fault) -> dict[str, str]:
        until = self._now() + timedelta(seconds=fault.seconds)
        match fault.kind:
            case "429_retry_after":
                return {"Retry-After": f"{fault.seconds:g}"}
            case "429_retry_date":
                return {"Retry-After": format_datetime(until.astimezone(UTC), usegmt=True)}
            case "429_reset":
                return {"X-RateLimit-Reset": f"{fault.seconds:g}"}
            case "429_reset_epoch":
                return {"X-RateLimit-Reset": str(int(until.timestamp()))}
        return {}


_NONSENSE: dict[str, Callable[[], web.Response]] = {
    "401": lambda: _json(401, {"error": "Unauthenticated."}),
    "500": lambda: _json(500, {"message": "Server Error"}),
    "html502": lambda: web.Response(status=502, text=PAGE, content_type="text/html"),
    "html200": lambda: web.Response(text=PAGE, content_type="text/html"),
    "empty200": lambda: web.Response(content_type="application/json"),
    "error200": lambda: _json(200, _envelope([]) | {"status": "ERROR", "status_code": 500}),
    "null200": lambda: _json(200, _envelope(None)),
}


def _json(status: int, body: object, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response(body, status=status, headers=headers)


def _envelope(data: object) -> Row:
    return {"status": "OK", "status_code": 200, "message": None, "extended_message": "", "data": data}


def _plain(row: Row) -> Row:
    """A participant without what only extended_mode brings."""
    return {key: value for key, value in row.items() if key not in {"status", "renewal_at"}}


def _hang_up(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _half(whole: web.Response, request: web.Request, *, cut: bool) -> web.StreamResponse:
    """Half of an answer's body: as if it were all of it, or with the connection closed before the rest."""
    body = whole.body if isinstance(whole.body, bytes) else b""
    half = web.StreamResponse(headers={"Content-Type": "application/json"})
    half.content_length = len(body) if cut else len(body) // 2
    await half.prepare(request)
    await half.write(body[: len(body) // 2])
    if cut:
        _hang_up(request)
    return half
