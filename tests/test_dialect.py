"""DuckDB's SQL in Spark's words: what differs is said by types, and what cannot be said is refused. The rows of both
engines are compared in `tests/spark`."""

import pytest

from stillwatch.engine.dialect import parsed, spark_sql, spark_type
from stillwatch.errors import ContractError

COLUMNS = {
    "held": {
        "g": "INTEGER", "h": "UBIGINT", "n": "BIGINT", "word": "VARCHAR", "raw": "BLOB", "yes": "BOOLEAN",
        "asked": "TIMESTAMP WITH TIME ZONE", "ids": "UBIGINT[]", "roles": "UTINYINT[]",
    }
}  # fmt: skip


def said(sql: str) -> str:
    return spark_sql(parsed(sql), COLUMNS.__getitem__).replace("`held`.", "").replace("`", "")


@pytest.mark.parametrize(
    ("sql", "part"),
    [
        ("SELECT min(h) AS m FROM held", "MIN_BY(h, ((h) ^ -9223372036854775808))"),
        ("SELECT min(n) AS m FROM held", "MIN(n)"),
        ("SELECT h FROM held ORDER BY h", "ORDER BY ((h) ^ -9223372036854775808) NULLS LAST"),
        ("SELECT n FROM held ORDER BY n", "ORDER BY n NULLS LAST"),
        ("SELECT CAST(h AS VARCHAR) AS s FROM held", "CONV(HEX(h), 16, 10)"),
        ("SELECT CAST(n AS VARCHAR) AS s FROM held", "CAST(n AS STRING)"),
        ("SELECT h // 2 AS x FROM held", "SHIFTRIGHTUNSIGNED(h, 1)"),
        ("SELECT avg(CASE WHEN yes THEN 1.0 END) AS a FROM held", "AVG(CAST(CASE WHEN yes THEN 1.0 END AS DOUBLE))"),
        ("SELECT len(ids) AS n FROM held", "ARRAY_SIZE(ids)"),
        ("SELECT CAST(n AS HUGEINT) AS n FROM held", "CAST(n AS DECIMAL(38, 0))"),
        ("SELECT unnest(ids) AS i FROM held", "LATERAL VIEW EXPLODE(ids) taken AS held"),
        ("SELECT hex(raw)[17:32] AS s FROM held", "SUBSTRING(HEX(raw), 17, 16)"),
    ],
)
def test_what_differs_by_type(sql: str, part: str) -> None:
    assert part in said(sql)


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("SELECT h // 3 AS third FROM held", "divided"),
        ("SELECT epoch(asked - asked) AS s FROM held", "interval"),
        ("SELECT strftime(asked, '%d.%m.') AS day FROM held", "format"),
        ("SELECT asked AT TIME ZONE 'CET' AS t FROM held", "zone"),
        ("SELECT unnest([1, 2]) AS a, unnest(ids) AS i FROM held", "side by side"),
    ],
)
def test_what_a_rule_cannot_say_is_refused(sql: str, named: str) -> None:
    with pytest.raises(ContractError, match=named):
        said(sql)


@pytest.mark.parametrize(
    "part",
    [
        "h < 5",
        "h BETWEEN 1 AND 5",
        "greatest(h, 5)",
        "h % 3",
        "h / 2",
        "CAST(h AS DOUBLE)",
        "CAST(h AS BIGINT)",
        "h + 1",
        "sum(h)",
        "avg(h)",
        "median(h)",
        "h = 18446744073709551615",
        "word || h",
        "list(h)",
        "ln(n)",
        "log(n)",
        "round(n, 1)",
        "CAST(2.5 * n AS BIGINT)",
        "CAST(n / 2.5 AS VARCHAR)",
        "CAST(asked AS VARCHAR)",
        "date_diff('day', asked, asked)",
        "dayofweek(asked)",
        "word LIKE '\\%'",
        "regexp_replace(word, '(a)', '\\1')",
        "rank() OVER (ORDER BY n)",
        "upper(word)",
    ],
)
def test_what_both_engines_may_not_answer_alike_is_refused(part: str) -> None:
    with pytest.raises(ContractError):
        said(f"SELECT {part} AS told FROM held")


def test_types_that_spark_has_not_are_kept_in_the_next_larger() -> None:
    kept = {"UBIGINT": "BIGINT", "UTINYINT": "SMALLINT", "USMALLINT[]": "ARRAY<INT>", "VARCHAR": "STRING"}
    assert {name: spark_type(name) for name in kept} == kept
