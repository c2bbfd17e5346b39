"""The tables of the casebook. What others wrote stands in `body` and `content` as JSON in ASCII; ids of theirs that are
looked for stand as hashes, since they may be of any length and hold any character."""

import hashlib

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text

HEAD = "0003"
"""The migration that these tables are at."""

METADATA = MetaData()

ACTIONS = Table(
    "actions",
    METADATA,
    Column("action_id", String(20), primary_key=True),
    Column("account", String(32), nullable=False, index=True),
    Column("campaign", String(32), nullable=False, index=True),
    Column("state", String(12), nullable=False, index=True),
    Column("mode", String(8), nullable=False),
    Column("rung", Integer, nullable=False),
    Column("starts_at", BigInteger),
    Column("expires_at", BigInteger, nullable=False),
    Column("due_at", BigInteger),  # when an open appeal has waited too long
    Column("touched_at", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", Text, nullable=False),
)

APPROVALS = Table(
    "approvals",
    METADATA,
    Column("action_id", String(20), primary_key=True),
    Column("by", String(64), primary_key=True),  # so nobody approves twice, whatever a process believes
    Column("at", BigInteger, nullable=False),
)

APPEALS = Table(
    "appeals",
    METADATA,
    Column("action_id", String(20), primary_key=True),
    Column("opened_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("outcome", String(12), nullable=False, index=True),
    Column("by", String(64), nullable=False),
    Column("answered_at", BigInteger),
)

REVIEWS = Table(
    "reviews",
    METADATA,
    Column("subject", String(32), primary_key=True),  # of the campaign and, where one is meant, the account
    Column("by", String(64), primary_key=True),
    Column("account", String(32), index=True),
    Column("label", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)

ATTRIBUTIONS = Table(
    "attributions",
    METADATA,
    Column("subject", String(32), primary_key=True),  # of the run, the campaign and the organisation
    Column("by", String(64), primary_key=True),
    Column("run", String(32), nullable=False, index=True),
    Column("at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)

GRANTS = Table(
    "grants",
    METADATA,
    Column("grant_id", String(40), primary_key=True),
    Column("account", String(32), index=True),
    Column("at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)

TRAIL = Table(
    "trail",
    METADATA,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("what", String(20), nullable=False),
    Column("action_id", String(20)),
    Column("account", String(32)),
    Column("salt", String(32)),
    Column("content", Text),  # null where it was erased; its hash stays
    Column("content_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("ix_trail_action_id", "action_id"),
    Index("ix_trail_account", "account"),
)

IDENTITY = Table("identity", METADATA, Column("name", String(64), primary_key=True))
"""One row: what the casebook is known by from its beginning."""


def mark(text: str) -> str:
    """A hash to look an id of others' by."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
