"""The forecast: which DM goes on which day at which tick, what is held back, and which day would freeze.

Everybody works in Copenhagen unless said otherwise; Monday is 14 June 2027. What a pass finds is the real plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.deadlines.forecast import Forecast, ForecastDay, Measures, Seen, quarter
from bot.deadlines.model import Assignment, NoMatch, Person, Reason, Said
from bot.deadlines.plan import plan
from bot.deadlines.policy import Day
from bot.deadlines.terms import Policy
from tests.builders import MON_TO_FRI, a_course, a_person, a_policy, an_assignment, away, local, on, said

MONDAY = "2027-06-14"
TOKYO, HONOLULU, KATHMANDU = "Asia/Tokyo", "Pacific/Honolulu", "Asia/Kathmandu"


class Town:
    """People with their assignments and what they have heard, looked at as a pass would."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self.people: dict[int, tuple[Person, list[Assignment], list[Said]]] = {}

    def add(self, *deadlines: str, heard: Sequence[Said] = (), **person: Any) -> Town:
        """One more person, with a course for each deadline."""
        person_id = len(self.people) + 1
        rows = [an_assignment(on, course_id=n, person_id=person_id) for n, on in enumerate(deadlines, 1)]
        known = {"slack_id": f"U{person_id}", **person}
        self.people[person_id] = (a_person(person_id=person_id, **known), rows, list(heard))
        return self

    def look(self, ids: Sequence[int], now: datetime, heard: Mapping[int, Sequence[Said]]) -> Iterator[Seen]:
        """What a pass at `now` finds of these people."""
        for person_id in ids:
            person, rows, before = self.people[person_id]
            day = Day(person=person, policy=self.policy, calendar=MON_TO_FRI, now=now)
            found = plan(day, rows, [*before, *heard.get(person_id, ())], a_course)
            yield Seen(person_id=person_id, zone=person.zone, plan=found)

    def foreseen(self, now: str = f"{MONDAY} 08:00", *, days: int = 5, **measures: Any) -> list[ForecastDay]:
        """The days from Monday on, at this time in Copenhagen."""
        known = {"people": 1000, "largest_since": lambda since: 0, "first": False, **measures}
        at, hours = local(now), self.policy.hours
        forecast = Forecast(
            self.look, Measures(**known), self.policy.freeze, hours, now=at, today=on(now[:10]), days=days
        )
        ticks = list(forecast.run(self.look(list(self.people), forecast.begins_at, {})))
        assert ticks == sorted(set(ticks))
        return forecast.days


def said_on(days: Sequence[ForecastDay]) -> dict[str, list[str]]:
    """Day -> "person at time: steps" for each DM."""
    return {
        f"{day.on:%a %d}": [
            f"{f.notice.person_id} at {f.at:%H:%M}: {'+'.join(r.step.name for r in f.notice.reminders)}"
            for f in day.notices
        ]
        for day in days
        if day.notices
    }


def held(days: Sequence[ForecastDay]) -> dict[str, dict[str, int]]:
    """Day -> what is held back."""
    return {f"{day.on:%a %d}": {r.value: n for r, n in day.held.items()} for day in days if day.held}


def frozen(days: Sequence[ForecastDay]) -> list[str]:
    return [f"{day.on:%a %d}" for day in days if day.frozen]


# ── who hears what, and when ──


def test_each_step_falls_on_its_day_at_the_first_tick_of_the_persons_hours() -> None:
    days = Town().add("2027-06-18").add("2027-06-25", zone=TOKYO).foreseen()
    assert said_on(days) == {
        "Wed 16": ["1 at 09:30: before-2"],
        "Fri 18": ["2 at 09:30: before-7", "1 at 09:30: due"],
    }


@pytest.mark.parametrize(
    ("now", "first"),
    [
        (f"{MONDAY} 08:00", "Mon 14 at 09:30"),
        (f"{MONDAY} 09:30", "Mon 14 at 09:30"),
        (f"{MONDAY} 09:31", "Mon 14 at 09:45"),
        (f"{MONDAY} 16:45", "Mon 14 at 16:45"),
        (f"{MONDAY} 16:46", "Tue 15 at 09:30"),
        (f"{MONDAY} 23:59", "Tue 15 at 09:30"),
    ],
)
def test_what_waits_goes_at_the_next_tick_within_hours(now: str, first: str) -> None:
    days = Town().add("2027-06-16").foreseen(now)
    at = next(f.at for day in days for f in day.notices)
    assert f"{at:%a %d at %H:%M}" == first


def test_a_zone_off_the_full_hour_has_its_ticks_too() -> None:
    days = Town().add("2027-06-16", zone=KATHMANDU).foreseen(f"{MONDAY} 02:00")
    assert said_on(days)["Mon 14"] == ["1 at 09:30: before-2"]


def test_a_dm_on_the_day_before_the_first_is_shown_where_the_persons_zone_is_behind() -> None:
    days = Town().add("2027-06-15", zone=HONOLULU).foreseen("2027-06-16 03:00", days=2)  # Tuesday afternoon there
    assert said_on(days) == {"Tue 15": ["1 at 15:00: due"], "Wed 16": ["1 at 09:30: overdue-1"]}
    assert [f"{day.on:%d}" for day in days] == ["15", "16", "17"]


def test_every_day_is_listed_also_one_without_a_word() -> None:
    days = Town().foreseen(days=3)
    assert [(day.on, day.notices, day.frozen) for day in days] == [(on(f"2027-06-{n}"), [], []) for n in (14, 15, 16)]


def test_the_end_of_the_calendar_ends_the_forecast() -> None:
    assert [f"{day.on}" for day in Town().add("9999-12-31").foreseen("9999-12-30 08:00", days=9)] == [
        "9999-12-30",
        "9999-12-31",
    ]


def test_the_first_tick_is_the_quarter_of_an_hour_at_or_after_now() -> None:
    seen = [quarter(local(f"{MONDAY} {at}", "UTC")) for at in ("10:00", "10:01", "10:15", "10:59:59")]
    assert [f"{at:%H:%M}" for at in seen] == ["10:00", "10:15", "10:15", "11:00"]
    assert {at.tzinfo for at in seen} == {UTC}


# ── what is held back ──


def test_what_is_said_counts_towards_the_cap_of_the_days_that_follow() -> None:
    policy = a_policy(caps={"reminders_in_7_days": 1, "gather_days": 0})
    days = Town(policy).add("2027-06-16", "2027-06-17").foreseen()
    assert said_on(days) == {"Mon 14": ["1 at 09:30: before-2"], "Thu 17": ["1 at 09:30: overdue-1+due"]}
    assert held(days) == {"Tue 15": {"capped": 1}, "Wed 16": {"capped": 2}}


@pytest.mark.parametrize(
    ("why", "facts", "each_day"),
    [
        ("nobody in Slack", {"slack_id": None, "no_match": NoMatch.NOT_IN_SLACK}, {"no_slack_match": 1}),
        ("no part of the pilot", {"in_audience": False}, {"not_in_audience": 1}),
        ("Slack refuses them", {"refused_on": on("2027-06-15"), "refusals": 7}, {"undeliverable": 1}),
        ("away without an end", {"absence": away(since=f"{MONDAY} 07:00")}, {"away": 1}),
        ("snoozed", {"snoozed_until_on": on("2027-06-17")}, {"snoozed": 1}),
        ("left the company", {"active": False}, {}),
    ],
)
def test_what_is_held_back_is_counted_on_each_day(why: str, facts: dict[str, Any], each_day: dict[str, int]) -> None:
    heard = [said("due", "2027-06-14")]
    days = Town().add("2027-06-14", heard=heard, **facts).foreseen("2027-06-15 08:00", days=2)
    assert held(days) == ({"Tue 15": each_day, "Wed 16": each_day} if each_day else {})
    assert {example.decision.reason.value for day in days for example in day.examples} == set(each_day)


def test_a_reminder_that_waits_over_a_weekend_is_held_by_the_day_off() -> None:
    days = Town().add("2027-06-13").foreseen("2027-06-11 16:50", days=4)  # Friday, after the last tick
    assert held(days) == {"Fri 11": {"outside_hours": 1}, "Sat 12": {"day_off": 1}, "Sun 13": {"day_off": 1}}
    assert said_on(days) == {"Mon 14": ["1 at 09:30: overdue-1"]}


def test_only_so_many_examples_are_kept_for_each_reason() -> None:
    town = Town()
    for _ in range(60):
        town.add("2027-06-16", slack_id=None)
    (day,) = town.foreseen(days=1)
    assert (day.held[Reason.NO_SLACK_MATCH], len(day.examples)) == (60, 50)


# ── freezes ──

STRICT = {"first_pass_people": 2, "busy_pass_people": 2, "busy_pass_percent": 1}


def three(**measures: Any) -> list[ForecastDay]:
    """Three people who are due together, under limits of two."""
    town = Town(a_policy(freeze=STRICT, steps={"before_days": (2,), "overdue_working_days": ()}))
    for _ in range(3):
        town.add("2027-06-16")
    return town.foreseen(**{"people": 100, **measures})


@pytest.mark.parametrize(
    ("given", "measures", "would_freeze", "at"),
    [
        ("a pass busier than all before", {}, ["Mon 14"], "09:45"),
        ("an installation's first pass", {"first": True}, ["Mon 14"], "09:45"),
        ("a store that was lost", {"rebuilt": True}, [], "09:30"),
        ("a pass as large lately", {"largest_since": lambda since: 1}, [], "09:30"),
        ("one of them approved", {"approved": frozenset({1})}, [], "09:30"),
        ("the day approved before it came", {"approved_days": frozenset({on(MONDAY)})}, [], "09:30"),
        ("another day approved", {"approved_days": frozenset({on("2027-06-15")})}, ["Mon 14"], "09:45"),
        ("a freeze that holds already", {"frozen": "people shrank", "rebuilt": True}, ["Mon 14"], "09:30"),
    ],
)
def test_a_day_that_would_freeze_is_marked_and_approved_at_once(
    given: str, measures: dict[str, Any], would_freeze: list[str], at: str
) -> None:
    days = three(**measures)
    assert frozen(days) == would_freeze
    assert said_on(days) == {"Mon 14": [f"{n} at {at}: before-2" for n in (1, 2, 3)]}


def test_a_freeze_names_its_figures() -> None:
    assert "would message 3 of 100 people" in three()[0].frozen[0]


def test_a_pass_that_was_foreseen_is_the_measure_of_the_next() -> None:
    town = Town(a_policy(freeze=STRICT, steps={"before_days": (2, 0), "overdue_working_days": ()}))
    for _ in range(3):
        town.add("2027-06-16")
    assert frozen(town.foreseen(people=100)) == ["Mon 14"]  # Wednesday's are no more than Monday's


def test_what_a_freeze_holds_at_the_last_tick_of_a_day_goes_on_the_next() -> None:
    town = Town(a_policy(freeze=STRICT, steps={"before_days": (2,), "overdue_working_days": ()}))
    for _ in range(3):
        town.add("2027-06-16")
    days = town.foreseen(f"{MONDAY} 16:45", people=100)
    assert frozen(days) == ["Mon 14"]
    assert list(said_on(days)) == ["Tue 15"]


def test_a_pass_that_finds_nobody_waiting_ends_the_first() -> None:
    """Then the usual limit holds, which here is the larger one."""
    policy = a_policy(freeze={**STRICT, "busy_pass_people": 5}, steps={"before_days": (2,)})
    town = Town(policy)
    for _ in range(3):
        town.add("2027-06-18")
    assert frozen(town.foreseen(people=100, first=True)) == []


def test_a_pass_of_a_fortnight_ago_is_no_measure_any_more() -> None:
    asked: list[datetime] = []

    def largest_since(since: datetime) -> int:
        asked.append(since)
        return 1

    three(largest_since=largest_since)
    assert asked == [local(f"{MONDAY} 09:30") - timedelta(days=14)]
