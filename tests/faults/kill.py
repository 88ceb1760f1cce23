"""Kills the real program with SIGKILL at random moments, again and again, and then counts who was told what.

    python -m tests.faults.kill --kills 500 --seed 7
    python -m tests.faults.kill --replay 7:17

A round is one small company on two days. On each, `python -m bot remind` runs against the local eloomi and the local
Slack, comes to a moment drawn from the seed and is killed; then passes are made until one ends well. At the end every
reminder in Slack is held against what is owed.

The program, its processes, HTTP, SQLite and SIGKILL are real. What is not:
- A day's last passes are made in this process, where the program's own waits pass FASTER times faster: a process waits
  13 real seconds before it reads back what became of a message. For the same reason most processes start "a minute
  later", the store's claims being moved into the past; the others are killed during that wait.
- A kill ends a process, not the machine: what was written is in the kernel's hands and stays. Now and then the whole
  store is deleted before the next start, as on a platform that gives each process a disk of its own.
- Real processes are not deterministic: a replay draws the same company, faults and kinds of moments, but a process may
  die some instructions earlier or later, and from there the round goes another way.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from bot import logs, terminal
from bot.deadlines.model import Reminder, Step
from bot.demo.eloomi import Fault
from bot.demo.slack_state import Answer, Message, Told
from bot.errors import DeadlineBotError
from bot.jobs.keys import reminder_key
from bot.lms.budget import Limits
from bot.store import State
from bot.workspace import Progress, silent
from tests.builders import COPENHAGEN, on
from tests.company import Company, Time, a_company
from tests.conftest import MEMORY

FAILURES_MOST = 10  # rounds that fail before a campaign ends
PATIENCE_SECONDS = 25  # that a process gets to come to its moment; then it dies where it is
SOON_SECONDS = 0.04  # after something has happened
PASSES_MOST = 5  # that a day gets after its kills
DISK_LOSS = 0.15  # how likely the store is gone at the next start

DEADLINES = {1: "2027-06-15", 2: "2027-06-17"}
OWED = {  # by day of passes and course: written down, so that the policy's code is not asked about itself
    "2027-06-15": {1: "due", 2: "before-2"},
    "2027-06-16": {1: "overdue-1"},
    "2027-06-17": {1: "overdue-1", 2: "due"},
}
FAULTS = ("stored_drop", "stored_500", "stored_internal", "stored_html", "drop", "500", "429")
OPEN = (State.PLANNED, State.SENDING, State.UNKNOWN, State.HELD, State.FAILED)  # in none of these at a day's end

Kill: TypeAlias = Callable[[], None]
Moment: TypeAlias = Callable[[Company, Random, Kill], Coroutine[None, None, None]]


def at_the(kind: Told, *, number_most: int) -> Moment:
    """When Slack has stored a DM or an edit: before it answers, or some milliseconds later."""

    async def moment(company: Company, draw: Random, kill: Kill) -> None:
        number, seconds = draw.randint(1, number_most), draw.choice((0.0, draw.uniform(0, SOON_SECONDS)))
        loop, seen = asyncio.get_running_loop(), itertools.count(1)

        def listener(told: Told, _: Message | Answer) -> None:
            if told == kind and next(seen) == number:
                loop.call_later(seconds, kill) if seconds else kill()

        company.slack.listen(listener)

    return moment


def during(method: str, *, after_most: int = 0) -> Moment:
    """While a call of Slack has no answer; up to so many calls of the method have one before."""

    async def moment(company: Company, draw: Random, kill: Kill) -> None:
        answered = draw.randint(0, after_most)
        asked = company.slack.calls[method] + answered + 1
        company.slack.fault_next("ok", method, times=answered)
        company.slack.fault_next(draw.choice(("hang", "stored_hang")), method)
        await company.slack.until(lambda: company.slack.calls[method] >= asked, 2 * PATIENCE_SECONDS)
        await asyncio.sleep(draw.uniform(0, SOON_SECONDS))
        kill()

    return moment


async def during_the_pull(company: Company, draw: Random, kill: Kill) -> None:
    """While one of eloomi's listings has no answer."""
    fault = Fault(kind="hang", path="users|courses", skip=draw.randint(0, 4))
    company.eloomi.faults.append(fault)
    await company.slack.until(lambda: fault.times == 0, 2 * PATIENCE_SECONDS)
    kill()


async def at_any_time(company: Company, draw: Random, kill: Kill) -> None:
    """At any time from the first call of Slack on."""
    before = company.slack.calls.total()
    await company.slack.until(lambda: company.slack.calls.total() > before, 2 * PATIENCE_SECONDS)
    await asyncio.sleep(draw.uniform(0, 0.5))  # about as long as a pass takes
    kill()


ALWAYS = {at_any_time: 3, during("users.list"): 1, during_the_pull: 1}
WHILE_POSTING = {at_the("message", number_most=4): 7, during("chat.postMessage", after_most=4): 4}
WHILE_EDITING = {at_the("edit", number_most=2): 8, during("chat.update", after_most=1): 6}
READING_BACK = {during("conversations.history", after_most=1): 8, during("users.conversations"): 4}


class Verdict(NamedTuple):
    """What was owed and not told; what was told too often or not owed."""

    lost: list[str]
    repeated: list[str]


def judge(messages: Iterable[Message], owed: Mapping[str, str]) -> Verdict:
    """Hold the DMs against what is owed: each key of `owed` (its value describes it) once, and one DM a day."""
    reminders = [m for m in messages if m.metadata and m.metadata["event_type"] == "deadline_reminder"]
    told = Counter(key for m in reminders for key in (m.metadata or {})["event_payload"]["reminders"])
    days = Counter((m.slack_id, m.at.astimezone(ZoneInfo(COPENHAGEN)).date()) for m in reminders)
    lost = [text for key, text in owed.items() if key not in told]
    too_often = [f"{owed.get(key, key)}, {n} times" for key, n in told.items() if n > (key in owed)]
    crowded = [f"{slack_id} on {day}, {n} messages" for (slack_id, day), n in days.items() if n > 1]
    return Verdict(lost, too_often + crowded)


# ── a round ──


@dataclass(kw_only=True)
class Round:
    """One company, whose program is killed."""

    company: Company
    draw: Random
    budget: asyncio.Semaphore  # the kills that are still to be made
    courses: dict[int, list[int]] = field(default_factory=dict)  # by person
    finished: set[int] = field(default_factory=set)  # people who have finished course 1
    owed: dict[str, str] = field(default_factory=dict)
    kills: int = 0
    trouble: list[str] = field(default_factory=list)  # what else should not have been

    async def play(self) -> None:
        """Both days."""
        self._hire()
        (first, *others), kills = OWED, self.draw.randint(1, 3)
        await self._day(first, kills=kills)
        self.finished.update(self.draw.sample(sorted(self.courses), self.draw.randint(0, 3)))
        for person_id in self.finished:
            self.company.finish(person_id, 1)
        await self._day(self.draw.choice(others), kills=self.draw.randint(0, 4 - kills))

    def verdict(self) -> Verdict:
        """What came of it."""
        return judge(self.company.slack.messages, self.owed)

    def _hire(self) -> None:
        company, draw = self.company, self.draw
        company.limits, company.post_seconds = Limits(first_back_off_seconds=0.01), 8
        company.policy_text = f"[pace]\nposts_per_second = {draw.choice((0, 0, 40))}\n"
        company.slack.history_delay_seconds = draw.choice((0, 0.1))
        for person_id in range(1, draw.randint(6, 10) + 1):
            self.courses[person_id] = [1, 2] if draw.random() < 0.4 else [1]
            company.hire(person_id)
            for course_id in self.courses[person_id]:
                company.assign(person_id, course_id, DEADLINES[course_id])

    async def _day(self, day: str, *, kills: int) -> None:
        self._owe(day)
        for person_id in self.draw.sample(sorted(self.courses), self.draw.randint(0, 2)):
            self.company.slack.faults_for[f"U0{person_id}"] = [self.draw.choice(FAULTS)]
        for number in range(kills):
            self._perhaps_lose_the_disk()
            await self._kill(f"{day} 10:{number:02}")
        self._perhaps_lose_the_disk()
        await self._recover(day)

    def _perhaps_lose_the_disk(self) -> None:
        if self.draw.random() < DISK_LOSS:
            self.company.lose_disk()

    def _owe(self, day: str) -> None:
        key, team_id = self.company.settings().reminder_keys[0], self.company.slack.team_id
        for person_id, courses in self.courses.items():
            for course_id, step in OWED[day].items():
                if course_id in courses and not (course_id == 1 and person_id in self.finished):
                    due = Reminder(course_id=course_id, step=Step.parse(step), deadline_on=on(DEADLINES[course_id]))
                    text = f"person {person_id}, course {course_id}, {step}"
                    self.owed[reminder_key(key, team_id, person_id, due)] = text

    async def _kill(self, when: str) -> None:
        """Start the program and kill it, if it does not come to its end before."""
        waits = self.draw.random() < 0.15
        moments = {at_any_time: 1} if waits else self._moments(later(self.company.database))
        (moment,) = self.draw.choices(list(moments), list(moments.values()))
        if self.budget.locked():
            return
        await self.budget.acquire()
        code, errors = await self._die(moment, self.company.at(when).isoformat())
        self.company.no_more_faults()
        if code == -signal.SIGKILL:
            self.kills += 1
        else:
            self.budget.release()
        if code not in (-signal.SIGKILL, 0, 1) or "Traceback" in errors or "This is a bug" in errors:
            self.trouble.append(f"exit code {code}: {errors.strip()}")

    def _moments(self, unsettled: int) -> dict[Moment, int]:
        """The moments that can come, by weight."""
        messages = self.company.slack.messages
        unedited = any(int(m.slack_id[2:]) in self.finished and not m.edits for m in messages)
        can_come = ((self.verdict().lost, WHILE_POSTING), (unedited, WHILE_EDITING), (unsettled, READING_BACK))
        return ALWAYS | {moment: weight for can, group in can_come if can for moment, weight in group.items()}

    async def _die(self, moment: Moment, now: str) -> tuple[int, str]:
        """The exit code and what was written to stderr."""
        process = await self.company.start("remind", "--now", now)

        def kill() -> None:
            if process.returncode is None:
                process.kill()

        end = asyncio.create_task(process.communicate())
        watch = asyncio.create_task(moment(self.company, self.draw, kill))
        try:
            await asyncio.wait({end}, timeout=PATIENCE_SECONDS)
        finally:
            kill()
            watch.cancel()
            await asyncio.wait({end, watch})
        if not watch.cancelled():
            watch.result()
        return process.returncode or 0, end.result()[1].decode()

    async def _recover(self, day: str) -> None:
        """Passes until one ends well; then nothing may be left to do."""
        self.company.time = Time()  # what an earlier day has skipped would spare this one its waits
        for number in range(PASSES_MOST):
            if (problem := await self._problem_of_a_pass(f"{day} 11:{number:02}")) is None:
                break
        async with self.company.workspace() as workspace:
            counts, unedited = workspace.store.outbox.counts(), workspace.store.outbox.corrections()
        left = {state.value: counts[state] for state in OPEN if counts.get(state)}
        if problem or left or unedited:
            self.trouble.append(f"left on {day}: {left}, {len(unedited)} to edit, {problem}")

    async def _problem_of_a_pass(self, when: str) -> DeadlineBotError | None:
        try:
            return (await self.company.one_pass(when)).problem
        except DeadlineBotError as error:
            return error


def later(database: Path) -> int:
    """Let a minute pass for a store that nobody has open; how many notices in it have no known fate."""
    if not database.exists():
        return 0
    with closing(sqlite3.connect(database, isolation_level=None)) as store, suppress(sqlite3.OperationalError):
        store.execute("UPDATE notices SET claimed_at = claimed_at - 60 WHERE claimed_at IS NOT NULL")
        return int(store.execute("SELECT count(*) FROM notices WHERE state IN ('sending', 'unknown')").fetchone()[0])
    return 0  # a process was killed before there was a table


# ── a campaign ──


@dataclass(kw_only=True)
class Campaign:
    """Rounds until so many kills are made, several at once."""

    seed: int
    kills: int
    progress: Progress = silent
    done: int = 0
    lost: int = 0
    repeated: int = 0
    failures: list[str] = field(default_factory=list)

    async def run(self, numbers: Iterable[int] | None = None, *, at_once: int = 6) -> None:
        """Rounds of these numbers; their seeds are the campaign's and the number."""
        budget, waiting = asyncio.Semaphore(self.kills), iter(numbers or itertools.count(1))

        async def work() -> None:
            while not budget.locked() and len(self.failures) < FAILURES_MOST and (number := next(waiting, 0)):
                await self._play(number, budget)

        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(work())

    async def _play(self, number: int, budget: asyncio.Semaphore) -> None:
        draw = Random(f"{self.seed}:{number}")  # noqa: S311 - no secret is made of it
        with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None, prefix="deadline-bot-kill-") as name:
            async with a_company(Path(name)) as company:
                await (a_round := Round(company=company, draw=draw, budget=budget)).play()
        self._count(number, a_round)

    def _count(self, number: int, a_round: Round) -> None:
        verdict = a_round.verdict()
        self.done += a_round.kills
        self.lost += len(verdict.lost)
        self.repeated += len(verdict.repeated)
        self.progress("kills", self.done, self.kills)
        wrong = [("lost", verdict.lost), ("repeated", verdict.repeated), ("trouble", a_round.trouble)]
        if told := [f"  {name}: {text}\n" for name, texts in wrong for text in texts]:
            self.failures.append(f"python -m tests.faults.kill --replay {self.seed}:{number}\n{''.join(told)}")

    def __str__(self) -> str:
        return f"lost {self.lost}, repeated {self.repeated}, kills {self.done}, seed {self.seed}"


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kill", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--kills", type=int, default=500, help="how many (500)")
    parser.add_argument("--seed", type=int, default=1, help="of all that is drawn (1)")
    parser.add_argument("--replay", metavar="SEED:ROUND", help="one round of a campaign again")
    wanted = parser.parse_args()
    seed, _, number = (wanted.replay or f"{wanted.seed}:0").partition(":")
    logs.configure(None, "CRITICAL")  # the passes of this process warn of what the faults do to them
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does: processes and folders go
    with terminal.progress() as progress:
        campaign = Campaign(seed=int(seed), kills=wanted.kills, progress=progress)
        try:
            asyncio.run(campaign.run([int(number)] if wanted.replay else None))
        except KeyboardInterrupt:
            campaign.failures.append(f"stopped: {campaign}\n")
    sys.stderr.write("".join(campaign.failures))
    sys.stdout.write(f"{campaign}\n")
    return 1 if campaign.failures else 0


if __name__ == "__main__":
    sys.exit(main())
