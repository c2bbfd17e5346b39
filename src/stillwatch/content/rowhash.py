"""A keyed 64-bit hash of whole rows, from their Arrow buffers: SipHash-2-4 over every value, column after column.

Two rows have one hash where all their values are equal; a null is no empty string and no zero.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit
from numpy.typing import NDArray

from stillwatch.content.siphash import siphash, siphash_bytes
from stillwatch.content.sketch_key import SketchKey

Hashes = NDArray[np.uint64]
NULL = np.uint64(0xD6E8FEB86659FD93)
"""What stands for a null in the chain of a row's values."""


def row_hashes(columns: list[pa.Array], key: SketchKey) -> Hashes:
    """The hash of each row of these columns, which have one length; their order counts, their names do not."""
    rows = len(columns[0])
    state = np.zeros(rows, dtype=np.uint64)
    k0, k1 = key.seal0, key.seal1
    for column in columns:
        if column.null_count == rows:
            _fold_nulls(state, k0, k1)
        elif pa.types.is_nested(column.type):
            _fold(
                state, pa.array([None if v is None else repr(v) for v in column.to_pylist()], pa.large_string()), k0, k1
            )
        else:
            _fold(state, column, k0, k1)
    return state


def _fold(state: Hashes, column: pa.Array, key0: np.uint64, key1: np.uint64) -> None:
    valid = np.asarray(column.is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_)
    if any(test(column.type) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary)):
        text = column.cast(pa.large_binary())
        _, offsets, data = text.buffers()
        held = np.frombuffer(data, dtype=np.uint8) if data is not None and data.size else np.zeros(1, dtype=np.uint8)
        places = np.frombuffer(offsets, dtype=np.int64)[text.offset : text.offset + len(text) + 1]
        _fold_bytes(state, held, places, valid, key0, key1)
        return
    _fold_numbers(state, _bits(column), valid, key0, key1)


def _bits(column: pa.Array) -> Hashes:
    """Eight bytes for each value of a fixed width; zeros where null."""
    if pa.types.is_floating(column.type):
        values: Any = pc.fill_null(column, 0.0).cast(pa.float64()).to_numpy(zero_copy_only=False) + 0.0
    elif pa.types.is_timestamp(column.type):
        values = pc.fill_null(column.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    else:
        filled = pc.fill_null(column.cast(pa.uint8()) if pa.types.is_boolean(column.type) else column, 0)
        values = filled.to_numpy(zero_copy_only=False)
        values = values.astype(np.int64) if values.dtype.kind == "i" else values.astype(np.uint64)
    return np.ascontiguousarray(values).view(np.uint64)


@njit(cache=True, nogil=True)
def _fold_nulls(state: Hashes, key0: np.uint64, key1: np.uint64) -> None:
    for row in range(len(state)):
        state[row] = siphash(key0, key1, state[row] ^ NULL)


@njit(cache=True, nogil=True)
def _fold_bytes(
    state: Hashes, data: NDArray[np.uint8], offsets: NDArray[np.int64], valid: NDArray[np.bool_], key0: np.uint64,
    key1: np.uint64,
) -> None:  # fmt: skip
    for row in range(len(state)):
        value = siphash_bytes(key0, key1, data, offsets[row], offsets[row + 1]) if valid[row] else NULL
        state[row] = siphash(key0, key1, state[row] ^ value)


@njit(cache=True, nogil=True)
def _fold_numbers(state: Hashes, bits: Hashes, valid: NDArray[np.bool_], key0: np.uint64, key1: np.uint64) -> None:
    for row in range(len(state)):
        value = siphash(key0, key1, bits[row]) if valid[row] else NULL
        state[row] = siphash(key0, key1, state[row] ^ value)
