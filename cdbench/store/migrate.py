"""Alembic's migrations: where they are, which is newest, and how a database is brought to it."""

from pathlib import Path

from sqlalchemy import Connection, inspect

import cdbench
from cdbench.store.location import Location
from cdbench.store.views import VIEWS, create_views

VERSION_TABLE = "cdbench_version"
"""Alembic's table of the current revision, by a name of our own; it also marks a file as ours."""


def migrations_folder() -> Path:
    """Return the folder of the migrations: in an installed wheel, or at the top of the checkout."""
    package = Path(cdbench.__file__).parent
    shipped = package / "_migrations"
    return shipped if shipped.is_dir() else package.parent / "migrations"


def revisions() -> list[str]:
    """Return all revisions, oldest first: they are the numbers that begin the files' names.

    Read from the folder, because importing Alembic costs more than most commands take.
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
    """Bring the database up to a revision, within the connection's transaction.

    Views are in the way of changed tables, and are dropped before. Ours come back as the code has
    them, the user's own as they were, and with them the user's triggers and indices.
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
            # Without parameters, so that a % in it is a %.
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
        location.describe(connection)
