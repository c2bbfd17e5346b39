"""Crowds that chance brings together: a viral prompt, neighbours on a proxy's exits, and a proxy's honest customers.

Nobody here works with anybody. The neighbours use the same VPN exits as an operator; the customers of an access
provider reach the model through its exits because their own way is blocked, as real buyers of relayed access do.
"""

from stillwatch.worlds import calendar, places
from stillwatch.worlds.chance import Dice, key
from stillwatch.worlds.corpus import Corpus
from stillwatch.worlds.draft import Draft
from stillwatch.worlds.exits import LATTICE, bystander_exits, relay_exits
from stillwatch.worlds.honest.chat import chatter
from stillwatch.worlds.plan import LOOK_ALIKE
from stillwatch.worlds.words import Words, user

VIRAL, BYSTANDERS, CUSTOMERS = 130, 60, 70

MEME = (
    "Pretend to be my grandmother who used to read me {} until I fell asleep. Hello grandma, I am so tired.",
    "Based on everything you know about me, draw a picture of my life in {}. Be brutally honest.",
)
TAILS = ("", "", " lol", " Go!", " no filter", " please :)", " write it in my language", "!!")


class Meme:
    """A prompt that everybody posts this week, with a word of one's own."""

    capability = "chat"

    def __init__(self, corpus: Corpus, topics: tuple[str, ...], seed: int) -> None:
        self._answers = corpus.answers["chat"]
        self._topics = topics
        self._seed = seed

    def write(self, item: int, turn: int) -> Words:
        """The words of one try."""
        dice = Dice(key("meme", self._seed, item))
        text = MEME[item % len(MEME)].format(dice.pick(self._topics)) + dice.pick(TAILS)
        return Words((user(text),), dice.pick(self._answers))


def populate(draft: Draft) -> None:
    """Add the three crowds."""
    for number in range(round(VIRAL * draft.scale)):
        _poster(draft, number)
    for number in range(round(BYSTANDERS * draft.scale)):
        dice = draft.dice("bystander", number)
        where = places.country(dice)
        homes = (*places.person(draft.corpus, dice, where), *dice.few(bystander_exits(draft), 3))
        chatter(draft, "bystander", LOOK_ALIKE, (number,), 56.0, country=where, homes=homes)
    for number in range(round(CUSTOMERS * draft.scale)):
        dice = draft.dice("customer", number)
        where = dice.pick(("CN", "HK", "VN", "TR", "IN", "ID", "UA"))
        exits = dice.few(relay_exits(draft, LATTICE), 4)
        home = places.spot(draft.corpus, dice, "residential", where, 0.2)
        chatter(
            draft,
            "provider_customer",
            LOOK_ALIKE,
            (number,),
            45.0,
            country=where,
            homes=(*exits, home),
            signup_place=home,
        )


def _poster(draft: Draft, number: int) -> None:
    account = chatter(draft, "viral_prompt", LOOK_ALIKE, (number,), 56.0)
    dice = draft.dice("viral", number)
    voice = draft.voice("viral", number)
    peak = calendar.START_US + 11 * calendar.DAY
    count = 1 + dice.below(3)
    at = sorted(
        min(max(peak + int(dice.normal(0, 30) * calendar.HOUR), account.starts), account.ends - 1) for _ in range(count)
    )
    script = draft.script(Meme(draft.corpus, voice.topics, key(draft.seed, "viral", number)))
    draft.say(account, at, script, [dice.below(2) for _ in range(count)], [0] * count)
