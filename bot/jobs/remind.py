"""One whole pass: settle what is unknown, pull, decide, deliver, keep earlier DMs true, tell admins and managers."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog
from structlog.contextvars import bind_contextvars

from bot.deadlines.model import WAITING, Reason
from bot.errors import AnotherCopy, DeadlineBotError, OutcomeUnknown, PersonNotFound
from bot.jobs.admins import tell_admins
from bot.jobs.alone import check_before
from bot.jobs.correct import correct
from bot.jobs.decide import Decided, decide
from bot.jobs.deliver import deliver
from bot.jobs.managers import tell_managers
from bot.jobs.pull import PullReport, pull
from bot.jobs.settle import settle
from bot.store import PassRecord, Pulled, State, Store, StoredNotice
from bot.workspace import Workspace

log = structlog.get_logger()

SHOWN_MOST = 50
LEASE_WAIT_SECONDS = 10
LEASE_STEP_SECONDS = 0.25


@dataclass(frozen=True, kw_only=True)
class PassReport:
    """What a pass came to."""

    pulled: Pulled | None
    reasons: Counter[Reason] = field(default_factory=Counter)
    planned: int = 0
    sent: int = 0
    failed: int = 0
    unknown: int = 0
    frozen: str | None = None
    problem: DeadlineBotError | None = None  # why sending did not come to its end
    would_send: tuple[StoredNotice, ...] = ()  # of a rehearsal: the first SHOWN_MOST messages


async def remind(
    workspace: Workspace, now: datetime, *, only: str | None = None, pulls: bool = True, everybody: bool = False
) -> PassReport:
    """One pass at `now`. Raises LmsError, SlackError, StoreError or PersonNotFound where it could not begin to send.

    `only` is one person's e-mail, LMS id or Slack id; without `pulls` it decides by what was pulled before, and only
    for those whose time has come, unless `everybody` is to be decided about.
    """
    decided = await _up_to_sending(workspace, now, only, pulls=pulls, everybody=pulls or everybody)
    problem = await _send(workspace, decided)
    report = _report(workspace, decided, problem)
    _end(workspace, decided, report, quiet=pulls and only is None and not WAITING & report.reasons.keys())
    return report if only else await _with_letters(workspace, now, report)


async def rehearse(workspace: Workspace, now: datetime, *, only: str | None = None) -> PassReport:
    """The same pass without a word to anybody; the workspace's store must be a rehearsal's copy."""
    decided = await _up_to_sending(workspace, now, only, pulls=True, everybody=True)
    planned = [workspace.store.outbox.notice(notice_id) for notice_id in workspace.store.outbox.planned()[:SHOWN_MOST]]
    return replace(_report(workspace, decided, None), would_send=tuple(planned))


async def _up_to_sending(
    workspace: Workspace, now: datetime, only: str | None, *, pulls: bool, everybody: bool
) -> Decided:
    """What a pass and its rehearsal have in common: settle, pull, decide."""
    pass_id = workspace.new_id()
    bind_contextvars(pass_id=pass_id)
    workspace.store.passes.begun(pass_id, now, partial=only is not None)
    if workspace.store.known.was_put_back():
        log.warning("store.put_back")
    await settle(workspace)
    pulled = await pull(workspace, now) if pulls else None
    people = _people(workspace, now, only, everybody=everybody)
    return await decide(workspace, now, pass_id, people, held=_held(workspace, pulled))


def find_person(store: Store, wanted: str) -> int:
    """The id of the one person with this e-mail, LMS id or Slack id. Raises PersonNotFound for nobody or several."""
    found = store.snapshots.find(wanted)
    if len(found) == 1:
        return found[0]
    raise PersonNotFound(f"{'More than one person' if found else 'Nobody'} matches {wanted!r}.")


@asynccontextmanager
async def sending(workspace: Workspace) -> AsyncIterator[None]:
    """The right to send from this store. Raises AnotherCopy where another process keeps it for 10 seconds."""
    for _ in range(int(LEASE_WAIT_SECONDS / LEASE_STEP_SECONDS)):
        if workspace.lease.take():
            break
        await workspace.sleep(LEASE_STEP_SECONDS)
    else:
        raise AnotherCopy("Another copy is sending from this store.")
    try:
        yield
    finally:
        workspace.lease.release()


def _people(workspace: Workspace, now: datetime, only: str | None, *, everybody: bool) -> list[int] | None:
    """Whom a pass decides about; None is everybody."""
    if only is not None:
        return [find_person(workspace.store, only)]
    return None if everybody else workspace.store.outbox.due_people(now)


def _held(workspace: Workspace, pulled: PullReport | None) -> str | None:
    """Why nothing may be sent whatever is decided: a pull that shrank, now or at the last pull."""
    if pulled is not None:
        return pulled.frozen
    return workspace.store.passes.held_by_pull()


async def _send(workspace: Workspace, decided: Decided) -> DeadlineBotError | None:
    """Deliver and correct, unless frozen; what stopped it is reported, not raised: the pass has something to show."""
    if decided.frozen:
        return None
    try:
        decided.unread |= await check_before(workspace, decided.recall)
        await deliver(workspace, decided.pass_id)
        workspace.store.passes.thaw_pass()
        await correct(workspace)
        _check_read(decided)
    except DeadlineBotError as error:
        return error
    return None


async def _with_letters(workspace: Workspace, now: datetime, report: PassReport) -> PassReport:
    """Say what is no reminder, once the pass is over and on record: nothing that goes wrong here can undo it."""
    if isinstance(report.problem, AnotherCopy):
        return report  # that copy speaks to them as well
    try:
        await tell_admins(workspace, now)
        await tell_managers(workspace, now)
    except DeadlineBotError as error:
        return report if workspace.stopping() else replace(report, problem=report.problem or error)
    except Exception:
        log.exception("letters.failed")
        bug = DeadlineBotError(
            "This is a bug: admins and managers could not be told what there is to tell.", fix="See the log."
        )
        return replace(report, problem=report.problem or bug)
    return report


def _check_read(decided: Decided) -> None:
    if unread := len(decided.unread):
        raise OutcomeUnknown(f"It could not be read back from Slack what {unread} people have heard before; they wait.")


def _report(workspace: Workspace, decided: Decided, problem: DeadlineBotError | None) -> PassReport:
    outcomes = workspace.store.outbox.outcomes(decided.pass_id)
    return PassReport(
        pulled=workspace.store.snapshots.last(),
        reasons=decided.reasons,
        planned=len(decided.recipients),
        sent=outcomes.get(State.SENT, 0),
        failed=outcomes.get(State.FAILED, 0),
        unknown=outcomes.get(State.UNKNOWN, 0) + outcomes.get(State.SENDING, 0),
        frozen=decided.frozen,
        problem=problem,
    )


def _end(workspace: Workspace, decided: Decided, report: PassReport, *, quiet: bool) -> None:
    workspace.store.passes.ended(
        PassRecord(
            pass_id=decided.pass_id,
            at=decided.at,
            planned=report.planned,
            sent=report.sent,
            failed=report.failed,
            unknown=report.unknown,
            frozen=report.frozen,
            quiet=quiet,
            reasons={reason.value: count for reason, count in sorted(report.reasons.items())},
        )
    )
    event = "pass.frozen" if report.frozen else "pass.done"
    log.info(event, planned=report.planned, sent=report.sent, failed=report.failed, unknown=report.unknown)
