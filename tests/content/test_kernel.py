"""The kernel against its slow reference, against published vectors, and on what the normaliser must undo."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.content.kernel import siphash
from stillwatch.content.normalise import one
from stillwatch.content.sketch import sketch
from tests.content.exchanges import KEY, asked
from tests.content.reference import Sketch
from tests.content.reference import siphash as slow_siphash

WORDS = st.sampled_from(
    ["the", "Rate", "answer", "42", "7", "explain", "step", "by", '"', "```", "`", "quoted words", ".", "? ", ": ",
     "\n", "  ", "a1b2", "-", "word " * 40, "x", "exactly8", "sixteen8letters8", "12345678", "123456789",
     "Extraordinarily", "judging", "rated", "classes", "steps", "glass", "uses", "sings", "added"]
)  # fmt: skip
STARRED = st.text(st.sampled_from("*ab1 _"), max_size=12)
TEXTS = st.lists(WORDS | STARRED, max_size=40).map(" ".join)


def test_siphash_answers_the_vector_of_its_paper() -> None:
    # Appendix A of the paper and vectors.h of its reference code: key 00..0f, message 00..07.
    key0, key1 = 0x0706050403020100, 0x0F0E0D0C0B0A0908
    wanted = 0x93F5F5799A932462
    assert slow_siphash(key0, key1, 0x0706050403020100) == wanted
    assert int(siphash(np.uint64(key0), np.uint64(key1), np.uint64(0x0706050403020100))) == wanted


@pytest.mark.slow
@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(TEXTS, min_size=1, max_size=8))
def test_kernel_answers_like_its_slow_reference(texts: list[str]) -> None:
    rows = sketch(asked(*texts), KEY).to_pylist()
    for text, row in zip(texts, rows, strict=True):
        if not text:
            continue  # an empty turn is no turn
        slow = Sketch(text, KEY)
        skeleton, fillers = slow.skeleton()
        sentences, sizes = slow.sentences()
        assert row["text_words"] == min(len(slow.words), 8)
        assert (row["exact"], row["skeleton"], row["fillers"]) == (slow.exact(), skeleton, fillers)
        assert (row["head"], row["tail"]) == slow.edges()
        assert row["simhash"] == slow.simhash()
        bins = None if row["minhash"] is None else np.frombuffer(row["minhash"], "<u2").tolist()
        assert bins == slow.minhash()
        assert (row["segments"], row["segment_words"]) == (sentences, sizes)
        assert (row["stems"], row["pairs"]) == slow.stems()


@pytest.mark.parametrize(
    "disguised",
    [
        "IGNORE   the\tcase, and: white-space",
        "ignore the case and **white** _space_",
        "ign\u200bore t\u2060he ca\ufeffse and wh\u00adite spa\u034fce",
        "\uff49\uff47\uff4e\uff4f\uff52\uff45 the case and white space",
        "\u0456gn\u043er\u0435 th\u0435 c\u0430s\u0435 \u0430nd whit\u0435 sp\u0430c\u0435",
        "ïgnóre thé cåse änd whité spåce",
        "ig**no**re *t*he cas**e** an*d* w***hi***te space",
        "\u0399GN\u039fRE \u03a4\u0397\u0395 C\u0391SE \u0391\u039dD W\u0397\u0399TE SP\u0391C\u0395",
        "ign\u03c3re t\u04bbe ca\u0455e an\u0501 white space",
        "\u13a5gnore t\u13bbe case a\ua4e0\ua4d3 white space",
        "\U0001f158\U0001f156\U0001f15d\U0001f15e\U0001f161\U0001f154 the case and white space",
        "\U0001f1ee\U0001f1ec\U0001f1f3\U0001f1f4\U0001f1f7\U0001f1ea the case and white space",
        "\u026a\u0262\u0274\u1d0f\u0280\u1d07 the case and white space",
        "\u24d8\u24d6\u24dd\u24de\u24e1\u24d4 the \U0001d41c\U0001d41a\U0001d42c\U0001d41e and white space",
        "i\u0336g\u0336n\u0336o\u0336r\u0336e\u0336 the c\u20dda\u20dds\u20dde and white space",
        "ignore\ufe0f the\U000e0061\U000e0062 case and\u180e white\u2063 space",
        "ignore t\u04bb\u0435 \u0441\u0430\u0455\u0435 and \u0461hite space",
    ],
)
def test_disguises_of_one_text_have_one_hash(disguised: str) -> None:
    plain, other = sketch(asked("ignore the case and white space", disguised), KEY)["exact"].to_pylist()
    assert plain == other


def test_another_key_shares_no_stored_value() -> None:
    text = 'Grade the answer "one two three four" against the rubric. Explain each step of it.'
    first, second = (sketch(asked(text), key).to_pylist()[0] for key in (KEY, KEY[::-1]))
    for name in ("exact", "skeleton", "head", "tail", "minhash", "simhash", "row_hash"):
        assert first[name] != second[name], name
    for name in ("fillers", "segments"):
        assert first[name] and not set(first[name]) & set(second[name]), name


def test_a_template_keeps_its_skeleton_under_other_numbers_and_quotes() -> None:
    texts = (
        f'Solve exercise {n} of the book "{title}" and write the steps' for n, title in ((1, "A b"), (27, "C d e"))
    )
    one_text, other = sketch(asked(*texts), KEY).to_pylist()
    assert one_text["skeleton"] == other["skeleton"] and one_text["exact"] != other["exact"]


def test_normalising_twice_is_normalising_once() -> None:
    for text in ("Straße ﬁne Ａ", "\u0439\u0438 nai\u0308ve", "日本語。はい", "\u1e9b\u0323"):
        assert one(one(text)) == one(text)


def test_a_sentence_in_a_script_without_spaces_has_words() -> None:
    row = sketch(asked("请逐步解释你的推理过程。然后给出答案。"), KEY).to_pylist()[0]
    assert row["text_words"] == 8 and len(row["segments"]) == 2


def test_a_key_that_is_too_short_is_refused() -> None:
    with pytest.raises(ValueError, match="wanted at least 16"):
        sketch(asked("hello"), b"short")
