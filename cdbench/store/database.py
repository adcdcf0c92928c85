"""Opening a database: where it is, whether it is ours, and its transactions."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from cdbench.errors import MissingResultsError, StoreError
from cdbench.store.migrate import current_revision, revisions, upgrade

BUSY_TIMEOUT_S = 60
"""How long a writer waits for another one's transaction; each takes milliseconds."""

SQLITE_HEADER = b"SQLite format 3\0"
FIRST_COMMAND = "cdbench sweep --B 1 3 4 5 7 8 --seeds 0 1 2"


class Database:
    """An open database.

    Parameters
    ----------
    path : Path
        The SQLite file.
    read_only : bool
        Whether it is only read.
    """

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self.path = path
        self._engine = _engine(path, read_only=read_only)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Give a connection in one transaction: committed at the end, rolled back on an error.

        Raises
        ------
        StoreError
            If the database cannot be read or written.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise _store_error(self.path, error) from error


def database_path(location: str) -> Path:
    """Return the file of a location: a path, or an SQLAlchemy URL of SQLite.

    Raises
    ------
    StoreError
        If it is the URL of another kind of database.
    """
    if "://" not in location:
        return Path(location).expanduser()
    dialect, _, path = location.partition("://")
    if dialect.partition("+")[0] != "sqlite" or not path.startswith("/") or path == "/":
        raise StoreError(
            f"{dialect}:// is not a database that cdbench can write to; expected a path, or "
            "sqlite:///relative/path.db, or sqlite:////absolute/path.db"
        )
    return Path(path[1:].partition("?")[0])


def open_for_writing(location: str) -> Database:
    """Open a database, made or brought to the newest schema where needed.

    Raises
    ------
    StoreError
        If it cannot be written, is not ours, or comes from a newer cdbench; it is left as it was.
    """
    path = database_path(location)
    if not path.parent.is_dir():
        raise StoreError(f"{path}: there is no folder {path.parent}; make it, or name another --db")
    _check_header(path)
    database = Database(path, read_only=False)
    with _without_foreign_keys(database) as connection:
        if _check_ours(connection, path) != revisions()[-1]:
            upgrade(connection)
    return database


def open_for_reading(location: str, first: str = FIRST_COMMAND) -> Database:
    """Open an existing database to read it; one of an older schema is brought to the newest.

    Parameters
    ----------
    location : str
        A path, or an SQLAlchemy URL of SQLite.
    first : str
        The command that makes what is to be read, for the error where there is nothing yet.

    Raises
    ------
    MissingResultsError
        If there is none, or it is empty.
    StoreError
        If it cannot be read, is not ours, or comes from a newer cdbench.
    """
    path = database_path(location)
    if not path.exists() or (path.is_file() and not path.stat().st_size):
        raise MissingResultsError(f"{path}: no results yet; to make some: {first}")
    _check_header(path)
    database = Database(path, read_only=True)
    with database.transaction() as connection:
        revision = _check_ours(connection, path)
    if revision != revisions()[-1]:
        open_for_writing(location)
    return database


def _engine(path: Path, *, read_only: bool) -> Engine:
    uri = f"file:{quote(str(path))}" + ("?mode=ro" if read_only else "")

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)

    # The driver begins transactions late and implicitly; these hooks begin them here, a writer's
    # with its lock at once, so that it waits for other writers instead of failing half-way.
    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def _enforce_foreign_keys(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


@contextmanager
def _without_foreign_keys(database: Database) -> Iterator[Connection]:
    """Give a transaction with foreign keys off, which must be said before it begins."""
    try:
        with database._engine.connect() as connection:
            raw = connection.connection.dbapi_connection
            assert isinstance(raw, sqlite3.Connection)
            raw.execute("PRAGMA foreign_keys = OFF")
            with connection.begin():
                yield connection
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise _store_error(database.path, error) from error


def _check_header(path: Path) -> None:
    """Raise StoreError if there is a file that is not SQLite; an empty one is a new database."""
    if path.is_dir():
        raise StoreError(f"{path} is a folder, expected a database file")
    if not path.exists():
        return
    try:
        with path.open("rb") as file:
            header = file.read(len(SQLITE_HEADER))
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror})") from None
    if header and header != SQLITE_HEADER:
        raise StoreError(f"{path} is not a SQLite database; name another --db")


def _check_ours(connection: Connection, path: Path) -> str | None:
    """Return the revision, None for a new database; raise StoreError if we cannot work with it."""
    revision = current_revision(connection)
    if revision is None and connection.exec_driver_sql("SELECT 1 FROM sqlite_master").first():
        raise StoreError(f"{path} is a database of another program; name another --db")
    if revision is not None and revision not in revisions():
        raise StoreError(
            f"{path} was made by a newer cdbench (schema {revision}, this one knows up to "
            f"{revisions()[-1]}); upgrade cdbench, or name another --db"
        )
    return revision


def _store_error(path: Path, error: Exception) -> StoreError:
    reason = error.orig if isinstance(error, DBAPIError) and error.orig else error
    return StoreError(f"{path}: {' '.join(str(reason).split())}")
