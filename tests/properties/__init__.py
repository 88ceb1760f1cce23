"""policy.md, "What must always hold", over random companies: a state machine in which anything may happen at any time.

    pytest tests/properties           a few examples of each, as part of the suite
    make props                        thousands of them; PROPS=5000

The real program runs on a real store, with Slack on a wire and an LMS in memory, in the virtual time of tests/faults:
facts.py is what a company's systems say, days.py its calendar, company.py the company with the bot at work in it,
promises.py what must hold (worked out from what was pulled and what arrived, without the code under test), machine.py
what may happen. test_machine.py and test_forecast.py let it happen; test_teeth.py switches one rule off at a time and
sees each promise broken.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

EXAMPLES = int(os.environ.get("PROPS", "3"))  # of each machine
IS_LONG = "PROPS" in os.environ


def campaign(*, steps: int) -> settings:
    """So many steps an example; `make props` makes thousands, and looks for the shortest one that fails."""
    return settings(
        max_examples=EXAMPLES,
        stateful_step_count=steps,
        phases=[Phase.generate, Phase.shrink] if IS_LONG else [Phase.generate],
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
