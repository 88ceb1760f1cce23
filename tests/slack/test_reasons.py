"""Every decision has words in every language: why, and what comes next."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.deadlines.model import DUE, Absence, Decision, NoMatch, Reason, Step
from bot.deadlines.terms import CourseSteps, Policy
from bot.slack.reasons import TEXTS, UNDATED, Facts, explain, received, step_name
from bot.slack.upcoming import NEXT
from bot.slack.words import languages, words
from tests.builders import a_person, a_policy, away, local, on, said

LANGUAGES = sorted(languages())
ZONE = "Pacific/Auckland"
DETAILS: dict[Reason, list[str]] = {
    Reason.NO_SLACK_MATCH: ["", *NoMatch],
    Reason.CAPPED: ["week", "today", "gap"],
    Reason.COURSE_INACTIVE: ["", "switched_off"],
    Reason.PERSON_INACTIVE: ["not_in_lms", "employment_ended"],
    Reason.EXEMPT: ["", "2027-06-18"],
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
def test_every_decision_is_whole_sentences(reason: Reason, detail: str, language: str) -> None:
    text = explain(words(language), a_decision(reason, detail), ZONE)
    assert text.strip() == text
    assert text.endswith(".")
    assert text[0].isupper()
    assert "{" not in text
    assert "–" not in text, "the dash of a fact that is missing"


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
@pytest.mark.parametrize(("reason", "detail"), EVERY)
def test_every_decision_is_said_in_the_language_itself(reason: Reason, detail: str, language: str) -> None:
    decision = a_decision(reason, detail, next_on=on("2027-06-23"), next_step=DUE)
    assert explain(words(language), decision, ZONE) != explain(words("en"), decision, ZONE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_decisions_are_said_alike(language: str) -> None:
    texts = [explain(words(language), a_decision(reason, detail), ZONE) for reason, detail in ALL]
    assert len(texts) == len(set(texts))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", list(Reason))
def test_a_decision_of_which_no_fact_is_known_can_still_be_said(reason: Reason, language: str) -> None:
    assert explain(words(language), a_decision(reason, step=None, deadline_on=None), ZONE)


# ── what is said of each reason ──

DUE_THEN = "Due Wednesday 23 June 2027."
FROM_MONDAY = "A reminder can go out on Monday 21 June 2027 at the earliest."
NAG = Step("overdue", 3)
NEXT_STEP: dict[str, Any] = {"next_step": DUE, "next_on": on("2027-06-23")}
MONDAY: dict[str, Any] = {"next_at": local("2027-06-21 09:30", ZONE)}
WARNED = said("before-2", "2027-06-21")
OTHER = said("before-7", "2027-05-03", deadline="2027-05-10")
CALLED_FIRE = Policy(course={1: CourseSteps(give_up_after_days=1, overdue_min_gap_days=1)})


def known(**facts: Any) -> Facts:
    """The default policy, somebody of whom nothing is particular, to whom nothing was said, and these facts."""
    who = a_person(zone=ZONE, **facts.pop("who", {}))
    return Facts(**{"policy": Policy(), "person": who, "course_id": 1, "said": (), "country": "NZ", **facts})


def gone(since: str, until: str | None = None) -> dict[str, Any]:
    """Somebody who is away."""
    return {"absence": away(since=since, until=until, zone=ZONE)}


def refused(times: int) -> dict[str, Any]:
    """Somebody to whom Slack has refused to deliver."""
    return {"refused_on": on("2027-06-18"), "refusals": times}


# A row: the facts of the decision, what else is known, and what is said after the deadline's own sentence.
TOLD: dict[str, tuple[Decision, Facts, str]] = {
    "superseded": (
        a_decision(Reason.SUPERSEDED),
        known(governs_on=on("2027-06-30")),
        "Another assignment of the same course counts instead: the one due Wednesday 30 June 2027.",
    ),
    "superseded, by one without a deadline": (
        a_decision(Reason.SUPERSEDED),
        known(),
        "Another assignment of the same course counts instead.",
    ),
    "completed": (a_decision(Reason.COMPLETED), known(), "The course is finished."),
    "not_required": (a_decision(Reason.NOT_REQUIRED), known(), "The course is not required."),
    "course_inactive": (
        a_decision(Reason.COURSE_INACTIVE),
        known(),
        "The course is not active in the learning system.",
    ),
    "course_inactive, switched off": (
        a_decision(Reason.COURSE_INACTIVE, "switched_off"),
        known(),
        "Reminders are switched off for this course.",
    ),
    "person_inactive": (
        a_decision(Reason.PERSON_INACTIVE, "not_in_lms"),
        known(),
        "The learning system does not list this person as active or pending.",
    ),
    "person_inactive, by the end of employment": (
        a_decision(Reason.PERSON_INACTIVE, "employment_ended"),
        known(who={"employment_ends_on": on("2027-05-31")}),
        "The employment ended on Monday 31 May 2027, by the learning system.",
    ),
    "not_in_audience": (
        a_decision(Reason.NOT_IN_AUDIENCE),
        known(),
        "Reminders are not switched on for this person yet (the policy's audience).",
    ),
    "exempt": (a_decision(Reason.EXEMPT), known(), "An admin has made an exemption that has no end."),
    "exempt, until a day": (
        a_decision(Reason.EXEMPT, "2027-06-18", **MONDAY),
        known(),
        "An admin has made an exemption up to and including Friday 18 June 2027. The bot looks again on Monday "
        "21 June 2027.",
    ),
    "no_deadline": (a_decision(Reason.NO_DEADLINE, deadline_on=None), known(), "The course has no deadline."),
    "invalid_deadline": (
        a_decision(Reason.INVALID_DEADLINE, "2027-02-30", deadline_on=None),
        known(),
        "The deadline is no real day: “2027-02-30”. An admin can correct it in the learning system.",
    ),
    "no_slack_match": (
        a_decision(Reason.NO_SLACK_MATCH, "shared_in_slack"),
        known(),
        "Two people in Slack share this e-mail address.",
    ),
    "no_slack_match, nobody knows why": (
        a_decision(Reason.NO_SLACK_MATCH),
        known(),
        "No Slack account is known for this person.",
    ),
    "undeliverable": (
        a_decision(Reason.UNDELIVERABLE, "user_disabled", **MONDAY),
        known(who=refused(1)),
        "Slack refused the message of Friday 18 June 2027 (user_disabled). "
        "The bot tries again on Monday 21 June 2027 at the earliest.",
    ),
    "undeliverable, for days": (
        a_decision(Reason.UNDELIVERABLE, "user_disabled", **MONDAY),
        known(who=refused(7)),
        "Slack has refused 7 messages in a row, the last on Friday 18 June 2027 (user_disabled). "
        "The bot tries again on Monday 21 June 2027 at the earliest.",
    ),
    "gave_up": (
        a_decision(Reason.GAVE_UP),
        known(said=(WARNED,)),
        "Reminders have ended: they stop after 30 days.",
    ),
    "gave_up, by the course's own figure": (
        a_decision(Reason.GAVE_UP),
        known(said=(WARNED,), policy=CALLED_FIRE),
        "Reminders have ended: they stop after 1 day.",
    ),
    "gave_up, before anything was said": (
        a_decision(Reason.GAVE_UP),
        known(said=(OTHER,)),
        "No reminder was ever sent, and after more than 365 days none is begun.",
    ),
    "gave_up, next to nothing is known": (a_decision(Reason.GAVE_UP), Facts(), "Reminders have ended."),
    "not_due_yet": (
        a_decision(Reason.NOT_DUE_YET, step=None, next_step=Step("before", 7), next_on=on("2027-06-16")),
        known(),
        "No reminder is due yet. Next: Wednesday 16 June 2027, 7 days before.",
    ),
    "not_due_yet, and none comes": (a_decision(Reason.NOT_DUE_YET, step=None), known(), "No reminder is due."),
    "already_sent": (
        a_decision(Reason.ALREADY_SENT, **NEXT_STEP),
        known(said=(WARNED, OTHER)),
        "This reminder was sent on Monday 21 June 2027: 2 days before. "
        "Next: Wednesday 23 June 2027, on the day it is due.",
    ),
    "already_sent, the last one": (
        a_decision(Reason.ALREADY_SENT, step=Step("overdue", 12)),
        known(said=(said("overdue-7", "2027-07-05"), said("overdue-12", "2027-07-12"))),
        "This reminder was sent on Monday 12 July 2027: 12 working days after. No other reminder of it follows.",
    ),
    "already_sent, by a later step": (
        a_decision(Reason.ALREADY_SENT, step=Step("overdue", 1), **NEXT_STEP),
        known(said=(WARNED, said("overdue-3", "2027-06-24"))),
        "This reminder was sent on Thursday 24 June 2027: 3 working days after. "
        "Next: Wednesday 23 June 2027, on the day it is due.",
    ),
    "already_sent, nobody knows when": (
        a_decision(Reason.ALREADY_SENT),
        Facts(),
        "This reminder was sent: 2 days before. No other reminder of it follows.",
    ),
    "day_off": (
        a_decision(Reason.DAY_OFF, **MONDAY),
        known(day_off="weekend"),
        f"Today is not one of the week's working days. {FROM_MONDAY}",
    ),
    "day_off, a public holiday": (
        a_decision(Reason.DAY_OFF, **MONDAY),
        known(day_off="holiday"),
        f"Today is a public holiday (NZ). {FROM_MONDAY}",
    ),
    "day_off, of the policy": (
        a_decision(Reason.DAY_OFF, **MONDAY),
        known(day_off="own"),
        f"Today is one of the company's own days off. {FROM_MONDAY}",
    ),
    "day_off, the last of a week": (
        a_decision(Reason.DAY_OFF, "last_workday", step=NAG, **MONDAY),
        known(),
        f"Overdue reminders rest on a week's last working day. {FROM_MONDAY}",
    ),
    "outside_hours": (
        a_decision(Reason.OUTSIDE_HOURS, **MONDAY),
        known(),
        "Reminders go out between 09:30 and 17:00 local time. "
        "A reminder can go out on Monday 21 June 2027, from 09:30 local time.",
    ),
    "away": (
        a_decision(Reason.AWAY, **MONDAY),
        known(who=gone("2027-06-14 10:00", "2027-06-22 10:00")),
        "The Slack status says away until Tuesday 22 June 2027, so the reminder waits for the return. "
        "If the deadline falls inside the absence, one reminder goes out all the same. "
        "The bot looks again on Monday 21 June 2027.",
    ),
    "away, back by then": (
        a_decision(Reason.AWAY, **MONDAY),
        known(who=gone("2027-06-14 10:00", "2027-06-21 08:00")),
        "The Slack status says away until Monday 21 June 2027, so the reminder waits for the return. "
        f"If the deadline falls inside the absence, one reminder goes out all the same. {FROM_MONDAY}",
    ),
    "away, and warned": (
        a_decision(Reason.AWAY, **MONDAY),
        known(who=gone("2027-06-14 10:00"), said=(said("before-7", "2027-06-14"),)),
        "The Slack status says away without an end, so the reminder waits for the return. "
        "One reminder of it has gone out all the same. The bot looks again on Monday 21 June 2027.",
    ),
    "away, and said before": (
        a_decision(Reason.AWAY, **MONDAY),
        known(who=gone("2027-06-14 10:00", "2027-06-22 10:00"), said=(said("before-7", "2027-06-13"),)),
        "The Slack status says away until Tuesday 22 June 2027, so the reminder waits for the return. "
        "If the deadline falls inside the absence, one reminder goes out all the same. "
        "The bot looks again on Monday 21 June 2027.",
    ),
    "away, overdue and without an end": (
        a_decision(Reason.AWAY, step=NAG, **MONDAY),
        known(who=gone("2027-06-14 10:00")),
        "The Slack status says away without an end, so the reminder waits for the return. "
        "Overdue reminders wait 14 days at most. The bot looks again on Monday 21 June 2027.",
    ),
    "away, overdue": (
        a_decision(Reason.AWAY, step=NAG, **MONDAY),
        known(who=gone("2027-06-14 10:00", "2027-06-22 10:00")),
        "The Slack status says away until Tuesday 22 June 2027, so the reminder waits for the return. "
        "The bot looks again on Monday 21 June 2027.",
    ),
    "snoozed": (
        a_decision(Reason.SNOOZED, **MONDAY),
        known(who={"snoozed_until_on": on("2027-06-21")}),
        f"Reminders are snoozed until Monday 21 June 2027. {FROM_MONDAY}",
    ),
    "snoozed, past the last warning": (
        a_decision(Reason.SNOOZED, **MONDAY),
        known(who={"snoozed_until_on": on("2027-06-24")}),
        f"Reminders are snoozed until Thursday 24 June 2027, save the last warning. {FROM_MONDAY}",
    ),
    "capped": (
        a_decision(Reason.CAPPED, "week", **MONDAY),
        known(),
        f"At most 3 reminders go to one person in 7 days, the last warning apart; this one waits. {FROM_MONDAY}",
    ),
    "capped, one a week": (
        a_decision(Reason.CAPPED, "week", **MONDAY),
        known(policy=a_policy(caps={"reminders_in_7_days": 1})),
        f"At most 1 reminder goes to one person in 7 days, the last warning apart; this one waits. {FROM_MONDAY}",
    ),
    "capped, today": (
        a_decision(Reason.CAPPED, "today", **MONDAY),
        known(),
        f"There was a reminder today already, and one a day is the most; this one waits. {FROM_MONDAY}",
    ),
    "capped, gap": (
        a_decision(Reason.CAPPED, "gap", step=NAG, **MONDAY),
        known(),
        f"Two overdue reminders of a course are at least 2 days apart. {FROM_MONDAY}",
    ),
    "capped, the course's own gap": (
        a_decision(Reason.CAPPED, "gap", step=NAG, **MONDAY),
        known(policy=CALLED_FIRE),
        f"Two overdue reminders of a course are at least 1 day apart. {FROM_MONDAY}",
    ),
    "stale": (
        a_decision(Reason.STALE, **MONDAY),
        known(pulled_at=local("2027-06-18 23:05", ZONE), now=local("2027-06-21 09:15", ZONE)),
        "The data is from Friday 18 June 2027, 23:05, and nothing is sent by data older than 6 h. "
        "It waits for the next pull; the bot looks again on Monday 21 June 2027, 09:30 local time.",
    ),
    "stale, from the future": (
        a_decision(Reason.STALE, **MONDAY),
        known(pulled_at=local("2027-06-22 23:05", ZONE), now=local("2027-06-21 09:15", ZONE)),
        "The data is from later than now (Tuesday 22 June 2027, 23:05), so nothing is sent by it. "
        "It waits for the next pull; the bot looks again on Monday 21 June 2027, 09:30 local time.",
    ),
    "frozen": (
        a_decision(Reason.FROZEN),
        known(),
        "The safety freeze holds all reminders; an admin can release them (deadline-bot approve).",
    ),
    "send": (
        a_decision(Reason.SEND, **NEXT_STEP),
        known(),
        "A reminder goes out now: 2 days before. Next: Wednesday 23 June 2027, on the day it is due.",
    ),
    "send, the last one": (
        a_decision(Reason.SEND, step=Step("overdue", 12)),
        known(),
        "A reminder goes out now: 12 working days after.",
    ),
    "send, taken along": (
        a_decision(
            Reason.SEND, "gathered", step=NAG, step_on=on("2027-06-28"), next_step=NAG, next_on=on("2027-06-28")
        ),
        known(),
        "A reminder goes out now, along with others, before its day Monday 28 June 2027: 3 working days after.",
    ),
}


@pytest.mark.parametrize(("decision", "facts", "text"), TOLD.values(), ids=list(TOLD))
def test_what_is_said(decision: Decision, facts: Facts, text: str) -> None:
    dated = decision.deadline_on and decision.reason not in UNDATED
    assert explain(words("en"), decision, ZONE, facts=facts) == (f"{DUE_THEN} {text}" if dated else text)


def test_of_every_reason_there_is_a_row() -> None:
    assert {name.split(",")[0] for name in TOLD} == {reason.value for reason in Reason}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("decision", "facts"), [row[:2] for row in TOLD.values()], ids=list(TOLD))
def test_the_next_date_of_a_decision_is_said_in_every_language(decision: Decision, facts: Facts, language: str) -> None:
    """Of what is sent or held by a freeze the next instant is now."""
    there = words(language)
    for known_facts in (facts, Facts()):
        text = explain(there, decision, ZONE, facts=known_facts)
        if decision.next_on and decision.detail != "gathered":
            assert there.date(decision.next_on) in text
        if decision.next_at:
            assert there.date(decision.next_at.astimezone(ZoneInfo(ZONE)).date()) in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("decision", "facts"), [row[:2] for row in TOLD.values()], ids=list(TOLD))
def test_what_is_said_with_all_facts_is_whole_sentences_of_the_language(
    decision: Decision, facts: Facts, language: str
) -> None:
    text = explain(words(language), decision, ZONE, facts=facts)
    assert text.endswith(".")
    assert not set("{}–") & set(text)
    assert language == "en" or text != explain(words("en"), decision, ZONE, facts=facts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_rows_are_said_alike(language: str) -> None:
    texts = {name: explain(words(language), row[0], ZONE, facts=row[1]) for name, row in TOLD.items()}
    alike = {"away, and said before": "away"}
    assert len(set(texts.values())) == len(texts) - len(alike)


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason not in NEXT])
def test_no_next_date_is_claimed_of_what_does_not_change_by_itself(reason: Reason) -> None:
    decision = a_decision(reason, "two_addresses" if reason is Reason.NO_SLACK_MATCH else "")
    later = replace(decision, next_at=local("2027-07-01 09:30", ZONE), **NEXT_STEP)
    assert explain(words("en"), later, ZONE) == explain(words("en"), decision, ZONE)


@pytest.mark.parametrize("reason", sorted(NEXT))
def test_at_the_end_of_the_calendar_there_is_no_next_date(reason: Reason) -> None:
    text = explain(words("en"), a_decision(reason, step=NAG), ZONE, facts=known())
    assert "2027" not in text.replace(DUE_THEN, "")


def test_an_instant_at_the_calendars_own_end_can_be_said() -> None:
    end = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    absence = Absence(seen_at=local("2027-06-14 10:00", ZONE), until_at=end)
    decision = a_decision(Reason.AWAY, next_at=end)
    assert "31 December 9999" in explain(words("en"), decision, ZONE, facts=known(who={"absence": absence}))


def test_a_time_is_written_as_the_language_does() -> None:
    decision = a_decision(Reason.OUTSIDE_HOURS, **MONDAY)
    assert "09:30" in explain(words("en"), decision, ZONE)
    assert "fra kl. 09.30 lokal tid" in explain(words("da"), decision, ZONE)
    assert "ab 09:30 Uhr Ortszeit" in explain(words("de"), decision, ZONE)


def test_a_reminder_that_came_is_told_with_its_day_and_rule() -> None:
    text = received(words("en"), on("2027-06-21"), Step("before", 2))
    assert text == "You got this on Monday 21 June 2027; the rule: 2 days before."


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("raw", ["2027-02-30", "31/12/27", "{course}", "{", "TBD", "٢٠٢٧-٠١-٠١"])
def test_an_impossible_deadline_is_shown_as_it_was_written(raw: str, language: str) -> None:
    assert raw in explain(words(language), a_decision(Reason.INVALID_DEADLINE, raw, deadline_on=None), ZONE)


@given(raw=st.text(max_size=200), language=st.sampled_from(LANGUAGES))
def test_whatever_was_written(raw: str, language: str) -> None:
    assert raw in explain(words(language), a_decision(Reason.INVALID_DEADLINE, raw, deadline_on=None), ZONE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_miss_has_words_of_its_own(language: str) -> None:
    texts = {explain(words(language), a_decision(Reason.NO_SLACK_MATCH, reason), ZONE) for reason in ("", *NoMatch)}
    assert len(texts) == len(NoMatch) + 1


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
