"""Prompt sport: strangers who try for fun to make the model print its hidden thoughts, in the language of their forum.

Imitates communities that trade such prompts: a few tries each, over some days, on questions of one's own, and otherwise
ordinary chat. Looks like trace coercion in several languages. Prompts are written by hand
(`data/words/prompt_sport.json`); how many try, and how often, is assumed.
"""

from stillwatch.worlds.chance import Dice, key
from stillwatch.worlds.corpus import Corpus, lexicon
from stillwatch.worlds.draft import Draft
from stillwatch.worlds.honest.chat import chatter
from stillwatch.worlds.plan import LOOK_ALIKE
from stillwatch.worlds.voices import Voice
from stillwatch.worlds.words import Words, user

PLAYERS, MEAN = 80, 56.0


class Tries:
    """One player's tries."""

    capability = "trace_coercion"

    def __init__(self, corpus: Corpus, voice: Voice, seed: int) -> None:
        self._answers = corpus.answers["chat"]
        self._voice = voice
        self._seed = seed

    def write(self, item: int, turn: int) -> Words:
        """The words of one try."""
        dice = Dice(key("try", self._seed, item))
        text = dice.popular(lexicon("prompt_sport")["prompts"], 1.5).replace("{question}", self._voice.prompt(dice))
        return Words((user(text),), dice.pick(self._answers))


def populate(draft: Draft) -> None:
    """Add the players."""
    for number in range(max(6, round(PLAYERS * draft.scale))):
        account = chatter(draft, "prompt_sport", LOOK_ALIKE, (number,), MEAN)
        dice = draft.dice("sport", number)
        count = 1 + dice.below(10)
        script = draft.script(Tries(draft.corpus, draft.voice("sport", number), key(draft.seed, "sport", number)))
        draft.say(account, draft.times(account, count, "sport"), script, range(count), [0] * count)
