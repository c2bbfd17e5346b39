"""Real rings as token sets: what a handful of transfers becomes, and that the guarantee holds on real rows."""

import importlib
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from stillwatch.linkage.incidence import Channel, Incidence
from stillwatch.linkage.search import search
from stillwatch.records import Family
from tests.linkage.test_guarantees import honest, outcome
from tests.linkage.worlds import permuted_within_strata

FAMILIES = (Family.CLIENT, Family.INFRASTRUCTURE, Family.REGISTRATION, Family.TIMING)
REPLICATIONS = 6


@pytest.fixture
def hop(workers: Path) -> ModuleType:
    return importlib.import_module("hop")


@pytest.fixture
def truth(workers: Path) -> ModuleType:
    return importlib.import_module("ring_truth")


def invented(hop: ModuleType) -> Any:
    """Accounts a to e: x funds a and b, both pay y; c pays d; e shows nothing. c and d begin within ten minutes."""
    edges = [("x", "a", "nat:xdai"), ("x", "b", "erc:polygon"), ("a", "y", "erc:polygon"), ("b", "y", "erc:ethereum"),
             ("c", "d", "erc:optimism"), ("x", "z", "nat:xdai")]  # fmt: skip
    day = 86_400
    return hop.Transfers(
        ("a", "b", "c", "d", "e"), np.array([5 * day, 9 * day, 40 * day + 60, 40 * day + 540, 70 * day]),
        np.array([1000.0, 1005.0, 1500.0, 3000.0, 9000.0]), *(tuple(part) for part in zip(*edges, strict=True)),
    )  # fmt: skip


def together(channel: Channel) -> list[list[int]]:
    """The rows of each token that more than one row holds."""
    indptr, rows = channel.holders()
    return sorted(rows[start:end].tolist() for start, end in pairwise(indptr))


def test_transfers_become_tokens_of_the_family_that_shows_them(hop: ModuleType) -> None:
    made = {c.name: c for c in hop.incidence_of(invented(hop)).channels}
    assert {name: c.family for name, c in made.items()} == {
        "funding": Family.REGISTRATION, "destination": Family.INFRASTRUCTURE, "direct": Family.INFRASTRUCTURE,
        "volume": Family.CLIENT, "ten minutes": Family.TIMING, "hour": Family.TIMING, "day": Family.TIMING,
    }  # fmt: skip
    assert together(made["funding"]) == [[0, 1]]
    assert together(made["destination"]) == [[0, 1]]
    assert together(made["direct"]) == [[2, 3], [2, 3]], "each beside itself: two tokens for one transfer"
    assert together(made["volume"]) == [[0, 1]]
    assert together(made["ten minutes"]) == together(made["hour"]) == together(made["day"]) == [[2, 3]]
    assert made["direct"].sizes.tolist() == [1, 1, 2, 2, 1]


def test_evidence_can_be_left_out(hop: ModuleType) -> None:
    made = hop.incidence_of(invented(hop), direct=False, volume=False)
    assert not {"direct", "volume"} & {c.name for c in made.channels}
    assert made.families() == (Family.INFRASTRUCTURE, Family.REGISTRATION, Family.TIMING)


def test_strata_are_months_with_chains_and_with_volumes(hop: ModuleType) -> None:
    (month, chains), (again, decile) = hop.incidence_of(invented(hop)).stratifications
    assert month.tolist() == again.tolist() == [0, 0, 1, 1, 2]
    assert chains[2] == chains[3] != chains[0] and chains[4] == 0
    assert decile.tolist() == sorted(decile.tolist())


def test_no_label_is_among_what_the_chains_show(hop: ModuleType) -> None:
    assert not {"sybil", "group", "component", "custom_group", "ring", "eligible", "blacklist", "passed_over"} & set(
        hop.Transfers.__dataclass_fields__
    )


def said(hop: ModuleType, rings: list[str | None]) -> Any:
    none = (None,) * len(rings)
    return hop.Truth(np.array([ring is not None for ring in rings]), none, tuple(rings), none)


def test_rings_are_recovered_one_to_one_by_halves(hop: ModuleType, truth: ModuleType) -> None:
    rings = truth.rings_of(said(hop, ["p"] * 4 + ["q"] * 4 + [None] * 4))
    assert truth.recovered(rings, [{0, 1, 2, 3}, {4, 5, 8, 9}]) == ["p", "q"]
    assert truth.recovered(rings, [{0, 1, 2, 3, 4, 5, 6, 7}]) == ["p"], "one group is one ring at most"
    assert truth.recovered(rings, [{0, 8, 9, 10}, {4}]) == []


def test_outcome_counts_accounts_and_groups(hop: ModuleType, truth: ModuleType) -> None:
    told = said(hop, ["p"] * 4 + [None] * 4)
    result = truth.outcome([{0, 1, 2}, {4, 5}], told, {"p": "silent"})
    shares = [(s.k, s.n) for s in (result.rings, result.precision, result.recall, result.false, result.false_groups)]
    assert shares == [(1, 1), (3, 5), (3, 4), (2, 4), (1, 2)]
    assert str(result.by_kind["silent"]).startswith("1/1")


def test_a_ring_is_told_by_what_its_transfers_look_like(hop: ModuleType, truth: ModuleType) -> None:
    kinds = truth.kinds(invented(hop), said(hop, ["s", "s", "c", "c", "e"]))
    assert kinds == {"s": "scattered", "c": "component", "e": "silent"}
    reach = truth.reach(hop.incidence_of(invented(hop)), said(hop, ["s", "s", None, None, None]), ("funding",))
    assert reach == {"s": 0.5}, "no token is held by at most 1 % of five accounts"


def test_a_burst_is_told_against_the_other_months(workers: Path) -> None:
    starscout = importlib.import_module("starscout")
    made = starscout.burst(np.array([0, 1, 0, 0]), np.array([9.0, 7.0, 9.0, 99.0]))
    assert made.tolist() == pytest.approx([np.log(10 / 55), 0.0, np.log(10 / 55), np.log(10)])
    assert starscout.auc(np.array([0.0, 1.0, 1.0, 2.0]), np.array([False, False, True, True])) == 0.875


def test_posts_become_content_and_timing(workers: Path) -> None:
    posts = importlib.import_module("posts")
    table: dict[str, list[Any]] = {name: [None] * 5 for name in posts.OBJECTS} | {
        "account_id": ["fb_1", "fb_1", "tw_2", "tw_2", "tw_3"], "post_id": [1, 2, 3, 4, 5],
        "url_id": [7, 8, 7, None, 7], "timestamp": [0.0, 5_000.0, 599.0, 9_000.0, 1.0],
    }  # fmt: skip
    made = posts.incidence_of(table)
    assert made.n == 2, "one post is too few"
    assert {c.name: together(c) for c in made.channels if c.n_tokens} == {"url_id": [[0, 1]], "ten minutes": [[0, 1]]}
    assert made.stratifications[0][0].tolist() == [1, 0]


@pytest.mark.slow
def test_without_the_data_the_script_says_so(root: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(root / "benchmarks" / "rings.py"), "--data", str(tmp_path / "nowhere")]
    printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=300).stdout
    assert "no shared data folder here" in printed


@pytest.fixture
def real(hop: ModuleType, shared_data: Path) -> Incidence:
    made: Incidence = hop.incidence_of(hop.read(shared_data / "5_coordination")[0])
    return made


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize("family", FAMILIES)
def test_permuted_rows_of_real_accounts_confirm_nothing(real: Incidence, family: Family) -> None:
    """Real tokens are heavy-tailed and depend on each other as none that we invent: the promise must hold all the
    same."""
    means, false_worlds, candidates = [], 0, 0
    for seed in range(REPLICATIONS):
        values, discovered = honest(permuted_within_strata(real, family, 2_000 + seed), family)
        means.append(float(np.exp(values).mean()))
        false_worlds += bool(discovered.any())
        candidates += len(values)
    found = outcome(means, false_worlds, candidates)
    print(f"{family}: mean e {found.mean_e:.3f} ± {found.error:.3f} over {candidates} candidates, "
          f"{false_worlds}/{REPLICATIONS} worlds with a false discovery")  # fmt: skip
    assert candidates >= 100 * REPLICATIONS, "too few candidates: the test would say nothing"
    assert found.holds()


@pytest.mark.slow
@pytest.mark.shared
def test_unpermuted_rows_of_real_accounts_are_confirmed_by_every_family(real: Incidence) -> None:
    found = search(real)
    print({family: f"{flags.sum()}/{found.tested[family]}" for family, flags in found.discovered.items()})
    assert all(found.discovered[family].sum() >= 20 for family in FAMILIES)
