"""A user's own query, answered with its columns' names and plain rows."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from cdbench.errors import StoreError
from cdbench.store.database import Database


def answer(
    database: Database, sql: str, parameters: Mapping[str, Any] | None = None
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the names of a query's columns, and its rows.

    Parameters
    ----------
    database : Database
        Opened for reading, so that the query can change nothing.
    sql : str
        One statement.
    parameters : mapping, optional
        Values of its ``:name`` placeholders.

    Raises
    ------
    StoreError
        If it is no query, cannot be read, or would write.
    """
    try:
        with database.transaction() as connection:
            database.location.one_at_a_time(connection)  # else COMMIT; DELETE ... would delete
            if parameters is None:  # then nothing in it is taken for a placeholder
                found = connection.exec_driver_sql(sql)
            else:
                found = connection.execute(text(sql), dict(parameters))
            if not found.returns_rows:
                raise _only_reads(database)
            return list(found.keys()), [tuple(row) for row in found]
    except StoreError as error:
        cause = error.__cause__
        reason = cause.orig if isinstance(cause, DBAPIError) else None
        code = getattr(reason, "sqlite_errorcode", 0) & 0xFF
        state = getattr(reason, "sqlstate", None)
        if code == sqlite3.SQLITE_READONLY or state == "25006":  # read_only_sql_transaction
            raise _only_reads(database) from None
        raise


def _only_reads(database: Database) -> StoreError:
    return StoreError(f"{database.name}: is opened to be read; expected a query, such as SELECT …")
