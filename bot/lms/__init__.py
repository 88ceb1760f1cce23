"""PULLS people, courses and assignments out of an LMS. httpx and pydantic stay in here.

`Source` is all that the rest knows of an LMS: it yields values of deadlines.model, page by page, and the records it
had to set aside. Nothing past this folder says eloomi. It stores nothing and decides nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from bot.deadlines.model import Assignment, Course, Learner, Page


class Source(Protocol):
    """An LMS. Every method raises a LmsError where it cannot give a whole listing: an empty one means there is none."""

    def begin_pull(self) -> None:
        """A pull or a second look begins: patience with failures starts anew."""
        ...

    def people(self) -> AsyncIterator[Page[Learner]]:
        """The active and pending users. A person's row may come twice if the LMS serves it with two addresses."""
        ...

    def courses(self) -> AsyncIterator[Page[Course]]:
        """All courses, inactive ones too."""
        ...

    def assignments(self, course_id: int) -> AsyncIterator[Page[Assignment]]:
        """Everybody's rows for one course, completed and optional ones too; none for an unknown course."""
        ...

    async def aclose(self) -> None:
        """Let go of the connections."""
        ...
