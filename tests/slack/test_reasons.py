"""Every decision has words in every language: why, and what comes next."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.deadlines.model import DUE, Decision, NoMatch, Reason, Step
from bot.slack.reasons import TEXTS, explain, received, step_name
from bot.slack.words import languages, words
from tests.builders import on

LANGUAGES = sorted(languages())
ZONE = "Pacific/Auckland"
DETAILS: dict[Reason, list[str]] = {
    Reason.NO_SLACK_MATCH: list(NoMatch),
    Reason.CAPPED: ["", "today", "gap"],
    Reason.COURSE_INACTIVE: ["", "switched_off"],
    Reason.DAY_OFF: ["", "last_workday"],
    Reason.SEND: ["", "gathered"],
    Reason.INVALID_DEADLINE: ["2027-02-30"],
    Reason.UNDELIVERABLE: ["channel_not_found"],
}
ALL = [(reason, detail) for reason in Reason for detail in DETAILS.get(reason, [""])]
EVERY = [pytest.param(reason, detail, id=f"{reason}-{detail or 'plain'}") for reason, detail in ALL]


def a_decision(reason: Reason, detail: str = "", **facts: Any) -> Decision:
    """A decision about a course due on a Wednesday, whose latest step was two days before."""
    defaults = {"step": Step("before", 2), "deadline_on": on("2027-06-23")}
    return Decision(**{**defaults, "reason": reason, "detail": detail, **facts})


def test_every_reason_has_a_text() -> None:
    assert set(TEXTS) == set(Reason)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("reason", "detail"), EVERY)
def test_every_decision_is_one_or_two_whole_sentences(reason: Reason, detail: str, language: str) -> None:
    said = explain(words(language), a_decision(reason, detail), ZONE)
    assert said.strip() == said
    assert said.endswith(".")
    assert said[0].isupper()
    assert "{" not in said
    assert "–" not in said, "the dash of a fact that is missing"


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
@pytest.mark.parametrize(("reason", "detail"), EVERY)
def test_every_decision_is_said_in_the_language_itself(reason: Reason, detail: str, language: str) -> None:
    decision = a_decision(reason, detail, next_on=on("2027-06-23"), next_step=DUE)
    assert explain(words(language), decision, ZONE) != explain(words("en"), decision, ZONE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_decisions_are_said_alike(language: str) -> None:
    said = [explain(words(language), a_decision(reason, detail), ZONE) for reason, detail in ALL]
    assert len(said) == len(set(said))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", list(Reason))
def test_a_decision_of_which_no_fact_is_known_can_still_be_said(reason: Reason, language: str) -> None:
    assert explain(words(language), a_decision(reason, step=None, deadline_on=None), ZONE)


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        pytest.param(
            a_decision(Reason.ALREADY_SENT),
            "Due Wednesday 23 June 2027. This reminder was sent: 2 days before.",
            id="the step that was sent",
        ),
        pytest.param(
            a_decision(Reason.ALREADY_SENT, next_on=on("2027-06-23"), next_step=DUE),
            "Due Wednesday 23 June 2027. This reminder was sent: 2 days before. "
            "Next: Wednesday 23 June 2027, on the day it is due.",
            id="the step that was sent, and the next",
        ),
        pytest.param(
            a_decision(Reason.NOT_DUE_YET, step=None, next_on=on("2027-06-16"), next_step=Step("before", 7)),
            "Due Wednesday 23 June 2027. No reminder is due yet. Next: Wednesday 16 June 2027, 7 days before.",
            id="the first step to come",
        ),
        pytest.param(
            a_decision(Reason.SEND, step=Step("overdue", 3)),
            "A reminder goes out now: 3 working days after. Due Wednesday 23 June 2027.",
            id="a reminder that goes out",
        ),
        pytest.param(
            a_decision(Reason.GAVE_UP, next_on=on("2027-06-16"), next_step=DUE),
            "Due Wednesday 23 June 2027. Reminders have ended.",
            id="nothing comes after giving up",
        ),
        pytest.param(
            a_decision(Reason.AWAY, next_at=datetime(2027, 6, 15, 20, 30, tzinfo=UTC)),
            "Due Wednesday 23 June 2027. The Slack status says away, so the reminder waits. "
            "It can go from Wednesday 16 June 2027.",
            id="a reminder that waits, with the date as it is there",
        ),
        pytest.param(
            a_decision(Reason.UNDELIVERABLE, "user_disabled"),
            "Slack did not deliver today (user_disabled); the bot tries again on another day.",
            id="Slack's word",
        ),
    ],
)
def test_dates_and_steps_are_named(decision: Decision, said: str) -> None:
    assert explain(words("en"), decision, ZONE) == said


def test_a_reminder_that_came_is_told_with_its_day_and_rule() -> None:
    said = received(words("en"), on("2027-06-21"), Step("before", 2))
    assert said == "You got this on Monday 21 June 2027; the rule: 2 days before."


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("raw", ["2027-02-30", "31/12/27", "{course}", "{", "TBD", "٢٠٢٧-٠١-٠١"])
def test_an_impossible_deadline_is_shown_as_it_was_written(raw: str, language: str) -> None:
    assert raw in explain(words(language), a_decision(Reason.INVALID_DEADLINE, raw, deadline_on=None), ZONE)


@given(raw=st.text(max_size=200), language=st.sampled_from(LANGUAGES))
def test_whatever_was_written(raw: str, language: str) -> None:
    assert raw in explain(words(language), a_decision(Reason.INVALID_DEADLINE, raw, deadline_on=None), ZONE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_miss_has_words_of_its_own(language: str) -> None:
    said = {explain(words(language), a_decision(Reason.NO_SLACK_MATCH, reason), ZONE) for reason in NoMatch}
    assert len(said) == len(NoMatch)


@pytest.mark.parametrize(
    ("step", "names"),
    [
        (Step("before", 1), ["1 day before", "1 dag før", "1 Tag vorher"]),
        (Step("before", 14), ["14 days before", "14 dage før", "14 Tage vorher"]),
        (DUE, ["on the day it is due", "på selve fristdagen", "am Tag der Fälligkeit"]),
        (Step("overdue", 1), ["1 working day after", "1 arbejdsdag efter", "1 Arbeitstag danach"]),
        (Step("overdue", 12), ["12 working days after", "12 arbejdsdage efter", "12 Arbeitstage danach"]),
    ],
    ids=lambda value: value.name if isinstance(value, Step) else "",
)
def test_a_step_is_called_as_people_call_it(step: Step, names: list[str]) -> None:
    assert [step_name(words(language), step) for language in ("en", "da", "de")] == names
