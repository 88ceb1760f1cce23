"""Socket Mode: the WebSocket over which Slack hands events, buttons and commands to the app, and gets acks back.

Owns tickets, connections and envelopes in flight. Does not know what a payload means (`slack_acts.py` builds them).
The manners are Slack's: a ticket works once, `hello` comes first, an envelope wants its id back within three seconds.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import WSMsgType, web

from bot.demo.slack_state import Json

ACK_SECONDS = 3.0


class NotConnected(RuntimeError):
    """No app is connected by Socket Mode, so nothing can be delivered."""


class NotAcked(TimeoutError):
    """The app got the envelope and did not acknowledge it in time."""


@dataclass(eq=False)
class Connection:
    """One open WebSocket and the line under it."""

    socket: web.WebSocketResponse
    line: asyncio.BaseTransport | None

    def cut(self) -> None:
        """Cut the line without a word."""
        if isinstance(self.line, asyncio.WriteTransport):
            self.line.abort()


class Sockets:
    """The app's connections to one workspace."""

    def __init__(self, *, app_id: str, new_id: Callable[[str], str]) -> None:
        self.refusals = 0  # so many handshakes are answered 503
        self.deaf = False  # reads nothing and answers no ping, as a connection that hangs silently
        self.sent: list[Json] = []  # every envelope, in order
        self.handshakes = 0
        self._app_id, self._new_id = app_id, new_id
        self._tickets: set[str] = set()
        self._open: list[Connection] = []
        self._waiting: dict[str, asyncio.Future[Json]] = {}
        self._changed = asyncio.Event()

    @property
    def count(self) -> int:
        """How many connections are open."""
        return len(self._open)

    def ticket(self) -> str:
        """A fresh ticket for one handshake."""
        ticket = self._new_id("ticket")
        self._tickets.add(ticket)
        return ticket

    async def connected(self, timeout_seconds: float = 10.0) -> None:
        """Wait until an app is connected. Raises NotConnected."""
        try:
            async with asyncio.timeout(timeout_seconds):
                while not self._open:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as late:
            raise NotConnected(f"no app connected within {timeout_seconds} s") from late

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """GET /link/?ticket=…: one connection, from handshake to end."""
        self.handshakes += 1
        ticket = request.query.get("ticket", "")
        if self.refusals:
            self.refusals -= 1
            return web.Response(status=503)
        if ticket not in self._tickets:
            return web.Response(status=403, text="spent or unknown ticket")
        self._tickets.remove(ticket)
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        connection = Connection(socket, request.transport)
        self._open.append(connection)
        await socket.send_json(self._hello())
        self._changed.set()
        try:
            await self._read(socket)
        finally:
            self._forget(connection)
        return socket

    def _hello(self) -> Json:
        return {
            "type": "hello", "num_connections": len(self._open), "connection_info": {"app_id": self._app_id},
            "debug_info": {"host": "local", "build_number": 1, "approximate_connection_time": 18060},
        }  # fmt: skip

    async def _read(self, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            if self.deaf:
                continue
            if message.type == WSMsgType.PING:
                await socket.pong(message.data)
            elif message.type == WSMsgType.TEXT:
                self._take(message.data)

    def _take(self, data: str) -> None:
        try:
            reply: Any = json.loads(data)
        except ValueError:
            return
        waiting = self._waiting.pop(str(reply.get("envelope_id", "")), None) if isinstance(reply, dict) else None
        if waiting is not None and not waiting.done():
            payload = reply.get("payload")
            waiting.set_result(payload if isinstance(payload, dict) else {})

    async def deliver(self, envelope: Json) -> Json:
        """Send an envelope and return the payload of its ack, `{}` where it has none.

        Raises NotConnected, or NotAcked after three seconds.
        """
        if not self._open:
            raise NotConnected("no app is connected")
        waiting = asyncio.get_running_loop().create_future()
        self._waiting[envelope["envelope_id"]] = waiting
        self.sent.append(envelope)
        try:
            await self._open[-1].socket.send_json(envelope)
            async with asyncio.timeout(ACK_SECONDS):
                acked: Json = await waiting
                return acked
        except TimeoutError as late:
            raise NotAcked(f"{envelope['type']} {envelope['envelope_id']} was not acknowledged") from late
        except ConnectionError as gone:
            raise NotConnected("the connection was lost") from gone
        finally:
            self._waiting.pop(envelope["envelope_id"], None)

    async def disconnect(self, *, polite: bool = True) -> None:
        """End every connection: with Slack's `disconnect` message, or by cutting the line."""
        for connection in list(self._open):
            self._forget(connection)
            if not polite:
                connection.cut()
            elif not connection.socket.closed:
                farewell = {"type": "disconnect", "reason": "refresh_requested", "debug_info": {"host": "local"}}
                await connection.socket.send_json(farewell)
                await connection.socket.close()

    def _forget(self, connection: Connection) -> None:
        if connection in self._open:
            self._open.remove(connection)
        self._changed.set()
