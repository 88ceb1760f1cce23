"""LMS and Slack -> the snapshot: everything is staged, then put in place as a whole or not at all.

Storing happens in one worker thread, page by page, so that the loop answers meanwhile and memory stays flat.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from bot.deadlines.freeze import SMALLEST_SHRINK, Snapshot, too_small
from bot.deadlines.model import Rejected
from bot.errors import LmsShrunk
from bot.jobs.together import together
from bot.slack.directory import match
from bot.store import Pulled, SnapshotWriter
from bot.workspace import Workspace

log = structlog.get_logger()

REJECTS_SHOWN = 20
COURSES_AT_ONCE = 4  # the LMS's client keeps to as many requests in flight


@dataclass(frozen=True, kw_only=True, slots=True)
class PullReport:
    """What the snapshot holds after a pull, what was set aside, and why an earlier one was kept, if so."""

    pulled: Pulled
    rejects: tuple[Rejected, ...] = ()
    frozen: str | None = None


async def pull(workspace: Workspace, now: datetime) -> PullReport:
    """Replace the whole snapshot, stamped `now`. Raises LmsError or SlackError, and then nothing has changed.

    A pull that has shrunk too much (policy.md, "Safety freeze") keeps the earlier snapshot and begins a freeze.
    """
    with workspace.store.snapshots.replace() as writer, ThreadPoolExecutor(max_workers=1) as thread:
        staging = _Staging(workspace, writer, thread)
        await staging.members()
        await staging.people()
        await staging.courses()
        await staging.assignments(writer.course_ids())
        await staging.matches()
        compared = await staging.do(writer.compare)
        if frozen := _shrunk(workspace, *compared):
            return _kept(workspace, frozen, compared, now)
        pulled = await staging.do(writer.commit, now)
    workspace.store.passes.thaw_pull()
    log.info("pull.done", people=pulled.people, assignments=pulled.assignments, rejected=pulled.rejected)
    return PullReport(pulled=pulled, rejects=tuple(workspace.store.snapshots.rejects(REJECTS_SHOWN)))


async def refresh(workspace: Workspace, course_ids: Sequence[int], now: datetime) -> None:
    """Look again at these courses' assignments alone. Raises LmsError, and then nothing has changed.

    A look that brings far less than is stored is not believed: it would remind people who have finished.
    """
    workspace.source.begin_pull()
    with workspace.store.snapshots.refresh(course_ids) as writer, ThreadPoolExecutor(max_workers=1) as thread:
        staging = _Staging(workspace, writer, thread)
        await staging.assignments(course_ids)
        before, after, vanished = await staging.do(writer.compare)
        vanished = vanished if vanished >= SMALLEST_SHRINK else 0  # one course is too few people for a share of them
        if before and (shrunk := too_small(before, after, vanished, workspace.settings.policy.freeze)):
            raise LmsShrunk(f"A second look at courses brought too little: {'; '.join(shrunk)}.")
        await staging.do(writer.commit, now)


class _Staging:
    """A pull under way."""

    def __init__(self, workspace: Workspace, writer: SnapshotWriter, thread: ThreadPoolExecutor) -> None:
        self._workspace, self._writer, self._thread = workspace, writer, thread

    async def do(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Run it in the worker thread, one call at a time."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *arguments)

    async def members(self) -> None:
        await self._each("people in Slack", self._workspace.slack.members(), self._writer.add_members)

    async def people(self) -> None:
        await self._each("people", self._workspace.source.people(), self._writer.add_people)

    async def courses(self) -> None:
        await self._each("courses", self._workspace.source.courses(), self._writer.add_courses)

    async def _each(self, what: str, pages: AsyncIterator[Any], add: Callable[[Any], None]) -> None:
        done = 0
        async for page in pages:
            await self.do(add, page)
            done += len(getattr(page, "rows", page))
            self._workspace.progress(what, done, None)

    async def assignments(self, course_ids: Sequence[int]) -> None:
        """Every course's, several courses at once."""
        waiting, done = iter(course_ids), 0

        async def take() -> None:
            nonlocal done
            for course_id in waiting:
                async for page in self._workspace.source.assignments(course_id):
                    await self.do(self._writer.add_assignments, course_id, page)
                done += 1
                self._workspace.progress("assignments by course", done, len(course_ids))

        await together(take() for _ in range(min(COURSES_AT_ONCE, len(course_ids))))

    async def matches(self) -> None:
        """Who is who, told from what is staged."""
        domains = self._workspace.settings.policy.match.domains
        links = self._workspace.store.snapshots.links()
        await self.do(
            lambda: self._writer.set_matches(
                match(self._writer.lms_addresses(), self._writer.slack_people(), domains=domains, links=links)
            )
        )


def _shrunk(workspace: Workspace, before: Snapshot | None, after: Snapshot, vanished: int) -> str:
    """By what the pull has shrunk too much, against the last good one or against one that was approved; or nothing."""
    if approved := workspace.store.passes.approved_measure():
        before, vanished = approved[0], vanished - approved[1]
    return "; ".join(too_small(before, after, vanished, workspace.settings.policy.freeze)) if before else ""


def _kept(
    workspace: Workspace, frozen: str, compared: tuple[Snapshot | None, Snapshot, int], now: datetime
) -> PullReport:
    pulled = workspace.store.snapshots.last()
    if pulled is None:
        raise AssertionError("a pull can only shrink against an earlier one")
    workspace.store.passes.freeze("pull", frozen, now, measure=compared[1:])
    log.warning("pull.kept_earlier", frozen=frozen)
    return PullReport(pulled=pulled, frozen=frozen)
