"""Values and moves for the store's tests: a pull from a few rows, a planned DM, a notice brought to a state."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeVar

from bot.deadlines.model import (
    Assignment,
    Course,
    Decision,
    Learner,
    Match,
    Member,
    Notice,
    Page,
    Reason,
    Rejected,
    Reminder,
    Status,
    Step,
)
from bot.deadlines.plan import Plan
from bot.store import Dossier, Named, Pulled, SnapshotWriter, State, Store, StoredNotice
from tests.builders import a_course, an_assignment, copenhagen, on

T = TypeVar("T")

NOW = copenhagen("2027-06-15 10:00")
LATER = copenhagen("2027-06-15 11:00")


# ── pulls ──


def a_learner(person_id: int = 1, **facts: Any) -> Learner:
    """Somebody whose address tells their id."""
    return Learner(**{"person_id": person_id, "email": f"p{person_id}@acme.com", **facts})


def a_member(slack_id: str = "U1", **facts: Any) -> Member:
    """Somebody in Slack."""
    return Member(**{"slack_id": slack_id, **facts})


def a_reject(record_id: str, kind: Any = "participant", reason: str = "deadline: no date", raw: str = "x") -> Rejected:
    """A record that could not be read."""
    return Rejected(kind=kind, reason=reason, record_id=record_id, raw=raw)


def a_page(*rows: T, number: int = 1, rejected: Sequence[Rejected] = (), digest: bytes = b"") -> Page[T]:
    """A page whose digest follows from what is on it."""
    told = hashlib.sha256(repr((rows, rejected)).encode()).digest()
    return Page(number=number, digest=digest or told, rows=rows, rejected=tuple(rejected))


def done(**facts: Any) -> Assignment:
    """A completed assignment."""
    return an_assignment(status=Status.COMPLETED, **facts)


def in_pages(*rows: Assignment) -> dict[int, list[Page[Assignment]]]:
    """One page a course."""
    courses = dict.fromkeys(row.course_id for row in rows)
    return {course: [a_page(*(row for row in rows if row.course_id == course))] for course in courses}


def stage(
    writer: SnapshotWriter,
    *rows: Assignment,
    pages: Mapping[int, Sequence[Page[Assignment]]] | None = None,
    people: Sequence[Learner] | None = None,
    courses: Sequence[Course] | None = None,
    members: Sequence[Member] = (),
    matches: Mapping[int, Match] | None = None,
) -> None:
    """A whole pull of these rows, one page a course, or of these pages; people and courses follow from them."""
    pages = in_pages(*rows) if pages is None else pages
    ids = sorted({row.person_id for found in pages.values() for page in found for row in page.rows})
    writer.add_members(members)
    writer.add_people(a_page(*(map(a_learner, ids) if people is None else people)))
    writer.add_courses(a_page(*(map(a_course, pages) if courses is None else courses)))
    stage_pages(writer, pages)
    writer.set_matches(matches or {})


def stage_pages(writer: SnapshotWriter, pages: Mapping[int, Sequence[Page[Assignment]]]) -> None:
    """These pages of these courses."""
    for course_id, found in pages.items():
        for page in found:
            writer.add_assignments(course_id, page)


def pull(store: Store, *rows: Assignment, at: Any = NOW, **what: Any) -> Pulled:
    """A whole pull, staged and put in place."""
    with store.snapshots.replace() as writer:
        stage(writer, *rows, **what)
        return writer.commit(at)


def refresh(store: Store, pages: Mapping[int, Sequence[Page[Assignment]]], at: Any = LATER) -> Pulled:
    """A pull of these courses alone."""
    with store.snapshots.refresh(list(pages)) as writer:
        stage_pages(writer, pages)
        return writer.commit(at)


def stored(store: Store) -> list[Assignment]:
    """Every assignment that the store shows, by person and course."""
    return [row for chunk in store.snapshots.dossiers() for dossier in chunk for row in dossier.assignments]


def dossier_of(store: Store, person_id: int = 1) -> Dossier:
    """What is stored about one person."""
    [[found]] = store.snapshots.dossiers([person_id])
    return found


# ── decisions and notices ──


@dataclass(frozen=True, kw_only=True)
class Decided:
    """A decision and what it is about."""

    person_id: int
    course_id: int
    decision: Decision


def a_decision(
    reason: Reason = Reason.NOT_DUE_YET,
    deadline: str | None = "2027-06-23",
    *,
    person_id: int = 1,
    course_id: int = 1,
    **facts: Any,
) -> Decided:
    """A decision about person 1 and course 1."""
    defaults = {"reason": reason, "deadline_on": on(deadline) if deadline else None}
    return Decided(person_id=person_id, course_id=course_id, decision=Decision(**{**defaults, **facts}))


def plans_of(*decided: Decided) -> list[Plan]:
    """These decisions, of each course the governing one first, as one plan a person."""
    people = groupby(sorted(decided, key=lambda d: (d.person_id, d.course_id)), key=lambda d: d.person_id)
    return [a_plan_without_notice(person_id, *found) for person_id, found in people]


def a_plan_without_notice(person_id: int, *decided: Decided) -> Plan:
    """What was decided about one person, none of which sends anything."""
    rows = tuple(an_assignment(person_id=person_id, course_id=d.course_id) for d in decided)
    return Plan(person_id=person_id, assignments=rows, decisions=tuple(d.decision for d in decided))


def decide(store: Store, *decided: Decided, at: Any = NOW) -> None:
    """These decisions are final for their people."""
    store.outbox.save(plans_of(*decided), [], pass_id="p", at=at)


def a_reminder(course_id: int = 1, step: str = "before-7", deadline: str = "2027-06-23", **facts: Any) -> Reminder:
    """A course in a DM."""
    return Reminder(course_id=course_id, step=Step.parse(step), deadline_on=on(deadline), **facts)


def a_plan_of(
    notice_id: str, *reminders: Reminder, person_id: int = 1, day: str = "2027-06-15"
) -> tuple[str, Notice, tuple[Named, ...]]:
    """A DM to be saved: about course 1 where nothing is said."""
    reminders = reminders or (a_reminder(),)
    notice = Notice(person_id=person_id, slack_id=f"U{person_id}", local_on=on(day), reminders=reminders)
    return notice_id, notice, tuple(map(as_named, reminders))


def as_named(reminder: Reminder) -> Named:
    """How a DM names this course."""
    return Named(
        course_id=reminder.course_id,
        title=f"course {reminder.course_id}",
        step=reminder.step,
        deadline_on=reminder.deadline_on,
        key=f"key-{reminder.course_id}",
        reproach_free=reminder.reproach_free,
    )


def plan(store: Store, notice_id: str, *reminders: Reminder, person_id: int = 1, day: str = "2027-06-15") -> str:
    """A DM is planned; decisions stay as they are. Returns its id."""
    planned = a_plan_of(notice_id, *reminders, person_id=person_id, day=day)
    store.outbox.save([], [planned], pass_id="p", at=NOW)
    return notice_id


def an_unknown(**facts: Any) -> StoredNotice:
    """A notice to person 1, claimed an hour after NOW, of which nobody knows whether it arrived."""
    defaults = {"notice_id": "unknown", "person_id": 1, "slack_id": "U1", "local_on": on("2027-06-15"), "named": ()}
    return StoredNotice(**{**defaults, "state": State.UNKNOWN, "claimed_at": LATER, **facts})


MOVES: dict[str, Any] = {
    "claim": lambda outbox, notice_id: outbox.claim(notice_id, wall_at=NOW),
    "sent": lambda outbox, notice_id: outbox.sent(notice_id, channel_id="D1", ts="1.000001", at=NOW),
    "failed": lambda outbox, notice_id: outbox.failed(notice_id, error="is_inactive", at=NOW),
    "unknown": lambda outbox, notice_id: outbox.unknown(notice_id, error="timeout", at=NOW),
    "back": lambda outbox, notice_id: outbox.back(notice_id),
    "drop": lambda outbox, notice_id: outbox.drop(notice_id, detail="completed", at=NOW),
    "hold": lambda outbox, _: outbox.hold_planned(),
}
WAY_TO = {
    State.PLANNED: (),
    State.HELD: ("hold",),
    State.SENDING: ("claim",),
    State.UNKNOWN: ("claim", "unknown"),
    State.SENT: ("claim", "sent"),
    State.FAILED: ("claim", "failed"),
    State.DROPPED: ("drop",),
}


def bring(store: Store, notice_id: str, state: State) -> str:
    """A planned notice goes its way to this state. Returns its id."""
    for move in WAY_TO[state]:
        MOVES[move](store.outbox, notice_id)
    return notice_id


def send(store: Store, notice_id: str, *reminders: Reminder, **facts: Any) -> str:
    """A DM is planned and arrives. Returns its id."""
    return bring(store, plan(store, notice_id, *reminders, **facts), State.SENT)
