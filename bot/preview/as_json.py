"""The forecast as interface.md promises it to scripts: one object on one line, told day by day."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from bot.deadlines.forecast import ForecastDay, Foreseen
from bot.deadlines.model import Reason
from bot.preview.view import View, in_order


def as_json(view: View) -> Iterator[str]:
    """The text in pieces: as one, a large company's forecast would fill the memory."""
    yield '{"days": ['
    for n, day in enumerate(view.days):
        yield (", " if n else "") + json.dumps(_day(day), ensure_ascii=False)
    yield f"], {json.dumps(_facts(view), ensure_ascii=False)[1:]}\n"


def _facts(view: View) -> dict[str, Any]:
    return {
        "now": view.preview.now.isoformat(),
        "pulled_at": view.preview.pulled_at.isoformat(),
        "stale": bool(view.stale_hours),
        "policy_digest": view.settings.policy_digest,
    }


def _day(day: ForecastDay) -> dict[str, Any]:
    frozen = {"frozen": True, "freezes": list(day.frozen)} if day.frozen else {}
    return {
        "date": day.on.isoformat(),
        "notices": [_notice(foreseen) for foreseen in in_order(day)],
        "held": {reason.value: day.held[reason] for reason in Reason if day.held[reason]},
        **frozen,
    }


def _notice(foreseen: Foreseen) -> dict[str, Any]:
    return {
        "person": foreseen.notice.person_id,
        "slack_id": foreseen.notice.slack_id,
        "at": foreseen.at.isoformat(),
        "reminders": [
            {"course_id": r.course_id, "step": r.step.name, "deadline": r.deadline_on.isoformat()}
            for r in foreseen.notice.reminders
        ],
    }
