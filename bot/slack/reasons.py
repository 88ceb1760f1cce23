"""A decision in words: what the Why button, `explain` and the admin read. Pure; one text a reason.

Short, true, with the next date on which something will happen (upcoming.py). The person themself and an admin read the
same words.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from bot.deadlines.model import Decision, NoMatch, Reason, Step
from bot.slack.upcoming import NOTHING, Case, Facts, step_name, upcoming
from bot.slack.words import Words

__all__ = ["TEXTS", "Facts", "explain", "received", "step_name"]

# What is said of these does not depend on the deadline.
UNDATED = frozenset(
    {
        Reason.COMPLETED,
        Reason.NOT_REQUIRED,
        Reason.COURSE_INACTIVE,
        Reason.PERSON_INACTIVE,
        Reason.NOT_IN_AUDIENCE,
        Reason.NO_DEADLINE,
        Reason.INVALID_DEADLINE,
    }
)


def explain(words: Words, decision: Decision, zone: str, *, facts: Facts = NOTHING) -> str:
    """A few short sentences: why this assignment does or does not bring a reminder now, and what comes next.

    `zone` is the person's: dates and times are their local ones.
    """
    case = Case(words=words, decision=decision, zone=zone, facts=facts)
    said = (_due(case), TEXTS[decision.reason](case), upcoming(case))
    return " ".join(part for part in said if part)


def received(words: Words, said_on: date, step: Step) -> str:
    """Why a reminder came on that day."""
    return words.t("You got this on {date}; the rule: {step}.", date=words.date(said_on), step=step_name(words, step))


def _(message: str) -> str:
    """Marks a text for the catalogues; it is looked up when it is said."""
    return message


def _due(case: Case) -> str:
    due_on = case.decision.deadline_on
    if due_on is None or case.decision.reason in UNDATED:
        return ""
    return case.words.t("Due {date}.", date=case.words.date(due_on))


def _superseded(case: Case) -> str:
    if case.facts.governs_on:
        on = case.words.date(case.facts.governs_on)
        return case.words.t("Another assignment of the same course counts instead: the one due {date}.", date=on)
    return case.words.t("Another assignment of the same course counts instead.")


def _course_inactive(case: Case) -> str:
    if case.decision.detail == "switched_off":
        return case.words.t("Reminders are switched off for this course.")
    return case.words.t("The course is not active in the learning system.")


def _person_inactive(case: Case) -> str:
    if case.decision.detail != "employment_ended":
        return case.words.t("The learning system does not list this person as active or pending.")
    ended_on = case.facts.person.employment_ends_on if case.facts.person else None
    if ended_on is None:
        return case.words.t("The employment has ended, by the learning system.")
    return case.words.t("The employment ended on {date}, by the learning system.", date=case.words.date(ended_on))


def _exempt(case: Case) -> str:
    if not case.decision.detail:
        return case.words.t("An admin has made an exemption that has no end.")
    until = case.words.date(date.fromisoformat(case.decision.detail))
    return case.words.t("An admin has made an exemption up to and including {date}.", date=until)


def _invalid_deadline(case: Case) -> str:
    return case.words.t(
        "The deadline is no real day: “{raw}”. An admin can correct it in the learning system.",
        raw=case.decision.detail,
    )


def _no_match(case: Case) -> str:
    words, detail = case.words, case.decision.detail
    if not detail:
        return words.t("No Slack account is known for this person.")
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
    return texts[NoMatch(detail)]


def _undeliverable(case: Case) -> str:
    words, person, error = case.words, case.facts.person, case.decision.detail or "–"
    if person is None or person.refused_on is None:
        return words.t("Slack refused the last message ({error}).", error=error)
    return words.n(
        "Slack refused the message of {date} ({error}).",
        "Slack has refused {count} messages in a row, the last on {date} ({error}).",
        max(1, person.refusals),
        date=words.date(person.refused_on),
        error=error,
    )


def _gave_up(case: Case) -> str:
    words, steps = case.words, case.steps
    if steps is None or case.facts.said is None:
        return words.t("Reminders have ended.")
    if case.said:
        return words.n(
            "Reminders have ended: they stop after {count} day.",
            "Reminders have ended: they stop after {count} days.",
            steps.give_up_after_days,
        )
    return words.n(
        "No reminder was ever sent, and after more than {count} day none is begun.",
        "No reminder was ever sent, and after more than {count} days none is begun.",
        max(steps.give_up_after_days, steps.first_reminder_within_days),
    )


def _not_due_yet(case: Case) -> str:
    return case.words.t("No reminder is due yet.") if case.decision.next_on else case.words.t("No reminder is due.")


def _already_sent(case: Case) -> str:
    """The step itself, or a later one that stands for it."""
    words, heard = case.words, sorted(case.said, key=lambda s: (s.step == case.decision.step, s.said_on))
    if not heard:
        return words.t("This reminder was sent: {step}.", step=case.step)
    on, step = words.date(heard[-1].said_on), step_name(words, heard[-1].step)
    return words.t("This reminder was sent on {date}: {step}.", date=on, step=step)


def _day_off(case: Case) -> str:
    words, facts = case.words, case.facts
    if case.decision.detail == "last_workday":
        return words.t("Overdue reminders rest on a week's last working day.")
    if facts.day_off == "weekend":
        return words.t("Today is not one of the week's working days.")
    if facts.day_off == "own":
        return words.t("Today is one of the company's own days off.")
    if facts.day_off == "holiday":
        return words.t("Today is a public holiday ({country}).", country=facts.country or "–")
    return words.t("Today is a day off.")


def _outside_hours(case: Case) -> str:
    words, policy = case.words, case.facts.policy
    if policy is None:
        return words.t("The reminder waits for the sending hours.")
    start, end = words.time(policy.hours.start), words.time(policy.hours.end)
    return words.t("Reminders go out between {start} and {end} local time.", start=start, end=end)


def _away(case: Case) -> str:
    words, absence = case.words, case.facts.person.absence if case.facts.person else None
    if absence is None:
        return words.t("The Slack status says away, so the reminder waits.")
    if absence.until_at is None:
        why = words.t("The Slack status says away without an end, so the reminder waits for the return.")
    else:
        until = words.date(case.local(absence.until_at).date())
        why = words.t("The Slack status says away until {date}, so the reminder waits for the return.", date=until)
    return " ".join(part for part in (why, _but(case)) if part)


def _but(case: Case) -> str:
    """What goes out in spite of an absence."""
    words, absence = case.words, case.facts.person.absence if case.facts.person else None
    if absence is None:
        return ""
    if case.decision.step and case.decision.step.kind == "overdue":
        if absence.until_at or case.facts.policy is None:
            return ""
        most = case.facts.policy.away.nag_wait_days
        return words.n(
            "Overdue reminders wait {count} day at most.", "Overdue reminders wait {count} days at most.", most
        )
    seen_on = case.local(absence.seen_at).date()
    if any(s.said_on >= seen_on for s in case.said):
        return words.t("One reminder of it has gone out all the same.")
    return words.t("If the deadline falls inside the absence, one reminder goes out all the same.")


def _snoozed(case: Case) -> str:
    words, until_on = case.words, case.facts.person.snoozed_until_on if case.facts.person else None
    if until_on is None:
        return words.t("Reminders are snoozed.")
    if case.next_on and case.next_on < until_on:
        return words.t("Reminders are snoozed until {date}, save the last warning.", date=words.date(until_on))
    return words.t("Reminders are snoozed until {date}.", date=words.date(until_on))


def _capped(case: Case) -> str:
    words, policy, steps = case.words, case.facts.policy, case.steps
    if case.decision.detail == "today":
        return words.t("There was a reminder today already, and one a day is the most; this one waits.")
    if case.decision.detail == "gap":
        if steps is None:
            return words.t("The last overdue reminder of this course is too recent.")
        return words.n(
            "Two overdue reminders of a course are at least {count} day apart.",
            "Two overdue reminders of a course are at least {count} days apart.",
            steps.overdue_min_gap_days,
        )
    if policy is None:
        return words.t("There were several reminders in the last 7 days; this one waits.")
    return words.n(
        "At most {count} reminder goes to one person in 7 days, the last warning apart; this one waits.",
        "At most {count} reminders go to one person in 7 days, the last warning apart; this one waits.",
        policy.caps.reminders_in_7_days,
    )


def _stale(case: Case) -> str:
    words, pulled_at, policy = case.words, case.facts.pulled_at, case.facts.policy
    if pulled_at is None or policy is None:
        return words.t("The data is too old to send anything by it.")
    at = case.local(pulled_at)
    on, time = words.date(at.date()), words.time(at.time())
    if case.facts.now and pulled_at > case.facts.now:
        return words.t(
            "The data is from later than now ({date}, {time}), so nothing is sent by it.", date=on, time=time
        )
    return words.t(
        "The data is from {date}, {time}, and nothing is sent by data older than {hours} h.",
        date=on,
        time=time,
        hours=words.number(policy.pull.stale_after_hours),
    )


def _send(case: Case) -> str:
    words, decision = case.words, case.decision
    if decision.detail != "gathered":
        return words.t("A reminder goes out now: {step}.", step=case.step)
    if decision.step_on is None:
        return words.t("A reminder goes out now, along with others: {step}.", step=case.step)
    own_day = words.date(decision.step_on)
    return words.t(
        "A reminder goes out now, along with others, before its day {date}: {step}.", date=own_day, step=case.step
    )


def _plainly(text: str) -> Callable[[Case], str]:
    return lambda case: case.words.t(text)


TEXTS: dict[Reason, Callable[[Case], str]] = {
    Reason.SUPERSEDED: _superseded,
    Reason.COMPLETED: _plainly(_("The course is finished.")),
    Reason.NOT_REQUIRED: _plainly(_("The course is not required.")),
    Reason.COURSE_INACTIVE: _course_inactive,
    Reason.PERSON_INACTIVE: _person_inactive,
    Reason.NOT_IN_AUDIENCE: _plainly(_("Reminders are not switched on for this person yet (the policy's audience).")),
    Reason.EXEMPT: _exempt,
    Reason.NO_DEADLINE: _plainly(_("The course has no deadline.")),
    Reason.INVALID_DEADLINE: _invalid_deadline,
    Reason.NO_SLACK_MATCH: _no_match,
    Reason.UNDELIVERABLE: _undeliverable,
    Reason.GAVE_UP: _gave_up,
    Reason.NOT_DUE_YET: _not_due_yet,
    Reason.ALREADY_SENT: _already_sent,
    Reason.DAY_OFF: _day_off,
    Reason.OUTSIDE_HOURS: _outside_hours,
    Reason.AWAY: _away,
    Reason.SNOOZED: _snoozed,
    Reason.CAPPED: _capped,
    Reason.STALE: _stale,
    Reason.FROZEN: _plainly(
        _("The safety freeze holds all reminders; an admin can release them (deadline-bot approve).")
    ),
    Reason.SEND: _send,
}
