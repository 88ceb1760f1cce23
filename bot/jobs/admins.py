"""What admins are told, and when: of a freeze, of a day that would freeze, of what keeps people from being reminded.

Owns the choosing: what there is, compared with what each admin was told last, by the admin's own clock and calendar.
The words are slack/digests.py's, the posting letters.py's. Nobody is told anything where SLACK_ADMINS names nobody.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

from bot.deadlines.calendar import LocalNow, WorkCalendar, zone_info
from bot.deadlines.forecast import ForecastDay
from bot.deadlines.model import Learner
from bot.jobs.aside import aside
from bot.jobs.calendars import calendars_of
from bot.jobs.letters import Letter, deliver_letters, settle_letters
from bot.jobs.people import known_zone
from bot.jobs.preview import preview
from bot.settings import Settings
from bot.slack import digests
from bot.slack.words import Words, choose, words
from bot.store import Hitch, HitchKind, Hold, Store, StoredLetter
from bot.workspace import Workspace

AHEAD_WORKING_DAYS = 3  # that the forecast looks ahead
QUIET = timedelta(hours=12)  # a pull that freezes, is well and freezes again within it is told of once
LINES_MOST = 20  # of a digest
SOLVED = "solved"  # the subject under which what still stands is noted once something is solved

Group: TypeAlias = tuple[HitchKind, str]  # what is counted together: the kind, and why nobody matches


@dataclass(frozen=True, kw_only=True)
class Admin:
    """Somebody in SLACK_ADMINS at an instant."""

    slack_id: str
    local: LocalNow
    calendar: WorkCalendar
    words: Words

    @property
    def is_working_day(self) -> bool:
        """Whether they work today."""
        return self.calendar.is_working(self.local.today)


async def tell_admins(workspace: Workspace, now: datetime) -> None:
    """Tell admins everything there is to tell at `now`. Raises SlackError, StoreError or SettingsError.

    A freeze first: nothing about the rest, which takes longer to find, may keep it from being told.
    """
    admins = list(_admins(workspace.settings, workspace.store, now))
    if not admins or workspace.stopping():
        return
    await settle_letters(workspace)  # what did not arrive is found to be untold below
    for find in (_of_freeze, _of_exceptions, _of_forecast):
        await deliver_letters(workspace, await find(workspace, admins))


def words_of(settings: Settings, store: Store, slack_id: str) -> Words:
    """The words of somebody who need not be known to the LMS."""
    member = store.snapshots.member(slack_id)
    return words(choose(member.locale if member else None, settings.default_language))


def freeze_ids(holds: Iterable[Hold]) -> list[str]:
    """What tells these freezes from any others: "pass@1813042800"."""
    return [f"{hold.kind}@{int(hold.since_at.timestamp())}" for hold in holds]


def _admins(settings: Settings, store: Store, now: datetime) -> Iterable[Admin]:
    """Those who can be written to: a post to a deactivated account would succeed, and nobody would read it."""
    calendars, hours = calendars_of(settings), settings.policy.hours
    for slack_id in dict.fromkeys(settings.slack_admins):
        member = store.snapshots.member(slack_id)
        if member and member.deleted:
            continue
        zone = known_zone([member.timezone if member else None], settings)
        yield Admin(
            slack_id=slack_id,
            local=LocalNow(now=now, zone=zone, start=hours.start, end=hours.end),
            calendar=calendars.of(_country(store, slack_id)),
            words=words_of(settings, store, slack_id),
        )


def _country(store: Store, slack_id: str) -> str | None:
    person_id = store.snapshots.of_slack(slack_id)
    learner = None if person_id is None else store.snapshots.dossier(person_id).learner
    return learner.country if learner else None


# ── a freeze ──


async def _of_freeze(workspace: Workspace, admins: Iterable[Admin]) -> list[Letter]:
    holds, letters = workspace.store.passes.holds(), workspace.store.letters
    found = (freeze_letter(admin, holds, letters.last("freeze", admin.slack_id)) for admin in admins)
    return [letter for letter in found if letter]


def freeze_letter(admin: Admin, holds: Sequence[Hold], last: StoredLetter | None) -> Letter | None:
    """What this admin is told now of the freezes that hold: at once of a new one, then daily once their day begins."""
    ids, local = freeze_ids(holds), admin.local
    told = set(last.content.split()) if last else set[str]()
    is_new = any(id_ not in told and not _flaps(id_, told, last, local.now) for id_ in ids) or has_grown(holds, told)
    is_another_day = bool(last and last.at and local.day_of(last.at) < local.today and not local.before_hours)
    if not holds or not (is_new or is_another_day):
        return None
    since = min(hold.since_at for hold in holds).astimezone(zone_info(local.zone))
    limits = [digests.Limit(kind=hold.kind, text=hold.text) for hold in holds]
    content = " ".join([*ids, *_sizes(holds)])
    text, blocks = digests.freeze(admin.words, limits, since, content)
    return Letter(
        kind="freeze",
        slack_id=admin.slack_id,
        subject=f"{content} {local.today}",
        content=content,
        text=text,
        blocks=blocks,
    )


def _flaps(freeze_id: str, told: Collection[str], last: StoredLetter | None, now: datetime) -> bool:
    """Whether a pull froze again so soon after the last word of one that it is no news."""
    is_again = freeze_id.startswith("pull@") and any(one.startswith("pull@") for one in told)
    return bool(is_again and last and last.at and timedelta(0) <= now - last.at < QUIET)


def _sizes(holds: Iterable[Hold]) -> list[str]:
    """How many people a frozen pass would write to: "size=4"."""
    found = (re.search(r"would message (\d+)", hold.text) for hold in holds if hold.kind == "pass")
    return [f"size={one[1]}" for one in found if one]


def has_grown(holds: Iterable[Hold], told: Iterable[str]) -> bool:
    """Whether a frozen pass is more than twice as large as it was told to be."""
    before = max((int(one[5:]) for one in told if re.fullmatch(r"size=\d{1,9}", one)), default=None)
    return before is not None and any(int(one[5:]) > 2 * before for one in _sizes(holds))


# ── a day that would freeze ──


async def _of_forecast(workspace: Workspace, admins: Iterable[Admin]) -> list[Letter]:
    """Once on each working day of an admin's: what the next days would bring, and that it was looked at."""
    store = workspace.store
    due = [admin for admin in admins if _is_to_foresee(store, admin)]
    if not due or store.snapshots.last() is None:
        return []
    now = due[0].local.now
    today, days = _days_ahead(workspace.settings, now)
    found = await aside(workspace, lambda other: preview(workspace.settings, other, now, days).days)
    known = {today} if store.passes.frozen() else set[date]()
    risky = [day for day in found if day.frozen and day.on >= today and day.on not in known]
    return [letter for admin in due for letter in (*_forecast_letters(admin, risky), _looked(admin))]


def _is_to_foresee(store: Store, admin: Admin) -> bool:
    is_time = admin.is_working_day and not admin.local.before_hours
    return is_time and not store.letters.is_told("forecast", admin.slack_id, _looked(admin).subject)


def _days_ahead(settings: Settings, now: datetime) -> tuple[date, int]:
    """Today in the default zone, and how many days from it hold so many working days after it."""
    today = now.astimezone(ZoneInfo(settings.default_timezone)).date()
    calendar = calendars_of(settings).of(None)
    return today, (calendar.count_on(today, AHEAD_WORKING_DAYS) - today).days + 1


def _forecast_letters(admin: Admin, risky: Iterable[ForecastDay]) -> list[Letter]:
    letters = []
    for day in risky:
        text, blocks = digests.forecast(admin.words, day.on, day.frozen)
        subject, content = day.on.isoformat(), "; ".join(day.frozen)
        letters.append(
            Letter(kind="forecast", slack_id=admin.slack_id, subject=subject, content=content, text=text, blocks=blocks)
        )
    return letters


def _looked(admin: Admin) -> Letter:
    """The note that it was done today."""
    return Letter(kind="forecast", slack_id=admin.slack_id, subject=f"looked {admin.local.today}", content="")


# ── what keeps people from being reminded ──


async def _of_exceptions(workspace: Workspace, admins: Iterable[Admin]) -> list[Letter]:
    """At most one digest a day, in the hours of the admin's working day, and only where something is new."""
    store = workspace.store
    due = [admin for admin in admins if admin.is_working_day and admin.local.in_hours]
    if not due:
        return []
    hitches = {_key(hitch): hitch for hitch in await aside(workspace, lambda other: other.hitches.all())}
    found = []
    for admin in due:
        last = store.letters.last("exceptions", admin.slack_id)
        told = frozenset(json.loads(last.content)) if last else frozenset[str]()
        if (new := hitches.keys() - told) and not store.letters.is_told("exceptions", admin.slack_id, _today(admin)):
            found.append(_digest(store, admin, hitches, new))
        elif solved := told - hitches.keys():
            found.append(_still_standing(admin, told - solved))
    return found


def _digest(store: Store, admin: Admin, hitches: Mapping[str, Hitch], new: Collection[str]) -> Letter:
    """What is new, and how many of each there are in all."""
    shown = shared_out([hitch for key, hitch in hitches.items() if key in new])
    counts = Counter(map(_group, hitches.values())).most_common()
    text, blocks = digests.exceptions(
        admin.words,
        _described(store, shown),
        len(new) - len(shown),
        [(digests.Odd(kind=kind, detail=detail), count) for (kind, detail), count in counts],
    )
    content = _content(hitches)
    return Letter(
        kind="exceptions", slack_id=admin.slack_id, subject=_today(admin), content=content, text=text, blocks=blocks
    )


def _still_standing(admin: Admin, keys: Collection[str]) -> Letter:
    """The note that something was solved: it is new when it comes back."""
    return Letter(kind="exceptions", slack_id=admin.slack_id, subject=SOLVED, content=_content(keys))


def shared_out(hitches: Iterable[Hitch], most: int = LINES_MOST) -> list[Hitch]:
    """At most so many of these, no group hiding another: the smallest group is shown first, and whole if it can be."""
    groups: defaultdict[Group, list[Hitch]] = defaultdict(list)
    for hitch in hitches:
        groups[_group(hitch)].append(hitch)
    shown: list[Hitch] = []
    for left, group in zip(range(len(groups), 0, -1), sorted(groups.values(), key=len), strict=True):
        shown += group[: -(-(most - len(shown)) // left)]
    return shown[:most]


def _group(hitch: Hitch) -> Group:
    return hitch.kind, hitch.detail if hitch.kind == "no_slack_match" else ""


def _key(hitch: Hitch) -> str:
    """What tells one from any other; ids and the LMS's own values, no name."""
    return " ".join(map(str, (hitch.kind, hitch.person_id, hitch.course_id, hitch.record, hitch.detail)))


def _content(keys: Iterable[str]) -> str:
    return json.dumps(sorted(keys))


def _today(admin: Admin) -> str:
    return admin.local.today.isoformat()


def _described(store: Store, hitches: Sequence[Hitch]) -> list[digests.Odd]:
    """These with their names, which are read of these few alone."""
    ids = {hitch.person_id for hitch in hitches if hitch.person_id}
    people = {d.person_id: d.learner for chunk in store.snapshots.dossiers(ids) for d in chunk if d.learner}
    return [_odd(store, hitch, people.get(hitch.person_id)) for hitch in hitches]


def _odd(store: Store, hitch: Hitch, learner: Learner | None) -> digests.Odd:
    return digests.Odd(
        kind=hitch.kind,
        detail=hitch.detail,
        person_id=hitch.person_id,
        name=learner.name if learner else "",
        email=(learner.email or "") if learner else "",
        course=store.snapshots.course(hitch.course_id).title if hitch.course_id else "",
        record=hitch.record,
    )
