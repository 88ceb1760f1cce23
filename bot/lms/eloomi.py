"""eloomi as a `Source`: its listings, page by page, every row once whichever way the server pages.

Owns the envelope, paging, and what counts as the same row. Never sends or retries (transport.py) and reads no field of
a record (eloomi_schema.py); of a participant listing it keeps no more than two pages in mind.

No answer says how many pages there are, and eloomi documents paging for users only. So `per_page` and `page` are always
sent; a listing ends with an empty page, with one that brings no row unseen, or with one shorter than another that the
same endpoint gave in this pull (a server may cap the page below what was asked for, and then every page is "short").
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import blake2b
from typing import Any, Generic, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

from pydantic import SecretStr
from pydantic_core import from_json

from bot.deadlines.model import Assignment, Course, Learner, Page, Rejected
from bot.errors import LmsAnswerError
from bot.lms import eloomi_schema as schema
from bot.lms.budget import Limits
from bot.lms.transport import Transport

T = TypeVar("T")

ROWS_A_PAGE = 1000
MOST_PAGES = 10_000  # a listing that never runs out of new rows is broken
COURSES = "/v3/courses"
PARTICIPANTS = "/v3/courses/{id}/participants"
USERS = "/v3/users"


class Eloomi:
    """eloomi's API v3. A pull begins with people(), or with begin_pull(), or after a minute without a request.

    `timezone` is that of eloomi's timestamps. `now` is the real clock even where a pass pretends another: it is asked
    only what a rate limit's epoch means.
    """

    def __init__(
        self,
        *,
        base_url: str,
        client_id: str,
        client_secret: SecretStr,
        timezone: ZoneInfo,
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        limits: Limits | None = None,
    ) -> None:
        self._timezone = timezone
        self._longest: dict[str, int] = {}  # endpoint -> rows of the longest page that it gave in this pull
        self._transport = Transport(
            base_url=base_url,
            client_id=client_id,
            client_secret=client_secret,
            now=now,
            sleep=sleep,
            monotonic=monotonic,
            limits=limits or Limits(),
        )

    def begin_pull(self) -> None:
        """Count failures, waits and logins from nought, and forget how long eloomi's pages are."""
        self._transport.begin_pull()
        self._longest = {}

    def people(self) -> AsyncIterator[Page[Learner]]:
        """The active, then the pending users; begins a pull. Somebody with two addresses comes once with each."""
        self.begin_pull()
        decode = partial(_decode, read=schema.read_users, key=_learner_key, salt="users")
        return self._each_once(USERS, ({"mode": "active"}, {"mode": "pending"}), decode)

    def courses(self) -> AsyncIterator[Page[Course]]:
        """All courses, inactive ones too."""
        decode = partial(_decode, read=schema.read_courses, key=_course_key, salt="courses")
        return self._each_once(COURSES, ({},), decode)

    async def assignments(self, course_id: int) -> AsyncIterator[Page[Assignment]]:
        """Everybody's rows for one course, completed and optional ones too; none for an unknown course."""
        number, path = 0, PARTICIPANTS.format(id=course_id)
        read = partial(schema.read_participants, zone=self._timezone, course_id=course_id)
        decode = partial(_decode, read=read, key=_row_key, salt=f"participants {self._timezone.key}")
        async for served in self._listing(PARTICIPANTS, path, {"extended_mode": "1"}, decode, _Seen(all_pages=False)):
            number += 1
            yield served.page(number)

    async def aclose(self) -> None:
        """Let go of the connections."""
        await self._transport.aclose()

    async def _each_once(
        self, path: str, listings: Iterable[Mapping[str, str]], decode: Decode[T]
    ) -> AsyncIterator[Page[T]]:
        """The pages of several listings of records with an id, merged: each record comes with the first that has it."""
        number, given = 0, set[Hashable]()
        for params in listings:
            async for served in self._listing(path, path, params, decode, _Seen(all_pages=True)):
                if (fresh := served.first_of(given)).values:
                    number += 1
                    yield fresh.page(number)

    async def _listing(
        self, endpoint: str, path: str, params: Mapping[str, str], decode: Decode[T], seen: _Seen
    ) -> AsyncIterator[_Served[T]]:
        """The pages of one listing, without the rows that an earlier page brought."""
        for number in range(1, MOST_PAGES + 1):
            asked = {**params, "per_page": str(ROWS_A_PAGE), "page": str(number)}
            served = await self._transport.get(path, asked, decode)
            if served is None or not (unseen := served.without(seen)).values:
                return
            seen.add(served.keys)
            yield unseen
            longest = self._longest.get(endpoint, 0)
            if len(served.values) < longest:
                return
            self._longest[endpoint] = len(served.values)
        raise LmsAnswerError(f"eloomi's listing {path} does not end.")


# ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Seen:
    """The rows that earlier pages of a listing brought: of all pages, or (flat in memory) of the first and the last."""

    def __init__(self, *, all_pages: bool) -> None:
        self._all_pages = all_pages
        self._first: set[Hashable] = set()
        self._last: set[Hashable] = set()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._first or key in self._last

    def add(self, keys: Iterable[Hashable]) -> None:
        """Another page was served."""
        if self._all_pages or not self._first:
            self._first.update(keys)
        else:
            self._last = set(keys)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Served(Generic[T]):
    """A page as served, or what is left of it: values and rejects, and for each what tells it from others."""

    digest: bytes
    values: list[T | Rejected]
    keys: list[Hashable]

    def without(self, seen: _Seen) -> _Served[T]:
        """What no earlier page brought. The same row twice within this one stays twice."""
        return self._only([index for index, key in enumerate(self.keys) if key not in seen])

    def first_of(self, given: set[Hashable]) -> _Served[T]:
        """What is not among those given yet, each once; they are given now."""
        fresh = []
        for index, key in enumerate(self.keys):
            if key not in given:
                given.add(key)
                fresh.append(index)
        return self._only(fresh)

    def _only(self, indexes: list[int]) -> _Served[T]:
        if len(indexes) == len(self.keys):
            return self
        return _Served(
            digest=_digest(self.digest, repr(indexes).encode()),
            values=[self.values[index] for index in indexes],
            keys=[self.keys[index] for index in indexes],
        )

    def page(self, number: int) -> Page[T]:
        """It as a page of the listing."""
        return Page(
            number=number,
            digest=self.digest,
            rows=tuple(value for value in self.values if not isinstance(value, Rejected)),
            rejected=tuple(value for value in self.values if isinstance(value, Rejected)),
        )


Decode: TypeAlias = Callable[[bytes], _Served[T]]


def _decode(
    body: bytes,
    *,
    read: Callable[[list[Any]], list[T | Rejected]],
    key: Callable[[Any, T | Rejected], Hashable],
    salt: str,
) -> _Served[T]:
    """A page out of an answer's body; `salt` is what else its values depend on. Raises LmsAnswerError."""
    try:
        rows = _rows(_json(body))
        values = read(rows)
        keys = [key(row, value) for row, value in zip(rows, values, strict=True)]
    except RecursionError as error:
        raise LmsAnswerError("eloomi's answer is nested too deeply.") from error
    return _Served(digest=_digest(schema.DECODER, salt.encode(), body), values=values, keys=keys)


def _json(body: bytes) -> Any:
    """pydantic's parser is fast, but refuses a whole page for one NaN or lone surrogate; Python's does not."""
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError:
        pass
    try:
        return json.loads(body, parse_constant=str)  # NaN as the text "NaN": no figure, and equal to itself
    except ValueError as error:
        raise LmsAnswerError("eloomi's answer is no JSON.") from error


def _rows(answer: Any) -> list[Any]:
    """The rows of `{"status":"OK","status_code":200,"message":null,"extended_message":"…","data":[…]}`.

    Anything else is a failure, never an empty list: `status_code` may be text, but must say 200.
    """
    if not isinstance(answer, dict):
        raise LmsAnswerError("eloomi's answer is no JSON object.")
    if answer.get("status_code") not in (200, "200"):  # a tuple: what comes may not be hashable
        raise LmsAnswerError("eloomi's answer does not say status_code 200.")
    if not isinstance(rows := answer.get("data"), list):
        raise LmsAnswerError("eloomi's answer holds no list of data.")
    return rows


def _digest(*parts: bytes) -> bytes:
    """A hash of parts that are told apart."""
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return digest.digest()


# ── what counts as the same row ──────────────────────────────────────────────────────────────────────────────────────


def _row_key(row: Any, _: object = None) -> Hashable:
    """The row as served, hashed: participants have no id."""
    try:
        return hash(tuple(row.items())) if isinstance(row, dict) else hash(repr(row))
    except TypeError:  # a list or an object in it
        return hash(repr(row))


def _learner_key(row: Any, learner: Learner | Rejected) -> Hashable:
    """The id and the address, in ASCII lower case: somebody served with two addresses must be noticed."""
    if isinstance(learner, Rejected):
        return _row_key(row)
    return learner.person_id, (learner.email or "").encode().lower()


def _course_key(row: Any, course: Course | Rejected) -> Hashable:
    return _row_key(row) if isinstance(course, Rejected) else course.course_id
