"""The demo's company has every case that a first look should show, in both systems, relative to a Tuesday."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.demo.company import ADMIN, HOSTILE_TITLE, Company, fill, last_tuesday
from bot.demo.eloomi import LocalEloomi
from bot.demo.slack import LocalSlack

TUESDAY = date(2027, 3, 9)


class Filled:
    """Both systems, filled."""

    def __init__(self) -> None:
        self.eloomi = LocalEloomi()
        self.slack = LocalSlack(now=lambda: datetime(2027, 3, 9, 8, 45, tzinfo=UTC))
        self.company: Company = fill(self.eloomi, self.slack, TUESDAY)


@pytest.fixture
def filled() -> Filled:
    return Filled()


def working_days_ago(deadline: str) -> int:
    """How many working days, Monday to Friday, a deadline lies before TUESDAY."""
    day, count = date.fromisoformat(deadline), 0
    while day < TUESDAY:
        day += timedelta(days=1)
        count += day.weekday() < 5
    return count


def test_there_is_a_dozen_people_around_the_world(filled: Filled) -> None:
    people = filled.company.people
    assert len(people) >= 12
    assert len({ZoneInfo(person.tz).key for person in people}) >= 9
    assert {person.language for person in people} == {"en", "da", "de"}
    assert len(filled.eloomi.users) == len(people)


def test_the_two_systems_join_by_address(filled: Filled) -> None:
    in_lms = {user["email"] for user in filled.eloomi.users.values()}
    in_slack = {user.email for user in filled.slack.users.values() if user.email}
    assert in_slack < in_lms
    assert len(in_lms - in_slack) == 1


def test_deadlines_of_every_kind(filled: Filled) -> None:
    rows = filled.eloomi.participants
    open_rows = [row for row in rows if row["required"] and row.get("status") != "completed" and row["deadline"]]
    days = {(date.fromisoformat(row["deadline"]) - TUESDAY).days for row in open_rows if row["deadline"] > "2020"}
    assert {0, 2, 7, 14} <= days
    assert {working_days_ago(row["deadline"]) for row in open_rows if row["deadline"] > "2020"} >= {1, 3, 20}
    assert "2019-02-30" in {row["deadline"] for row in rows}
    assert None in {row["deadline"] for row in rows}
    assert any(not row["required"] for row in rows)
    assert any(row.get("status") == "completed" and row["completed_at"] for row in rows)


def test_the_people_who_need_care(filled: Filled) -> None:
    by_user: dict[int, int] = {}
    for row in filled.eloomi.participants:
        by_user[row["user_id"]] = by_user.get(row["user_id"], 0) + 1
    assert max(by_user.values()) >= 3
    assert len(filled.eloomi.inactive) == 1
    assert [user.deleted for user in filled.slack.users.values()].count(True) == 1
    assert any(user.status_emoji == ":palm_tree:" and user.status_expiration for user in filled.slack.users.values())
    managers = [manager for user in filled.eloomi.users.values() for manager in user["direct_manager_ids"]]
    assert len(managers) >= 3
    assert any(int(course["expected_duration"]) >= 90 for course in filled.eloomi.courses.values())
    assert HOSTILE_TITLE in filled.company.titles
    assert any("<b>" in user["first_name"] for user in filled.eloomi.users.values())
    assert ADMIN in {person.person_id for person in filled.company.with_slack}


@pytest.mark.parametrize(
    ("day", "tuesday"),
    [("2027-03-09", "2027-03-09"), ("2027-03-08", "2027-03-02"), ("2027-03-15", "2027-03-09")],
)
def test_it_begins_on_a_tuesday(day: str, tuesday: str) -> None:
    assert last_tuesday(date.fromisoformat(day)) == date.fromisoformat(tuesday)
