"""What is stated of a group and of its members, fitted to what was true in simulated worlds.

*A group*: that it is a campaign, from the product of its three questions. The product would be right if the questions
had nothing to do with each other; who hides is likelier to extract, so it understates. Fitted by logistic regression
with a weak prior (0 and 1, standard deviations 2 and 1) on 431 groups of 26 worlds of three authors that had been
looked at; docs/decisions/0043 has the check on others. Simulated worlds flatter: read it with the confidence.

*A member*: how likely it is the operator's own, where too little is shown to accuse it: an estimate that accuses
nobody. Two kinds of members of a suspected group are named and not accused: strangers, whom access hardly links, and
who may be a stolen key. For a stranger the odds of those with its wordings and its own access speak, for the others
how much they look like a victim and what their registration says. Weights were fitted on 930 such members of twelve
simulated worlds (seeds 8 to 11 of `mixed` and `hard`, 31 to 34 of `wide`); docs/decisions/0021 has the check on
others. How it is evaded: an operator whose accounts look like victims to the last trait gets a low estimate, and pays
for each life.
"""

import math

from stillwatch.stats import logistic

GROUP = (1.44, 1.09)
"""Log-odds of a campaign where the product of the three questions is even, and for each nat of the product's odds."""

LEAST = 1e-9
FARTHEST = 7.0
"""Nats of the product's odds beyond which nothing was seen, so that nothing more is stated."""

STRANGER = (0.7, 1.3)
"""Log-odds of a stranger at even evidence, and for each nat of access and company."""

HELD = (12.6, -2.4, 6.8)
"""Log-odds of a possible victim without any likeness, for each nat of likeness, and for each nat of registration: a
victim's registration is unlinked, 0.7 nats at most in those worlds."""


def of_group(product: float) -> float:
    """That a group is a campaign, from the product of its questions' probabilities."""
    start, slope = GROUP
    product = min(max(product, LEAST), 1.0 - LEAST)
    odds = math.log(product / (1.0 - product))
    return logistic(start + slope * min(max(odds, -FARTHEST), FARTHEST))


def of_stranger(nats: float) -> float:
    """From the nats that access and company say together."""
    start, slope = STRANGER
    return logistic(start + slope * nats)


def of_possible_victim(likeness: float, registration: float) -> float:
    """From the nats of likeness to a victim and of registration; neither counts below zero."""
    start, alike, linked = HELD
    return logistic(start + alike * max(likeness, 0.0) + linked * max(registration, 0.0))
