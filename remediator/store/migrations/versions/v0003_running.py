"""What running unattended needs: leases, ticks, pauses, campaign states, call counts, notices, gaps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "leases",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("taken_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("connection", "name", name="pk_leases"),
    )
    op.create_table(
        "ticks",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("claimed_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("connection", "campaign", "at", name="pk_ticks"),
    )
    op.create_table(
        "pauses",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("connection", name="pk_pauses"),
    )
    op.create_table(
        "campaign_states",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("first_run_at", TIME, nullable=False),
        sa.Column("last_run_at", TIME, nullable=False),
        sa.Column("demoted", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text()),
        sa.PrimaryKeyConstraint("connection", "name", name="pk_campaign_states"),
    )
    op.create_table(
        "api_calls",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("system", sa.String(20), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "system", "day", name="pk_api_calls"),
    )
    op.create_table(
        "notices",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sent_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("connection", "key", name="pk_notices"),
    )
    op.create_table(
        "gaps",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("from_at", TIME, nullable=False),
        sa.Column("to_at", TIME, nullable=False),
        sa.Column("declared_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("connection", "from_at", name="pk_gaps"),
    )
    op.add_column("changes", sa.Column("reverted_at", TIME))
