"""Normalisation run by run against the whole text at once."""

import string

from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.content.normalise import _whole, one

ODD = "ßİıſKÅﬁ①½éé’“”—…中文かな한글ΑΣασς\u200b\u0301\u0338\u20dd\u093e\u0905\u1100\u1161\ufeff🙂"


def lowered(text: str) -> str:
    """ASCII letters in one case, as the kernel reads them."""
    return text.translate(dict(zip(map(ord, string.ascii_uppercase), string.ascii_lowercase, strict=True)))


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.text() | st.text(st.sampled_from(ODD + "aA=<e 1.\n")))
def test_run_by_run_is_the_whole_text_at_once(text: str) -> None:
    assert lowered(one(text)) == _whole(text)
