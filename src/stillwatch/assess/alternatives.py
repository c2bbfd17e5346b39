"""What else could explain a group: each explanation with what speaks for and against it, and a verdict.

Benchmark, own data and an organisation that accounts merely say explain only where concealment is absent, or imitating
them would be a free pass.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from stillwatch.assess.terms import Facts, number
from stillwatch.records import Score


@dataclass(frozen=True)
class Alternative:
    """An innocent explanation: `verdict` is `explains`, `possible`, `rejected`, or `unknown` where nothing that would
    show it was logged."""

    name: str
    for_it: str
    against_it: str
    verdict: str


def alternatives(facts: Facts, concealed: float, families: frozenset[str]) -> list[Alternative]:
    """Every explanation considered, in a fixed order. `families` are those that confirmed the group."""
    hidden = concealed >= 0.0
    return [
        _affiliated(facts, hidden),
        _same_items(facts, hidden),
        _own_data(facts, hidden),
        _one_product(facts, families),
        _reseller(facts),
        _viral(facts, families),
    ]


def explanation(found: list[Alternative]) -> str:
    """The name of the first alternative that explains the group, or nothing."""
    return next((a.name for a in found if a.verdict == "explains"), "")


ONE_CLIENT = 0.5
"""Share of the work that carries one client's static words, from which that client's users explain a group that only
content, work and client confirm."""

AFFILIATED = "affiliated"
RESELLER = "declared reseller"

NOT_LOGGED = "nothing logged that would show it"

WEIGHED_BY = {
    AFFILIATED: (
        "one stable place", "one verified domain", "one declared organisation", "few payers", "one mail domain",
        "made to look unrelated", "proxy networks",
    ),
    "shared benchmark or homework": ("same items", "swept once"),
    "common template, own data": ("source of work",),
    "same product": (
        "one product", "infrastructure agrees", "registration agrees", "timing agrees",
    ),
    "viral prompt": (
        "own wordings", "infrastructure agrees", "registration agrees", "client agrees",
    ),
}  # fmt: skip
"""The terms of the three questions whose facts an explanation explains, or cannot. Nothing weighs a declared reseller
or a permission: a contract is there or is not."""

AGREES, FEW = " agrees", "borne by few"
"""Terms that a family agrees, and the one that takes them back where few members bear them: back, and no further."""


def log_ratio(one: Alternative, scores: Iterable[Score]) -> float | None:
    """ln of how much better the explanation accounts for its own facts than a covert campaign does: less the sum of the
    terms that rest on them. None where nothing was logged, or no term speaks of it.

    The terms' weights are set by hand, and bounded; and other facts speak as well. So it decides no verdict.
    """
    if one.name not in WEIGHED_BY:
        return None
    terms = [term for score in scores for term in score.terms]
    mine = [term for term in terms if term.name in WEIGHED_BY[one.name]]
    if not mine:
        return None if one.verdict == "unknown" else 0.0
    agreed = sum(term.value for term in mine if term.name.endswith(AGREES))
    taken = sum(term.value for term in terms if term.name == FEW)
    return -sum(term.value for term in mine if not term.name.endswith(AGREES)) - max(agreed + taken, 0.0)


def _verdict(explains: bool, possible: bool, *, seen: bool) -> str:
    if explains or possible:
        return "explains" if explains else "possible"
    return "rejected" if seen else "unknown"


def _seen(facts: Facts, *names: str) -> bool:
    """Whether any of these facts is known."""
    return any(number(facts, name) is not None for name in names)


def _share(facts: Facts, name: str) -> float:
    return number(facts, name) or 0.0


def _affiliated(facts: Facts, hidden: bool) -> Alternative:
    proxied = number(facts, "top_block_proxied")
    place = _share(facts, "top_block") * (0.5 if proxied is None else 1.0 - proxied)
    name = max(_share(facts, "top_verified_domain"), _share(facts, "top_org"))
    declared = _share(facts, "top_declared_org")
    mail = _share(facts, "top_email_domain") if _share(facts, "email_domain_common") < 0.01 else 0.0
    seen = _seen(facts, "top_block", "top_verified_domain", "top_org", "top_declared_org", "top_email_domain")
    said = f"{place:.0%} of the shared work from one open block, {name:.0%} under one name, "
    said += f"{declared:.0%} say one organisation, {mail:.0%} in one mail domain"
    hides = number(facts, "proxied")
    return Alternative(
        AFFILIATED,
        said if seen else NOT_LOGGED,
        "" if hides is None else f"{hides:.0%} through hosting or proxy networks",
        _verdict(
            max(place, name) >= 0.6 or (declared >= 0.6 and not hidden),
            max(place, name, declared, mail) >= 0.4,
            seen=seen,
        ),
    )


def _same_items(facts: Facts, hidden: bool) -> Alternative:
    shared = number(facts, "items_shared")
    same = shared is not None and shared > 0.3
    return Alternative(
        "shared benchmark or homework",
        NOT_LOGGED if shared is None else f"{shared:.0%} of the items were sent by two or more accounts",
        "concealment is shown" if hidden else "",
        _verdict(same and not hidden, same, seen=shared is not None),
    )


def _own_data(facts: Facts, hidden: bool) -> Alternative:
    log_bf = number(facts, "one_source")
    own = log_bf is not None and log_bf < 0
    return Alternative(
        "common template, own data",
        NOT_LOGGED if log_bf is None else f"ln pseudo-Bayes factor of one source against own data {log_bf:+.1f}",
        "concealment is shown" if hidden else "",
        _verdict(own and not hidden, own, seen=log_bf is not None),
    )


def _one_product(facts: Facts, families: frozenset[str]) -> Alternative:
    share, seen = _share(facts, "product_share"), _seen(facts, "product_share")
    only = families <= {"content", "work", "client"}
    said = [f"{share:.0%} of the shared work carries one client's own words (system text, tools)"] if seen else []
    said += ["nothing else confirms it than what the users of one product share"] if only else []
    return Alternative(
        "same product",
        "; ".join(said) if said else NOT_LOGGED,
        "" if only else f"also confirmed by {', '.join(sorted(families - {'content', 'work', 'client'}))}",
        _verdict(only and share >= ONE_CLIENT, only or (share >= 0.8 and _share(facts, "settled") >= 0.5), seen=seen),
    )


def _reseller(facts: Facts) -> Alternative:
    """A contract explains. To say so costs a field of a form, and puts one name on every account: it is a question for
    whoever says it, so that such a group is for review and no further (`SAID_TO_RESELL`)."""
    share, said, seen = _share(facts, "resold"), _share(facts, "said_resold"), _seen(facts, "resold", "said_resold")
    told = f"{share:.0%} of the shared work through resellers with a contract"
    told += f", {said:.0%} through accounts that say they resell" if said > share else ""
    return Alternative(
        RESELLER,
        told if seen else NOT_LOGGED,
        "most of them hold no permission to resell" if said >= 0.5 > share else "",
        _verdict(share >= 0.5, max(share, said) > 0.1, seen=seen),
    )


def _viral(facts: Facts, families: frozenset[str]) -> Alternative:
    each = number(facts, "shared_an_account")
    few = 0.0 if each is None else each
    others = sorted(families - {"content", "work", "timing"})
    bare = each is not None and not others
    return Alternative(
        "viral prompt",
        NOT_LOGGED if each is None else f"{each:.0f} shared exchanges in the median account",
        f"confirmed by {', '.join(others)}" if others else "",
        _verdict(bare and few <= 3, bare and few <= 6, seen=each is not None),
    )
