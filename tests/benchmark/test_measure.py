"""What the comparison with the truth counts: a small world by hand, every number known."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.benchmark.measure import Measure, measure


def world(folder: Path) -> None:
    """Twelve operators (two of them with one extraction exchange), three victims, twenty honest accounts."""
    accounts = [(f"op{at}", "operator", "copper") for at in range(12)]
    accounts += [(f"vic{at}", "victim", "chat") for at in range(3)] + [(f"h{at}", "legit", "chat") for at in range(20)]
    rows = [(f"op{at}-{n}", f"op{at}", "copper") for at in range(12) for n in range(1 if at < 2 else 6)]
    rows += [(f"h{at}-0", f"h{at}", None) for at in range(20)]
    (folder / "truth").mkdir()
    (folder / "logs" / "exchanges").mkdir(parents=True)
    names = ("account_id", "kind", "cohort")
    pq.write_table(
        pa.table({k: [a[i] for a in accounts] for i, k in enumerate(names)}), folder / "truth/accounts.parquet"
    )
    campaigns = pa.array([r[2] for r in rows], pa.string())
    pq.write_table(
        pa.table({"exchange_id": [r[0] for r in rows], "campaign": campaigns}), folder / "truth/exchanges.parquet"
    )
    logged = pa.table({"exchange_id": [r[0] for r in rows], "account_id": [r[1] for r in rows]})
    pq.write_table(logged, folder / "logs/exchanges/day.parquet")


def finding(name: str, status: str, members: dict[str, tuple[str, float]]) -> dict[str, Any]:
    parts = [{"account_id": a, "role": role, "probability": p} for a, (role, p) in members.items()]
    return {"campaign_id": name, "kind": "group", "status": status, "members": parts}


def measured(folder: Path, *findings: dict[str, Any]) -> Measure:
    world(folder)
    return measure({"campaigns": list(findings)}, folder / "truth", folder / "logs")


def test_a_whole_campaign_is_recovered_and_nobody_else_accused(tmp_path: Path) -> None:
    found = measured(tmp_path, finding("C-1", "suspected", {f"op{at}": ("operator", 0.9) for at in range(12)}))
    assert (found.precision.k, found.precision.n) == (12, 12)
    assert (found.recall.k, found.recall.n) == (10, 10)
    assert (found.recall_few.k, found.recall_few.n) == (2, 2)
    assert (found.false_accounts.k, found.false_accounts.n) == (0, 20)
    assert [r.matched for r in found.recovered] == [True]


def test_only_an_accusing_role_from_one_half_on_accuses(tmp_path: Path) -> None:
    members = {"op3": ("operator", 0.49), "h1": ("customer", 0.99), "vic0": ("victim", 1.0), "op4": ("operator", 0.5)}
    found = measured(tmp_path, finding("C-1", "suspected", members))
    assert (found.precision.k, found.precision.n) == (1, 1)
    assert found.victims_named_operator.k == 0
    assert [r.matched for r in found.recovered] == [False], "one of ten members is no recovered campaign"
    assert (found.named.k, found.named.n) == (2, 10)
    assert (found.honest_named.k, found.honest_named.n) == (1, 20)


def test_false_groups_count_honest_groups_and_review_counts_honest_accounts(tmp_path: Path) -> None:
    accused = finding("C-1", "suspected", {"h1": ("operator", 0.9), "h2": ("operator", 0.9), "vic1": ("operator", 0.9)})
    review = finding("C-2", "ambiguous", {"h3": ("operator", 0.4), "op5": ("operator", 0.4)})
    dismissed = finding("C-3", "dismissed", {"h4": ("customer", 0.9)})
    found = measured(tmp_path, accused, review, dismissed)
    assert (found.false_groups.k, found.false_groups.n) == (1, 2), "C-2 is half a campaign's, so it is no honest group"
    assert (found.ambiguous_honest.k, found.ambiguous_honest.n) == (1, 20)
    assert found.victims_named_operator.k == 1
    assert (found.named.k, found.honest_named.k) == (0, 2), "a finding that accuses nobody names nobody beside"
    assert found.accused_by_cohort["chat"].k == 2
