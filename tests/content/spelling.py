"""Normalisation in slow and obvious Python: what `stillwatch.content.normalise` must answer, byte for byte."""

import re
import sys
import unicodedata

import numpy as np
import pyarrow as pa

from stillwatch.content import forms

RUN = re.compile(r"[^\x00-\x7f]+")
EVERY = [chr(code) for code in range(0x80, sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]


def words_drawn(text: str) -> str:
    """Each character of a word that touches an ASCII letter, as it is drawn; a word ends at a space, a dash or a quote.

    A run of other than ASCII characters is cut at each of these: its first piece touches what stands before it, its
    last what stands behind.
    """
    pieces = re.split(r"([^\x00-\x7f]+)", text)
    for at in range(1, len(pieces), 2):
        run = re.split(r"([\u00a0-\u00bf\u2010-\u2027\u202f-\u205e\u3000-\u303f])", pieces[at])
        touching = {0} if re.search(r"[A-Za-z]\Z", pieces[at - 1]) else set()
        touching |= {len(run) - 1} if re.match("[A-Za-z]", pieces[at + 1]) else set()
        for place in touching:
            run[place] = "".join(forms._BESIDE.get(ord(c), c) for c in run[place])
        pieces[at] = "".join(run)
    return "".join(pieces)


def whole(text: str) -> str:
    """NFKD without marks, lower case, look-alikes and invisible characters mapped, NFC."""
    decomposed = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFC", decomposed.translate(forms._MARKS).lower().translate(forms._TABLE))


def spelled(text: str) -> str:
    """Words as drawn; then the whole text at once if it has a capital sigma; else each run of other than ASCII."""
    text = words_drawn(text)
    return whole(text) if "\u03a3" in text else RUN.sub(lambda run: whole(run.group()), text)


def column(texts: list[str | None]) -> pa.Array:
    return pa.array(texts, pa.large_string())


def heeded() -> list[str]:
    """Characters that heed their neighbours or are heeded by them, and those that vanish or become longer: every entry
    of the forms that is more than a replacement."""
    made = forms.grow(range(len(forms.held().places)))
    entries = np.array([made.pages[made.places[ord(c) >> 8], ord(c) & 0xFF] for c in EVERY], np.uint64)
    kinds, classes = (entries >> np.uint64(48)) & np.uint64(255), entries >> np.uint64(56)
    plain = (classes == 0) & np.isin(kinds, [1, 2, 3, 4, 7])
    return [c for c, dull in zip(EVERY, plain, strict=True) if not dull]
