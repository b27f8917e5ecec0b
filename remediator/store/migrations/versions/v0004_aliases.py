"""What reviewers taught."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "aliases",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text()),
        sa.Column("taught_by", sa.Text(), nullable=False),
        sa.Column("taught_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("change_id", sa.Text()),
        sa.PrimaryKeyConstraint("connection", "object", "field", "before", name="pk_aliases"),
    )
    op.create_index("ix_aliases_connection_change_id", "aliases", ["connection", "change_id"])
