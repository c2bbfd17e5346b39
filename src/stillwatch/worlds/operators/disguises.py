"""Imitation: what a campaign puts on to look like an explanation that excuses an honest group.

Imitates what an operator would try who has read how groups are excused: an affiliated organisation with an office, a
framework's default template, one product with many users, a declared reseller. Templates and preambles are those of the
honest populations that it copies (LangChain's and LlamaIndex's prompts, apps); organisations are made up.
"""

from dataclasses import dataclass, field
from typing import Any

from stillwatch.worlds import calendar, people, places
from stillwatch.worlds.chance import Dice, key
from stillwatch.worlds.clients import Product
from stillwatch.worlds.draft import Draft
from stillwatch.worlds.honest.batch import DEFAULTS
from stillwatch.worlds.honest.chat import chatter
from stillwatch.worlds.honest.products import USES
from stillwatch.worlds.places import Place
from stillwatch.worlds.plan import LOOK_ALIKE
from stillwatch.worlds.scenario import Campaign

FIRST = 1 << 20
"""Items from here on are never in a campaign's own stock."""


@dataclass(frozen=True)
class Outfit:
    """What a campaign's disguise is made of; ``homes`` is where its people really sit, in a country not served."""

    frame: str | None = None
    preamble: str | None = None
    app: Product | None = None
    declared: dict[str, Any] = field(default_factory=dict)
    office: Place | None = None
    homes: tuple[Place, ...] = ()


def outfit(draft: Draft, campaign: Campaign) -> Outfit:
    """Buy what the campaign's disguise and region call for."""
    dice, disguise = draft.dice("outfit", campaign.name), campaign.disguise
    domain = people.company_domain(dice)
    name = domain.split(".")[0].title()
    declared: dict[str, Any] = {}
    if disguise.organisation:
        declared = {"org_id": f"org_{key(draft.seed, domain):016x}", "verified_domain": domain, "email_domain": domain}
    if disguise.resells:
        declared |= {"reseller_of": domain, "email_domain": domain, "tier": "team"}
    return Outfit(
        frame=dice.pick(DEFAULTS) if disguise.framed else None,
        preamble=_preamble(dice, name) if disguise.product else None,
        app=Product(name, f"{name}/{{}} Electron", ("2.8.0", "2.7.3", "2.7.1")) if disguise.product else None,
        declared=declared,
        office=places.spot(draft.corpus, dice, "office", places.country(dice), 1.0) if disguise.office else None,
        homes=_homes(draft, dice, campaign.region) if campaign.region else (),
    )


def _preamble(dice: Dice, name: str) -> str:
    """An app's role for the model, of those in which work like a campaign's would not surprise."""
    role: str = dice.pick([role for use, role, _ in USES if use in ("study", "code")])
    return role.format(name=name)


def _homes(draft: Draft, dice: Dice, region: str) -> tuple[Place, ...]:
    return tuple(places.spot(draft.corpus, dice, "residential", region, 1.0, fixed=0.3) for _ in range(6))


def leak(draft: Draft, campaign: Campaign, posters: int, scripts: list[int]) -> None:
    """Honest people post the instruction, each over material of their own, in the first days."""
    for number in range(posters):
        account = chatter(draft, "leaked_prompt", LOOK_ALIKE, (campaign.name, number), 56.0)
        dice = draft.dice("leaked", campaign.name, number)
        day = calendar.START_US + draft.dice("leak", campaign.name).between(1, 6) * calendar.DAY
        drawn = [int(day + dice.heavy(20, 1.0) * calendar.HOUR) for _ in range(1 + dice.below(3))]
        at = sorted(min(max(moment, account.starts), account.ends - 1) for moment in drawn)
        draft.say(account, at, dice.pick(scripts), [FIRST + 9 * number + n for n in range(len(at))], [0] * len(at))
