"""Where a database is: a SQLite file, or a database on a PostgreSQL server."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from sqlalchemy import Connection, Engine

from cdbench.errors import DatabaseReplacedError, StoreError
from cdbench.store.url_checks import DRIVERS, kind_and_driver
from cdbench.store.urls import is_scheme, local_path


class Location(ABC):
    """A place that can hold a results database.

    Attributes
    ----------
    name : str
        The location as it was typed, without a password; messages begin with it.
    label : str
        A short name, for titles.
    path : Path or None
        The database's file; None if it is on a server.
    """

    dialect: ClassVar[str]

    def __init__(self, name: str, label: str, path: Path | None = None) -> None:
        self.name, self.label, self.path = name, label, path

    @abstractmethod
    def engine(self, *, read_only: bool) -> Engine:
        """Return an engine whose transactions begin exactly when they are asked to."""

    @abstractmethod
    def check_writable(self) -> None:
        """Raise StoreError if a database of ours can neither exist nor be created here."""

    def check_may_write(self, connection: Connection) -> None:
        """Raise StoreError if this user may not write to an existing database of ours.

        This is checked now, not after hours of training, and writes nothing.
        """
        del connection  # for a file, check_writable has tried already

    @abstractmethod
    def is_empty(self) -> bool:
        """Return whether nothing is there yet; raise StoreError if it is not a database."""

    @abstractmethod
    def has_tables(self, connection: Connection) -> bool:
        """Return whether the database holds anything, ours or not."""

    @contextmanager
    @abstractmethod
    def migration(self, engine: Engine) -> Iterator[Connection]:
        """Provide a transaction that may change the schema, for one process at a time."""

    @abstractmethod
    def back_up(self, revision: str) -> str | None:
        """Copy the database before a migration, under its lock; return the copy's name."""

    @abstractmethod
    def describe(self, connection: Connection) -> None:
        """Record in the database itself what it is, if there is a place for that."""

    @abstractmethod
    def views(self, connection: Connection) -> Mapping[str, str]:
        """Return the statements that create the database's views, by name, in order of creation."""

    @abstractmethod
    def drop_views(self, connection: Connection) -> None:
        """Drop every view."""

    @contextmanager
    @abstractmethod
    def queries_only(self, connection: Connection) -> Iterator[None]:
        """Let what is executed in this block be one query at a time, whatever its text holds."""

    @abstractmethod
    def columns(self, connection: Connection) -> list[tuple[str, str]]:
        """Return every column of its tables and views: names of the relation and of the column."""

    def take_out(self, connection: Connection) -> list[str]:
        """Drop the user's objects that block a migration; return statements to recreate them."""
        del connection
        return []  # nothing blocks it where tables are changed in place

    @abstractmethod
    def kind_and_size(self, connection: Connection) -> tuple[str, int]:
        """Return the kind of database with its version, and its size in bytes."""

    @abstractmethod
    def damage(self, connection: Connection) -> list[str]:
        """Return the faults that the database itself reports."""

    @abstractmethod
    def compact(self, engine: Engine) -> None:
        """Free the space of deleted rows."""

    def is_away(self, error: BaseException | None) -> bool:
        """Return whether a driver's error says that the server is away, perhaps only for now."""
        del error
        return False  # a file has no server

    @abstractmethod
    def error(self, error: Exception) -> StoreError:
        """Return the driver's error as a StoreError that the user can understand, in one line."""


def replaced(name: str) -> DatabaseReplacedError:
    """Return the error for a database that replaced the one written to before."""
    return DatabaseReplacedError(
        f"{name}: another database was put in its place meanwhile, and nothing was written to it; "
        "earlier results are in the original: move it back and continue with --resume, or, if it "
        "was overwritten, start again"
    )


def find_location(text: str) -> Location:
    """Return the location named by a path, or by an SQLAlchemy URL of SQLite or PostgreSQL.

    Raises
    ------
    StoreError
        If it is the URL of another kind of database, or of no database.
    """
    from cdbench.store.postgresql import PostgresDatabase
    from cdbench.store.sqlite import SqliteFile

    scheme, separator, rest = text.partition("://")
    if not separator:
        return SqliteFile(_reachable(local_path(text)))
    kind, driver = kind_and_driver(scheme)
    if kind in DRIVERS and driver not in DRIVERS[kind] and is_scheme(scheme):
        raise StoreError(
            f"{scheme}:// names a driver that cdbench does not use; expected {kind}://, which it "
            f"opens with {DRIVERS[kind][-1]}"
        )
    match kind:
        case "sqlite" if rest.startswith("/") and rest != "/":
            path, _, parameters = rest[1:].partition("?")
            if parameters:
                raise StoreError(f"sqlite:///{path}: expected nothing after it, got parameters")
            return SqliteFile(_reachable(Path(path)))
        case "postgresql" | "postgres":
            return PostgresDatabase(text)
    # Text that is not a scheme may be part of a password.
    subject = (
        f"{scheme}:// is not a database" if is_scheme(scheme) else "before :// there is no database"
    )
    raise StoreError(
        f"{subject} that cdbench can write to; expected a path, "
        "sqlite:///relative/path.db, sqlite:////absolute/path.db or "
        "postgresql://user@host/database"
    )


def _reachable(path: Path) -> Path:
    """Return the path, or raise StoreError if the system cannot even look it up.

    This happens for names of more than 255 bytes, for example. It is checked here, once, because
    many later steps look the path up.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise StoreError(f"{path}: cannot be looked for ({error.strerror})") from None
    return path
