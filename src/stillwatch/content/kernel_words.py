"""Text to words: their hashes, what kind of word each is, where it stands, and the phrases that begin there. numba on
Arrow buffers, no GIL.

Everything is keyed: hashes start from seeds that the key gives (`sketch_key.py`). The hash is not cryptographic and its
seeds are secret; nothing leaves the kernel before SipHash has sealed it (`kernel.py`), but for sixteen votes a word.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stillwatch.content.sketch_key import SketchKey

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Places = NDArray[np.int32]
Hashes = NDArray[np.uint64]

LONGEST_PHRASE = 5
MOST_WORDS = 20_000
"""Words of one text that are read; what follows changes nothing of the sketch. Bounds time and memory."""

C1 = np.uint64(0x9E3779B97F4A7C15)
C2 = np.uint64(0xBF58476D1CE4E5B9)
C3 = np.uint64(0x94D049BB133111EB)
ZERO = np.uint64(0)

ONE = np.uint64(1)
ONES = np.uint64(0x0101010101010101)
PLACES = np.uint64(0x0001020304050607)
NO_DIGIT = np.uint64(0xC0C0C0C0C0C0C0C0)
"""The bits of eight bytes that digits lack, and letters and bytes beyond ASCII have."""

FIRSTS = np.uint64(2047)
"""Words of 64 bits, less one, of each filter: 131,072 bits for some 4,000 words or pairs."""

NUMBER, QUOTED, LONG, SHORT = 1, 2, 4, 8
"""Bits of a word's kind: digits only; in quotes or code; in a long line; of fewer than four bytes."""

LONG_LINE = 30
"""Words in a line beyond which the skeleton takes the line as a slot."""

LETTER, BLANK, STOP, ALONE = 0, 1, 2, 3
"""What a character from U+2000 on is: part of a word, a mark, a mark that ends a sentence, a word of its own."""


MARKS = np.isin(np.arange(256), list(b'\n"`.!?:'))
"""Bytes that end a line or a sentence, or begin or end a quotation or code. Others between words say nothing."""


class Words(NamedTuple):
    """Room for the words of one text, filled from the front. `begins` and `ends` are their places in `folded`, which is
    for the text's bytes; `starts` are the first words of sentences, `begun` those that may begin a phrase, and
    `unstarred` is for the bytes that emphasis inside words leaves."""

    hashes: Hashes
    kind: Bytes
    begins: Places
    ends: Places
    starts: Places
    tags: Hashes
    begun: Places
    shingles: Hashes
    folded: Bytes
    unstarred: Bytes


ROWS = np.uint64(0xFFFF)
"""Bits of an entry of the phrase table that name a row."""

UNIT = 40
"""Words of one sentence that a rule reads at once; a text without a full stop is read in pieces of so many."""

PARTS = 4
"""Parts of a rule at most."""


class PhraseTable(NamedTuple):
    """An open-addressing table of phrases' keyed hashes: the upper 48 bits of one, and below them the row of `given`
    with its tag bits and class bits; empty places are 0. Small, so that it stays in a core's cache.

    Every beginning of a phrase is in it too, with no bits of its own, so that a reader stops at the first word that
    begins nothing. There is a power of two of places. `alone` has two bits for each word that is a phrase, `pairs` for
    the first two words of each longer one, so that most places of a text are passed over without a look into the
    table. Rules, (rules, PARTS + 2): the class bits of each part, of which one must be there, the tag bit, and
    the class bits of which none may be there; `close`
    are of one unit, `wide` of one and the unit before it.
    """

    held: Hashes
    given: Hashes
    alone: Hashes
    pairs: Hashes
    close: Hashes
    wide: Hashes


@njit(cache=True, nogil=True)
def room(most: int, longest: int) -> Words:
    """Room for as many words, of a text of so many bytes."""
    return Words(
        np.empty(most, dtype=np.uint64),
        np.empty(most, dtype=np.uint8),
        np.empty(most, dtype=np.int32),
        np.empty(most, dtype=np.int32),
        np.empty(most + 1, dtype=np.int32),
        np.empty(most, dtype=np.uint64),
        np.empty(most + 1, dtype=np.int32),
        np.empty(most, dtype=np.uint64),
        np.empty((longest + 31) // 8 * 8, dtype=np.uint8),
        np.empty(longest, dtype=np.uint8),
    )


@njit(cache=True, nogil=True, inline="always")
def mix(value: np.uint64) -> np.uint64:
    """A 64-bit finaliser (SplitMix64, public domain)."""
    value = (value ^ (value >> np.uint64(30))) * C2
    value = (value ^ (value >> np.uint64(27))) * C3
    return value ^ (value >> np.uint64(31))


@njit(cache=True, nogil=True, inline="always")
def chain(state: np.uint64, value: np.uint64) -> np.uint64:
    """Hash of a sequence: fold one more mixed value in, in the five cycles that a long chain of them waits for."""
    product = (state ^ value) * C2
    return (product << np.uint64(31)) | (product >> np.uint64(33))


@njit(cache=True, nogil=True, inline="always")
def _alone(code: int) -> bool:
    """Scripts written without spaces: each character is a word."""
    return (
        0x3040 <= code <= 0x30FF or 0x3400 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF or 0x20000 <= code <= 0x3FFFF
    )


@njit(cache=True, nogil=True)
def _character(text: Bytes, at: int) -> tuple[int, int]:
    """(what it is, how many bytes it has) of the character at a place, whose first byte is 0xE2 or more."""
    byte = text[at]
    size, code = (4, byte & 0x07) if byte >= 0xF0 else (3, byte & 0x0F)
    for k in range(at + 1, min(at + size, len(text))):
        code = (code << 6) | (text[k] & 0x3F)
    if code in (0x3002, 0xFF01, 0xFF1F, 0xFF1A):  # 。！？：
        return STOP, size
    if 0x2000 <= code <= 0x206F or 0x3000 <= code <= 0x303F or 0xFF00 <= code <= 0xFF0F:
        return BLANK, size
    return (ALONE if _alone(code) else LETTER), size


@njit(cache=True, nogil=True, inline="always")
def block_at(blocks: Hashes, at: int) -> np.uint64:
    """The eight bytes that begin at a place, the first one lowest."""
    place, shift = at >> 3, np.uint64(8 * (at & 7))
    above = (blocks[place + 1] << ONE) << (np.uint64(63) - shift)
    return np.uint64((blocks[place] >> shift) | above)


@njit(cache=True, nogil=True, inline="always")
def _within(byte: np.uint8) -> bool:
    """Whether a byte is an ASCII letter, or of a longer character."""
    return bool(np.uint8((byte | np.uint8(32)) - np.uint8(97)) < np.uint8(26) or byte >= 0x80)


@njit(cache=True, nogil=True)
def _without_stars(text: Bytes, out: Bytes) -> Bytes:
    """A text without the one to three stars between two letters: markdown's emphasis inside a word, as in
    `rea**son**ing`. The text itself, where there are none."""
    starred = np.uint8(0)
    for at in range(len(text)):  # apart from the loop below, so that many are done at once
        starred |= np.uint8(text[at] == 42)
    if not starred:
        return text
    at = to = 0
    while at < len(text):
        end = at
        while end < len(text) and text[end] == 42:
            end += 1
        if at < end <= min(at + 3, len(text) - 1) and at > 0 and _within(text[at - 1]) and _within(text[end]):
            at = end
        end = max(end, at + 1)
        while at < end:
            out[to] = text[at]
            at, to = at + 1, to + 1
    return out[:to]


@njit(cache=True, nogil=True)
def _fold(text: Bytes, folded: Bytes) -> None:
    """What each byte of a text adds to a word, and sixteen that add nothing: small letters, digits, bytes up to 0xE1 of
    longer characters; 0 where a word ends. In bytes throughout, so that many are done at once."""
    for at in range(len(text)):
        byte = text[at]
        small = np.uint8(byte | np.uint8(32))
        letter = np.uint8(small - np.uint8(97)) < np.uint8(26)
        digit = np.uint8(byte - np.uint8(48)) < np.uint8(10)
        beyond = np.uint8(byte - np.uint8(0x80)) < np.uint8(0x62)
        folded[at] = small if letter else (byte if digit | beyond else np.uint8(0))
    folded[len(text) : len(text) + 16] = 0


@njit(cache=True, nogil=True, inline="always")
def _word(blocks: Hashes, at: int, seed: np.uint64) -> tuple[np.uint64, Any, np.uint64]:
    """(hash, end, marks) of the word that begins at a place; it ends before a zero byte, and eight are taken at a time.

    `marks` has a bit where a byte is no digit. The lowest zero byte is found as in Mycroft's null test, and its place
    by a product instead of counting zeros.
    """
    state, marks = seed, ZERO
    while True:
        block = block_at(blocks, at)
        zeros = (block - ONES) & ~block & (ONES << np.uint64(7))
        if zeros != ZERO:
            break
        state = chain(state, block)
        marks |= block
        at += 8
    first = (zeros & (~zeros + np.uint64(1))) >> np.uint64(7)
    block &= first - np.uint64(1)
    state = chain(state, block)
    return mix(state), at + np.int64((first * PLACES) >> np.uint64(56)), (marks | block) & NO_DIGIT


@njit(cache=True, nogil=True, inline="always")
def _mark_long_line(kind: Bytes, start: int, end: int) -> None:
    """Mark every word of a line that is longer than LONG_LINE words."""
    if end - start > LONG_LINE:
        for at in range(start, end):
            kind[at] |= LONG


@njit(cache=True, nogil=True)
def words_of(text: Bytes, seed: np.uint64, out: Words) -> tuple[int, int]:
    """Split a text into words: hash and kind of each, and where sentences start.

    Answers how many words there are, at most as many as `out` has room for, and how many sentences have one.
    `out.folded` has room for the text and 16.
    """
    n = at = sentences = of_line = 0
    quoted = fenced = False
    begins = True  # the next word begins a sentence
    text = _without_stars(text, out.unstarred)
    end = len(text)
    folded, blocks = out.folded, out.folded.view(np.uint64)
    _fold(text, folded)
    while at < end and n < len(out.hashes):
        begin, alone = at, False
        if folded[at] == 0:
            byte = text[at]
            if byte >= 0xE2:
                what, size = _character(text, at)
                if what in (LETTER, ALONE):
                    folded[at] = byte
                    alone = what == ALONE
                else:
                    begins |= what == STOP
                    at += size
                    continue
            else:
                at += 1
                if not MARKS[byte]:
                    continue
                if byte == 10:
                    _mark_long_line(out.kind, of_line, n)
                    begins, of_line, quoted = True, n, False
                elif byte == 34:
                    quoted = not quoted
                elif byte == 96 and at + 1 < end and text[at] == 96 and text[at + 1] == 96:
                    fenced, at = not fenced, at + 2
                elif byte == 96:
                    quoted = not quoted
                elif at == end or text[at] <= 32:
                    begins = True
                continue
        if alone:
            at = min(at + size, end)
            out.hashes[n] = mix(chain(seed, block_at(blocks, begin) & ((ONE << np.uint64(8 * (at - begin))) - ONE)))
            kind = 0
        else:
            out.hashes[n], at, marks = _word(blocks, at, seed)
            kind = (SHORT if at - begin < 4 else 0) | (NUMBER if marks == ZERO else 0)
        out.kind[n] = kind | (QUOTED if quoted or fenced else 0)
        out.begins[n], out.ends[n] = begin, at
        out.starts[sentences] = n  # overwritten unless it counts
        sentences += begins
        begins = False
        n += 1
    _mark_long_line(out.kind, of_line, n)
    return n, sentences


@njit(cache=True, nogil=True, inline="always")
def two_bits(state: np.uint64) -> np.uint64:
    """The two bits of a filter's word that a hash sets."""
    return np.uint64(ONE << (state & np.uint64(63))) | (ONE << ((state >> np.uint64(40)) & np.uint64(63)))


@njit(cache=True, nogil=True, inline="always")
def _both(word: np.uint64, state: np.uint64) -> np.uint64:
    """1 where a filter's word has the two bits of a hash."""
    return (word >> (state & np.uint64(63))) & (word >> ((state >> np.uint64(40)) & np.uint64(63))) & ONE


@njit(cache=True, nogil=True)
def _begun(words: Words, n: int, word1: np.uint64, table: PhraseTable) -> int:
    """How many words may begin a phrase, written to `words.begun`; clears `words.tags`."""
    hashes, begun, alone, pairs = words.hashes, words.begun, table.alone, table.pairs
    words.tags[:n] = ZERO
    found = 0
    for at in range(n):
        state = chain(word1, hashes[at])
        pair = chain(state, hashes[at + 1 if at + 1 < n else at])
        single = _both(alone[(state >> np.uint64(6)) & FIRSTS], state)
        double = _both(pairs[(pair >> np.uint64(6)) & FIRSTS], pair)
        begun[found] = at  # overwritten unless it counts
        found += int(np.int64(single | double))
    return found


@njit(cache=True, nogil=True)
def _ruled(classes: np.uint64, rules: Hashes) -> np.uint64:
    """Tag bits of the rules whose every part has a class among these, and none that forbids them."""
    tags = ZERO
    for at in range(len(rules)):
        met = classes & rules[at, 0] != ZERO and classes & rules[at, 1] != ZERO
        met = met and classes & rules[at, 2] != ZERO and classes & rules[at, 3] != ZERO
        if met and classes & rules[at, PARTS + 1] == ZERO:
            tags |= rules[at, PARTS]
    return tags


@njit(cache=True, nogil=True)
def tags_of(words: Words, n: int, sentences: int, key: SketchKey, table: PhraseTable) -> np.uint64:
    """Look every run of 1 to 5 words up in the phrase table: OR of the bits; `words.tags[i]` are those that start at
    word i. What rules make of the classes of a unit stands at its first word.

    Arrays are taken out of their tuples once: numba counts a reference each time that it is done.
    """
    hashes, tags, begun, starts = words.hashes, words.tags, words.begun, words.starts
    held, given, pairs, close, wide = table.held, table.given, table.pairs, table.close, table.wide
    last = np.uint64(len(held) - 1)
    every = classes = before = ZERO
    found = _begun(words, n, key.word1, table)
    place = start = end = 0
    for k in range(found + 1):
        at = int(begun[k]) if k < found else n
        if at >= end:
            both = classes | before
            if classes != ZERO and both & (both - ONE) != ZERO:  # a rule has two parts at least
                tags[start] |= _ruled(classes, close) | _ruled(both, wide)
                every |= tags[start]
            if k == found:
                break
            while place + 1 < sentences and starts[place + 1] <= at:
                place += 1
            ended, of_sentence = end, int(starts[place])
            start = of_sentence + (at - of_sentence) // UNIT * UNIT
            end = min(start + UNIT, int(starts[place + 1]) if place + 1 < sentences else n)
            before = classes if ended == start else ZERO
            classes = ZERO
        state = chain(key.word1, hashes[at])
        for length in range(1, LONGEST_PHRASE + 1):
            entry = state & last
            while (held[entry] ^ state) > ROWS and held[entry] != ZERO:
                entry = (entry + ONE) & last
            if held[entry] == ZERO:
                break
            row = held[entry] & ROWS
            tags[at] |= given[row, 0]
            classes |= given[row, 1]
            if at + length == n:
                break
            state = chain(state, hashes[at + length])
            if length == 1 and _both(pairs[(state >> np.uint64(6)) & FIRSTS], state) == ZERO:
                break
        every |= tags[at]
    return every
