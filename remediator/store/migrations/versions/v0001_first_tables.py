"""The first tables, and the triggers that keep the audit log append-only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# The chained tables only grow; a payload may only be emptied (erasure); a chain's head only moves on.
SQLITE_TRIGGERS = (
    """CREATE TRIGGER audit_entries_no_update BEFORE UPDATE ON audit_entries
    BEGIN SELECT RAISE(ABORT, 'audit_entries is append-only'); END""",
    """CREATE TRIGGER audit_entries_no_delete BEFORE DELETE ON audit_entries
    BEGIN SELECT RAISE(ABORT, 'audit_entries is append-only'); END""",
    """CREATE TRIGGER audit_payloads_no_update BEFORE UPDATE ON audit_payloads
    WHEN NEW.payload IS NOT NULL OR NEW.salt IS NOT NULL
        OR NEW.connection IS NOT OLD.connection OR NEW.seq IS NOT OLD.seq
    BEGIN SELECT RAISE(ABORT, 'audit_payloads is append-only'); END""",
    """CREATE TRIGGER audit_payloads_no_delete BEFORE DELETE ON audit_payloads
    BEGIN SELECT RAISE(ABORT, 'audit_payloads is append-only'); END""",
    """CREATE TRIGGER audit_heads_no_update BEFORE UPDATE ON audit_heads
    WHEN NEW.connection IS NOT OLD.connection OR NEW.seq <= OLD.seq
    BEGIN SELECT RAISE(ABORT, 'audit_heads is append-only'); END""",
    """CREATE TRIGGER audit_heads_no_delete BEFORE DELETE ON audit_heads
    BEGIN SELECT RAISE(ABORT, 'audit_heads is append-only'); END""",
)

POSTGRESQL_TRIGGERS = (
    """CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$""",
    """CREATE TRIGGER audit_entries_no_change BEFORE UPDATE OR DELETE ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION audit_append_only()""",
    """CREATE TRIGGER audit_payloads_no_update BEFORE UPDATE ON audit_payloads FOR EACH ROW
    WHEN (NEW.payload IS NOT NULL OR NEW.salt IS NOT NULL
        OR NEW.connection IS DISTINCT FROM OLD.connection OR NEW.seq IS DISTINCT FROM OLD.seq)
    EXECUTE FUNCTION audit_append_only()""",
    """CREATE TRIGGER audit_payloads_no_delete BEFORE DELETE ON audit_payloads
    FOR EACH ROW EXECUTE FUNCTION audit_append_only()""",
    """CREATE TRIGGER audit_heads_no_update BEFORE UPDATE ON audit_heads FOR EACH ROW
    WHEN (NEW.connection IS DISTINCT FROM OLD.connection OR NEW.seq <= OLD.seq)
    EXECUTE FUNCTION audit_append_only()""",
    """CREATE TRIGGER audit_heads_no_delete BEFORE DELETE ON audit_heads
    FOR EACH ROW EXECUTE FUNCTION audit_append_only()""",
    """CREATE TRIGGER audit_entries_no_truncate BEFORE TRUNCATE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()""",
    """CREATE TRIGGER audit_payloads_no_truncate BEFORE TRUNCATE ON audit_payloads
    FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()""",
    """CREATE TRIGGER audit_heads_no_truncate BEFORE TRUNCATE ON audit_heads
    FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()""",
)


def upgrade() -> None:
    _archive_tables()
    _plan_tables()
    _audit_tables()
    postgresql = op.get_bind().dialect.name == "postgresql"
    for statement in POSTGRESQL_TRIGGERS if postgresql else SQLITE_TRIGGERS:
        op.execute(statement)


def _archive_tables() -> None:
    op.create_table(
        "store_keys",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_store_keys"),
    )
    op.create_table(
        "runs",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("campaign", sa.Text()),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("counters", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    op.create_index("ix_runs_connection", "runs", ["connection"])
    op.create_table(
        "intakes",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("run_id", ID),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_intakes"),
        sa.UniqueConstraint("connection", "digest", name="uq_intakes_connection_digest"),
    )
    op.create_table(
        "cases",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(32), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("level", sa.String(10), nullable=False),
        sa.Column("object", sa.Text()),
        sa.Column("marketo_id", sa.Text()),
        sa.Column("salesforce_id", sa.Text()),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("category", sa.String(40), nullable=False),
        sa.Column("diagnosis", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_count", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(20)),
        sa.Column("note", sa.Text()),
        sa.Column("assigned_to", sa.Text()),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_cases"),
        sa.UniqueConstraint("connection", "fingerprint", name="uq_cases_connection_fingerprint"),
    )
    op.create_index("ix_cases_connection_cause_last_seen", "cases", ["connection", "cause", "last_seen"])
    op.create_index("ix_cases_connection_marketo_id", "cases", ["connection", "marketo_id"])
    op.create_index("ix_cases_connection_salesforce_id", "cases", ["connection", "salesforce_id"])
    op.create_index("ix_cases_connection_state_due_at", "cases", ["connection", "state", "due_at"])
    op.create_table(
        "sightings",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(16), nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text()),
        sa.Column("origin", sa.Text()),
        sa.Column("run_id", ID),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sightings"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_sightings_case_id"),
        sa.UniqueConstraint("connection", "digest", name="uq_sightings_connection_digest"),
    )
    op.create_index("ix_sightings_case_id", "sightings", ["case_id"])


def _plan_tables() -> None:
    op.create_table(
        "plans",
        sa.Column("seq", ID, autoincrement=True, nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("campaign", sa.Text()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("config_hash", sa.Text(), nullable=False),
        sa.Column("predicted_api_calls", sa.Text(), nullable=False),
        sa.Column("predicted_resyncs", sa.Integer(), nullable=False),
        sa.Column("predicted_sync_s", sa.Integer(), nullable=False),
        sa.Column("undo_of", sa.Text()),
        sa.PrimaryKeyConstraint("seq", name="pk_plans"),
        sa.UniqueConstraint("connection", "id", name="uq_plans_connection_id"),
    )
    op.create_table(
        "declined_cases",
        sa.Column("seq", ID, autoincrement=True, nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("candidates", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_declined_cases"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_declined_cases_case_id"),
        sa.ForeignKeyConstraint(
            ["connection", "plan_id"],
            ["plans.connection", "plans.id"],
            name="fk_declined_cases_connection_plan_id",
        ),
    )
    op.create_index("ix_declined_cases_case_id", "declined_cases", ["case_id"])
    op.create_index("ix_declined_cases_connection_plan_id", "declined_cases", ["connection", "plan_id"])
    op.create_table(
        "changes",
        sa.Column("seq", ID, autoincrement=True, nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("cases", sa.Text(), nullable=False),
        sa.Column("system", sa.String(20), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("fixer", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text()),
        sa.Column("confidence", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("salesforce_field", sa.Text()),
        sa.Column("salesforce_object", sa.Text()),
        sa.Column("salesforce_id", sa.Text()),
        sa.Column("candidates", sa.Text(), nullable=False),
        sa.Column("undoes", sa.Text()),
        sa.Column("undo", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("run_id", ID),
        sa.Column("intended_at", sa.DateTime(timezone=True)),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.Column("note", sa.Text()),
        sa.Column("resynced_at", sa.DateTime(timezone=True)),
        sa.Column("resync_way", sa.Text()),
        sa.PrimaryKeyConstraint("seq", name="pk_changes"),
        sa.ForeignKeyConstraint(
            ["connection", "plan_id"], ["plans.connection", "plans.id"], name="fk_changes_connection_plan_id"
        ),
        sa.UniqueConstraint("connection", "id", name="uq_changes_connection_id"),
    )
    op.create_index("ix_changes_connection_plan_id", "changes", ["connection", "plan_id"])
    op.create_index("ix_changes_connection_record_id", "changes", ["connection", "record_id"])
    op.create_index("ix_changes_connection_run_id", "changes", ["connection", "run_id"])
    op.create_index("ix_changes_connection_state", "changes", ["connection", "state"])
    op.create_table(
        "change_cases",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("change_seq", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("change_seq", "case_id", name="pk_change_cases"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_change_cases_case_id"),
        sa.ForeignKeyConstraint(["change_seq"], ["changes.seq"], name="fk_change_cases_change_seq"),
    )
    op.create_index("ix_change_cases_case_id", "change_cases", ["case_id"])


def _audit_tables() -> None:
    op.create_table(
        "audit_heads",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("seq", ID, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("connection", name="pk_audit_heads"),
    )
    op.create_table(
        "audit_entries",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("seq", ID, autoincrement=False, nullable=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("run_id", ID),
        sa.Column("case_id", ID),
        sa.Column("change_id", sa.Text()),
        sa.Column("payload_digest", sa.String(64), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("connection", "seq", name="pk_audit_entries"),
    )
    op.create_index("ix_audit_entries_connection_case_id", "audit_entries", ["connection", "case_id"])
    op.create_index("ix_audit_entries_connection_change_id", "audit_entries", ["connection", "change_id"])
    op.create_index("ix_audit_entries_connection_event", "audit_entries", ["connection", "event"])
    op.create_table(
        "audit_payloads",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("seq", ID, autoincrement=False, nullable=False),
        sa.Column("salt", sa.String(64)),
        sa.Column("payload", sa.Text()),
        sa.PrimaryKeyConstraint("connection", "seq", name="pk_audit_payloads"),
        sa.ForeignKeyConstraint(
            ["connection", "seq"],
            ["audit_entries.connection", "audit_entries.seq"],
            name="fk_audit_payloads_connection_seq",
        ),
    )
