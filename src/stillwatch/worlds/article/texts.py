"""The texts of an article world: word streams of real prompts and answers, and the instructions that stand first."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillwatch.worlds.article.texts_kernel import compose
from stillwatch.worlds.corpus import Corpus, escaped

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]

ASKED = (
    '[{"role":"user","content":"', '"},{"role":"assistant","content":"', '"},{"role":"user","content":"', '"}]'
)  # fmt: skip
ANSWERED = ('[{"role":"assistant","content":"', "", "", '"}]')


@dataclass(frozen=True)
class Joined:
    """Byte strings in one buffer; `starts` (n + 1) are where each begins."""

    held: Bytes
    starts: Places

    def __len__(self) -> int:
        return len(self.starts) - 1


def joined(texts: Sequence[str]) -> Joined:
    """Texts in one buffer."""
    encoded = [text.encode() for text in texts]
    starts = np.concatenate(([0], np.cumsum([len(one) for one in encoded], dtype=np.int64)))
    return Joined(np.frombuffer(b"".join(encoded), np.uint8), starts)


@dataclass(frozen=True)
class Wanted:
    """What to write, a value a row: `texts_kernel.compose` says what each is for."""

    key: Keys
    earlier: Keys
    home: Places
    words: Places
    head: Places


class Writer:
    """Writes messages and answers."""

    def __init__(self, corpus: Corpus, heads: list[str]) -> None:
        self._asked = _words(text for texts in corpus.prompts.values() for text in texts)
        answers = [json.loads(f'"{answer.words}"') for held in corpus.answers.values() for answer in held]
        self._answered = _words(answers)
        self._heads = joined([f"{escaped(head)} " for head in heads] or [" "])

    @property
    def places(self) -> int:
        """Words that a writer's home can be."""
        return len(self._asked)

    def messages(self, wanted: Wanted) -> pa.Array:
        """What is asked, as the contract's JSON."""
        return self._composed(self._asked, joined(ASKED), wanted)

    def answers(self, wanted: Wanted) -> pa.Array:
        """What is answered; homes count from 0 on among the words of answers as well."""
        return self._composed(self._answered, joined(ANSWERED), wanted)

    def _composed(self, stream: Joined, marks: Joined, wanted: Wanted) -> pa.Array:
        offsets, none = np.zeros(len(wanted.key) + 1, np.int64), np.zeros(0, np.uint8)
        given = (wanted.key, wanted.earlier, wanted.home, wanted.words, wanted.head)
        fixed = (self._heads.held, self._heads.starts, stream.held, stream.starts,
                 marks.held, marks.starts)  # fmt: skip
        compose(none, offsets, *given, *fixed)
        out = np.empty(offsets[-1], np.uint8)
        compose(out, offsets, *given, *fixed)
        return pa.LargeStringArray.from_buffers(len(wanted.key), pa.py_buffer(offsets), pa.py_buffer(out))


def _words(texts: Iterable[str]) -> Joined:
    return joined([f"{escaped(word)} " for text in texts for word in text.split()])
