"""The first casebook. The trail's rows cannot be removed, nor what their hashes are made of changed."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

BOUND = ("seq", "at", "what", "content_hash", "hash")
"""What erasure leaves of a row of the trail."""


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "actions",
        sa.Column("action_id", sa.String(20), primary_key=True),
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("campaign", sa.String(32), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("mode", sa.String(8), nullable=False),
        sa.Column("rung", sa.Integer, nullable=False),
        sa.Column("starts_at", sa.BigInteger),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger),
        sa.Column("touched_at", sa.BigInteger, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "approvals",
        sa.Column("action_id", sa.String(20), primary_key=True),
        sa.Column("by", sa.String(64), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "appeals",
        sa.Column("action_id", sa.String(20), primary_key=True),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.String(12), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("answered_at", sa.BigInteger),
    )
    op.create_table(
        "reviews",
        sa.Column("subject", sa.String(32), primary_key=True),
        sa.Column("by", sa.String(64), primary_key=True),
        sa.Column("account", sa.String(32)),
        sa.Column("label", sa.String(16), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "grants",
        sa.Column("grant_id", sa.String(40), primary_key=True),
        sa.Column("account", sa.String(32)),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "trail",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("what", sa.String(20), nullable=False),
        sa.Column("action_id", sa.String(20)),
        sa.Column("account", sa.String(32)),
        sa.Column("salt", sa.String(32)),
        sa.Column("content", sa.Text),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    for table, column in (
        ("actions", "account"), ("actions", "campaign"), ("actions", "state"), ("appeals", "outcome"),
        ("reviews", "account"), ("grants", "account"), ("trail", "action_id"), ("trail", "account"),
    ):  # fmt: skip
        op.create_index(f"ix_{table}_{column}", table, [column])
    _append_only()


def _append_only() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER trail_stays BEFORE DELETE ON trail BEGIN SELECT RAISE(ABORT, 'the trail stays'); END"
        )
        op.execute(
            f"CREATE TRIGGER trail_is_bound BEFORE UPDATE OF {', '.join(BOUND)} ON trail "
            "BEGIN SELECT RAISE(ABORT, 'the trail stays'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION trail_stays() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the trail stays'; END $$"
    )
    op.execute("CREATE TRIGGER trail_stays BEFORE DELETE ON trail FOR EACH ROW EXECUTE FUNCTION trail_stays()")
    op.execute(
        f"CREATE TRIGGER trail_is_bound BEFORE UPDATE OF {', '.join(BOUND)} ON trail "
        "FOR EACH ROW EXECUTE FUNCTION trail_stays()"
    )
