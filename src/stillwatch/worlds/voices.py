"""Words of honest people: real sentences, recombined, with each person's own topics put into them.

The sources hold a few thousand human prompts; a world needs hundreds of thousands. So a prompt is a real one whose
content words are exchanged for words that its writer cares about, with sentences of other prompts beside it and the
writer's habits of typing. Some prompts stay as they are: people copy popular prompts.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass

from stillwatch.worlds.chance import Dice, key
from stillwatch.worlds.corpus import Answer, Corpus, escaped
from stillwatch.worlds.words import Message, Words

_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_SLOT = re.compile(r"[A-Za-z]{5,}|\d+")
_COMMON = 60
"""A word in more prompts than this is grammar, not content."""

OPENERS = (
    "hi, ", "Hello! ", "hey ", "quick question: ", "Please help me: ", "I need some help. ", "ok so ", "Hi there, ",
    "Can you help with this? ", "One more thing: ", "urgent - ", "good morning, ",
)  # fmt: skip
CLOSERS = (
    " thanks", " Thank you!", " pls", " keep it short", " Please be brief.", " in simple words",
    " Answer in English please.", " explain step by step", " no need for details", " with an example",
    " thx in advance", " Be concise.",
)  # fmt: skip
FOLLOW_UPS = (
    "make it shorter", "can you say more about {}?", "Thanks! And what about {}?",
    "that's not what I meant, I need {}", "Rewrite it with a friendlier tone.", "why?",
    "are you sure about the {} part", "give me {} more examples", "now do the same for {}",
    "Could you translate that to Spanish?", "ok, and how does that relate to {}?", "put it in a table",
    "This doesn't work: it says {} is missing.", "can you double check {}", "great, continue",
    "Use simpler words please.", "What would change if {} was not there?", "summarize what we have so far",
    "I got an error with {}", "ok but without {}", "which one would you pick and why?",
    "Can you explain the second point?", "turn this into an email to my {}", "go on",
    "perfect, thank you! last thing: {}",
)  # fmt: skip


@dataclass(frozen=True)
class Sentence:
    """A real sentence cut at its content words: ``pieces[i]`` stands before ``slots[i]``."""

    pieces: tuple[str, ...]
    slots: tuple[str, ...]


@dataclass(frozen=True)
class Bank:
    """Every real human prompt and the sentences of real answers, cut, and the content words that occur in them."""

    prompts: list[list[Sentence]]
    statements: list[Sentence]
    words: list[str]
    verbatim: list[str]


def bank(corpus: Corpus) -> Bank:
    """Cut the human prompts and the answers of a corpus; free chat counts thrice, so that no source is most of it."""
    chat = corpus.prompts["human_chat"]
    others = corpus.prompts["tool_eval"] + [pair.prompt for pair in corpus.pairs_by_capability["roleplay"]]
    told = [json.loads(f'"{answer.words}"') for answer in corpus.answers["chat"][:2600]]
    counts = Counter(word for text in (*chat, *others, *told) for word in set(_SLOT.findall(text)))
    known = frozenset(word for word, count in counts.items() if count <= _COMMON and not word.isdigit())
    cut = [sentences for text in (*chat, *chat, *chat, *others) if (sentences := _cut(text, known))]
    return Bank(
        cut,
        [sentence for text in told for sentence in _cut(text, known)],
        sorted(known),
        [text for text in (*chat, *others) if len(text) < 500],
    )


def _cut(text: str, known: frozenset[str]) -> list[Sentence]:
    sentences = [part.strip() for part in _SENTENCE.split(text) if 12 <= len(part.strip()) <= 260]
    return [_slots(sentence, known) for sentence in sentences[:6]]


def _slots(sentence: str, known: frozenset[str]) -> Sentence:
    pieces, slots, last = [], [], 0
    for match in _SLOT.finditer(sentence):
        if match.group() in known or match.group().isdigit():
            pieces.append(sentence[last : match.start()])
            slots.append(match.group())
            last = match.end()
    return Sentence((*pieces, sentence[last:]), tuple(slots))


class Voice:
    """One writer: topics, and habits of typing. Equal seeds give equal writers."""

    def __init__(self, bank: Bank, seed: int, topics: int = 70) -> None:
        self._bank = bank
        dice = Dice(key("voice", seed))
        self.topics = tuple(dice.pick(bank.words) for _ in range(topics))
        self._lower = dice.true(0.25)
        self._plain = dice.true(0.3)
        self._exchanged = dice.between(0.35, 0.75)

    def prompt(self, dice: Dice) -> str:
        """A prompt of one to some sentences."""
        if dice.true(0.04):
            return dice.popular(self._bank.verbatim, 3.0)
        sentences = [*dice.pick(self._bank.prompts)]
        if dice.true(0.35):
            sentences = [*sentences[: 1 + dice.below(2)], dice.pick(dice.pick(self._bank.prompts))]
        text = " ".join(self.sentence(dice, sentence) for sentence in sentences)
        if dice.true(0.18):
            text = dice.pick(OPENERS) + text
        if dice.true(0.18):
            text += dice.pick(CLOSERS)
        return self._typed(text)

    def sentence(self, dice: Dice, sentence: Sentence) -> str:
        """The sentence with some of its content words exchanged for this writer's."""
        parts: list[str] = []
        for piece, slot in zip(sentence.pieces, sentence.slots, strict=False):
            parts += (piece, self.filler(dice, slot))
        return "".join((*parts, sentence.pieces[-1]))

    def filler(self, dice: Dice, slot: str) -> str:
        """What this writer puts in place of a content word or number."""
        if not dice.true(self._exchanged):
            return slot
        if slot.isdigit():
            return str(1 + dice.below(10 ** min(len(slot), 6)))
        word = dice.pick(self.topics)
        return word.capitalize() if slot[0].isupper() else word

    def prose(self, dice: Dice, sentences: int) -> str:
        """Connected-looking text of a number of sentences: a document of the writer's own."""
        return " ".join(self.sentence(dice, dice.pick(self._bank.statements)) for _ in range(sentences))

    def follow_up(self, dice: Dice) -> str:
        """A next turn in a conversation."""
        if dice.true(0.4):
            return self.prompt(dice)
        return self._typed(dice.pick(FOLLOW_UPS).format(dice.pick(self.topics)))

    def _typed(self, text: str) -> str:
        if self._lower:
            text = text.lower()
        return text.rstrip(".!?") if self._plain else text


class Chat:
    """Conversations of one writer: a question, answers, follow-ups that build on them."""

    capability = "chat"

    def __init__(self, corpus: Corpus, voice: Voice, seed: int, system: str | None = None) -> None:
        self._answers = corpus.answers["chat"]
        self._voice = voice
        self._seed = seed
        self._system = system

    def write(self, item: int, turn: int) -> Words:
        """The words of conversation ``item`` with everything said before its ``turn``."""
        dice = Dice(key("chat", self._seed, item))
        messages = [Message("user", escaped(self._voice.prompt(dice)))]
        reply = dice.pick(self._answers)
        for _ in range(turn):
            messages += (Message("assistant", reply.words), Message("user", escaped(self._voice.follow_up(dice))))
            reply = dice.pick(self._answers)
        return Words(tuple(messages[-9:]), _shorter(reply, dice), self._system)


def _shorter(reply: Answer, dice: Dice) -> Answer:
    """Some answers stop early. The cut falls behind a space, never within an escape."""
    if dice.true(0.5):
        return reply
    end = reply.words.rfind(" ", 0, max(80, int(len(reply.words) * dice.between(0.15, 0.9))))
    return Answer(reply.words[:end], max(1, end // 4)) if end > 0 else reply
