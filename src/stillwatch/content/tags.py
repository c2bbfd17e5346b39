"""Rule tags: each name one bit, given by phrases and by rules over word classes (`lexicon.py`) in several languages,
and matched by the kernel through keyed word hashes."""

import json
from functools import cache
from importlib import resources

import numpy as np

from stillwatch.content.kernel_words import (
    FIRSTS,
    LONGEST_PHRASE,
    MOST_WORDS,
    ONE,
    PARTS,
    Hashes,
    PhraseTable,
    chain,
    room,
    words_of,
)
from stillwatch.content.lexicon import rules, word_classes
from stillwatch.content.normalise import one
from stillwatch.content.sketch_key import SketchKey


ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


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
    found: dict[int, list[int]] = {}
    first = np.zeros(int(FIRSTS) + 1, dtype=np.uint64)
    for column, lists in enumerate((tag_phrases(), word_classes())):
        for bit, (name, phrases) in enumerate(lists):
            for phrase in phrases:
                words = word_hashes(phrase, key)
                if len(words) == 0:
                    raise ValueError(f"{name}: {phrase!r} has no word")
                state = key.word1
                begun = np.uint64(chain(state, words[0]))
                first[(begun >> np.uint64(6)) & FIRSTS] |= ONE << (begun & np.uint64(63))
                for word in words[:LONGEST_PHRASE]:
                    state = np.uint64(chain(state, word))
                    found.setdefault(int(state), [0, 0])
                found[int(state)][column] |= 1 << bit
    return PhraseTable(_placed(found), first, _masks(False), _masks(True))


def _placed(found: dict[int, list[int]]) -> Hashes:
    """Open addressing: hash, tag bits and class bits at the first empty place from the hash's own."""
    size = 1 << (2 * len(found) - 1).bit_length()
    held = np.zeros((size, 3), dtype=np.uint64)
    for value, bits in found.items():
        place = value & (size - 1)
        while held[place, 0]:
            place = (place + 1) & (size - 1)
        held[place] = value, *bits
    return held


def _masks(wide: bool) -> Hashes:
    """The rules of one width as the kernel reads them; a part that a rule lacks is met by any class."""
    places = {name: place for place, (name, _) in enumerate(word_classes())}
    chosen = [rule for rule in rules() if rule.wide == wide]
    masks = np.full((len(chosen), PARTS + 1), ALL, dtype=np.uint64)
    for row, rule in enumerate(chosen):
        for column, part in enumerate(rule.parts):
            masks[row, column] = sum(1 << places[name] for name in part)
        masks[row, PARTS] = tag_bits()[rule.tag]
    return masks


def word_hashes(text: str, key: SketchKey) -> Hashes:
    """The kernel's word hashes of one text under a key."""
    data = np.frombuffer(one(text).encode("utf-8", "replace"), dtype=np.uint8)
    words = room(min(len(data), MOST_WORDS), len(data))
    return words.hashes[: words_of(data, key.word0, words)[0]]
