"""What may happen to a company, in any order: time and its passes, trouble, and what people and systems do.

Owns the moves alone. After each of them the judge is asked whether a promise was broken.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from bot.deadlines.model import Assignment, Learner, Status
from tests.faults.process import CrashAt, Trouble
from tests.properties.company import QUARTER, WELL, Company
from tests.properties.draws import Beginning, beginnings, one_of, rows, statuses, zones
from tests.properties.facts import Facts
from tests.properties.promises import Judge

A_MINUTE = timedelta(minutes=1)
SEARCHED_DAYS = 5  # that a move waits for something to be due
POSTS = ("stored_500", "500", "stored_timeout", "timeout", "late", "429", "drop", "stored_drop", "refused")
READS = ("ok", "ok", "500", "channel_not_found", "timeout")
STEPS_OF_A_PASS = (
    "chat.postMessage",
    "outbox.claim",
    "outbox.sent",
    "outbox.save",
    "outbox.unknown",
    "outbox.drop_planned",
    "outbox.hold_planned",
    "writer.commit",
    "passes.freeze",
    "passes.ended",
)
A_DAY = timedelta(days=1)
ROW_CHANGES: dict[str, Callable[[Assignment, datetime, int], dict[str, Any]]] = {
    "is finished": lambda row, now, days: {"status": Status.COMPLETED},
    "has another deadline": lambda row, now, days: {"deadline_on": row.deadline_on and row.deadline_on + days * A_DAY},
    "is finished no more": lambda row, now, days: {"status": Status.STARTED},  # by a glitch, or it is to be taken again
    "is assigned anew": lambda row, now, days: {"assigned_at": now - abs(days) * timedelta(hours=5)},
    "is required or not": lambda row, now, days: {"required": not row.required},
}
nth = st.integers(0, 5)  # of the people, the courses
nth_row = st.integers(0, 35)


class CompanyMachine(RuleBasedStateMachine):
    """A company to which anything may happen."""

    only: ClassVar[str] = ""  # a promise: the others are not asked about
    focus: ClassVar[Callable[[Beginning], Beginning]] = staticmethod(lambda beginning: beginning)
    company: Company
    judge: Judge

    @initialize(beginning=beginnings())
    def begin(self, beginning: Beginning) -> None:
        """The bot is installed."""
        beginning = type(self).focus(beginning)
        self.company = Company(beginning.facts, beginning.terms, beginning.at)
        self.judge = Judge(company=self.company, only=self.only)
        self._gone: dict[int, Learner] = {}
        self.live(self.company.next_tick() - self.company.now())

    def teardown(self) -> None:
        """Nothing is left."""
        if hasattr(self, "company"):
            self.company.close()

    # ── time ──

    def live(self, span: timedelta) -> None:
        """So much time passes, with a tick at each quarter of an hour."""
        since = self.company.now()
        self.company.run(self._live_until(since + span))
        self.judge.passed(since)
        self.judge.settle()

    async def _live_until(self, until: datetime) -> None:
        company = self.company
        while (tick := company.next_tick()) <= until:
            await company.until(tick)
            if not company.is_idle(tick):
                await self.tick(WELL)
            await company.until(tick + A_MINUTE)
        await company.until(until)

    async def tick(self, trouble: Trouble) -> None:
        """One pass."""
        company = self.company
        is_well = trouble is WELL and not company.lms_is_down and not company.fates
        went_well = await company.tick(trouble)
        self.judge.ticked(went_well=went_well, is_well=is_well)

    @rule(minutes=st.integers(1, 24 * 60))
    def some_hours_pass(self, minutes: int) -> None:
        """With their passes."""
        self.live(timedelta(minutes=minutes))

    @rule(days=st.integers(1, 4))
    def some_days_pass(self, days: int) -> None:
        """With their passes."""
        self.live(days * A_DAY)

    @rule()
    def something_falls_due(self) -> None:
        """The pass in which somebody is written to has just been."""
        if self._wait_for_something_due():
            self.live(2 * A_MINUTE)

    def _wait_for_something_due(self) -> bool:
        """Live until just before somebody will be written to, as far as can be foreseen."""
        company = self.company
        found = company.foresee(SEARCHED_DAYS).days
        at = min((f.at for day in found for f in day.notices if f.at > company.now()), default=None)
        if at is not None:
            self.live(at - company.now() - A_MINUTE)
        return at is not None

    @rule(times=st.integers(1, 2), only=st.one_of(st.none(), nth))
    def a_pass_by_hand(self, times: int, only: int | None) -> None:
        """Another pass in between, over everybody or over one person, once or twice."""
        person = None if only is None else self._person(only)
        self.judge.approved |= person is not None  # a pass for one person is no measure
        for _ in range(times):
            self.company.run(self.company.remind(person))
            self.judge.ticked(went_well=True, whole=person is None)
        self.live(timedelta(0))

    @rule(minutes=st.integers(15, 3 * 24 * 60))
    def an_outage(self, minutes: int) -> None:
        """The machine sleeps: no pass until it wakes up."""
        self.company.run(self.company.until(self.company.now() + timedelta(minutes=minutes)))
        self.judge.trouble()
        self.live(timedelta(0))

    # ── trouble ──

    @rule(hours=st.integers(1, 30))
    def the_lms_is_down(self, hours: int) -> None:
        """Passes go on by what is stored, for so long as it is fresh."""
        self.company.lms_is_down = True
        self.judge.trouble()
        self.live(timedelta(hours=hours))
        self.company.lms_is_down = False
        self.judge.trouble()

    @rule(posts=st.lists(one_of(*POSTS), min_size=1, max_size=4), reads=st.lists(one_of(*READS), max_size=8))
    def slack_is_not_well(self, posts: list[str], reads: list[str]) -> None:
        """The next posts meet trouble, and so may the reading back."""
        self.company.fates = {"chat.postMessage": deque(posts), "conversations.history": deque(reads)}
        self._something_falls_due_in(WELL)
        self.company.fates = {}
        self.live(timedelta(0))

    @rule(
        name=one_of(*STEPS_OF_A_PASS),
        number=st.integers(1, 3),
        when=one_of("before", "after", "flying"),
        ticks_later=st.integers(0, 3),
    )
    def the_bot_dies(self, name: str, number: int, when: str, ticks_later: int) -> None:
        """Around some step of a pass; it begins again at once or some ticks later."""
        when = "after" if when == "flying" and name != "chat.postMessage" else when
        self._something_falls_due_in(Trouble(crash=CrashAt(name=name, nth=number, when=when, flight_seconds=2)))
        self.company.run(self.company.until(self.company.now() + ticks_later * QUARTER + timedelta(seconds=4)))
        self.live(timedelta(0))

    def _something_falls_due_in(self, trouble: Trouble) -> None:
        if not self._wait_for_something_due():
            return
        self.judge.trouble()
        self.company.run(self.company.until(self.company.next_tick()))
        self.company.run(self.tick(trouble))
        self.judge.trouble()
        self.judge.settle()

    @rule(n=nth)
    def slack_refuses_somebody_or_no_more(self, n: int) -> None:
        """Their DMs, always."""
        accounts = sorted(self.company.facts.members)
        self.company.refusing ^= {accounts[n % len(accounts)]}

    # ── admins ──

    @rule()
    def an_admin_approves(self) -> None:
        """What is frozen is released."""
        self.judge.approved |= self.company.approve() is not None

    @rule(n=nth, which=st.one_of(st.none(), nth), days=st.one_of(st.none(), st.integers(0, 6)))
    def an_admin_exempts(self, n: int, which: int | None, days: int | None) -> None:
        """Somebody from a course or from every one, for some days or for good; or that ends, where it was so."""
        person_id, course_id = self._person(n), None if which is None else self._course(which)
        if any(whose == person_id for whose, _ in self.company.exempt):
            self.company.unexempt(person_id)
            self.judge.touch(person_id)
            return
        until_on = None if days is None else self.company.today_of(person_id) + days * A_DAY
        self.company.exempt_until(person_id, course_id, until_on)
        self.judge.touch(person_id, course_id)

    # ── what the LMS says ──

    def _person(self, n: int) -> int:
        people = sorted(self.company.facts.learners.keys() | self._gone.keys())
        return people[n % len(people)]

    def _course(self, n: int) -> int:
        found = sorted(self.company.facts.courses)
        return found[n % len(found)]

    def _become(self, facts: Facts, person_id: int | None = None, course_id: int | None = None) -> None:
        self.company.become(facts)
        self.judge.touch(person_id, course_id)

    @rule(n=nth_row, how=one_of(*ROW_CHANGES), days=st.integers(-5, 14))
    def a_row(self, n: int, how: str, days: int) -> None:
        """As its person, an admin or the LMS itself will have it."""
        if found := self.company.facts.rows:
            row = found[n % len(found)]
            changes = ROW_CHANGES[how](row, self.company.now().replace(microsecond=0), days)
            self._become(self.company.facts.with_changed(row, **changes), row.person_id, row.course_id)

    @rule(n=nth_row, how=one_of("comes twice", "is withdrawn"))
    def the_same_row(self, n: int, how: str) -> None:
        """Once more, or no more."""
        if found := self.company.facts.rows:
            row, facts = found[n % len(found)], self.company.facts
            after = facts.without_row(row) if how == "is withdrawn" else facts.with_row(replace(row))
            self._become(after, row.person_id, row.course_id)

    @rule(data=st.data(), n=nth, which=nth, everybody=st.booleans())
    def a_new_row(self, data: st.DataObject, n: int, which: int, everybody: bool) -> None:
        """A new assignment, or one more row for the same person and course; or a course for everybody."""
        person_id, course_id = self._person(n), self._course(which)
        row = data.draw(rows(person_id, course_id, self.company.now()))
        for one in sorted(self.company.facts.learners) if everybody else [person_id]:
            self._become(self.company.facts.with_row(replace(row, person_id=one)), one, course_id)

    @rule(n=nth)
    def a_course_is_switched_on_or_off(self, n: int) -> None:
        """In the LMS."""
        course = self.company.facts.courses[self._course(n)]
        self._become(self.company.facts.with_course(replace(course, active=not course.active)), None, course.course_id)

    # ── people ──

    @rule(n=nth, days=st.one_of(st.none(), st.integers(-1, 6)))
    def somebody_leaves_or_comes_back(self, n: int, days: int | None) -> None:
        """At once, their rows staying; or their employment ends on a day to come."""
        facts, person_id = self.company.facts, self._person(n)
        learner = facts.learners.get(person_id)
        if learner is None:
            self._become(facts.with_learner(self._gone.pop(person_id)), person_id)
        elif days is None:
            self._gone[person_id] = replace(learner, employment_ends_on=None)
            self._become(facts.without_learner(person_id), person_id)
        else:
            ends_on = self.company.now().date() + days * A_DAY
            self._become(facts.with_learner(replace(learner, employment_ends_on=ends_on)), person_id)

    @rule(n=nth, status=statuses)
    def somebody_has_a_status(self, n: int, status: tuple[tuple[str, str], int | None]) -> None:
        """With an end or without; also none."""
        (text, emoji), hours = status
        until_at = self.company.now().replace(second=0, microsecond=0) + timedelta(hours=hours) if hours else None
        self._account(n, status_text=text, status_emoji=emoji, status_until_at=until_at)

    @rule(n=nth, zone=zones)
    def somebody_travels(self, n: int, zone: str) -> None:
        """Slack's zone follows them."""
        self._account(n, timezone=zone)

    @rule(n=nth, how=one_of("is deactivated or back", "is replaced"))
    def an_account(self, n: int, how: str) -> None:
        """In Slack; a new one has the address of the old."""
        member = self._account(n)
        if how == "is replaced" and not member.deleted:
            self._account(n, deleted=True)
            self._become(self.company.facts.with_member(replace(member, slack_id=f"{member.slack_id}X")))
        elif how != "is replaced":
            self._account(n, deleted=not member.deleted)

    def _account(self, n: int, **changes: Any) -> Any:
        """The account, changed so."""
        facts = self.company.facts
        member = facts.members[sorted(facts.members)[n % len(facts.members)]]
        if changes:
            self._become(facts.with_member(replace(member, **changes)), self.company.person_of(member.slack_id))
        return member
