"""Who signed which organisation as the operator of a run's finding."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "attributions",
        sa.Column("subject", sa.String(32), primary_key=True),
        sa.Column("by", sa.String(64), primary_key=True),
        sa.Column("run", sa.String(32), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("ix_attributions_run", "attributions", ["run"])
