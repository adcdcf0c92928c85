"""Databases of an older schema: they are read through an upgraded copy and not changed."""

import shlex
import sqlite3
import tempfile
import weakref
from contextlib import ExitStack
from pathlib import Path

from cdbench.errors import StoreError
from cdbench.store.database import Database
from cdbench.store.migrate import revisions, upgrade
from cdbench.store.sqlite import SqliteFile
from cdbench.store.sqlite_files import copy_file
from cdbench.system.work_folders import work_folder

TEMPORARY_PREFIX = "cdbench-"


def upgrade_command(database: Database) -> str:
    """Return the command that upgrades the database itself to the newest schema."""
    return f"cdbench db upgrade --db {shlex.quote(database.name)}"


def upgraded_copy(database: Database, revision: str) -> Database:
    """Return a copy of a database, upgraded to the newest schema, under the original's name.

    It is in the system's folder for temporary files, and is removed together with the returned
    object, at the latest when the process ends. If the process is killed, the next process that
    makes a work folder there removes it.

    Parameters
    ----------
    database : Database
        A file of an older schema.
    revision : str
        Its schema.

    Raises
    ------
    StoreError
        If it is on a server (those are not copied), is damaged, or cannot be copied.
    """
    if database.path is None:
        raise StoreError(
            f"{database.name} has the older schema {revision}; to upgrade it: "
            f"{upgrade_command(database)}"
        )
    place = tempfile.gettempdir()
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(work_folder(Path(place), TEMPORARY_PREFIX))
            copy = _copy(database, database.path, folder / "copy.db")
        except (StoreError, OSError) as error:
            raise StoreError(
                f"{database.name} has the older schema {revision}, and making a copy of schema "
                f"{revisions()[-1]} in {place} failed: {error}; to upgrade the file itself: "
                f"{upgrade_command(database)}"
            ) from error
        weakref.finalize(copy, stack.pop_all().close)
    return copy


def _copy(database: Database, source: Path, target: Path) -> Database:
    place = SqliteFile(target, database.name, database.label)
    try:
        copy_file(source, target)
    except sqlite3.Error as error:
        raise database.location.error(error) from error
    with Database(place, read_only=False).migration() as connection:
        upgrade(connection, place)
    return Database(place, read_only=True)
