"""The loop of mining: an entity's prompts to the instructions that recur in them. It releases the GIL."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stillwatch.content.kernel_words import ONE, ZERO, mix

Ints = NDArray[np.int64]
Places = NDArray[np.int32]
Words = NDArray[np.uint32]
Hashes = NDArray[np.uint64]
Floats = NDArray[np.float32]

LEAST_RECURRING = 2
"""Prompts in which a pair of stems stands, of one entity's sample, from which it is static."""

LEAST_COMMON = 2
COMMON_SHARE = 0.3
"""Static pairs that two prompts have in common, and their share of the fewer, from which both show one instruction."""

LEAST_SHARE = 0.3
"""Share of an instruction's prompts in which a static pair stands, or it is another's."""

LEAST_ALONE = 3
MOSTLY = 0.6
"""Prompts of an instruction, and their share, that show a stem from which it is static whatever follows it."""

LEAST_STEMS = 2


class Mined(NamedTuple):
    """Instructions: `of` gives each prompt's, -1 where it shows none; `entity` is one an instruction,
    and its stems lie in `stems` and `shares` (the share of its prompts that show them) between `ends`."""

    of: Places
    entity: Places
    ends: Ints
    stems: Words
    shares: Floats


@njit(cache=True, nogil=True)
def mine(entity: Places, ends: Ints, stems: Words, pairs: NDArray[np.uint16]) -> Mined:
    """Mine prompts that lie entity by entity. Prompt p has the stems ends[p]:ends[p + 1], without repeats, each with a
    hash of itself and what follows it."""
    n = len(entity)
    of = np.full(n, -1, np.int32)
    owners = np.empty(n, np.int32)
    out_ends = np.zeros(n + 1, np.int64)
    out_stems, out_shares = np.empty(len(stems), np.uint32), np.empty(len(stems), np.float32)
    found, held = 0, 0
    begin = 0
    while begin < n:
        end = begin
        while end < n and entity[end] == entity[begin]:
            end += 1
        if end - begin >= LEAST_RECURRING:
            token, prompt = _tokens(begin, end, ends, stems, pairs)
            group = _grouped(token, prompt, end - begin)
            for label in range(end - begin):
                size = (group == label).sum()
                if size < LEAST_RECURRING:
                    continue
                before = held
                held = _instruction(token, prompt, group, label, size, out_stems, out_shares, held)
                if held - before < LEAST_STEMS:
                    held = before
                    continue
                owners[found] = entity[begin]
                for at in range(end - begin):
                    if group[at] == label:
                        of[begin + at] = found
                found += 1
                out_ends[found] = held
        begin = end
    return Mined(of, owners[:found], out_ends[: found + 1], out_stems[:held], out_shares[:held])


@njit(cache=True, nogil=True)
def _tokens(begin: int, end: int, ends: Ints, stems: Words, pairs: NDArray[np.uint16]) -> tuple[Hashes, Places]:
    """An entity's (stem and what follows it, prompt), ascending."""
    first, last = ends[begin], ends[end]
    token, owner = np.empty(last - first, np.uint64), np.empty(last - first, np.int32)
    for prompt in range(begin, end):
        for at in range(ends[prompt], ends[prompt + 1]):
            token[at - first] = (np.uint64(stems[at]) << np.uint64(16)) | np.uint64(pairs[at])
            owner[at - first] = prompt - begin
    order = np.argsort(token, kind="mergesort")
    return token[order], owner[order]


@njit(cache=True, nogil=True)
def _grouped(token: Hashes, prompt: Places, size: int) -> Places:
    """A label for each prompt, the first prompt of its group: static pairs that they share join prompts."""
    common = np.zeros((size, size), np.int32)
    at = 0
    while at < len(token):
        stop = at
        while stop < len(token) and token[stop] == token[at]:
            stop += 1
        if stop - at < LEAST_RECURRING:
            at = stop
            continue
        for a in range(at, stop):
            for b in range(a, stop):
                common[prompt[a], prompt[b]] += 1
        at = stop
    label = np.arange(size).astype(np.int32)
    for a in range(size):
        for b in range(a + 1, size):
            fewer = min(common[a, a], common[b, b])
            if common[a, b] >= LEAST_COMMON and common[a, b] >= COMMON_SHARE * fewer and label[a] != label[b]:
                low, high = min(label[a], label[b]), max(label[a], label[b])
                label[label == high] = low
    return label


@njit(cache=True, nogil=True)
def _instruction(
    token: Hashes, prompt: Places, group: Places, label: int, size: int, stems: Words, shares: Floats, held: int
) -> int:
    """Append the static stems of one group, ascending, each with the share of the prompts that show it: where they end.

    A stem is static if with what follows it it recurs, or if most of the prompts show it (it stands before a filler).
    """
    at = 0
    while at < len(token):
        stem, stop, inside, paired, run = token[at] >> np.uint64(16), at, 0, 0, 0
        while stop < len(token) and token[stop] >> np.uint64(16) == stem:
            run = 0 if stop == at or token[stop] != token[stop - 1] else run
            mine = group[prompt[stop]] == label
            run += mine
            inside += mine
            paired = max(paired, run)
            stop += 1
        if (paired >= LEAST_RECURRING and paired >= LEAST_SHARE * size) or (
            inside >= LEAST_ALONE and inside >= MOSTLY * size
        ):
            stems[held], shares[held] = np.uint32(stem), np.float32(inside / size)
            held += 1
        at = stop
    return held


@njit(cache=True, nogil=True)
def named(ends: Ints, stems: Words) -> Hashes:
    """A hash of each set of stems, whatever their order."""
    out = np.empty(len(ends) - 1, np.uint64)
    for place in range(len(out)):
        total = ZERO
        for at in range(ends[place], ends[place + 1]):
            total += mix(np.uint64(stems[at]) + ONE)
        out[place] = mix(total)
    return out
