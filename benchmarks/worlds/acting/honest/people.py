"""People: chat in many languages, from homes, phones, VPNs and IPv6; tutors; a viral prompt; what goes round."""

from collections.abc import Callable

from acting import tools
from acting.acts import Account, Begun, Form, Talk, Turn
from acting.calendars import squeeze
from acting.chance import Dice
from acting.speech import Chatter, Foreigner, answer
from acting.words import fill, general, lists
from acting.world import World, as_person, live_at_home, open_account, people_volume, sign_up

TONGUES = {"de": ("DE",), "fr": ("FR",), "es": ("ES",), "pt": ("BR",), "it": ("IT",), "ru": ("DE", "TR", "US"),
           "zh": ("SG", "US", "SG"),
           "ja": ("JP",)}  # fmt: skip
SPOKEN = (("de", 4), ("fr", 3), ("es", 3), ("pt", 3), ("it", 2), ("ja", 3), ("zh", 2), ("ru", 1.5))


def person(world: World, cohort: str, number: int, kind: str = "legit", country: str = "") -> Account:
    """A person who signed up at home, with a browser or a telephone."""
    account = open_account(world, cohort, number, kind, country)
    live_at_home(world, account)
    account.clients = [(tools.personal(account.dice), 4)]
    if account.dice.happens(0.3):
        account.clients.append((tools.personal(account.dice), 2))
    sign_up(account)
    return account


def chats(world: World, account: Account, mean: float = 34) -> None:
    account.plan = as_person(world, account, Chatter(world.stuff, account).talk, people_volume(world, account, mean))


def beside(world: World, account: Account, mean: float) -> None:
    """Everyday chat beside the work, with a browser or a telephone."""
    client, chatter = tools.personal(account.dice), Chatter(world.stuff, account)

    def job() -> Talk:
        talk = chatter.talk()
        talk.form.client = client
        return talk

    account.plan = squeeze([*account.plan, *as_person(world, account, job, people_volume(world, account, mean))])


def chat_users(world: World) -> None:
    """Everyday chat: hours and volumes of 58,317 real posters; asks human-written, some published human prompts."""
    for number in range(world.many(1050)):
        chats(world, person(world, "chat", number))


def foreign(world: World) -> None:
    """Customers who write German, French, Spanish, Portuguese, Italian, Russian, Chinese or Japanese, from there."""
    for number in range(world.many(330)):
        throw = world.dice("tongue", number)
        tongue = throw.weighted(SPOKEN)
        account = person(world, "foreign", number, country=throw.pick(TONGUES[tongue]))
        talker = Foreigner(account, tongue)
        account.plan = as_person(world, account, talker.talk, people_volume(world, account, 32))


def vpn_users(world: World) -> None:
    """People behind a commercial VPN: exits of the real MISP list, shared with strangers and operators."""
    for number in range(world.many(140)):
        account = person(world, "vpn", number)
        account.places = [
            (world.atlas.tunnel(account.dice), 6, 9) for _ in range(account.dice.whole(1, 3))
        ] + account.places[:1]
        chats(world, account)


def sixth_users(world: World) -> None:
    """Homes with IPv6: a stable /64, interface parts that change every day."""
    for number in range(world.many(140)):
        account = person(world, "ipv6", number)
        account.places = [(world.atlas.sixth(account.dice, account.country), 6, 9), *account.places[1:2]]
        chats(world, account)


def tutors(world: World) -> None:
    """Tutors of one learning service: its fixed words, GSM8K exercises that pupils bring, and pupils who ask back.

    They ask for every step, as an operator does; each has an own account, home and card.
    """
    system = lists("firms")["tutor"][0]
    for number in range(world.many(80)):
        account = person(world, "tutors", number, "look_alike")
        account.clients = [(tools.NODE_SDK, 1)]
        account.plan = as_person(world, account, lesson(world, account, system), people_volume(world, account, 40))
        if account.dice.happens(0.35):
            beside(world, account, 14)


def lesson(world: World, account: Account, system: str) -> Callable[[], Talk]:
    """A lesson: an exercise of this tutor's shelf, and a pupil who asks back."""
    throw = account.dice
    shelf = throw.some(world.stuff.prompts["eval_math"], 60)
    talker = Chatter(world.stuff, account)

    def job() -> Talk:
        told = throw.pick(("", "Please explain: ", "My pupil is stuck on this. ", "For year 6: "))
        turns = [Turn(told + throw.pick(shelf), throw.pick(world.stuff.solutions))]
        while throw.happens(0.6) and len(turns) < 6:
            asks = (
                "why is step {n} allowed?",
                "she got {n}{n2}, where is the mistake?",
                "simpler please",
                "another one like it",
            )
            ask = fill(throw.pick(asks), general(throw)) if throw.happens(0.8) else talker.further()
            turns.append(Turn(ask, answer(world.stuff, throw, 1, 2), gap=throw.around(120, 0.7)))
        return Talk(Form(family="mid", system=system, client=account.clients[0][0]), turns)

    return job


def viral(world: World) -> None:
    """A prompt that goes round for three days: ordinary people paste it, some change a word, most ask once."""
    prompt = lists("firms")["viral"][0]
    for number in range(world.many(170)):
        account = person(world, "viral", number, "look_alike")
        chats(world, account, 22)
        for _ in range(account.dice.weighted(((1, 7), (2, 2), (4, 1)))):
            at = max(
                account.born + 600, (9 + account.dice.betavariate(1.2, 3) * 4) * 86400 + account.dice.random() * 3600
            )
            turns = [Turn(retold(prompt, account.dice), answer(world.stuff, account.dice, 2, 4))]
            if account.dice.happens(0.4):
                turns.append(Turn("lol. now do my sister", answer(world.stuff, account.dice, 1, 3), gap=60))
            account.plan.append(Begun(at, Talk(Form(family="large"), turns)))
        account.plan = squeeze(account.plan)


def retold(prompt: str, throw: Dice) -> str:
    if throw.happens(0.55):
        return prompt
    changes = (("nature documentary", "heist film"), ("ten years", "five years"), ("Be ruthless", "Be brutal"),
               ("my life", "my career"), (" Be ruthless but kind.", ""))  # fmt: skip
    old, new = throw.pick(changes)
    return prompt.replace(old, new)
