"""What changed between two policies: rules added, removed and changed, and whom each would hit and the other not."""

from collections.abc import Iterable
from dataclasses import dataclass

from stillwatch.records import Hit
from stillwatch.respond.action import person_for
from stillwatch.respond.policy import Policy, Rule

PARTS = (
    "when", "rung", "obligations", "hours", "mode", "severity", "owner", "expires", "reason", "reason_code", "clause",
    "tests",
)  # fmt: skip


@dataclass(frozen=True)
class RuleChange:
    """One rule: `added`, `removed` or `changed` with the names of what did, and warnings in sentences."""

    rule_id: str
    event: str
    parts: tuple[str, ...]
    warnings: tuple[str, ...]


def changes(old: Policy, new: Policy) -> list[RuleChange]:
    """What became of each rule, by id. A rule's meaning counts, not where it stands or how it is written."""
    before, after = ({rule.id: rule for rule in policy.rules} for policy in (old, new))
    out = []
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        if was is None or now is None:
            event = "added" if was is None else "removed"
            out.append(RuleChange(name, event, (), tuple(_warnings(was, now))))
            continue
        parts = [part for part in PARTS if _part(was, part) != _part(now, part)]
        if old.clauses[was.clause] != new.clauses[now.clause]:
            parts.append("clause's words")
        if parts:
            out.append(RuleChange(name, "changed", tuple(parts), tuple(_warnings(was, now))))
    return out


def _part(rule: Rule, name: str) -> object:
    if name == "when":
        return rule.when.text
    return [(case.facts, case.expect) for case in rule.tests] if name == "tests" else getattr(rule, name)


def _warnings(was: Rule | None, now: Rule | None) -> list[str]:
    """Shadow first: what is in force without having been looked at."""
    if now is None or now.mode != "enforce":
        return []
    if was is None:
        return ["a new rule that is enforced at once; let it run in shadow first"]
    told = []
    if was.mode == "shadow":
        told.append(f"it goes from shadow to enforce: {_begins(now)}")
    if was.mode == "enforce" and was.when.text != now.when.text:
        told.append("its condition changed while it is enforced; give the new condition an id of its own, in shadow")
    if was.mode == "shadow" and (was.when.text, was.rung) != (now.when.text, now.rung):
        told.append("it is enforced with another condition or action than ran in shadow")
    if now.rung > was.rung:
        goes = f"its action goes up from {was.rung.name.lower()} to {now.rung.name.lower()}"
        told.append(f"{goes}{' while it is enforced' if was.mode == 'enforce' else ''}: {_begins(now)}")
    if now.hours > was.hours:
        told.append(f"it lasts longer: {now.hours:,} hours, {was.hours:,} before")
    return told


def _begins(rule: Rule) -> str:
    """Who puts it in force, in words."""
    if person_for(rule.rung, rule.obligations):
        return f"whom it hits is proposed to a person for {rule.rung.name.lower()}"
    return f"whom it hits gets {rule.rung.name.lower()} at once, for {rule.hours:,} hours"


def policy_warnings(old: Policy, new: Policy) -> list[str]:
    """Warnings of the policies as wholes."""
    told = []
    if old.ref.id != new.ref.id:
        told.append(f"these are two policies, `{old.ref.id}` and `{new.ref.id}`")
    elif old.ref.version == new.ref.version and old.ref.hash != new.ref.hash:
        told.append(f"both say that they are version {new.ref.version}, and they differ")
    if new.blast_radius > old.blast_radius:
        told.append(f"the blast radius grows from {old.blast_radius:,} to {new.blast_radius:,} accounts")
    return told


@dataclass(frozen=True)
class HitChange:
    """An account that one policy hits in a finding and the other does not, or otherwise: what each would do."""

    account_id: str
    campaign_id: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def hit_changes(old: Iterable[Hit], new: Iterable[Hit]) -> list[HitChange]:
    """Accounts that are hit differently, by account and finding. An action is told as `rung (mode)` with its hours and
    obligations; which rule says so makes no difference."""
    before, after = _said(old), _said(new)
    return [
        HitChange(*about, before.get(about, ()), after.get(about, ()))
        for about in sorted(before.keys() | after.keys())
        if before.get(about) != after.get(about)
    ]


def _said(hits: Iterable[Hit]) -> dict[tuple[str, str], tuple[str, ...]]:
    out: dict[tuple[str, str], set[str]] = {}
    for hit in hits:
        out.setdefault((hit.account_id, hit.campaign_id), set()).add(_words(hit))
    return {about: tuple(sorted(words)) for about, words in out.items()}


def _words(hit: Hit) -> str:
    asked = ", ".join(
        " ".join((one.type, *(f"{name}={value}" for name, value in one.settings))) for one in hit.obligations
    )
    return f"{hit.rung.name.lower()} ({hit.mode}), {hit.hours} h{f': {asked}' if asked else ''}"
