"""What jobs and answers may ask of what was decided and said: the outbox, whose DMs are known, and letters.

Protocols alone; outbox.py, acquaintances.py and letters.py are what they are in SQLite.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from bot.deadlines.model import (
    Notice,
    Reason,
)
from bot.deadlines.plan import Plan
from bot.store.records import (
    ClaimedLetter,
    Heard,
    Named,
    Refusal,
    State,
    StoredLetter,
    StoredNotice,
)


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
