"""How likely a member is the operator's own, where too little is shown to accuse it: an estimate that accuses nobody.

Two kinds of members of a suspected group are named and not accused: strangers, whom access hardly links, and who may be
a stolen key. For a stranger the odds of those with its wordings and its own access speak, for the others how much they
look like a victim and what their registration says. Weights were fitted on 930 such members of twelve simulated worlds
(seeds 8 to 11 of `mixed` and `hard`, 31 to 34 of `wide`); docs/decisions/0021 has the check on others. How it is
evaded: an operator whose accounts look like victims to the last trait gets a low estimate, and pays for each life.
"""

from stillwatch.stats import logistic

STRANGER = (0.7, 1.3)
"""Log-odds of a stranger at even evidence, and for each nat of access and company."""

HELD = (12.6, -2.4, 6.8)
"""Log-odds of a possible victim without any likeness, for each nat of likeness, and for each nat of registration: a
victim's registration is unlinked, 0.7 nats at most in those worlds."""


def of_stranger(nats: float) -> float:
    """From the nats that access and company say together."""
    start, slope = STRANGER
    return logistic(start + slope * nats)


def of_possible_victim(likeness: float, registration: float) -> float:
    """From the nats of likeness to a victim and of registration; neither counts below zero."""
    start, alike, linked = HELD
    return logistic(start + alike * max(likeness, 0.0) + linked * max(registration, 0.0))
