"""Moderation vendors: many reviewers' accounts with one rubric that grade user content all day.

Imitates outsourced trust-and-safety work: one vendor with a site, a domain and cards of its own, one that hires a crowd
at home with private mail. Both give all reviewers one tool, one policy and one preamble; a post is graded once, some go
viral and are graded by several. Looks like rubric grading, and like one product. Policy and tasks are written by hand
(`data/words/moderation.json`), posts are real sentences recombined as all chat is; volumes and shifts are assumed.
"""

from typing import Any

from stillwatch.worlds import clients, people, places
from stillwatch.worlds.chance import Dice, key
from stillwatch.worlds.clients import Product
from stillwatch.worlds.corpus import Answer, escaped, lexicon
from stillwatch.worlds.draft import Draft
from stillwatch.worlds.honest.chat import small_talk
from stillwatch.worlds.plan import LOOK_ALIKE
from stillwatch.worlds.voices import Voice
from stillwatch.worlds.words import Words, system, user

SITE, CROWD, MEAN = 55, 55, 110.0
AUTHORS, VIRAL = 400, 0.05


class Review:
    """Posts of a platform's users under one policy."""

    capability = "evaluation"

    def __init__(self, draft: Draft, vendor: str) -> None:
        self._draft = draft
        self._vendor = vendor
        self._words = lexicon("moderation")
        self._system = system(self._words["rubric"])

    def write(self, item: int, turn: int) -> Words:
        """The words for one post."""
        dice = Dice(key("review", self._draft.seed, self._vendor, item))
        post = Dice(key("viral post", dice.below(40))) if dice.true(VIRAL) else dice
        author: Voice = self._draft.voice("author", post.below(AUTHORS))
        text = author.prompt(post) if post.true(0.5) else author.prose(post, 1 + post.below(3))
        task = dice.pick(self._words["tasks"])
        label, severity = dice.pick(self._words["labels"]), dice.below(5)
        reply = f'{{"label": "{label}", "severity": {severity}, "reason": "{author.prose(dice, 1)}"}}'
        return Words((user(task.replace("{post}", text)),), Answer(escaped(reply), len(reply) // 4), self._system)


def populate(draft: Draft) -> None:
    """Add a vendor with a site, and one with a crowd."""
    for vendor, size in (("site", SITE), ("crowd", CROWD)):
        _vendor(draft, vendor, max(6, round(size * draft.scale)))


def _vendor(draft: Draft, vendor: str, size: int) -> None:
    dice = draft.dice("moderation", vendor)
    where = dice.pick(("IN", "PL", "MX", "TR"))
    site = places.spot(draft.corpus, dice, "office", where, 3.0, fixed=0.4)
    domain, paid = people.company_domain(dice), people.card(dice, where)
    tool = Product("reviewdesk", "Reviewdesk/{}", ("2.3.1", "2.3.0", "2.2.4"))
    script = draft.script(Review(draft, vendor))
    known: dict[str, Any] = {"email_domain": domain, "payment_fingerprint": paid.fingerprint, "card_bin": paid.bin}
    for number in range(size):
        draw = draft.dice("reviewer", vendor, number)
        home = places.person(draft.corpus, draw, where)
        account = draft.sign_up(
            "moderation_vendor", LOOK_ALIKE, (vendor, number), country=where, using=(clients.run(tool, draw),),
            homes=(site, *home[:1]) if vendor == "site" else home, day=draw.pick(("office", "wide", "machine")),
            **(known if vendor == "site" else {}),
        )  # fmt: skip
        exchanges = draft.volume(draw, MEAN, 0.8)
        graded = max(1, int(exchanges * draw.between(0.8, 1.0)))
        at = draft.times(account, graded, "reviews")
        first = number << 20
        draft.say(account, at, script, range(first, first + graded), [0] * graded, client=account.clients[0])
        small_talk(draft, account, exchanges - graded)
