"""DuckDB's SQL as Spark says it: the same rows, typed by DuckDB.

Steps are written once, in DuckDB's dialect. Each query is qualified and typed by sqlglot against the columns that
DuckDB gives the tables, since what must be said differently depends on types: Spark has no unsigned integers. Those of
64 bits are kept there as the same bits in a signed one, and are turned where their order or their digits count; the
smaller ones are kept in the next larger type.
"""

from collections.abc import Callable, Mapping

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from stillwatch.engine.alike import UNSIGNED, is_of, want_alike
from stillwatch.errors import ContractError

Columns = Callable[[str], Mapping[str, str]]
"""The columns of a table and their types as DuckDB names them."""

SIGN = "-9223372036854775808"
"""What turns the order of signed integers of 64 bits into that of unsigned ones, by XOR."""

KEPT_AS = {
    UNSIGNED: "BIGINT",
    exp.DType.UINT: "BIGINT",
    exp.DType.USMALLINT: "INT",
    exp.DType.UTINYINT: "SMALLINT",
    exp.DType.INT128: "DECIMAL(38, 0)",
    exp.DType.UINT128: "DECIMAL(38, 0)",
}
"""Types that Spark has not, and the ones that hold their values."""

TIME_FORMATS = {"%Y-%m-%dT%H:%M:%SZ": "yyyy-MM-dd'T'HH:mm:ss'Z'", "%Y-%m-%d": "yyyy-MM-dd"}


def parsed(sql: str) -> exp.Expr:
    """A query in DuckDB's dialect as a tree."""
    return sqlglot.parse_one(sql, dialect="duckdb")


def spark_sql(tree: exp.Expr, columns: Columns) -> str:
    """One query in Spark's dialect. Raises ContractError for what cannot be said so that it gives the same rows."""
    schema = MappingSchema(dialect="duckdb")
    within = {cte.alias for cte in tree.find_all(exp.CTE)}
    for name in sorted({table.name for table in tree.find_all(exp.Table)} - within):
        schema.add_table(name, dict(columns(name)), dialect="duckdb")
    tree = qualify(tree, schema=schema, dialect="duckdb", validate_qualify_columns=False)
    tree = annotate_types(tree, schema=schema, dialect="duckdb")
    for node in tree.walk():
        want_alike(node)
    for node in reversed(list(tree.bfs())):
        rule = RULES.get(type(node))
        said = rule(node) if rule else None
        if said is not None:
            said.type = node.type
            node.replace(said)
    for select in list(tree.find_all(exp.Select)):
        _exploded(select)
    return tree.sql(dialect="spark")


def spark_type(name: str) -> str:
    """The type of Spark that holds the values of a type of DuckDB."""
    return _kept(exp.DataType.build(name, dialect="duckdb")).sql(dialect="spark")


def _kept(kind: exp.DataType) -> exp.DataType:
    """A type with every part that Spark has not put into one that it has."""

    def part(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.DataType) and node.this in KEPT_AS:
            return exp.DataType.build(KEPT_AS[node.this], dialect="spark")
        return node

    told = kind.transform(part)
    assert isinstance(told, exp.DataType)
    return told


def _call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=[argument.copy() for argument in arguments])


def _ordered(node: exp.Expr) -> exp.Expr:
    """An unsigned integer as a value that is ordered as it is; every other value as it stands."""
    if not is_of(node, UNSIGNED):
        return node.copy()
    bits = exp.BitwiseXor(this=exp.paren(node.copy()), expression=exp.Literal.number(SIGN))
    return exp.paren(bits)


def _digits(node: exp.Expr) -> exp.Expr:
    """An unsigned integer as text; every other value as it stands."""
    if not is_of(node, UNSIGNED):
        return node.copy()
    return _call("CONV", exp.Hex(this=node.copy()), exp.Literal.number(16), exp.Literal.number(10))


def _double(node: exp.Expr) -> exp.Expr:
    return exp.cast(node.copy(), "double", dialect="spark")


# ---------------------------------------------------------------------------------------------------- rules, by node


def _cast(node: exp.Cast) -> exp.Expr | None:
    if node.to.this in exp.DataType.TEXT_TYPES and is_of(node.this, UNSIGNED):
        return _digits(node.this)
    return exp.cast(node.this.copy(), _kept(node.to), dialect="spark")


def _extreme(node: exp.Min | exp.Max) -> exp.Expr | None:
    """Least or greatest of unsigned integers: the value by its order."""
    if not is_of(node.this, UNSIGNED):
        return None
    return _call("MIN_BY" if isinstance(node, exp.Min) else "MAX_BY", node.this, _ordered(node.this))


def _by_order(node: exp.ArgMin | exp.ArgMax) -> exp.Expr:
    """DuckDB passes over rows without a value, Spark over rows without an order; within a struct DuckDB puts NULL
    last, Spark first."""
    by = node.expression
    if isinstance(by, exp.Struct):
        fields = [field.expression for field in by.expressions]
        by = _call("STRUCT", *(part for field in fields for part in (_call("ISNULL", field), _ordered(field))))
    else:
        by = _ordered(by)
    held = exp.Case().when(exp.Not(this=exp.Is(this=node.this.copy(), expression=exp.null())), by)
    return _call("MIN_BY" if isinstance(node, exp.ArgMin) else "MAX_BY", node.this, held)


def _sorted(node: exp.Ordered) -> exp.Expr | None:
    if not is_of(node.this, UNSIGNED):
        return None
    said = node.copy()
    said.set("this", _ordered(node.this))
    return said


def _whole(node: exp.IntDiv) -> exp.Expr | None:
    """Both engines cut off towards zero; an unsigned integer is halved by its bits."""
    if not is_of(node.this, UNSIGNED):
        return None
    if node.expression.sql() != "2":
        raise ContractError("an unsigned integer is divided", found=node.sql(dialect="duckdb"), wanted="a half")
    return _call("SHIFTRIGHTUNSIGNED", node.this, exp.Literal.number(1))


def _division(node: exp.Div) -> exp.Expr:
    """DuckDB divides as doubles do, by nought as well; Spark has decimals and NULL."""
    above, below = _double(node.this), _double(node.expression)
    endless = exp.Mul(this=above.copy(), expression=_double(exp.Literal.string("Infinity")))
    nought = exp.EQ(this=below.copy(), expression=exp.Literal.number(0))
    # typed and safe as Spark's own division: sqlglot adds no cast and no test
    plain = exp.Div(this=above, expression=below, typed=False, safe=True)
    return exp.paren(exp.Case().when(nought, endless).else_(plain))


def _mean(node: exp.Avg | exp.Median) -> exp.Expr:
    """As doubles: Spark's mean of decimals has five digits."""
    return type(node)(this=_double(node.this))


def _shifted(node: exp.BitwiseRightShift) -> exp.Expr | None:
    return _call("SHIFTRIGHTUNSIGNED", node.this, node.expression) if is_of(node.this, UNSIGNED) else None


def _quantile(node: exp.PercentileDisc) -> exp.Expr:
    """A value that is there. Spark orders numbers only: times by their microseconds, which doubles hold."""
    timed = is_of(node.this, exp.DType.TIMESTAMPTZ, exp.DType.TIMESTAMP)
    by = _call("UNIX_MICROS", node.this) if timed else node.this.copy()
    share = exp.PercentileDisc(this=node.expression.copy())
    found = exp.WithinGroup(this=share, expression=exp.Order(expressions=[exp.Ordered(this=by)]))
    return _call("TIMESTAMP_MICROS", exp.cast(found, "bigint", dialect="spark")) if timed else found


def _joined(node: exp.ConcatWs) -> exp.Expr:
    return _call("CONCAT_WS", *map(_digits, node.expressions))


def _epoch(node: exp.TimeToUnix) -> exp.Expr:
    if is_of(node.this, exp.DType.INTERVAL) or isinstance(node.this, exp.Sub):
        raise ContractError(
            "seconds of an interval", found=node.sql(dialect="duckdb"), wanted="(epoch_us(a) - epoch_us(b)) / 1e6"
        )
    millionth = exp.Literal.number(1_000_000)
    return exp.paren(exp.Div(this=_double(_call("UNIX_MICROS", node.this)), expression=_double(millionth)))


def _time(node: exp.TimeToStr) -> exp.Expr:
    told = node.args["format"].this
    if told not in TIME_FORMATS:
        raise ContractError("a time format that Spark is not told", found=told, wanted=", ".join(TIME_FORMATS))
    return _call("DATE_FORMAT", node.this, exp.Literal.string(TIME_FORMATS[told]))


def _zoned(node: exp.AtTimeZone) -> exp.Expr:
    """Sessions of both engines stand in UTC."""
    if node.args["zone"].name != "UTC":
        raise ContractError("a time zone", found=node.args["zone"].name, wanted="UTC")
    inner: exp.Expr = node.this
    return inner.copy()


def _cut(node: exp.Bracket) -> exp.Expr | None:
    """A part of a text by its places."""
    if len(node.expressions) != 1 or not isinstance(cut := node.expressions[0], exp.Slice):
        return None
    first, last = int(cut.this.name), int(cut.expression.name)
    # sqlglot counts from nought inside brackets, DuckDB from one
    return _call("SUBSTRING", node.this, exp.Literal.number(first), exp.Literal.number(last - first + 1))


def _length(node: exp.Length) -> exp.Expr | None:
    """NULL of a list that is NULL, where Spark's `size` has -1."""
    return _call("ARRAY_SIZE", node.this) if is_of(node.this, exp.DType.LIST, exp.DType.ARRAY) else None


def _named(node: exp.Anonymous) -> exp.Expr | None:
    rule = FUNCTIONS.get(node.name.lower())
    return rule(*node.expressions) if rule else None


def _md5_lower(text: exp.Expr) -> exp.Expr:
    """The second half of an MD5 as DuckDB reads it, least byte first."""
    hashed = _call("MD5", _digits(text))
    pairs = [_call("SUBSTRING", hashed, exp.Literal.number(at), exp.Literal.number(2)) for at in range(31, 16, -2)]
    said = _call("CONV", _call("CONCAT", *pairs), exp.Literal.number(16), exp.Literal.number(-10))
    return exp.cast(said, "bigint", dialect="spark")


FUNCTIONS: dict[str, Callable[..., exp.Expr]] = {
    "md5_number_lower": _md5_lower,
    "hash": lambda value: _call("XXHASH64", value),
    "epoch_us": lambda time: _call("UNIX_MICROS", time),
    "struct_pack": lambda *fields: _call("STRUCT", *fields),
}

RULES: dict[type[exp.Expr], Callable[..., exp.Expr | None]] = {
    exp.Cast: _cast,
    exp.Min: _extreme,
    exp.Max: _extreme,
    exp.ArgMin: _by_order,
    exp.ArgMax: _by_order,
    exp.Ordered: _sorted,
    exp.BitwiseRightShift: _shifted,
    exp.IntDiv: _whole,
    exp.Div: _division,
    exp.Avg: _mean,
    exp.Median: _mean,
    exp.PercentileDisc: _quantile,
    exp.ConcatWs: _joined,
    exp.TimeToUnix: _epoch,
    exp.TimeToStr: _time,
    exp.AtTimeZone: _zoned,
    exp.Bracket: _cut,
    exp.Length: _length,
    exp.Anonymous: _named,
}


# ------------------------------------------------------------------------------------------------ lists into rows


def _exploded(select: exp.Select) -> None:
    """Lists that a query takes apart side by side, as a lateral view: Spark knows one such function a query."""
    own = [node for node in select.find_all(exp.Explode, exp.Anonymous) if node.find_ancestor(exp.Select) is select]
    lists = [node for node in own if isinstance(node, exp.Explode)]
    places = [node for node in own if isinstance(node, exp.Anonymous) and node.name.lower() == "generate_subscripts"]
    if not lists:
        return
    if len(lists) == 1 and not places:
        view = _lateral(_call("EXPLODE", lists[0].this), "held")
        lists[0].replace(exp.column("held", "taken"))
    else:
        names = [node.this.name for node in lists if isinstance(node.this, exp.Column)]
        if len(set(names)) != len(lists):
            raise ContractError("lists side by side that are no columns", found=select.sql(dialect="duckdb")[:200])
        view = _lateral(_call("POSEXPLODE", _call("ARRAYS_ZIP", *(node.this for node in lists))), "place", "held")
        for node, name in zip(lists, names, strict=True):
            node.replace(exp.Dot.build([exp.column("held", "taken"), exp.to_identifier(name)]))
    for subscript in places:
        subscript.replace(exp.paren(exp.Add(this=exp.column("place", "taken"), expression=exp.Literal.number(1))))
    select.append("laterals", view)


def _lateral(source: exp.Expr, *columns: str) -> exp.Lateral:
    """A view `taken` beside each row, of what a function makes of it."""
    alias = exp.TableAlias(this=exp.to_identifier("taken"), columns=[exp.to_identifier(name) for name in columns])
    return exp.Lateral(this=source, view=True, alias=alias)
