"""A backup: a separate SQLite file that is complete and checked before it gets its name."""

import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from cdbench.errors import StoreError
from cdbench.store.sqlite import SqliteFile
from cdbench.store.sqlite_files import copy_file
from cdbench.store.upkeep.copying import copy_to
from cdbench.store.upkeep.sources import open_as_it_is
from cdbench.system.output_files import new_file


def back_up(location: str, target: Path | None = None) -> Path:
    """Copy a database to a new SQLite file while others may write to it; return the file.

    Parameters
    ----------
    location : str
        A path, or an SQLAlchemy URL.
    target : Path, optional
        The new file. By default it has the time (UTC) in its name and is next to the database, or
        for a server in the working directory.

    Raises
    ------
    StoreError
        If the database cannot be read or is damaged, or the file exists already or cannot be
        written.
    """
    database = open_as_it_is(location)
    if target is None:
        target = _beside(database.path or Path(f"{database.label}.db"))
    if str(target) == "-":
        raise StoreError("-: a database cannot be a stream; expected the name of a new file")
    if not os.path.isdir(target.parent):  # noqa: PTH112 - False for impossible names too
        raise StoreError(f"{target}: there is no folder {target.parent}; make it first")
    try:
        if database.path is not None:
            copy_file(database.path, target)
        else:
            _copy_from_server(location, target)
    except sqlite3.Error as error:
        raise database.location.error(error) from error
    return target


def _beside(path: Path) -> Path:
    moment = datetime.now(UTC)
    return path.with_name(f"{path.stem}.{moment:%Y-%m-%dT%H%M%S}{path.suffix}")


def _copy_from_server(location: str, target: Path) -> None:
    with new_file(target) as unfinished:
        copy_to(location, SqliteFile(unfinished, str(target)))
