"""Normalisation in slow and obvious Python: what `stillwatch.content.normalise` must answer, byte for byte."""

import re
import sys
import unicodedata

import numpy as np
import pyarrow as pa

from stillwatch.content import forms

RUN = re.compile(r"[^\x00-\x7f]+")
EVERY = [chr(code) for code in range(0x80, sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]


def whole(text: str) -> str:
    """NFKD without marks, lower case, look-alikes and invisible characters mapped, NFC."""
    decomposed = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFC", decomposed.translate(forms._MARKS).lower().translate(forms._TABLE))


def spelled(text: str) -> str:
    """The whole text at once if it has a capital sigma; else each run of other than ASCII."""
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
