"""Finds out who an LMS person is in Slack, or the reason why nobody is. Pure; nobody is guessed.

policy.md, "Who is who". E-mails match case-insensitively in ASCII only: str.lower() joins addresses that differ (the
Kelvin sign becomes a k).
"""

from __future__ import annotations

import string
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.deadlines.model import Match, Member, NoMatch

ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def normal(email: str) -> str:
    """An address as it is compared: ASCII letters in lower case."""
    return email.strip().translate(ASCII_LOWER)


@dataclass(frozen=True, slots=True)
class _Found:
    """Who bears an address in Slack."""

    slack_ids: tuple[str, ...] = ()  # live people
    instead: NoMatch = NoMatch.NOT_IN_SLACK  # what to say where there is no live person


def match(
    people: Iterable[tuple[int, str | None, bool]],
    members: Iterable[Member],
    *,
    domains: Mapping[str, str],
    links: Mapping[int, str],
) -> dict[int, Match]:
    """Each LMS person's match. `people` are id, address, and whether the id came with two addresses.

    `domains` turns an LMS domain into Slack's; `links` are joined by an admin and win over addresses.
    """
    by_address, standing = _candidates(members)
    aliases = {normal(lms): normal(slack) for lms, slack in domains.items()}
    addresses = {person_id: (_slack_address(email, aliases), two) for person_id, email, two in people}
    bearers: defaultdict[str, int] = defaultdict(int)
    for address, _ in addresses.values():
        bearers[address] += 1
    linked = Counter(links[person_id] for person_id in addresses if person_id in links)
    return {
        person_id: _linked(links[person_id], linked, standing)
        if person_id in links
        else _unless_linked(_by_address(address, two, bearers[address], by_address.get(address, _Found())), linked)
        for person_id, (address, two) in addresses.items()
    }


def _slack_address(email: str | None, aliases: Mapping[str, str]) -> str:
    local, at, domain = normal(email or "").rpartition("@")
    return f"{local}@{aliases.get(domain, domain)}" if at and local else ""


def _candidates(members: Iterable[Member]) -> tuple[dict[str, _Found], dict[str, NoMatch | None]]:
    """Who bears each address, and of each Slack id why it is no candidate (None: it is one)."""
    found: dict[str, _Found] = {}
    standing: dict[str, NoMatch | None] = {}
    for member in {member.slack_id: member for member in members}.values():  # pages may repeat somebody
        reason = standing[member.slack_id] = _not_a_candidate(member)
        if member.email:
            address = normal(member.email)
            before = found.get(address, _Found())
            found[address] = (
                _Found(before.slack_ids, reason) if reason else _Found((*before.slack_ids, member.slack_id))
            )
    return found, standing


def _not_a_candidate(member: Member) -> NoMatch | None:
    """Why this Slack person may not be written to; a guest may."""
    if member.is_bot:
        return NoMatch.BOT
    if member.is_stranger:
        return NoMatch.STRANGER
    return NoMatch.DEACTIVATED if member.deleted else None


def _linked(slack_id: str, linked: Mapping[str, int], standing: Mapping[str, NoMatch | None]) -> Match:
    """An admin's link, unless it leads to nobody who may be written to, or two people's lead to the same."""
    reason = standing.get(slack_id, NoMatch.NOT_IN_SLACK)
    if reason is None and linked[slack_id] > 1:
        reason = NoMatch.SHARED_IN_LMS
    return Match(reason=reason) if reason else Match(slack_id=slack_id)


def _unless_linked(found: Match, linked: Mapping[str, int]) -> Match:
    """A Slack person whom an admin has joined to somebody is nobody else's."""
    return Match(reason=NoMatch.SHARED_IN_LMS) if found.slack_id in linked else found


def _by_address(address: str, two_addresses: bool, bearers: int, found: _Found) -> Match:
    if two_addresses:
        return Match(reason=NoMatch.TWO_ADDRESSES)
    if not address:
        return Match(reason=NoMatch.NO_EMAIL)
    if bearers > 1:
        return Match(reason=NoMatch.SHARED_IN_LMS)
    if len(found.slack_ids) > 1:
        return Match(reason=NoMatch.SHARED_IN_SLACK)
    return Match(slack_id=found.slack_ids[0]) if found.slack_ids else Match(reason=found.instead)
