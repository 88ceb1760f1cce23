"""Who asks, and what they may see: their own courses, from the store alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from bot.deadlines.model import Person, Reason
from bot.jobs.explain import explain_person
from bot.jobs.render import contact_of, line_of
from bot.slack.messages import Line
from bot.slack.overviews import help_text, open_courses, stranger
from bot.slack.words import words
from bot.workspace import Workspace

# Reasons that leave nothing for the person to do.
NOT_OPEN = frozenset(
    {Reason.SUPERSEDED, Reason.COMPLETED, Reason.NOT_REQUIRED, Reason.COURSE_INACTIVE, Reason.NO_DEADLINE}
)


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Somebody who asks, known to the LMS."""

    person: Person
    open: Sequence[Line]  # open required courses with a deadline, the earliest first


def find_asker(workspace: Workspace, slack_id: str) -> Asker | None:
    """The LMS person who is this Slack person; None where nobody, or more than one, is."""
    found = workspace.store.snapshots.of_slack(slack_id)
    if found is None:
        return None
    told = explain_person(workspace.settings, workspace.store, found, workspace.clock())
    lines = [
        line_of(workspace.settings, course, told.dossier, decision.deadline_on)
        for course, decision in told.decisions
        if decision.reason not in NOT_OPEN and decision.deadline_on
    ]
    return Asker(person=told.person, open=sorted(lines, key=lambda line: (line.deadline_on, line.course_id)))


def own_list(workspace: Workspace, slack_id: str, *, with_help: bool = False) -> list[str]:
    """What somebody is answered: their open courses; kindly, where nobody knows them."""
    asker = find_asker(workspace, slack_id)
    if asker is None:
        return stranger(words(workspace.settings.default_language))
    said = words(asker.person.language)
    paragraphs = open_courses(
        said,
        asker.open,
        today=workspace.clock().astimezone(ZoneInfo(asker.person.zone)).date(),
        contact=contact_of(workspace.settings, said),
        age=_age(workspace),
    )
    return [help_text(said), *paragraphs] if with_help else paragraphs


def _age(workspace: Workspace) -> timedelta:
    pulled = workspace.store.snapshots.last()
    return workspace.clock() - pulled.at if pulled else timedelta(0)
