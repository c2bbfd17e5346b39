"""Arrow columns of many rows without a Python object a row."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_DIGITS = np.frombuffer(b"".join(b"%02x" % value for value in range(256)), np.uint8).reshape(256, 2)


def mixed(values: npt.NDArray[Any], seed: int) -> npt.NDArray[np.uint64]:
    """A well-mixed key for each value: splitmix64's finaliser."""
    state = values.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(state ^ (state >> np.uint64(31)))


def hexadecimal(prefix: str, values: npt.NDArray[Any], seed: int) -> pa.Array:
    """Ids that reveal nothing of the values: a prefix and 16 digits of each."""
    keys = mixed(values, seed)
    digits = _DIGITS[keys.astype(">u8").view(np.uint8)].reshape(len(keys), 16)
    head = np.frombuffer(prefix.encode(), np.uint8)
    rows = np.concatenate([np.broadcast_to(head, (len(keys), len(head))), digits], axis=1)
    offsets = np.arange(len(keys) + 1, dtype=np.int32) * rows.shape[1]
    return pa.StringArray.from_buffers(len(keys), pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(rows)))


def typed(columns: Mapping[str, Any], schema: pa.Schema, rows: int) -> pa.Table:
    """A table of the contract; columns that are not given are empty."""
    arrays = []
    for field in schema:
        held = columns.get(field.name)
        if held is None:
            arrays.append(pa.nulls(rows, field.type))
        elif pa.types.is_timestamp(field.type):
            arrays.append((held if isinstance(held, pa.Array) else pa.array(held, pa.int64())).cast(field.type))
        else:
            arrays.append((held if isinstance(held, pa.Array) else pa.array(held)).cast(field.type))
    return pa.table(arrays, schema=schema)
