"""Merging instructions into families at size: time and memory by the number of instructions, up to a million.

    .venv/bin/python benchmarks/merging.py --sizes 40000 200000 1000000

Instructions are made, not mined: four to twenty stems each, drawn by Zipf's law with the exponent and the size of an
English vocabulary; a tenth belong to families of 2 to 2,000, each member with six tenths of its family's stems. So the
time says how merging grows, and the recovery (pairs of one family that share a token, of those drawn) that it still
merges; how well it merges real wordings is `benchmarks/paraphrase`'s to say.
"""

import argparse
import json
import platform
import resource
import time
from pathlib import Path

import numpy as np

from stillwatch.content.mining import merged
from stillwatch.content.mining_kernel import Mined

VOCABULARY, EXPONENT = 300_000, 1.05
IN_FAMILIES = 0.1
KEPT = 0.6


def drawn(n: int, rng: np.random.Generator) -> tuple[Mined, np.ndarray]:  # type: ignore[type-arg]
    """n instructions of n entities, and the family of each (-1: none)."""
    chance = 1.0 / np.arange(10, VOCABULARY + 10) ** EXPONENT
    cumulative = np.cumsum(chance / chance.sum())
    family, left, number = np.full(n, -1), int(IN_FAMILIES * n), 0
    while left > 1:
        size = int(min(left, np.exp(rng.uniform(np.log(2), np.log(2_000)))))
        family[n - left : n - left + size] = number
        left, number = left - size, number + 1
    own = [np.unique(np.searchsorted(cumulative, rng.random(16))) for _ in range(number)]
    sizes = rng.integers(4, 21, n)
    words = np.searchsorted(cumulative, rng.random(int(sizes.sum())))
    rows = []
    at = 0
    for place in range(n):
        held = words[at : at + sizes[place]]
        at += sizes[place]
        if family[place] >= 0:
            shared = own[family[place]]
            held = np.concatenate([shared[rng.random(len(shared)) < KEPT], held[:4]])
        rows.append(np.unique(held))
    ends = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    stems = np.concatenate(rows).astype(np.uint32)
    shares = np.ones(len(stems), np.float32)
    entity = np.arange(n, dtype=np.int32)
    return Mined(entity, entity, ends, stems, shares), family


def measured(n: int, seed: int) -> dict[str, object]:
    rng = np.random.default_rng(seed)
    mined, family = drawn(n, rng)
    start, wall = time.process_time(), time.monotonic()
    tokens = merged(mined, n)
    cpu, wall = time.process_time() - start, time.monotonic() - wall
    some = np.flatnonzero(family >= 0)
    first = some[rng.integers(0, len(some), 20_000)]
    low, high = (np.searchsorted(family[some], family[first], side) for side in ("left", "right"))
    second = some[rng.integers(low, high)]
    pairs = first != second
    found = {
        name: int(((token[first] == token[second]) & (token[first] > 0))[pairs].sum()) for name, token in tokens.items()
    }
    return {
        "instructions": n, "seed": seed, "cpu_seconds": round(cpu, 1), "wall_seconds": round(wall, 1),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "pairs_of_a_family": int(pairs.sum()), "that_share_a_token": found, "machine": platform.processor() or "x86_64",
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[40_000, 200_000, 1_000_000])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=None)
    options = parser.parse_args()
    measured(2_000, options.seed)  # compiles
    for n in options.sizes:
        line = json.dumps(measured(n, options.seed))
        print(line, flush=True)
        if options.out:
            with options.out.open("a") as file:
                file.write(line + "\n")


if __name__ == "__main__":
    main()
