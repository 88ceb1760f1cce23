"""Each property of test_properties.py is seen to fail when the rule that keeps it is switched off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import Phase, given, seed, settings

from bot.deadlines import plan, policy
from tests.deadlines import test_properties as properties

Off = Callable[[pytest.MonkeyPatch], None]


def without(rule: str) -> Off:
    """The policy without one of its rules."""
    left = tuple(one for one in policy.RULES if one.__name__ != rule)
    assert left != policy.RULES
    return lambda patch: patch.setattr(policy, "RULES", left)


def put(where: Any, name: str, instead: Any) -> Off:
    """Another thing in place of one of the program's."""
    return lambda patch: patch.setattr(where, name, instead)


WORLDS = (properties.worlds,)
REACHABLE = (properties.reachable_worlds(), properties.snoozes)
IN_HOURS = properties.test_never_outside_hours_or_on_a_day_off_and_no_nag_on_a_last_workday
UNWARNED = properties.test_nobody_reachable_goes_overdue_unwarned
TEETH: dict[str, tuple[Off, Any, tuple[Any, ...]]] = {
    "already sent": (without("_already_sent"), properties.test_no_step_twice, WORLDS),
    "completed": (without("_completed"), properties.test_never_after_completion, WORLDS),
    "hours": (without("_outside_hours"), IN_HOURS, WORLDS),
    "day off": (without("_day_off"), IN_HOURS, WORLDS),
    "the last warning is capped": (put(plan, "_is_never_capped", lambda *_: False), UNWARNED, REACHABLE),
}


@pytest.mark.parametrize("name", TEETH)
def test_a_rule_that_is_switched_off_breaks_its_property(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    off, of_property, worlds = TEETH[name]
    off(monkeypatch)
    asked = settings(max_examples=500, deadline=None, database=None, phases=[Phase.generate])
    drawn: Any = given(*worlds)
    broken = seed(1)(asked(drawn(of_property.hypothesis.inner_test)))
    with pytest.raises(AssertionError):
        broken()
