"""Rule tags: each name one bit, given by phrases and by rules over word classes (`lexicon.py`) in several languages,
and matched by the kernel through keyed word hashes."""

import json
from functools import cache
from importlib import resources
from itertools import accumulate

import numpy as np

from stillwatch.content.kernel_words import (
    FIRSTS,
    LONGEST_PHRASE,
    MOST_WORDS,
    PARTS,
    ROWS,
    Hashes,
    PhraseTable,
    chain,
    room,
    two_bits,
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
    filters = np.zeros((2, int(FIRSTS) + 1), dtype=np.uint64)
    for column, lists in enumerate((tag_phrases(), word_classes())):
        for bit, (name, phrases) in enumerate(lists):
            for phrase in phrases:
                words = word_hashes(phrase, key)[:LONGEST_PHRASE]
                if len(words) == 0:
                    raise ValueError(f"{name}: {phrase!r} has no word")
                states = list(accumulate(words, lambda state, word: np.uint64(chain(state, word)), initial=key.word1))
                for state in states[1:]:
                    found.setdefault(int(state), [0, 0])
                found[int(states[-1])][column] |= 1 << bit
                begun = states[min(len(words), 2)]
                filters[min(len(words), 2) - 1, (begun >> np.uint64(6)) & FIRSTS] |= two_bits(begun)
    return PhraseTable(*_placed(found), filters[0], filters[1], _masks(False), _masks(True))


def _placed(found: dict[int, list[int]]) -> tuple[Hashes, Hashes]:
    """Open addressing: each hash at the first empty place from its own, and the rows of bits that entries name."""
    rows = {bits: place for place, bits in enumerate(sorted(set(map(tuple, found.values()))), 1)}
    size = 1 << (4 * len(found) // 3).bit_length()
    held = np.zeros(size, dtype=np.uint64)
    for value, bits in found.items():
        place = value & (size - 1)
        while held[place]:
            place = (place + 1) & (size - 1)
        held[place] = value & ~int(ROWS) | rows[tuple(bits)]
    return held, np.array([(0, 0), *rows], dtype=np.uint64)


def _masks(wide: bool) -> Hashes:
    """The rules of one width as the kernel reads them; a part that a rule lacks is met by any class."""
    places = {name: place for place, (name, _) in enumerate(word_classes())}
    chosen = [rule for rule in rules() if rule.wide == wide]
    masks = np.full((len(chosen), PARTS + 2), ALL, dtype=np.uint64)
    for row, rule in enumerate(chosen):
        for column, part in enumerate(rule.parts):
            masks[row, column] = sum(1 << places[name] for name in part)
        masks[row, PARTS:] = tag_bits()[rule.tag], sum(1 << places[name] for name in rule.unless)
    return masks


def word_hashes(text: str, key: SketchKey) -> Hashes:
    """The kernel's word hashes of one text under a key."""
    data = np.frombuffer(one(text).encode("utf-8", "replace"), dtype=np.uint8)
    words = room(min(len(data), MOST_WORDS), len(data))
    return words.hashes[: words_of(data, key.word0, words)[0]]
