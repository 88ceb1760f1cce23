"""Rows of "given, then" in plain words, executed: the language of the rules' tables and of docs/policy.md.

`given` is phrases with semicolons between them; `then` is what the person hears, or what is decided at one moment:

    "fire due Sunday 20 June; in Denmark"      "… before-2 on Friday 18 June, due on Friday 18 June …"
    "due Wednesday 23 June; at Wednesday 16 June 10:00"      "send before-7"

One person, at work in Copenhagen unless the row begins with "the clock of …"; two passes a day, at 10:00 and 16:00;
courses are called fire (the one meant where none is named), gdpr, ladder and cash; the year is 2027 unless it is named.
A weekday that is wrong fails. "…" leaves out what comes before or after. Words become an LMS's and a Slack's records, a
policy.toml and a country's calendar, and these go through the program's own functions; nothing is decided here.
"""

from __future__ import annotations

import calendar
import json
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter

from bot.deadlines.model import (
    Assignment,
    Course,
    Decision,
    Exemption,
    Learner,
    Member,
    NoMatch,
    Notice,
    Said,
    Status,
    Step,
)
from bot.deadlines.plan import Plan, plan
from bot.deadlines.policy import Day
from bot.deadlines.terms import Policy
from bot.jobs.calendars import Calendars
from bot.jobs.people import person_of
from bot.settings import Settings
from bot.store import Dossier
from tests.builders import COPENHAGEN, TITLES, a_course, an_assignment, local, said_in

COURSES = {title: course_id for course_id, title in TITLES.items()}
MONTHS = list(calendar.month_name)
COURSE = rf"(?:(?P<course>{'|'.join(COURSES)}) )?"
DAY = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day \d{1,2} [A-Z][a-z]+(?: \d{4})?"
WHEN = rf"{DAY}(?: \d\d:\d\d)?"
PASSES = ("10:00", "16:00")
BEFORE, AFTER = timedelta(days=22), timedelta(days=45)  # how long before and after its dates a story is followed
SECTIONS = {key: section for section, keys in reversed(asdict(Policy()).items()) for key in keys}
WORDS: dict[str, dict[str, Any]] = {
    "started": {"status": Status.STARTED},
    "not required": {"required": False},
    "without a deadline": {},
}


def day_in(text: str) -> date:
    """The date of "Friday 18 June" or "Friday 18 June 2028". Raises ValueError where that is no such weekday."""
    weekday, number, month, year = [*text.split(), "2027"][:4]
    found = date(int(year), MONTHS.index(month), int(number))
    if f"{found:%A}" != weekday:
        raise ValueError(f"{text} is a {found:%A}")
    return found


def told_as(day: date) -> str:
    """A date in words, its year only where it is not 2027."""
    return f"{day:%A} {day.day} {day:%B}" + (f" {day.year}" if day.year != 2027 else "")


@dataclass(kw_only=True)
class Row:
    """A row of the LMS's, and what becomes of it."""

    first: Assignment
    completed_at: datetime | None = None
    moves: tuple[date, date] | None = None  # to this deadline, on that day
    rewritten: bool = False  # `assigned_at`, at 03:00 UTC of every day

    def on(self, now: datetime, today: date) -> Assignment | None:
        """As it is served at an instant; None before it was assigned."""
        if self.first.assigned_at and self.first.assigned_at > now:
            return None
        row = self.first
        if self.completed_at and self.completed_at <= now:
            row = replace(row, status=Status.COMPLETED)
        if self.moves and self.moves[1] <= today:
            row = replace(row, deadline_on=self.moves[0])
        at = datetime(today.year, today.month, today.day, 3, tzinfo=UTC)
        if self.rewritten and row.assigned_at and row.assigned_at < at:
            row = replace(row, assigned_at=at, first_assigned_at=row.assigned_at)
        return row


@dataclass(kw_only=True)
class Story:
    """What a row's `given` tells of one person."""

    zone: str = COPENHAGEN
    rows: list[Row] = field(default_factory=list)
    courses: dict[int, Course] = field(default_factory=dict)
    learner: dict[str, Any] | None = field(default_factory=dict)  # the LMS's facts; None: it does not list them
    member: dict[str, Any] | None = field(default_factory=dict)  # Slack's; None: nobody matches
    person: dict[str, Any] = field(default_factory=dict)  # what an admin or they themselves asked for
    status: dict[str, Any] = field(default_factory=dict)
    status_from: datetime | None = None
    status_off: datetime | None = None
    default_country: str | None = None
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)  # of policy.toml
    heard: list[Said] = field(default_factory=list)
    first_on: date | None = None
    outage: tuple[date, date] = (date.max, date.max)
    moment: datetime | None = None
    fresh: bool = True
    frozen: bool = False

    # ── what it becomes ──────────────────────────────────────────────────────────────────────────────────────────

    def when(self, text: str, time: str = "08:00") -> datetime:
        """The instant of "Friday 18 June 12:00"; where no time is given, of this one."""
        day, _, clock = text.rpartition(" ") if ":" in text else (text, "", time)
        return local(f"{day_in(day)} {clock}", self.zone)

    def instant(self, day: date, time: str = PASSES[0]) -> datetime:
        """What their clock shows as this time of that day."""
        return local(f"{day} {time}", self.zone)

    @cached_property
    def settings(self) -> Settings:
        """The program's settings, with the story's policy.toml."""
        policy = TypeAdapter(Policy).validate_json(json.dumps(self.keys), strict=True)
        return Settings(
            _env_file=None, policy=policy, default_timezone=COPENHAGEN, default_country=self.default_country
        )

    @cached_property
    def calendars(self) -> Calendars:
        """The working days of each country."""
        return Calendars(self.settings.policy.hours, self.settings.default_country)

    def dossier(self, now: datetime) -> Dossier:
        """What the store would hold of them."""
        today = now.astimezone(ZoneInfo(self.zone)).date()
        rows = tuple(found for row in self.rows if (found := row.on(now, today)))
        shows = bool(self.status_from and self.status_from <= now and not (self.status_off and self.status_off <= now))
        member = {"timezone": self.zone, **(self.member or {}), **(self.status if shows else {})}
        return Dossier(
            person_id=1,
            learner=None if self.learner is None else Learner(person_id=1, **self.learner),
            member=None if self.member is None else Member(slack_id="U1", **member),
            no_match=NoMatch.NOT_IN_SLACK if self.member is None else None,
            status_seen_at=self.status_from,
            assignments=rows,
            said=(),
        )

    def day(self, now: datetime) -> Day:
        """Their day, as the program sees it."""
        dossier = self.dossier(now)
        person = replace(person_of(dossier, self.settings), **self.person)
        country = dossier.learner.country if dossier.learner else None
        return Day(person=person, policy=self.settings.policy, calendar=self.calendars.of(country), now=now)

    def plan(self, now: datetime, heard: Sequence[Said]) -> Plan:
        """What they hear at this instant."""
        rows = self.dossier(now).assignments
        found = plan(self.day(now), rows, heard, lambda n: self.courses.get(n) or a_course(n), fresh=self.fresh)
        return found.frozen() if self.frozen else found

    # ── what comes of it ─────────────────────────────────────────────────────────────────────────────────────────

    def days(self) -> list[date]:
        """The days on which it is followed."""
        known = [on for row in self.rows for on in (row.first.deadline_on, row.moves and row.moves[0]) if on]
        given = [row.first.assigned_at.date() for row in self.rows if row.first.assigned_at]
        first = self.first_on or min(known) - BEFORE
        last = max(first, *known, *given) + AFTER
        return [first + timedelta(days=n) for n in range((last - first).days + 1)]

    def passes(self) -> Iterator[tuple[date, Plan]]:
        """What each pass comes to; what is sent becomes history."""
        heard = list(self.heard)
        for day in self.days():
            for time in PASSES if not self.outage[0] <= day <= self.outage[1] else ():
                found = self.plan(self.instant(day, time), heard)
                heard += said_in(found.notice)
                yield day, found

    def dms(self) -> list[str]:
        """Every DM: "fire before-2 + gdpr before-7 on Tuesday 15 June"."""
        return [f"{self.names(found.notice)} on {told_as(day)}" for day, found in self.passes() if found.notice]

    def names(self, notice: Notice) -> str:
        """What a DM names."""
        return " + ".join(self.of(r.course_id) + r.step.name for r in notice.reminders)

    def of(self, course_id: int) -> str:
        """The course's name, where there are several."""
        return f"{TITLES[course_id]} " if len({row.first.course_id for row in self.rows}) > 1 else ""

    def decided(self) -> list[str]:
        """What is decided about each row at the one moment: "send before-7", "capped gap"."""
        if self.moment is None:
            raise ValueError("the story has no moment")
        return [self.decision(*found) for found in self.plan(self.moment, self.heard).by_course()]

    def decision(self, course_id: int, found: Decision) -> str:
        """A decision in the words of a table."""
        step = found.step.name if found.step and found.reason == "send" else ""
        return self.of(course_id) + " ".join(part for part in (found.reason, found.detail, step) if part)


def a_story(given: str) -> Story:
    """The story that these words tell. Raises ValueError for words that mean nothing."""
    found = Story()
    for words in given.split("; "):
        for pattern, note in PHRASES:
            if match := re.fullmatch(pattern, words):
                note(found, **match.groupdict())
                break
        else:
            raise ValueError(f"nobody knows what {words!r} means")
    return found


def happens(given: str, then: str) -> str:
    """What comes of `given`, told at the length of `then`."""
    told = a_story(given)
    found = told.dms() if told.moment is None else told.decided()
    wanted = then.strip("… ").split(", ")
    if then.startswith("… "):
        found = found[found.index(wanted[0]) :] if wanted[0] in found else found
        found = [f"… {found[0]}", *found[1:]] if found else found
    if then.endswith(" …") and len(found) > len(wanted):
        found = [*found[: len(wanted) - 1], f"{found[len(wanted) - 1]} …"]
    return ", ".join(found) or "nothing"


def table(*rows: tuple[str, str]) -> pytest.MarkDecorator:
    """Rows of a rule: what is given, and what then happens."""
    return pytest.mark.parametrize(("given", "then"), rows, ids=[given for given, _ in rows])


# ── the phrases ──────────────────────────────────────────────────────────────────────────────────────────────────────

PHRASES: list[tuple[str, Callable[..., None]]] = []
Note = Callable[..., None]


def phrase(pattern: str) -> Callable[[Note], Note]:
    """What these words do to a story; the pattern's groups are the arguments."""

    def add(note: Note) -> Note:
        PHRASES.append((pattern, note))
        return note

    return add


@phrase(rf"{COURSE}(?P<facts>(?:due|without a deadline|completed)\b.*)")
def _a_row(story: Story, course: str | None, facts: str) -> None:
    row = Row(first=an_assignment(None, course_id=COURSES[course or "fire"]))
    for fact in facts.split(", "):
        _a_fact(story, row, fact)
    story.rows.append(row)


def _a_fact(story: Story, row: Row, fact: str) -> None:
    what, _, rest = fact.partition(" ")
    facts: dict[str, Any] = {}
    if what == "due" and rest.startswith('"'):
        facts = {"deadline_raw": rest.strip('"')}
    elif what == "due":
        facts = {"deadline_on": day_in(rest)}
    elif what == "assigned":
        facts = {"assigned_at": story.when(rest)}
    elif what == "renews":
        facts = {"renewal_at": story.when(rest)}
    elif what == "completed":
        row.completed_at = story.when(rest) if rest else local("2020-01-01 00:00")
    elif what == "moved":  # "moved to Friday 25 June on Thursday 17 June"
        to, _, on = rest.removeprefix("to ").partition(" on ")
        row.moves = day_in(to), day_in(on)
    elif fact == "rewritten every night":
        row.rewritten = True
    else:
        facts = WORDS[fact]
    row.first = replace(row.first, **facts)


@phrase(rf"{COURSE}(?:takes (?P<minutes>\d+) minutes|is (?P<inactive>inactive))")
def _a_course(story: Story, course: str | None, minutes: str | None, inactive: str | None) -> None:
    course_id = COURSES[course or "fire"]
    facts = {"active": False} if inactive else {"expected_minutes": int(minutes or 0)}
    story.courses[course_id] = replace(story.courses.get(course_id) or a_course(course_id), **facts)


@phrase(r"(?:(?P<course>\w+): )?(?P<key>[a-z_0-9]+) = (?P<value>.+)")
def _a_key(story: Story, course: str | None, key: str, value: str) -> None:
    found = tomllib.loads(f"{key} = {value}")
    if course:
        story.keys.setdefault("course", {}).setdefault(str(COURSES[course]), {}).update(found)
    else:
        story.keys.setdefault(SECTIONS[key], {}).update(found)


@phrase(r"in (?P<country>.+)")
def _a_country(story: Story, country: str) -> None:
    _learner(story, country=country)


@phrase(r"default country (?P<country>.+)")
def _a_default_country(story: Story, country: str) -> None:
    story.default_country = country


@phrase(r"the clock of (?P<zone>[\w/]+)")
def _a_zone(story: Story, zone: str) -> None:
    story.zone = zone


@phrase(rf"last day of employment (?P<day>{DAY})")
def _leaves(story: Story, day: str) -> None:
    _learner(story, employment_ends_on=day_in(day))


@phrase(r"e-mail (?P<email>\S+)")
def _an_email(story: Story, email: str) -> None:
    _learner(story, email=email)


@phrase(r"of (?P<unit>team|department) (?P<unit_id>\d+)")
def _a_unit(story: Story, unit: str, unit_id: str) -> None:
    _learner(story, **{f"{unit}_ids": (int(unit_id),)})


def _learner(story: Story, **facts: Any) -> None:
    story.learner = {**(story.learner or {}), **facts}


@phrase(r"not among the LMS's people")
def _not_in_lms(story: Story) -> None:
    story.learner = None


@phrase(r"nobody in Slack")
def _not_in_slack(story: Story) -> None:
    story.member = None


@phrase(r"exempted(?: from (?P<course>\w+))?")
def _exempted(story: Story, course: str | None) -> None:
    story.person["exemptions"] = (Exemption(course_id=COURSES[course] if course else None),)


@phrase(rf"snoozed until (?P<day>{DAY})")
def _snoozed(story: Story, day: str) -> None:
    story.person["snoozed_until_on"] = day_in(day)


@phrase(rf"refused by Slack on (?P<day>{DAY})(?:, (?P<times>\d+) times in a row)?")
def _refused(story: Story, day: str, times: str | None) -> None:
    story.person |= {"refused_on": day_in(day), "refusals": int(times or 1)}


@phrase(
    rf"status (?P<emoji>:\S+:)?(?: ?(?P<text>.+?))? from (?P<since>{WHEN})"
    rf"(?: (?P<end>until|taken off) (?P<at>{WHEN}))?"
)
def _a_status(
    story: Story, *, emoji: str | None, text: str | None, since: str, end: str | None, at: str | None
) -> None:
    story.status_from = story.when(since)
    story.status = {"status_emoji": emoji or "", "status_text": text or ""}
    if at and end == "until":
        story.status["status_until_at"] = story.when(at)
    elif at:
        story.status_off = story.when(at)


@phrase(rf"heard {COURSE}(?P<step>[a-z]+(?:-\d+)?) on (?P<day>{DAY})")
def _heard(story: Story, course: str | None, step: str, day: str) -> None:
    course_id = COURSES[course or "fire"]
    deadlines = [row.first.deadline_on for row in story.rows if row.first.course_id == course_id]
    deadline_on = (deadlines and deadlines[0]) or day_in(day)
    said = Said(course_id=course_id, deadline_on=deadline_on, step=Step.parse(step), said_on=day_in(day))
    story.heard.append(said)


@phrase(rf"first pass on (?P<day>{DAY})")
def _first_pass(story: Story, day: str) -> None:
    story.first_on = day_in(day)


@phrase(rf"no passes from (?P<first>{DAY}) to (?P<last>{DAY})")
def _an_outage(story: Story, first: str, last: str) -> None:
    story.outage = day_in(first), day_in(last)


@phrase(rf"at (?P<when>{WHEN})")
def _a_moment(story: Story, when: str) -> None:
    story.moment = story.when(when, "10:00")


@phrase(r"(?P<what>stale|frozen)")
def _held(story: Story, what: str) -> None:
    story.fresh, story.frozen = story.fresh and what != "stale", story.frozen or what == "frozen"
