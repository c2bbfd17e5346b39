"""People who chat: private and professional, in browsers and in small scripts.

Imitates the long tail of a provider's customers. Words: human prompts of FastChat, Open-Assistant, Arena-Hard,
self-instruct and role plays, recombined (`voices.py`). Volumes are heavy-tailed, days differ heavily, and about half of
the accounts are active in a part of the month only.
"""

from typing import Any

from stillwatch.worlds import calendar, clients, places
from stillwatch.worlds.chance import Dice
from stillwatch.worlds.draft import Draft
from stillwatch.worlds.plan import LEGIT, Account
from stillwatch.worlds.voices import Chat
from stillwatch.worlds.words import system

ACCOUNTS = 2400
MEAN = 56.0


def populate(draft: Draft) -> None:
    """Add the chatting people."""
    for number in range(round(ACCOUNTS * draft.scale)):
        chatter(draft, "chat", LEGIT, (number,), MEAN)


def chatter(draft: Draft, cohort: str, kind: str, names: tuple[object, ...], mean: float, **known: Any) -> Account:
    """One person who chats; ``known`` goes to the sign-up. Other populations hold such people too."""
    dice = draft.dice("chatter", cohort, *names)
    settings: dict[str, Any] = {"day": dice.pick(calendar.PEOPLE), "using": own_clients(dice)} | known
    settings.setdefault("country", places.country(dice))
    if "homes" not in settings and not settings["using"][0].product.console:
        settings["homes"] = places.developer(draft.corpus, dice, settings["country"])
    account = draft.sign_up(cohort, kind, names, **settings)
    small_talk(draft, account, draft.volume(dice, mean))
    return account


def own_clients(dice: Dice) -> tuple[clients.Client, ...]:
    """A browser for most who chat, a script for the rest."""
    return (clients.browser(dice) if dice.true(0.55) else clients.developer(dice),)


def small_talk(draft: Draft, account: Account, exchanges: int, **how: Any) -> None:
    """Let an account chat about its own topics; a fifth of the accounts give the model a role."""
    if exchanges < 1:
        return
    dice = draft.dice("small talk", account.account_id, account.said)
    role = None
    if dice.true(0.2):
        role = system(dice.popular(draft.corpus.prompts["persona_system"], 2.0))
    elif dice.true(0.35):
        role = system("You are a helpful assistant.")
    voice = draft.voice("voice", account.account_id)
    script = draft.script(Chat(draft.corpus, voice, draft.seed ^ account.number, role))
    draft.converse(account, script, exchanges, turns=dice.between(1.1, 3.4), **how)
