"""Reads back from Slack what strangers have heard: people whose DMs this store does not know in full.

A platform wipes the disk, a backup is put back, another copy has spoken: then what was said to a person is an unknown
outcome, and before the first DM to them their own DM with the bot is read. Only those due now are read, one after the
other at Slack's rate, and each only once; nobody without a DM costs a call. What is found counts as said. A DM none of
whose keys is known any more (another REMINDER_KEY) counts as having named what was due on its day.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

import structlog

from bot.deadlines.model import Reminder, Said, Step
from bot.deadlines.plan import reached
from bot.errors import AnotherCopy, SlackDenied, SlackError, SlackRefused, SlackUnreachable
from bot.jobs.keys import recognised, reminder_key, steps_ever, steps_of
from bot.jobs.planner import Planner
from bot.jobs.settle import WAIT_SECONDS, WAITING
from bot.slack.api import Own
from bot.store import Dossier, Heard
from bot.workspace import Workspace

log = structlog.get_logger()

READ_SECONDS = 1200  # that one pass may spend on reading back; whom it does not come to wait for the next
OVERLAP_SECONDS = 7 * 24 * 3600  # read again before the last DM on record: another copy may have spoken there before
A_DAY = timedelta(days=1)
MOVED_DAYS = 60  # a DM no older than this may have named a deadline that moved since, no further from its day
SAMPLE = 20  # DMs that are looked into to tell a wiped disk from a first installation


class Recall:
    """One pass's reading of DMs."""

    def __init__(self, workspace: Workspace, planner: Planner) -> None:
        self._workspace, self._planner, self._known = workspace, planner, workspace.store.known
        self._channels: dict[str, str] | None = None
        self._read: set[str] = set()

    @cached_property
    def _steps(self) -> set[Step]:
        policy = self._workspace.settings.policy
        return steps_ever((policy.steps, *map(policy.steps_of, policy.course)))

    def has_read(self, slack_id: str) -> bool:
        """Whether this person's DM was read to its end in this pass."""
        return slack_id in self._read

    async def channel_of(self, slack_id: str) -> tuple[str | None, str | None]:
        """This person's DM, None where there is none, and the ts of the last DM known to have arrived in it."""
        channel_id, ts = self._known.last_dm(slack_id)
        if channel_id is None:
            channel_id = (await self._all_channels()).get(slack_id)
        return channel_id, ts

    async def meet(self, strangers: Sequence[tuple[int, str]]) -> set[int]:
        """Read these people's DMs (LMS id, Slack id) and store what they have heard; returns who could not be read.

        Raises SlackRefused, and AnotherCopy where what is found was written while this store was speaking.
        """
        unread, begun = {person_id for person_id, _ in strangers}, self._workspace.monotonic()
        try:
            waiting = await self._with_a_dm(strangers)
            unread = {person_id for person_id, _ in waiting}
            for done, (person_id, slack_id) in enumerate(waiting):
                if self._workspace.stopping() or self._workspace.monotonic() - begun > READ_SECONDS:
                    break
                if await self._could_meet(person_id, slack_id):
                    unread.remove(person_id)
                self._workspace.progress("direct messages read back", done + 1, len(waiting))
        except SlackUnreachable as error:
            log.warning("dm.unread", people=len(unread), error=error.message)  # those whose DMs are known need not wait
        return unread

    async def anything_said(self) -> bool:
        """Whether an earlier store has reminded anybody, told by a few DMs of people who are not due now."""
        channels = await self._all_channels()
        for slack_id in [slack_id for slack_id in channels if slack_id not in self._read][:SAMPLE]:
            if await self._holds_an_earlier_stores(channels[slack_id]):
                return True
        return False

    async def _holds_an_earlier_stores(self, channel_id: str) -> bool:
        try:
            async for page in self._workspace.slack.own_messages(channel_id, after_ts=None):
                ids = [own.notice_id for own in page]
                if set(ids) - self._known.wrote(ids):
                    return True
        except SlackRefused:
            raise
        except SlackError as error:
            log.warning("dm.unread", people=1, error=error.message)
        return False

    # ── reading ──

    async def _all_channels(self) -> dict[str, str]:
        if self._channels is None:
            self._channels = await self._workspace.slack.dm_channels()
        return self._channels

    async def _with_a_dm(self, strangers: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
        """Those of them who have a DM with the bot; in a store that knows nobody, after DMs have had their time."""
        if strangers and await self._all_channels() and not self._known.anybody():
            # What wrote here before may have died, or been asked to stop, a moment ago.
            self._workspace.progress(WAITING, 0, None)
            await self._workspace.sleep(WAIT_SECONDS)
            self._channels = None
        return [one for one in strangers if one[1] in await self._all_channels()]

    async def _could_meet(self, person_id: int, slack_id: str) -> bool:
        """Whether this DM could be read. Raises SlackRefused, SlackUnreachable or AnotherCopy."""
        try:
            await self._meet(person_id, slack_id)
        except SlackDenied as error:
            log.warning("dm.unread", people=1, error=error.message)
            return False
        return True

    async def _meet(self, person_id: int, slack_id: str) -> None:
        channel_id, after_ts = await self.channel_of(slack_id)
        if channel_id is None:
            return
        pages = self._workspace.slack.own_messages(channel_id, after_ts=_well_before(after_ts))
        found = sorted([own async for page in pages for own in page], key=lambda own: own.ts)
        ids = [own.notice_id for own in found]
        ours, said = self._known.wrote(ids), self._known.arrived(ids)
        heard = [own for own in found if own.notice_id not in said]
        # A rehearsal has no lease: a pass beside it may have spoken since its copy was made.
        since = self._known.speaks_since() if self._workspace.lease.held else None
        if since and any(own.ts > since for own in heard if own.notice_id not in ours):
            raise another_copy(self._workspace)
        dossier = self._workspace.store.snapshots.dossier(person_id)
        now = {"at": self._workspace.clock(), "wall_at": self._workspace.wall()}
        self._known.meet(person_id, slack_id, channel_id, self._told(dossier, heard), **now)
        self._read.add(slack_id)
        log.info("dm.read_back", found=len(heard))

    # ── understanding ──

    def _told(self, dossier: Dossier, heard: Sequence[Own]) -> list[Heard]:
        """What each DM named, the earliest first, since an earlier one tells what was left for a later one."""
        by_key, found = self._all_keys(dossier, heard), list[Heard]()
        standing = {(row.course_id, row.deadline_on) for row in dossier.assignments}
        for own in heard:
            local_on = self._day_of(dossier, own)
            named = {key: by_key[key] for key in own.keys if key in by_key}
            in_full = named and len(named) == len(set(own.keys))
            # Of a deadline that is gone nobody knows what the DM came to show: it may be a tick by now.
            in_full = in_full and all((r.course_id, r.deadline_on) in standing for r in named.values())
            named = named or self._guessed(dossier, own)
            dossier = _with(dossier, named.values(), said_on=local_on)
            shown = "open" if in_full else "done"  # a DM not known in full is not edited
            courses = tuple(replace(self._planner.name(r, key), shown=shown) for key, r in named.items())
            found.append(Heard(notice_id=own.notice_id, ts=own.ts, local_on=local_on, named=courses))
        return found

    def _all_keys(self, dossier: Dossier, heard: Sequence[Own]) -> dict[str, Reminder]:
        """What each hash of these DMs says, as far as that can be found out: a deadline may have moved since."""
        deadlines = [(row.course_id, row.deadline_on) for row in dossier.assignments if row.deadline_on]
        by_key = self._by_key(dossier, deadlines, self._steps)
        today = self._planner.day(dossier, self._workspace.clock()).today
        days = [self._day_of(dossier, own) for own in heard if not by_key.keys() >= set(own.keys)]
        lately = [day for day in days if (today - day).days <= MOVED_DAYS]
        return by_key | self._of_moved_deadlines(dossier, min(lately), max(lately)) if lately else by_key

    def _of_moved_deadlines(self, dossier: Dossier, first: date, last: date) -> dict[str, Reminder]:
        """The hashes of the policy's steps for deadlines that these courses may have had on those days."""
        policy, found = self._workspace.settings.policy, dict[str, Reminder]()
        around = range(-MOVED_DAYS, (last - first).days + MOVED_DAYS + 1)
        for course_id in {row.course_id for row in dossier.assignments}:
            near = [(course_id, first + timedelta(days=n)) for n in around]
            found |= self._by_key(dossier, near, steps_of(policy.steps_of(course_id)))
        return found

    def _day_of(self, dossier: Dossier, own: Own) -> date:
        return self._planner.day(dossier, self._instant(own.ts)).today

    def _instant(self, ts: str) -> datetime:
        """When a message was said: its own instant, or yesterday where Slack's clock is days ahead of ours."""
        said_at, now = datetime.fromtimestamp(float(ts), UTC), self._workspace.clock()
        return said_at if said_at - now <= A_DAY else now - A_DAY

    def _by_key(
        self, dossier: Dossier, deadlines: Iterable[tuple[int, date]], steps: Collection[Step]
    ) -> dict[str, Reminder]:
        keys, team_id = self._workspace.settings.reminder_keys, self._workspace.store.team_id
        return recognised(keys, team_id, dossier.person_id, deadlines, steps)

    def _guessed(self, dossier: Dossier, own: Own) -> dict[str, Reminder]:
        """What a DM with unknown keys is taken to have named: what was due on its day."""
        due = reached(
            self._planner.day(dossier, self._instant(own.ts)), dossier.assignments, dossier.said, self._planner.course
        )
        key, team_id = self._workspace.settings.reminder_keys[0], self._workspace.store.team_id
        return {reminder_key(key, team_id, dossier.person_id, reminder): reminder for reminder in due}


def another_copy(workspace: Workspace) -> AnotherCopy:
    """The error for a DM that another store's copy has written; from now on everybody is a stranger again."""
    workspace.store.known.forget()
    log.warning("copy.found")
    return AnotherCopy(
        "Another copy of the bot, with a store of its own, writes to people in this workspace.",
        fix="Stop one of them. What the other has said is read back by the next pass before it sends anything.",
    )


def _with(dossier: Dossier, reminders: Iterable[Reminder], *, said_on: date) -> Dossier:
    said = [Said(course_id=r.course_id, deadline_on=r.deadline_on, step=r.step, said_on=said_on) for r in reminders]
    return replace(dossier, said=(*dossier.said, *said))


def _well_before(ts: str | None) -> str | None:
    return None if ts is None else f"{max(0.0, float(ts) - OVERLAP_SECONDS):.6f}"
