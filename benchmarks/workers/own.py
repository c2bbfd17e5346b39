"""Stillwatch's lanes of `peers.py`: TEXTS PAIRS as Arrow files, run by `protocol.serve`.

The lanes enter where ingest does: batches of as many rows as ingest reads, normalised, hashed under a key.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from importlib.metadata import version

import protocol
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.content import sketch
from stillwatch.content.normalise import normalise
from stillwatch.content.sketch_key import sketch_key
from stillwatch.content.tags import phrase_table
from stillwatch.ingest.rows import BATCH_ROWS
from stillwatch.tables import EXCHANGES

KEY = hashlib.blake2b(b"benchmarks/peers.py", digest_size=32).digest()
WORDS = sketch_key(KEY)
TABLE = phrase_table(WORDS)


def batches(texts: pa.Array) -> Iterator[pa.Array]:
    """Slices of as many rows as ingest hands to the sketch."""
    return (texts.slice(start, BATCH_ROWS) for start in range(0, len(texts), BATCH_ROWS))


def exchanges(texts: pa.Array) -> pa.Table:
    """Canonical exchanges that hold the texts as their only message."""
    said = [json.dumps([{"role": "user", "content": text}], ensure_ascii=False) for text in texts.to_pylist()]
    numbers = range(len(said))
    made = {
        "exchange_id": pa.array([f"x{n}" for n in numbers]), "account_id": pa.array([f"a{n % 50}" for n in numbers]),
        "asked_at": pa.array([1_772_359_200_000_000 + n for n in numbers], pa.int64()), "messages": pa.array(said),
    }  # fmt: skip
    columns = [made[f.name].cast(f.type) if f.name in made else pa.nulls(len(said), f.type) for f in EXCHANGES]
    return pa.table(columns, schema=EXCHANGES)


def floor(texts: pa.Array) -> list[bytes]:
    """BLAKE2b of the bytes of each text, keyed."""
    return [
        hashlib.blake2b(text, key=KEY, digest_size=16).digest() for text in texts.cast(pa.large_binary()).to_pylist()
    ]


def estimated(left: pa.Array, right: pa.Array) -> list[float]:
    """The share of equal MinHash values of each pair."""
    a, b = (sketch._full(texts, WORDS, TABLE).minhash for texts in (left, right))
    return [float(share) for share in (a == b).mean(axis=1)]


def main() -> None:
    """Serve the lanes. Each is run once before, so that compiling and loading are outside of every clock."""
    texts = protocol.column(sys.argv[1])
    left, right = (protocol.column(sys.argv[2], name) for name in ("left", "right"))
    held = exchanges(texts).to_batches(BATCH_ROWS)
    plain = texts.filter(pc.string_is_ascii(texts))
    n = len(texts)
    lanes: dict[str, tuple[int, protocol.Lane]] = {
        "stillwatch, last turn (full)": (n, lambda: [sketch._full(part, WORDS, TABLE) for part in batches(texts)]),
        "… of the ASCII texts alone": (len(plain), lambda: [sketch._full(p, WORDS, TABLE) for p in batches(plain)]),
        "… of which normalising": (n, lambda: [normalise(part) for part in batches(texts)]),
        "stillwatch, other texts (light)": (n, lambda: [sketch._light(part, WORDS, TABLE) for part in batches(texts)]),
        "stillwatch, whole exchange": (n, lambda: [sketch.sketch(batch, KEY) for batch in held]),
        "hashlib.blake2b": (n, lambda: floor(texts)),
    }
    for _, lane in lanes.values():
        lane()
    versions = ", ".join(f"{name} {version(name)}" for name in ("numba", "numpy", "pyarrow"))
    protocol.serve(versions, lanes, {"stillwatch 16": lambda: estimated(left, right)})


if __name__ == "__main__":
    main()
