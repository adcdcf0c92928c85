"""A SQLite file: opened as untrusted, locked patiently, and backed up before an upgrade."""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import ClassVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from cdbench.errors import StoreError
from cdbench.store.location import Location, replaced
from cdbench.store.locks import patiently
from cdbench.store.sqlite_authorizer import prepare_tables, what_a_query_does
from cdbench.store.sqlite_files import connect, copy_file, is_copy
from cdbench.store.sqlite_headers import is_new
from cdbench.system.interrupts import interruption
from cdbench.system.work_folders import remove_leftovers

APPLICATION_ID = 0x43446265
"""``PRAGMA application_id`` of our files: "CDbe" in ASCII, for the command ``file``."""

MEANINGS = {
    sqlite3.SQLITE_FULL: "the disk is full, and none of this was written; free some space and "
    "try again",
    sqlite3.SQLITE_READONLY: "is read-only, or its folder is; make both writable, or name another "
    "--db",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened, or nothing can be written beside it; "
    "is its folder still there, and writable?",
    sqlite3.SQLITE_IOERR: "reading or writing failed; check the disk, then run cdbench db check",
    sqlite3.SQLITE_CORRUPT: "is damaged; to see how: cdbench db check; then restore a backup",
    sqlite3.SQLITE_NOTADB: "is not a SQLite database, or its header is damaged; name another --db",
}
"""What the driver's error codes mean to the user."""


_COLUMNS = """
    SELECT relation.name, part.name FROM sqlite_master AS relation
    JOIN pragma_table_info(relation.name) AS part
    WHERE relation.type IN ('table', 'view') ORDER BY relation.name, part.cid
"""


class SqliteFile(Location):
    """A SQLite file.

    Parameters
    ----------
    path : Path
        The file.
    name, label : str, optional
        The names to show instead, if it stands in for another file.
    """

    dialect: ClassVar[str] = "sqlite"

    def __init__(self, path: Path, name: str | None = None, label: str | None = None) -> None:
        super().__init__(name or str(path), label or path.name, path)
        self._file = path

    def engine(self, *, read_only: bool) -> Engine:
        """Return an engine that opens the file anew for each transaction and never creates it."""
        path = self._file
        known: dict[Path, tuple[int, int] | None] = {}  # what a writer's first transaction found
        # The driver begins transactions late and implicitly, so these hooks begin them. A writer
        # takes its lock at once, so that it waits for other writers instead of failing half-way.
        engine = create_engine(
            "sqlite://",
            creator=lambda: connect(path, "ro" if read_only else "rw"),
            poolclass=NullPool,
        )

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            raw = _raw(connection)
            if read_only:
                raw.execute("BEGIN")
                patiently(raw, "SELECT count(*) FROM sqlite_master", path)
            else:
                patiently(raw, "BEGIN IMMEDIATE", path)
                found = _file_of(path)
                if known.setdefault(path, found) != found:
                    raise replaced(self.name)

        @event.listens_for(engine, "commit")
        def _commit(connection: Connection) -> None:
            raw = _raw(connection)
            if raw.in_transaction:
                patiently(raw, "COMMIT", path)

        return engine

    def check_writable(self) -> None:
        """Raise StoreError for other files and folders; create the file if there is none."""
        path = self._file
        if not os.path.isdir(path.parent):  # noqa: PTH112 - False for impossible names too
            raise StoreError(
                f"{path}: there is no folder {path.parent}; make it, or name another --db"
            )
        self.is_empty()
        try:
            with closing(connect(path, "rwc")) as connection:
                patiently(connection, "BEGIN IMMEDIATE", path)
                # A write that changes nothing, to find missing permission now, not after hours.
                (version,) = connection.execute("PRAGMA user_version").fetchone()
                connection.execute(f"PRAGMA user_version = {version}")
                connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise self.error(error) from None

    def is_empty(self) -> bool:
        """Return whether the file is missing or empty; raise StoreError if it is not a database."""
        return is_new(self._file)

    def has_tables(self, connection: Connection) -> bool:
        """Return whether the file holds anything."""
        return connection.exec_driver_sql("SELECT 1 FROM sqlite_master").first() is not None

    @contextmanager
    def migration(self, engine: Engine) -> Iterator[Connection]:
        """Provide a transaction with foreign keys off; they must be turned off before it begins.

        Otherwise, rebuilding a parent table would delete its children.
        """
        with engine.connect() as connection:
            _raw(connection).execute("PRAGMA foreign_keys = OFF")
            with connection.begin():
                yield connection

    def back_up(self, revision: str) -> str | None:
        """Copy the file to ``runs.schema-0003.db`` next to it, unless such a copy exists already.

        An upgrade that failed or was killed leaves such a copy. No other file is overwritten.
        """
        path = self._file
        for number in count(1):
            name = f"{path.stem}.schema-{revision}{f'-{number}' if number > 1 else ''}{path.suffix}"
            backup = path.with_name(name)
            if not os.path.lexists(backup):
                copy_file(path, backup)
                return str(backup)
            if is_copy(backup, path):
                remove_leftovers(backup.parent)
                return str(backup)
        raise AssertionError

    @contextmanager
    def queries_only(self, connection: Connection) -> Iterator[None]:
        """Have SQLite ask, of all that a statement would do, whether a query does that.

        The driver takes one statement at a time.
        """
        raw = _raw(connection)
        prepare_tables(raw)
        raw.set_authorizer(what_a_query_does)
        try:
            yield
        finally:
            raw.set_authorizer(None)

    def columns(self, connection: Connection) -> list[tuple[str, str]]:
        """Return every column of its tables and views."""
        return [(row[0], row[1]) for row in connection.exec_driver_sql(_COLUMNS)]

    def describe(self, connection: Connection) -> None:
        """Set the application id, by which the command ``file`` can tell whose file it is."""
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")

    def views(self, connection: Connection) -> Mapping[str, str]:
        """Return every view's statement."""
        found = connection.exec_driver_sql(
            "SELECT name, sql FROM sqlite_master WHERE type = 'view' ORDER BY rowid"
        )
        return {name: statement for name, statement in found.all()}  # noqa: C416 - typed rows

    def drop_views(self, connection: Connection) -> None:
        """Drop every view."""
        for name in self.views(connection):
            quoted = name.replace('"', '""')
            connection.exec_driver_sql(f'DROP VIEW "{quoted}"')

    def take_out(self, connection: Connection) -> list[str]:
        """Drop the user's own triggers and indices; return the statements that recreate them.

        Triggers must not react to a migration's changes, and a table that is recreated would lose
        both.
        """
        found = connection.exec_driver_sql(
            "SELECT type, name, sql FROM sqlite_master WHERE type = 'trigger' OR type = 'index' "
            "AND sql IS NOT NULL AND name NOT LIKE 'ix!_' || tbl_name || '!_%' ESCAPE '!' "
            "ORDER BY rowid"
        ).all()
        for kind, name, _ in found:
            quoted = name.replace('"', '""')
            connection.exec_driver_sql(f'DROP {kind} "{quoted}"')
        return [statement for _, _, statement in found]

    def kind_and_size(self, connection: Connection) -> tuple[str, int]:
        """Return SQLite with its library's version, and the size of the file."""
        del connection
        return f"SQLite {sqlite3.sqlite_version}", self._file.stat().st_size

    def damage(self, connection: Connection) -> list[str]:
        """Return the faults found by ``PRAGMA integrity_check``, and any missing bytes."""
        found = connection.exec_driver_sql("PRAGMA integrity_check").scalars()
        lines = [" ".join(str(line).split()) for line in found if line != "ok"]
        sizes = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        missing = connection.exec_driver_sql(sizes).scalar_one() - self._file.stat().st_size
        return [f"its last {missing:,} bytes are missing", *lines] if missing > 0 else lines

    def compact(self, engine: Engine) -> None:
        """Rewrite the file without its unused pages, as soon as nobody else is using it."""
        with engine.connect() as connection:
            patiently(_raw(connection), "VACUUM", self._file)

    def error(self, error: Exception) -> StoreError:
        """Return the error with the meaning of its code, or in the driver's words.

        Raises
        ------
        KeyboardInterrupt
            If an interrupt ended the statement; see ``StatementWatch``.
        """
        reason = error.orig if isinstance(error, DBAPIError) and error.orig else error
        words = " ".join(str(reason).split())
        code = getattr(reason, "sqlite_errorcode", None)
        if code == sqlite3.SQLITE_INTERRUPT:
            raise interruption() from None
        meaning = MEANINGS.get(code & 0xFF) if code is not None else None
        return StoreError(
            f"{self.name}: {meaning} ({words})" if meaning else f"{self.name}: {words}"
        )


def _raw(connection: Connection) -> sqlite3.Connection:
    raw = connection.connection.dbapi_connection
    assert isinstance(raw, sqlite3.Connection)
    return raw


def _file_of(path: Path) -> tuple[int, int] | None:
    """Return what identifies a file whatever its name, or None if there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
