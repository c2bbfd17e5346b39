"""`stillwatch attribute` as people use it: weigh, sign, see the name where it was signed, take it back."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stillwatch import cli
from stillwatch.attribution.operators import called
from stillwatch.cli.show import print_campaigns, print_finding
from stillwatch.console.page import page
from stillwatch.store.casebook.attributions import Signature, signatures, signed_under
from stillwatch.store.casebook.casebook import Casebook
from stillwatch.store.casebook.forget import Eraser, forget_account
from stillwatch.store.store import Store
from tests.attribution.dossiers import BLOCK, DOMAIN, NAME, RUN, dossier, indicator, store_of
from tests.console import answers
from tests.respond.casebooks import finding, member, write_run

pytestmark = pytest.mark.slow

DOCUMENT = Path(__file__).parents[2] / "docs" / "attribution.md"
Run = Callable[..., Any]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store_of(tmp_path_factory.mktemp("made")).folder


@pytest.fixture
def store(made: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    for old in made.glob("casebook.db*"):
        old.unlink()
    monkeypatch.setenv("STILLWATCH_KEY_FILE", str(made.parent / "key"))
    return Store.open(made)


@pytest.fixture
def run(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def ran(*words: str, held: bytes | None = dossier(DOMAIN, BLOCK), code: int = 0, command: str = "attribute") -> Any:
        if held is not None:
            (tmp_path / "d.json").write_bytes(held)
            words = (*words, "--dossier", str(tmp_path / "d.json"))
        capsys.readouterr()
        found = cli.run([command, *words, "--store", str(store.folder)])
        out = capsys.readouterr()
        assert found == code, out.err
        return out.err if code else json.loads(out.out) if "--json" in words else out.out

    return ran


SIGN = ("--sign", NAME, "--by", "Alice", "--reason", "The register and the bank agree.")


def test_two_families_name_the_organisation_and_the_cluster_stays(run: Run) -> None:
    told = run("C-1", "--json")
    assert (told["cluster"], told["accused"], told["others"], told["signed"]) == ("U-1abcde", 20, 200, [])
    cluster, named = told["hypotheses"]
    assert (cluster["name"], cluster["kind"], named["name"]) == ("U-1abcde", "cluster", NAME)
    assert named["can_be_signed"] and named["speak"] == ["infrastructure", "registration"]
    assert named["likelihood"]["word"] in ("likely", "very likely")
    assert [c["accused"] for f in named["families"] for c in f["channels"]] == [20, 20]
    out = run("C-1")
    assert "20 of 20" in out and "nobody names an organisation" in out and "abstains: client" in out


def test_where_nothing_matched_no_likelihood_is_told(run: Run) -> None:
    nothing = dossier(indicator("verified_domain", "nobody.example"), indicator("address", "198.18.0.0/24"))
    assert run("C-1", "--json", held=nothing)["matched"] is False and run("C-1", "--json")["matched"] is True
    out = run("C-1", held=nothing)
    assert "nothing that the dossier says of an organisation was found" in out and "operator cluster U-1abcde" in out
    assert "likely" not in out.replace("likelihood", "") and "moderate" not in out
    assert "likely" in run("C-1")


def test_a_name_is_signed_shown_and_taken_back(run: Run, store: Store) -> None:
    assert run("C-1", *SIGN, "--json")["signed"][0]["by"] == "alice"
    assert run("C-1", *SIGN, "--json")["signed"][0]["families"] == ["infrastructure", "registration"]
    assert [one["organisation"] for one in run("C-1", "--json")["signed"]] == [NAME]
    assert f"signed: {NAME}" in run("C-1")
    assert signed_under(store.folder, None, "another run") == []
    assert "nobody signed this name" in run(
        "C-1", "--withdraw", "Else", "--by", "bob", "--reason", "No.", held=None, code=2
    )
    assert run("C-1", "--withdraw", NAME, "--by", "bob", "--reason", "A mistake.", "--json", held=None)["signed"] == []
    book = Casebook.open(store.folder)
    assert [(row["what"], row["by"]) for row in book.history()] == [
        ("attributed", "alice"), ("attributed", "alice"), ("withdrawn", "bob"),
    ]  # fmt: skip
    assert not book.verify().fault
    book.close()


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (dossier(DOMAIN), "families that speak for it: 1; roughly even"),
        (dossier(indicator("email_domain", "example.org"), BLOCK), "families that speak for it: 1;"),
        (dossier(DOMAIN, indicator("asn", "1")), "families that speak for it: 1;"),
    ],
)
def test_one_family_is_not_signed(run: Run, store: Store, held: bytes, words: str) -> None:
    assert words in run("C-1", *SIGN, held=held, code=2)
    assert signed_under(store.folder, None, RUN) == []


def test_signing_needs_a_person_a_reason_and_a_name_of_the_dossier(run: Run) -> None:
    assert "no person is named" in run("C-1", "--sign", NAME, "--reason", "Why.", code=2)
    assert "reason is missing" in run("C-1", "--sign", NAME, "--by", "alice", code=2)
    assert "no such organisation" in run("C-1", "--sign", "Else", "--by", "alice", "--reason", "Why.", code=2)
    assert "no dossier" in run("C-1", held=None, code=2)
    assert "together" in run("C-1", *SIGN, "--withdraw", NAME, code=2)


def test_a_finding_that_accuses_nobody_has_no_operator(run: Run) -> None:
    told = run("C-2", "--json")
    assert told["hypotheses"] == [] and told["abstained"][0]["family"] == "all"
    assert "no such organisation" in run("C-2", *SIGN, code=2)


def test_the_same_answer_whatever_the_order_of_the_dossier(run: Run) -> None:
    mine = run("C-1", "--json")
    other = run("C-1", "--json", held=dossier(BLOCK, DOMAIN))
    assert {**mine, "dossier": 0} == {**other, "dossier": 0}


def test_a_broken_dossier_is_refused(run: Run, tmp_path: Path) -> None:
    assert "a block of /10" in run("C-1", held=dossier(indicator("address", "0.0.0.0/0")), code=2)
    assert "cannot be read" in run("C-1", "--dossier", str(tmp_path), held=None, code=1)


def test_an_erased_account_leaves_no_name_in_a_signature(run: Run, store: Store) -> None:
    run("C-1", "--sign", NAME, "--by", "alice", "--reason", "Because bad_1 wrote so.")
    forget_account(store.folder, ["bad_1"], Eraser(10**15), None, dry_run=False)
    (one,) = signed_under(store.folder, None, RUN)
    assert one.reason == "Because erased wrote so."


def test_a_finding_is_called_by_its_cluster_or_by_who_signed() -> None:
    said = Signature(RUN, "C-1abcdef0", NAME, "likely", "low", ("registration",), "", "bob", "Why.", 1)
    other = Signature(RUN, "C-1abcdef0", "Zeta", "likely", "low", ("registration",), "", "carol", "Why.", 1)
    assert called("C-1abcdef0", []) == "operator cluster U-1abcde"
    assert called("C-1abcdef0", [other, said]) == (
        f"attributed to {NAME} (likely, signed by bob); or Zeta (likely, signed by carol); operator cluster U-1abcde"
    )


def test_a_damaged_casebook_names_nobody_and_shows_the_findings(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    from stillwatch.cli.acts import operators

    (store.folder / "casebook.db").write_bytes(b"not a database" * 100)
    told = {"run": {"run_id": RUN}, "campaigns": [finding("C-1abcdef0", member("a"))]}
    assert operators(store.folder, None, told) == {"C-1abcdef0": "operator cluster U-1abcde"}
    assert "signed names are left out" in capsys.readouterr().err


def test_the_report_says_who_operates_it_and_no_markup_of_a_name() -> None:
    suspected = answers.finding(1, 3)
    told = answers.answer([suspected])
    made = page(told, {suspected["campaign_id"]: "attributed to <b>Evil</b>\u202e"})
    assert "Who operates it: attributed to &lt;b&gt;Evil&lt;/b&gt;" in made and "\u202e" not in made
    assert "Who operates it" not in page(told)


def test_another_run_is_not_signed(run: Run, store: Store) -> None:
    run("C-1", *SIGN)
    later = "20261102T000000-000000000-abcdef"
    write_run(store, later, finding("C-1abcdef0", member("bad_1")))
    try:
        book = Casebook.open(store.folder)
        assert len(signatures(book, RUN)) == 1 and signatures(book, later) == []
        book.close()
    finally:
        (store.folder / "runs" / later / "campaigns.json").unlink()
        (store.folder / "runs" / later).rmdir()


def keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(keys, value.values()))
    return set().union(*map(keys, value)) if isinstance(value, list) else set()


def test_every_key_of_the_answer_is_documented(run: Run) -> None:
    run("C-1", *SIGN)
    told = run("C-1", "--json", held=dossier(DOMAIN, BLOCK, sightings=[indicator("asn", "1", "cloud")]))
    words = set(re.findall(r"`(\w+)`", DOCUMENT.read_text("utf-8")))
    assert keys(told) <= words, keys(told) - words


def test_lists_and_findings_say_who_operates_them_without_what_a_terminal_obeys(
    capsys: pytest.CaptureFixture[str],
) -> None:
    suspected = answers.finding(1, 3)
    name = suspected["campaign_id"]
    print_campaigns(answers.answer([suspected]), operators={name: "attributed to A\x1b[2J"})
    print_finding(suspected, 3, "operator cluster U-abc")
    out = capsys.readouterr().out
    assert f"{name}: attributed to A\\x1b[2J" in out and "\x1b" not in out and "\n  operator cluster U-abc\n" in out
