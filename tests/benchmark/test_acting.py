"""The generator by agents who act: nothing but work and concealment tells members; equal seeds give equal bytes."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

pytestmark = [pytest.mark.slow, pytest.mark.shared]

BOUND = 0.6
HARMLESS = ("legit", "look_alike")
SEED = 3


def generate(root: Path, shared: Path, out: Path, *more: str) -> Path:
    script = root / "benchmarks" / "worlds" / "acting.py"
    asked = [sys.executable, str(script), "--out", str(out / "logs"), "--truth", str(out / "truth"), *more]
    subprocess.run(asked, check=True, env=os.environ | {"STILLWATCH_SHARED_DATA": str(shared)}, capture_output=True)
    return out


def prints(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def acted(root: Path, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(root, shared_data, tmp_path_factory.mktemp("acted"), "--seed", str(SEED))


def auc(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    """The chance that a member's score is above another account's, ties counted half."""
    _, ranks, counts = np.unique(scores, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts - 1) / 2
    mine, others = labels.sum(), (~labels).sum()
    return float((middle[ranks][labels].sum() - mine * (mine + 1) / 2) / (mine * others))


def features(world: Path) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.bool_]]:
    """What a cheat would look at: ids, places in the files, age, volume, hours of the day."""
    logs = world / "logs"
    hours = ", ".join(f"avg((date_part('hour', asked_at) = {h})::INT)" for h in range(24))
    kinds = ", ".join(f"'{kind}'" for kind in (*HARMLESS, "operator"))
    found = duckdb.execute(
        f"""
        WITH e AS (SELECT account_id, exchange_id, asked_at, file_row_number AS place
                   FROM read_parquet('{logs}/exchanges/*.parquet', file_row_number = true)),
             a AS (SELECT *, file_row_number AS place
                   FROM read_parquet('{logs}/accounts.parquet', file_row_number = true))
        SELECT t.kind = 'operator', ('0x' || substr(t.account_id, 6, 12))::BIGINT, any_value(a.place),
               any_value(date_part('epoch', a.created_at)), count(*), count(DISTINCT asked_at::DATE),
               min(date_part('epoch', asked_at)), max(date_part('epoch', asked_at)), avg(e.place),
               avg(('0x' || substr(exchange_id, 5, 12))::BIGINT), avg((date_part('dow', asked_at) IN (0, 6))::INT),
               {hours}
        FROM read_parquet('{world}/truth/accounts.parquet') t JOIN a USING (account_id) JOIN e USING (account_id)
        WHERE t.kind IN ({kinds}) GROUP BY t.account_id, t.kind ORDER BY t.account_id"""
    ).fetchall()
    table = np.array(found, dtype=np.float64)
    names = ["id", "row", "age", "volume", "days", "first", "last", "place", "exchange_id", "weekend"]
    names += [f"hour_{hour}" for hour in range(24)]
    return {name: table[:, column + 1] for column, name in enumerate(names)}, table[:, 0] > 0


def ranked(values: NDArray[np.float64]) -> NDArray[np.float64]:
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable") / len(values)
    return np.asarray((ranks - 0.5) * 3.4, dtype=np.float64)


def fitted(rows: NDArray[np.float64], labels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Logistic regression with a small ridge and balanced classes."""
    sides = np.where(labels, 1.0, -1.0)
    weights = np.where(labels, 0.5 / labels.sum(), 0.5 / (~labels).sum())

    def loss(beta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margins = sides * (rows @ beta)
        slope = -weights * sides / (1 + np.exp(np.clip(margins, -30, 30)))
        return float(weights @ np.logaddexp(0, -margins) + 0.005 * beta @ beta), rows.T @ slope + 0.01 * beta

    return np.asarray(minimize(loss, np.zeros(rows.shape[1]), jac=True).x, dtype=np.float64)


def test_no_single_trivial_feature_tells_members(acted: Path) -> None:
    columns, labels = features(acted)
    found = {name: auc(values, labels) for name, values in columns.items()}
    print(json.dumps({name: round(value, 3) for name, value in found.items()}))
    assert {name: value for name, value in found.items() if not 1 - BOUND <= value <= BOUND} == {}


def test_no_logistic_of_trivial_features_tells_members(acted: Path) -> None:
    columns, labels = features(acted)
    rows = np.column_stack([np.ones(len(labels)), *(ranked(values) for values in columns.values())])
    fold = np.random.default_rng(SEED).permutation(len(labels)) % 5
    scores = np.zeros(len(labels))
    for number in range(5):
        test = fold == number
        scores[test] = rows[test] @ fitted(rows[~test], labels[~test])
    measured = auc(scores, labels)
    print("logistic", round(measured, 3))
    assert 1 - BOUND <= measured <= BOUND


def test_equal_seeds_give_equal_bytes(root: Path, shared_data: Path, tmp_path: Path) -> None:
    worlds = [generate(root, shared_data, tmp_path / name, "--seed", "2", "--scale", ".05") for name in ("one", "two")]
    assert prints(worlds[0]) == prints(worlds[1])
    other = generate(root, shared_data, tmp_path / "other", "--seed", "4", "--scale", ".05")
    assert prints(other) != prints(worlds[0])


def test_every_row_is_of_the_contract_and_every_campaign_is_told(acted: Path, tmp_path: Path) -> None:
    from stillwatch.pipeline import ingest_sources

    (tmp_path / "key").touch(0o600)
    (tmp_path / "key").write_bytes(b"acting" * 5 + b"xx")
    report = ingest_sources([acted / "logs"], tmp_path / "store", key_file=tmp_path / "key")
    assert report.quarantined == 0
    told = json.loads((acted / "truth" / "campaigns.json").read_text())
    counted = dict(
        duckdb.execute(
            f"SELECT campaign, count(*) FROM read_parquet('{acted}/truth/exchanges.parquet') "
            "WHERE campaign IS NOT NULL GROUP BY 1"
        ).fetchall()
    )
    assert {one["campaign"]: one["extraction_exchanges"] for one in told} == counted
    assert len(counted) == 5


def facts(world: Path, query: str) -> list[tuple[object, ...]]:
    """Rows over the truth: `a` accounts, `e` exchanges with their account."""
    with duckdb.connect() as base:
        base.execute(f"CREATE VIEW a AS SELECT * FROM read_parquet('{world}/truth/accounts.parquet')")
        base.execute(
            f"CREATE VIEW e AS SELECT t.*, account_id FROM read_parquet('{world}/truth/exchanges.parquet') t "
            f"JOIN read_parquet('{world}/logs/exchanges/*.parquet') USING (exchange_id)"
        )
        return base.execute(query).fetchall()


def test_the_mixed_world_is_the_reference_world(acted: Path) -> None:
    cohorts = {name for (name,) in facts(acted, "SELECT DISTINCT cohort FROM a WHERE kind = 'look_alike'")}
    assert cohorts == {
        "enterprise_undeclared", "evaluation", "framework_defaults", "hackathon", "hobbyist", "judges",
        "key_bringing_app", "permitted_distillers", "proxy_customers", "reseller_declared", "reseller_undeclared",
        "tutors", "university", "viral",
    }  # fmt: skip
    [(accounts, exchanges)] = facts(acted, "SELECT count(DISTINCT account_id), count(*) FROM e")
    assert 50 <= exchanges / accounts <= 70  # type: ignore[operator]
    harvest = "SELECT count(campaign) AS x, count(*) AS n FROM e JOIN a USING (account_id) WHERE kind = 'operator'"
    [(made, done)] = facts(acted, harvest)
    assert 0.17 <= made / done <= 0.23  # type: ignore[operator]
    [(few,)] = facts(acted, f"SELECT avg((x < 4)::INT) FROM ({harvest} GROUP BY account_id)")
    assert 0.2 <= few <= 0.45  # type: ignore[operator]
    sizes = [n for (n,) in facts(acted, "SELECT count(*) FROM a WHERE kind = 'operator' GROUP BY cohort ORDER BY 1")]
    assert sizes[0] >= 20 and sizes[-1] <= 300  # type: ignore[operator]
    assert sizes[-1] / accounts > 0.05  # type: ignore[operator]
    [(alike, hydra)] = facts(acted, "SELECT sum((kind = 'look_alike')::INT), sum((kind = 'operator')::INT) FROM a")
    assert alike > hydra  # type: ignore[operator]


def test_a_quiet_world_has_no_campaign(root: Path, shared_data: Path, tmp_path: Path) -> None:
    world = generate(root, shared_data, tmp_path, "--scenario", "quiet", "--scale", ".05")
    assert facts(world, "SELECT count(campaign) FROM e") == [(0,)]
    assert facts(world, "SELECT count(*) FROM a WHERE kind IN ('operator', 'victim')") == [(0,)]


@pytest.mark.parametrize("kind", ["affiliated", "reseller", "viral", "same-items", "product"])
def test_imitation_changes_the_logs_alone(root: Path, shared_data: Path, tmp_path: Path, kind: str) -> None:
    more = ("--scale", ".05", "--seed", "5", "--set", f"imitate={kind}")
    world = generate(root, shared_data, tmp_path / "as", *more)
    plain = generate(root, shared_data, tmp_path / "plain", *more[:4])
    kinds = "SELECT kind, count(*) FROM a GROUP BY 1 ORDER BY 1"
    assert facts(world, kinds) == facts(plain, kinds)
    assert prints(world / "logs") != prints(plain / "logs")


def test_a_world_without_the_material_says_what_to_set(root: Path, tmp_path: Path) -> None:
    script = root / "benchmarks" / "worlds" / "acting.py"
    asked = [sys.executable, str(script), "--out", str(tmp_path / "logs"), "--truth", str(tmp_path / "truth")]
    empty = os.environ | {"STILLWATCH_SHARED_DATA": str(tmp_path)}
    done = subprocess.run(asked, check=False, env=empty, capture_output=True, text=True)
    assert done.returncode == 1
    assert "set STILLWATCH_SHARED_DATA" in done.stderr
