"""Whether the accounts of a suspected group are a network provider's: one pool of access, several customers.

An operator's accounts do its own work, and whatever else they send is cover, which nobody but they has a use for or
which is copied from customers elsewhere. A provider's accounts carry what its customers ask: the extraction of two
operators or more, for unrelated purposes, and ordinary work of several customers, each of whom a few of its accounts
serve and nobody else. Both roles accuse, and this score accuses nobody: it tells which of the two an accused account
is, and abstains in favour of operator. Weights are set by hand. How it is evaded: customers who only chat, or who stay
with one account each, leave no wordings by which they are seen; and an operator can make up such customers, who then
passes for a provider, and is accused as one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.assess.extracting import LIKE_EVERYONE, OF_ITS_OWN, SLOPE
from stillwatch.assess.terms import ramp, term
from stillwatch.records import Score, Term

Floats = NDArray[np.float64]

QUESTION = "provider"
PRIOR = -3.0
"""Of accused pools few are a provider's: where nothing is seen they are operators."""

UNNAMED = "unknown"
PURPOSES = {
    **dict.fromkeys(("cot_elicitation", "post_hoc_reasoning", "trace_coercion"), "reasoning"),
    **dict.fromkeys(("rubric_grading", "preference_pairs", "reward_model"), "judging"),
    **dict.fromkeys(("data_synthesis", "sensitive_rewrite"), "synthesis"),
    **dict.fromkeys(("code_generation", "agentic_coding", "tool_use", "computer_use"), "acting"),
}
PURPOSES[UNNAMED] = "unnamed"
"""Capabilities that one training run wants together. Grades and preference pairs are one operator's two aims; reasoning
and synthesis need not be."""

LEAST_ACCOUNTS, LEAST_HOURS = 3, 8
"""Accounts over which a customer is spread, and hours of an account in which it asks, for it to be seen."""

GATHERED = 0.6
"""Share of the accounts over which as many hours of the pool's own work would be dealt out, up to which a wording is a
customer's. In looked-at worlds wordings of operators' programmes that no rule names reach .74 to 1.3 of them,
customers' .15 to .65."""

ONE_CUSTOMER = 0.5
"""Jaccard similarity of two wordings' accounts from which they are one customer's."""

SHOWN = 3
"""Customers from which nothing more is said: one might be the operator's other business."""


@dataclass(frozen=True)
class Carried:
    """One wording of a group: its accounts, with the exchanges of each, its capability (empty where no rule names it),
    how far it leans to harvest beyond what everyone asks (None where no text is seen), how many accounts outside of the
    group use it, and in how many hours each of its accounts does."""

    accounts: Mapping[int, int]
    capability: str
    beyond: float | None
    outside: int
    hours: Mapping[int, int]

    @property
    def exchanges(self) -> int:
        """All exchanges in this wording."""
        return sum(self.accounts.values())

    @property
    def purpose(self) -> float:
        """Purpose in nats, as the second question counts it; 0 where no text is seen."""
        return 0.0 if self.beyond is None else SLOPE * self.beyond + LIKE_EVERYONE


def provider(
    work: Sequence[Carried], pool: Collection[int], *, named: Mapping[int, int], handed_on: bool = False
) -> Score:
    """Log-odds that a pool of accused accounts is a provider's and no operator's, with named terms.

    Args:
        work: the wordings that the pool's group shares.
        pool: the accused accounts.
        named: end users whom the exchanges of an account name, for accounts that name any.
        handed_on: material of one purpose comes back under another, as in one operator's pipeline.
    """
    held = frozenset(pool)
    served = customers(work, held)
    carriers = held.intersection(*[frozenset().union(*served)]) if served else frozenset()
    terms = _two_purposes(work, held, handed_on=handed_on)
    terms += _customers(len(served), len(carriers), len(held))
    return Score(QUESTION, PRIOR, terms + _named(named, held))


def customers(work: Sequence[Carried], pool: frozenset[int]) -> list[frozenset[int]]:
    """The ordinary customers of a pool, each by the accounts that serve it; those of alike accounts are one.

    A customer is a wording that asks for nothing to train on, that no account outside uses (an operator's cover is
    copied from somebody, who uses it too), and that is gathered in fewer accounts than the pool's own work would be: a
    wording of the pool's programme that no rule knows is dealt out as the programme is.
    """
    found: list[frozenset[int]] = []
    weights = _weights(work, pool)
    for wording in sorted(work, key=lambda one: (-one.exchanges, sorted(one.accounts))):
        within = frozenset(wording.accounts) & pool
        if _is_customer(wording, within, weights):
            same = next((at for at, one in enumerate(found) if _alike(one, within)), None)
            if same is None:
                found.append(within)
            else:
                found[same] |= within
    return found


def _is_customer(wording: Carried, within: frozenset[int], weights: Floats) -> bool:
    if wording.beyond is None or wording.purpose >= 0.0 or wording.outside or len(within) < LEAST_ACCOUNTS:
        return False
    hours = sum(wording.hours[account] for account in within)
    return hours >= LEAST_HOURS and len(within) <= GATHERED * float((1.0 - (1.0 - weights) ** hours).sum())


def _weights(work: Sequence[Carried], pool: frozenset[int]) -> Floats:
    """Each account's share of the hours in which the pool asks for training material; one hour is added to each."""
    hours = dict.fromkeys(sorted(pool), 1)
    for wording in work:
        for account in pool.intersection(wording.hours) if wording.purpose >= OF_ITS_OWN else ():
            hours[account] += wording.hours[account]
    held = np.array(list(hours.values()), dtype=np.float64)
    return np.asarray(held / max(held.sum(), 1.0))


def _alike(one: frozenset[int], other: frozenset[int]) -> bool:
    return len(one & other) >= ONE_CUSTOMER * len(one | other)


def purposes(work: Sequence[Carried], pool: frozenset[int]) -> dict[str, float]:
    """The shares of unrelated purposes in what the pool asks for training, the largest first; wordings that ask for it
    and that no rule names count as one purpose more, for one operator's are mostly known together."""
    counts: dict[str, int] = {}
    for wording in work:
        purpose = PURPOSES.get(wording.capability or UNNAMED)
        if purpose and wording.purpose >= OF_ITS_OWN:
            sent = sum(count for account, count in wording.accounts.items() if account in pool)
            counts[purpose] = counts.get(purpose, 0) + sent
    total = sum(counts.values())
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return {name: count / total for name, count in ranked if count} if total else {}


def _two_purposes(work: Sequence[Carried], pool: frozenset[int], *, handed_on: bool) -> tuple[Term, ...]:
    shares = purposes(work, pool)
    if not shares:
        return ()
    second = sorted(shares.values(), reverse=True)[1] if len(shares) > 1 else 0.0
    told = ", ".join(f"{name} {share:.0%}" for name, share in shares.items() if share >= 0.005)
    value = -2.0 + 3.5 * ramp(second, 0.05, 0.2)
    if handed_on:
        value, told = min(value, -2.0), f"{told}; material of one comes back under another"
    return term(QUESTION, "unrelated purposes", value, f"what is asked for training: {told}")


def _customers(served: int, carriers: int, pool: int) -> tuple[Term, ...]:
    because = f"{served} ordinary customers are seen, each gathered in a few of these accounts and nowhere else"
    terms = term(QUESTION, "customers", 1.5 * (min(served, SHOWN) - 1), because)
    share = carriers / max(pool, 1)
    because = f"{share:.0%} of the accounts serve one of them beside the extraction"
    return terms + term(QUESTION, "carriers", -1.0 + 2.0 * ramp(share, 0.1, 0.4), because)


def _named(named: Mapping[int, int], pool: frozenset[int]) -> tuple[Term, ...]:
    """Named users speak for a provider, and unnamed ones against nobody: hardly any network passes them on. Anybody can
    write names into a field, so that they say little."""
    several = sum(count >= 2 for account, count in named.items() if account in pool)
    share = several / max(len(pool), 1)
    return term(QUESTION, "named users", 0.5 * ramp(share, 0.2, 0.6), f"{share:.0%} name two end users or more")
