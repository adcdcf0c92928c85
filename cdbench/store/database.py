"""Opening a database: whether it is ours, its schema, and its transactions."""

import logging
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from cdbench.errors import MissingResultsError, StoreError
from cdbench.interrupts import catch_interrupts
from cdbench.store.location import Location, find_location
from cdbench.store.migrate import current_revision, revisions, upgrade

FIRST_COMMAND = "cdbench sweep --B 1 3 4 5 7 8 --seeds 0 1 2"

_LOG = logging.getLogger("cdbench")


class Database:
    """An open database.

    Parameters
    ----------
    location : Location
        Where it is.
    read_only : bool
        Whether it is only read.
    """

    def __init__(self, location: Location, *, read_only: bool) -> None:
        catch_interrupts()  # from here on there is something that must end in order
        self.location = location
        self._engine = location.engine(read_only=read_only)
        # A server's connection is kept between transactions, and ends with this object.
        weakref.finalize(self, self._engine.dispose)

    @property
    def name(self) -> str:
        """The place as it was typed, without a password."""
        return self.location.name

    @property
    def label(self) -> str:
        """A short name, for titles."""
        return self.location.label

    @property
    def path(self) -> Path | None:
        """The file, where it is one."""
        return self.location.path

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Give a connection in one transaction: committed at the end, rolled back on an error.

        Raises
        ------
        StoreError
            If the database cannot be read or written.
        """
        with self._errors_named(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def migration(self) -> Iterator[Connection]:
        """Give a connection in one transaction in which the schema may be changed.

        Raises
        ------
        StoreError
            If the database cannot be read or written.
        """
        with self._errors_named(), self.location.migration(self._engine) as connection:
            yield connection

    def compact(self) -> None:
        """Give back the room of what was deleted.

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
        except (UnicodeError, OverflowError) as error:  # of the driver: a value that it cannot take
            raise StoreError(f"{self.name}: a value cannot be stored or read ({error})") from error


def open_for_writing(location: str | Location) -> Database:
    """Open a database, made or brought to the newest schema where needed.

    One of an older schema is backed up before. So whatever else can be refused comes first.

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
    """Open an existing database to read it; nothing of it is changed.

    Of one of an older schema, an upgraded copy is read, which is said.

    Parameters
    ----------
    location : str
        A path, or an SQLAlchemy URL.
    first : str
        The command that makes what is to be read, for the error where there is nothing yet.

    Raises
    ------
    MissingResultsError
        If there is none, or it is empty.
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
    """Make the views anew of a database of the newest schema; return those that had changed.

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


def open_if_any(location: str) -> Database | None:
    """Open a database to read it, as ``open_for_reading``; return None where there is nothing."""
    try:
        return open_for_reading(location)
    except MissingResultsError:
        return None


def revision_of(database: Database) -> str | None:
    """Return the revision of a database of ours, or None where there is nothing in it.

    Raises
    ------
    StoreError
        If it is not ours, or comes from a newer cdbench.
    """
    with database.transaction() as connection:
        return _check_ours(connection, database.location)


def _upgrade(database: Database) -> None:
    with database.migration() as connection:
        # Another process may have been here while this one waited.
        revision = _check_ours(connection, database.location)
        if revision == revisions()[-1]:
            return
        if revision is not None:
            try:
                backup = database.location.back_up(revision)
            except OSError as error:  # such as a name that is too long with the schema's number
                raise StoreError(
                    f"{database.name}: no backup can be made beside it ({error.strerror}), "
                    "so it is not upgraded"
                ) from None
            kept = f"; as it was: {backup}" if backup else ""
            _LOG.warning("%s: schema %s → %s%s", database.name, revision, revisions()[-1], kept)
        upgrade(connection, database.location)


def _check_ours(connection: Connection, place: Location) -> str | None:
    """Return the revision, None for a new database; raise StoreError if we cannot work with it."""
    revision = current_revision(connection)
    if revision is None and place.has_tables(connection):
        raise StoreError(f"{place.name} belongs to another program; name another --db")
    if revision is not None and revision not in revisions():
        raise StoreError(
            f"{place.name} was made by a newer cdbench (schema {revision}, this one knows up to "
            f"{revisions()[-1]}); upgrade cdbench, or name another --db"
        )
    return revision
