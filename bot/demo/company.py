"""The demo's company: a dozen people around the world and their courses, in the LMS and in Slack.

Data, and nothing else: every case that a look at the bot should show, with deadlines relative to a given Tuesday.
Figures such as "three working days ago" assume that `today` is one; `serve.py` sees to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.demo.eloomi import LocalEloomi
    from bot.demo.slack_state import SlackState

HOSTILE_TITLE = "<!channel> <script>alert(1)</script> & *free* <https://evil.example|prizes>"
HOSTILE_NAME = ("<b>Robin</b> & *Co*", "O'Tab\"les")
LONG_MINUTES = 90

# Days from today, a Tuesday, on which a deadline lies.
TODAY, IN_2, IN_7, IN_14 = 0, 2, 7, 14
OVERDUE_1, OVERDUE_3, OVERDUE_20 = -1, -5, -28  # so many working days: Monday, Thursday, four weeks


@dataclass(frozen=True, kw_only=True)
class DemoCourse:
    """A course of the company."""

    course_id: int
    title: str
    fields: dict[str, Any] = field(default_factory=dict)  # further fields of the LMS


@dataclass(frozen=True, kw_only=True)
class Row:
    """One assignment: which course, by when, and how far it is."""

    course_id: int
    days: int | None = None  # from today; None: no deadline, unless `raw` is given
    raw: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DemoPerson:
    """Somebody, as the LMS and Slack know them."""

    person_id: int
    first_name: str
    last_name: str
    tz: str
    language: str
    country: str
    case: str  # what this person shows, in a few words
    rows: tuple[Row, ...] = ()
    managers: tuple[int, ...] = ()
    in_slack: bool = True
    active: bool = True
    status: tuple[str, str, int] | None = None  # emoji, text, days until it ends

    @property
    def name(self) -> str:
        """Both names."""
        return f"{self.first_name} {self.last_name}"

    @property
    def slack_id(self) -> str:
        """Their id in Slack, where they are there."""
        return f"U0DEMO{self.person_id:04d}"

    @property
    def email(self) -> str:
        """The address that joins the two."""
        return f"person{self.person_id}@example.com"

    @property
    def locale(self) -> str:
        """Their language as Slack writes it."""
        return {"da": "da-DK", "de": "de-DE"}.get(self.language, f"en-{'US' if self.country == 'US' else 'GB'}")


@dataclass(frozen=True, kw_only=True)
class Company:
    """Everybody and every course."""

    people: tuple[DemoPerson, ...]
    courses: tuple[DemoCourse, ...]

    @property
    def titles(self) -> list[str]:
        """Every course title."""
        return [course.title for course in self.courses]

    @property
    def with_slack(self) -> list[DemoPerson]:
        """Those who can be shown as somebody to write to."""
        return [person for person in self.people if person.in_slack and person.active]


ADMIN = 14  # of people, the one whom SLACK_ADMINS names
SECURITY, PRIVACY, FIRE, CONDUCT, BRIBERY, FIRST_AID, CHEMICALS, HOSTILE, ARCHIVE, LADDERS = range(101, 111)

COURSES = (
    DemoCourse(course_id=SECURITY, title="Information security basics", fields={"expected_duration": 25}),
    DemoCourse(course_id=PRIVACY, title="GDPR i praksis", fields={"expected_duration": 30}),
    DemoCourse(course_id=FIRE, title="Brandschutz am Arbeitsplatz", fields={"expected_duration": 20}),
    DemoCourse(course_id=CONDUCT, title="Code of conduct", fields={"expected_duration": 15}),
    DemoCourse(course_id=BRIBERY, title="Anti-bribery & corruption", fields={"expected_duration": 40}),
    DemoCourse(course_id=FIRST_AID, title="First aid refresher", fields={"expected_duration": 45}),
    DemoCourse(course_id=CHEMICALS, title="Chemical safety certificate", fields={"expected_duration": LONG_MINUTES}),
    DemoCourse(course_id=HOSTILE, title=HOSTILE_TITLE, fields={"expected_duration": 10}),
    DemoCourse(course_id=ARCHIVE, title="Stories from the archive", fields={"expected_duration": 35}),
    DemoCourse(
        course_id=LADDERS, title="Working at height", fields={"lock_after_deadline": 1, "expected_duration": 50}
    ),
)


def _started(percent: str) -> dict[str, Any]:
    return {"status": "started", "progress": percent, "time_spent": 900, "attempts": 1}


def _completed(days_ago: int, score: str) -> dict[str, Any]:
    return {"status": "completed", "progress": "100.00", "score": score, "completed_days_ago": days_ago}


PEOPLE = (
    DemoPerson(
        person_id=1, first_name="Freja", last_name="Holm", tz="Europe/Copenhagen", language="da", country="DK",
        case="three courses at once", managers=(2,),
        rows=(
            Row(course_id=PRIVACY, days=TODAY, fields=_started("60.00")),
            Row(course_id=SECURITY, days=OVERDUE_1),
            Row(course_id=CONDUCT, days=IN_7),
        ),
    ),
    DemoPerson(
        person_id=2, first_name="Mikkel", last_name="Dahl", tz="Europe/Copenhagen", language="da", country="DK",
        case="a manager with four reports", rows=(Row(course_id=BRIBERY, days=IN_2),),
    ),
    DemoPerson(
        person_id=3, first_name="Lukas", last_name="Brandt", tz="Europe/Berlin", language="de", country="DE",
        case="due in two days", managers=(2,), rows=(Row(course_id=FIRE, days=IN_2, fields=_started("33.33")),),
    ),
    DemoPerson(
        person_id=4, first_name="Hannah", last_name="Krüger", tz="Europe/Berlin", language="de", country="DE",
        case="overdue by three working days", managers=(2,),
        rows=(Row(course_id=SECURITY, days=OVERDUE_3), Row(course_id=LADDERS, days=OVERDUE_3)),
    ),
    DemoPerson(
        person_id=5, first_name="Oliver", last_name="Hughes", tz="Europe/London", language="en", country="GB",
        case="overdue by twenty working days", managers=(2,), rows=(Row(course_id=FIRST_AID, days=OVERDUE_20),),
    ),
    DemoPerson(
        person_id=6, first_name="Priya", last_name="Raman", tz="Europe/London", language="en", country="GB",
        case="away on holiday, back before the deadline", status=(":palm_tree:", "On holiday until Friday", 3),
        rows=(Row(course_id=CONDUCT, days=IN_7),),
    ),
    DemoPerson(
        person_id=7, first_name=HOSTILE_NAME[0], last_name=HOSTILE_NAME[1], tz="Europe/London", language="en",
        country="GB", case="a name that looks like markup", rows=(Row(course_id=BRIBERY, days=TODAY),),
    ),
    DemoPerson(
        person_id=8, first_name="Faisal", last_name="Al-Harbi", tz="Asia/Riyadh", language="en", country="SA",
        case="a weekend on Friday and Saturday", rows=(Row(course_id=SECURITY, days=IN_2),),
    ),
    DemoPerson(
        person_id=9, first_name="Beatriz", last_name="Lima", tz="America/Sao_Paulo", language="en", country="BR",
        case="a course title that tries to be code", rows=(Row(course_id=HOSTILE, days=TODAY),),
    ),
    DemoPerson(
        person_id=10, first_name="Maya", last_name="Cohen", tz="America/New_York", language="en", country="US",
        case="due today, one done", status=(":headphones:", "Focus time", 1),
        rows=(Row(course_id=CONDUCT, days=TODAY), Row(course_id=SECURITY, days=TODAY, fields=_completed(3, "92.00"))),
    ),
    DemoPerson(
        person_id=11, first_name="Jordan", last_name="Reyes", tz="America/Los_Angeles", language="en", country="US",
        case="a long course, told of two weeks ahead",
        rows=(Row(course_id=CHEMICALS, days=IN_14), Row(course_id=FIRST_AID, days=IN_7)),
    ),
    DemoPerson(
        person_id=12, first_name="Haruka", last_name="Sato", tz="Asia/Tokyo", language="en", country="JP",
        case="overdue by one working day", rows=(Row(course_id=BRIBERY, days=OVERDUE_1),),
    ),
    DemoPerson(
        person_id=13, first_name="Aroha", last_name="Ngata", tz="Pacific/Auckland", language="en", country="NZ",
        case="due in a week", rows=(Row(course_id=FIRST_AID, days=IN_7), Row(course_id=CONDUCT, days=IN_2)),
    ),
    DemoPerson(
        person_id=14, first_name="Sofie", last_name="Lund", tz="Europe/Copenhagen", language="da", country="DK",
        case="the bot's admin, with nothing due herself",
        rows=(
            Row(course_id=SECURITY, days=TODAY, fields=_completed(10, "88.00")),
            Row(course_id=ARCHIVE, days=TODAY, fields={"required": 0}),
            Row(course_id=CONDUCT),
            Row(course_id=FIRST_AID, raw="2019-02-30"),
        ),
    ),
    DemoPerson(
        person_id=15, first_name="Inês", last_name="Duarte", tz="Europe/Lisbon", language="en", country="PT",
        case="without a Slack account", in_slack=False, rows=(Row(course_id=SECURITY, days=OVERDUE_3),),
    ),
    DemoPerson(
        person_id=16, first_name="Tom", last_name="Becker", tz="Europe/Berlin", language="de", country="DE",
        case="has left", active=False, rows=(Row(course_id=FIRE, days=TODAY),),
    ),
)  # fmt: skip


def fill(eloomi: LocalEloomi, slack: SlackState, today: date) -> Company:
    """Put everybody into both systems, with deadlines relative to `today`, a Tuesday."""
    company = Company(people=PEOPLE, courses=COURSES)
    for course in company.courses:
        eloomi.add_course(course.course_id, course.title, **course.fields)
    for person in company.people:
        _enrol(eloomi, person)
        for row in person.rows:
            _assign(eloomi, person, row, today)
        if person.in_slack:
            _join(slack, person, today)
    return company


def _enrol(eloomi: LocalEloomi, person: DemoPerson) -> None:
    eloomi.add_user(
        person.person_id, first_name=person.first_name, last_name=person.last_name, email=person.email,
        language=person.language, timezone=person.tz, country=person.country, direct_manager_ids=list(person.managers),
    )  # fmt: skip
    if not person.active:
        eloomi.inactive.add(person.person_id)


def _assign(eloomi: LocalEloomi, person: DemoPerson, row: Row, today: date) -> None:
    deadline = row.raw if row.days is None else (today + timedelta(days=row.days)).isoformat()
    fields = dict(row.fields)
    done_days_ago = fields.pop("completed_days_ago", None)
    fields["assigned_at"] = _stamp(today, 60)
    if fields.get("status") in ("started", "completed"):
        fields["started_at"] = _stamp(today, 12)
    if done_days_ago is not None:
        fields["completed_at"] = _stamp(today, done_days_ago)
    eloomi.assign(person.person_id, row.course_id, deadline, **fields)


def _join(slack: SlackState, person: DemoPerson, today: date) -> None:
    emoji, text, days = person.status or ("", "", 0)
    until = datetime.combine(today + timedelta(days=days), time(7), UTC)
    slack.add_user(
        person.slack_id, email=person.email, name=person.name, tz=person.tz, locale=person.locale, status_text=text,
        status_emoji=emoji, status_expiration=int(until.timestamp()) if emoji else 0, deleted=not person.active,
    )  # fmt: skip


def _stamp(today: date, days_ago: int) -> str:
    return f"{today - timedelta(days=days_ago)} 09:00:00"


def last_tuesday(day: date) -> date:
    """This day where it is a Tuesday, else the one before it."""
    return day - timedelta(days=(day.weekday() - 1) % 7)
