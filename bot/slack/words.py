"""The words of one language: gettext catalogues, and dates and numbers by Babel.

Catalogues are `locale/LANGUAGE.po`, compiled in memory at first use: a platform needs no build step, and a text and
its translation can't drift apart unseen (a test compares them). English is the source language and has none.
Values are inserted as they are: who calls escapes what comes from outside.
"""

from __future__ import annotations

import gettext
import io
from datetime import date, time
from functools import lru_cache
from importlib.resources import files

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time, get_day_names
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

SOURCE = "en"
CATALOGUES = files("bot.slack") / "locale"


@lru_cache(maxsize=1)
def languages() -> frozenset[str]:
    """The languages that there are words in, as short codes."""
    found = {entry.name.removesuffix(".po") for entry in CATALOGUES.iterdir() if entry.name.endswith(".po")}
    return frozenset(found | {SOURCE})


def choose(*wanted: str | None) -> str:
    """The first of these codes ("da", "da-DK", "de_AT") that there are words in, else English."""
    for code in wanted:
        short = (code or "").replace("_", "-").partition("-")[0].lower()
        if short in languages():
            return short
    return SOURCE


@lru_cache(maxsize=16)
def words(language: str) -> Words:
    """The words of this language, one of `languages()`."""
    return Words(language)


class Words:
    """Everything that differs from language to language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._locale = Locale.parse("en_GB" if language == SOURCE else language)
        self._catalogue = _catalogue(language)

    def t(self, message: str, **values: object) -> str:
        """A text with its {values}."""
        return self._catalogue.gettext(message).format(**values)

    def n(self, singular: str, plural: str, count: int, **values: object) -> str:
        """A text that depends on {count}."""
        return self._catalogue.ngettext(singular, plural, count).format(count=self.number(count), **values)

    def short_date(self, day: date) -> str:
        """A date without its weekday, "12 Mar 2027"."""
        return format_date(day, "medium", locale=self._locale)

    def day_and_month(self, day: date) -> str:
        """A date without its year, "12 Mar"."""
        return format_skeleton("MMMd", day, locale=self._locale)

    def weekdays(self) -> list[tuple[str, str]]:
        """Each day of a week, Monday first: its name in full and in short."""
        full, short = (get_day_names(width, "stand-alone", self._locale) for width in ("wide", "abbreviated"))
        return [(full[day], short[day].rstrip(".")) for day in range(7)]

    def date(self, day: date) -> str:
        """A date with its weekday, "Friday 12 March 2027"."""
        return format_date(day, "full" if self.language != SOURCE else "EEEE d MMMM y", locale=self._locale)

    def weekday(self, number: int) -> str:
        """A weekday within a sentence, Monday being 0: "Monday", "mandag"."""
        return str(get_day_names("wide", context="format", locale=self._locale)[number])

    def time(self, at: time) -> str:
        """A time of day, "09:30"."""
        return format_time(at, "short", locale=self._locale)

    def number(self, value: float) -> str:
        """A number as this language writes it, with one decimal at most."""
        return format_decimal(round(value, 1), locale=self._locale)


def _catalogue(language: str) -> gettext.NullTranslations:
    if language == SOURCE:
        return gettext.NullTranslations()
    with (CATALOGUES / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
