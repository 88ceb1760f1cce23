"""Decisions, notices and what became of them.

Every move of a notice is a conditional update whose row count is checked; there is no other way to change one:

                      ┌────────────── back ───────────────┐
                      ▼                                   │
    (plan) ──► planned ── claim ──► sending ──────────────┤
                 │  ▲                  │ ├── sent ──► sent│
            drop │  │ approve          │ ├── failed ► failed
                 ▼  │ (decided afresh) │ └── unknown ► unknown ── sent ──► sent
              dropped   held ◄── hold (the safety freeze; from planned)

    (Slack) ── read back of a lost store (acquaintances.py) ──► sent

`planned`, `sending`, `unknown` and `sent` take up the person's one DM of that local day (index one_dm_a_day), and
their reminders take up the step (index no_step_twice). `failed`, `dropped` and `held` let go of both. `sending` and
`unknown` count as said until they are settled, so that a crash can never say a thing twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlite_utils import Database

from bot.deadlines.model import Decision, Notice, Reason, Reminder, Step
from bot.deadlines.plan import Plan
from bot.errors import StoreError
from bot.store import Named, Refusal, State, StoredNotice, rows
from bot.store.audit import SqliteAudit
from bot.store.sqlite import immediate, instant, seconds
from bot.store.witness import Witness

TEXTS_MOST = 20_000  # decisions that are kept written out

DECISIONS_OF = """
SELECT person_id, course_id, n, reason, step, step_on, deadline_on, detail, next_at, next_step, next_on
FROM decisions WHERE team_id = :team AND person_id IN (SELECT value FROM json_each(:ids))
ORDER BY person_id, course_id, n
"""
SAVE_DECISION = "INSERT OR REPLACE INTO decisions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
FORGET_DECISION = "DELETE FROM decisions WHERE team_id = ? AND person_id = ? AND course_id = ? AND n = ?"
FORGET_VANISHED = """
DELETE FROM decisions WHERE team_id = :team AND person_id NOT IN (
    SELECT person_id FROM assignments WHERE team_id = :team)
"""
ON_HOLD = "SELECT notice_id FROM notices WHERE team_id = :team AND state = 'planned'"
HOLD_PLANNED = (
    """DELETE FROM notices WHERE team_id = :team AND state = 'held' AND person_id IN (
        SELECT person_id FROM notices WHERE team_id = :team AND state = 'planned')""",
    f"UPDATE reminders SET fate = 'released' WHERE team_id = :team AND notice_id IN ({ON_HOLD})",
    "UPDATE notices SET state = 'held' WHERE team_id = :team AND state = 'planned'",
    "UPDATE decisions SET reason = 'frozen' WHERE team_id = :team AND reason = 'send'",
)
DUE_PEOPLE = """
SELECT DISTINCT person_id FROM decisions WHERE team_id = ? AND next_at IS NOT NULL AND next_at <= ? ORDER BY person_id
"""
REASONS = "SELECT reason, count(*) FROM decisions WHERE team_id = ? GROUP BY reason"

PLAN = """
INSERT INTO notices (team_id, notice_id, seq, pass_id, person_id, slack_id, local_on, state, planned_at)
VALUES (:team, :id, 1 + (SELECT coalesce(max(seq), 0) FROM notices WHERE team_id = :team AND state IN ('planned',
    'sending', 'unknown')), :pass, :person, :slack, :on, 'planned', :at)
"""
PLAN_REMINDER = """
INSERT INTO reminders (team_id, notice_id, course_id, deadline_on, step, fate, person_id, title, key, reproach_free,
    locked) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
RELEASE = "UPDATE reminders SET fate = 'released' WHERE team_id = ? AND notice_id = ?"
NOTICE = """
SELECT notice_id, person_id, slack_id, local_on, state, attempts, claimed_at, channel_id, ts
FROM notices WHERE team_id = ? AND notice_id = ?
"""
NAMED = """
SELECT course_id, title, step, deadline_on, key, reproach_free, locked, shown FROM reminders
WHERE team_id = ? AND notice_id = ? AND fate = 'named' ORDER BY deadline_on, course_id
"""
# The second condition is the partial index's own, without which SQLite does not use it.
IN_STATE = """
SELECT notice_id FROM notices
WHERE team_id = ? AND state = ? AND state IN ('planned', 'sending', 'unknown') ORDER BY seq
"""
DROP_PLANNED = """
DELETE FROM notices
WHERE team_id = ? AND state = 'planned' AND state IN ('planned', 'sending', 'unknown') AND attempts = 0
"""
COUNTS = "SELECT state, count(*) FROM notices WHERE team_id = ? GROUP BY state"
OUTCOMES = "SELECT state, count(*) FROM notices WHERE team_id = ? AND pass_id = ? GROUP BY state"
BEFORE = """
SELECT channel_id, ts FROM notices WHERE team_id = ? AND person_id = ? AND state = 'sent' AND slack_id = ?
    AND claimed_at < ? ORDER BY claimed_at DESC, ts DESC LIMIT 1
"""
COUNT_CLAIM = """
INSERT INTO marks (team_id, claims) VALUES (?, 1) ON CONFLICT (team_id) DO UPDATE SET claims = claims + 1
RETURNING claims
"""
ACQUAINTED = """
INSERT INTO acquainted SELECT team_id, slack_id FROM notices WHERE team_id = ? AND notice_id = ?
ON CONFLICT DO NOTHING
"""
# Not where an unknown outcome of before a restore is settled: those people are strangers.
SPEAKS_SINCE = """
UPDATE marks SET speaks_since_ts = :ts WHERE team_id = :team AND speaks_since_ts IS NULL AND EXISTS (
    SELECT 1 FROM notices n JOIN acquainted USING (team_id, slack_id) WHERE n.team_id = :team AND n.notice_id = :id)
"""
REFUSED = """
SELECT person_id, slack_id, error, max(local_on), count(*) FROM notices f
WHERE team_id = ? AND state = 'failed' AND NOT EXISTS (SELECT 1 FROM notices s WHERE s.team_id = f.team_id
    AND s.person_id = f.person_id AND s.slack_id = f.slack_id AND s.state = 'sent' AND s.local_on > f.local_on)
GROUP BY person_id, slack_id ORDER BY max(local_on) DESC, person_id LIMIT ?
"""
# What a course named in a DM has become. A completion of this very deadline counts even when a newer row governs.
TRUE_STATE = """
SELECT r.notice_id, r.person_id, r.course_id, r.shown, r.shown_on, g.deadline_on, CASE
    WHEN r.shown = 'done' THEN 'done'
    WHEN EXISTS (SELECT 1 FROM decisions d WHERE d.team_id = r.team_id AND d.person_id = r.person_id
        AND d.course_id = r.course_id AND d.reason = 'completed' AND (d.n = 0 OR d.deadline_on = r.deadline_on))
        THEN 'done'
    WHEN g.reason IS NULL
        OR g.reason = 'not_required' OR (g.reason = 'course_inactive' AND g.detail <> 'switched_off') THEN 'dropped'
    WHEN g.deadline_on <> r.deadline_on THEN 'moved'
    ELSE 'open' END AS truth
FROM reminders r JOIN notices n ON n.team_id = r.team_id AND n.notice_id = r.notice_id
LEFT JOIN decisions g ON g.team_id = r.team_id AND g.person_id = r.person_id AND g.course_id = r.course_id AND g.n = 0
WHERE r.team_id = :team AND r.fate = 'named' AND n.state = 'sent'
"""
# CROSS JOIN: from the few people on, never from all reminders.
OF_THOSE_TO_CORRECT = TRUE_STATE.replace("FROM reminders r", "FROM to_correct t CROSS JOIN reminders r")
CORRECTIONS = f"""
SELECT DISTINCT notice_id, person_id FROM ({OF_THOSE_TO_CORRECT} AND t.team_id = :team AND r.person_id = t.person_id
    AND r.shown <> 'done') WHERE shown <> truth OR (truth = 'moved' AND shown_on IS NOT deadline_on) ORDER BY notice_id
"""
# Somebody's DMs are looked at again once what was decided about them has changed, or a DM has come to be known as sent.
TO_CORRECT = """
INSERT INTO to_correct SELECT DISTINCT team_id, person_id FROM reminders WHERE team_id = :team AND fate = 'named'
    AND shown <> 'done' AND person_id IN (SELECT value FROM json_each(:ids)) ON CONFLICT DO NOTHING
"""
VANISHED_TO_CORRECT = """
INSERT INTO to_correct SELECT DISTINCT team_id, person_id FROM decisions WHERE team_id = :team AND person_id NOT IN (
    SELECT person_id FROM assignments WHERE team_id = :team) ON CONFLICT DO NOTHING
"""
SENT_TO_CORRECT = """
INSERT INTO to_correct SELECT team_id, person_id FROM notices WHERE team_id = ? AND notice_id = ? ON CONFLICT DO NOTHING
"""
CORRECT_NOW = """
DELETE FROM to_correct WHERE team_id = :team AND person_id NOT IN (SELECT value FROM json_each(:ids))
"""
TRUE_STATE_OF = f"SELECT course_id, truth, deadline_on FROM ({TRUE_STATE} AND r.notice_id = :id)"
SHOWN = """
UPDATE reminders SET shown = ?, shown_on = (SELECT deadline_on FROM decisions d WHERE d.team_id = reminders.team_id
    AND d.person_id = reminders.person_id AND d.course_id = reminders.course_id AND d.n = 0)
WHERE team_id = ? AND notice_id = ? AND course_id = ?
"""


class SqliteOutbox:
    """The outbox in one SQLite file; see the Outbox protocol."""

    def __init__(self, db: Database, witness: Witness, team_id: str) -> None:
        self._db, self._witness, self._team, self._audit = db, witness, team_id, SqliteAudit(db, team_id)
        self._texts = _Texts()

    def _all(self, sql: str, *values: Any) -> list[Any]:
        return self._db.conn.execute(sql, (self._team, *values)).fetchall()

    # ── decisions ──

    def save(
        self,
        plans: Sequence[Plan],
        notices: Sequence[tuple[str, Notice, tuple[Named, ...]]],
        *,
        pass_id: str,
        at: datetime,
    ) -> None:
        """These people's final decisions and the notices that follow, all or nothing."""
        changed, gone = self._differences(plans)
        if not changed and not gone and not notices:
            return
        with immediate(self._db):
            self._db.conn.executemany(SAVE_DECISION, changed)
            self._db.conn.executemany(FORGET_DECISION, gone)
            if people := {row[1] for row in (*changed, *gone)}:
                self._db.conn.execute(TO_CORRECT, {"team": self._team, "ids": rows.ids_text(people)})
            for notice_id, notice, courses in notices:
                self._plan(notice_id, notice, courses, pass_id=pass_id, at=at)

    def _differences(self, plans: Sequence[Plan]) -> tuple[list[rows.Row], list[rows.Row]]:
        """The rows to write, and the keys of those to delete; of most people there are none."""
        named = {"team": self._team, "ids": rows.ids_text([plan.person_id for plan in plans])}
        stored = self._db.conn.execute(DECISIONS_OF, named).fetchall()
        old = {person_id: list(found) for person_id, found in groupby(stored, key=itemgetter(0))}
        changed: list[rows.Row] = []
        gone: list[rows.Row] = []
        for plan in plans:
            before, now = old.get(plan.person_id, []), self._texts.of(plan)
            if before != now:
                stood = set(before)
                changed += [row for row in now if row not in stood]
                gone += {row[:3] for row in before} - {row[:3] for row in now}
        return [(self._team, *row) for row in changed], [(self._team, *key) for key in gone]

    def _plan(self, notice_id: str, notice: Notice, courses: tuple[Named, ...], *, pass_id: str, at: datetime) -> None:
        row = {
            "team": self._team,
            "id": notice_id,
            "pass": pass_id,
            "person": notice.person_id,
            "slack": notice.slack_id,
            "on": notice.local_on.isoformat(),
            "at": seconds(at),
        }
        self._db.conn.execute(PLAN, row)
        reminders = [
            (self._team, notice_id, r.course_id, r.deadline_on.isoformat(), step.name, fate, notice.person_id, *said)
            for r, n in zip(notice.reminders, courses, strict=True)
            for said in [(n.title, n.key, n.reproach_free, n.locked)]
            for step, fate in _steps(r)
        ]
        self._db.conn.executemany(PLAN_REMINDER, reminders)

    def forget_vanished(self) -> None:
        """Drop decisions of people who have no assignment any more."""
        with immediate(self._db):
            for statement in (VANISHED_TO_CORRECT, FORGET_VANISHED):
                self._db.conn.execute(statement, {"team": self._team})

    def due_people(self, now: datetime) -> list[int]:
        """Who has a decision that can have changed by itself."""
        return [row[0] for row in self._all(DUE_PEOPLE, seconds(now))]

    def reasons(self) -> dict[Reason, int]:
        """How many assignments have each reason."""
        return {Reason(reason): count for reason, count in self._all(REASONS)}

    # ── reading notices ──

    def planned(self) -> list[str]:
        """The ids of notices that wait to be sent, in the order of planning."""
        return [row[0] for row in self._all(IN_STATE, State.PLANNED)]

    def unsettled(self) -> list[StoredNotice]:
        """Notices whose fate is not known."""
        ids = self._all(IN_STATE, State.SENDING) + self._all(IN_STATE, State.UNKNOWN)
        return [self.notice(row[0]) for row in ids]

    def notice(self, notice_id: str) -> StoredNotice:
        """One notice. Raises KeyError where there is none."""
        found = self._all(NOTICE, notice_id)
        if not found:
            raise KeyError(notice_id)
        (_, person_id, slack_id, local_on, state, attempts, claimed_at, channel_id, ts) = found[0]
        return StoredNotice(
            notice_id=notice_id,
            person_id=person_id,
            slack_id=slack_id,
            local_on=date.fromisoformat(local_on),
            state=State(state),
            named=tuple(_named(row) for row in self._all(NAMED, notice_id)),
            attempts=attempts,
            claimed_at=instant(claimed_at),
            channel_id=channel_id,
            ts=ts,
        )

    def counts(self) -> dict[State, int]:
        """How many notices are in each state."""
        return {State(state): count for state, count in self._all(COUNTS)}

    def outcomes(self, pass_id: str) -> dict[State, int]:
        """How many notices of this pass are in each state."""
        return {State(state): count for state, count in self._all(OUTCOMES, pass_id)}

    def before(self, notice: StoredNotice) -> tuple[str | None, str | None]:
        """Channel and ts of the last DM known to have reached the same Slack person before this notice was claimed."""
        claimed_at = notice.claimed_at.timestamp() if notice.claimed_at else 0.0
        found = self._all(BEFORE, notice.person_id, notice.slack_id, claimed_at)
        return (found[0][0], found[0][1]) if found else (None, None)

    def refused(self, most: int) -> list[Refusal]:
        """People to whom Slack refused the last DM, the latest first, at most so many."""
        return [
            Refusal(person_id=row[0], slack_id=row[1], error=row[2], local_on=date.fromisoformat(row[3]), times=row[4])
            for row in self._all(REFUSED, most)
        ]

    # ── moving notices ──

    def claim(self, notice_id: str, *, wall_at: datetime) -> None:
        """planned -> sending, on disk before the post begins."""
        with self._move(notice_id, (State.PLANNED,), State.SENDING, claimed_at=wall_at.timestamp()):
            self._db.conn.execute(ACQUAINTED, (self._team, notice_id))
            ((claims,),) = self._all(COUNT_CLAIM)
        self._witness.note(claims)

    def sent(self, notice_id: str, *, channel_id: str, ts: str, at: datetime) -> None:
        """It arrived."""
        fields = {"channel_id": channel_id, "ts": ts, "settled_at": seconds(at), "error": None}
        with self._move(notice_id, (State.SENDING, State.UNKNOWN), State.SENT, **fields):
            self._db.conn.execute(SPEAKS_SINCE, {"team": self._team, "id": notice_id, "ts": ts})
            self._db.conn.execute(SENT_TO_CORRECT, (self._team, notice_id))
            self._audit.add(at, "bot", "notice.sent", notice_id)

    def failed(self, notice_id: str, *, error: str, at: datetime) -> None:
        """Slack refused it; its steps are free again."""
        with self._move(notice_id, (State.SENDING,), State.FAILED, error=error, settled_at=seconds(at)):
            self._db.conn.execute(RELEASE, (self._team, notice_id))
            self._audit.add(at, "bot", "notice.failed", notice_id, error)

    def unknown(self, notice_id: str, *, error: str, at: datetime) -> None:
        """Nobody can say."""
        with self._move(notice_id, (State.SENDING,), State.UNKNOWN, error=error, settled_at=seconds(at)):
            pass

    def back(self, notice_id: str) -> None:
        """It surely did not arrive."""
        with self._move(notice_id, (State.SENDING, State.UNKNOWN), State.PLANNED):
            pass

    def drop(self, notice_id: str, *, detail: str, at: datetime) -> None:
        """It is not to be sent any more; its steps are free again."""
        with self._move(notice_id, (State.PLANNED,), State.DROPPED, error=detail, settled_at=seconds(at)):
            self._db.conn.execute(RELEASE, (self._team, notice_id))

    def drop_planned(self, *, at: datetime) -> int:
        """Forget what is planned: the next decisions replace it."""
        with immediate(self._db):
            dropped = self._db.conn.execute(DROP_PLANNED, (self._team,)).rowcount
        tried = self.planned()  # one that was claimed before stays known by its id: Slack may show it late
        for notice_id in tried:
            self.drop(notice_id, detail="decided afresh", at=at)
        return dropped + len(tried)

    def hold_planned(self) -> None:
        """Mark what this pass planned as held by the freeze, and its decisions as frozen."""
        with immediate(self._db):
            for statement in HOLD_PLANNED:
                self._db.conn.execute(statement, {"team": self._team})

    @contextmanager
    def _move(self, notice_id: str, before: Sequence[State], after: State, **fields: Any) -> Iterator[None]:
        """One move and what belongs to it, in one transaction. Raises StoreError where the notice is elsewhere."""
        columns = "".join(f", {name} = :{name}" for name in fields)
        sql = "UPDATE notices SET state = :after, attempts = attempts + (:after = 'sending')"
        sql += f"{columns} WHERE team_id = :team AND notice_id = :id "
        sql += "AND state IN (SELECT value FROM json_each(:before))"
        named = {"after": after, "team": self._team, "id": notice_id, "before": json.dumps(list(before)), **fields}
        with immediate(self._db):
            if self._db.conn.execute(sql, named).rowcount != 1:
                raise StoreError(f"Notice {notice_id} cannot become {after}: another copy has moved it.")
            yield

    # ── keeping earlier DMs true ──

    def corrections(self) -> list[str]:
        """Sent notices that are no longer true."""
        if not self._all("SELECT 1 FROM to_correct WHERE team_id = ? LIMIT 1"):
            return []
        with immediate(self._db):
            found = self._db.conn.execute(CORRECTIONS, {"team": self._team}).fetchall()
            ids = rows.ids_text({person_id for _, person_id in found})
            self._db.conn.execute(CORRECT_NOW, {"team": self._team, "ids": ids})
        return [notice_id for notice_id, _ in found]

    def true_state(self, notice_id: str) -> dict[int, tuple[str, date | None]]:
        """What each course of a sent notice has become."""
        found = self._db.conn.execute(TRUE_STATE_OF, {"team": self._team, "id": notice_id}).fetchall()
        return {course_id: (truth, rows.day(deadline_on)) for course_id, truth, deadline_on in found}

    def shown(self, notice_id: str, states: Mapping[int, str]) -> None:
        """The DM has been edited to show this."""
        with immediate(self._db):
            changed = [(state, self._team, notice_id, course_id) for course_id, state in states.items()]
            self._db.conn.executemany(SHOWN, changed)


class _Texts:
    """Decisions as columns: each decision is written out once, however many rows it is about."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Decision, rows.Row]] = {}  # by identity; the decision is kept so that it stays it

    def of(self, plan: Plan) -> list[rows.Row]:
        """Person, course, n and the other columns; n counts one course's rows, the governing one 0."""
        found: list[rows.Row] = []
        last, n = None, 0
        for row, decision in zip(plan.assignments, plan.decisions, strict=True):
            n = n + 1 if row.course_id == last else 0
            last = row.course_id
            known = self._known.get(id(decision)) or self._written(decision)
            found.append((plan.person_id, last, n, *known[1]))
        return found

    def _written(self, decision: Decision) -> tuple[Decision, rows.Row]:
        if len(self._known) >= TEXTS_MOST:
            self._known.clear()
        self._known[id(decision)] = found = (decision, rows.decision_row(decision))
        return found


def _steps(reminder: Reminder) -> list[tuple[Step, str]]:
    return [(reminder.step, "named"), *((step, "passed_over") for step in reminder.passed_over)]


def _named(row: rows.Row) -> Named:
    return Named(
        course_id=row[0],
        title=row[1],
        step=Step.parse(row[2]),
        deadline_on=date.fromisoformat(row[3]),
        key=row[4],
        reproach_free=bool(row[5]),
        locked=bool(row[6]),
        shown=row[7],
    )
