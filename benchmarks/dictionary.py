"""What a thief of a store learns: dictionary attacks on its sketches, without the key, with known texts, with the key.

    .venv/bin/python benchmarks/dictionary.py --seed 1 --out benchmarks/results/dictionary-seed1.txt

The thief holds the store's folder and a dictionary of candidate prompts, of which half were asked: free ones (people's
questions and evaluation sets) and templated ones (instructions of operators with their material). A candidate is
confirmed where an attack says "this was asked"; of those that were not asked, each confirmed one is a false positive.
Every figure is k/n with the exact 95 % interval.
"""

import argparse
import hashlib
import json
import os
import platform
import random
import re
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numba import njit

from stillwatch.content.kernel_words import chain, mix, room, words_of
from stillwatch.content.normalise import one
from stillwatch.content.sketch import content, sketch
from stillwatch.content.sketch_key import SketchKey, sketch_key
from stillwatch.pipeline import ingest_sources
from stillwatch.stats import clopper_pearson
from stillwatch.store import keys
from stillwatch.store.store import Store
from stillwatch.tables import CONTENT, EXCHANGES
from stillwatch.worlds import corpus
from stillwatch.worlds.operators.grading import Grading
from stillwatch.worlds.operators.reasoning import Reasoning
from stillwatch.worlds.operators.wording import Manner

HASHES = ("exact", "skeleton", "head", "tail")
NEAR = 12
"""MinHash values of 16 that agree where one text is taken for another."""

GUESSED_BITS = 26
"""Bits of a key word that the demonstration of key recovery leaves to be found."""


@dataclass(frozen=True)
class Candidate:
    """A prompt of the dictionary: its text, a guess that is nearly it, and whether it was asked."""

    text: str
    near: str
    asked: bool
    templated: bool


def candidates(n: int, seed: int) -> tuple[list[Candidate], list[str]]:
    """n candidates, half templated, half free, of each half asked by chance; and n other prompts, which were asked too.

    The near guess at a templated prompt is the operator's canonical wording, which 70 % of the prompts have.
    """
    texts, chance = corpus.load(), random.Random(seed)
    free = {t for kind in ("human_chat", "eval_math", "eval_knowledge", "tool_eval") for t in texts.prompts[kind]}
    drawn = chance.sample(sorted(free), n)
    pairs = [(text, _one_word_less(text, chance)) for text in drawn]
    said, guessed = ([kind(texts, seed, Manner(share)) for kind in (Reasoning, Grading)] for share in (0.3, 0.0))
    made: dict[str, str] = {}
    for item in range(4 * n):
        if len(made) == n:
            break
        text, near = (scripts[item % 2].write(item, 0).messages[-1].content for scripts in (said, guessed))
        made.setdefault(json.loads(f'"{text}"'), json.loads(f'"{near}"'))
    found, others = [], []
    for rows, templated in ((pairs, False), (list(made.items()), True)):
        half = len(rows) // 2
        asked = set(chance.sample(range(half), half // 2))
        found += [Candidate(text, near, place in asked, templated) for place, (text, near) in enumerate(rows[:half])]
        others += [text for text, _ in rows[half:]]
    return found, others


def _one_word_less(text: str, chance: random.Random) -> str:
    words = text.split(" ")
    words.pop(chance.randrange(len(words)))
    return " ".join(words)


def exchange(number: int, text: str, account: str) -> dict[str, Any]:
    messages = json.dumps([{"role": "user", "content": text}])
    return {"exchange_id": f"{account}-{number}", "asked_at": 1_772_359_200 + number, "account_id": account,
            "model_requested": "m", "status": "ok", "messages": messages}  # fmt: skip


def exchanges(texts: list[str]) -> pa.RecordBatch:
    rows = [exchange(n, text, "thief") for n, text in enumerate(texts)]
    columns = [
        pa.array([row.get(f.name) for row in rows], pa.int64()).cast(f.type)
        if f.name == "asked_at"
        else pa.array([row.get(f.name) for row in rows], f.type)
        for f in EXCHANGES
    ]
    return pa.record_batch(columns, schema=EXCHANGES)


def sketched(texts: list[str], key: bytes, names: Sequence[str] = CONTENT.names) -> list[dict[str, Any]]:
    """What the thief's own copy of Stillwatch makes of texts, under a key of the thief's."""
    return sketch(exchanges(texts), key).select(list(names)).to_pylist()


class Stolen:
    """The rows of a store's folder, and what the attacks look up in them."""

    def __init__(self, store: Path) -> None:
        files = sorted((store / "exchanges").rglob("*.parquet"))
        every = [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]
        self.own = {row["exchange_id"]: row for row in every if row["account_id"] == "thief"}
        self.rows = [row for row in every if row["account_id"] != "thief"]
        self.held = {name: {row[name] for row in self.rows} - {None} for name in HASHES}
        self.bins: dict[tuple[int, int], set[int]] = {}
        self.minhash = [np.frombuffer(row["minhash"], "<u2") if row["minhash"] else None for row in self.rows]
        for place, values in enumerate(self.minhash):
            for at in range(0 if values is None else 16):
                self.bins.setdefault((at, int(values[at])), set()).add(place)
        self.seen: dict[tuple[Any, ...], set[int]] = {}
        for row in self.rows:
            self.seen.setdefault(side(row), set()).add(row["simhash"])

    def nearest(self, row: dict[str, Any]) -> int:
        """The most MinHash values that any stored row shares with this one."""
        if row["minhash"] is None:
            return 0
        values = np.frombuffer(row["minhash"], "<u2")
        found = Counter(p for at in range(16) for p in self.bins.get((at, int(values[at])), ()))
        return max(found.values(), default=0)


def side(row: dict[str, Any]) -> tuple[Any, ...]:
    """What stands in a row and depends on no key: the form of its text."""
    same = [row["segments"].index(segment) for segment in row["segments"]]
    nulls = tuple(row[name] is None for name in (*HASHES, "minhash", "simhash"))
    counts = (row["text_words"], len(row["fillers"]), *row["segment_words"])
    return (*counts, *row["segment_tags"], *same, *nulls, row["structure"], row["turns"])


def told(name: str, found: list[Candidate], confirmed: list[bool]) -> str:
    """One line: of free and templated candidates, how many asked ones are confirmed, and how many others."""
    parts = []
    for templated in (False, True):
        for asked in (True, False):
            hits = [
                c for c, who in zip(confirmed, found, strict=True) if (who.templated, who.asked) == (templated, asked)
            ]
            parts.append(shown(sum(hits), len(hits)))
    return f"{name:58} {parts[0]:28} {parts[1]:28} {parts[2]:28} {parts[3]}"


def shown(k: int, n: int) -> str:
    low, high = clopper_pearson(k, n)
    return f"{k:,}/{n:,} [{low:.4f}, {high:.4f}]"


def head(title: str) -> str:
    names = ("free, asked", "free, not asked", "templated, asked", "templated, not asked")
    return f"\n{title}\n{'confirmed':58} {names[0]:28} {names[1]:28} {names[2]:28} {names[3]}"


# ------------------------------------------------------------------------------------------------ without the key


def guessed_keys(store: Path) -> dict[str, bytes]:
    """Keys that a thief would try first: empty ones, and all that the folder itself says."""
    manifest = (store / "store.json").read_bytes()
    secrets = {"zeros": bytes(32)}
    for name, known in {
        "the manifest": manifest, "the fingerprint": json.loads(manifest)["epochs"][0]["key"].encode(),
        "stillwatch": b"stillwatch",
    }.items():  # fmt: skip
        secrets[f"SHA-256 of {name}"] = hashlib.sha256(known).digest()
    return {
        f"{name}, {scheme}": keys.derived(secret, "sketch", 1, scheme)
        for name, secret in secrets.items()
        for scheme in (keys.HKDF, keys.BLAKE2B)
    }


def without_key(stolen: Stolen, store: Path, found: list[Candidate], seed: int) -> list[str]:
    texts = [candidate.text for candidate in found]
    guessed = guessed_keys(store)
    by_hash, by_minhash = np.zeros(len(found), bool), np.zeros(len(found), bool)
    for key in guessed.values():
        rows = sketched(texts, key, (*HASHES, "minhash"))
        by_hash |= [any(row[name] in stolen.held[name] for name in HASHES) for row in rows]
        by_minhash |= [stolen.nearest(row) >= NEAR for row in rows]
    lines = [head(f"Without the key: {len(guessed)} guessed keys")]
    lines.append(told("a hash column is equal under any of them", found, list(by_hash)))
    lines.append(told(f"{NEAR} of 16 MinHash values are equal under any", found, list(by_minhash)))
    own = sketched(texts, bytes(32))
    lines.append(head("Without the key: columns that depend on none (word counts, sentences, tags, structure)"))
    vectors = [side(row) for row in own]
    often = Counter(vectors)
    match = [vector in stolen.seen for vector in vectors]
    only = [m and often[v] == 1 for m, v in zip(match, vectors, strict=True)]
    lines.append(told("a stored row has the same", found, match))
    lines.append(told("… and no other candidate has", found, only))
    for least in (3, 6):
        long = [o and len(row["segments"]) >= least for o, row in zip(only, own, strict=True)]
        lines.append(told(f"… and {least} sentences or more", found, long))
    near = sketched([candidate.near for candidate in found], bytes(32))
    lines.append(told("a stored row has the same as a near guess", found, [side(r) in stolen.seen for r in near]))
    return [*lines, *by_frequency(stolen, found, seed)]


def by_frequency(stolen: Stolen, found: list[Candidate], seed: int) -> list[str]:
    """The commonest stored texts are matched by rank with the commonest of another month, which the thief knows."""
    chance = random.Random(seed + 1)
    asked = [candidate.text for candidate in found if candidate.asked]
    other = Counter(popular(asked, len(stolen.rows), chance))
    ranked = [text for text, _ in other.most_common(100)]
    exact = Counter(row["exact"] for row in stolen.rows if row["exact"] is not None)
    truth = {row["exact"]: row["_text"] for row in stolen.rows}
    hits = sum(truth[value] == text for text, (value, _) in zip(ranked, exact.most_common(100), strict=True))
    return [f"\nBy frequency: of the 100 commonest texts the rank tells {shown(hits, 100)}"]


def popular(texts: list[str], n: int, chance: random.Random) -> list[str]:
    """n texts, the k-th about as often as 1/k."""
    return chance.choices(texts, [1 / (place + 1) for place in range(len(texts))], k=n)


# ------------------------------------------------------------------------------------------------ known texts


def vocabulary(texts: list[str]) -> list[str]:
    """Words of four letters and more, as a thief would cut them."""
    return sorted({w for text in texts for w in re.findall(r"[^\W_]{4,}", one(text).lower()) if not w.isdigit()})


def word_ids(text: str) -> list[int]:
    """The content words of a text, each as its hash under a key of the thief's."""
    data = np.frombuffer(one(text).encode("utf-8", "replace") or b" ", dtype=np.uint8)
    words = room(len(data) + 1, len(data))
    n, _ = words_of(data, np.uint64(7), words)
    return [int(word) for word, k in zip(words.hashes[:n], words.kind[:n], strict=True) if not k & 9]


def pairs_of(words: list[str]) -> list[str]:
    """Texts of two words that a thief asks: where their votes differ the majority is no, and shows the mask."""
    return [f"{a} {b}" for a, b in zip(words[0:60:2], words[1:60:2], strict=True)]


def mask_of(stolen: Stolen, asked_alone: list[str]) -> int:
    alone = {row["_text"]: row["simhash"] for row in stolen.own.values()}
    mask = 0
    for pair in pairs_of(asked_alone):
        first, second = (alone[word] for word in pair.split(" "))
        mask |= alone[pair] & (first ^ second)
    return int(mask)


def known_texts(stolen: Stolen, found: list[Candidate], asked_alone: list[str]) -> list[str]:
    """The thief was a customer, and asked each word of the dictionary alone: its SimHash gives the word's 16 votes."""
    mask = mask_of(stolen, asked_alone)
    votes = {}
    for row in stolen.own.values():
        ids = word_ids(row["_text"])
        if len(ids) == 1:
            votes[ids[0]] = np.array([(row["simhash"] ^ mask) >> bit & 1 for bit in range(16)]) * 2 - 1
    held = {row["simhash"] for row in stolen.rows}
    alone, joint, testable = [], [], 0
    for candidate, own in zip(found, sketched([c.text for c in found], bytes(32)), strict=True):
        ids = word_ids(candidate.text)
        known = bool(ids) and all(word in votes for word in ids)
        testable += known
        most = np.sum([votes[w] for w in ids], axis=0) > 0 if known else np.zeros(16, bool)
        value = sum(1 << bit for bit in range(16) if most[bit]) ^ mask
        alone.append(known and value in held)
        joint.append(known and value in stolen.seen.get(side(own), ()))
    lines = [
        head(f"Known texts: the thief asked {len(asked_alone):,} single words, and 30 pairs of them, as a customer")
    ]
    lines.append(f"texts whose every content word was asked: {testable:,} of {len(found):,}")
    lines.append(told("SimHash, added up from single words, no key", found, alone))
    return [*lines, told("… and the same row has the text's form", found, joint)]


@njit(cache=True)
def tried(blocks: Any, wanted: Any, known: Any, first: int, last: int) -> Any:
    """The value of `known` with its low bits from first to last under which each word has the wanted SimHash; or 0."""
    for low in range(first, last):
        seed = known | np.uint64(low)
        right = 0
        while right < len(blocks):
            if (mix(mix(chain(seed, blocks[right])) + seed) ^ wanted[right]) & np.uint64(0xFFFF) != 0:
                break
            right += 1
        if right == len(blocks):
            return seed
    return np.uint64(0)


def key_recovery(stolen: Stolen, found: list[Candidate], true: SketchKey, asked_alone: list[str]) -> list[str]:
    """From known texts to the key, as it broke the first scheme: a seed by trying. It is the seal's key no more."""
    short = [row for row in stolen.own.values() if re.fullmatch("[a-z]{4,7}", row["_text"])][:8]
    blocks = np.array([int.from_bytes(row["_text"].encode(), "little") for row in short], np.uint64)
    wanted = np.array([row["simhash"] ^ mask_of(stolen, asked_alone) for row in short], np.uint64)
    top = [np.uint64(int(word) >> GUESSED_BITS << GUESSED_BITS) for word in true]
    tried(blocks, wanted, top[0], 0, 1)
    start = time.perf_counter()
    got = [int(tried(blocks, wanted, known, 0, 1 << GUESSED_BITS)) for known in top]
    rate = (
        3.5 * (1 << GUESSED_BITS) / (time.perf_counter() - start)
    )  # the seed's own search ends half-way, more or less
    guess = SketchKey(true.word0, true.word1, np.uint64(got[0]), np.uint64(got[0]))
    rows = pa.table(content(exchanges([c.text for c in found]), guess)).select(list(HASHES)).to_pylist()
    sealed = [any(row[name] in stolen.held[name] for name in HASHES) for row in rows]
    names = ["found" if value == int(word) else "not found" for value, word in zip(got, true, strict=True)]
    lines = [
        f"\nKey recovery from eight single words, with {64 - GUESSED_BITS} bits of a 64-bit key word given: "
        f"the words' seed is {names[0]},",
        f"the sequences' {names[1]}, the seal's two words {names[2]} and {names[3]}. Without",
        f"any bit given 2^63 trials, {2**63 / rate / 3.15576e7:,.0f} core-years, give the words' seed, and no seal.",
        head("… and both seeds told, the words' seed taken for the seal's key, as it was in the first scheme"),
    ]
    return [*lines, told("a hash column is equal", found, sealed)]


# ------------------------------------------------------------------------------------------------ with the key


def with_key(stolen: Stolen, found: list[Candidate], key: bytes) -> list[str]:
    lines = []
    for title, texts in (
        ("the dictionary holds the very text", [c.text for c in found]),
        ("it holds a near guess: one word less, or the canonical wording", [c.near for c in found]),
    ):
        rows = sketched(texts, key, (*HASHES, "minhash"))
        lines.append(head(f"With the key: {title}"))
        for name in ("exact", "skeleton"):
            lines.append(told(name, found, [row[name] in stolen.held[name] for row in rows]))
        lines.append(told(f"{NEAR} of 16 MinHash values", found, [stolen.nearest(row) >= NEAR for row in rows]))
    return lines


def run(n: int, seed: int) -> list[str]:
    found, others = candidates(n, seed)
    chance = random.Random(seed)
    asked = [candidate.text for candidate in found if candidate.asked]
    alone = vocabulary([candidate.text for candidate in found])
    said = {f"customer-{k}": text for k, text in enumerate([*asked, *popular(asked, n // 2, chance), *others])}
    own = {f"thief-{k}": text for k, text in enumerate([*alone, *pairs_of(alone)])}
    with tempfile.TemporaryDirectory(prefix="stillwatch-dictionary-") as name:
        folder = Path(name)
        (folder / "key").touch(0o600)
        (folder / "key").write_bytes(hashlib.blake2b(f"dictionary {seed}".encode(), digest_size=32).digest())
        with (folder / "exchanges.jsonl").open("w") as file:
            for place, text in (said | own).items():
                account, _, number = place.partition("-")
                file.write(json.dumps(exchange(int(number), text, account)) + "\n")
        ingest_sources([folder / "exchanges.jsonl"], folder / "store", key_file=folder / "key")
        stolen = Stolen(folder / "store")
        every = said | own
        for row in [*stolen.rows, *stolen.own.values()]:
            row["_text"] = every[row["exchange_id"]]  # to judge by, and of the thief's own; no column of a store
        key = Store.open(folder / "store", folder / "key").sketch_key()
        lines = [
            f"{len(found):,} candidates, {len(asked):,} asked, {len(stolen.rows):,} exchanges of others; seed {seed}"
        ]
        lines += without_key(stolen, folder / "store", found, seed)
        lines += known_texts(stolen, found, alone) + key_recovery(stolen, found, sketch_key(key), alone)
        return lines + with_key(stolen, found, key)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=None)
    options = parser.parse_args()
    start = time.monotonic()
    git = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, cwd=Path(__file__).parent, capture_output=True, text=True, check=False).stdout.strip()
    lines = [f"benchmarks/dictionary.py --candidates {options.candidates} --seed {options.seed}; commit {commit}",
             f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"]  # fmt: skip
    lines += run(options.candidates, options.seed)
    lines.append(f"\n{time.monotonic() - start:.0f} s")
    print("\n".join(lines))
    if options.out:
        options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
