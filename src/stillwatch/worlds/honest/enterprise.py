"""Companies: many accounts that run the same processes on the company's own documents, in office hours.

Declared ones say so (`org_id`, a verified domain). Undeclared ones are the hard half of real life: forty employees who
each signed up with their work address, from one office. They share templates, address block, mail domain, hours, for some
the card, and nothing of it is abuse. Rates: people's office days; words: recombined prompts as documents.
"""

# ruff: noqa: E501 - wordings stay whole, as they are sent

from typing import Any

from stillwatch.worlds import clients, people, places
from stillwatch.worlds.chance import Dice, key
from stillwatch.worlds.draft import Draft
from stillwatch.worlds.honest.chat import small_talk
from stillwatch.worlds.honest.process import Process, from_answers, label, record
from stillwatch.worlds.plan import LOOK_ALIKE, Account

DECLARED, UNDECLARED = (2, 70), (4, 45)
MEAN = 60.0

INSTRUCTIONS = (
    ("extraction", "Extract the vendor, date, amount and reference from this invoice. Return JSON.\n\n{document}"),
    ("extraction", "Below is a customer e-mail. List every product it names and what the customer wants.\n---\n{document}\n---\nJSON only."),
    ("extraction", "You will see a contract clause. Return the parties, the obligations and the deadlines as JSON.\n\nClause:\n{document}"),
    ("chat", "Draft a reply to this ticket in the tone of our support team. Be polite, offer one next step.\n\nTicket:\n{document}"),
    ("chat", "Summarise the following meeting notes in five bullet points, then list action items with owners.\n\n{document}"),
    ("translation", "Translate the product text into German. Keep names and units as they are.\n\n{document}"),
    ("translation", "Übersetze den folgenden Text ins Englische, Fachbegriffe bleiben stehen:\n\n{document}"),
    ("extraction", "Classify the message as complaint, question, order or other. One word.\n\nMessage: {document}"),
    ("chat", "Rewrite this paragraph of our handbook so that new colleagues understand it.\n\n{document}"),
    ("extraction", "Read the claim report. Explain your reasoning for the severity in two sentences, then give the severity from 1 to 5.\n\n{document}"),
    ("chat", "Review this change description for risks. Think it through and list the three largest risks first.\n\n{document}"),
    ("extraction", "Rate the quality of this call transcript on our service rubric from 1 to 10 and give the reason.\n\nTranscript:\n{document}"),
)  # fmt: skip
ROLES = (
    None,
    "You are an assistant for employees of {}. Answer in the company's tone.",
    "You process documents for {}.",
    None,
)
LABELS = ("complaint", "question", "order", "other")


def populate(draft: Draft) -> None:
    """Add both kinds of companies."""
    for number, size in enumerate(draft.sizes(*DECLARED)):
        company(draft, "enterprise_declared", number, size, declared=True)
    for number, size in enumerate(draft.sizes(*UNDECLARED)):
        company(draft, "enterprise_undeclared", number, size, declared=False)


def company(draft: Draft, cohort: str, number: int, size: int, *, declared: bool) -> None:
    """One company: an office, a domain, some processes, and employees who also ask about other things."""
    dice = draft.dice(cohort, number)
    where = places.country(dice)
    office = places.spot(draft.corpus, dice, "office", where, 3.0, fixed=0.5)
    domain = people.company_domain(dice)
    client = clients.developer(dice)
    scripts = processes(draft, dice, cohort, number, domain)
    company_card = people.card(dice, where)
    hired = draft.birth(dice)
    known: dict[str, Any] = {"email_domain": domain, "tier": "team" if declared else None}
    if declared:
        known |= {"org_id": f"org_{key(draft.seed, cohort, number):016x}", "verified_domain": domain}
    for member in range(size):
        draw = draft.dice(cohort, number, member)
        pays: dict[str, Any] = (
            {"payment_fingerprint": company_card.fingerprint, "card_bin": company_card.bin}
            if declared or draw.true(0.3)
            else {}
        )
        homes = [office] if draw.true(0.7) else [office, *places.person(draft.corpus, draw, where)]
        account = draft.sign_up(
            cohort, LOOK_ALIKE, (number, member), country=where, homes=homes, day="office", using=(client,) if draw.true(0.6) else (),
            created=hired if draw.true(0.3) else None, **known, **pays,
        )  # fmt: skip
        work(draft, account, draw, scripts, MEAN)


def processes(draft: Draft, dice: Dice, cohort: str, number: int, name: str) -> list[int]:
    """The scripts of a company's two or three processes, all on its own documents."""
    voice = draft.voice(cohort, number)
    role = dice.pick(ROLES)
    replies = {"translation": from_answers(draft.corpus, "chat"), "chat": from_answers(draft.corpus, "chat")}
    found = []
    for place, (capability, instruction) in enumerate(dice.few(INSTRUCTIONS, 2 + dice.below(2))):
        reply = label(LABELS) if "One word" in instruction else replies.get(capability, record)
        process = Process(
            capability, instruction, voice, key(draft.seed, cohort, number, place), reply,
            role=role.format(name) if role else None,
        )  # fmt: skip
        found.append(draft.script(process))
    return found


def work(draft: Draft, account: Account, dice: Dice, scripts: list[int], mean: float) -> None:
    """Let an employee run the company's processes on documents of their own, and chat besides."""
    exchanges = draft.volume(dice, mean)
    talk = int(exchanges * dice.between(0.0, 0.5))
    base = key(account.account_id) % (1 << 40)
    script = dice.pick(scripts)
    chosen = [script if dice.true(0.75) else dice.pick(scripts) for _ in range(exchanges - talk)]
    at = draft.times(account, len(chosen), "work")
    for one in sorted(set(chosen)):
        here = [place for place, other in enumerate(chosen) if other == one]
        draft.say(account, at[here], one, [base + place for place in here], [0] * len(here))
    small_talk(draft, account, talk)
