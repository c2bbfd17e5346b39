"""The stems of a text and what follows each, as a bounded set without order: what instructions are mined from.

Read are content words (of four bytes and more, no numbers) at both ends of the text, where instructions stand. A stem
is a word without a plural, participle or final e, cut at five letters; scripts without spaces give pairs of characters
instead. Of more than `STEMS` different ones those with the least keyed hashes are kept, the same in every text, and
their number goes down to a multiple of `STEP`, so that it tells little of the text's form.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stillwatch.content.kernel_words import (
    C1,
    C2,
    NUMBER,
    ONE,
    SHORT,
    ZERO,
    Bytes,
    Hashes,
    Places,
    Words,
    block_at,
    chain,
    mix,
)
from stillwatch.content.siphash import siphash_each
from stillwatch.content.sketch_key import SketchKey

STEMS = 48
STEP = 2
HEAD, TAIL = 64, 48
"""Content words that are read from the front of a text, and from its end."""

BINS = 256
"""Of two stems in one bin the greater is lost: one in 256 for each pair."""

LETTERS = 5
WIDE = 0xE2
"""First byte from which characters stand alone: CJK, and the syllables of Hangul, which the splitter takes one by
one."""

BEYOND = np.uint64(0x8080808080)
NONE = np.uint64(0xFFFFFFFFFFFFFFFF)
NOTHING = np.uint64(0x6E6F7468696E6721)
"""What follows the last content word."""


Sets = tuple[NDArray[np.uint32], NDArray[np.uint16], Bytes]


class Scratch(NamedTuple):
    """Room for one text: places of the words that are read, their stems; the least stem of each bin and what follows
    it; and those that are kept, sealed in one go."""

    places: Places
    stems: Hashes
    least: Hashes
    after: Hashes
    kept: Hashes
    follows: Hashes


@njit(cache=True, nogil=True)
def scratch() -> Scratch:
    """Room for the texts of one call."""
    return Scratch(
        np.empty(HEAD + TAIL + 1, np.int32),
        np.empty(HEAD + TAIL + 1, np.uint64),
        np.empty(BINS, np.uint64),
        np.empty(BINS, np.uint64),
        np.empty(STEMS, np.uint64),
        np.empty(STEMS, np.uint64),
    )


@njit(cache=True, nogil=True)
def stems_of(
    words: Words, n: int, key: SketchKey, room: Scratch, stems: NDArray[np.uint32], pairs: NDArray[np.uint16]
) -> int:
    """Fill `stems` and `pairs` (STEMS,) of the first `n` words: how many were kept."""
    hashes, folded, begins, ends, seed = words.hashes, words.folded, words.begins, words.ends, key.word0 + C2
    blocks = folded.view(np.uint64)
    read = _read(words.kind, folded, begins, n, room.places)
    for at in range(read):
        place = int(room.places[at])
        begin, end = int(begins[place]), int(ends[place])
        if folded[begin] >= WIDE:
            beside = place + 1 < n and begins[place + 1] == end and folded[end] >= WIDE
            room.stems[at] = mix(chain(chain(seed, hashes[place]), hashes[place + 1] if beside else ZERO))
            continue
        end = _without_suffix(folded, begin, end)
        letters = block_at(blocks, begin) & ((ONE << np.uint64(8 * min(end - begin, LETTERS))) - ONE)
        room.stems[at] = mix(chain(seed, letters)) if letters & BEYOND == ZERO else _cut(folded, begin, end, seed)
    room.stems[read] = NOTHING
    held = _least(read, room.stems, room.least, room.after, room.kept, room.follows)
    held -= held % STEP
    siphash_each(key.seal0, key.seal1, room.kept[:held])
    siphash_each(key.seal0, key.seal1, room.follows[:held])
    for at in range(held):
        stems[at] = np.uint32(room.kept[at] & np.uint64(0xFFFFFFFF))
        pairs[at] = np.uint16(room.follows[at] & np.uint64(0xFFFF))
    return held


@njit(cache=True, nogil=True, inline="always")
def _read(kind: Bytes, folded: Bytes, begins: Places, n: int, places: Places) -> int:
    """Places of the first HEAD and the last TAIL content words, ascending: how many."""
    read = at = 0
    while at < n and read < HEAD:
        places[read] = at
        read += kind[at] & NUMBER == 0 and (kind[at] & SHORT == 0 or folded[begins[at]] >= WIDE)
        at += 1
    before, last = read, n - 1
    while last >= at and read - before < TAIL:
        places[read] = last
        read += kind[last] & NUMBER == 0 and (kind[last] & SHORT == 0 or folded[begins[last]] >= WIDE)
        last -= 1
    for k in range((read - before) // 2):
        places[before + k], places[read - 1 - k] = places[read - 1 - k], places[before + k]
    return read


@njit(cache=True, nogil=True)
def _cut(folded: Bytes, begin: int, end: int, seed: np.uint64) -> np.uint64:
    """The stem of a word with letters beyond ASCII: its first five letters."""
    state, letters = seed, 0
    for at in range(begin, end):
        letters += folded[at] & 0xC0 != 0x80
        if letters > LETTERS:
            break
        state = chain(state, np.uint64(folded[at]) + ONE)
    return mix(state)


@njit(cache=True, nogil=True, inline="always")
def _without_suffix(folded: Bytes, begin: int, end: int) -> int:
    """The end of an English word without -ing, -ed, -es or -s, and without a final e; three letters stay."""
    size = end - begin
    last, second, third = folded[end - 1], folded[end - 2], folded[end - 3]
    ing = (size >= 6) & (last == 103) & (second == 110) & (third == 105)
    es = (size >= 5) & (second == 101) & ((last == 100) | (last == 115))
    plural = (last == 115) & (second != 115) & ~es
    end -= 3 * ing + 2 * es + plural
    return int(end - ((end - begin >= 4) & (folded[end - 1] == 101)))


@njit(cache=True, nogil=True, inline="always")
def _least(read: int, stems: Hashes, least: Hashes, after: Hashes, kept: Hashes, follows: Hashes) -> int:
    """Of each bin of hashes the least stem, with the least hash of itself and what follows it; the first STEMS of them,
    ascending, go to `kept` and `follows`: how many."""
    least[:] = NONE
    for at in range(read):
        value = stems[at]
        place = value >> np.uint64(56)
        if value > least[place]:
            continue
        pair = mix(chain(value + C1, stems[at + 1]))
        after[place] = min(pair, after[place]) if value == least[place] else pair
        least[place] = value
    held = place = 0
    while place < BINS and held < STEMS:
        if least[place] != NONE:
            kept[held], follows[held] = least[place], after[place]
            held += 1
        place += 1
    return held


@njit(cache=True, nogil=True)
def joined(one: Sets, other: Sets, out: Sets) -> None:
    """The stems of two texts a row as one set: (n, widths) stems, what follows each, and how many of a row there are.
    Ascending where both have some, and an even number."""
    (stems, pairs, n), (more, after, m), (into, follows, kept) = one, other, out
    for row in range(len(n)):
        held = int(n[row])
        into[row, :held], follows[row, :held] = stems[row, :held], pairs[row, :held]
        for at in range(int(m[row])):
            known = False
            for place in range(int(n[row])):
                known |= stems[row, place] == more[row, at]
            if not known:
                into[row, held], follows[row, held] = more[row, at], after[row, at]
                held += 1
        if n[row] and m[row]:
            order = np.argsort(into[row, :held])
            held -= held % STEP
            into[row, :held], follows[row, :held] = into[row][order[:held]], follows[row][order[:held]]
        kept[row] = held
