"""Rule tags: phrases in several languages, each name one bit, matched by the kernel through keyed word hashes."""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from stillwatch.content.kernel_words import LONGEST_PHRASE, MOST_WORDS, chain, words_of
from stillwatch.content.normalise import one

Hashes = NDArray[np.uint64]


@dataclass(frozen=True)
class PhraseTable:
    """An open-addressing table from a phrase's keyed hash to tag bits; empty places are 0.

    Every beginning of a phrase is in it too, with no bits of its own, so that a reader stops at the first word that
    begins nothing.
    """

    keys: Hashes
    bits: Hashes


@cache
def tag_phrases() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """(name, phrases) in the order of their bits."""
    text = resources.files("stillwatch.content").joinpath("tags.json").read_text("utf-8")
    return tuple((tag["name"], tuple(tag["phrases"])) for tag in json.loads(text)["tags"])


@cache
def tag_bits() -> dict[str, int]:
    """The bit of each tag name."""
    return {name: 1 << place for place, (name, _) in enumerate(tag_phrases())}


@cache
def phrase_table(key0: int, key1: int) -> PhraseTable:
    """The table under one key. A phrase of more than five words matches by its first five."""
    found: dict[int, int] = {}
    for bit, (name, phrases) in enumerate(tag_phrases()):
        for phrase in phrases:
            words = word_hashes(phrase, key0)
            if len(words) == 0:
                raise ValueError(f"tags.json: {name}: {phrase!r} has no word")
            state = np.uint64(key1)
            for word in words[:LONGEST_PHRASE]:
                state = np.uint64(chain(state, word))
                found.setdefault(int(state), 0)
            found[int(state)] |= 1 << bit
    size = 1 << (2 * len(found) - 1).bit_length()
    keys, bits = np.zeros(size, dtype=np.uint64), np.zeros(size, dtype=np.uint64)
    for value, mask in found.items():
        place = value & (size - 1)
        while keys[place]:
            place = (place + 1) & (size - 1)
        keys[place], bits[place] = value, mask
    return PhraseTable(keys, bits)


def word_hashes(text: str, key0: int) -> Hashes:
    """The kernel's word hashes of one text under a key."""
    data = np.frombuffer(one(text).encode("utf-8", "replace") or b" ", dtype=np.uint8)
    words = np.empty(min(len(data) + 1, MOST_WORDS), dtype=np.uint64)
    kind = np.empty(len(words), dtype=np.uint8)
    places = np.empty((2, len(words)), dtype=np.int32)
    n = words_of(data, 0, len(data), np.uint64(key0), words, kind, places[0], places[1])
    return words[:n]
