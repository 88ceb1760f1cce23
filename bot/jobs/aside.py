"""Long reading of the store beside the loop: in a worker thread, on a connection of its own, and never past the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from bot.store import Store
from bot.workspace import Workspace

T = TypeVar("T")


async def aside(workspace: Workspace, work: Callable[[Store], T]) -> T:
    """What `work` finds in the store, while the loop goes on answering.

    Asked to stop, or given up, it ends with a StoreError at its next statement: a process waits for its threads.
    """
    given_up = False

    def stopping() -> bool:
        return given_up or workspace.stopping()

    def run() -> T:
        with workspace.store.another(stopping=stopping) as store:
            return work(store)

    try:
        return await asyncio.to_thread(run)
    finally:
        given_up = True
