"""The part of the Common Expression Language that conditions are written in, read into a tree.

Left out of CEL, so that no condition can hang, exhaust memory, or mean nothing: the ternary, indexes, maps, `map`,
`filter`, regular expressions, division (what is divided by nought is nothing), times, conversions other than
`double`, and all but whole and decimal numbers, plain texts, `true` and `false`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

LONGEST = 2_000
"""Characters of a condition."""
MOST_NODES = 250
DEEPEST = 24
DEEPEST_LOOPS = 2
"""`exists` and `all` inside of each other: a list holds 64 texts, so the work is 4,096 times the condition's."""
MOST_ITEMS = 64
"""Entries of a list that stands in a condition."""
GREATEST = 10**15
"""The greatest number that may stand in a condition."""

COMPARISONS = ("==", "!=", "<", "<=", ">", ">=", "in")
METHODS = ("startsWith", "endsWith", "contains")
EACH = ("exists", "all")
FUNCTIONS = ("size", "double", "has")

Value = bool | int | float | str | tuple[str, ...]
"""What a fact can be: yes or no, a whole number, a decimal one, a text, several texts."""


class ConditionFault(ValueError):
    """Why a condition is none, in one sentence without the condition's own text beyond a name of it."""


@dataclass(frozen=True)
class Literal:
    """A value that stands in the condition."""

    value: bool | int | float | str


@dataclass(frozen=True)
class Several:
    """A list of literals."""

    items: tuple[Literal, ...]


@dataclass(frozen=True)
class Fact:
    """A fact by its name, `group.name`."""

    name: str


@dataclass(frozen=True)
class Variable:
    """What `exists` or `all` calls an entry of its list, named anew by how deep it stands."""

    name: str


@dataclass(frozen=True)
class Call:
    """An operator or a function with its arguments; `&&` and `||` take as many as stand side by side."""

    op: str
    args: tuple["Node", ...]


@dataclass(frozen=True)
class Each:
    """`exists` or `all` over a list of texts."""

    kind: str
    over: "Node"
    variable: str
    body: "Node"


Node = Literal | Several | Fact | Variable | Call | Each
Part = Callable[[], Node]

RESERVED = ("true", "false", "null", "in", "finding", "member", "account")

TOKEN = re.compile(
    r"[ \t\r\n]*(?:(?P<number>[0-9]+(?:\.[0-9]+)?)(?![\w.])|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<text>\"[^\"\\\x00-\x1f]*\"|'[^'\\\x00-\x1f]*')|(?P<sign>\|\||&&|[=!<>]=|[-+*<>!().,\[\]]))"
)


def parsed(text: str) -> Node:
    """The tree of a condition. Raises ConditionFault."""
    if len(text) > LONGEST:
        raise ConditionFault(f"the condition has {len(text):,} characters; at most {LONGEST:,} may stand there")
    if any(0xD800 <= ord(character) <= 0xDFFF for character in text):
        raise ConditionFault("the condition holds half a character")
    return _Parser(list(_tokens(text))).whole()


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    place, end = 0, len(text.rstrip(" \t\r\n"))
    while place < end:
        match = TOKEN.match(text, place)
        if match is None:
            raise ConditionFault(f"character {place + 1} begins nothing that a condition may hold")
        yield str(match.lastgroup), str(match[str(match.lastgroup)])
        place = match.end()
    yield "end", ""


class _Parser:
    """Recursive descent with a bound on depth and on nodes."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = tokens
        self.place = 0
        self.depth = 0
        self.nodes = 0
        self.bound: list[str] = []

    def whole(self) -> Node:
        node = self._or()
        if self._kind() != "end":
            raise ConditionFault(f"{self._shown()} stands where the condition should end")
        return node

    def _kind(self) -> str:
        return self.tokens[self.place][0]

    def _word(self) -> str:
        return self.tokens[self.place][1] if self._kind() != "text" else ""

    def _shown(self) -> str:
        return {"end": "the end", "text": "a text"}.get(self._kind(), f"`{self._word()[:40]}`")

    def _take(self) -> str:
        word = self.tokens[self.place][1]
        self.place += 1
        return word

    def _want(self, word: str) -> None:
        if self._word() != word:
            raise ConditionFault(f"{self._shown()} stands where `{word}` is wanted")
        self._take()

    def _made(self, node: Node) -> Node:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise ConditionFault(f"the condition has more than {MOST_NODES} parts")
        return node

    def _or(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise ConditionFault(f"the condition is nested more than {DEEPEST} deep")
        node = self._joined("||", lambda: self._joined("&&", self._comparison))
        self.depth -= 1
        return node

    def _joined(self, sign: str, part: Part) -> Node:
        parts = [part()]
        while self._word() == sign:
            self._take()
            parts.append(part())
        return parts[0] if len(parts) == 1 else self._made(Call(sign, tuple(parts)))

    def _comparison(self) -> Node:
        left = self._sum()
        if self._word() not in COMPARISONS:
            return left
        op = self._take()
        node = self._made(Call(op, (left, self._sum())))
        if self._word() in COMPARISONS:
            raise ConditionFault("comparisons stand in a row; join them with `&&`")
        return node

    def _sum(self) -> Node:
        node = self._product()
        while self._word() in ("+", "-"):
            op = self._take()
            node = self._made(Call(op, (node, self._product())))
        return node

    def _product(self) -> Node:
        node = self._unary()
        while self._word() == "*":
            self._take()
            node = self._made(Call("*", (node, self._unary())))
        return node

    def _unary(self) -> Node:
        if self._word() not in ("!", "-"):
            return self._member()
        op = "!" if self._take() == "!" else "neg"
        if self._word() in ("!", "-"):
            raise ConditionFault("two signs stand in a row")
        return self._made(Call(op, (self._member(),)))

    def _member(self) -> Node:
        node = self._primary()
        while self._word() == ".":
            self._take()
            name = self._take() if self._kind() == "name" else ""
            node = self._method(node, name)
        return node

    def _method(self, node: Node, name: str) -> Node:
        if name in EACH:
            return self._each(node, name)
        if name not in METHODS:
            raise ConditionFault(f"`.{name[:40]}` is none of {', '.join((*METHODS, *EACH))}, nor a fact's name")
        self._want("(")
        argument = self._or()
        self._want(")")
        return self._made(Call(name, (node, argument)))

    def _each(self, node: Node, kind: str) -> Node:
        self._want("(")
        name = self._take() if self._kind() == "name" else ""
        if not name or name in self.bound or name in (*RESERVED, *FUNCTIONS):
            raise ConditionFault(f"`{kind}` wants a new name for the entries of its list")
        if len(self.bound) == DEEPEST_LOOPS:
            raise ConditionFault(f"loops (exists, all) stand inside of each other more than {DEEPEST_LOOPS} deep")
        self._want(",")
        self.bound.append(name)
        body = self._or()
        self.bound.pop()
        self._want(")")
        return self._made(Each(kind, node, f"v{len(self.bound)}", body))

    def _primary(self) -> Node:
        kind = self._kind()
        if kind == "number":
            return self._made(Literal(self._number(self._take())))
        if kind == "text":
            return self._made(Literal(self._take()[1:-1]))
        if kind == "name":
            return self._named(self._take())
        if self._word() == "[":
            return self._several()
        self._want("(")
        node = self._or()
        self._want(")")
        return node

    @staticmethod
    def _number(word: str) -> int | float:
        if len(word) > 24 or float(word) > GREATEST:
            raise ConditionFault(f"a number is over {GREATEST:,}, or has more than 24 digits")
        return float(word) if "." in word else int(word)

    def _several(self) -> Node:
        self._want("[")
        items: list[Literal] = []
        while self._word() != "]":
            item = self._primary() if self._kind() in ("text", "number") else None
            if not isinstance(item, Literal) or len(items) == MOST_ITEMS:
                raise ConditionFault(f"a list holds texts or numbers, {MOST_ITEMS} at most")
            items.append(item)
            if self._word() != "]":
                self._want(",")
        self._want("]")
        return self._made(Several(tuple(items)))

    def _named(self, name: str) -> Node:
        if name in ("true", "false"):
            return self._made(Literal(name == "true"))
        if name in self.bound:
            return self._made(Variable(f"v{self.bound.index(name)}"))
        if name in FUNCTIONS and self._word() == "(":
            self._take()
            argument = self._or()
            self._want(")")
            if name == "has" and not isinstance(argument, Fact):
                raise ConditionFault("`has` asks whether one fact is known: has(account.tier)")
            return self._made(Call(name, (argument,)))
        if self._word() != ".":
            raise ConditionFault(f"`{name[:40]}` is no fact; facts are named like finding.status")
        self._take()
        own = self._take() if self._kind() == "name" else ""
        return self._made(Fact(f"{name}.{own}"))


def canonical(node: Node) -> str:  # noqa: PLR0911  (a kind of node a line)
    """The condition as text, every part in brackets: one text for conditions that read alike."""
    match node:
        case Literal(value):
            return _literal(value)
        case Several(items):
            return f"[{', '.join(_literal(item.value) for item in items)}]"
        case Fact(name) | Variable(name):
            return name
        case Each(kind, over, variable, body):
            return f"{canonical(over)}.{kind}({variable}, {canonical(body)})"
    parts = [canonical(part) for part in node.args]
    if node.op in FUNCTIONS:
        return f"{node.op}({parts[0]})"
    if node.op in METHODS:
        return f"{parts[0]}.{node.op}({parts[1]})"
    if node.op in ("!", "neg"):
        return f"({'!' if node.op == '!' else '-'}{parts[0]})"
    return f"({f' {node.op} '.join(parts)})"


def _literal(value: bool | int | float | str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"' if '"' not in value else f"'{value}'"
    return repr(value)


def asked_about(node: Node) -> frozenset[str]:
    """The facts of which a condition asks whether they are known, by `has`."""
    match node:
        case Call("has", (Fact(name),)):
            return frozenset((name,))
        case Call(_, args):
            return frozenset[str]().union(*(asked_about(part) for part in args))
        case Each(_, over, _, body):
            return asked_about(over) | asked_about(body)
    return frozenset()


def facts_in(node: Node) -> frozenset[str]:
    """The names of all facts that a condition speaks of."""
    match node:
        case Fact(name):
            return frozenset((name,))
        case Call(_, args):
            return frozenset().union(*(facts_in(part) for part in args))
        case Each(_, over, _, body):
            return facts_in(over) | facts_in(body)
    return frozenset()
