"""Whom a policy's rules hit, and what no policy can get round.

The ceiling of an account follows from the finding alone, whatever a rule says: who is not accused is not limited, and
is asked who stands behind it only where it is rather the operator's own than not, a stolen key's owner is asked for a
new key and for nothing else, and beyond a label nothing happens to anybody in a finding that is for review or
permitted, or about what exceeds a permission. A rule that reaches above the ceiling is barred there: it is no milder
hit, since its reason would not be true of that account.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from stillwatch.records import ACCUSING, AUTOMATIC_CEILING, EVEN, Hit, Obligation, Rung
from stillwatch.respond.cel import Decision, Unknown
from stillwatch.respond.facts import EXCESS, Facts
from stillwatch.respond.policy import Policy, Rule

NEW_KEY = Obligation("challenge", (("kind", "rotate_key"),))
"""All that may be asked of a stolen key's owner."""


@dataclass(frozen=True)
class Abstained:
    """A rule that says nothing of an account: `unknown` where facts lack that would decide, `barred` where it reaches
    above what the finding allows. `because` are the facts' names, or one sentence."""

    account_id: str
    campaign_id: str
    rule_id: str
    why: str
    because: tuple[str, ...]


@dataclass(frozen=True)
class Judged:
    """All that a policy says of a run: hits, and where its rules abstained. Ascending by account and finding, rules in
    the file's order."""

    hits: tuple[Hit, ...]
    abstained: tuple[Abstained, ...]


def hits_of(policy: Policy, facts_by_account: Mapping[str, Sequence[Facts]], now: datetime) -> list[Hit]:
    """The hits of a policy's rules that have not expired, in shadow and enforced, by account, finding and rule."""
    return list(judged(policy, facts_by_account, now).hits)


def judged(policy: Policy, facts_by_account: Mapping[str, Sequence[Facts]], now: datetime) -> Judged:
    """The same with what abstained."""
    live = [rule for rule in policy.rules if rule.is_live(now)]
    needed = frozenset[str]().union(*(rule.when.facts for rule in live))
    hits: list[Hit] = []
    abstained: list[Abstained] = []
    for name in sorted(facts_by_account):
        for facts in sorted(facts_by_account[name], key=lambda one: one.campaign_id):
            decision = Decision(facts.values, needed)
            for rule in live:
                said = _said(policy, rule, facts, decision.of(rule.when))
                if isinstance(said, Hit):
                    hits.append(said)
                elif said is not None:
                    abstained.append(said)
    return Judged(tuple(hits), tuple(abstained))


def _said(policy: Policy, rule: Rule, facts: Facts, answer: bool | Unknown) -> Hit | Abstained | None:
    about = (facts.account_id, facts.campaign_id, rule.id)
    if isinstance(answer, Unknown):
        return Abstained(*about, "unknown", tuple(sorted(answer.facts)))
    if not answer:
        return None
    barred = bar(rule.rung, rule.obligations, facts)
    if barred:
        return Abstained(*about, "barred", (barred,))
    return Hit(
        facts.account_id, facts.campaign_id, facts.run_id, rule.id, policy.ref, rule.rung, rule.obligations, rule.mode,
        rule.severity, rule.owner, rule.reason, rule.reason_code, f"{rule.clause}: {policy.clauses[rule.clause]}",
        rule.hours,
    )  # fmt: skip


def ceiling(facts: Facts) -> Rung:
    """The highest rung that any rule may speak of for an account of a finding."""
    values = facts.values
    if values.get("finding.status") != "suspected" or values.get("finding.kind") == EXCESS:
        return Rung.LABEL
    if values.get("member.accused") is True and values.get("member.role") in ACCUSING:
        return Rung.SUSPEND
    return Rung.VERIFY if values.get("member.role") == "victim" or _is_likely(values) else Rung.LABEL


def _is_likely(values: Mapping[str, object]) -> bool:
    """Whether a bystander is rather the operator's own than not; runs of older versions call such a member operator."""
    estimate = values.get("member.estimate")
    known = isinstance(estimate, int | float) and not isinstance(estimate, bool) and estimate >= EVEN
    return known and values.get("member.role") in (*ACCUSING, "bystander")


def bar(rung: Rung, obligations: Iterable[Obligation], facts: Facts) -> str:
    """Why this may not be done about the account, in one sentence; empty where it may."""
    top = ceiling(facts)
    role, status = facts.values.get("member.role", "unknown"), facts.values.get("finding.status", "unknown")
    if rung > top:
        rather = "" if _is_likely(facts.values) else " and not likelier than not the operator's own"
        who = f"the role {role}, where not accused{rather}"
        return f"{top.name.lower()} is the most for {who}, in a finding that is {status}"
    if role == "victim" and rung == Rung.VERIFY and tuple(obligations) != (NEW_KEY,):
        return "the owner of a stolen key is asked for a new key (challenge: rotate_key) and for nothing else"
    return ""


def is_proposal(hit: Hit) -> bool:
    """Whether a named person must approve it before anything happens: nobody is suspended automatically, ever."""
    return hit.rung > AUTOMATIC_CEILING
