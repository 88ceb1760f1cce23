"""`preview`: what scripts, a terminal and a reader of the page are told of the next days, by one pull."""

from __future__ import annotations

import json
import re
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.cells import cell_len

from bot.deadlines.forecast import HELD, ForecastDay, Foreseen
from bot.deadlines.forecast import Held as HeldAssignment
from bot.deadlines.model import DUE, Decision, Notice, Reason, Reminder
from bot.jobs.preview import Preview
from bot.preview.as_page import COURSES_IN_ALL, MESSAGES_SHOWN, as_page
from bot.preview.as_text import as_text
from bot.preview.phrases import LABELS
from bot.preview.view import LEVELS, View
from bot.store.sqlite_store import need_existing
from tests.builders import COPENHAGEN, local, on
from tests.company import DAY, Company

AT_EIGHT = ("--now", f"{DAY}T08:00:00+02:00")
NEW_YORK = "America/New_York"
HOSTILE = {
    "script": "<script>alert(1)</script>",
    "image": '"><img src=x onerror=alert(1)>',
    "attribute": "' onmouseover='alert(1)",
    "template": "{{ 7*7 }}{% raw %}",
    "markup": "[bold red]x[/bold red] [/]",
    "bidi": "\u202eesrever\u2066 \u200fmark",
    "controls": "bell\x07 esc\x1b[31m line\nline\u2028line",
    "long": "L" * 10_000,
    "word": "W" * 300,
    "wide": "漢字" * 200,
    "style": "</style><style>*{display:none}</style>",
}
TURNING = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\x00-\x09\x0b-\x1f\x7f]")
VOID = {"meta", "wbr"}
ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "main", "header", "footer", "section", "h1", "h2", "h3", "p",
    "dl", "div", "dt", "dd", "data", "ul", "li", "strong", "table", "caption", "thead", "tbody", "tr", "th", "td", "a",
    "span", "time", "i", "details", "summary", "bdi", "code", "wbr",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "class", "value", "aria-labelledby", "aria-hidden", "id",
    "scope", "abbr", "datetime", "href", "data-day", "data-reason",
}  # fmt: skip


class Seen(HTMLParser):
    """What a browser makes of a page: its elements in order, each with attributes and text; and whether it nests."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self.nests, self.open = True, list[int]()
        self.feed(html)
        self.close()
        self.nests = self.nests and not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}, []))
        if tag not in VOID:
            self.open.append(len(self.elements) - 1)

    def handle_endtag(self, tag: str) -> None:
        self.nests = self.nests and bool(self.open) and self.elements[self.open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        for n in self.open:
            self.elements[n][2].append(data)

    def texts(self, tag: str, **wanted: str) -> list[str]:
        """What stands in each of these elements, on one line."""
        found = (e for e in self.elements if e[0] == tag and wanted.items() <= e[1].items())
        return [" ".join("".join(texts).split()) for _, _, texts in found]

    def values(self, name: str) -> list[int]:
        """The number in each <data> of this class."""
        return [
            int(a["value"]) for tag, a, _ in self.elements if tag == "data" and a.get("class", "").split()[:1] == [name]
        ]


def small(company: Company) -> None:
    """Somebody with two courses, somebody on the other side of the sea, somebody whom Slack does not know."""
    company.hire(1, first_name="Ada", last_name="Byron").assign(1, 1, DAY).assign(1, 2, "2027-06-22")
    company.hire(2, zone=NEW_YORK, country="US", first_name="Bo", last_name="").assign(2, 1, "2027-06-17")
    company.hire(3, first_name="Cy", last_name="Q").assign(3, 1, DAY)
    company.slack.users["U03"].email = "other@example.com"


def hostile(company: Company) -> None:
    """A company whose names and titles try everything."""
    for n, text in enumerate(HOSTILE.values(), 1):
        company.course(n, text)
        company.hire(n, first_name=text, last_name=text).assign(n, n, DAY)
    company.hire(90, first_name=HOSTILE["script"], last_name=HOSTILE["bidi"]).assign(90, 2, "2027-02-30")
    company.assign(90, 3, "<img src=x>\u202e\x1b[31m")


async def told(company: Company, *arguments: str, **changed: str | None) -> dict[str, Any]:
    """`preview --json` of a company that was pulled."""
    done = await company.called("preview", "--json", *AT_EIGHT, *arguments, **changed)
    assert (done.code, done.err, done.out.count("\n")) == (0, "", 1)
    found = json.loads(done.out)
    assert isinstance(found, dict)
    return found


async def page_of(company: Company, *arguments: str, **changed: str | None) -> str:
    """`preview --html`, read."""
    done = await company.called("preview", *AT_EIGHT, "--html", "page.html", *arguments, **changed)
    assert (done.code, done.err) == (0, "")
    return (company.folder / "page.html").read_text(encoding="utf-8")


def a_message(person_id: int, *, course_ids: Sequence[int] = (1,), day: str = DAY) -> Foreseen:
    """A DM at half past nine with these courses, due that day."""
    reminders = tuple(Reminder(course_id=n, step=DUE, deadline_on=on(day)) for n in course_ids)
    notice = Notice(person_id=person_id, slack_id=f"U0{person_id}", local_on=on(day), reminders=reminders)
    return Foreseen(at=local(f"{day} 09:30").astimezone(ZoneInfo(COPENHAGEN)), notice=notice)


def a_day(day: str, notices: list[Foreseen]) -> ForecastDay:
    """A day with these messages."""
    return ForecastDay(on=on(day), notices=notices)


AWAY = Decision(reason=Reason.AWAY)  # it waits for their return


@contextmanager
def the_view(company: Company, days: list[ForecastDay]) -> Iterator[View]:
    """These days as the company's forecast, to be shown."""
    with closing(need_existing(company.database)) as store:
        at = local(f"{DAY} 08:00")
        foreseen = Preview(now=at, today=days[0].on, pulled_at=at, days=days)
        yield View.of(company.settings(), store, foreseen)


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_as_json_it_is_what_the_interface_promises(company: Company) -> None:
    small(company)
    await company.pulled(f"{DAY} 07:00")
    found = await told(company, "--days", "3")
    assert found.pop("policy_digest")
    assert found == {
        "days": [
            {
                "date": "2027-06-15",
                "notices": [
                    {
                        "person": 1,
                        "slack_id": "U01",
                        "at": "2027-06-15T09:30:00+02:00",
                        "reminders": [
                            {"course_id": 1, "step": "due", "deadline": "2027-06-15"},
                            {"course_id": 2, "step": "before-7", "deadline": "2027-06-22"},
                        ],
                    },
                    {
                        "person": 2,
                        "slack_id": "U02",
                        "at": "2027-06-15T09:30:00-04:00",
                        "reminders": [{"course_id": 1, "step": "before-2", "deadline": "2027-06-17"}],
                    },
                ],
                "held": {"no_slack_match": 1},
            },
            {
                "date": "2027-06-16",
                "notices": [
                    {
                        "person": 1,
                        "slack_id": "U01",
                        "at": "2027-06-16T09:30:00+02:00",
                        "reminders": [{"course_id": 1, "step": "overdue-1", "deadline": "2027-06-15"}],
                    }
                ],
                "held": {"no_slack_match": 1},
            },
            {
                "date": "2027-06-17",
                "notices": [
                    {
                        "person": 2,
                        "slack_id": "U02",
                        "at": "2027-06-17T09:30:00-04:00",
                        "reminders": [{"course_id": 1, "step": "due", "deadline": "2027-06-17"}],
                    }
                ],
                "held": {"no_slack_match": 1},
            },
        ],
        "now": "2027-06-15T06:00:00+00:00",
        "pulled_at": "2027-06-15T05:00:00+00:00",
        "stale": False,
    }
    assert company.slack.posts == []


async def test_as_json_a_day_that_would_freeze_says_so_and_why(company: Company) -> None:
    company.crowd(3)
    company.policy_text += "[freeze]\nfirst_pass_people = 2\n"
    await company.pulled(f"{DAY} 07:00")
    first, *others = (await told(company))["days"]
    assert first["frozen"] is True
    assert ["would message 3 people" in text for text in first["freezes"]] == [True]
    assert not any(key in day for day in others for key in ("frozen", "freezes"))
    assert len(first["notices"]) == 3


@pytest.mark.parametrize(("days", "last"), [(None, "2027-06-28"), ("1", "2027-06-15"), ("366", "2028-06-14")])
async def test_today_is_the_first_day_and_two_weeks_are_told_of_unless_asked(
    company: Company, days: str | None, last: str
) -> None:
    company.crowd(1)
    await company.pulled(f"{DAY} 07:00")
    found = await told(company, *(("--days", days) if days else ()))
    assert (found["days"][0]["date"], found["days"][-1]["date"]) == ("2027-06-15", last)


@pytest.mark.parametrize("days", ["0", "367", "-1", "two"])
async def test_other_numbers_of_days_are_wrong_usage(company: Company, days: str) -> None:
    done = await company.called("preview", "--days", days)
    assert done.code == 2
    assert "--days" in done.last_line


async def test_it_needs_no_token_of_anybody(company: Company) -> None:
    company.crowd(1)
    await company.pulled(f"{DAY} 07:00")
    nothing = dict.fromkeys(
        ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "ELOOMI_CLIENT_ID", "ELOOMI_CLIENT_SECRET", "ELOOMI_COURSE_URL")
    )
    assert len((await told(company, **nothing))["days"][0]["notices"]) == 1


async def test_on_an_empty_store_it_says_so_and_writes_no_page(company: Company) -> None:
    missing = await company.called("preview", "--json")
    async with company.workspace():
        pass
    never_pulled = await company.called("preview", "--html", "page.html")
    for done in (missing, never_pulled):
        assert done.code == 1
        assert "is empty" in done.last_line
    assert json.loads(missing.out)["error"]["code"] == "store_empty"
    assert not list(company.folder.glob("*.html"))


# ── the terminal ─────────────────────────────────────────────────────────────────────────────────────────────────────


SMALL = """\
Forecast from Tuesday 15 June 2027 to Monday 21 June 2027. Nothing is sent.
By the data pulled at 2027-06-15 05:00 UTC and the policy DIGEST.
6 messages to 2 people on 5 days.
╭──────────┬──────────┬──────────┬──────────┬──────────┬──────────┬──────────╮
│ Mon      │ Tue      │ Wed      │ Thu      │ Fri      │ Sat      │ Sun      │
├──────────┼──────────┼──────────┼──────────┼──────────┼──────────┼──────────┤
│          │ 15 Jun   │ 16 Jun   │ 17 Jun   │ 18 Jun   │ 19 Jun   │ 20 Jun   │
│          │ 2        │ 1        │ 1        │ 1        │ ~1       │ ~1       │
│          │ ~1       │ ~1       │ ~1       │ ~1       │          │          │
├──────────┼──────────┼──────────┼──────────┼──────────┼──────────┼──────────┤
│ 21 Jun   │          │          │          │          │          │          │
│ 1        │          │          │          │          │          │          │
│ ~2       │          │          │          │          │          │          │
╰──────────┴──────────┴──────────┴──────────┴──────────┴──────────┴──────────╯
A day's number is its messages; ~ assignments held back. Times below are each person's own.

Tuesday 15 June 2027: 2 messages
  09:30 Ada Byron (LMS 1): Fire (due), Gdpr (before-7)
  09:30 Bo (LMS 2): Fire (before-2)

Wednesday 16 June 2027: 1 message
  09:30 Ada Byron (LMS 1): Fire (overdue-1)

Thursday 17 June 2027: 1 message
  09:30 Bo (LMS 2): Fire (due)

Friday 18 June 2027: 1 message
  09:30 Ada Byron (LMS 1): Gdpr (before-2)

Monday 21 June 2027: 1 message
  09:30 Bo (LMS 2): Fire (overdue-1)

Goes to nobody until somebody acts:
  Not found in Slack (no_slack_match): on 7 days, up to 1 assignment
    Cy Q (LMS 3), Fire: Due Tuesday 15 June 2027. Nobody in Slack has this e-mail address.

Waits, and passes by itself:
  Enough reminders for now (capped): on 1 day, 1 assignment
    Ada Byron (LMS 1), Fire: Due Tuesday 15 June 2027. There were several reminders in the last 7 days; this one \
waits. A reminder can go out on Tuesday 22 June
    2027 at the earliest.
"""


async def test_on_a_terminal_there_is_a_calendar_and_who_hears_what(company: Company) -> None:
    small(company)
    await company.pulled(f"{DAY} 07:00")
    done = await company.called("preview", *AT_EIGHT, "--days", "7")
    assert (done.code, done.err) == (0, "")
    assert re.sub(r"policy \w+\.", "policy DIGEST.", done.out) == SMALL


async def test_a_day_that_would_freeze_is_marked_and_says_what_to_do(company: Company) -> None:
    company.crowd(3)
    company.policy_text += "[freeze]\nfirst_pass_people = 2\n"
    await company.pulled(f"{DAY} 07:00")
    out = (await company.called("preview", *AT_EIGHT)).out
    assert out.count("│ !frozen  │") == 1
    assert "Tuesday 15 June 2027: the first pass of this installation would message 3 people" in out
    assert "run: deadline-bot approve" in out


async def test_what_does_not_fit_is_counted(company: Company) -> None:
    company.crowd(8)
    for course_id in range(4, 9):
        company.course(course_id, f"Course {course_id}").assign(1, course_id, DAY)
    company.assign(1, 2, DAY).assign(1, 3, DAY)
    await company.pulled(f"{DAY} 07:00")
    out = (await company.called("preview", *AT_EIGHT, "--days", "1")).out
    assert "        … and 3 more\n" in out
    assert "3 more\n" in out.split("(LMS 1): ")[1].split("09:30")[0]


async def test_at_eighty_columns_nothing_is_wider_and_nothing_steers_the_terminal(company: Company) -> None:
    hostile(company)
    await company.pulled(f"{DAY} 07:00")
    done = await company.called("preview", *AT_EIGHT)
    with the_view(company, [a_day(DAY, [a_message(n, course_ids=(n,)) for n in range(1, 6)])]) as view:
        narrow = as_text(view, width=80, colour=False)
    for text in (done.out, narrow):
        assert not TURNING.search(text)
        assert "[bold red]x[/bold red] [/]" in text, "markup is text"
    assert max(map(cell_len, narrow.splitlines())) <= 80
    assert max(map(cell_len, done.out.splitlines())) <= 160


async def test_colour_is_only_where_it_is_asked_for(company: Company) -> None:
    company.crowd(2)
    await company.pulled(f"{DAY} 07:00")
    with the_view(company, [a_day(DAY, [a_message(1)]), a_day("2027-06-16", [])]) as view:
        plain, coloured = (as_text(view, width=80, colour=colour) for colour in (False, True))
    assert "\x1b[" in coloured
    assert [line.rstrip() for line in re.sub(r"\x1b\[[\d;]*m", "", coloured).splitlines()] == plain.splitlines()


def nobody_has_anything(company: Company) -> None:
    company.hire(1)


def everybody_is_done(company: Company) -> None:
    company.hire(1).assign(1, 1, DAY, status="completed", completed_at="2027-06-01 08:00:00")


def nobody_is_in_slack(company: Company) -> None:
    company.crowd(1)
    company.slack.users["U01"].email = "other@example.com"


@pytest.mark.parametrize(
    ("prepare", "line"),
    [
        (nobody_has_anything, "No messages: the last pull brought no assignment."),
        (everybody_is_done, "No messages: no open required course has a reminder due in these days."),
        (nobody_is_in_slack, "No messages: all that there is to say is held back."),
    ],
)
async def test_an_empty_forecast_says_in_one_line_why(company: Company, prepare: Any, line: str) -> None:
    prepare(company)
    await company.pulled(f"{DAY} 07:00")
    done = await company.called("preview", *AT_EIGHT)
    page = Seen(await page_of(company))
    assert done.out.splitlines()[2] == line
    assert "│" not in done.out, "no calendar of nothing"
    assert page.texts("p", **{"class": "empty"}) == [line]
    assert "calendar" not in {a.get("class") for _, a, _ in page.elements}


@pytest.mark.parametrize(
    ("pulled", "said"),
    [
        pytest.param("2027-06-14 08:00", "That data is 24 hours old", id="a day ago"),
        pytest.param("2027-06-15 02:00", "", id="six hours ago"),
        pytest.param("2027-06-15 09:00", "", id="later than --now"),
    ],
)
async def test_data_too_old_to_send_by_is_told_to_be_so(company: Company, pulled: str, said: str) -> None:
    company.crowd(1)
    await company.pulled(pulled)
    done, page = await company.called("preview", *AT_EIGHT), await page_of(company)
    assert ("That data is" in done.out, "That data is" in page) == (bool(said), bool(said))
    assert said in done.out
    assert said in page
    assert (await told(company))["stale"] is bool(said)
    assert "4 messages to 1 person on 4 days." in done.out, "a forecast all the same"


# ── the page ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_every_number_on_the_page_is_the_json_s(company: Company) -> None:
    company.crowd(9, deadline="2027-06-22")
    company.slack.users["U09"].email = "other@example.com"
    company.policy_text += "[freeze]\nfirst_pass_people = 2\n"
    await company.pulled(f"{DAY} 07:00")
    days, page = (await told(company))["days"], Seen(await page_of(company))
    messages, held = [len(day["notices"]) for day in days], [sum(day["held"].values()) for day in days]
    assert any(held)
    figures = [int(text) for text in page.texts("dd")]
    people = {notice["person"] for day in days for notice in day["notices"]}
    freezes = sum(day.get("frozen", False) for day in days)
    assert figures == [sum(messages), len(people), sum(map(bool, messages)), max(held), freezes]
    assert page.values("count") == messages
    assert page.values("held") == [n for n in held if n]
    assert page.values("why") == [n for day in days for n in day["held"].values()]
    assert len(page.texts("span", **{"class": "frozen"})) == freezes == 1


async def test_each_message_stands_on_the_page_with_its_time_its_person_and_its_courses(company: Company) -> None:
    small(company)
    await company.pulled(f"{DAY} 07:00")
    html = await page_of(company, "--days", "1")
    assert Seen(html).texts("th", scope="row")[:2] == ["Ada Byron LMS 1", "Bo LMS 2"]
    listed = Seen(html.split('<table class="list" data-day="2027-06-15">')[1].split("</table>")[0])
    assert listed.texts("td") == [
        "09:30 Europe/Copenhagen",
        "Fire on the day it is due · due 15 Jun 2027 Gdpr 7 days before · due 22 Jun 2027",
        "09:30 America/New York",
        "Fire 2 days before · due 17 Jun 2027",
    ]
    assert [a["datetime"] for tag, a, _ in listed.elements if tag == "time"] == [
        "2027-06-15T09:30:00+02:00",
        "2027-06-15T09:30:00-04:00",
    ]
    assert "Nobody in Slack has this e-mail address." in html


async def test_a_page_fetches_nothing_runs_nothing_and_is_a_page(company: Company) -> None:
    small(company)
    await company.pulled(f"{DAY} 07:00")
    html = await page_of(company)
    page = Seen(html)
    assert page.nests
    assert html.startswith("<!doctype html>")
    policy = next(a["content"] for _, a, _ in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline';")
    assert "url(" not in html
    assert "@import" not in html
    ids = [a["id"] for _, a, _ in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    assert {a["href"] for _, a, _ in page.elements if "href" in a} <= {f"#{one}" for one in ids}
    assert page.texts("caption") != []
    assert all(a.get("scope") in ("col", "row") for tag, a, _ in page.elements if tag == "th")


async def test_what_names_and_titles_say_is_text_and_nothing_else(company: Company) -> None:
    hostile(company)
    await company.pulled(f"{DAY} 07:00")
    html = await page_of(company)
    page = Seen(html)
    assert page.nests
    assert {tag for tag, _, _ in page.elements} <= ALLOWED
    assert {name for _, attributes, _ in page.elements for name in attributes} <= ATTRIBUTES
    assert sum(tag == "style" for tag, _, _ in page.elements) == 1
    names = page.texts("bdi")
    for text in ("script", "image", "attribute", "template", "style"):
        assert HOSTILE[text] in names
    assert not TURNING.search(html)
    assert max(map(len, names)) == 80
    assert f"{'L' * 79}…" in names


@pytest.mark.parametrize(
    ("language", "heading", "message"),
    [("da", "Prognose for påmindelser", "1 besked"), ("de", "Vorschau der Erinnerungen", "1 Nachricht")],
)
async def test_the_page_speaks_the_default_language(
    company: Company, language: str, heading: str, message: str
) -> None:
    company.crowd(1)
    await company.pulled(f"{DAY} 07:00")
    html = await page_of(company, DEFAULT_LANGUAGE=language)
    assert f'<html lang="{language}">' in html
    assert Seen(html).texts("h1") == [heading]
    assert message in Seen(html).texts("data")


async def test_a_page_of_any_company_is_small_and_counts_what_it_leaves_out(company: Company) -> None:
    for course_id in range(1, 13):
        company.course(course_id, "<" * 500)
    company.crowd(1)
    await company.pulled(f"{DAY} 07:00")
    everything = [a_message(n, course_ids=tuple(range(1, 13))) for n in range(1, MESSAGES_SHOWN + 101)]
    few = [a_message(n) for n in range(1, MESSAGES_SHOWN + 101)]
    with the_view(company, [a_day(DAY, few)]) as view:
        by_messages = Seen(as_page(view))
    with the_view(company, [a_day(str(on(DAY) + timedelta(days=n)), everything) for n in range(14)]) as view:
        html = as_page(view)
    assert by_messages.values("more") == [100]
    assert len(html) < 8_000_000, "titles of nothing but <, which takes four characters each"
    shown = html.count("<li><bdi>")
    assert 0.9 * COURSES_IN_ALL < shown <= COURSES_IN_ALL + 14 * 10
    left_out = sum(map(int, re.findall(r'<data class="more" value="(\d+)"', html)))
    assert left_out + html.count('<th scope="row">') == 14 * len(everything)


# ── its file ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_one_line_says_where_the_page_is_and_json_stays_alone_on_stdout(company: Company) -> None:
    company.crowd(2)
    await company.pulled(f"{DAY} 07:00")
    line = "Page written: page.html (2 messages to 2 people in 1 day).\n"
    (company.folder / "page.html").write_text("an older one, longer than nothing")
    arguments = ("preview", *AT_EIGHT, "--days", "1", "--html", "page.html")
    done, both = await company.called(*arguments), await company.called(*arguments, "--json")
    assert (done.code, done.out, done.err) == (0, line, "")
    assert (both.code, both.err) == (0, line)
    assert len(json.loads(both.out)["days"]) == 1
    file = company.folder / "page.html"
    assert file.read_text(encoding="utf-8").endswith("</html>\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600, "it names people"
    assert not list(company.folder.glob(".deadline-bot-*"))


@pytest.mark.parametrize("file", ["no-such-folder/page.html", ".", "policy.toml/page.html", "/dev/null", "x" * 300])
async def test_a_file_that_cannot_be_written_is_named_in_one_line(company: Company, file: str) -> None:
    company.crowd(1)
    await company.pulled(f"{DAY} 07:00")
    done = await company.called("preview", *AT_EIGHT, "--html", file, "--json")
    assert done.code == 1
    assert file in done.last_line
    assert "cannot be written" in done.last_line
    assert json.loads(done.out)["error"]["code"] == "file"
    assert not list(company.folder.glob(".deadline-bot-*"))


async def test_a_link_is_followed(company: Company) -> None:
    company.crowd(1)
    await company.pulled(f"{DAY} 07:00")
    (company.folder / "page.html").symlink_to(company.folder / "real.html")
    assert "1 message" in await page_of(company)
    assert (company.folder / "page.html").is_symlink()


# ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_reason_that_holds_something_back_has_a_short_name() -> None:
    assert set(LABELS) == HELD


async def test_a_darker_day_has_more_messages_and_only_an_empty_one_has_no_shade(company: Company) -> None:
    await company.pulled(f"{DAY} 07:00")
    counts = [0, 1, 5, 20, 60, 100]
    days = [a_day(str(on(DAY) + timedelta(days=n)), [a_message(p) for p in range(k)]) for n, k in enumerate(counts)]
    with the_view(company, days) as view:
        levels = [view.level(day) for day in days]
    assert levels == sorted(levels)
    assert (levels[0], levels[1], levels[-1]) == (0, 1, LEVELS)


async def test_weeks_run_from_monday_to_sunday_around_the_days(company: Company) -> None:
    await company.pulled(f"{DAY} 07:00")
    with the_view(company, [a_day(day, []) for day in ("2027-06-13", "2027-06-14", "2027-06-15")]) as view:
        weeks = [[(str(day), known is not None) for day, known in week] for week in view.weeks()]
    assert [week[0][0] for week in weeks] == ["2027-06-07", "2027-06-14"]
    assert [day for week in weeks for day, known in week if known] == ["2027-06-13", "2027-06-14", "2027-06-15"]


async def test_an_assignment_that_is_held_back_for_days_is_one_example(company: Company) -> None:
    await company.pulled(f"{DAY} 07:00")
    held = [HeldAssignment(person_id=n, zone=COPENHAGEN, course_id=1, decision=AWAY) for n in range(5)]
    days = [replace(a_day(day, []), held=Counter({Reason.AWAY: 5}), examples=held) for day in (DAY, "2027-06-16")]
    with the_view(company, days) as view:
        (back,) = view.held_back(3)
    assert (back.reason, back.most, back.days, back.waits) == (Reason.AWAY, 5, 2, True)
    assert back.examples == tuple(held[:3])
