"""STORES what was pulled, what was decided and what was said. sqlite-utils stays in here.

`Store` is all that jobs and answers know of a database. Every row belongs to one Slack workspace (`team_id`). Instants
are aware UTC on the way in and out, and whole seconds on disk. It decides nothing and calls nobody.

What it consists of is here, in pulled.py and in told.py. Whoever writes a second store (PostgreSQL) makes
tests/store/contract.py pass.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Protocol

from bot.deadlines.freeze import Snapshot
from bot.deadlines.model import Exemption
from bot.store.pulled import Hitches, Snapshots, SnapshotWriter, Teams
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
from bot.store.told import Acquaintances, Letters, Outbox

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
