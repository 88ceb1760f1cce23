"""How fast posts leave: one turn after another, near the limit that Slack does not tell, and none while it says wait.

Slack tells its limit only by refusing, and never how it counts: by the minute, over the last sixty seconds, or by a
bucket that refills. So the pace starts at the policy's figure, grows while nothing is refused, and after a refusal
climbs slowly back to where it was refused. No I/O, and no clock but the one given. Ending a pass that is refused for
too long is deliver.py's.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

WINDOW_SECONDS = 60  # the longest time over which Slack is known to count
STEADY_SECONDS = 30  # a pass keeps its first figure for so long,
GROWTH = 1.05  # and then grows by this each second, until the first refusal
BELOW = 0.98  # of the limit: what is safe
LESS = 0.92  # of the rate that was refused; less again for each refusal soon after another
FLOOR = 0.2  # posts a second
UNKNOWN = 1.0  # where nothing is known of the limit: Slack says "several hundred a minute"
POSTS_A_CYCLE = 600  # from a refusal to the next: four posts refused at once are less than one in a hundred
WAITS_A_CYCLE = 40  # as many times the wait, so that waiting costs little; but the rest of a window costs nothing
BUCKETS_WAIT_SECONDS = 10  # no longer than this; a longer wait is the rest of a window
DOUBLINGS = 8  # a cycle, of what exceeds the rate that was once refused
FIRST_CYCLE_SECONDS = 30  # while little is known; doubles with each refusal
RAPID_SECONDS = 10  # a refusal so soon after a wait: that wait was too short
LONGER_SECONDS = 8  # such a wait is made longer up to this
LATE_SECONDS = 0.05  # a turn that comes late by no more is made up for


@dataclass(frozen=True, kw_only=True)
class _Climb:
    """Posts a second since a refusal: from low back to top in one cycle, first fast, then slowly; then above it."""

    low: float
    top: float
    cycle_seconds: float

    def at(self, age_seconds: float) -> float:
        """What exceeds the top doubles eight times a cycle: nothing is refused, so the limit must have risen."""
        cycles = age_seconds / self.cycle_seconds - 1
        if cycles < 0:
            return self.top + (self.top - self.low) * cycles**3
        return self.top * (1 + (1 - BELOW) * (math.exp2(DOUBLINGS * cycles) - 1))


class _Taken:
    """When Slack accepted the posts of the last minute."""

    def __init__(self, begun: float) -> None:
        self._begun = begun
        self._times: deque[float] = deque()

    def add(self, now: float) -> None:
        self._times.append(now)
        while self._times[0] < now - WINDOW_SECONDS:
            self._times.popleft()

    def tells(self, until: float) -> bool:
        """Whether the minute that ends then is ours alone: the pass before may have used up one that began earlier."""
        return until - self._begun >= WINDOW_SECONDS

    def per_second(self, until: float) -> float:
        """Over the minute that ends then, or since the pass began, whichever is shorter."""
        seconds = min(WINDOW_SECONDS, max(1.0, until - self._begun))
        return sum(time > until - seconds for time in self._times) / seconds


class Pace:
    """Turns by a clock that nobody can set back.

    `posts_per_second` is where a pass starts (0: as fast as Slack takes them, until it first refuses). `learned` is
    what an earlier pass learned, in posts a second; the pass then starts there.
    """

    def __init__(
        self,
        posts_per_second: float,
        *,
        learned: float | None = None,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._monotonic, self._sleep = monotonic, sleep
        self._first = posts_per_second or math.inf
        self._climb = None if learned is None else _known(max(FLOOR, learned))
        self._age_seconds = 0.0  # of turns since the last refusal; only turns that were waited for tell of the pace
        self._next = self._clear = self._same_until = monotonic()
        self._taken = _Taken(self._clear)
        self._first_wait: float | None = None
        self._windowed = False  # Slack counts by time: its waits end when posts of the last minute no longer count
        self._close = self._rapid = 0  # refusals in a row within a minute, and at once, after the wait before

    @property
    def learned(self) -> float | None:
        """The posts a second to start the next pass with; None: nothing was ever refused."""
        return self._rate() if self._climb else None

    async def turn(self) -> None:
        """Wait for the next turn."""
        while (wait_seconds := self._next - self._monotonic()) > 0:
            await self._sleep(wait_seconds)
        now, between_seconds = self._monotonic(), 1 / self._rate()
        if now <= self._next + LATE_SECONDS:
            self._age_seconds += between_seconds
        self._next = max(self._next, now - LATE_SECONDS) + between_seconds

    def took(self) -> None:
        """Slack accepted a post."""
        self._taken.add(self._monotonic())

    def refused(self, retry_after_seconds: float) -> None:
        """Slack asks to wait: no turn for so many seconds, and a new pace after, once for all posts under way."""
        now, wait_seconds = self._monotonic(), retry_after_seconds
        if now >= self._same_until:
            self._same_until = now + max(1.0, wait_seconds)
            self._note(wait_seconds, quiet_seconds=now - self._clear)
            self._climb, self._age_seconds = self._after(now, wait_seconds), 0.0
            wait_seconds = max(wait_seconds, min(LONGER_SECONDS, wait_seconds * 2 ** min(self._rapid, 3)))
        self._clear = max(self._clear, now + wait_seconds)
        self._next = max(self._next, self._clear)

    def _rate(self) -> float:
        if self._climb:
            return max(min(FLOOR, self._first), self._climb.at(self._age_seconds))
        return self._first * math.pow(GROWTH, max(0.0, self._age_seconds - STEADY_SECONDS))

    def _note(self, wait_seconds: float, *, quiet_seconds: float) -> None:
        """What a refusal tells by when it comes and how long it lasts."""
        if self._first_wait is None:
            self._first_wait = wait_seconds
        else:
            self._close = self._close + 1 if quiet_seconds < WINDOW_SECONDS else 0
            self._rapid = self._rapid + 1 if quiet_seconds < RAPID_SECONDS else 0
        # A bucket names the same short wait each time.
        self._windowed |= wait_seconds > BUCKETS_WAIT_SECONDS or wait_seconds != self._first_wait

    def _after(self, now: float, wait_seconds: float) -> _Climb:
        """The climb after a refusal. What was taken in the minute up to the wait's end is a window's limit itself."""
        allowed = max(FLOOR, self._taken.per_second(now + max(0.0, wait_seconds - 1)))  # Slack rounds a wait up
        rate = self._rate() if self._rate() < math.inf else max(UNKNOWN, allowed)
        cycle_seconds = max(WINDOW_SECONDS, POSTS_A_CYCLE / allowed)
        if self._windowed and not self._taken.tells(now + wait_seconds):
            return _Climb(low=min(rate, max(BELOW * allowed, rate / 2)), top=rate, cycle_seconds=WINDOW_SECONDS)
        if self._windowed:
            return _Climb(low=min(rate, BELOW * allowed), top=min(rate / BELOW, allowed), cycle_seconds=cycle_seconds)
        cycle_seconds = max(cycle_seconds, WAITS_A_CYCLE * wait_seconds)
        recent = self._taken.per_second(now)
        if now - self._clear >= WINDOW_SECONDS and recent > 0.9 * rate:  # it went well for long: the limit is near
            early = self._age_seconds < cycle_seconds / 2
            low = min(rate * (LESS if early else BELOW), BELOW * recent)
            return _Climb(low=low, top=0.99 * rate, cycle_seconds=cycle_seconds)
        low = BELOW * min(rate, max(allowed, rate * LESS ** (self._close + 1)))
        return _Climb(
            low=low, top=min(0.99 * rate, 1.2 * low), cycle_seconds=min(cycle_seconds, self._next_cycle_seconds())
        )

    def _next_cycle_seconds(self) -> float:
        if self._climb is None:
            return FIRST_CYCLE_SECONDS
        return self._climb.cycle_seconds * (1 if self._rapid else 2)


def _known(posts_per_second: float) -> _Climb:
    return _Climb(low=posts_per_second, top=posts_per_second, cycle_seconds=FIRST_CYCLE_SECONDS)
