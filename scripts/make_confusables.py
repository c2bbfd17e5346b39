"""Make src/stillwatch/content/confusables.json: characters that are drawn like ASCII letters.

    .venv/bin/python scripts/make_confusables.py confusables.txt

Reads version 17.0.0 of confusables.txt (Unicode Technical Standard 39, licensed under Unicode-3.0), which stands at
https://www.unicode.org/Public/security/17.0.0/confusables.txt, and refuses any other by its digest.

`everywhere` are folded wherever they stand. A text may really be Greek, so no two letters of one script become one
there: of several that look like one letter, that which looks so in lower case is taken, then the first. Latin letters
count where their name says that they are that letter with something added, as accents do. `beside` are folded in words
that have ASCII letters too, by how they are drawn, capital or small; it lists only what `everywhere` answers otherwise.
"""

import hashlib
import json
import sys
import unicodedata
from collections import defaultdict
from pathlib import Path

SHA256 = "ec88ecebcf89f63f813d460842b0cf8322744b40a0b2c06f88a2cea48c0351ea"
OUT = Path(__file__).parent.parent / "src/stillwatch/content/confusables.json"
ABOUT = (
    "Characters drawn like ASCII letters, by letter. Made by scripts/make_confusables.py from Unicode's "
    "confusables.txt 17.0.0."
)
PROTOTYPES = {"rn": "m", "0": "o", "1": "l"}
"""What confusables.txt says for letters of which it takes another form as the first."""

LETTERS = ("Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Mc")
LEAST = 8
"""Letters of a script that look like others, from which whole words can be written with it."""

OUTLINED = range(0x1CCD6, 0x1CCF0)
"""OUTLINED LATIN CAPITAL LETTER A to Z, which Python's tables may not know yet."""

ENCLOSED = ("NEGATIVE CIRCLED LATIN CAPITAL LETTER ", "NEGATIVE SQUARED LATIN CAPITAL LETTER ",
            "REGIONAL INDICATOR SYMBOL LETTER ", "LATIN LETTER SMALL CAPITAL ")  # fmt: skip
"""Letters by name that neither Unicode's compatibility forms nor its confusables know."""

BESIDES = {"\u043d": "h", "\u051d": "w"}
"""Taken though another letter of their script looks the same: en, whose capital writes "THE", beside he of Bashkir and
Tatar; we of Kurdish beside sha. No two words of a Cyrillic list became one (decision 0025)."""

Drawn = dict[str, tuple[str, bool]]
"""The ASCII letter that a character looks like, and whether it does without a mark added."""


def main(path: str) -> None:
    """Write the table from the file at a path."""
    data = Path(path).read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise SystemExit(f"{path} is not version 17.0.0 of confusables.txt")
    drawn = looks(data.decode("utf-8-sig"))
    everywhere = of_scripts(drawn) | of_latin(drawn) | enclosed() | BESIDES
    beside = {c: letter for c, letter in pictures(drawn, everywhere).items() if letter != folded(c, everywhere)}
    made = {"about": ABOUT, "everywhere": by_letter(everywhere), "beside": by_letter(beside)}
    OUT.write_text(json.dumps(made, ensure_ascii=True, indent=1) + "\n", "utf-8")
    print(f"{len(everywhere)} everywhere, {len(beside)} beside ASCII letters")


def bare(text: str) -> str:
    """Compatibility forms without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def looks(text: str) -> Drawn:
    """Characters beyond ASCII whose prototype is one ASCII letter, marks apart, in its own case."""
    found: Drawn = {}
    for line in text.splitlines():
        fields = [field.strip() for field in line.split("#")[0].split(";")]
        if len(fields) < 3 or " " in fields[0]:
            continue
        character, prototype = ("".join(chr(int(code, 16)) for code in field.split()) for field in fields[:2])
        letter = PROTOTYPES.get(bare(prototype), bare(prototype))
        lettered = unicodedata.category(character) in LETTERS or ord(character) in OUTLINED
        if not character.isascii() and lettered and len(letter) == 1 and letter.isascii() and letter.isalpha():
            found[character] = letter, bare(prototype) == prototype
    return found


def of_scripts(drawn: Drawn) -> dict[str, str]:
    """Small and caseless letters of other scripts: each ASCII letter once a script."""
    ranked: dict[str, list[tuple[bool, int, str, str]]] = defaultdict(list)
    for character, (letter, exact) in drawn.items():
        small = character.lower()
        script = unicodedata.name(character, "OUTLINED").split()[0]
        lettered = unicodedata.category(character)[0] in "LC" and not small.isascii()
        plain = len(small) == 1 and bare(character) == character and bare(small) == small
        if exact and script != "LATIN" and plain and lettered:
            ranked[script].append((small != character, ord(small), small, letter.lower()))
    out: dict[str, str] = {}
    for script in sorted(ranked):
        letters: dict[str, str] = {}
        for capital, _, small, letter in sorted(ranked[script]):
            if small not in letters and letter not in letters.values():
                letters[small] = "i" if capital and letter == "l" and "i" not in letters.values() else letter
        out |= letters if len(letters) >= LEAST else {}
    return out


def of_latin(drawn: Drawn) -> dict[str, str]:
    """Latin letters that are by their name an ASCII letter with a stroke, a hook or the like."""
    out = {}
    for character, (letter, _) in drawn.items():
        small, words = character.lower(), unicodedata.name(character, "").split()
        plain = len(small) == 1 and bare(small) == small and not small.isascii()
        if plain and words[:1] == ["LATIN"] and letter.upper() in words[3:5]:
            out[small] = letter.lower()
    return out


def enclosed() -> dict[str, str]:
    """Letters in filled circles and squares, of flags, and small capitals."""
    out = {}
    for code in range(0x80, sys.maxunicode + 1):
        name = unicodedata.name(chr(code), "")
        for start in ENCLOSED:
            if name.startswith(start) and len(name) == len(start) + 1:
                out[chr(code)] = name[-1].lower()
    return out


def folded(character: str, everywhere: dict[str, str]) -> str:
    """What a character becomes wherever it stands."""
    return "".join(everywhere.get(c, c) for c in bare(character).lower())


def pictures(drawn: Drawn, everywhere: dict[str, str]) -> dict[str, str]:
    """What each character looks like. A capital I looks like a small l, and is an I where its small form is an i."""
    out = {}
    for character, (letter, _) in drawn.items():
        if letter == "l" and folded(character, everywhere) == "i":
            continue
        out[character] = letter.lower()
    return out


def by_letter(table: dict[str, str]) -> dict[str, str]:
    """All characters of each letter, in order of their code points."""
    return {letter: "".join(sorted(c for c in table if table[c] == letter)) for letter in sorted(set(table.values()))}


if __name__ == "__main__":
    main(sys.argv[1])
