"""What becomes of each character when texts are spelled alike, and which characters become so wherever they stand.

`confusables.json` lists the characters that are drawn like ASCII letters (`scripts/make_confusables.py`).

A page holds the forms of 256 code points, and is made when a text first needs it. A form is kept where no neighbour can
change it (UAX #15: nothing composes across a starter that no character composes into). All else is `DOUBT`, and
the text is then spelled as a whole.
"""

import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from threading import Lock

import numpy as np

from stillwatch.content.kernel_forms import BESIDE, DOUBT, JOINS, LEADS, PAGE, SAME, Forms, Hashes

_INVISIBLE = (
    *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0x00AD, 0x034F, 0x061C, 0x115F, 0x1160,
    0x17B4, 0x17B5, 0x180E, 0x3164, 0xFEFF, 0xFFA0, *range(0xFE00, 0xFE10), *range(0xE0000, 0xE0080),
)  # fmt: skip
_MARKS: Mapping[int, None] = {
    code: None
    for block in ((0x0300, 0x0700), (0x1AB0, 0x1B00), (0x1DC0, 0x1E00), (0x20D0, 0x2100), (0xFE20, 0xFE30))
    for code in range(*block)
    if unicodedata.combining(chr(code)) or unicodedata.category(chr(code)) == "Me"
}
"""Accents, and the marks of no script; the marks of later scripts are letters of their own."""

_LOOKS = json.loads(resources.files("stillwatch.content").joinpath("confusables.json").read_text("utf-8"))
"""Characters that are drawn like ASCII letters, by letter: folded everywhere, or beside ASCII letters only."""

_BESIDE: Mapping[int, str] = {ord(c): letter for letter, drawn in _LOOKS["beside"].items() for c in drawn}

_TABLE: Mapping[int, str | None] = {
    **{ord(c): letter for letter, drawn in _LOOKS["everywhere"].items() for c in drawn},
    **dict.fromkeys(_INVISIBLE, None),
    0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x00AB: '"', 0x00BB: '"', 0x300C: '"', 0x300D: '"',
}  # fmt: skip

SIGMA = "\u03a3"
"""Lower-cased by its neighbours, as no other letter is."""

RUN = re.compile(r"[^\x00-\x7f]+")
_BREAK = re.compile(r"[\u00a0-\u00bf\u2010-\u2027\u202f-\u205e\u3000-\u303f]")
"""Spaces, dashes and quotation marks beyond ASCII: what stands beyond one is another word."""

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


def drawn(text: str) -> str:
    """A text in which characters beside ASCII letters are what they look like: a word of two scripts is a disguise, or
    a name, and a word of one script is a language."""

    def run(found: re.Match[str]) -> str:
        given = found.group()
        before, after = (text[at : at + 1] if at >= 0 else "" for at in (found.start() - 1, found.end()))
        breaks = [each.start() for each in _BREAK.finditer(given)]
        first, last = (breaks[0], breaks[-1] + 1) if breaks else (len(given), 0)
        if _is_letter(before):
            given = given[:first].translate(_BESIDE) + given[first:]
        if _is_letter(after):
            given = given[:last] + given[last:].translate(_BESIDE)
        return given

    return RUN.sub(run, text)


def _is_letter(character: str) -> bool:
    return character.isascii() and character.isalpha()


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
    if spelled == together and _indifferent(together) and _BESIDE.keys().isdisjoint(codes):
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
    flags |= BESIDE if ord(character) in _BESIDE else 0
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
