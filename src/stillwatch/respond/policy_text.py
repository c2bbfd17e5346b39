"""A policy from the bytes of its file, with everything that is wrong with it, by line.

The schema says what each text must be, so nothing depends on how YAML guesses types: `version: 1.10` is the version
1.10. A rule that holds a fault is left out of what is read, and a policy with an error is not used at all.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from stillwatch.records import CHALLENGES, MODES, OBLIGATIONS, REASON_CODES, Obligation, PolicyRef, Rung
from stillwatch.respond.catalogue import FACTS, FactType, coerced
from stillwatch.respond.cel import Condition, compiled
from stillwatch.respond.cel_text import ConditionFault, Value
from stillwatch.respond.cel_types import unknown_fact
from stillwatch.respond.policy import BLAST_RADIUS, EXPECTED, MOST_HOURS, SCHEMA, SEVERITIES, Case, Policy, Rule
from stillwatch.respond.yaml_text import Entry, Fault, entries_of

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,31}")
WHOLE = re.compile(r"[0-9]{1,15}")
DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
MODEL = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:/@+-]{0,127}")
MOST_RULES = 200
MOST_TESTS = 50
ACTIONS = {rung.name.lower(): rung for rung in Rung}

Made = TypeVar("Made")


class _LackingError(Exception):
    """What a rule cannot be without lacks or is wrong; the fault is noted already."""


@dataclass
class _Reader:
    """Notes faults; every reading method answers a value, or notes a fault and raises."""

    faults: list[Fault]
    rule_id: str = ""

    def fault(self, line: int, kind: str, message: str, level: str = "error") -> None:
        self.faults.append(Fault(line, self.rule_id, level, kind, message))

    def refuse(self, line: int, kind: str, message: str) -> _LackingError:
        self.fault(line, kind, message)
        return _LackingError()

    def map(self, entry: Entry, what: str, known: Sequence[str]) -> dict[str, Entry]:
        if entry.keys is None:
            raise self.refuse(entry.line, "shape", f"{what} is {entry.shape}; keys and values are wanted")
        for name, value in entry.keys.items():
            if known and name not in known:
                shown = _shown(name)
                self.fault(value.line, "key", f"{what} has a key `{shown}`; it may have {', '.join(known)}")
        return entry.keys

    def list(self, entry: Entry, what: str, most: int) -> list[Entry]:
        if entry.entries is None:
            raise self.refuse(entry.line, "shape", f"{what} is {entry.shape}; a list is wanted")
        if len(entry.entries) > most:
            raise self.refuse(entry.line, "size", f"{what} has {len(entry.entries):,} entries; {most} at most")
        return entry.entries

    def get(self, keys: Mapping[str, Entry], name: str, line: int, why: str) -> Entry:
        entry = keys.get(name)
        if entry is None or entry.text == "":
            raise self.refuse(entry.line if entry else line, "missing", f"`{name}` is missing: {why}")
        return entry

    def text(self, entry: Entry, name: str, longest: int) -> str:
        if entry.text is None:
            raise self.refuse(entry.line, "shape", f"`{name}` is {entry.shape}; a text is wanted")
        text = " ".join(entry.text.split())
        if len(text) > longest:
            raise self.refuse(entry.line, "size", f"`{name}` has {len(text):,} characters; {longest} at most")
        if any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for c in text):
            raise self.refuse(entry.line, "text", f"`{name}` holds a character that nobody can see")
        return text

    def matching(self, entry: Entry, name: str, pattern: re.Pattern[str], wanted: str) -> str:
        if entry.text is None or not pattern.fullmatch(entry.text):
            raise self.refuse(entry.line, "value", f"`{name}` is {_found(entry)}; {wanted} is wanted")
        return entry.text

    def one_of(self, entry: Entry, name: str, words: Sequence[str]) -> str:
        if entry.text not in words:
            raise self.refuse(entry.line, "value", f"`{name}` is {_found(entry)}; one of {', '.join(words)} is wanted")
        return str(entry.text)

    def whole(self, entry: Entry, name: str, most: int) -> int:
        text = self.matching(entry, name, WHOLE, f"a whole number from 1 to {most:,}")
        if not 1 <= int(text) <= most:
            raise self.refuse(entry.line, "value", f"`{name}` is {int(text):,}; 1 to {most:,} is wanted")
        return int(text)

    def tried(self, make: Callable[[], Made]) -> Made | None:
        """What is made, or None where it cannot be; the fault is noted, and reading goes on."""
        try:
            return make()
        except _LackingError:
            return None


def _shown(text: str) -> str:
    return text[:60].encode("ascii", "backslashreplace").decode()


def _found(entry: Entry) -> str:
    return entry.shape if entry.text is None else f"`{_shown(entry.text)}`"


def read_policy(data: bytes) -> tuple[Policy | None, list[Fault]]:
    """The policy in these bytes, and its faults by line. None where the file as a whole is none; rules that hold an
    error are left out. Whoever uses a policy takes `lint.load_policy`, which refuses what holds an error."""
    entry, faults = entries_of(data)
    reader = _Reader(faults)
    policy = None if entry is None else reader.tried(lambda: _policy(reader, entry, data))
    return policy, sorted(faults, key=lambda fault: (fault.line, fault.rule_id, fault.kind, fault.message))


def _policy(reader: _Reader, entry: Entry, data: bytes) -> Policy:
    keys = reader.map(entry, "the file", ("schema", "id", "version", "clauses", "caps", "rules"))
    reader.one_of(reader.get(keys, "schema", entry.line, f"{SCHEMA} is wanted"), "schema", (SCHEMA,))
    name = reader.tried(
        lambda: reader.matching(reader.get(keys, "id", entry.line, "the policy's own name"), "id", NAME, LOWER)
    )
    version = reader.tried(
        lambda: reader.matching(
            reader.get(keys, "version", entry.line, "it changes with every change"), "version", VERSION,
            "letters, digits, `.`, `+`, `_`, `-`",
        )
    )  # fmt: skip
    clauses = reader.tried(lambda: _clauses(reader, keys, entry.line)) or {}
    radius = _radius(reader, keys)
    rules = reader.get(keys, "rules", entry.line, "a list of rules")
    made = [_rule_of(reader, one, clauses) for one in reader.list(rules, "`rules`", MOST_RULES)]
    reader.rule_id = ""
    kept = [rule for rule in made if rule is not None]
    _twice(reader, kept)
    if not made:
        reader.fault(rules.line, "missing", "the policy has no rule", "warning")
    ref = PolicyRef(name or "", version or "", hashlib.sha256(data).hexdigest())
    return Policy(ref, clauses, radius, tuple(kept))


LOWER = "small letters, digits, `_`, `.`, `-`, 64 at most"


def _clauses(reader: _Reader, keys: Mapping[str, Entry], line: int) -> dict[str, str]:
    entry = reader.get(keys, "clauses", line, "the terms of your contract that rules rest on")
    out: dict[str, str] = {}
    for name, value in reader.map(entry, "`clauses`", ()).items():
        if not NAME.fullmatch(name):
            reader.fault(value.line, "value", f"the clause's name is `{_shown(name)}`; {LOWER} is wanted")
            continue
        text = reader.tried(lambda name=name, value=value: reader.text(value, f"clauses.{name}", 2_000))  # type: ignore[misc]
        if text:
            out[name] = text
        elif text == "":
            reader.fault(value.line, "missing", f"the clause `{name}` has no text")
    return out


def _radius(reader: _Reader, keys: Mapping[str, Entry]) -> int:
    if "caps" not in keys:
        reader.fault(
            1, "caps", f"no `caps.blast_radius`: {BLAST_RADIUS} accounts is taken, beyond which a group action needs a "
            "second person", "warning",
        )  # fmt: skip
        return BLAST_RADIUS
    held = reader.tried(lambda: reader.map(keys["caps"], "`caps`", ("blast_radius",))) or {}
    entry = held.get("blast_radius")
    if entry is None:
        return BLAST_RADIUS
    return reader.tried(lambda: reader.whole(entry, "blast_radius", 1_000_000)) or BLAST_RADIUS


def _twice(reader: _Reader, rules: Sequence[Rule]) -> None:
    seen: dict[str, int] = {}
    for rule in rules:
        if rule.id in seen:
            reader.faults.append(
                Fault(rule.line, rule.id, "error", "duplicate", f"the id stands twice; first at line {seen[rule.id]}")
            )
        seen.setdefault(rule.id, rule.line)


RULE_KEYS = (
    "id", "when", "then", "mode", "severity", "owner", "expires", "reason", "reason_code", "clause", "tests",
)  # fmt: skip


def _rule_of(reader: _Reader, entry: Entry, clauses: Mapping[str, str]) -> Rule | None:
    """A rule with all its faults noted, not the first one alone; None where there is one."""
    reader.rule_id = ""
    before = sum(fault.level == "error" for fault in reader.faults)
    keys = reader.tried(lambda: reader.map(entry, "a rule", ()))
    if keys is None:
        return None
    line = entry.line
    rule_id = reader.tried(lambda: reader.matching(reader.get(keys, "id", line, "the rule's name"), "id", NAME, LOWER))
    reader.rule_id = rule_id or ""
    reader.tried(lambda: reader.map(entry, "the rule", RULE_KEYS))
    when = reader.tried(lambda: _condition(reader, keys, line))
    then = reader.tried(lambda: _then(reader, reader.get(keys, "then", line, "what may be done")))
    mode = _word(reader, keys, "mode", MODES, "shadow")
    severity = _word(reader, keys, "severity", SEVERITIES, None, line)
    code = _word(reader, keys, "reason_code", REASON_CODES, None, line)
    owner = _text(reader, keys, "owner", line, "who answers for the rule", 120)
    reason = _text(reader, keys, "reason", line, "the statement of reasons that people read", 600)
    expires = reader.tried(lambda: _date(reader, reader.get(keys, "expires", line, "a rule is looked at again")))
    clause = reader.tried(lambda: _clause(reader, keys, line, clauses))
    tests = reader.tried(lambda: _tests(reader, keys))
    if sum(fault.level == "error" for fault in reader.faults) > before:
        return None
    assert rule_id and when and then and mode and severity and code and owner and reason and expires and clause
    rung, obligations, hours = then
    return Rule(
        rule_id, when, rung, obligations, hours, mode, severity, owner, expires, reason, code, clause, tests or (), line
    )


def _word(
    reader: _Reader, keys: Mapping[str, Entry], name: str, words: Sequence[str], default: str | None, line: int = 0
) -> str | None:
    if default is not None and name not in keys:
        return default
    entry = reader.tried(lambda: reader.get(keys, name, line, f"one of {', '.join(words)}"))
    return None if entry is None else reader.tried(lambda: reader.one_of(entry, name, words))


def _text(reader: _Reader, keys: Mapping[str, Entry], name: str, line: int, why: str, longest: int) -> str | None:
    entry = reader.tried(lambda: reader.get(keys, name, line, why))
    text = None if entry is None else reader.tried(lambda: reader.text(entry, name, longest))
    if entry is not None and text == "":
        reader.fault(entry.line, "missing", f"`{name}` is empty: {why}")
    return text


def _condition(reader: _Reader, keys: Mapping[str, Entry], line: int) -> Condition:
    entry = reader.get(keys, "when", line, "a condition")
    if entry.text is None:
        raise reader.refuse(entry.line, "shape", f"`when` is {entry.shape}; a condition as a text is wanted")
    try:
        return compiled(entry.text)
    except ConditionFault as fault:
        raise reader.refuse(entry.line, "condition", str(fault)) from None


def _clause(reader: _Reader, keys: Mapping[str, Entry], line: int, clauses: Mapping[str, str]) -> str:
    entry = reader.get(keys, "clause", line, "the term of the contract that the rule rests on")
    if entry.text not in clauses:
        wanted = ", ".join(sorted(clauses)) or "none is there"
        raise reader.refuse(entry.line, "clause", f"`clause` is {_found(entry)}, no name in `clauses` ({wanted})")
    return str(entry.text)


def _date(reader: _Reader, entry: Entry) -> date:
    text = entry.text or ""
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise reader.refuse(
            entry.line, "value", f"`expires` is {_found(entry)}; a day like 2027-01-31 is wanted"
        ) from None


def _then(reader: _Reader, entry: Entry) -> tuple[Rung, tuple[Obligation, ...], int]:
    keys = reader.map(entry, "`then`", ("action", "obligations", "hours"))
    action = reader.tried(
        lambda: reader.one_of(reader.get(keys, "action", entry.line, ", ".join(ACTIONS)), "action", tuple(ACTIONS))
    )
    hours = reader.tried(
        lambda: reader.whole(
            reader.get(keys, "hours", entry.line, "how long an action of it may last"), "hours", MOST_HOURS
        )
    )
    held = keys.get("obligations")
    listed = reader.list(held, "`obligations`", 2 * len(OBLIGATIONS)) if held is not None else []
    made = [reader.tried(lambda one=one: _obligation(reader, one)) for one in listed]  # type: ignore[misc]
    if action is None or hours is None or None in made:
        raise _LackingError
    rung, obligations = ACTIONS[action], tuple(one for one in made if one is not None)
    for one, place in zip(obligations, listed, strict=True):
        least = OBLIGATIONS[one.type][0]
        if rung < least:
            wanted = f"`{one.type}` needs the action `{least.name.lower()}` at least"
            raise reader.refuse(place.line, "rung", f"{wanted}, and the rule's is `{action}`")
    if len({(one.type, one.settings if one.type == "challenge" else ()) for one in obligations}) < len(obligations):
        raise reader.refuse(entry.line, "duplicate", "an obligation stands twice")
    return rung, tuple(sorted(obligations, key=lambda one: (one.type, one.settings))), hours


def _obligation(reader: _Reader, entry: Entry) -> Obligation:
    keys = reader.map(entry, "an obligation", ())
    kind = reader.one_of(
        reader.get(keys, "type", entry.line, ", ".join(OBLIGATIONS)), "type", tuple(OBLIGATIONS)
    )  # fmt: skip
    wanted = OBLIGATIONS[kind][1]
    reader.map(entry, f"`{kind}`", ("type", *wanted))
    settings: list[tuple[str, int | str]] = []
    for name in sorted(set(keys) & set(wanted)):
        settings.append((name, _setting(reader, keys[name], name)))
    if wanted and not settings:
        raise reader.refuse(entry.line, "missing", f"`{kind}` says nothing: {' or '.join(wanted)} is wanted")
    return Obligation(kind, tuple(settings))


def _setting(reader: _Reader, entry: Entry, name: str) -> int | str:
    if name == "kind":
        return reader.one_of(entry, name, CHALLENGES)
    if name == "to":
        return reader.matching(entry, name, MODEL, "the name of a model")
    return reader.whole(entry, name, 10**12)


def _tests(reader: _Reader, keys: Mapping[str, Entry]) -> tuple[Case, ...]:
    held = keys.get("tests")
    if held is None:
        return ()
    made = [reader.tried(lambda one=one: _case(reader, one)) for one in reader.list(held, "`tests`", MOST_TESTS)]  # type: ignore[misc]
    return tuple(one for one in made if one is not None)


def _case(reader: _Reader, entry: Entry) -> Case:
    keys = reader.map(entry, "a test", ("facts", "expect"))
    expect = reader.one_of(reader.get(keys, "expect", entry.line, ", ".join(EXPECTED)), "expect", EXPECTED)
    facts = reader.map(keys["facts"], "`facts`", ()) if "facts" in keys else {}
    return Case({name: _value(reader, name, one) for name, one in facts.items()}, expect, entry.line)


def _value(reader: _Reader, name: str, entry: Entry) -> Value:
    fact = FACTS.get(name)
    if fact is None:
        raise reader.refuse(entry.line, "fact", unknown_fact(_shown(name)))
    value = coerced(fact, _plain(fact, entry))
    if value is None:
        raise reader.refuse(entry.line, "fact", f"{name} is {_found(entry)}; {_wanted(fact)} is wanted")
    return value


def _plain(fact: FactType, entry: Entry) -> object:
    """What the entry says in the fact's type; anything else stays a text, or nothing, and is refused."""
    if fact.type == "list":
        entries = entry.entries
        return None if entries is None else [one.text for one in entries]
    text = entry.text or ""
    if fact.type == "bool":
        return {"true": True, "false": False}.get(text)
    if fact.type == "int":
        return int(text) if WHOLE.fullmatch(text) else None
    if fact.type == "double":
        return float(text) if DECIMAL.fullmatch(text) else None
    return entry.text


def _wanted(fact: FactType) -> str:
    if fact.words:
        return f"{'a list of ' if fact.type == 'list' else 'one of '}{', '.join(fact.words)}"
    if fact.type in ("int", "double"):
        return f"{'a whole' if fact.type == 'int' else 'a'} number from {fact.low:g} to {fact.high:g}"
    return {"bool": "true or false", "list": "a list of texts"}.get(fact.type, "a text")
