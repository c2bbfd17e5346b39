"""One spelling for texts that look alike: Unicode compatibility forms, accents, confusables, invisible characters.

Case, white space, punctuation and markdown need nothing here: the kernel reads words only. Evaded by look-alikes that
the table lacks, and by typos in half of the words.
"""

import re
import unicodedata

import pyarrow as pa
import pyarrow.compute as pc

# Letters of other scripts that are drawn like Latin ones (Unicode confusables, the common part), after lower-casing.
_CYRILLIC = dict(zip("асеорхуіјѕԁԛԝһӏ", "aceopxyijsdqwhl", strict=True))
_GREEK = dict(zip("αοντικρυ", "aovtikpu", strict=True))
_INVISIBLE = (
    *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0x00AD, 0x034F, 0x061C, 0x115F, 0x1160,
    0x17B4, 0x17B5, 0x180E, 0x3164, 0xFEFF, 0xFFA0, *range(0xFE00, 0xFE10), *range(0xE0000, 0xE0080),
)  # fmt: skip
_MARKS = {code: None for code in range(0x0300, 0x0700) if unicodedata.combining(chr(code))}
"""Accents; the marks of later scripts are letters of their own."""

_TABLE = {
    **{ord(a): b for a, b in (_CYRILLIC | _GREEK).items()},
    **dict.fromkeys(_INVISIBLE, None),
    0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x00AB: '"', 0x00BB: '"', 0x300C: '"', 0x300D: '"',
}  # fmt: skip


SIGMA = "\u03a3"
"""Lower-cased by its neighbours, as no other letter is."""

SHORT = 16
"""Characters of a run that is worth remembering."""

_RUN = re.compile(r"[^\x00-\x7f]+")


def normalise(texts: pa.Array) -> pa.Array:
    """Normalise a string array; nulls stay null. ASCII texts, the most, pass through untouched."""
    plain = pc.fill_null(pc.string_is_ascii(texts), True)
    if pc.all(plain).as_py() is not False:
        return texts
    known: dict[str, str] = {}
    rare = [one(text, known) for text in texts.filter(pc.invert(plain)).to_pylist()]
    return pc.replace_with_mask(texts, pc.invert(plain), pa.array(rare, texts.type))


def one(text: str, known: dict[str, str] | None = None) -> str:
    """Normalise one text: what `_whole` does, but for the case of ASCII letters, which the kernel ignores.

    Run by run of other than ASCII characters: no ASCII character changes, and none composes with what stands beside it
    once marks are gone. Sigma alone is told by its neighbours, so a text with one is taken whole. `known`
    remembers short runs for as long as the caller keeps it.
    """
    held: dict[str, str] = {} if known is None else known

    def run(found: re.Match[str]) -> str:
        given = found.group()
        if len(given) > SHORT:
            return _whole(given)
        if given not in held:
            held[given] = _whole(given)
        return held[given]

    return _whole(text) if SIGMA in text else _RUN.sub(run, text)


def _whole(text: str) -> str:
    """NFKD without marks, lower case, confusables and invisible characters, NFC at the end."""
    decomposed = unicodedata.normalize("NFKD", text)
    bare = decomposed.translate(_MARKS)
    return unicodedata.normalize("NFC", bare.lower().translate(_TABLE))
