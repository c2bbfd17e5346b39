"""What the benchmark measures beside the answer itself: small truths by hand, every number known."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch import cli, known
from stillwatch.benchmark import replay
from stillwatch.benchmark.calibration import Bin, Word, e_values, likelihoods, permuted, probabilities
from stillwatch.benchmark.described import described
from stillwatch.benchmark.measure import Recovery, Share
from stillwatch.benchmark.plain import per, plain, together
from stillwatch.benchmark.suite import FULL, QUICK, parts, run
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.errors import UsageError
from stillwatch.linkage.incidence import Incidence
from stillwatch.linkage.strata import strata_of
from stillwatch.records import Family
from stillwatch.tables import ACCOUNTS, PERMISSIONS, RELEASES
from tests.benchmark.results import result, world
from tests.console.browser import Browser
from tests.linkage.worlds import token_world

BEGIN = datetime.fromisoformat("2026-10-05T00:00:00+00:00")
MEMBERS = [f"op{at}" for at in range(6)]


def truth(folder: Path) -> tuple[Path, Path]:
    """Six operators and a key owner: one exchange a day for ten days each, half reasoning and half code."""
    rows = [
        (f"{who}-{day}", who, BEGIN + timedelta(days=day, hours=12)) for who in [*MEMBERS, "vic"] for day in range(10)
    ]
    (folder / "truth").mkdir()
    (folder / "logs" / "exchanges").mkdir(parents=True)
    people = {"account_id": [*MEMBERS, "vic", "h"], "kind": ["operator"] * 6 + ["victim", "legit"]}
    pq.write_table(pa.table(people), folder / "truth/accounts.parquet")
    ids = [row[0] for row in rows] + ["h-0"]
    aims = ["cot_elicitation" if at % 2 else "code_generation" for at in range(len(rows))]
    named = {"exchange_id": ids, "campaign": ["copper"] * len(rows) + [None], "capability": [*aims, None]}
    pq.write_table(pa.table(named), folder / "truth/exchanges.parquet")
    logged = {
        "exchange_id": ids,
        "account_id": [row[1] for row in rows] + ["h"],
        "asked_at": pa.array([row[2] for row in rows] + [BEGIN], pa.timestamp("us", "UTC")),
    }
    pq.write_table(pa.table(logged), folder / "logs/exchanges/day.parquet")
    return folder / "truth", folder / "logs"


def finding(members: dict[str, float], **given: Any) -> dict[str, Any]:
    parts = [{"account_id": name, "role": "operator", "probability": p} for name, p in members.items()]
    usual = {"campaign_id": "C-1", "kind": "group", "status": "suspected", "members": parts,
             "likelihood": {"word": "likely", "low": 0.55, "high": 0.8}}  # fmt: skip
    return usual | given


class Kept:
    """A store of which the days alone are asked."""

    def days(self) -> list[str]:
        return [f"{BEGIN + timedelta(days=day):%Y-%m-%d}" for day in range(10)]


def leaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sees: dict[int, list[str]], last: list[str]) -> list[Any]:
    """The replay where each cut (days) accuses these accounts, and the whole answer those."""
    asked = []

    def then(_: Any, until: datetime) -> dict[str, Any]:
        asked.append((until - BEGIN).days)
        return {"campaigns": [finding(dict.fromkeys(sees.get(asked[-1], []), 0.9))]}

    monkeypatch.setattr(replay, "answer_then", then)
    answer = {"campaigns": [finding(dict.fromkeys(last, 0.9))]}
    found = replay.replayed(Kept(), *truth(tmp_path), (8, 2, 5, 99), answer)  # type: ignore[arg-type]
    return [*found, asked]


def test_what_leaked_is_what_was_done_before_the_first_cut_that_names_the_campaign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (leak, asked) = leaks(tmp_path, monkeypatch, {2: MEMBERS[:4], 5: MEMBERS[:5]}, MEMBERS)
    assert leak == replay.Leak("copper", 70, 5, 0.5, 5, 0.5), (
        "four members are too few; what a stolen key took is counted"
    )
    assert asked == [2, 5], "later cuts are not asked, and none beyond the store"


def test_a_finding_for_review_shows_it_and_does_not_count_as_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def then(_: Any, until: datetime) -> dict[str, Any]:
        told = {2: finding(dict.fromkeys(MEMBERS[:5], 0.2), status="dismissed"), 5: review}
        return {"campaigns": [told.get((until - BEGIN).days, finding(dict.fromkeys(MEMBERS[:5], 0.9)))]}

    review = finding(dict.fromkeys(MEMBERS[:5], 0.2), status="ambiguous")
    monkeypatch.setattr(replay, "answer_then", then)
    (leak,) = replay.replayed(Kept(), *truth(tmp_path), (2, 5, 8), {"campaigns": []})  # type: ignore[arg-type]
    assert (leak.shown_day, leak.shown_share, leak.day) == (5, 0.5, 8)


def test_who_is_accused_is_shown_whoever_else_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accuses = finding(dict.fromkeys(MEMBERS[:5], 0.9) | {f"n{at}": 0.3 for at in range(6)})
    monkeypatch.setattr(replay, "answer_then", lambda *_: {"campaigns": [accuses]})
    (leak,) = replay.replayed(Kept(), *truth(tmp_path), (2, 5), {"campaigns": []})  # type: ignore[arg-type]
    assert (leak.day, leak.shown_day) == (2, 2) and leak.share == leak.shown_share


def test_a_campaign_may_be_found_at_the_end_alone_or_never(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (leak, asked) = leaks(tmp_path, monkeypatch, {5: [*MEMBERS[:5], *(f"h{at}" for at in range(6))]}, MEMBERS)
    assert leak == replay.Leak("copper", 70, 10, 1.0, 10, 1.0), "a finding that is mostly others is no detection"
    assert asked == [2, 5, 8]
    (tmp_path / "never").mkdir()
    assert leaks(tmp_path / "never", monkeypatch, {}, [])[0] == replay.Leak("copper", 70, None, 1.0, None, 1.0)


def test_a_cut_knows_nothing_of_what_came_later() -> None:
    """A suspension after the cut would tell whom somebody had found."""
    before, after = BEGIN, BEGIN + timedelta(days=9)
    accounts = [
        {"account_id": "early", "created_at": before, "suspended_at": after},
        {"account_id": "gone", "created_at": before, "suspended_at": before},
        {"account_id": "late", "created_at": after},
        {"account_id": "unknown"},
    ]
    permissions = [
        {"purpose": "research", "reference": name, "starts_at": at} for name, at in (("a", before), ("b", after))
    ]
    releases = [{"model": name, "released_at": at} for name, at in (("a", before), ("b", after))]
    with DuckEngine() as engine:
        for name, rows, schema in (
            ("accounts", accounts, ACCOUNTS),
            ("permissions", permissions, PERMISSIONS),
            ("releases", releases, RELEASES),
        ):
            engine.register("held", pa.Table.from_pylist(rows, schema))
            engine.rename("held", f"held_{name}")
            engine.view(name, f"SELECT * FROM held_{name}")
        known.forget_later(engine, BEGIN + timedelta(days=5))
        told = engine.arrow("SELECT account_id, suspended_at IS NOT NULL AS s FROM accounts ORDER BY 1").to_pylist()
        assert [(row["account_id"], row["s"]) for row in told] == [("early", False), ("gone", True), ("unknown", False)]
        assert engine.arrow("SELECT reference FROM permissions")["reference"].to_pylist() == ["a"]
        assert engine.arrow("SELECT model FROM releases")["model"].to_pylist() == ["a"]


def test_a_description_is_measured_by_capability_and_volume(tmp_path: Path) -> None:
    folder, _ = truth(tmp_path)
    said = finding(
        {}, capabilities={"cot_elicitation": 0.8, "chat": 0.2}, exchanges=80, exchanges_low=60, exchanges_high=90
    )
    matched = Recovery("copper", 6, "C-1", 1.0, 1.0, matched=True)
    missed = Recovery("willow", 6, "", 0.0, 0.0, matched=False)
    (one,) = described({"campaigns": [said]}, (matched, missed), folder)
    assert (one.capability_error, one.volume, one.true_volume, one.covered) == (0.5, (60, 80, 90), 70, True)
    said["exchanges_high"] = 69
    assert not described({"campaigns": [said]}, (matched,), folder)[0].covered


def test_probabilities_are_counted_where_they_accuse_a_group() -> None:
    members = {"op0": 0.4, "op1": 0.5, "h": 0.75, "op2": 0.99, "op3": 1.0, "op4": 0.91}
    group = finding(members)
    group["members"].append({"account_id": "vic", "role": "victim", "probability": 0.99})
    answer = {"campaigns": [group, finding({"h": 0.9}, status="ambiguous"), finding({"h": 0.9}, kind="entity")]}
    assert probabilities(answer, set(MEMBERS)) == (
        Bin(0.0, 0.5, 0.4, Share(1, 1)),
        Bin(0.5, 0.75, 0.5, Share(1, 1)),
        Bin(0.75, 0.9, 0.75, Share(0, 1)),
        Bin(0.9, 0.99, 0.91, Share(1, 1)),
        Bin(0.99, 1.0, 0.995, Share(2, 2)),
    )


def test_words_of_likelihood_are_counted_by_groups_that_are_campaigns() -> None:
    even = {"word": "roughly even", "low": 0.45, "high": 0.55}
    answer = {
        "campaigns": [
            finding({"op0": 0.9, "h": 0.9}),
            finding({"h": 0.9}),
            finding({"h": 0.9}, status="ambiguous", likelihood=even),
            finding({"h": 0.9}, status="dismissed"),
        ]
    }
    assert likelihoods(answer, set(MEMBERS)) == (
        Word("roughly even", 0.45, 0.55, Share(0, 1)),
        Word("likely", 0.55, 0.8, Share(1, 2)),
    )


def test_moved_rows_stay_in_their_strata_and_the_others_stand() -> None:
    before = token_world(3)
    after = permuted(before, Family.TIMING, 1)
    strata = strata_of(before, Family.TIMING, 0)
    for old, new in zip(before.channels, after.channels, strict=False):
        if old.families == (Family.TIMING,):
            sizes = [np.sort(c.sizes[strata == s]) for c in (old, new) for s in range(strata.max() + 1)]
            half = len(sizes) // 2
            assert all(np.array_equal(a, b) for a, b in zip(sizes[:half], sizes[half:], strict=True))
            assert not np.array_equal(old.tokens, new.tokens)
        elif old.name == new.name:
            assert np.array_equal(old.tokens, new.tokens)


@pytest.mark.slow
def test_the_null_check_can_fail() -> None:
    """With rows that do not move, what is true stays, and the check says so; with moved rows it holds."""

    def unmoved(incidence: Incidence, family: Family, seed: int) -> Incidence:
        del family, seed
        return incidence

    planted = token_world(1)
    leaking = {row.family: row for row in e_values(planted, 2, 1, move=unmoved)}
    clean = {row.family: row for row in e_values(planted, 2, 1)}
    for family, row in leaking.items():
        print(f"{family}: moved {clean[family].mean_e}, unmoved {row.mean_e}")
    assert max(row.mean_e or 0.0 for row in leaking.values()) > 100.0
    assert any(row.large.k == 2 and row.false_worlds.k == 2 for row in leaking.values())
    assert all((row.mean_e or 0.0) < 2.0 and row.false_worlds.k == 0 for row in clean.values())


def test_shares_get_bounds_and_what_json_cannot_say_is_null() -> None:
    assert plain({"a": {"k": 0, "n": 20}, "b": [float("inf"), 0.12345678]}) == {
        "a": {"k": 0, "n": 20, "low": 0.0, "high": 0.168433},
        "b": [None, 0.123457],
    }
    assert per(Share(1, 1000)) == {"low": 2.53, "rate": 100.0, "high": 555.89}


def test_worlds_add_up_to_counts_with_new_bounds() -> None:
    held = together([world(), world(campaigns=False)])
    assert (held["false_accounts"]["k"], held["false_accounts"]["n"]) == (2, 800)
    assert held["accused_by_cohort"]["a_class"] == {"k": 0, "n": 20, "low": 0.0, "high": 0.168433}
    assert held["probabilities"][1]["stated"] == 0.98 and held["probabilities"][1]["operators"]["n"] == 40
    assert [(row["word"], row["campaigns"]["k"], row["campaigns"]["n"]) for row in held["likelihoods"]] == [
        ("likely", 2, 4)
    ]


def test_worlds_are_chosen_by_scenario_seed_and_scale() -> None:
    given = {"full": False, "scenario": None, "seed": None, "scale": None}
    assert parts(**given) == QUICK and parts(**given | {"full": True}) == FULL
    assert min(part.seed for part in (*QUICK, *FULL)) > 500
    chosen = parts(**given | {"full": True, "scenario": "mixed", "seed": 9, "scale": 0.2})
    assert [(part.scenario, part.seed, part.scale) for part in chosen] == [("mixed", 9, 0.2), ("mixed", 10, 0.2)]
    (other,) = parts(**given | {"scenario": "hard"})
    assert other.scenario == "hard" and other.rivals and other.replications == QUICK[0].replications


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--scenario", "nowhere"], "quiet, open, mixed, hard"),
        (["--scale", "0"], "0.02 to 20"),
        (["--scale", "nan"], "0.02 to 20"),
        (["--seed", "-1"], "negative"),
        (["--quick", "--full"], "exclude each other"),
        (["--out", "file"], "--out names no folder"),
        (["--frontier", "--scale", "nonsense"], "Invalid value for '--scale'"),
        (["--frontier", "--scale", "0"], "0.02 to 20"),
        (["--frontier", "--scale", "nan"], "0.02 to 20"),
        (["--frontier", "--seed", "-1"], "negative"),
        (["--frontier", "--seeds", "0"], "1 to 20"),
        (["--frontier", "--seeds", "99"], "1 to 20"),
        (["--frontier", "--axis", "covr"], "did you mean cover?"),
        (["--frontier", "--axis", "jitter"], "--full has it"),
        (["--frontier", "--axis", ""], "no curve of that axis"),
        (["--frontier", "--full"], "--out DIR"),
        (["--frontier", "--quick", "--full"], "exclude each other"),
        (["--frontier", "--scenario", "hard"], "starts from one scenario"),
        (["--frontier", "--out", "file"], "--out names no folder"),
        (["--seeds", "2"], "--seeds goes with --frontier"),
        (["--axis", "cover"], "--axis goes with --frontier"),
        (["--exchanges", "30000"], "leave the number out"),
        (["--scale", ".3", "--accounts", "3000"], "leave the number out"),
        (["--scale", "--full"], "a world of its own"),
        (["--scale", "--exchanges", "10"], "at least 20,000"),
        (["--exchanges", "0", "--accounts", "0", "--scale"], "at least 20,000"),
        (["--scale", "--seeds", "2", "--exchanges", "10"], "a world of its own"),
        (["--scale", "-1"], "0.02 to 20"),
    ],
)
def test_what_cannot_be_run_is_told_before_anything_runs(
    arguments: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("in the way")
    assert cli.run(["benchmark", *arguments]) == 2
    said = capsys.readouterr()
    assert words in said.err and not said.out


@pytest.mark.slow
def test_the_main_job_at_size_is_told_stage_by_stage(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    size = ["--scale", "--exchanges", "20000", "--accounts", "2000", "--seed", "3"]
    assert cli.run(["benchmark", *size, "--out", str(tmp_path), "--json"]) == 0
    held = json.loads(capsys.readouterr().out)
    assert held == json.loads((tmp_path / "scale.json").read_text())
    assert held["schema"] == "stillwatch/scale/v1" and held["world"]["accounts"] == 2_000
    assert held["command"] == "stillwatch benchmark --scale --exchanges 20000 --accounts 2000 --seed 3"
    assert [stage["name"] for stage in held["stages"]][:2] == ["imports", "ingest"]
    whole = held["sums"][-1]
    assert whole["name"] == "files to campaigns" and whole["cpu"] > held["reading_alone"]["cpu"]
    assert held["honest_accused"]["k"] == 0 < held["operators_accused"]["k"]
    assert 0 < held["bytes_of_samples"] < held["bytes_an_exchange"]
    assert [path.name for path in tmp_path.iterdir()] == ["scale.json"], "the world is gone"


@pytest.mark.slow
def test_a_failed_job_is_an_error(tmp_path: Path) -> None:
    from stillwatch.benchmark.job import timed
    from stillwatch.errors import StillwatchError

    with pytest.raises(StillwatchError, match="exit code"):
        timed(tmp_path, lambda _: None)
    with pytest.raises(UsageError):
        parts(full=False, scenario="", seed=None, scale=None)


def keys(value: Any, at: str = "") -> set[str]:
    """Every key of a result by its path; names that the world chose stand as *."""
    if isinstance(value, dict):
        chosen = at.endswith(("findings", "accused_by_cohort", "capabilities"))
        return {path for key, one in value.items() for path in keys(one, f"{at}.{'*' if chosen else key}".lstrip("."))}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return {path for one in value for path in keys(one, at)}
    return {at}


def test_every_key_is_documented(root: Path) -> None:
    text = (root / "docs" / "benchmark.md").read_text("utf-8")
    named = {part for path in keys(result()) for part in path.split(".")} - {"*"}
    assert not sorted(name for name in named if f"`{name}`" not in text)


@pytest.mark.slow
def test_the_command_end_to_end_and_its_page_in_a_browser(
    tmp_path: Path, chromium: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command = ["benchmark", "--scenario", "mixed", "--scale", "0.1", "--seed", "3", "--out", str(out)]
    assert cli.run(command) == 0
    printed = capsys.readouterr().out
    held = json.loads((out / "benchmark.json").read_text("utf-8"))
    print(printed)
    more = {key for key in keys(held) - keys(result()) if not key.startswith("worlds.campaigns.")}
    assert more <= {"worlds.described", "worlds.rivals"}
    assert "honest accounts accused" in printed and "Stillwatch (no oracle)" in printed
    assert held["command"] == "stillwatch benchmark --quick --scenario mixed --seed 3 --scale 0.1"
    assert len(held["worlds"][0]["rivals"]) == 9 and len(held["worlds"][0]["leaked"]) == 5
    with Browser(chromium, tmp_path / "profile") as browser:
        browser.open(out / "benchmark.html")
        assert not browser.told("Log.entryAdded") and not browser.told("Runtime.exceptionThrown")
        for width in (1280, 768, 360):
            browser.resize(width)
            assert browser.value("document.documentElement.scrollWidth") <= width


@pytest.mark.slow
def test_a_world_is_measured_the_same_twice() -> None:
    (part,) = parts(full=False, scenario="quiet", seed=3, scale=0.05)
    one, other = (run([part], "twice") for _ in range(2))
    for held in (one, other):
        del held["seconds"]
        for measured in held["worlds"]:
            for name in ("seconds", "cpu_seconds", "peak_mib"):
                del measured[name]
    assert one == other
