"""Text to sketch: an Arrow batch of exchanges in, a batch that cannot hold text out. A pure function of batch and
key."""

import hashlib
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.content import kernel
from stillwatch.content.normalise import normalise
from stillwatch.content.parts import Parts, Repeated, parts_of
from stillwatch.content.rowhash import row_hashes
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

SYSTEM, TOOLS, HISTORY = int(SegmentRole.SYSTEM), int(SegmentRole.TOOLS), int(SegmentRole.HISTORY)
MOST_COUNTED = 65_535
"""Words of one segment that are counted."""


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
    parts = _parts(batch)
    structure = np.array([part.structure for part in parts], dtype=np.uint32) | _settings(batch)
    user = _full(_texts([part.user for part in parts]), key0, key1, table)
    output = _light(_texts([part.output for part in parts]), key0, key1, table)
    return {
        "row_hash": pa.array(row_hashes([batch.column(field.name) for field in EXCHANGES], key0, key1)),
        "param_fp": _param_fp(batch, key0, key1),
        "structure": pa.array(structure),
        "turns": pa.array([min(part.turns, 32_000) for part in parts], pa.int16()),
        "output_words": _masked(output[1], output[3]),
        "output_tags": _masked(output[2], output[3]),
        **{name: column for name, column in user.items() if not name.startswith("_")},
        **_segments(parts, user, key0, key1, table),
    }


def _parts(batch: pa.RecordBatch) -> list[Parts]:
    """The texts of each exchange. System texts and tools repeat from row to row, and are taken apart once."""
    texts = [batch.column(name).to_pylist() for name in ("system", "messages", "tools", "output")]
    systems: Repeated = {}
    toolsets: Repeated = {}
    return [
        parts_of(system, messages, tools, output, systems, toolsets)
        for system, messages, tools, output in zip(*texts, strict=True)
    ]


def _texts(texts: Sequence[str | None]) -> pa.Array:
    """Texts as Arrow holds them: cut at LONGEST, half a surrogate pair as a question mark."""
    try:
        array = pa.array(texts, pa.large_string())
        if not array.nbytes or (pc.max(pc.binary_length(array)).as_py() or 0) <= LONGEST:
            return array
    except UnicodeEncodeError:
        pass
    safe = [None if t is None else t[:LONGEST].encode("utf-8", "replace").decode("utf-8") for t in texts]
    return pa.array(safe, pa.large_string())


def _buffers(texts: pa.Array) -> tuple[Any, Any, Any]:
    """(bytes, offsets, valid) of normalised texts, as the kernel reads them."""
    array = normalise(texts)
    valid = array.is_valid().to_numpy(zero_copy_only=False).astype(np.uint8)
    _, offsets, data = array.buffers()
    held = np.frombuffer(data, dtype=np.uint8) if data is not None and data.size else np.zeros(1, dtype=np.uint8)
    return held, np.frombuffer(offsets, dtype=np.int64)[array.offset : array.offset + len(array) + 1], valid


def _light(texts: pa.Array, key0: int, key1: int, table: PhraseTable) -> tuple[Any, Any, Any, Any]:
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


def _full(texts: pa.Array, key0: int, key1: int, table: PhraseTable) -> dict[str, Any]:
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
    texts: list[str] = []
    roles: list[list[int]] = []
    for part in parts:
        own = [SYSTEM] if part.system else []
        own += [TOOLS] if part.tools else []
        roles.append(own + [HISTORY] * sum(map(bool, part.history)))
        texts += [text for text in (part.system, part.tools, *part.history) if text]
    distinct = _texts(texts).dictionary_encode()
    places = distinct.indices.to_numpy(zero_copy_only=False)
    exact, counts, tags = (values[places] for values in _light(distinct.dictionary, key0, key1, table)[:3])
    seg_hash, seg_words, seg_tags, n_segments = user["_segments"]
    before = np.array([len(own) for own in roles], dtype=np.int64)
    offsets = np.zeros(len(parts) + 1, dtype=np.int64)
    np.cumsum(before + n_segments, out=offsets[1:])
    whole = np.repeat(offsets[:-1], before) + np.arange(len(texts)) - np.repeat(np.cumsum(before) - before, before)
    rest = np.ones(int(offsets[-1]), dtype=bool)
    rest[whole] = False
    named = np.array([role for own in roles for role in own], dtype=np.uint8)
    shown = np.arange(seg_hash.shape[1]) < n_segments[:, None]

    def joined(name: str, first: Any, then: Any) -> pa.Array:
        field = SKETCHED.field(name)
        values = np.empty(len(rest), dtype=field.type.value_type.to_pandas_dtype())
        values[whole], values[rest] = first, then
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(values)).cast(field.type)

    return {
        "segments": joined("segments", exact, seg_hash[shown]),
        "segment_roles": joined("segment_roles", named, int(SegmentRole.USER)),
        "segment_words": joined("segment_words", np.minimum(counts, MOST_COUNTED), seg_words[shown]),
        "segment_tags": joined("segment_tags", tags, seg_tags[shown]),
    }


def _settings(batch: pa.RecordBatch) -> Any:
    """Structure bits that come from parameters."""
    out = np.zeros(batch.num_rows, dtype=np.uint32)
    asked = pc.or_kleene(
        pc.is_in(batch.column("reasoning_effort"), pa.array(["high", "medium"])),
        pc.not_equal(batch.column("reasoning_budget"), 0),
    )
    for bit, flag in (
        (Structure.JSON_FORMAT, pc.match_substring(batch.column("response_format"), "json")),
        (Structure.REASONING_ASKED, asked),
        (Structure.MANY_ANSWERS, pc.greater(batch.column("n"), 1)),
        (Structure.LOGPROBS, batch.column("logprobs")),
        (Structure.SAMPLED_HOT, pc.greater_equal(batch.column("temperature"), 0.9)),
    ):
        out |= np.where(pc.fill_null(flag, False).to_numpy(zero_copy_only=False), np.uint32(int(bit)), np.uint32(0))
    return out


def _param_fp(batch: pa.RecordBatch, key0: int, key1: int) -> pa.Array:
    """A keyed hash of the sampling and format parameters, and of whether a seed was given; null where none was."""
    seeded = pc.if_else(batch.column("seed").is_valid(), True, pa.scalar(None, pa.bool_()))
    given = [*(batch.column(name) for name in PARAMETERS), seeded]
    nothing = np.all([column.is_null().to_numpy(zero_copy_only=False) for column in given], axis=0)
    return pa.array(row_hashes(given, key0, key1), mask=nothing)
