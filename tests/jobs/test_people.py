"""A dossier becomes the Person of decisions: zone, language, audience, absence."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bot.deadlines.model import Absence, Exemption, Learner, Member, Person
from bot.deadlines.terms import Audience, Policy
from bot.jobs.people import person_of
from bot.settings import Settings
from bot.store import Dossier
from tests.builders import a_policy, copenhagen

SEEN = copenhagen("2027-06-15 08:00")


@pytest.fixture
def settings(no_settings: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    return Settings(default_timezone="Asia/Tokyo", default_language="de")


def a_dossier(learner: dict[str, Any] | None = None, member: dict[str, Any] | None = None) -> Dossier:
    """Somebody of whom the LMS and Slack say this; None: they do not know them."""
    return Dossier(
        person_id=1,
        learner=None if learner is None else Learner(person_id=1, **learner),
        member=None if member is None else Member(slack_id="U1", **member),
        no_match=None,
        status_seen_at=SEEN if member is not None else None,
        assignments=(),
        said=(),
    )


@pytest.mark.parametrize(
    ("slack", "lms", "zone"),
    [
        ("Europe/London", "Europe/Paris", "Europe/London"),
        (None, "Europe/Paris", "Europe/Paris"),
        ("Mars/Olympus", "Europe/Paris", "Europe/Paris"),
        ("../../etc/passwd", "Europe/Paris", "Europe/Paris"),
        (None, "GMT+2:00 Brussels", "Asia/Tokyo"),
        ("", "", "Asia/Tokyo"),
        (None, None, "Asia/Tokyo"),
    ],
)
def test_the_zone_is_slacks_else_the_lmss_else_the_settings(
    settings: Settings, slack: str | None, lms: str | None, zone: str
) -> None:
    assert person_of(a_dossier({"timezone": lms}, {"timezone": slack}), settings).zone == zone


def test_their_exemptions_are_theirs_whatever_day_it_is(settings: Settings) -> None:
    exemptions = (Exemption(), Exemption(course_id=3, until_on=date(2020, 1, 31)))
    assert person_of(replace(a_dossier(), exemptions=exemptions), settings).exemptions == exemptions


@pytest.mark.parametrize(
    ("slack", "lms", "language"),
    [
        ("da-DK", "en", "da"),
        (None, "da", "da"),
        ("fr-FR", "da", "da"),
        ("fr-FR", "sv", "de"),
        (None, None, "de"),
    ],
)
def test_the_language_is_slacks_else_the_lmss_else_the_settings(
    settings: Settings, slack: str | None, lms: str | None, language: str
) -> None:
    assert person_of(a_dossier({"language": lms}, {"locale": slack}), settings).language == language


def absence(settings: Settings, **status: Any) -> Absence | None:
    return person_of(a_dossier({}, status), settings).absence


@pytest.mark.parametrize(
    ("emoji", "text", "is_away"),
    [
        (":palm_tree:", "", True),
        (":baby::skin-tone-3:", "", True),
        (":headphones:", "Focus time", False),
        ("", "On HOLIDAY until Monday", True),
        ("", "Ferie!", True),
        ("", "(urlaub)", True),
        ("", "Holidays are over", False),
        ("", "I leave at five", True),
        ("", "leaves rustle", False),
        ("", "", False),
        (":palm_trees:", "", False),
    ],
)
def test_a_status_with_an_emoji_or_a_word_of_the_policys_says_away(
    settings: Settings, emoji: str, text: str, is_away: bool
) -> None:
    assert (absence(settings, status_emoji=emoji, status_text=text) is not None) is is_away


@pytest.mark.parametrize(
    ("text", "is_away"),
    [
        ("On parental  LEAVE!", True),
        ("parental and annual leave", False),
        ("Außer Haus bis Mai", True),
        ("Haus", False),
    ],
)
def test_several_words_are_looked_for_as_they_stand(settings: Settings, text: str, is_away: bool) -> None:
    policy = a_policy(away={"words": ("parental leave", "außer Haus"), "emoji": ()})
    asked = settings.model_copy(update={"policy": policy})
    assert (absence(asked, status_text=text) is not None) is is_away


def test_an_absence_knows_when_it_was_seen_and_when_it_ends(settings: Settings) -> None:
    until = copenhagen("2027-06-18 08:00")
    assert absence(settings, status_emoji=":palm_tree:", status_until_at=until) == Absence(seen_at=SEEN, until_at=until)
    assert absence(settings, status_emoji=":palm_tree:") == Absence(seen_at=SEEN)


LEARNER = {"email": "Ada@Acme.com", "team_ids": (7,), "department_ids": (3, 4)}


@pytest.mark.parametrize(
    ("audience", "is_in"),
    [
        (Audience(), True),
        (Audience(emails=("ada@acme.COM",)), True),
        (Audience(emails=("bob@acme.com",)), False),
        (Audience(team_ids=(7, 8)), True),
        (Audience(team_ids=(8,)), False),
        (Audience(department_ids=(4,)), True),
        (Audience(department_ids=(5,)), False),
        (Audience(emails=("bob@acme.com",), department_ids=(3,)), True),
    ],
)
def test_the_audience_is_everybody_or_those_of_any_of_its_lists(
    settings: Settings, audience: Audience, is_in: bool
) -> None:
    chosen = settings.model_copy(update={"policy": replace(Policy(), audience=audience)})
    assert person_of(a_dossier(LEARNER), chosen).in_audience is is_in


def test_who_is_in_neither_system_is_inactive_and_has_no_slack_id(settings: Settings) -> None:
    assert person_of(a_dossier(), settings) == Person(
        person_id=1, zone="Asia/Tokyo", active=False, in_audience=True, slack_id=None, language="de"
    )
