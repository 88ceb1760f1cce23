"""Finds out who an LMS person is in Slack, or the reason why nobody is. Pure; nobody is guessed.

policy.md, "Who is who". E-mails match case-insensitively in ASCII only: str.lower() joins addresses that differ (the
Kelvin sign becomes a k).
"""

from __future__ import annotations

import string
from collections import defaultdict
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
    by_address, live = _candidates(members)
    addresses = {person_id: (_slack_address(email, domains), two) for person_id, email, two in people}
    bearers: defaultdict[str, int] = defaultdict(int)
    for address, _ in addresses.values():
        bearers[address] += 1
    linked = set(links.values())
    return {
        person_id: _linked(links[person_id], live)
        if person_id in links
        else _unless_linked(_by_address(address, two, bearers[address], by_address.get(address, _Found())), linked)
        for person_id, (address, two) in addresses.items()
    }


def _slack_address(email: str | None, domains: Mapping[str, str]) -> str:
    local, at, domain = normal(email or "").rpartition("@")
    aliases = {normal(lms): normal(slack) for lms, slack in domains.items()}
    return f"{local}@{aliases.get(domain, domain)}" if at and local else ""


def _candidates(members: Iterable[Member]) -> tuple[dict[str, _Found], set[str]]:
    found: dict[str, _Found] = {}
    live: set[str] = set()
    for member in members:
        reason = _not_a_candidate(member)
        if reason is None:
            live.add(member.slack_id)
        if member.email:
            address = normal(member.email)
            before = found.get(address, _Found())
            found[address] = (
                _Found(before.slack_ids, reason) if reason else _Found((*before.slack_ids, member.slack_id))
            )
    return found, live


def _not_a_candidate(member: Member) -> NoMatch | None:
    """Why this Slack person may not be written to; a guest may."""
    if member.is_bot:
        return NoMatch.BOT
    if member.is_stranger:
        return NoMatch.STRANGER
    return NoMatch.DEACTIVATED if member.deleted else None


def _linked(slack_id: str, live: set[str]) -> Match:
    return Match(slack_id=slack_id) if slack_id in live else Match(reason=NoMatch.DEACTIVATED)


def _unless_linked(found: Match, linked: set[str]) -> Match:
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
