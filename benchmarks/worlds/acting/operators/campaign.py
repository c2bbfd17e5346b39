"""Campaigns: members who live an ordinary account's life and slip the harvest into it, at the hours of its waves."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acting.acts import SPAN, Account, Begun, Form, Talk, Turn
from acting.calendars import squeeze
from acting.chance import Dice
from acting.honest import coders, firms, people
from acting.operators.harvest import Aims, Harvest
from acting.operators.imitation import imitate
from acting.operators.provider import Leaving, Provider, Theft, enlist, pivot
from acting.world import World

REPLAYED = 0.3
"""Share of cover talks that repeat an honest account's of the same world, word for word."""
BANNED = 0.07
LOTS = 0.35
"""Share of members whose accounts were bought in lots that had been opened together."""
LIVES = (
    (people.chat_users, 1050), (people.foreign, 330), (coders.agents, 430), (coders.scripts, 420), (firms.batches, 230),
    (coders.retrieval, 150), (coders.frameworks, 190), (people.sixth_users, 140),
)  # fmt: skip


@dataclass(frozen=True)
class Campaign:
    """What an operator wants: aims, size, whose accounts, whether in stages, how many stolen keys."""

    name: str
    provider: str
    size: int
    aims: Aims
    staged: bool = False
    stolen: int = 0
    pivots: bool = False
    place: int = 0


def borrowed_lives(world: World, count: int, throw: Dice) -> list[Account]:
    """Accounts that live as honest ones do: made by the same hands, in the shares in which honest accounts come."""
    aside = World(throw.getrandbits(60), 1.0, world.settings, world.stuff, world.atlas)
    total = sum(weight for _, weight in LIVES)
    for make, weight in LIVES:
        aside.scale = (count * 1.15 + 4) / total
        make(aside)
        del weight
    throw.shuffle(aside.accounts)
    return aside.accounts[:count]


def run(world: World, campaign: Campaign, provider: Provider, honest: list[Account], shared: list[Harvest]) -> None:
    """Open the accounts, live their lives, slip the harvest in; ban some and replace them; steal some keys."""
    throw = world.dice("campaign", campaign.name)
    harvest = Harvest(world, campaign.name, campaign.aims, campaign.name, campaign.staged, campaign.place)
    size = int(world.settings["size"]) if "size" in world.settings else campaign.size
    count = max(8, round(size * world.scale))
    members = recruit(world, campaign, provider, count, throw)
    waves = np.array(sorted(throw.choice(throw.choice(honest).plan).at for _ in range(24)))
    wanted = harvest_sizes(members, 1 - world.number("cover", 0.8), throw)
    for member, share in zip(members, wanted, strict=True):
        replay(member, [a for a in honest if a.kind != "victim"], throw)
        others = [harvest, throw.pick(shared)] if shared and throw.happens(0.08) else [harvest]
        slip_in(world, member, others, share, waves)
        if campaign.pivots:
            pivot(member, member.dice)
        imitate(world, campaign.name, provider, member)
    if world.settings.get("imitate") == "viral":
        start_fashion(world, harvest, honest, throw)
    world.accounts += members
    victims = steal(world, campaign, provider, harvest, honest)
    shared.append(harvest)
    world.campaigns.append(told(campaign, provider, harvest, members, victims))


def start_fashion(world: World, harvest: Harvest, honest: list[Account], throw: Dice) -> None:
    """The operator posts its prompt where people see it, so that strangers paste it too."""
    for account in throw.some([a for a in honest if a.cohort in ("chat", "foreign")], world.many(50)):
        aim = throw.weighted(harvest.aims)
        turn = Turn(f"{throw.pick(harvest.base[aim])}\n\n{throw.pick(harvest.stuff.roleplay)[0]}", "Sure.")
        at = max(account.born + 60, throw.uniform(9, 13) * 86400)
        account.plan = squeeze([*account.plan, Begun(min(at, SPAN - 1), Talk(Form(), [turn]))])


def recruit(world: World, campaign: Campaign, provider: Provider, count: int, throw: Dice) -> list[Account]:
    """Members as old as honest accounts are, some opened in lots; the banned among them with their replacements."""
    lives = sorted(borrowed_lives(world, count, throw), key=lambda member: (member.born, member.account_id))
    for number, member in enumerate(lives):
        member.cohort, member.kind, member.suspended = campaign.name, "operator", None
        first = lives[number - number % 5].born
        if throw.happens(LOTS) and member.born - first < 10 * 86400:
            shift_birth(member, first + throw.random() * 40000)
        enlist(world, provider, member)
    banned = throw.some(range(len(lives) // 2), round(len(lives) * BANNED))
    for place, index in enumerate(sorted(banned)):
        end = throw.uniform(0.3, 0.8) * SPAN
        lives[index].suspended = max(end, lives[index].born + 3600)
        shift_birth(lives[len(lives) - 1 - place], end + throw.uniform(1, 30) * 3600)
    return lives


def shift_birth(account: Account, born: float) -> None:
    """Give an account another age; what it did before that is moved into the time after."""
    account.born = min(born, SPAN - 2 * 86400)
    low = max(account.born + 300, 0.0)
    for begun in account.plan:
        if begun.at < low:
            begun.at = low + account.dice.random() * (SPAN - low)
    account.plan = squeeze(account.plan)


def harvest_sizes(members: list[Account], share: float, throw: Dice) -> list[int]:
    """How much each member harvests: heavy-tailed, a third of them hardly anything, together the share asked for."""
    totals = [sum(len(b.talk.turns) for b in m.plan) for m in members]
    want = sum(totals) * share
    weights = [min(total, 400) ** 0.6 * throw.around(1, 0.7) for total in totals]
    sizes = [0] * len(members)
    for _ in range(6):
        scale = (want - sum(sizes)) / max(sum(w for w, s, t in zip(weights, sizes, totals, strict=True) if s < t), 1e-9)
        sizes = [min(t, round(s + w * scale)) for w, s, t in zip(weights, sizes, totals, strict=True)]
    return [max(1, size) for size in sizes]


def replay(member: Account, honest: list[Account], throw: Dice) -> None:
    """Part of the cover is what an honest account of this world said, word for word, at another time."""
    for begun in member.plan:
        if throw.happens(REPLAYED):
            other = throw.choice(throw.choice(honest).plan).talk
            room = len(begun.talk.turns)
            begun.talk = Talk(other.form, other.turns[:room]) if len(other.turns) >= room else begun.talk


def slip_in(world: World, member: Account, harvests: list[Harvest], count: int, waves: NDArray[np.float64]) -> None:
    """Cut the ends off talks near a wave and do the harvest's work in their place: volume and hours stay."""
    jitter = world.number("jitter", 6) * 3600
    throw = member.dice
    starts = np.array([begun.at for begun in member.plan])
    near = np.exp(-((starts[:, None] - waves[None, :]) ** 2) / (2 * jitter**2)).sum(1) + 0.02
    order = sorted(range(len(starts)), key=lambda index: throw.expovariate(1) / near[index])
    work: list[Begun] = []
    for index in order:
        if count <= 0:
            break
        count -= take_over(member, member.plan[index], harvests, count, work)
    member.plan = squeeze([begun for begun in member.plan if begun.talk.turns] + work)


def take_over(member: Account, begun: Begun, harvests: list[Harvest], count: int, work: list[Begun]) -> int:
    """Replace the last turns of one talk by the harvest; how many requests that gave."""
    turns = begun.talk.turns
    taken = min(count, len(turns))
    kept = turns[: len(turns) - taken]
    at = begun.at + sum(turn.gap for turn in kept)
    gaps = [turn.gap for turn in turns[len(kept) :]]
    begun.talk = Talk(begun.talk.form, kept)
    done = 0
    while done < taken:
        harvest = member.dice.pick(harvests)
        talk = harvest.talk(member.dice, at, member, taken - done)
        at += gaps[done]
        for place, turn in enumerate(talk.turns):
            turn.gap = gaps[done + place] if place else 0.0
        work.append(Begun(min(at, SPAN - 1), talk))
        at += sum(turn.gap for turn in talk.turns)
        done += len(talk.turns)
    return taken


def steal(
    world: World, campaign: Campaign, provider: Provider, harvest: Harvest, honest: list[Account]
) -> list[Account]:
    """Keys that leaked from a repository: their owners go on as before, from some day on with a stranger beside."""
    victims = []
    for number in range(world.many(campaign.stolen, 1) if campaign.stolen else 0):
        throw = world.dice("stolen", campaign.name, number)
        owner = throw.choice([a for a in honest if a.cohort in ("scripts", "batch", "rag") and a.kind == "legit"])
        owner.kind, owner.cohort = "victim", "stolen_key_owner"
        begin = throw.uniform(0.1, 0.8) * SPAN
        for _ in range(max(2, round(throw.around(12, 0.7)))):
            at = throw.uniform(max(begin, owner.born), min(SPAN, max(begin, owner.born) + 6 * 86400))
            owner.plan.append(Begun(min(at, SPAN - 1), harvest.talk(throw, at, owner)))
        owner.plan = squeeze(owner.plan)
        owner.leave = Theft(Leaving(world, provider, 0.5, owner.account_id))
        victims.append(owner)
    return victims


def told(
    campaign: Campaign, provider: Provider, harvest: Harvest, members: list[Account], victims: list[Account]
) -> dict[str, object]:
    """The truth about a campaign, and what it cost its operator."""
    every = [turn for member in members for begun in member.plan for turn in begun.talk.turns]
    total = sum(harvest.counts.values())
    cards = {member.payment for member in members if member.payment}
    cost = {
        "accounts": len(members), "cards": len(cards), "shared_exits": len(provider.exits),
        "rented": sum(len(member.places) for member in members), "stolen_keys": len(victims),
        "paraphrases": harvest.paraphrased, "cover": sum(not turn.campaign for turn in every),
    }  # fmt: skip
    shares = {aim: round(count / total, 4) for aim, count in sorted(harvest.counts.items())} if total else {}
    return {"campaign": campaign.name, "provider": provider.name, "capabilities": shares, "accounts": len(members),
            "victims": len(victims), "extraction_exchanges": total, "cost": cost}  # fmt: skip
