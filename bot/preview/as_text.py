"""The forecast on a terminal: a calendar, who hears what on each day, and what is held back.

Text from outside only ever gets in as a `Text`, in which nothing is markup. Eighty columns are enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import StringIO

from rich.box import ROUNDED
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bot.deadlines.forecast import ForecastDay, Foreseen, Held
from bot.preview.phrases import after_a_freeze, group, label, many, why_empty
from bot.preview.view import HeldBack, View, freezes, in_order
from bot.slack.reasons import explain
from bot.slack.words import SOURCE, words
from bot.text import shortened

MESSAGES_SHOWN = 5  # of a day
COURSES_SHOWN = 5  # of a message
EXAMPLES_SHOWN = 3  # of a reason
CELL = 8  # columns: seven of them fit into 80
# Black or white on blue, by View.level; each readable on its own ground.
SHADES = ("", "black on #dfe6fd", "black on #b9c8fb", "black on #8ea4f4", "white on #4a63d8", "bold white on #2b3f9e")


def as_text(view: View, *, width: int | None, colour: bool) -> str:
    """All of it; `width` None is the terminal's own."""
    page = StringIO()
    Console(file=page, width=width, force_terminal=colour, highlight=False, legacy_windows=False).print(_all(view))
    return "\n".join(line.rstrip() for line in page.getvalue().splitlines())


def _all(view: View) -> Group:
    days = [day for day in view.days if day.notices]
    view.names.read(_people(view, days))
    calendar: list[RenderableType] = [_calendar(view), _legend(view)] if days else []
    return Group(*_head(view), *calendar, *_freezes(view), *(_day(view, day) for day in days), *_held_back(view))


def _people(view: View, days: Sequence[ForecastDay]) -> Iterator[int]:
    for day in days:
        yield from (foreseen.notice.person_id for foreseen in in_order(day)[:MESSAGES_SHOWN])
    for back in view.held_back(EXAMPLES_SHOWN):
        yield from (held.person_id for held in back.examples)


# ── what it comes to ──


def _head(view: View) -> Iterator[Text]:
    first, last = view.days[0].on, view.days[-1].on
    yield Text(f"Forecast from {words(SOURCE).date(first)} to {words(SOURCE).date(last)}. Nothing is sent.")
    pulled = f"{view.preview.pulled_at:%Y-%m-%d %H:%M} UTC"
    yield Text(f"By the data pulled at {pulled} and the policy {view.settings.policy_digest}.")
    if view.stale_hours:
        yield Text(f"That data is {many(view.stale_hours, 'hour')} old: a pass pulls afresh before it sends.", "bold")
    yield Text(_sums(view), "bold")


def _sums(view: View) -> str:
    totals = view.totals
    if totals.messages:
        people, days = many(totals.people, "person", "people"), many(totals.days, "day")
        return f"{many(totals.messages, 'message')} to {people} on {days}."
    return why_empty(words(SOURCE), view)


# ── the calendar ──


def _calendar(view: View) -> Table:
    table = Table(box=ROUNDED, show_lines=True, border_style="dim", padding=(0, 1))
    for _, name in words(SOURCE).weekdays():
        table.add_column(name, width=CELL, overflow="fold")
    for week in view.weeks():
        table.add_row(*(_cell(view, day) if day else "" for _, day in week))
    return table


def _cell(view: View, day: ForecastDay) -> Text:
    cell = Text(words(SOURCE).day_and_month(day.on), "dim" if not day.notices else "")
    if day.notices:
        cell.append(f"\n{len(day.notices):,}".ljust(CELL + 1), SHADES[view.level(day)])
    if day.frozen:
        cell.append("\n!frozen", "bold red")
    if day.held:
        cell.append(f"\n~{day.held.total():,}", "dim")
    return cell


def _legend(view: View) -> Text:
    marks = ["A day's number is its messages"]
    if any(day.frozen for day in view.days):
        marks.append("!frozen: the bot would stop that day")
    if any(day.held for day in view.days):
        marks.append("~ assignments held back")
    return Text(f"{'; '.join(marks)}. Times below are each person's own.", "dim")


def _freezes(view: View) -> Iterator[RenderableType]:
    found = list(freezes(view.days))
    if not found:
        return
    yield Text("\nThe safety freeze would stop the bot:", "bold")
    for on, text, passes in found:
        times = f" ({passes} passes)" if passes > 1 else ""
        yield _indented(Text(f"{words(SOURCE).date(on)}: {text}{times}"))
    yield _indented(Text(after_a_freeze(words(SOURCE))))


# ── who hears what ──


def _day(view: View, day: ForecastDay) -> Group:
    lines = Table.grid(padding=(0, 1))
    for foreseen in in_order(day)[:MESSAGES_SHOWN]:
        lines.add_row(f"{foreseen.at:%H:%M}", _message(view, foreseen))
    if more := len(day.notices) - lines.row_count:
        lines.add_row("", Text(f"… and {more:,} more", "dim"))
    heading = f"\n{words(SOURCE).date(day.on)}: {many(len(day.notices), 'message')}"
    return Group(Text(heading, "bold"), _indented(lines))


def _message(view: View, foreseen: Foreseen) -> Text:
    reminders = foreseen.notice.reminders
    courses = [f"{view.names.course(r.course_id)} ({r.step.name})" for r in reminders[:COURSES_SHOWN]]
    if more := len(reminders) - len(courses):
        courses.append(f"{more} more")
    return Text(f"{_who(view, foreseen.notice.person_id)}: {', '.join(courses)}", overflow="fold")


def _who(view: View, person_id: int) -> str:
    return f"{view.names.person(person_id)} (LMS {person_id})".strip()


# ── what is held back ──


def _held_back(view: View) -> Iterator[RenderableType]:
    found = view.held_back(EXAMPLES_SHOWN)
    for waits in (False, True):
        backs = [back for back in found if back.waits is waits]
        if backs:
            yield Text(f"\n{group(words(SOURCE), waits=waits)}:", "bold")
        for back in backs:
            yield _indented(_reason(view, back))


def _reason(view: View, back: HeldBack) -> Group:
    count = f"{'up to ' if back.days > 1 else ''}{many(back.most, 'assignment')}"
    heading = f"{label(words(SOURCE), back.reason)} ({back.reason.value}): on {many(back.days, 'day')}, {count}"
    lines = [_indented(_example(view, held)) for held in back.examples]
    if (more := back.most - len(lines)) > 0:
        lines.append(_indented(Text(f"… and {more} more, see --html", "dim")))
    return Group(Text(heading), *lines)


def _example(view: View, held: Held) -> Text:
    said = shortened(explain(words(SOURCE), held.decision, held.zone), 300)
    return Text(f"{_who(view, held.person_id)}, {view.names.course(held.course_id)}: {said}", "dim")


def _indented(what: RenderableType) -> Padding:
    return Padding(what, (0, 0, 0, 2))
