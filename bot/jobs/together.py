"""Coroutines side by side, where the first error of ours is the one that is raised."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

from bot.errors import DeadlineBotError


async def together(jobs: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run them all; an error ends the others, and is raised itself and not as a group."""
    try:
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(job)
    except ExceptionGroup as errors:  # not `except*`: in the first releases of Python 3.11 that raises a group again
        own, others = errors.split(DeadlineBotError)
        if own is None or others is not None:
            raise
        raise own.exceptions[0] from None
