"""Batch jobs: one developer, one template, thousands of rows of their own data, at a program's hours.

Imitates classification, extraction and translation pipelines; rates are those of real API customers (ServeGen). Also
the users of a framework's default template (retrieval: LangChain's and LlamaIndex's prompts as they ship): many strangers
who send the same instruction over documents of their own.
"""

# ruff: noqa: E501 - wordings stay whole, as they are sent

from stillwatch.worlds import clients, places
from stillwatch.worlds.chance import key
from stillwatch.worlds.draft import Draft
from stillwatch.worlds.honest.enterprise import INSTRUCTIONS, LABELS
from stillwatch.worlds.honest.process import Process, from_answers, label, record
from stillwatch.worlds.plan import LEGIT, LOOK_ALIKE

JOBS, FRAMEWORKS = 140, 140
MEAN_JOB, MEAN_FRAMEWORK = 90.0, 60.0

JOB_WORDS = (
    ("extraction", "Label the sentiment of the review as positive, negative or neutral. Answer with one word.\n\nReview: {document}"),
    ("extraction", "Pick the best category for this item from our list of {a}, {b} and {c}.\n\nItem: {document}\nCategory:"),
    ("translation", "Translate to English:\n\n{document}"),
    ("translation", "Translate this subtitle about {a} into French. Return only the translation.\n{document}"),
    ("extraction", "Get all names of people, places and {a} in the text as a JSON list.\n\n{document}"),
    ("chat", "Write a product description for a {a} shop. Max 80 words. Facts: {document}"),
    ("extraction", "Does the text talk about {a}? yes or no\n\n{document}"),
    ("chat", "tl;dr this article for a newsletter on {a}:\n{document}"),
    ("extraction", "Clean this record: fix the case of names, dates to ISO, drop {a}.\n{document}"),
    ("chat", "Write an SEO title and a meta description (155 characters) for the page below. Keywords: {a}, {b}.\n\n{document}"),
)  # fmt: skip
DEFAULTS = (
    "Use the following pieces of context to answer the question at the end. If you don't know the answer, just say that you don't know, don't try to make up an answer.\n\n{document}\n\nQuestion: {question}\nHelpful Answer:",
    "Context information is below.\n---------------------\n{document}\n---------------------\nGiven the context information and not prior knowledge, answer the query.\nQuery: {question}\nAnswer: ",
    "You are an assistant for question-answering tasks. Use the following pieces of retrieved context to answer the question. If you don't know the answer, say that you don't know. Use three sentences maximum and keep the answer concise.\n\n{document}\n\nQuestion: {question}",
    "Write a concise summary of the following:\n\n\n\"{document}\"\n\n\nCONCISE SUMMARY:",
)  # fmt: skip


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
