"""What goes wrong in an answer is logged and goes no further: the delivery stays acked, and the bot goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec

import structlog

P = ParamSpec("P")

log = structlog.get_logger()


def guarded(listener: Callable[P, Awaitable[None]]) -> Callable[P, Awaitable[None]]:
    """The listener, whose errors are logged. Bolt would forget the ack of one that raises right after it."""

    @wraps(listener)
    async def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            await listener(*args, **kwargs)
        except Exception:
            log.exception("answer.failed")

    return run
