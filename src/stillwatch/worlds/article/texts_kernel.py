"""Writes many texts at once: each a run of pieces of real text, as JSON messages, straight into one buffer."""

import numpy as np
from numba import njit

LEAST, SPREAD = 4, 9
"""Words of a piece: at least, and how many lengths there are."""

NEAR = 4_095
"""Words from a writer's home on among which three of four pieces begin; the others begin anywhere."""

OPEN, ASKED, ANSWERED, CLOSE = range(4)
"""Marks: what begins the messages, what ends an earlier one of the user, what ends its answer, what ends them all."""

ANSWER_WORDS = 20


@njit(cache=True, inline="always")
def _mixed(state):  # type: ignore[no-untyped-def]
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


@njit(cache=True)
def _copied(out, at, held):  # type: ignore[no-untyped-def]
    if len(out):
        out[at : at + len(held)] = held
    return at + len(held)


@njit(cache=True)
def _spliced(out, at, key, home, words, stream, starts):  # type: ignore[no-untyped-def]
    """Pieces of the stream, `words` words in all; `starts` are where its words begin."""
    last = np.uint64(len(starts) - 1 - LEAST - SPREAD)
    state, left = key, words
    while left > 0:
        state = _mixed(state + np.uint64(0x9E3779B97F4A7C15))
        begin = state >> np.uint64(20)
        if state & np.uint64(3 << 18):
            begin = np.uint64(home) + (begin & np.uint64(NEAR))
        begin %= last
        taken = min(np.int64(LEAST) + np.int64(state % np.uint64(SPREAD)), left)
        at = _copied(out, at, stream[starts[begin] : starts[begin + np.uint64(taken)]])
        left -= taken
    return at


@njit(cache=True, nogil=True)
def compose(out, offsets, key, earlier, home, words, head, heads, head_starts, stream, starts, marks, mark_starts):  # type: ignore[no-untyped-def]
    """Fill `offsets` (rows + 1), and `out` where it has room: one text a row.

    A row whose `earlier` is not 0 begins with what its writer asked before, made of that key, and an answer; `head`
    names a fixed beginning of what it asks, -1 for none.
    """
    at = np.int64(0)
    for row in range(len(key)):
        offsets[row] = at
        at = _copied(out, at, marks[mark_starts[OPEN] : mark_starts[OPEN + 1]])
        if earlier[row]:
            at = _spliced(out, at, earlier[row], home[row], words[row], stream, starts)
            at = _copied(out, at, marks[mark_starts[ASKED] : mark_starts[ASKED + 1]])
            at = _spliced(out, at, ~earlier[row], home[row], ANSWER_WORDS, stream, starts)
            at = _copied(out, at, marks[mark_starts[ANSWERED] : mark_starts[ANSWERED + 1]])
        if head[row] >= 0:
            at = _copied(out, at, heads[head_starts[head[row]] : head_starts[head[row] + 1]])
        at = _spliced(out, at, key[row], home[row], words[row], stream, starts)
        at = _copied(out, at, marks[mark_starts[CLOSE] : mark_starts[CLOSE + 1]])
    offsets[len(key)] = at
