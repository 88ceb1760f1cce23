"""What the commands print: JSON as interface.md promises it, text for people, progress bars on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

import bot
from bot.deadlines.calendar import zone_info
from bot.deadlines.model import Course, Decision, Exemption, Reason, Said
from bot.deadlines.terms import WEEKDAYS
from bot.jobs.calendars import country_code
from bot.jobs.exempt import Exempted
from bot.jobs.explain import Explanation
from bot.jobs.pull import PullReport
from bot.jobs.remind import PassReport
from bot.settings import Settings
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
        "name": _name(found),
        "slack_id": found.person.slack_id,
        "zone": found.person.zone,
        "country": found.country,
        "language": found.person.language,
        "at": _iso(found.day.now),
        "pulled_at": _iso(found.pulled_at),
        "decisions": [_decision_json(found, course, decision) for course, decision in chosen],
    }


def _decision_json(found: Explanation, course: Course, decision: Decision) -> dict[str, Any]:
    return {
        "course_id": course.course_id,
        "course": course.title,
        "reason": decision.reason.value,
        "step": decision.step.name if decision.step else None,
        "step_on": _iso(decision.step_on),
        "deadline": _iso(decision.deadline_on),
        "detail": decision.detail,
        "words": found.in_words(words(SOURCE), course, decision),
        "next_at": _iso(decision.next_at),
        "next_step": decision.next_step.name if decision.next_step else None,
        "next_on": _iso(decision.next_on),
        "last_said": _said_json(found.last_said(course.course_id)),
    }


def _said_json(said: Said | None) -> dict[str, Any] | None:
    return {"on": _iso(said.said_on), "step": said.step.name, "deadline": _iso(said.deadline_on)} if said else None


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
        "frozen_since": _iso(min((hold.since_at for hold in store.passes.holds()), default=None)) if store else None,
        "approved_days": [_iso(day) for day in _approved_days(settings, store)] if store else [],
        "policy_digest": settings.policy_digest,
    }


def _approved_days(settings: Settings, store: Store) -> list[date]:
    """Those that were not over at the last pull, by the default zone."""
    pulled, zone = store.snapshots.last(), ZoneInfo(settings.default_timezone)
    first = pulled.at.astimezone(zone).date() if pulled else date.min
    return sorted(day for day in store.passes.approved_days() if day >= first)


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


def explain_text(found: Explanation, chosen: Sequence[tuple[Course, Decision]], *, columns: int | None = None) -> str:
    """What `explain` says to a person: who it is about, and a paragraph a course. `columns` None: as the terminal."""
    if not chosen:
        return f"{_drawn(_about(found), columns)}\n\nNo such assignment."
    table = Table(box=None, pad_edge=False)
    table.add_column("course", overflow="fold", max_width=26)
    table.add_column("why", overflow="fold")
    for course, decision in chosen:
        said = [
            decision.reason.value,
            found.in_words(words(SOURCE), course, decision),
            _last_said(found, course, decision),
        ]
        why = "\n".join(_plain(line) for line in said if line)
        table.add_row(f"{course.course_id} {_plain(course.title)}", f"{why}\n")
    return f"{_drawn(_about(found), columns)}\n\n{_drawn(table, columns)}".rstrip()


def _about(found: Explanation) -> Table:
    """Who it is, and by which clock, calendar and data it was decided."""
    learner, here = found.dossier.learner, found.day.now.astimezone(zone_info(found.person.zone))
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(
        "person", _plain(", ".join(part for part in (_name(found), learner and learner.email) if part)) or "–"
    )
    table.add_row("ids", f"LMS {found.person.person_id}, Slack {found.person.slack_id or '–'}")
    table.add_row("clock", f"{found.person.zone}, {here:%Y-%m-%d %H:%M} there")
    table.add_row("calendar", _calendar(found))
    table.add_row("data", f"pulled {_minute(found.pulled_at)}" if found.pulled_at else "never pulled")
    return table


def _name(found: Explanation) -> str:
    learner = found.dossier.learner
    return learner.name if learner else ""


def _calendar(found: Explanation) -> str:
    """Whose working days count; the weekend; and what the LMS says where that is no country that is known."""
    weekend = " ".join(name for n, name in enumerate(WEEKDAYS) if n in found.day.calendar.weekend) or "none"
    theirs = found.dossier.learner.country if found.dossier.learner else None
    unknown = f"; the LMS says “{_plain(theirs)}”, which is unknown" if theirs and not country_code(theirs) else ""
    holidays = f"public holidays of {found.country}" if found.country else "no public holidays: no country is known"
    return f"{holidays}, weekend {weekend}{unknown}"


def _last_said(found: Explanation, course: Course, decision: Decision) -> str:
    """What was last said about the course, where that helps and the words do not say it already."""
    said = found.last_said(course.course_id)
    if said is None or decision.reason in (Reason.SUPERSEDED, Reason.COMPLETED):
        return ""
    if decision.reason is Reason.ALREADY_SENT and said.deadline_on == decision.deadline_on:
        return ""
    of = f", of the deadline {said.deadline_on}" if said.deadline_on != decision.deadline_on else ""
    return f"Last reminder: {said.said_on}, {said.step.name}{of}."


def exempt_text(found: Exempted) -> str:
    """What `exempt` says to a person: what now holds."""
    return f"{'' if found.changed else 'Nothing new: '}LMS {found.person_id} is {_exempt_from(found.holds)}."


def unexempt_text(found: Exempted) -> str:
    """What `unexempt` says to a person: what has ended, and what now holds."""
    who, now = f"LMS {found.person_id}", _exempt_from(found.holds)
    if not found.changed:
        return f"There was no such exemption to end: {who} is {now}."
    return f"{who} was {_exempt_from(found.ended)}; that has ended, and now they are {now}."


def _exempt_from(exemptions: Sequence[Exemption]) -> str:
    if not exemptions:
        return "not exempt from any course"
    return f"exempt from {' and from '.join(map(_exemption, exemptions))}"


def _exemption(exemption: Exemption) -> str:
    course = f"course {exemption.course_id}" if exemption.course_id else "every course"
    return f"{course} up to and including {exemption.until_on}" if exemption.until_on else f"{course} without an end"


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
    counts = store.outbox.reasons()
    table.add_row(
        "assignments", ", ".join(f"{counts[reason]} {reason.value}" for reason in Reason if counts.get(reason))
    )
    for refusal in store.outbox.refused(REFUSED_SHOWN):
        table.add_row("refused by Slack", _refused(refusal))
    table.add_row("freeze", _frozen(store) or "none")
    if found["approved_days"]:
        table.add_row("approved days", ", ".join(found["approved_days"]))
    table.add_row("policy", f"{settings.policy_source}, digest {found['policy_digest']}")
    table.add_row("store", str(settings.database_path))
    return _drawn(table) if last_pull else f"{EMPTY}\n{_drawn(table)}"


def _frozen(store: Store) -> str:
    """Each freeze that holds, and how to release it."""
    holds = [f"since {_minute(hold.since_at)}: {hold.text}" for hold in store.passes.holds()]
    return "; ".join([*holds, "release it with: deadline-bot approve"]) if holds else ""


def _refused(refusal: Refusal) -> str:
    times = f", {refusal.times} times in a row" if refusal.times > 1 else ""
    return f"LMS {refusal.person_id}, Slack {refusal.slack_id}: {refusal.error} on {refusal.local_on}{times}"


def _sent(record: PassRecord) -> str:
    return f"{record.sent} of {record.planned} sent, {record.failed} refused, {record.unknown} unknown"


def _minute(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"


def _plain(text: str) -> str:
    """Text from outside for a terminal: no control characters."""
    return printable(text)


def _in_order(report: PassReport) -> list[tuple[Reason, int]]:
    return [(reason, report.reasons[reason]) for reason in Reason if report.reasons.get(reason)]


def width() -> int | None:
    """How many columns there are; None: as many as the terminal has."""
    return None if sys.stdout.isatty() else 160


def _drawn(table: Table, columns: int | None = None) -> str:
    page = StringIO()
    Console(file=page, width=columns or width(), no_color=True, markup=False, emoji=False).print(table)
    return "\n".join(line.rstrip() for line in page.getvalue().splitlines())
