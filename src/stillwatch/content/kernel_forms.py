"""Spells whole columns of texts by the forms of their characters (`forms.py`). numba on Arrow buffers, no GIL."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]

PAGE = 256
BLOCK = 32
GROWTH = 3
"""How many times as long a text can become: the longest form has six bytes, the shortest character of a form two."""

SPARE = 8
"""Bytes beyond the end of what is written that may be written too."""

SAME, DOUBT = 7 << 48, 8 << 48
"""Forms in place of a length: the character itself; none that holds wherever the character stands."""

LEADS, JOINS, BESIDE = 16 << 48, 32 << 48, 64 << 48
"""The last starter of a form may compose with what follows; the character may compose with the starter before it; it is
another letter beside an ASCII letter."""

_LENGTH = np.uint64(48)
_CLASS = np.uint64(56)
_LOW = np.uint64(255)
_SAME, _DOUBT, _LEADS, _JOINS, _BESIDE = 7, 8, 16, 32, 64


class Forms(NamedTuple):
    """Forms of characters: `pages` (pages, PAGE) and which of them has the code points from PAGE x i on, or -1."""

    places: NDArray[np.int16]
    pages: Hashes


@njit(cache=True, nogil=True)
def is_plain(text: Bytes) -> bool:
    """Whether all bytes are ASCII."""
    return bool(_plain(text) == len(text))


@njit(cache=True, nogil=True)
def spell(texts: Bytes, offsets: Ints, row: int, forms: Forms, out: Bytes, ends: Ints, wanted: Bytes) -> int:
    """Spell texts from `row` on, into `out` from `ends[row]` on, and write where each ends; the row that it came to.

    It stops before a text that has a doubt, or characters of pages that are missing: those are marked in `wanted`.
    `out` has room for GROWTH times the bytes of these texts, and SPARE.
    """
    while row < len(offsets) - 1:
        written = _text(texts[offsets[row] : offsets[row + 1]], forms, out[ends[row] :], wanted)
        if written < 0:
            break
        ends[row + 1] = ends[row] + written
        row += 1
    return row


@njit(cache=True, nogil=True, inline="always")
def _copy(source: Bytes, target: Bytes) -> None:
    for at in range(len(source)):
        target[at] = source[at]


@njit(cache=True, nogil=True, inline="always")
def _plain(text: Bytes) -> int:
    """How many bytes at the beginning are ASCII."""
    at = 0
    while at + BLOCK <= len(text):
        block, seen = text[at : at + BLOCK], np.uint8(0)
        for k in range(BLOCK):
            seen |= block[k]
        if seen >= 0x80:
            break
        at += BLOCK
    while at < len(text) and text[at] < 0x80:
        at += 1
    return at


@njit(cache=True, nogil=True, inline="always")
def _character(text: Bytes, at: int) -> tuple[int, int]:
    """(code point, bytes) of the character at a place, beyond ASCII; no bytes where it is not UTF-8."""
    byte = int(np.int64(text[at]))
    if byte < 0xC2 or byte > 0xF4:
        return 0, 0
    size = 2 if byte < 0xE0 else (3 if byte < 0xF0 else 4)
    if at + size > len(text):
        return 0, 0
    code = byte & (0x7F >> size)
    for k in range(1, size):
        later = int(np.int64(text[at + k]))
        if later & 0xC0 != 0x80:
            return 0, 0
        code = (code << 6) | (later & 0x3F)
    least = 0x80 if size == 2 else (0x800 if size == 3 else 0x10000)
    return (code, size) if least <= code <= 0x10FFFF else (0, 0)


@njit(cache=True, nogil=True, inline="always")
def _letter(byte: np.uint8) -> bool:
    """Whether a byte is an ASCII letter."""
    return bool(np.uint8((byte | np.uint8(32)) - np.uint8(97)) < np.uint8(26))


@njit(cache=True, nogil=True)
def _by_letters(text: Bytes, start: int, at: int) -> bool:
    """Whether a run of other than ASCII characters stands beside an ASCII letter: it begins at `start`, and `at` is in
    it."""
    if start > 0 and _letter(text[start - 1]):
        return True
    while at < len(text) and text[at] >= 0x80:
        at += 1
    return at < len(text) and _letter(text[at])


@njit(cache=True, nogil=True)
def _text(text: Bytes, forms: Forms, out: Bytes, wanted: Bytes) -> int:
    """Spell one text; how many bytes were written, or -1 where there is a doubt or a page is missing."""
    at = to = missing = 0
    while at < len(text):
        plain = _plain(text[at:])
        _copy(text[at : at + plain], out[to : to + plain])
        at, to = at + plain, to + plain
        last = leads = 0  # of what was written last: combining class, and whether its starter may compose
        start, alone = at, False  # whether the run is known to stand beside no letter
        while at < len(text) and text[at] >= 0x80:
            code, size = _character(text, at)
            if size == 0:
                return -1
            place = forms.places[code >> 8]
            if place < 0:
                wanted[code >> 8] = missing = 1
                at += size
                continue
            form = forms.pages[place, code & 0xFF]
            kind, order = int(np.int64((form >> _LENGTH) & _LOW)), int(np.int64(form >> _CLASS))
            length = kind & 15
            if length == _DOUBT or (kind & _JOINS and leads):
                return -1
            if kind & _BESIDE and not alone:
                if _by_letters(text, start, at):
                    return -1
                alone = True
            if length == _SAME:
                if order > 0 and order < last:
                    return -1
                leads = leads if order > 0 else kind & _LEADS
                for k in range(size):
                    out[to + k] = text[at + k]
                last, length = order, size
            elif length > 0:
                last, leads = order, kind & _LEADS
                for k in range(SPARE):
                    out[to + k] = np.uint8((form >> np.uint64(8 * k)) & _LOW)
            at, to = at + size, to + length
    return -1 if missing else to
