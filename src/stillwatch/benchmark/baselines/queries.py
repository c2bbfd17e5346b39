"""What baselines that judge one account read: its exchanges in order of time, each as a vector of its text's words.

The vectors stand in for the sentence embeddings of the papers: the last human turn's words, hashed, weighted by inverse
document frequency over the whole world and projected at random. Text is in memory only. Made from the world's logs,
since the store holds no text: a favour, no product detector sees as much.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from stillwatch.benchmark.baselines.kernels import word_buckets
from stillwatch.content.parts import parts_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Vectors = NDArray[np.float32]

BUCKETS = 1 << 15
DIMENSIONS = 128
MOST_WORDS = 300
"""Distinct words of a text that are read."""

BATCH = 4096


@dataclass(frozen=True)
class Queries:
    """All exchanges of `n` accounts, by account and then by time.

    `indptr[i]:indptr[i + 1]` are those of account i; `at` is seconds since 1970; `vector` has one row of unit length an
    exchange, zero where no text was logged.
    """

    indptr: Ints
    at: Floats
    vector: Vectors

    @property
    def n(self) -> int:
        """How many accounts there are."""
        return len(self.indptr) - 1

    def of(self, account: int, most: int | None = None) -> Vectors:
        """An account's vectors of texts, oldest first, at most so many."""
        held = self.vector[self.indptr[account] : self.indptr[account + 1]]
        return held[held.any(axis=1)][:most]


def queries(account: Ints, at: Floats, vector: Vectors, n: int) -> Queries:
    """Put exchanges, given in any order, into order; equal times are ordered by their vectors."""
    order = np.lexsort((vector @ np.arange(1, vector.shape[1] + 1, dtype=np.float32), at, account))
    indptr = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(account, minlength=n), out=indptr[1:])
    return Queries(indptr, at[order], vector[order])


def read_queries(logs: Path, account_of: Mapping[str, int]) -> Queries:
    """The exchanges of a folder of logs in the contract's form; `account_of` gives each account id its row."""
    accounts, times, held, sizes = [], [], [], []
    for batch in _batches(logs):
        accounts.append(np.array([account_of[name] for name in batch["account_id"].to_pylist()], dtype=np.int64))
        times.append(batch["asked_at"].cast(pa.int64()).to_numpy() / 1e6)
        indptr, buckets = buckets_of([_asked(text) for text in batch["messages"].to_pylist()])
        held.append(buckets)
        sizes.append(np.diff(indptr))
    indptr = np.concatenate([[0], np.cumsum(np.concatenate(sizes))])
    vector = embedded(indptr, np.concatenate(held))
    return queries(np.concatenate(accounts), np.concatenate(times), vector, len(account_of))


def _batches(logs: Path) -> Iterator[pa.RecordBatch]:
    for file in sorted((logs / "exchanges").glob("*.parquet")):
        yield from pq.ParquetFile(file).iter_batches(BATCH, columns=["account_id", "asked_at", "messages"])


def _asked(messages: str | None) -> str:
    return parts_of(None, messages, None, None).user or ""


def buckets_of(texts: list[str]) -> tuple[Ints, NDArray[np.int32]]:
    """The distinct word buckets of each text, as (indptr, buckets)."""
    raw = [text.encode("utf-8", "replace") for text in texts]
    offsets = np.concatenate([[0], np.cumsum([len(text) for text in raw])]).astype(np.int64)
    return word_buckets(np.frombuffer(b"".join(raw) or b" ", dtype=np.uint8), offsets, BUCKETS, MOST_WORDS)


def embedded(indptr: Ints, buckets: NDArray[np.int32]) -> Vectors:
    """One vector of unit length a text: words weighed by ln(texts / texts with the word), projected at random."""
    n = len(indptr) - 1
    frequency = np.bincount(buckets, minlength=BUCKETS)
    weight = np.log((n + 1.0) / np.maximum(frequency, 1)).astype(np.float32)
    basis = np.random.default_rng(1).standard_normal((BUCKETS, DIMENSIONS), dtype=np.float32) * weight[:, None]
    vector = np.zeros((n, DIMENSIONS), dtype=np.float32)
    for first in range(0, n, BATCH):
        last = min(first + BATCH, n)
        part = buckets[indptr[first] : indptr[last]]
        filled = np.flatnonzero(np.diff(indptr[first : last + 1]))
        if len(filled):
            vector[first + filled] = np.add.reduceat(basis[part], indptr[first + filled] - indptr[first])
    length = np.linalg.norm(vector, axis=1, keepdims=True)
    return np.asarray(vector / np.maximum(length, 1e-12))
