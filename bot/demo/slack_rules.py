"""Slack's published limits on blocks, views, metadata and text, as a validator.

Pure: takes decoded JSON and returns what is wrong, in words with a JSON pointer (`/2/text/text: …`), an empty list
where nothing is. Knows no HTTP and keeps no state. It is as strict as the documentation
(docs.slack.dev/reference/block-kit) and knows the parts a bot of text, buttons and forms uses; it does not look inside
`table`, `video` and the like.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Literal

Surface = Literal["message", "modal", "home"]

TEXT_MAX = 40_000  # chat.postMessage cuts here
UPDATE_TEXT_MAX = 4_000  # chat.update refuses above
METADATA_MAX_BYTES = 16_000
VIEW_MAX_BYTES = 250_000
MAX_BLOCKS: dict[Surface, int] = {"message": 50, "modal": 100, "home": 100}
HOME_TYPES = frozenset({"header", "section", "context", "actions", "divider", "image", "input"})
OPAQUE_TYPES = frozenset({"file", "markdown", "table", "video"})
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:\S+\Z")

Problems = Iterator[str]


def check_blocks(blocks: object, surface: Surface = "message") -> list[str]:
    """What is wrong with a list of blocks on this surface."""
    return list(_blocks(blocks, surface, ""))


def check_view(view: object) -> list[str]:
    """What is wrong with a modal or Home view."""
    return list(_view(view))


def check_metadata(metadata: object) -> list[str]:
    """What is wrong with a message's metadata: `{"event_type": str, "event_payload": {…}}`."""
    if not isinstance(metadata, dict):
        return ["/metadata: not an object"]
    problems = [
        f"/metadata/{key}: unknown key" for key in metadata.keys() - {"event_type", "event_payload", "entities"}
    ]
    event_type = metadata.get("event_type")
    if not isinstance(event_type, str) or not event_type or len(event_type) > 255:
        problems.append("/metadata/event_type: not a text of 1 to 255 characters")
    if not isinstance(metadata.get("event_payload"), dict):
        problems.append("/metadata/event_payload: not an object")
    return problems


def size_bytes(value: object) -> int:
    """How long a value is as JSON."""
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))


# ── views ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _view(view: object) -> Problems:
    if not isinstance(view, dict):
        yield "/view: not an object"
        return
    kind = view.get("type")
    if kind not in ("modal", "home"):
        yield f"/view/type: unsupported type {kind!r}"
        return
    surface: Surface = "modal" if kind == "modal" else "home"
    yield from _short(view, "/view", {"callback_id": 255, "private_metadata": 3000, "external_id": 255})
    if size_bytes(view) > VIEW_MAX_BYTES:
        yield "/view: over 250 KB"
    if surface == "modal":
        yield from _modal(view)
    yield from _blocks(view.get("blocks"), surface, "/view/blocks")


def _modal(view: dict[str, Any]) -> Problems:
    yield from _text(view.get("title"), "/view/title", 24, plain=True)
    for key in ("submit", "close"):
        if view.get(key) is not None:
            yield from _text(view[key], f"/view/{key}", 24, plain=True)
    has_input = any(isinstance(block, dict) and block.get("type") == "input" for block in view.get("blocks") or ())
    if has_input and not view.get("submit"):
        yield "/view/submit: missing, and there is an input block"


# ── blocks ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _blocks(blocks: object, surface: Surface, at: str) -> Problems:
    if not isinstance(blocks, list):
        yield f"{at or '/'}: not a list"
        return
    if len(blocks) > MAX_BLOCKS[surface]:
        yield f"{at or '/'}: {len(blocks)} blocks, at most {MAX_BLOCKS[surface]}"
    for index, block in enumerate(blocks):
        yield from _block(block, surface, f"{at}/{index}")
    ids = [block["block_id"] for block in blocks if isinstance(block, dict) and isinstance(block.get("block_id"), str)]
    yield from (f"{at or '/'}: block_id {name!r} twice" for name in _repeated(ids))


def _block(block: object, surface: Surface, at: str) -> Problems:
    if not isinstance(block, dict):
        yield f"{at}: not an object"
        return
    kind = block.get("type")
    if surface == "home" and kind not in HOME_TYPES:
        yield f"{at}/type: {kind!r} is not for a Home tab"
        return
    yield from _short(block, at, {"block_id": 255})
    if kind in OPAQUE_TYPES:
        return
    rule = _BLOCKS.get(str(kind))
    if rule is None:
        yield f"{at}/type: unsupported type {kind!r}"
        return
    check, keys = rule
    yield from _only(block, at, keys | {"type", "block_id"})
    yield from check(block, at)


def _section(block: dict[str, Any], at: str) -> Problems:
    if "text" not in block and "fields" not in block:
        yield f"{at}: neither text nor fields"
    if "text" in block:
        yield from _text(block["text"], f"{at}/text", 3000)
    if "fields" in block:
        yield from _list(block["fields"], f"{at}/fields", 10, lambda item, where: _text(item, where, 2000))
    if "accessory" in block:
        yield from _element(block["accessory"], f"{at}/accessory", SECTION_ELEMENTS)


def _header(block: dict[str, Any], at: str) -> Problems:
    yield from _text(block.get("text"), f"{at}/text", 150, plain=True)


def _divider(_block: dict[str, Any], _at: str) -> Problems:
    yield from ()


def _context(block: dict[str, Any], at: str) -> Problems:
    def part(item: object, where: str) -> Problems:
        if isinstance(item, dict) and item.get("type") == "image":
            return _image(item, where)
        return _text(item, where, 3000)

    yield from _list(block.get("elements"), f"{at}/elements", 10, part)


def _actions(block: dict[str, Any], at: str) -> Problems:
    elements = block.get("elements")
    yield from _list(elements, f"{at}/elements", 25, lambda item, where: _element(item, where, ACTION_ELEMENTS))
    if isinstance(elements, list):
        ids = [item["action_id"] for item in elements if isinstance(item, dict) and "action_id" in item]
        yield from (f"{at}/elements: action_id {name!r} twice" for name in _repeated(ids))


def _image(block: dict[str, Any], at: str) -> Problems:
    if not block.get("image_url") and not block.get("slack_file"):
        yield f"{at}: neither image_url nor slack_file"
    if not isinstance(block.get("alt_text"), str):
        yield f"{at}/alt_text: missing"
    yield from _short(block, at, {"image_url": 3000, "alt_text": 2000})


def _input(block: dict[str, Any], at: str) -> Problems:
    yield from _text(block.get("label"), f"{at}/label", 2000, plain=True)
    if "hint" in block:
        yield from _text(block["hint"], f"{at}/hint", 2000, plain=True)
    yield from _element(block.get("element"), f"{at}/element", INPUT_ELEMENTS)


def _rich_text(block: dict[str, Any], at: str) -> Problems:
    kinds = {"rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"}
    elements = block.get("elements")
    if not isinstance(elements, list):
        yield f"{at}/elements: not a list"
        return
    for index, item in enumerate(elements):
        kind = item.get("type") if isinstance(item, dict) else None
        if kind not in kinds:
            yield f"{at}/elements/{index}/type: unsupported type {kind!r}"


_BLOCKS: dict[str, tuple[Callable[[dict[str, Any], str], Problems], set[str]]] = {
    "section": (_section, {"text", "fields", "accessory", "expand"}),
    "header": (_header, {"text", "level"}),
    "divider": (_divider, set()),
    "context": (_context, {"elements"}),
    "actions": (_actions, {"elements"}),
    "image": (_image, {"image_url", "slack_file", "alt_text", "title"}),
    "input": (_input, {"label", "element", "hint", "optional", "dispatch_action"}),
    "rich_text": (_rich_text, {"elements"}),
}

# ── elements ─────────────────────────────────────────────────────────────────────────────────────────────────────

_PICKERS = {"datepicker", "timepicker", "datetimepicker"}
_CHOICES = {"static_select", "overflow", "radio_buttons", "checkboxes", "multi_static_select"}
_LOOKUPS = {"users_select", "conversations_select", "channels_select", "external_select"}
ACTION_ELEMENTS = frozenset({"button", "rich_text_input", *_PICKERS, *_CHOICES, *_LOOKUPS} - {"multi_static_select"})
SECTION_ELEMENTS = frozenset({"button", "image", *_PICKERS, *_CHOICES, *_LOOKUPS} - {"datetimepicker"})
INPUT_ELEMENTS = frozenset(
    {"plain_text_input", "number_input", "email_text_input", "url_text_input", "rich_text_input"}
    | _PICKERS
    | (_CHOICES - {"overflow"})
    | _LOOKUPS
)
_OPTIONS_MAX = {"overflow": 5, "radio_buttons": 10, "checkboxes": 10}
_INITIAL = {"datepicker": ("initial_date", str), "timepicker": ("initial_time", str)}
_FORMS = {"initial_date": re.compile(r"\d{4}-\d\d-\d\d\Z"), "initial_time": re.compile(r"\d\d:\d\d\Z")}


def _element(element: object, at: str, allowed: frozenset[str]) -> Problems:
    if not isinstance(element, dict):
        yield f"{at}: not an object"
        return
    kind = element.get("type")
    if kind not in allowed:
        yield f"{at}/type: unsupported type {kind!r}"
        return
    if kind == "image":
        yield from _image(element, at)
        return
    yield from _short(element, at, {"action_id": 255})
    if "placeholder" in element:
        yield from _text(element["placeholder"], f"{at}/placeholder", 150, plain=True)
    if kind == "button":
        yield from _button(element, at)
    elif kind in _CHOICES:
        yield from _options(element, at)
    elif kind in _INITIAL:
        yield from _initial(element, at, *_INITIAL[kind])


def _button(element: dict[str, Any], at: str) -> Problems:
    keys = {"type", "text", "action_id", "url", "value", "style", "confirm", "accessibility_label"}
    yield from _only(element, at, keys)
    yield from _text(element.get("text"), f"{at}/text", 75, plain=True)
    yield from _short(element, at, {"url": 3000, "value": 2000, "accessibility_label": 75})
    if "url" in element and not _URL.match(str(element["url"])):
        yield f"{at}/url: no URL"
    if element.get("style", "primary") not in ("primary", "danger"):
        yield f"{at}/style: neither primary nor danger"
    if "confirm" in element:
        yield from _confirm(element["confirm"], f"{at}/confirm")


def _confirm(confirm: object, at: str) -> Problems:
    if not isinstance(confirm, dict):
        yield f"{at}: not an object"
        return
    yield from _text(confirm.get("title"), f"{at}/title", 100, plain=True)
    yield from _text(confirm.get("text"), f"{at}/text", 300)
    yield from _text(confirm.get("confirm"), f"{at}/confirm", 30, plain=True)
    yield from _text(confirm.get("deny"), f"{at}/deny", 30, plain=True)


def _options(element: dict[str, Any], at: str) -> Problems:
    if "option_groups" in element:
        return
    most = _OPTIONS_MAX.get(element["type"], 100)
    yield from _list(element.get("options"), f"{at}/options", most, _option)


def _option(option: object, at: str) -> Problems:
    if not isinstance(option, dict):
        yield f"{at}: not an object"
        return
    yield from _text(option.get("text"), f"{at}/text", 75)
    if not isinstance(option.get("value"), str):
        yield f"{at}/value: missing"
    yield from _short(option, at, {"value": 150, "url": 3000})


def _initial(element: dict[str, Any], at: str, key: str, kind: type) -> Problems:
    if key in element and not (isinstance(element[key], kind) and _FORMS[key].match(element[key])):
        yield f"{at}/{key}: {element[key]!r} has not the right form"


# ── the small parts ──────────────────────────────────────────────────────────────────────────────────────────────


def _text(text: object, at: str, most: int, *, plain: bool = False) -> Problems:
    if not isinstance(text, dict):
        yield f"{at}: missing, or no text object"
        return
    kind = text.get("type")
    if kind != "plain_text" and (plain or kind != "mrkdwn"):
        yield f"{at}/type: unsupported type {kind!r}"
    yield from _only(text, at, {"type", "text", "verbatim" if kind == "mrkdwn" else "emoji"})
    words = text.get("text")
    if not isinstance(words, str):
        yield f"{at}/text: not a text"
    elif not 0 < len(words) <= most:
        yield f"{at}/text: {len(words)} characters, allowed are 1 to {most}"


def _list(items: object, at: str, most: int, check: Callable[[object, str], Problems]) -> Problems:
    if not isinstance(items, list) or not 0 < len(items) <= most:
        count = len(items) if isinstance(items, list) else "no"
        yield f"{at}: {count} items, allowed are 1 to {most}"
        return
    for index, item in enumerate(items):
        yield from check(item, f"{at}/{index}")


def _short(holder: dict[str, Any], at: str, limits: dict[str, int]) -> Problems:
    """Texts that may be absent but neither too long nor anything else than text."""
    for key, most in limits.items():
        value = holder.get(key, "")
        if not isinstance(value, str):
            yield f"{at}/{key}: not a text"
        elif len(value) > most:
            yield f"{at}/{key}: {len(value)} characters, at most {most}"


def _only(holder: dict[str, Any], at: str, keys: set[str]) -> Problems:
    yield from (f"{at}/{key}: unknown key" for key in sorted(holder.keys() - keys))


def _repeated(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})
