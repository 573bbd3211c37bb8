"""Alembic's entry point: migrations run on the connection, and inside the transaction, that they are given."""

from alembic import context

from infratrack.ledger.storage.sql.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
