"""Products on top of the API: apps with their users' own keys, and resellers.

A key-bringing app gives hundreds of strangers one preamble, one template and one client string; each has a home, a card and
a mailbox of their own. A declared reseller passes many end users' traffic through one account and says so. An undeclared
one spreads it over a dozen accounts with common cards and servers: against the terms, but no distillation.
"""

# ruff: noqa: E501 - wordings stay whole, as they are sent

from stillwatch.worlds import clients, people, places
from stillwatch.worlds.chance import Dice, key
from stillwatch.worlds.clients import Product
from stillwatch.worlds.draft import Draft
from stillwatch.worlds.honest.chat import small_talk
from stillwatch.worlds.honest.process import Process, from_answers
from stillwatch.worlds.plan import LOOK_ALIKE, Account
from stillwatch.worlds.voices import Chat

APPS, DECLARED, UNDECLARED = (3, 70), (3, 1), (2, 15)
MEAN = 55.0

USES = (
    ("writing", "You are {name}, a writing companion. Keep the author's voice. Work step by step: first the structure, then the style.",
     ("Improve this text:\n\n{document}", "Shorten to half:\n\n{document}", "Continue this story in my style:\n\n{document}")),
    ("mail", "You are {name}. You write mails. Output the mail only.",
     ("Reply to this mail, friendly but firm:\n\n{document}", "Turn these notes into a mail:\n{document}")),
    ("study", "You are {name}, a tutor. Explain your reasoning for every answer so that the student can follow.",
     ("Make five flash cards from:\n{document}", "Explain this passage and quiz me on it, with full reasoning in the solutions:\n\n{document}")),
    ("code", "You are {name}, a code reviewer inside the editor.",
     ("Review this diff and grade its quality from 1 to 10:\n{document}", "Explain what this does:\n\n{document}")),
    ("fiction", "You are {name}, a game master. Never break character.",
     ("Next scene. So far: {document}", "My character says: {document}")),
)  # fmt: skip


def populate(draft: Draft) -> None:
    """Add apps and resellers."""
    for number, size in enumerate(draft.sizes(*APPS)):
        _app(draft, number, size)
    for number in range(len(draft.sizes(*DECLARED))):
        _declared(draft, number)
    for number, size in enumerate(draft.sizes(*UNDECLARED)):
        _undeclared(draft, number, size)


def _app(draft: Draft, number: int, size: int) -> None:
    dice = draft.dice("app", number)
    name = people.company_domain(dice).split(".")[0].title()
    _, role, templates = USES[number % len(USES)]
    product = Product(name, f"{name}/{{}} Electron", ("3.4.1", "3.4.0", "3.3.2", "3.1.0"))
    for member in range(size):
        draw = draft.dice("app", number, member)
        account = draft.sign_up("key_bringing_app", LOOK_ALIKE, (number, member), using=(clients.run(product, draw),))
        voice = draft.voice("app", number, member)
        exchanges = draft.volume(draw, MEAN)
        inside = max(1, int(exchanges * draw.between(0.4, 1.0)))
        scripts = [
            draft.script(
                Process(
                    "chat", template, voice, key(account.account_id, place), from_answers(draft.corpus, "chat"),
                    role=role.format(name=name),
                )
            )
            for place, template in enumerate(templates)
        ]  # fmt: skip
        _use(draft, account, draw, scripts, inside)
        small_talk(draft, account, exchanges - inside)


def _use(draft: Draft, account: Account, dice: Dice, scripts: list[int], count: int) -> None:
    at = draft.times(account, count, "app")
    chosen = [dice.pick(scripts) for _ in range(count)]
    for script in sorted(set(chosen)):
        here = [index for index, one in enumerate(chosen) if one == script]
        draft.say(account, at[here], script, here, [0] * len(here), client=account.clients[0])


def _declared(draft: Draft, number: int) -> None:
    dice = draft.dice("reseller declared", number)
    name = people.company_domain(dice)
    account = draft.sign_up(
        "reseller_declared", LOOK_ALIKE, (number,), homes=[places.server(draft.corpus, dice, 1.0) for _ in range(4)], always=True,
        email_domain=name, org_id=f"org_{key(draft.seed, name):016x}", verified_domain=name, reseller_of=name, tier="team",
    )  # fmt: skip
    draft.permissions.append(
        {"account_id": account.account_id, "purpose": "resale", "reference": f"C-{1000 + dice.below(9000)}"}
    )
    for end_user in range(round(40 + 80 * min(1.0, draft.scale))):
        _serve(draft, account, (number, end_user), end_user, 9.0)


def _undeclared(draft: Draft, number: int, size: int) -> None:
    dice = draft.dice("reseller undeclared", number)
    where = places.country(dice)
    servers = [places.server(draft.corpus, dice, 1.0, fixed=0.6) for _ in range(6)]
    cards = [people.card(dice, where) for _ in range(max(2, size // 4))]
    client = clients.run(clients.SDKS[dice.below(8)], dice)
    for member in range(size):
        draw = draft.dice("reseller undeclared", number, member)
        paid = draw.pick(cards)
        account = draft.sign_up(
            "reseller_undeclared", LOOK_ALIKE, (number, member), country=where, homes=draw.few(servers, 3), using=(client,),
            payment_fingerprint=paid.fingerprint, card_bin=paid.bin,
        )  # fmt: skip
        for end_user in range(2 + draw.below(8)):
            _serve(draft, account, (number, member, end_user), -1, 12.0)


def _serve(draft: Draft, account: Account, names: tuple[object, ...], end_user: int, mean: float) -> None:
    dice = draft.dice("served", account.cohort, *names)
    voice = draft.voice("served", account.cohort, *names)
    script = draft.script(Chat(draft.corpus, voice, key(draft.seed, "served", account.cohort, *names)))
    count = draft.volume(dice, mean)
    draft.converse(account, script, count, end_users=[end_user] * count if end_user >= 0 else ())
