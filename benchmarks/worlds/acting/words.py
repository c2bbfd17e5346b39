"""Human-written words, in files beside this one: lists under headings, and templates whose slots take from lists."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

from acting.chance import Dice

FOLDER = Path(__file__).parent / "words"


@cache
def lists(file: str) -> dict[str, list[str]]:
    """The lists of a file by their headings, which begin with `==`."""
    out: dict[str, list[str]] = {}
    current: list[str] = []
    for line in (FOLDER / f"{file}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            current = out.setdefault(line[3:].strip(), [])
        elif line.strip():
            current.append(line.strip())
    return out


class Slots(dict[str, str]):
    """Values for the slots of a template; what nobody set is drawn once and stays for the template.

    A slot `{city2}` draws from the list of `{city}`, so that one text can hold two cities.
    """

    def __init__(self, dice: Dice, sources: tuple[dict[str, list[str]], ...], known: dict[str, str]) -> None:
        super().__init__(known)
        self.dice, self.sources = dice, sources

    def __missing__(self, slot: str) -> str:
        self[slot] = value = self.drawn(slot.rstrip("23"))
        return value

    def drawn(self, name: str) -> str:
        made = MADE.get(name)
        if made is not None:
            return made(self.dice)
        for source in self.sources:
            found = source.get(name) or source.get(name + "s")
            if found:
                return fill(self.dice.pick(found), self)
        raise KeyError(name)


def fill(template: str, slots: Slots) -> str:
    """The template with its slots filled."""
    return template.format_map(slots) if "{" in template else template


def a_name(dice: Dice) -> str:
    firms = lists("firms")
    return f"{dice.pick(firms['first'])} {dice.pick(firms['last'])}"


def a_date(dice: Dice) -> str:
    return f"2026-{dice.whole(1, 12):02d}-{dice.whole(1, 28):02d}"


def an_amount(dice: Dice) -> str:
    return f"{dice.around(120, 1.1):,.2f} {dice.pick(('EUR', 'USD', 'GBP', 'CHF'))}"


def an_order(dice: Dice) -> str:
    return f"{dice.pick(('A', 'B', 'RE', 'PO-', 'KD', '#'))}{dice.whole(10000, 9999999)}"


def a_time(dice: Dice) -> str:
    return dice.pick(lists("asks")["when"])


MADE: dict[str, Callable[[Dice], str]] = {
    "n": lambda dice: str(dice.whole(2, 9)),
    "name": a_name,
    "date": a_date,
    "amount": an_amount,
    "order": an_order,
    "year": lambda dice: str(dice.whole(1912, 2024)),
    "when": a_time,
    "month": lambda dice: dice.pick(lists("asks")["months"]),
    "city": lambda dice: dice.pick(lists("asks")["cities"]),
    "state": lambda dice: dice.pick(lists("asks")["states"]),
}  # fmt: skip


def general(dice: Dice, **known: str) -> Slots:
    """Slots that draw from everyday lists, then from firms' and developers'."""
    return Slots(dice, (lists("asks"), lists("firms"), lists("issues"), lists("judge")), known)


def own_words(text: str, dice: Dice) -> str:
    """An instruction as another author would write it: other words for some of its words, a line before or after."""
    for line in lists("firms")["swaps"]:
        options = line.split("|")
        if options[0] in text and dice.happens(0.7):
            text = text.replace(options[0], dice.pick(options), 1)
    before = fill(dice.pick(lists("firms")["instruct.open"]), general(dice)) + " " if dice.happens(0.6) else ""
    count = dice.whole(0, 3)
    after = "".join(" " + fill(line, general(dice)) for line in dice.some(lists("firms")["instruct.close"], count))
    return before + text + after
