"""Admins of the small company, and what they have been told."""

from __future__ import annotations

from bot.demo.slack_state import Message
from tests.builders import COPENHAGEN
from tests.company import Company

ADA, BO = "U0901", "U0902"


def appoint(company: Company, *slack_ids: str, zone: str = COPENHAGEN, locale: str = "en-GB") -> None:
    """These are admins, besides those that there are: in Slack alone."""
    for slack_id in slack_ids:
        company.slack.add_user(slack_id, email=f"{slack_id}@admins.example", name=slack_id, tz=zone, locale=locale)
    company.wishes["slack_admins"] = (*company.wishes.get("slack_admins", ()), *slack_ids)


def letters(company: Company, slack_id: str = ADA) -> list[Message]:
    """What this person was told besides reminders and answers."""
    return [
        message
        for message in company.slack.messages
        if message.slack_id == slack_id and (message.metadata or {}).get("event_type") == "deadline_digest"
    ]


def told(company: Company, slack_id: str = ADA) -> list[str]:
    """How each of them begins: its text up to the first colon or full stop, without markup."""
    return [message.text.replace("*", "").split(":")[0].split(".")[0] for message in letters(company, slack_id)]
