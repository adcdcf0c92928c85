"""What is wrong with a user's own query: the word to blame, and the nearest name that exists."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from cdbench.errors import QueryError, StoreError
from cdbench.store.database import Database
from cdbench.system.printable import printable

AROUND = 50
"""Characters that are shown on each side of the word to blame, of a long line."""

_COLUMN = re.compile(
    r"(?:no such column: |column \"?|ambiguous column name: |column reference \"?)([\w.]+)"
)
_TABLE = re.compile(r"(?:no such table: |relation \"?)([\w.]+)")
_OTHER = re.compile(
    r"(?:near |unrecognized token: )\"(.+?)\"(?:: syntax error|$)"
    r"|no such function: (\w+)|function (\w+)\(|at or near \"(.+?)\"$",
    re.DOTALL,
)


def query_error(
    database: Database, sql: str, error: StoreError, reason: BaseException
) -> Exception:
    """Return the error of a query, with the word to blame and the nearest name that exists.

    Parameters
    ----------
    database : Database
        Which refused it.
    sql : str
        The query.
    error : StoreError
        What was made of the driver's error.
    reason : exception
        The driver's error.

    Returns
    -------
    QueryError
        Or the error as it is, if the query is not to blame, but the database.
    """
    said = str(getattr(getattr(reason, "diag", None), "message_primary", None) or reason)
    code = getattr(reason, "sqlite_errorname", "SQLITE_ERROR")
    state = getattr(reason, "sqlstate", None)
    if code != "SQLITE_ERROR" or (state is not None and state[:2] not in ("42", "22")):
        return error
    said = " ".join(said.split())
    if "only execute one statement" in said or "multiple commands" in said:
        return QueryError(f"{database.name}: several statements; expected one query")
    if "bindings supplied" in said:
        return QueryError(
            f"{database.name}: the query has placeholders without a value; expected one for each, "
            "as in cdbench db sql 'select :x' --param x=1"
        )
    column, table, other = (kind.search(said) for kind in (_COLUMN, _TABLE, _OTHER))
    word = next(
        (found for match in (column, table, other) if match for found in match.groups() if found),
        None,
    )
    place = None if word is None else _place(database, sql, word, said)
    where = "" if word is None or place is None else pointed(sql, place, len(word))
    hint = ""
    if word is not None and (column or table) and "ambiguous" not in said:
        hint = _hint(database, sql, word.rpartition(".")[2], of_table=column is None)
    return QueryError(f"{database.name}: {said}{hint}", where)


def pointed(sql: str, place: int, length: int) -> str:
    r"""Return the line of the query that has a word, and a line below it that points at the word.

    Parameters
    ----------
    sql : str
        The query.
    place : int
        Where the word begins, in characters from 0.
    length : int
        Characters of the word.

    Examples
    --------
    >>> print(pointed("select 1\nfro runs", 9, 3))
    line 2: fro runs
            ^^^
    """
    begin = sql.rfind("\n", 0, place) + 1
    line = sql[begin:].split("\n", 1)[0].rstrip()
    place -= begin
    first = place - AROUND if place > 2 * AROUND else 0
    last = place + length + AROUND
    before = "… " * (first > 0) + printable(line[first:place])
    word = printable(line[place : place + length])
    after = printable(line[place + length : last]) + " …" * (last < len(line))
    number = sql.count("\n", 0, begin) + 1
    lead = f"line {number}: " if "\n" in sql.strip() else "  "
    return f"{lead}{before}{word}{after}\n{' ' * (len(lead) + len(before))}{'^' * len(word)}"


def _place(database: Database, sql: str, word: str, said: str) -> int | None:
    """Return where the word to blame is."""
    places = list(_places(sql, word))
    if len(places) > 1 and "syntax error" in said:
        for place in places[:-1]:
            if said in _said_of(database, sql[: place + len(word)]):
                return place
        return places[-1]
    return places[0] if places else None


def _said_of(database: Database, beginning: str) -> str:
    """Return what the database says of a query's beginning: the same, if it has the wrong word."""
    try:
        with database.transaction() as connection, database.location.queries_only(connection):
            connection.exec_driver_sql(f"EXPLAIN {beginning}")
    except (StoreError, SQLAlchemyError) as error:
        return " ".join(str(error).split())
    return ""


def _places(sql: str, word: str) -> Iterator[int]:
    edge = (r"(?<!\w)", r"(?!\w)") if re.fullmatch(r"[\w.]+", word) else ("", "")
    for match in re.finditer(edge[0] + re.escape(word) + edge[1], sql, re.IGNORECASE):
        yield match.start()


def _hint(database: Database, sql: str, word: str, *, of_table: bool) -> str:
    """Return the nearest name of a table, or of a column of the tables named in the query."""
    with database.transaction() as connection:
        every = database.location.columns(connection)
    relations = {relation for relation, _ in every}
    named = sorted(relation for relation in relations if any(_places(sql, relation)))
    known: Any = relations
    if not of_table:
        known = [column for relation, column in every if relation in named or not named]
    near = get_close_matches(word, sorted(set(known)), n=1, cutoff=0.5)
    question = f"; did you mean {near[0]}?" if near else ""
    see = " ".join(["cdbench db schema", *(named if not of_table else [])])
    return f"{question} (all: {see})" if question else f"; to see what there is: {see}"
