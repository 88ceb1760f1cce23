"""The outbox -> Slack: each planned notice is looked at once more, claimed, posted and settled.

Stop between any two lines and nothing is lost or said twice: before `claim` the notice is planned and will be decided
afresh; from `claim` on it counts as said until settle.py has read back whether it was.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from bot.deadlines.model import Notice
from bot.deadlines.plan import Plan
from bot.errors import DeadlineBotError, LmsShrunk, OutcomeUnknown, SlackRefused, SlackUnreachable
from bot.jobs.alone import check_after, check_next
from bot.jobs.pace import Pace
from bot.jobs.patience import Patience
from bot.jobs.planner import Planner
from bot.jobs.pull import refresh
from bot.jobs.render import dm
from bot.jobs.settle import settle
from bot.jobs.together import together
from bot.slack.api import LAG_SECONDS
from bot.slack.messages import Message
from bot.slack.outcomes import NotTaken, Outcome, Posted, Refused, Unknown, Wait
from bot.store import Dossier, StoredNotice
from bot.workspace import Workspace

log = structlog.get_logger()

NO_TIME = timedelta(0)  # a look from the future is none
LOOK_AGAIN_AFTER = timedelta(minutes=10)  # policy.md, "Just completed"
POSTS_AT_ONCE = 4
WATCH_SECONDS = 10  # between two looks for another copy
ROUNDS = 3  # of sending, reading back, and sending what was not found
BETWEEN_ROUNDS_SECONDS = 1
LOOKS_MOST = 5  # at the courses of one notice, each of which can change what it names
TROUBLE_MOST = 10  # posts in a row without a usable answer end the pass
WAITS_MOST = 100  # rate limits in a row without a single post end it too,
WAIT_SECONDS_MOST = 900  # and so does one that asks for longer than this


async def deliver(workspace: Workspace, pass_id: str) -> None:
    """Send all that is planned. Raises SlackError, LmsError or StoreError; what is left waits for the next pass."""
    delivery = _Delivery(workspace=workspace, pass_id=pass_id)
    for _ in range(ROUNDS):
        try:
            await delivery.send_planned()
        finally:
            delivery.keep_pace()
        if workspace.stopping():
            return
        await settle(workspace)
        if delivery.shrunk:
            raise delivery.shrunk
        if not workspace.store.outbox.planned():
            break
        await workspace.sleep(BETWEEN_ROUNDS_SECONDS)
    _check_end(workspace)


def _check_end(workspace: Workspace) -> None:
    if left := len(workspace.store.outbox.planned()):
        raise SlackUnreachable(f"{left} messages could not be sent: Slack gave no usable answer.")
    if unknown := len(workspace.store.outbox.unsettled()):
        raise OutcomeUnknown(f"It could not be found out whether {unknown} messages arrived.")


@dataclass(kw_only=True)
class _Delivery:
    """One pass's sending."""

    workspace: Workspace
    pass_id: str
    queue: deque[str] = field(default_factory=deque)
    error: DeadlineBotError | None = None
    shrunk: LmsShrunk | None = None  # why some notices could not be looked at once more
    first: str | None = None  # the notice that arrived first

    def __post_init__(self) -> None:
        self.begins_with = self.workspace.settings.policy.pace.posts_per_second
        self.pace = Pace(
            self.begins_with,
            learned=self.workspace.store.passes.pace(self.begins_with),
            monotonic=self.workspace.monotonic,
            sleep=self.workspace.sleep,
        )
        self.patience = Patience(
            pace=self.pace,
            trouble_most=TROUBLE_MOST,
            waits_most=WAITS_MOST,
            wait_seconds_most=WAIT_SECONDS_MOST,
        )
        self.planner = Planner(self.workspace.settings, self.workspace.store)
        self.looking = asyncio.Lock()

    async def send_planned(self) -> None:
        """Post all that is planned, a few at once. An error stops new posts; those under way still end."""
        self.queue.extend(self.workspace.store.outbox.planned())
        self.total = len(self.queue)
        if self.total > 1:
            await self._first_alone()
        watch = asyncio.create_task(self._watch())
        try:
            await together(self._work() for _ in range(min(POSTS_AT_ONCE, self.total)))
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)  # nothing of it is left when the pass goes on
        if self.error:
            raise self.error

    def keep_pace(self) -> None:
        """The next pass begins with what this one has learned of Slack's limit."""
        if self.pace.learned is not None:
            self.workspace.store.passes.keep_pace(self.pace.learned, self.begins_with)

    async def _first_alone(self) -> None:
        """Until one DM has arrived, one at a time; then see that no other copy has written there just before."""
        while self.first is None and self._may_go_on():
            await self._next()
        if self.first:
            await check_after(self.workspace, self.first)

    async def _watch(self) -> None:
        """While posts leave, look every few seconds whether another copy writes to the same people."""
        try:
            await self.workspace.sleep(LAG_SECONDS)
            if self.first and self.queue:
                await check_after(self.workspace, self.first)  # the history has had its time
            while self.queue:
                await check_next(self.workspace, self.queue[0])
                await self.workspace.sleep(WATCH_SECONDS)
        except DeadlineBotError as error:
            self._stop(error)

    async def _work(self) -> None:
        while self._may_go_on():
            await self._next()

    def _may_go_on(self) -> bool:
        return bool(self.queue) and not self.error and not self.workspace.stopping()

    async def _next(self) -> None:
        notice_id = self.queue.popleft()
        try:
            await self._one(notice_id)
        except LmsShrunk as error:
            self.shrunk = error  # this notice stays planned; the others go on
        except DeadlineBotError as error:
            self._stop(error)
        self.workspace.progress("messages", self.total - len(self.queue), self.total)

    def _stop(self, error: DeadlineBotError) -> None:
        self.error = self.error or error
        self.queue.clear()

    async def _one(self, notice_id: str) -> None:
        """Post one notice, if it is still right."""
        await self.pace.turn()
        found = await self._still_right(self.workspace.store.outbox.notice(notice_id))
        if found is None or self.error:
            return  # what stopped the pass came while this one waited for its turn: it stays planned
        notice, dossier = found
        message = dm(self.workspace.settings, notice, dossier)
        self.workspace.store.outbox.claim(notice.notice_id, wall_at=self.workspace.wall())
        outcome = await self._post(notice, message)
        self._settle(notice, outcome)

    async def _post(self, notice: StoredNotice, message: Message) -> Outcome:
        try:
            return await self.workspace.slack.post(notice.slack_id, message)
        except SlackRefused:
            self.workspace.store.outbox.back(notice.notice_id)
            raise

    def _settle(self, notice: StoredNotice, outcome: Outcome) -> None:
        """Record what happened, first of all."""
        outbox, notice_id, now = self.workspace.store.outbox, notice.notice_id, self.workspace.clock()
        match outcome:
            case Posted(channel_id, ts):
                outbox.sent(notice_id, channel_id=channel_id, ts=ts, at=now)
                self.first = self.first or notice_id
                self._went_well("notice.sent", notice_id)
            case Refused(error):
                outbox.failed(notice_id, error=error, at=now)
                self._went_well("notice.failed", notice_id, error=error)
            case Wait(seconds):
                outbox.back(notice_id)
                self.patience.must_wait(seconds)
                self.queue.appendleft(notice_id)
            case NotTaken(error):
                outbox.back(notice_id)
                self.patience.went_ill(error)
            case Unknown(error):
                outbox.unknown(notice_id, error=error, at=now)
                log.warning("notice.unknown", notice_id=notice_id, error=error)
                self.patience.went_ill(error)

    def _went_well(self, event: str, notice_id: str, **facts: str) -> None:
        self.patience.took()
        log.info(event, notice_id=notice_id, **facts)

    # ── a last look ──

    async def _still_right(self, notice: StoredNotice) -> tuple[StoredNotice, Dossier] | None:
        """The notice as it is right now, decided afresh from data at most ten minutes old; None: nothing to say."""
        courses = {n.course_id for n in notice.named}
        for _ in range(LOOKS_MOST):
            await self._look_again(courses)
            now = self.workspace.clock()
            dossier = self.workspace.store.snapshots.dossier(notice.person_id)
            plan = self.planner.plan(dossier, now)
            if plan.notice and _says_the_same(notice, plan.notice):
                return notice, dossier
            named = {r.course_id for r in plan.notice.reminders} if plan.notice else set()
            if named <= courses:
                replaced = self._replace(notice, plan, now)
                return (replaced, dossier) if replaced else None
            courses |= named
        return None  # it changes at every look: still planned, so the next round or pass decides

    def _replace(self, notice: StoredNotice, plan: Plan, now: datetime) -> StoredNotice | None:
        """Drop a notice that is no longer right, and plan what is right instead, if anything is."""
        outbox, new_id = self.workspace.store.outbox, self.workspace.new_id()
        outbox.drop(notice.notice_id, detail="no longer right", at=now)
        planned = [(new_id, plan.notice, self.planner.named(plan.notice))] if plan.notice else []
        outbox.save([plan], planned, pass_id=self.pass_id, at=now)
        return outbox.notice(new_id) if planned else None

    async def _look_again(self, courses: set[int]) -> None:
        """Pull again the courses about to be named, unless the last look is recent (policy.md, "Just completed")."""
        async with self.looking:
            now = self.workspace.clock()
            looked = {course_id: self.workspace.store.snapshots.looked_at(course_id) for course_id in sorted(courses)}
            old = [
                course_id
                for course_id, at in looked.items()
                if at is None or not NO_TIME <= now - at <= LOOK_AGAIN_AFTER
            ]
            if old:
                await refresh(self.workspace, old, now)


def _says_the_same(stored: StoredNotice, planned: Notice) -> bool:
    """Whether a stored notice is the one that would be planned now."""
    told = [(n.course_id, n.step, n.deadline_on) for n in stored.named]
    return (stored.slack_id, stored.local_on) == (planned.slack_id, planned.local_on) and told == [
        (r.course_id, r.step, r.deadline_on) for r in planned.reminders
    ]
