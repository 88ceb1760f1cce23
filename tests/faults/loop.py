"""An event loop with virtual time: when nothing is ready, time jumps to the next timer.

Everything runs in one thread in an order that depends on nothing but the program: what it hands to a worker thread is
run on the spot. There is no input and no output: whoever waits for a socket waits for ever, which is an error.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar

T = TypeVar("T")


class StuckError(RuntimeError):
    """Everybody waits for somebody else."""


class _Jumping(selectors.SelectSelector):
    """Where a loop would wait, the time that it would have waited has passed."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Nothing ever arrives from outside; only time passes."""
        if timeout is None:
            raise StuckError("nothing is ready and no timer is set")
        self.seconds += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose clock stands still while anything is ready."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._jumping.seconds

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Run it on the spot; a second thread would come at another moment each time."""
        future: asyncio.Future[T] = self.create_future()
        future.set_result(func(*args))
        return future


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run this to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
