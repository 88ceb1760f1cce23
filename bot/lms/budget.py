"""How much eloomi may be asked, and how long it is waited for: the figures, and who counts against them.

`Gate` keeps one client under the rate limit; `Patience` is what one pull may lose to failures. Neither sends, sleeps or
reads a clock by itself: transport.py hands them readings of a monotonic clock, in seconds, and does the waiting.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import inf, isfinite

from bot.errors import LmsBusy, LmsRefused


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Every figure of how eloomi is asked. Its rate limit is 600 requests in a rolling 60 s."""

    window_requests: int = 580  # leaves room for another copy's few
    window_seconds: float = 60
    in_flight: int = 4  # httpx is no faster with more
    scarce_remaining: int = 8  # from here on, X-RateLimit-Remaining is spread over a whole window
    tries: int = 4  # of one request
    first_back_off_seconds: float = 0.5  # doubled at each try
    patience_seconds: float = 20  # lost to failures, in one pull
    busy_seconds: float = 90  # waits asked for by 429s, in one pull
    logins: int = 3  # in one pull
    rest_seconds: float = 60  # after so long without a request, the next one begins a pull of its own
    connect_seconds: float = 5
    read_seconds: float = 10
    write_seconds: float = 5


@dataclass(kw_only=True, slots=True)
class Patience:
    """What one pull has lost so far. A healthy answer, however slow, and our own pacing cost nothing."""

    limits: Limits
    _lost: list[tuple[float, float]] = field(default_factory=list)  # monotonic spans, merged, in order
    _asked_seconds: float = 0
    _logins: int = 0

    @property
    def left_seconds(self) -> float:
        """How much longer failures may take; 0 or less: no longer."""
        return self.limits.patience_seconds - sum(end - begin for begin, end in self._lost)

    def lose(self, begin: float, end: float) -> None:
        """A failure, or the wait after it, took this span. Spans of requests in flight together count once."""
        merged: list[tuple[float, float]] = []
        for start, stop in sorted([*self._lost, (begin, end)]):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
            else:
                merged.append((start, stop))
        self._lost = merged

    def wait_for_rate(self, seconds: float) -> None:
        """The rate limit asks for that much longer a wait. Raises LmsBusy where that is too much in all."""
        if self._asked_seconds + seconds > self.limits.busy_seconds:
            raise LmsBusy(f"eloomi's rate limit asks for a wait of more than {self.limits.busy_seconds:.0f} s.")
        self._asked_seconds += seconds

    def count_login(self) -> None:
        """eloomi gave a new token. Raises LmsRefused where this pull has had its share."""
        if self._logins >= self.limits.logins:
            raise LmsRefused("eloomi keeps refusing the tokens that it gave us.")
        self._logins += 1


class Gate:
    """When the next request may leave: a sliding window, and pauses that hold all requests back."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._left_at: deque[float] = deque()  # of the requests within the window
        self._shut_until = -inf

    def wait_seconds(self, at: float) -> float:
        """How long a request has to wait; 0 or less: not at all."""
        while self._left_at and at - self._left_at[0] >= self._limits.window_seconds:
            self._left_at.popleft()
        full = len(self._left_at) >= self._limits.window_requests
        opens_at = self._left_at[0] + self._limits.window_seconds if full else at
        return max(opens_at, self._shut_until) - at

    def leave(self, at: float) -> None:
        """A request leaves."""
        self._left_at.append(at)

    def extra_seconds(self, at: float, seconds: float) -> float:
        """How much later the gate would open if it were shut for that long from now."""
        return max(0.0, at + seconds - max(at, self._shut_until))

    def shut(self, at: float, seconds: float) -> None:
        """Let nothing leave for that long."""
        self._shut_until = max(self._shut_until, at + seconds)

    def note_remaining(self, at: float, headers: Mapping[str, str]) -> None:
        """Somebody else may use the same limit: what scarcely remains is spread over a window."""
        text = headers.get("X-RateLimit-Remaining", "").strip()
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            return
        if (remaining := int(text)) <= self._limits.scarce_remaining:
            self.shut(at, self._limits.window_seconds / (remaining + 1))


def wait_asked_seconds(headers: Mapping[str, str], now: datetime) -> float:
    """How long a 429 wants us to wait: Retry-After, else X-RateLimit-Reset, else a whole minute; at least 1 s.

    eloomi's docs name neither header ("an additional header"), nor whether it gives seconds or an instant.
    """
    for name in ("Retry-After", "X-RateLimit-Reset"):
        seconds = _seconds_until(headers.get(name, ""), now)
        if seconds is not None:
            return max(1.0, seconds)
    return 60.0


def _seconds_until(text: str, now: datetime) -> float | None:
    """Seconds, epoch seconds, epoch milliseconds or an HTTP date, as seconds from now; None where it is none."""
    try:
        figure = float(text)
    except ValueError:
        return _seconds_until_date(text, now)
    if not isfinite(figure) or figure < 0:
        return None
    if figure >= 1e12:
        figure /= 1000
    return figure - now.timestamp() if figure >= 1e9 else figure


def _seconds_until_date(text: str, now: datetime) -> float | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return ((date if date.tzinfo else date.replace(tzinfo=UTC)) - now).total_seconds()
