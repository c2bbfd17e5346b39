"""An operator's instructions: one canonical wording, and human-written alternatives for each of its clauses.

A paraphrase draws every clause and the layout anew, so a campaign has hundreds of wordings of one instruction.
"""

from copy import copy
from dataclasses import dataclass
from typing import Protocol

from stillwatch.worlds.chance import Dice
from stillwatch.worlds.corpus import lexicon
from stillwatch.worlds.voices import Voice
from stillwatch.worlds.words import Message, Words, called, user
from stillwatch.worlds.words import system as system_words

FRAMES = (
    "{0} {1}\n\n{item}\n\n{2}",
    "{item}\n\n{0} {1} {2}",
    "{0}\n\n{item}\n\n{1} {2}",
    "{2} {0} {1}\n---\n{item}",
    "{1} {0}\n\n{item}\n{2}",
)
"""Where clauses and material stand. The first clause, the second and the third are 0, 1 and 2."""


CARRIERS = ("turn", "instruction", "system", "earlier", "result")
"""Where a prompt stands: in the last human turn; its instruction in the system text; or all of it in the system text,
in a turn before or in a tool's result, and the last turn says GO."""

GO = ("Go ahead.", "Continue, please.", "Yes, proceed.", "Do it now.")


@dataclass(frozen=True)
class Wording:
    """Three clauses with alternatives each (the first is canonical), the canonical frame, and a system prompt."""

    clauses: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
    frame: int = 0
    system: str | None = None

    def text(self, item: str, dice: Dice, paraphrased: bool) -> str:
        """The instruction with its material."""
        chosen = [dice.pick(clause) if paraphrased else clause[0] for clause in self.clauses]
        frame = dice.pick(FRAMES) if paraphrased else FRAMES[self.frame]
        first, second, third = chosen
        # Material may hold braces, so it goes in by replacement.
        return frame.format(first, second, third, item="\0").replace("\0", item).strip()


@dataclass(frozen=True)
class Manner:
    """How a script words its instruction.

    Args:
        paraphrase: chance that an exchange is worded anew.
        own: seed of an account's own wording, used where an exchange is not worded anew.
        voice: whose topics the material is cast in.
        frame: a framework's template with ``{question}`` for the instruction and ``{document}`` for the material.
        preamble: an app's system words, in place of the operator's.
        carrier: one of CARRIERS.
    """

    paraphrase: float = 0.0
    own: int | None = None
    voice: Voice | None = None
    frame: str | None = None
    preamble: str | None = None
    carrier: str = "turn"

    def asked(self, wording: Wording, item: str, dice: Dice) -> tuple[tuple[Message, ...], str | None]:
        """The messages that ask for an item, and the system words as JSON."""
        if self.carrier == "instruction" and not self.frame:
            return (user(self._cast(item)),), self.system(wording, self.text(wording, "", dice))
        text = self.text(wording, item, dice)
        if self.carrier in ("turn", "instruction"):
            return (user(text),), self.system(wording)
        go = user(dice.pick(GO))
        if self.carrier == "system":
            return (go,), self.system(wording, text)
        if self.carrier == "earlier":
            return (user(text), Message("assistant", "Shall I?"), go), self.system(wording)
        return (go, *called("next_item", text)), self.system(wording)

    def text(self, wording: Wording, item: str, dice: Dice) -> str:
        """The instruction with its material."""
        anew = dice.true(self.paraphrase)
        drawn = Dice(self.own) if self.own is not None and not anew else dice
        item = self._cast(item)
        if not self.frame:
            return wording.text(item, drawn, anew or drawn is not dice)
        asked = wording.text("", drawn, anew or drawn is not dice)
        return self.frame.replace("{question}", asked).replace("{document}", item)

    def system(self, wording: Wording, beside: str = "") -> str | None:
        """System words as JSON, with the operator's beside them."""
        words = "\n\n".join(filter(None, (self.preamble or wording.system, beside)))
        return system_words(words) if words else None

    def _cast(self, item: str) -> str:
        return self.voice.recast(item) if self.voice and item else item


class Instructed(Protocol):
    """A script of an operator's: an instruction over material, in some manner."""

    capability: str
    manner: Manner

    def write(self, item: int, turn: int) -> Words:
        """The words of an item at its ``turn``."""


def reworded(script: Instructed, manner: Manner) -> Instructed:
    """The same script in another manner; material is shared, so that every member can have one."""
    other = copy(script)
    other.manner = manner
    return other


def wordings(name: str) -> tuple[Wording, ...]:
    """The wordings of an instruction, the most used first, from `data/words/operators.json`."""
    found = []
    for row in lexicon("operators")[name]:
        first, second, third = map(tuple, row["clauses"])
        found.append(Wording((first, second, third), row.get("frame", 0), row.get("system")))
    return tuple(found)
