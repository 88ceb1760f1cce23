"""A forecast with what it takes to show it, and the figures that every way of showing has in common.

Owns the sums, the weeks of the calendar and how many of what is held back are shown. Knows no layout.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from itertools import groupby
from math import ceil

from bot.deadlines.calendar import shift
from bot.deadlines.forecast import ForecastDay, Foreseen, Held
from bot.deadlines.model import WAITING, Reason
from bot.jobs.preview import Preview
from bot.preview.names import Names
from bot.settings import Settings
from bot.store import Pulled, Store

LEVELS = 5  # of shading
EVENED = 0.75  # 1 would be in proportion


@dataclass(frozen=True, kw_only=True)
class HeldBack:
    """One reason for which assignments bring no message, over all days."""

    reason: Reason
    most: int  # assignments, on the day that has the most
    days: int  # on which it holds any
    examples: tuple[Held, ...]  # each person and course once

    @property
    def waits(self) -> bool:
        """Whether it passes by itself."""
        return self.reason in WAITING


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What all days come to."""

    messages: int
    largest: int  # messages, on the day that has the most
    people: int
    days: int  # with a message
    held: int  # assignments, on the day that has the most
    freezes: int  # days on which the bot would stop


@dataclass(frozen=True, kw_only=True)
class View:
    """One forecast and what there is to say with it."""

    settings: Settings
    preview: Preview
    pulled: Pulled  # by which it is told
    names: Names

    @classmethod
    def of(cls, settings: Settings, store: Store, preview: Preview) -> View:
        """The forecast that was made from this store, which stays open while it is shown."""
        pulled = store.snapshots.last()
        if pulled is None:
            raise ValueError("a forecast is told by a pull")
        return cls(settings=settings, preview=preview, pulled=pulled, names=Names(store.snapshots))

    @property
    def days(self) -> list[ForecastDay]:
        """Each day, in order."""
        return self.preview.days

    @property
    def stale_hours(self) -> int:
        """How old the data is in full hours, where that is too old to send by; else 0."""
        age = self.preview.now - self.preview.pulled_at
        limit = timedelta(hours=self.settings.policy.pull.stale_after_hours)
        return int(age / timedelta(hours=1)) if age > limit else 0

    @cached_property
    def totals(self) -> Totals:
        """The sums."""
        return Totals(
            messages=sum(len(day.notices) for day in self.days),
            largest=max(len(day.notices) for day in self.days),
            people=len({foreseen.notice.person_id for day in self.days for foreseen in day.notices}),
            days=sum(bool(day.notices) for day in self.days),
            held=max(day.held.total() for day in self.days),
            freezes=sum(bool(day.frozen) for day in self.days),
        )

    def level(self, day: ForecastDay) -> int:
        """How dark a day is, 0 to LEVELS: not in proportion, or one large day would make all others alike."""
        largest = self.totals.largest
        return ceil(LEVELS * (len(day.notices) / largest) ** EVENED) if largest else 0

    def weeks(self) -> Iterator[list[tuple[date, ForecastDay | None]]]:
        """Monday to Sunday, week after week; None for a day that is not foreseen."""
        known = {day.on: day for day in self.days}
        monday = shift(min(known), -min(known).weekday())
        while monday <= max(known):
            yield [(on, known.get(on)) for on in (shift(monday, n) for n in range(7))]
            monday = shift(monday, 7)

    def held_back(self, most: int) -> list[HeldBack]:
        """Each reason that holds anything back, in the policy's order, with at most so many examples."""
        return [
            HeldBack(
                reason=reason,
                most=max(day.held[reason] for day in self.days),
                days=sum(day.held[reason] > 0 for day in self.days),
                examples=self._examples(reason, most),
            )
            for reason in Reason
            if any(day.held[reason] for day in self.days)
        ]

    def _examples(self, reason: Reason, most: int) -> tuple[Held, ...]:
        found: dict[tuple[int, int], Held] = {}
        for held in (held for day in self.days for held in day.examples if held.decision.reason is reason):
            if len(found) < most:
                found.setdefault((held.person_id, held.course_id), held)
        return tuple(found.values())


def in_order(day: ForecastDay) -> list[Foreseen]:
    """A day's messages, the earliest first, those of one instant by person."""
    return sorted(day.notices, key=lambda foreseen: (foreseen.at, foreseen.notice.person_id))


def freezes(days: list[ForecastDay]) -> Iterator[tuple[date, str, int]]:
    """Each day that would freeze and each of its reasons, once, with how many passes it stops."""
    for day in days:
        for text, same in groupby(sorted(day.frozen)):
            yield day.on, text, len(list(same))
