"""Operators who look like an honest explanation: one axis, `imitate`, whose price the operator pays in concealment."""

from acting.acts import Account
from acting.operators.provider import Provider
from acting.world import World

KINDS = ("affiliated", "reseller", "viral", "same-items", "product")


def imitate(world: World, campaign: str, provider: Provider, member: Account) -> None:
    """Dress one member as the explanation that the world's axis names; `same-items` and `product` dress the work."""
    kind = world.settings.get("imitate", "")
    if kind == "affiliated":
        affiliate(campaign, provider, member)
    elif kind == "reseller":
        member.org_id, member.reseller_of = f"org_{campaign}", "many"
        member.email = f"pool{member.dice.whole(1, 9999)}@{provider.domains[0]}"
    elif kind == "viral":
        narrow(member)


def affiliate(campaign: str, provider: Provider, member: Account) -> None:
    """Claim one organisation and mail domain, which nobody verified; who has no shared exit sits in one office."""
    member.org_id = f"org_{campaign}"
    member.email = f"{member.email.split('@')[0]}@{provider.domains[0]}"
    if member.persona["exits"] == "own":
        member.places = [(provider.exits[0], 1.0, 1.0)]


def narrow(member: Account) -> None:
    """Harvest like a fashion: all of it within four days."""
    for begun in member.plan:
        if begun.talk.turns[0].campaign:
            begun.at = max(member.born + 60, (9 + (begun.at / 86400) % 4) * 86400 + begun.at % 86400)
    member.plan.sort(key=lambda begun: begun.at)
