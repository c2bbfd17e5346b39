"""Where hidden traffic leaves: pools of hosting, VPN and residential addresses that a proxy network rents.

Real blocks. Honest neighbours use the same VPN exits; honest customers of an access provider use its relay.
"""

from stillwatch.worlds import places
from stillwatch.worlds.draft import Draft
from stillwatch.worlds.places import Place

LATTICE = "lattice"
"""The provider on which two campaigns run beside its honest customers."""


def relay_exits(draft: Draft, name: str, size: int = 36) -> list[Place]:
    """The shared pool of a network: half hosting, some VPN exits, a third rented homes of several countries."""
    dice = draft.dice("exits", name)
    found: list[Place] = []
    for number in range(size):
        if number % 6 < 3:
            found.append(places.server(draft.corpus, dice, 1.0, fixed=0.7))
        elif number % 6 == 3:
            found += places.vpn(draft.corpus, dice, 1.0)[:1]
        else:
            found.append(places.spot(draft.corpus, dice, "residential", places.country(dice), 0.7, fixed=0.4))
    return found


def bystander_exits(draft: Draft) -> list[Place]:
    """The VPN exits within the first operators' pools, as their other customers see them: with any host."""
    pools = [place for name in ("copper", LATTICE) for place in relay_exits(draft, name)]
    return [Place(place.block, place.host, 0.4) for place in pools if place.block.kind == "vpn"]
