"""eloomi's records, in every type that they are seen in -> values, or rejects with a reason."""

from __future__ import annotations

import json
from dataclasses import astuple, replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.deadlines.model import Assignment, Course, Learner, Rejected, Status
from bot.lms.eloomi_schema import LARGEST, CourseRecord, User, read_courses, read_participants, read_users

UTC_ZONE = ZoneInfo("UTC")
COPENHAGEN = ZoneInfo("Europe/Copenhagen")

USER: dict[str, Any] = {
    "id": 37,
    "first_name": "Ada",
    "last_name": "Berg",
    "employee_id": None,
    "email": "ada@example.com",
    "username": "ada",
    "activated_at": None,
    "department_id": [9, 28],
    "team_id": [6],
    "direct_manager_ids": [1],
    "user_permission": "user",
    "language": "da",
    "timezone": "Europe/Copenhagen",
    "end_of_employment_at": "2018-05-01 09:04:34",
    "title": "",
    "country": "DK",
    "location": "",
    "access_groups": [{"id": 3, "name": "user"}],
    "custom_attributes": {"x": None},
}
LEARNER = Learner(
    person_id=37,
    email="ada@example.com",
    first_name="Ada",
    last_name="Berg",
    language="da",
    timezone="Europe/Copenhagen",
    country="DK",
    employment_ends_on=date(2018, 5, 1),
    manager_ids=(1,),
    team_ids=(6,),
    department_ids=(9, 28),
)
COURSE: dict[str, Any] = {
    "id": 12,
    "name": "Fire safety",
    "active": 1,
    "expected_duration": 45,
    "voluntary": 1,
    "lock_after_deadline": 1,
    "inform_leader_deadline": 0,
}
SAFETY = Course(course_id=12, title="Fire safety", expected_minutes=45, lock_after_deadline=True)
PARTICIPANT: dict[str, Any] = {
    "assigned_at": "2026-07-01 08:30:05",
    "attempts": 2,
    "completed_at": None,
    "course_id": 12,
    "deadline": "2027-03-12",
    "progress": "33.33",
    "renewal_at": "2028-01-01 00:00:00",
    "required": 1,
    "score": "0.50",
    "started_at": "2026-12-02 09:00:00",
    "status": "started",
    "time_spent": 340,
    "user_id": 37,
}
ASSIGNMENT = Assignment(
    person_id=37,
    course_id=12,
    required=True,
    status=Status.STARTED,
    deadline_on=date(2027, 3, 12),
    assigned_at=datetime(2026, 7, 1, 8, 30, 5, tzinfo=UTC),
    started_at=datetime(2026, 12, 2, 9, tzinfo=UTC),
    renewal_at=datetime(2028, 1, 1, tzinfo=UTC),
    progress_percent=33.33,
    score=0.5,
    attempts=2,
    time_spent_seconds=340,
)


def assignment(zone: ZoneInfo = UTC_ZONE, **changes: Any) -> Assignment:
    """The participant above with other fields; it must be readable."""
    (value,) = read_participants([PARTICIPANT | changes], zone)
    assert isinstance(value, Assignment)
    return value


def rejected(**changes: Any) -> Rejected:
    (value,) = read_participants([PARTICIPANT | changes], UTC_ZONE)
    assert isinstance(value, Rejected)
    return value


def without(row: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in keys}


# ── participants ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_field_of_a_participant_is_read() -> None:
    assert assignment() == ASSIGNMENT


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"user_id": "37", "course_id": "12", "required": "1"}, id="ids and flag as text"),
        pytest.param({"required": True}, id="flag as true"),
        pytest.param({"progress": 33.33, "score": 0.5}, id="decimals"),
        pytest.param({"attempts": "2", "time_spent": "340"}, id="integers as text"),
        pytest.param({"attempts": 2.0, "time_spent": 340.9}, id="integers as decimals"),
        pytest.param({"time_spent": "340.9"}, id="seconds as decimal text"),
        pytest.param({"completed_at": ""}, id="empty for none"),
        pytest.param({"completed_at": "0000-00-00 00:00:00"}, id="zero date for none"),
        pytest.param({"status": None}, id="status null"),
        pytest.param({"status": "begun"}, id="status unknown"),
        pytest.param({"status": ["started"]}, id="status no text"),
        pytest.param({"renewal_type": "x", "course_name": "y", "\ud800": "\ud800"}, id="unknown keys"),
    ],
)
def test_other_types_of_the_same_facts_give_the_same_value(changes: dict[str, Any]) -> None:
    assert assignment(**changes) == ASSIGNMENT


def test_without_extended_mode_only_the_renewal_is_lost() -> None:
    (value,) = read_participants([without(PARTICIPANT, "status", "renewal_at")], UTC_ZONE)
    assert value == replace(ASSIGNMENT, renewal_at=None)


def test_a_row_with_nothing_optional_is_read() -> None:
    bare = {"user_id": 37, "course_id": 12, "required": 0}
    expected = Assignment(person_id=37, course_id=12, required=False, status=Status.NOT_STARTED)
    nulls = dict.fromkeys(without(PARTICIPANT, *bare))
    empties = dict.fromkeys(nulls, "")
    assert read_participants([bare, bare | nulls, bare | empties], UTC_ZONE) == [expected] * 3


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        pytest.param({"completed_at": "2027-01-01 10:00:00"}, Status.COMPLETED, id="completed"),
        pytest.param({"started_at": "2027-01-01 10:00:00"}, Status.STARTED, id="started"),
        pytest.param({"progress": "0.01"}, Status.STARTED, id="progress"),
        pytest.param({"progress": "0.00"}, Status.NOT_STARTED, id="no progress"),
        pytest.param({"started_at": "0000-00-00 00:00:00"}, Status.NOT_STARTED, id="zero date"),
        pytest.param({"progress": "NaN"}, Status.NOT_STARTED, id="nonsense"),
    ],
)
def test_a_missing_status_follows_from_the_facts(facts: dict[str, Any], status: Status) -> None:
    nothing = {"status": None, "started_at": None, "completed_at": None, "progress": None}
    assert assignment(**(nothing | facts)).status is status


def test_a_given_status_is_believed() -> None:
    assert assignment(status="completed", completed_at=None).status is Status.COMPLETED
    assert assignment(status="not_started", started_at="2027-01-01 10:00:00").status is Status.NOT_STARTED


@pytest.mark.parametrize("text", ["0001-01-01", "9999-12-31", "2028-02-29", "2019-02-28"])
def test_a_real_day_is_a_deadline(text: str) -> None:
    read = assignment(deadline=text)
    assert (read.deadline_on, read.deadline_raw) == (date.fromisoformat(text), None)


@pytest.mark.parametrize("blank", [None, "", "  "])
def test_a_blank_deadline_is_none(blank: str | None) -> None:
    read = assignment(deadline=blank)
    assert (read.deadline_on, read.deadline_raw) == (None, None)


@pytest.mark.parametrize(
    ("value", "raw"),
    [
        ("2019-02-30", "2019-02-30"),
        ("0000-00-00", "0000-00-00"),
        ("2027-02-29", "2027-02-29"),
        ("20270312", "20270312"),
        ("2027-W10-5", "2027-W10-5"),
        ("2027-03-12 00:00:00", "2027-03-12 00:00:00"),
        ("2027-03-12T00", "2027-03-12T00"),
        (" 2027-03-12", " 2027-03-12"),
        ("2027-03-12\n", "2027-03-12\n"),
        ("2027-3-12", "2027-3-12"),
        ("12-03-2027", "12-03-2027"),
        ("٢٠٢٧-٠٣-١٢", "٢٠٢٧-٠٣-١٢"),
        ("2027-03-1２", "2027-03-1２"),
        ("soon", "soon"),
        (20270312, "20270312"),
        (0, "0"),
        (1.5, "1.5"),
        (False, "false"),
        ([], "[]"),
        ({"date": "2027-03-12"}, '{"date": "2027-03-12"}'),
        ("a\x00b\ud800c", "a\ufffdb\ufffdc"),
        ("x" * 1000, "x" * 200),
        (10**5000, "(int)"),
    ],
    ids=lambda value: repr(value)[:24] if not isinstance(value, int) else type(value).__name__,
)
def test_anything_else_is_kept_as_its_raw_text(value: object, raw: str) -> None:
    read = assignment(deadline=value)
    assert (read.deadline_on, read.deadline_raw) == (None, raw)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2026-07-01 08:30:05", datetime(2026, 7, 1, 6, 30, 5, tzinfo=UTC), id="summer"),
        pytest.param("2026-12-01 08:30:05", datetime(2026, 12, 1, 7, 30, 5, tzinfo=UTC), id="winter"),
        pytest.param("2026-10-25 02:30:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC), id="twice: the first"),
    ],
)
def test_timestamps_stand_on_the_walls_of_their_zone(text: str, expected: datetime) -> None:
    read = assignment(COPENHAGEN, assigned_at=text, started_at=text, completed_at=text, renewal_at=text)
    assert {read.assigned_at, read.started_at, read.completed_at, read.renewal_at} == {expected}
    assert read.assigned_at is not None
    assert read.assigned_at.tzinfo is UTC


@pytest.mark.parametrize(
    "stamp",
    [
        "0000-00-00 00:00:00",
        "2026-02-30 10:00:00",
        "2026-01-01 25:00:00",
        "2026-01-01T10:00:00",
        "2026-W01-1 10:00:00",
        "20260101 10:00:00.0",
        "2026-01-01",
        "0001-01-01 00:00:00",
        "yesterday at 10 am ",
        1767225600,
        ["2026-01-01 10:00:00"],
    ],
    ids=str,
)
def test_an_unreadable_timestamp_is_none(stamp: object) -> None:
    read = assignment(COPENHAGEN, assigned_at=stamp, started_at=stamp, completed_at=stamp, renewal_at=stamp)
    assert read == replace(ASSIGNMENT, assigned_at=None, started_at=None, renewal_at=None)


def test_whether_it_was_completed_is_never_guessed() -> None:
    reject = rejected(status=None, completed_at="12/24/2026")
    assert "completed_at" in reject.reason
    assert reject.raw == "12/24/2026"


@pytest.mark.parametrize("field", ["progress", "score", "attempts", "time_spent"])
@pytest.mark.parametrize(
    "nonsense",
    ["NaN", "inf", "-1", -1, -0.5, 2**63, str(2**63), 1e19, float("nan"), float("inf"), "many", "", [], {}, "\ud800"],
    ids=repr,
)
def test_a_nonsense_figure_is_none_and_costs_nothing_else(field: str, nonsense: object) -> None:
    name = {"progress": "progress_percent", "time_spent": "time_spent_seconds"}.get(field, field)
    changes: dict[str, Any] = {field: nonsense}
    nothing: dict[str, Any] = {name: None}
    assert assignment(**changes) == replace(ASSIGNMENT, **nothing)


@pytest.mark.parametrize("field", ["user_id", "course_id"])
@pytest.mark.parametrize(
    "nonsense",
    [0, -1, 2**63, "0", "-1", str(2**63), "1.0", 1.0, 1.5, True, None, "", "x", "1_0", "٣", " 1", [1]],
    ids=repr,
)
def test_an_id_that_is_none_rejects_the_row(field: str, nonsense: object) -> None:
    assert rejected(**{field: nonsense}).reason == f"{field} is no whole number from 1"


def test_the_largest_id_is_read() -> None:
    assert assignment(user_id=LARGEST, course_id=str(LARGEST)).person_id == LARGEST


@pytest.mark.parametrize(
    ("value", "required"), [(0, False), (1, True), ("0", False), ("1", True), (False, False)], ids=repr
)
def test_required_is_read(value: object, required: bool) -> None:
    assert assignment(required=value).required is required


@pytest.mark.parametrize("value", [2, -1, "2", "yes", "true", "", None, [], {}, "\ud800", 0.5], ids=repr)
def test_required_is_never_guessed(value: object) -> None:
    assert rejected(required=value).reason == "required is neither 0 nor 1"


def test_a_reject_names_the_field_and_whose_row_it_is() -> None:
    assert rejected(required="maybe\x00") == Rejected(
        kind="participant", reason="required is neither 0 nor 1", record_id="37", raw="maybe\ufffd"
    )
    (missing,) = read_participants([without(PARTICIPANT, "required")], UTC_ZONE)
    assert missing == Rejected(kind="participant", reason="required is missing", record_id="37")
    (no_object,) = read_participants(["x" * 999], UTC_ZONE)
    assert no_object == Rejected(kind="participant", reason="the record is no object", raw="x" * 200)


def test_bad_rows_leave_the_good_ones_in_their_order() -> None:
    rows = [PARTICIPANT | {"user_id": n} if n % 3 else {"user_id": n} for n in range(1, 10)]
    read = read_participants(rows, UTC_ZONE)
    assert [isinstance(value, Rejected) for value in read] == [n % 3 == 0 for n in range(1, 10)]
    assert [value.person_id for value in read if isinstance(value, Assignment)] == [1, 2, 4, 5, 7, 8]
    assert [value.record_id for value in read if isinstance(value, Rejected)] == ["3", "6", "9"]


# ── users and courses ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, {}, id="as documented"),
        pytest.param({"id": "37"}, {}, id="id as text"),
        pytest.param({"email": " ada@example.com "}, {}, id="blanks around the address"),
        pytest.param({"email": " "}, {"email": None}, id="address blank"),
        pytest.param({"email": None}, {"email": None}, id="address null"),
        pytest.param({"email": ["a@x.com"]}, {"email": None}, id="address no text"),
        pytest.param(
            {"timezone": "", "country": " ", "language": None},
            {"timezone": None, "country": None, "language": None},
            id="texts blank",
        ),
        pytest.param({"first_name": None, "last_name": 7}, {"first_name": "", "last_name": "7"}, id="names no text"),
        pytest.param({"first_name": "A\x00\ud800"}, {"first_name": "A\ufffd\ufffd"}, id="text that cannot be stored"),
        pytest.param(
            {"direct_manager_ids": None, "team_id": [], "department_id": 9},
            {"manager_ids": (), "team_ids": (), "department_ids": ()},
            id="no lists",
        ),
        pytest.param(
            {"direct_manager_ids": ["1", None, 0, "x", 2**63, [1], True]}, {"manager_ids": (1,)}, id="junk in a list"
        ),
        pytest.param({"end_of_employment_at": None}, {"employment_ends_on": None}, id="no end of employment"),
        pytest.param({"end_of_employment_at": "0000-00-00 00:00:00"}, {"employment_ends_on": None}, id="zero date"),
        pytest.param({"end_of_employment_at": "2018-05-01"}, {}, id="a date only"),
        pytest.param({"end_of_employment_at": "2018-05-01x"}, {"employment_ends_on": None}, id="no date"),
        pytest.param({"end_of_employment_at": "", "end_of_employment": "2018-05-01 00:00:00"}, {}, id="the other name"),
        pytest.param({"custom_attributes": [1, {"y": []}]}, {}, id="custom attributes"),
    ],
)
def test_a_user_is_read(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    assert read_users([USER | changes]) == [replace(LEARNER, **expected)]


def test_a_user_needs_only_an_id() -> None:
    assert read_users([{"id": 1}]) == [Learner(person_id=1)]
    assert read_users([without(USER, "id")]) == [Rejected(kind="user", reason="id is missing")]
    assert read_users([{"id": "A7"}]) == [
        Rejected(kind="user", reason="id is no whole number from 1", record_id="A7", raw="A7")
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, {}, id="as seen"),
        pytest.param({"active": "1", "expected_duration": "45", "lock_after_deadline": "1"}, {}, id="numbers as text"),
        pytest.param({"active": "0"}, {"active": False}, id="inactive"),
        pytest.param({"active": None}, {}, id="active null"),
        pytest.param({"name": "  "}, {"title": "Course 12"}, id="name blank"),
        pytest.param({"name": None}, {"title": "Course 12"}, id="name null"),
        pytest.param({"name": 2027}, {"title": "2027"}, id="name a number"),
        pytest.param({"expected_duration": ""}, {"expected_minutes": None}, id="no duration"),
        pytest.param({"expected_duration": -5}, {"expected_minutes": None}, id="nonsense duration"),
        pytest.param(
            {"lock_after_deadline": 7, "inform_leader_deadline": 1},
            {"lock_after_deadline": False, "inform_leader_deadline": True},
            id="other flags",
        ),
    ],
)
def test_a_course_is_read(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    assert read_courses([COURSE | changes]) == [replace(SAFETY, **expected)]


def test_a_course_needs_an_id_and_no_strange_active() -> None:
    assert read_courses([{"id": 3}]) == [Course(course_id=3, title="Course 3")]
    assert read_courses([{"id": 3, "active": 2}]) == [
        Rejected(kind="course", reason="active is neither 0 nor 1", record_id="3", raw="2")
    ]


# ── anything at all ──────────────────────────────────────────────────────────────────────────────────────────────────

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.sampled_from(["\ud800", "\x00", 2**63, -(2**63), 10**400, "1", "0", 1, 0, "2027-03-12", "2026-01-01 00:00:00"])
)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


def records(sample: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Anything, but often a record with anything in its fields."""
    fields = {key: st.just(value) | ANYTHING for key, value in sample.items()}
    return ANYTHING | st.fixed_dictionaries({}, optional=fields)


def assert_storable(value: Assignment | Learner | Course | Rejected) -> None:
    """SQLite and UTF-8 take every text in it."""
    for text in astuple(value):
        if isinstance(text, str):
            assert "\0" not in text
            text.encode()


@settings(max_examples=150, deadline=None)
@given(
    st.lists(records(PARTICIPANT), max_size=4), st.sampled_from([UTC_ZONE, COPENHAGEN, ZoneInfo("America/New_York")])
)
def test_no_json_breaks_participants(rows: list[Any], zone: ZoneInfo) -> None:
    values = read_participants(rows, zone)
    assert values == [read_participants([row], zone)[0] for row in rows]
    for value in values:
        assert_storable(value)
        if isinstance(value, Assignment):
            assert value.deadline_on is None or value.deadline_raw is None
            assert 1 <= value.person_id <= LARGEST
            assert all(0 <= n <= LARGEST for n in (value.attempts, value.time_spent_seconds) if n is not None)
            assert value.progress_percent is None or 0 <= value.progress_percent <= 100


@settings(max_examples=100, deadline=None)
@given(st.lists(records(USER), max_size=4), st.lists(records(COURSE), max_size=4))
def test_no_json_breaks_users_and_courses(users: list[Any], courses: list[Any]) -> None:
    assert len(read_users(users)) == len(users)
    assert len(read_courses(courses)) == len(courses)
    for value in (*read_users(users), *read_courses(courses)):
        assert_storable(value)


def test_what_is_nested_too_deeply_is_survived() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert assignment(deadline=deep).deadline_raw == "(list)"
    assert read_users([USER | {"email": deep, "team_id": deep}]) == [replace(LEARNER, email=None, team_ids=())]


def test_a_vendor_sample_in_a_docstring_is_json() -> None:
    for mirror, read in ((User, read_users), (CourseRecord, read_courses)):
        doc = mirror.__doc__ or ""
        sample = json.loads(doc[doc.index("{") : doc.rindex("}") + 1])
        assert not isinstance(read([sample])[0], Rejected)
