"""Inserting rows: a few, returning their keys, or very many quickly; NaN is refused."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Table, insert, select

from cdbench.errors import StoreError
from cdbench.records.run import Environment
from cdbench.store import models


def table_of(model: type[models.Base]) -> Table:
    """Return a model's table."""
    table = model.__table__
    assert isinstance(table, Table)
    return table


def insert_rows(
    connection: Connection, model: type[models.Base], rows: Sequence[dict[str, Any]]
) -> list[int]:
    """Insert rows; return their new keys, in order, if the table generates keys.

    Raises
    ------
    StoreError
        If a value is NaN.
    """
    if not rows:
        return []
    table = table_of(model)
    for row in rows:
        _refuse_nan(table, tuple(row), row.values())
    key = table.autoincrement_column
    if key is None:
        connection.execute(insert(table), rows)
        return []
    statement = insert(table).returning(key, sort_by_parameter_order=True)
    return list(connection.execute(statement, rows).scalars())


def insert_values(
    connection: Connection,
    model: type[models.Base],
    columns: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    """Insert very many rows of plain numbers and text, bypassing most of SQLAlchemy.

    Raises
    ------
    StoreError
        If a value is NaN.
    """
    if not rows:
        return
    table = table_of(model)
    if any(value != value for row in rows for value in row):  # quick; the loop finds which one
        for row in rows:
            _refuse_nan(table, columns, row)
    send_rows(connection, table, columns, rows)


def send_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Hand rows to the driver as they are; the transaction translates its errors."""
    names = ", ".join(f'"{name}"' for name in columns)
    if connection.dialect.name == "postgresql":  # COPY takes a fifth of the time of INSERT
        statement = f"COPY {table.name} ({names}) FROM STDIN"
        cursor: Any = connection.connection.cursor()
        with cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    else:
        marks = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {table.name} ({names}) VALUES ({marks})"
        connection.exec_driver_sql(statement, [tuple(row) for row in rows])


def environment_id(connection: Connection, environment: Environment) -> int:
    """Return the key of an equal environment, which is written now if there is none yet."""
    values = asdict(environment) | {"digest": environment.digest}
    return shared_key(connection, models.Environment, ("digest",), values)


def shared_key(
    connection: Connection, model: type[models.Base], identity: Sequence[str], row: dict[str, Any]
) -> int:
    """Return the key of the row that is the same in these columns; it is written if there is none.

    Parameters
    ----------
    connection : Connection
        The transaction that writes.
    model : type
        The model of the table.
    identity : sequence of str
        Columns that are unique together; the first is never NULL.
    row : dict
        Values of all columns but the key.
    """
    table = table_of(model)
    (key,) = table.primary_key
    # A column that is NULL is no conflict, so that two processes may write such a row at once.
    same = (table.c[name].is_not_distinct_from(row[name]) for name in identity[1:])
    first = table.c[identity[0]] == row[identity[0]]  # PostgreSQL looks up no other in an index
    found = select(key).where(first, *same).order_by(key).limit(1)
    known: int | None = connection.execute(found).scalar()
    if known is None:  # another process may be writing the same one now
        new = _that_may_ignore(connection, table).values(**row)
        connection.execute(new.on_conflict_do_nothing(index_elements=identity))
        known = connection.execute(found).scalar_one()
    return known


def _refuse_nan(table: Table, columns: tuple[str, ...], values: Any) -> None:
    """Raise StoreError for NaN, which SQLite would store as NULL and PostgreSQL as the largest."""
    for name, value in zip(columns, values, strict=True):
        if isinstance(value, float) and math.isnan(value):  # NumPy's float64 is a float too
            raise StoreError(
                f"{table.name}.{name} is not a number (NaN); nothing of this run is stored"
            )


def _that_may_ignore(connection: Connection, table: Table) -> Any:
    """Return the database's own INSERT statement, which supports ON CONFLICT DO NOTHING."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # takes as long to load as many a command runs

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)
