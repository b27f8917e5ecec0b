from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from remediator.plan import shown
from remediator.web.pages import plan_page, report_page
from tests.web.evil import EVIL, an_evil_plan, an_evil_report

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))),
    None,
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed on this machine")


@pytest.fixture(scope="module")
def _chromium() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


@pytest.fixture
def complaints(_chromium: Page) -> list[str]:
    """What the browser complains about, from here on."""
    found: list[str] = []
    _chromium.on("console", lambda message: found.append(message.text))
    _chromium.on("pageerror", lambda error: found.append(str(error)))
    _chromium.on(
        "request", lambda request: None if request.url.startswith("file:") else found.append(request.url)
    )
    return found


@pytest.fixture
def browser(_chromium: Page) -> Page:
    return _chromium


def opened(browser: Page, folder: Path, text: str) -> Page:
    path = folder / "page.html"
    path.write_text(text, encoding="utf-8")
    browser.goto(path.as_uri())
    return browser


def test_nothing_of_the_data_runs_and_the_filter_works(
    browser: Page, complaints: list[str], tmp_path: Path
) -> None:
    page = opened(browser, tmp_path, plan_page(*an_evil_plan()))
    assert page.title() == "Plan p1"
    rows = page.locator("#changes tbody tr")
    assert rows.count() == len(EVIL)

    page.fill(".tools input", "EXE")
    assert rows.locator("visible=true").count() == 1
    assert page.text_content(".tools output") == f"1 of {len(EVIL)}"

    page.fill(".tools input", "")
    page.select_option("select[name=fixer]", shown(EVIL[2]))
    assert rows.locator("visible=true").count() == 1
    page.hover("#changes tbody tr:visible")

    page = opened(browser, tmp_path, report_page(an_evil_report()))
    assert "owned" not in page.title().split("Sync failures of ")[0]
    page.select_option("select[name=state]", "applied")
    assert page.locator("#changes tbody tr").locator("visible=true").count() == len(EVIL)
    assert complaints == []


def test_a_script_that_got_around_the_escaping_is_stopped_by_the_policy(
    browser: Page, complaints: list[str], tmp_path: Path
) -> None:
    text = plan_page(*an_evil_plan()).replace("<h1>", "<script>document.title = 'owned'</script><h1>")
    assert opened(browser, tmp_path, text).title() == "Plan p1"
    assert any("Content Security Policy" in complaint for complaint in complaints)


@pytest.mark.parametrize("width", [420, 1280])
def test_a_page_is_never_wider_than_its_window(
    width: int, browser: Page, complaints: list[str], tmp_path: Path
) -> None:
    browser.set_viewport_size({"width": width, "height": 800})
    for text in (plan_page(*an_evil_plan()), report_page(an_evil_report())):
        page = opened(browser, tmp_path, text)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert complaints == []
