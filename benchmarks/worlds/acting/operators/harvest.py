"""What is harvested: items of real sets, wrapped in instructions that people wrote; each item asked once, some again.

A harvest belongs to one operator: it has a share of the items of its own, base wordings that do not change, and for a
share of requests another wording, put together from an opening, a body and a close that a person wrote.
"""

import json
import re
from collections import Counter
from collections.abc import Callable

from acting import tools
from acting.acts import Account, Form, Talk, Turn
from acting.chance import Dice
from acting.speech import excerpt
from acting.words import Slots, fill, general, lists
from acting.work import coding_turn, tool_call
from acting.world import World

AGAIN = 0.2
"""Share of items that are asked twice, to choose the better answer (rejection sampling)."""
PUBLISHED = {
    "data_synthesis": ("I want you act as a Prompt", "You are a data labeler"),
    "rubric_grading": (
        "# Informativeness",
        "# Honesty",
        "# Instruction Following",
        "# General Text",
        "# Truthfulness",
        "Your role",
    ),
}
"""How those of the published templates begin that make tasks, or grade."""
NAMED = {"filter": "rubric_grading"}
HARD = ("cot_elicitation", "post_hoc_reasoning", "trace_coercion")
Aims = tuple[tuple[str, float], ...]


class Harvest:
    """One operator's work list."""

    def __init__(
        self, world: World, name: str, aims: Aims, campaign: str = "", staged: bool = False, place: int = 0
    ) -> None:
        self.world, self.stuff, self.name, self.campaign = world, world.stuff, name, campaign
        self.dice = world.dice("harvest", name)
        self.aims, self.staged, self.place = aims, staged, place
        self.paraphrase = world.number("paraphrase", 0.3) if campaign else 0.0
        self.by_account = world.settings.get("paraphrase_by") == "account"
        self.imitates = world.settings.get("imitate", "") if campaign else ""
        self.base = {aim: self.chosen(aim) for aim, _ in (*aims, ("filter", 0))}
        self.shelves: dict[str, list[str]] = {}
        self.replies = dict(self.stuff.roleplay)
        self.waiting: dict[str, list[str]] = {}
        self.in_system = {aim: self.dice.happens(0.5) for aim in self.base}
        self.paraphrased = 0
        self.counts: Counter[str] = Counter()

    def chosen(self, aim: str) -> list[str]:
        """The wordings that this operator's scripts hold: one, or one a language where traces are coerced.

        No two operators wrote the same words; what several use, operators, licensees and hobbyists, was published.
        """
        if aim in PUBLISHED and self.dice.happens(0.4):
            texts = [t.strip() for t in self.stuff.templates["distill_template"]]
            chosen = self.dice.pick([text for text in texts if text.startswith(PUBLISHED[aim])])
            return [re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", chosen).strip()]
        if not self.campaign:
            things = [line.split(" | ") for lines in lists("topics").values() for line in lines[:1]]
            own = lists("harvest").get(f"{aim}.own", lists("harvest")["rubric_grading.own"])
            return [fill(self.dice.pick(own), general(self.dice, thing=self.dice.pick(self.dice.pick(things))))]
        lines = list(lists("harvest")[f"{aim}.base"])
        self.world.dice("wordings", aim).shuffle(lines)
        if aim == "trace_coercion":
            return self.dice.some(lines, 5)
        return [lines[self.place % len(lines)]]

    def wording(self, aim: str, dice: Dice, account: Account | None) -> str:
        """The base wording, or another that a person wrote; on one axis an account keeps its own."""
        keeper = dice
        if self.by_account and account is not None:
            keeper = self.world.dice("wording", account.account_id, aim)
        if not keeper.happens(self.paraphrase):
            return keeper.pick(self.base[aim])
        self.paraphrased += 1
        words = lists("harvest")
        parts = [keeper.pick(words[f"{aim}.{part}"]) for part in ("open", "body", "close")]
        if keeper.happens(0.3):
            parts.pop(keeper.pick((0, 2)))
        return " ".join(parts)

    def item(self, kind: str) -> str:
        """The next item of a real set in this operator's order; of some the second time."""
        waiting = self.waiting.setdefault(kind, [])
        if waiting and self.dice.happens(AGAIN):
            return waiting.pop(self.dice.whole(0, len(waiting) - 1))
        shelf = self.shelves.get(kind)
        if not shelf:
            shelf = (
                list(self.stuff.prompts[kind]) if kind in self.stuff.prompts else [p for p, _ in self.stuff.roleplay]
            )
            shelf = shelf[:400] if self.imitates == "same-items" else shelf
            self.dice.shuffle(shelf)
            self.shelves[kind] = shelf
        found = shelf.pop()
        if self.dice.happens(AGAIN):
            waiting.append(found)
        return found

    def aim_at(self, when: float, dice: Dice) -> str:
        """What is due: in a staged pipeline first generating, then filtering, then grading."""
        if not self.staged:
            return dice.weighted(self.aims)
        stage = min(2, int(max(0.0, when) / (10 * 86400)))
        late = ("data_synthesis", "filter", "rubric_grading")[stage]
        return late if dice.happens(0.75) else dice.pick(("data_synthesis", "filter", "rubric_grading"))

    def talk(self, dice: Dice, when: float = 0.0, account: Account | None = None, room: int = 1) -> Talk:
        """The next piece of work; agents' work fills the room that it is given."""
        aim = self.aim_at(when, dice)
        told = self.wording(aim, dice, account)
        form = self.form(aim, dice)
        if aim == "agentic_coding":
            turns = self.engineering(told, dice, min(room, dice.whole(4, 16)))
        else:
            asked, reply = BUILDERS[aim](self, dice)
            in_system = self.in_system[aim] != dice.happens(0.08)
            form.system = told if in_system else form.system
            text = asked if in_system else placed(told, asked, dice)
            turns = [Turn(text, reply, refuses=0.08 if aim in ("sensitive_rewrite", "trace_coercion") else 0.01)]
        if self.campaign and account is not None:
            form.client = self.program(account)
        if self.imitates == "product":
            form.system = "\n".join((lists("firms")["product.apps"][1], form.system)).strip()
        for turn in turns:
            turn.campaign, turn.aim = self.campaign, NAMED.get(aim, aim)
            self.counts[turn.aim] += 1
        return Talk(form, turns)

    def program(self, account: Account) -> tools.Client:
        """With what an account's harvest is sent: a script's SDK, in part the program that its cover uses."""
        fixed = {"product": tools.NODE_SDK, "same-items": tools.HARNESS}.get(self.imitates)
        throw = self.world.dice("program", account.account_id)
        own = account.clients[0][0]
        return fixed or (own if throw.happens(0.3) else throw.weighted(tools.SDK_SHARES))

    def form(self, aim: str, dice: Dice) -> Form:
        """How it is asked for: mostly the largest model, room for long answers, some heat."""
        form = Form(
            family=dice.weighted((("large", 6), ("reason", 2 if aim in HARD else 0.3), ("mid", 2))), remembers=False
        )
        form.temperature = dice.pick((0.7, 1.0, 0.9)) if dice.happens(0.5) else None
        form.limit = dice.pick((2048, 4096, 8192)) if dice.happens(0.5) else None
        form.effort = "high" if form.family == "reason" and dice.happens(0.5) else ""
        form.stream = dice.happens(0.5)
        if aim == "tool_use" and dice.happens(0.6):
            form.tools = dice.pick(self.stuff.missions)[0]
        return form

    def engineering(self, told: str, dice: Dice, room: int) -> list[Turn]:
        """A coding agent's steps, each with its thoughts written out."""
        slots = general(dice)
        task = dice.pick(self.stuff.tasks) if dice.happens(0.3) else issue(dice, slots)
        turns = [Turn(placed(told, task, dice), thought(self, dice, slots), call=tool_call(dice, slots["file"]))]
        for _ in range(room - 1):
            turn = coding_turn(self.stuff, dice, slots, dice.around(20, 0.7))
            turn.answer, turn.call = thought(self, dice, slots), tool_call(dice, slots["file"])
            turns.append(turn)
        return turns


def issue(dice: Dice, slots: Slots) -> str:
    words = lists("issues")
    return f"Repository {dice.pick(words['repo'])}\n\n{fill(dice.pick(words['issue']), slots)}"


def thought(harvest: Harvest, dice: Dice, slots: Slots) -> str:
    act = fill(dice.pick(lists("issues")["acts"]), slots)
    return f"THOUGHT: {act} {dice.pick(harvest.stuff.deeds).said} {dice.pick(harvest.stuff.sentences)}"


def placed(told: str, asked: str, dice: Dice) -> str:
    """Instruction and item in one message; where a template names a place for the item, it goes there."""
    return f"{told}\n\n{asked}" if dice.happens(0.8) else f"{asked}\n\n{told}"


def problem(harvest: Harvest, dice: Dice) -> str:
    return harvest.item(dice.weighted((("eval_math", 6), ("eval_knowledge", 4), ("human_chat_hard", 1))))


def reasoned(harvest: Harvest, dice: Dice) -> tuple[str, str]:
    return problem(harvest, dice), "\n\n".join((dice.pick(harvest.stuff.solutions), dice.pick(harvest.stuff.solutions)))


def solved(harvest: Harvest, dice: Dice) -> tuple[str, str]:
    item = problem(harvest, dice)
    answer = f"({dice.pick('ABCD')})" if "\nB." in item else str(dice.whole(1, 900))
    return f"Question: {item}\nFinal answer: {answer}", dice.pick(harvest.stuff.solutions)


def coerced(harvest: Harvest, dice: Dice) -> tuple[str, str]:
    item = problem(harvest, dice) if dice.happens(0.6) else harvest.item("roleplay")
    return item, f"<think>{dice.pick(harvest.stuff.solutions)}</think>\n\n{dice.pick(harvest.stuff.sentences)}"


def graded(harvest: Harvest, dice: Dice) -> tuple[str, str]:
    scores = json.dumps({"helpfulness": dice.whole(1, 5), "accuracy": dice.whole(1, 5), "clarity": dice.whole(1, 5)})
    item = harvest.item("roleplay")
    asked = f"### Instruction\n{item}\n\n### Response\n{harvest.replies[item]}"
    return asked, f"{scores}\n{excerpt(harvest.stuff, dice, 1, 1)}"


def compared(harvest: Harvest, dice: Dice) -> tuple[str, str]:
    item = harvest.item("roleplay")
    first, second = dice.some((harvest.replies[item], excerpt(harvest.stuff, dice, 1, 2)), 2)
    asked = f"[Prompt]\n{item}\n\n[Response A]\n{first}\n\n[Response B]\n{second}"
    return asked, f"{excerpt(harvest.stuff, dice, 1, 1)}\n\n[[{dice.pick('AB')}]]"


def softened(harvest: Harvest, dice: Dice) -> tuple[str, str]:
    words = lists("harvest")
    slots = Slots(dice, ({"place": words["sensitive.place"], "body": words["sensitive.body"]},), {})
    return fill(dice.pick(words["sensitive.questions"]), slots), excerpt(harvest.stuff, dice, 1, 3)


def synthesised(harvest: Harvest, dice: Dice) -> tuple[str, str]:
    prompt, response = dice.pick(harvest.stuff.roleplay)
    return harvest.item("roleplay"), f"1. {prompt}\n{response}\n2. {dice.pick(harvest.stuff.roleplay)[0]}"


def sifted(harvest: Harvest, dice: Dice) -> tuple[str, str]:
    prompt, response = dice.pick(harvest.stuff.roleplay)
    verdict = dice.pick(("KEEP", "KEEP", "DROP"))
    return f"Sample:\n{prompt}\n---\n{response}", f"{verdict}. {dice.pick(harvest.stuff.sentences)}"


def equipped(harvest: Harvest, dice: Dice) -> tuple[str, str]:
    if dice.happens(0.4):
        tools, mission, reply = dice.pick(harvest.stuff.missions)
        return f"APIs: {tools[:1200]}\n\nUser: {mission}", reply
    call, reply = dice.pick(harvest.stuff.calls)
    return (harvest.item("tool_eval") if dice.happens(0.7) else call), reply


BUILDERS: dict[str, Callable[[Harvest, Dice], tuple[str, str]]] = {
    "cot_elicitation": reasoned, "post_hoc_reasoning": solved, "trace_coercion": coerced, "rubric_grading": graded,
    "preference_pairs": compared, "sensitive_rewrite": softened, "data_synthesis": synthesised, "filter": sifted,
    "tool_use": equipped,
}  # fmt: skip
