"""Opening databases to copy rows from: sound, of the newest schema, and never changed."""

import os
from contextlib import suppress

from cdbench.errors import StoreError, meant_file
from cdbench.store.database import Database, revision_of
from cdbench.store.location import Location, find_location
from cdbench.store.migrate import revisions
from cdbench.store.older_schemas import upgraded_copy
from cdbench.store.orphans import find_orphans


def open_unchanged(location: str) -> Database:
    """Open an existing database for reading; if its schema is older, open an upgraded copy instead.

    Raises
    ------
    StoreError
        If it does not exist, cannot be read, is damaged, is not ours, or comes from a newer
        cdbench.
    """
    database = open_as_it_is(location)
    require_sound(database)
    revision = revision_of(database)
    assert revision is not None
    return database if revision == revisions()[-1] else upgraded_copy(database, revision)


def open_as_it_is(location: str) -> Database:
    """Open an existing database for reading, whatever its schema.

    Raises
    ------
    StoreError
        If it does not exist, cannot be read, is not ours, or comes from a newer cdbench.
    """
    place = find_location(location)
    if place.path is not None and not os.path.exists(place.path):  # noqa: PTH110 - impossible names
        raise StoreError(
            f"{place.name}: there is no such database{meant_file(place.path)}; expected the name "
            "of one, as in --db runs.db; to make one: cdbench sweep --B 4 --seeds 0 1 2"
        )
    database = Database(place, read_only=True)
    if place.is_empty() or revision_of(database) is None:
        raise StoreError(f"{place.name}: is empty, expected a cdbench database")
    return database


def require_sound(database: Database, *, orphans_too: bool = True) -> None:
    """Refuse a database that is damaged, or has rows that belong to nothing.

    Raises
    ------
    StoreError
        If it is such a database.
    """
    with database.transaction() as connection:
        damage = database.location.damage(connection)
        if damage:
            raise StoreError(
                f"{database.name}: is damaged ({damage[0]}); restore a backup; to see all faults: "
                f"cdbench db check --db {database.name}"
            )
        for orphans in find_orphans(connection) if orphans_too else ():
            raise StoreError(
                f"{database.name}: {orphans.count:,} of {orphans.table} belong to no "
                f"{orphans.parent}; to remove what belongs to nothing: "
                f"cdbench db vacuum --db {database.name}"
            )


def is_same_place(one: Location, other: Location) -> bool:
    """Return whether two locations are the same, as far as their names and files show."""
    if one.path is not None and other.path is not None:
        with suppress(OSError):  # one of them does not exist, or has an impossible name
            return one.path.samefile(other.path)
        return False
    return one.name == other.name
