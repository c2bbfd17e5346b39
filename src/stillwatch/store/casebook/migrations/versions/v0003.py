"""What a casebook is known by, from its beginning; of one that had rows before, the hash of its trail's first."""

import secrets

import sqlalchemy as sa
from alembic import context, op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table and its row."""
    table = op.create_table("identity", sa.Column("name", sa.String(64), primary_key=True))
    first = op.get_bind().execute(sa.text("SELECT hash FROM trail ORDER BY seq LIMIT 1")).scalar()
    name = first or context.config.attributes.get("identity") or secrets.token_hex(32)
    op.bulk_insert(table, [{"name": name}])
