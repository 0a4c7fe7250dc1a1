"""Alembic runs this file; ``store.migrate`` hands the connection over."""

from alembic import context

from store.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"], target_metadata=METADATA, render_as_batch=True
)
with context.begin_transaction():
    context.run_migrations()
