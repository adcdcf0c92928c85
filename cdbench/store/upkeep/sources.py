"""Databases that rows are taken from: sound, of the newest schema, and never changed."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cdbench.errors import StoreError
from cdbench.store.database import Database, revision_of
from cdbench.store.location import Location, find_location
from cdbench.store.migrate import revisions, upgrade
from cdbench.store.orphans import find_orphans
from cdbench.store.sqlite_files import copy_file


@contextmanager
def opened_unchanged(location: str) -> Iterator[Database]:
    """Open an existing database to read it; of an older schema, a copy of it is upgraded and read.

    Raises
    ------
    StoreError
        If there is none, or it cannot be read, is damaged, not ours, or comes from a newer cdbench.
    """
    database = open_as_it_is(location)
    require_sound(database)
    if revision_of(database) == revisions()[-1]:
        yield database
        return
    if database.path is None:
        raise StoreError(
            f"{database.name} is of an older schema; to upgrade it: "
            f"cdbench db upgrade --db {database.name}"
        )
    with tempfile.TemporaryDirectory(prefix="cdbench-") as folder:
        yield _upgraded_copy(database, database.path, Path(folder))


def open_as_it_is(location: str) -> Database:
    """Open an existing database to read it, of whatever schema it is.

    Raises
    ------
    StoreError
        If there is none, or it cannot be read, is not ours, or comes from a newer cdbench.
    """
    place = find_location(location)
    if place.path is not None and not place.path.exists():
        raise StoreError(f"{place.name}: there is no such database")
    database = Database(place, read_only=True)
    if place.is_empty() or revision_of(database) is None:
        raise StoreError(f"{place.name}: is empty, expected a database of cdbench")
    return database


def require_sound(database: Database, *, orphans_too: bool = True) -> None:
    """Refuse a database that is damaged, or whose rows belong to nothing.

    Raises
    ------
    StoreError
        If it is so.
    """
    with database.transaction() as connection:
        damage = database.location.damage(connection)
        if damage:
            raise StoreError(
                f"{database.name}: is damaged ({damage[0]}); restore a backup, or see all of it: "
                f"cdbench db check --db {database.name}"
            )
        for orphans in find_orphans(connection) if orphans_too else ():
            raise StoreError(
                f"{database.name}: {orphans.count:,} of {orphans.table} belong to no "
                f"{orphans.parent}; to remove what belongs to nothing: "
                f"cdbench db vacuum --db {database.name}"
            )


def is_same_place(one: Location, other: Location) -> bool:
    """Return whether two locations are one, as far as their names and files tell."""
    if one.path is not None and other.path is not None:
        return one.path.exists() and other.path.exists() and one.path.samefile(other.path)
    return one.name == other.name


def _upgraded_copy(database: Database, path: Path, folder: Path) -> Database:
    copy = find_location(str(folder / "copy.db"))
    assert copy.path is not None
    try:
        copy_file(path, copy.path)
    except sqlite3.Error as error:
        raise database.location.error(error) from error
    copied = Database(copy, read_only=False)
    try:
        with copied.migration() as connection:
            upgrade(connection, copy)
    except StoreError as error:
        raise StoreError(
            f"{database.name}: bringing a copy to schema {revisions()[-1]} failed: {error}"
        ) from error
    return Database(copy, read_only=True)
