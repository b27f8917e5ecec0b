"""Alembic's entry: migrates on the connection that ``migrations.run`` hands over, in its transaction."""

from __future__ import annotations

from alembic import context

from remediator.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite can undo table changes too, now that our own BEGIN opens the transaction.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
