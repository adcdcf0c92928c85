"""Lists of runs: those that a filter finds, in an order, with the columns that are asked for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    DateTime,
    FromClause,
    Select,
    String,
    column,
    func,
    select,
    table,
    text,
)

from cdbench.store import models
from cdbench.store.database import Database
from cdbench.store.filter_columns import FilterColumn, kind_of, unknown_column
from cdbench.store.insert import table_of
from cdbench.store.run_filters import parsed_filter

SCORE = "score"
"""Test accuracy, 0 to 1, or of a regression R², in one column."""

ALL = "all"
"""What stands for all columns."""

MANY = 500
"""Runs that are asked for one by one; SQLite allows only some thousands of parameters."""

_TABLES = tuple(map(table_of, (models.Run, models.Epoch, models.Configuration)))
_RUN = _TABLES[0]

_TYPES: dict[str, Any] = {"text": String, "truth": Boolean, "time": DateTime}

_OWN = {"model": "text", "changes": "text", "family": "text", "is_latest": "truth"}
"""Kinds of the view's columns that no table has and that are no numbers."""


@dataclass(frozen=True)
class RunList:
    """Runs that were found.

    Attributes
    ----------
    columns : tuple of str
        The columns that were asked for.
    rows : list of dict
        One a run, with these columns and ``task``, in the order that was asked for; at most as many
        as the limit.
    n_found : int
        How many runs the filter finds.
    """

    columns: tuple[str, ...]
    rows: list[dict[str, Any]]
    n_found: int


def listed_runs(
    database: Database,
    columns: Sequence[str],
    *,
    where: str | None = None,
    sort: str | None = None,
    limit: int | None = None,
) -> RunList:
    """Return the runs that a filter finds.

    Parameters
    ----------
    database : Database
        Where they are.
    columns : sequence of str
        Columns of the view ``runs``, or ``score``; ``all`` stands for all of them.
    where : str, optional
        A filter, as ``run_filters.parsed_filter`` reads it.
    sort : str, optional
        A column, with - before it for the largest first; what is missing comes last. By default the
        newest run comes first.
    limit : int, optional
        How many runs to return at most; by default all.

    Raises
    ------
    ConfigurationError
        If a column or the filter is none.
    """
    with database.transaction() as connection:
        known = filter_columns(connection)
        chosen = _chosen(columns, known)
        keys = found_keys(connection, known, where, sort)
        shown = keys if limit is None else keys[:limit]
        rows = _rows(connection, known, dict.fromkeys((*chosen, "task")), shown)
    return RunList(chosen, rows, len(keys))


def filter_columns(connection: Connection) -> dict[str, FilterColumn]:
    """Return what runs can be asked for, by name."""
    names = connection.execute(text("SELECT * FROM runs LIMIT 0")).keys()
    source = table("runs", *(column(name, _TYPES.get(_kind(name))) for name in names))
    found = {name: FilterColumn(name, source.c[name], _kind(name)) for name in names}
    score = func.coalesce(source.c.test_r2, source.c.test_accuracy)
    return found | {SCORE: FilterColumn(SCORE, score, "number")}


def found_keys(
    connection: Connection,
    known: Mapping[str, FilterColumn],
    where: str | None,
    sort: str | None = None,
) -> list[int]:
    """Return the run_ids of what a filter finds, in order."""
    source = _source(known)
    question = select(source.c.run_id).join_from(source, _RUN, _RUN.c.run_id == source.c.run_id)
    if where is not None:
        question = question.where(parsed_filter(where, known))
    order: list[ColumnElement[Any]] = []
    if sort is not None:
        order.append(_order(sort, known))
    question = question.order_by(*order, _RUN.c.sequence.desc(), _RUN.c.run_id.desc())
    return list(connection.execute(question).scalars())


def _kind(name: str) -> Any:
    for one in _TABLES:
        if name in one.c:
            return kind_of(one.c[name])
    return _OWN.get(name, "text" if name.endswith("digest") else "number")


def _source(known: Mapping[str, FilterColumn]) -> FromClause:
    source = known["run_id"].expression.table  # type: ignore[attr-defined]
    assert isinstance(source, FromClause)
    return source


def _order(sort: str, known: Mapping[str, FilterColumn]) -> ColumnElement[Any]:
    name = sort.removeprefix("-")
    if name not in known:
        raise unknown_column(name, known, "--sort: ")
    own = known[name].expression
    return (own.desc() if sort.startswith("-") else own.asc()).nulls_last()


def _chosen(columns: Sequence[str], known: Mapping[str, FilterColumn]) -> tuple[str, ...]:
    chosen: dict[str, None] = {}
    for name in columns:
        if name not in known and name != ALL:
            raise unknown_column(name, known, "--columns: ")
        chosen |= dict.fromkeys(known if name == ALL else [name])
    return tuple(chosen)


def _rows(
    connection: Connection,
    known: Mapping[str, FilterColumn],
    columns: Iterable[str],
    keys: Sequence[int],
) -> list[dict[str, Any]]:
    """Return rows of these runs, in the order of their keys."""
    source = _source(known)
    question: Select[Any] = select(
        source.c.run_id.label("key"), *(known[name].expression.label(name) for name in columns)
    )
    if len(keys) > MANY:  # a list of them all takes longer to read than what is too much
        question = question.where(source.c.run_id.between(min(keys), max(keys)))
    else:
        question = question.where(source.c.run_id.in_(keys))
    names = tuple(columns)
    rows = {row[0]: dict(zip(names, row[1:], strict=True)) for row in connection.execute(question)}
    return [rows[key] for key in keys]
