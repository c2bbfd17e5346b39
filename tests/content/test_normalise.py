"""Normalisation by forms and run by run, against the whole text at once."""

import random
import string
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.content import forms
from stillwatch.content import normalise as normalising
from stillwatch.content.kernel_forms import Forms
from stillwatch.content.normalise import normalise, one
from tests.content.spelling import EVERY, column, heeded, spelled, whole, words_drawn

ODD = "ßİıſKÅﬁ①½éé’“”—…中文かな한글ΑΣασς\u200b\u0301\u0338\u20dd\u093e\u0905\u1100\u1161\ufeff🙂"
SEED = 20260611

SCRIPTS = {
    "Hangul": "가각힣각ㄱㅏㅠᅠᅟ\u1160ﾡￂ\uac00\u11a7\u11a8",
    "Indic": "कानऩऴऱ़्ািেোৌাকெொாூೆೇೈೊോൊාෙේොෝෞ",
    "Arabic": "العربيةآأؤ\u064b\u0651\u0653\u0654\u0655ﷺﷻﷲﻼﻻ\u061c",
    "Vietnamese": "Việt Nam ệ ê\u0323 e\u0302\u0323 e\u0323\u0302 ờ ơ\u0300 Ỹ",
    "kana": "がか\u3099は\u309aぱ゙゚ｶﾞﾊﾟヴウ\u3099",
    "Thai and Tibetan": "กำน้ำ\u0e38\u0e48\u0e49ཀ\u0f71\u0f72\u0f73\u0f74\u0f80\u0f7b",
    "Greek": "ΑΣΟΦΟΣ ΣΑΣ. σς ΐ ϲϹ ᾳ\u0345 Σ\u0301 aΣ 𝚺a",
    "emoji": "👩\u200d👩\u200d👧\ufe0f🏴\U000e0067\U000e0062\U000e007f❤\ufe0f🇩🇪",
    "music": "𝅗𝅥𝅘𝅥𝅮\U0001d165\U0001d16e\U00011131\U00011127\U00011347\U0001133e",
    "invisible": "\u200b\u200d\u034f\u00ad\ufe0f\u2060\ufeff\U000e0041 a\u200b",
    "forms": "½¼¾ﷺ‴⁗㍿㌕ŉǆǅﬃ㈀℀™①⑽ⅷ´¨\u00a0",
}  # fmt: skip
CHARACTERS = st.characters(exclude_categories=["Cs"])


def lowered(text: str) -> str:
    """ASCII letters in one case, as the kernel reads them."""
    return text.translate(dict(zip(map(ord, string.ascii_uppercase), string.ascii_lowercase, strict=True)))


def differing(texts: list[str]) -> list[tuple[str, str, str]]:
    """Up to five texts that are not normalised as the slow way does, with both answers."""
    triples = zip(texts, normalise(column([*texts])).to_pylist(), map(spelled, texts), strict=True)
    return [triple for triple in triples if triple[1] != triple[2]][:5]


@pytest.fixture
def no_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forms as they are before any text was read."""
    monkeypatch.setattr(forms, "_held", Forms(np.full_like(forms._held.places, -1), forms._held.pages[:1].copy()))


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.text() | st.text(st.sampled_from(ODD + "aA=<e 1.\n")))
def test_run_by_run_is_the_whole_text_at_once(text: str) -> None:
    assert lowered(one(text)) == whole(words_drawn(text))
    assert one(text) == spelled(text)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.none() | st.text(CHARACTERS) | st.text(st.sampled_from(ODD + "aA=<e 1.\n")), max_size=8))
def test_columns_are_normalised_as_texts_are(texts: list[str | None]) -> None:
    wanted = [None if text is None else spelled(text) for text in texts]
    for kind in (pa.large_string(), pa.string()):
        made = normalise(pa.array(texts, kind))
        made.validate(full=True)
        assert made.type == kind and made.to_pylist() == wanted
    assert normalise(column(texts)[1:]).to_pylist() == wanted[1:]


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_scripts_are_normalised_as_one_by_one(script: str, data: st.DataObject) -> None:
    own = st.text(st.sampled_from(SCRIPTS[script]), max_size=30)
    mixed = st.text(st.sampled_from("".join(SCRIPTS.values()) + "aB\u0301"), max_size=12)
    texts = data.draw(st.lists(own | mixed, min_size=1, max_size=30))
    assert not differing(texts)


def test_every_character_alone() -> None:
    assert not differing([c for c in EVERY if unicodedata.category(c) not in ("Cn", "Co")])


@pytest.mark.slow
def test_characters_that_heed_their_neighbours_in_pairs_and_longer() -> None:
    print("seed", SEED)
    chance, pool = random.Random(SEED), heeded()
    pool += random.Random(SEED).choices(EVERY, k=len(pool) // 4) + [*"aAe1 "] * 20
    assert not differing(["".join(chance.choices(pool, k=2)) for _ in range(60_000)])
    assert not differing(["".join(chance.choices(pool, k=chance.randrange(3, 12))) for _ in range(20_000)])
    near = [pool[at : at + 40] for at in range(0, len(pool), 20)]  # of one script, as composing characters are
    assert not differing(["".join(chance.choices(some, k=3)) for some in near for _ in range(200)])


@pytest.mark.slow
def test_every_pair_of_characters_that_heed_and_every_character_beside_some() -> None:
    print("seed", SEED)
    assert not differing(EVERY)
    pool = heeded()
    for first in pool:
        assert not differing([first + second for second in pool])
    assigned = [c for c in EVERY if unicodedata.category(c) not in ("Cn", "Co")]
    for other in "Σ\u0301\u3099\u094d\u1161\u09be\u09c7é":
        assert not differing([other + c for c in assigned])
        assert not differing([c + other for c in assigned])


def test_most_of_what_people_write_needs_no_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["Straße, Ελλάδα", "Привет", "日本語のテキストが", "한국어 ㅋㅋ ㅠㅠ", "हिन्दी में", "ภาษาไทย น้ำ",
             "العَرَبِيَّة", "Tiếng Việt", "বাংলা ভাষা", "தமிழ்", "½ “cup” – 3″", "👩\u200d👧 ❤\ufe0f"]  # fmt: skip
    monkeypatch.setattr(normalising, "one", None)
    assert normalise(column([*texts])).to_pylist() == [spelled(text) for text in texts]


@pytest.mark.usefixtures("no_pages")
def test_runs_that_grow_vanish_or_end_at_a_block() -> None:
    texts = ["ﷺ" * 4000, "\u200b" * 50_000, "a" + "\u0301" * 5000 + "\u094d" * 30, "½" * 3000, "Σﷺ" * 500, "", "x"]
    texts += ["a" * n + c + "b" * m for n in (0, 1, 31, 32, 33, 64) for m in (0, 31, 33) for c in ("é", "🙂", "ﷺ")]
    for text in texts:
        assert not differing([text])
    assert not differing(texts)
    assert not differing([*texts[::-1]])


def test_nothing_and_nulls_and_what_lies_under_them() -> None:
    for texts in ([], [None], ["", None, ""]):
        assert normalise(column(texts)).to_pylist() == texts
    under = pa.Array.from_buffers(
        pa.large_string(),
        3,
        [pa.py_buffer(b"\x05"), pa.py_buffer(np.array([0, 2, 5, 7])), pa.py_buffer("éaΣÉ".encode())],
    )
    assert normalise(under).to_pylist() == ["e", None, "e"]
    plain = column(["a", None])
    assert normalise(plain) is plain


BAD = (b"\xff", b"\xc3", b"\xe4\xb8", b"\xc0\x80", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\x80", b"\xf4\x90\x80\x80")


@pytest.mark.parametrize("bad", BAD)
def test_bytes_that_are_no_text_are_refused(bad: bytes) -> None:
    texts = pa.array([b"a\xc3\xa9", b"a" + bad], pa.large_binary()).view(pa.large_string())
    with pytest.raises(UnicodeDecodeError):
        normalise(texts)


@pytest.mark.slow
@pytest.mark.usefixtures("no_pages")
def test_threads_that_make_pages_at_once_agree() -> None:
    chance = random.Random(SEED)
    texts = ["".join(chance.choices(EVERY, k=20)) for _ in range(400)]
    with ThreadPoolExecutor(4) as threads:
        made: list[Any] = list(threads.map(lambda _: normalise(column([*texts])), range(4)))
    assert all(each.equals(made[0]) for each in made)
    assert made[0].to_pylist() == [spelled(text) for text in texts]
