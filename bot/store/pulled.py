"""What jobs and answers may ask of what was pulled: the snapshot, who leads whom, what in it keeps people unreminded.

Protocols alone; snapshot.py, dossiers.py, teams.py and hitches.py are what they are in SQLite.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from bot.deadlines.freeze import Snapshot
from bot.deadlines.model import (
    Assignment,
    Course,
    Learner,
    Match,
    Member,
    Page,
    Rejected,
)
from bot.store.records import (
    Dossier,
    Hitch,
    Pulled,
)


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


class Hitches(Protocol):
    """What keeps people from being reminded and only an admin can mend."""

    def all(self) -> list[Hitch]:
        """Every one that stands now."""
        ...
