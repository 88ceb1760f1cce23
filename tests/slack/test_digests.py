"""What admins are told, as text and blocks: complete, literal, within Slack's limits, in each language."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.deadlines.freeze import PassSize, Snapshot, too_busy, too_small
from bot.deadlines.model import NoMatch
from bot.deadlines.terms import Freeze
from bot.demo.slack_rules import check_blocks
from bot.slack.digests import Limit, Odd, Said, exceptions, figures, forecast, freeze
from bot.slack.words import languages, words
from bot.store.records import HitchKind
from tests.builders import copenhagen, on

SIZE = PassSize(recipients=1200, people=2000, largest=7, first=False)
ALL_LIMITS = [
    *too_busy(SIZE, Freeze()),
    *too_busy(replace(SIZE, first=True), Freeze()),
    *too_small(
        Snapshot(people=100, assignments=200, completions=50),
        Snapshot(people=60, assignments=90, completions=5),
        45,
        Freeze(),
    ),
]
SINCE = copenhagen("2027-06-15 10:05").astimezone(copenhagen("2027-06-15 10:05").tzinfo)
VALUE = "pass@1813050000 pull@1813046400"


def a_freeze(language: str = "en", *texts: str) -> Said:
    limits = [Limit(kind="pass", text=text) for text in texts or ALL_LIMITS[:1]]
    return freeze(words(language), limits, SINCE, VALUE)


def an_odd(kind: Any = "no_slack_match", detail: str = NoMatch.NOT_IN_SLACK, **facts: Any) -> Odd:
    return Odd(**{"kind": kind, "detail": detail, "person_id": 7, "name": "Ada L", "email": "ada@acme.com", **facts})


def shown(blocks: tuple[dict[str, Any], ...]) -> str:
    return "\n\n".join(block["text"]["text"] for block in blocks if block["type"] == "section")


# ── figures ──


def test_all_five_limits_are_there() -> None:
    assert len(ALL_LIMITS) == 5


@pytest.mark.parametrize("text", ALL_LIMITS)
@pytest.mark.parametrize("language", sorted(languages() - {"en"}))
def test_every_limits_figures_are_told_in_the_readers_language(language: str, text: str) -> None:
    (line,) = figures(words(language), text)
    assert line != text
    assert line[line.index("(") :] == text[text.index("(") :]
    assert not {"would", "shrank", "vanished", "message"} & set(line.partition("(")[0].split())


def test_several_limits_are_a_line_each_in_their_order() -> None:
    lines = figures(words("en"), "; ".join(ALL_LIMITS))
    assert lines == [
        "one pass would write to 1,200 of 2,000 people; the largest of the last 14 days wrote to 7 "
        "(freeze.busy_pass_people = 50, busy_pass_percent = 5, busy_pass_factor = 3)",
        "the first pass of this installation would write to 1,200 people (freeze.first_pass_people = 100)",
        "there were 100 people, and now there are 60 (freeze.shrink_people_percent = 20)",
        "there were 200 assignments, and now there are 90 (freeze.shrink_assignments_percent = 20)",
        "45 of 50 completions vanished (freeze.vanished_completions_percent = 10)",
    ]


@pytest.mark.parametrize("text", ["something <new>", f"something new; {ALL_LIMITS[0]}", ""])
def test_what_is_not_known_is_told_as_it_is(text: str) -> None:
    expected = [text.replace("<", "&lt;").replace(">", "&gt;")] if text else []
    assert figures(words("da"), text) == expected


# ── a freeze, a day ──


def test_a_freeze_says_what_holds_why_and_what_to_do() -> None:
    text, blocks = freeze(words("en"), [Limit(kind="pull", text=ALL_LIMITS[2])], SINCE, VALUE)
    assert text == shown(blocks)
    assert "there were 100 people, and now there are 60" in text
    assert "the earlier data is kept" in text
    assert "Many more people than usual" not in text
    (button,) = blocks[-1]["elements"]
    assert (button["action_id"], button["value"], button["text"]["text"]) == ("approve", VALUE, "Approve")
    assert button["confirm"]["title"]["text"] == "Release the reminders?"


def test_two_freezes_say_both() -> None:
    limits = [Limit(kind="pass", text=ALL_LIMITS[0]), Limit(kind="pull", text=ALL_LIMITS[2])]
    text, _ = freeze(words("en"), limits, SINCE, VALUE)
    assert text.index("one pass would") < text.index("there were 100 people")
    assert text.index("the earlier data is kept") < text.index("Many more people than usual")


def test_a_day_says_which_why_and_what_to_do() -> None:
    text, blocks = forecast(words("en"), on("2027-06-18"), [ALL_LIMITS[0], ALL_LIMITS[0]])
    assert text == shown(blocks)
    assert text.count("one pass would write to 1,200 of 2,000 people") == 1
    (button,) = blocks[-1]["elements"]
    assert (button["action_id"], button["value"]) == ("approve_day", "2027-06-18")
    assert "Friday 18 June 2027" in button["confirm"]["text"]["text"]


@pytest.mark.parametrize("language", sorted(languages()))
def test_both_keep_slacks_limits_in_each_language(language: str) -> None:
    for _, blocks in (
        a_freeze(language, *ALL_LIMITS),
        forecast(words(language), on("2027-09-29"), ALL_LIMITS),
    ):
        assert check_blocks(list(blocks)) == []
        assert all(block["text"]["verbatim"] for block in blocks if block["type"] == "section")


# ── exceptions ──


@pytest.mark.parametrize(
    ("odd", "line"),
    [
        (an_odd(), "• *Ada L* (ada@acme.com, LMS 7): Nobody in Slack has this e-mail address."),
        (an_odd(detail=NoMatch.NO_EMAIL, email="", name=" "), "• LMS 7: The learning system has no e-mail address"),
        (an_odd("invalid_deadline", "2027-02-30", course="Fire"), "Fire. The deadline is no real day: “2027-02-30”."),
        (an_odd("refused", "user_not_found"), "LMS 7): Slack does not deliver to this person: user_not_found."),
        (an_odd("rejected", "id: no number", record="user <x>"), "• *user &lt;x&gt;*: id: no number"),
    ],
)  # fmt: skip
def test_each_kind_has_its_line(odd: Odd, line: str) -> None:
    text, blocks = exceptions(words("en"), [odd], 0, [(odd, 1)])
    assert line in text
    assert text == shown(blocks)


@pytest.mark.parametrize("reason", list(NoMatch))
def test_every_reason_of_no_match_is_counted_in_words(reason: NoMatch) -> None:
    odd = an_odd(detail=reason)
    text, _ = exceptions(words("da"), [], 5, [(odd, 1234)])
    (counted,) = [line for line in text.splitlines() if line.startswith("• ")]
    assert counted.endswith(": 1.234")
    assert reason is NoMatch.BOT or reason.value not in counted


def test_every_kind_that_the_store_tells_can_be_said() -> None:
    for kind in get_args(HitchKind):
        exceptions(words("en"), [an_odd(kind, "" if kind == "no_slack_match" else "x")], 0, [(an_odd(kind, ""), 1)])


def test_markup_in_names_is_shown_literally() -> None:
    odd = an_odd(
        name="<!channel> & *Co*", email="<mailto:a@b>", course="<https://x|y>", kind="invalid_deadline", detail="<@U1>"
    )
    text, blocks = exceptions(words("en"), [odd], 0, [(odd, 1)])
    assert not {"<!", "<m", "<h", "<@"} & {text[n : n + 2] for n in range(len(text))}
    assert "&lt;!channel&gt; &amp;" in text
    assert all(block["text"]["verbatim"] for block in blocks)


TEXT = st.text(max_size=300) | st.sampled_from(["&" * 300, "<" * 300, "😀" * 300, "\n\n", "x" * 300])


@given(
    texts=st.tuples(TEXT, TEXT, TEXT, TEXT),
    kind=st.sampled_from(["invalid_deadline", "refused", "rejected"]),
    language=st.sampled_from(sorted(languages())),
)
def test_twenty_lines_of_whatever_keep_slacks_limits_and_nothing_is_cut_off(
    texts: tuple[str, str, str, str], kind: Any, language: str
) -> None:
    name, email, course, detail = texts
    odd = Odd(kind=kind, detail=detail, person_id=2**63 - 1, name=name, email=email, course=course, record=name)
    text, blocks = exceptions(words(language), [odd] * 20, 99_980, [(odd, 100_000)])
    assert check_blocks(list(blocks)) == []
    assert len(text) <= 40_000
    assert "`deadline-bot explain PERSON`" in text
