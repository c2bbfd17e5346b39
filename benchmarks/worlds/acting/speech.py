"""How people talk and what models answer: everyday asks, follow-ups, foreign languages; real or hand-written."""

from acting.acts import Account, Form, Talk, Turn
from acting.chance import Dice
from acting.material import Material
from acting.words import Slots, fill, general, lists

FAMILIES = (("mid", 0.5), ("large", 0.32), ("small", 0.12), ("reason", 0.06))
REAL = 0.07
"""Share of first turns that are a prompt which somebody published: Open Assistant's, Arena-Hard's, MT-bench's."""


def topics() -> list[tuple[list[str], list[str]]]:
    """Subjects: things, and asks that fit only these."""
    return [(lines[0].split(" | "), lines[1:]) for lines in lists("topics").values()]


def interests(account: Account) -> list[tuple[list[str], list[str]]]:
    """The few subjects that a person returns to, with the dozen things of each that concern this one."""
    chosen = account.dice.some(topics(), account.dice.whole(2, 5))
    return [(account.dice.some(things, 8), asks) for things, asks in chosen]


def quote(material: Material, dice: Dice) -> str:
    return dice.pick(material.sentences)


def excerpt(material: Material, dice: Dice, low: int = 1, high: int = 4) -> str:
    """Some paragraphs that follow one another in one real text."""
    run = dice.pick(material.passages)
    size = dice.whole(low, high)
    start = dice.whole(0, max(0, len(run) - size))
    return "\n\n".join(run[start : start + size])


def answer(material: Material, dice: Dice, low: int = 1, high: int = 4) -> str:
    opener = dice.pick(lists("asks")["openers"]) + "\n\n" if dice.happens(0.5) else ""
    return opener + excerpt(material, dice, low, high)


def personas(material: Material) -> list[str]:
    """Published personas for a system prompt; the collection's prompts for pictures are left out."""
    begins = ("I want you to act", "Act as", "You are", "You will act", "You're")
    return [text for text in material.prompts["persona_system"] if text.startswith(begins)]


def typed(text: str, dice: Dice) -> str:
    """As fingers leave it: small letters, a lost full stop, a doubled or dropped letter."""
    if dice.happens(0.25):
        text = text.lower()
    if dice.happens(0.3):
        text = text.rstrip(".?")
    if dice.happens(0.12) and len(text) > 12:
        spot = dice.whole(3, len(text) - 4)
        text = text[:spot] + (text[spot] * 2 if dice.happens(0.4) else "") + text[spot + 1 :]
    if dice.happens(0.08):
        text = dice.pick(("hi! ", "Hello, ", "hey ", "ok so ", "quick question: ")) + text
    return text


class Chatter:
    """One person's everyday talk: interests, and a way of writing that stays."""

    def __init__(self, material: Material, account: Account) -> None:
        self.material, self.dice = material, account.dice
        self.interests = interests(account)
        self.follows = self.dice.weighted(((0.15, 1), (0.45, 2), (0.7, 1)))
        self.family = self.dice.weighted(FAMILIES)
        self.persona = self.dice.pick(personas(material)) if self.dice.happens(0.05) else ""
        self.plays = self.dice.happens(0.08)

    def slots(self) -> tuple[Slots, list[str]]:
        things, asks = self.dice.pick(self.interests)
        return general(self.dice, thing=self.dice.pick(things), quote=quote(self.material, self.dice)), asks

    def first(self) -> str:
        dice, throw = self.dice, self.dice.random()
        if throw < REAL:
            kind = dice.weighted((("human_chat", 3), ("human_chat_hard", 3), ("eval_chat", 1)))
            return dice.pick(self.material.prompts[kind])
        if self.plays and throw < 0.6:
            return dice.pick(self.material.roleplay)[0]
        slots, asks = self.slots()
        own = asks and dice.happens(0.45)
        text = fill(dice.pick(asks if own else lists("asks")["frames"]), slots)
        if dice.happens(0.1):
            text += "\n\n" + excerpt(self.material, dice, 1, 3)
        return typed(text, dice)

    def further(self) -> str:
        slots, _ = self.slots()
        return typed(fill(self.dice.pick(lists("asks")["followups"]), slots), self.dice)

    def talk(self) -> Talk:
        dice = self.dice
        turns = [Turn(self.first(), answer(self.material, dice))]
        while dice.happens(self.follows) and len(turns) < 9:
            turns.append(Turn(self.further(), answer(self.material, dice, 1, 3), gap=dice.around(75, 0.9)))
        return Talk(Form(family=self.family, system=self.persona, stream=True), turns)


class Foreigner:
    """The same person in another language, with asks, follow-ups and answers written in it."""

    def __init__(self, account: Account, tongue: str) -> None:
        self.dice = account.dice
        lines = lists("tongues")[tongue]
        self.things = account.dice.some(lines[0].split(" | "), 7)
        self.asks = [line for line in lines[1:] if line[0] not in "<>"]
        self.further = [line[2:] for line in lines if line.startswith("> ")]
        self.answers = [line[2:] for line in lines if line.startswith("< ")]
        self.family = account.dice.weighted(FAMILIES)

    def said(self, choices: list[str]) -> str:
        slots = general(self.dice, thing=self.dice.pick(self.things), n=str(self.dice.whole(2, 30)))
        return fill(self.dice.pick(choices), slots)

    def reply(self) -> str:
        text = self.dice.some(self.answers, self.dice.whole(1, 4))
        return "\n\n".join(text + [f"{n}. {self.dice.pick(self.things)}" for n in range(1, self.dice.whole(1, 5))])

    def talk(self) -> Talk:
        first = self.said(self.asks)
        if self.dice.happens(0.35):
            first += " " + self.said(self.asks)
        turns = [Turn(first, self.reply())]
        while self.dice.happens(0.45) and len(turns) < 7:
            turns.append(Turn(self.said(self.further), self.reply(), gap=self.dice.around(80, 0.9)))
        return Talk(Form(family=self.family, stream=True), turns)
