"""Text to sketch: an Arrow batch of exchanges in, a batch that cannot hold text out. A pure function of batch and
key."""

import hashlib
import struct
from typing import Any

import numpy as np
import pyarrow as pa

from stillwatch.content import kernel
from stillwatch.content.normalise import normalise
from stillwatch.content.parts import Parts, parts_of
from stillwatch.content.structure import Structure
from stillwatch.content.tags import PhraseTable, phrase_table
from stillwatch.records import SegmentRole
from stillwatch.tables import CARRIED, EXCHANGES, MINHASH_BYTES, SKETCHED

LONGEST = 400_000
"""Characters of one text that are read: twenty for each word that the kernel reads at most. Compatibility forms grow
eighteenfold when they are normalised, so the bound stands before that."""

PARAMETERS = (
    "stream", "temperature", "top_p", "max_tokens", "n", "logprobs", "reasoning_effort", "reasoning_budget",
    "response_format", "tool_choice",
)  # fmt: skip


def sketch(batch: pa.RecordBatch, key: bytes) -> pa.RecordBatch:
    """Sketch canonical exchanges (tables.EXCHANGES) under a key of at least 16 bytes: rows of tables.SKETCHED, in
    order.

    Holds the texts of one batch in memory, nothing longer. Raises ValueError where the key is too short.
    """
    if len(key) < 16:
        raise ValueError(f"the sketch key has {len(key)} bytes, wanted at least 16")
    columns = {name: batch.column(name) for name in CARRIED}
    columns |= _content(batch, key)
    return pa.record_batch([columns[field.name].cast(field.type) for field in SKETCHED], schema=SKETCHED)


def _content(batch: pa.RecordBatch, key: bytes) -> dict[str, pa.Array]:
    key0, key1 = (int(value) for value in struct.unpack("<2Q", hashlib.blake2b(key, digest_size=16).digest()))
    table = phrase_table(key0, key1)
    texts = [batch.column(name).to_pylist() for name in ("system", "messages", "tools", "output")]
    parts = [parts_of(*row) for row in zip(*texts, strict=True)]
    structure = np.array([part.structure for part in parts], dtype=np.uint32) | _settings(batch)
    user = _full([part.user for part in parts], key0, key1, table)
    output = _light([part.output for part in parts], key0, key1, table)
    return {
        "row_hash": pa.array(_row_hashes(batch, key)),
        "param_fp": _param_fp(batch, key),
        "structure": pa.array(structure),
        "turns": pa.array([min(part.turns, 32_000) for part in parts], pa.int16()),
        "output_words": _masked(output[1], output[3]),
        "output_tags": _masked(output[2], output[3]),
        **{name: column for name, column in user.items() if not name.startswith("_")},
        **_segments(parts, user, key0, key1, table),
    }


def _buffers(texts: list[str | None]) -> tuple[Any, Any, Any]:
    """(bytes, offsets, valid) of normalised texts, as the kernel reads them."""
    safe = [None if t is None else t[:LONGEST].encode("utf-8", "replace").decode("utf-8") for t in texts]
    array = normalise(pa.array(safe, pa.large_string()))
    valid = np.array([t is not None for t in safe], dtype=np.uint8)
    _, offsets, data = array.buffers()
    held = np.frombuffer(data, dtype=np.uint8) if data is not None and data.size else np.zeros(1, dtype=np.uint8)
    return held, np.frombuffer(offsets, dtype=np.int64)[array.offset : array.offset + len(array) + 1], valid


def _light(texts: list[str | None], key0: int, key1: int, table: PhraseTable) -> tuple[Any, Any, Any, Any]:
    """Hash, word count and tags of whole texts, and which of them were there."""
    data, offsets, valid = _buffers(texts)
    n = len(texts)
    exact, tags = np.zeros(n, dtype=np.uint64), np.zeros(n, dtype=np.uint64)
    counts = np.zeros(n, dtype=np.int64)
    if n:
        kernel.light(
            data, offsets, valid, np.uint64(key0), np.uint64(key1), table.keys, table.bits, exact, counts, tags
        )
    return exact, counts, tags, valid.astype(bool)


def _masked(values: Any, valid: Any) -> pa.Array:
    return pa.array(values, mask=~valid)


def _full(texts: list[str | None], key0: int, key1: int, table: PhraseTable) -> dict[str, Any]:
    """Every text column of the last human turn; names with an underscore are the segments, for `_segments`."""
    data, offsets, valid = _buffers(texts)
    n = len(texts)
    counts, n_fillers, n_bigrams, n_segments = (np.zeros(n, dtype=np.int64) for _ in range(4))
    exact, skeleton, simhash = (np.zeros(n, dtype=np.uint64) for _ in range(3))
    edges, has = np.zeros((n, 2), dtype=np.uint64), np.zeros(n, dtype=np.uint8)
    minhash = np.zeros((n, kernel.BINS), dtype=np.uint16)
    fillers = np.zeros((n, kernel.FILLERS), dtype=np.uint64)
    bigrams = np.zeros((n, kernel.BIGRAMS), dtype=np.uint32)
    seg_hash, seg_tags = (np.zeros((n, kernel.SEGMENTS), dtype=np.uint64) for _ in range(2))
    seg_words = np.zeros((n, kernel.SEGMENTS), dtype=np.int64)
    if n:
        kernel.full(
            data, offsets, valid, np.uint64(key0), np.uint64(key1), table.keys, table.bits, counts, exact, skeleton,
            edges, has, minhash, simhash, fillers, n_fillers, bigrams, n_bigrams, seg_hash, seg_words, seg_tags,
            n_segments,
        )  # fmt: skip
    raw = np.ascontiguousarray(minhash, dtype="<u2").tobytes()
    hashes = pa.Array.from_buffers(pa.binary(MINHASH_BYTES), n, [_bitmap(has & 8 != 0), pa.py_buffer(raw)])
    return {
        "text_words": _masked(counts, valid.astype(bool)),
        "exact": _masked(exact, has & 1 != 0),
        "skeleton": _masked(skeleton, has & 2 != 0),
        "head": _masked(edges[:, 0].copy(), has & 4 != 0),
        "tail": _masked(edges[:, 1].copy(), has & 4 != 0),
        "minhash": hashes,
        "simhash": _masked(simhash, has & 1 != 0),
        "fillers": _lists(fillers, n_fillers),
        "bigrams": _lists(bigrams, n_bigrams),
        "_segments": (seg_hash, seg_words, seg_tags, n_segments),
    }


def _bitmap(valid: Any) -> pa.Buffer:
    return pa.py_buffer(np.packbits(valid, bitorder="little").tobytes())


def _lists(values: Any, counts: Any) -> pa.Array:
    """A list column from the first `counts[i]` values of each row."""
    offsets = np.zeros(len(counts) + 1, dtype=np.int32)
    np.cumsum(counts, out=offsets[1:])
    kept = values[np.arange(values.shape[1]) < counts[:, None]] if len(counts) else values.ravel()
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(kept))


def _segments(parts: list[Parts], user: dict[str, Any], key0: int, key1: int, table: PhraseTable) -> dict[str, Any]:
    """System, tools and earlier messages whole, then the sentences of the last human turn, in the order of the
    request."""
    texts: list[str | None] = []
    places: list[list[int]] = []
    roles: list[list[int]] = []
    for part in parts:
        named = [(SegmentRole.SYSTEM, part.system), (SegmentRole.TOOLS, part.tools)]
        named += [(SegmentRole.HISTORY, text) for text in part.history]
        kept = [(role, text) for role, text in named if text]
        places.append(list(range(len(texts), len(texts) + len(kept))))
        roles.append([int(role) for role, _ in kept])
        texts += [text for _, text in kept]
    exact, counts, tags, _ = _light(texts, key0, key1, table)
    seg_hash, seg_words, seg_tags, n_segments = user["_segments"]
    columns: dict[str, list[Any]] = {"segments": [], "segment_roles": [], "segment_words": [], "segment_tags": []}
    for row, place in enumerate(places):
        n = int(n_segments[row])
        columns["segments"].append(exact[place].tolist() + seg_hash[row, :n].tolist())
        columns["segment_roles"].append(roles[row] + [int(SegmentRole.USER)] * n)
        columns["segment_words"].append(np.minimum(counts[place], 65_535).tolist() + seg_words[row, :n].tolist())
        columns["segment_tags"].append(tags[place].tolist() + seg_tags[row, :n].tolist())
    return {name: pa.array(values, SKETCHED.field(name).type) for name, values in columns.items()}


def _settings(batch: pa.RecordBatch) -> Any:
    """Structure bits that come from parameters."""
    out = np.zeros(batch.num_rows, dtype=np.uint32)
    formats = batch.column("response_format").to_pylist()
    efforts = batch.column("reasoning_effort").to_pylist()
    budgets = batch.column("reasoning_budget").to_pylist()
    many = batch.column("n").to_pylist()
    logprobs = batch.column("logprobs").to_pylist()
    hot = batch.column("temperature").to_pylist()
    for row in range(batch.num_rows):
        bits = Structure.JSON_FORMAT if "json" in (formats[row] or "") else 0
        bits |= Structure.REASONING_ASKED if efforts[row] in ("high", "medium") or budgets[row] else 0
        bits |= Structure.MANY_ANSWERS if (many[row] or 1) > 1 else 0
        bits |= Structure.LOGPROBS if logprobs[row] else 0
        bits |= Structure.SAMPLED_HOT if (hot[row] or 0.0) >= 0.9 else 0
        out[row] = int(bits)
    return out


def _param_fp(batch: pa.RecordBatch, key: bytes) -> pa.Array:
    """A keyed hash of the sampling and format parameters; null where none was given."""
    rows = zip(*(batch.column(name).to_pylist() for name in PARAMETERS), strict=True)
    seeds = batch.column("seed").is_valid().to_pylist()
    known: dict[tuple[Any, ...], int] = {}
    out: list[int | None] = []
    for row, seeded in zip(rows, seeds, strict=True):
        if all(value is None for value in row) and not seeded:
            out.append(None)
            continue
        if (row, seeded) not in known:
            known[row, seeded] = _digest(repr((row, seeded)).encode("utf-8", "replace"), key)
        out.append(known[row, seeded])
    return pa.array(out, pa.uint64())


def _digest(data: bytes, key: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=8, key=key[:64]).digest(), "little")


def _row_hashes(batch: pa.RecordBatch, key: bytes) -> Any:
    """A keyed hash of each whole canonical row, text and `extra` included: conflicting rows are settled by it."""
    columns = [batch.column(field.name).to_pylist() for field in EXCHANGES]
    return np.array(
        [_digest(repr(row).encode("utf-8", "surrogatepass"), key) for row in zip(*columns, strict=True)],
        dtype=np.uint64,
    )
