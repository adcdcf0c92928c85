"""Rows of runs to be taken elsewhere: whole views, or what they have of some runs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, column, literal_column, select, table

from cdbench.errors import UnknownNameError
from cdbench.store.database import Database
from cdbench.store.view_columns import Kind, column_kind

ORDERS = {
    "runs": ("runs", ("run_id",)),
    "epochs": ("epochs", ("run_id", "epoch")),
    "conditions": ("conditions", ("run_id", "step", "epoch", "kind", "layer")),
    "spectra": ("spectrum_values", ("run_id", "layer", "kind", "epoch", "position")),
}
"""What can be exported: the view, and the order of its rows."""

MANY = 500
"""Runs that are asked for one by one; SQLite allows only some thousands of parameters."""

TOGETHER = 2000
"""Rows that are read at a time."""

TIME = "%Y-%m-%d %H:%M:%S.%f"
"""How SQLite keeps a time, in UTC."""


@dataclass(frozen=True)
class ExportColumn:
    """A column of what is exported.

    Attributes
    ----------
    name : str
        As in the view.
    kind : {"text", "whole", "number", "truth", "time"}
        What its values are, or None: str, int, float, bool, or a str such as ``2026-11-29
        14:32:50.272998``, in UTC.
    """

    name: str
    kind: Kind


@dataclass(frozen=True)
class Exported:
    """What is exported.

    Attributes
    ----------
    columns : tuple of ExportColumn
        Its columns.
    rows : iterator of list of tuple
        Its rows, some at a time; to be read once.
    """

    columns: tuple[ExportColumn, ...]
    rows: Iterator[list[tuple[Any, ...]]]


def exported_rows(
    database: Database, what: str = "runs", run_ids: Sequence[int] | None = None
) -> Exported:
    """Return what a database has of some runs, or of all.

    Parameters
    ----------
    database : Database
        Where they are.
    what : str, optional
        A key of ORDERS.
    run_ids : sequence of int, optional
        The runs; by default all.

    Raises
    ------
    UnknownNameError
        If there is nothing of that name to export.
    StoreError
        If the database cannot be read; also while the rows are read.
    """
    if what not in ORDERS:
        raise UnknownNameError("--what", what, ORDERS)
    view, order = ORDERS[what]
    with database.transaction() as connection:
        names = tuple(connection.execute(_question(view, ()).limit(0)).keys())
    columns = tuple(ExportColumn(name, column_kind(view, name)) for name in names)
    return Exported(columns, _rows(database, view, columns, order, run_ids))


def _question(view: str, order: Sequence[str]) -> Any:
    return select(literal_column("*")).select_from(table(view)).order_by(*map(column, order))


def _rows(
    database: Database,
    view: str,
    columns: Sequence[ExportColumn],
    order: Sequence[str],
    run_ids: Sequence[int] | None,
) -> Iterator[list[tuple[Any, ...]]]:
    question = _question(view, order)
    wanted = None if run_ids is None else frozenset(run_ids)
    if run_ids is not None and len(run_ids) > MANY:  # what is between and not wanted is left out
        question = question.where(column("run_id").between(min(run_ids), max(run_ids)))
    elif run_ids is not None:
        question = question.where(column("run_id").in_(run_ids))
    key = [one.name for one in columns].index("run_id")
    changed = [
        (place, one.kind) for place, one in enumerate(columns) if one.kind in ("truth", "time")
    ]
    with database.transaction() as connection:
        for rows in _partitions(connection, question):
            yield [_plain(row, changed) for row in rows if wanted is None or row[key] in wanted]


def _partitions(connection: Connection, question: Any) -> Iterator[Sequence[Any]]:
    found = connection.execution_options(yield_per=TOGETHER).execute(question)
    yield from found.partitions()


def _plain(row: Sequence[Any], changed: Sequence[tuple[int, Kind]]) -> tuple[Any, ...]:
    """Return a row with the same values whatever the database."""
    values = list(row)
    for place, kind in changed:
        value = values[place]
        if kind == "truth" and value is not None:
            values[place] = bool(value)
        elif isinstance(value, datetime):
            values[place] = value.strftime(TIME)
    return tuple(values)
