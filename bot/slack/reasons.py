"""A decision in words: what the Why button, `explain` and the admin read. Pure; one text a reason.

Short, true, with the next date on which something will happen.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date

from bot.deadlines.calendar import zone_info
from bot.deadlines.model import Decision, NoMatch, Reason, Step
from bot.slack.words import Words

AHEAD = frozenset({Reason.NOT_DUE_YET, Reason.ALREADY_SENT})  # the next step is what a person asks for
HELD_BACK = frozenset({Reason.DAY_OFF, Reason.OUTSIDE_HOURS, Reason.AWAY, Reason.SNOOZED, Reason.CAPPED})


def _(message: str) -> str:
    """Marks a text for the catalogues; it is looked up when it is said."""
    return message


def explain(words: Words, decision: Decision, zone: str) -> str:
    """One or two sentences: why this assignment does or does not bring a reminder now, and what comes next.

    `zone` is the person's: dates are their local ones.
    """
    said = (TEXTS[decision.reason](words, decision), _next(words, decision), _again(words, decision, zone))
    return " ".join(part for part in said if part)


def received(words: Words, said_on: date, step: Step) -> str:
    """Why a reminder came on that day."""
    return words.t("You got this on {date}; the rule: {step}.", date=words.date(said_on), step=step_name(words, step))


def step_name(words: Words, step: Step) -> str:
    """A step as people say it: "2 days before"."""
    if step.kind == "due":
        return words.t("on the day it is due")
    if step.kind == "before":
        return words.n("{count} day before", "{count} days before", step.days)
    return words.n("{count} working day after", "{count} working days after", step.days)


def _next(words: Words, decision: Decision) -> str:
    if decision.next_on is None or decision.next_step is None or decision.reason not in AHEAD:
        return ""
    return words.t(
        "Next: {date}, {step}.", date=words.date(decision.next_on), step=step_name(words, decision.next_step)
    )


def _again(words: Words, decision: Decision, zone: str) -> str:
    """From when a reminder that waits can go."""
    if decision.next_at is None or decision.reason not in HELD_BACK:
        return ""
    local = decision.next_at.astimezone(zone_info(zone) or UTC)
    return words.t("It can go from {date}.", date=words.date(local.date()))


def _with_deadline(words: Words, decision: Decision, text: str) -> str:
    return words.t(text, date=_date(words, decision.deadline_on), step=_step(words, decision))


def _date(words: Words, day: date | None) -> str:
    return words.date(day) if day else "–"


def _step(words: Words, decision: Decision) -> str:
    return step_name(words, decision.step) if decision.step else "–"


def _no_match(words: Words, decision: Decision) -> str:
    texts = {
        NoMatch.NO_EMAIL: words.t("The learning system has no e-mail address for this person."),
        NoMatch.TWO_ADDRESSES: words.t("The learning system gives two e-mail addresses for this person."),
        NoMatch.SHARED_IN_LMS: words.t("Two people in the learning system share this e-mail address."),
        NoMatch.SHARED_IN_SLACK: words.t("Two people in Slack share this e-mail address."),
        NoMatch.NOT_IN_SLACK: words.t("Nobody in Slack has this e-mail address."),
        NoMatch.DEACTIVATED: words.t("The Slack account is deactivated."),
        NoMatch.BOT: words.t("The Slack account with this e-mail address is a bot."),
        NoMatch.STRANGER: words.t("The Slack account with this e-mail address belongs to another company."),
    }
    return texts.get(NoMatch(decision.detail) if decision.detail else NoMatch.NOT_IN_SLACK, "")


def _capped(words: Words, decision: Decision) -> str:
    if decision.detail == "today":
        return words.t("There was a reminder today already; this course waits for another day.")
    if decision.detail == "gap":
        return words.t("The last reminder of this course is too recent; the next one waits.")
    return words.t("There were several reminders in the last 7 days; this one waits.")


def _course_inactive(words: Words, decision: Decision) -> str:
    if decision.detail == "switched_off":
        return words.t("Reminders are switched off for this course.")
    return words.t("The course is not active.")


def _day_off(words: Words, decision: Decision) -> str:
    if decision.detail == "last_workday":
        return words.t("Overdue reminders rest on a week's last working day.")
    return words.t("Today is a day off.")


def _send(words: Words, decision: Decision) -> str:
    if decision.detail == "gathered":
        return _with_deadline(words, decision, _("A reminder goes out now with others. Due {date}."))
    return _with_deadline(words, decision, _("A reminder goes out now: {step}. Due {date}."))


def _said(text: str) -> Callable[[Words, Decision], str]:
    return lambda words, decision: _with_deadline(words, decision, text)


TEXTS: dict[Reason, Callable[[Words, Decision], str]] = {
    Reason.SUPERSEDED: _said(_("A newer assignment of the same course counts instead.")),
    Reason.COMPLETED: _said(_("The course is finished.")),
    Reason.NOT_REQUIRED: _said(_("The course is not required.")),
    Reason.COURSE_INACTIVE: _course_inactive,
    Reason.PERSON_INACTIVE: _said(_("The person is not active in the learning system.")),
    Reason.NOT_IN_AUDIENCE: _said(_("Reminders are not switched on for this person yet.")),
    Reason.EXEMPT: _said(_("An admin has made an exemption.")),
    Reason.NO_DEADLINE: _said(_("The course has no deadline.")),
    Reason.INVALID_DEADLINE: lambda words, d: words.t(
        "The deadline is no real day: {raw}. An admin can correct it in the learning system.", raw=d.detail
    ),
    Reason.NO_SLACK_MATCH: _no_match,
    Reason.UNDELIVERABLE: lambda words, d: words.t(
        "Slack did not deliver today ({error}); the bot tries again on another day.", error=d.detail
    ),
    Reason.GAVE_UP: _said(_("Due {date}. Reminders have ended.")),
    Reason.NOT_DUE_YET: _said(_("Due {date}. No reminder is due yet.")),
    Reason.ALREADY_SENT: _said(_("Due {date}. This reminder was sent: {step}.")),
    Reason.DAY_OFF: _day_off,
    Reason.OUTSIDE_HOURS: _said(_("Due {date}. The reminder waits for working hours.")),
    Reason.AWAY: _said(_("Due {date}. The Slack status says away, so the reminder waits.")),
    Reason.SNOOZED: _said(_("Due {date}. Reminders are snoozed.")),
    Reason.CAPPED: _capped,
    Reason.STALE: _said(_("The data is too old to send anything by it.")),
    Reason.FROZEN: _said(_("All reminders are held until an admin approves them.")),
    Reason.SEND: _send,
}
