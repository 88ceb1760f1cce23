"""What the commands print: JSON as interface.md promises it, text for people, progress bars on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from io import StringIO
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

import bot
from bot.deadlines.model import Course, Decision, Reason
from bot.jobs.explain import Explanation
from bot.jobs.pull import PullReport
from bot.jobs.remind import PassReport
from bot.settings import Settings
from bot.slack.reasons import explain
from bot.slack.words import SOURCE, words
from bot.store import PassRecord, Pulled, Refusal, State, Store, StoredNotice
from bot.text import printable
from bot.workspace import Progress as Report
from bot.workspace import silent

REFUSED_SHOWN = 50
EMPTY = (
    "The store is empty: nothing was pulled into it yet. On a platform, a one-off process has a disk of its own and "
    "cannot see the worker's."
)


@contextmanager
def progress() -> Iterator[Report]:
    """Shows how far long work is, on stderr where that is a terminal."""
    if not sys.stderr.isatty():
        yield silent
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def report(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield report


# ── JSON ──


def pass_json(report: PassReport, seconds: float) -> dict[str, Any]:
    """`remind --json`."""
    return {
        "pulled": _pulled_json(report.pulled),
        "decisions": {reason.value: count for reason, count in _in_order(report)},
        "notices": {
            "planned": report.planned,
            "sent": report.sent,
            "failed": report.failed,
            "unknown": report.unknown,
        },
        "frozen": report.frozen,
        "seconds": seconds,
    }


def pull_json(report: PullReport, seconds: float) -> dict[str, Any]:
    """`pull --json`."""
    return {"pulled": _pulled_json(report.pulled), "frozen": report.frozen, "seconds": seconds}


def explain_json(found: Explanation, chosen: Sequence[tuple[Course, Decision]]) -> dict[str, Any]:
    """`explain --json`."""
    return {
        "person": found.person.person_id,
        "slack_id": found.person.slack_id,
        "decisions": [_decision_json(course, decision, found.person.zone) for course, decision in chosen],
    }


def _decision_json(course: Course, decision: Decision, zone: str) -> dict[str, Any]:
    return {
        "course_id": course.course_id,
        "course": course.title,
        "reason": decision.reason.value,
        "step": decision.step.name if decision.step else None,
        "deadline": _iso(decision.deadline_on),
        "detail": decision.detail,
        "words": explain(words(SOURCE), decision, zone),
        "next_at": _iso(decision.next_at),
        "next_step": decision.next_step.name if decision.next_step else None,
        "next_on": _iso(decision.next_on),
    }


def status_json(settings: Settings, store: Store | None) -> dict[str, Any]:
    """`status --json`."""
    counts = store.outbox.counts() if store else {}
    last_pull, last_pass = (store.snapshots.last(), store.passes.last()) if store else (None, None)
    return {
        "version": bot.__version__,
        "team_id": store.team_id if store else None,
        "last_pull": {"at": _iso(last_pull.at), **(_pulled_json(last_pull) or {})} if last_pull else None,
        "last_pass": _pass_record_json(last_pass) if last_pass else None,
        "decisions": {reason.value: n for reason, n in store.outbox.reasons().items()} if store else {},
        "pending": counts.get(State.PLANNED, 0) + counts.get(State.SENDING, 0) + counts.get(State.HELD, 0),
        "unknown": counts.get(State.UNKNOWN, 0),
        "refused": [_refusal_json(refusal) for refusal in store.outbox.refused(REFUSED_SHOWN)] if store else [],
        "frozen": store.passes.frozen() if store else None,
        "policy_digest": settings.policy_digest,
    }


def _refusal_json(refusal: Refusal) -> dict[str, Any]:
    return {
        "person": refusal.person_id,
        "slack_id": refusal.slack_id,
        "error": refusal.error,
        "on": _iso(refusal.local_on),
        "times": refusal.times,
    }


def _pass_record_json(record: PassRecord) -> dict[str, Any]:
    return {
        "at": _iso(record.at),
        "planned": record.planned,
        "sent": record.sent,
        "failed": record.failed,
        "unknown": record.unknown,
        "frozen": record.frozen,
    }


def _pulled_json(pulled: Pulled | None) -> dict[str, int] | None:
    if pulled is None:
        return None
    return {
        "people": pulled.people,
        "courses": pulled.courses,
        "assignments": pulled.assignments,
        "rejected": pulled.rejected,
    }


def _iso(value: Any) -> str | None:
    return value.isoformat() if value else None


# ── text ──


def pass_text(report: PassReport, policy_source: str, *, dry_run: bool) -> str:
    """What `remind` says to a person."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for reason, count in _in_order(report):
        table.add_row(str(count), reason.value)
    lines = [
        "Dry run: nothing is sent or written." if dry_run else "",
        f"Policy: {policy_source}.",
        pulled_text(report.pulled),
        _messages(report, dry_run=dry_run),
        *map(_would_send, report.would_send),
        "Assignments:" if report.reasons else "",
        _drawn(table),
    ]
    return "\n".join(line for line in lines if line)


def _messages(report: PassReport, *, dry_run: bool) -> str:
    if not report.planned:
        return "No messages to send."
    return f"Messages that a pass would send: {report.planned}." if dry_run else f"Messages: {_outcome(report)}."


def _would_send(notice: StoredNotice) -> str:
    """A planned message on one line: ids, and each course with its step."""
    courses = ", ".join(f"{_plain(n.title)} ({n.step.name}, {n.deadline_on})" for n in notice.named)
    return f"  LMS {notice.person_id}, Slack {notice.slack_id}: {courses}"


def _outcome(report: PassReport) -> str:
    more = [f"{n} {word}" for n, word in ((report.failed, "refused by Slack"), (report.unknown, "unknown")) if n]
    return ", ".join([f"{report.sent} of {report.planned} sent", *more])


def pulled_text(pulled: Pulled | None) -> str:
    """What a pull brought."""
    if pulled is None:
        return ""
    aside = f"; {pulled.rejected} records set aside" if pulled.rejected else ""
    return f"Pulled: {pulled.people} people, {pulled.courses} courses, {pulled.assignments} assignments{aside}."


def pull_text(report: PullReport) -> str:
    """What `pull` says to a person: the counts, and the first of the records that were set aside."""
    aside = [f"  set aside: {r.kind} {_plain(r.record_id) or '?'}: {_plain(r.reason)}" for r in report.rejects]
    return "\n".join([pulled_text(report.pulled), *aside])


def explain_text(found: Explanation, chosen: Sequence[tuple[Course, Decision]]) -> str:
    """What `explain` says to a person."""
    who = f"LMS {found.person.person_id}, Slack {found.person.slack_id or '–'}, {found.person.zone}"
    if not chosen:
        return f"{who}: no such assignment."
    table = Table(box=None, pad_edge=False)
    for heading in ("course", "reason", "in words"):
        table.add_column(heading, overflow="fold")
    for course, decision in chosen:
        title = _plain(course.title)
        table.add_row(
            f"{course.course_id} {title}",
            decision.reason.value,
            _plain(explain(words(SOURCE), decision, found.person.zone)),
        )
    return f"{who}\n{_drawn(table)}"


def status_text(settings: Settings, store: Store | None) -> str:
    """What `status` says to a person."""
    if store is None:
        return EMPTY
    found = status_json(settings, store)
    last_pull, last_pass = store.snapshots.last(), store.passes.last()
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row("workspace", store.team_id)
    table.add_row("last pull", f"{_minute(last_pull.at)}  {pulled_text(last_pull)}" if last_pull else "never")
    table.add_row("last pass", f"{_minute(last_pass.at)}  {_sent(last_pass)}" if last_pass else "never")
    table.add_row("waiting", f"{found['pending']} to send, {found['unknown']} unknown")
    for refusal in store.outbox.refused(REFUSED_SHOWN):
        table.add_row("refused by Slack", _refused(refusal))
    table.add_row("freeze", f"{found['frozen']}; release it with: deadline-bot approve" if found["frozen"] else "none")
    table.add_row("policy", f"{settings.policy_source}, digest {found['policy_digest']}")
    table.add_row("store", str(settings.database_path))
    return _drawn(table) if last_pull else f"{EMPTY}\n{_drawn(table)}"


def _refused(refusal: Refusal) -> str:
    times = f", {refusal.times} times in a row" if refusal.times > 1 else ""
    return f"LMS {refusal.person_id}, Slack {refusal.slack_id}: {refusal.error} on {refusal.local_on}{times}"


def _sent(record: PassRecord) -> str:
    return f"{record.sent} of {record.planned} sent, {record.failed} refused, {record.unknown} unknown"


def _minute(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"


def _plain(text: str) -> str:
    """Text from outside for a terminal: no control characters, no markup."""
    return printable(text).replace("[", r"\[")


def _in_order(report: PassReport) -> list[tuple[Reason, int]]:
    return [(reason, report.reasons[reason]) for reason in Reason if report.reasons.get(reason)]


def width() -> int | None:
    """How many columns there are; None: as many as the terminal has."""
    return None if sys.stdout.isatty() else 160


def _drawn(table: Table) -> str:
    page = StringIO()
    Console(file=page, width=width(), no_color=True).print(table)
    return "\n".join(line.rstrip() for line in page.getvalue().splitlines())
