"""Sketches of texts in many scripts, as they were when the digest was written: stores that exist hold such."""

import hashlib

from stillwatch.content.sketch import sketch
from stillwatch.tables import CONTENT
from tests.content.exchanges import KEY, asked

SCRIPTS = (
    "Straße “Ａｂｃ” ½ ﬁn — İstanbul… É\u0301 ‘x’ 12³ ① a\u200bb",
    "Ответьте на вопрос. Почему небо голубое? 42",
    "ΑΣ ΟΔΥΣΣΕΥΣ, Ελλάδα: τι είναι αυτό;",
    "請回答問題。為什麼天空是藍色的？日本語のテキストが、です！",
    "한국어 문장입니다. ㅋㅋㅠㅠ 각하 \u1100\u1161\u11a8",
    "हिन्दी में क्यों? क़लम বাংলা ভাষা தமிழ் മലയാളം",
    "العَرَبِيَّة ﷺ ﻻ؟ עברית",
    "ภาษาไทย น้ำ Tiếng Việt e\u0302\u0323",
    '👩\u200d👧 ❤\ufe0f ok 🏴\U000e0067\U000e007f `code` "quoted"\n1. one\n2. two',
)
DIGEST = "40dcc43ead582fe8693400588f4ce713"
"""Of all columns that come of texts, but for tags: the list of phrases grows."""


def test_sketches_are_what_they_were() -> None:
    names = [name for name in CONTENT.names if not name.endswith("_tags")]
    rows = sketch(asked(*SCRIPTS), KEY).select(names).to_pylist()
    assert hashlib.blake2b(repr(rows).encode(), digest_size=16).hexdigest() == DIGEST
