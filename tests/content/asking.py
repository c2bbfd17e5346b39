"""What the product says that single prompts ask for, as detection reads them."""

import numpy as np

from stillwatch.content.capabilities import Requests, classify, lean
from stillwatch.content.sketch import sketch
from stillwatch.content.tags import tag_bits
from stillwatch.records import CAPABILITIES
from tests.content.exchanges import KEY, asked


def tags(*texts: str) -> list[int]:
    """The tag bits of each text as a last human turn."""
    return [
        int(np.bitwise_or.reduce(np.array([0, *held], np.uint64)))
        for held in sketch(asked(*texts), KEY).column("segment_tags").to_pylist()
    ]


def tag_names(text: str) -> set[str]:
    held = tags(text)[0]
    return {name for name, bit in tag_bits().items() if held & bit}


def capabilities(*texts: str) -> list[str]:
    """The capability of each text; no answer was logged."""
    rows = sketch(asked(*texts), KEY)
    return [CAPABILITIES[code] for code in classify(_requests(rows, tags(*texts)))]


def leaning(text: str) -> float:
    """How far one text leans to harvest, in nats."""
    return float(lean(_requests(sketch(asked(text), KEY), tags(text))).sum())


def _requests(rows, held):  # type: ignore[no-untyped-def]
    n = len(held)
    absent = np.full(n, -1, np.int32)
    words = rows.column("text_words").fill_null(-1).to_numpy(zero_copy_only=False)
    structure, turns = (rows.column(name).to_numpy() for name in ("structure", "turns"))
    return Requests(np.array(held, np.uint64), structure, words, absent, turns)
