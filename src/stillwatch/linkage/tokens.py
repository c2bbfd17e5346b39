"""What each entity showed, channel by channel, in six families; a channel is a query, and names the columns it needs.

Every query answers (entity INTEGER, token UBIGINT), distinct. It reads `exchange` (sketched exchanges with `x`,
`entity`
and the network of their address), `account`, `template_token`, `filler` and `preamble`.
"""

from dataclasses import dataclass

from stillwatch.records import Family, SegmentRole, Step


@dataclass(frozen=True)
class ChannelQuery:
    """One channel: its families, the columns without which it is blind, and its query.

    `catches` and `evaded_by` say what a shared token means and what hiding it costs an operator.
    """

    name: str
    families: tuple[Family, ...]
    needs: tuple[str, ...]
    sql: str
    catches: str
    evaded_by: str
    scored: bool = True


def _of_exchange(value: str, where: str) -> str:
    return f"SELECT DISTINCT entity, md5_number_lower(CAST({value} AS VARCHAR)) AS token FROM exchange WHERE {where}"


def _of_account(value: str, where: str) -> str:
    return f"SELECT DISTINCT entity, md5_number_lower(CAST({value} AS VARCHAR)) AS token FROM account WHERE {where}"


def _of_template(channel: str) -> str:
    return f"SELECT DISTINCT entity, token FROM template_token WHERE channel = '{channel}'"


SETTLED = "e.asked_at >= coalesce(a.created_at, TIMESTAMPTZ '1970-01-01') + INTERVAL 48 HOURS"
"""Timing leaves out an account's first 48 hours: sign-up waves belong to registration."""


def _slot(column: str, seconds: int) -> str:
    """Which slot of this length since 1970 a time falls in, in whole numbers: DuckDB's `//` does not floor doubles."""
    return f"epoch_us({column}) // {seconds * 1_000_000}"


HOUR = _slot("e.asked_at", 3600)
DAY = _slot("created_at", 86_400)

EMAIL_SHAPE = (
    "regexp_replace(regexp_replace(lower(split_part(email, '@', 1)), '[0-9]+', '9', 'g'), '[^0-9._+-]+', 'a', 'g')"
    " || '@' || lower(split_part(email, '@', 2))"
)

ACCESS = {
    "address": ("client_ip", "client_ip IS NOT NULL"),
    "block": ("block", "block IS NOT NULL"),
    "client": ("concat_ws('|', ja4, user_agent, param_fp)", "ja4 IS NOT NULL AND user_agent IS NOT NULL"),
}
"""Channels of access by the value of an exchange and where it is there: they tell a group's work where no text does."""

ACCESS_TOKEN_STEP = Step(
    "access_token",
    " UNION ALL ".join(
        f"SELECT x, entity, '{name}' AS channel, md5_number_lower(CAST({value} AS VARCHAR)) AS token "
        f"FROM exchange WHERE {where}"
        for name, (value, where) in ACCESS.items()
    ),
)
"""Table `access_token(x, entity, channel, token)`."""

CHANNELS: tuple[ChannelQuery, ...] = (
    *(
        ChannelQuery(name, (Family.CONTENT,), ("messages",), _of_template(name), catches, evaded)
        for name, catches, evaded in (
            ("exact", "the same masked wording", "one changed word outside of the masked slots"),
            ("head", "the same first eight words", "varied openings"),
            ("tail", "the same last eight words", "varied endings"),
            ("segment", "the same sentence of instruction", "a new wording of every sentence"),
            ("system", "the same sentence of a short system text", "a new wording of every sentence"),
            ("lsh", "nearly the same text", "fillers much longer than the template"),
            ("fine", "instructions of nearly the same words, mined from each account", "other words for each account"),
            ("coarse", "instructions of like words, mined from each account", "no word in common"),
            ("profile", "the same words in many exchanges, however put together", "cover of nine tenths"),
        )
    ),
    ChannelQuery(
        "filler", (Family.WORK,), ("messages",), "SELECT DISTINCT entity, filler AS token FROM filler",
        "the same material asked about", "each item asked once in the whole campaign",
    ),
    ChannelQuery(
        "ja4", (Family.CLIENT,), ("ja4",), _of_exchange("ja4", "ja4 IS NOT NULL"),
        "one TLS stack", "a common browser's or SDK's stack",
    ),
    ChannelQuery(
        "user_agent", (Family.CLIENT,), ("user_agent",), _of_exchange("user_agent", "user_agent IS NOT NULL"),
        "one client string", "a common client's string",
    ),
    ChannelQuery(
        "parameters", (Family.CLIENT,), ("param_fp",), _of_exchange("param_fp", "param_fp IS NOT NULL"),
        "one set of sampling parameters", "defaults",
    ),
    ChannelQuery(
        "client", (Family.CLIENT,), ("ja4", "user_agent"),
        _of_exchange(*ACCESS["client"]),
        "one program with one configuration", "varying any of them",
    ),
    ChannelQuery(
        "tools", (Family.CLIENT,), ("tools",),
        "SELECT DISTINCT entity, segment AS token FROM "
        "(SELECT entity, unnest(segments) AS segment, unnest(segment_roles) AS role FROM exchange) WHERE role = 1",
        "one tool schema", "a reordered or renamed tool",
    ),
    ChannelQuery(
        "preamble", (Family.CLIENT,), ("system",),
        "SELECT DISTINCT entity, segment AS token FROM "
        "(SELECT entity, unnest(segments) AS segment, unnest(segment_roles) AS role, "
        f"list_contains(segment_roles, {int(SegmentRole.SYSTEM_SAYS)}) AS says FROM exchange) "
        "WHERE role = 0 AND NOT says OR role = 4 AND segment IN (SELECT segment FROM preamble)",
        "one long system text, or one block of a harness", "any change to it",
    ),
    ChannelQuery(
        "address", (Family.INFRASTRUCTURE,), ("client_ip",), _of_exchange(*ACCESS["address"]),
        "one address", "a fresh address for each account",
    ),
    ChannelQuery(
        "block", (Family.INFRASTRUCTURE,), ("client_ip",), _of_exchange(*ACCESS["block"]),
        "one /24 or /48", "addresses bought from many networks",
    ),
    ChannelQuery(
        "asn", (Family.INFRASTRUCTURE,), ("asn",), _of_exchange("asn", "asn IS NOT NULL"),
        "one network", "popular networks",
    ),
    ChannelQuery(
        "signup_block", (Family.INFRASTRUCTURE,), ("signup_ip",),
        _of_account("signup_block", "signup_block IS NOT NULL"),
        "sign-up from one block", "a fresh address for each sign-up",
    ),
    ChannelQuery(
        "signup_device", (Family.INFRASTRUCTURE,), ("signup_ja4", "signup_user_agent"),
        _of_account("concat_ws('|', signup_ja4, signup_user_agent)", "signup_ja4 IS NOT NULL"),
        "sign-up from one device", "a common browser",
    ),
    ChannelQuery(
        "payment", (Family.REGISTRATION,), ("payment_fingerprint",),
        _of_account("payment_fingerprint", "payment_fingerprint IS NOT NULL"),
        "one card", "a card for each account",
    ),
    ChannelQuery(
        "card_bin", (Family.REGISTRATION,), ("card_bin",), _of_account("card_bin", "card_bin IS NOT NULL"),
        "cards of one issuer", "cards of popular issuers",
    ),
    ChannelQuery(
        "email", (Family.REGISTRATION,), ("email",),
        _of_account(EMAIL_SHAPE, "email LIKE '%@%'"),
        "addresses made by one pattern", "a large provider and human-looking names",
    ),
    ChannelQuery(
        "email_domain", (Family.REGISTRATION,), ("email_domain",),
        _of_account("lower(email_domain)", "email_domain IS NOT NULL"),
        "one mail domain", "a large provider",
    ),
    ChannelQuery(
        "signup_day", (Family.REGISTRATION,), ("created_at",),
        _of_account(f"CAST({DAY} AS VARCHAR)", "created_at IS NOT NULL"),
        "sign-up on one day", "sign-ups spread over weeks",
    ),
    ChannelQuery(
        "hour", (Family.TIMING,), ("asked_at",),
        f"SELECT DISTINCT e.entity, CAST({HOUR} AS UBIGINT) AS token FROM exchange e JOIN account a "
        f"ON a.account = e.account WHERE {SETTLED}",
        "activity in the same hours", "jitter of hours",
    ),
    ChannelQuery(
        "burst", (Family.TIMING,), ("asked_at",),
        "SELECT DISTINCT entity, slot AS token FROM (SELECT e.entity, e.account, "
        f"CAST({_slot('e.asked_at', 600)} AS UBIGINT) AS slot, count(*) AS n FROM exchange e JOIN account a "
        f"ON a.account = e.account WHERE {SETTLED} GROUP BY ALL) WHERE n >= 4",
        "bursts in the same ten minutes", "an even pace",
    ),
    ChannelQuery(
        "switch", (Family.TIMING,), ("model_requested", "asked_at"),
        "SELECT DISTINCT entity, md5_number_lower(model_requested || '|' || CAST(hour AS VARCHAR)) AS token FROM ("
        f"SELECT e.entity, model_requested, min({HOUR}) AS hour, row_number() OVER (PARTITION BY e.entity "
        f"ORDER BY min(e.asked_at), model_requested) AS place FROM exchange e JOIN account a ON a.account = e.account "
        f"WHERE {SETTLED} GROUP BY e.entity, model_requested) WHERE place > 1",
        "a change of model in the same hour", "staggered changes",
    ),
    ChannelQuery(
        "block_hour", (Family.INFRASTRUCTURE, Family.TIMING), ("client_ip", "asked_at"),
        f"SELECT DISTINCT entity, md5_number_lower(block || '|' || CAST({HOUR} AS VARCHAR)) AS token FROM exchange e "
        "WHERE block IS NOT NULL",
        "one block in one hour: nominates only", "jitter or rotation", scored=False,
    ),
    ChannelQuery(
        "bin_day", (Family.REGISTRATION, Family.REGISTRATION), ("card_bin", "created_at"),
        _of_account(
            f"card_bin || '|' || CAST({DAY} AS VARCHAR)",
            "card_bin IS NOT NULL AND created_at IS NOT NULL",
        ),
        "cards of one issuer on one day: nominates only", "spread sign-ups", scored=False,
    ),
    ChannelQuery(
        "signup_block_day", (Family.INFRASTRUCTURE, Family.REGISTRATION), ("signup_ip", "created_at"),
        _of_account(
            f"signup_block || '|' || CAST({DAY} AS VARCHAR)",
            "signup_block IS NOT NULL AND created_at IS NOT NULL",
        ),
        "sign-ups from one block on one day: nominates only", "spread sign-ups", scored=False,
    ),
)  # fmt: skip
