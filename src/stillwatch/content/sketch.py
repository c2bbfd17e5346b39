"""Text to sketch: an Arrow batch of exchanges in, a batch that cannot hold text out. A pure function of batch and
key."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.content import kernel
from stillwatch.content.counts import COUNTED_OF_SEGMENT, LEAST_NEAR_WORDS
from stillwatch.content.kernel_stems import STEMS, joined
from stillwatch.content.kernel_tagged import MOST_TAGS, Tagged, tagged
from stillwatch.content.kernel_words import PhraseTable
from stillwatch.content.normalise import normalise
from stillwatch.content.parts import Parts, Repeated, parts_of
from stillwatch.content.rowhash import row_hashes
from stillwatch.content.sketch_key import SketchKey, sketch_key
from stillwatch.content.structure import Structure
from stillwatch.content.tags import phrase_table
from stillwatch.records import SegmentRole
from stillwatch.stats import distinct
from stillwatch.tables import CARRIED, EXCHANGES, MINHASH_BYTES, SKETCHED

LONGEST = 400_000
"""Characters of one text that are read: twenty for each word that the kernel reads at most. Compatibility forms grow
eighteenfold when they are normalised, so the bound stands before that."""

VARYING = r"</?[A-Za-z][^\s<>]*>|[^\s<>/\\_@0-9]*[/\\_@0-9](?:[^\s<>]*[^\s<>.!?:])?"
"""Markup, and words with a digit or a mark inside (paths, names, dates): what of a preamble differs by user."""

LONGEST_SAID = 4_000
"""Characters of a system text that can be an instruction; a longer one is a client's preamble."""

PARAMETERS = (
    "stream", "temperature", "top_p", "max_tokens", "n", "logprobs", "reasoning_effort", "reasoning_budget",
    "response_format", "tool_choice",
)  # fmt: skip

SYSTEM, TOOLS, HISTORY, BLOCK, EARLIER = (
    int(role)
    for role in (SegmentRole.SYSTEM, SegmentRole.TOOLS, SegmentRole.HISTORY, SegmentRole.BLOCK, SegmentRole.EARLIER)
)
READ = (int(SegmentRole.SYSTEM_SAYS), int(SegmentRole.EARLIER_SAYS), int(SegmentRole.USER))
"""Roles of the sentences of texts that are read whole, in the order in which they stand."""


def sketch(batch: pa.RecordBatch, key: bytes) -> pa.RecordBatch:
    """Sketch canonical exchanges (tables.EXCHANGES) under a key of at least 16 bytes: rows of tables.SKETCHED, in
    order.

    Holds the texts of one batch in memory, nothing longer. Raises ValueError where the key is too short.
    """
    columns = {name: batch.column(name) for name in CARRIED}
    columns |= content(batch, sketch_key(key))
    return pa.record_batch([columns[field.name].cast(field.type) for field in SKETCHED], schema=SKETCHED)


def content(batch: pa.RecordBatch, key: SketchKey) -> dict[str, pa.Array]:
    """The columns of tables.CONTENT of canonical exchanges, in rows of their order."""
    table = phrase_table(key)
    parts = _parts(batch)
    structure = np.array([part.structure for part in parts], dtype=np.uint32) | _settings(batch)
    asked = _texts([part.user for part in parts])
    user = _full(asked, key, table)
    beside = _said([part.system for part in parts], key, table), _full(_texts([p.earlier for p in parts]), key, table)
    answers = _texts([part.output for part in parts])
    output, answered = _light(answers, key, table), _there(answers)
    return {
        "row_hash": pa.array(row_hashes([batch.column(field.name) for field in EXCHANGES], key)),
        "param_fp": _param_fp(batch, key),
        "structure": pa.array(structure),
        "turns": pa.array([min(part.turns, 32_000) for part in parts], pa.int16()),
        "output_words": _masked(output.counts, answered),
        "output_tags": _masked(output.tags, answered),
        **_user_columns(user, _there(asked)),
        **_stems(beside[1], user),
        **_segments(parts, (*beside, user), key, table),
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


def _there(texts: pa.Array) -> Any:
    return texts.is_valid().to_numpy(zero_copy_only=False)


def _buffers(texts: pa.Array) -> kernel.Texts:
    """Normalised texts as the kernel reads them."""
    array = normalise(texts)
    _, offsets, data = array.buffers()
    return kernel.Texts(
        np.frombuffer(data if data is not None and data.size else b"\0", dtype=np.uint8),
        np.frombuffer(offsets, dtype=np.int64)[array.offset : array.offset + len(array) + 1],
        _there(array).astype(np.uint8),
    )


def _light(texts: pa.Array, key: SketchKey, table: PhraseTable) -> kernel.Light:
    """Hash, word count and tags of whole texts; zeros where there is none."""
    n = len(texts)
    out = kernel.Light(np.zeros(n, np.uint64), np.zeros(n, np.int64), np.zeros(n, np.uint64))
    if n:
        kernel.light(_buffers(texts), key, table, out)
    return out


def _masked(values: Any, valid: Any) -> pa.Array:
    return pa.array(values, mask=~valid)


def _full(texts: pa.Array, key: SketchKey, table: PhraseTable) -> kernel.Full:
    """What the kernel keeps of last human turns; zeros where there is none."""
    n = len(texts)
    out = kernel.Full(
        has=np.zeros(n, np.uint8), counts=np.zeros(n, np.uint8), exact=np.zeros(n, np.uint64),
        skeleton=np.zeros(n, np.uint64), edges=np.zeros((n, 2), np.uint64),
        minhash=np.zeros((n, kernel.BINS), "<u2"), simhash=np.zeros(n, np.uint16),
        fillers=np.zeros((n, kernel.FILLERS), np.uint64), n_fillers=np.zeros(n, np.uint8),
        seg_hash=np.zeros((n, kernel.SEGMENTS), np.uint64), seg_words=np.zeros((n, kernel.SEGMENTS), np.uint8),
        seg_tags=np.zeros((n, kernel.SEGMENTS), np.uint64), n_segments=np.zeros(n, np.uint8),
        stems=np.zeros((n, STEMS), np.uint32), pairs=np.zeros((n, STEMS), np.uint16), n_stems=np.zeros(n, np.uint8),
    )  # fmt: skip
    if n:
        kernel.full(_buffers(texts), key, table, out)
    return out


def _user_columns(user: kernel.Full, there: Any) -> dict[str, pa.Array]:
    """Every text column of the last human turn but its segments."""
    has = {bit: user.has & bit != 0 for bit in (kernel.WORD, kernel.SKELETON, kernel.EDGES, kernel.CONTENT)}
    bins = [_bitmap(user.has & kernel.SHINGLES != 0), pa.py_buffer(user.minhash.tobytes())]
    return {
        "text_words": _masked(user.counts, there),
        "exact": _masked(user.exact, has[kernel.WORD]),
        "skeleton": _masked(user.skeleton, has[kernel.SKELETON]),
        "head": _masked(user.edges[:, 0].copy(), has[kernel.EDGES]),
        "tail": _masked(user.edges[:, 1].copy(), has[kernel.EDGES]),
        "minhash": pa.Array.from_buffers(pa.binary(MINHASH_BYTES), len(there), bins),
        "simhash": _masked(user.simhash, has[kernel.CONTENT]),
        "fillers": _lists(user.fillers, user.n_fillers),
    }


def _said(systems: Sequence[str], key: SketchKey, table: PhraseTable) -> kernel.Full:
    """What the kernel keeps, row by row, of system texts that are an instruction: longer than a setting ("You are a
    helpful assistant."), shorter than a client's preamble. Nothing of the others; each is read once."""
    fits = {text: _is_short(text) for text in set(systems)}
    short = [text if fits[text] else None for text in systems]
    distinct = _texts(short).dictionary_encode()
    read = _full(distinct.dictionary, key, table)
    told = (read.counts >= LEAST_NEAR_WORDS) & (read.n_segments < kernel.SEGMENTS)  # as many: perhaps more
    read.n_segments[~told] = 0
    there = distinct.indices.is_valid().to_numpy(zero_copy_only=False)
    of = distinct.indices.fill_null(0).to_numpy(zero_copy_only=False)
    if not there.any():
        return _full(pa.nulls(len(systems), pa.large_string()), key, table)
    rows = kernel.Full(*(values[of] for values in read))
    rows.n_segments[~there] = 0
    return rows


def _is_short(text: str) -> bool:
    """Whether a system text can be an instruction; blanks make none longer."""
    return 0 < len(text) <= LONGEST and (len(text) <= LONGEST_SAID or len(" ".join(text.split())) <= LONGEST_SAID)


def _stems(earlier: kernel.Full, user: kernel.Full) -> dict[str, pa.Array]:
    """The stems of the last human turn and of what it goes back to as one set. Those of system texts are not among
    them: the words of a copied system text would make its honest users share what is asked."""
    n, width = len(user.n_stems), 2 * STEMS
    stems, pairs, held = np.zeros((n, width), np.uint32), np.zeros((n, width), np.uint16), np.zeros(n, np.uint8)
    one, other = ((text.stems, text.pairs, text.n_stems) for text in (earlier, user))
    joined(one, other, (stems, pairs, held))
    return {"stems": _lists(stems, held), "pairs": _lists(pairs, held)}


def _bitmap(valid: Any) -> pa.Buffer:
    return pa.py_buffer(np.packbits(valid, bitorder="little").tobytes())


def _lists(values: Any, counts: Any) -> pa.Array:
    """A list column from the first `counts[i]` values of each row."""
    offsets = np.zeros(len(counts) + 1, dtype=np.int32)
    np.cumsum(counts, out=offsets[1:])
    kept = values[np.arange(values.shape[1]) < counts[:, None]] if len(counts) else values.ravel()
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(kept))


def _segments(parts: list[Parts], read: Sequence[kernel.Full], key: SketchKey, table: PhraseTable) -> dict[str, Any]:
    """System, tools, a harness's blocks and earlier messages whole, each system text and block followed by its tagged
    sentences; then the sentences of the texts that were read, whose roles are READ."""
    texts: list[str] = []
    roles: list[int] = []
    held: list[int] = []
    for part in parts:
        start = len(texts)
        if part.system:
            texts.append(part.system)
            roles.append(SYSTEM)
        if part.tools:
            texts.append(part.tools)
            roles.append(TOOLS)
        if part.blocks:
            texts += part.blocks
            roles += [BLOCK] * len(part.blocks)
        if part.history:
            earlier = [text for text in part.history if text]
            texts += earlier
            roles += [HISTORY] * len(earlier)
        if part.earlier:
            texts.append(part.earlier)
            roles.append(EARLIER)
        held.append(len(texts) - start)
    distinct = _texts(texts).dictionary_encode()
    places, named = distinct.indices.to_numpy(zero_copy_only=False), np.array(roles, dtype=np.int64)
    exact, counts, tags = (values[places] for values in _light(distinct.dictionary, key, table))
    taken = np.isin(named, (SYSTEM, BLOCK))
    sets, within = _tagged(distinct.dictionary, places, taken, key, table)
    tags[taken] = 0  # the sets hold them
    sizes = 1 + np.where(taken, sets.n[within], 0).astype(np.int64)  # segments that come of each text
    of = np.repeat(np.arange(len(texts)), sizes)
    nth = np.arange(len(of)) - np.repeat(np.cumsum(sizes) - sizes, sizes) - 1  # -1 for a text itself
    set_of, first = within[of], nth < 0
    before = np.bincount(np.repeat(np.arange(len(parts)), held), weights=sizes, minlength=len(parts)).astype(np.int64)
    offsets = np.zeros(len(parts) + 1, dtype=np.int64)
    np.cumsum(before + sum(text.n_segments.astype(np.int64) for text in read), out=offsets[1:])
    whole = np.repeat(offsets[:-1], before) + np.arange(len(of)) - np.repeat(np.cumsum(before) - before, before)
    rest = np.ones(int(offsets[-1]), dtype=bool)
    rest[whole] = False
    shown = np.concatenate([np.arange(kernel.SEGMENTS) < text.n_segments[:, None] for text in read], axis=1)
    speakers = [np.full((len(parts), kernel.SEGMENTS), role) for role in READ]

    def column(name: str, text: Any, tagged: Any, sentences: Any) -> pa.Array:
        field = SKETCHED.field(name)
        values = np.empty(len(rest), dtype=field.type.value_type.to_pandas_dtype())
        values[whole], values[rest] = np.where(first, text[of], tagged), np.concatenate(sentences, axis=1)[shown]
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(values)).cast(field.type)

    asks = np.where(named[of] == SYSTEM, int(SegmentRole.SYSTEM_ASKS), int(SegmentRole.BLOCK_ASKS))
    words = np.minimum(counts, COUNTED_OF_SEGMENT)
    return {
        "segments": column("segments", exact, sets.hashes[set_of, nth], [text.seg_hash for text in read]),
        "segment_roles": column("segment_roles", named, asks, speakers),
        "segment_words": column("segment_words", words, sets.words[set_of, nth], [text.seg_words for text in read]),
        "segment_tags": column("segment_tags", tags, sets.tags[set_of, nth], [text.seg_tags for text in read]),
    }


def _tagged(texts: pa.Array, places: Any, taken: Any, key: SketchKey, table: PhraseTable) -> tuple[Tagged, Any]:
    """The sets of tagged sentences of those texts that are taken somewhere, and which of them each place holds: the
    first, where it is not taken."""
    asked = distinct(places[taken])
    n = max(len(asked), 1)
    out = Tagged(
        np.zeros((n, MOST_TAGS), np.uint64), np.zeros((n, MOST_TAGS), np.uint64), np.zeros((n, MOST_TAGS), np.uint8),
        np.zeros(n, np.uint8),
    )  # fmt: skip
    if len(asked):
        told = pc.replace_substring_regex(texts.take(pa.array(asked)), VARYING, " 0 ")
        tagged(_buffers(told), key, table, out)
    return out, np.where(taken, np.searchsorted(asked, places), 0)


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


def _param_fp(batch: pa.RecordBatch, key: SketchKey) -> pa.Array:
    """A keyed hash of the sampling and format parameters, and of whether a seed was given; null where none was."""
    seeded = pc.if_else(batch.column("seed").is_valid(), True, pa.scalar(None, pa.bool_()))
    given = [*(batch.column(name) for name in PARAMETERS), seeded]
    nothing = np.all([column.is_null().to_numpy(zero_copy_only=False) for column in given], axis=0)
    return pa.array(row_hashes(given, key), mask=nothing)
