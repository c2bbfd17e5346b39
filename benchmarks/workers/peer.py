"""The peers' lanes of `peers.py`: TEXTS PAIRS as Arrow files, run by `protocol.serve` in the environment `.venv-peers`.

A lane begins at the Arrow column, as ours do; lanes "from shingles" begin at lists of shingles that are made before,
which is the best that can be said for a library that leaves the shingling to its caller.
"""

import sys
from importlib.metadata import version
from typing import Any

import daft
import protocol
import pyarrow as pa
from daft.functions import minhash
from datasketch import MinHash
from rensa import RMinHash

WIDTHS = (16, 128)
SEED = 1


def shingles(texts: pa.Array) -> list[list[str]]:
    """The 3-word shingles of each text, words split at white space."""
    words = [text.split() for text in texts.to_pylist()]
    return [[" ".join(own[at : at + 3]) for at in range(len(own) - 2)] for own in words]


def encoded(rows: list[list[str]]) -> list[list[bytes]]:
    """Shingles as datasketch takes them."""
    return [[shingle.encode() for shingle in row] for row in rows]


def by_datasketch(rows: list[list[bytes]], width: int) -> list[MinHash]:
    """MinHash by the library's bulk call."""
    return MinHash.bulk(rows, num_perm=width, seed=SEED)


def by_rensa(rows: list[list[str]], width: int) -> Any:
    """R-MinHash of the full set, by the library's bulk call."""
    return RMinHash.digest_matrix_from_token_sets(rows, width, SEED)


def by_daft(frame: daft.DataFrame, width: int) -> pa.Table:
    """MinHash over 3 words, in the engine."""
    return frame.select(minhash(daft.col("text"), num_hashes=width, ngram_size=3, seed=SEED).alias("made")).to_arrow()


def frame_of(texts: pa.Array) -> daft.DataFrame:
    """A frame that holds the column in memory."""
    return daft.from_arrow(pa.table({"text": texts})).collect()


def lanes_of(texts: pa.Array) -> dict[str, protocol.Lane]:
    """Every lane, by the name under which it is printed."""
    ready = shingles(texts)
    bytes_ready = encoded(ready)
    frame = frame_of(texts)
    lanes: dict[str, protocol.Lane] = {}
    for width in WIDTHS:
        lanes |= {
            f"datasketch {width}": lambda w=width: by_datasketch(encoded(shingles(texts)), w),
            f"datasketch {width}, from shingles": lambda w=width: by_datasketch(bytes_ready, w),
            f"rensa {width}": lambda w=width: by_rensa(shingles(texts), w),
            f"rensa {width}, from shingles": lambda w=width: by_rensa(ready, w),
            f"daft minhash {width}": lambda w=width: by_daft(frame, w),
        }
    return lanes | {"daft hash": lambda: frame.select(daft.col("text").hash()).to_arrow()}


def estimates_of(left: pa.Array, right: pa.Array) -> dict[str, protocol.Lane]:
    """Jaccard similarity of each pair, as each library estimates it."""
    a, b = shingles(left), shingles(right)
    found: dict[str, protocol.Lane] = {}
    for width in WIDTHS:
        found |= {
            f"datasketch {width}": lambda w=width: [
                float(x.jaccard(y))
                for x, y in zip(by_datasketch(encoded(a), w), by_datasketch(encoded(b), w), strict=True)
            ],
            f"rensa {width}": lambda w=width: [
                float(x.jaccard(y))
                for x, y in zip(
                    RMinHash.from_token_sets(a, w, SEED), RMinHash.from_token_sets(b, w, SEED), strict=True
                )
            ],
            f"daft minhash {width}": lambda w=width: [
                sum(p == q for p, q in zip(x, y, strict=True)) / w
                for x, y in zip(*(by_daft(frame_of(t), w)["made"].to_pylist() for t in (left, right)), strict=True)
            ],
        }  # fmt: skip
    return found


def main() -> None:
    """Serve the lanes, each run once before on few texts; Daft runs on one thread."""
    daft.set_runner_native(num_threads=1)
    texts = protocol.column(sys.argv[1])
    for lane in lanes_of(texts.slice(0, 100)).values():
        lane()
    versions = ", ".join(f"{name} {version(name)}" for name in ("datasketch", "rensa", "daft"))
    pairs = estimates_of(*(protocol.column(sys.argv[2], name) for name in ("left", "right")))
    protocol.serve(versions, {name: (len(texts), lane) for name, lane in lanes_of(texts).items()}, pairs)


if __name__ == "__main__":
    main()
