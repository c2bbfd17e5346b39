"""An operator's instructions: one canonical wording, and human-written alternatives for each of its clauses.

A paraphrase draws every clause and the layout anew, so a campaign has hundreds of wordings of one instruction.
"""

from dataclasses import dataclass

from stillwatch.worlds.chance import Dice

FRAMES = (
    "{0} {1}\n\n{item}\n\n{2}",
    "{item}\n\n{0} {1} {2}",
    "{0}\n\n{item}\n\n{1} {2}",
    "{2} {0} {1}\n---\n{item}",
    "{1} {0}\n\n{item}\n{2}",
)
"""Where clauses and material stand. The first clause, the second and the third are 0, 1 and 2."""


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
