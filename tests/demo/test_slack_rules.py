"""Slack's limits on blocks, views and metadata: what is within passes, what is over is named with its place."""

from __future__ import annotations

from typing import Any

import pytest

from bot.demo.slack_rules import check_blocks, check_metadata, check_view

Block = dict[str, Any]


def mrkdwn(length: int = 5, **fields: Any) -> Block:
    return {"type": "mrkdwn", "text": "x" * length, **fields}


def plain(length: int = 5, **fields: Any) -> Block:
    return {"type": "plain_text", "text": "x" * length, **fields}


def section(**fields: Any) -> Block:
    return {"type": "section", **fields}


def button(**fields: Any) -> Block:
    return {"type": "button", "action_id": "a", "text": plain()} | fields


def actions(*elements: Block) -> Block:
    return {"type": "actions", "elements": list(elements)}


def select(count: int = 2) -> Block:
    options = [{"text": plain(), "value": str(number)} for number in range(count)]
    return {"type": "static_select", "action_id": "s", "options": options}


def modal(**fields: Any) -> Block:
    return {"type": "modal", "title": plain(), "blocks": [section(text=mrkdwn())]} | fields


FIELD: Block = {"type": "input", "label": plain(), "element": {"type": "plain_text_input", "action_id": "t"}}

GOOD: list[Block] = [
    section(text=mrkdwn(3000, verbatim=True)),
    section(fields=[mrkdwn(2000)] * 10, accessory=button()),
    {"type": "header", "text": plain(150, emoji=True)},
    {"type": "divider", "block_id": "b"},
    {"type": "context", "elements": [mrkdwn()] * 10},
    actions(button(value="v" * 2000), button(action_id="b", url="https://example.com/1", style="primary"), select()),
    actions({"type": "datepicker", "action_id": "d", "initial_date": "2027-03-09"}),
    {"type": "image", "image_url": "https://example.com/i.png", "alt_text": "An image"},
    FIELD,
    {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": []}]},
]


@pytest.mark.parametrize("block", GOOD, ids=lambda block: block["type"])
def test_within_the_limits(block: Block) -> None:
    assert check_blocks([block]) == []


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        (section(), "/0: neither text nor fields"),
        (section(text=mrkdwn(3001)), "/0/text/text: 3001 characters"),
        (section(text=mrkdwn(0)), "/0/text/text: 0 characters"),
        (section(text="bare"), "/0/text: missing, or no text object"),
        (section(text=plain(verbatim=True)), "/0/text/verbatim: unknown key"),
        (section(text=mrkdwn(), colour="red"), "/0/colour: unknown key"),
        (section(fields=[mrkdwn()] * 11), "/0/fields: 11 items"),
        (section(fields=[mrkdwn(2001)]), "/0/fields/0/text: 2001 characters"),
        (section(text=mrkdwn(), accessory={"type": "plain_text_input"}), "/0/accessory/type: unsupported"),
        (section(text=mrkdwn(), block_id="b" * 256), "/0/block_id: 256 characters"),
        ({"type": "header", "text": plain(151)}, "/0/text/text: 151 characters"),
        ({"type": "header", "text": mrkdwn()}, "/0/text/type: unsupported"),
        ({"type": "context", "elements": [mrkdwn()] * 11}, "/0/elements: 11 items"),
        (actions(), "/0/elements: 0 items"),
        (actions(*(button(action_id=str(number)) for number in range(26))), "/0/elements: 26 items"),
        (actions(button(), button()), "/0/elements: action_id 'a' twice"),
        (actions(button(text=plain(76))), "/0/elements/0/text/text: 76 characters"),
        (actions(button(value="v" * 2001)), "/0/elements/0/value: 2001 characters"),
        (actions(button(url="no url")), "/0/elements/0/url: no URL"),
        (actions(button(url="https://" + "x" * 3000)), "/0/elements/0/url: 3008 characters"),
        (actions(button(action_id="a" * 256)), "/0/elements/0/action_id: 256 characters"),
        (actions(button(style="loud")), "/0/elements/0/style"),
        (actions(select(101)), "/0/elements/0/options: 101 items"),
        (actions({"type": "datepicker", "initial_date": "9 March"}), "/0/elements/0/initial_date"),
        ({"type": "image", "image_url": "https://example.com/i"}, "/0/alt_text: missing"),
        ({"type": "rich_text", "elements": [{"type": "text"}]}, "/0/elements/0/type: unsupported"),
        ({"type": "surprise"}, "/0/type: unsupported type 'surprise'"),
    ],
)
def test_over_the_limits(block: Block, problem: str) -> None:
    found = check_blocks([block])
    assert any(one.startswith(problem) for one in found), found


def test_how_many_blocks() -> None:
    blocks = [section(text=mrkdwn())] * 51
    assert check_blocks(blocks[:50]) == []
    assert check_blocks(blocks) == ["/: 51 blocks, at most 50"]
    assert check_blocks(blocks, "home") == []
    assert check_blocks([{"type": "divider", "block_id": "b"}] * 2) == ["/: block_id 'b' twice"]
    assert check_blocks({"type": "section"}) == ["/: not a list"]
    assert check_blocks(["text"]) == ["/0: not an object"]


@pytest.mark.parametrize(
    ("view", "problem"),
    [
        (modal(), None),
        (modal(blocks=[FIELD], submit=plain()), None),
        (modal(blocks=[FIELD]), "/view/submit: missing"),
        (modal(title=plain(25)), "/view/title/text: 25 characters"),
        (modal(private_metadata="x" * 3001), "/view/private_metadata: 3001 characters"),
        (modal(blocks=[section(text=mrkdwn(3000))] * 90), "/view: over 250 KB"),
        ({"type": "home", "blocks": [section(text=mrkdwn())] * 100}, None),
        ({"type": "home", "blocks": [{"type": "rich_text", "elements": []}]}, "/view/blocks/0/type"),
        ({"type": "surprise"}, "/view/type: unsupported"),
        ([], "/view: not an object"),
    ],
)
def test_views(view: object, problem: str | None) -> None:
    found = check_view(view)
    assert found == [] if problem is None else any(one.startswith(problem) for one in found), found


@pytest.mark.parametrize(
    ("metadata", "good"),
    [
        ({"event_type": "t", "event_payload": {}}, True),
        ({"event_type": "t"}, False),
        ({"event_type": "t", "event_payload": []}, False),
        ({"event_type": "", "event_payload": {}}, False),
        ({"event_payload": {}}, False),
        ({"event_type": "t", "event_payload": {}, "more": 1}, False),
        ("text", False),
    ],
)
def test_metadata(metadata: object, good: bool) -> None:
    assert (check_metadata(metadata) == []) is good
