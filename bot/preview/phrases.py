"""What the terminal and the page both say of a forecast; texts only."""

from __future__ import annotations

from bot.deadlines.model import Reason
from bot.preview.view import View
from bot.slack.words import Words


def _(message: str) -> str:
    """Marks a text for the catalogues; it is looked up when it is said."""
    return message


# Short names for what reasons.explain says in a sentence.
LABELS = {
    Reason.NOT_IN_AUDIENCE: _("Reminders not switched on yet"),
    Reason.EXEMPT: _("Exempt"),
    Reason.INVALID_DEADLINE: _("Deadline is no real day"),
    Reason.NO_SLACK_MATCH: _("Not found in Slack"),
    Reason.UNDELIVERABLE: _("Slack does not deliver"),
    Reason.DAY_OFF: _("Day off"),
    Reason.OUTSIDE_HOURS: _("Outside working hours"),
    Reason.AWAY: _("Away"),
    Reason.SNOOZED: _("Snoozed"),
    Reason.CAPPED: _("Enough reminders for now"),
    Reason.STALE: _("Data too old"),
    Reason.FROZEN: _("Held for approval"),
}


def label(words: Words, reason: Reason) -> str:
    """The heading of a reason for which something is held back."""
    return words.t(LABELS[reason])


def why_empty(words: Words, view: View) -> str:
    """Why no message goes on any of the days."""
    if view.totals.held:
        return words.t("No messages: all that there is to say is held back.")
    if not view.pulled.assignments:
        return words.t("No messages: the last pull brought no assignment.")
    return words.t("No messages: no open required course has a reminder due in these days.")


def group(words: Words, *, waits: bool) -> str:
    """The heading over the reasons that pass by themselves, or over those that do not."""
    return words.t("Waits, and passes by itself") if waits else words.t("Goes to nobody until somebody acts")


def after_a_freeze(words: Words) -> str:
    """What a freeze means and what to do."""
    return words.t(
        "The bot then stops and waits. Look at the figures and run: deadline-bot approve. The next pass sends. "
        "This forecast takes each as approved at once."
    )


def many(count: int, one: str, more: str = "") -> str:
    """A count with its word, in English."""
    return f"{count:,} {one if count == 1 else more or f'{one}s'}"
