"""Retention: anchors behind which old audit entries may go, and sums of what rows that went had counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# An entry or payload may be deleted behind its connection's anchor and nowhere else. An anchor stands on an
# entry that is there, before the end of the chain, and only moves on.
_STANDS = """EXISTS (SELECT 1 FROM audit_entries e WHERE e.connection = NEW.connection
        AND e.seq = NEW.seq AND e.hash = NEW.hash)
    AND EXISTS (SELECT 1 FROM audit_heads h WHERE h.connection = NEW.connection AND h.seq > NEW.seq)"""
_BEHIND = (
    """EXISTS (SELECT 1 FROM audit_anchors a WHERE a.connection = OLD.connection AND OLD.seq <= a.seq)"""
)

SQLITE_TRIGGERS = (
    "DROP TRIGGER audit_entries_no_delete",
    f"""CREATE TRIGGER audit_entries_no_delete BEFORE DELETE ON audit_entries WHEN NOT {_BEHIND}
    BEGIN SELECT RAISE(ABORT, 'audit_entries is append-only'); END""",
    "DROP TRIGGER audit_payloads_no_delete",
    f"""CREATE TRIGGER audit_payloads_no_delete BEFORE DELETE ON audit_payloads WHEN NOT {_BEHIND}
    BEGIN SELECT RAISE(ABORT, 'audit_payloads is append-only'); END""",
    f"""CREATE TRIGGER audit_anchors_stands BEFORE INSERT ON audit_anchors WHEN NOT ({_STANDS})
    BEGIN SELECT RAISE(ABORT, 'audit_anchors is append-only'); END""",
    f"""CREATE TRIGGER audit_anchors_moves_on BEFORE UPDATE ON audit_anchors
    WHEN NEW.connection IS NOT OLD.connection OR NEW.seq <= OLD.seq OR NOT ({_STANDS})
    BEGIN SELECT RAISE(ABORT, 'audit_anchors is append-only'); END""",
    """CREATE TRIGGER audit_anchors_no_delete BEFORE DELETE ON audit_anchors
    BEGIN SELECT RAISE(ABORT, 'audit_anchors is append-only'); END""",
)

POSTGRESQL_TRIGGERS = (
    f"""CREATE FUNCTION audit_behind_anchor() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF {_BEHIND} THEN RETURN OLD; END IF;
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
    END $$""",
    f"""CREATE FUNCTION audit_anchor_stands() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' THEN
            IF NEW.connection <> OLD.connection OR NEW.seq <= OLD.seq THEN
                RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
            END IF;
        END IF;
        IF {_STANDS} THEN RETURN NEW; END IF;
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
    END $$""",
    "DROP TRIGGER audit_entries_no_change ON audit_entries",
    """CREATE TRIGGER audit_entries_no_update BEFORE UPDATE ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION audit_append_only()""",
    """CREATE TRIGGER audit_entries_no_delete BEFORE DELETE ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION audit_behind_anchor()""",
    "DROP TRIGGER audit_payloads_no_delete ON audit_payloads",
    """CREATE TRIGGER audit_payloads_no_delete BEFORE DELETE ON audit_payloads
    FOR EACH ROW EXECUTE FUNCTION audit_behind_anchor()""",
    """CREATE TRIGGER audit_anchors_stands BEFORE INSERT OR UPDATE ON audit_anchors
    FOR EACH ROW EXECUTE FUNCTION audit_anchor_stands()""",
    """CREATE TRIGGER audit_anchors_no_delete BEFORE DELETE ON audit_anchors
    FOR EACH ROW EXECUTE FUNCTION audit_append_only()""",
    """CREATE TRIGGER audit_anchors_no_truncate BEFORE TRUNCATE ON audit_anchors
    FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()""",
)


def upgrade() -> None:
    op.create_table(
        "audit_anchors",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("seq", ID, autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("signature", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("connection", name="pk_audit_anchors"),
    )
    op.create_table(
        "carried",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "name", name="pk_carried"),
    )
    postgresql = op.get_bind().dialect.name == "postgresql"
    for statement in POSTGRESQL_TRIGGERS if postgresql else SQLITE_TRIGGERS:
        op.execute(statement)
