"""The calls of the last seconds, which all processes of a connection count together."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "call_windows",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("system", sa.String(20), nullable=False),
        sa.Column("calls_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "system", name="pk_call_windows"),
    )
