"""What must always hold (policy.md), asked of each DM as it arrives and of each stretch of time that has passed.

Owns one check for each promise, named in `PROMISES`. It is worked out from what the LMS and Slack had told the bot by
then and from the DMs that have arrived; nothing of the program decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from bot.deadlines.model import Assignment, Status
from bot.deadlines.terms import Steps
from tests.properties.company import DECISIONS, FROZEN, HELD_BY_PULL, Company, Dm, Told
from tests.properties.days import A_DAY, Days, instant, local
from tests.properties.facts import governing, is_open, says_away

LOOK_AGAIN = timedelta(minutes=10)  # policy.md, "Just completed"
FLIGHT = timedelta(seconds=15)  # that a post may take
MEASURE = timedelta(days=14)
WEEK_DAYS = 7
EXCUSE = "LmsShrunk"  # what a second look brought is not believed: then the LMS is not well


class Broken(AssertionError):
    """A promise was broken; the text begins with its name."""


@dataclass(kw_only=True)
class Judge:
    """Watches one company."""

    company: Company
    only: str = ""  # a promise: the others are not asked about
    broken: list[str] = field(default_factory=list)
    touched: dict[tuple[int | None, int | None], datetime] = field(default_factory=dict)  # (person, course) -> when
    troubled_at: datetime | None = None  # when something last went wrong with the bot or around it
    frozen_at: list[datetime] = field(default_factory=list)  # ticks at which the freeze held
    accepted_at: list[datetime] = field(default_factory=list)  # pulls that were taken
    approved: bool = False  # whether anybody ever approved anything
    moved: set[int] = field(default_factory=set)  # people whose zone or week has changed

    def __post_init__(self) -> None:
        self.company.on_dm = self.on_dm

    # ── at each DM ──

    def on_dm(self, dm: Dm) -> None:
        """Ask every promise that is about one DM and those before it."""
        for name, promise in PROMISES.items():
            for what in promise(self, dm):
                self._note(name, f"{what}\n    {dm}")

    def earlier(self, dm: Dm) -> list[Dm]:
        """This person's DMs before that one."""
        return [one for one in self.company.dms if one.person_id == dm.person_id and one is not dm]

    def days(self, person_id: int) -> Days:
        """Somebody's days as the bot knows them."""
        return self.company.seen.facts.days(person_id, self.company.terms)

    def steps(self, course_id: int) -> Steps:
        """A course's steps."""
        return self.company.terms.policy.steps_of(course_id)

    def rows(self, course_id: int) -> tuple[Assignment, ...]:
        """A course's rows as the LMS last served them."""
        return self.company.lms.served[course_id][1]

    def _note(self, promise: str, *texts: str) -> None:
        if self.only in ("", promise):
            self.broken += [f"{promise}: {text}" for text in texts]

    # ── over time ──

    def touch(self, person_id: int | None = None, course_id: int | None = None) -> None:
        """Something about them has changed: nothing is owed by what was before."""
        self.touched[person_id, course_id] = self.company.now()

    def trouble(self) -> None:
        """The bot, Slack or the LMS is not well."""
        self.troubled_at = self.company.now()

    def ticked(self, *, went_well: bool, is_well: bool = False, whole: bool = True) -> None:
        """A pass has ended; `is_well` says that nothing around it was wrong, `whole` that it was about everybody."""
        if not went_well:
            self.trouble()
            if is_well and EXCUSE not in self.company.complaint:
                self._note("a pass comes to its end", self.company.complaint)
        if self.company.ask(FROZEN) != [(0,)]:
            self.frozen_at.append(self.company.tick_at)
        if self.company.accepted and self.company.accepted.at not in self.accepted_at[-1:]:
            self.accepted_at.append(self.company.accepted.at)
            if went_well and whole and self.company.accepted.at == self.company.tick_at:
                self._note("every assignment has one decision", *_one_decision_each(self))
        self._note("once a day where Slack refuses", *_refused_twice(self))

    def passed(self, since: datetime) -> None:
        """A stretch has passed: see who has gone past a day of last warning in it."""
        facts = self.company.facts
        pairs = sorted({(row.person_id, row.course_id) for row in facts.rows})
        for person_id, course_id in pairs:
            row = governing(facts.rows, person_id, course_id)
            if row and (text := _unwarned(self, row, since)):
                self._note("nobody goes overdue unwarned", text)

    def settle(self) -> None:
        """Raise Broken where a promise was broken, or an error was none of the program's own."""
        self._note("no error escapes", *self.company.escaped)
        if self.broken:
            raise Broken(self.broken[0])


# ── what must hold of each DM ────────────────────────────────────────────────────────────────────────────────────

Found = Iterator[str]


def _no_step_twice(judge: Judge, dm: Dm) -> Found:
    before = {told for one in judge.earlier(dm) for told in one.told}
    yield from (f"{told.step.name} came again" for told in dm.told if told in before)


def _one_dm_a_day(judge: Judge, dm: Dm) -> Found:
    if any(one.local_on == dm.local_on for one in judge.earlier(dm)):
        yield "a second one"


def _not_after_completion(judge: Judge, dm: Dm) -> Found:
    for told in dm.told:
        looked_at, rows = judge.company.lms.served[told.course_id]
        row = governing(rows, dm.person_id, told.course_id)
        if row and row.status is Status.COMPLETED:
            yield f"course {told.course_id} is done"
        if dm.at - looked_at > LOOK_AGAIN + FLIGHT:
            yield f"course {told.course_id} was last looked at {dm.at - looked_at} ago"


def _only_what_is_owed(judge: Judge, dm: Dm) -> Found:
    facts, policy = judge.company.seen.facts, judge.company.terms.policy
    if not facts.may_hear(dm.person_id, dm.local_on, policy):
        yield "they have left, or are not of the audience"
    account = facts.accounts.get(dm.person_id)
    if account is None or account.slack_id != dm.slack_id:
        yield "this is not their Slack account"
    for told in dm.told:
        row = governing(judge.rows(told.course_id), dm.person_id, told.course_id)
        if row is None or (not is_open(row) and row.status is not Status.COMPLETED):
            yield f"course {told.course_id} is not owed"
        elif row.deadline_on != told.deadline_on:
            yield f"course {told.course_id} is due {row.deadline_on}"
        if not facts.course_is_on(told.course_id, policy):
            yield f"course {told.course_id} is off"
        if judge.company.is_exempt(dm.person_id, told.course_id, dm.local_on):
            yield f"they are exempt from course {told.course_id}"


def _within_hours(judge: Judge, dm: Dm) -> Found:
    hours = judge.company.terms.policy.hours
    clock = local(dm.at, judge.company.zone_seen(dm.person_id)).time()
    if not hours.start <= clock < hours.end:
        yield f"at {clock}"


def _on_working_days(judge: Judge, dm: Dm) -> Found:
    if not judge.days(dm.person_id).works(dm.local_on):
        yield f"{dm.local_on:%A}"


def _no_nag_on_a_last_workday(judge: Judge, dm: Dm) -> Found:
    if judge.days(dm.person_id).is_weeks_last(dm.local_on):
        for told in dm.told:
            if told.step.kind == "overdue" and not judge.steps(told.course_id).nag_on_last_workday:
                yield f"course {told.course_id} on {dm.local_on:%A}"


def _nags_keep_their_gap(judge: Judge, dm: Dm) -> Found:
    for told, one, before in _pairs(judge, dm):
        nags = told.step.kind == before.step.kind == "overdue" and told.deadline_on == before.deadline_on
        if nags and (dm.local_on - one.local_on).days < judge.steps(told.course_id).overdue_min_gap_days:
            yield f"{told.step.name} on {dm.local_on}, {before.step.name} on {one.local_on}"


def _pairs(judge: Judge, dm: Dm) -> Iterator[tuple[Told, Dm, Told]]:
    """Each course of this DM with each time that it was named before."""
    for told in dm.told:
        for one in judge.earlier(dm):
            yield from ((told, one, before) for before in one.told if before.course_id == told.course_id)


def _weekly_cap(judge: Judge, dm: Dm) -> Found:
    most = judge.company.terms.policy.caps.reminders_in_7_days
    lately = {one.local_on for one in judge.earlier(dm) if 0 < (dm.local_on - one.local_on).days < WEEK_DAYS}
    if most and len(lately) >= most and not any(_is_uncapped(judge, dm, told) for told in dm.told):
        yield f"after {len(lately)} in a week"


def _is_uncapped(judge: Judge, dm: Dm, told: Told) -> bool:
    days, warned_days = judge.days(dm.person_id), judge.company.terms.policy.caps.warned_days
    if told.step.name != "due" or days.last_until(told.deadline_on) != dm.local_on:
        return False
    named = [one.local_on for one in judge.earlier(dm) if any(t.course_id == told.course_id for t in one.told)]
    return not named or (dm.local_on - max(named)).days > warned_days


def _no_step_before_its_day(judge: Judge, dm: Dm) -> Found:
    days = judge.days(dm.person_id)
    for told in dm.told:
        latest = dm.local_on + judge.company.terms.policy.caps.gather_days * A_DAY
        if told.step.kind == "overdue":
            if told.deadline_on >= dm.local_on or days.working_days_between(told.deadline_on, latest) < told.step.days:
                yield f"{told.step.name} of {told.deadline_on}"
            continue
        on = days.last_until(told.deadline_on - told.step.days * A_DAY)
        if told.deadline_on < dm.local_on or on > (latest if told.step.days > 2 else dm.local_on):
            yield f"{told.step.name} of {told.deadline_on}"


def _not_after_giving_up(judge: Judge, dm: Dm) -> Found:
    for told in dm.told:
        steps, row = judge.steps(told.course_id), governing(judge.rows(told.course_id), dm.person_id, told.course_id)
        assigned = (
            local(row.assigned_at, judge.company.zone_seen(dm.person_id)).date() if row and row.assigned_at else None
        )
        since = (dm.local_on - max(told.deadline_on, assigned or told.deadline_on)).days
        heard = any(
            t.deadline_on == told.deadline_on
            for t, _, t2 in _pairs(judge, dm)
            if t is told and t2.deadline_on == told.deadline_on
        )
        if since > (
            steps.give_up_after_days if heard else max(steps.first_reminder_within_days, steps.give_up_after_days)
        ):
            yield f"course {told.course_id}, {since} days"


def _not_by_stale_data(judge: Judge, dm: Dm) -> Found:
    age, limit = dm.at - judge.company.seen.at, judge.company.terms.policy.pull.stale_after_hours
    if age > timedelta(hours=limit) + FLIGHT:
        yield f"pulled {age} ago"


def _not_while_frozen(judge: Judge, dm: Dm) -> Found:
    if judge.company.ask(HELD_BY_PULL) != [(0,)]:
        yield "the last pull was not taken"
    if not judge.approved and not judge.troubled_at and (text := _is_too_busy(judge, dm)):
        yield text


def _is_too_busy(judge: Judge, dm: Dm) -> str:
    """Whether this pass has messaged more people than both limits allow."""
    limits, people = judge.company.terms.policy.freeze, len(judge.company.seen.facts.learners)
    sizes = Counter(one.pass_id for one in judge.company.dms)
    others = [one for one in judge.company.dms if one.pass_id != dm.pass_id]
    largest = max((sizes[one.pass_id] for one in others if one.tick_at >= dm.tick_at - MEASURE), default=0)
    now = sizes[dm.pass_id]
    exceeds = [
        0 < limits.busy_pass_people < now,
        now * 100 > limits.busy_pass_percent * people > 0,
        now > limits.busy_pass_factor * largest and limits.busy_pass_factor > 0,
        bool(others) or 0 < limits.first_pass_people < now,
    ]
    return f"{now} people in one pass, {largest} before" if all(exceeds) else ""


def _not_while_away(judge: Judge, dm: Dm) -> Found:
    seen = judge.company.seen
    member = seen.facts.members[dm.slack_id]
    until_at = member.status_until_at
    if not says_away(member, judge.company.terms.policy) or (until_at and until_at <= dm.at):
        return
    zone = judge.company.zone_seen(dm.person_id)
    seen_on = local(seen.seen_at[dm.slack_id], zone).date()
    for told in dm.told:
        if told.step.kind == "overdue":
            waited = (dm.local_on - seen_on).days
            if until_at or waited < judge.company.terms.policy.away.nag_wait_days:
                yield f"{told.step.name} to somebody away"
            continue
        warned_on = judge.days(dm.person_id).last_until(told.deadline_on)
        if until_at and until_at <= instant(warned_on, judge.company.terms.policy.hours.start, zone):
            yield f"{told.step.name} to somebody who is back in time"
        if any(_same(told, before) and one.local_on >= seen_on for _, one, before in _pairs(judge, dm)):
            yield f"a second word to somebody away about course {told.course_id}"


def _same(told: Told, before: Told) -> bool:
    return (told.course_id, told.deadline_on) == (before.course_id, before.deadline_on)


PROMISES: Mapping[str, Callable[[Judge, Dm], Found]] = {
    "no step twice": _no_step_twice,
    "one DM a person a day": _one_dm_a_day,
    "never after completion": _not_after_completion,
    "only what is owed": _only_what_is_owed,
    "never outside hours": _within_hours,
    "never on a day off": _on_working_days,
    "no nag on a week's last working day": _no_nag_on_a_last_workday,
    "two nags keep their gap": _nags_keep_their_gap,
    "the weekly cap": _weekly_cap,
    "no step before its day": _no_step_before_its_day,
    "nothing after giving up": _not_after_giving_up,
    "nothing by stale data": _not_by_stale_data,
    "nothing while frozen": _not_while_frozen,
    "nothing while away": _not_while_away,
}


# ── what must hold of a stretch of time ──────────────────────────────────────────────────────────────────────────


def _one_decision_each(judge: Judge) -> Found:
    """After a whole pass by what the LMS says now."""
    facts = judge.company.facts
    owed = Counter(
        (row.person_id, row.course_id, _text(row.deadline_on))
        for row in dict.fromkeys(facts.rows)
        if row.course_id in facts.courses
    )
    made = Counter(row[:3] for row in judge.company.ask(DECISIONS))
    if owed != made:
        yield f"too few {owed - made}, too many {made - owed}"


def _refused_twice(judge: Judge) -> Found:
    """Somebody to whom Slack refuses to deliver is tried once a day."""
    tried = Counter(judge.company.refused)
    yield from (f"person {who}, {times} times on {on}" for (who, on), times in tried.items() if times > 1)


def _text(on: date | None) -> str | None:
    return on.isoformat() if on else None


def _unwarned(judge: Judge, row: Assignment, since: datetime) -> str:
    """What to say where the day of the last warning has passed without one, and nothing excuses it; else nothing."""
    company, policy = judge.company, judge.company.terms.policy
    if row.deadline_on is None or not is_open(row) or company.accepted is None:
        return ""
    days, zone = judge.days(row.person_id), company.zone_seen(row.person_id)
    warned_on = days.last_until(row.deadline_on)
    opens_at, closes_at = (instant(warned_on, at, zone) for at in (policy.hours.start, policy.hours.end))
    if not since < closes_at <= company.now() or not _was_known_and_well(judge, row, warned_on, closes_at):
        return ""
    facts = company.seen.facts
    reachable = facts.may_hear(row.person_id, warned_on, policy) and row.person_id in facts.accounts
    has_due_day = 0 in judge.steps(row.course_id).before_days
    is_exempt = company.is_exempt(row.person_id, row.course_id, warned_on)
    if not reachable or not has_due_day or is_exempt or not facts.course_is_on(row.course_id, policy):
        return ""
    first_on = warned_on - policy.caps.warned_days * A_DAY
    if _was_away(judge, row.person_id, opens_at):
        first_on = date.min  # one word at any time of the absence is all they get
    named = [dm for dm in company.dms if dm.person_id == row.person_id and first_on <= dm.local_on <= row.deadline_on]
    if any(told.course_id == row.course_id for dm in named for told in dm.told):
        return ""
    return f"person {row.person_id}, course {row.course_id}, deadline {row.deadline_on}, warned on {warned_on}"


def _was_known_and_well(judge: Judge, row: Assignment, warned_on: date, closes_at: datetime) -> bool:
    """Whether it was in the snapshot before that day, as it is now, and nothing went wrong since."""
    company, person_id, course_id = judge.company, row.person_id, row.course_id
    begins_at = instant(warned_on, datetime.min.time(), company.zone_seen(person_id))
    keys = ((person_id, None), (None, course_id), (person_id, course_id))
    changes = [judge.touched[key] for key in keys if key in judge.touched]
    quiet_since = max([*changes, judge.troubled_at or datetime.min.replace(tzinfo=UTC)])
    was_known = any(quiet_since < at < begins_at for at in judge.accepted_at)
    frozen = any(begins_at - A_DAY <= at <= closes_at for at in judge.frozen_at)
    refused = any(whose == person_id for whose, _ in company.refused)
    return was_known and not frozen and not refused


def _was_away(judge: Judge, person_id: int, opens_at: datetime) -> bool:
    member = judge.company.seen.facts.accounts[person_id]
    until_at = member.status_until_at
    return says_away(member, judge.company.terms.policy) and not (until_at and until_at <= opens_at)
