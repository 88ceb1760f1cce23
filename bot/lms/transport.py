"""One request to eloomi, whatever goes wrong on the way: login, pace, retries, and httpx's errors -> ours.

Owns the only retry of this edge. What is asked here may all be repeated: GETs, and the login. Never knows what a page
is (eloomi.py) nor how much is allowed (budget.py). No answer's text, no secret and no address goes into a message.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cache
from typing import Any, NoReturn, TypeVar

import httpx
from pydantic import SecretStr
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    wait_exponential,
)

from bot.errors import LmsAnswerError, LmsRefused, LmsUnreachable
from bot.lms.budget import Gate, Limits, Patience, wait_asked_seconds

T = TypeVar("T")
LOGIN = "/oauth/token"
# Everything that httpx raises: its tree of HTTPError, and what stands beside that.
HTTPX_ERRORS = (httpx.HTTPError, httpx.InvalidURL, httpx.CookieConflict, httpx.StreamError)


class Transport:
    """eloomi's API as one client's GETs. `now` is the real clock, asked only what a 429's epoch means."""

    def __init__(
        self,
        *,
        base_url: str,
        client_id: str,
        client_secret: SecretStr,
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]],
        monotonic: Callable[[], float],
        limits: Limits,
        wire: httpx.AsyncBaseTransport | None = None,  # None: the network
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._client_id = client_id
        self._client_secret = client_secret
        self._now, self._sleep, self._monotonic = now, sleep, monotonic
        self._limits = limits
        self._gate = Gate(limits)
        self._slots = asyncio.Semaphore(limits.in_flight)
        self._login = asyncio.Lock()
        self._token: SecretStr | None = None
        self._patience = Patience(limits=limits)
        self._calls = 0  # under way
        self._rested_from = monotonic()
        self._http = httpx.AsyncClient(
            transport=wire,
            verify=_tls(),
            follow_redirects=False,
            limits=httpx.Limits(max_connections=limits.in_flight),
            timeout=httpx.Timeout(
                connect=limits.connect_seconds, read=limits.read_seconds, write=limits.write_seconds, pool=None
            ),
        )

    async def aclose(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    def begin_pull(self) -> None:
        """From here on, failures are counted from nought. Calls under way go on with their own count."""
        self._patience = Patience(limits=self._limits)

    async def get(self, path: str, params: Mapping[str, str], decode: Callable[[bytes], T]) -> T | None:
        """What `decode` makes of the answer's body, in a worker thread; None for a 204, whose body is never read.

        `decode` raises LmsAnswerError for an answer that makes no sense; such a one is asked for again.
        """
        async with self._call() as patience:
            retrying = AsyncRetrying(
                sleep=lambda seconds: self._back_off(patience, seconds),
                stop=lambda state: self._has_had_enough(state, patience),
                wait=wait_exponential(multiplier=self._limits.first_back_off_seconds),
                retry=retry_if_exception_type((LmsUnreachable, LmsAnswerError)),
                retry_error_callback=lambda state: _give_up(state, patience),
            )
            return await retrying(self._attempt, patience, path, params, decode)

    @asynccontextmanager
    async def _call(self) -> AsyncIterator[Patience]:
        """A call's patience: that of the pull, or a new one where nothing has been asked for a while."""
        if not self._calls and self._monotonic() - self._rested_from >= self._limits.rest_seconds:
            self.begin_pull()
        self._calls += 1
        try:
            yield self._patience
        finally:
            self._calls -= 1
            self._rested_from = self._monotonic()

    def _has_had_enough(self, state: RetryCallState, patience: Patience) -> bool:
        return state.attempt_number >= self._limits.tries or patience.left_seconds <= state.upcoming_sleep

    async def _back_off(self, patience: Patience, seconds: float) -> None:
        begin = self._monotonic()
        await self._sleep(seconds)
        patience.lose(begin, self._monotonic())

    async def _attempt(
        self, patience: Patience, path: str, params: Mapping[str, str], decode: Callable[[bytes], T]
    ) -> T | None:
        begin, response = await self._authorised(patience, path, params)
        if response.status_code == httpx.codes.NO_CONTENT:
            return None
        try:
            return await asyncio.to_thread(decode, response.content)
        except LmsAnswerError:
            patience.lose(begin, self._monotonic())
            raise

    async def _authorised(
        self, patience: Patience, path: str, params: Mapping[str, str]
    ) -> tuple[float, httpx.Response]:
        """When the answer to a GET was asked for, and the answer; one new login where the token is refused."""
        token: SecretStr | None = None
        for _ in range(2):
            token = await self._fresh_token(patience, token)
            headers = {"Authorization": f"Bearer {token.get_secret_value()}", "ClientId": self._client_id}
            begin, response = await self._answer(patience, "GET", path, params=params, headers=headers)
            if response.status_code != httpx.codes.UNAUTHORIZED:
                self._check(patience, path, begin, response)
                return begin, response
        raise LmsRefused("eloomi refuses a token that it has just given us.")

    def _check(self, patience: Patience, path: str, begin: float, response: httpx.Response) -> None:
        """Raise unless the answer is a 200 or 204."""
        status = response.status_code
        if status in {httpx.codes.OK, httpx.codes.NO_CONTENT}:
            return
        if status == httpx.codes.FORBIDDEN:
            raise LmsRefused(f"eloomi refuses {path} to our login (HTTP 403).")
        patience.lose(begin, self._monotonic())
        raise LmsAnswerError(f"eloomi answered {path} with HTTP {status}.")

    async def _fresh_token(self, patience: Patience, refused: SecretStr | None) -> SecretStr:
        """The token in use; a new one where there is none, or where it is the one that was refused."""
        async with self._login:
            if self._token is None or self._token is refused:
                self._token = None
                self._token = await self._logged_in(patience)
            return self._token

    async def _logged_in(self, patience: Patience) -> SecretStr:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_secret": self._client_secret.get_secret_value(),
            "scope": "*",
        }
        begin, response = await self._answer(patience, "POST", LOGIN, data=form)
        if response.status_code in {httpx.codes.BAD_REQUEST, httpx.codes.UNAUTHORIZED}:
            raise LmsRefused(f"eloomi refuses our login (HTTP {response.status_code}).")
        self._check(patience, LOGIN, begin, response)
        token = _token_in(response.content)
        if token is None:
            patience.lose(begin, self._monotonic())
            raise LmsAnswerError("eloomi's answer to our login holds no token.")
        patience.count_login()
        return token

    async def _answer(self, patience: Patience, method: str, path: str, **request: Any) -> tuple[float, httpx.Response]:
        """When it was asked for, and an answer below 500 that is no 429: those are waited out, by all requests."""
        while True:
            async with self._slots:
                await self._turn()
                begin = self._monotonic()
                response = await self._sent(patience, begin, method, path, request)
            if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
                patience.lose(begin, self._monotonic())
                raise LmsUnreachable(f"eloomi answered {path} with HTTP {response.status_code}.")
            if response.status_code != httpx.codes.TOO_MANY_REQUESTS:
                self._gate.note_remaining(self._monotonic(), response.headers)
                return begin, response
            self._hold_back(patience, wait_asked_seconds(response.headers, self._now()))

    async def _turn(self) -> None:
        """Wait until a request may leave, and count it."""
        while (seconds := self._gate.wait_seconds(self._monotonic())) > 0:
            await self._sleep(seconds)
        self._gate.leave(self._monotonic())

    def _hold_back(self, patience: Patience, seconds: float) -> None:
        at = self._monotonic()
        patience.wait_for_rate(self._gate.extra_seconds(at, seconds))
        self._gate.shut(at, seconds)

    async def _sent(
        self, patience: Patience, begin: float, method: str, path: str, request: dict[str, Any]
    ) -> httpx.Response:
        """The whole answer, within what patience is left. Raises a LmsError for whatever httpx raises."""
        try:
            async with asyncio.timeout(patience.left_seconds):
                return await self._http.request(method, f"{self._base_url}{path}", **request)
        except UnicodeError:  # its text shows a part of the secret
            raise LmsRefused("the client id or secret holds characters that cannot be sent.") from None
        except httpx.DecodingError as error:
            patience.lose(begin, self._monotonic())
            raise LmsAnswerError(f"eloomi's answer to {path} is wrongly compressed.") from error
        except (TimeoutError, *HTTPX_ERRORS) as error:
            patience.lose(begin, self._monotonic())
            raise LmsUnreachable(f"eloomi gives no answer to {path} ({type(error).__name__}).") from error


@cache
def _tls() -> ssl.SSLContext:
    """The certificates that are trusted: read once, however many workspaces there are."""
    return httpx.create_ssl_context()


def _give_up(state: RetryCallState, patience: Patience) -> NoReturn:
    """The last try's error; where patience is what ran out, that eloomi is out of reach."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, LmsUnreachable) or (error and patience.left_seconds > 0):
        raise error
    raise LmsUnreachable("eloomi gives no answer that makes sense.") from error


def _token_in(body: bytes) -> SecretStr | None:
    """The access token of `{"token_type":"Bearer","expires_in":31535999,"access_token":"…"}`, else None."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    token = answer.get("access_token") if isinstance(answer, dict) else None
    usable = isinstance(token, str) and token.isascii() and token.isprintable() and token.strip() == token != ""
    return SecretStr(token) if usable and isinstance(token, str) else None
