"""What is wrong with a policy, or should be looked at, before it is used; and the one door to a policy's use.

`load_policy` is what everything calls that judges anybody by a policy: a file in which `linted` finds an error is used
by nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from stillwatch.errors import UsageError
from stillwatch.records import ACCUSING, AUTOMATIC_CEILING, EVEN, Rung
from stillwatch.respond.action import MOST_AUTOMATIC, person_for, too_little_for
from stillwatch.respond.cases import failed_tests
from stillwatch.respond.catalogue import FACTS, HIDEABLE, KINDS
from stillwatch.respond.cel_text import asked_about
from stillwatch.respond.cel_types import BOTH, Span, idle_parts, span_of
from stillwatch.respond.facts import EXCESS
from stillwatch.respond.hits import NEW_KEY
from stillwatch.respond.policy import EXPECTED, Policy, Rule
from stillwatch.respond.policy_text import read_policy
from stillwatch.respond.yaml_text import Fault

LONG = 400
"""Days after which a rule that nobody had to look at is a habit."""

SUSPECTED = {
    "finding.status": Span("text", words=frozenset(("suspected",))),
    "finding.kind": Span("text", words=frozenset(KINDS) - {EXCESS}),
}
ACCUSED = {
    **SUSPECTED,
    "member.accused": Span("bool", truth=frozenset((True,))),
    "member.role": Span("text", words=frozenset(ACCUSING)),
    "member.probability": Span("double", EVEN, 1.0),
    "finding.accused": Span("int", 1, FACTS["finding.accused"].high),
}
VICTIM = {
    **SUSPECTED,
    "member.accused": Span("bool", truth=frozenset((False,))),
    "member.role": Span("text", words=frozenset(("victim",))),
}
LIKELY = {
    **SUSPECTED,
    "member.accused": Span("bool", truth=frozenset((False,))),
    "member.role": Span("text", words=frozenset(("bystander",))),
    "member.estimate": Span("double", EVEN, 1.0),
}
"""Rather the operator's own than not, and too little shown to accuse it."""


@dataclass(frozen=True)
class Linted:
    """The policy, where the file is one, and its faults by line."""

    policy: Policy | None
    faults: tuple[Fault, ...]

    @property
    def errors(self) -> int:
        """How many faults keep the policy from being used."""
        return sum(fault.level == "error" for fault in self.faults)


MOST_TOLD = 100
"""Faults that a refusal tells; `policy lint` tells all of them."""


def load_policy(data: bytes, where: str) -> Policy:
    """The policy in these bytes, for use. Raises UsageError with all errors by line where it holds one: where it is no
    policy, a rule can do nothing or only be barred, a test fails, or an enforced rule lacks one."""
    policy, faults = _read(data)
    wrong = _ordered(fault for fault in faults if fault.level == "error")
    if policy is not None and not wrong:
        return policy
    told = [
        f"line {fault.line}: {f'rule {fault.rule_id}: ' if fault.rule_id else ''}{fault.message}" for fault in wrong
    ]
    more = [f"and {len(wrong) - MOST_TOLD:,} more"] if len(wrong) > MOST_TOLD else []
    lines = ["1 error" if len(wrong) == 1 else f"{len(wrong):,} errors", *told[:MOST_TOLD], *more]
    raise UsageError(
        "the policy holds errors, and is not used", where=where, found="\n    ".join(lines),
        next_step="stillwatch policy lint FILE",
    )  # fmt: skip


def linted(data: bytes, now: datetime) -> Linted:
    """Everything that is wrong with a policy's file, by line. `now` tells which rules have expired; no error hangs on
    it, so that a policy that could be used yesterday can be used today."""
    policy, faults = _read(data)
    if policy is not None:
        faults += _caps(policy)
        for place, rule in enumerate(policy.rules):
            faults += _warnings(rule, policy.rules[:place], now) + _shared(rule, policy.blast_radius)
        used = {rule.clause for rule in policy.rules}
        complete = not any(fault.level == "error" for fault in faults)
        faults += [
            Fault(1, "", "warning", "clause", f"no rule rests on the clause `{name}`")
            for name in sorted(set(policy.clauses) - used)
            if complete
        ]
    return Linted(policy, tuple(_ordered(faults)))


def _ordered(faults: Iterable[Fault]) -> list[Fault]:
    return sorted(faults, key=lambda fault: (fault.line, fault.rule_id, fault.kind, fault.message))


def _read(data: bytes) -> tuple[Policy | None, list[Fault]]:
    """The policy, where the file is one, and all errors, among the warnings of reading."""
    policy, faults = read_policy(data)
    if policy is None:
        return None, faults
    return policy, [*faults, *failed_tests(policy), *(fault for rule in policy.rules for fault in _errors(rule))]


def _caps(policy: Policy) -> list[Fault]:
    if policy.blast_radius <= 1_000:
        return []
    told = f"{policy.blast_radius:,} accounts may be touched at once by one person: a cap that never holds is none"
    return [Fault(1, "", "warning", "caps", told)]


def _shared(rule: Rule, cap: int) -> list[Fault]:
    """A limit that begins by itself for few accounts and waits for a person where a group is as large as the cap."""
    why = "" if person_for(rule.rung, rule.obligations) else too_little_for(rule.obligations, cap)
    told = f"accounts of a group share its limit; for {cap:,}, as the cap allows, a person approves it: {why}"
    return [Fault(rule.line, rule.id, "warning", "limit", told)] if why else []


def _errors(rule: Rule) -> list[Fault]:
    """Why a rule that reads well can do nothing, or may not be used."""
    told = list(idle_parts(rule.when.tree))
    if rule.when.span.truth != BOTH:
        told.append(f"the condition is always {str(True in rule.when.span.truth).lower()}")
    if not _reaches_anybody(rule):
        told.append(_nobody(rule))
    out = [Fault(rule.line, rule.id, "error", "dead", sentence) for sentence in told]
    lacking = _lacking_tests(rule)
    return [*out, Fault(rule.line, rule.id, "error", "tests", lacking)] if lacking and rule.mode == "enforce" else out


def _warnings(rule: Rule, earlier: Sequence[Rule], now: datetime) -> list[Fault]:
    out: list[Fault] = []

    def told(kind: str, message: str) -> None:
        out.append(Fault(rule.line, rule.id, "warning", kind, message))

    if not rule.is_live(now):
        told("dead", f"the rule expired on {rule.expires}: it hits nobody")
    elif (rule.expires - now.date()).days > LONG:
        told("expires", f"the rule ends in more than {LONG} days: nobody has to look at it again until then")
    for name in sorted(rule.when.facts - asked_about(rule.when.tree)):
        if FACTS[name].unknown_when in HIDEABLE:
            told("silence", f"whoever leaves `{name}` empty is not hit: the rule abstains; say what then, "
                 f"with has({name})")  # fmt: skip
    for other in earlier:
        if other.when.text == rule.when.text and other.is_live(now) and _is_as_strong(other, rule):
            told("dead", f"the rule `{other.id}` at line {other.line} has the same condition and does more")
    if rule.mode == "shadow" and (lacking := _lacking_tests(rule)):
        told("tests", lacking)
    odd = sorted({name for case in rule.tests for name in case.facts} - rule.when.facts)
    if odd:
        told("tests", f"a test says {', '.join(odd)}, of which the condition does not speak")
    if rule.hours > MOST_AUTOMATIC and not person_for(rule.rung, rule.obligations):
        told("hours", f"it asks for {rule.hours} hours; what a rule does by itself ends after {MOST_AUTOMATIC}, "
             "renewals counted: the rest is cut where no person approves it")  # fmt: skip
    if rule.mode == "enforce" and rule.rung > AUTOMATIC_CEILING:
        told("proposal", f"`{rule.rung.name.lower()}` is proposed to a person, never put in force by itself")
    return out


def _is_as_strong(one: Rule, other: Rule) -> bool:
    """Whether a rule does all that another with the same condition does."""
    enforced = one.mode == "enforce" or other.mode == "shadow"
    return enforced and one.rung >= other.rung and set(other.obligations) <= set(one.obligations)


def _reaches_anybody(rule: Rule) -> bool:
    """Whether the condition can be true of anybody whom the rule's action may touch."""
    if rule.rung <= Rung.LABEL:
        return True
    reached = [ACCUSED]
    if rule.rung == Rung.VERIFY:
        reached += [LIKELY, *([VICTIM] if rule.obligations == (NEW_KEY,) else [])]
    return any(True in span_of(rule.when.tree, known).truth for known in reached)


def _nobody(rule: Rule) -> str:
    """Why a rule hits nobody."""
    if rule.rung == Rung.VERIFY:
        return (
            "the condition is never true of anybody whom `verify` may touch: operators and providers of a suspected "
            "finding, and, where `challenge: rotate_key` is all that it asks, owners of stolen keys"
        )
    return f"the condition is never true of an accused account, and `{rule.rung.name.lower()}` may touch no other"


def _lacking_tests(rule: Rule) -> str:
    """Which of its own tests a rule lacks; empty where none."""
    expected = {case.expect for case in rule.tests}
    lacking = " and ".join(f"one that is a {name}" for name in EXPECTED[:2] if name not in expected)
    return f"the rule lacks a test: {lacking}" if lacking else ""
