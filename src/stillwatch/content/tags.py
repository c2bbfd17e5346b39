"""Rule tags: phrases in several languages, each name one bit, matched by the kernel through keyed word hashes."""

import json
from functools import cache
from importlib import resources

import numpy as np

from stillwatch.content.kernel_words import (
    FIRSTS,
    LONGEST_PHRASE,
    MOST_WORDS,
    ONE,
    Hashes,
    PhraseTable,
    chain,
    room,
    words_of,
)
from stillwatch.content.normalise import one
from stillwatch.content.sketch_key import SketchKey


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
def phrase_table(key: SketchKey) -> PhraseTable:
    """The table under one key. A phrase of more than five words matches by its first five."""
    found: dict[int, int] = {}
    first = np.zeros(int(FIRSTS) + 1, dtype=np.uint64)
    for bit, (name, phrases) in enumerate(tag_phrases()):
        for phrase in phrases:
            words = word_hashes(phrase, key)
            if len(words) == 0:
                raise ValueError(f"tags.json: {name}: {phrase!r} has no word")
            state = key.word1
            begun = np.uint64(chain(state, words[0]))
            first[(begun >> np.uint64(6)) & FIRSTS] |= ONE << (begun & np.uint64(63))
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
    return PhraseTable(keys, bits, first)


def word_hashes(text: str, key: SketchKey) -> Hashes:
    """The kernel's word hashes of one text under a key."""
    data = np.frombuffer(one(text).encode("utf-8", "replace"), dtype=np.uint8)
    words = room(min(len(data), MOST_WORDS), len(data))
    return words.hashes[: words_of(data, key.word0, words)[0]]
