"""How often a case was tried again without a change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "retries",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run_id", ID),
        sa.PrimaryKeyConstraint("case_id", name="pk_retries"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_retries_case_id"),
    )
