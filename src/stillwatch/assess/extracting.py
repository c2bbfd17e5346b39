"""Second question: is the shared work extraction? Purpose of the exchanges that the group's templates explain, only.

The cover is never scored, the preamble is never scored. Each term is bounded, so that no single fact convicts.
"""

import math

from stillwatch.assess.terms import Facts, clipped, number, ramp, term
from stillwatch.records import Score, Term

QUESTION = "extracting"
PRIOR = -1.5
"""Most coordinated work is not extraction: on held-out real text apps, offices and classes outnumber it by far."""

SAME_ITEMS = 0.3
"""Share of items sent by two or more from which a group does one exercise; one source then says nothing more."""

ENOUGH = 20
"""Shared exchanges below which form and coverage say nothing."""

LIKE_ANY, OF_ITS_OWN = -1.0, 0.5
"""Purpose, in nats, from which it counts that one hand deals the work out, and from which it counts whole. A gateway
that spreads its customers over its accounts deals out as well; nothing else tells the two apart."""

SLOPE, LIKE_EVERYONE = 2.0, -0.7
"""Nats of purpose for each nat by which work leans beyond what everyone asks, and of work that does not."""

UNMISTAKABLE = 2.0
"""Purpose, in nats, from which one client's words around it excuse nothing: anybody can send the same system text."""

PARTS_LOOKED_AT = 2
"""The whole of the shared work, and the part that asks for training material."""


def extracting(facts: Facts, base: Facts) -> Score:
    """Log-odds that a group's shared work is extraction, with named terms. `base` is the traffic of no group."""
    purpose = _purpose(facts, base)
    asks = 0.0 if purpose is None else ramp(purpose, LIKE_ANY, OF_ITS_OWN)
    terms = _asked(facts, base, purpose) + _coverage(facts, asks) + _source(facts, asks)
    for part in (_own_wording, _follow_up, _answers, _part):
        terms += part(facts)
    terms += _product(facts, 0.0 if purpose is None else ramp(purpose, OF_ITS_OWN, UNMISTAKABLE))
    return Score(QUESTION, PRIOR, terms)


def _purpose(facts: Facts, base: Facts) -> float | None:
    """Rule tags know few wordings: what counts is how far the shared work leans beyond what everyone asks."""
    lean, usual = number(facts, "lean"), number(base, "lean")
    return None if lean is None or usual is None else clipped(SLOPE * (lean - usual) + LIKE_EVERYONE, -4.0, 4.0)


def _asked(facts: Facts, base: Facts, purpose: float | None) -> tuple[Term, ...]:
    if purpose is None:
        return ()
    because = (
        f"what the shared work asks for: mean log-likelihood ratio {number(facts, 'lean'):+.2f} "
        f"({number(base, 'lean'):+.2f} elsewhere)"
    )
    return term(QUESTION, "purpose", purpose, because)


def _own_wording(facts: Facts) -> tuple[Term, ...]:
    """What others ask in the same words is no programme of this group: a viral prompt, a framework, popular phrases."""
    share = number(facts, "exclusive")
    if share is None:
        return ()
    because = f"{share:.0%} of the shared work is in wordings that hardly anybody outside uses"
    return term(QUESTION, "own wordings", -3.0 * ramp(share, 0.4, 0.1), because)


def _coverage(facts: Facts, asks: float) -> tuple[Term, ...]:
    items, shared = number(facts, "items"), number(facts, "items_shared")
    if items is None or shared is None or (number(facts, "shared") or 0) < ENOUGH:
        return ()
    if shared > SAME_ITEMS:
        value = -3.0 * ramp(shared, SAME_ITEMS, 0.6) - 0.5
        because = f"{shared:.0%} of {items:,.0f} pieces of material were sent by two or more"
        return term(QUESTION, "same items", value, because)
    value = asks * ramp(shared, 0.3, 0.05) * ramp(items, 20, 200)
    because = f"{items:,.0f} pieces of material, {1 - shared:.0%} of them sent by one account only"
    return term(QUESTION, "swept once", value, because)


def _follow_up(facts: Facts) -> tuple[Term, ...]:
    share = number(facts, "follow_up")
    if share is None:
        return ()
    value = 0.6 * ramp(share, 0.15, 0.0) - 2.5 * ramp(share, 0.15, 0.6)
    return term(QUESTION, "follow-ups", value, f"{share:.0%} of the answers to the shared work were taken up later")


def _answers(facts: Facts) -> tuple[Term, ...]:
    words = number(facts, "answer_words")
    if words is None:
        return ()
    value = 0.8 * ramp(words, 60, 200) - 1.5 * ramp(words, 40, 10)
    return term(QUESTION, "answers", value, f"the median answer to the shared work has {words:.0f} words")


def _source(facts: Facts, asks: float) -> tuple[Term, ...]:
    log_bf, accounts = number(facts, "one_source"), number(facts, "one_source_accounts") or 0
    if log_bf is None or accounts < 3:
        return ()
    an_account = log_bf / accounts
    most = 1.5 * asks if (number(facts, "items_shared") or 0.0) <= SAME_ITEMS else 0.0
    value = clipped(1.5 * an_account, -3.0, most)
    says = "one source deals the material out" if log_bf > 0 else "each account brings its own material"
    return term(QUESTION, "source of work", value, f"{says}: {an_account:+.2f} nats an account (model-based)")


def _part(facts: Facts) -> tuple[Term, ...]:
    """Two looks find something by chance twice as often."""
    share = number(facts, "asking")
    if share is None:
        return ()
    because = f"{share:.0%} of the shared work, in wordings that ask for training material, is judged by itself"
    return term(QUESTION, "a part of the work", -math.log(PARTS_LOOKED_AT), because)


def _product(facts: Facts, unmistakable: float) -> tuple[Term, ...]:
    share = number(facts, "product_share")
    if share is None:
        return ()
    value = -1.5 * ramp(share, 0.5, 0.95) * (1.0 - unmistakable)
    return term(
        QUESTION,
        "one product",
        value,
        f"{share:.0%} of the shared work carries one client's own words (system text, tools)",
    )
