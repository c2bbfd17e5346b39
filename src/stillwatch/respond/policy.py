"""A policy: rules with conditions, the clauses that they rest on, and caps. Frozen, read by `policy_text`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from stillwatch.records import Obligation, PolicyRef, Rung
from stillwatch.respond.cel import Condition
from stillwatch.respond.cel_text import Value

SCHEMA = "stillwatch/policy/v1"
SEVERITIES = ("low", "medium", "high", "critical")
EXPECTED = ("hit", "miss", "unknown")
MOST_HOURS = 720
"""Thirty days: the longest that an action of a rule may last before somebody looks again."""
BLAST_RADIUS = 25
"""Accounts that a group action may touch without a second person, where the policy's caps do not say."""


@dataclass(frozen=True)
class Case:
    """A rule's own test: what is known, and what the condition comes to."""

    facts: Mapping[str, Value]
    expect: str
    line: int


@dataclass(frozen=True)
class Rule:
    """What may be done about accounts of which a condition is true.

    `reason` is the statement of reasons for people, `clause` a name in the policy's clauses, `hours` how long an action
    may last, `expires` the first day (UTC) on which the rule is dead.
    """

    id: str
    when: Condition
    rung: Rung
    obligations: tuple[Obligation, ...]
    hours: int
    mode: str
    severity: str
    owner: str
    expires: date
    reason: str
    reason_code: str
    clause: str
    tests: tuple[Case, ...]
    line: int

    def is_live(self, at: datetime) -> bool:
        """Whether it has not expired."""
        return at.astimezone(UTC).date() < self.expires


@dataclass(frozen=True)
class Policy:
    """A policy that holds no fault. `blast_radius`: accounts that a group action may touch without a second person."""

    ref: PolicyRef
    clauses: Mapping[str, str]
    blast_radius: int
    rules: tuple[Rule, ...]
