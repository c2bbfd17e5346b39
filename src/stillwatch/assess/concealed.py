"""Third question: is it concealed? Hiding, bypass, replacement and mixture, against open and settled belonging."""

from stillwatch.assess.automation import hidden_programs
from stillwatch.assess.terms import Facts, clipped, lift, number, ramp, term
from stillwatch.records import Score, Term

QUESTION = "concealed"
PRIOR = -1.5
COMMON_DOMAIN = 0.01
"""A mail domain that this share of all accounts uses is a public provider: it tells nothing of belonging."""


USUAL = 10.0
"""Accounts suspended as often as elsewhere that are added to a group's own: one ban among few is chance."""

BY_NAME = (0.2, 0.5)
ONE_OF_FEW_PAYERS = (0.15, 0.3)
"""Shares of the accounts with one name or one payment, from which they begin to belong together for all to see, and do:
a customer has a few cards, and who hides has many."""

APART = 1.0
"""Nats for members who are joined and look like strangers."""

PAYERS, OPENLY_PAID = (0.5, 0.3), 1.5
"""Payers for each account from which many accounts begin to be paid for by a few for all to see, and are; and nats
against hiding where they are. Campaigns of three authors had .6 and more, honest resellers .1 to .2. No more than what
the question begins with: a card that is used three times is what a careless fraud has as well."""

ONE_NAME = ("top_verified_domain", "top_org", "top_declared_org", "top_payment", "top_signup_block")
"""What holds accounts together for all to see, beside one place and one mail domain."""


def concealed(facts: Facts, base: Facts) -> Score:
    """Log-odds that a group hides that it belongs together, with named terms. `base` are the accounts in no group."""
    terms: tuple[Term, ...] = ()
    for part in (_from_elsewhere, _weak_doors, hidden_programs, _replaced, _scattered, _mixture):
        terms += part(facts, base)
    for own in (_apart, _one_place, _one_name, _settled, _tenure):
        terms += own(facts)
    return Score(QUESTION, PRIOR, terms)


def _compared(facts: Facts, base: Facts, name: str) -> tuple[float, float] | None:
    share, usual = number(facts, name), number(base, name)
    return None if share is None or usual is None else (share, usual)


def _from_elsewhere(facts: Facts, base: Facts) -> tuple[Term, ...]:
    """Proxy networks and other countries than the bill's. Where both speak for hiding the stronger one counts alone: a
    server that is rented abroad is both, and hides nothing twice."""
    terms = (*_proxied(facts, base), *_abroad(facts, base))
    if all(one.value > 0.0 for one in terms):
        return (max(terms, key=lambda one: one.value),) if terms else ()
    return terms


def _proxied(facts: Facts, base: Facts) -> tuple[Term, ...]:
    pair = _compared(facts, base, "proxied")
    if pair is None:
        return ()
    known = number(facts, "classed")
    known = 1.0 if known is None else known
    because = f"{pair[0]:.0%} of the shared work comes through hosting or proxy networks ({pair[1]:.0%} elsewhere)"
    because += "" if known >= 0.9 else f"; the network's kind is known of {known:.0%}"
    value = clipped(lift(*pair), -0.5 * known, 1.8)
    return term(QUESTION, "proxy networks", value * (1.0 - _as_they_live(facts) * (value > 0)), because)


def _abroad(facts: Facts, base: Facts) -> tuple[Term, ...]:
    pair = _compared(facts, base, "abroad")
    if pair is None:
        return ()
    because = f"{pair[0]:.0%} of the shared work comes from outside the billing country ({pair[1]:.0%} elsewhere)"
    value = clipped(lift(*pair), -0.5, 1.8)
    return term(QUESTION, "region bypass", value * (1.0 - _as_they_live(facts) * (value > 0)), because)


def _as_they_live(facts: Facts) -> float:
    """0 to 1: how far the shared work comes from where the rest of its senders' life does. Proxies and countries hide
    nothing then: so live the customers of one proxy network, and those of a reseller."""
    return ramp(number(facts, "at_home") or 0.0, 0.6, 0.9)


def _weak_doors(facts: Facts, base: Facts) -> tuple[Term, ...]:
    pair = _compared(facts, base, "weak_door")
    if pair is None:
        return ()
    because = (
        f"{pair[0]:.0%} of the accounts came by an education, research, startup or trial door ({pair[1]:.0%} elsewhere)"
    )
    value = clipped(0.7 * lift(*pair), -0.3, 1.0) * (1.0 - _one_mail_domain(facts))
    return term(QUESTION, "weak doors", value, because)


def _replaced(facts: Facts, base: Facts) -> tuple[Term, ...]:
    pair = _compared(facts, base, "suspended")
    if pair is None:
        return ()
    after = number(facts, "after_ban") or 0.0
    accounts = number(facts, "n_accounts")
    share = pair[0] if accounts is None else (pair[0] * accounts + pair[1] * USUAL) / (accounts + USUAL)
    many = 1.0 if accounts is None else accounts / (accounts + USUAL)
    value = clipped(lift(share, pair[1], prior=0.02), 0.0, 1.2)
    value += 0.6 * many * ramp(after, 0.0, 0.2) if pair[0] > 0 else 0.0
    because = f"{pair[0]:.0%} of the accounts were suspended ({pair[1]:.0%} elsewhere); {after:.0%} signed up after"
    return term(QUESTION, "replaced accounts", value, because)


def _scattered(facts: Facts, base: Facts) -> tuple[Term, ...]:
    pair = _compared(facts, base, "networks")
    if pair is None or pair[1] <= 0:
        return ()
    value = clipped(0.9 * lift(pair[0], pair[1], prior=0.5), -0.3, 1.2)
    because = f"an account's shared work uses {pair[0]:.0f} networks in the median ({pair[1]:.0f} elsewhere)"
    return term(QUESTION, "many networks", value, because)


def _mixture(facts: Facts, base: Facts) -> tuple[Term, ...]:
    del base
    share, mixed = number(facts, "share_of_traffic"), number(facts, "mixed")
    if share is None or mixed is None or number(facts, "asking") is not None:
        return ()
    value = 0.5 * ramp(mixed, 0.3, 0.9) * ramp(share, 0.9, 0.4)
    return term(QUESTION, "mixture", value, f"the shared work is {share:.0%} of the members' traffic")


def _apart(facts: Facts) -> tuple[Term, ...]:
    """Members who are joined by sign-ups, cards or addresses, and whom no place, name, mail domain or payer holds
    together: strangers share none of these, and who openly belongs together has one in common. Whose shared work comes
    from where the rest of its life does looks like what it is: customers of one proxy network do."""
    linked, place = number(facts, "linked"), number(facts, "top_block")
    held = {name: share for name in ONE_NAME if (share := number(facts, name)) is not None}
    if linked is None or place is None or not held:
        return ()
    place *= 1.0 - (number(facts, "top_block_proxied") or 0.0)
    names = [ramp(share, *(ONE_OF_FEW_PAYERS if name == "top_payment" else BY_NAME)) for name, share in held.items()]
    payers = number(facts, "payers")
    names += [] if payers is None else [ramp(payers, *PAYERS)]
    openly = max(ramp(place, 0.1, 0.3), _one_mail_domain(facts), _as_they_live(facts), *names)
    because = (
        f"{linked:.0%} of the members are joined by access, and no open place, name or payer holds more than "
        f"{max(place, *held.values()):.0%}"
    )
    return term(QUESTION, "made to look unrelated", APART * ramp(linked, 0.5, 0.7) * (1.0 - openly), because)


def _one_place(facts: Facts) -> tuple[Term, ...]:
    share, proxied = number(facts, "top_block"), number(facts, "top_block_proxied")
    if share is None:
        return ()
    value = -3.5 * ramp(share, 0.3, 0.7) * (1.0 - (proxied or 0.0))
    return term(
        QUESTION, "one stable place", value, f"{share:.0%} of the shared work comes from one open address block"
    )


def _one_name(facts: Facts) -> tuple[Term, ...]:
    terms: tuple[Term, ...] = ()
    for name, words in (("verified_domain", "verified domain"), ("org", "declared organisation")):
        share = number(facts, f"top_{name}")
        if share is not None:
            because = f"{share:.0%} of the accounts have one {words}"
            terms += term(QUESTION, f"one {words}", -3.0 * ramp(share, 0.4, 0.8), because)
    payers = number(facts, "payers")
    if payers is not None:
        because = f"{payers:.2f} payers for each account that is joined to the others"
        terms += term(QUESTION, "few payers", -OPENLY_PAID * ramp(payers, *PAYERS), because)
    because = f"{number(facts, 'top_email_domain') or 0.0:.0%} of the accounts write from one mail domain of their own"
    return terms + term(QUESTION, "one mail domain", -2.0 * _one_mail_domain(facts), because)


def _one_mail_domain(facts: Facts) -> float:
    """0 to 1: how far the accounts write from one mail domain that is no public provider's, as a school's do.

    A school's accounts all come through the education door: then the door says nothing of hiding.
    """
    share, common = number(facts, "top_email_domain"), number(facts, "email_domain_common")
    if share is None or common is None or common >= COMMON_DOMAIN + share * (number(facts, "size_share") or 0):
        return 0.0
    return ramp(share, 0.4, 0.8)


def _settled(facts: Facts) -> tuple[Term, ...]:
    share = number(facts, "settled")
    if share is None:
        return ()
    because = f"{share:.0%} of the accounts each work from one ordinary place of their own"
    return term(QUESTION, "settled accounts", -2.0 * ramp(share, 0.4, 0.85), because)


def _tenure(facts: Facts) -> tuple[Term, ...]:
    days = number(facts, "tenure")
    if days is None:
        return ()
    because = f"the median account was {days:.0f} days old when the shared work began"
    return term(QUESTION, "tenure", -1.0 * ramp(days, 60, 365), because)
