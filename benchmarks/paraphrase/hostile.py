"""Disguises that an operator may put on his prompts, without a change of what they say."""

import numpy as np

HOMOGLYPHS = str.maketrans("aceopxyiACEHKMOPTX", "асеорхуіАСЕНКМОРТХ")
UNSEEN = "\u200b\u200c\u200d\u2060\u00ad"
PERSONAS = (
    "You are a seasoned expert in this field, and you explain things with great care.", "Act as my private tutor.",
    "Imagine that you are a librarian who has read every book in the building.",
    "I want you to act as a consultant with twenty years of practice.",
    "Pretend to be a patient teacher who talks to a curious student.",
    "You're an award-winning journalist with an eye for detail.", "Take the role of a careful research assistant.",
    "Be a friendly robot from the far future who loves puzzles.", "Answer as a strict examiner would.",
    "Play the part of an old sailor who became a professor of linguistics.",
)  # fmt: skip
THANKS = ("", " Thank you!", " Please be quick.", " This matters a lot to me.", " Take your time.", " Cheers.")
TYPO_SHARE = 0.2
DISGUISES = ("homoglyphs", "zero-width", "typos", "personas", "markdown")


def disguised(texts: list[str], disguise: str, chance: np.random.Generator) -> list[str]:
    """The texts under one of DISGUISES, a different one for each text; unchanged where none is named."""
    if not disguise:
        return texts
    return [{"homoglyphs": _homoglyphs, "zero-width": _unseen, "typos": _typos, "personas": _persona,
             "markdown": _markdown}[disguise](text, chance) for text in texts]  # fmt: skip


def _homoglyphs(text: str, chance: np.random.Generator) -> str:
    """Half of the letters that have one as a Cyrillic letter of the same looks."""
    return "".join(c.translate(HOMOGLYPHS) if chance.random() < 0.5 else c for c in text)


def _unseen(text: str, chance: np.random.Generator) -> str:
    """A character of no width after each seventh letter or so."""
    return "".join(c + (UNSEEN[int(chance.integers(0, len(UNSEEN)))] if chance.random() < 0.15 else "") for c in text)


def _typos(text: str, chance: np.random.Generator) -> str:
    """Two letters exchanged, one lost or one doubled, in a fifth of the words of four letters and more."""
    return " ".join(_slipped(w, chance) if len(w) > 3 and chance.random() < TYPO_SHARE else w for w in text.split(" "))


def _slipped(word: str, chance: np.random.Generator) -> str:
    at, way = int(chance.integers(0, len(word) - 1)), int(chance.integers(0, 3))
    if way == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + word[at + 1 :] if way == 1 else word[:at] + word[at] + word[at:]


def _persona(text: str, chance: np.random.Generator) -> str:
    """A persona before and a word of thanks after."""
    before, after = PERSONAS[int(chance.integers(0, len(PERSONAS)))], THANKS[int(chance.integers(0, len(THANKS)))]
    return f"{before}\n\n{text}{after}"


def _markdown(text: str, chance: np.random.Generator) -> str:
    """Words set in bold, italics or code, lines as headings, items or quotes."""
    marks = ("**", "*", "`", "__")
    lines = []
    for line in text.split("\n"):
        words = [_set(w, marks[int(chance.integers(0, 4))]) if w and chance.random() < 0.25 else w
                 for w in line.split(" ")]  # fmt: skip
        lines.append((("## ", "- ", "> ", "1. ", "", ""))[int(chance.integers(0, 6))] + " ".join(words))
    return "\n".join(lines)


def _set(word: str, mark: str) -> str:
    return f"{mark}{word}{mark}"
