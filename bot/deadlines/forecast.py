"""What the passes of the next days will do if nothing changes: the same functions, tick after tick.

Owns the order of ticks, what is remembered between them and what a day came to. It decides nothing itself: a `Look` is
the real plan of a person at an instant, and freeze.py judges each pass. A freeze is taken to be approved at once, so
that a day shows what waits behind it. Knows no store and no clock.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from heapq import heappop, heappush
from typing import TypeAlias

from bot.deadlines.calendar import LocalNow, shift, zone_info
from bot.deadlines.freeze import MEASURE, PassSize, too_busy
from bot.deadlines.model import STILL_TO_SAY, WAITING, Decision, Notice, Reason, Said
from bot.deadlines.plan import TICK, Plan
from bot.deadlines.terms import Freeze, Hours

EXAMPLES = 50  # assignments shown for each reason of a day
# Why something is held back that would be said otherwise; all else is as it should be.
HELD = WAITING - {Reason.SEND} | {
    Reason.NOT_IN_AUDIENCE,
    Reason.EXEMPT,
    Reason.INVALID_DEADLINE,
    Reason.NO_SLACK_MATCH,
    Reason.UNDELIVERABLE,
}

HeldCourses: TypeAlias = tuple[tuple[int, Decision], ...]  # courses, each with why it is held back


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What a pass finds about one person at an instant."""

    person_id: int
    zone: str  # a tz database name that exists
    plan: Plan


# People, an instant, and what they will have heard by then besides what is stored -> what a pass then finds of each.
Look = Callable[[Sequence[int], datetime, Mapping[int, Sequence[Said]]], Iterable[Seen]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Measures:
    """What passes are measured by when the forecast begins; numbers of people."""

    people: int  # in the snapshot
    largest_since: Callable[[datetime], int]  # the largest pass since then, of those that were
    first: bool  # no pass has yet sent, or had nothing to send
    rebuilt: bool = False  # the store was lost, and with it all that a pass is measured by
    approved: frozenset[int] = frozenset()  # people of an approved pass, who do not count
    approved_days: frozenset[date] = frozenset()  # local days that were approved before they came
    frozen: str | None = None  # a freeze that holds now


@dataclass(frozen=True, kw_only=True, slots=True)
class Foreseen:
    """One DM that will go."""

    at: datetime  # by the person's own clock
    notice: Notice


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """One assignment that brings nothing that day, and why."""

    person_id: int
    zone: str
    course_id: int
    decision: Decision


@dataclass(kw_only=True, slots=True)
class ForecastDay:
    """What one local date comes to, over all people whose date it is in turn."""

    on: date
    notices: list[Foreseen] = field(default_factory=list)
    held: Counter[Reason] = field(default_factory=Counter)  # assignments, at the end of the day's sending hours
    examples: list[Held] = field(default_factory=list)  # the first EXAMPLES of each reason
    frozen: list[str] = field(default_factory=list)  # each freeze that it would bring, with its figures


def quarter(instant: datetime) -> datetime:
    """The tick at or after this instant, in UTC."""
    past = (instant.astimezone(UTC) - datetime.min.replace(tzinfo=UTC)) % TICK
    return instant.astimezone(UTC) + (TICK - past if past else timedelta(0))


class Forecast:
    """The passes from `now` to the end of everybody's local day number `days`; day 1 is `today`.

    Memory grows with what is said and with what is held back, not with the assignments.
    """

    def __init__(
        self, look: Look, measures: Measures, limits: Freeze, hours: Hours, *, now: datetime, today: date, days: int
    ) -> None:
        self._look, self._measures, self._limits, self._hours = look, measures, limits, hours
        self._now = quarter(now)
        self._last_on = shift(today, days - 1)
        self._days = {on: ForecastDay(on=on) for n in range(days) if (on := shift(today, n)) <= self._last_on}
        self._people: list[tuple[datetime, int]] = []  # a heap: when somebody's decisions can change, and whose
        self._evenings: list[tuple[datetime, str, date]] = []  # a heap: the last tick of a zone's hours on a date
        self._held: defaultdict[str, dict[int, HeldCourses]] = defaultdict(dict)  # by zone and person
        self._waiting: defaultdict[str, set[int]] = defaultdict(set)  # by zone: whose decisions a day off changes
        self._heard: defaultdict[int, list[Said]] = defaultdict(list)
        self._sizes: dict[datetime, int] = {}  # of the passes that sent
        self._approved = set(measures.approved)
        self._is_first, self._is_rebuilt = measures.first, measures.rebuilt
        if measures.frozen:
            self._day(today).frozen.append(measures.frozen)

    @property
    def days(self) -> list[ForecastDay]:
        """Each day, in order; a day before the first one only where somebody's zone is behind and a DM goes there."""
        return [self._days[on] for on in sorted(self._days)]

    @property
    def begins_at(self) -> datetime:
        """The first tick."""
        return self._now

    def run(self, everybody: Iterable[Seen]) -> Iterator[datetime]:
        """Go from tick to tick, yielding each when it is done; `everybody` is what the first one finds."""
        self._pass(everybody)
        yield self._now
        while self._people or self._evenings:
            self._now = min(heap[0][0] for heap in (self._people, self._evenings) if heap)
            self._pass(self._look(list(self._due()), self._now, self._heard))
            self._close_days()
            yield self._now

    def _due(self) -> Iterator[int]:
        while self._people and self._people[0][0] <= self._now:
            yield heappop(self._people)[1]

    # ── one pass ──

    def _pass(self, found: Iterable[Seen]) -> None:
        """One pass over these people: who would be written to is, unless that is too many at once."""
        going: list[tuple[str, Notice]] = []
        for seen in found:
            self._remember(seen)
            if seen.plan.notice:
                going.append((seen.zone, seen.plan.notice))
        if not going:
            self._is_first = self._is_first and any(self._waiting.values())
        elif exceeded := self._too_busy([notice for _, notice in going]):
            self._freeze([notice for _, notice in going], "; ".join(exceeded))
        else:
            self._send(going)

    def _remember(self, seen: Seen) -> None:
        """Note when to look at this person again, and what is held back."""
        person_id, decisions = seen.person_id, seen.plan.decisions
        reasons = {d.reason for d in decisions}
        self._expect_evenings(seen.zone)
        self._held[seen.zone].pop(person_id, None)
        if reasons & HELD:
            self._held[seen.zone][person_id] = _held(seen.plan)
        (self._waiting[seen.zone].add if reasons & WAITING else self._waiting[seen.zone].discard)(person_id)
        if not reasons & STILL_TO_SAY:
            self._approved.discard(person_id)
        self._expect(seen.zone, person_id, decisions)

    def _expect(self, zone: str, person_id: int, decisions: Iterable[Decision]) -> None:
        changes = [d.next_at for d in decisions if d.next_at]
        if not changes:
            return
        at = max(quarter(min(changes)), self._now + TICK)
        if self._local(zone, at).today <= self._last_on:
            heappush(self._people, (at, person_id))

    def _too_busy(self, going: Sequence[Notice]) -> tuple[str, ...]:
        counted = {
            n.person_id
            for n in going
            if n.person_id not in self._approved and n.local_on not in self._measures.approved_days
        }
        since = self._now - MEASURE
        largest = max((n for at, n in self._sizes.items() if at >= since), default=0)
        size = PassSize(
            recipients=len(counted),
            people=self._measures.people,
            largest=max(largest, self._measures.largest_since(since)),
            first=self._is_first,
            rebuilt=self._is_rebuilt,
        )
        return too_busy(size, self._limits)

    def _freeze(self, going: Sequence[Notice], text: str) -> None:
        """Nothing is sent; it is approved at once, so the next pass sends it."""
        self._approved |= {notice.person_id for notice in going}
        for on in {notice.local_on for notice in going}:
            self._day(on).frozen.append(text)

    def _send(self, going: Sequence[tuple[str, Notice]]) -> None:
        for zone, notice in going:
            at = self._now.astimezone(zone_info(zone))
            self._day(notice.local_on).notices.append(Foreseen(at=at, notice=notice))
            self._heard[notice.person_id] += notice.said
            self._approved.discard(notice.person_id)
        self._sizes[self._now] = len(going)
        self._is_first = self._is_rebuilt = False

    # ── the end of a day ──

    def _expect_evenings(self, zone: str) -> None:
        """When a zone is met first: the last tick of its sending hours on each day, or now where that is past."""
        if zone in self._held:
            return
        self._held[zone] = {}
        today = self._local(zone, self._now).today
        for on in self._days:
            if on >= today and (evening := self._evening(zone, on)) is not None:
                heappush(self._evenings, (max(evening, self._now + TICK), zone, on))

    def _evening(self, zone: str, on: date) -> datetime | None:
        """The last tick before the sending hours of that local day end; None where it is no tick's day."""
        closes_at = LocalNow(now=self._now, zone=zone, start=self._hours.end, end=self._hours.end).opening(on)
        return quarter(closes_at) - TICK if closes_at else None

    def _close_days(self) -> None:
        while self._evenings and self._evenings[0][0] <= self._now:
            _, zone, on = heappop(self._evenings)
            for seen in self._look(sorted(self._waiting[zone] | self._held[zone].keys()), self._now, self._heard):
                self._held[zone][seen.person_id] = _held(seen.plan)
            self._count_held(self._day(on), zone)

    def _count_held(self, day: ForecastDay, zone: str) -> None:
        for person_id, courses in sorted(self._held[zone].items()):
            for course_id, decision in courses:
                day.held[decision.reason] += 1
                if day.held[decision.reason] <= EXAMPLES:
                    held = Held(person_id=person_id, zone=zone, course_id=course_id, decision=decision)
                    day.examples.append(held)

    def _day(self, on: date) -> ForecastDay:
        return self._days.setdefault(on, ForecastDay(on=on))

    def _local(self, zone: str, at: datetime) -> LocalNow:
        return LocalNow(now=at, zone=zone, start=self._hours.start, end=self._hours.end)


def _held(plan: Plan) -> HeldCourses:
    return tuple((course_id, d) for course_id, d in plan.by_course() if d.reason in HELD)
