"""Moving everything from one database to another: whole and checked, or not at all."""

from sqlalchemy import Connection, Table, select

from cdbench.errors import StoreError
from cdbench.store.database import Database, open_for_writing
from cdbench.store.location import find_location
from cdbench.store.models import Base
from cdbench.store.upkeep.fingerprints import Fingerprint, fingerprint
from cdbench.store.upkeep.sources import is_same_place, opened_unchanged
from cdbench.store.upkeep.streaming import Reader, end_sequences, write_rows


def copy_database(source: str, target: str) -> list[Fingerprint]:
    """Copy every row of a database to one that is new or empty, and compare them.

    Parameters
    ----------
    source, target : str
        Paths or SQLAlchemy URLs, of either kind of database.

    Returns
    -------
    list of Fingerprint
        What both hold now, table by table.

    Raises
    ------
    StoreError
        If one cannot be opened, the target is not empty, or cannot hold what the source holds; it
        is then as empty as before.
    """
    if is_same_place(find_location(source), find_location(target)):
        raise StoreError(f"{find_location(target).name}: cannot be copied to itself")
    with opened_unchanged(source) as old:
        new = open_for_writing(target)
        with new.transaction() as writing, old.transaction() as reading:
            return _copy(Reader(old, reading), new, writing)


def _copy(old: Reader, new: Database, connection: Connection) -> list[Fingerprint]:
    tables = Base.metadata.sorted_tables
    for table in tables:
        _require_empty(new, connection, table)
    for table in tables:
        for rows in old.chunks(select(table)):
            write_rows(connection, table, rows)
    end_sequences(connection, tables)
    arrived = Reader(new, connection)
    found = []
    for table in tables:
        before, after = fingerprint(old, table), fingerprint(arrived, table)
        if before != after:
            raise StoreError(
                f"{new.name}: {table.name} is not as it was in {old.name} ({before.n_rows:,} rows, "
                f"{before.digest[:12]}…; here {after.n_rows:,}, {after.digest[:12]}…); nothing was "
                "copied"
            )
        found.append(after)
    return found


def _require_empty(database: Database, connection: Connection, table: Table) -> None:
    if connection.execute(select(1).select_from(table).limit(1)).first():
        raise StoreError(
            f"{database.name} holds results already, expected a new or empty database; to add to "
            f"them: cdbench db merge OTHER --db {database.name}"
        )
