"""Alembic's entry: run the migrations on the connection that cdbench.store.migrate hands over."""

from alembic import context

from cdbench.store.migrate import VERSION_TABLE
from cdbench.store.models import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
