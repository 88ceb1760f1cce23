"""The demo's page over real HTTP: what is rendered, what arrives live, what can be pressed, and who may ask."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.clock import DemoClock
from bot.demo.company import HOSTILE_TITLE, fill
from bot.demo.eloomi import LocalEloomi
from bot.demo.mrkdwn import Renderer
from bot.demo.page import Page
from bot.demo.slack import LocalSlack

START = datetime(2027, 3, 9, 8, 45, tzinfo=UTC)
FREJA = "U0DEMO0001"
TAGS = {"a", "br", "strong", "em", "s", "code", "pre", "blockquote", "span", "ul", "li", "div"}
ATTRIBUTES = {"href", "target", "rel", "class", "data-testid"}


def escaped(text: str) -> str:
    """A text as the bot puts it into mrkdwn."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class Seen(HTMLParser):
    """What a browser would make of some HTML: tags, attributes, text, the course titles; and whether it nests."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: dict[str, list[str]] = {}
        self.text, self.courses, self.open = "", list[str](), list[str]()
        self.nests, self.in_course = True, False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, []).append(value or "")
        if tag != "br":
            self.open.append(tag)
        if ("data-testid", "course") in attrs:
            self.courses.append("")
            self.in_course = True

    def handle_endtag(self, tag: str) -> None:
        self.nests = self.nests and bool(self.open) and self.open.pop() == tag
        self.in_course = False  # a title has no tag inside

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.in_course:
            self.courses[-1] += data


# ── mrkdwn ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*bold* _it_ ~no~ `x*y*`", "<strong>bold</strong> <em>it</em> <s>no</s> <code>x*y*</code>"),
        ("*a _b_*", "<strong>a <em>b</em></strong>"),
        ("2*3*4 a_b_c", "2*3*4 a_b_c"),
        ("one\ntwo", "one<br>two"),
        ("&gt; said\nand", "<blockquote>said</blockquote>and"),
        ("```a <b>\n*c*```", "<pre>a &lt;b&gt;\n*c*</pre>"),
        ("&lt;b&gt; &amp;lt;", "&lt;b&gt; &amp;lt;"),
        ("<b>", "b"),
        ("<javascript:alert(1)|x>", "x"),
        ("<!channel> <@U1> <@U2>", None),
        (":tada: :nope: 10:30:45", "🎉 :nope: 10:30:45"),
        ("<!date^1^{date}|9 March>", "9 March"),
    ],
)
def test_mrkdwn(text: str, html: str | None) -> None:
    rendered = str(Renderer([], {"U1": "<Ada>"}).mrkdwn(text))
    if html is None:
        mention = '<span class="mention">{}</span>'
        html = " ".join(mention.format(name) for name in ("@channel", "@&lt;Ada&gt;", "@U2"))
    assert rendered == html


def test_a_link_is_followed_in_a_new_tab_without_its_opener() -> None:
    html = Renderer().mrkdwn('<https://example.com/?a=1&amp;b="2"|here>')
    assert Seen(html).attributes["href"] == ['https://example.com/?a=1&b="2"']
    assert 'target="_blank" rel="noopener noreferrer"' in html


@pytest.mark.parametrize("around", ["{}", "*{}*", "<https://example.com/1|{}> is due", "• _{}_, today", "`{}`"])
@pytest.mark.parametrize("title", [HOSTILE_TITLE, "GDPR i praksis", "a * b _ c", "Anti-bribery & corruption"])
def test_a_known_title_is_marked_and_stays_text(around: str, title: str) -> None:
    seen = Seen(Renderer([title, "GDPR"]).mrkdwn(around.format(escaped(title))))
    assert seen.courses == [title]
    assert "script" not in seen.tags


def test_a_title_is_found_through_invisible_signs_but_not_inside_a_word() -> None:
    renderer = Renderer(["*free* GDPR"])
    assert Seen(renderer.mrkdwn("\u200b*\u2060free\u200b* GDPR!")).courses == ["*free* GDPR"]
    assert Seen(renderer.mrkdwn("*free* GDPRs")).courses == []


MARKUP = st.text(st.sampled_from("*_~`<>&;|:!@#/\n\" 'abp\ue000\ue0010123") | st.characters(codec="utf-8"), max_size=80)
PIECES = st.lists(
    MARKUP | st.sampled_from([escaped(HOSTILE_TITLE), HOSTILE_TITLE, "<https://a.example|", "```", ":tada:", "&gt; "])
).map("".join)


@given(text=PIECES)
def test_only_the_renderers_own_tags_result(text: str) -> None:
    renderer = Renderer([HOSTILE_TITLE, "a*b"], {"U1": "<i>x</i>"})
    rich = {"type": "rich_text", "elements": [{"type": "text", "text": text}, {"type": "link", "url": text}]}
    for html in (renderer.mrkdwn(text), renderer.plain(text), renderer.rich(rich)):
        seen = Seen(html)
        assert seen.tags <= TAGS
        assert seen.attributes.keys() <= ATTRIBUTES
        assert all(re.match(r"https?://|mailto:", href) for href in seen.attributes.get("href", []))
        assert seen.nests
        assert not seen.open


@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\r\n:\ue000\ue001"), max_size=60))
def test_plain_text_comes_out_as_it_went_in(text: str) -> None:
    assert Seen(Renderer().plain(escaped(text))).text == text


# ── the page ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Demo:
    """The page with its stand-ins, and an app that acknowledges what comes and opens a form when asked to plan."""

    def __init__(self, slack: LocalSlack, clock: DemoClock, client: TestClient[Any, Any]) -> None:
        self.slack, self.clock, self.client = slack, clock, client
        self.got: list[dict[str, Any]] = []
        self.web = AsyncWebClient(token=slack.bot_token, base_url=slack.url)

    async def html(self) -> str:
        return await (await self.client.get("/")).text()

    async def post(self, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
        response = await self.client.post(path, json=body)
        return response.status, await response.json()

    async def listen(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        self.got.append(request.payload)
        await client.send_socket_mode_response(SocketModeResponse(request.envelope_id))


@pytest.fixture
async def demo() -> AsyncIterator[Demo]:
    clock = DemoClock(START)
    async with LocalSlack(now=clock.now) as slack:
        slack.echo = False
        company = fill(LocalEloomi(), slack, date(2027, 3, 9))
        page = Page(slack=slack, clock=clock, company=company)
        async with TestClient(TestServer(page.app)) as client:
            yield Demo(slack, clock, client)
            page.feed.close()


@pytest.fixture
async def connected(demo: Demo) -> AsyncIterator[Demo]:
    socket: Any = SocketModeClient(app_token=demo.slack.app_token, web_client=demo.web)
    socket.socket_mode_request_listeners.append(demo.listen)
    await socket.connect()
    await demo.slack.sockets.connected()
    yield demo
    await socket.close()


def button(action: str, text: str, **fields: str) -> dict[str, Any]:
    return {"type": "button", "action_id": action, "text": {"type": "plain_text", "text": text}, **fields}


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


async def test_everybody_and_every_message_is_in_the_page(demo: Demo) -> None:
    demo.slack.store(FREJA, "x", [section(f"*{escaped(HOSTILE_TITLE)}* is due")], None)
    demo.slack.store("U0DEMO0009", "Only text about Code of conduct", [], None)
    html = await demo.html()
    assert html.count('data-testid="message"') == 2
    assert html.count('data-testid="composer"') == 1
    assert "<script>alert" not in html
    assert "<b>Robin" not in html
    seen = Seen(html)
    assert seen.courses == [HOSTILE_TITLE, "Code of conduct"]
    assert "Tue 09:45" in seen.text


async def test_blocks_of_every_kind_are_shown(demo: Demo) -> None:
    plain = {"type": "plain_text", "text": "Plain <i>"}
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": plain},
        {"type": "section", "fields": [plain], "accessory": button("side", "Beside")},
        {"type": "divider"},
        {"type": "context", "elements": [plain, {"type": "image", "alt_text": "An image", "image_url": "https://a"}]},
        {"type": "actions", "elements": [button("open", "Open", url="https://example.com/c/1"), button("why", "Why?")]},
        {"type": "actions", "elements": [{"type": "datepicker", "action_id": "day", "initial_date": "2027-03-10"}]},
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "R"}]}]},
        {"type": "novelty", "thing": {"text": "Never nothing"}},
        {"type": "empty_novelty"},
    ]
    demo.slack.store(FREJA, "x", blocks, None)
    html = await demo.html()
    for text in ("Plain &lt;i&gt;", "Beside", "[An image]", "Why?", "Never nothing", "[empty_novelty]", "2027-03-10"):
        assert text in html
    assert 'href="https://example.com/c/1" target="_blank" rel="noopener noreferrer"' in html


async def test_a_link_button_leads_nowhere_but_to_the_web(demo: Demo) -> None:
    blocks = [{"type": "actions", "elements": [button("open", "Open", url="javascript:alert(1)")]}]
    demo.slack.store(FREJA, "x", blocks, None)
    assert "javascript:" not in await demo.html()


async def events(demo: Demo, count: int, after: int = 0) -> list[dict[str, Any]]:
    """The next so many server-sent events."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(3), demo.client.get(f"/events?after={after}") as stream:
        async for line in stream.content:
            if line.startswith(b"data: "):
                found.append(json.loads(line[6:]))
            if len(found) == count:
                break
    return found


async def test_messages_and_edits_arrive_live(demo: Demo) -> None:
    message = demo.slack.store(FREJA, "First", [], None)
    demo.slack.edit(message, "Second", [])
    added, told, changed, _ = await events(demo, 4)
    assert (added["type"], added["person"], told["type"]) == ("add", FREJA, "status")
    assert "First" in added["html"]
    assert (changed["type"], changed["id"]) == ("change", added["id"])
    assert "Second" in changed["html"]
    assert "edited" in changed["html"]
    assert (await events(demo, 1, after=2))[0]["type"] == "change"


async def test_the_clock_can_be_paused_and_moved(demo: Demo) -> None:
    assert (await demo.post("/clock", act="toggle"))[0] == 200
    assert not demo.clock.playing
    await demo.post("/clock", act="hour")
    first = await demo.client.get("/clock", params={"after": START.isoformat()})
    assert datetime.fromisoformat((await first.json())["now"]) > START
    shown = [event for event in await events(demo, 3) if event["type"] == "clock"]
    assert shown[-1]["time"] == "09:00"
    assert shown[-1]["local"][FREJA] == "Tue 10:00"
    assert (await demo.post("/clock", act="explode"))[0] == 409


async def test_a_button_reaches_the_bot_and_its_answer_the_page(connected: Demo) -> None:
    blocks = [{"type": "actions", "elements": [button("why", "Why?", value=number)]} for number in ("1", "2")]
    connected.slack.store(FREJA, "x", blocks, None)
    item = (await events(connected, 1))[0]["id"]
    assert await connected.post("/press", item=item, action="why", block=1) == (200, {"ok": True})
    assert connected.got[0]["actions"][0]["value"] == "2"
    async with aiohttp.ClientSession() as http:
        await http.post(connected.got[0]["response_url"], json={"text": "Because *Code of conduct*"})
    html = await connected.html()
    assert html.count('data-testid="answer"') == 1
    assert "Only you see this" in html
    assert (await connected.post("/press", item=item, action="nothing", block=1))[0] == 409
    assert (await connected.post("/press", item="m-none", action="why", block=0))[0] == 409


async def test_the_composer_sends_commands_and_messages(connected: Demo) -> None:
    assert (await connected.post("/send", person=FREJA, text="/deadlines why GDPR"))[0] == 200
    assert (await connected.post("/send", person=FREJA, text="hello <b>"))[0] == 200
    command, message = connected.got
    assert (command["command"], command["text"], command["user_id"]) == ("/deadlines", "why GDPR", FREJA)
    assert (message["event"]["type"], message["event"]["text"]) == ("message", "hello <b>")
    assert "hello &lt;b&gt;" in await connected.html()
    assert (await connected.post("/send", person="U404", text="x"))[0] == 409


async def test_a_form_is_shown_and_submitted(connected: Demo) -> None:
    await connected.post("/send", person=FREJA, text="/deadlines")
    title, label = {"type": "plain_text", "text": "Plan a time"}, {"type": "plain_text", "text": "Day"}
    field = {"type": "datepicker", "action_id": "day"}
    view: dict[str, Any] = {"type": "modal", "callback_id": "plan", "title": title, "submit": title}
    view["blocks"] = [{"type": "input", "block_id": "b", "label": label, "element": field}]
    await connected.web.views_open(trigger_id=connected.got[0]["trigger_id"], view=view)
    item = next(event for event in await events(connected, 2) if event["type"] == "add")["id"]
    values = [{"block": 0, "action": "day", "value": "2027-03-10"}]
    assert (await connected.post("/submit", item=item, values=values))[0] == 200
    state = connected.got[1]["view"]["state"]["values"]
    assert state == {"b": {"day": {"type": "datepicker", "selected_date": "2027-03-10"}}}
    assert (await connected.post("/submit", item=item, values=values))[0] == 409


async def test_without_the_bot_a_line_says_so(demo: Demo) -> None:
    status, answer = await demo.post("/send", person=FREJA, text="/deadlines")
    assert status == 503
    assert "not connected" in answer["error"]


async def test_only_its_own_page_may_ask(demo: Demo) -> None:
    client = demo.client
    policy = (await client.get("/")).headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert (await client.get("/", headers={"Host": "evil.example"})).status == 421
    assert (await client.post("/clock", json={}, headers={"Origin": "http://evil.example"})).status == 403
    assert (await client.post("/clock", data={"act": "day"})).status == 415
    html = await demo.html()
    assert not re.search(r"<style|style=|<script>|\son\w+=", html)
    assert re.findall(r'(?:src|href)="(?!/static/|#)([^"]*)"', html) == []
    for name in ("chat.css", "chat.js", "icon.svg"):
        assert (await client.get(f"/static/{name}")).status == 200


async def test_a_courses_link_opens_a_page(demo: Demo) -> None:
    page = await demo.client.get("/course/108")
    assert "&lt;script&gt;alert(1)" in await page.text()
    assert (await demo.client.get("/course/999")).status == 404
