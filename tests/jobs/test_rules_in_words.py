"""policy.md's rules that only a whole pass can show, as rows of "given, then": real HTTP, a real store, one person.

`given` is what happens, in its order; the day is Tuesday 15 June 2027 where none is named. `then` is what the person's
DMs say of the course now. The other rules are in tests/deadlines/test_rules_in_words.py; that earlier DMs are edited to
stay true is in test_remind.py.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import time

from bot.jobs.remind import remind, sending
from tests.builders import local
from tests.company import Company
from tests.words import DAY, day_in, table

CLOCK = rf"(?:{DAY} )?\d\d:\d\d"
TODAY = "Fire – due today, Tuesday 15 June 2027"


def when(text: str) -> str:
    """ "Wednesday 16 June 10:00" or "10:00" as a company's clock takes it."""
    day, _, clock = text.rpartition(" ")
    return f"{day_in(day or 'Tuesday 15 June')} {clock}"


async def told(company: Company, given: str) -> str:
    """Let it happen; what the DMs say of the course now."""
    company.hire(1)
    for words in given.split("; "):
        act, found = next((act, found) for pattern, act in ACTS.items() if (found := re.fullmatch(pattern, words)))
        await act(company, *found.groups(default=""))
    dms = [
        re.findall(r"^• (.+?)(?: – https?://\S+)?$", message.text, re.MULTILINE) for message in company.slack.messages
    ]
    return ", ".join("+".join(lines) for lines in dms) or "nothing"


# ── what may happen ──────────────────────────────────────────────────────────────────────────────────────────────────


async def due(company: Company, other: str, day: str) -> None:
    company.assign(1, 2 if other else 1, str(day_in(day)))


async def locks(company: Company) -> None:
    company.course(1, "Fire", lock_after_deadline=1)


async def hours(company: Company, start: str, end: str) -> None:
    hours = replace(company.policy.hours, start=time.fromisoformat(start), end=time.fromisoformat(end))
    company.policy = replace(company.policy, hours=hours)


async def in_slack(company: Company, what: str) -> None:
    setattr(company.slack.users["U01"], IN_SLACK[what], True)


async def a_pass(company: Company, clock: str, without_a_pull: str) -> None:
    await company.one_pass(when(clock), pulls=not without_a_pull)


async def planned_and_sent(company: Company, planned: str, sent: str) -> None:
    company.at(when(sent))
    async with company.workspace() as workspace, sending(workspace):
        await remind(workspace, local(when(planned)))


async def finished(company: Company) -> None:
    company.finish(1, 1)


async def moved(company: Company, day: str) -> None:
    company.row(1, 1)["deadline"] = str(day_in(day))


async def silent(company: Company) -> None:
    company.eloomi.down = True


IN_SLACK = {
    "a guest": "is_restricted",
    "a guest of one channel": "is_ultra_restricted",
    "a stranger": "is_stranger",
    "deactivated": "deleted",
    "a bot": "is_bot",
}
ACTS: dict[str, Callable[..., Awaitable[None]]] = {
    rf"(gdpr )?due ({DAY})": due,
    r"it locks at its deadline": locks,
    r"hours from (\S+) to (\S+)": hours,
    r"in Slack (.+)": in_slack,
    rf"pass ({CLOCK})( without a pull)?": a_pass,
    rf"planned ({CLOCK}) and sent ({CLOCK})": planned_and_sent,
    r"finished": finished,
    rf"moved to ({DAY})": moved,
    r"eloomi does not answer": silent,
}

# ── the tables ───────────────────────────────────────────────────────────────────────────────────────────────────────


@table(
    ("due Tuesday 15 June; pass 08:00; pass 09:30 without a pull", TODAY),
    ("due Tuesday 15 June; pass 09:19; finished; pass 09:30 without a pull", "nothing"),
    ("due Tuesday 15 June; pass 09:20; finished; pass 09:30 without a pull", TODAY),
    ("due Tuesday 15 June; pass 08:00; moved to Friday 25 June; pass 09:30 without a pull", "nothing"),
    (
        "due Tuesday 15 June; pass 08:00; moved to Wednesday 16 June; pass 09:30 without a pull",
        "Fire – due tomorrow, Wednesday 16 June 2027",
    ),
    ("due Tuesday 15 June; pass 08:00; eloomi does not answer; pass 09:30 without a pull", "nothing"),
)
async def test_a_course_is_looked_at_again_where_the_last_look_is_over_ten_minutes_old(
    company: Company, given: str, then: str
) -> None:
    assert await told(company, given) == then


@table(
    ("due Tuesday 15 June; planned 16:57 and sent 16:59", TODAY),
    ("due Tuesday 15 June; planned 16:58 and sent 17:00", "nothing"),
    ("hours from 09:30 to 23:59; due Tuesday 15 June; planned 23:56 and sent 23:58", TODAY),
    ("hours from 09:30 to 23:59; due Tuesday 15 June; planned 23:58 and sent Wednesday 16 June 00:01", "nothing"),
    # What was planned is not sent; where the hours allow it, what is right on the new day is.
    (
        "hours from 00:00 to 23:59; due Tuesday 15 June; planned 23:58 and sent Wednesday 16 June 00:01",
        "Fire – was due Tuesday 15 June 2027, 1 day ago",
    ),
    (
        "hours from 09:30 to 23:59; due Thursday 24 June; "
        "planned Thursday 17 June 23:58 and sent Friday 18 June 00:01; "
        "pass Friday 18 June 10:00; pass Friday 18 June 11:00",
        "Fire – due Thursday 24 June 2027, in 6 days",
    ),
    # Planned on Thursday and sent on Friday, it is Friday's one DM.
    (
        "hours from 00:00 to 23:59; due Thursday 24 June; "
        "planned Thursday 17 June 23:58 and sent Friday 18 June 00:01; "
        "gdpr due Friday 18 June; pass Friday 18 June 10:00",
        "Fire – due Thursday 24 June 2027, in 6 days",
    ),
)
async def test_hours_and_the_day_are_checked_once_more_at_each_post(company: Company, given: str, then: str) -> None:
    assert await told(company, given) == then


@table(
    ("due Tuesday 15 June; pass 03:30; pass 09:30 without a pull", TODAY),
    ("due Tuesday 15 June; pass 03:29; pass 09:30 without a pull", "nothing"),
    ("due Tuesday 15 June; pass 03:29; pass 09:30 without a pull; pass 09:45", TODAY),
)
async def test_nothing_is_sent_by_data_older_than_six_hours(company: Company, given: str, then: str) -> None:
    assert await told(company, given) == then


@table(
    ("in Slack a guest; due Tuesday 15 June; pass 10:00", TODAY),
    ("in Slack a guest of one channel; due Tuesday 15 June; pass 10:00", TODAY),
    ("in Slack a stranger; due Tuesday 15 June; pass 10:00", "nothing"),
    ("in Slack deactivated; due Tuesday 15 June; pass 10:00", "nothing"),
    ("in Slack a bot; due Tuesday 15 June; pass 10:00", "nothing"),
)
async def test_a_guest_is_written_to_a_stranger_is_not(company: Company, given: str, then: str) -> None:
    assert await told(company, given) == then


@table(
    ("it locks at its deadline; due Tuesday 15 June; pass 10:00", TODAY),
    (
        "it locks at its deadline; due Monday 14 June; pass 10:00",
        "Fire – was due Monday 14 June 2027 and can no longer be taken. Please talk to your manager.",
    ),
    ("due Monday 14 June; pass 10:00", "Fire – was due Monday 14 June 2027, 1 day ago"),
)
async def test_of_a_course_that_locks_an_overdue_text_names_a_contact(company: Company, given: str, then: str) -> None:
    assert await told(company, given) == then
