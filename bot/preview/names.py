"""People and courses by their ids, as they may be shown: names are text from outside, on one line and short."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from bot.deadlines.model import Learner
from bot.store import Snapshots
from bot.text import shortened


class Names:
    """The names of those who were asked for, read in chunks and each but once."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots
        self._people: dict[int, str] = {}
        self._courses: dict[int, str] = {}

    def read(self, person_ids: Iterable[int]) -> None:
        """Learn these people's names; `person` then tells them."""
        unknown = set(person_ids) - self._people.keys()
        for dossier in chain.from_iterable(self._snapshots.dossiers(unknown) if unknown else ()):
            self._people[dossier.person_id] = _name(dossier.learner)

    def person(self, person_id: int) -> str:
        """Somebody's name; empty where the LMS gives none, or they were never read."""
        return self._people.get(person_id, "")

    def course(self, course_id: int) -> str:
        """A course's title."""
        if course_id not in self._courses:
            self._courses[course_id] = shortened(self._snapshots.course(course_id).title)
        return self._courses[course_id]


def _name(learner: Learner | None) -> str:
    return shortened(learner.name) if learner else ""
