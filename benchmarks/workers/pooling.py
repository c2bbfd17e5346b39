"""Accounts for `pooled.py`: real prompts of ordinary customers, and accounts that mix them with real extraction."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.cluster.vq import kmeans2

from stillwatch.benchmark.baselines.queries import Vectors, buckets_of, embedded
from stillwatch.content.capabilities import Requests
from stillwatch.content.sketch import content
from stillwatch.content.sketch_key import sketch_key
from stillwatch.content.value import figures
from stillwatch.tables import EXCHANGES, MINHASH_BYTES

Ints = np.ndarray
KEY = b"pooled benchmark"
BATCH = 5_000
CELLS, SHINGLES = 128, 512

HABITS = {
    "human_chat": 8.0, "human_chat_hard": 8.0, "eval_chat": 2.0, "persona_system": 3.0, "tool_eval": 1.0,
    "eval_math": 1.0, "eval_knowledge": 1.0, "eval_template": 0.3, "rag_template": 0.7, "judge_template": 0.3,
}  # fmt: skip
"""Kinds of honest prompts and how common they are: parameters of the Dirichlet that an account's own mix comes from."""

CONCENTRATION = 0.12
"""How much of HABITS' weight the Dirichlet has: low, so that most accounts do one or two things."""

HONEST_GROUPS = {
    "class with homework": "eval_math", "users of a benchmark": "eval_knowledge", "users of a harness": "eval_template",
    "developers with tools": "tool_eval", "app with personas": "persona_system", "app on own documents": "rag_template",
    "moderation and judging": "judge_template", "viral chat prompts": "human_chat",
}  # fmt: skip
"""Groups of honest accounts that truly do something in common, and what."""


@dataclass
class Texts:
    """Every text once; what an exchange is, is its number here."""

    texts: list[str] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)

    def add(self, text: str) -> int:
        """The number of a text, new or known."""
        if text not in self.known:
            self.known[text] = len(self.texts)
            self.texts.append(text)
        return self.known[text]


@dataclass(frozen=True)
class Material:
    """Numbers of honest prompts by kind, templates and whole prompts of extraction by source, and seeds to fill in."""

    honest: dict[str, Ints]
    templates: dict[str, list[str]]
    whole: dict[str, Ints]
    seeds: list[str]


SOURCES = {
    "evolved instructions": ("evol_instruct", "evol_quality", "instruction-backtranslation", "genstruct"),
    "graded answers": ("ultrafeedback/", "quality-scorer", "complexity-scorer"),
    "judged by rubric": ("prometheus/",),
    "steps of mathematics": ("math_shepherd", "clair"),
    "retrieval pairs": ("improving_text_embeddings", "sentence_transformers", "generate-sentence-pair"),
    "tool calls made": ("apigen",),
    "self-instruct": ("self-instruct", "self_instruct", "stanford_alpaca", "FastChat", "UltraFeedback"),
}
"""Templates that built published training sets, by parts of their names."""

WHOLE = {"role play": "GPTeacher", "library calls": "apibench", "tool questions": "ToolBench"}
"""Sources whose prompts stand as they were sent to the teacher."""

DEVELOPMENT = ("self-instruct", "retrieval pairs", "library calls")
"""Sources that constants were chosen on; no figure that is reported holds them."""


def material(shared: Path, texts: Texts) -> Material:
    """Read the shared folder. Half of the questions become seeds of extraction, which no honest account sends."""
    honest: dict[str, list[int]] = {}
    seeds: list[str] = []
    for row in pq.read_table(shared / "2_benign" / "benign_prompts.parquet").to_pylist():
        text = row["text"].strip()
        held = row["kind"] in ("eval_math", "human_chat", "human_chat_hard") and sum(text.encode()) % 2 == 0
        if held and row["kind"] == "eval_math":
            seeds.append(text)
        elif row["kind"] in HABITS and len(text.split()) >= 4:
            honest.setdefault(row["kind"], []).append(texts.add(text))
    templates: dict[str, list[str]] = {}
    for row in pq.read_table(shared / "3_distill" / "distill_templates.parquet").to_pylist():
        named = f"{row['source']} {row['id']}"
        for source, parts in SOURCES.items():
            if any(part in named for part in parts) and row["kind"] != "llm_judge" and len(row["text"].split()) >= 25:
                templates.setdefault(source, []).append(row["text"])
                break
    whole: dict[str, list[int]] = {}
    for row in pq.read_table(shared / "3_distill" / "distill_pairs_permissive.parquet").to_pylist():
        for source, part in WHOLE.items():
            if part in row["source"]:
                whole.setdefault(source, []).append(texts.add(row["prompt"].strip()))
    return Material(
        {kind: np.array(found) for kind, found in honest.items()}, templates,
        {source: np.unique(found) for source, found in whole.items()}, seeds,
    )  # fmt: skip


SLOT = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{[a-z_ ]{1,40}\}", re.DOTALL)


def filled(template: str, seed: str) -> str:
    """A template with the seed in its first slot and without the others; without a slot the seed follows."""
    text, slots = SLOT.subn("\x00", template)
    return (text.replace("\x00", seed, 1).replace("\x00", "") if slots else f"{text}\n\n{seed}").strip()


def ordinary(stock: Material, n: int, rng: np.random.Generator) -> Ints:
    """An honest account's exchanges: a mix of its own, and of each kind a part of the prompts, each once or so."""
    weights = np.array(list(HABITS.values())) * CONCENTRATION
    mix = rng.multinomial(n, rng.dirichlet(weights))
    return np.concatenate([_drawn(stock.honest[kind], k, rng) for kind, k in zip(HABITS, mix, strict=True) if k])


def _drawn(stock: Ints, k: int, rng: np.random.Generator) -> Ints:
    rounds = -(-k // len(stock))
    return np.concatenate([rng.permutation(stock) for _ in range(rounds)])[:k]


def extracting(
    stock: Material, texts: Texts, source: str, n: int, share: float, accounts: int, rng: np.random.Generator
) -> Iterator[Ints]:
    """A campaign's accounts: ordinary exchanges with so large a share of one source's, every item sent once."""
    sizes = rng.binomial(n, share, accounts)
    if source in stock.whole:
        work = _drawn(stock.whole[source], int(sizes.sum()), rng)
    else:
        held = stock.templates[source]
        chosen = [held[at] for at in rng.permutation(len(held))[: int(rng.integers(1, 4))]]
        seeds = [stock.seeds[at] for at in _drawn(np.arange(len(stock.seeds)), int(sizes.sum()), rng)]
        work = np.array([texts.add(filled(chosen[int(rng.integers(len(chosen)))], seed)) for seed in seeds])
    ends = np.concatenate([[0], np.cumsum(sizes)])
    for start, end in pairwise(ends):
        cover = ordinary(stock, n - int(end - start), rng)
        yield rng.permutation(np.concatenate([cover, work[start:end]]).astype(np.int64))


def in_common(
    stock: Material, kind: str, n: int, share: float, accounts: int, rng: np.random.Generator
) -> Iterator[Ints]:
    """An honest group's accounts: ordinary exchanges with so large a share of one kind, the same items for all."""
    items = _drawn(stock.honest[kind], max(int(share * n), 1), rng)
    for k in rng.binomial(n, share, accounts):
        yield rng.permutation(np.concatenate([ordinary(stock, n - int(k), rng), _drawn(items, int(k), rng)]))


@dataclass(frozen=True)
class Seen:
    """What is seen of every text. `value` are figures of training value; `plain` (tags, structure, topic bits, length),
    `topics` and `shingles` together tell any difference that the store can show; `vector` is what the rivals see."""

    value: np.ndarray
    plain: np.ndarray
    topics: np.ndarray
    shingles: np.ndarray
    vector: Vectors


def seen(texts: Texts) -> Seen:
    """Sketch every text as `ingest` does, and embed it for the rivals."""
    value, plain, topics, shingles = [], [], [], []
    key = sketch_key(KEY)
    for first in range(0, len(texts.texts), BATCH):
        columns = content(_batch(texts.texts[first : first + BATCH]), key)
        tags = np.array([np.bitwise_or.reduce(np.array(row or [0], np.uint64)) for row in
                         columns["segment_tags"].to_pylist()], dtype=np.uint64)  # fmt: skip
        structure = columns["structure"].to_numpy(zero_copy_only=False)
        words = columns["text_words"].to_numpy(zero_copy_only=False)
        turns = columns["turns"].to_numpy(zero_copy_only=False)
        nothing = np.full(len(tags), -1, dtype=np.int32)
        value.append(figures(Requests(tags, structure, words, nothing, turns)))
        topic = columns["simhash"].fill_null(0).to_numpy(zero_copy_only=False)
        plain.append(_plain(tags, structure, topic, [len(row or []) for row in columns["segments"].to_pylist()]))
        topics.append(topic)
        shingles.append(_shingles(columns["minhash"].to_pylist()))
    indptr, buckets = buckets_of(texts.texts)
    return Seen(
        np.concatenate(value), np.concatenate(plain), _cells(np.concatenate(topics)), np.concatenate(shingles),
        embedded(indptr, buckets),
    )  # fmt: skip


def _batch(texts: list[str]) -> pa.RecordBatch:
    columns = {field.name: pa.nulls(len(texts), field.type) for field in EXCHANGES}
    columns["messages"] = pa.array([json.dumps([{"role": "user", "content": text}]) for text in texts])
    return pa.record_batch([columns[field.name] for field in EXCHANGES], names=EXCHANGES.names)


def _shingles(held: list[bytes | None]) -> np.ndarray:
    """How often each of SHINGLES buckets holds one of a text's 16 MinHash values."""
    values = np.stack([np.frombuffer(row or bytes(MINHASH_BYTES), dtype="<u2") for row in held]).astype(np.uint64)
    mixed = (values * np.uint64(values.shape[1]) + np.arange(values.shape[1], dtype=np.uint64)) * np.uint64(
        0x9E3779B97F4A7C15
    )
    out = np.zeros((len(held), SHINGLES), dtype=np.uint8)
    np.add.at(out, (np.arange(len(held))[:, None], (mixed >> np.uint64(55)).astype(np.int64)), 1)
    return out


def _cells(topic: Ints) -> np.ndarray:
    """Which of CELLS clusters of topics a text lies in, one column each; clusters are of all texts, labels unseen."""
    bits = ((topic.astype(np.int64)[:, None] >> np.arange(16)) & 1) * 2.0 - 1.0
    centres, _ = kmeans2(bits[:: max(len(bits) // 8_000, 1)], CELLS, seed=1, minit="++")
    nearest = [np.argmin(((part[:, None, :] - centres) ** 2).sum(axis=2), axis=1) for part in np.array_split(bits, 64)]
    return np.eye(CELLS, dtype=np.bool_)[np.concatenate(nearest)]


def _plain(tags: Ints, structure: Ints, topic: Ints, segments: list[int]) -> np.ndarray:
    """Every tag, bit of structure and bit of the topic, and how long the text is: any difference."""
    bits = [(tags >> np.uint64(bit)) & np.uint64(1) for bit in range(26)]
    bits += [(structure >> np.uint32(bit)) & np.uint32(1) for bit in range(18)]
    bits += [(topic >> np.uint16(bit)) & np.uint16(1) for bit in range(16)]
    bits += [np.array(segments) >= least for least in (2, 4, 8, 12)]
    return np.stack(bits, axis=1).astype(np.bool_)
