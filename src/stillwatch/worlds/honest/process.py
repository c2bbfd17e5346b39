"""A business process: one instruction, one document after the other. Shared by offices, jobs and frameworks."""

from collections.abc import Callable, Sequence

from stillwatch.worlds.chance import Dice, key
from stillwatch.worlds.corpus import Answer, Corpus, escaped
from stillwatch.worlds.voices import Voice
from stillwatch.worlds.words import Words, system, user

Reply = Callable[[Dice], Answer]


class Process:
    """One instruction with a slot ``{document}`` for documents of the caller's own, each asked about once."""

    def __init__(
        self, capability: str, instruction: str, voice: Voice, seed: int, reply: Reply, *, role: str | None = None,
        sentences: tuple[int, int] = (2, 8),
    ) -> None:  # fmt: skip
        self.capability = capability
        self._before, _, self._after = instruction.partition("{document}")
        self._voice = voice
        self._seed = seed
        self._reply = reply
        self._system = system(role) if role else None
        self._sentences = sentences

    def write(self, item: int, turn: int) -> Words:
        """The words for document ``item``."""
        dice = Dice(key("process", self._seed, item))
        low, high = self._sentences
        text = f"{headline(dice, self._voice)}{self._voice.prose(dice, low + dice.below(high - low + 1))}"
        return Words((user(f"{self._before}{text}{self._after}"),), self._reply(dice), self._system)


def headline(dice: Dice, voice: Voice) -> str:
    """How a business document begins: a number, a date, a subject, or nothing of that."""
    subject = f"{dice.pick(voice.topics)} {dice.pick(voice.topics)}"
    return (
        f"Ref. {dice.below(900_000) + 100_000} / {1 + dice.below(28)}.{1 + dice.below(12)}.2026\n",
        f"Subject: {subject}\n", "", f"No. {dice.below(99_999)}: ", f"{subject.title()}\n\n", "",
    )[dice.below(6)]  # fmt: skip


def record(dice: Dice) -> Answer:
    """A short structured answer, as extraction gives."""
    fields = ", ".join(f'"{name}": "{dice.below(10_000)}"' for name in dice.few(FIELDS, 3 + dice.below(4)))
    return Answer(escaped("{" + fields + "}"), 12 + len(fields) // 3)


def label(words: Sequence[str]) -> Reply:
    """One word out of a list, as classification gives."""
    return lambda dice: Answer(dice.pick(words), 2)


def from_answers(corpus: Corpus, kind: str) -> Reply:
    """A real answer of a kind."""
    return lambda dice: dice.pick(corpus.answers[kind])


FIELDS = (
    "name", "date", "amount", "currency", "vendor", "country", "status", "priority", "product", "quantity", "category",
    "sentiment", "reference", "due_date", "contact",
)  # fmt: skip
