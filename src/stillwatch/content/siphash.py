"""SipHash-2-4 under a 128-bit key (Aumasson and Bernstein 2012): a PRF, so that without the key a stored value tells
nothing of what was hashed."""

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True, inline="always")
def _rotl(value: np.uint64, bits: int) -> np.uint64:
    return (value << np.uint64(bits)) | (value >> np.uint64(64 - bits))


@njit(cache=True, nogil=True, inline="always")
def _rounds(
    v0: np.uint64, v1: np.uint64, v2: np.uint64, v3: np.uint64, rounds: int
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    for _ in range(rounds):
        v0 = v0 + v1
        v2 = v2 + v3
        v1 = _rotl(v1, 13) ^ v0
        v3 = _rotl(v3, 16) ^ v2
        v0 = _rotl(v0, 32)
        v2 = v2 + v1
        v0 = v0 + v3
        v1 = _rotl(v1, 17) ^ v2
        v3 = _rotl(v3, 21) ^ v0
        v2 = _rotl(v2, 32)
    return v0, v1, v2, v3


@njit(cache=True, nogil=True, inline="always")
def _start(key0: np.uint64, key1: np.uint64) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    return (
        key0 ^ np.uint64(0x736F6D6570736575),
        key1 ^ np.uint64(0x646F72616E646F6D),
        key0 ^ np.uint64(0x6C7967656E657261),
        key1 ^ np.uint64(0x7465646279746573),
    )


@njit(cache=True, nogil=True, inline="always")
def _folded(
    v0: np.uint64, v1: np.uint64, v2: np.uint64, v3: np.uint64, word: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    v0, v1, v2, v3 = _rounds(v0, v1, v2, v3 ^ word, 2)
    return v0 ^ word, v1, v2, v3


@njit(cache=True, nogil=True, inline="always")
def siphash(key0: np.uint64, key1: np.uint64, value: np.uint64) -> np.uint64:
    """SipHash-2-4 of the eight little-endian bytes of `value`."""
    v0, v1, v2, v3 = _start(key0, key1)
    v0, v1, v2, v3 = _folded(v0, v1, v2, v3, value)
    v0, v1, v2, v3 = _folded(v0, v1, v2, v3, np.uint64(8 << 56))
    v0, v1, v2, v3 = _rounds(v0, v1, v2 ^ np.uint64(0xFF), v3, 4)
    return v0 ^ v1 ^ v2 ^ v3


@njit(cache=True, nogil=True)
def siphash_each(key0: np.uint64, key1: np.uint64, values: NDArray[np.uint64]) -> None:
    """SipHash-2-4 of each value, in its place: several at once where the processor can."""
    for at in range(len(values)):
        values[at] = siphash(key0, key1, values[at])


@njit(cache=True, nogil=True)
def siphash_bytes(key0: np.uint64, key1: np.uint64, data: NDArray[np.uint8], start: int, end: int) -> np.uint64:
    """SipHash-2-4 of data[start:end]."""
    v0, v1, v2, v3 = _start(key0, key1)
    size = end - start
    for at in range(start, end - size % 8, 8):
        word = np.uint64(0)
        for byte in range(8):
            word |= np.uint64(data[at + byte]) << np.uint64(8 * byte)
        v0, v1, v2, v3 = _folded(v0, v1, v2, v3, word)
    last = np.uint64(size & 0xFF) << np.uint64(56)
    for byte in range(size % 8):
        last |= np.uint64(data[end - size % 8 + byte]) << np.uint64(8 * byte)
    v0, v1, v2, v3 = _folded(v0, v1, v2, v3, last)
    v0, v1, v2, v3 = _rounds(v0, v1, v2 ^ np.uint64(0xFF), v3, 4)
    return v0 ^ v1 ^ v2 ^ v3
