"""What of a long static text asks for something: for each rule tag, one hash of all its sentences that bear it.

A client's preamble differs from user to user (a date, a folder, a list of files), so a hash of the whole is hardly ever
shared; the sentences that bear tags are the client's own, and are. numba on Arrow buffers, no GIL.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from stillwatch.content.counts import COUNTED_OF_SEGMENT
from stillwatch.content.kernel import Texts
from stillwatch.content.kernel_words import (
    C2,
    MOST_WORDS,
    ZERO,
    Bytes,
    Hashes,
    Ints,
    PhraseTable,
    chain,
    mix,
    room,
    tags_of,
    words_of,
)
from stillwatch.content.siphash import siphash
from stillwatch.content.sketch_key import SketchKey

MOST_TAGS = 64


class Tagged(NamedTuple):
    """Of n texts, (n, MOST_TAGS) filled from the left: hashes of sets of sentences, which tags they bear, and their
    words, counted to COUNTED_OF_SEGMENT; and how many sets a text has."""

    hashes: Hashes
    tags: Hashes
    words: Bytes
    n: Bytes


@njit(cache=True, nogil=True)
def tagged(texts: Texts, key: SketchKey, table: PhraseTable, out: Tagged) -> None:
    """Fill `out` for texts none of which is null. Tags of which the same sentences are bearers make one set; the
    order of sentences changes nothing."""
    longest = 0
    for row in range(len(texts.valid)):
        longest = max(longest, texts.offsets[row + 1] - texts.offsets[row])
    words = room(MOST_WORDS, longest)
    sums, sizes = np.zeros(MOST_TAGS, np.uint64), np.zeros(MOST_TAGS, np.int64)
    for row in range(len(texts.valid)):
        n, sentences = words_of(texts.data[texts.offsets[row] : texts.offsets[row + 1]], key.word0, words)
        if tags_of(words, n, sentences, key, table) == ZERO:
            continue
        sums[:] = 0
        sizes[:] = 0
        for place in range(sentences):
            start, end = int(words.starts[place]), int(words.starts[place + 1]) if place + 1 < sentences else n
            state, tags = key.word1 + C2, ZERO
            for at in range(start, end):
                state = chain(state, words.hashes[at])
                tags |= words.tags[at]
            state = mix(state) if tags != ZERO else ZERO
            for bit in range(MOST_TAGS):
                if (tags >> np.uint64(bit)) & np.uint64(1):
                    sums[bit] += state
                    sizes[bit] += end - start
        _sets(sums, sizes, key, row, out)


@njit(cache=True, nogil=True)
def _sets(sums: Hashes, sizes: Ints, key: SketchKey, row: int, out: Tagged) -> None:
    """Write each distinct sum once, with all tags that have it."""
    kept = 0
    for bit in range(MOST_TAGS):
        if sizes[bit] == 0:
            continue
        sealed = siphash(key.seal0, key.seal1, chain(key.word1 + C2, sums[bit]))
        place = 0
        while place < kept and out.hashes[row, place] != sealed:
            place += 1
        out.hashes[row, place] = sealed
        out.tags[row, place] |= np.uint64(1) << np.uint64(bit)
        out.words[row, place] = min(sizes[bit], COUNTED_OF_SEGMENT)
        kept = max(kept, place + 1)
    out.n[row] = kept
