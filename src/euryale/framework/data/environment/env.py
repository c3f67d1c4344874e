"""Run by Alembic for each module; the connection and all options come from :mod:`euryale.framework.data.migrations`."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], **context.config.attributes["options"])
with context.begin_transaction():
    context.run_migrations()
