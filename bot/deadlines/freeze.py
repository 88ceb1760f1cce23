"""The safety freeze: figures in, a reason to stop out (policy.md, "Safety freeze"). Knows no store and no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.deadlines.terms import Freeze

MEASURE = timedelta(days=14)  # the largest pass in this long is what a pass is measured by
SMALLEST_SHRINK = 5  # fewer people or assignments gone than this never freeze


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """What a pull counted."""

    people: int
    assignments: int
    completions: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PassSize:
    """How large a pass is, and what there is to compare it with; numbers of people."""

    recipients: int  # people it would message, without those already approved
    people: int  # in the snapshot
    largest: int  # the largest pass of the last 14 days
    first: bool  # no pass has yet sent, or had nothing to send
    rebuilt: bool = False  # the store was lost, and with it all that a pass is measured by


def too_busy(size: PassSize, limits: Freeze) -> tuple[str, ...]:
    """Each limit that a pass of this size exceeds, with its figures; empty where it may go."""
    if size.rebuilt:
        return ()
    if size.first:
        return _first_pass(size, limits)
    if not limits.busy_pass_people or not limits.busy_pass_percent or not limits.busy_pass_factor:
        return ()
    exceeds = (
        size.recipients > limits.busy_pass_people
        and size.recipients * 100 > limits.busy_pass_percent * size.people
        and size.recipients > limits.busy_pass_factor * size.largest
    )
    return (
        (
            f"this pass would message {size.recipients} of {size.people} people; the largest pass of the last 14 days "
            f"messaged {size.largest} (freeze.busy_pass_people = {limits.busy_pass_people}, "
            f"busy_pass_percent = {limits.busy_pass_percent:g}, busy_pass_factor = {limits.busy_pass_factor:g})",
        )
        if exceeds
        else ()
    )


def _first_pass(size: PassSize, limits: Freeze) -> tuple[str, ...]:
    if not limits.first_pass_people or size.recipients <= limits.first_pass_people:
        return ()
    return (
        f"the first pass of this installation would message {size.recipients} people "
        f"(freeze.first_pass_people = {limits.first_pass_people})",
    )


def too_small(before: Snapshot, after: Snapshot, vanished_completions: int, limits: Freeze) -> tuple[str, ...]:
    """Each limit by which a new pull has shrunk too much against the last good one, with its figures.

    `vanished_completions` counts completions of people who are still in the pull.
    """
    found = [
        _shrink("people", before.people, after.people, limits.shrink_people_percent),
        _shrink("assignments", before.assignments, after.assignments, limits.shrink_assignments_percent),
    ]
    share = limits.vanished_completions_percent
    if share and vanished_completions > 0 and vanished_completions * 100 >= share * before.completions:
        found.append(
            f"{vanished_completions} of {before.completions} completions vanished "
            f"(freeze.vanished_completions_percent = {share:g})"
        )
    return tuple(text for text in found if text)


def _shrink(what: str, before: int, after: int, percent: float) -> str:
    gone = before - after
    if not percent or gone < SMALLEST_SHRINK or gone * 100 < percent * before:
        return ""
    return f"{what} shrank from {before} to {after} (freeze.shrink_{what}_percent = {percent:g})"
