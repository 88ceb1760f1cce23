"""A person's dossier -> the Person that decisions are made for: zone, language, audience, absence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from bot.deadlines.calendar import zone_info
from bot.deadlines.model import Absence, Learner, Member, Person
from bot.deadlines.terms import Audience, Away
from bot.settings import Settings
from bot.slack.directory import normal
from bot.slack.words import choose
from bot.store import Dossier


def person_of(dossier: Dossier, settings: Settings) -> Person:
    """Everything about somebody that a decision depends on."""
    learner, member = dossier.learner, dossier.member
    return Person(
        person_id=dossier.person_id,
        zone=zone_of(dossier, settings),
        active=learner is not None,
        employment_ends_on=learner.employment_ends_on if learner else None,
        in_audience=_is_in(settings.policy.audience, learner),
        exemptions=dossier.exemptions,
        slack_id=member.slack_id if member else None,
        no_match=dossier.no_match,
        refused_on=dossier.refused_on,
        refusal=dossier.refusal,
        refusals=dossier.refusals,
        told_on=dossier.told_on,
        absence=_absence(settings.policy.away, member, dossier.status_seen_at),
        language=choose(
            member.locale if member else None, learner.language if learner else None, settings.default_language
        ),
        first_name=learner.first_name if learner else "",
    )


def zone_of(dossier: Dossier, settings: Settings) -> str:
    """Slack's zone, else the LMS's, else the setting; what is no zone is passed over."""
    return known_zone((source.timezone for source in (dossier.member, dossier.learner) if source), settings)


def known_zone(wanted: Iterable[str | None], settings: Settings) -> str:
    """The first of these that is a zone, else the setting."""
    return next((zone for zone in wanted if zone and zone_info(zone)), settings.default_timezone)


def _is_in(audience: Audience, learner: Learner | None) -> bool:
    if not (audience.emails or audience.team_ids or audience.department_ids) or learner is None:
        return True
    emails = {normal(email) for email in audience.emails}
    return bool(
        normal(learner.email or "") in emails
        or set(learner.team_ids) & set(audience.team_ids)
        or set(learner.department_ids) & set(audience.department_ids)
    )


def _absence(away: Away, member: Member | None, seen_at: datetime | None) -> Absence | None:
    """What their Slack status says, where it has one of the policy's emoji (in any skin tone) or words."""
    if member is None or seen_at is None or not (member.status_emoji or member.status_text):
        return None
    emoji = re.sub(r":skin-tone-\d:$", "", member.status_emoji)
    text = _words(member.status_text)
    if emoji in away.emoji or any(_words(phrase) in text for phrase in away.words):
        return Absence(seen_at=seen_at, until_at=member.status_until_at)
    return None


def _words(text: str) -> str:
    """A text's words in any case, each between blanks, so that "leave" is not found in "sleeveless"."""
    return " ".join(["", *re.findall(r"\w+", text.casefold()), ""])
