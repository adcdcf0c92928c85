"""A user's own query, answered with its columns' names and plain rows."""

import re
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, CursorResult, TextClause, text
from sqlalchemy.exc import DBAPIError, ResourceClosedError

from cdbench.errors import QueryError, StoreError
from cdbench.store.database import Database
from cdbench.store.query_errors import query_error

_WRITING = (
    "DECLARE CURSOR must not contain data-modifying statements",
    "cannot VACUUM from within a transaction",
)
"""What databases say of queries that write where their codes do not tell: a server, and SQLite."""

ROWS_AT_A_TIME = 1000
"""Rows that are fetched at once, of an answer that is read row by row."""

_COMMENT = r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/|\()*"

_STREAMED = re.compile(rf"{_COMMENT}(select|with|values|table)\b", re.IGNORECASE | re.DOTALL)
"""Queries that a server's cursor takes, and so gives row by row."""

_ASKED = re.compile(rf"{_COMMENT}(explain|show)\b", re.IGNORECASE | re.DOTALL)
"""What else may be asked of a server. COPY, which only reads too, can write files."""


def answer(
    database: Database, sql: str, parameters: Mapping[str, Any] | None = None
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the names of a query's columns, and its rows.

    Parameters and errors are those of ``answering``.
    """
    with answering(database, sql, parameters) as (columns, rows):
        return columns, list(rows)


@contextmanager
def answering(
    database: Database, sql: str, parameters: Mapping[str, Any] | None = None
) -> Iterator[tuple[list[str], Iterator[tuple[Any, ...]]]]:
    """Provide the names of a query's columns, and its rows, which are read as they are asked for.

    Parameters
    ----------
    database : Database
        Opened for reading, so that the query can change nothing.
    sql : str
        One statement.
    parameters : mapping, optional
        Values of its ``:name`` placeholders; without it, nothing is taken for one.

    Raises
    ------
    QueryError
        If it is no query, names what is not there, or would write.
    StoreError
        If the database cannot be read.
    """
    try:
        with database.transaction() as connection, database.location.queries_only(connection):
            found = _executed(database, connection, sql, parameters)
            yield list(found.keys()), (tuple(row) for row in found)
    except StoreError as error:
        cause = error.__cause__
        reason = cause.orig if isinstance(cause, DBAPIError) else None
        if reason is None:
            raise
        code = getattr(reason, "sqlite_errorcode", 0) & 0xFF
        denied = code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_AUTH)
        denied |= getattr(reason, "sqlstate", None) == "25006"
        if denied or any(words in str(reason) for words in _WRITING):
            raise _only_reads(database) from None
        raise query_error(database, sql, error, reason) from None


def _executed(
    database: Database, connection: Connection, sql: str, parameters: Mapping[str, Any] | None
) -> CursorResult[Any]:
    """Execute the query, and return its result if it has rows."""
    on_server = database.location.dialect == "postgresql"
    streamed = _STREAMED.match(sql) is not None
    if on_server and not streamed and _ASKED.match(sql) is None:
        raise _only_reads(database)
    options = {"stream_results": on_server and streamed, "yield_per": ROWS_AT_A_TIME}
    options["no_parameters"] = parameters is None  # a % stays a %
    try:
        if parameters is None:
            found = connection.exec_driver_sql(sql, execution_options=options)
        else:
            found = connection.execute(
                *_bound(database, sql, parameters), execution_options=options
            )
        if not found.returns_rows:
            raise _only_reads(database)
    except ResourceClosedError:  # of what has no rows, none can be asked for
        raise _only_reads(database) from None
    return found


def _bound(
    database: Database, sql: str, parameters: Mapping[str, Any]
) -> tuple[TextClause, dict[str, Any]]:
    """Return the statement with a plain value for each of its placeholders."""
    statement = text(sql)
    known = statement.compile().params.keys()
    missing = sorted(known - parameters.keys())
    if missing:
        raise QueryError(
            f"{database.name}: :{missing[0]} has no value; expected one in parameters, as in "
            f"{{{missing[0]!r}: 1}}, or on a command line --param {missing[0]}=1"
        )
    foreign = sorted(parameters.keys() - known)
    if foreign:
        expected = f"one of :{', :'.join(sorted(known))}" if known else "no parameters"
        raise QueryError(
            f"{database.name}: the query has no placeholder :{foreign[0]}; expected {expected}"
        )
    return statement, {name: _plain(value) for name, value in parameters.items()}


def _plain(value: Any) -> Any:
    """Return a NumPy number, such as that of a frame, as Python's; SQLite would store its bytes."""
    numpy = sys.modules.get("numpy")  # what has not been loaded, no value is of
    return value.item() if numpy is not None and isinstance(value, numpy.generic) else value


def _only_reads(database: Database) -> QueryError:
    return QueryError(f"{database.name}: is opened to be read; expected a query, such as SELECT …")
