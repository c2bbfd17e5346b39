"""A world through a real master and two workers: the store and the findings are those of one machine."""

import json
from pathlib import Path
from typing import Any

import pytest

from stillwatch.engine.engines import Cluster
from stillwatch.pipeline import detect, ingest_sources
from stillwatch.store.store import Store
from stillwatch.worlds import world as worlds
from tests.conftest import key_in

pytestmark = [pytest.mark.spark, pytest.mark.slow]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mixed")
    worlds.write(worlds.simulate("mixed", 11, 0.08), folder / "logs", folder / "truth")
    key_in(folder)
    return folder


def files_of(store: Path) -> list[str]:
    return sorted(str(path.relative_to(store)) for path in store.rglob("*.parquet"))


def findings_of(store: Path, cluster: Cluster | None) -> tuple[dict[str, Any], bytes]:
    found = detect(Store.open(store), cluster=cluster)
    answer = dict(found.answer)
    answer["run"] = {name: value for name, value in answer["run"].items() if name not in ("run_id", "seconds", "store")}
    return answer, (found.folder / "exchanges.parquet").read_bytes()


def test_the_store_and_the_findings_are_the_same(world: Path, master: str) -> None:
    here, there = world / "here", world / "there"
    one = ingest_sources([world / "logs"], here, key_file=world / "key")
    other = ingest_sources([world / "logs"], there, key_file=world / "key", cluster=Cluster(master))
    assert (one.exchanges, one.new, one.accounts) == (other.exchanges, other.new, other.accounts)
    assert files_of(here) == files_of(there)
    found, counted = findings_of(here, None)
    again, counted_there = findings_of(there, Cluster(master))
    assert any(finding["status"] == "suspected" for finding in found["campaigns"])
    assert json.dumps(again) == json.dumps(found)
    assert counted_there == counted
    assert not (there / "scratch").exists() or not any((there / "scratch").iterdir())
