"""Messages that the bot starts and that are no reminders: the managers' digest, and what admins are told.

A letter's kind, recipient and subject make it the only one of its kind: it is posted once, whatever happens between.
Its id, a keyed hash of the three, is on disk before the post and in the metadata of what is posted, by which even a
store that was lost recognises it. Owns that and the posting; what is to be said, and when, is up to those who write
letters, at each pass anew: a letter that could not be posted is not kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import structlog

from bot.errors import SlackDenied, SlackRefused, SlackUnreachable
from bot.jobs.keys import opaque
from bot.jobs.pace import Pace
from bot.jobs.patience import Patience
from bot.jobs.settle import WAIT_SECONDS, WAITING, found_in, wait_out
from bot.settings import Settings
from bot.slack.api import OwnDigest
from bot.slack.messages import Block, Message, digest_metadata
from bot.slack.outcomes import NotTaken, Outcome, Posted, Refused, Unknown, Wait
from bot.store import ClaimedLetter, StoredLetter
from bot.workspace import Workspace

log = structlog.get_logger()

Kind: TypeAlias = Literal["managers", "exceptions", "freeze", "forecast"]

ROUNDS = 3  # of posting, reading back, and posting what was not found
BETWEEN_ROUNDS_SECONDS = 1
SECONDS_MOST = 600  # that letters of one pass may take: reminders wait for its end
TROUBLE_MOST = 3  # posts in a row without a usable answer end it,
WAITS_MOST = 20  # and so do rate limits in a row without a single post,
WAIT_SECONDS_MOST = 120  # and one that asks for longer than this


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """One message to one Slack person, or the note that there is nothing to say this time."""

    kind: Kind
    slack_id: str
    subject: str  # what makes it the only one: a week ("2027-W12"), a day, a freeze
    content: str  # what the next one of its kind is compared with; not shown
    text: str = ""  # empty: nothing to say, which is noted under its subject all the same
    blocks: tuple[Block, ...] = ()


async def deliver_letters(workspace: Workspace, letters: Iterable[Letter]) -> int:
    """Post each that was not posted before, and note those without text; returns how many arrived.

    Raises SlackError or StoreError; what is left is to be handed in again at the next pass.
    """
    return await _MailRoom(workspace).deliver(list(letters))


async def settle_letters(workspace: Workspace) -> set[str]:
    """Find out what became of letters whose fate is not known; returns the ids of those that arrived.

    One whose DM cannot be read stays unknown and counts as said. Raises SlackRefused or SlackUnreachable.
    """
    unsettled, found = workspace.store.letters.unsettled(), set[str]()
    if not unsettled:
        return found
    await wait_out(workspace, unsettled)
    channels = await workspace.slack.dm_channels()
    for letter in unsettled:
        channel_id = channels.get(letter.slack_id)
        try:
            ts = await _find(workspace, channel_id, letter) if channel_id else None
        except SlackDenied as error:
            log.warning("letter.unknown", letter_id=letter.letter_id, error=error.message)
            continue
        if channel_id and ts:
            workspace.store.letters.sent(letter.letter_id, channel_id=channel_id, ts=ts, at=workspace.clock())
            found.add(letter.letter_id)
        else:
            workspace.store.letters.back(letter.letter_id)
        log.info("letter.settled", letter_id=letter.letter_id, found=bool(ts))
    return found


def letter_ids(settings: Settings, team_id: str, letter: Letter) -> list[str]:
    """Every id by which this letter may have been posted: the first is used, the others are of older keys."""
    identity = f"{team_id}|letter|{letter.kind}|{letter.slack_id}|{letter.subject}"
    return [opaque(key, identity) for key in settings.reminder_keys]


async def _find(workspace: Workspace, channel_id: str, letter: ClaimedLetter) -> str | None:
    pages = workspace.slack.own_digests(channel_id, after_ts=letter.after_ts)
    own = await found_in(pages, lambda own: own.message_id == letter.letter_id)
    return own.ts if own else None


class _MailRoom:
    """One delivery of letters."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace, self._letters = workspace, workspace.store.letters
        begins_with = workspace.settings.policy.pace.posts_per_second
        # It begins with what reminders have learned; a few letters are nothing to learn from.
        learned = workspace.store.passes.pace(begins_with)
        self._pace = Pace(begins_with, learned=learned, monotonic=workspace.monotonic, sleep=workspace.sleep)
        self._until = workspace.monotonic() + SECONDS_MOST
        self._channels: dict[str, str] | None = None
        self._unread: set[str] = set()  # Slack people whose DM cannot be read now: they wait
        self._arrived: set[str] = set()
        self._patience = Patience(
            pace=self._pace,
            trouble_most=TROUBLE_MOST,
            waits_most=WAITS_MOST,
            wait_seconds_most=WAIT_SECONDS_MOST,
        )

    async def deliver(self, letters: Sequence[Letter]) -> int:
        """Round by round, until each is said or nothing more can be done."""
        if self._workspace.stopping():
            return 0
        await settle_letters(self._workspace)
        left = self._not_said(letter for letter in letters if letter.text)
        for round_ in range(ROUNDS):
            if not left or self._must_end():
                break
            if round_:
                await self._workspace.sleep(BETWEEN_ROUNDS_SECONDS)
            await self._post(left)
            if not self._workspace.stopping():
                self._arrived |= await settle_letters(self._workspace)
            left = self._not_said(letter for letter in left if letter.slack_id not in self._unread)
        if self._must_end():
            return len(self._arrived)
        if left:
            raise SlackUnreachable(f"{len(left)} messages that are no reminders could not be sent.")
        for letter in letters:  # last: a note may say that all was told
            if not letter.text:
                self._letters.skip(self._stored(letter), at=self._workspace.clock())
        return len(self._arrived)

    def _must_end(self) -> bool:
        return self._workspace.stopping() or self._workspace.monotonic() > self._until

    # ── what was said before ──

    def _not_said(self, letters: Iterable[Letter]) -> list[Letter]:
        return [letter for letter in letters if not self._is_said(letter)]

    def _is_said(self, letter: Letter) -> bool:
        """Whether it is said, on its way, refused or skipped, under an id of any of our keys."""
        ids = letter_ids(self._workspace.settings, self._workspace.store.team_id, letter)
        known = self._letters.known(ids)
        for letter_id in known:
            self._letters.adopt(self._stored(letter, letter_id))
        return bool(known)

    def _stored(self, letter: Letter, letter_id: str = "") -> StoredLetter:
        return StoredLetter(
            letter_id=letter_id or letter_ids(self._workspace.settings, self._workspace.store.team_id, letter)[0],
            kind=letter.kind,
            slack_id=letter.slack_id,
            subject=letter.subject,
            content=letter.content,
        )

    async def _could_read(self, slack_id: str) -> bool:
        """Whether it is known what this person was told, their DM being read where need be."""
        if self._letters.has_read(slack_id):
            return True
        channel_id = (await self._all_channels()).get(slack_id)
        if channel_id is None:
            return True
        try:
            pages = self._workspace.slack.own_digests(channel_id, after_ts=None)
            found: list[OwnDigest] = [own async for page in pages for own in page]
        except SlackDenied as error:
            log.warning("dm.unread", people=1, error=error.message)
            self._unread.add(slack_id)
            return False
        self._letters.read(slack_id, channel_id, {own.message_id: own.ts for own in found})
        log.info("dm.read_back", found=len(found))
        return True

    async def _all_channels(self) -> dict[str, str]:
        """The bot's DMs, asked once; in a store that knows nobody, after what was sent a moment ago had its time."""
        if self._channels is None:
            self._channels = await self._workspace.slack.dm_channels()
            knows_somebody = self._letters.anybody_read() or self._workspace.store.known.anybody()
            if self._channels and not knows_somebody:
                self._workspace.progress(WAITING, 0, None)
                await self._workspace.sleep(WAIT_SECONDS)
                self._channels = await self._workspace.slack.dm_channels()
        return self._channels

    # ── posting ──

    async def _post(self, letters: Iterable[Letter]) -> None:
        """One after the other, since there are few."""
        queue = deque(letters)
        while queue and not self._must_end():
            await self._pace.turn()
            if self._must_end():
                return
            letter = queue.popleft()
            if await self._could_read(letter.slack_id) and not self._is_said(letter) and await self._must_wait(letter):
                queue.appendleft(letter)

    async def _must_wait(self, letter: Letter) -> bool:
        """Post it; whether Slack asks to come back with this one."""
        stored = self._stored(letter)
        message = Message(text=letter.text, blocks=list(letter.blocks), metadata=digest_metadata(stored.letter_id))
        self._letters.claim(stored, at=self._workspace.clock(), wall_at=self._workspace.wall())
        try:
            outcome = await self._workspace.slack.post(letter.slack_id, message)
        except SlackRefused:
            self._letters.back(stored.letter_id)
            raise
        self._settle(stored.letter_id, outcome)
        return isinstance(outcome, Wait)

    def _settle(self, letter_id: str, outcome: Outcome) -> None:
        """Record what happened, first of all."""
        match outcome:
            case Posted(channel_id, ts):
                self._letters.sent(letter_id, channel_id=channel_id, ts=ts, at=self._workspace.clock())
                self._arrived.add(letter_id)
                self._went_well("letter.sent", letter_id)
            case Refused(error):
                self._letters.failed(letter_id, error=error, at=self._workspace.clock())
                self._went_well("letter.failed", letter_id, error=error)
            case Wait(seconds):
                self._letters.back(letter_id)
                self._patience.must_wait(seconds)
            case NotTaken(error):
                self._letters.back(letter_id)
                self._patience.went_ill(error)
            case Unknown(error):
                self._letters.unknown(letter_id, error=error)
                log.warning("letter.unknown", letter_id=letter_id, error=error)
                self._patience.went_ill(error)

    def _went_well(self, event: str, letter_id: str, **facts: str) -> None:
        self._patience.took()
        log.info(event, letter_id=letter_id, **facts)
