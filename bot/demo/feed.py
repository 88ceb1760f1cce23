"""What happens, in order, for pages that watch: server-sent events that can be taken up where a page left off.

Owns numbering, keeping and sending; knows nothing of what an event says.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

from aiohttp import web

KEPT = 5_000  # events that a page which comes back may catch up on
BEAT_SECONDS = 10.0


class Feed:
    """A numbered line of events and those who read it."""

    def __init__(self) -> None:
        self.last_id = 0
        self._events: list[tuple[int, str]] = []
        self._news = asyncio.Event()
        self._closed = False

    def put(self, event: dict[str, Any]) -> None:
        """Add an event, which every page gets."""
        self.last_id += 1
        self._events.append((self.last_id, json.dumps(event, ensure_ascii=False)))
        del self._events[:-KEPT]
        self._news.set()

    def close(self) -> None:
        """End every stream."""
        self._closed = True
        self._news.set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """GET /events?after=N: events later than that, or than the header Last-Event-ID, for as long as it is read."""
        seen = _number(request.headers.get("Last-Event-ID") or request.query.get("after", ""))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        with suppress(ConnectionError):
            while not self._closed:
                self._news.clear()
                for number, text in [event for event in self._events if event[0] > seen]:
                    await response.write(f"id: {number}\ndata: {text}\n\n".encode())
                    seen = number
                await self._wait(response)
        return response

    async def _wait(self, response: web.StreamResponse) -> None:
        try:
            await asyncio.wait_for(self._news.wait(), BEAT_SECONDS)
        except TimeoutError:
            await response.write(b": still here\n\n")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0
