"""The demo's page: a chat client for the pretended Slack, on loopback, that shows every person's DMs as they come.

Owns the routes and what is told to those who watch. HTML is `render.py`'s, the stream `feed.py`'s, time `clock.py`'s.
Every request must name this server as its host, and every POST come from its own page: a web page elsewhere can
neither read nor press anything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from aiohttp import web

from bot.demo.clock import DemoClock
from bot.demo.company import Company
from bot.demo.feed import Feed
from bot.demo.render import FOLDER, Views, item_id, local, place
from bot.demo.slack import Answer, LocalSlack, Message, NotAcked, NotConnected
from bot.demo.slack_state import Json, Told

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
STARTING = "The bot is starting…"


class Page:
    """The page's server side; `app` is to be served on loopback."""

    def __init__(self, *, slack: LocalSlack, clock: DemoClock, company: Company) -> None:
        self.feed = Feed()
        self.status_text = STARTING
        self._slack, self._clock, self._views = slack, clock, Views(company)
        self._titles = {course.course_id: course.title for course in company.courses}
        self._items: dict[str, Message | Answer] = {}
        slack.listen(self._told)
        clock.listen(self._ticked)

    @property
    def app(self) -> web.Application:
        """The routes."""
        app = web.Application(middlewares=[guard], client_max_size=64 * 1024)
        app.router.add_get("/", self._page)
        app.router.add_get("/events", self.feed.handle)
        app.router.add_get("/course/{course_id}", self._course)
        app.router.add_get("/clock", self._clock.handle)
        app.router.add_post("/clock", self._set_clock)
        app.router.add_post("/press", self._press)
        app.router.add_post("/submit", self._submit)
        app.router.add_post("/send", self._send)
        app.router.add_static("/static", FOLDER / "static")
        return app

    # ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────

    def say(self, text: str, *, bad: bool = False) -> None:
        """Show a line about what is happening."""
        self.status_text = text
        self.feed.put({"type": "status", "text": text, "bad": bad})

    def _told(self, kind: Told, what: Message | Answer) -> None:
        if what.slack_id not in self._views.people:
            return
        known = item_id(what) in self._items
        self._items[item_id(what)] = what
        event = {"id": item_id(what), "person": what.slack_id, "kind": kind, "html": self._views.item(what)}
        self.feed.put(event | {"type": "change" if known else "add"})
        person = self._views.people[what.slack_id]
        done = {"message": "a message for {}", "edit": "an earlier message of {} is changed"}.get(kind)
        if done:
            self.say(f"{local(person, what.at)} in {place(person)}: {done.format(person.name)}")

    def _ticked(self) -> None:
        self.feed.put({"type": "clock"} | self._clock_facts())
        if self._clock.ended:
            self.say("The demo's days are over; the clock stands still.")

    def _clock_facts(self) -> Json:
        now = self._clock.now()
        return {
            "date": f"{now:%a} {now.day} {now:%B}", "time": f"{now:%H:%M}",
            "playing": (self._clock.playing or self._clock.rushing) and not self._clock.ended,
            "local": {slack_id: local(person, now) for slack_id, person in self._views.people.items()},
        }  # fmt: skip

    # ── what is asked for ────────────────────────────────────────────────────────────────────────────────────────

    async def _page(self, _request: web.Request) -> web.Response:
        now = self._clock.now()
        people = [self._views.person(one, now, self._items_of(one.slack_id)) for one in self._views.people.values()]
        chosen = next((one for one in people if one["messages"]), people[0])["slack_id"]
        html = self._views.page(
            people=people,
            chosen=chosen,
            clock=self._clock_facts(),
            status=self.status_text,
            last_id=self.feed.last_id,
        )
        return web.Response(text=html, content_type="text/html")

    def _items_of(self, slack_id: str) -> list[str]:
        return [self._views.item(item) for item in self._items.values() if item.slack_id == slack_id]

    async def _course(self, request: web.Request) -> web.Response:
        number = request.match_info["course_id"]
        title = self._titles.get(int(number)) if number.isascii() and number.isdigit() and len(number) < 9 else None
        if title is None:
            return web.Response(status=404, text="There is no such course.")
        return web.Response(text=self._views.course(int(number), title), content_type="text/html")

    async def _set_clock(self, request: web.Request) -> web.Response:
        act = (await _body(request)).get("act")
        clock = self._clock
        acts: dict[object, Callable[[], None]] = {
            "toggle": clock.pause if clock.playing or clock.rushing else clock.play,
            "hour": lambda: clock.jump(hours=1), "day": lambda: clock.jump(hours=24),
        }  # fmt: skip
        if act not in acts:
            return _problem("The clock does not know that.")
        acts[act]()
        return web.json_response({"ok": True})

    async def _press(self, request: web.Request) -> web.Response:
        body = await _body(request)
        item, block, value = self._items.get(str(body.get("item"))), body.get("block"), body.get("value")
        if item is None or not isinstance(block, int):
            return _problem("That message is not there any more.")
        chosen = str(value) if value is not None else None
        return await self._deliver(self._slack.press(item, str(body.get("action")), value=chosen, block=block))

    async def _submit(self, request: web.Request) -> web.Response:
        body = await _body(request)
        item = self._items.get(str(body.get("item")))
        if not isinstance(item, Answer) or item.view is None or item.gone:
            return _problem("That form is not there any more.")
        return await self._deliver(self._slack.submit(item, _view_values(item, body.get("values"))))

    async def _send(self, request: web.Request) -> web.Response:
        body = await _body(request)
        person, text = str(body.get("person")), str(body.get("text") or "").strip()
        if person not in self._views.people or not text:
            return _problem("Choose a person and write something.")
        if not text.startswith("/"):
            return await self._deliver(self._slack.say(person, text))
        self.say(f"{self._views.people[person].name} enters {text}")
        name, _, rest = text.partition(" ")
        return await self._deliver(self._slack.command(person, name, rest.strip()))

    async def _deliver(self, act: Awaitable[Json]) -> web.Response:
        """Let a person's act reach the bot, or say in a line why it did not."""
        try:
            acked = await act
        except NotConnected:
            return _problem("The bot is not connected yet; try again in a moment.", status=503)
        except NotAcked:
            return _problem("The bot did not answer within three seconds.", status=504)
        except LookupError:
            return _problem("That button is not there any more.")
        errors = acked.get("errors")
        if isinstance(errors, dict) and errors:
            return _problem(" ".join(str(error) for error in errors.values()))
        return web.json_response({"ok": True})


def _view_values(answer: Answer, given: object) -> Json:
    """A form's fields as Slack hands them to an app: by block and action id, each in its kind's own shape."""
    values: Json = {}
    for one in given if isinstance(given, list) else []:
        index, action = one.get("block"), str(one.get("action"))
        if not isinstance(index, int) or not 0 <= index < len(answer.blocks):
            continue
        block = answer.blocks[index]
        element = block.get("element") or {}
        slot = values.setdefault(str(block.get("block_id") or f"block{index}"), {})
        slot[action] = _field(element, str(one.get("value") or "") or None, slot.get(action))
    return values


def _field(element: Json, value: str | None, before: Json | None) -> Json:
    kind = str(element.get("type"))
    option = next((one for one in element.get("options") or () if one.get("value") == value), None)
    if kind == "checkboxes":
        return {"type": kind, "selected_options": [*(before or {}).get("selected_options", []), option]}
    if kind in ("static_select", "radio_buttons"):
        return {"type": kind, "selected_option": option}
    if kind == "datetimepicker":
        seconds = int(datetime.fromisoformat(f"{value}+00:00").timestamp()) if value else None
        return {"type": kind, "selected_date_time": seconds}
    key = {"datepicker": "selected_date", "timepicker": "selected_time"}.get(kind, "value")
    return {"type": kind, key: value}


def _problem(text: str, *, status: int = 409) -> web.Response:
    return web.json_response({"error": text}, status=status)


async def _body(request: web.Request) -> dict[str, Any]:
    """A JSON object, or an empty one."""
    try:
        body = await request.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Only this server's own name as host, only its own page as origin, and a policy on every answer."""
    name, _, port = request.host.partition(":")
    own = {f"http://{host}:{port}" for host in ("127.0.0.1", "localhost")}
    if name not in ("127.0.0.1", "localhost"):
        return web.Response(status=421, text="This is a local demo.")
    if request.method == "POST":
        if request.headers.get("Origin", f"http://{request.host}") not in own:
            return web.Response(status=403, text="Only the demo's own page may do that.")
        if request.content_type != "application/json":
            return web.Response(status=415, text="JSON is expected.")
    response = await handler(request)
    if not response.prepared:
        response.headers.update(HEADERS)
    return response
