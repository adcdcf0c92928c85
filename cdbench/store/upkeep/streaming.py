"""Moving rows from one database to another, some thousands at a time."""

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Dialect, Executable, Table, func, select
from sqlalchemy.exc import SQLAlchemyError

from cdbench.errors import StoreError
from cdbench.store.database import Database
from cdbench.store.insert import send_rows

ROWS_AT_A_TIME = 5000

Row = tuple[Any, ...]


class Reader:
    """Reads a database in one transaction; errors name this database even inside another's.

    Parameters
    ----------
    database : Database
        Where the rows are.
    connection : Connection
        A transaction in it.
    """

    def __init__(self, database: Database, connection: Connection) -> None:
        self.name = database.name
        self.connection = connection
        self._location = database.location

    def chunks(self, question: Executable, size: int = ROWS_AT_A_TIME) -> Iterator[list[Row]]:
        """Yield the query's rows in lists of ``size``; later rows are not fetched before.

        Raises
        ------
        StoreError
            If the rows cannot be read.
        """
        try:
            result = self.connection.execute(question, execution_options={"yield_per": size})
            for rows in result.partitions():
                yield [tuple(row) for row in rows]
        except SQLAlchemyError as error:
            raise self._location.error(error) from error
        except (ValueError, TypeError) as error:  # for example, an invalid time or text
            raise StoreError(
                f"{self.name}: a value cannot be read ({error}); to find it: cdbench db check"
            ) from error


def write_rows(connection: Connection, table: Table, rows: Sequence[Sequence[Any]]) -> None:
    """Insert whole rows, with values in the order of the table's columns.

    Raises
    ------
    StoreError
        If the database cannot hold a value.
    """
    if not rows:
        return
    if any(value != value for row in rows for value in row):
        raise _cannot_hold(table, rows, "not a number (NaN)", _is_nan)
    if connection.dialect.name == "sqlite":
        for place, process in _processors(table, connection.dialect):
            rows = [(*row[:place], process(row[place]), *row[place + 1 :]) for row in rows]
    try:
        send_rows(connection, table, [column.name for column in table.columns], rows)
    except connection.dialect.loaded_dbapi.Error:
        if connection.dialect.name == "sqlite" or not any(map(_has_nul, chain(*rows))):
            raise
        what = "text with the character NUL, which PostgreSQL cannot hold"
        raise _cannot_hold(table, rows, what, _has_nul) from None


def new_keys(connection: Connection, table: Table, number: int) -> Sequence[int]:
    """Return unused keys, in order; they must be used in the same transaction."""
    key = table.autoincrement_column
    assert key is not None
    if connection.dialect.name == "postgresql":
        sequence = func.pg_get_serial_sequence(table.name, key.name)
        question = select(func.nextval(sequence)).select_from(func.generate_series(1, number))
        return sorted(connection.execute(question).scalars())
    largest = connection.execute(select(func.max(key))).scalar() or 0
    return range(largest + 1, largest + 1 + number)


def end_sequences(connection: Connection, tables: Iterable[Table]) -> None:
    """Make PostgreSQL's next keys follow the largest present one; SQLite does so by itself."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables:
        key = table.autoincrement_column
        largest = None if key is None else connection.execute(select(func.max(key))).scalar()
        if key is not None and largest is not None:
            sequence = func.pg_get_serial_sequence(table.name, key.name)
            connection.execute(select(func.setval(sequence, largest)))


def _cannot_hold(table: Table, rows: Sequence[Sequence[Any]], what: str, is_it: Any) -> StoreError:
    row = next(row for row in rows if any(map(is_it, row)))
    column = next(
        column.name for column, value in zip(table.columns, row, strict=True) if is_it(value)
    )
    where = ", ".join(
        f"{key.name} {value}"
        for key, value in zip(table.columns, row, strict=True)
        if key.primary_key
    )
    return StoreError(
        f"{table.name}.{column} is {what}, at {where}; nothing was written; correct that row "
        "and try again"
    )


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _has_nul(value: object) -> bool:
    return isinstance(value, str) and "\0" in value


@cache
def _processors(table: Table, dialect: Dialect) -> list[tuple[int, Any]]:
    """Return the conversions that the driver needs for some columns, such as times to text."""
    found = [
        (place, column.type.dialect_impl(dialect).bind_processor(dialect))
        for place, column in enumerate(table.columns)
    ]
    return [(place, process) for place, process in found if process is not None]
