"""What a condition can come to, before any account is judged: its type, and whether it can be both true and false.

Each part has a span: bounds of a number, the closed set of a text's words, the truth values of a yes or no. Where a
fact is narrowed by what stands before it in an `&&`, the narrower span counts, so that `x > .9 && x < .5` is never
true. Spans are of known facts; an unknown one makes the rule abstain whatever its span.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from stillwatch.respond.catalogue import FACTS
from stillwatch.respond.cel_text import Call, ConditionFault, Each, Fact, Literal, Node, Several, Variable, canonical

EXACT = 2**53
"""Beyond it neither whole numbers nor decimal ones are compared exactly."""

BOTH = frozenset((True, False))
NUMBERS = ("int", "double")
NAMES = {"bool": "a yes or no", "int": "a whole number", "double": "a decimal number", "text": "a text",
         "list": "a list of texts", "numbers": "a list of numbers"}  # fmt: skip


@dataclass(frozen=True)
class Span:
    """What a part can be. `words` is None where any text may stand there; `closed` are all words that a fact can ever
    be, which nothing before it narrows."""

    type: str
    low: float = -math.inf
    high: float = math.inf
    words: frozenset[str] | None = None
    truth: frozenset[bool] = BOTH
    closed: frozenset[str] | None = None


Known = Mapping[str, Span]
"""Spans of facts and of variables that are narrower than the catalogue's."""


def span_of(node: Node, known: Known | None = None) -> Span:
    """The span of a condition. Raises ConditionFault where types do not fit or a fact is none."""
    span = _span(node, known or {})
    if span.type != "bool":
        raise ConditionFault(f"the condition is {NAMES[span.type]}, and must be a yes or no")
    return span


def idle_parts(node: Node) -> list[str]:
    """Comparisons that are always true or always false whatever the facts are, each as a sentence."""
    match node:
        case Call(op, args) if op in _COMPARED and not any(_has_variable(part) for part in args):
            truth = _span(node, {}).truth
            return [] if truth == BOTH else [f"`{canonical(node)}` is always {str(True in truth).lower()}"]
        case Call(_, args):
            return [told for part in args for told in idle_parts(part)]
        case Each(_, over, _, body):
            return [*idle_parts(over), *idle_parts(body)]
    return []


def _has_variable(node: Node) -> bool:
    match node:
        case Variable():
            return True
        case Call(_, args):
            return any(_has_variable(part) for part in args)
        case Each():
            return True
    return False


def _span(node: Node, known: Known) -> Span:  # noqa: PLR0911  (a kind of node a line)
    match node:
        case Literal(value):
            return _literal(value)
        case Several(items):
            return _several(items)
        case Fact(name):
            return known.get(name) or _fact(name)
        case Variable(name):
            return known[name]
        case Each():
            return _each(node, known)
    if node.op in ("&&", "||"):
        return _joined(node, known)
    args = [_span(part, known) for part in node.args]
    return _BY_OP[node.op](node.op, args)


def _literal(value: bool | int | float | str) -> Span:
    if isinstance(value, bool):
        return Span("bool", truth=frozenset((value,)))
    if isinstance(value, str):
        return Span("text", words=frozenset((value,)))
    return Span("int" if isinstance(value, int) else "double", value, value)


def _several(items: tuple[Literal, ...]) -> Span:
    kinds = {_literal(item.value).type for item in items}
    if kinds == {"text"}:
        return Span("list", words=frozenset(str(item.value) for item in items))
    if items and kinds <= set(NUMBERS):
        values = [float(item.value) for item in items]
        return Span("numbers", min(values), max(values))
    raise ConditionFault("a list holds texts alone or numbers alone, and one at least")


def _fact(name: str) -> Span:
    fact = FACTS.get(name)
    if fact is None:
        raise ConditionFault(unknown_fact(name))
    words = frozenset(fact.words) or None
    return Span(fact.type, fact.low, fact.high, words, closed=words)


def unknown_fact(name: str) -> str:
    """The sentence for a name that is no fact, with the nearest one."""
    from difflib import get_close_matches  # noqa: PLC0415  (only errors need it)

    near = get_close_matches(name, FACTS, n=1)
    return f"`{name[:60]}` is no fact" + (f"; did you mean `{near[0]}`?" if near else "")


def _joined(node: Call, known: Known) -> Span:
    """`&&` and `||`; in an `&&` each part is looked at under what those before it say."""
    truths = []
    inner = dict(known)
    for part in node.args:
        span = _span(part, inner)
        _want("bool", span, node.op)
        truths.append(span.truth)
        if node.op == "&&":
            inner = _narrowed(part, inner)
    absorbing = node.op == "||"
    if any(truth == frozenset((absorbing,)) for truth in truths):
        return Span("bool", truth=frozenset((absorbing,)))
    other = not absorbing
    can_be = {absorbing} if any(absorbing in truth for truth in truths) else set()
    if all(other in truth for truth in truths):
        can_be.add(other)
    return Span("bool", truth=frozenset(can_be))


def _narrowed(part: Node, known: dict[str, Span]) -> dict[str, Span]:
    """The spans of facts if this part is true."""
    match part:
        case Call("&&", args):
            for one in args:
                known = _narrowed(one, known)
            return known
        case Fact(name):
            return known | {name: Span("bool", truth=frozenset((True,)))}
        case Call("!", (Fact(name),)):
            return known | {name: Span("bool", truth=frozenset((False,)))}
        case Call(op, (Fact(name), Literal() | Several() as other)):
            return _bounded(name, op, _span(other, {}), known)
        case Call(op, (Literal() as other, Fact(name))) if op in _TURNED:
            return _bounded(name, _TURNED[op], _span(other, {}), known)
    return known


_TURNED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _bounded(name: str, op: str, other: Span, known: dict[str, Span]) -> dict[str, Span]:
    held = known.get(name) or _fact(name)
    if held.type == "text" and other.words is not None and op in ("==", "in", "!="):
        words = held.words
        if op == "!=":
            words = words - other.words if words is not None else None
        else:
            words = other.words if words is None else words & other.words
        return known | {name: replace(held, words=words)}
    if held.type in NUMBERS and other.type in (*NUMBERS, "numbers"):
        step = 1 if held.type == "int" else 0
        low = {">": math.floor(other.low) + 1 if step else other.low, ">=": other.low, "==": other.low, "in": other.low}
        high = {"<": math.ceil(other.high) - 1 if step else other.high, "<=": other.high, "==": other.high,
                "in": other.high}  # fmt: skip
        bounded = replace(held, low=max(held.low, low.get(op, held.low)), high=min(held.high, high.get(op, held.high)))
        return known | {name: bounded}
    return known


def _each(node: Each, known: Known) -> Span:
    over = _span(node.over, known)
    if over.type != "list":
        raise ConditionFault(f"`{node.kind}` goes over a list of texts, and {NAMES[over.type]} stands there")
    body = _span(node.body, {**known, node.variable: Span("text", words=over.words, closed=over.closed)})
    _want("bool", body, node.kind)
    empty = isinstance(node.over, Several)
    default = node.kind == "all"
    if empty:
        return Span("bool", truth=body.truth)
    return Span("bool", truth=body.truth | {default})


def _want(kind: str, span: Span, op: str) -> None:
    if span.type != kind:
        raise ConditionFault(f"`{op}` wants {NAMES[kind]}, and {NAMES[span.type]} stands there")


def _not(op: str, args: list[Span]) -> Span:
    _want("bool", args[0], op)
    return Span("bool", truth=frozenset(not value for value in args[0].truth))


def _equal(op: str, args: list[Span]) -> Span:
    left, right = args
    both_numbers = left.type in NUMBERS and right.type in NUMBERS
    if not both_numbers and (left.type != right.type or left.type not in ("bool", "text")):
        raise ConditionFault(f"`{op}` compares {NAMES[left.type]} with {NAMES[right.type]}")
    same = _can_be_equal(left, right, numbers=both_numbers)
    return Span("bool", truth=same if op == "==" else frozenset(not value for value in same))


def _can_be_equal(left: Span, right: Span, *, numbers: bool) -> frozenset[bool]:
    if numbers:
        apart = left.high < right.low or right.high < left.low
        one = left.low == left.high == right.low == right.high
    elif left.type == "text":
        _in_set(left, right)
        apart = left.words is not None and right.words is not None and not left.words & right.words
        one = left.words is not None and left.words == right.words and len(left.words) == 1
    else:
        apart = not left.truth & right.truth
        one = left.truth == right.truth and len(left.truth) == 1
    return frozenset((False,)) if apart else frozenset((True,)) if one else BOTH


def _in_set(left: Span, right: Span) -> None:
    """Raise ConditionFault for a word that a fact with a closed set can never be."""
    for own, other in ((left, right), (right, left)):
        if own.closed is not None and other.closed is None and other.words is not None:
            _closed(other.words - own.closed, own.closed)


def _closed(odd: frozenset[str], closed: frozenset[str]) -> None:
    if odd:
        raise ConditionFault(f"the fact is never {min(odd)[:60]!a}; it is one of {', '.join(sorted(closed))}")


def _ordered(op: str, args: list[Span]) -> Span:
    left, right = args
    if left.type not in NUMBERS or right.type not in NUMBERS:
        raise ConditionFault(f"`{op}` compares {NAMES[left.type]} with {NAMES[right.type]}; it orders numbers")
    if op in (">", ">="):
        left, right, op = right, left, "<" if op == ">" else "<="
    never = left.low >= right.high if op == "<" else left.low > right.high
    always = left.high < right.low if op == "<" else left.high <= right.low
    return Span("bool", truth=frozenset((False,)) if never else frozenset((True,)) if always else BOTH)


def _within(op: str, args: list[Span]) -> Span:
    left, right = args
    texts = left.type == "text" and right.type == "list"
    if not texts and not (left.type in NUMBERS and right.type == "numbers"):
        raise ConditionFault(f"`{op}` looks for {NAMES[left.type]} in {NAMES[right.type]}")
    if texts:
        _in_set(left, right)
        apart = left.words is not None and right.words is not None and not left.words & right.words
        return Span("bool", truth=frozenset((False,)) if apart else BOTH)
    apart = left.high < right.low or right.high < left.low
    return Span("bool", truth=frozenset((False,)) if apart else BOTH)


def _sum(op: str, args: list[Span]) -> Span:
    left, right = args
    if left.type != right.type or left.type not in NUMBERS:
        raise ConditionFault(
            f"`{op}` joins {NAMES[left.type]} and {NAMES[right.type]}; both must be whole or both decimal "
            "numbers: write double(…), or 2.0 for 2"
        )
    if op == "*":
        ends = [a * b for a in (left.low, left.high) for b in (right.low, right.high)]
    elif op == "+":
        ends = [left.low + right.low, left.high + right.high]
    else:
        ends = [left.low - right.high, left.high - right.low]
    if max(map(abs, ends)) > (EXACT if left.type == "int" else EXACT**4):
        raise ConditionFault(f"`{op}` may make a number that is too large to be exact; use double(…) or fewer factors")
    return Span(left.type, min(ends), max(ends))


def _negative(op: str, args: list[Span]) -> Span:
    if args[0].type not in NUMBERS:
        raise ConditionFault(f"`-` wants a number, and {NAMES[args[0].type]} stands there")
    return Span(args[0].type, -args[0].high, -args[0].low)


def _size(op: str, args: list[Span]) -> Span:
    _want("list", args[0], op)
    return Span("int", 0, 64)


def _double(op: str, args: list[Span]) -> Span:
    if args[0].type not in NUMBERS:
        raise ConditionFault(f"`double` wants a number, and {NAMES[args[0].type]} stands there")
    return Span("double", args[0].low, args[0].high)


def _has(op: str, args: list[Span]) -> Span:
    return Span("bool")


def _affix(op: str, args: list[Span]) -> Span:
    for span in args:
        _want("text", span, op)
    return Span("bool")


_COMPARED = ("==", "!=", "<", "<=", ">", ">=", "in")
_BY_OP: dict[str, Callable[[str, list[Span]], Span]] = {
    "!": _not, "neg": _negative, "==": _equal, "!=": _equal, "<": _ordered, "<=": _ordered, ">": _ordered,
    ">=": _ordered, "in": _within, "+": _sum, "-": _sum, "*": _sum, "size": _size, "double": _double, "has": _has,
    "startsWith": _affix, "endsWith": _affix, "contains": _affix,
}  # fmt: skip
