"""Where people's words name an account that is erased: whole tokens only, which become `erased`.

An id may be spelled like a word of ours. So a sentence that no person wrote of an account (a run's, a rule's) is
changed only by an id that is no plain word, and of an address only what stands behind its host.
"""

import re
from collections.abc import Iterable
from urllib.parse import quote

from stillwatch.store.renames import GONE

LEAST_LETTERS = 4
"""Names shorter than this are not looked for in sentences: they would be found in every other one."""

WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
"""A plain word."""

HOST = re.compile(r"https?://[^/?#]*|mailto:[^?]*", re.IGNORECASE)


class Mentions:
    """The names of one account, as they are looked for in text."""

    def __init__(self, names: Iterable[str]) -> None:
        long = {name for name in names if len(name) >= LEAST_LETTERS}
        self._written = _pattern(long)
        self._ours = _pattern({name for name in long if not WORD.fullmatch(name)})

    def out_of(self, text: str, *, ours: bool = False) -> str:
        """The text with `erased` for each name; `ours` where no person wrote it of an account."""
        return (self._ours if ours else self._written).sub(GONE, text)

    def out_of_address(self, address: str, *, ours: bool = False) -> str:
        """The same of an address, whose host stays, or nobody would reach it any more."""
        host = HOST.match(address)
        place = host.end() if host else 0
        return address[:place] + self.out_of(address[place:], ours=ours)


def is_text(name: str) -> bool:
    """Whether a table can hold the name: half a character is in none."""
    return not any(0xD800 <= ord(letter) <= 0xDFFF for letter in name)


def _pattern(names: set[str]) -> re.Pattern[str]:
    spelled = names | {quote(name, safe="", errors="surrogatepass") for name in names}
    long = sorted(spelled, key=lambda name: (-len(name), name))
    return re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in long) or r"(?!)")
