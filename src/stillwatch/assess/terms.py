"""How a fact becomes a term: small functions with a bound on what one fact may say, and abstention where it is
absent."""

import math
from collections.abc import Mapping
from decimal import Decimal

from stillwatch.records import Term

Facts = Mapping[str, float | Decimal | str | None]


def number(facts: Facts, name: str) -> float | None:
    """A fact as a finite number, or None where the signal is absent. SQL answers some medians and sums as decimals."""
    value = facts.get(name)
    if isinstance(value, bool | int | float | Decimal) and math.isfinite(value):
        return float(value)
    return None


def clipped(value: float, least: float, most: float) -> float:
    """The value held within bounds."""
    return max(least, min(most, value))


def lift(share: float, base: float, *, prior: float = 0.05) -> float:
    """ln of how much more common something is in the group than elsewhere, shrunk where both are rare."""
    return math.log((share + prior) / (base + prior))


def ramp(value: float, low: float, high: float) -> float:
    """0 at `low`, 1 at `high`, linear between and flat beyond; `low` may exceed `high`."""
    return clipped((value - low) / (high - low), 0.0, 1.0)


def term(question: str, name: str, value: float, because: str) -> tuple[Term, ...]:
    """One term, or none where it says nothing (under a hundredth of a nat)."""
    return (Term(question, name, round(value, 4), because),) if abs(value) >= 0.01 else ()
