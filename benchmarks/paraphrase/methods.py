"""What is measured side by side: a method takes (entity of each prompt, texts) and gives channels of tokens."""

import hashlib
import importlib
import json
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from paraphrase.nats import Tokens
from paraphrase.neighbours import clustered, tfidf
from stillwatch.content import sketch
from stillwatch.content.counts import LEAST_NEAR_WORDS, LEAST_WORDS
from stillwatch.content.families import LEAST_EXCHANGES, LSH_BANDS, LSH_ROWS
from stillwatch.content.kernel import EDGES, SHINGLES, SKELETON, WORD, Full
from stillwatch.content.sketch_key import sketch_key
from stillwatch.content.tags import phrase_table

Entities = NDArray[np.int32]
Method = Callable[[Entities, Sequence[str]], list[Tokens]]

KEY = b"a key of the bench, sixteen bytes and more"
SAMPLED = 4
"""Prompts of one account that the methods with neighbours read, by hash: neighbours are quadratic in time."""
PART = 1_500
"""Texts that an encoder reads at once."""
PYTHON = Path(__file__).resolve().parents[2] / ".venv-paraphrase" / "bin" / "python"
WORKER = Path(__file__).resolve().parents[1] / "workers" / "encode.py"


def sketched(texts: Sequence[str]) -> Full:
    """What the product's kernel keeps of each text."""
    key = sketch_key(KEY)
    return sketch._full(sketch._texts(texts), key, phrase_table(key))


def exact_hash(entity: Entities, texts: Sequence[str]) -> list[Tokens]:
    """The keyed hash of the whole normalised text."""
    full = sketched(texts)
    kept = full.has & WORD != 0
    return [(entity[kept], full.exact[kept])]


def present(entity: Entities, texts: Sequence[str]) -> list[Tokens]:
    """The product's channels exact (masked skeleton), head, tail, segment and lsh, as `content/families.py` makes them;
    nothing is set aside as a preamble, since each account sends its prompts bare."""
    full = sketched(texts)
    long = full.counts >= LEAST_WORDS
    given = [
        (entity[kept], values[kept])
        for kept, values in (
            (long & (full.has & SKELETON != 0), full.skeleton),
            (long & (full.has & EDGES != 0), full.edges[:, 0]),
            (long & (full.has & EDGES != 0), full.edges[:, 1]),
        )
    ]
    near = (full.counts >= LEAST_NEAR_WORDS) & (full.has & SHINGLES != 0)
    bands = full.minhash[near].reshape(-1, LSH_BANDS, LSH_ROWS).astype(np.uint64)
    packed = sum(bands[:, :, row] << np.uint64(16 * row) for row in range(LSH_ROWS))
    mixed = (packed ^ np.arange(LSH_BANDS, dtype=np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
    given += [_segments(entity, full), (np.repeat(entity[near], LSH_BANDS), mixed.ravel())]
    return [_repeated(*pairs) for pairs in given]


def _segments(entity: Entities, full: Full) -> Tokens:
    """Sentences of four words and more that stand in two different texts."""
    shown = np.arange(full.seg_hash.shape[1]) < full.n_segments[:, None]
    row, column = np.nonzero(shown & (full.seg_words >= LEAST_WORDS))
    values, dense = np.unique(full.seg_hash[row, column], return_inverse=True)
    _, text = np.unique(full.exact[row], return_inverse=True)
    pairs = np.unique(dense.astype(np.int64) * (len(row) + 1) + text)
    static = np.bincount(pairs // (len(row) + 1), minlength=len(values)) >= LEAST_EXCHANGES
    return entity[row[static[dense]]], values[dense[static[dense]]]


def _repeated(entity: NDArray[np.integer], token: NDArray[np.integer]) -> Tokens:
    """Without the tokens that stand in one exchange alone."""
    values, dense = np.unique(token, return_inverse=True)
    kept = np.bincount(dense, minlength=len(values))[dense] >= LEAST_EXCHANGES
    return entity[kept], token[kept]


def hashed(text: str) -> int:
    """64 bits of a text."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest())


def sampled(entity: Entities, texts: Sequence[str], many: int = SAMPLED) -> NDArray[np.int64]:
    """At most so many different prompts of each account, by hash of the text."""
    order = np.array([hashed(text) for text in texts], dtype=np.uint64)
    place = np.lexsort((order, entity))
    fresh = np.ones(len(place), bool)
    fresh[1:] = (entity[place][1:] != entity[place][:-1]) | (order[place][1:] != order[place][:-1])
    place = place[fresh]
    start = np.searchsorted(entity[place], entity[place], side="left")
    return np.sort(place[np.arange(len(place)) - start < many])


def raw_tfidf(entity: Entities, texts: Sequence[str]) -> list[Tokens]:
    """Words of the whole prompt, tf-idf, nearest neighbours by cosine, Leiden with CPM at several thresholds."""
    kept = sampled(entity, texts)
    return clustered(entity[kept], tfidf([texts[at] for at in kept]), (0.3, 0.4, 0.5, 0.6))


class Encoder:
    """A sentence encoder in an environment of its own; vectors of texts it has seen are kept, in a folder where one is
    given, under the texts' hashes."""

    def __init__(self, name: str, thresholds: tuple[float, ...], many: int, folder: Path | None) -> None:
        self.name, self._thresholds, self._many = name, thresholds, many
        self._kept = folder / f"{name}.npz" if folder else None
        self._seen: dict[int, NDArray[np.float32]] = {}
        if self._kept and self._kept.exists():
            with np.load(self._kept) as held:
                self._seen = dict(zip(held["texts"].tolist(), held["vectors"].astype(np.float32), strict=True))

    def __call__(self, entity: Entities, texts: Sequence[str]) -> list[Tokens]:
        """The whole prompt's vector, nearest neighbours by cosine, Leiden with CPM at several thresholds."""
        kept = sampled(entity, texts, self._many)
        own = [texts[at] for at in kept]
        self._read(own)
        return clustered(entity[kept], np.stack([self._seen[hashed(text)] for text in own]), self._thresholds)

    def _read(self, texts: Sequence[str]) -> None:
        """Encode what has not been seen, a part at a time, and keep it."""
        fresh = [text for text in dict.fromkeys(texts) if hashed(text) not in self._seen]
        for start in range(0, len(fresh), PART):
            part = fresh[start : start + PART]
            self._seen |= dict(zip(map(hashed, part), self._encoded(part), strict=True))
            if self._kept:
                self._kept.parent.mkdir(parents=True, exist_ok=True)
                made = self._kept.with_suffix(".part.npz")
                np.savez(made, texts=np.array(list(self._seen), np.uint64),
                         vectors=np.stack(list(self._seen.values())).astype(np.float16))  # fmt: skip
                made.replace(self._kept)

    def _encoded(self, texts: list[str]) -> NDArray[np.float32]:
        with tempfile.TemporaryDirectory(prefix="stillwatch-encode-") as name:
            given, made = Path(name) / "texts.json", Path(name) / "vectors.npy"
            given.write_text(json.dumps(texts), encoding="utf-8")
            subprocess.run([str(PYTHON), str(WORKER), self.name, str(given), str(made)], check=True)
            vectors: NDArray[np.float32] = np.load(made)
        return vectors


def named(given: str) -> tuple[str, Method]:
    """A method as the command names it: NAME=MODULE:FUNCTION."""
    name, _, place = given.partition("=")
    module, _, function = place.partition(":")
    if not (name and module and function):
        raise SystemExit(f"--method {given}: wanted NAME=MODULE:FUNCTION")
    method: Method = getattr(importlib.import_module(module), function)
    return name, method


def peers(encoders: bool, folder: Path | None) -> dict[str, Method]:
    """Everything that stands beside the method under test; encoders where their environment is there."""
    found: dict[str, Method] = {"exact hash": exact_hash, "present channels": present, "raw tf-idf": raw_tfidf}
    if encoders and PYTHON.exists():
        found["USE multilingual"] = Encoder("use", (0.5, 0.6, 0.7, 0.8), SAMPLED // 2, folder)
        found["MiniLM-L6"] = Encoder("minilm", (0.5, 0.6, 0.7, 0.8), 1, folder)
    return found
