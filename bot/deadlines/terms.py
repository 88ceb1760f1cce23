"""The policy's terms: every key of policy.toml, with its default, as one frozen value.

A section of the file is a dataclass here, its keys are the fields: settings.py reads the file straight into them, and
refuses what is unknown or of the wrong type. Ranges are checked here, so that no wrong policy can exist. Never decides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date, time
from typing import Any, ClassVar, Literal, TypeAlias

Weekday: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_OFF = re.compile(r"(?:(\d{4})-)?(\d\d-\d\d)", re.ASCII)
A_LEAP_YEAR = "2000"
EMOJI = re.compile(r":[^\s:]+:")
SHORTEST_HOURS_MINUTES = 60


class _Section:
    """What all sections share: an unknown key is refused by whatever reads the file into them."""

    __slots__ = ()
    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    def within(self, low: float, high: float, *keys: str) -> None:
        """Raise ValueError, naming the key, unless each figure of these fields lies from low to high."""
        for key in keys:
            value = getattr(self, key)
            for figure in value if isinstance(value, tuple) else (value,):
                if not low <= figure <= high:
                    raise ValueError(f"{key} must be from {low} to {high}, not {figure}")

    def without_zone(self, *keys: str) -> None:
        """Raise ValueError, naming the key, unless each time of these fields is a plain one."""
        for key in keys:
            if getattr(self, key).tzinfo is not None:
                raise ValueError(f"{key} must be a time of day without a zone, such as 09:30: it is everybody's own")


def _minutes(of_day: time) -> int:
    return of_day.hour * 60 + of_day.minute


@dataclass(frozen=True, kw_only=True, slots=True)
class Steps(_Section):
    """Which reminders a course has, and when they end."""

    before_days: tuple[int, ...] = (7, 2, 0)  # calendar days before the deadline; 0 is the due day
    long_course_before_days: tuple[int, ...] = (14,)  # these as well, for courses of at least …
    long_course_minutes: int = 60
    overdue_working_days: tuple[int, ...] = (1, 3, 7)  # working days after the deadline
    overdue_then_every_working_days: int = 5  # 0: no more after those
    overdue_min_gap_days: int = 2  # between two overdue reminders of one assignment
    give_up_after_days: int = 30  # calendar days after the deadline
    first_reminder_within_days: int = 365  # after the deadline, where none was ever sent
    nag_on_last_workday: bool = False

    def __post_init__(self) -> None:
        self.within(0, 365, "before_days")
        self.within(1, 365, "long_course_before_days")
        self.within(1, 250, "overdue_working_days")
        self.within(0, 250, "overdue_then_every_working_days")
        self.within(0, 100_000, "long_course_minutes")
        self.within(0, 60, "overdue_min_gap_days")
        self.within(0, 3650, "give_up_after_days", "first_reminder_within_days")


@dataclass(frozen=True, kw_only=True, slots=True)
class CourseSteps(_Section):
    """`[course.42]`: any key of [steps] for one course, and `off`; None where [steps] holds."""

    before_days: tuple[int, ...] | None = None
    long_course_before_days: tuple[int, ...] | None = None
    long_course_minutes: int | None = None
    overdue_working_days: tuple[int, ...] | None = None
    overdue_then_every_working_days: int | None = None
    overdue_min_gap_days: int | None = None
    give_up_after_days: int | None = None
    first_reminder_within_days: int | None = None
    nag_on_last_workday: bool | None = None
    off: bool = False

    def __post_init__(self) -> None:
        self.over(Steps())

    def over(self, steps: Steps) -> Steps:
        """`steps` with this course's own keys laid over them. Raises ValueError out of range."""
        own = {f.name: value for f in fields(steps) if (value := getattr(self, f.name)) is not None}
        return replace(steps, **own)


def _is_day_off(text: str) -> bool:
    """Whether this is a real day, `MM-DD` every year or `YYYY-MM-DD` once."""
    found = DAY_OFF.fullmatch(text)
    try:
        return found is not None and bool(date.fromisoformat(f"{found[1] or A_LEAP_YEAR}-{found[2]}"))
    except ValueError:
        return False


@dataclass(frozen=True, kw_only=True, slots=True)
class Hours(_Section):
    """When people may be written to: local times of their own day."""

    start: time = time(9, 30)
    end: time = time(17, 0)  # not included
    working_weekdays: tuple[Weekday, ...] = ()  # empty: the country's own
    days_off: tuple[str, ...] = ()  # "12-24" every year, "2027-05-28" once
    subdivisions: Mapping[str, str] = field(default_factory=dict)  # {"DE": "BY"}

    def __post_init__(self) -> None:
        self.without_zone("start", "end")
        if _minutes(self.end) - _minutes(self.start) < SHORTEST_HOURS_MINUTES:
            raise ValueError(
                f"end must be at least an hour later than start ({self.start:%H:%M}): passes may be hourly"
            )
        for day in self.days_off:
            if not _is_day_off(day):
                raise ValueError(f'days_off must hold days such as "12-24" or "2027-05-28", not {day!r}')


@dataclass(frozen=True, kw_only=True, slots=True)
class Caps(_Section):
    """How much one person may hear."""

    reminders_in_7_days: int = 3  # 0: no cap
    gather_days: int = 3  # 0: gather none
    warned_days: int = 3  # a course named this recently needs no uncapped last warning

    def __post_init__(self) -> None:
        self.within(0, 7, "reminders_in_7_days")
        self.within(0, 30, "gather_days", "warned_days")


@dataclass(frozen=True, kw_only=True, slots=True)
class Away(_Section):
    """Which Slack statuses mean that somebody is away."""

    emoji: tuple[str, ...] = (
        ":palm_tree:",
        ":desert_island:",
        ":airplane:",
        ":beach_with_umbrella:",
        ":face_with_thermometer:",
        ":baby:",
    )
    words: tuple[str, ...] = ("vacation", "holiday", "leave", "ferie", "orlov", "urlaub")
    nag_wait_days: int = 14  # for a status without an end

    def __post_init__(self) -> None:
        self.within(0, 365, "nag_wait_days")
        for emoji in self.emoji:
            if not EMOJI.fullmatch(emoji):
                raise ValueError(f'emoji must hold Slack\'s names such as ":palm_tree:", not {emoji!r}')
        for phrase in self.words:
            if not re.search(r"\w", phrase):
                raise ValueError(f"words must hold words, not {phrase!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Personal(_Section):
    """What people may choose for themselves."""

    hour_from: time = time(8, 0)
    hour_to: time = time(16, 0)
    snooze_max_days: int = 7

    def __post_init__(self) -> None:
        self.without_zone("hour_from", "hour_to")
        self.within(0, 60, "snooze_max_days")
        if not self.hour_from <= self.hour_to:
            raise ValueError(f"hour_to must not be earlier than hour_from ({self.hour_from:%H:%M})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace(_Section):
    """How fast DMs leave."""

    posts_per_second: float = 4  # where a pass starts; 0: as fast as Slack takes them

    def __post_init__(self) -> None:
        self.within(0, 1000, "posts_per_second")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pull(_Section):
    """How often the LMS is asked, and how old its answers may be."""

    every_minutes: int = 60
    stale_after_hours: float = 6

    def __post_init__(self) -> None:
        self.within(5, 1440, "every_minutes")
        self.within(1, 168, "stale_after_hours")


@dataclass(frozen=True, kw_only=True, slots=True)
class Freeze(_Section):
    """The limits past which sending stops until somebody approves; 0 turns one off."""

    first_pass_people: int = 100
    busy_pass_people: int = 50
    busy_pass_percent: float = 5
    busy_pass_factor: float = 3
    shrink_people_percent: float = 20
    shrink_assignments_percent: float = 20
    vanished_completions_percent: float = 10

    def __post_init__(self) -> None:
        self.within(0, 10_000_000, "first_pass_people", "busy_pass_people")
        self.within(0, 100, "busy_pass_percent", "shrink_people_percent", "shrink_assignments_percent")
        self.within(0, 100, "vanished_completions_percent")
        self.within(0, 1000, "busy_pass_factor")


@dataclass(frozen=True, kw_only=True, slots=True)
class Managers(_Section):
    """The managers' weekly digest."""

    digest_weekday: Weekday = "mon"
    digest_time: time = time(9, 30)
    overdue_working_days: int = 5

    def __post_init__(self) -> None:
        self.within(1, 250, "overdue_working_days")
        self.without_zone("digest_time")


@dataclass(frozen=True, kw_only=True, slots=True)
class Audience(_Section):
    """Who is reminded at all; everything empty: everybody."""

    emails: tuple[str, ...] = ()
    team_ids: tuple[int, ...] = ()
    department_ids: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for email in self.emails:
            if not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
                raise ValueError(f'emails must hold addresses such as "anna@acme.com", not {email!r}')


@dataclass(frozen=True, kw_only=True, slots=True)
class Matching(_Section):
    """How the LMS's e-mail addresses become Slack's."""

    domains: Mapping[str, str] = field(default_factory=dict)  # {"acme.dk": "acme.com"}

    def __post_init__(self) -> None:
        for domain in (*self.domains.keys(), *self.domains.values()):
            if not re.fullmatch(r"[^@\s]+", domain):
                raise ValueError(f'domains must be such as "acme.com", without an @, not {domain!r}')


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy(_Section):
    """The whole of policy.toml."""

    steps: Steps = field(default_factory=Steps)
    hours: Hours = field(default_factory=Hours)
    caps: Caps = field(default_factory=Caps)
    away: Away = field(default_factory=Away)
    personal: Personal = field(default_factory=Personal)
    pace: Pace = field(default_factory=Pace)
    pull: Pull = field(default_factory=Pull)
    freeze: Freeze = field(default_factory=Freeze)
    managers: Managers = field(default_factory=Managers)
    audience: Audience = field(default_factory=Audience)
    match: Matching = field(default_factory=Matching)
    course: Mapping[int, CourseSteps] = field(default_factory=dict)
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def steps_of(self, course_id: int) -> Steps:
        """The steps that hold for this course."""
        own = self.course.get(course_id)
        return own.over(self.steps) if own else self.steps

    def is_off(self, course_id: int) -> bool:
        """Whether reminders of this course are switched off."""
        own = self.course.get(course_id)
        return own is not None and own.off
