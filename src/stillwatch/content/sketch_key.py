"""The four words of a sketch key: two seed the fast hash inside of the kernel, two seal what leaves it."""

import hashlib
import struct
from typing import NamedTuple

import numpy as np

LEAST_BYTES = 16


class SketchKey(NamedTuple):
    """Words of 64 bits that no one can tell from each other. What the fast hash lets out is no function of a seal.

    `word0` seeds words and `word1` sequences of them; (`seal0`, `seal1`) is the 128-bit key of SipHash.
    """

    word0: np.uint64
    word1: np.uint64
    seal0: np.uint64
    seal1: np.uint64


def sketch_key(key: bytes) -> SketchKey:
    """The words of a key of at least 16 bytes: its BLAKE2b hash of 32. Raises ValueError where it is too short."""
    if len(key) < LEAST_BYTES:
        raise ValueError(f"the sketch key has {len(key)} bytes, wanted at least {LEAST_BYTES}")
    return SketchKey(*map(np.uint64, struct.unpack("<4Q", hashlib.blake2b(key, digest_size=32).digest())))
