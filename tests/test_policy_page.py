"""docs/policy.md is what the program does: its worked fortnight is executed, its figures are the policy's defaults."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.deadlines.freeze import MEASURE, SMALLEST_SHRINK
from bot.deadlines.model import Step
from bot.deadlines.plan import CAP_WINDOW_DAYS, Plan
from bot.deadlines.policy import REFUSED_DAILY, REFUSED_THEN_EVERY_DAYS
from bot.deadlines.steps import NEAR_DAYS
from bot.deadlines.team import FULL_AFTER_WEEKS
from bot.deadlines.terms import Policy
from bot.errors import Frozen
from bot.jobs.admins import AHEAD_WORKING_DAYS
from bot.jobs.deliver import LOOK_AGAIN_AFTER
from tests.words import Story, a_story

PAGE = (Path(__file__).parent.parent / "docs" / "policy.md").read_text(encoding="utf-8")
SECTIONS = dict(part.split("\n", 1) for part in PAGE.split("\n## ")[1:])
FORTNIGHT = "A worked fortnight"
RULES = "\n".join(text for heading, text in SECTIONS.items() if heading != FORTNIGHT)
FIRST = date(2027, 6, 14)
NOTHING, OFF, WAITS = "·", "off", ("away", "capped")

# ── the worked fortnight ─────────────────────────────────────────────────────────────────────────────────────────────


def table(first: str) -> list[list[str]]:
    """The rows of the fortnight's table whose first heading this is."""
    rows = SECTIONS[FORTNIGHT].split(f"| {first} |")[1].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


PEOPLE = {name: "; ".join(fact for fact in facts if fact) for name, *facts in table("Person")}
DAYS = [f"{FIRST + timedelta(days=n):%a %d}" for n in range(14)]
DRAWN = {name: [row[n] for row in table("Day")] for n, name in enumerate(PEOPLE, 1)}


def cells(story: Story) -> Iterator[str]:
    """What the passes do to one person, a cell a day."""
    passes = list(story.passes())
    for n in range(14):
        day = FIRST + timedelta(days=n)
        yield cell(story, day, [plan for on, plan in passes if on == day])


def cell(story: Story, day: date, plans: list[Plan]) -> str:
    for plan in plans:
        if plan.notice:
            return ", ".join(story.of(r.course_id) + short(r.step) for r in plan.notice.reminders)
    if not story.day(story.instant(day)).calendar.is_working(day):
        return OFF
    waits = {decision.reason.value for decision in plans[0].decisions} & set(WAITS)
    return ", ".join(sorted(waits)) or NOTHING


def short(step: Step) -> str:
    """A step as the drawing has it."""
    return {"before": f"−{step.days}", "due": "due", "overdue": f"+{step.days}"}[step.kind]


def test_the_days_that_are_drawn_are_those_of_june_2027() -> None:
    assert [row[0] for row in table("Day")] == DAYS


@pytest.mark.usefixtures("no_settings")
@pytest.mark.parametrize("name", PEOPLE)
def test_the_fortnight_that_is_drawn_is_what_the_passes_do(name: str) -> None:
    assert list(zip(DAYS, cells(a_story(PEOPLE[name])), strict=True)) == list(zip(DAYS, DRAWN[name], strict=True))


@pytest.mark.parametrize("name", PEOPLE)
def test_each_cell_has_its_sentence_and_each_sentence_its_cell(name: str) -> None:
    text = SECTIONS[FORTNIGHT].split(f"### {name}\n")[1].split("\n###")[0]
    explained: list[str] = []
    for first, last in re.findall(r"^- (\w{3} \d\d)(?: to (\w{3} \d\d))?: .", text, re.MULTILINE):
        explained += DAYS[DAYS.index(first) : DAYS.index(last or first) + 1]
    assert explained == [day for day, drawn in zip(DAYS, DRAWN[name], strict=True) if drawn not in (NOTHING, OFF)]


# ── the figures ──────────────────────────────────────────────────────────────────────────────────────────────────────

WRITTEN_BY_EACH_CUSTOMER = {"course", "texts"}
NOT_READ_YET = {"personal"}  # of which no rule of the program makes anything so far
OF_THEIR_OWN = {"managers"}  # whose keys are called as others are: see FIXED
DEFAULTS: dict[str, Any] = {
    key: default
    for section, keys in asdict(Policy()).items()
    if section not in WRITTEN_BY_EACH_CUSTOMER | NOT_READ_YET | OF_THEIR_OWN
    for key, default in keys.items()
}
KEYED = r"\*\*([^*]+)\*\* \(`([a-z_0-9]+)`\)"
UNWRAPPED = re.sub(r"\s+", " ", RULES)
SAID = {key: text for text, key in re.findall(KEYED, UNWRAPPED)}


def figures(default: object) -> list[str]:
    """A default as the page says it."""
    match default:
        case bool():
            return ["always" if default else "never"]
        case time():
            return [f"{default:%H:%M}"]
        case tuple():
            return [str(one) for one in default]
    return [f"{default:g}" if isinstance(default, float) else str(default)]


@pytest.mark.parametrize("key", [key for key, default in DEFAULTS.items() if default not in ((), {})])
def test_each_key_of_the_policy_stands_on_the_page_with_its_default(key: str) -> None:
    found = re.findall(r"\d\d:\d\d|\d+|:\w+:|[a-z]{4,}", SAID[key])
    units = {"days", "working", "minutes", "hours", "people", "times"}
    assert [word for word in found if word not in units] == figures(DEFAULTS[key])


@pytest.mark.parametrize("key", [key for key, default in DEFAULTS.items() if default in ((), {})])
def test_each_key_that_is_empty_by_default_is_named(key: str) -> None:
    assert f"`{key}`" in RULES


def test_the_page_names_no_key_that_the_policy_does_not_have() -> None:
    assert set(SAID) <= set(DEFAULTS)


def test_the_steps_that_are_named_are_the_policys() -> None:
    steps = Policy().steps
    before = [f"before-{n}" for n in (*steps.long_course_before_days, *steps.before_days) if n]
    every, last = steps.overdue_then_every_working_days, max(steps.overdue_working_days)
    overdue = [f"overdue-{n}" for n in (*steps.overdue_working_days, last + every, last + 2 * every)]
    assert re.findall(r"`((?:before|overdue)-\d+)`", SECTIONS["Steps"]) == [*before, *overdue]


MANAGERS = Policy().managers
WORD = {3: "three", 4: "four"}
FIXED = [
    (
        "Late, and never twice",
        f"more than {NEAR_DAYS} days before is dropped where the next one is at most {NEAR_DAYS} days off",
    ),
    ("One DM a person a day", f"far steps of other courses (more than {NEAR_DAYS} days before)"),
    ("One DM a person a day", f"in {CAP_WINDOW_DAYS} days: today and the six before"),
    ("Just completed", f"at most {LOOK_AGAIN_AFTER.seconds // 60} minutes old"),
    ("Never", f"after {REFUSED_DAILY} times in a row every {REFUSED_THEN_EVERY_DAYS} days"),
    ("Safety freeze", f"the exit code is {Frozen.exit_code}"),
    ("Safety freeze", f"the largest pass of the last {MEASURE.days} days"),
    ("Safety freeze", f"at least {SMALLEST_SHRINK} are gone"),
    ("Safety freeze", "0 turns a limit off"),
    ("Managers and admins", f"On **Mondays** from **{MANAGERS.digest_time:%H:%M}** of their own time"),
    ("Managers and admins", f"overdue by **{MANAGERS.overdue_working_days} working days** (`overdue_working_days`"),
    ("Managers and admins", f"in full again {WORD[FULL_AFTER_WEEKS]} weeks after"),
    ("Managers and admins", f"among the next {WORD[AHEAD_WORKING_DAYS]} working days"),
]


@pytest.mark.parametrize(("heading", "words"), FIXED)
def test_a_figure_that_is_no_key_is_the_programs_too(heading: str, words: str) -> None:
    assert words in re.sub(r"\s+", " ", SECTIONS[heading])


def test_no_other_figure_stands_among_the_rules() -> None:
    rest = re.sub(KEYED, "", UNWRAPPED)
    for _, words in FIXED:
        rest = rest.replace(words, "")
    assert re.findall(r".{20}\d+.{20}", re.sub(r"`[^`]*`", "", rest)) == []
