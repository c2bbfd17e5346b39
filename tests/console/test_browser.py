"""The page in a real browser: it shows what it should, runs nothing, asks for nothing, fits a phone, and prints."""

import re
from pathlib import Path
from typing import Any

import pytest

from stillwatch.console.page import page
from tests.console.answers import answer, every_kind, large, old
from tests.console.browser import Browser
from tests.console.hostile import PAYLOADS, written

pytestmark = pytest.mark.slow

OVER = """[...document.querySelectorAll('p, td, th, dt, dd, li, h2, h4, svg')].filter(
    e => !e.closest('.stack thead') && e.getBoundingClientRect().right > %d + .5).length"""
"""Elements that reach over the right edge at a width, thus what a hidden overflow would cut off."""


def page_of(tmp_path: Path, given: dict[str, Any]) -> Path:
    place = tmp_path / "page.html"
    place.write_bytes(page(given).encode())
    return place


def hostile(*, structure: bool) -> dict[str, Any]:
    """One page with every payload: each finding holds another one in all of its strings."""
    given = every_kind()
    kinds = given["campaigns"]
    given["campaigns"] = [
        written(kinds[at % len(kinds)], text, structure=structure) for at, text in enumerate(PAYLOADS)
    ]
    given["run"] = written(given["run"], "".join(PAYLOADS[:8]), structure=structure)
    return given


def test_a_page_is_shown_with_its_style_and_its_anchors(browser: Browser, tmp_path: Path) -> None:
    browser.open(page_of(tmp_path, every_kind()))
    assert browser.value("document.title") == "Stillwatch: findings, 5 Oct 2026 to 1 Nov 2026"
    for finding in every_kind()["campaigns"]:
        assert browser.value(f"document.getElementById('{finding['campaign_id']}') !== null")
    assert browser.value("getComputedStyle(document.body).backgroundColor") == "rgb(247, 245, 240)"
    assert browser.value("document.querySelector('.map circle.edge').getBoundingClientRect().width") > 50
    assert not browser.told("Log.entryAdded") and not browser.told("Runtime.exceptionThrown")


def test_a_dark_screen_gets_a_dark_page(browser: Browser, tmp_path: Path) -> None:
    browser.open(page_of(tmp_path, every_kind()), scheme="dark")
    assert browser.value("getComputedStyle(document.body).backgroundColor") == "rgb(19, 22, 27)"


@pytest.mark.parametrize("structure", [False, True], ids=["names and texts", "every string"])
def test_hostile_strings_run_nothing_load_nothing_and_add_nothing(
    browser: Browser, tmp_path: Path, structure: bool
) -> None:
    place = page_of(tmp_path, hostile(structure=structure))
    browser.open(place)
    browser.value("document.querySelectorAll('*').forEach(e => e.dispatchEvent(new Event('mouseover')))")
    assert browser.value("document.title").startswith("Stillwatch: findings, ")
    assert browser.value("document.body.id") == ""
    assert (
        browser.value("document.querySelectorAll('script, img, iframe, object, embed, form, input, base').length") == 0
    )
    assert browser.value("[...document.querySelectorAll('*')].some(e => e.getAttributeNames().some("
                         "n => n === 'style' || n.startsWith('on')))") is False  # fmt: skip
    requested = [told["request"]["url"] for told in browser.told("Network.requestWillBeSent")]
    assert [url for url in requested if url != place.as_uri()] == []
    assert not browser.told("Page.javascriptDialogOpening")
    assert len(browser.told("Page.frameNavigated")) == 1


def test_the_policy_stops_a_script_that_stands_in_the_page(browser: Browser, tmp_path: Path) -> None:
    """The second wall: were a value ever printed raw, the page's own policy would not run or load it."""
    place = tmp_path / "broken.html"
    raw = "<script>document.title='owned'</script><img src=http://127.0.0.1:9/x onerror=\"document.title='owned'\">"
    place.write_text(page(every_kind()).replace("<main>", f"<main>{raw}<p id=styled style='color:red'>x</p>"), "utf-8")
    browser.open(place)
    assert browser.value("document.title").startswith("Stillwatch")
    assert browser.value("getComputedStyle(document.getElementById('styled')).color") != "rgb(255, 0, 0)"
    told = {entry["entry"]["text"] for entry in browser.told("Log.entryAdded")}
    assert sum("Content Security Policy" in text for text in told) >= 3, told
    assert not browser.told("Network.responseReceived")[1:]


@pytest.mark.parametrize("name", ["every kind", "hostile", "large", "old", "empty"])
def test_no_width_makes_the_page_scroll_sideways(browser: Browser, tmp_path: Path, name: str) -> None:
    given = {"every kind": every_kind, "hostile": lambda: hostile(structure=False), "large": lambda: large(12, 900),
             "old": lambda: old(every_kind()), "empty": answer}[name]()  # fmt: skip
    browser.open(page_of(tmp_path, given))
    for width in (1280, 768, 400, 320):
        browser.resize(width)
        assert browser.value("document.documentElement.clientWidth") == width
        assert browser.value("document.documentElement.scrollWidth") <= width
        assert browser.value(OVER % width) == 0


def test_it_prints_with_every_member_and_begins_each_finding_on_a_page(browser: Browser, tmp_path: Path) -> None:
    browser.open(page_of(tmp_path, every_kind()))
    printed = browser.pdf()
    pages = len(re.findall(rb"/Type\s*/Page\b", printed))
    assert printed.startswith(b"%PDF") and pages >= 1 + 5
    browser.ask("Emulation.setEmulatedMedia", media="print")
    last = "document.querySelector('details tr:last-child')"
    assert browser.value(f"{last}.checkVisibility() && {last}.getBoundingClientRect().height > 5")
    browser.ask("Emulation.setEmulatedMedia", media="")
