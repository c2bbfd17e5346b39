"""One spelling for texts that look alike: Unicode compatibility forms, accents, confusables, invisible characters.

Case, white space, punctuation and markdown need nothing here: the kernel reads words only. Evaded by whole words of
another script's look-alikes where two of them look like one letter, by look-alikes of several letters, by figures for
letters ("r3asoning"), by letters set apart ("r e a s o n"), and by typos in half of the words.
"""

import re

import numpy as np
import pyarrow as pa

from stillwatch.content import forms
from stillwatch.content.kernel_forms import GROWTH, SPARE, Bytes, Ints, is_plain, spell

SHORT = 16
"""Characters of a run that is worth remembering."""


def normalise(texts: pa.Array) -> pa.Array:
    """Normalise a string array; nulls stay null. Columns of ASCII, the most, pass through untouched.

    Answers what `one` says of each text: most by the forms of their characters, the others by `one` itself.
    """
    wide = texts.cast(pa.large_string())
    _, placed, held = wide.buffers()
    if not len(wide) or held is None:
        return texts
    offsets = np.frombuffer(placed, np.int64)[wide.offset : wide.offset + len(wide) + 1]
    data = np.frombuffer(held, np.uint8)
    if is_plain(data[offsets[0] : offsets[-1]]):
        return texts
    out, ends = _spelled(data, offsets)
    there = wide.is_valid().buffers()[1] if wide.null_count else None
    buffers = [there, pa.py_buffer(ends), pa.py_buffer(out[: ends[-1]])]
    return pa.Array.from_buffers(wide.type, len(wide), buffers).cast(texts.type)


def _spelled(data: Bytes, offsets: Ints) -> tuple[Bytes, Ints]:
    """Normalised texts, as bytes and offsets."""
    out, ends = np.empty(_room(offsets, 0), np.uint8), np.zeros(len(offsets), np.int64)
    pages, known, row = forms.held(), dict[str, str](), 0
    wanted = np.zeros(len(pages.places), np.uint8)
    while (row := spell(data, offsets, row, pages, out, ends, wanted)) < len(offsets) - 1:
        if wanted.any():
            pages = forms.grow(np.flatnonzero(wanted).tolist())
            wanted[:] = 0
            continue
        text = one(data[offsets[row] : offsets[row + 1]].tobytes().decode(), known).encode()
        start, end = int(ends[row]), int(ends[row]) + len(text)
        row += 1
        if len(out) < end + _room(offsets, row):
            out = np.concatenate([out[:start], np.empty(len(text) + _room(offsets, row), np.uint8)])
        out[start:end] = np.frombuffer(text, np.uint8)
        ends[row] = end
    return out, ends


def _room(offsets: Ints, row: int) -> int:
    """Bytes that the kernel needs for the texts from a row on."""
    return GROWTH * int(offsets[-1] - offsets[row]) + SPARE


def one(text: str, known: dict[str, str] | None = None) -> str:
    """Normalise one text: what `forms.whole` does of `forms.drawn`, but for the case of ASCII letters, which the kernel
    ignores.

    Run by run of other than ASCII characters: no ASCII character changes, and none composes with what stands beside it
    once marks are gone. Sigma alone is told by its neighbours, so a text with one is taken whole. `known`
    remembers short runs for as long as the caller keeps it.
    """
    held: dict[str, str] = {} if known is None else known

    def run(found: re.Match[str]) -> str:
        given = found.group()
        if len(given) > SHORT:
            return forms.whole(given)
        if given not in held:
            held[given] = forms.whole(given)
        return held[given]

    text = forms.drawn(text)
    return forms.whole(text) if forms.SIGMA in text else forms.RUN.sub(run, text)
