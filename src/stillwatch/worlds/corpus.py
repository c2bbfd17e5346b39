"""The real texts, sessions, rates and address blocks that worlds are made of.

They ship in `stillwatch/data/texts/` (sources and licences in its SOURCES.md). A reference folder in the layout that
`scripts/make_text_sample.py` reads gives more variety of answers.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from stillwatch.errors import SourceError

LONGEST_ANSWER = 1600
"""Characters that are kept of an answer's text; its token count is that of the whole."""

Array = npt.NDArray[Any]


def escaped(text: str) -> str:
    """The text as the inside of a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


@dataclass(frozen=True)
class Answer:
    """An answer as JSON text without its quotes, and its length in tokens."""

    words: str
    tokens: int


def answer(text: str, characters: int | None = None) -> Answer:
    """An answer of which ``characters`` were written, four to a token, and the first ones kept."""
    return Answer(escaped(text[:LONGEST_ANSWER]), max(1, (characters or len(text)) // 4))


@dataclass(frozen=True)
class Pair:
    """A teacher's training pair."""

    capability: str
    system: str | None
    prompt: str
    response: Answer


@dataclass(frozen=True)
class Session:
    """A real coding-agent session: tokens in and out, and seconds of pause before each request."""

    input_tokens: Array
    output_tokens: Array
    pauses: Array


@dataclass(frozen=True)
class Block:
    """A /24 of the address table: its first address, network, country and kind of place."""

    start: int
    asn: int
    country: str
    kind: str


@dataclass(frozen=True)
class Corpus:
    """Everything real that a world is made of. ``shapes`` holds hourly rates of customers, (shape, 336)."""

    prompts: dict[str, list[str]]
    pairs: list[Pair]
    answers: dict[str, list[Answer]]
    templates: dict[str, list[str]]
    steps: dict[str, list[str]]
    sessions: list[Session]
    shapes: Array
    lengths: Array
    blocks: list[Block]

    @cached_property
    def blocks_by_kind(self) -> dict[str, list[Block]]:
        """Blocks of each kind of place."""
        return _grouped((block.kind, block) for block in self.blocks)

    @cached_property
    def blocks_at(self) -> dict[tuple[str, str], list[Block]]:
        """Blocks by kind and country."""
        return _grouped(((block.kind, block.country), block) for block in self.blocks)

    @cached_property
    def pairs_by_capability(self) -> dict[str, list[Pair]]:
        """Training pairs by what they teach."""
        return _grouped((pair.capability, pair) for pair in self.pairs)


def load(folder: Path | None = None) -> Corpus:
    """Read the shipped sample, and a reference folder's answers too where one is given.

    Raises:
        SourceError: the folder lacks the reference files, or one is unreadable.
    """
    answers = _grouped(
        (row["kind"], answer(row["text"], row["characters"])) for row in _shipped("answers.parquet").to_pylist()
    )
    if folder is not None:
        for kind, found in _more_answers(folder).items():
            answers[kind] = found
    rates = _shipped("shapes.parquet")
    shapes = np.zeros((rates["shape"].to_numpy().max() + 1, 336))
    shapes[rates["shape"].to_numpy(), rates["hour"].to_numpy()] = rates["rate"].to_numpy()
    return Corpus(
        prompts=_grouped((row["kind"], row["text"]) for row in _shipped("prompts.parquet").to_pylist()),
        pairs=[
            Pair(row["capability"], row["system"], row["prompt"], answer(row["response"]))
            for row in _shipped("pairs.parquet").to_pylist()
        ],
        answers=answers,
        templates=_grouped((row["kind"], row["text"]) for row in _shipped("templates.parquet").to_pylist()),
        steps=_grouped((row["role"], row["text"]) for row in _shipped("trajectories.parquet").to_pylist()),
        sessions=_sessions(),
        shapes=shapes,
        lengths=np.stack([column.to_numpy() for column in _shipped("lengths.parquet").columns], axis=1),
        blocks=[Block(**row) for row in _shipped("blocks.parquet").to_pylist()],
    )


def _sessions() -> list[Session]:
    table = _shipped("sessions.parquet")
    edges = np.nonzero(np.diff(table["session"].to_numpy()))[0] + 1
    columns = (np.split(table[name].to_numpy(), edges) for name in ("input_tokens", "output_tokens", "pause"))
    return [Session(*parts) for parts in zip(*columns, strict=True)]


def _shipped(name: str) -> Any:
    with resources.as_file(resources.files("stillwatch") / "data" / "texts" / name) as path:
        return pq.read_table(path)


def _more_answers(folder: Path) -> dict[str, list[Answer]]:
    try:
        arena = pq.read_table(folder / "4_lineage/arena_answers.parquet", columns=["turns"])["turns"].to_pylist()
        zero = pq.read_table(folder / "4_lineage/zeroeval_outputs.parquet", columns=["task", "output"]).to_pylist()
    except (OSError, ValueError) as error:
        raise SourceError(
            "the folder of texts cannot be read",
            where=str(folder),
            wanted="the reference folder that scripts/make_text_sample.py reads",
            next_step="leave --texts out to use the sample that ships with the package",
        ) from error
    kinds = {"gsm": "math", "math-l5": "math", "crux": "code"}
    found = [("chat", answer(turn)) for turns in arena for turn in turns if len(turn) > 20]
    found += [(kinds[row["task"]], answer(row["output"])) for row in zero if row["task"] in kinds and row["output"]]
    return _grouped(found)


def _grouped(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, list[Any]]:
    groups: dict[Any, list[Any]] = defaultdict(list)
    for name, value in pairs:
        groups[name].append(value)
    return dict(groups)
