"""The managers' weekly digests: whose letter is due at an instant, what it lists, and when there is none.

June 2027: the 7th, 14th, 21st and 28th are Mondays. The manager is person 1, U1 in Slack; the team's courses were due
on 1 June, so that they stand on the list from the 8th on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.deadlines.model import Assignment, Course, Learner, Match, Status
from bot.deadlines.terms import Audience
from bot.demo.slack_rules import check_blocks
from bot.jobs.letters import Letter
from bot.jobs.managers import due_managers, manager_letters
from bot.settings import Settings
from bot.slack.words import languages
from bot.store import Store
from bot.store.sqlite_store import SqliteStore, open_store
from tests.builders import COPENHAGEN, a_course, a_policy, an_assignment, copenhagen, local, on
from tests.company import Company
from tests.store.some import NOW, a_learner, a_member, pull

RIYADH, TOKYO = "Asia/Riyadh", "Asia/Tokyo"
COUNTRIES = {COPENHAGEN: "DK", TOKYO: "JP", RIYADH: "SA"}
DUE = "2027-06-01"


class Mail:
    """What became of earlier letters, as the mail room tells it."""

    def __init__(self) -> None:
        self.kept: list[tuple[datetime, Letter]] = []

    def told(self, slack_id: str, week: str) -> bool:
        """Whether that letter exists."""
        return any((letter.slack_id, letter.subject) == (slack_id, week) for _, letter in self.kept)

    def last(self, slack_id: str) -> tuple[datetime, str] | None:
        """The last one that was sent."""
        sent = [(at, one.content) for at, one in self.kept if one.slack_id == slack_id and one.text]
        return sent[-1] if sent else None


class Team:
    """A store with a manager and their team, the bot at work on it, and the mail."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store, self.settings, self.mail = store, settings, Mail()
        self.people: dict[int, Learner] = {}
        self.members: dict[int, dict[str, Any]] = {}
        self.rows: list[Assignment] = []
        self.courses: dict[int, Course] = {n: a_course(n, title=f"Course {n}") for n in range(1, 10)}

    def person(
        self, person_id: int, *managers: int, zone: str = COPENHAGEN, member: dict[str, Any] | None = None, **facts: Any
    ) -> Team:
        """Somebody in both systems, with these managers."""
        told = {"first_name": f"First{person_id}", "last_name": f"Last{person_id}", "country": COUNTRIES[zone], **facts}
        self.people[person_id] = a_learner(person_id, manager_ids=managers, **told)
        self.members[person_id] = {"timezone": zone, **(member or {})}
        return self

    def late(self, person_id: int, course_id: int = 1, deadline: str = DUE, **facts: Any) -> Team:
        """They have this course."""
        self.rows.append(an_assignment(deadline, person_id=person_id, course_id=course_id, **facts))
        return self

    def done(self, person_id: int, course_id: int = 1) -> None:
        """They finish it."""
        self.rows = [
            replace(row, status=Status.COMPLETED) if (row.person_id, row.course_id) == (person_id, course_id) else row
            for row in self.rows
        ]

    def pulled(self, at: datetime) -> None:
        """A pull brings it all."""
        pull(
            self.store,
            *self.rows,
            at=at,
            people=list(self.people.values()),
            courses=list(self.courses.values()),
            members=[a_member(f"U{n}", **facts) for n, facts in self.members.items()],
            matches={n: Match(slack_id=f"U{n}") for n in self.members},
        )

    def letters(self, now: datetime, *, pulls: bool = True) -> list[Letter]:
        """What is due, after a pull; it is given to the mail."""
        if pulls:
            self.pulled(now)
        due = due_managers(self.settings, self.store, now, self.mail.told)
        made = list(manager_letters(self.settings, self.store, now, due, self.mail.last))
        self.mail.kept += [(now, letter) for letter in made]
        return made

    def at(self, when: str, zone: str = COPENHAGEN) -> list[Letter]:
        """The letters at this local time."""
        return self.letters(local(when, zone))


@pytest.fixture
def store(folder: Path) -> Iterator[SqliteStore]:
    with closing(open_store(folder / "bot.db", "T1", NOW)) as store:
        yield store


@pytest.fixture
def team(store: Store, no_settings: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Team:
    """Person 1 leads person 2, who is late with course 1."""
    monkeypatch.chdir(tmp_path)
    return Team(store, Settings()).person(1).person(2, 1).late(2)


def listed(letter: Letter) -> list[tuple[int, int]]:
    """Person and course of each entry."""
    return [(person_id, course_id) for person_id, course_id, _ in json.loads(letter.content)]


# ── one letter ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_letter_names_the_report_the_course_and_how_late_it_is(team: Team) -> None:
    [letter] = team.at("2027-06-14 09:30")
    assert (letter.kind, letter.slack_id, letter.subject) == ("managers", "U1", "2027-W24")
    assert letter.content == '[[2, 1, "2027-06-01"]]'
    assert letter.text.startswith(
        "Hi First1, this course of your team is overdue:\n\nFirst2 Last2\n• Course 1 – was due"
    )
    assert "Tuesday 1 June 2027, 13 days ago" in letter.text
    assert check_blocks(list(letter.blocks)) == []


@pytest.mark.parametrize("language", sorted(languages()))
def test_it_is_in_the_managers_language(team: Team, language: str) -> None:
    team.person(1, member={"locale": f"{language}-XX"})
    [letter] = team.at("2027-06-14 09:30")
    weekday = {"en": "Monday", "da": "mandag", "de": "Montag"}[language]
    assert weekday in letter.text.splitlines()[-1]


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"first_name": "Bo", "last_name": ""}, "Bo"),
        ({"first_name": " ", "last_name": ""}, "p2@acme.com"),
        ({"first_name": "", "last_name": "", "email": None}, "2"),
        ({"first_name": "<!channel>", "last_name": "&\n*x*"}, "&lt;!channel&gt; &amp; *x*"),
    ],
)
def test_a_report_is_called_by_name_else_by_address_else_by_id(team: Team, facts: dict[str, Any], name: str) -> None:
    team.person(2, 1, **facts)
    [letter] = team.at("2027-06-14 09:30")
    assert letter.text.splitlines()[2] == name


def test_a_course_without_a_title_is_called_by_its_id(team: Team) -> None:
    team.courses[1] = a_course(1, title=" \n")
    [letter] = team.at("2027-06-14 09:30")
    assert "\n• 1 – was due" in letter.text


def test_a_course_that_cannot_be_taken_any_more_or_came_late_is_told_so(team: Team) -> None:
    team.courses[1] = a_course(1, lock_after_deadline=True)
    team.late(2, 2, deadline="2027-05-20", assigned="2027-06-01 09:00")
    [letter] = team.at("2027-06-14 09:30")
    assert letter.text.count("it can no longer be taken") == 1
    assert letter.text.count("was past already when they got it") == 1


# ── who stands on whose list ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_manager_hears_of_their_own_direct_reports_only(team: Team) -> None:
    team.person(3, 2).late(3).person(4).late(4).late(1)
    assert {letter.slack_id: listed(letter) for letter in team.at("2027-06-14 09:30")} == {
        "U1": [(2, 1)],
        "U2": [(3, 1)],
    }


def test_a_report_of_two_managers_is_on_both_lists_and_nobody_on_their_own(team: Team) -> None:
    team.person(3, 1, 2, 3).late(3)
    assert {letter.slack_id: listed(letter) for letter in team.at("2027-06-14 09:30")} == {
        "U1": [(2, 1), (3, 1)],
        "U2": [(3, 1)],
    }


def test_a_report_who_moves_is_on_the_next_managers_list_as_new(team: Team) -> None:
    team.person(3).person(4, 3).late(4, 2).person(5, 1)
    assert [listed(letter) for letter in team.at("2027-06-14 09:30")] == [[(2, 1)], [(4, 2)]]
    team.person(2, 3)
    former, next_one = team.at("2027-06-21 09:30")
    assert (former.slack_id, listed(former), former.text) == ("U1", [], "")
    assert (next_one.slack_id, listed(next_one)) == ("U3", [(2, 1), (4, 2)])
    assert next_one.text.count("(new)") == 1


def test_each_report_is_counted_on_their_own_calendar(team: Team) -> None:
    team.rows.clear()
    team.person(2, 1, zone=RIYADH).late(2, deadline="2027-06-06")  # the fifth working day is Sunday the 13th
    team.person(3, 1).late(3, deadline="2027-06-06")  # it is Friday the 11th
    assert [listed(letter) for letter in team.at("2027-06-11 09:30")] == [[(3, 1)]]
    assert [listed(letter) for letter in team.at("2027-06-14 09:30")] == [[(2, 1), (3, 1)]]


def test_who_is_not_in_slack_is_listed_all_the_same(team: Team) -> None:
    del team.members[2]
    assert [listed(letter) for letter in team.at("2027-06-14 09:30")] == [[(2, 1)]]


def test_what_the_lms_tells_managers_itself_is_not_told_again(team: Team) -> None:
    team.courses[1] = a_course(1, inform_leader_deadline=True)
    team.late(2, 2)
    assert [listed(letter) for letter in team.at("2027-06-14 09:30")] == [[(2, 2)]]


# ── week by week ─────────────────────────────────────────────────────────────────────────────────────────────────────


def weeks(team: Team, *mondays: str) -> str:
    """What the manager hears on each of these Mondays: a number of courses, with those that are new, or a dash."""
    said = []
    for monday in mondays:
        [letter] = team.at(f"{monday} 09:30")
        new = letter.text.count("(new)")
        said.append(f"{letter.text.count('• ')}" + (f" ({new} new)" if new else "") if letter.text else "-")
    return ", ".join(said)


def test_an_unchanged_list_is_sent_every_fourth_week(team: Team) -> None:
    mondays = [(on("2027-06-14") + timedelta(weeks=n)).isoformat() for n in range(10)]
    assert weeks(team, *mondays) == "1, -, -, -, 1, -, -, -, 1, -"


def test_a_list_that_changed_is_sent_with_what_is_new(team: Team) -> None:
    assert weeks(team, "2027-06-14") == "1"
    team.late(2, 2).person(3, 1).late(3)
    assert weeks(team, "2027-06-21", "2027-06-28") == "3 (2 new), -"
    team.done(2, 2)
    assert weeks(team, "2027-07-05", "2027-07-12", "2027-07-19", "2027-07-26", "2027-08-02") == "2, -, -, -, 2"


def test_when_all_is_done_nothing_is_said(team: Team) -> None:
    assert weeks(team, "2027-06-14") == "1"
    team.done(2)
    assert weeks(team, "2027-06-21", "2027-06-28") == "-, -"
    assert json.loads(team.mail.kept[-1][1].content) == []


def test_a_moved_deadline_that_is_past_as_well_is_new(team: Team) -> None:
    assert weeks(team, "2027-06-14") == "1"
    team.rows.clear()
    team.late(2, deadline="2027-06-03")
    assert weeks(team, "2027-06-21") == "1 (1 new)"


@pytest.mark.parametrize("content", ["", "null", "1", "[1]", "{}", '[["2", 1, "x"]]', "[[[1], 1, 1]]", '{"abc": 1}'])
def test_where_nobody_knows_what_the_last_digest_listed_the_list_is_sent_and_nothing_is_new(
    team: Team, content: str
) -> None:
    [letter] = team.at("2027-06-14 09:30")
    team.mail.kept = [(copenhagen("2027-06-14 09:30"), replace(letter, content=content))]
    assert weeks(team, "2027-06-21") == "1"


# ── when it is sent ──────────────────────────────────────────────────────────────────────────────────────────────────


def heard(team: Team, first: str, last: str) -> list[str]:
    """At which quarters of an hour, in UTC, between these days the manager gets a letter."""
    at, end, found = local(f"{first} 00:00", "UTC"), local(f"{last} 00:00", "UTC"), []
    team.pulled(at)
    while at < end:
        if at.hour % 6 == at.minute == 0:
            team.pulled(at)
        found += [f"{at:%a %d %H:%M}" for letter in team.letters(at, pulls=False) if letter.slack_id == "U1"]
        at += timedelta(minutes=15)
    return found


@pytest.mark.parametrize(
    ("zone", "country", "instant"),
    [
        pytest.param(COPENHAGEN, "DK", "Mon 14 07:30", id="Copenhagen"),
        pytest.param(TOKYO, "JP", "Mon 14 00:30", id="Tokyo"),
        pytest.param(RIYADH, "SA", "Mon 14 06:30", id="Riyadh: Friday and Saturday are off, Monday is not"),
    ],
)
def test_of_all_the_ticks_of_a_week_one_brings_a_letter(team: Team, zone: str, country: str, instant: str) -> None:
    team.person(1, zone=zone, country=country)
    assert heard(team, "2027-06-14", "2027-06-21") == [instant]


def test_after_a_public_holiday_on_monday_it_comes_on_tuesday(team: Team) -> None:
    team.settings = team.settings.model_copy(update={"policy": a_policy(hours={"days_off": ("2027-06-14",)})})
    assert heard(team, "2027-06-13", "2027-06-21") == ["Tue 15 07:30"]


def test_a_week_in_which_no_pass_ran_before_thursday_has_its_letter_on_thursday(team: Team) -> None:
    assert heard(team, "2027-06-17", "2027-06-22") == ["Thu 17 07:30", "Mon 21 07:30"]


def test_where_slacks_zone_is_none_the_lmss_counts(team: Team) -> None:
    team.person(1, zone=TOKYO, timezone=TOKYO, member={"timezone": "Mars/Olympus"})
    assert heard(team, "2027-06-13", "2027-06-15") == ["Mon 14 00:30"]


@pytest.mark.parametrize(
    ("facts", "member"),
    [
        pytest.param({"employment_ends_on": on("2027-06-11")}, {}, id="left the company"),
        pytest.param({}, {"status_emoji": ":palm_tree:"}, id="away"),
    ],
)
def test_a_manager_who_cannot_be_told_gets_no_letter_at_all(
    team: Team, facts: dict[str, Any], member: dict[str, Any]
) -> None:
    team.person(1, member=member, **facts)
    assert team.at("2027-06-14 09:30") == []


def test_a_manager_who_is_back_on_wednesday_is_told_then(team: Team) -> None:
    until = copenhagen("2027-06-16 08:00")
    team.person(1, member={"status_emoji": ":palm_tree:", "status_until_at": until})
    assert heard(team, "2027-06-13", "2027-06-21") == ["Wed 16 07:30"]


def test_a_manager_without_slack_or_outside_the_lms_has_none(team: Team) -> None:
    del team.members[1]
    assert team.at("2027-06-14 09:30") == []
    team.members[1] = {}
    del team.people[1]
    assert team.at("2027-06-14 09:30") == []


def test_in_a_pilot_only_managers_in_the_audience_are_told_and_only_of_reports_in_it(team: Team) -> None:
    team.person(3, 1).late(3).person(4, 2).late(4)
    audience = replace(a_policy(), audience=Audience(emails=("P1@acme.com", "p3@acme.com", "p4@acme.com")))
    team.settings = team.settings.model_copy(update={"policy": audience})
    assert [(letter.slack_id, listed(letter)) for letter in team.at("2027-06-14 09:30")] == [("U1", [(3, 1)])]


def test_with_stale_data_there_is_no_letter_and_one_once_there_is_a_pull(team: Team) -> None:
    team.pulled(copenhagen("2027-06-14 03:00"))
    assert team.letters(copenhagen("2027-06-14 09:30"), pulls=False) == []
    assert len(team.letters(copenhagen("2027-06-14 09:45"))) == 1


def test_on_an_empty_store_there_is_none(team: Team) -> None:
    assert team.letters(copenhagen("2027-06-14 09:30"), pulls=False) == []


@pytest.mark.parametrize("kind", ["pull", "pass"])
def test_while_the_safety_freeze_holds_there_is_none_and_one_once_it_is_approved(team: Team, kind: str) -> None:
    team.pulled(copenhagen("2027-06-14 09:00"))
    team.store.passes.freeze(kind, "far fewer people", copenhagen("2027-06-14 09:00"))
    assert team.letters(copenhagen("2027-06-14 09:30"), pulls=False) == []
    team.store.passes.approve(copenhagen("2027-06-14 11:00"), "U1")
    assert len(team.letters(copenhagen("2027-06-14 11:15"), pulls=False)) == 1


# ── many ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_three_hundred_reports_are_all_counted_and_forty_shown(team: Team) -> None:
    for person_id in range(3, 302):
        team.person(person_id, 1).late(person_id)
    [letter] = team.at("2027-06-14 09:30")
    assert len(listed(letter)) == 300
    assert letter.text.startswith("Hi First1, these 300 courses of your team are overdue:")
    assert "\n\n… and 260 more people.\n\n" in letter.text
    assert check_blocks(list(letter.blocks)) == []


def test_the_same_is_listed_in_the_same_order_however_the_lms_orders_it(team: Team) -> None:
    team.person(3, 1).late(3, 2).late(3, 1).late(2, 3)
    [letter] = team.at("2027-06-14 09:30")
    assert listed(letter) == [(2, 1), (2, 3), (3, 1), (3, 2)]


def statements(store: SqliteStore, team: Team, when: str) -> list[str]:
    """What is asked of the database at this local time, by its first words."""
    asked: list[str] = []
    store._db.conn.set_trace_callback(asked.append)
    team.letters(copenhagen(when), pulls=False)
    store._db.conn.set_trace_callback(None)
    return [one for one in asked if not one.startswith(("BEGIN", "COMMIT"))]


def test_nobody_is_read_while_no_clock_says_monday_morning_and_once_the_letters_exist(
    store: SqliteStore, team: Team
) -> None:
    team.pulled(copenhagen("2027-06-14 08:00"))
    early = statements(store, team, "2027-06-14 09:15")
    assert len(statements(store, team, "2027-06-14 09:30")) > len(early)
    assert len(statements(store, team, "2027-06-14 09:45")) == len(early) == 3  # frozen? how old? which managers?


# ── end to end ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def letters_of(company: Company, when: str) -> Sequence[Letter]:
    """A real pull, and the letters then."""
    await company.pulled(when)
    async with company.workspace() as workspace:
        mail, now = Mail(), company.clock.now
        due = due_managers(workspace.settings, workspace.store, now, mail.told)
        return list(manager_letters(workspace.settings, workspace.store, now, due, mail.last))


async def test_from_the_lms_to_the_letters(company: Company) -> None:
    company.course(4, "Told", inform_leader_deadline="1")
    company.hire(1, locale="da-DK", first_name="Ada").hire(
        2, direct_manager_ids=[1], first_name="Bo", last_name="<Berg>"
    )
    company.hire(3, direct_manager_ids=[1, 1, 3]).hire(4, zone=TOKYO, country="JP").hire(5, direct_manager_ids=[4])
    company.assign(2, 1, DUE).assign(2, 2, "2027-06-08").assign(2, 4, DUE).assign(3, 1, "2027-02-30")
    company.assign(3, 2, DUE, required=0).assign(3, 3, DUE).assign(5, 1, DUE).assign(1, 1, DUE)
    assert [letter.slack_id for letter in await letters_of(company, "2027-06-14 02:30")] == ["U04"]
    company.finish(3, 3)
    [letter] = [one for one in await letters_of(company, "2027-06-14 09:30") if one.slack_id == "U01"]
    assert json.loads(letter.content) == [[2, 1, DUE]]
    assert letter.text.startswith(
        "Hej Ada, dette kursus i dit team har overskredet sin frist:\n\nBo &lt;Berg&gt;\n• Fire"
    )
