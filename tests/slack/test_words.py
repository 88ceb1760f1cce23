"""The catalogues hold exactly the texts that the code says, with the same values; dates, numbers and languages."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from string import Formatter
from typing import TypeAlias

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

import bot
from bot.slack.words import CATALOGUES, SOURCE, choose, languages, words

Texts: TypeAlias = tuple[str, ...]  # a text, or its singular and its plural

CODE = Path(bot.__file__).parent
TRANSLATED = sorted(languages() - {SOURCE})
METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
KEYWORDS: dict[str, tuple[int, ...] | None] = {"t": None, "n": (1, 2), "_": None}


@cache
def in_the_code() -> frozenset[Texts]:
    """Every text that the code and its templates mark."""
    found = extract_from_dir(CODE, method_map=METHODS, keywords=KEYWORDS)
    return frozenset((said,) if isinstance(said, str) else tuple(said) for _, _, said, _, _ in found)


@cache
def catalogue(language: str) -> Catalog:
    with (CATALOGUES / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


@cache
def translations(language: str) -> dict[Texts, Texts]:
    """Every text of a catalogue and what it becomes."""

    def texts(value: object) -> Texts:
        return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list | tuple) else ()

    return {texts(entry.id): texts(entry.string) for entry in catalogue(language) if entry.id}


def values(text: str) -> set[str | None]:
    """The names in braces."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


# ── the catalogues ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_there_are_words_in_three_languages() -> None:
    assert languages() == {"en", "da", "de"}


def test_the_code_is_searched_for_texts() -> None:
    assert ("Hi {name},",) in in_the_code()
    assert ("The course is finished.",) in in_the_code()
    assert ("{count} day before", "{count} days before") in in_the_code()
    assert ("{count} message", "{count} messages") in in_the_code(), "templates too"
    assert all(all(texts) for texts in in_the_code()), "an empty text would be answered with the catalogue's own header"


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_that_the_code_says_is_translated_and_none_is_stale(language: str) -> None:
    assert translations(language).keys() - in_the_code() == set(), "no longer said"
    assert in_the_code() - translations(language).keys() == set(), "not translated"
    assert not catalogue(language).obsolete


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_translation_is_empty_or_a_guess(language: str) -> None:
    assert all(all(said) for said in translations(language).values())
    assert not any(entry.fuzzy for entry in catalogue(language) if entry.id)


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_translation_has_the_values_of_its_text(language: str) -> None:
    for texts, said in translations(language).items():
        assert len(said) == (1 if len(texts) == 1 else catalogue(language).num_plurals), texts
        for text, translated in zip(texts, said, strict=True):
            assert values(translated) == values(text), (text, translated)


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_ends_as_its_text_ends(language: str) -> None:
    for texts, said in translations(language).items():
        for text, translated in zip(texts, said, strict=True):
            for end in ".:,?":
                assert text.endswith(end) == translated.endswith(end), (text, translated)


def test_every_value_has_a_name() -> None:
    assert all("" not in values(text) for texts in in_the_code() for text in texts)


# ── texts ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ["0 days before", "1 day before", "2 days before", "1,000 days before"]),
        ("da", ["0 dage før", "1 dag før", "2 dage før", "1.000 dage før"]),
        ("de", ["0 Tage vorher", "1 Tag vorher", "2 Tage vorher", "1.000 Tage vorher"]),
    ],
)
def test_a_count_chooses_its_form(language: str, said: list[str]) -> None:
    assert [words(language).n("{count} day before", "{count} days before", n) for n in (0, 1, 2, 1000)] == said


def test_a_text_without_a_translation_is_said_in_english() -> None:
    assert words("da").t("No such text of {name}.", name="Ada") == "No such text of Ada."


@pytest.mark.parametrize("language", sorted(languages()))
@given(
    name=st.one_of(st.text(), st.sampled_from(["{course}", "{0}", "{", "}", "{name!r:>9}", "{{}}", "%s", "%(name)s"]))
)
def test_a_value_stands_as_it_is_whatever_is_in_it(language: str, name: str) -> None:
    greeting = words(language).t("Hi {name},", name=name)
    assert greeting.endswith(f" {name},")
    dated = words(language).n("was due {date}, {count} day ago", "was due {date}, {count} days ago", 2, date=name)
    assert name in dated


# ── dates and numbers ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("language", "friday", "leap_day"),
    [
        ("en", "Friday 12 March 2027", "Tuesday 29 February 2028"),
        ("da", "fredag den 12. marts 2027", "tirsdag den 29. februar 2028"),
        ("de", "Freitag, 12. März 2027", "Dienstag, 29. Februar 2028"),
    ],
)
def test_a_date_has_its_weekday_and_year(language: str, friday: str, leap_day: str) -> None:
    assert words(language).date(date(2027, 3, 12)) == friday
    assert words(language).date(date(2028, 2, 29)) == leap_day


@pytest.mark.parametrize(
    ("language", "said"), [("en", ["Monday", "Sunday"]), ("da", ["mandag", "søndag"]), ("de", ["Montag", "Sonntag"])]
)
def test_a_weekday_is_written_as_within_a_sentence(language: str, said: list[str]) -> None:
    assert [words(language).weekday(n) for n in (0, 6)] == said


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ["0", "50", "33.3", "99.9", "100", "1,234.6"]),
        ("da", ["0", "50", "33,3", "99,9", "100", "1.234,6"]),
        ("de", ["0", "50", "33,3", "99,9", "100", "1.234,6"]),
    ],
)
def test_a_number_has_one_decimal_at_most_and_none_where_it_is_whole(language: str, said: list[str]) -> None:
    assert [words(language).number(value) for value in (0, 50.0, 100 / 3, 99.94, 100, 1234.56)] == said


@pytest.mark.parametrize(
    ("language", "short", "day_and_month", "monday"),
    [
        ("en", "12 Mar 2027", "12 Mar", ("Monday", "Mon")),
        ("da", "12. mar. 2027", "12. mar.", ("mandag", "man")),
        ("de", "12.03.2027", "12. März", ("Montag", "Mo")),
    ],
)
def test_a_calendar_has_short_dates_and_begins_on_monday(
    language: str, short: str, day_and_month: str, monday: tuple[str, str]
) -> None:
    said, day = words(language), date(2027, 3, 12)
    assert (said.short_date(day), said.day_and_month(day)) == (short, day_and_month)
    assert said.weekdays()[0] == monday
    assert len(said.weekdays()) == 7


# ── which language ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        pytest.param(["da"], "da", id="a short code"),
        pytest.param(["da-DK"], "da", id="Slack's locale"),
        pytest.param(["de_AT"], "de", id="with an underscore"),
        pytest.param(["DE"], "de", id="in capitals"),
        pytest.param(["en-US"], "en", id="American"),
        pytest.param(["de-Latn-CH-1996"], "de", id="with everything"),
        pytest.param(["xx"], "en", id="no such language"),
        pytest.param(["dansk"], "en", id="no code"),
        pytest.param([None], "en", id="unknown"),
        pytest.param([""], "en", id="empty"),
        pytest.param(["-"], "en", id="nothing but a dash"),
        pytest.param([], "en", id="nothing asked for"),
        pytest.param([None, "da"], "da", id="the next where the first is unknown"),
        pytest.param(["fr-FR", "de", "da"], "de", id="the first that there are words in"),
        pytest.param(["en-GB", "da"], "en", id="English is a choice too"),
    ],
)
def test_the_first_language_that_there_are_words_in_is_chosen(wanted: list[str | None], language: str) -> None:
    assert choose(*wanted) == language


@given(st.lists(st.none() | st.text(), max_size=3))
def test_whatever_is_asked_for_there_are_words(wanted: list[str | None]) -> None:
    assert words(choose(*wanted)).t("Hi,")
