"""Training value: what an exchange yields to whoever trains a model on it, as named figures of each account.

Every figure rises with training value and none says more than that, so that a test on them cannot fire on an account
that merely differs. Catches extraction that hides in cover once accounts are pooled (`linkage.pooled`); one account's
figures are hopeless. Evaded by requests that the rule tags do not know and that look like any question.
"""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from stillwatch.content.capabilities import Requests, lean
from stillwatch.content.structure import Structure
from stillwatch.content.tags import tag_bits

Floats = NDArray[np.float64]

TAGS = (
    "reasoning", "post_hoc", "trace", "grading", "preference", "reward", "synthesis", "rewrite", "agentic", "tools",
    "code", "format", "long",
)  # fmt: skip
"""Rule tags that ask for something teachable."""

FORMS = (
    ("tools at hand", Structure.TOOLS | Structure.TOOL_CALL_OUT),
    ("code in the answer", Structure.CODE_OUT),
    ("examples in the request", Structure.FEW_SHOT),
    ("reasoning switched on", Structure.REASONING_ASKED),
    ("several answers an item", Structure.MANY_ANSWERS),
)
"""Structure that goes with collecting, each with its bits."""

LEANS = (0.0, 1.0, 2.0)
"""Nats of an exchange's lean from which it counts, once for each."""

LONG_ANSWER = 150

TOGETHER = tuple(combinations(TAGS, 2))
"""Two in one request: who collects asks for a kind in a form, and the pair is rarer than either."""

FIGURES = (
    *(f"asks: {name}" for name in TAGS),
    *(name for name, _ in FORMS),
    *(f"leans by {nats:g} or more" for nats in LEANS),
    "long answer",
    *(f"asks: {one} and {other}" for one, other in TOGETHER),
)
"""What each column of `figures` counts."""


def figures(requests: Requests) -> NDArray[np.bool_]:
    """Which figures each exchange shows, shape (exchanges, FIGURES).

    What a request asks counts only where the request as a whole leans to harvest: a summary of own documents in a
    given form shows nothing.
    """
    total, bits = lean(requests).sum(axis=1), tag_bits()
    columns = [(requests.tags & np.uint64(bits[name])) != 0 for name in TAGS]
    columns += [(requests.structure & np.uint32(int(bit))) != 0 for _, bit in FORMS]
    columns += [total >= least for least in LEANS]
    columns.append(requests.output_words >= LONG_ANSWER)
    asked = dict(zip(TAGS, columns, strict=False))
    columns += [asked[one] & asked[other] for one, other in TOGETHER]
    return np.asarray(np.stack(columns, axis=1) & (total >= LEANS[0])[:, None])


def rates(shown: NDArray[np.bool_], owner: NDArray[np.int64], accounts: int) -> Floats:
    """The share of each account's exchanges that shows each figure, shape (accounts, figures). `owner` names the
    account of each exchange, 0 to accounts - 1; an account without exchanges has zeros."""
    totals = np.bincount(owner, minlength=accounts).astype(np.float64)
    counts = np.stack(
        [np.bincount(owner, weights=column, minlength=accounts) for column in shown.T.astype(np.float64)], axis=1
    )
    return np.asarray(counts / np.maximum(totals, 1.0)[:, None])
