"""policy.md, "Who is who": whom an LMS person is in Slack, or why nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.deadlines.model import Match, Member, NoMatch
from bot.slack.directory import match, normal

Someone = tuple[int, str | None, bool]

KELVIN = "\u212a"  # str.lower() makes a k of it


def lms(person_id: int, email: str | None, *, two_addresses: bool = False) -> Someone:
    """An LMS person."""
    return person_id, email, two_addresses


def live(slack_id: str, email: str | None) -> Member:
    """A Slack person who may be written to."""
    return Member(slack_id=slack_id, email=email)


def dead(slack_id: str, email: str | None) -> Member:
    return Member(slack_id=slack_id, email=email, deleted=True)


def a_bot(slack_id: str, email: str | None) -> Member:
    return Member(slack_id=slack_id, email=email, is_bot=True)


def a_stranger(slack_id: str, email: str | None) -> Member:
    return Member(slack_id=slack_id, email=email, is_stranger=True)


@dataclass(frozen=True, kw_only=True)
class Case:
    """Who is there, and whom person 1 is: a Slack id, or a reason."""

    says: str
    people: Sequence[Someone] = (lms(1, "ada@acme.dk"),)
    members: Sequence[Member]
    domains: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[int, str] = field(default_factory=dict)
    is_: str | NoMatch


ADA = live("U1", "ada@acme.dk")
CASES = [
    Case(says="the same address", members=[ADA], is_="U1"),
    Case(says="letters in another case", members=[live("U1", "ADA@Acme.DK")], is_="U1"),
    Case(says="blanks around it", people=[lms(1, " ada@acme.dk ")], members=[ADA], is_="U1"),
    Case(
        says="a Kelvin sign is no k",
        people=[lms(1, f"{KELVIN}arl@acme.dk")],
        members=[live("U1", "karl@acme.dk")],
        is_=NoMatch.NOT_IN_SLACK,
    ),
    Case(
        says="Å and å differ: only ASCII has no case",
        people=[lms(1, "Åse@acme.dk")],
        members=[live("U1", "åse@acme.dk")],
        is_=NoMatch.NOT_IN_SLACK,
    ),
    Case(
        says="a domain that is another in Slack",
        members=[live("U1", "ada@acme.com")],
        domains={"ACME.dk": "Acme.com"},
        is_="U1",
    ),
    Case(
        says="the address as the LMS has it no longer counts where its domain is another in Slack",
        members=[ADA],
        domains={"acme.dk": "acme.com"},
        is_=NoMatch.NOT_IN_SLACK,
    ),
    Case(
        says="a domain of which ours is only the end",
        people=[lms(1, "ada@eu.acme.dk")],
        members=[live("U1", "ada@eu.acme.com")],
        domains={"acme.dk": "acme.com"},
        is_=NoMatch.NOT_IN_SLACK,
    ),
    Case(
        says="two domains that become one: two LMS people bear the address",
        people=[lms(1, "ada@acme.dk"), lms(2, "ada@acme.com")],
        members=[live("U1", "ada@acme.com")],
        domains={"acme.dk": "acme.com"},
        is_=NoMatch.SHARED_IN_LMS,
    ),
    Case(says="two live Slack people bear it", members=[ADA, live("U2", "Ada@acme.dk")], is_=NoMatch.SHARED_IN_SLACK),
    Case(says="somebody whom two pages name is one", members=[ADA, ADA], is_="U1"),
    Case(
        says="two LMS people bear it",
        people=[lms(1, "ada@acme.dk"), lms(2, "ADA@acme.dk")],
        members=[ADA],
        is_=NoMatch.SHARED_IN_LMS,
    ),
    Case(
        says="one LMS id with two addresses",
        people=[lms(1, "ada@acme.dk", two_addresses=True)],
        members=[ADA],
        is_=NoMatch.TWO_ADDRESSES,
    ),
    Case(
        says="somebody with two addresses shares one of them",
        people=[lms(1, "ada@acme.dk"), lms(2, "ada@acme.dk", two_addresses=True)],
        members=[ADA],
        is_=NoMatch.SHARED_IN_LMS,
    ),
    Case(says="no e-mail", people=[lms(1, None)], members=[live("U1", None)], is_=NoMatch.NO_EMAIL),
    Case(says="an empty e-mail", people=[lms(1, "  ")], members=[live("U1", "")], is_=NoMatch.NO_EMAIL),
    Case(says="no address at all", people=[lms(1, "ada")], members=[live("U1", "ada")], is_=NoMatch.NO_EMAIL),
    Case(
        says="many without an e-mail share nothing",
        people=[lms(1, None), lms(2, ""), lms(3, None)],
        members=[ADA],
        is_=NoMatch.NO_EMAIL,
    ),
    Case(says="nobody in Slack", members=[live("U2", "bo@acme.dk")], is_=NoMatch.NOT_IN_SLACK),
    Case(says="a Slack person whose e-mail we may not see", members=[live("U1", None)], is_=NoMatch.NOT_IN_SLACK),
    Case(says="deactivated", members=[dead("U1", "ada@acme.dk")], is_=NoMatch.DEACTIVATED),
    Case(says="a bot", members=[a_bot("U1", "ada@acme.dk")], is_=NoMatch.BOT),
    Case(says="a Slack Connect stranger", members=[a_stranger("U1", "ada@acme.dk")], is_=NoMatch.STRANGER),
    Case(says="a deactivated twin after the live one", members=[ADA, dead("U2", "ada@acme.dk")], is_="U1"),
    Case(says="a deactivated twin before the live one", members=[dead("U2", "ada@acme.dk"), ADA], is_="U1"),
    Case(
        says="a bot and a stranger beside the live one",
        members=[a_bot("U2", "ada@acme.dk"), ADA, a_stranger("U3", "ada@acme.dk")],
        is_="U1",
    ),
    Case(
        says="two live ones and a deactivated one",
        members=[ADA, dead("U2", "ada@acme.dk"), live("U3", "ada@acme.dk")],
        is_=NoMatch.SHARED_IN_SLACK,
    ),
    Case(says="a link wins over the address", members=[ADA, live("U2", "bo@acme.dk")], links={1: "U2"}, is_="U2"),
    Case(
        says="a link wins where there is no address",
        people=[lms(1, None)],
        members=[live("U2", None)],
        links={1: "U2"},
        is_="U2",
    ),
    Case(
        says="a link wins over two addresses",
        people=[lms(1, "ada@acme.dk", two_addresses=True)],
        members=[ADA],
        links={1: "U1"},
        is_="U1",
    ),
    Case(
        says="a link wins over an address that two share",
        people=[lms(1, "ada@acme.dk"), lms(2, "ada@acme.dk")],
        members=[ADA],
        links={1: "U1"},
        is_="U1",
    ),
    Case(
        says="a link to a dead account does not fall back to the address",
        members=[ADA, dead("U2", None)],
        links={1: "U2"},
        is_=NoMatch.DEACTIVATED,
    ),
    Case(says="a link to a bot", members=[a_bot("U2", None)], links={1: "U2"}, is_=NoMatch.BOT),
    Case(says="a link to a stranger", members=[a_stranger("U2", None)], links={1: "U2"}, is_=NoMatch.STRANGER),
    Case(says="a link to nobody", members=[ADA], links={1: "U9"}, is_=NoMatch.NOT_IN_SLACK),
    Case(
        says="an address whose Slack person is linked to somebody else",
        people=[lms(1, "ada@acme.dk"), lms(2, "bo@acme.dk")],
        members=[ADA],
        links={2: "U1"},
        is_=NoMatch.SHARED_IN_LMS,
    ),
    Case(
        says="two links to one Slack person",
        people=[lms(1, "ada@acme.dk"), lms(2, "bo@acme.dk")],
        members=[ADA],
        links={1: "U1", 2: "U1"},
        is_=NoMatch.SHARED_IN_LMS,
    ),
    Case(says="a link of somebody who has left the LMS holds nobody back", members=[ADA], links={9: "U1"}, is_="U1"),
    Case(
        says="two links to one Slack person, one of somebody who has left",
        members=[ADA],
        links={1: "U1", 9: "U1"},
        is_="U1",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.says)
def test_who_is_who(case: Case) -> None:
    found = match(case.people, case.members, domains=case.domains, links=case.links)[1]
    expected = Match(reason=case.is_) if isinstance(case.is_, NoMatch) else Match(slack_id=case.is_)
    assert found == expected


def test_every_reason_for_a_miss_can_come_about() -> None:
    assert {case.is_ for case in CASES if isinstance(case.is_, NoMatch)} == set(NoMatch)


def test_a_shared_address_leaves_both_people_without_a_match() -> None:
    found = match([lms(1, "a@x.dk"), lms(2, "A@x.dk")], [live("U1", "a@x.dk")], domains={}, links={})
    assert found == {1: Match(reason=NoMatch.SHARED_IN_LMS), 2: Match(reason=NoMatch.SHARED_IN_LMS)}


# ── whatever the data ────────────────────────────────────────────────────────────────────────────────────────────────

EMAILS = st.sampled_from(
    ["a@x.dk", "A@X.dk", " a@x.dk", "a@x.com", "b@x.dk", "k@x.dk", f"{KELVIN}@x.dk", "no", "", None]
)
PEOPLE = st.lists(st.tuples(st.integers(1, 6), EMAILS, st.booleans()), unique_by=lambda one: one[0], max_size=6)
FLAG = st.sampled_from([False, False, False, True])
MEMBERS = st.lists(
    st.builds(
        Member,
        slack_id=st.sampled_from(["U1", "U2", "U3", "U4", "U5"]),
        email=EMAILS,
        deleted=FLAG,
        is_bot=FLAG,
        is_stranger=FLAG,
    ),
    unique_by=lambda member: member.slack_id,
    max_size=5,
)
LINKS = st.dictionaries(st.integers(1, 7), st.sampled_from(["U1", "U2", "U9"]), max_size=3)
DOMAINS = st.sampled_from([{}, {"x.dk": "x.com"}, {"X.COM": "x.dk"}])


@given(people=PEOPLE, members=MEMBERS, domains=DOMAINS, links=LINKS)
def test_everybody_gets_one_slack_id_or_one_reason(
    people: list[Someone], members: list[Member], domains: dict[str, str], links: dict[int, str]
) -> None:
    found = match(people, members, domains=domains, links=links)
    assert found.keys() == {person_id for person_id, _, _ in people}
    assert all((one.slack_id is None) != (one.reason is None) for one in found.values())


@given(people=PEOPLE, members=MEMBERS, domains=DOMAINS, links=LINKS)
def test_no_slack_person_serves_two_lms_people(
    people: list[Someone], members: list[Member], domains: dict[str, str], links: dict[int, str]
) -> None:
    found = match(people, members, domains=domains, links=links)
    served = Counter(one.slack_id for one in found.values() if one.slack_id)
    assert all(times == 1 for times in served.values())


@given(people=PEOPLE, members=MEMBERS, domains=DOMAINS, links=LINKS)
def test_nobody_is_ever_matched_to_a_dead_account_a_bot_or_a_stranger(
    people: list[Someone], members: list[Member], domains: dict[str, str], links: dict[int, str]
) -> None:
    found = match(people, members, domains=domains, links=links)
    candidates = {one.slack_id for one in members if not (one.deleted or one.is_bot or one.is_stranger)}
    assert {one.slack_id for one in found.values() if one.slack_id} <= candidates


@given(people=PEOPLE, members=MEMBERS)
def test_who_is_not_linked_is_matched_by_their_own_address_alone(people: list[Someone], members: list[Member]) -> None:
    found = match(people, members, domains={}, links={})
    borne = {member.slack_id: normal(member.email or "") for member in members}
    for person_id, email, two_addresses in people:
        if slack_id := found[person_id].slack_id:
            assert borne[slack_id] == normal(email or "")
            assert not two_addresses


@given(people=PEOPLE, members=MEMBERS.flatmap(lambda all_: st.tuples(st.just(all_), st.permutations(all_))))
def test_the_order_in_which_slack_lists_its_people_changes_no_match(
    people: list[Someone], members: tuple[list[Member], list[Member]]
) -> None:
    one, other = (match(people, listed, domains={}, links={}) for listed in members)
    assert {k: v.slack_id for k, v in one.items()} == {k: v.slack_id for k, v in other.items()}
