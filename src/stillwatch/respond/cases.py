"""A rule's own tests, run."""

from stillwatch.respond.cel import Decision, Unknown
from stillwatch.respond.policy import Case, Policy, Rule
from stillwatch.respond.yaml_text import Fault


def outcome(rule: Rule, case: Case) -> str:
    """What the rule's condition comes to in a test: `hit`, `miss` or `unknown`."""
    answer = Decision(case.facts).of(rule.when)
    return "unknown" if isinstance(answer, Unknown) else "hit" if answer else "miss"


def failed_tests(policy: Policy) -> list[Fault]:
    """The rules' own tests that come to something else than they expect."""
    return [
        Fault(case.line, rule.id, "error", "test", f"the test expects {case.expect}, and it is {found}")
        for rule in policy.rules
        for case in rule.tests
        if (found := outcome(rule, case)) != case.expect
    ]
