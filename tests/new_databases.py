"""New SQLite files in a tenth of the time, by the statements that the migrations leave behind."""

from pathlib import Path

import pytest
from sqlalchemy import Connection

from cdbench.store import database
from cdbench.store.location import Location, find_location
from cdbench.store.migrate import VERSION_TABLE, revisions, upgrade


def make_by_statements(template: Path, patched: pytest.MonkeyPatch) -> None:
    """Let ``open_for_writing`` give new files of this process the schema of a migrated one.

    Migrating an empty file takes longer than most of what is tried in it, and ends in the same
    schema each time. Whatever has a table or is on a server is still migrated.

    Parameters
    ----------
    template : Path
        Where the one that is migrated can be made.
    patched : pytest.MonkeyPatch
        What undoes it.
    """
    statements = _migrated(template)

    def make(connection: Connection, location: Location) -> None:
        if location.dialect != "sqlite" or location.has_tables(connection):
            upgrade(connection, location)
            return
        for statement in statements:
            # Without parameters, so that a % in it stays a %.
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
        location.describe(connection)

    patched.setattr(database, "upgrade", make)


def _migrated(template: Path) -> list[str]:
    """Migrate an empty file; return the statements that its schema consists of."""
    location = find_location(str(template))
    location.check_writable()
    with location.migration(location.engine(read_only=False)) as connection:
        upgrade(connection, location)
        made = connection.exec_driver_sql(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"
        )
        statements = [sql for (sql,) in made]
    return [*statements, f"INSERT INTO {VERSION_TABLE} VALUES ('{revisions()[-1]}')"]
