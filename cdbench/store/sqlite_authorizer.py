"""What a query may do, as SQLite asks while it prepares one: read, compute, and nothing else."""

import sqlite3
from contextlib import suppress

_ACTIONS = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
    }
)

_NO_FUNCTIONS = frozenset({"load_extension", "fts3_tokenizer"})
"""Functions that load code, or take an address for it."""

_TELLING = frozenset(
    {
        "table_info",
        "table_xinfo",
        "table_list",
        "index_list",
        "index_info",
        "index_xinfo",
        "foreign_key_list",
        "function_list",
        "collation_list",
        "compile_options",
    }
)
"""Pragmas that only tell, whatever stands in their brackets."""

_TELLING_BARE = frozenset(
    {
        "application_id",
        "encoding",
        "freelist_count",
        "journal_mode",
        "page_count",
        "page_size",
        "schema_version",
        "user_version",
    }
)
"""Pragmas that tell if nothing stands behind them, and else set."""


_TABLES = (
    "json_each",
    "json_tree",
    "pragma_table_info",
    "pragma_table_xinfo",
    "pragma_table_list",
    "pragma_index_list",
    "pragma_index_info",
    "pragma_foreign_key_list",
)
"""SQLite's own tables, which are made when they are first named; as it asks then, that looks like
writing."""


def prepare_tables(connection: sqlite3.Connection) -> None:
    """Have SQLite's own tables made, before it asks what a query does."""
    for name in _TABLES:
        with suppress(sqlite3.OperationalError):  # an older SQLite, or one without JSON
            connection.execute(f"SELECT 1 FROM {name} LIMIT 0")


def what_a_query_does(
    action: int, first: str | None, second: str | None, _database: str | None, _from: str | None
) -> int:
    """Return SQLITE_OK for what a query does, and SQLITE_DENY for all else.

    Attaching and writing other files, changing settings of the connection, and transactions are
    denied too.

    Parameters
    ----------
    action : int
        What is asked about, as one of SQLite's codes.
    first, second : str or None
        What it is done to: the name of a function is second, that of a pragma first.
    """
    if action == sqlite3.SQLITE_PRAGMA:
        fine = first in _TELLING or (first in _TELLING_BARE and second is None)
    elif action == sqlite3.SQLITE_FUNCTION:
        fine = second not in _NO_FUNCTIONS
    else:
        fine = action in _ACTIONS
    return sqlite3.SQLITE_OK if fine else sqlite3.SQLITE_DENY
