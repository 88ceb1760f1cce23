"""What a manager's digest says, that all of it stands in text and blocks, and that no name can do anything in Slack."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from hypothesis import given

from bot.demo.slack_rules import check_blocks
from bot.slack.messages import POST_MOST, SECTION_MOST, Block
from bot.slack.team_digest import PEOPLE_MOST, Missed, Report, team_digest
from bot.slack.words import languages, words
from tests.builders import on
from tests.slack.test_messages import HOSTILE, PINGS, assert_harmless

MONDAY = 0
LONGEST = "&" * 500  # each sign takes five characters when escaped


def missed(title: str = "Fire safety", deadline: str = "2027-06-01", days: int = 14, **facts: Any) -> Missed:
    """A course that was due on a Tuesday, two weeks ago."""
    return Missed(title=title, deadline_on=on(deadline), days=days, **facts)


def a_report(name: str = "Bo Berg", *courses: Missed) -> Report:
    """Somebody with these courses, or with one."""
    return Report(name=name, missed=courses or (missed(),))


def a_digest(
    *reports: Report, language: str = "en", first_name: str = "Ada", weekday: int = MONDAY
) -> tuple[str, tuple[Block, ...]]:
    return team_digest(words(language), reports, first_name=first_name, weekday=weekday)


def sections(blocks: tuple[Block, ...]) -> list[str]:
    return [block["text"]["text"] for block in blocks]


# ── wording ──────────────────────────────────────────────────────────────────────────────────────────────────────────

TOLD = {
    "en": """Hi Ada, these 3 courses of your team are overdue:

Cy Cruz
• Gdpr – its date, Thursday 3 June 2027, was past already when they got it (new)

Bo Berg
• Fire safety – was due Tuesday 1 June 2027, 14 days ago
• Ladder – was due Monday 7 June 2027, 8 days ago; it can no longer be taken

Please ask them when they plan to finish.
I look every Monday and write only when this list has changed, or four weeks after the last one.""",
    "da": """Hej Ada, disse 3 kurser i dit team har overskredet deres frist:

Cy Cruz
• Gdpr – fristen, torsdag den 3. juni 2027, var allerede overskredet, da kurset blev tildelt (nyt)

Bo Berg
• Fire safety – havde frist tirsdag den 1. juni 2027, for 14 dage siden
• Ladder – havde frist mandag den 7. juni 2027, for 8 dage siden; det kan ikke længere tages

Spørg dem gerne, hvornår de regner med at blive færdige.
Jeg ser efter hver mandag og skriver kun, når listen har ændret sig, eller fire uger efter den seneste.""",
    "de": """Hallo Ada, diese 3 Kurse in deinem Team sind überfällig:

Cy Cruz
• Gdpr – die Frist, Donnerstag, 3. Juni 2027, war bei der Zuweisung schon vorbei (neu)

Bo Berg
• Fire safety – war fällig am Dienstag, 1. Juni 2027, vor 14 Tagen
• Ladder – war fällig am Montag, 7. Juni 2027, vor 8 Tagen; er kann nicht mehr belegt werden

Bitte frag nach, bis wann sie fertig sein wollen.
Ich sehe jeden Montag nach und schreibe nur, wenn sich diese Liste geändert hat, oder vier Wochen nach der letzten.""",
}


@pytest.mark.parametrize("language", sorted(languages()))
def test_it_says_who_is_late_with_what_in_every_language(language: str) -> None:
    bo = a_report("Bo Berg", missed(), missed("Ladder", "2027-06-07", 8, locked=True))
    cy = a_report("Cy Cruz", missed("Gdpr", "2027-06-03", 12, assigned_late=True, is_new=True))
    text, blocks = a_digest(bo, cy, language=language)
    assert text == TOLD[language]
    assert "\n\n".join(sections(blocks)).replace("*", "") == text
    assert sections(blocks)[1].startswith("*Cy Cruz*\n• Gdpr – ")


def test_of_a_single_course_it_speaks_in_the_singular() -> None:
    assert a_digest(a_report())[0].startswith("Hi Ada, this course of your team is overdue:\n\nBo Berg\n")


def test_a_manager_without_a_name_is_greeted_all_the_same() -> None:
    assert a_digest(a_report(), first_name=" ")[0].startswith("Hi, this course")


@pytest.mark.parametrize(
    ("language", "weekday", "said"),
    [("en", 6, "every Sunday"), ("da", 2, "hver onsdag"), ("de", 4, "jeden Freitag")],
)
def test_it_names_the_policys_weekday(language: str, weekday: int, said: str) -> None:
    assert said in a_digest(a_report(), language=language, weekday=weekday)[0]


def test_people_with_something_new_lead_then_the_earliest_deadline_then_the_name() -> None:
    reports = [
        a_report("Dora", missed(deadline="2027-06-02")),
        a_report("bea", missed(deadline="2027-06-03"), missed(deadline="2027-06-01")),
        a_report("Ali", missed(deadline="2027-06-02")),
        a_report("Carl", missed(deadline="2027-06-04"), missed(deadline="2027-06-05", is_new=True)),
    ]
    assert [name.split("*")[1] for name in sections(a_digest(*reports)[1])[1:-1]] == ["Carl", "bea", "Ali", "Dora"]


# ── many, and long ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("people", "shown", "rest"),
    [(40, 40, None), (41, 40, "… and 1 more person."), (300, 40, "… and 260 more people.")],
)
def test_forty_people_are_shown_and_the_others_counted(people: int, shown: int, rest: str | None) -> None:
    text, blocks = a_digest(*(a_report(f"Person {n:03}") for n in range(people)))
    assert check_blocks(list(blocks)) == []
    assert text.startswith(f"Hi Ada, these {people} courses")
    assert re.findall(r"^Person (\d+)$", text, re.MULTILINE) == [f"{n:03}" for n in range(shown)]
    assert sum(part.startswith("*Person") for part in sections(blocks)) == shown == min(people, PEOPLE_MOST)
    assert rest is None or (rest in sections(blocks) and rest in text.split("\n\n"))


@pytest.mark.parametrize("language", sorted(languages()))
@pytest.mark.parametrize("courses", [1, 3, 4, 60])
@pytest.mark.parametrize("people", [1, 300])
def test_the_longest_names_and_titles_fit_and_no_line_is_cut(language: str, courses: int, people: int) -> None:
    listed = [missed(LONGEST, locked=True, is_new=True, days=10_000)] * courses
    text, blocks = a_digest(*[a_report(LONGEST, *listed)] * people, language=language, first_name=LONGEST)
    assert check_blocks(list(blocks)) == []
    assert len(text) <= POST_MOST
    assert all(len(part) <= SECTION_MOST + 50 for part in sections(blocks))
    assert "\n\n".join(sections(blocks)).replace("*", "") == text
    assert_harmless(text)


def test_courses_of_one_person_that_do_not_fit_are_counted() -> None:
    text, blocks = a_digest(a_report("Bo", *(missed(f"Course {n}") for n in range(100))))
    shown = sections(blocks)[1].count("• ")
    assert 30 < shown < 100
    assert sections(blocks)[1].endswith(f"\n… and {100 - shown} more.")
    assert text.startswith("Hi Ada, these 100 courses")


# ── hostile text ─────────────────────────────────────────────────────────────────────────────────────────────────────


@given(name=HOSTILE, title=HOSTILE, first_name=HOSTILE)
def test_no_name_and_no_title_can_ping_link_or_break_it(name: str, title: str, first_name: str) -> None:
    text, blocks = a_digest(a_report(name, missed(title)), first_name=first_name)
    for part in (text, *sections(blocks)):
        assert_harmless(part)
    assert len(text.splitlines()) == len(a_digest(a_report())[0].splitlines()), "a name stays on its line"
    assert all(block["text"]["verbatim"] is True for block in blocks)


@pytest.mark.parametrize("ping", PINGS)
def test_a_ping_in_a_name_or_a_title_is_shown_as_it_is_written(ping: str) -> None:
    _, _, name, course, *_ = a_digest(a_report(ping, missed(ping)))[0].splitlines()
    assert html.unescape(name) == ping
    assert html.unescape(course).startswith(f"• {ping} – was due")
