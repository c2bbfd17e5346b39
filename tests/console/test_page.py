"""The page says what is claimed, how sure, and what else it could be; and whatever stands in the answer stays text."""

import base64
import hashlib
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from stillwatch.cli.show import print_finding
from stillwatch.console.page import FIRST_MEMBERS, MEMBERS, page
from stillwatch.console.text import shortened, visible
from tests.console.answers import answer, every_kind, finding, large, member, old
from tests.console.hostile import PAYLOADS, STRUCTURE, written

VOID = {"meta", "br", "img", "link", "input"}


class Reader(HTMLParser):
    """Elements with their attributes in order, the page's text, ids, and links to fragments; checks the nesting."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.shape: list[tuple[str, tuple[str, ...]]] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.words: list[str] = []
        self.title = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.shape.append((tag, tuple(name for name, _ in attrs)))
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.targets += [value or "" for name, value in attrs if name == "href"]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        if tag in ("td", "th", "dt", "dd", "li"):
            self.words.append(" ")

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "title" and len(self._open) == 3:
            self.title += data
        if "style" not in self._open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))


@cache
def harmless(structure: bool) -> Reader:
    return Reader(page(written(every_kind(), "x", structure=structure)))


def names(shape: list[tuple[str, tuple[str, ...]]]) -> set[tuple[str, str]]:
    return {(tag, name) for tag, attributes in shape for name in (*attributes, "")}


@pytest.mark.slow
@pytest.mark.parametrize("structure", [False, True], ids=["names and texts", "every string"])
@pytest.mark.parametrize("number", range(len(PAYLOADS)))
def test_a_hostile_string_in_every_field_changes_no_element(number: int, structure: bool) -> None:
    """Written into every string and every name of the answer at once, beside the same page with a harmless word."""
    assert len(PAYLOADS) >= 40
    found = page(written(every_kind(), PAYLOADS[number], structure=structure))
    read, calm = Reader(found), harmless(structure)
    assert names(read.shape) == names(calm.shape)
    assert read.shape == calm.shape
    assert found.encode() and not [c for c in found if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs")]
    assert sorted(read.ids) == sorted(set(read.ids))


def test_no_string_of_the_answer_escapes_the_hostile_word() -> None:
    """The test above writes into every string: what it leaves as it was are the words of the structure."""

    def strings(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
        if isinstance(value, str):
            yield key, value
        for name, one in value.items() if isinstance(value, dict) else ():
            yield from strings(one, name)
        for one in value if isinstance(value, list) else ():
            yield from strings(one, key)

    assert {text for _, text in strings(written(every_kind(), "☠", structure=True))} == {"☠"}
    assert {key for key, text in strings(written(every_kind(), "☠", structure=False)) if text != "☠"} <= STRUCTURE


@pytest.mark.parametrize(
    "payload", ["<b>bold</b>", "\u202egnp.exe", "half \ud83d", "nul \x00", "&lt;b&gt;", "W" * 5000]
)
def test_a_hostile_name_is_shown_as_what_it_is(payload: str) -> None:
    given = answer([finding(1, 3)])
    given["campaigns"][0]["members"][0]["account_id"] = payload
    assert visible(shortened(payload), 1000) in Reader(page(given)).text


def test_no_template_calls_a_value_safe(root: Path) -> None:
    templates = sorted((root / "src/stillwatch/console/templates").glob("*.html"))
    assert len(templates) == 7
    assert not [t.name for t in templates if re.search(r"\|\s*safe|autoescape|Markup", t.read_text("utf-8"))]


def test_a_long_name_keeps_its_beginning_its_end_and_its_length() -> None:
    assert shortened("a" * 5000 + "tail") == "a" * 80 + " … " + "a" * 12 + "tail (5,004 characters)"
    assert shortened("short") == "short"


def test_the_policy_of_the_page_allows_its_own_sheet_and_nothing_else() -> None:
    found = page(every_kind())
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', found)
    (sheet,) = re.findall(r"<style>(.*?)</style>", found, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    assert policy and policy.group(1) == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert found.index("Content-Security-Policy") < found.index("<title>")
    read = Reader(found)
    assert not {"script", "img", "iframe", "link", "object", "form", "input"} & {tag for tag, _ in read.shape}
    assert not [name for _, name in names(read.shape) if name == "style" or name.startswith("on")]
    assert "url(" not in sheet and "@import" not in sheet and "http" not in sheet


def test_every_link_leads_to_an_anchor_and_each_finding_has_its_own() -> None:
    read = Reader(page(every_kind()))
    assert len(set(read.ids)) == len(read.ids)
    assert {target.removeprefix("#") for target in read.targets} <= set(read.ids)
    assert {f["campaign_id"] for f in every_kind()["campaigns"]} <= set(read.ids)


def test_the_first_screen_says_that_a_finding_is_no_verdict() -> None:
    assert "A finding is an allegation with evidence, never a verdict." in Reader(page(every_kind())).text[:700]


def test_a_finding_says_claim_sureness_evidence_and_doubt_in_words() -> None:
    text = Reader(page(every_kind())).text
    for words in (
        "Alleged: a group of 20 accounts works together, draws step-by-step reasoning out of the model, and conceals",
        "“very likely” stands for a probability of 80 % to 95 % that all three questions below are answered yes.",
        "Coordinated?", "Extracting?", "Concealed?", "Confidence is high", "exact", "model-based",
        "What else could explain it", "Affiliated: rejected", "Viral prompt: rejected", 
        "What was looked at affiliated for it What speaks against it nothing further",
        "explained by a prompt that went round and that many tried (viral prompt)",
        "1,536 exchanges of extraction, between 1,500 and 1,668", "release of aster-5", "moved to it within 5 hours",
        "release of basil-1", "column ja4 of exchanges is empty in all rows", "3 rows broke the data contract",
        "“No finding” is not an all-clear", "Only the role operator or provider with a probability of ½ or more",
    ):  # fmt: skip
        assert words in text, words


@pytest.mark.parametrize("status", ["ambiguous", "permitted"])
def test_only_a_suspected_finding_accuses(status: str) -> None:
    sure = member(0, "suspected") | {"probability": 0.99, "role": "operator"}
    text = Reader(page(answer([finding(1, 2, status) | {"members": [sure]}]))).text
    assert "It accuses nobody; it names 1 account." in text and "Nobody here is accused." in text
    assert "It accuses 1 account." in Reader(page(answer([finding(1, 2) | {"members": [sure]}]))).text


def test_an_account_in_two_findings_is_counted_once() -> None:
    text = Reader(page(answer([finding(1, 8), finding(2, 8)]))).text
    assert "2 groups are suspected" in text and "Of the 8 accounts in them, 4 are accused." in text


def test_nothing_found_is_no_all_clear() -> None:
    for given in (answer(), answer([finding(1, 5, "dismissed")])):
        text = Reader(page(given)).text
        assert "No finding. That is not an all-clear" in text and "No finding is not an all-clear." in text
    assert "Nobody is suspected. That is not an all-clear" in Reader(page(answer([finding(1, 5, "permitted")]))).text


def test_a_small_store_is_said_to_hide_campaigns_and_no_lack_is_no_all_clear() -> None:
    small = "In a store of 400 accounts campaigns of under some 50 members are often not found."
    for findings in ([], [finding(1, 5, "permitted")]):
        assert small in Reader(page(answer(findings, accounts=400))).text
        assert "campaigns of under some 50" not in Reader(page(answer(findings))).text
    assert small not in Reader(page(answer([finding(1)], accounts=400))).text
    assert "Columns that lack none 3 rows set aside" in Reader(page(answer(blind=[]))).text.replace("none3", "none 3")
    assert "Columns that lack for 2 detectors" in Reader(page(answer())).text


@pytest.mark.parametrize(
    ("terms", "why"),
    [
        ((0.4, 0.2, 0.3), "coordination, extraction and concealment are not shown"),
        ((0.4, 5.0, 5.0), "coordination is not shown"),
        ((5.0, -0.5, 5.0), "the evidence speaks against extraction"),
        ((0.0, -0.5, -0.2), "the evidence speaks against extraction and concealment; coordination is not shown"),
        ((5.0, 5.0, 5.0), "two families did not confirm one candidate"),
    ],
)
def test_a_prior_that_nothing_lifts_does_not_speak_against(terms: tuple[float, ...], why: str) -> None:
    given = finding(1, 5, "dismissed")
    evidence = given["evidence"] | {"alternatives": [], "terms": []}
    for question, value in zip(("coordinated", "extracting", "concealed"), terms, strict=True):
        evidence["terms"] += [
            {"question": question, "name": name, "value": part, "because": "so"}
            for name, part in (("prior", -2.5), ("a term", value))
        ]
        evidence[question] = -2.5 + value
    text = Reader(page(answer([given | {"evidence": evidence}]))).text
    assert f" {why} 5 1,536" in text


def test_a_finding_in_the_terminal_answers_what_the_page_answers(capsys: pytest.CaptureFixture[str]) -> None:
    print_finding(finding(3, 1, "ambiguous", "entity"), 5)
    told = capsys.readouterr().out
    assert "Extracting?" in told and "Coordinated?" not in told and "Concealed?" not in told
    assert "A finding about one customer answers the second question only" in told
    print_finding(finding(1, 3), 5)
    told = capsys.readouterr().out
    assert "Coordinated?" in told and "Concealed?" in told and "one customer" not in told


def test_a_run_without_anything_is_a_page() -> None:
    text = Reader(page(answer(accounts=1, exchanges=1, blind=[], quarantined=0, candidates={}, releases=[]))).text
    assert "No detector was blind" in text and "too few accounts for such a table" in text


def test_a_run_of_an_older_version_is_read_and_says_what_it_lacks() -> None:
    given = every_kind()
    assert "No timeline" not in Reader(page(given)).text
    text = Reader(page(old(given))).text
    assert text.count("No timeline: this run was made by a version of Stillwatch that did not keep the days") == 5


def test_a_long_period_is_drawn_by_weeks_and_a_day_by_itself() -> None:
    long = answer([finding(1)], since="2026-01-01T00:00:00Z", until="2026-12-31T00:00:00Z")
    assert "Extraction exchanges a week (UTC), 1 Jan 2026 to 31 Dec 2026" in Reader(page(long)).text
    short = answer([finding(1)], since="2026-10-05T00:00:00Z", until="2026-10-05T10:00:00Z")
    assert "Extraction exchanges a day (UTC), 5 Oct 2026 to 5 Oct 2026" in Reader(page(short)).text


def test_base_rates_are_those_of_this_store() -> None:
    text = Reader(page(answer([finding(1)], accounts=1_000_000))).text
    assert "1,000,000 accounts of this store" in text
    assert re.search(r"20 \(under 1 %\) 0 2 14", text)  # .8·20 right; 1e-2, 1e-3, 1e-4 of the honest wrong
    for case in ("24,000 bad in 10,000,000, one honest account in 1,000 flagged: 66 of 100",
                 "24,000 bad in 10,000,000, one honest account in 10,000 flagged: 95 of 100",
                 "40 bad in 1,000,000, one honest account in 10,000 flagged: 24 of 100"):  # fmt: skip
        assert case in text


def test_members_are_listed_surest_first_and_what_is_left_out_is_counted() -> None:
    read = Reader(page(answer([finding(1, MEMBERS + 30)]))).text
    assert f"The next {MEMBERS - FIRST_MEMBERS}" in read
    assert "30 accounts, the least certain, are left out of this page" in read


@pytest.mark.slow
def test_a_page_of_sixty_findings_with_25_000_members_stays_small() -> None:
    given = large()
    assert len(given["campaigns"]) == 60 and sum(len(f["members"]) for f in given["campaigns"]) == 25_000
    found = page(given)
    print(f"60 findings, 25,000 members: {len(found.encode()):,} bytes")
    assert len(found.encode()) <= 3_000_000
    assert "one dot stands for 2 members" in Reader(found).text
    assert found == page(given)


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_text_stands_out_from_its_ground(scheme: str) -> None:
    """WCAG 2.2: a contrast of 4.5 for text; 3 for what is drawn."""
    (sheet,) = re.findall(r"<style>(.*?)</style>", page(answer()), re.DOTALL)
    parts = {"light": sheet.split("@media", 1)[0], "dark": sheet.split("dark){", 1)[1].split("}}", 1)[0],
             "print": sheet.split("@media print{", 1)[1]}  # fmt: skip
    colours = dict(re.findall(r"--([a-z-]+):(#[0-9a-f]{3,6})", parts[scheme]))
    for text in ("ink", "soft", "bad", "blue", "teal", "amber"):
        for ground in ("bg", "card"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    assert contrast(colours["bad"], colours["tint"]) >= 4.5
    assert contrast(colours["amber"], colours["amber-tint"]) >= 4.5
    assert contrast(colours["bar"], colours["faint"]) >= 3


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
