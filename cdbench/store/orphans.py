"""Rows that belong to nothing, left over when rows were deleted with foreign keys off.

The shell ``sqlite3`` has them off by default.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Connection,
    ForeignKey,
    Table,
    and_,
    delete,
    func,
    inspect,
    or_,
    select,
    update,
)

from cdbench.store.insert import table_of
from cdbench.store.models import Base, Configuration, Diagnostics, Environment, Statement


@dataclass(frozen=True)
class Orphans:
    """Rows of a table whose parent is missing.

    Attributes
    ----------
    table, column, parent : str
        The table, its column, and the table that the column refers to.
    count : int
        How many such rows there are.
    example : int
        The key of one of the missing parents.
    """

    table: str
    column: str
    parent: str
    count: int
    example: int


def find_orphans(connection: Connection) -> Iterator[Orphans]:
    """Yield the foreign keys that are broken; missing tables are skipped."""
    present = set(inspect(connection).get_table_names())
    for table in Base.metadata.sorted_tables:
        for key in sorted(table.foreign_keys, key=lambda key: key.parent.name):
            parent = key.column.table
            if not {table.name, parent.name} <= present:
                continue
            question = select(func.count(), func.min(key.parent)).where(_is_broken(key))
            count, example = connection.execute(question).one()
            if count:
                yield Orphans(table.name, key.parent.name, parent.name, count, example)


def remove_orphans(connection: Connection) -> dict[str, int]:
    """Remove rows that belong to nothing; return how many were removed from each affected table.

    What rows share, such as environments, is removed too where no row refers to it. A run whose
    sweep or diagnostics are missing is kept, without them; one whose environment or configuration
    is missing is kept as it is.
    """
    tables = Base.metadata.sorted_tables
    before = {table.name: _count(connection, table) for table in tables}
    for table in tables:
        for key in table.foreign_keys:
            if key.ondelete == "CASCADE":
                connection.execute(delete(table).where(_is_broken(key)))
            elif key.parent.nullable:
                values = {key.parent.name: None}
                connection.execute(update(table).where(_is_broken(key)).values(values))
    for model in (Environment, Configuration, Diagnostics, Statement):
        _remove_unnamed(connection, table_of(model))
    removed = {table.name: before[table.name] - _count(connection, table) for table in tables}
    return {name: count for name, count in removed.items() if count}


def remove_leftovers(connection: Connection, run_ids: Sequence[int]) -> None:
    """Remove leftover rows of deleted runs whose keys SQLite has reused for new runs.

    Parameters
    ----------
    connection : Connection
        The transaction that writes the new runs.
    run_ids : sequence of int
        The new runs' keys.
    """
    if connection.dialect.name != "sqlite" or not run_ids:
        return
    for table in Base.metadata.sorted_tables:
        for key in table.foreign_keys:
            if key.column.table.name == "run":
                left = key.parent.between(min(run_ids), max(run_ids))
                connection.execute(delete(table).where(left))


def _remove_unnamed(connection: Connection, parent: Table) -> None:
    """Remove the rows of a table that no other row refers to."""
    named = [
        select(1).where(key.parent == key.column).exists()
        for table in Base.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table is parent
    ]
    connection.execute(delete(parent).where(~or_(*named)))


def _is_broken(key: ForeignKey) -> Any:
    there = select(1).where(key.column == key.parent).correlate(key.parent.table).exists()
    return and_(key.parent.is_not(None), ~there)


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()
