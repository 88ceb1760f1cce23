"""A stand-in for Slack over real HTTP and WebSocket on loopback, for the demo and for the project's tests.

    async with LocalSlack(now=clock) as slack:
        slack.add_user("U1", email="a@example.com", name="Ada", tz="Europe/London")
        …                                    # a client with base_url=slack.url, slack.bot_token, slack.app_token
        slack.messages[0].text               # what was posted
        await slack.press(slack.messages[0], "Already done?")

Owns the server, the checks before a method (token, its kind, scope, form or JSON), the faults on request, and what a
person does. What methods accept is `slack_methods.py`, blocks' limits `slack_rules.py`, memory `slack_state.py`.

Faults: `slack.faults_for["U1"] = ["stored_drop", "ok", …]` for one person's next chat.postMessage calls,
`slack.fault_next(kind, method)` for a method's next call. Kinds, each also as `stored_…` (done first, then so):
`drop` (the connection is cut), `hang` (never answered), `500`, `429` (with Retry-After), `internal` (HTTP 200,
`internal_error`), `html` (a proxy's 502 page), `slow` (done and answered well, after `slow_seconds`), `ok` (no fault),
or any error word of Slack's.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from time import monotonic
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from bot.demo import slack_acts as acts
from bot.demo.slack_args import Refusal
from bot.demo.slack_methods import METHODS, Method, content, recipient
from bot.demo.slack_socket import NotAcked, NotConnected, Sockets
from bot.demo.slack_state import Answer, Json, Message, Post, Reply, SlackState, Told

__all__ = ["Answer", "LocalSlack", "Message", "NotAcked", "NotConnected", "Post"]

BODY_MAX_BYTES = 4 * 1024 * 1024


class LocalSlack(SlackState):
    """One Slack workspace on a port of loopback, with one app installed."""

    def __init__(self, *, now: Callable[[], datetime], team_id: str = "T0DEMO", port: int = 0) -> None:
        super().__init__(now=now, team_id=team_id)
        self.faults_for: dict[str, list[str]] = {}
        self.retry_after_seconds = 1
        self.slow_seconds = 2.0
        self.echo = True  # the bot's own posts and edits come back as message.im events
        self.unacked: list[str] = []  # echoed events that were not acknowledged
        self.sockets = Sockets(app_id=self.app_id, new_id=self.new_id)
        self._faults: defaultdict[str, deque[str]] = defaultdict(deque)
        self._port = port
        self._runner: web.AppRunner | None = None
        self._methods = METHODS | {"apps.connections.open": Method(call=self._open_connection, by_app_token=True)}
        self._closing = asyncio.Event()
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.listen(self._echo)

    # ── the server ───────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def base(self) -> str:
        """The server's address without a path."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        """What SLACK_API_URL is set to."""
        return f"{self.base}/api/"

    async def start(self) -> None:
        """Listen: on the same port as before, where there was one."""
        self._closing.clear()
        app = web.Application(client_max_size=BODY_MAX_BYTES)
        app.router.add_route("*", "/api/{method}", self._api)
        app.router.add_post("/response/{key}", self._response)
        app.router.add_get("/link/", self.sockets.handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening: a client then gets "connection refused". What is remembered stays."""
        self._closing.set()
        await self.sockets.disconnect(polite=False)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        await self.stop()

    # ── the Web API ──────────────────────────────────────────────────────────────────────────────────────────────

    async def _api(self, request: web.Request) -> web.Response:
        name = request.match_info["method"]
        self.calls[name] += 1
        method = self._methods.get(name)
        if method is None:
            return self._refuse(Refusal("unknown_method", req_method=name))
        try:
            args, token = await _arguments(request, takes_json=method.takes_json)
            self.requests.append((name, args))
            self._check_token(token, method)
        except Refusal as no:
            return self._refuse(no)
        response = await self._perform(request, name, method, args)
        self._changed.set()
        return response

    async def _perform(self, request: web.Request, name: str, method: Method, args: Json) -> web.Response:
        """Call the method, or misbehave as asked, and keep a record of posts."""
        kind = self._next_fault(name, args)
        if kind == "slow":
            await asyncio.sleep(self.slow_seconds)
            kind = ""
        response, outcome = self._refuse(Refusal("fatal_error")), kind
        if not kind or kind.startswith("stored_"):
            response, outcome = self._run(method, args)
        if name == "chat.postMessage":
            self.posts.append(self._post_record(args, kind or outcome, stored=outcome == "ok"))
        if kind == "stored_slow":
            await asyncio.sleep(self.slow_seconds)
            return response
        return await self._misbehave(request, kind.removeprefix("stored_")) if kind else response

    def _run(self, method: Method, args: Json) -> tuple[web.Response, str]:
        missing = [f"[ERROR] missing required field: {key}" for key in method.required if not args.get(key)]
        if missing:
            no = Refusal("invalid_arguments", response_metadata={"messages": missing})
            return self._refuse(no), no.error
        try:
            return self._respond({"ok": True} | method.call(self, args)), "ok"
        except Refusal as no:
            return self._refuse(no), no.error

    def _post_record(self, args: Json, outcome: str, *, stored: bool) -> Post:
        slack_id = recipient(self, str(args.get("channel")))
        return Post(slack_id=slack_id, outcome=outcome, stored=stored, at=self.now(), monotonic=monotonic(), args=args)

    def _check_token(self, token: str, method: Method) -> None:
        expected, other = self.bot_token, self.app_token
        if method.by_app_token:
            expected, other = other, expected
        if not token:
            raise Refusal("not_authed")
        if token == other:
            raise Refusal("not_allowed_token_type")
        if token != expected:
            raise Refusal("invalid_auth")
        if self.revoked:
            raise Refusal("invalid_auth" if method.by_app_token else "token_revoked")
        if method.scope and method.scope not in self.scopes:
            raise Refusal("missing_scope", needed=method.scope, provided=",".join(sorted(self.scopes)))

    def _open_connection(self, _state: SlackState, _args: Json) -> Json:
        return {"url": f"ws://127.0.0.1:{self._port}/link/?ticket={self.sockets.ticket()}&app_id={self.app_id}"}

    def _respond(self, body: Json) -> web.Response:
        return web.json_response(body, headers={"X-OAuth-Scopes": ",".join(sorted(self.scopes))})

    def _refuse(self, no: Refusal) -> web.Response:
        response = self._respond({"ok": False, "error": no.error} | no.extra)
        if no.retry_after_seconds is not None:
            response.set_status(429)
            response.headers["Retry-After"] = str(no.retry_after_seconds)
        return response

    # ── faults ───────────────────────────────────────────────────────────────────────────────────────────────────

    def fault_next(self, kind: str, method: str = "chat.postMessage", *, times: int = 1) -> None:
        """Let the next call (or so many) of a method go wrong in this way; `ok` lets one pass."""
        self._faults[method].extend([kind] * times)

    def _next_fault(self, name: str, args: Json) -> str:
        queue = self._faults[name]
        kind = queue.popleft() if queue else ""
        if not kind and name == "chat.postMessage":
            personal = self.faults_for.get(recipient(self, str(args.get("channel"))))
            kind = personal.pop(0) if personal else ""
        return "" if kind == "ok" else kind

    async def _misbehave(self, request: web.Request, kind: str) -> web.Response:
        if kind == "hang":
            await self._closing.wait()
        if kind in ("drop", "hang"):
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        if kind == "500":
            return web.Response(status=500, text="")
        if kind == "html":
            return web.Response(status=502, text="<html><h1>Bad gateway</h1></html>", content_type="text/html")
        if kind == "429":
            return self._refuse(Refusal("ratelimited", retry_after_seconds=self.retry_after_seconds))
        return self._refuse(Refusal("internal_error" if kind == "internal" else kind))

    # ── posts to a response_url ──────────────────────────────────────────────────────────────────────────────────

    async def _response(self, request: web.Request) -> web.Response:
        self.calls["response_url"] += 1
        reply = self.replies.get(request.match_info["key"])
        if reply is None or monotonic() > reply.until:
            return web.Response(status=404, text="expired_url")
        if not reply.left:
            return web.Response(status=404, text="used_url")
        reply.left -= 1
        try:
            args, _ = await _arguments(request, takes_json=True)
            self.requests.append(("response_url", args))
            self._respond_to(reply, args)
        except Refusal as no:
            return web.Response(status=400, text=no.error)
        return web.Response(text="ok")

    def _respond_to(self, reply: Reply, args: Json) -> None:
        about = reply.about
        if args.get("delete_original"):
            if isinstance(about, Answer):
                about.gone = True
                self.tell("answer_edit", about)
            return
        text, blocks = content(self, args, text_max=None)
        if args.get("replace_original") and isinstance(about, Message):
            self.edit(about, text, blocks)
        elif args.get("replace_original") and isinstance(about, Answer):
            about.text, about.blocks = text, blocks
            self.tell("answer_edit", about)
        elif args.get("response_type") == "in_channel":
            self.store(reply.slack_id, text, blocks, None)
        else:
            self.answer(reply.slack_id, "response", text, blocks, about=about if isinstance(about, Message) else None)

    # ── what a person does ───────────────────────────────────────────────────────────────────────────────────────

    async def press(
        self,
        item: Message | Answer,
        button: str,
        *,
        by: str | None = None,
        value: str | None = None,
        block: int | None = None,
    ) -> Json:
        """Use the button (or menu, or picker, with `value`) with this action id or text, and return its ack's payload.

        `by` is the DM's owner unless said; `block` is the index of the block, where an action id stands in several.

        Raises LookupError (no such button), NotConnected, NotAcked.
        """
        element, block_id = acts.find_element(item.blocks, button, block=block)
        who = by or item.slack_id
        payload = acts.block_action(self, item, element, block_id, by=who, value=value, base=self.base)
        return await self.sockets.deliver(acts.envelope(self, "interactive", payload))

    async def submit(self, answer: Answer, values: Json) -> Json:
        """Submit a modal, and return its ack's payload; without `response_action` it closes."""
        payload = acts.view_submission(self, answer, values, self.base)
        acked = await self.sockets.deliver(acts.envelope(self, "interactive", payload))
        if acked.get("response_action") in (None, "clear"):
            answer.gone = True
            self.tell("answer_edit", answer)
        return acked

    async def command(self, slack_id: str, name: str, text: str = "") -> Json:
        """Enter a slash command. An ack with text or blocks is an answer, as in Slack."""
        payload = acts.command(self, slack_id, name, text, self.base)
        acked = await self.sockets.deliver(acts.envelope(self, "slash_commands", payload))
        if acked.get("text") or acked.get("blocks"):
            self.answer(slack_id, "ephemeral", str(acked.get("text") or ""), acked.get("blocks") or [])
        return acked

    async def say(self, slack_id: str, text: str) -> Json:
        """Write a direct message to the bot."""
        message = self.store_said(slack_id, text)
        return await self.event(acts.message_event(self, message))

    async def open_home(self, slack_id: str, tab: str = "home") -> Json:
        """Open the app's Home tab; `homes[slack_id]` then holds what the bot publishes."""
        return await self.event(acts.home_event(self, slack_id, tab))

    async def event(self, inner: Json) -> Json:
        """Send any inner event by the Events API and wait for its ack."""
        return await self.sockets.deliver(acts.envelope(self, "events_api", acts.event(self, inner)))

    async def resend(self, envelope: Json) -> Json:
        """Deliver an earlier envelope (`sockets.sent`) again, as Slack does where an ack was lost."""
        return await self.sockets.deliver(envelope)

    async def until(self, condition: Callable[[], Any], timeout_seconds: float = 3.0) -> None:
        """Wait (real time) until a condition on this state holds. Raises TimeoutError."""
        async with asyncio.timeout(timeout_seconds):
            while not condition():
                self._changed.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), 0.02)  # it may look at more than this state

    def _echo(self, kind: Told, what: Message | Answer) -> None:
        """Send the bot's own posts and edits back to it, without making the caller wait."""
        self._changed.set()
        if not self.echo or not self.sockets.count or not isinstance(what, Message) or kind == "said":
            return
        inner = acts.changed_event(self, what) if kind == "edit" else acts.message_event(self, what)
        task = asyncio.get_running_loop().create_task(self._echo_one(inner))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _echo_one(self, inner: Json) -> None:
        try:
            await self.event(inner)
        except NotConnected:
            return
        except NotAcked as late:
            self.unacked.append(str(late))


async def _arguments(request: web.Request, *, takes_json: bool) -> tuple[Json, str]:
    """A call's arguments from query, form or JSON, and its token from the header or the form."""
    args: Json = dict(request.query)
    if request.content_type == "application/json":
        if takes_json:
            args |= await _json_body(request)
    elif request.can_read_body:
        args |= {key: str(value) for key, value in (await request.post()).items()}
    in_form = str(args.pop("token", ""))
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return args, token if scheme == "Bearer" and token else in_form


async def _json_body(request: web.Request) -> Json:
    try:
        body = await request.json()
    except (ValueError, RecursionError) as broken:
        raise Refusal("invalid_json") from broken
    if not isinstance(body, dict):
        raise Refusal("json_not_object")
    return body
