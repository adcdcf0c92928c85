"""Alembic's migrations: where they are, which is newest, and how a database is upgraded to it."""

from pathlib import Path

from sqlalchemy import Connection, inspect

import cdbench
from cdbench.store.location import Location
from cdbench.store.views import VIEWS, create_views

VERSION_TABLE = "cdbench_version"
"""Our name for Alembic's table of the current revision; it also marks a database as ours."""


def migrations_folder() -> Path:
    """Return the migrations' folder: in an installed wheel, or at the top of the checkout."""
    package = Path(cdbench.__file__).parent
    shipped = package / "_migrations"
    return shipped if shipped.is_dir() else package.parent / "migrations"


def revisions() -> list[str]:
    """Return all revisions, oldest first: the numbers with which the files' names begin.

    They are read from the folder because importing Alembic takes longer than most commands.
    """
    return sorted(path.name[:4] for path in (migrations_folder() / "versions").glob("[0-9]*.py"))


def current_revision(connection: Connection) -> str | None:
    """Return the database's revision, or None if it has none."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}")
    revision: str | None = found.scalar()
    return revision


def upgrade(connection: Connection, location: Location, revision: str = "head") -> None:
    """Upgrade the database to a revision, within the connection's transaction.

    Views block changes to tables, so they are dropped first. Afterwards ours are recreated as the
    code defines them, and the user's own views, triggers and indices as they were.
    """
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.attributes["connection"] = connection
    views = location.views(connection)
    own = location.take_out(connection)
    location.drop_views(connection)
    command.upgrade(config, revision)
    if current_revision(connection) == revisions()[-1]:
        create_views(connection)
        for statement in [views[name] for name in views if name not in VIEWS] + own:
            # Without parameters, so that a % in it stays a %.
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
        location.describe(connection)
