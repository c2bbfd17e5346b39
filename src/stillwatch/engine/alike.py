"""What both engines answer alike: a written list. Everything else is refused before it is said to Spark."""

from sqlglot import exp

from stillwatch.errors import ContractError

UNSIGNED = exp.DType.UBIGINT

KNOWN = (
    exp.And, exp.AnyValue, exp.ArgMax, exp.ArgMin, exp.Array, exp.ArrayContains, exp.Avg, exp.BitwiseOrAgg, exp.Case,
    exp.Cast, exp.Coalesce, exp.ConcatWs, exp.Count, exp.Exists, exp.Explode, exp.Greatest, exp.Hex, exp.If, exp.Least,
    exp.Length, exp.LogicalAnd, exp.LogicalOr, exp.Lower, exp.LowerHex, exp.Max, exp.Median, exp.Min, exp.Nullif,
    exp.Or, exp.Pad, exp.PercentileDisc, exp.ReadParquet, exp.RegexpReplace, exp.RowNumber, exp.SplitPart,
    exp.StartsWith, exp.Struct, exp.Sum, exp.TimeToStr, exp.TimeToUnix,
)  # fmt: skip
"""Functions of which `tests/spark` compares the rows. Others are refused: a name that both engines know may mean two
things (days of the week, logarithms, differences of dates)."""

NAMED = ("md5_number_lower", "hash", "epoch_us", "struct_pack", "generate_subscripts")
"""The same of functions that sqlglot has no class for."""

UNSIGNED_IN = (
    exp.Alias, exp.AnyValue, exp.ArgMax, exp.ArgMin, exp.Array, exp.ArrayContains, exp.BitwiseAnd, exp.BitwiseOrAgg,
    exp.BitwiseRightShift, exp.Case, exp.Cast, exp.Coalesce, exp.Column, exp.ConcatWs, exp.Count, exp.Distinct, exp.EQ,
    exp.Exists, exp.Explode, exp.Filter, exp.Group, exp.Hex, exp.If, exp.IgnoreNulls, exp.In, exp.IntDiv, exp.Is,
    exp.Join, exp.LowerHex, exp.Max, exp.Min, exp.NEQ, exp.NullSafeEQ, exp.Ordered, exp.Paren, exp.PropertyEQ,
    exp.Select, exp.Struct, exp.Subquery, exp.Window,
)  # fmt: skip
"""Where an unsigned integer of 64 bits may stand: its bits are enough there, or a rule turns them."""

WHOLE = (*exp.DataType.INTEGER_TYPES, exp.DType.INT128)
BROKEN = (*exp.DataType.FLOAT_TYPES, exp.DType.DECIMAL)
NOT_AS_TEXT = (*BROKEN, exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ)
LARGEST = (1 << 63) - 1


def is_of(node: exp.Expr | None, *kinds: exp.DType) -> bool:
    """Whether a typed node is of one of these types."""
    return node is not None and node.type is not None and node.type.this in kinds


def want_alike(node: exp.Expr) -> None:
    """Raise ContractError where the two engines would answer in two ways."""
    if isinstance(node, exp.Anonymous):
        refused = node.name.lower() not in NAMED
    else:
        refused = isinstance(node, exp.Func) and not isinstance(node, KNOWN)
    if isinstance(node, exp.Cast):
        rounds = is_of(node.this, *BROKEN) and node.to.this in WHOLE
        refused |= rounds or (is_of(node.this, *NOT_AS_TEXT) and node.to.this in exp.DataType.TEXT_TYPES)
        halved = isinstance(node.this, exp.IntDiv)
        refused |= is_of(node.this, UNSIGNED) and not (halved or node.to.this in (*exp.DataType.TEXT_TYPES, UNSIGNED))
    elif isinstance(node, exp.RegexpReplace):
        refused |= "\\" in node.args["replacement"].name
    elif isinstance(node, exp.Like | exp.ILike):
        refused |= "\\" in node.expression.name
    elif isinstance(node, exp.Literal) and not node.is_string and node.name.isdigit():
        refused |= int(node.name) > LARGEST
    if is_of(node, UNSIGNED) and node.parent is not None:
        refused |= not isinstance(node.parent, (*UNSIGNED_IN, exp.Anonymous))
    if refused:
        at = node.parent if is_of(node, UNSIGNED) and node.parent is not None else node
        raise ContractError("both engines may not answer this alike", found=at.sql(dialect="duckdb")[:200])
