"""Data synthesis: instructions, answers and harder versions made from seeds.

Imitates self-instruct and Evol-Instruct pipelines (S21): seeds are real role-play and task prompts, the model invents the
rest. Instructions are written by hand after distilabel's and self-instruct's templates; answers are teacher outputs.
"""

# ruff: noqa: E501 - wordings stay whole, as they are sent

from stillwatch.worlds.chance import Dice, key
from stillwatch.worlds.corpus import Corpus
from stillwatch.worlds.operators.wording import Wording
from stillwatch.worlds.words import Words, user

MAKE = (
    Wording((
        ("Take the seed below as inspiration only.", "The seed below is for inspiration.", "Use this seed as a starting point, not as a text to copy.", "Draw on the seed without repeating it."),
        ("Invent a new user request of the same domain that is rarer and harder, and answer it in full.", "Write a rarer, harder request of that domain plus its complete answer.", "Create a harder and less common request from that field together with a full answer.", "Come up with a tougher request in this area and answer it completely."),
        ("Use the headings ### Instruction and ### Response.", "Headings: ### Instruction / ### Response.", "Format it under ### Instruction and ### Response.", "Mark the parts ### Instruction and ### Response."),
    )),
    Wording((
        ("Make a training example from this persona.", "Turn this persona into a training example.", "From the persona, build one example for training."),
        ("The example is a dialogue of six turns in which the user's need shifts once.", "Write six turns of dialogue; halfway the user wants something else.", "Six turns, and the user's goal changes once on the way."),
        ("JSON list of {\"role\", \"content\"}.", "As a JSON list with role and content.", "Return a JSON list of messages."),
    ), frame=1),
    Wording((
        ("Rewrite the instruction so that it needs one more constraint.", "Add one constraint to the instruction.", "Make the instruction stricter by one condition."),
        ("Then write the best possible answer under that constraint.", "Then give an ideal answer that meets it.", "Afterwards answer it as well as possible."),
        ("Separate both by a line of three hashes.", "Put ### between the two.", "A line with ### stands between them."),
    ), frame=2),
)  # fmt: skip


class Synthesis:
    """Seeds under a campaign's instructions, each used once."""

    capability = "data_synthesis"

    def __init__(self, corpus: Corpus, seed: int, paraphrase: float) -> None:
        self._pairs = corpus.pairs_by_capability["roleplay"]
        self._seed = seed
        self._paraphrase = paraphrase

    def write(self, item: int, turn: int) -> Words:
        """The words for one seed."""
        dice = Dice(key("synthesis", self._seed, item))
        seed = self._pairs[(item * 7919 + self._seed) % len(self._pairs)].prompt[:500]
        text = dice.popular(MAKE, 1.5).text(f"Seed: {seed}", dice, dice.true(self._paraphrase))
        return Words((user(text),), dice.pick(self._pairs).response)
