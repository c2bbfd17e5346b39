"""No hash that is stored can be made without the key: under two keys they agree by chance only.

A column of `tables.CONTENT` is either plain, and named below as what a thief can read, or it must be keyed.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from stillwatch.content.sketch import content, sketch
from stillwatch.content.sketch_key import sketch_key
from stillwatch.store import keys
from stillwatch.tables import CONTENT, EXCHANGES
from stillwatch.worlds import corpus
from tests.content.exchanges import KEY, asked

pytestmark = pytest.mark.slow

PLAIN = {
    "structure", "turns", "text_words", "output_words", "segment_roles", "segment_words", "segment_tags", "output_tags",
}  # fmt: skip
"""Columns that depend on no key. docs/privacy.md says what a thief makes of them; another one needs a line there."""

WHOLE = {"row_hash", "param_fp", "exact", "skeleton", "head", "tail", "simhash", "minhash"}
SHORT = {"simhash", "pairs"}
"""Of 16 bits: equal under another key by chance."""
LISTS = {"fillers", "segments", "stems", "pairs"}
N = 300


def batch() -> pa.RecordBatch:
    """Real questions and templated ones, with system texts, tools, answers and parameters."""
    texts = corpus.load()
    prompts = texts.prompts["human_chat"][: N // 2] + [
        f'Grade the answer below from 1 to 5.\n"{text[:200]}"\nGive one number and then the reasons for it.'
        for text in texts.prompts["eval_math"][: N - N // 2]
    ]
    given: dict[str, list[Any]] = {name: [None] * N for name in EXCHANGES.names}
    given |= {
        "exchange_id": [f"e{n}" for n in range(N)], "asked_at": list(range(N)), "account_id": ["a"] * N,
        "model_requested": ["m"] * N, "status": ["ok"] * N, "temperature": [n / N for n in range(N)],
        "system": [f"You are assistant number {n} of this company." for n in range(N)], "messages": prompts,
        "output": [f"The answer to question {n} is not known to anybody." for n in range(N)],
    }  # fmt: skip
    columns = [
        pa.array(given[f.name], pa.int64()).cast(f.type) if f.name == "asked_at" else pa.array(given[f.name], f.type)
        for f in EXCHANGES
    ]
    return pa.record_batch(columns, schema=EXCHANGES)


@pytest.fixture(scope="module")
def under() -> list[dict[str, list[Any]]]:
    """The same texts under several keys: a store's, another store's, and what a thief may try."""
    known = keys.fingerprint(b"k" * 32).encode().ljust(32, b"\0")
    made = [keys.derived(secret, "sketch", 1) for secret in (b"k" * 32, b"l" * 32, bytes(32), known)]
    made += [keys.derived(b"k" * 32, "sketch", 2), keys.derived(b"k" * 32, "row", 1)]
    rows = batch()
    return [{name: sketch(rows, key).column(name).to_pylist() for name in CONTENT.names} for key in made]


def test_every_column_is_plain_or_keyed(under: list[dict[str, list[Any]]]) -> None:
    assert set(CONTENT.names) == PLAIN | WHOLE | LISTS, "say of a new column which it is"
    assert {name for name in CONTENT.names if under[0][name] == under[1][name]} == PLAIN


def test_no_hash_is_the_same_under_another_key(under: list[dict[str, list[Any]]]) -> None:
    for other in under[1:]:
        for name in WHOLE - SHORT:
            one, two = ({v for v in held[name] if v is not None} for held in (under[0], other))
            assert len(one) > N // 4 and not one & two, name
        for name in LISTS - SHORT:
            one, two = ({v for values in held[name] for v in values} for held in (under[0], other))
            assert len(one) > N // 4 and not one & two, name


def test_short_hashes_agree_by_chance_only(under: list[dict[str, list[Any]]]) -> None:
    """16-bit MinHash values, pairs and bits of SimHash: 5 standard deviations around chance."""
    for other in under[1:]:
        pairs = [
            (np.frombuffer(a, "<u2"), np.frombuffer(b, "<u2"))
            for a, b in zip(under[0]["minhash"], other["minhash"], strict=True)
            if a is not None
        ]
        equal, bins = sum(int((a == b).sum()) for a, b in pairs), 16 * len(pairs)
        assert equal <= bins / 65_536 + 5 * max(1.0, (bins / 65_536) ** 0.5)
        told = [
            (a, b) for one in zip(under[0]["pairs"], other["pairs"], strict=True) for a, b in zip(*one, strict=False)
        ]
        assert sum(a == b for a, b in told) <= len(told) / 65_536 + 5 * max(1.0, (len(told) / 65_536) ** 0.5)
        known = [(a, b) for a, b in zip(under[0]["simhash"], other["simhash"], strict=True) if a is not None]
        share = np.mean([bin(a ^ b).count("1") / 16 for a, b in known])
        assert 0.3 < share < 0.7


def test_equal_texts_stay_equal_under_one_key(under: list[dict[str, list[Any]]]) -> None:
    rows = batch()
    key = keys.derived(b"k" * 32, "sketch", 1)
    assert {name: sketch(rows, key).column(name).to_pylist() for name in CONTENT.names} == under[0]


def test_what_is_let_out_unsealed_depends_on_no_seal() -> None:
    """Another seal changes every stored hash. Of SimHash it changes the mask alone: that one is not sealed."""
    rows, key = batch(), keys.derived(b"k" * 32, "sketch", 1)
    words = sketch_key(key)
    other = words._replace(seal0=words.seal0 ^ np.uint64(1), seal1=words.seal1 ^ np.uint64(1))
    one, two = (pa.table(content(rows, held)) for held in (words, other))
    for name in WHOLE - SHORT:
        both = zip(one[name].to_pylist(), two[name].to_pylist(), strict=True)
        assert not [a for a, b in both if a is not None and a == b], name
    for name in LISTS - SHORT:
        first, second = ({v for held in table[name].to_pylist() for v in held} for table in (one, two))
        assert first and not first & second, name
    both = zip(one["simhash"].to_pylist(), two["simhash"].to_pylist(), strict=True)
    assert len({a ^ b for a, b in both if a is not None}) == 1


def test_no_word_of_the_key_is_another() -> None:
    words = sketch_key(b"k" * 32)
    assert len(set(words)) == len(words) == 4


def test_a_text_without_content_words_has_no_simhash() -> None:
    """It would show the mask."""
    assert sketch(asked("how are you", "a 1234 b", "how are people"), KEY)["simhash"].null_count == 2
