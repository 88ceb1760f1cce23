"""The schema, as ordered steps. A step that was released is never changed; a new one is added below it.

STRICT tables throughout, every key begins with the workspace. Instants are whole seconds since 1970 in UTC, dates are
`YYYY-MM-DD`. The views `public_*` are promised to readers outside (docs: interface); all else may change.
"""

from __future__ import annotations

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

migrations = Migrations("deadline-bot")
RELEASED = (
    "first_schema",
    "whom_we_know",
    "what_else_is_said",
)  # every step below, so that a store with others is known to be newer

# The snapshot's bulk has no foreign keys: a merge of a million rows would pay for each, and replaces all at once.
FIRST_SCHEMA = """
CREATE TABLE workspace (team_id TEXT PRIMARY KEY, created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE pulls (
    team_id TEXT NOT NULL, at INTEGER NOT NULL, people INTEGER NOT NULL, courses INTEGER NOT NULL,
    assignments INTEGER NOT NULL, rejected INTEGER NOT NULL, completions INTEGER NOT NULL,
    PRIMARY KEY (team_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE people (
    team_id TEXT NOT NULL, person_id INTEGER NOT NULL, email TEXT, first_name TEXT NOT NULL, last_name TEXT NOT NULL,
    language TEXT, timezone TEXT, country TEXT, employment_ends_on TEXT, manager_ids TEXT NOT NULL,
    team_ids TEXT NOT NULL, department_ids TEXT NOT NULL, slack_id TEXT, no_match TEXT,
    PRIMARY KEY (team_id, person_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX people_by_email ON people (team_id, email COLLATE NOCASE);
CREATE INDEX people_by_slack_id ON people (team_id, slack_id);

CREATE TABLE members (
    team_id TEXT NOT NULL, slack_id TEXT NOT NULL, email TEXT, timezone TEXT, locale TEXT, deleted INTEGER NOT NULL,
    is_bot INTEGER NOT NULL, is_stranger INTEGER NOT NULL, status_text TEXT NOT NULL, status_emoji TEXT NOT NULL,
    status_until_at INTEGER, status_seen_at INTEGER NOT NULL,
    PRIMARY KEY (team_id, slack_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE links (
    team_id TEXT NOT NULL, person_id INTEGER NOT NULL, slack_id TEXT NOT NULL,
    PRIMARY KEY (team_id, person_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE courses (
    team_id TEXT NOT NULL, course_id INTEGER NOT NULL, title TEXT NOT NULL, active INTEGER NOT NULL,
    expected_minutes INTEGER, lock_after_deadline INTEGER NOT NULL, inform_leader_deadline INTEGER NOT NULL,
    looked_at INTEGER,
    PRIMARY KEY (team_id, course_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE pages (
    team_id TEXT NOT NULL, course_id INTEGER NOT NULL, page INTEGER NOT NULL, digest BLOB NOT NULL,
    assignments INTEGER NOT NULL, completions INTEGER NOT NULL, rejected INTEGER NOT NULL,
    PRIMARY KEY (team_id, course_id, page)
) STRICT, WITHOUT ROWID;

CREATE TABLE assignments (
    team_id TEXT NOT NULL, person_id INTEGER NOT NULL, course_id INTEGER NOT NULL, page INTEGER NOT NULL,
    n INTEGER NOT NULL, required INTEGER NOT NULL, status TEXT NOT NULL, deadline_on TEXT, deadline_raw TEXT,
    assigned_at INTEGER, started_at INTEGER, completed_at INTEGER, renewal_at INTEGER, progress_percent REAL,
    score REAL, attempts INTEGER, time_spent_seconds INTEGER,
    PRIMARY KEY (team_id, person_id, course_id, page, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX assignments_by_page ON assignments (team_id, course_id, page);

CREATE TABLE rejects (
    team_id TEXT NOT NULL, kind TEXT NOT NULL, course_id INTEGER NOT NULL, page INTEGER NOT NULL, n INTEGER NOT NULL,
    record_id TEXT NOT NULL, reason TEXT NOT NULL, raw TEXT NOT NULL,
    PRIMARY KEY (team_id, kind, course_id, page, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE decisions (
    team_id TEXT NOT NULL, person_id INTEGER NOT NULL, course_id INTEGER NOT NULL, n INTEGER NOT NULL,
    reason TEXT NOT NULL, step TEXT, step_on TEXT, deadline_on TEXT, detail TEXT NOT NULL, next_at INTEGER,
    next_step TEXT, next_on TEXT,
    PRIMARY KEY (team_id, person_id, course_id, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX decisions_due ON decisions (team_id, next_at, person_id) WHERE next_at IS NOT NULL;

CREATE TABLE passes (
    team_id TEXT NOT NULL, pass_id TEXT NOT NULL, at INTEGER NOT NULL, partial INTEGER NOT NULL,
    ended INTEGER NOT NULL DEFAULT 0,
    quiet INTEGER NOT NULL DEFAULT 0,
    planned INTEGER NOT NULL DEFAULT 0, sent INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,
    unknown INTEGER NOT NULL DEFAULT 0, frozen TEXT, reasons TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (team_id, pass_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX passes_by_time ON passes (team_id, at);

CREATE TABLE notices (
    team_id TEXT NOT NULL, notice_id TEXT NOT NULL, seq INTEGER NOT NULL, pass_id TEXT NOT NULL,
    person_id INTEGER NOT NULL, slack_id TEXT NOT NULL, local_on TEXT NOT NULL, state TEXT NOT NULL,
    planned_at INTEGER NOT NULL, claimed_at REAL, attempts INTEGER NOT NULL DEFAULT 0, settled_at INTEGER,
    channel_id TEXT, ts TEXT, error TEXT,
    PRIMARY KEY (team_id, notice_id),
    CHECK (state IN ('planned', 'held', 'sending', 'unknown', 'sent', 'failed', 'dropped'))
) STRICT, WITHOUT ROWID;
CREATE INDEX notices_by_person ON notices (team_id, person_id, state);
CREATE INDEX notices_on_their_way ON notices (team_id, state, seq) WHERE state IN ('planned', 'sending', 'unknown');
CREATE INDEX notices_held ON notices (team_id, person_id) WHERE state = 'held';
CREATE INDEX notices_by_pass ON notices (team_id, pass_id, state);
CREATE UNIQUE INDEX one_dm_a_day ON notices (team_id, person_id, local_on)
    WHERE state IN ('planned', 'sending', 'unknown', 'sent');

CREATE TABLE reminders (
    team_id TEXT NOT NULL, notice_id TEXT NOT NULL, course_id INTEGER NOT NULL, deadline_on TEXT NOT NULL,
    step TEXT NOT NULL, fate TEXT NOT NULL, person_id INTEGER NOT NULL, title TEXT NOT NULL, key TEXT NOT NULL,
    reproach_free INTEGER NOT NULL, locked INTEGER NOT NULL, shown TEXT NOT NULL DEFAULT 'open',
    shown_on TEXT,
    PRIMARY KEY (team_id, notice_id, course_id, step),
    FOREIGN KEY (team_id, notice_id) REFERENCES notices (team_id, notice_id) ON DELETE CASCADE,
    CHECK (fate IN ('named', 'passed_over', 'released')),
    CHECK (shown IN ('open', 'done', 'moved', 'dropped'))
) STRICT, WITHOUT ROWID;
CREATE INDEX reminders_to_watch ON reminders (team_id, notice_id) WHERE fate = 'named' AND shown <> 'done';
CREATE UNIQUE INDEX no_step_twice ON reminders (team_id, person_id, course_id, deadline_on, step) WHERE fate = 'named';

CREATE TABLE freezes (
    team_id TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL, since_at INTEGER NOT NULL, approved_at INTEGER,
    people INTEGER, assignments INTEGER, completions INTEGER, vanished INTEGER,
    PRIMARY KEY (team_id, kind), CHECK (kind IN ('pull', 'pass'))
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    team_id TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,
    subject TEXT NOT NULL, detail TEXT NOT NULL,
    PRIMARY KEY (team_id, seq)
) STRICT, WITHOUT ROWID;

CREATE VIEW public_assignments AS
SELECT a.team_id, a.person_id, a.course_id, c.title AS course, a.required, a.status, a.deadline_on, a.deadline_raw,
    datetime(a.assigned_at, 'unixepoch') AS assigned_at, datetime(a.started_at, 'unixepoch') AS started_at,
    datetime(a.completed_at, 'unixepoch') AS completed_at, datetime(a.renewal_at, 'unixepoch') AS renewal_at,
    a.progress_percent, a.score, a.attempts, a.time_spent_seconds
FROM assignments a LEFT JOIN courses c USING (team_id, course_id);

CREATE VIEW public_decisions AS
SELECT d.team_id, d.person_id, d.course_id, c.title AS course, d.reason, d.step, d.step_on, d.deadline_on, d.detail,
    datetime(d.next_at, 'unixepoch') AS next_at, d.next_step, d.next_on
FROM decisions d LEFT JOIN courses c USING (team_id, course_id);

CREATE VIEW public_notices AS
SELECT n.team_id, n.notice_id, n.person_id, n.slack_id, n.local_on, n.state, n.error,
    datetime(n.planned_at, 'unixepoch') AS planned_at, datetime(n.settled_at, 'unixepoch') AS settled_at,
    r.course_id, r.title AS course, r.deadline_on, r.step, r.fate, r.shown
FROM notices n JOIN reminders r USING (team_id, notice_id);

CREATE VIEW public_audit AS
SELECT team_id, seq, datetime(at, 'unixepoch') AS at, actor, action, subject, detail FROM audit;
"""


# Without statistics SQLite takes one workspace's rows for ten, and reads all of them where an index would do. These are
# the proportions of a large company; every column but team_id narrows well.
PROPORTIONS = """
ANALYZE;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('notices', 'notices', '1000000 1000000 1'),
    ('notices', 'notices_by_person', '1000000 1000000 50 20'),
    ('notices', 'notices_on_their_way', '1000 1000 500 1'),
    ('notices', 'notices_by_pass', '1000000 1000000 100 30'),
    ('notices', 'notices_held', '100 100 1'),
    ('notices', 'one_dm_a_day', '1000000 1000000 50 1'),
    ('reminders', 'reminders', '1000000 1000000 3 1 1'),
    ('reminders', 'reminders_to_watch', '10000 10000 3'),
    ('reminders', 'no_step_twice', '1000000 1000000 50 5 3 1'),
    ('members', 'members', '100000 100000 1'),
    ('people', 'people', '100000 100000 1'),
    ('people', 'people_by_email', '100000 100000 1'),
    ('people', 'people_by_slack_id', '100000 100000 2'),
    ('assignments', 'assignments', '1000000 1000000 10 1 1 1'),
    ('assignments', 'assignments_by_page', '1000000 1000000 1000 1000'),
    ('decisions', 'decisions', '1000000 1000000 10 1 1'),
    ('decisions', 'decisions_due', '500000 500000 100 1');
ANALYZE sqlite_schema
"""

# In a store of before nobody is acquainted: each person is read once. Several DMs that are read back may stand on one
# day (a zone that moved, another copy): only our own are held to one.
WHOM_WE_KNOW = """
CREATE TABLE acquainted (
    team_id TEXT NOT NULL, slack_id TEXT NOT NULL,
    PRIMARY KEY (team_id, slack_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE marks (
    team_id TEXT NOT NULL, claims INTEGER NOT NULL DEFAULT 0, speaks_since_ts TEXT, posts_per_second REAL,
    learned_from REAL,
    PRIMARY KEY (team_id)
) STRICT, WITHOUT ROWID;

ALTER TABLE notices ADD COLUMN restored INTEGER NOT NULL DEFAULT 0;
DROP INDEX one_dm_a_day;
CREATE UNIQUE INDEX one_dm_a_day ON notices (team_id, person_id, local_on)
    WHERE state IN ('planned', 'sending', 'unknown', 'sent') AND restored = 0;
CREATE INDEX notices_restored ON notices (team_id) WHERE restored = 1;
CREATE INDEX notices_failed ON notices (team_id, person_id) WHERE state = 'failed';
CREATE INDEX notices_by_slack_id ON notices (team_id, slack_id, ts) WHERE state = 'sent';
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('acquainted', 'acquainted', '100000 100000 1'),
    ('notices', 'one_dm_a_day', '1000000 1000000 50 1'),
    ('notices', 'notices_restored', '1000 1000'),
    ('notices', 'notices_failed', '1000 1000 2'),
    ('notices', 'notices_by_slack_id', '1000000 1000000 50 1');
ANALYZE sqlite_schema
"""

# An exemption of course 0 is from every course. A letter is any message that the bot starts and that is no reminder.
# Whose DMs may no longer be true is kept, and who leads anybody: a tick between pulls need not read everything.
WHAT_ELSE_IS_SAID = """
CREATE TABLE exemptions (
    team_id TEXT NOT NULL, person_id INTEGER NOT NULL, course_id INTEGER NOT NULL, until_on TEXT, at INTEGER NOT NULL,
    PRIMARY KEY (team_id, person_id, course_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE letters (
    team_id TEXT NOT NULL, letter_id TEXT NOT NULL, kind TEXT NOT NULL, slack_id TEXT NOT NULL, subject TEXT NOT NULL,
    content TEXT NOT NULL, state TEXT NOT NULL, at INTEGER NOT NULL, claimed_at REAL, channel_id TEXT, ts TEXT,
    error TEXT,
    PRIMARY KEY (team_id, letter_id),
    CHECK (kind IN ('managers', 'exceptions', 'freeze', 'forecast', 'restored')),
    CHECK (state IN ('sending', 'unknown', 'sent', 'failed', 'skipped'))
) STRICT, WITHOUT ROWID;
CREATE INDEX letters_by_kind ON letters (team_id, kind, slack_id, at);
CREATE INDEX letters_on_their_way ON letters (team_id, state) WHERE state IN ('sending', 'unknown');

CREATE TABLE letters_read (
    team_id TEXT NOT NULL, slack_id TEXT NOT NULL,
    PRIMARY KEY (team_id, slack_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE approved_days (
    team_id TEXT NOT NULL, day TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (team_id, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE to_correct (
    team_id TEXT NOT NULL, person_id INTEGER NOT NULL,
    PRIMARY KEY (team_id, person_id)
) STRICT, WITHOUT ROWID;
INSERT INTO to_correct SELECT DISTINCT team_id, person_id FROM reminders WHERE fate = 'named' AND shown <> 'done';

CREATE TABLE leads (
    team_id TEXT NOT NULL, person_id INTEGER NOT NULL,
    PRIMARY KEY (team_id, person_id)
) STRICT, WITHOUT ROWID;
INSERT INTO leads SELECT DISTINCT team_id, value FROM people, json_each(manager_ids) WHERE value <> person_id;

ALTER TABLE assignments ADD COLUMN first_assigned_at INTEGER;
CREATE INDEX decisions_to_mend ON decisions (team_id, reason, person_id)
    WHERE reason IN ('no_slack_match', 'invalid_deadline');
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('exemptions', 'exemptions', '1000 1000 2 1'),
    ('letters', 'letters', '100000 100000 1'),
    ('letters', 'letters_by_kind', '100000 100000 25000 50 1'),
    ('letters', 'letters_on_their_way', '10 10 5'),
    ('letters_read', 'letters_read', '1000 1000 1'),
    ('approved_days', 'approved_days', '10 10 1'),
    ('to_correct', 'to_correct', '100 100 1'),
    ('leads', 'leads', '5000 5000 1'),
    ('decisions', 'decisions_to_mend', '10000 10000 5000 1');
ANALYZE sqlite_schema
"""


@migrations()
def first_schema(db: Database) -> None:
    """The snapshot, decisions, the outbox, passes, freezes, the audit and the public views."""
    _run(db, FIRST_SCHEMA + PROPORTIONS)


@migrations()
def whom_we_know(db: Database) -> None:
    """Whose DMs are known in full, what was read back, how far the store is, and the pace that was learned."""
    _run(db, WHOM_WE_KNOW)


@migrations()
def what_else_is_said(db: Database) -> None:
    """Exemptions, messages that are no reminders, days approved before they came, and whose DMs to correct."""
    _run(db, WHAT_ELSE_IS_SAID)


def _run(db: Database, script: str) -> None:
    for statement in script.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)
