"""One pass over each text: hashes, skeleton, MinHash, SimHash, segments, tags. numba on Arrow buffers, no GIL.

Everything is keyed: the fast hash inside, which is not cryptographic, starts from two secret seeds, and every value
that is stored is sealed with SipHash-2-4 (Aumasson and Bernstein 2012), a PRF, under a key of its own; so without the
key it tells nothing of a guessed text. One is not: SimHash, whose use is that alike texts have alike values.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stillwatch.content.counts import COUNTED_OF_SEGMENT, COUNTED_OF_TEXT
from stillwatch.content.kernel_stems import Scratch, scratch, stems_of
from stillwatch.content.kernel_words import (
    C1,
    C2,
    C3,
    LONG,
    MOST_WORDS,
    NUMBER,
    QUOTED,
    SHORT,
    ZERO,
    Bytes,
    Hashes,
    Ints,
    PhraseTable,
    Words,
    chain,
    mix,
    room,
    tags_of,
    words_of,
)
from stillwatch.content.siphash import siphash, siphash_each
from stillwatch.content.sketch_key import SketchKey

SEGMENTS = 12
EDGE_WORDS = 8
FILLERS = 4
BINS = 16
SLOT = np.uint64(0x5151515151515151)
MASKED = NUMBER | QUOTED | LONG
NONE = np.uint64(0xFFFFFFFFFFFFFFFF)

WORD, SKELETON, EDGES, SHINGLES, CONTENT = 1, 2, 4, 8, 16
"""Bits of `Full.has`: there is a word; a skeleton; edges; shingles; a word that votes in SimHash."""

LANES = np.uint64(0x0001000100010001)
SPREAD = np.uint64(0x0000200040008001)
"""Four bits times SPREAD, and LANES of it: each bit in 16 bits of its own, so that four votes are counted at once."""

VOTES = 16


class Texts(NamedTuple):
    """Texts as Arrow holds them: UTF-8, where each begins and the last ends, and which are there (1) or null (0)."""

    data: Bytes
    offsets: Ints
    valid: Bytes


class Light(NamedTuple):
    """What is kept of whole texts, one value a text."""

    exact: Hashes
    counts: Ints
    tags: Hashes


class Full(NamedTuple):
    """What is kept of last human turns. Of n texts: `edges` (n, 2) head and tail, `minhash` (n, BINS), `fillers`
    (n, FILLERS), `seg_…` (n, SEGMENTS), `stems` and `pairs` (n, STEMS); else one value a text. `counts`
    end at COUNTED_OF_TEXT, and `seg_words` at COUNTED_OF_SEGMENT."""

    has: Bytes
    counts: Bytes
    exact: Hashes
    skeleton: Hashes
    edges: Hashes
    minhash: NDArray[np.uint16]
    simhash: NDArray[np.uint16]
    fillers: Hashes
    n_fillers: Bytes
    seg_hash: Hashes
    seg_words: Bytes
    seg_tags: Hashes
    n_segments: Bytes
    stems: NDArray[np.uint32]
    pairs: NDArray[np.uint16]
    n_stems: Bytes


@njit(cache=True, nogil=True, inline="always")
def _sealed(key: SketchKey, state: np.uint64) -> np.uint64:
    return siphash(key.seal0, key.seal1, state)


@njit(cache=True, nogil=True)
def _longest(texts: Texts) -> int:
    """Bytes of the longest text."""
    most = 0
    for row in range(len(texts.valid)):
        most = max(most, texts.offsets[row + 1] - texts.offsets[row])
    return most


@njit(cache=True, nogil=True)
def light(texts: Texts, key: SketchKey, table: PhraseTable, out: Light) -> None:
    """Whole texts that only need a hash, a word count and tags: system, tools, history, output."""
    words = room(MOST_WORDS, _longest(texts))
    for row in range(len(texts.valid)):
        if not texts.valid[row]:
            continue
        n, sentences = words_of(texts.data[texts.offsets[row] : texts.offsets[row + 1]], key.word0, words)
        out.exact[row] = _sealed(key, _sequence(words.hashes, 0, n, key.word1))
        out.counts[row] = n
        out.tags[row] = tags_of(words, n, sentences, key, table)


@njit(cache=True, nogil=True)
def full(texts: Texts, key: SketchKey, table: PhraseTable, out: Full) -> None:
    """The last human turn of each row: everything that `tables.CONTENT` keeps of it."""
    words = room(MOST_WORDS, _longest(texts))
    bins = np.empty((2, BINS), dtype=np.uint64)
    stems: Scratch = scratch()
    mask = _sealed(key, C3)
    for row in range(len(texts.valid)):
        if not texts.valid[row]:
            continue
        n, sentences = words_of(texts.data[texts.offsets[row] : texts.offsets[row + 1]], key.word0, words)
        out.counts[row] = min(n, COUNTED_OF_TEXT)
        if n == 0:
            continue
        out.has[row] = WORD
        tags_of(words, n, sentences, key, table)
        _skeleton(words, n, key, row, out)
        _edges(words, n, key, row, out)
        _minhash(words, n, key, row, bins, out)
        _simhash(words, n, key, mask, row, out)
        _segments(words, n, sentences, key, row, out)
        out.n_stems[row] = stems_of(words, n, key, stems, out.stems[row], out.pairs[row])


@njit(cache=True, nogil=True, inline="always")
def _sequence(hashes: Hashes, start: int, end: int, state: np.uint64) -> np.uint64:
    for at in range(start, end):
        state = chain(state, hashes[at])
    return state


@njit(cache=True, nogil=True, inline="always")
def _skeleton(words: Words, n: int, key: SketchKey, row: int, out: Full) -> None:
    """All words in order, and literal words in order with each run of masked words as one slot. Runs of three words and
    more are fillers."""
    exact, state = key.word1, key.word1 + C1
    hashes, kind = words.hashes, words.kind
    literal = at = held = 0
    while at < n:
        if kind[at] & MASKED == 0:
            exact, state = chain(exact, hashes[at]), chain(state, hashes[at])
            literal += 1
            at += 1
            continue
        begin = at
        while at < n and kind[at] & MASKED != 0:
            exact = chain(exact, hashes[at])
            at += 1
        state = chain(state, SLOT)
        if at - begin >= 3 and held < FILLERS:
            out.fillers[row, held] = _sealed(key, _sequence(hashes, begin, at, key.word1 + SLOT))
            held += 1
    out.n_fillers[row] = held
    out.exact[row] = _sealed(key, exact)
    if literal >= 4:
        out.skeleton[row] = _sealed(key, state)
        out.has[row] |= SKELETON


@njit(cache=True, nogil=True, inline="always")
def _edges(words: Words, n: int, key: SketchKey, row: int, out: Full) -> None:
    """The first and the last eight words, numbers as slots."""
    if n < 4:
        return
    out.has[row] |= EDGES
    width = min(EDGE_WORDS, n)
    head = key.word1 + C2
    tail = key.word1 + C3
    for at in range(width):
        last = n - width + at
        head = chain(head, SLOT if words.kind[at] & NUMBER else words.hashes[at])
        tail = chain(tail, SLOT if words.kind[last] & NUMBER else words.hashes[last])
    out.edges[row, 0] = _sealed(key, head)
    out.edges[row, 1] = _sealed(key, tail)


@njit(cache=True, nogil=True, inline="always")
def _minhash(words: Words, n: int, key: SketchKey, row: int, bins: Hashes, out: Full) -> None:
    """One-permutation MinHash over 3-word shingles; an empty bin borrows from the next filled one, with an offset."""
    if n < 3:
        return
    out.has[row] |= SHINGLES
    least, sealed = bins[0], bins[1]
    least[:] = NONE
    hashes, shingles = words.hashes, words.shingles
    for at in range(n - 2):  # apart from the loop below, so that several are done at once
        shingles[at] = mix(chain(chain(chain(key.word1, hashes[at]), hashes[at + 1]), hashes[at + 2]))
    for at in range(n - 2):
        value = shingles[at]
        taken = value >> np.uint64(60)
        least[taken] = min(least[taken], value & (NONE >> np.uint64(4)))
    for place in range(BINS):
        offset = 0
        while least[(place + offset) % BINS] == NONE:
            offset += 1
        sealed[place] = least[(place + offset) % BINS] + np.uint64(offset)
    siphash_each(key.seal0, key.seal1, sealed)
    for place in range(BINS):
        out.minhash[row, place] = np.uint16(sealed[place] & np.uint64(0xFFFF))


@njit(cache=True, nogil=True, inline="always")
def _simhash(words: Words, n: int, key: SketchKey, mask: np.uint64, row: int, out: Full) -> None:
    """Bitwise majority of 16 over words of four letters and more; a fixed word's vote cancels out between texts of one
    template. Under a mask, and absent where no word votes: no text alone shows the mask."""
    ones0 = ones1 = ones2 = ones3 = ZERO
    total = 0
    for at in range(n):
        if words.kind[at] & (NUMBER | SHORT):
            continue
        votes = mix(words.hashes[at] + key.word0)
        ones0 += ((votes & np.uint64(15)) * SPREAD) & LANES
        ones1 += (((votes >> np.uint64(4)) & np.uint64(15)) * SPREAD) & LANES
        ones2 += (((votes >> np.uint64(8)) & np.uint64(15)) * SPREAD) & LANES
        ones3 += (((votes >> np.uint64(12)) & np.uint64(15)) * SPREAD) & LANES
        total += 1
    if total == 0:
        return
    out.has[row] |= CONTENT
    found = ZERO
    for bit in range(VOTES):
        ones = (ones0, ones1, ones2, ones3)[bit // 4] >> np.uint64(16 * (bit % 4))
        if 2 * np.int64(ones & np.uint64(0xFFFF)) > total:
            found |= np.uint64(1) << np.uint64(bit)
    out.simhash[row] = np.uint16(found ^ mask)


@njit(cache=True, nogil=True, inline="always")
def _segments(words: Words, n: int, sentences: int, key: SketchKey, row: int, out: Full) -> None:
    """Sentences: the first six and the last six; the tags of what lies between go to the sixth."""
    half = SEGMENTS // 2
    kept = 0
    for place in range(sentences):
        start = int(words.starts[place])
        end = int(words.starts[place + 1]) if place + 1 < sentences else n
        tags = ZERO
        for at in range(start, end):
            tags |= words.tags[at]
        if half <= place < sentences - half:
            out.seg_tags[row, half - 1] |= tags
            continue
        out.seg_hash[row, kept] = _sealed(key, _sequence(words.hashes, start, end, key.word1))
        out.seg_words[row, kept] = min(end - start, COUNTED_OF_SEGMENT)
        out.seg_tags[row, kept] = tags
        kept += 1
    out.n_segments[row] = kept
