"""What a campaign costs its operator: counts from the simulation, times a table of unit prices.

Prices are assumptions, stated with their source in `data/words/prices.json`; where a price has no public source the
table says "assumed". They order evasions by cost. They are not a forecast of an operator's budget.
"""

from collections.abc import Mapping

from stillwatch.worlds.corpus import lexicon


def bill(counts: Mapping[str, float]) -> dict[str, float]:
    """Dollars for each thing that has a price, for all of it, and for each exchange that was extracted.

    Args:
        counts: how many of each thing, by the names of the price table; others are left out.
    """
    prices = lexicon("prices")
    items = {name: round(count * prices[name]["dollars"], 2) for name, count in counts.items() if name in prices}
    total = round(sum(items.values()), 2)
    return {**items, "total": total, "each_extraction": round(total / max(1, counts["extraction"]), 4)}
