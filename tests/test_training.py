"""Training value of groups, from tables: what a finding says, when it is exact, and when it abstains."""

import numpy as np
import pyarrow as pa
import pytest

from stillwatch.content.tags import tag_bits
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.linkage.groups import Confirmation, Group
from stillwatch.linkage.incidence import Incidence
from stillwatch.linkage.membership import Membership
from stillwatch.records import Family
from stillwatch.training import training_values

ENTITIES, EACH, MEMBERS = 160, 30, 16


def group(rows: np.ndarray, found_by: Family = Family.REGISTRATION, confirmed: Family = Family.TIMING) -> Group:
    none = Membership(rows, np.ones(len(rows)), np.ones((len(rows), 1)), (Family.CLIENT,))
    said = (Confirmation(confirmed, 9.0, True), Confirmation(Family.REGISTRATION, 0.1, False))
    return Group(rows.astype(np.int32), said, (), (found_by,), none)


def world(seed: int, share: float) -> tuple[DuckEngine, Incidence]:
    """160 entities with thirty exchanges each; of the first 16 so large a share asks for grades in a form."""
    rng = np.random.default_rng(seed)
    bits, n = tag_bits(), ENTITIES * EACH
    entity = np.repeat(np.arange(ENTITIES), EACH)
    kinds = np.array([0, bits["chat"], bits["code"], bits["reasoning"], bits["summary"]], np.uint64)
    tags = kinds[rng.choice(5, n, p=(0.4, 0.3, 0.15, 0.1, 0.05))]
    asks = (entity < MEMBERS) & (rng.random(n) < share)
    tags[asks] = np.uint64(bits["grading"] | bits["format"])
    engine = DuckEngine()
    held = {
        "x": pa.array(np.arange(n)), "entity": pa.array(entity, pa.int32()), "structure": pa.nulls(n, pa.uint32()),
        "output_tags": pa.nulls(n, pa.uint64()), "text_words": pa.array(np.full(n, 8), pa.int32()),
        "output_words": pa.nulls(n, pa.int32()), "turns": pa.array(np.ones(n), pa.int16()),
    }  # fmt: skip
    held["structure"] = pa.array(np.zeros(n), pa.uint32())
    engine.register("exchange", pa.table(held))
    engine.register("intent", pa.table({"x": held["x"], "tags": pa.array(tags), "said": pa.array(tags)}))
    keys = np.random.default_rng(9).integers(1, 1 << 63, ENTITIES).astype(np.uint64)
    return engine, Incidence(keys, np.ones(ENTITIES, dtype=np.int64), (), ((np.zeros(ENTITIES, np.int32),),))


@pytest.mark.parametrize("seed", range(3))
def test_a_tenth_of_requests_for_grades_is_told_with_its_figures(seed: int) -> None:
    engine, incidence = world(seed, 0.15)
    with engine:
        told, other = training_values(engine, incidence, [group(np.arange(MEMBERS)), group(np.arange(40, 60))])
    assert told["log_e"] > np.log(1e3) and other["log_e"] < 2.0
    assert told["shows"][0]["figure"] in ("asks: grading", "asks: format", "asks: grading and format")
    assert told["shows"][0]["members"] > 0.08 and told["shows"][0]["others"] < 0.02
    assert (told["entities"], told["compared"], told["guarantee"]) == (MEMBERS, ENTITIES - MEMBERS, "exact")


def test_whoever_was_chosen_by_wordings_has_no_guarantee() -> None:
    engine, incidence = world(1, 0.0)
    rows = np.arange(MEMBERS)
    with engine:
        told = training_values(
            engine, incidence,
            [group(rows), group(rows, found_by=Family.CONTENT), group(rows, confirmed=Family.CONTENT),
             group(rows, found_by=Family.CLIENT)],
        )  # fmt: skip
    assert [one["guarantee"] for one in told] == ["exact", "none", "none", "none"]


def test_few_members_and_no_text_abstain() -> None:
    engine, incidence = world(1, 0.2)
    with engine:
        assert training_values(engine, incidence, [group(np.arange(7))]) == [{}]
        assert training_values(engine, incidence, []) == []
        bare = pa.table({"entity": pa.array([0], pa.int32()), "text_words": pa.nulls(1, pa.int32())})
        engine.register("exchange", bare)
        assert training_values(engine, incidence, [group(np.arange(MEMBERS))]) == [{}]
