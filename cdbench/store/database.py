"""Opening a database, checking that it is ours, upgrading its schema, and its transactions."""

import logging
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from cdbench.errors import MissingResultsError, StoreError
from cdbench.store.location import Location, find_location
from cdbench.store.migrate import current_revision, revisions, upgrade
from cdbench.system.interrupts import catch_interrupts

FIRST_COMMAND = "cdbench sweep --B 1 3 4 5 7 8 --seeds 0 1 2"

_LOG = logging.getLogger("cdbench")


class Database:
    """An open database.

    Parameters
    ----------
    location : Location
        Where it is.
    read_only : bool
        Whether it may only be read.

    Attributes
    ----------
    is_new : bool
        Whether it was made when it was opened.
    last : Location or None
        Of the class: where the database is that was opened last.
    """

    last: ClassVar[Location | None] = None

    def __init__(self, location: Location, *, read_only: bool) -> None:
        catch_interrupts()  # from here on, something is open that must be closed cleanly
        self.location = location
        self.is_new = False
        self._engine = location.engine(read_only=read_only)
        # A connection to a server is kept between transactions and closed with this object.
        weakref.finalize(self, self._engine.dispose)
        Database.last = location

    @property
    def name(self) -> str:
        """The location as it was typed, without a password."""
        return self.location.name

    @property
    def label(self) -> str:
        """A short name, for titles."""
        return self.location.label

    @property
    def path(self) -> Path | None:
        """The database's file; None if it is on a server."""
        return self.location.path

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Provide a connection in one transaction: committed at the end, rolled back on an error.

        Raises
        ------
        StoreError
            If the database cannot be read or written.
        """
        with self._errors_named(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def migration(self) -> Iterator[Connection]:
        """Provide a connection in one transaction that may change the schema.

        Raises
        ------
        StoreError
            If the database cannot be read or written.
        """
        with self._errors_named(), self.location.migration(self._engine) as connection:
            yield connection

    def compact(self) -> None:
        """Free the space of deleted rows.

        Raises
        ------
        StoreError
            If the database cannot be written.
        """
        with self._errors_named():
            self.location.compact(self._engine)

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error) as error:
            raise self.location.error(error) from error
        except (UnicodeError, OverflowError) as error:  # the driver cannot take a value
            raise StoreError(f"{self.name}: a value cannot be stored or read ({error})") from error


def open_for_writing(location: str | Location) -> Database:
    """Open a database for writing; create it or upgrade it to the newest schema if needed.

    A database of an older schema is backed up first. Callers should therefore make all their other
    checks before this.

    Raises
    ------
    StoreError
        If it cannot be written, is not ours, or comes from a newer cdbench; it is left as it was.
    """
    place = find_location(location) if isinstance(location, str) else location
    catch_interrupts()  # the next line may have to wait for a lock
    place.check_writable()
    database = Database(place, read_only=False)
    with database.transaction() as connection:
        revision = _check_ours(connection, place)
        if revision == revisions()[-1]:
            place.check_may_write(connection)
            return database
    _upgrade(database)
    return database


def open_for_reading(location: str, first: str = FIRST_COMMAND) -> Database:
    """Open an existing database for reading; nothing in it is changed.

    If its schema is older, an upgraded copy is read instead, and a warning says so.

    Parameters
    ----------
    location : str
        A path, or an SQLAlchemy URL.
    first : str
        The command that creates what is to be read, for the error if there is nothing yet.

    Raises
    ------
    MissingResultsError
        If there is no database, or it is empty.
    StoreError
        If it cannot be read, is not ours, or comes from a newer cdbench.
    """
    place = find_location(location)
    database = Database(place, read_only=True)
    revision = None if place.is_empty() else revision_of(database)
    if revision is None:
        raise MissingResultsError(f"{place.name}: no results yet; to make some: {first}")
    if revision == revisions()[-1]:
        return database
    from cdbench.store.older_schemas import upgrade_command, upgraded_copy

    copy = upgraded_copy(database, revision)
    _LOG.warning(
        "%s has the older schema %s; reading a copy upgraded to %s; to upgrade the file: %s",
        *(place.name, revision, revisions()[-1], upgrade_command(database)),
    )
    return copy


def remake_views(location: str) -> list[str]:
    """Recreate the views of a database of the newest schema; return the names that had changed.

    Raises
    ------
    StoreError
        If it cannot be written, or is not ours.
    """
    database = open_for_writing(location)
    with database.migration() as connection:
        before = database.location.views(connection)
        upgrade(connection, database.location)
        after = database.location.views(connection)
    return [name for name, statement in after.items() if before.get(name) != statement]


def require_results(location: str) -> None:
    """Raise MissingResultsError if there is no database yet, which writing would begin."""
    place = find_location(location)
    if place.is_empty():
        raise MissingResultsError(f"{place.name}: no results yet; to make some: {FIRST_COMMAND}")


def open_if_any(location: str) -> Database | None:
    """Open a database like ``open_for_reading``, but return None if there are no results yet."""
    try:
        return open_for_reading(location)
    except MissingResultsError:
        return None


def revision_of(database: Database) -> str | None:
    """Return the revision of one of our databases, or None if it is empty.

    Raises
    ------
    StoreError
        If it is not ours, or comes from a newer cdbench.
    """
    with database.transaction() as connection:
        return _check_ours(connection, database.location)


def _upgrade(database: Database) -> None:
    with database.migration() as connection:
        # Another process may have upgraded it while this one waited.
        revision = _check_ours(connection, database.location)
        if revision == revisions()[-1]:
            return
        if revision is not None:
            try:
                backup = database.location.back_up(revision)
            except OSError as error:  # for example, the schema's number makes the name too long
                raise StoreError(
                    f"{database.name}: no backup can be made beside it ({error.strerror}), "
                    "so it is not upgraded"
                ) from None
            kept = f"; as it was: {backup}" if backup else ""
            _LOG.warning("%s: schema %s → %s%s", database.name, revision, revisions()[-1], kept)
        upgrade(connection, database.location)
        database.is_new = revision is None


def _check_ours(connection: Connection, place: Location) -> str | None:
    """Return the revision, or None for a new database; raise StoreError if we cannot use it."""
    revision = current_revision(connection)
    if revision is None and place.has_tables(connection):
        raise StoreError(f"{place.name} belongs to another program; name another --db")
    if revision is not None and revision not in revisions():
        raise StoreError(
            f"{place.name} was made by a newer cdbench (schema {revision}, this one knows up to "
            f"{revisions()[-1]}); upgrade cdbench, or name another --db"
        )
    return revision
