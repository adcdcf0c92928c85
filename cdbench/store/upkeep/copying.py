"""Copying all of cdbench's rows to another database: complete and checked, or not at all."""

import logging

from sqlalchemy import Connection, Table, inspect, select

from cdbench.errors import StoreError
from cdbench.store.database import Database, open_for_writing, revision_of
from cdbench.store.location import Location, find_location
from cdbench.store.models import Base
from cdbench.store.upkeep.fingerprints import Fingerprint, fingerprint
from cdbench.store.upkeep.own_things import own_things
from cdbench.store.upkeep.sources import is_same_place, open_unchanged
from cdbench.store.upkeep.streaming import Reader, end_sequences, write_rows

_LOG = logging.getLogger("cdbench")


def copy_database(source: str, target: str) -> list[Fingerprint]:
    """Copy every row of a database to a new or empty one, and compare the two.

    What the user made besides cdbench's tables and views is not copied, only named in a warning.

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
        If one cannot be opened, or the target is not empty or cannot hold the source's rows;
        nothing is then copied.
    """
    return copy_to(source, find_location(target))


def copy_to(source: str, place: Location) -> list[Fingerprint]:
    """Copy as ``copy_database`` does, to a location that may be shown under another name."""
    if is_same_place(find_location(source), place):
        raise StoreError(f"{place.name}: cannot be copied to itself")
    old = open_unchanged(source)
    _require_no_results(place)
    new = open_for_writing(place)
    with new.transaction() as writing, old.transaction() as reading:
        found = _copy(Reader(old, reading), new, writing)
        left_out = own_things(reading)
    if left_out:
        words = ", ".join(map(str, left_out))
        _LOG.warning("%s: not copied, because it is your own: %s", old.name, words)
    return found


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
                f"{new.name}: {table.name} differs from that in {old.name} "
                f"({before.n_rows:,} rows, {before.digest[:12]}…; here {after.n_rows:,}, "
                f"{after.digest[:12]}…); nothing was copied"
            )
        found.append(after)
    return found


def _require_no_results(place: Location) -> None:
    """Refuse a database with results before it would be upgraded from an older schema."""
    if place.is_empty():
        return
    database = Database(place, read_only=True)
    if revision_of(database) is None:
        return
    with database.transaction() as connection:
        present = set(inspect(connection).get_table_names())
        for table in Base.metadata.sorted_tables:
            if table.name in present:
                _require_empty(database, connection, table)


def _require_empty(database: Database, connection: Connection, table: Table) -> None:
    if connection.execute(select(1).select_from(table).limit(1)).first():
        raise StoreError(
            f"{database.name} already holds results, expected a new or empty database; to add to "
            f"them: cdbench db merge OTHER --db {database.name}"
        )
