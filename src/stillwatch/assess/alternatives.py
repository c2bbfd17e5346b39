"""What else could explain a group: each explanation with what speaks for and against it, and a verdict.

Benchmark and own data explain only where concealment is absent, or imitating them would be a free pass.
"""

from dataclasses import dataclass

from stillwatch.assess.terms import Facts, number


@dataclass(frozen=True)
class Alternative:
    """An innocent explanation: `verdict` is `explains`, `possible`, or `rejected`. `price` is what imitating it
    costs."""

    name: str
    for_it: str
    against_it: str
    verdict: str
    price: str


def alternatives(facts: Facts, concealed: float, families: frozenset[str]) -> list[Alternative]:
    """Every explanation considered, in a fixed order. `families` are those that confirmed the group."""
    hidden = concealed >= 0.0
    return [
        _affiliated(facts),
        _same_items(facts, hidden),
        _own_data(facts, hidden),
        _one_product(facts, families),
        _reseller(facts),
        _viral(facts, families),
    ]


def explanation(found: list[Alternative]) -> str:
    """The name of the first alternative that explains the group, or nothing."""
    return next((a.name for a in found if a.verdict == "explains"), "")


def _verdict(explains: bool, possible: bool) -> str:
    return "explains" if explains else "possible" if possible else "rejected"


def _share(facts: Facts, name: str) -> float:
    return number(facts, name) or 0.0


def _affiliated(facts: Facts) -> Alternative:
    proxied = number(facts, "top_block_proxied")
    place = _share(facts, "top_block") * (0.5 if proxied is None else 1.0 - proxied)
    name = max(_share(facts, "top_verified_domain"), _share(facts, "top_org"))
    mail = _share(facts, "top_email_domain") if _share(facts, "email_domain_common") < 0.01 else 0.0
    return Alternative(
        "affiliated",
        f"{place:.0%} of the shared work from one open block, {name:.0%} under one name, "
        f"{mail:.0%} with one mail domain",
        f"{_share(facts, 'proxied'):.0%} through hosting or proxy networks",
        _verdict(max(place, name) >= 0.6, max(place, name, mail) >= 0.4),
        "one office, one name: every account falls with the first",
    )


def _same_items(facts: Facts, hidden: bool) -> Alternative:
    shared = number(facts, "items_shared")
    return Alternative(
        "shared benchmark or homework",
        "items unknown" if shared is None else f"{shared:.0%} of the items were sent by two or more accounts",
        "concealment is shown" if hidden else "",
        _verdict(shared is not None and shared > 0.3 and not hidden, shared is not None and shared > 0.3),
        "asking each item several times",
    )


def _own_data(facts: Facts, hidden: bool) -> Alternative:
    log_bf = number(facts, "one_source")
    return Alternative(
        "common template, own data",
        "" if log_bf is None else f"ln Bayes factor of one source against own data {log_bf:+.1f}",
        "concealment is shown" if hidden else "",
        _verdict(log_bf is not None and log_bf < 0 and not hidden, log_bf is not None and log_bf < 0),
        "one topic an account: narrow coverage",
    )


def _one_product(facts: Facts, families: frozenset[str]) -> Alternative:
    share = _share(facts, "product_share")
    only = families <= {"content", "work", "client"}
    return Alternative(
        "same product",
        f"{share:.0%} of the shared work carries one client's static words",
        "" if only else f"also confirmed by {', '.join(sorted(families - {'content', 'work', 'client'}))}",
        _verdict(only, share >= 0.8 and _share(facts, "settled") >= 0.5),
        "cards, mails, addresses and hours of its own for each account",
    )


def _reseller(facts: Facts) -> Alternative:
    share = _share(facts, "resold")
    return Alternative(
        "declared reseller",
        f"{share:.0%} of the shared work through declared resellers",
        "",
        _verdict(share >= 0.5, share > 0.1),
        "a contract",
    )


def _viral(facts: Facts, families: frozenset[str]) -> Alternative:
    known = number(facts, "shared_an_account")
    each = known or 0.0
    bare = families <= {"content", "work", "timing"}
    return Alternative(
        "viral prompt",
        f"{each:.0f} shared exchanges in the median account",
        "" if bare else f"confirmed by {', '.join(sorted(families - {'content', 'work', 'timing'}))}",
        _verdict(bare and known is not None and each <= 3, bare and known is not None and each <= 6),
        "three exchanges an account",
    )
