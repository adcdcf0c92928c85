"""A user's own query, answered with its columns' names and plain rows."""

import sqlite3
from collections.abc import Mapping
from typing import Any

import numpy as np
from sqlalchemy import TextClause, text
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
                found = connection.execute(*_bound(database, sql, parameters))
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


def _bound(
    database: Database, sql: str, parameters: Mapping[str, Any]
) -> tuple[TextClause, dict[str, Any]]:
    """Return the statement with a plain value for each of its placeholders."""
    statement = text(sql)
    missing = sorted(statement.compile().params.keys() - parameters.keys())
    if missing:
        raise StoreError(
            f"{database.name}: :{missing[0]} has no value; expected one in parameters, as in "
            f"{{{missing[0]!r}: 1}}"
        )
    # SQLite would store NumPy's whole numbers, such as those of a frame, as their bytes.
    plain = {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in parameters.items()
    }
    return statement, plain


def _only_reads(database: Database) -> StoreError:
    return StoreError(f"{database.name}: is opened to be read; expected a query, such as SELECT …")
