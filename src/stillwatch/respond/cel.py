"""Conditions compiled once and judged with what is known: hit, miss, or unknown with the names of what would decide.

Where all is known the CEL library answers. Where a fact lacks, it raises an error (and, of a list's entries, does not
go on after the first one that does), so the tree is walked in three values, as Kleene's logic has them: `true ||
unknown` is true, `unknown && false` is false, and `has(fact)` is known always. Tests hold both against each other.
"""

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from stillwatch.respond.cel_text import (
    Call,
    ConditionFault,
    Each,
    Fact,
    Literal,
    Node,
    Several,
    Value,
    Variable,
    canonical,
    facts_in,
    parsed,
)
from stillwatch.respond.cel_types import Span, span_of

Values = Mapping[str, Value]
"""Known facts by name; what is not here is unknown."""


@dataclass(frozen=True)
class Unknown:
    """No answer: `facts` are those of which one or more must be known for one."""

    facts: frozenset[str]


@dataclass(frozen=True)
class Condition:
    """A condition that holds no fault. `text` is it in brackets, equal for conditions that read alike."""

    tree: Node
    text: str
    span: Span

    @cached_property
    def facts(self) -> frozenset[str]:
        """The facts that it speaks of."""
        return facts_in(self.tree)

    @cached_property
    def program(self) -> Any:
        """The library's program."""
        import cel  # noqa: PLC0415  (a command's help does without)

        return cel.compile(self.text)


def compiled(text: str) -> Condition:
    """A condition from its text. Raises ConditionFault for what is no condition, or has types that do not fit."""
    tree = parsed(text)
    span = span_of(tree)
    condition = Condition(tree, canonical(tree), span)
    try:
        _ = condition.program
    except ValueError:
        raise ConditionFault("the condition cannot be compiled") from None
    return condition


class Decision:
    """What is known of one account in one finding, in the library's terms, made once for all rules. `needed` are the
    facts that any of them speaks of: to hand over the others would take most of the time."""

    def __init__(self, values: Values, needed: frozenset[str] | None = None) -> None:
        import cel  # noqa: PLC0415

        groups: dict[str, dict[str, object]] = {"finding": {}, "member": {}, "account": {}}
        for name in values if needed is None else needed & values.keys():
            value = values[name]
            group, _, own = name.partition(".")
            groups[group][own] = list(value) if isinstance(value, tuple) else value
        self.values = values
        self.context = cel.Context(variables=groups)

    def of(self, condition: Condition) -> bool | Unknown:
        """Whether the condition is true, or what would decide it."""
        if condition.facts <= self.values.keys():
            with contextlib.suppress(Exception):  # a fault of the library's; the tree says the same
                return bool(condition.program.execute(self.context) is True)
        answer = walked(condition.tree, self.values)
        return answer if isinstance(answer, Unknown) else bool(answer)


def walked(node: Node, values: Values) -> Value | Unknown:  # noqa: PLR0911  (a kind of node a line)
    """The value of a tree in three values: the slow and plain reading that the library is held against."""
    match node:
        case Literal(value):
            return value
        case Several(items):
            return cast(Value, tuple(item.value for item in items))
        case Fact(name) | Variable(name):
            return values.get(name, Unknown(frozenset((name,))))
        case Each(kind, over, variable, body):
            entries = walked(over, values)
            if isinstance(entries, Unknown):
                return entries
            told = (walked(body, {**values, variable: entry}) for entry in cast(tuple[str, ...], entries))
            return _any(told, absorbing=kind == "exists")
        case Call("&&" | "||" as op, args):
            return _any((walked(part, values) for part in args), absorbing=op == "||")
        case Call("has", (Fact(name),)):
            return name in values
    return _applied(node.op, [walked(part, values) for part in node.args])


def _any(parts: Iterable[Value | Unknown], *, absorbing: bool) -> bool | Unknown:
    """`||` where true absorbs, `&&` where false does: what is unknown counts only where nothing absorbs."""
    lacking: frozenset[str] = frozenset()
    for part in parts:
        if isinstance(part, Unknown):
            lacking |= part.facts
        elif part is absorbing:
            return absorbing
    return Unknown(lacking) if lacking else not absorbing


def _applied(op: str, args: list[Value | Unknown]) -> Value | Unknown:
    lacking = frozenset[str]().union(*(part.facts for part in args if isinstance(part, Unknown)))
    return Unknown(lacking) if lacking else _APPLY[op](*args)


_APPLY: dict[str, Callable[..., Value]] = {
    "!": lambda a: not a, "neg": lambda a: -a, "==": lambda a, b: a == b, "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
    "in": lambda a, b: a in b, "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
    "size": len, "double": float, "startsWith": str.startswith, "endsWith": str.endswith, "contains": str.__contains__,
}  # fmt: skip
