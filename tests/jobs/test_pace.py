"""The pace finds a limit that Slack does not tell, whichever way Slack counts; in virtual time, so at once.

Not held: 95 % of a bucket that asks for ten seconds where it would refill sooner, since each refusal costs up to ten
seconds of posts (85 % is held); nor of a bucket of 1 when posts take now longer, now shorter, since it refuses all that
arrive early.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Iterator
from dataclasses import dataclass, field
from types import coroutine
from typing import Any, Protocol

import pytest

from bot.jobs.pace import FLOOR, Pace

AT_ONCE = 4  # workers of deliver.py
MINUTE = 60.0
OVERSLEEP_SECONDS = 0.0005


# ── Slack's ways to count ──


class Limiter(Protocol):
    def wait(self, at: float) -> int:
        """Seconds to wait; 0: the post is taken."""


class FixedWindow:
    """So many in each minute, which begins `offset` seconds after the pass."""

    def __init__(self, limit: float, *, offset: float = 20) -> None:
        self.most, self.offset = round(limit * MINUTE), offset
        self.minute, self.count = -1, 0

    def wait(self, at: float) -> int:
        minute, within = divmod(at - self.offset, MINUTE)
        if minute != self.minute:
            self.minute, self.count = int(minute), 0
        if self.count == self.most:
            return max(1, math.ceil(MINUTE - within))
        self.count += 1
        return 0


class SlidingWindow:
    """So many in any sixty seconds."""

    def __init__(self, limit: float) -> None:
        self.most = round(limit * MINUTE)
        self.taken: deque[float] = deque()

    def wait(self, at: float) -> int:
        while self.taken and self.taken[0] <= at - MINUTE:
            self.taken.popleft()
        if len(self.taken) < self.most:
            self.taken.append(at)
            return 0
        return max(1, math.ceil(self.taken[-self.most] + MINUTE - at))


class Bucket:
    """Tokens that come back at the limit, at most `burst` of them."""

    def __init__(self, limit: float, *, burst: int = 10, retry_after_seconds: int = 1) -> None:
        self.limit, self.burst, self.retry_after_seconds = limit, burst, retry_after_seconds
        self.tokens, self.at = float(burst), 0.0

    def wait(self, at: float) -> int:
        self.tokens, self.at = min(self.burst, self.tokens + (at - self.at) * self.limit), at
        if self.tokens < 1 - 1e-9:
            return self.retry_after_seconds
        self.tokens -= 1
        return 0


@dataclass
class Changing:
    """One limiter, and from some second on another."""

    before: Limiter
    after: Limiter
    at_seconds: float

    def wait(self, at: float) -> int:
        return (self.before if at < self.at_seconds else self.after).wait(at)


# ── virtual time ──


@coroutine
def nap(seconds: float) -> Generator[float, None, None]:
    yield seconds


@dataclass
class Time:
    """Runs coroutines that only nap; a sleep of the pace ends a little late, every fifth a little early."""

    now: float = 0.0
    sleeps: int = 0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.sleeps += 1
        late_seconds = (self.sleeps % 5 - 1) / 4 * OVERSLEEP_SECONDS
        await nap(max(0.0, seconds + late_seconds))

    def run(self, *jobs: Coroutine[Any, Any, None]) -> None:
        waiting = [(self.now, number, job) for number, job in enumerate(jobs)]
        while waiting:
            self.now, number, job = heapq.heappop(waiting)
            try:
                heapq.heappush(waiting, (self.now + job.send(None), number, job))
            except StopIteration:
                continue


def a_pace(time: Time, *, start: float = 4, learned: float | None = None) -> Pace:
    return Pace(start, learned=learned, monotonic=time.monotonic, sleep=time.sleep)


@dataclass
class Sent:
    """What became of a pass's posts: the seconds at which they were taken or refused."""

    pace: Pace
    time: Time
    taken: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)

    def per_second(self, since: float, until: float) -> float:
        return sum(since <= at < until for at in self.taken) / (until - since)

    def refused_share(self, since: float, until: float) -> float:
        refused = sum(since <= at < until for at in self.refused)
        return refused / max(1, refused + sum(since <= at < until for at in self.taken))


def a_pass(
    limiter: Limiter, *, start: float = 4, learned: float | None = None, latency: float = 0.2, minutes: float = 10
) -> Sent:
    """Four workers that post until the time is up."""
    time = Time()
    sent = Sent(a_pace(time, start=start, learned=learned), time)

    async def work() -> None:
        while time.now < minutes * MINUTE:
            await sent.pace.turn()
            await nap(latency / 2)
            wait_seconds = limiter.wait(time.now)
            (sent.refused if wait_seconds else sent.taken).append(time.now)
            await nap(latency / 2)
            if wait_seconds:
                sent.pace.refused(wait_seconds)
            else:
                sent.pace.took()

    time.run(*(work() for _ in range(AT_ONCE)))
    return sent


def turns(time: Time, pace: Pace, count: int) -> list[float]:
    """When so many turns come, one after another."""
    at: list[float] = []

    async def take() -> None:
        for _ in range(count):
            await pace.turn()
            at.append(time.now)

    time.run(take())
    return at


# ── the limit is found ──

LIMITERS: dict[str, Callable[[float], Limiter]] = {
    "window": FixedWindow,
    "window late in its minute": lambda limit: FixedWindow(limit, offset=55),
    "sliding": SlidingWindow,
    "bucket of 1": lambda limit: Bucket(limit, burst=1),
    "bucket of 10": Bucket,
    "bucket of 60": lambda limit: Bucket(limit, burst=60),
    "slow bucket of 1": lambda limit: Bucket(limit, burst=1, retry_after_seconds=10),
    "slow bucket of 60": lambda limit: Bucket(limit, burst=60, retry_after_seconds=10),
}
STARTS: dict[str, tuple[float, float | None]] = {  # posts a second; learned, in parts of the limit
    "from 4": (4, None),
    "from 1": (1, None),
    "unlimited": (0, None),
    "learned": (4, 1),
    "learned 3 times too much": (4, 3),
    "learned a fifth": (4, 0.2),
}
LIMITS = [(1, 1.0), (1, 0.02), (4, 0.2), (10, 0.2), (40, 0.02)]  # posts a second, latency in seconds


def cases() -> Iterator[tuple[str, float, float, str]]:
    """Every limiter with every limit and latency; the starts in turn, so that each meets each limiter."""
    names = list(STARTS)
    for row, limiter in enumerate(LIMITERS):
        for column, (limit, latency) in enumerate(LIMITS):
            yield limiter, limit, latency, names[(row + column) % len(names)]
        yield limiter, 4, 1.0, names[(row + len(LIMITS)) % len(names)]


@pytest.mark.parametrize(("limiter", "limit", "latency", "start"), list(cases()))
def test_from_the_third_minute_the_limit_is_used_and_hardly_a_post_is_refused(
    limiter: str, limit: float, latency: float, start: str
) -> None:
    first, parts = STARTS[start]
    minutes = max(7, 2 + 1000 / limit / 60)
    sent = a_pass(
        LIMITERS[limiter](limit), start=first, learned=parts and parts * limit, latency=latency, minutes=minutes
    )
    measured = (2 * MINUTE, minutes * MINUTE)
    used, refused = sent.per_second(*measured) / limit, sent.refused_share(*measured)
    assert used >= (0.85 if "slow" in limiter else 0.95), f"{used:.1%} of the limit used, {refused:.2%} refused"
    assert refused <= 0.01, f"{refused:.2%} refused, {used:.1%} of the limit used"


@pytest.mark.parametrize("limiter", ["window", "sliding", "bucket of 10"])
@pytest.mark.parametrize(("times", "within_minutes"), [(3, 8), (1 / 3, 4)], ids=["rises", "falls"])
def test_a_limit_that_changes_in_mid_pass_is_found(limiter: str, times: float, within_minutes: float) -> None:
    changed = 6 * MINUTE
    both = Changing(LIMITERS[limiter](4), LIMITERS[limiter](4 * times), changed)
    sent = a_pass(both, minutes=18)
    measured = (changed + within_minutes * MINUTE, 18 * MINUTE)
    used, refused = sent.per_second(*measured) / (4 * times), sent.refused_share(*measured)
    assert used >= 0.95, f"{used:.1%} of the new limit used"
    assert refused <= 0.01, f"{refused:.2%} refused"


@pytest.mark.parametrize("latency", [0.2, 1.0])
def test_a_pass_that_posts_slower_than_its_pace_does_not_make_it_faster(latency: float) -> None:
    sent = a_pass(Bucket(1000, burst=1000), latency=latency, start=1, minutes=20)
    at = turns(sent.time, sent.pace, 50)
    assert 49 / (at[-1] - at[0]) < 2 * AT_ONCE / latency


# ── how a pass starts ──


@pytest.mark.parametrize("start", [1, 4, 10])
def test_no_more_leave_than_the_start_figure_says_in_the_first_thirty_seconds(start: float) -> None:
    time = Time()
    at = turns(time, a_pace(time, start=start), round(30 * start))
    assert all(moment >= number / start - OVERSLEEP_SECONDS for number, moment in enumerate(at))
    assert at[-1] == pytest.approx(30 - 1 / start, abs=0.1)


def test_unlimited_nothing_waits_until_the_first_refusal() -> None:
    time = Time()
    pace = a_pace(time, start=0)
    assert turns(time, pace, 1000)[-1] == 0
    pace.refused(1)
    after = turns(time, pace, 3)
    assert after[0] >= 1
    assert after[2] - after[0] >= 0.5


def test_what_comes_late_is_not_made_up_for_in_a_burst() -> None:
    time = Time()
    pace = a_pace(time)
    turns(time, pace, 1)
    time.now += 5
    at = turns(time, pace, 5)
    assert at[-1] - at[0] >= 0.9


# ── a refusal ──


@pytest.mark.parametrize("wait_seconds", [1, 10, 48, 600])
def test_a_refusal_holds_every_turn_for_as_long_as_asked(wait_seconds: int) -> None:
    time = Time()
    pace = a_pace(time)
    at: list[float] = []

    async def take() -> None:
        await pace.turn()
        at.append(time.now)

    async def refuse() -> None:
        await nap(0.1)
        pace.refused(wait_seconds)

    time.run(refuse(), *(take() for _ in range(AT_ONCE)))
    assert [moment < 0.1 for moment in at] == [True, False, False, False]
    assert min(at[1:]) == pytest.approx(wait_seconds + 0.1, abs=0.01)


def test_the_longest_of_several_waits_counts() -> None:
    time = Time()
    pace = a_pace(time)
    for wait_seconds in (10, 30, 5):
        pace.refused(wait_seconds)
    assert turns(time, pace, 1)[0] >= 30


def test_posts_under_way_that_are_refused_together_count_once() -> None:
    def learned_after(refusals: int) -> float | None:
        time = Time()
        pace = a_pace(time, learned=10)
        for _ in range(refusals):
            pace.refused(1)
            time.now += 0.2
        return pace.learned

    assert learned_after(AT_ONCE) == learned_after(1)


def test_however_often_it_is_refused_the_pace_keeps_its_floor() -> None:
    time = Time()
    pace = a_pace(time)
    for _ in range(100):
        turns(time, pace, 1)
        time.now += 0.1
        pace.refused(1)
    at = turns(time, pace, 3)
    assert at[2] - at[1] <= 1 / FLOOR + 0.1


@pytest.mark.parametrize("start", [0, 4])
@pytest.mark.parametrize("learned", [None, 4])
def test_a_minute_that_the_pass_before_has_used_up_teaches_nothing_about_the_limit(
    start: float, learned: float | None
) -> None:
    window = FixedWindow(4, offset=-20)
    for _ in range(240):
        window.wait(0)
    sent = a_pass(window, start=start, learned=learned, minutes=6)
    assert sent.per_second(40, 3 * MINUTE) >= 0.6 * 4
    assert sent.pace.learned == pytest.approx(4, rel=0.15)


# ── what the next pass is told ──


def test_without_a_refusal_nothing_is_learned() -> None:
    assert a_pass(Bucket(1000, burst=1000), minutes=1).pace.learned is None


def test_a_short_pass_keeps_what_an_earlier_one_learned() -> None:
    assert a_pass(Bucket(1000, burst=1000), learned=3.5, minutes=0.2).pace.learned == 3.5


@pytest.mark.parametrize("limiter", ["window", "sliding", "bucket of 10"])
def test_what_is_learned_is_near_the_limit(limiter: str) -> None:
    assert a_pass(LIMITERS[limiter](4)).pace.learned == pytest.approx(4, rel=0.1)
