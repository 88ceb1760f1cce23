"""What `explain` prints: who, by which clock and calendar, and a paragraph a course that fits a terminal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.jobs.explain import Explanation, explain_person
from bot.terminal import explain_json, explain_text
from tests.company import DAY, Company

LONG = "Data protection and the safe handling of personal data in everyday work (yearly)"


async def explained(company: Company, when: str | None = None, person_id: int = 1) -> Explanation:
    """What is found of this person at this local time of Copenhagen's, as if pulls had gone on."""
    now = company.at(when)
    async with company.workspace() as workspace:
        return explain_person(workspace.settings, workspace.store, person_id, now, assume_pulls=True)


def text(found: Explanation, width: int | None = None) -> str:
    """All of it as text."""
    return explain_text(found, found.decisions, columns=width)


def as_json(found: Explanation) -> dict[str, Any]:
    """All of it as it is printed with --json."""
    printed: dict[str, Any] = json.loads(json.dumps(explain_json(found, found.decisions)))
    return printed


async def test_it_says_who_it_is_and_which_clock_calendar_and_data_count(company: Company) -> None:
    company.hire(1, first_name="Åse", last_name="Berg").assign(1, 1, DAY)
    await company.pulled(f"{DAY} 08:00")
    about = text(await explained(company, f"{DAY} 10:00")).split("\n\n")[0]
    assert about.splitlines() == [
        "person    Åse Berg, person1@example.com",
        "ids       LMS 1, Slack U01",
        "clock     Europe/Copenhagen, 2027-06-15 10:00 there",
        "calendar  public holidays of DK, weekend sat sun",
        "data      pulled 2027-06-15 06:00 UTC",
    ]


@pytest.mark.parametrize(
    ("country", "default", "calendar"),
    [
        ("Saudi Arabia", None, "public holidays of SA, weekend fri sat"),
        (None, "DE", "public holidays of DE, weekend sat sun"),
        (None, None, "no public holidays: no country is known, weekend sat sun"),
        ("Atlantis", "DE", "public holidays of DE, weekend sat sun; the LMS says “Atlantis”, which is unknown"),
    ],
)
async def test_the_calendar_in_use_is_named(company: Company, country: Any, default: str | None, calendar: str) -> None:
    company.wishes["default_country"] = default
    company.hire(1, country=country).assign(1, 1, DAY)
    await company.pulled(f"{DAY} 08:00")
    found = await explained(company)
    assert f"calendar  {calendar}\n" in text(found)


async def test_of_whom_nobody_knows_anything_nothing_is_made_up(company: Company) -> None:
    await company.pulled(f"{DAY} 08:00")
    found = await explained(company, person_id=99)
    assert text(found).splitlines()[:2] == ["person    –", "ids       LMS 99, Slack –"]
    assert text(found).endswith("\n\nNo such assignment.")
    assert (as_json(found)["name"], as_json(found)["decisions"]) == ("", [])


async def test_a_course_is_a_paragraph_with_its_reason_its_words_and_what_was_last_said(company: Company) -> None:
    company.hire(1).assign(1, 1, DAY).assign(1, 2, None)
    await company.one_pass(f"{DAY} 10:00")
    found = await explained(company, "2027-06-19 12:00")
    assert text(found, 80).split("\n\n", 1)[1].splitlines() == [
        "course  why",
        "1 Fire  day_off",
        "        Due Tuesday 15 June 2027. Today is not one of the week's working days. A",
        "        reminder can go out on Monday 21 June 2027 at the earliest.",
        "        Last reminder: 2027-06-15, due.",
        "",
        "2 Gdpr  no_deadline",
        "        The course has no deadline.",
    ]


async def test_what_the_words_say_already_is_not_said_again(company: Company) -> None:
    company.crowd(1)
    await company.one_pass(f"{DAY} 10:00")
    found = await explained(company)
    assert "This reminder was sent on Tuesday 15 June 2027" in text(found)
    assert "Last reminder" not in text(found)


async def test_a_last_reminder_of_another_deadline_is_told_with_it(company: Company) -> None:
    company.crowd(1)
    await company.one_pass(f"{DAY} 10:00")
    company.row(1, 1)["deadline"] = "2027-09-01"
    await company.pulled(f"{DAY} 11:00")
    assert "Last reminder: 2027-06-15, due, of the deadline 2027-06-15." in text(await explained(company))


@pytest.mark.parametrize("width", [60, 80, 120])
async def test_it_fits_the_terminal_and_loses_nothing(company: Company, width: int) -> None:
    company.course(4, LONG).hire(1, first_name="Maximiliane" * 8).assign(1, 1, DAY).assign(1, 4, DAY)
    await company.one_pass(f"{DAY} 10:00")
    lines = text(await explained(company), width).splitlines()
    assert max(map(len, lines)) <= width
    titles = " ".join(line[:26].strip() for line in lines)
    assert LONG in titles


@pytest.mark.parametrize(
    "hostile", ["[bold]x[/bold]", "[/]", "\x1b[31mred", "a\nb", "\u202egnitar", "[link=file:///]x", ":baby:", "x\\"]
)
async def test_names_and_titles_from_outside_stay_text(company: Company, hostile: str) -> None:
    company.course(4, hostile).hire(1, first_name=hostile, country=hostile).assign(1, 4, DAY)
    company.assign(1, 1, hostile)
    await company.pulled(f"{DAY} 08:00")
    shown = text(await explained(company), 200)
    assert all(c.isprintable() or c == "\n" for c in shown)
    for piece in ("[bold]x[/bold]", "[/]", "[link=file:///]x", ":baby:", "x\\"):
        assert (piece in shown) == (piece in hostile)


async def test_a_superseded_row_names_the_deadline_that_counts_instead(company: Company) -> None:
    company.hire(1).assign(1, 1, DAY, assigned_at="2027-01-02 08:00:00")
    company.assign(1, 1, "2027-05-03", assigned_at="2026-01-02 08:00:00")
    await company.pulled(f"{DAY} 08:00")
    assert "instead: the one due Tuesday 15 June 2027." in text(await explained(company))


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ("2027-06-19 12:00", "Today is not one of the week's working days."),
        ("2027-05-17 12:00", "Today is a public holiday (DK)."),
        ("2027-06-17 12:00", "Today is one of the company's own days off."),
    ],
)
async def test_which_kind_of_day_off_it_is(company: Company, when: str, says: str) -> None:
    company.wishes["default_country"] = "DK"
    company.policy = company.policy.__class__(hours=company.policy.hours.__class__(days_off=("06-17",)))
    company.hire(1).assign(1, 1, when[:10])
    await company.pulled(when)
    assert says in text(await explained(company))


async def test_as_json_it_has_the_facts_beside_the_words(company: Company) -> None:
    company.hire(1, first_name="Åse", last_name="Berg").assign(1, 1, DAY).assign(1, 2, None)
    await company.one_pass(f"{DAY} 10:00")
    found = as_json(await explained(company, "2027-06-19 12:00"))
    fire, gdpr = found.pop("decisions")
    assert found == {
        "person": 1,
        "name": "Åse Berg",
        "slack_id": "U01",
        "zone": "Europe/Copenhagen",
        "country": "DK",
        "language": "en",
        "at": "2027-06-19T10:00:00+00:00",
        "pulled_at": "2027-06-15T08:00:00+00:00",
    }
    assert fire["last_said"] == {"on": DAY, "step": "due", "deadline": DAY}
    assert gdpr["last_said"] is None
    assert (fire["step"], fire["step_on"], fire["next_at"]) == ("overdue-1", "2027-06-16", "2027-06-21T07:30:00+00:00")
