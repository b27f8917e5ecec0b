"""The tables as they are now; ``migrations/`` holds how they came to be, and a test keeps both the same."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from remediator.store.columns import Id, Json, UtcTime, Words

HEAD = "0007"
"""The newest migration; kept here so that opening a store that is up to date need not load Alembic."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)

store_keys = Table(
    "store_keys",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("connection", Words, nullable=False),
    Column("secret", LargeBinary, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("connection", Words, nullable=False, index=True),
    Column("command", Words, nullable=False),
    Column("campaign", Words),
    Column("started_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("outcome", String(20), nullable=False),
    Column("counters", Json, nullable=False),
)

intakes = Table(
    "intakes",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("connection", Words, nullable=False),
    Column("digest", Words, nullable=False),
    Column("name", Words, nullable=False),
    Column("source", Words, nullable=False),
    Column("taken", Integer, nullable=False),
    Column("rejected", Integer, nullable=False),
    Column("run_id", Id),
    Column("taken_at", UtcTime, nullable=False),
    UniqueConstraint("connection", "digest"),
)

cases = Table(
    "cases",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("connection", Words, nullable=False),
    Column("fingerprint", String(32), nullable=False),
    Column("state", String(20), nullable=False),
    Column("level", String(10), nullable=False),
    Column("object", Words),
    Column("marketo_id", Words),
    Column("salesforce_id", Words),
    Column("cause", Words, nullable=False),
    Column("category", String(40), nullable=False),
    Column("diagnosis", Text, nullable=False),
    Column("message", Words, nullable=False),
    Column("first_seen", UtcTime, nullable=False),
    Column("last_seen", UtcTime, nullable=False),
    Column("seen_count", Integer, nullable=False),
    Column("verdict", String(20)),
    Column("note", Words),
    Column("assigned_to", Words),
    Column("due_at", UtcTime),
    Column("settled_at", UtcTime),
    UniqueConstraint("connection", "fingerprint"),
    Index(None, "connection", "state", "due_at"),
    Index(None, "connection", "cause", "last_seen"),
    Index(None, "connection", "marketo_id"),
    Index(None, "connection", "salesforce_id"),
)

sightings = Table(
    "sightings",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("connection", Words, nullable=False),
    Column("digest", LargeBinary(16), nullable=False),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False, index=True),
    Column("failed_at", UtcTime, nullable=False),
    Column("source", Words, nullable=False),
    Column("operation", Words),
    Column("origin", Words),
    Column("run_id", Id),
    Column("taken_at", UtcTime, nullable=False),
    UniqueConstraint("connection", "digest"),
)

plans = Table(
    "plans",
    metadata,
    Column("seq", Id, primary_key=True, autoincrement=True),
    Column("connection", Words, nullable=False),
    Column("id", Words, nullable=False),
    Column("campaign", Words),
    Column("created_at", UtcTime, nullable=False),
    Column("config_hash", Words, nullable=False),
    Column("predicted_api_calls", Json, nullable=False),
    Column("predicted_resyncs", Integer, nullable=False),
    Column("predicted_sync_s", Integer, nullable=False),
    Column("undo_of", Words),
    UniqueConstraint("connection", "id"),
)

declined_cases = Table(
    "declined_cases",
    metadata,
    Column("seq", Id, primary_key=True, autoincrement=True),
    Column("connection", Words, nullable=False),
    Column("plan_id", Words, nullable=False),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False, index=True),
    Column("reason", Words, nullable=False),
    Column("candidates", Json, nullable=False),
    ForeignKeyConstraint(["connection", "plan_id"], ["plans.connection", "plans.id"]),
    Index(None, "connection", "plan_id"),
)

changes = Table(
    "changes",
    metadata,
    # Given out in plan order, so paging by it is paging in plan order.
    Column("seq", Id, primary_key=True, autoincrement=True),
    Column("connection", Words, nullable=False),
    Column("id", Words, nullable=False),
    Column("plan_id", Words, nullable=False),
    Column("cases", Json, nullable=False),
    Column("system", String(20), nullable=False),
    Column("object", Words, nullable=False),
    Column("record_id", Words, nullable=False),
    Column("field", Words, nullable=False),
    Column("before", Json, nullable=False),
    Column("after", Json, nullable=False),
    Column("fixer", Words, nullable=False),
    Column("rule", Words),
    Column("confidence", String(20), nullable=False),
    Column("reason", Words, nullable=False),
    Column("salesforce_field", Words),
    Column("salesforce_object", Words),
    Column("salesforce_id", Words),
    Column("candidates", Json, nullable=False),
    Column("undoes", Words),
    # The plan's ``undo_of`` in short: an undo change moves no case.
    Column("undo", Boolean, nullable=False),
    Column("state", String(20), nullable=False),
    Column("run_id", Id),
    Column("intended_at", UtcTime),
    Column("settled_at", UtcTime),
    Column("note", Words),
    Column("resynced_at", UtcTime),
    Column("resync_way", Words),
    Column("reverted_at", UtcTime),
    Column("seal", String(32)),
    ForeignKeyConstraint(["connection", "plan_id"], ["plans.connection", "plans.id"]),
    UniqueConstraint("connection", "id"),
    Index(None, "connection", "plan_id"),
    Index(None, "connection", "state"),
    Index(None, "connection", "run_id"),
    Index(None, "connection", "record_id"),
)

change_cases = Table(
    "change_cases",
    metadata,
    Column("connection", Words, nullable=False),
    Column("change_seq", Id, ForeignKey("changes.seq"), primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id"), primary_key=True, index=True),
)

audit_heads = Table(
    "audit_heads",
    metadata,
    Column("connection", Words, primary_key=True),
    Column("seq", Id, nullable=False),
    Column("hash", String(64), nullable=False),
)

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("connection", Words, primary_key=True),
    Column("seq", Id, primary_key=True, autoincrement=False),
    # Text, not a time: the chain covers exactly these characters.
    Column("at", String(40), nullable=False),
    Column("actor", Words, nullable=False),
    Column("event", Words, nullable=False),
    Column("run_id", Id),
    Column("case_id", Id),
    Column("change_id", Words),
    Column("payload_digest", String(64), nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index(None, "connection", "case_id"),
    Index(None, "connection", "change_id"),
    Index(None, "connection", "event"),
)

audit_payloads = Table(
    "audit_payloads",
    metadata,
    Column("connection", Words, primary_key=True),
    Column("seq", Id, primary_key=True, autoincrement=False),
    # Both become NULL when the payload is erased; nothing else about them may ever change.
    Column("salt", String(64)),
    Column("payload", Text),
    ForeignKeyConstraint(["connection", "seq"], ["audit_entries.connection", "audit_entries.seq"]),
)

audit_anchors = Table(
    "audit_anchors",
    metadata,
    Column("connection", Words, primary_key=True),
    # Up to this entry, of this hash, the chain was removed.
    Column("seq", Id, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("at", String(40), nullable=False),
    Column("signature", String(64), nullable=False),
)

carried = Table(
    "carried",
    metadata,
    Column("connection", Words, primary_key=True),
    Column("name", Words, primary_key=True),
    Column("count", BigInteger, nullable=False),
)

retries = Table(
    "retries",
    metadata,
    Column("connection", Words, nullable=False),
    Column("case_id", Id, ForeignKey("cases.id"), primary_key=True, autoincrement=False),
    Column("attempts", Integer, nullable=False),
    Column("last_at", UtcTime, nullable=False),
    Column("run_id", Id),
)

leases = Table(
    "leases",
    metadata,
    Column("connection", Words, primary_key=True),
    Column("name", Words, primary_key=True),
    Column("holder", Words, nullable=False),
    Column("token", Integer, nullable=False),
    Column("taken_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
)

ticks = Table(
    "ticks",
    metadata,
    Column("connection", Words, primary_key=True),
    Column("campaign", Words, primary_key=True),
    Column("at", UtcTime, primary_key=True),
    Column("claimed_at", UtcTime, nullable=False),
)

pauses = Table(
    "pauses",
    metadata,
    Column("connection", Words, primary_key=True),
    Column("why", Words, nullable=False),
    Column("by", Words, nullable=False),
    Column("at", UtcTime, nullable=False),
)

campaign_states = Table(
    "campaign_states",
    metadata,
    Column("connection", Words, primary_key=True),
    Column("name", Words, primary_key=True),
    Column("first_run_at", UtcTime, nullable=False),
    Column("last_run_at", UtcTime, nullable=False),
    Column("demoted", Boolean, nullable=False),
    Column("note", Words),
)

api_calls = Table(
    "api_calls",
    metadata,
    Column("connection", Words, primary_key=True),
    Column("system", String(20), primary_key=True),
    # The vendor's own day: Marketo's begins at midnight Central, Salesforce's quota rolls.
    Column("day", String(10), primary_key=True),
    Column("calls", Integer, nullable=False),
)

call_windows = Table(
    "call_windows",
    metadata,
    Column("connection", Words, primary_key=True),
    Column("system", String(20), primary_key=True),
    # Milliseconds since 1970, of the last window's calls only.
    Column("calls_at", Json, nullable=False),
)

notices = Table(
    "notices",
    metadata,
    Column("connection", Words, primary_key=True),
    Column("key", Words, primary_key=True),
    Column("state", Words, nullable=False),
    Column("sent_at", UtcTime, nullable=False),
)

gaps = Table(
    "gaps",
    metadata,
    Column("connection", Words, primary_key=True),
    Column("from_at", UtcTime, primary_key=True),
    Column("to_at", UtcTime, nullable=False),
    Column("declared_at", UtcTime, nullable=False),
)

aliases = Table(
    "aliases",
    metadata,
    Column("connection", Words, primary_key=True),
    Column("object", Words, primary_key=True),
    Column("field", Words, primary_key=True),
    Column("before", Words, primary_key=True),
    # NULL: reviewers of one plan meant different values by it.
    Column("after", Words),
    Column("taught_by", Words, nullable=False),
    Column("taught_at", UtcTime, nullable=False),
    Column("change_id", Words),
    Index(None, "connection", "change_id"),
)
