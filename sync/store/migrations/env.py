"""Runs a migration on the connection that `sync.store.connect` gives."""

from alembic import context

from sync.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, compare_type=True, compare_server_default=False
)
context.run_migrations()
