"""Hashes of whole rows: what is equal, what is not, and what no key tells."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from stillwatch.content.rowhash import row_hashes
from stillwatch.content.siphash import siphash_bytes
from stillwatch.content.sketch_key import SketchKey

KEY = (0x0706050403020100, 0x0F0E0D0C0B0A0908)
SKETCH = SketchKey(np.uint64(0), np.uint64(0), np.uint64(KEY[0]), np.uint64(KEY[1]))


@pytest.mark.parametrize(
    ("size", "wanted"),
    [(0, 0x726FDB47DD0E0E31), (8, 0x93F5F5799A932462), (15, 0xA129CA6149BE45E5), (63, 0x958A324CEB064572)],
)
def test_siphash_of_bytes_answers_the_vectors_of_its_reference(size: int, wanted: int) -> None:
    data = np.arange(size, dtype=np.uint8)
    assert int(siphash_bytes(np.uint64(KEY[0]), np.uint64(KEY[1]), data, 0, size)) == wanted


def hashed(*columns: pa.Array) -> list[int]:
    return [int(value) for value in row_hashes(list(columns), SKETCH)]


VALUES: list[tuple[pa.DataType, list[Any]]] = [
    (pa.string(), ["", "a", "a\x00", "\x00", None, "eight by", "eight byt"]),
    (pa.int64(), [0, 1, -1, 2**63 - 1, None]),
    (pa.int32(), [0, 1, -1, None]),
    (pa.float64(), [0.0, 1.0, 1e-300, None]),
    (pa.bool_(), [True, False, None]),
    (pa.timestamp("us", "UTC"), [datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 6, 2, tzinfo=UTC), None]),
    (pa.map_(pa.string(), pa.string()), [[("a", "b")], [("a", "c")], [("a", None)], [], None]),
]


@pytest.mark.parametrize(("kind", "values"), VALUES, ids=lambda v: str(v)[:12])
def test_different_values_differ_and_equal_ones_do_not(kind: pa.DataType, values: list[Any]) -> None:
    """Also in a slice, in another batch, and beside a column of nulls."""
    once = hashed(pa.array(values, kind))
    assert len(set(once)) == len(values)
    assert hashed(pa.array([values[-1], *values], kind).slice(1)) == once
    assert hashed(pa.array(values[:1], kind)) == once[:1]
    assert hashed(pa.array(values, kind), pa.nulls(len(values), pa.string())) != once


def test_a_value_in_another_column_is_another_row() -> None:
    a, none = pa.array(["a"]), pa.array([None], pa.string())
    assert hashed(a, none) != hashed(none, a)
    assert hashed(pa.array(["ab"]), pa.array(["c"])) != hashed(pa.array(["a"]), pa.array(["bc"]))


def test_zero_has_one_hash_and_another_key_another() -> None:
    other = SKETCH._replace(seal1=np.uint64(3))
    assert hashed(pa.array([0.0])) == hashed(pa.array([-0.0]))
    assert row_hashes([pa.array(["a"])], SKETCH)[0] != row_hashes([pa.array(["a"])], other)[0]
