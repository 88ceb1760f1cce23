"""eloomi's users, courses and participants, as its API v3 writes them -> values of deadlines.model.

Owns every oddity of the vendor's JSON: numbers as text, empty text for "none", zone-less timestamps, impossible dates.
A record that cannot be read becomes a `Rejected` with its reason; no JSON value whatsoever raises here. Never asks for
anything (eloomi.py does), knows no envelope and no page, and decides nothing: a deadline that is no real day is handed
on as its raw text. Each mirror's docstring carries a sample of the vendor's, from https://api.eloomi.com's own docs
and from the resource page that the project starts from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import lru_cache, partial
from typing import Annotated, Any, Literal, Required, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, OnErrorOmit, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from bot.deadlines.model import Assignment, Course, Learner, Rejected, Status
from bot.text import storable

Record = TypeVar("Record")  # a mirror below
Value = TypeVar("Value")  # its value in deadlines.model
Kind = Literal["user", "course", "participant"]

DECODER = b"eloomi-3/2"  # changes whenever the same answer comes to be read otherwise
LARGEST = 2**63 - 1  # what a store's integer holds
RAW_CHARACTERS = 200

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

# ── single values ────────────────────────────────────────────────────────────────────────────────────────────────────


def as_written(value: object) -> str:
    """A JSON value as text, for people to look at: at most 200 characters, storable."""
    try:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except (ValueError, TypeError, RecursionError):
        text = f"({type(value).__name__})"  # too deep, or too many digits
    return storable(text[:RAW_CHARACTERS])


def _text(value: object) -> str:
    """Text without blanks around it; empty where there is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return storable(value if isinstance(value, str) else as_written(value)).strip()


def _digits(value: object) -> int:
    """The number that ASCII digits write. Raises ValueError for anything else."""
    if isinstance(value, str) and len(value) <= 19 and value.isascii() and value.isdigit():
        return int(value)
    raise ValueError("no digits")


@lru_cache(maxsize=4096)
def _day(text: str) -> date | None:
    """The real day that `YYYY-MM-DD` names, else None. fromisoformat alone would take `20270312` and `2027-W10-5`."""
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def day_of(value: object) -> date | None:
    """The day of a date or timestamp, else None."""
    text = _text(value)
    return _day(text[:10]) if text[10:11] in {"", " ", "T"} else None


def deadline_of(value: object) -> tuple[date | None, str | None]:
    """A deadline as the day that it names, or the raw text where it names none; neither where there is none."""
    if isinstance(value, str) and len(value) == 10 and (day := _day(value)):
        return day, None
    if value is None or (isinstance(value, str) and not value.strip()):
        return None, None
    return None, as_written(value)


def instant_of(value: object, zone: ZoneInfo) -> datetime | None:
    """`YYYY-MM-DD hh:mm:ss` on the walls of `zone` as an instant in UTC, else None (`0000-00-00 00:00:00` too)."""
    if not isinstance(value, str) or len(value) != 19 or value[4::3] != "-- ::":
        return None
    try:
        wall = datetime.fromisoformat(f"{value}+00:00")
        return wall - (zone.utcoffset(wall) or timedelta(0))
    except (ValueError, OverflowError):  # no such day; the first or last day of the calendar in this zone
        return None


def _is_unset(stamp: object) -> bool:
    """Whether a timestamp says "never": null, empty, or MySQL's zero date."""
    return not stamp or (isinstance(stamp, str) and (not stamp.strip() or stamp.startswith("0000-00-00")))


# ── the mirrors ──────────────────────────────────────────────────────────────────────────────────────────────────────

Id = Annotated[
    Annotated[int, Field(strict=True, ge=1, le=LARGEST)]
    | Annotated[int, Field(ge=1, le=LARGEST), BeforeValidator(_digits)],
    Field(union_mode="left_to_right"),
]
Flag = Literal[0, 1, "0", "1", True, False]
Text = Annotated[str, BeforeValidator(_text)]
# An optional figure that is nonsense is left out, instead of costing the record.
Figure = OnErrorOmit[Annotated[float, Field(ge=0, lt=2**63, allow_inf_nan=False)]]
Percent = OnErrorOmit[Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]]
Whole = OnErrorOmit[
    Annotated[
        Annotated[int, Field(ge=0, le=LARGEST)] | Annotated[float, Field(ge=0, lt=2**63, allow_inf_nan=False)],
        Field(union_mode="left_to_right"),
    ]
]
Ids = OnErrorOmit[list[OnErrorOmit[Id]]]


class User(TypedDict, total=False):
    """`GET /v3/users`. Lists can be null, texts "" or null, `timezone` and `email` absent.

    {"id":37,"first_name":"A","last_name":"B","employee_id":null,"email":"a@x.com","username":"a","activated_at":null,
    "department_id":[9,28],"team_id":[6],"direct_manager_ids":[1],"user_permission":"user","language":"en",
    "timezone":"Europe/Copenhagen","end_of_employment_at":"2018-05-01 09:04:34","title":"","country":"","location":"",
    "access_groups":[{"id":3,"name":"user"}],"custom_attributes":{"x":null}}

    `activated_at` is null even on active people, so it is not read; `end_of_employment` is seen as a name too.
    """

    id: Required[Id]
    email: Text
    first_name: Text
    last_name: Text
    language: Text
    timezone: Text
    country: Text
    end_of_employment_at: Any
    end_of_employment: Any
    direct_manager_ids: Ids
    team_id: Ids
    department_id: Ids


class CourseRecord(TypedDict, total=False):
    """`GET /v3/courses`. Numbers may come as text; there is no URL, and `voluntary` has no clear meaning.

    {"id":12,"name":"Fire safety","description":"","cover":88,"active":1,"points":"10","reward":0,
    "expected_duration":"45","voluntary":0,"lock_after_deadline":0,"inform_leader_deadline":"1",
    "created_at":"2024-01-08 08:00:00","updated_at":"2024-01-08 08:00:00","price":null,"reference_number":""}
    """

    id: Required[Id]
    active: Flag | None
    name: Text
    expected_duration: Whole
    lock_after_deadline: OnErrorOmit[Flag]
    inform_leader_deadline: OnErrorOmit[Flag]


class Participant(TypedDict, total=False):
    """`GET /v3/courses/{id}/participants`. `status` and `renewal_at` come with `extended_mode` only.

    {"assigned_at":"2019-01-14 12:30:05","attempts":0,"completed_at":null,"course_id":12,"deadline":"2019-02-30",
    "progress":"33.33","renewal_at":null,"required":1,"score":"0.00","started_at":"2019-01-15 08:00:00",
    "status":"started","time_spent":340,"user_id":37}

    The vendor's own example of a deadline is that impossible day. Any date may be null; timestamps have no zone.
    """

    user_id: Required[Id]
    course_id: Required[Id]
    required: Required[Flag]
    status: OnErrorOmit[Status]
    deadline: Any
    assigned_at: Any
    started_at: Any
    completed_at: Any
    renewal_at: Any
    progress: Percent
    score: Figure
    attempts: Whole
    time_spent: Whole


_USERS = TypeAdapter(list[User])
_COURSES = TypeAdapter(list[CourseRecord])
_PARTICIPANTS = TypeAdapter(list[Participant])

# ── records -> values ────────────────────────────────────────────────────────────────────────────────────────────────


def read_users(rows: list[Any]) -> list[Learner | Rejected]:
    """One value or reject for each user, in their order."""
    return _read("user", _USERS, rows, _learner)


def read_courses(rows: list[Any]) -> list[Course | Rejected]:
    """One value or reject for each course, in their order."""
    return _read("course", _COURSES, rows, _course)


def read_participants(rows: list[Any], zone: ZoneInfo, *, course_id: int | None = None) -> list[Assignment | Rejected]:
    """One value or reject for each participant, in their order; `zone` is that of eloomi's timestamps.

    `course_id` is the course that was asked for: a row of another one is rejected; None takes any.
    """
    return _read("participant", _PARTICIPANTS, rows, partial(_assignment, zone=zone, course_id=course_id))


def _read(
    kind: Kind,
    mirror: TypeAdapter[list[Record]],
    rows: list[Any],
    convert: Callable[[Record], Value | Rejected],
) -> list[Value | Rejected]:
    """The whole list is validated at once; the rows that fail are taken out, and the rest validated again."""
    try:
        return [convert(record) for record in mirror.validate_python(rows)]
    except ValidationError as error:
        wrong = _first_errors(error)
    records = iter(mirror.validate_python([row for index, row in enumerate(rows) if index not in wrong]))
    return [
        _reject(kind, row, *wrong[index]) if index in wrong else convert(next(records))
        for index, row in enumerate(rows)
    ]


def _first_errors(error: ValidationError) -> dict[int, tuple[str, bool]]:
    """For each row that failed, the first field that did ("" for the row itself), and whether it was missing."""
    found: dict[int, tuple[str, bool]] = {}
    for detail in error.errors(include_url=False, include_context=False, include_input=False):
        index, *field = detail["loc"]
        found.setdefault(int(index), (str(field[0]) if field else "", detail["type"] == "missing"))
    return found


_WRONG = {
    "id": "id is no whole number from 1",
    "user_id": "user_id is no whole number from 1",
    "course_id": "course_id is no whole number from 1",
    "required": "required is neither 0 nor 1",
    "active": "active is neither 0 nor 1",
    "completed_at": "completed_at is no timestamp and there is no status",
}


def _reject(kind: Kind, row: Any, field: str, missing: bool = False) -> Rejected:
    """The reject for `row`. A participant has no id of its own: it bears its person's."""
    if not isinstance(row, dict):
        return Rejected(kind=kind, reason="the record is no object", raw=as_written(row))
    own_id = row.get("user_id" if kind == "participant" else "id")
    return Rejected(
        kind=kind,
        reason=f"{field} is missing" if missing else _WRONG.get(field, f"{field} cannot be read"),
        record_id="" if own_id is None else as_written(own_id),
        raw="" if missing else as_written(row.get(field)),
    )


def _learner(user: User) -> Learner:
    return Learner(
        person_id=user["id"],
        email=user.get("email") or None,
        first_name=user.get("first_name", ""),
        last_name=user.get("last_name", ""),
        language=user.get("language") or None,
        timezone=user.get("timezone") or None,
        country=user.get("country") or None,
        employment_ends_on=day_of(user.get("end_of_employment_at")) or day_of(user.get("end_of_employment")),
        manager_ids=tuple(user.get("direct_manager_ids", ())),
        team_ids=tuple(user.get("team_id", ())),
        department_ids=tuple(user.get("department_id", ())),
    )


def _course(course: CourseRecord) -> Course:
    minutes = course.get("expected_duration")
    return Course(
        course_id=course["id"],
        title=course.get("name") or f"Course {course['id']}",
        active=course.get("active") in {None, 1, "1"},
        expected_minutes=None if minutes is None else int(minutes),
        lock_after_deadline=course.get("lock_after_deadline") in {1, "1"},
        inform_leader_deadline=course.get("inform_leader_deadline") in {1, "1"},
    )


def _assignment(row: Participant, zone: ZoneInfo, course_id: int | None) -> Assignment | Rejected:
    deadline_on, deadline_raw = deadline_of(row.get("deadline"))
    completed_at = instant_of(row.get("completed_at"), zone)
    status = row.get("status") or _derived_status(row, completed_at)
    if status is None:
        return _reject("participant", row, "completed_at")
    if course_id not in (None, row["course_id"]):
        return _reject("participant", row, "course_id")
    attempts, spent_seconds = row.get("attempts"), row.get("time_spent")
    return Assignment(
        person_id=row["user_id"],
        course_id=row["course_id"],
        required=row["required"] in {1, "1"},
        status=status,
        deadline_on=deadline_on,
        deadline_raw=deadline_raw,
        assigned_at=instant_of(row.get("assigned_at"), zone),
        started_at=instant_of(row.get("started_at"), zone),
        completed_at=completed_at,
        renewal_at=instant_of(row.get("renewal_at"), zone),
        progress_percent=row.get("progress"),
        score=row.get("score"),
        attempts=None if attempts is None else int(attempts),
        time_spent_seconds=None if spent_seconds is None else int(spent_seconds),
    )


def _derived_status(row: Participant, completed_at: datetime | None) -> Status | None:
    """The status of a row without a known one; None where `completed_at` says something that cannot be read."""
    if completed_at is not None:
        return Status.COMPLETED
    if not _is_unset(row.get("completed_at")):
        return None
    if not _is_unset(row.get("started_at")) or row.get("progress", 0) > 0:
        return Status.STARTED
    return Status.NOT_STARTED
