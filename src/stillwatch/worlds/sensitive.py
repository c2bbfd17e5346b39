"""Sensitive questions, as readers ask newsrooms and operators sweep them; parts are hand-written, no person is real."""

from stillwatch.worlds.chance import Dice
from stillwatch.worlds.corpus import lexicon


def sensitive(dice: Dice) -> str:
    """A question that some state would not have asked."""
    known = dice.popular(lexicon("sensitive"), 1.5)
    asked: str = dice.pick(known["settings"]) + dice.pick(known["questions"])
    return asked.format(who=dice.pick(known["people"]), what=dice.pick(known["matters"]), year=1950 + dice.below(76))
