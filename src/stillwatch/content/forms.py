"""What becomes of each character when texts are spelled alike, and which characters become so wherever they stand.

A page holds the forms of 256 code points, and is made when a text first needs it. A form is kept where no neighbour can
change it (UAX #15: nothing composes across a starter that no character composes into). All else is `DOUBT`, and
the text is then spelled as a whole.
"""

import re
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from threading import Lock

import numpy as np

from stillwatch.content.kernel_forms import DOUBT, JOINS, LEADS, PAGE, SAME, Forms, Hashes

# Letters of other scripts that are drawn like Latin ones (Unicode confusables, the common part), after lower-casing.
_CYRILLIC = dict(zip("асеорхуіјѕԁԛԝһӏ", "aceopxyijsdqwhl", strict=True))
_GREEK = dict(zip("αοντικρυ", "aovtikpu", strict=True))
_INVISIBLE = (
    *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0x00AD, 0x034F, 0x061C, 0x115F, 0x1160,
    0x17B4, 0x17B5, 0x180E, 0x3164, 0xFEFF, 0xFFA0, *range(0xFE00, 0xFE10), *range(0xE0000, 0xE0080),
)  # fmt: skip
_MARKS: Mapping[int, None] = {code: None for code in range(0x0300, 0x0700) if unicodedata.combining(chr(code))}
"""Accents; the marks of later scripts are letters of their own."""

_TABLE: Mapping[int, str | None] = {
    **{ord(a): b for a, b in (_CYRILLIC | _GREEK).items()},
    **dict.fromkeys(_INVISIBLE, None),
    0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x00AB: '"', 0x00BB: '"', 0x300C: '"', 0x300D: '"',
}  # fmt: skip

SIGMA = "\u03a3"
"""Lower-cased by its neighbours, as no other letter is."""

RUN = re.compile(r"[^\x00-\x7f]+")

BETWEEN = "\n"
"""Stands between characters that are spelled together: nothing composes with it, and nothing becomes it."""

INLINE = 6
"""Bytes of the longest form that is kept."""

_PAGES = (sys.maxunicode + 1) // PAGE
_GROWING = Lock()
_held = Forms(np.full(_PAGES, -1, np.int16), np.full((1, PAGE), SAME, np.uint64))


def whole(text: str) -> str:
    """NFKD without marks, lower case, confusables and invisible characters, NFC at the end."""
    return unicodedata.normalize("NFC", _spelled(_bare(text)))


def _bare(text: str) -> str:
    return _mapped(unicodedata.normalize("NFKD", text), _MARKS)


def _spelled(bare: str) -> str:
    return _mapped(bare.lower(), _TABLE)


def _mapped(text: str, table: Mapping[int, str | None]) -> str:
    """`str.translate` by a table that has no ASCII, several times as fast where most of a text is."""
    return RUN.sub(lambda run: run.group().translate(table), text)


def held() -> Forms:
    """The pages that have been made so far."""
    return _held


def grow(wanted: Iterable[int]) -> Forms:
    """Make these pages, where nobody has made them yet; those that change nothing are all the first one."""
    global _held  # noqa: PLW0603
    with _GROWING:
        places, pages = _held.places.copy(), [_held.pages]
        room = len(_held.pages)
        for number in wanted:
            if places[number] >= 0:
                continue
            made = page(number)
            same = bool((made == SAME).all())
            places[number] = 0 if same else room
            if not same:
                pages.append(made[None])
                room += 1
        _held = Forms(places, np.concatenate(pages))
        return _held


def page(number: int) -> Hashes:
    """The forms of 256 code points, as the kernel reads them; those of ASCII mean nothing."""
    codes = range(number * PAGE, (number + 1) * PAGE)
    if 0xD800 <= codes[0] < 0xE000:
        return np.full(PAGE, DOUBT, np.uint64)
    characters = [chr(code) if code >= 0x80 else "" for code in codes]
    together = BETWEEN.join(characters)
    bare = _bare(together)
    spelled = _spelled(bare)
    if spelled == together and _indifferent(together):
        return np.full(PAGE, SAME, np.uint64)
    apart = unicodedata.normalize("NFD", spelled)
    parts = (text.split(BETWEEN) for text in (bare, apart, unicodedata.normalize("NFC", spelled)))
    return np.array([_form(*four) for four in zip(characters, *parts, strict=True)], np.uint64)


def _indifferent(text: str) -> bool:
    """Whether no character of a text changes places or composes."""
    return not any(map(unicodedata.combining, text)) and all(map(frozenset(text).isdisjoint, _composing()))


def _form(character: str, bare: str, apart: str, form: str) -> int:
    """One entry: the bytes of the form, how many they are and how they stand to neighbours in the seventh, and the
    combining class of the last character in the eighth."""
    if not character:
        return DOUBT
    joining, leading = _composing()
    starters = [c for c in form if not unicodedata.combining(c)]
    flags = (JOINS if apart[:1] in joining else 0) | (LEADS if starters and starters[-1] in leading else 0)
    flags |= unicodedata.combining(form[-1]) << 56 if form else 0
    if character == bare == apart == form:
        return SAME | flags
    encoded = form.encode()
    stays = [c for c in bare if unicodedata.combining(c)] == [c for c in apart if unicodedata.combining(c)]
    if SIGMA in bare or not stays or unicodedata.combining(apart[:1] or "a") or len(encoded) > INLINE:
        return DOUBT
    return int.from_bytes(encoded, "little") | len(encoded) << 48 | flags


@cache
def _composing() -> tuple[frozenset[str], frozenset[str]]:
    """Every character that composes with one before it, and every one that composes with one after it; some more too:
    what stands second or later where a character is taken apart, and what comes of all but the last of it."""
    every = np.arange(sys.maxunicode + 1, dtype="<u4").tobytes().decode("utf-32-le", "surrogatepass")
    texts = (every[start : start + PAGE] for start in range(0, len(every), PAGE))
    changed = "".join(text for text in texts if not unicodedata.is_normalized("NFD", text))
    apart = [unicodedata.normalize("NFD", c) for c in changed]
    leading = (unicodedata.normalize("NFC", each[:-1]) for each in apart)
    return frozenset("".join(each[1:] for each in apart)), frozenset("".join(leading))
