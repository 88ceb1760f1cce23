"""policy.md, "Steps" and "Late, never doubled": on which date each step falls, and where an assignment stands.

June 2027: the 16th is a Wednesday, 18 a Friday, 19 and 20 the weekend, 21 a Monday. July: the 2nd is a Friday.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import pytest

from bot.deadlines.calendar import WorkCalendar
from bot.deadlines.model import Said, Step
from bot.deadlines.steps import Fall, Track, stand
from bot.deadlines.terms import Steps
from tests.builders import DENMARK, MON_TO_FRI, SUN_TO_THU, a_calendar, on, said

HOLIDAY_FRIDAY = a_calendar("2027-06-18")
CLOSED_BUT_FOR_MONDAY = a_calendar("2027-06-22", "2027-06-23", "2027-06-24", "2027-06-25")
NO_WORKING_DAYS = a_calendar(weekend=range(7))
ONE_WORKING_WEEKDAY = a_calendar(weekend=(0, 1, 3, 4, 5, 6))


def a_track(
    deadline: str,
    *,
    assigned: str | None = None,
    long: bool = False,
    steps: Steps | None = None,
    calendar: WorkCalendar = MON_TO_FRI,
) -> Track:
    return Track(
        deadline_on=on(deadline),
        assigned_on=on(assigned) if assigned else None,
        is_long=long,
        steps=steps or Steps(),
        calendar=calendar,
    )


def drawn(line: Iterable[Fall]) -> str:
    return ", ".join(f"{fall.step.name} {fall.on:%d-%b}" for fall in line)


def names(steps: Iterable[Step]) -> list[str]:
    return [step.name for step in steps]


# ── before: 7 and 2 days, and the due day ────────────────────────────────────────────────────────────────────────

BEFORE = [
    pytest.param(
        MON_TO_FRI, "2027-06-23", "before-7 16-Jun, before-2 21-Jun, due 23-Jun", id="a Wednesday: nothing moves"
    ),
    pytest.param(
        MON_TO_FRI, "2027-06-26", "before-7 18-Jun, before-2 24-Jun, due 25-Jun", id="a Saturday: Friday before"
    ),
    pytest.param(
        MON_TO_FRI, "2027-06-27", "before-7 18-Jun, before-2 25-Jun, due 25-Jun", id="a Sunday: Friday before"
    ),
    pytest.param(
        MON_TO_FRI, "2027-06-28", "before-7 21-Jun, before-2 25-Jun, due 28-Jun", id="a Monday: its 2 days are Saturday"
    ),
    pytest.param(
        HOLIDAY_FRIDAY, "2027-06-18", "before-7 11-Jun, before-2 16-Jun, due 17-Jun", id="a holiday Friday: Thursday"
    ),
    pytest.param(
        HOLIDAY_FRIDAY, "2027-06-20", "before-7 11-Jun, before-2 17-Jun, due 17-Jun", id="a Sunday after a holiday"
    ),
    pytest.param(
        DENMARK, "2027-03-29", "before-7 22-Mar, before-2 24-Mar, due 24-Mar", id="Easter Monday: Wednesday before"
    ),
    pytest.param(
        SUN_TO_THU, "2027-06-25", "before-7 17-Jun, before-2 23-Jun, due 24-Jun", id="a Friday in Saudi Arabia"
    ),
    pytest.param(
        SUN_TO_THU, "2027-06-27", "before-7 20-Jun, before-2 24-Jun, due 27-Jun", id="a Sunday in Saudi Arabia"
    ),
    pytest.param(
        NO_WORKING_DAYS, "2027-06-26", "before-7 19-Jun, before-2 24-Jun, due 26-Jun", id="no working days: none moves"
    ),
]


@pytest.mark.parametrize(("calendar", "deadline", "expected"), BEFORE)
def test_before_steps_move_to_the_working_day_before(calendar: WorkCalendar, deadline: str, expected: str) -> None:
    assert drawn(a_track(deadline, calendar=calendar).before) == expected


def test_long_courses_are_announced_14_days_before_as_well() -> None:
    assert drawn(a_track("2027-06-23", long=True).before).startswith("before-14 09-Jun, before-7 16-Jun, ")


def test_other_figures_give_other_steps_each_once() -> None:
    steps = Steps(before_days=(0, 3, 10, 3), long_course_before_days=(10, 20))
    line = a_track("2027-06-24", long=True, steps=steps).before
    assert drawn(line) == "before-20 04-Jun, before-10 14-Jun, before-3 21-Jun, due 24-Jun"


ASSIGNED = [
    pytest.param("2027-06-23", "2027-06-15", ["before-7", "before-2", "due"], id="the day before a step: it exists"),
    pytest.param("2027-06-23", "2027-06-16", ["before-7", "before-2", "due"], id="on the step's day: it exists"),
    pytest.param("2027-06-23", "2027-06-17", ["before-2", "due"], id="the day after a step: it does not"),
    pytest.param("2027-06-23", "2027-06-22", ["due"], id="the day before the deadline: the due day"),
    pytest.param("2027-06-23", "2027-06-23", ["due"], id="on the deadline: the due day"),
    pytest.param("2027-06-26", "2027-06-19", ["before-2", "due"], id="what counts is the moved date, Friday the 18th"),
    pytest.param("2027-06-27", "2027-06-26", ["due"], id="the due day always exists, though moved to Friday before"),
]


@pytest.mark.parametrize(("deadline", "assigned", "expected"), ASSIGNED)
def test_a_step_from_before_the_assignment_does_not_exist(deadline: str, assigned: str, expected: list[str]) -> None:
    assert names(fall.step for fall in a_track(deadline, assigned=assigned).before) == expected


# ── overdue: +1, +3, +7 working days, then every 5 ───────────────────────────────────────────────────────────────

OVERDUE = [
    pytest.param(
        MON_TO_FRI,
        "2027-06-14",
        "overdue-1 15-Jun, overdue-3 17-Jun, overdue-7 23-Jun, overdue-12 30-Jun, overdue-17 07-Jul, overdue-22 14-Jul",
        id="from a Monday: nothing moves, and the 30th day is the last",
    ),
    pytest.param(
        MON_TO_FRI,
        "2027-06-15",
        "overdue-1 16-Jun, overdue-3 21-Jun, overdue-7 24-Jun, overdue-12 01-Jul, overdue-17 08-Jul, overdue-22 15-Jul",
        id="from a Tuesday: +3 is a Friday and moves to Monday",
    ),
    pytest.param(
        MON_TO_FRI,
        "2027-06-16",
        "overdue-1 17-Jun, overdue-3 21-Jun, overdue-7 28-Jun, overdue-12 05-Jul, overdue-17 12-Jul",
        id="from a Wednesday: +7 is a Friday; then every 5 from the unmoved +7; +22 would move past the 30th day",
    ),
    pytest.param(
        MON_TO_FRI,
        "2027-06-17",
        "overdue-1 21-Jun, overdue-3 22-Jun, overdue-7 28-Jun, overdue-12 05-Jul, overdue-17 12-Jul",
        id="from a Thursday: +1 is a Friday; +22 is the 32nd day",
    ),
    pytest.param(
        MON_TO_FRI,
        "2027-06-19",
        "overdue-1 21-Jun, overdue-3 23-Jun, overdue-7 29-Jun, overdue-12 06-Jul, overdue-17 13-Jul",
        id="from a Saturday: +22 is the 31st day",
    ),
    pytest.param(
        MON_TO_FRI,
        "2027-06-20",
        "overdue-1 21-Jun, overdue-3 23-Jun, overdue-7 29-Jun, overdue-12 06-Jul, overdue-17 13-Jul, overdue-22 20-Jul",
        id="from a Sunday: +22 is the 30th day",
    ),
    pytest.param(
        SUN_TO_THU,
        "2027-06-15",
        "overdue-1 16-Jun, overdue-3 20-Jun, overdue-7 27-Jun, overdue-12 04-Jul, overdue-17 11-Jul",
        id="in Saudi Arabia Thursdays are spared",
    ),
    pytest.param(
        DENMARK,
        "2027-03-23",
        "overdue-1 30-Mar, overdue-3 31-Mar, overdue-7 06-Apr, overdue-12 13-Apr, overdue-17 20-Apr",
        id="the Wednesday before Easter is its week's last working day",
    ),
    pytest.param(
        CLOSED_BUT_FOR_MONDAY,
        "2027-06-17",
        "overdue-1 28-Jun, overdue-3 28-Jun, overdue-7 05-Jul, overdue-12 12-Jul",
        id="a Monday with the rest of its week off is a last working day too",
    ),
]


@pytest.mark.parametrize(("calendar", "deadline", "expected"), OVERDUE)
def test_nags_fall_on_working_days_never_the_weeks_last(calendar: WorkCalendar, deadline: str, expected: str) -> None:
    assert drawn(a_track(deadline, calendar=calendar).overdue) == expected


FIGURES = [
    pytest.param(Steps(nag_on_last_workday=True), "overdue-1 18-Jun, overdue-3 22-Jun", id="last workdays allowed"),
    pytest.param(Steps(overdue_then_every_working_days=0), "overdue-1 21-Jun, overdue-3 22-Jun", id="none after those"),
    pytest.param(Steps(overdue_working_days=()), "overdue-5 24-Jun, overdue-10 01-Jul", id="only every five"),
    pytest.param(Steps(overdue_working_days=(3, 1)), "overdue-1 21-Jun, overdue-3 22-Jun", id="in any order"),
    pytest.param(Steps(overdue_working_days=(3, 3)), "overdue-3 22-Jun, overdue-8 29-Jun", id="a figure twice is once"),
    pytest.param(Steps(give_up_after_days=4), "overdue-1 21-Jun", id="giving up after 4 days: Monday is the 4th"),
    pytest.param(Steps(give_up_after_days=3), "", id="giving up after 3 days: Friday's nag would move past them"),
]


@pytest.mark.parametrize(("steps", "expected"), FIGURES)
def test_overdue_figures_are_settings(steps: Steps, expected: str) -> None:
    line = a_track("2027-06-17", steps=steps).overdue
    assert drawn(line[: expected.count(",") + 1]) == expected


def test_none_after_those_means_none() -> None:
    assert len(a_track("2027-06-17", steps=Steps(overdue_then_every_working_days=0)).overdue) == 3


LATE = [
    pytest.param("2027-06-14", "2027-06-17", "2027-06-17", True, id="past at the assignment: from that day"),
    pytest.param("2027-06-17", "2027-06-17", "2027-06-17", False, id="assigned on the deadline: from the deadline"),
    pytest.param("2027-06-17", "2027-06-01", "2027-06-17", False, id="assigned before: from the deadline"),
    pytest.param("2027-06-17", None, "2027-06-17", False, id="assigned nobody knows when: from the deadline"),
]


@pytest.mark.parametrize(("deadline", "assigned", "base", "late"), LATE)
def test_overdue_steps_count_from_the_day_of_a_late_assignment(
    deadline: str, assigned: str | None, base: str, late: bool
) -> None:
    track = a_track(deadline, assigned=assigned)
    assert (track.base_on, track.assigned_late) == (on(base), late)
    assert track.overdue == a_track(base).overdue


# ── where an assignment stands ───────────────────────────────────────────────────────────────────────────────────


def drawn_standing(track: Track, today: str, history: Iterable[Said] = ()) -> str:
    """`latest <passed over> then next`; `latest!` where it was said; `over` where it gave up."""
    found = stand(track, on(today), history)
    if found.gave_up:
        return "over"
    following = f" then {found.next.step.name} {found.next.on:%d-%b}" if found.next else ""
    if found.latest is None:
        return f"-{following}"
    passed = f" <{' '.join(names(found.passed_over))}>" if found.passed_over else ""
    return f"{found.latest.step.name}{'!' if found.latest_was_said else ''}{passed}{following}"


BEFORE_7, BEFORE_2, WARNED = said("before-7", "2027-06-16"), said("before-2", "2027-06-21"), said("due", "2027-06-23")
NAGGED = said("overdue-1", "2027-06-24")

STANDING = [
    pytest.param("2027-06-15", [], "- then before-7 16-Jun", id="8 days before: no step is reached"),
    pytest.param("2027-06-16", [], "before-7 then before-2 21-Jun", id="7 days before"),
    pytest.param("2027-06-16", [BEFORE_7], "before-7! then before-2 21-Jun", id="7 days before, said"),
    pytest.param("2027-06-18", [], "before-7 then before-2 21-Jun", id="late, the next step 3 days off: it stands"),
    pytest.param("2027-06-19", [], "- then before-2 21-Jun", id="late, the next step 2 days off: dropped"),
    pytest.param("2027-06-20", [], "- then before-2 21-Jun", id="late, the next step 1 day off: dropped"),
    pytest.param(
        "2027-06-19", [BEFORE_7], "before-7! then before-2 21-Jun", id="2 days off, but said: nothing to drop"
    ),
    pytest.param("2027-06-21", [], "before-2 <before-7> then due 23-Jun", id="2 days before, the 7 passed over"),
    pytest.param("2027-06-21", [BEFORE_7], "before-2 then due 23-Jun", id="2 days before"),
    pytest.param("2027-06-22", [BEFORE_7], "before-2 then due 23-Jun", id="a late 2-day step is not dropped"),
    pytest.param("2027-06-23", [], "due <before-7 before-2> then overdue-1 24-Jun", id="the due day, late"),
    pytest.param("2027-06-23", [BEFORE_7], "due <before-2> then overdue-1 24-Jun", id="the due day, one passed over"),
    pytest.param("2027-06-23", [BEFORE_7, BEFORE_2], "due then overdue-1 24-Jun", id="the due day"),
    pytest.param("2027-06-23", [WARNED], "due! <before-7 before-2> then overdue-1 24-Jun", id="the due day, said"),
    pytest.param("2027-06-24", [], "overdue-1 then overdue-3 28-Jun", id="past: the steps before it no longer exist"),
    pytest.param("2027-06-27", [NAGGED], "overdue-1! then overdue-3 28-Jun", id="between two nags"),
    pytest.param("2027-06-29", [], "overdue-3 <overdue-1> then overdue-7 05-Jul", id="late: the most urgent once"),
    pytest.param("2027-06-29", [NAGGED], "overdue-3 then overdue-7 05-Jul", id="late: only what was not said"),
    pytest.param("2027-07-23", [NAGGED], "overdue-17 <overdue-3 overdue-7 overdue-12>", id="the 30th day is not over"),
    pytest.param("2027-07-24", [NAGGED], "over", id="the 31st day is"),
    pytest.param("2027-07-24", [WARNED], "over", id="whatever was sent about it"),
]


@pytest.mark.parametrize(("today", "history", "expected"), STANDING)
def test_where_a_course_due_on_wednesday_the_23rd_stands(today: str, history: list[Said], expected: str) -> None:
    assert drawn_standing(a_track("2027-06-23"), today, history) == expected


def test_a_late_14_day_step_is_dropped_near_the_7_day_step() -> None:
    track = a_track("2027-06-23", long=True)
    assert drawn_standing(track, "2027-06-13") == "before-14 then before-7 16-Jun"
    assert drawn_standing(track, "2027-06-14") == "- then before-7 16-Jun"


def test_a_late_step_with_none_after_it_is_not_dropped() -> None:
    steps = Steps(before_days=(7,), overdue_working_days=(), overdue_then_every_working_days=0)
    assert drawn_standing(a_track("2027-06-23", steps=steps), "2027-06-22") == "before-7"


def test_nothing_dropped_is_lost_it_is_passed_over_by_the_next() -> None:
    assert drawn_standing(a_track("2027-06-23", long=True), "2027-06-21").startswith("before-2 <before-14 before-7>")


def test_a_step_said_early_stands_for_the_earlier_ones() -> None:
    track = a_track("2027-06-23", long=True)
    early = [said("before-7", "2027-06-11")]
    assert drawn_standing(track, "2027-06-11", early) == "before-14! then before-2 21-Jun"
    assert drawn_standing(a_track("2027-06-23"), "2027-06-14", early) == "- then before-2 21-Jun"


def test_where_no_step_is_reached_none_was_said() -> None:
    assert not stand(a_track("2027-06-23"), on("2027-06-15"), []).latest_was_said


def test_where_the_due_day_moved_the_deadline_itself_is_still_before() -> None:
    assert drawn_standing(a_track("2027-06-27"), "2027-06-27").startswith("due <before-7 before-2> then overdue-1 28")


ONE_REMINDER = [
    pytest.param("2027-07-24", False, id="31 days after"),
    pytest.param("2028-06-22", False, id="365 days after"),
    pytest.param("2028-06-23", True, id="366 days after"),
]


@pytest.mark.parametrize(("today", "over"), ONE_REMINDER)
def test_where_none_was_ever_sent_one_goes_out_up_to_365_days_after(today: str, over: bool) -> None:
    standing = stand(a_track("2027-06-23"), on(today), [])
    assert standing.gave_up is over
    assert standing.latest == (None if over else Fall(Step("overdue", 17), on("2027-07-19")))
    assert standing.next is None


def test_the_one_reminder_records_the_earlier_ones_as_superseded() -> None:
    """A first run is the late-pass rule and no special case."""
    passed = stand(a_track("2027-06-23"), on("2027-08-02"), []).passed_over
    assert names(passed) == ["overdue-1", "overdue-3", "overdue-7", "overdue-12"]


def test_the_giving_up_counts_from_a_late_assignment() -> None:
    track = a_track("2027-06-14", assigned="2027-06-23")
    nagged = [said("overdue-1", "2027-06-24", deadline="2027-06-14")]
    assert drawn_standing(track, "2027-07-23", nagged).startswith("overdue-17")
    assert drawn_standing(track, "2027-07-24", nagged) == "over"


def test_the_one_reminder_goes_out_where_the_policy_has_no_nags() -> None:
    steps = Steps(overdue_working_days=(), overdue_then_every_working_days=0)
    only_one = Fall(Step("overdue", 1), on("2027-07-26"))  # the first day after the 30 on which a nag may go
    track = a_track("2027-06-23", steps=steps)
    assert [stand(track, on(day), []).latest for day in ("2027-07-24", "2027-07-26")] == [None, only_one]
    assert stand(track, on("2027-07-24"), []).next == only_one


# ── extremes ─────────────────────────────────────────────────────────────────────────────────────────────────────

EXTREME_DEADLINES = [date.min, date(1, 1, 20), date(9999, 11, 20), date(9999, 12, 2), date.max]
ABSURD_STEPS = [
    pytest.param(Steps(before_days=(), overdue_working_days=(), overdue_then_every_working_days=0), id="no steps"),
    pytest.param(Steps(give_up_after_days=0, first_reminder_within_days=0), id="never a nag"),
    pytest.param(Steps(give_up_after_days=3650, overdue_then_every_working_days=1), id="a nag a day for ten years"),
]
ABSURD_WEEKS = [
    pytest.param(MON_TO_FRI, id="5 working days"),
    pytest.param(ONE_WORKING_WEEKDAY, id="1 working day"),
    pytest.param(NO_WORKING_DAYS, id="no working day"),
]


def stand_on_many_days(track: Track) -> None:
    for today in (date.min, on("2027-06-23"), on("2027-07-24"), date.max):
        assert stand(track, today, [])


@pytest.mark.timeout(2)
@pytest.mark.parametrize("calendar", ABSURD_WEEKS)
@pytest.mark.parametrize("deadline", EXTREME_DEADLINES, ids=str)
def test_deadlines_at_the_calendars_ends_end_in_good_time(deadline: date, calendar: WorkCalendar) -> None:
    stand_on_many_days(a_track(deadline.isoformat(), long=True, calendar=calendar))


@pytest.mark.timeout(2)
@pytest.mark.parametrize("calendar", ABSURD_WEEKS)
@pytest.mark.parametrize("steps", ABSURD_STEPS)
def test_absurd_policies_end_in_good_time(steps: Steps, calendar: WorkCalendar) -> None:
    stand_on_many_days(a_track("2027-06-23", steps=steps, calendar=calendar))
