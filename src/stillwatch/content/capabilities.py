"""What an exchange is for: structured signals first, then rule tags, else unknown; and how much it leans to harvest.

On unseen sources, text alone reaches an accuracy of .41 to .49 (measured on the prototype): so families are labelled by
pooled votes, and `unknown` is an answer.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stillwatch.content.structure import Structure
from stillwatch.content.tags import tag_bits
from stillwatch.records import CAPABILITIES

Codes = NDArray[np.int8]
Flags = NDArray[np.bool_]
UNKNOWN = CAPABILITIES.index("unknown")


class Requests(NamedTuple):
    """What is read of exchanges, arrays of one length: tags of what is asked (bits of `tags`), structure, words of the
    last human turn and of the answer (-1: not logged), and human turns."""

    tags: NDArray[np.uint64]
    structure: NDArray[np.uint32]
    text_words: NDArray[np.int32]
    output_words: NDArray[np.int32]
    turns: NDArray[np.int16]


REQUESTS = (
    "coalesce(i.tags, 0) AS tags, e.structure, coalesce(e.text_words, -1) AS text_words, "
    "coalesce(e.output_words, -1) AS output_words, e.turns"
)
"""The columns of `Requests` in SQL, of `exchange e` and its row of `intent i`."""

SAID_REQUESTS = REQUESTS.replace("i.tags", "i.said")
"""The same with what short system texts ask, whoever else sends them."""


def _any(tags: NDArray[np.uint64], *names: str) -> Flags:
    mask = np.uint64(sum(tag_bits()[name] for name in names))
    return np.asarray((tags & mask) != 0)


def _bit(structure: NDArray[np.uint32], bit: Structure) -> Flags:
    return np.asarray((structure & np.uint32(int(bit))) != 0)


def _offered(structure: NDArray[np.uint32], output_words: NDArray[np.int32]) -> Flags:
    """Tools were offered, and whether one was called is not known: where the answer is logged, the call speaks."""
    return _bit(structure, Structure.TOOLS) & (output_words < 0)


def classify(requests: Requests) -> Codes:
    """Index into records.CAPABILITIES for each exchange.

    An agent's transcript asks for thoughts at every step and holds tasks of any kind, so its form comes first: words of
    an agent's work beside tools, code or thoughts. Definitions of tools are tool use
    where no answer is logged that would show a call.
    """
    tags, structure, text_words, output_words, _ = requests
    tools = _bit(structure, Structure.TOOL_CALL_OUT) | _bit(structure, Structure.TOOL_RESULT)
    transcript = tools | _bit(structure, Structure.CODE_OUT) | _any(tags, "trace", "tools", "code")
    begun = _bit(structure, Structure.TOOL_RESULT) | _bit(structure, Structure.TOOL_CALL_BEFORE)
    one_shot = _bit(structure, Structure.TOOLS) & ~begun
    judges = _any(tags, "grading", "preference")
    rules: Sequence[tuple[str, Flags]] = (
        ("computer_use", _bit(structure, Structure.COMPUTER_TOOL) | _any(tags, "desktop")),
        ("computer_use", _any(tags, "computer") & tools),
        ("vision", _bit(structure, Structure.MEDIA)),
        ("agentic_coding", (transcript & _any(tags, "agentic") & ~one_shot) | _any(tags, "codebase")),
        ("trace_coercion", _any(tags, "trace") & ~judges),
        ("reward_model", _any(tags, "reward") & ~judges),
        ("post_hoc_reasoning", _any(tags, "post_hoc") & ~judges),
        ("sensitive_rewrite", _any(tags, "rewrite")),
        ("preference_pairs", _any(tags, "preference")),
        ("rubric_grading", _any(tags, "grading")),
        ("data_synthesis", _any(tags, "synthesis")),
        ("agentic_coding", tools & _any(tags, "code")),
        ("tool_use", tools | _offered(structure, output_words) | _any(tags, "tools")),
        ("translation", _any(tags, "translation")),
        ("data_synthesis", _any(tags, "items", "lesson")),
        ("cot_elicitation", _any(tags, "reasoning")),
        ("evaluation", _any(tags, "evaluation") | _bit(structure, Structure.OPTIONS)),
        ("code_generation", _any(tags, "code")),
        ("extraction", _any(tags, "extract", "classify", "summary")),
        ("chat", _any(tags, "chat", "creative", "factual", "persona")),
    )
    out = np.full(len(tags), UNKNOWN, dtype=np.int8)
    logged = (text_words >= 0) | (output_words >= 0)
    for name, flag in rules:
        out[(out == UNKNOWN) & flag & logged] = CAPABILITIES.index(name)
    return out


def family_codes(tags: NDArray[np.uint64], structure: NDArray[np.uint32]) -> Codes:
    """Index into records.CAPABILITIES for each family of exchanges, from the bits that at least half of them show.

    A template's static words are in all of its exchanges, an item's own in few: so what most show is what is asked.
    """
    logged = np.ones(len(tags), dtype=np.int32)
    return classify(Requests(tags, structure, logged, logged, logged.astype(np.int16)))


FEATURES: tuple[tuple[str, float], ...] = (
    ("asks for reasoning", 1.3),
    ("asks for reasoning behind a finished answer", 2.0),
    ("asks for hidden reasoning", 2.3),
    ("grades against a rubric", 1.2),
    ("compares two answers", 1.5),
    ("makes reward or preference data", 2.0),
    ("makes training data", 1.8),
    ("makes questions, tasks or lessons", 0.4),
    ("rewrites past a censor", 1.5),
    ("works as an agent on code", 1.0),
    ("calls tools in one shot", 0.6),
    ("asks for long, complete answers", 0.5),
    ("reasoning switched on", 0.4),
    ("several samples an item", 0.6),
    ("answers from a given context", -1.6),
    ("extracts, classifies or summarises", -1.6),
    ("translates", -1.2),
    ("multiple choice", -1.2),
    ("homework or a person's own matter", -1.5),
    ("small talk", -1.2),
    ("writes for a person", -0.8),
    ("short answer", -0.6),
    ("long answer", 0.3),
    ("none of these", -0.7),
    ("an exam question, answered at length", 0.6),
)
"""Named binary features and their log-likelihood ratios, harvest against other coordinated work."""

AT_LENGTH = 60
"""Words of an answer from which an exam question was not answered by its letter: the working was wanted, in whatever
words it was asked for."""

ASKED = slice(0, 10)
"""The features in which a prompt asks for training material. The strongest counts in full, the others half, and they
add at most MOST_BESIDE: a long text names many kinds of work, and means few."""
MOST_BESIDE = 1.0

HARMLESS = slice(14, 19)
"""The features in which a prompt says of itself that its work is of a harmless kind. A sentence more costs nothing, and
one sentence may name several kinds: so the strongest alone counts, and half of it beside a request for training
material."""


def lean(requests: Requests) -> NDArray[np.float64]:
    """Contributions in nats, shape (exchanges, features); their sum over features is the exchange's ratio."""
    tags, structure, text_words, output_words, turns = requests
    asks = [_any(tags, name) for name in ("reasoning", "post_hoc", "trace", "grading", "preference", "reward")]
    grading, synthesis, agentic = asks[3], _any(tags, "synthesis"), _any(tags, "agentic", "codebase")
    tools = _offered(structure, output_words) | _bit(structure, Structure.TOOL_CALL_OUT)
    asks += [synthesis, _any(tags, "items", "lesson") & ~synthesis, _any(tags, "rewrite")]
    works = tools | _bit(structure, Structure.CODE_OUT) | _any(tags, "code", "tools")
    choice = (_any(tags, "evaluation") | _bit(structure, Structure.OPTIONS)) & ~grading
    at_length = choice & (output_words >= AT_LENGTH)
    none = ~(np.any(asks, axis=0) | agentic | tools | at_length) & (text_words >= 0)
    flags = (
        *asks, _any(tags, "codebase") | (agentic & works),
        tools & (turns <= 1) & ~agentic, _any(tags, "long"), _bit(structure, Structure.REASONING_ASKED),
        _bit(structure, Structure.MANY_ANSWERS), _any(tags, "context"),
        _any(tags, "extract", "classify", "summary") & ~synthesis & ~grading, _any(tags, "translation"),
        choice & ~at_length, _any(tags, "homework"),
        _any(tags, "chat") & none, _any(tags, "creative") & none, (output_words >= 0) & (output_words <= 30),
        output_words >= 150, none, at_length,
    )  # fmt: skip
    found = np.stack(flags, axis=1) * np.array([weight for _, weight in FEATURES])
    _bounded(found[:, ASKED], found[:, HARMLESS])
    return np.asarray(found)


def _bounded(asked: NDArray[np.float64], harmless: NDArray[np.float64]) -> None:
    """What ASKED and HARMLESS say, done in place."""
    harmless[np.arange(harmless.shape[1]) != harmless.argmin(axis=1)[:, None]] = 0.0
    harmless[(asked > 0).any(axis=1)] *= 0.5
    beside = np.arange(asked.shape[1]) != asked.argmax(axis=1)[:, None]
    rest = np.where(beside, asked, 0.0).sum(axis=1)
    scale = np.minimum(0.5, MOST_BESIDE / np.maximum(rest, MOST_BESIDE))
    asked *= np.where(beside, scale[:, None], 1.0)


def shares(codes: NDArray[np.int64], weights: NDArray[np.float64]) -> dict[str, float]:
    """Each capability's share of the weight, largest first; `unknown` is a share of its own; an empty input is {}."""
    total = float(weights.sum())
    if total <= 0:
        return {}
    sums = np.bincount(codes, weights=weights, minlength=len(CAPABILITIES)) / total
    order = sorted(range(len(CAPABILITIES)), key=lambda place: (place == UNKNOWN, -sums[place], place))
    return {CAPABILITIES[place]: float(sums[place]) for place in order if sums[place] > 0}
