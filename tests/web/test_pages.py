from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from remediator.changes import DeclinedCase
from remediator.engine.reporting import BurnPoint, Queue
from remediator.web.pages import burn_chart, diff, plan_page, report_page
from tests.builders import NOON, a_change, a_plan
from tests.web.evil import a_case, an_empty_report, an_evil_plan, an_evil_report

PLAN, CASES = an_evil_plan()
PAGES = {"plan": plan_page(PLAN, CASES), "report": report_page(an_evil_report())}


class Elements(HTMLParser):
    """Collects what a browser would see: tags, and the attributes that could act."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.acting: list[tuple[str, str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name.startswith("on") or name in ("src", "href", "action", "srcdoc", "data", "formaction"):
                self.acting.append((tag, name, value))


@pytest.mark.parametrize("name", PAGES)
def test_no_value_becomes_an_element_or_an_acting_attribute(name: str) -> None:
    seen = Elements(PAGES[name])
    assert seen.tags.count("script") == 1
    assert "img" not in seen.tags
    assert seen.acting == []


@pytest.mark.parametrize("name", PAGES)
def test_no_value_is_read_as_a_template(name: str) -> None:
    assert "{{ 7 * 7 }}" in PAGES[name]


@pytest.mark.parametrize("name", PAGES)
def test_no_invisible_character_reaches_the_page(name: str) -> None:
    hidden = {character for character in PAGES[name] if not character.isprintable() and character != "\n"}
    assert hidden == set()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_loads_nothing(name: str) -> None:
    assert not re.search(r"https?:|//[a-z]|@import|url\(", PAGES[name])


@pytest.mark.parametrize("name", PAGES)
def test_only_our_own_script_may_run(name: str) -> None:
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', PAGES[name])
    assert "default-src 'none'" in policy
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/=]{44}';", policy)


def test_invisible_characters_are_shown_as_code_points() -> None:
    assert '<span class="code">U+202E</span>gnp.exe' in PAGES["plan"]
    assert '<span class="code">U+200B</span>' in PAGES["plan"]
    assert '<span class="code">U+0000</span>' in PAGES["plan"]


def test_only_what_differs_is_marked() -> None:
    assert diff("Serbie", "Serbia") == ("Serbi<del>e</del>", "Serbi<ins>a</ins>")
    assert diff("Newfoundland", "Newfoundland and Labrador") == (
        "Newfoundland",
        "Newfoundland<ins> and Labrador</ins>",
    )


def test_values_with_little_in_common_are_marked_as_a_whole() -> None:
    assert diff("Deutschland", "Germany") == ("<del>Deutschland</del>", "<ins>Germany</ins>")


def test_a_removed_invisible_character_is_the_only_mark() -> None:
    before, after = diff("Technology\u200b", "Technology")
    assert before == 'Technology<del><span class="code">U+200B</span></del>'
    assert after == "Technology"


def test_blanks_at_the_ends_are_shown_and_blanks_between_words_are_not() -> None:
    before, after = diff(" New York ", "New York")
    mark = '<del><span class="code">U+0020</span></del>'
    assert before == f"{mark}New York{mark}"
    assert after == "New York"


@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_value_is_said_to_be_empty(empty: str | None) -> None:
    assert diff(empty, "x") == ('<span class="empty">empty</span>', "<ins>x</ins>")


def test_a_zero_and_a_false_are_not_empty() -> None:
    assert diff(0, False) == ("<del>0</del>", "<ins>False</ins>")


def test_a_long_text_is_compared_by_its_ends() -> None:
    text = "long " * 2_000
    before, after = diff(text + "x", text.strip() + "x")
    assert (before, after) == (f"{text.strip()}<del> </del>x", f"{text.strip()}x")
    assert diff("a" * 50_000, "a" * 100) == (Markup(f"{'a' * 100}<del>{'a' * 49_900}</del>"), "a" * 100)


@given(st.text(max_size=40), st.text(max_size=40))
def test_what_a_diff_shows_is_the_whole_value_and_nothing_else(before: str, after: str) -> None:
    for value, marked in zip((before, after), diff(before, after), strict=True):
        shown = re.sub(r"</?(?:del|ins)>", "", str(marked))
        shown = re.sub(r'<span class="code">U\+([0-9A-F]+)</span>', lambda m: chr(int(m[1], 16)), shown)
        assert Markup(shown).unescape() == (value or '<span class="empty">empty</span>')


def test_a_plan_without_changes_says_so() -> None:
    page = plan_page(a_plan(), {})
    assert "No change is proposed." in page
    assert "remediator review" not in page


def test_a_plan_that_only_declines_says_why() -> None:
    page = plan_page(a_plan(declined=[DeclinedCase(case=1, reason="the record has no country")]), {})
    assert "the record has no country" in page


def test_a_report_of_nothing_says_how_to_begin() -> None:
    page = report_page(an_empty_report())
    assert "No failure has been seen" in page
    assert "remediator scan" in page


def test_a_plan_shows_for_each_cause_what_it_changes_and_what_it_leaves() -> None:
    cases = {number: a_case(number, "Country") for number in (1, 2, 3, 4)}
    plan = a_plan("p1", [a_change("p1-1", cases=(1, 2, 3))], declined=[DeclinedCase(case=4, reason="no")])
    assert "3 of 4 would be changed" in plan_page(plan, cases)


def test_five_thousand_changes_fit_one_page_of_a_few_megabytes() -> None:
    cases = {n: a_case(n, "bad value for restricted picklist field: Gremany " * 3) for n in range(1, 5_001)}
    plan = a_plan("p1", [a_change(f"p1-{n}", cases=(n,), record_id=str(n)) for n in cases])
    page = plan_page(plan, cases)
    assert page.count("<tr data-sure=") == 5_000
    assert len(page.encode()) < 6_000_000


def test_more_changes_than_a_page_shows_are_counted() -> None:
    plan = a_plan("p1", [a_change(f"p1-{n}") for n in range(1, 5_004)])
    assert "3 more changes stand in the plan file" in plan_page(plan, {})


def points(*at: tuple[float, int, int]) -> tuple[BurnPoint, ...]:
    return tuple(
        BurnPoint(at=NOON + timedelta(minutes=minute), command="verify", open=left, cleared=done)
        for minute, left, done in at
    )


def test_the_burn_down_runs_over_time_and_not_over_runs() -> None:
    chart = burn_chart(points((0, 10, 0), (10, 5, 5), (40, 0, 10)), width=400, height=100)
    assert chart["open"] == "M0.0 0.0 H100.0 V50.0 H400.0 V100.0"
    assert chart["cleared"] == "M0.0 100.0 H100.0 V50.0 H400.0 V0.0"


def test_runs_that_changed_nothing_add_no_point_but_the_last() -> None:
    marks = burn_chart(points((0, 10, 0), (1, 10, 0), (2, 10, 0), (3, 4, 6), (4, 4, 6)))["marks"]
    assert isinstance(marks, list)
    assert [mark["x"] for mark in marks] == [0.0, 750.0, 1000.0]


@pytest.mark.parametrize("count", [0, 1])
def test_a_chart_of_almost_nothing_divides_by_nothing(count: int) -> None:
    assert burn_chart(points(*[(0, 0, 0)] * count))["top"] == 1


def test_a_report_says_what_is_on_its_way_and_how_long_the_sync_needs_for_it() -> None:
    queue = Queue(object="Lead", records=1_200, records_per_hour=600, minutes=120)
    page = report_page(replace(an_empty_report(), queues=(queue,)))
    assert "<b>1,200</b><span>Lead records on their way by the native sync, about 120 min</span>" in page
    assert "on their way" not in report_page(an_empty_report())
