"""Text to words: their hashes, what kind of word each is, where it stands, and the phrases that begin there. numba on
Arrow buffers, no GIL.

Everything is keyed: word hashes start from a seed that the key gives. The hash is not cryptographic and its seed is
secret; nothing leaves the kernel before SipHash has finalised it (`kernel.py`).
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Places = NDArray[np.int32]
Hashes = NDArray[np.uint64]

LONGEST_PHRASE = 5
MOST_WORDS = 20_000
"""Words of one text that are read; what follows changes only the exact hash's length part. Bounds time and memory."""

C1 = np.uint64(0x9E3779B97F4A7C15)
C2 = np.uint64(0xBF58476D1CE4E5B9)
C3 = np.uint64(0x94D049BB133111EB)
ZERO = np.uint64(0)


@njit(cache=True, nogil=True, inline="always")
def mix(value: np.uint64) -> np.uint64:
    """A 64-bit finaliser (SplitMix64, public domain)."""
    value = (value ^ (value >> np.uint64(30))) * C2
    value = (value ^ (value >> np.uint64(27))) * C3
    return value ^ (value >> np.uint64(31))


@njit(cache=True, nogil=True, inline="always")
def chain(state: np.uint64, value: np.uint64) -> np.uint64:
    """Hash of a sequence: fold one more value in."""
    return mix((state ^ value) + C1)


@njit(cache=True, nogil=True, inline="always")
def _alone(code: int) -> bool:
    """Scripts written without spaces: each character is a word."""
    return (
        0x3040 <= code <= 0x30FF or 0x3400 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF or 0x20000 <= code <= 0x3FFFF
    )


@njit(cache=True, nogil=True, inline="always")
def _stops(code: int) -> bool:
    """A full-width mark that ends a sentence without a space: 。！？："""
    return code in (0x3002, 0xFF01, 0xFF1F, 0xFF1A)


@njit(cache=True, nogil=True)
def words_of(
    data: Bytes, start: int, end: int, seed: np.uint64, words: Hashes, kind: Bytes, segment: Places, line: Places
) -> int:
    """Split data[start:end] into words: their hashes, kinds (1 number, 2 quoted or code, 4 in a long line, 8 short),
    segment, line.

    Answers how many words there are, at most MOST_WORDS.
    """
    n = 0
    at = start
    segments = 0
    lines = 0
    quoted = False
    fenced = False
    while at < end and n < len(words):
        byte = data[at]
        if byte >= 0x80:
            size, code = 1, 0
            if byte >= 0xF0:
                size, code = 4, byte & 0x07
            elif byte >= 0xE0:
                size, code = 3, byte & 0x0F
            elif byte >= 0xC0:
                size, code = 2, byte & 0x1F
            for k in range(1, size):
                if at + k < end:
                    code = (code << 6) | (data[at + k] & 0x3F)
            if _stops(code):
                segments += 1
                at += size
                continue
            if 0x2000 <= code <= 0x206F or 0x3000 <= code <= 0x303F or 0xFF00 <= code <= 0xFF0F:
                at += size
                continue
            if _alone(code):
                state = seed
                for k in range(size):
                    if at + k < end:
                        state = (state ^ np.uint64(data[at + k])) * np.uint64(0x100000001B3)
                words[n] = mix(state)
                kind[n] = 2 if quoted or fenced else 0
                segment[n], line[n] = segments, lines
                n += 1
                at += size
                continue
        letter = byte >= 0x80 or (97 <= byte <= 122) or (65 <= byte <= 90) or (48 <= byte <= 57)
        if letter:
            state = seed
            digits = True
            begin = at
            while at < end:
                byte = data[at]
                if 65 <= byte <= 90:
                    byte += 32
                    digits = False
                elif 48 <= byte <= 57:
                    pass
                elif 97 <= byte <= 122:
                    digits = False
                elif byte >= 0x80:
                    if byte >= 0xE2 and at > begin:
                        break
                    digits = False
                else:
                    break
                state = (state ^ np.uint64(byte)) * np.uint64(0x100000001B3)
                at += 1
                if byte >= 0xE2:
                    while at < end and 0x80 <= data[at] < 0xC0:
                        state = (state ^ np.uint64(data[at])) * np.uint64(0x100000001B3)
                        at += 1
            words[n] = mix(state)
            kind[n] = (1 if digits else 0) | (2 if quoted or fenced else 0) | (8 if at - begin < 4 else 0)
            segment[n], line[n] = segments, lines
            n += 1
            continue
        if byte == 10:
            segments += 1
            lines += 1
            quoted = False
        elif byte == 34:
            quoted = not quoted
        elif byte == 96 and at + 2 < end and data[at + 1] == 96 and data[at + 2] == 96:
            fenced = not fenced
            at += 2
        elif byte == 96:
            quoted = not quoted
        elif byte in (46, 33, 63, 58) and (at + 1 == end or data[at + 1] <= 32):
            segments += 1
        at += 1
    return n


@njit(cache=True, nogil=True)
def tags_of(words: Hashes, n: int, seed: np.uint64, keys: Hashes, bits: Hashes, tags: Hashes) -> np.uint64:
    """Look every run of 1 to 5 words up in the phrase table: OR of the bits; `tags[i]` are those that start at word
    i."""
    size = np.uint64(len(keys))
    every = ZERO
    for at in range(n):
        state = seed
        own = ZERO
        for length in range(min(LONGEST_PHRASE, n - at)):
            state = chain(state, words[at + length])
            place = state & (size - np.uint64(1))
            while keys[np.int64(place)] != state and keys[np.int64(place)] != ZERO:
                place = (place + np.uint64(1)) & (size - np.uint64(1))
            if keys[np.int64(place)] == ZERO:
                break
            own |= bits[np.int64(place)]
        tags[at] = own
        every |= own
    return every
