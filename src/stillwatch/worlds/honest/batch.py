"""Batch jobs: one developer, one template, thousands of rows of their own data, at a program's hours.

Imitates classification, extraction and translation pipelines; rates are those of real API customers (ServeGen). Also
the users of a framework's default template (retrieval: LangChain's and LlamaIndex's prompts as they ship): many strangers
who send the same instruction over documents of their own.
"""

# ruff: noqa: E501 - wordings stay whole, as they are sent

from stillwatch.worlds import clients, places
from stillwatch.worlds.chance import key
from stillwatch.worlds.corpus import lexicon
from stillwatch.worlds.draft import Draft
from stillwatch.worlds.honest.enterprise import INSTRUCTIONS, LABELS
from stillwatch.worlds.honest.process import Process, from_answers, label, record
from stillwatch.worlds.plan import LEGIT, LOOK_ALIKE

JOBS, FRAMEWORKS = 140, 140
MEAN_JOB, MEAN_FRAMEWORK = 90.0, 60.0

JOB_WORDS = lexicon("processes")["jobs"]
DEFAULTS = lexicon("processes")["frameworks"]


def populate(draft: Draft) -> None:
    """Add the jobs and the users of frameworks."""
    for number in range(round(JOBS * draft.scale)):
        _job(draft, number)
    for number in range(round(FRAMEWORKS * draft.scale)):
        _framework(draft, number)


def _job(draft: Draft, number: int) -> None:
    dice = draft.dice("batch", number)
    voice = draft.voice("batch", number)
    capability, instruction = dice.pick(JOB_WORDS) if dice.true(0.75) else dice.pick(INSTRUCTIONS)
    for slot in ("{a}", "{b}", "{c}"):
        instruction = instruction.replace(slot, dice.pick(voice.topics))
    short = label(("positive", "negative", "neutral", *LABELS)) if "one word" in instruction.lower() else record
    reply = short if capability == "extraction" else from_answers(draft.corpus, "chat")
    process = Process(capability, instruction, voice, key(draft.seed, "batch", number), reply, sentences=(1, 5))
    _runs(draft, "batch_job", LEGIT, number, process=process, mean=MEAN_JOB)


def _framework(draft: Draft, number: int) -> None:
    dice = draft.dice("framework", number)
    voice = draft.voice("framework", number)
    text = dice.popular(DEFAULTS, 1.3)
    question = voice.sentence(dice, dice.pick(dice.pick(draft.bank.prompts)))
    process = Process(
        "chat", text.replace("{question}", question), voice, key(draft.seed, "framework", number),
        from_answers(draft.corpus, "chat"), sentences=(3, 10),
    )  # fmt: skip
    _runs(draft, "framework_default", LOOK_ALIKE, number, process=process, mean=MEAN_FRAMEWORK)


def _runs(draft: Draft, cohort: str, kind: str, number: int, *, process: Process, mean: float) -> None:
    dice = draft.dice(cohort, number)
    where = places.country(dice)
    homes = (
        places.machines(draft.corpus, dice, where) if dice.true(0.6) else places.developer(draft.corpus, dice, where)
    )
    account = draft.sign_up(
        cohort, kind, (number,), country=where, homes=homes, day="machine" if dice.true(0.6) else "wide",
        using=(clients.developer(dice),),
    )  # fmt: skip
    count = draft.volume(dice, mean, 1.25)
    draft.say(account, draft.times(account, count, "runs"), draft.script(process), range(count), [0] * count)
