"""The forecast: what the passes of the next days will do by what is stored now. Writes nothing, sends nothing.

Pulls are taken to go on and to find nothing new; what a pass does is forecast.py's and the planner's, as in life.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import chain
from zoneinfo import ZoneInfo

from bot.deadlines.forecast import Forecast, ForecastDay, Measures, Seen
from bot.deadlines.model import Said
from bot.jobs.people import zone_of
from bot.jobs.planner import Planner
from bot.settings import Settings
from bot.store import Dossier, Store
from bot.workspace import Progress, silent


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The next days, from `today` in the default zone on."""

    now: datetime
    today: date
    pulled_at: datetime  # what it is told by
    days: list[ForecastDay]


def preview(settings: Settings, store: Store, now: datetime, days: int, progress: Progress = silent) -> Preview:
    """Foresee so many days (1 or more), today being the first, by a store that holds a pull."""
    pulled = store.snapshots.last()
    if pulled is None:
        raise ValueError("there is nothing to foresee by: nothing was ever pulled")
    today = now.astimezone(ZoneInfo(settings.default_timezone)).date()
    limits, hours = settings.policy.freeze, settings.policy.hours
    look = _Looking(settings, store)
    forecast = Forecast(look, _measures(store, pulled.people), limits, hours, now=now, today=today, days=days)
    for tick in forecast.run(look.everybody(forecast.begins_at)):
        progress("hours foreseen", int((tick - now) / timedelta(hours=1)), days * 24)
    return Preview(now=now, today=today, pulled_at=pulled.at, days=forecast.days)


class _Looking:
    """The real plan of people at an instant, by what is stored and what they will have heard by then."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._snapshots, self._planner = settings, store.snapshots, Planner(settings, store)

    def everybody(self, now: datetime) -> Iterator[Seen]:
        """What a pass at `now` finds of everybody."""
        return self._found(self._snapshots.dossiers(), now, {})

    def __call__(self, person_ids: Sequence[int], now: datetime, heard: Mapping[int, Sequence[Said]]) -> Iterator[Seen]:
        """What a pass at `now` finds of these people."""
        return self._found(self._snapshots.dossiers(person_ids), now, heard)

    def _found(
        self, chunks: Iterable[list[Dossier]], now: datetime, heard: Mapping[int, Sequence[Said]]
    ) -> Iterator[Seen]:
        plan = self._planner.plans(now, fresh=True)
        for dossier in chain.from_iterable(chunks):
            more = heard.get(dossier.person_id)
            by_then = replace(dossier, said=(*dossier.said, *more)) if more else dossier
            yield Seen(person_id=dossier.person_id, zone=zone_of(dossier, self._settings), plan=plan(by_then))


def _measures(store: Store, people: int) -> Measures:
    passes = store.passes
    return Measures(
        people=people,
        largest_since=passes.largest_since,
        first=passes.is_first(),
        rebuilt=passes.is_rebuilt(),
        approved=frozenset(passes.held_people() if passes.frozen() else passes.approved_people()),
        approved_days=frozenset(passes.approved_days()),
        frozen=passes.frozen(),
    )
