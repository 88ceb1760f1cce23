"""The command line: thin, one function a command: open, call, print. Errors end in one place, `main`.

Heavy libraries are imported by the commands that need them: `--help` must be quick.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Coroutine
from contextlib import closing, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

import bot
from bot.errors import DeadlineBotError, Frozen, UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from bot.settings import Settings

T = TypeVar("T")
COMMAND_LINE = "command line"  # who did it, on the audit

app = typer.Typer(
    name="deadline-bot",
    help="Reminds people in Slack of the required courses that eloomi says they must finish.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Now = Annotated[str | None, typer.Option("--now", metavar="INSTANT", help="Take this ISO 8601 instant for now.")]
OfCourse = Annotated[
    int | None, typer.Option("--course", metavar="ID", min=1, max=2**63 - 1, help="Only of this course.")
]
Who = Annotated[str, typer.Argument(metavar="PERSON", help="An e-mail address, LMS id or Slack id.")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(bot.__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def run(
    clock: Annotated[
        str | None, typer.Option("--clock", metavar="URL", help="Take every instant from a local stand-in.")
    ] = None,
) -> None:
    """Remind on the clock and answer in Slack, until SIGTERM."""
    _leave_when_asked()
    from bot.app import run as run_bot

    settings = _settings(always_log=True)
    asyncio.run(run_bot(settings, clock))


def _leave_when_asked() -> None:
    """While its libraries are loaded, `run` has nothing to bring to an end; from there on app.py listens."""
    for number in (signal.SIGTERM, signal.SIGINT):
        with suppress(ValueError):  # not the main thread, which gets no signals
            signal.signal(number, lambda *_: sys.exit(0))


@app.command()
def remind(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Plan everything; write and send nothing.")] = False,
    only: Annotated[str | None, typer.Option("--only", metavar="PERSON", help="For this one person.")] = None,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Pull, decide and send: one whole pass, then exit."""
    from bot import terminal
    from bot.app import open_workspace
    from bot.jobs.remind import PassReport, rehearse, sending
    from bot.jobs.remind import remind as one_pass

    settings = _settings()
    instant, clock = _clock(now, settings, sends=not dry_run)

    async def whole_pass() -> PassReport:
        with terminal.progress() as progress:
            async with open_workspace(settings, clock=clock, progress=progress, dry_run=dry_run) as workspace:
                if dry_run:
                    return await rehearse(workspace, instant, only=only)
                async with sending(workspace):
                    return await one_pass(workspace, instant, only=only)

    report, seconds = _timed(whole_pass())
    problem = _frozen(report.frozen, dry_run=dry_run) if report.frozen else report.problem
    _end(
        terminal.pass_json(report, seconds),
        terminal.pass_text(report, settings.policy_source, dry_run=dry_run),
        as_json,
        problem,
    )


@app.command()
def pull(as_json: Json = False) -> None:
    """Refresh what is known of eloomi and of Slack's people; send nothing."""
    from bot import terminal
    from bot.app import open_workspace
    from bot.jobs.pull import PullReport
    from bot.jobs.pull import pull as one_pull
    from bot.jobs.remind import sending

    settings = _settings()

    async def whole_pull() -> PullReport:
        with terminal.progress() as progress:
            async with open_workspace(settings, progress=progress) as workspace, sending(workspace):
                return await one_pull(workspace, workspace.clock())

    report, seconds = _timed(whole_pull())
    problem = Frozen(f"The earlier snapshot was kept: {report.frozen}.") if report.frozen else None
    _end(terminal.pull_json(report, seconds), terminal.pull_text(report), as_json, problem)


@app.command()
def explain(
    person: Who,
    course: Annotated[int | None, typer.Option("--course", metavar="ID", help="Only this course.")] = None,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Say of each assignment of a person why it does or does not bring a reminder."""
    from bot import terminal
    from bot.jobs.explain import explain_person
    from bot.jobs.remind import find_person
    from bot.store.sqlite_store import need_existing

    settings = _settings()
    instant, _ = _clock(now, settings, sends=False)
    with closing(need_existing(settings.database_path)) as store:
        found = explain_person(settings, store, find_person(store, person), instant, assume_pulls=now is not None)
    chosen = [(c, d) for c, d in found.decisions if course in (None, c.course_id)]
    _end(terminal.explain_json(found, chosen), terminal.explain_text(found, chosen), as_json)


@app.command()
def preview(
    days: Annotated[int, typer.Option("--days", min=1, max=366, help="How many days, today being the first.")] = 14,
    now: Now = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page for the browser instead.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Foresee who would get what and when, and what is held back; send nothing."""
    from bot import terminal
    from bot.jobs.preview import preview as foresee
    from bot.preview.as_json import as_json as told
    from bot.preview.as_page import as_page, written
    from bot.preview.as_text import as_text
    from bot.preview.file import NewFile
    from bot.preview.view import View
    from bot.store.sqlite_store import need_existing

    settings = _settings()
    instant, _ = _clock(now, settings, sends=False)
    with closing(need_existing(settings.database_path)) as store, NewFile(html) if html else nullcontext() as page:
        with terminal.progress() as progress:
            foreseen = foresee(settings, store, instant, days, progress)
        view = View.of(settings, store, foreseen)
        if page and html:
            page.write(as_page(view))
            typer.echo(written(view, html), err=as_json)
        elif not as_json:
            typer.echo(as_text(view, width=terminal.width(), colour=sys.stdout.isatty()))
        for piece in told(view) if as_json else ():
            typer.echo(piece, nl=False)


@app.command()
def status(as_json: Json = False) -> None:
    """Show the last pull, the last pass and what waits."""
    from bot import terminal
    from bot.store.sqlite_store import open_existing

    settings = _settings()
    store = open_existing(settings.database_path)
    with closing(store) if store else nullcontext():
        shown = terminal.status_json(settings, store), terminal.status_text(settings, store)
    _end(*shown, as_json)


@app.command()
def approve() -> None:
    """Release a frozen pass: the next pass sends it."""
    from bot.clock import wall
    from bot.store.sqlite_store import open_existing

    store, text = open_existing(_settings().database_path), None
    if store:
        with closing(store):
            text = store.passes.approve(wall(), COMMAND_LINE)
    typer.echo(f"Released: {text}. The next pass sends it." if text else "Nothing is frozen; nothing to release.")


@app.command()
def exempt(
    person: Who,
    course: OfCourse = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="DATE", help="The last day of it; without, it has no end.")
    ] = None,
) -> None:
    """Send somebody no reminders: leave, a dispensation."""
    from bot import terminal
    from bot.clock import wall
    from bot.jobs import exempt as job
    from bot.store.sqlite_store import need_existing

    settings, until_on = _settings(), job.last_day(until) if until is not None else None
    with closing(need_existing(settings.database_path)) as store:
        found = job.exempt(settings, store, person, course, until_on, now=wall(), by=COMMAND_LINE)
    typer.echo(terminal.exempt_text(found))


@app.command()
def unexempt(person: Who, course: OfCourse = None) -> None:
    """Remind somebody again: end an exemption, or all of theirs."""
    from bot import terminal
    from bot.clock import wall
    from bot.jobs import exempt as job
    from bot.store.sqlite_store import need_existing

    settings = _settings()
    with closing(need_existing(settings.database_path)) as store:
        found = job.unexempt(settings, store, person, course, now=wall(), by=COMMAND_LINE)
    typer.echo(terminal.unexempt_text(found))


@app.command()
def demo(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The page's port; 0 for any.")] = 8765,
) -> None:
    """Show the bot at work on a local eloomi and a local Slack, with a page in the browser; no account needed."""
    from bot.clock import wall
    from bot.demo.serve import serve

    asyncio.run(serve(port=port, now=wall()))


def main() -> NoReturn:
    """Run a command; whatever goes wrong ends as one line on stderr and an exit code."""
    as_json = "--json" in sys.argv
    try:
        code = app(_arguments(), standalone_mode=False)
    except DeadlineBotError as error:
        _fail(error, as_json)
    except typer.Abort:
        raise SystemExit(130) from None
    except typer.TyperException as error:
        _fail(UsageError(_usage_line(error)), as_json)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except Exception as error:  # noqa: BLE001 - the last resort: a bug still ends as one line
        _bug(error, as_json)
    raise SystemExit(code if isinstance(code, int) else 0)


def _arguments() -> list[str]:
    if len(sys.argv) == 1:
        raise UsageError("No command was given.")
    return sys.argv[1:]


def _bug(error: Exception, as_json: bool) -> NoReturn:
    """What nobody foresaw: its place in one line, all of it with LOG_LEVEL=DEBUG."""
    import logging

    logging.getLogger("bot").debug("unforeseen", exc_info=error)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{type(error).__name__} at {frame.filename}:{frame.lineno}"
    _fail(DeadlineBotError(f"This is a bug: {where}.", fix="Set LOG_LEVEL=DEBUG to see all of it."), as_json)


def _frozen(why: str, *, dry_run: bool) -> Frozen:
    if dry_run:
        fix = "Run remind, check the figures, and then run: deadline-bot approve"
        return Frozen(f"A real pass would be held: {why}.", fix=fix)
    return Frozen(f"Nothing was sent: {why}.")


def _usage_line(error: Exception) -> str:
    said = getattr(error, "format_message", None)
    line = " ".join(str(said() if callable(said) else error).split())
    return line if line.endswith((".", "?")) else f"{line}."


def _fail(error: DeadlineBotError, as_json: bool) -> NoReturn:
    if as_json:
        typer.echo(json.dumps({"error": _error_json(error)}, ensure_ascii=False))
    _exit_with(error)


def _exit_with(error: DeadlineBotError) -> NoReturn:
    typer.echo(f"deadline-bot: {error.line}", err=True)
    raise SystemExit(error.exit_code)


def _error_json(error: DeadlineBotError) -> dict[str, str]:
    return {"code": error.code, "message": error.message, "fix": error.fix}


def _end(as_object: dict[str, Any], as_text: str, as_json: bool, problem: DeadlineBotError | None = None) -> None:
    """Print what a command came to, and exit by what went wrong, if anything did."""
    if as_json:
        more = {"error": _error_json(problem)} if problem else {}
        typer.echo(json.dumps({**as_object, **more}, ensure_ascii=False))
    elif as_text:
        typer.echo(as_text)
    if problem:
        _exit_with(problem)


def _settings(*, always_log: bool = False) -> Settings:
    """The settings, with logs set up: a one-off command logs warnings only, unless LOG_LEVEL says otherwise."""
    from bot import logs
    from bot.settings import load

    settings = load()
    chosen = always_log or "log_level" in settings.model_fields_set
    logs.configure(settings.log_format, settings.log_level if chosen else "ERROR")
    return settings


def _clock(now: str | None, settings: Settings, *, sends: bool) -> tuple[datetime, Callable[[], datetime]]:
    """The instant to decide for and the clock that goes on from it. Raises UsageError."""
    from bot import clock

    if now is None:
        return clock.wall(), clock.wall
    instant = clock.parse(now)
    if sends and clock.is_far(instant) and not settings.slack_is_local:
        raise UsageError(
            "--now is more than a day from the real clock, and this command sends.", fix="Add --dry-run to it."
        )
    return instant, clock.starting_at(instant)


def _timed(work: Coroutine[Any, Any, T]) -> tuple[T, float]:
    """The result and how many seconds it took."""
    from time import monotonic

    begun = monotonic()
    return asyncio.run(work), round(monotonic() - begun, 3)
