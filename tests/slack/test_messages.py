"""What a DM says, in its text and in its blocks; what it says later; and that no title can do anything in Slack."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.slack_rules import (
    METADATA_MAX_BYTES,
    TEXT_MAX,
    UPDATE_TEXT_MAX,
    check_blocks,
    check_metadata,
    check_view,
    size_bytes,
)
from bot.slack.messages import (
    POST_MOST,
    TEXT_MOST,
    TITLE_MOST,
    Line,
    Message,
    answer,
    corrected,
    digest_metadata,
    escape,
    home,
    literal,
    reminder,
)
from bot.slack.overviews import open_courses
from bot.slack.words import languages, words
from tests.builders import on

TODAY = on("2027-06-15")  # a Tuesday
ADMIN = "<@UADMIN>"
URL = "https://lms.example/c?id=1&lang=da"
OTHERS = ["plan", "done", "why"]


def a_line(deadline: str = "2027-06-23", **facts: Any) -> Line:
    """A course that is open and due on a Wednesday."""
    return Line(**{"course_id": 1, "title": "Fire safety", "deadline_on": on(deadline), **facts})


def lines(count: int, *, title: str = "Course {n}", **facts: Any) -> list[Line]:
    """So many courses, due on one day after the other."""
    first = on("2027-06-16")
    return [
        replace(a_line(**facts), course_id=n, title=title.format(n=n), deadline_on=first + timedelta(days=n))
        for n in range(1, count + 1)
    ]


def a_dm(*said: Line, language: str = "en", first_name: str = "Ada", contact: str = ADMIN, **facts: Any) -> Message:
    given = {"today": TODAY, "notice_id": "n1", "keys": [f"k{line.course_id}" for line in said], **facts}
    return reminder(words(language), said, first_name=first_name, contact=contact, **given)


def a_later(*said: Line, language: str = "en", first_name: str = "Ada") -> Message:
    keys = [f"k{line.course_id}" for line in said]
    return corrected(words(language), said, first_name=first_name, notice_id="n1", keys=keys)


def objects(value: object) -> Iterator[dict[str, Any]]:
    """Every object within blocks."""
    if isinstance(value, dict):
        yield value
        for part in value.values():
            yield from objects(part)
    elif isinstance(value, list):
        for part in value:
            yield from objects(part)


def mrkdwn(message: Message | Sequence[dict[str, Any]]) -> list[str]:
    """Every text in which markup counts."""
    blocks = message.blocks if isinstance(message, Message) else list(message)
    return [one["text"] for one in objects(blocks) if one.get("type") == "mrkdwn"]


def buttons(block: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in objects(block) if one.get("type") == "button"]


def actions(message: Message) -> list[str]:
    """The action ids at the foot."""
    return [one["action_id"] for block in message.blocks if block["type"] == "actions" for one in buttons(block)]


def beside(message: Message) -> list[str]:
    """The addresses of the buttons beside courses."""
    return [block["accessory"]["url"] for block in message.blocks if "accessory" in block]


# ── wording ──────────────────────────────────────────────────────────────────────────────────────────────────────────

STANDINGS = [
    pytest.param(a_line("2027-06-15"), "due today, Tuesday 15 June 2027", id="today"),
    pytest.param(a_line("2027-06-16"), "due tomorrow, Wednesday 16 June 2027", id="tomorrow"),
    pytest.param(a_line("2027-06-17"), "due Thursday 17 June 2027, in 2 days", id="in two days"),
    pytest.param(a_line("2027-06-29"), "due Tuesday 29 June 2027, in 14 days", id="in fourteen days"),
    pytest.param(a_line("2028-06-15"), "due Thursday 15 June 2028, in 366 days", id="in a year"),
    pytest.param(a_line("2027-06-14"), "was due Monday 14 June 2027, 1 day ago", id="yesterday"),
    pytest.param(a_line("2027-06-08"), "was due Tuesday 8 June 2027, 7 days ago", id="seven days ago"),
    pytest.param(
        a_line("2027-06-14", locked=True),
        f"was due Monday 14 June 2027 and can no longer be taken. Please talk to {ADMIN}.",
        id="locked: whom to ask, and no nag",
    ),
    pytest.param(a_line("2027-06-15", locked=True), "due today, Tuesday 15 June 2027", id="locked, but only tomorrow"),
    pytest.param(
        a_line("2027-06-01", reproach_free=True),
        "its date, Tuesday 1 June 2027, was past already when you got it; please plan it soon",
        id="past when assigned: no reproach",
    ),
    pytest.param(
        a_line("2027-06-17", reproach_free=True), "due Thursday 17 June 2027, in 2 days", id="its new date is to come"
    ),
    pytest.param(
        a_line("2027-06-17", progress_percent=100 / 3),
        "due Thursday 17 June 2027, in 2 days; 33.3% done",
        id="under way",
    ),
    pytest.param(
        a_line("2027-06-14", progress_percent=50.0), "was due Monday 14 June 2027, 1 day ago; 50% done", id="late, half"
    ),
    pytest.param(a_line("2027-06-15", progress_percent=0.0), "due today, Tuesday 15 June 2027", id="not begun"),
    pytest.param(
        a_line("2027-06-14", locked=True, progress_percent=90.0),
        f"was due Monday 14 June 2027 and can no longer be taken. Please talk to {ADMIN}.",
        id="locked: how far one was no longer matters",
    ),
]


@pytest.mark.parametrize(("line", "standing"), STANDINGS)
def test_a_course_is_told_with_its_date_and_what_it_means_today(line: Line, standing: str) -> None:
    message = a_dm(line)
    assert message.text.splitlines()[1:] == [f"• Fire safety – {standing}"]
    assert mrkdwn(message)[1] == f"*Fire safety*\n{standing}"


LATE, OPEN = a_line("2027-06-14"), a_line("2027-06-16")
GIVEN_LATE = a_line("2027-06-01", reproach_free=True)


@pytest.mark.parametrize(
    ("said", "opening"),
    [
        pytest.param([OPEN], "Hi Ada, a required course is waiting for you:", id="one"),
        pytest.param([OPEN] * 3, "Hi Ada, 3 required courses are waiting for you:", id="three"),
        pytest.param([LATE], "Hi Ada, a required course is overdue:", id="one overdue"),
        pytest.param([LATE] * 2, "Hi Ada, 2 required courses are overdue:", id="two overdue"),
        pytest.param([LATE, OPEN], "Hi Ada, 2 required courses are waiting for you:", id="one of two overdue"),
        pytest.param([GIVEN_LATE], "Hi Ada, a required course is waiting for you:", id="past when assigned"),
        pytest.param([LATE, GIVEN_LATE], "Hi Ada, 2 required courses are waiting for you:", id="one was, one was not"),
    ],
)
def test_the_opening_counts_the_courses_and_reproaches_only_where_all_are_late(said: list[Line], opening: str) -> None:
    message = a_dm(*said)
    assert message.text.splitlines()[0] == opening
    assert mrkdwn(message)[0] == opening


@pytest.mark.parametrize("name", ["", "   ", "\n"])
def test_who_has_no_first_name_is_greeted_without(name: str) -> None:
    assert a_dm(OPEN, first_name=name).text.startswith("Hi, a required course")
    assert a_later(OPEN, first_name=name).text.startswith("Hi, this is what")


@pytest.mark.parametrize("language", sorted(languages()))
@pytest.mark.parametrize(("line", "standing"), STANDINGS)
def test_every_language_says_it_in_words_of_its_own(line: Line, standing: str, language: str) -> None:
    message = a_dm(line, language=language)
    assert "{" not in message.text
    assert (standing in message.text) == (language == "en")


def test_a_course_without_a_title_is_called_by_its_id() -> None:
    assert a_dm(a_line(title=" \n ", course_id=77)).text.splitlines()[1].startswith("• 77 – ")


def test_the_order_is_kept_in_text_and_blocks() -> None:
    said = [a_line(title=title) for title in ("Zinc", "Asbestos", "Mercury", "Lead")]
    for message in (a_dm(*said), a_later(*said)):
        for text in (message.text, "\n".join(mrkdwn(message))):
            assert re.findall("Zinc|Asbestos|Mercury|Lead", text) == ["Zinc", "Asbestos", "Mercury", "Lead"]


@pytest.mark.parametrize("count", [1, 3, 20])
def test_all_that_the_blocks_say_stands_in_the_text_for_those_who_hear_it_read(count: int) -> None:
    for message in (a_dm(*lines(count, url=URL)), a_later(*lines(count, url=URL))):
        for said in mrkdwn(message):
            plain = re.sub(r"<([^|>]+)\|([^>]+)>", r"\2", said).replace("*", "")
            assert all(part in message.text for part in plain.splitlines())
        assert message.text.count(URL.replace("&", "&amp;")) == count


# ── Slack's limits ───────────────────────────────────────────────────────────────────────────────────────────────────

COUNTS = [1, 2, 3, 30, 40, 41, 60, 200]
LONGEST = "A course about what nobody has asked for in such words {n} " + "and more " * 30
AWKWARD = "R&D <basics> & more {n}"


@pytest.mark.parametrize("language", sorted(languages()))
@pytest.mark.parametrize("title", ["Fire safety {n}", LONGEST, AWKWARD], ids=["short", "too long", "escaped"])
@pytest.mark.parametrize("count", COUNTS)
def test_any_number_of_courses_stays_within_slacks_limits_and_each_is_named(
    count: int, title: str, language: str
) -> None:
    said = lines(count, title=title, url=URL, progress_percent=33.3, locked=True)
    late = timedelta(days=count // 2)
    finished = [replace(line, state="done") for line in said]
    for message, most in (
        (a_dm(*said, language=language, today=TODAY + late, first_name="A" * 500), POST_MOST),
        (a_later(*said, language=language, first_name="A" * 500), TEXT_MOST),
        (a_later(*finished, language=language), TEXT_MOST),
    ):
        assert check_blocks(message.blocks) == []
        assert check_metadata(message.metadata) == []
        assert 0 < len(message.text) <= most
        assert len(message.text) == most or not message.text.endswith("…"), "it is cut no shorter than it must be"
        everything = "\n".join(mrkdwn(message))
        assert all(re.search(re.escape(escape(line.title)), everything) for line in said)


def test_the_metadata_of_200_courses_fits() -> None:
    message = a_dm(*lines(200), notice_id="0" * 32, keys=["f" * 64] * 200)
    assert size_bytes(message.metadata) <= METADATA_MAX_BYTES


def test_a_text_is_cut_below_what_slack_takes() -> None:
    assert POST_MOST < TEXT_MAX
    assert TEXT_MOST < UPDATE_TEXT_MAX < POST_MOST


def test_a_text_that_is_cut_says_so_and_begins_with_the_number_of_courses() -> None:
    message = a_dm(*lines(200, title=LONGEST, url=URL))
    assert len(message.text) == POST_MOST
    assert message.text.endswith("…")
    assert message.text.startswith("Hi Ada, 200 required courses")


def test_the_text_of_a_new_dm_names_each_of_many_courses() -> None:
    message = a_dm(*lines(200, url=URL))
    assert all(f"• Course {n} – " in message.text for n in range(1, 201))
    assert not message.text.endswith("…")


def test_the_text_of_an_edit_is_cut_sooner_and_says_so() -> None:
    message = a_later(*lines(200, url=URL))
    assert len(message.text) == TEXT_MOST
    assert message.text.endswith("…")


# ── hostile text ─────────────────────────────────────────────────────────────────────────────────────────────────────

PINGS = [
    "<!channel>",
    "<!here|x>",
    "<@U1>",
    "<#C1|general>",
    "@everyone",
    "<https://evil.example|Open>",
    "<!date^1^x|y>",
]
HOSTILE = st.one_of(
    st.text(alphabet="<>&!@#|*_`~{}\n\r\t ;alt", max_size=200),
    st.text(max_size=200),
    st.lists(st.sampled_from([*PINGS, "&lt;", "&amp;", "{course}", "</a>", "\u202e"]), max_size=20).map("".join),
)
TAG = re.compile(r"<[^<>]*>")


def assert_harmless(text: str, *, links: int = 0) -> None:
    """All markup in it is ours: nothing but links to URL."""
    assert "<!" not in text
    assert "<@" not in text
    assert "<#" not in text
    assert text.count("<") == text.count(">") == links
    assert all(tag.startswith("<https://lms.example/c?id=1&amp;lang=da|") for tag in TAG.findall(text))
    assert not re.search(r"&(?!amp;|lt;|gt;)", text)


@given(title=HOSTILE, name=HOSTILE)
def test_no_title_and_no_name_can_ping_link_or_break_a_message(title: str, name: str) -> None:
    line = a_line(title=title)
    for message in (a_dm(line, first_name=name, contact="your manager"), a_later(line, first_name=name)):
        for text in [message.text, *mrkdwn(message)]:
            assert_harmless(text)


@given(title=HOSTILE)
def test_nor_where_the_title_is_a_link(title: str) -> None:
    said = [a_line(title=title, url=URL), a_line(title=title, url=URL, state="done")]
    listed = open_courses(words("en"), said, today=TODAY, contact="", age=timedelta(0))
    for message in (a_dm(*said, contact="your manager"), a_later(*said)):
        for text in mrkdwn(message)[1:]:
            assert_harmless(text, links=1)
    for text in listed[1:-1]:
        assert_harmless(text, links=1)


@given(title=HOSTILE, count=st.sampled_from([1, 3, 50]))
def test_every_text_with_markup_is_verbatim_so_that_slack_makes_nothing_of_it(title: str, count: int) -> None:
    said = [a_line(title=title, url=URL)] * count
    for blocks in (a_dm(*said).blocks, a_later(*said).blocks, answer([escape(title) or "-"] * count)[1]):
        kinds = [one for one in objects(blocks) if one.get("type") == "mrkdwn"]
        assert kinds
        assert all(one["verbatim"] is True for one in kinds)


@given(title=HOSTILE)
def test_no_title_stands_in_a_button(title: str) -> None:
    hostile, harmless = (a_line(title=title, url=URL), a_line(url=URL))
    labels = [
        [one["text"]["text"] for block in a_dm(line, line).blocks for one in buttons(block)]
        for line in (hostile, harmless)
    ]
    assert labels[0] == labels[1]


@given(text=HOSTILE)
def test_escaped_text_is_shown_as_it_was_written_blanks_folded_and_cut(text: str) -> None:
    folded, shown = " ".join(text.split()), html.unescape(escape(text)) if "&" not in text else None
    if shown is not None:
        assert shown == (folded if len(folded) <= TITLE_MOST else folded[: TITLE_MOST - 1] + "…")
    assert literal(text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("R&D", "R&amp;D"),
        ("a < b > c", "a &lt; b &gt; c"),
        ("&lt;", "&amp;lt;"),
        ("  two\n\n lines ", "two lines"),
        ("x" * 120, "x" * 120),
        ("x" * 121, "x" * 119 + "…"),
        ("&" * 120, "&amp;" * 120),
        ("{course}", "{course}"),
    ],
)
def test_what_is_escaped_is_only_what_slack_asks_for(text: str, shown: str) -> None:
    assert escape(text) == shown


# ── links and buttons ────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_address_with_an_ampersand_is_escaped_in_text_and_left_as_it_is_in_a_button() -> None:
    message = a_dm(a_line(url=URL))
    assert mrkdwn(message)[1].startswith("*<https://lms.example/c?id=1&amp;lang=da|Fire safety>*\n")
    assert message.text.endswith(" – https://lms.example/c?id=1&amp;lang=da")
    assert buttons(message.blocks[-1])[0]["url"] == URL


def test_an_address_can_not_end_its_own_link() -> None:
    assert "<https://lms.example/%3Cb%3E%7C1|Fire safety>" in mrkdwn(a_dm(a_line(url="https://lms.example/<b>|1")))[1]


def test_one_course_has_all_four_buttons_at_the_foot() -> None:
    message = a_dm(a_line(url=URL))
    labels = [(one["action_id"], one["text"]["text"]) for one in buttons(message.blocks[-1])]
    assert labels == [("open", "Open"), ("plan", "Plan a time"), ("done", "Already done?"), ("why", "Why this?")]
    assert beside(message) == []


def test_several_courses_have_open_beside_each_and_the_others_at_the_foot() -> None:
    message = a_dm(*(a_line(url=f"{URL}&n={n}") for n in range(3)))
    assert beside(message) == [f"{URL}&n={n}" for n in range(3)]
    assert actions(message) == OTHERS


def test_too_many_courses_to_have_each_its_own_have_open_for_the_first() -> None:
    message = a_dm(*(a_line(url=f"{URL}&n={n}") for n in range(60)))
    assert (beside(message), actions(message)) == ([], ["open", *OTHERS])
    assert buttons(message.blocks[-1])[0]["url"] == f"{URL}&n=0"


@pytest.mark.parametrize("count", [1, 3, 60])
def test_without_addresses_there_is_nothing_to_open(count: int) -> None:
    message = a_dm(*lines(count))
    assert (beside(message), actions(message)) == ([], OTHERS)


@pytest.mark.parametrize("count", COUNTS)
def test_action_ids_are_unique_in_a_block_and_what_is_pressed_names_the_notice_alone(count: int) -> None:
    for message in (a_dm(*lines(count, url=URL)), a_later(*lines(count, url=URL))):
        for block in message.blocks:
            ids = [one["action_id"] for one in buttons(block)]
            assert len(ids) == len(set(ids))
        values = {one["action_id"]: one.get("value") for block in message.blocks for one in buttons(block)}
        assert values == {"open": None, "plan": "n1", "done": "n1", "why": "n1"}


# ── metadata ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(
    title=HOSTILE.filter(lambda text: len(text.strip()) > 2), name=HOSTILE.filter(lambda text: len(text.strip()) > 2)
)
def test_metadata_is_the_opaque_id_and_keys_whatever_the_course_and_the_person(title: str, name: str) -> None:
    line = a_line(title=title, url=URL)
    expected = {"event_type": "deadline_reminder", "event_payload": {"notice": "n1", "reminders": ["k1"]}}
    assert a_dm(line, first_name=name).metadata == expected
    assert a_later(line, first_name=name).metadata == expected


def test_metadata_has_a_key_for_each_course_in_their_order() -> None:
    payload = a_dm(*lines(3), keys=("k3", "k1", "k2")).metadata["event_payload"]
    assert payload["reminders"] == ["k3", "k1", "k2"]
    assert json.loads(json.dumps(payload)) == payload


def test_a_message_that_is_no_reminder_says_so_in_its_metadata() -> None:
    assert digest_metadata("m1") == {"event_type": "deadline_digest", "event_payload": {"notice": "m1"}}
    assert check_metadata(digest_metadata("m1")) == []


# ── what has become of it ────────────────────────────────────────────────────────────────────────────────────────────

MOVED = a_line(state="moved", deadline_now_on=on("2027-07-01"))


@pytest.mark.parametrize(
    ("line", "since"),
    [
        pytest.param(a_line(state="done"), "✅ finished. Thank you!", id="done"),
        pytest.param(MOVED, "its deadline has moved to Thursday 1 July 2027", id="moved"),
        pytest.param(a_line(state="dropped"), "no longer required of you", id="dropped"),
        pytest.param(a_line(), "due Wednesday 23 June 2027", id="open: nothing that will be untrue tomorrow"),
        pytest.param(a_line(progress_percent=50.0), "due Wednesday 23 June 2027", id="open: nor how far"),
        pytest.param(a_line(state="moved"), "due Wednesday 23 June 2027", id="moved nobody knows where"),
    ],
)
def test_an_earlier_dm_says_what_has_become_of_its_course(line: Line, since: str) -> None:
    message = a_later(line)
    assert message.text == f"Hi Ada, this is what has become of your reminder:\n• Fire safety – {since}"
    assert mrkdwn(message) == ["Hi Ada, this is what has become of your reminder:", f"*Fire safety*\n{since}"]


DONE, DROPPED, STILL = (replace(a_line(url=f"{URL}&n={n}"), state=s) for n, s in enumerate(["done", "dropped", "open"]))
MOVED_TOO = replace(MOVED, url=f"{URL}&n=3")


@pytest.mark.parametrize(
    ("said", "foot", "opens"),
    [
        pytest.param([DONE], [], [], id="done"),
        pytest.param([DONE, DROPPED], [], [], id="done and dropped"),
        pytest.param([STILL], ["open", *OTHERS], [], id="open"),
        pytest.param([DONE, STILL], ["open", *OTHERS], [], id="one of two is open"),
        pytest.param([DONE, MOVED_TOO, DROPPED], ["open", *OTHERS], [], id="moved is open"),
        pytest.param([DONE, STILL, MOVED_TOO], OTHERS, [STILL.url, MOVED_TOO.url], id="two of three are open"),
    ],
)
def test_the_buttons_stay_while_a_course_is_open_and_open_what_is(
    said: list[Line], foot: list[str], opens: list[str]
) -> None:
    message = a_later(*said)
    assert (actions(message), beside(message)) == (foot, opens)
    urls = [one["url"] for block in message.blocks for one in buttons(block) if "url" in one]
    assert set(urls) <= {STILL.url, MOVED_TOO.url}


def test_too_many_courses_of_which_the_first_is_done_open_the_first_that_is_not() -> None:
    message = a_later(DONE, *[STILL] * 59)
    assert buttons(message.blocks[-1])[0]["url"] == STILL.url


@pytest.mark.parametrize("language", sorted(languages()))
@given(states=st.lists(st.sampled_from(["open", "done", "moved", "dropped"]), min_size=1, max_size=60))
def test_any_mix_stays_within_slacks_limits_and_says_each_course(language: str, states: list[str]) -> None:
    said = [replace(one, state=state) for one, state in zip(lines(len(states), url=URL), states, strict=True)]
    message = a_later(*said, language=language)
    assert check_blocks(message.blocks) == []
    everything = "\n".join(mrkdwn(message))
    assert all(re.search(rf"{line.title}\b", everything) for line in said)
    assert bool(actions(message)) == any(state in ("open", "moved") for state in states)
    assert everything.count("✅") == states.count("done")


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("count", [1, 2, 40, 43, 50, 51, 120, 500])
def test_an_answer_of_any_length_stays_within_slacks_limits_and_drops_nothing(count: int) -> None:
    paragraphs = [f"*Course {n}*\ndue some day" for n in range(count)]
    text, blocks = answer(paragraphs)
    assert check_blocks(blocks) == []
    assert check_view(home(blocks)) == []
    assert "\n\n".join(mrkdwn(blocks)) == "\n\n".join(paragraphs)
    assert len(text) <= TEXT_MOST
    assert text == "\n\n".join(paragraphs) or text.endswith("…")


def test_up_to_fifty_paragraphs_have_a_block_each() -> None:
    assert mrkdwn(answer(["one", "two"])[1]) == ["one", "two"]
    assert len(answer(["x"] * 50)[1]) == 50


@pytest.mark.parametrize("length", [2900, 2901, 10_000, 100_000])
def test_a_paragraph_that_is_too_long_is_cut_and_says_so(length: int) -> None:
    text, blocks = answer(["x" * length])
    assert check_blocks(blocks) == []
    assert text.endswith("…") == (length > TEXT_MOST)
    assert mrkdwn(blocks)[0].endswith("…") == (length > 2900)
