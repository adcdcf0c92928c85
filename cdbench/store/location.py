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
        The place as it was typed, without a password: what messages begin with.
    label : str
        A short name, for titles.
    path : Path or None
        The file, where it is one.
    """

    dialect: ClassVar[str]

    def __init__(self, name: str, label: str, path: Path | None = None) -> None:
        self.name, self.label, self.path = name, label, path

    @abstractmethod
    def engine(self, *, read_only: bool) -> Engine:
        """Return an engine whose transactions begin when they are said to."""

    @abstractmethod
    def check_writable(self) -> None:
        """Raise StoreError where no database of ours can be, or be made."""

    def check_may_write(self, connection: Connection) -> None:
        """Raise StoreError where a database of ours takes nothing from this user.

        Said now, not after hours of training; nothing is written for it.
        """
        del connection  # a file was tried by check_writable

    @abstractmethod
    def is_empty(self) -> bool:
        """Return whether nothing is there yet; raise StoreError where it is no database."""

    @abstractmethod
    def has_tables(self, connection: Connection) -> bool:
        """Return whether the database holds anything, ours or not."""

    @contextmanager
    @abstractmethod
    def migration(self, engine: Engine) -> Iterator[Connection]:
        """Give a transaction in which the schema may be changed, by one process at a time."""

    @abstractmethod
    def back_up(self, revision: str) -> str | None:
        """Copy the database before a migration, which holds its lock; return the copy's name."""

    @abstractmethod
    def describe(self, connection: Connection) -> None:
        """Say in the database itself what it is, where it has a place for that."""

    @abstractmethod
    def views(self, connection: Connection) -> Mapping[str, str]:
        """Return the statements that make the database's views, in order, by their names."""

    @abstractmethod
    def drop_views(self, connection: Connection) -> None:
        """Drop every view."""

    def take_out(self, connection: Connection) -> list[str]:
        """Drop what is the user's own and in a migration's way; return what makes it again."""
        del connection
        return []  # where tables are changed in place, nothing is

    @abstractmethod
    def kind_and_size(self, connection: Connection) -> tuple[str, int]:
        """Return the kind of database with its version, and how many bytes it takes."""

    @abstractmethod
    def damage(self, connection: Connection) -> list[str]:
        """Return what the database itself finds wrong in it."""

    @abstractmethod
    def compact(self, engine: Engine) -> None:
        """Give back the room of what was deleted."""

    def is_away(self, error: BaseException | None) -> bool:
        """Return whether an error of the driver says that the server is gone, for now perhaps."""
        del error
        return False  # a file has no server

    @abstractmethod
    def error(self, error: Exception) -> StoreError:
        """Return what the driver's error means to the user, in one line."""


def replaced(name: str) -> DatabaseReplacedError:
    """Return the error for a database that has taken the place of the one that was written to."""
    return DatabaseReplacedError(
        f"{name}: another database was put in its place meanwhile, and nothing was written to it; "
        "earlier results are in the original: move it back and continue with --resume, or, if it "
        "was overwritten, start again"
    )


def find_location(text: str) -> Location:
    """Return the location of a path, or of an SQLAlchemy URL of SQLite or PostgreSQL.

    Raises
    ------
    StoreError
        If it is the URL of another kind of database, or of none.
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
    # What is no scheme may be a piece of a password.
    subject = (
        f"{scheme}:// is not a database" if is_scheme(scheme) else "before :// there is no database"
    )
    raise StoreError(
        f"{subject} that cdbench can write to; expected a path, "
        "sqlite:///relative/path.db, sqlite:////absolute/path.db or "
        "postgresql://user@host/database"
    )


def _reachable(path: Path) -> Path:
    """Return the path, or raise StoreError where the system cannot even look for it.

    As a name of more than 255 bytes, which it is asked about in many places afterwards.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise StoreError(f"{path}: cannot be looked for ({error.strerror})") from None
    return path
