"""Promises are seen to break when what keeps them is switched off: the same machine, the same moves.

Those that take longer to be found out are looked for by `make props`; tests/deadlines/test_property_teeth.py does the
same for the rules that one person is enough for.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from bot.deadlines import plan, policy
from bot.deadlines.policy import Case
from bot.jobs import deliver
from tests.properties import IS_LONG, company
from tests.properties.machine import CompanyMachine
from tests.properties.promises import Broken

FOUND_SOON = (
    "completed",
    "the second look",
    "superseded",
    "course inactive",
    "day off",
    "hours",
    "away",
    "gathering",
    "one decision",
)
MANY = 300  # examples within which a missing rule must show; the seed is one that finds it soon
Off = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True, kw_only=True)
class Tooth:
    """What is switched off, and which promise that breaks."""

    promise: str
    off: Off
    seed: int = 0


# ── ways to switch something off ──


def without(rule: str) -> Off:
    """The policy without one of its rules."""
    left = tuple(one for one in policy.RULES if one.__name__ != rule)
    if left == policy.RULES:
        raise AssertionError(f"there is no rule {rule}")
    return lambda patch: patch.setattr(policy, "RULES", left)


def put(where: Any, name: str, instead: Any) -> Off:
    """Another thing in place of one of the program's."""
    return lambda patch: patch.setattr(where, name, instead)


def both(*offs: Off) -> Off:
    """Two things that do the same."""

    def off(patch: pytest.MonkeyPatch) -> None:
        for one in offs:
            one(patch)

    return off


def without_indexes(patch: pytest.MonkeyPatch) -> None:
    """The database lets a step be said twice, and two DMs go on one day."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "bot.db"
        path.write_bytes(company.blank_store())
        db = sqlite3.connect(path)
        db.executescript("DROP INDEX one_dm_a_day; DROP INDEX no_step_twice")
        db.close()
        changed = path.read_bytes()
    patch.setattr(company, "blank_store", lambda: changed)


async def _no_look(*_: Any) -> None:
    """Nobody looks again."""


def _cap_without(detail: str) -> Callable[..., str]:
    """The caps without one of the two."""
    real = plan._cap

    def cap(*facts: Any) -> str:
        found = real(*facts)
        return "" if found == detail else found

    return cap


def _early(case: Case, decision: Any, gather_days: int) -> Any:
    """The next step, however far off."""
    return decision.next_step if decision.reason in ("not_due_yet", "already_sent") else None


NO_DAY_OFF = without("_day_off")
TEETH = {
    "completed": Tooth(promise="never after completion", off=without("_completed")),
    "the second look": Tooth(promise="never after completion", off=put(deliver._Delivery, "_look_again", _no_look)),
    "superseded": Tooth(promise="only what is owed", off=without("_superseded")),
    "course inactive": Tooth(promise="only what is owed", off=without("_course_inactive")),
    "audience": Tooth(promise="only what is owed", off=without("_not_in_audience")),
    "already sent": Tooth(promise="no step twice", off=both(without("_already_sent"), without_indexes)),
    "day off": Tooth(promise="never on a day off", off=NO_DAY_OFF),
    "hours": Tooth(promise="never outside hours", off=without("_outside_hours")),
    "away": Tooth(promise="nothing while away", off=without("_away")),
    "gap": Tooth(promise="two nags keep their gap", off=without("_gap")),
    "gathering": Tooth(promise="no step before its day", off=put(plan, "may_be_said_early", _early)),
    "one decision": Tooth(
        promise="every assignment has one decision", off=put(policy, "governing_first", lambda rows: list(rows)[:1])
    ),
    "the read-back": Tooth(
        promise="no step twice", off=put(company.Company, "_show", lambda self: setattr(self, "blind", True))
    ),
}


def broken(machine: type[CompanyMachine], tooth: Tooth) -> str:
    """What is found broken of that promise."""
    only = type("Only", (machine,), {"only": tooth.promise})
    watch = settings(
        max_examples=MANY,
        stateful_step_count=10,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    with pytest.raises(Broken) as found:
        run_state_machine_as_test(seed(tooth.seed)(only), settings=watch)
    return str(found.value)


@pytest.mark.parametrize("name", TEETH if IS_LONG else FOUND_SOON)
def test_a_rule_that_is_switched_off_is_missed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    TEETH[name].off(monkeypatch)
    assert broken(CompanyMachine, TEETH[name]).startswith(f"{TEETH[name].promise}: ")
