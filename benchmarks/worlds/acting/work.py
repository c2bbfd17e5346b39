"""What programs and firms ask for: documents, lookups, judgements, benchmarks, pictures, code in a repository."""

import json
from collections.abc import Callable
from dataclasses import replace

from acting.acts import Account, Form, Talk, Turn
from acting.chance import Dice
from acting.material import Material
from acting.speech import answer, excerpt, quote
from acting.words import Slots, fill, general, lists, own_words

Job = Callable[[], Talk]
PROCESSES = ("support", "invoice", "clinic", "estate", "review", "contract", "logs", "jobs", "moderation", "minutes")
TOOLS = ("bash", "read_file", "edit_file", "search", "list_dir", "run_tests", "web_fetch", "todo_write")


def document(dice: Dice, process: str, known: dict[str, str], size: int) -> str:
    """A firm's own paper: a few of the process's forms, filled with its own names, goods and numbers."""
    forms = lists("firms")[f"doc.{process}"]
    return "\n".join(fill(dice.pick(forms), general(dice, **known)) for _ in range(size))


def lengths(material: Material, dice: Dice) -> Callable[[], int]:
    """How many pieces of paper a customer sends at once: the tokens of one real customer, 45 a piece, 14 at most."""
    middle, spread = dice.pick(material.lengths)
    return lambda: max(1, min(14, round(dice.around(middle, spread) / 45)))


def structured(dice: Dice) -> str:
    """A short machine-readable answer."""
    label = dice.pick(("billing", "delivery", "defect", "other", "ok", "spam", "genuine", "praise"))
    made = {"label": label, "confidence": round(dice.random(), 2), "id": dice.whole(1, 99999)}
    return json.dumps(dict(list(made.items())[: dice.whole(1, 3)]))


def firm_form(account: Account, dice: Dice, **more: str) -> Form:
    client = account.clients[0][0]
    hot = dice.pick((0.0, 0.0, 0.2, 0.3, 0.7, 1.0)) if dice.happens(client.sets_temperature) else None
    limit = dice.pick((256, 512, 1000, 1024, 2048, 4096)) if dice.happens(client.sets_limit) else None
    family = dice.weighted((("mid", 5), ("small", 3), ("large", 3)))
    return Form(family=family, temperature=hot, limit=limit, client=client, remembers=False, **more)  # type: ignore[arg-type]


def firm_process(material: Material, account: Account, dice: Dice, process: str, known: dict[str, str]) -> Job:
    """One business process: an instruction that stays, the firm's own documents, mostly short answers."""
    told = own_words(dice.pick(lists("firms")[f"process.{process}"]), dice)
    in_system = dice.happens(0.6)
    form = firm_form(account, dice, system=told if in_system else "")
    size = lengths(material, account.dice)
    writes = not any(word in told for word in ("JSON", "one", "One", "CSV", "codes", "yes or no"))

    def job() -> Talk:
        own = account.dice
        paper = document(own, process, known, size())
        reply = answer(material, own, 1, 2) if writes else structured(own)
        return Talk(form, [Turn(paper if in_system else f"{told}\n\n{paper}", reply)])

    return job


def assistant(material: Material, account: Account, system: str, known: dict[str, str]) -> Job:
    """An employee at the firm's assistant: own documents, own questions, follow-ups."""
    dice = account.dice
    kinds = dice.some(PROCESSES, 3)
    family = dice.pick(("mid", "large"))

    def job() -> Talk:
        kind = dice.pick(kinds)
        told = dice.pick(lists("firms")[f"process.{kind}"] + lists("asks")["frames"])
        slots = general(dice, thing=dice.pick(lists("firms")["product"]), quote=quote(material, dice), **known)
        ask = told if "JSON" in told else fill(told, slots)
        turns = [Turn(f"{ask}\n\n{document(dice, kind, known, dice.whole(1, 3))}", answer(material, dice, 1, 3))]
        while dice.happens(0.4) and len(turns) < 6:
            follow = fill(dice.pick(lists("asks")["followups"]), general(dice, thing=slots["thing"]))
            turns.append(Turn(follow, answer(material, dice, 1, 2), gap=dice.around(90, 0.8)))
        return Talk(Form(family=family, system=system), turns)

    return job


def lookup(material: Material, account: Account, template: str = "") -> Job:
    """Retrieval: passages of the customer's own papers, a question about them, a short cited answer."""
    dice = account.dice
    known = {"company": dice.pick(lists("firms")["company"])}
    kinds = dice.some(PROCESSES, 2)
    system = template or own_words(dice.pick(lists("judge")["rag.system"]), dice)
    users = dice.whole(5, 60) if dice.happens(0.35) else 0
    form = firm_form(account, dice, system=system)

    def job() -> Talk:
        slots = general(dice, **known)
        own = [f"[{n}] {document(dice, dice.pick(kinds), known, 2)}" for n in range(1, dice.whole(2, 5))]
        if dice.happens(0.4):
            own.append(f"[{len(own) + 1}] {excerpt(material, dice, 1, 2)}")
        ask = fill(dice.pick(lists("judge")["rag.questions"]), slots)
        asked = replace(form, end_user=f"cust-{dice.whole(1, users)}") if users else form
        return Talk(asked, [Turn("\n\n".join([*own, f"Question: {ask}"]), quote(material, dice))])

    return job


def script(material: Material, account: Account) -> Job:
    """A developer's own small program: a prompt of one's own, called with whatever comes along."""
    dice = account.dice
    words = lists("judge")
    mine = dice.some(words["scripts"] + lists("asks")["frames"], 3)
    things = dice.some([t for lines in lists("topics").values() for t in lines[0].split(" | ")], 12)
    form = firm_form(account, dice, system=dice.pick(("", "", "You are a helpful assistant.", "Answer briefly.")))
    acts = dice.some(words["act"], 5)

    def job() -> Talk:
        slots = general(dice, quote=quote(material, dice), thing=dice.pick(things))
        slots["act"] = fill(dice.pick(acts), slots)
        return Talk(form, [Turn(fill(dice.pick(mine), slots), answer(material, dice, 1, 3))])

    return job


def translator(material: Material, account: Account) -> Job:
    dice = account.dice
    told = dice.pick(lists("judge")["translate"])
    told = own_words(told, dice) if dice.happens(0.6) else told
    form = firm_form(account, dice, system=told)
    known = {"company": dice.pick(lists("firms")["company"])}
    kind = dice.pick(PROCESSES)

    def job() -> Talk:
        text = document(dice, kind, known, 2) if dice.happens(0.5) else excerpt(material, dice, 1, 2)
        return Talk(form, [Turn(text, excerpt(material, dice, 1, 2))])

    return job


def benchmark(material: Material, account: Account, share: float) -> Job:
    """An evaluation harness: a stretch of MMLU or GSM8K in its order, greedy, short answers, a fixed template."""
    dice = account.dice
    kind = dice.pick(("eval_math", "eval_knowledge"))
    items = material.prompts[kind]
    place = [dice.whole(0, 3) * 200 if dice.happens(share) else dice.whole(0, len(items))]
    template = dice.pick((
        "Question: {}\nAnswer:", "{}\nAnswer:", "Q: {}\nA:", "The following is a question. Answer it.\n\n{}",
        "Given the following problem, reason and give a final answer to the problem.\nProblem: {}\n"
        'Your response should end with "The final answer is [answer]".',
    ))  # fmt: skip
    shots = dice.pick((0, 0, 3, 5))
    head = "".join(template.format(items[n]) + f" {n % 5}\n\n" for n in range(shots))
    form = Form(family=dice.pick(("large", "mid", "small")), temperature=0.0, limit=dice.pick((16, 256, 1024)),
                seed=dice.pick((None, 42, 1234)), client=account.clients[0][0], remembers=False)  # fmt: skip

    def job() -> Talk:
        place[0] += 1
        item = items[place[0] % len(items)]
        reply = dice.pick("ABCD") if kind == "eval_knowledge" else dice.pick(material.solutions)
        return Talk(form, [Turn(head + template.format(item), reply)])

    return job


def judge(material: Material, account: Account, template: str) -> Job:
    """A model as judge of one's own product: one's own questions and answers, a published template."""
    dice = account.dice
    known = {"company": dice.pick(lists("firms")["company"])}
    kind = dice.pick(PROCESSES)
    form = firm_form(account, dice)

    def job() -> Talk:
        ask = fill(dice.pick(lists("judge")["rag.questions"]), general(dice, **known))
        body = f"Input: {ask}\nContext: {document(dice, kind, known, 2)}\nActual output: {answer(material, dice, 1, 2)}"
        verdict = json.dumps({"score": dice.whole(1, 5), "reason": quote(material, dice)})
        return Talk(form, [Turn(f"{template}\n\n{body}", verdict)])

    return job


def picture(account: Account, material: Material) -> Job:
    """Pictures with a question; the log keeps a stub of the picture."""
    dice = account.dice
    form = firm_form(account, dice)
    asks = dice.some(lists("judge")["vision"], 3)

    def job() -> Talk:
        ask = fill(dice.pick(asks), general(dice))
        image = {"type": "blob", "modality": "image", "mime_type": "image/png", "content": dice.token("iVBOR", 40)}
        return Talk(form, [Turn(json.dumps([{"type": "text", "content": ask}, image]), quote(material, dice))])

    return job


def desk(material: Material, account: Account) -> Job:
    """Computer use: a goal, then screenshots and clicks until it is reached."""
    dice = account.dice
    tools = json.dumps([{"name": "computer", "description": "Mouse, keyboard, screenshots of a 1280x800 display."}])
    system = "You control a browser. Take a screenshot before you act. Stop before payments."

    def job() -> Talk:
        turns = [
            Turn(fill(dice.pick(lists("judge")["computer"]), general(dice)), "I take a screenshot.", call=click(dice))
        ]
        for _ in range(dice.whole(3, 14)):
            seen = f"screenshot {dice.token('', 8)}"
            turns.append(Turn("", quote(material, dice), gap=dice.around(9, 0.6), seen=seen, call=click(dice)))
        return Talk(Form(family="large", system=system, tools=tools, client=account.clients[0][0]), turns)

    return job


def click(dice: Dice) -> str:
    where = {
        "action": dice.pick(("left_click", "type", "scroll", "key")),
        "x": dice.whole(0, 1280),
        "y": dice.whole(0, 800),
    }
    return json.dumps({"type": "tool_call", "id": "call", "name": "computer", "arguments": where})


def toolbox() -> str:
    """The tools that a coding agent's client sends with every request."""
    return json.dumps([
        {"name": name, "description": f"{name.replace('_', ' ').capitalize()} in the user's working copy.",
         "parameters": {"type": "object", "properties": {"path": {"type": "string"}, "text": {"type": "string"}}}}
        for name in TOOLS
    ])  # fmt: skip


def coding(material: Material, account: Account, system: str, longest: int = 22) -> Job:
    """A coding agent's session: tokens, pauses and length of a real one, a repository of one's own."""
    dice = account.dice
    form = Form(
        family=dice.pick(("large", "large", "mid")), system=system, tools=toolbox(), client=account.clients[0][0]
    )
    repo = dice.pick(lists("issues")["repo"])

    def job() -> Talk:
        slots = general(dice)
        steps = dice.pick(material.sessions)[: dice.whole(3, longest)]
        turns = [Turn(f"[{repo}] {fill(dice.pick(lists('issues')['issue']), slots)}", "", counts=(0, 0, 0))]
        turns[0].answer = fill(dice.pick(lists("issues")["acts"]), slots)
        for number, step in enumerate(steps):
            turn = turns[0] if not number else coding_turn(material, dice, slots, step.gap)
            turn.counts = (step.input_tokens, step.output_tokens, step.cached_tokens)
            turn.call = tool_call(dice, slots["file"]) if step.stop == "tool_use" else ""
            if number:
                turns.append(turn)
        return Talk(form, turns)

    return job


def coding_turn(material: Material, dice: Dice, slots: Slots, gap: float) -> Turn:
    """The next request: a tool's result, a few times the developer's word."""
    deed = dice.pick(material.deeds)
    said = deed.said if dice.happens(0.3) else fill(dice.pick(lists("issues")["acts"]), slots)
    if dice.happens(0.12):
        return Turn(
            fill(dice.pick(lists("asks")["followups"]), general(dice, thing=slots["module"])), said, gap=gap + 30
        )
    seen = (
        deed.seen
        if dice.happens(0.35)
        else fill(dice.pick(lists("issues")["observations"]), general(dice, file=slots["file"]))
    )
    return Turn("", said, gap=gap, seen=seen or "OK")


def tool_call(dice: Dice, path: str) -> str:
    made = {
        "type": "tool_call",
        "id": "call",
        "name": dice.pick(TOOLS),
        "arguments": {"path": path, "text": dice.token("", 6)},
    }
    return json.dumps(made)
