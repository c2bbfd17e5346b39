"""One pass over each text: hashes, skeleton, MinHash, SimHash, segments, tags. numba on Arrow buffers, no GIL.

Everything is keyed: word hashes start from a seed that the key gives, and every stored value is finalised with
SipHash-2-4 under the key (Aumasson and Bernstein 2012), a PRF, so that without the key a stored value tells nothing of
a guessed text. The fast hash inside is not cryptographic; its seed is secret.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stillwatch.content.kernel_words import (
    C1,
    C2,
    C3,
    MOST_WORDS,
    ZERO,
    Bytes,
    Hashes,
    Ints,
    Places,
    chain,
    mix,
    tags_of,
    words_of,
)
from stillwatch.content.siphash import siphash

SEGMENTS = 12
EDGE_WORDS = 8
FILLERS = 4
BIGRAMS = 32
RANKED = 256
"""Most word pairs that are ranked by counting, which takes the square of their number."""

BINS = 16
LONG_LINE = 30
"""Words in a line beyond which the skeleton takes the line as a slot."""

SLOT = np.uint64(0x5151515151515151)


@njit(cache=True, nogil=True)
def light(
    data: Bytes,
    offsets: Ints,
    valid: Bytes,
    key0: np.uint64,
    key1: np.uint64,
    keys: Hashes,
    bits: Hashes,
    exact: Hashes,
    counts: Ints,
    tags: Hashes,
) -> None:
    """Whole texts that only need a hash, a word count and tags: system, tools, history, output."""
    words = np.empty(MOST_WORDS, dtype=np.uint64)
    kind = np.empty(MOST_WORDS, dtype=np.uint8)
    segment = np.empty(MOST_WORDS, dtype=np.int32)
    line = np.empty(MOST_WORDS, dtype=np.int32)
    at_word = np.empty(MOST_WORDS, dtype=np.uint64)
    for row in range(len(offsets) - 1):
        if not valid[row]:
            continue
        n = words_of(data, offsets[row], offsets[row + 1], key0, words, kind, segment, line)
        state = key1
        for at in range(n):
            state = chain(state, words[at])
        exact[row] = siphash(key0, key1, state)
        counts[row] = n
        tags[row] = tags_of(words, n, key1, keys, bits, at_word)


@njit(cache=True, nogil=True)
def full(
    data: Bytes,
    offsets: Ints,
    valid: Bytes,
    key0: np.uint64,
    key1: np.uint64,
    keys: Hashes,
    bits: Hashes,
    counts: Ints,
    exact: Hashes,
    skeleton: Hashes,
    edges: Hashes,
    has: Bytes,
    minhash: NDArray[np.uint16],
    simhash: Hashes,
    fillers: Hashes,
    n_fillers: Ints,
    bigrams: NDArray[np.uint32],
    n_bigrams: Ints,
    seg_hash: Hashes,
    seg_words: Ints,
    seg_tags: Hashes,
    n_segments: Ints,
) -> None:
    """The last human turn of each row: everything that `tables.CONTENT` keeps of it.

    `has` gets bit 1 where there is a word, 2 a skeleton, 4 edges, 8 shingles. `edges[row]` is (head, tail).
    """
    words = np.empty(MOST_WORDS, dtype=np.uint64)
    kind = np.empty(MOST_WORDS, dtype=np.uint8)
    segment = np.empty(MOST_WORDS, dtype=np.int32)
    line = np.empty(MOST_WORDS, dtype=np.int32)
    at_word = np.empty(MOST_WORDS, dtype=np.uint64)
    near = np.empty(MOST_WORDS, dtype=np.uint32)
    ranked = np.empty(RANKED, dtype=np.int64)
    for row in range(len(offsets) - 1):
        if not valid[row]:
            continue
        n = words_of(data, offsets[row], offsets[row + 1], key0, words, kind, segment, line)
        counts[row] = n
        if n == 0:
            continue
        tags_of(words, n, key1, keys, bits, at_word)
        _mark_long_lines(kind, line, n)
        state = key1
        for at in range(n):
            state = chain(state, words[at])
        exact[row] = siphash(key0, key1, state)
        has[row] = 1
        _skeleton(words, kind, n, key0, key1, row, skeleton, fillers, n_fillers, has)
        if n >= 4:
            has[row] |= 4
            width = min(EDGE_WORDS, n)
            head = key1 + C2
            tail = key1 + C3
            for at in range(width):
                head = chain(head, SLOT if kind[at] & 1 else words[at])
                tail = chain(tail, SLOT if kind[n - width + at] & 1 else words[n - width + at])
            edges[row, 0] = siphash(key0, key1, head)
            edges[row, 1] = siphash(key0, key1, tail)
        if n >= 3:
            has[row] |= 8
            _minhash(words, n, key1, row, minhash)
        simhash[row] = _simhash(words, kind, n, key0, key1)
        _bottom_bigrams(words, n, key0, key1, row, near, ranked, bigrams, n_bigrams)
        _segments(words, segment, at_word, n, key0, key1, row, seg_hash, seg_words, seg_tags, n_segments)


@njit(cache=True, nogil=True)
def _mark_long_lines(kind: Bytes, line: Places, n: int) -> None:
    """Set kind 4 on every word of a line that is longer than LONG_LINE words."""
    start = 0
    for at in range(1, n + 1):
        if at == n or line[at] != line[start]:
            if at - start > LONG_LINE:
                for k in range(start, at):
                    kind[k] |= 4
            start = at


@njit(cache=True, nogil=True)
def _skeleton(
    words: Hashes,
    kind: Bytes,
    n: int,
    key0: np.uint64,
    key1: np.uint64,
    row: int,
    skeleton: Hashes,
    fillers: Hashes,
    n_fillers: Ints,
    has: Bytes,
) -> None:
    """Literal words in order, each run of masked words one slot; the runs of three words and more are fillers."""
    state = key1 + C1
    literal = 0
    at = 0
    while at < n:
        if kind[at] & 7 == 0:
            state = chain(state, words[at])
            literal += 1
            at += 1
            continue
        inner = key1 + SLOT
        begin = at
        while at < n and kind[at] & 7 != 0:
            inner = chain(inner, words[at])
            at += 1
        state = chain(state, SLOT)
        if at - begin >= 3 and n_fillers[row] < FILLERS:
            fillers[row, n_fillers[row]] = siphash(key0, key1, inner)
            n_fillers[row] += 1
    if literal >= 4:
        skeleton[row] = siphash(key0, key1, state)
        has[row] |= 2


@njit(cache=True, nogil=True)
def _minhash(words: Hashes, n: int, key1: np.uint64, row: int, minhash: NDArray[np.uint16]) -> None:
    """One-permutation MinHash over 3-word shingles; an empty bin borrows from the next filled one, with an offset."""
    least = np.full(BINS, np.uint64(0xFFFFFFFFFFFFFFFF), dtype=np.uint64)
    for at in range(n - 2):
        value = chain(chain(chain(key1, words[at]), words[at + 1]), words[at + 2])
        taken = np.int64(value >> np.uint64(60))
        value = value & np.uint64(0x0FFFFFFFFFFFFFFF)
        least[taken] = min(least[taken], value)
    for place in range(BINS):
        offset = 0
        while least[(place + offset) % BINS] == np.uint64(0xFFFFFFFFFFFFFFFF):
            offset += 1
        minhash[row, place] = np.uint16(mix(least[(place + offset) % BINS] + np.uint64(offset)) & np.uint64(0xFFFF))


@njit(cache=True, nogil=True)
def _simhash(words: Hashes, kind: Bytes, n: int, key0: np.uint64, key1: np.uint64) -> np.uint64:
    """Bitwise majority over words of four letters and more; a fixed word's vote cancels out between texts of one
    template."""
    votes = np.zeros(64, dtype=np.int64)
    for at in range(n):
        if kind[at] & 9:
            continue
        value = mix(words[at] + key0)
        for bit in range(64):
            votes[bit] += np.int64((value >> np.uint64(bit)) & np.uint64(1)) * 2 - 1
    out = ZERO
    for bit in range(64):
        if votes[bit] > 0:
            out |= np.uint64(1) << np.uint64(bit)
    return out ^ mix(key1) ^ mix(key0 + C1)


@njit(cache=True, nogil=True)
def _bottom_bigrams(
    words: Hashes,
    n: int,
    key0: np.uint64,
    key1: np.uint64,
    row: int,
    near: NDArray[np.uint32],
    ranked: Ints,
    bigrams: NDArray[np.uint32],
    n_bigrams: Ints,
) -> None:
    """The 32 smallest distinct 32-bit hashes of word pairs, ascending: the same sample in every text that has them.

    Of a long text, only the pairs below a bound that about 48 of them pass are ranked, by counting: no branch depends
    on a hash. Repeated pairs can leave too few or too many below it; then every pair is inserted in turn.
    """
    limit = np.uint32(0xFFFFFFFF) if n <= 64 else np.uint32(48 * 0x100000000 // n)
    count = 0
    for at in range(n - 1):
        near[count] = np.uint32(mix(chain(chain(key1 ^ key0, words[at]), words[at + 1])) >> np.uint64(32))
        count += near[count] <= limit
    if count > len(ranked):
        _insert(near, count, row, bigrams, n_bigrams)
    else:
        _rank(near, count, ranked, row, bigrams, n_bigrams)
    if n_bigrams[row] == BIGRAMS or limit == np.uint32(0xFFFFFFFF):
        return
    for at in range(n - 1):
        near[at] = np.uint32(mix(chain(chain(key1 ^ key0, words[at]), words[at + 1])) >> np.uint64(32))
    _insert(near, n - 1, row, bigrams, n_bigrams)


@njit(cache=True, nogil=True)
def _rank(
    near: NDArray[np.uint32], count: int, ranked: Ints, row: int, bigrams: NDArray[np.uint32], n_bigrams: Ints
) -> None:
    """The BIGRAMS smallest distinct of near[:count]: each goes to the place that as many others are smaller than."""
    for at in range(count):
        ranked[at] = -1
    for at in range(count):
        value = near[at]
        smaller = np.uint32(0)
        for other in range(count):
            smaller += np.uint32(near[other] < value)
        ranked[np.int64(smaller)] = np.int64(value)
    held = 0
    for at in range(count):
        if ranked[at] >= 0 and held < BIGRAMS:
            bigrams[row, held] = np.uint32(ranked[at])
            held += 1
    n_bigrams[row] = held


@njit(cache=True, nogil=True)
def _insert(near: NDArray[np.uint32], count: int, row: int, bigrams: NDArray[np.uint32], n_bigrams: Ints) -> None:
    """The BIGRAMS smallest distinct of near[:count], one inserted after the other."""
    held = 0
    for at in range(count):
        value = near[at]
        if held == BIGRAMS and value >= bigrams[row, held - 1]:
            continue
        place = held
        while place > 0 and bigrams[row, place - 1] > value:
            place -= 1
        if place > 0 and bigrams[row, place - 1] == value:
            continue
        last = min(held, BIGRAMS - 1)
        for k in range(last, place, -1):
            bigrams[row, k] = bigrams[row, k - 1]
        bigrams[row, place] = value
        held = min(held + 1, BIGRAMS)
    n_bigrams[row] = held


@njit(cache=True, nogil=True)
def _segments(
    words: Hashes,
    segment: Places,
    at_word: Hashes,
    n: int,
    key0: np.uint64,
    key1: np.uint64,
    row: int,
    seg_hash: Hashes,
    seg_words: Ints,
    seg_tags: Hashes,
    n_segments: Ints,
) -> None:
    """Sentences: the first six and the last six; the tags of what lies between go to the sixth."""
    total = 0
    for at in range(n):
        if at == 0 or segment[at] != segment[at - 1]:
            total += 1
    half = SEGMENTS // 2
    place = -1
    kept = 0
    state = key1
    count = 0
    tags = ZERO
    for at in range(n + 1):
        if at == n or (at > 0 and segment[at] != segment[at - 1]):
            place += 1
            if place < half or place >= total - half:
                seg_hash[row, kept] = siphash(key0, key1, state)
                seg_words[row, kept] = min(count, 65535)
                seg_tags[row, kept] = tags
                kept += 1
            else:
                seg_tags[row, half - 1] |= tags
            state, count, tags = key1, 0, ZERO
        if at < n:
            state = chain(state, words[at])
            count += 1
            tags |= at_word[at]
    n_segments[row] = kept
