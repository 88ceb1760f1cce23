"""STORES what was pulled, what was decided and what was said. sqlite-utils stays in here.

`Store` is all that jobs and answers know of a database. Every row belongs to one Slack workspace (`team_id`). Instants
are aware UTC on the way in and out, and whole seconds on disk. It decides nothing and calls nobody.

Whoever writes a second store (PostgreSQL) makes tests/store/contract.py pass.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Protocol

from bot.deadlines.freeze import Snapshot
from bot.deadlines.model import (
    Assignment,
    Course,
    Exemption,
    Learner,
    Match,
    Member,
    Notice,
    Page,
    Reason,
    Rejected,
)
from bot.deadlines.plan import Plan
from bot.store.records import (
    ClaimedLetter,
    Dossier,
    Heard,
    Hitch,
    HitchKind,
    Hold,
    Named,
    PassRecord,
    Pulled,
    Refusal,
    State,
    StoredLetter,
    StoredNotice,
)

__all__ = [
    "Acquaintances",
    "Audit",
    "ClaimedLetter",
    "Dossier",
    "Exemptions",
    "Heard",
    "Hitch",
    "HitchKind",
    "Hitches",
    "Hold",
    "Letters",
    "Named",
    "Outbox",
    "PassRecord",
    "Passes",
    "Pulled",
    "Refusal",
    "SnapshotWriter",
    "Snapshots",
    "State",
    "Store",
    "StoredLetter",
    "StoredNotice",
    "Teams",
]


class SnapshotWriter(Protocol):
    """A pull under way: staged aside, then put in place as a whole or thrown away. Used from a worker thread."""

    def add_members(self, members: Sequence[Member]) -> None:
        """Slack's people, a page at a time."""
        ...

    def add_people(self, page: Page[Learner]) -> None:
        """The LMS's people. The same id with another address marks the person as ambiguous."""
        ...

    def add_courses(self, page: Page[Course]) -> None:
        """The LMS's courses."""
        ...

    def add_assignments(self, course_id: int, page: Page[Assignment]) -> None:
        """One page of one course's assignments; a page that has not changed costs no writing."""
        ...

    def course_ids(self) -> list[int]:
        """The courses staged so far."""
        ...

    def lms_addresses(self) -> Iterator[tuple[int, str | None, bool]]:
        """Of each person staged: id, address, whether the id came with two addresses."""
        ...

    def slack_people(self) -> Iterator[Member]:
        """Slack's people as staged."""
        ...

    def set_matches(self, matches: Mapping[int, Match]) -> None:
        """Who each person is in Slack."""
        ...

    def compare(self) -> tuple[Snapshot | None, Snapshot, int]:
        """What is stored of the same courses (None: nothing yet), this pull, and how many completions vanished."""
        ...

    def commit(self, at: datetime) -> Pulled:
        """Put everything in place in one transaction."""
        ...


class Snapshots(Protocol):
    """People, courses and assignments as last pulled."""

    def replace(self) -> AbstractContextManager[SnapshotWriter]:
        """A whole pull. Leaving without `commit` changes nothing."""
        ...

    def refresh(self, course_ids: Sequence[int]) -> AbstractContextManager[SnapshotWriter]:
        """A pull of these courses' assignments alone."""
        ...

    def last(self) -> Pulled | None:
        """The last good whole pull."""
        ...

    def course(self, course_id: int) -> Course:
        """A course; one that the LMS has withdrawn is inactive and titled by its id."""
        ...

    def looked_at(self, course_id: int) -> datetime | None:
        """When this course's assignments were last pulled."""
        ...

    def rejects(self, most: int) -> list[Rejected]:
        """Records set aside in the last pull, at most so many."""
        ...

    def find(self, wanted: str) -> list[int]:
        """The ids of people with this e-mail address (any case), LMS id or Slack id."""
        ...

    def of_slack(self, slack_id: str) -> int | None:
        """The one LMS person who is this Slack person."""
        ...

    def dossiers(self, person_ids: Iterable[int] | None = None) -> Iterator[list[Dossier]]:
        """Everybody with an assignment, or these people, in chunks, by id; memory does not grow with their number."""
        ...

    def dossier(self, person_id: int) -> Dossier:
        """Everything about this one person; an empty dossier where nothing is stored."""
        ...

    def links(self) -> dict[int, str]:
        """LMS people joined to a Slack person by an admin: LMS id -> Slack id."""
        ...

    def member(self, slack_id: str) -> Member | None:
        """Somebody in Slack as last pulled, known to the LMS or not."""
        ...


class Outbox(Protocol):
    """Decisions, notices and what became of them."""

    def save(
        self,
        plans: Sequence[Plan],
        notices: Sequence[tuple[str, Notice, tuple[Named, ...]]],
        *,
        pass_id: str,
        at: datetime,
    ) -> None:
        """These people's final decisions, and of the notices that follow those given, all or nothing.

        A notice comes with its id and the courses that it names; who was not planned for keeps their decisions.
        """
        ...

    def forget_vanished(self) -> None:
        """Drop decisions of people who have no assignment any more."""
        ...

    def due_people(self, now: datetime) -> list[int]:
        """Who has a decision that can have changed by itself."""
        ...

    def reasons(self) -> dict[Reason, int]:
        """How many assignments have each reason."""
        ...

    def drop_planned(self, *, at: datetime) -> int:
        """Forget what is planned: the next decisions replace it. Returns how many; one once claimed stays known."""
        ...

    def hold_planned(self) -> None:
        """Mark what this pass planned as held by the freeze, and its decisions as frozen."""
        ...

    def planned(self) -> list[str]:
        """The ids of notices that wait to be sent, in the order of planning."""
        ...

    def notice(self, notice_id: str) -> StoredNotice:
        """One notice. Raises KeyError where there is none."""
        ...

    def unsettled(self) -> list[StoredNotice]:
        """Notices whose fate is not known: unknown, or found `sending` by a process that no longer lives."""
        ...

    def counts(self) -> dict[State, int]:
        """How many notices are in each state."""
        ...

    def outcomes(self, pass_id: str) -> dict[State, int]:
        """How many notices of this pass are in each state."""
        ...

    def claim(self, notice_id: str, *, wall_at: datetime) -> None:
        """planned -> sending, on disk before the post begins. `wall_at` is the real clock's."""
        ...

    def sent(self, notice_id: str, *, channel_id: str, ts: str, at: datetime) -> None:
        """It arrived: sending or unknown -> sent."""
        ...

    def failed(self, notice_id: str, *, error: str, at: datetime) -> None:
        """Slack refused it: sending -> failed."""
        ...

    def unknown(self, notice_id: str, *, error: str, at: datetime) -> None:
        """Nobody can say: sending -> unknown."""
        ...

    def back(self, notice_id: str) -> None:
        """It surely did not arrive: sending or unknown -> planned, to be claimed again."""
        ...

    def drop(self, notice_id: str, *, detail: str, at: datetime) -> None:
        """It is not to be sent any more: planned -> dropped, and its steps are free again."""
        ...

    def refused(self, most: int) -> list[Refusal]:
        """People to whom Slack refused the last DM, the latest first, at most so many."""
        ...

    def corrections(self) -> list[str]:
        """Sent notices that are no longer true: a course finished, its deadline moved, or no longer owed."""
        ...

    def true_state(self, notice_id: str) -> dict[int, tuple[str, date | None]]:
        """What each course of a sent notice has become: course -> (open, done, moved or dropped; its deadline now)."""
        ...

    def shown(self, notice_id: str, states: Mapping[int, str]) -> None:
        """The DM has been edited to show this."""
        ...

    def before(self, notice: StoredNotice) -> tuple[str | None, str | None]:
        """Channel and ts of the last DM known to have reached the same Slack person before this notice was claimed."""
        ...


class Acquaintances(Protocol):
    """Whose DMs are known in full; all others are strangers, to be read back before anything is sent to them."""

    def strangers(self, slack_ids: Collection[str]) -> set[str]:
        """Which of these Slack people's DMs are not known in full."""
        ...

    def anybody(self) -> bool:
        """Whether there is anybody whose DM is known: not in a new store, nor in one that has forgotten."""
        ...

    def last_dm(self, slack_id: str) -> tuple[str | None, str | None]:
        """Channel and ts of the last DM known to have reached this Slack person."""
        ...

    def wrote(self, notice_ids: Collection[str]) -> set[str]:
        """Which of these notices this store knows."""
        ...

    def arrived(self, notice_ids: Collection[str]) -> set[str]:
        """Which of these notices count as said already."""
        ...

    def speaks_since(self) -> str | None:
        """The ts of the first DM that this store has sent since everybody was a stranger."""
        ...

    def meet(
        self, person_id: int, slack_id: str, channel_id: str, heard: Sequence[Heard], *, at: datetime, wall_at: datetime
    ) -> None:
        """This person's DM was read to its end: what it holds was said, and they are acquainted; all or nothing."""
        ...

    def forget(self) -> None:
        """Everybody is a stranger again: their DMs are read back before the next one."""
        ...

    def was_put_back(self) -> bool:
        """Whether the database is older than what it has sent; then all acquaintance is forgotten. Needs the lease."""
        ...


class Exemptions(Protocol):
    """Who gets no reminders because an admin has said so. A change is on the audit, and decided by at the next tick."""

    def add(self, person_id: int, course_id: int | None, until_on: date | None, *, at: datetime, by: str) -> bool:
        """From this course, or from every one, up to and including that local day; returns whether that is new."""
        ...

    def remove(self, person_id: int, course_id: int | None = None, *, at: datetime, by: str) -> int:
        """End the exemption from this course alone, or every one of theirs; returns how many that ended."""
        ...

    def of(self, person_id: int) -> tuple[Exemption, ...]:
        """This person's, that from every course first; also those whose last day is past."""
        ...


class Letters(Protocol):
    """Messages that the bot starts and that are no reminders, and what became of them."""

    def known(self, letter_ids: Collection[str]) -> set[str]:
        """Which of these are said, on their way, refused or skipped."""
        ...

    def is_told(self, kind: str, slack_id: str, subject: str) -> bool:
        """Whether this counts as said, or was skipped."""
        ...

    def last(self, kind: str, slack_id: str, *, posted: bool = False) -> StoredLetter | None:
        """The last of this kind to this Slack person that counts as said or, unless `posted`, was skipped."""
        ...

    def unsettled(self) -> list[ClaimedLetter]:
        """Letters whose fate is not known: unknown, or found `sending` by a process that no longer lives."""
        ...

    def claim(self, letter: StoredLetter, *, at: datetime, wall_at: datetime) -> None:
        """Nothing -> sending, on disk before the post begins. Its reader's DM counts as read."""
        ...

    def sent(self, letter_id: str, *, channel_id: str, ts: str, at: datetime) -> None:
        """It arrived: sending or unknown -> sent."""
        ...

    def failed(self, letter_id: str, *, error: str, at: datetime) -> None:
        """Slack refused it: sending -> failed."""
        ...

    def unknown(self, letter_id: str, *, error: str) -> None:
        """Nobody can say: sending -> unknown."""
        ...

    def back(self, letter_id: str) -> None:
        """It surely did not arrive: sending or unknown -> nothing."""
        ...

    def skip(self, letter: StoredLetter, *, at: datetime) -> None:
        """There is nothing to say; noted anew where it was noted before."""
        ...

    def has_read(self, slack_id: str) -> bool:
        """Whether this person's DM was read for letters, or needed no reading."""
        ...

    def anybody_read(self) -> bool:
        """Whether anybody's was: not in a new store, nor in one that has forgotten."""
        ...

    def read(self, slack_id: str, channel_id: str, found: Mapping[str, str]) -> None:
        """This person's DM was read to its end: these letters (id -> ts) were said; all or nothing."""
        ...

    def adopt(self, letter: StoredLetter) -> None:
        """What a letter that was read back is, now that it is wanted; any other stays as it is."""
        ...


class Hitches(Protocol):
    """What keeps people from being reminded and only an admin can mend."""

    def all(self) -> list[Hitch]:
        """Every one that stands now."""
        ...


class Passes(Protocol):
    """Passes, freezes and approvals."""

    def begun(self, pass_id: str, at: datetime, *, partial: bool = False) -> None:
        """A pass starts; a partial one, for one person, is no measure of anything."""
        ...

    def ended(self, record: PassRecord) -> None:
        """A pass is over."""
        ...

    def last(self) -> PassRecord | None:
        """The last pass that ended."""
        ...

    def is_first(self) -> bool:
        """Whether no pass has yet sent, or had nothing to send, and nothing was read back of an earlier store."""
        ...

    def is_rebuilt(self) -> bool:
        """Whether an earlier store's DMs were read back and no pass has sent since: there is no measure of a pass."""
        ...

    def largest_since(self, since: datetime) -> int:
        """People messaged by the largest pass since then, or on the largest day that was read back."""
        ...

    def frozen(self) -> str | None:
        """Why the safety freeze holds, or None."""
        ...

    def holds(self) -> list[Hold]:
        """The freezes that hold, at most one of each kind."""
        ...

    def held_by_pull(self) -> str | None:
        """Why the last pull was not taken, and not approved since; None where it was."""
        ...

    def freeze(self, kind: str, text: str, at: datetime, *, measure: tuple[Snapshot, int] | None = None) -> None:
        """The safety freeze begins or goes on; `kind` is `pull` (with what it `measure`d) or `pass`."""
        ...

    def thaw_pull(self) -> None:
        """A pull was taken: its freeze is over by itself."""
        ...

    def thaw_pass(self) -> None:
        """A pass went through: its freeze, and an approval, are over once nobody held waits any more."""
        ...

    def approve(self, at: datetime, by: str) -> str | None:
        """Release the freeze that holds; returns its text, None where nothing is frozen."""
        ...

    def approve_day(self, day: date, at: datetime, by: str) -> None:
        """People whose local day this is do not count towards the limits of a pass: it was approved before it came."""
        ...

    def approved_days(self) -> set[date]:
        """The local days that were approved before they came."""
        ...

    def pace(self, posts_per_second: float) -> float | None:
        """The posts a second that earlier passes learned, starting at this figure of the policy; None: nothing yet."""
        ...

    def keep_pace(self, learned: float, posts_per_second: float) -> None:
        """A pass that started at this figure of the policy learned that one."""
        ...

    def approved_people(self) -> set[int]:
        """People whose notices were planned in a frozen pass that was approved, and who have not heard yet."""
        ...

    def held_people(self) -> set[int]:
        """People whose notices were planned in a frozen pass, and who have not heard yet, whether approved or not."""
        ...

    def approved_measure(self) -> tuple[Snapshot, int] | None:
        """The figures and the vanished completions of a frozen pull that was approved: the new measure."""
        ...


class Teams(Protocol):
    """Who leads whom, as last pulled. A report is anybody whom the LMS lists, with an assignment or without."""

    def managers(self) -> dict[int, tuple[int, ...]]:
        """Every manager's LMS id and their direct reports', by id; nobody is their own report."""
        ...

    def reports_of(self, manager_id: int) -> tuple[int, ...]:
        """This manager's direct reports, by id."""
        ...

    def reachable(self) -> list[tuple[int, str, tuple[str, ...]]]:
        """Managers who are matched in Slack, by id: LMS id, Slack id, and the zones given for them, unchecked."""
        ...


class Audit(Protocol):
    """What was done, for people who ask years later. Pseudonyms only: ids, never a name or an address."""

    def add(self, at: datetime, actor: str, action: str, subject: str, detail: str = "") -> None:
        """One line; never changed afterwards."""
        ...


class Store(Protocol):
    """One workspace's memory."""

    @property
    def team_id(self) -> str:
        """The Slack workspace."""
        ...

    @property
    def snapshots(self) -> Snapshots:
        """What was pulled."""
        ...

    @property
    def outbox(self) -> Outbox:
        """What was decided and said."""
        ...

    @property
    def known(self) -> Acquaintances:
        """Whose DMs are known."""
        ...

    @property
    def exemptions(self) -> Exemptions:
        """Who gets no reminders."""
        ...

    @property
    def letters(self) -> Letters:
        """What else was said."""
        ...

    @property
    def hitches(self) -> Hitches:
        """What an admin can mend."""
        ...

    @property
    def passes(self) -> Passes:
        """Passes and freezes."""
        ...

    @property
    def teams(self) -> Teams:
        """Who leads whom."""
        ...

    @property
    def audit(self) -> Audit:
        """What was done."""
        ...

    def another(self, *, stopping: Callable[[], bool] | None = None) -> AbstractContextManager[Store]:
        """The same store on a connection of its own, for work in another thread.

        Once `stopping` says so, each of its statements ends with a StoreError.
        """
        ...

    def close(self) -> None:
        """Let go of the database."""
        ...
