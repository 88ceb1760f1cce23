"""policy.md, "policy.toml": every key with its default; what is out of range is refused with its key's name."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from datetime import time
from typing import Any

import pytest

from bot.deadlines.terms import Away, Caps, CourseSteps, Freeze, Hours, Managers, Pace, Personal, Policy, Pull, Steps

DEFAULTS: dict[str, dict[str, Any]] = {
    "steps": {
        "before_days": (7, 2, 0),
        "long_course_before_days": (14,),
        "long_course_minutes": 60,
        "overdue_working_days": (1, 3, 7),
        "overdue_then_every_working_days": 5,
        "overdue_min_gap_days": 2,
        "give_up_after_days": 30,
        "first_reminder_within_days": 365,
        "nag_on_last_workday": False,
    },
    "hours": {
        "start": time(9, 30),
        "end": time(17),
        "working_weekdays": (),
        "days_off": (),
        "subdivisions": {},
    },
    "caps": {"reminders_in_7_days": 3, "gather_days": 3, "warned_days": 3},
    "away": {
        "emoji": (
            ":palm_tree:",
            ":desert_island:",
            ":airplane:",
            ":beach_with_umbrella:",
            ":face_with_thermometer:",
            ":baby:",
        ),
        "words": ("vacation", "holiday", "leave", "ferie", "orlov", "urlaub"),
        "nag_wait_days": 14,
    },
    "personal": {"hour_from": time(8), "hour_to": time(16), "snooze_max_days": 7},
    "pace": {"posts_per_second": 4},
    "pull": {"every_minutes": 60, "stale_after_hours": 6},
    "freeze": {
        "first_pass_people": 100,
        "busy_pass_people": 50,
        "busy_pass_percent": 5,
        "busy_pass_factor": 3,
        "shrink_people_percent": 20,
        "shrink_assignments_percent": 20,
        "vanished_completions_percent": 10,
    },
    "managers": {"digest_weekday": "mon", "digest_time": time(9, 30), "overdue_working_days": 5},
    "audience": {"emails": (), "team_ids": (), "department_ids": ()},
    "match": {"domains": {}},
    "course": {},
    "texts": {},
}


def test_a_missing_file_means_the_defaults() -> None:
    assert asdict(Policy()) == DEFAULTS


IN_RANGE: list[Callable[[], object]] = [
    lambda: Steps(before_days=(0, 365), long_course_before_days=(1, 365), overdue_working_days=(1, 250)),
    lambda: Steps(overdue_then_every_working_days=0, overdue_min_gap_days=0, give_up_after_days=0),
    lambda: Steps(overdue_then_every_working_days=250, overdue_min_gap_days=60, give_up_after_days=3650),
    lambda: Steps(first_reminder_within_days=0, long_course_minutes=0, before_days=()),
    lambda: Steps(first_reminder_within_days=3650, long_course_minutes=100_000),
    lambda: Hours(start=time(0), end=time(1), days_off=("12-24", "2027-05-28", "02-29", "2028-02-29")),
    lambda: Caps(reminders_in_7_days=0, gather_days=0, warned_days=0),
    lambda: Caps(reminders_in_7_days=7, gather_days=30, warned_days=30),
    lambda: Away(nag_wait_days=0),
    lambda: Away(nag_wait_days=365),
    lambda: Personal(hour_from=time(9), hour_to=time(9), snooze_max_days=60),
    lambda: Personal(snooze_max_days=0),
    lambda: Pace(posts_per_second=0),
    lambda: Pace(posts_per_second=1000),
    lambda: Pull(every_minutes=5, stale_after_hours=1),
    lambda: Pull(every_minutes=1440, stale_after_hours=168),
    lambda: Freeze(**dict.fromkeys(DEFAULTS["freeze"], 0)),
    lambda: Freeze(first_pass_people=10_000_000, busy_pass_people=10_000_000, busy_pass_factor=1000),
    lambda: Freeze(
        busy_pass_percent=100,
        shrink_people_percent=100,
        shrink_assignments_percent=100,
        vanished_completions_percent=100,
    ),
    lambda: Managers(overdue_working_days=1),
    lambda: Managers(overdue_working_days=250),
    CourseSteps,
]


@pytest.mark.parametrize("make", IN_RANGE)
def test_figures_at_the_ends_of_their_range_are_taken(make: Callable[[], object]) -> None:
    assert make()


OUT_OF_RANGE: list[tuple[type, str, Any]] = [
    (Steps, "before_days", (7, -1)),
    (Steps, "before_days", (366,)),
    (Steps, "long_course_before_days", (0,)),
    (Steps, "long_course_before_days", (366,)),
    (Steps, "long_course_minutes", -1),
    (Steps, "long_course_minutes", 100_001),
    (Steps, "overdue_working_days", (0,)),
    (Steps, "overdue_working_days", (251,)),
    (Steps, "overdue_then_every_working_days", -1),
    (Steps, "overdue_then_every_working_days", 251),
    (Steps, "overdue_min_gap_days", -1),
    (Steps, "overdue_min_gap_days", 61),
    (Steps, "give_up_after_days", -1),
    (Steps, "give_up_after_days", 3651),
    (Steps, "first_reminder_within_days", -1),
    (Steps, "first_reminder_within_days", 3651),
    (CourseSteps, "before_days", (366,)),
    (CourseSteps, "give_up_after_days", -1),
    (Hours, "end", time(9, 30)),
    (Hours, "end", time(9)),
    (Hours, "days_off", ("24-12",)),
    (Hours, "days_off", ("2027-5-28",)),
    (Hours, "days_off", ("12-24\n",)),
    (Hours, "days_off", ("١٢-٢٤",)),
    (Hours, "days_off", ("02-30",)),
    (Hours, "days_off", ("2027-02-29",)),
    (Hours, "days_off", ("0000-12-24",)),
    (Caps, "reminders_in_7_days", -1),
    (Caps, "reminders_in_7_days", 8),
    (Caps, "gather_days", -1),
    (Caps, "gather_days", 31),
    (Caps, "warned_days", -1),
    (Caps, "warned_days", 31),
    (Away, "nag_wait_days", -1),
    (Away, "nag_wait_days", 366),
    (Personal, "snooze_max_days", -1),
    (Personal, "snooze_max_days", 61),
    (Personal, "hour_to", time(7, 59)),
    (Pace, "posts_per_second", -1),
    (Pace, "posts_per_second", 1001),
    (Pace, "posts_per_second", float("nan")),
    (Pull, "every_minutes", 4),
    (Pull, "every_minutes", 1441),
    (Pull, "stale_after_hours", 0.5),
    (Pull, "stale_after_hours", 169),
    (Freeze, "first_pass_people", -1),
    (Freeze, "busy_pass_people", -1),
    (Freeze, "busy_pass_percent", 101),
    (Freeze, "busy_pass_factor", -1),
    (Freeze, "busy_pass_factor", 1001),
    (Freeze, "shrink_people_percent", 101),
    (Freeze, "shrink_assignments_percent", 101),
    (Freeze, "vanished_completions_percent", 101),
    (Managers, "overdue_working_days", 0),
    (Managers, "overdue_working_days", 251),
]


@pytest.mark.parametrize(("section", "key", "value"), OUT_OF_RANGE, ids=lambda part: getattr(part, "__name__", None))
def test_out_of_range_is_refused_and_the_error_names_the_key(section: type, key: str, value: object) -> None:
    with pytest.raises(ValueError, match=re.escape(key)):
        section(**{key: value})


def test_a_course_has_its_own_keys_and_the_policys_for_the_rest() -> None:
    policy = Policy(course={42: CourseSteps(before_days=(3, 0), give_up_after_days=0, nag_on_last_workday=True)})
    assert policy.steps_of(42) == Steps(before_days=(3, 0), give_up_after_days=0, nag_on_last_workday=True)
    assert policy.steps_of(43) == Steps()


def test_a_course_is_off_only_where_its_own_section_says_so() -> None:
    policy = Policy(course={42: CourseSteps(off=True), 43: CourseSteps(before_days=(0,))})
    assert [policy.is_off(n) for n in (42, 43, 44)] == [True, False, False]
