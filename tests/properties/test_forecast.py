"""The forecast comes true: each day's DMs, what is held back on it and its freezes are what the passes then do."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

from hypothesis import strategies as st
from hypothesis.stateful import initialize

from bot.deadlines.forecast import HELD
from bot.deadlines.model import Reason
from bot.jobs.explain import explain_person
from bot.jobs.preview import Preview
from tests.properties import campaign
from tests.properties.company import QUARTER, WELL, Told
from tests.properties.days import A_DAY, instant, local
from tests.properties.machine import CompanyMachine

Foreseen: TypeAlias = tuple[date, datetime, int, tuple[Told, ...]]
WITH_A_ROW = "SELECT DISTINCT person_id FROM assignments"
HELD_ON = "SELECT DISTINCT local_on FROM notices WHERE state = 'held' AND pass_id = ?"
LAST_PASS = "SELECT pass_id, frozen FROM passes ORDER BY length(pass_id) DESC, pass_id DESC LIMIT 1"
FURTHEST_WEST = timedelta(hours=13)


class ForecastMachine(CompanyMachine):
    """After some history the company is left alone, and what was foreseen is compared with what comes."""

    days: int = 3

    @initialize(days=st.integers(1, 7))
    def how_far(self, days: int) -> None:
        """So many days are foreseen."""
        self.days = days

    def teardown(self) -> None:
        """The end of each example, unless it has failed already."""
        try:
            if hasattr(self, "judge") and sys.exception() is None and self._is_at_rest():
                self._compare(self.company.foresee(self.days))
        finally:
            super().teardown()

    def _is_at_rest(self) -> bool:
        """Whether the bot knows all that there is to know now, and nothing is on its way."""
        company = self.company
        self.judge.approved, company.refusing = True, set()  # nobody foresees that
        for _ in range(3):
            self.judge.settle()
            company.run(company.remind(None))
            self.judge.ticked(went_well=True)
            if company.accepted and company.accepted.facts is company.facts:
                break
            company.approve()
        on_the_way = company.ask("SELECT count(*) FROM notices WHERE state IN ('sending', 'unknown')") != [(0,)]
        return company.accepted is not None and company.accepted.facts is company.facts and not on_the_way

    def _compare(self, found: Preview) -> None:
        company, first_on = self.company, found.today
        last_on = first_on + (self.days - 1) * A_DAY
        frozen = company.approve()
        lived = Lived(self, first_on, last_on)
        before = len(company.dms)
        company.run(lived.through())
        self.judge.settle()
        came = {
            (dm.local_on, dm.tick_at, dm.person_id, dm.told) for dm in company.dms[before:] if dm.local_on <= last_on
        }
        marks = {day.on: list(day.frozen) for day in found.days}
        if frozen:
            assert marks[first_on].pop(0) == frozen
        foreseen = _foreseen(found)
        assert foreseen == came, _only(foreseen, came)
        assert {on: texts for on, texts in marks.items() if texts} == {
            on: texts for on, texts in lived.frozen.items() if on <= last_on
        }
        held = {on: counts for on, counts in lived.held.items() if counts}
        assert {day.on: +day.held for day in found.days if +day.held} == held


def _only(foreseen: set[Foreseen], came: set[Foreseen]) -> str:
    """What was foreseen and did not come, and the other way round."""
    return "\n".join(f"{'foreseen' if one in foreseen else 'came'}: {_line(*one)}" for one in foreseen ^ came)


def _line(on: date, at: datetime, person_id: int, told: tuple[Told, ...]) -> str:
    named = ", ".join(f"course {t.course_id}: {t.step.name} of {t.deadline_on}" for t in told)
    return f"{on}, {at.astimezone(UTC):%d %H:%M} UTC, person {person_id}: {named}"


def _foreseen(found: Preview) -> set[Foreseen]:
    return {
        (
            day.on,
            f.at,
            f.notice.person_id,
            tuple(Told(course_id=r.course_id, step=r.step, deadline_on=r.deadline_on) for r in f.notice.reminders),
        )
        for day in found.days
        for f in day.notices
    }


class Lived:
    """What the days come to."""

    def __init__(self, machine: CompanyMachine, first_on: date, last_on: date) -> None:
        self._machine, self._company, self._first_on, self._last_on = machine, machine.company, first_on, last_on
        self.frozen: dict[date, list[str]] = {}
        self.held: defaultdict[date, Counter[Reason]] = defaultdict(Counter)
        self._evenings: defaultdict[datetime, list[tuple[int, date]]] = defaultdict(list)
        for (person_id,) in self._company.ask(WITH_A_ROW):
            self._expect(person_id)

    def _expect(self, person_id: int) -> None:
        company = self._company
        begins_at, zone = company.next_tick(), company.zone_seen(person_id)
        on = max(self._first_on, local(begins_at, zone).date())
        while on <= self._last_on:
            closes_at = instant(on, company.terms.policy.hours.end, zone)
            last = closes_at.replace(minute=closes_at.minute // 15 * 15)
            last -= QUARTER if last == closes_at else timedelta(0)
            self._evenings[max(last, begins_at + QUARTER)].append((person_id, on))
            on += A_DAY

    async def through(self) -> None:
        """Tick by tick; each freeze is approved at once."""
        company = self._company
        until = instant(self._last_on + A_DAY, datetime.min.time(), "UTC") + FURTHEST_WEST
        while (tick := company.next_tick()) <= until:
            await company.until(tick)
            if not company.is_idle(tick):
                await self._machine.tick(WELL)
                self._approve()
            self._look(tick)
            await company.until(tick + timedelta(minutes=1))

    def _approve(self) -> None:
        ((pass_id, frozen),) = self._company.ask(LAST_PASS)
        if frozen:
            for (on,) in self._company.ask(HELD_ON, pass_id):
                self.frozen.setdefault(date.fromisoformat(on), []).append(frozen)
            self._company.approve()

    def _look(self, tick: datetime) -> None:
        work = self._company.bot.workspace
        for person_id, on in self._evenings.pop(tick, []):
            found = explain_person(work.settings, work.store, person_id, tick)
            self.held[on].update(d.reason for _, d in found.decisions if d.reason in HELD)


TestForecast = ForecastMachine.TestCase
TestForecast.settings = campaign(steps=6)
