"""Lists of runs: those that a filter finds, in an order, with the columns that are asked for."""

from collections.abc import Collection, Mapping, Sequence
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

from cdbench.errors import ConfigurationError
from cdbench.store import models
from cdbench.store.database import Database
from cdbench.store.filter_columns import FilterColumn, unknown_column
from cdbench.store.filter_values import Kind as FilterKind
from cdbench.store.insert import table_of
from cdbench.store.run_filters import parsed_filter
from cdbench.store.run_labels import labels
from cdbench.store.run_views import REMOVED_RUNS
from cdbench.store.view_columns import column_kind

SCORE = "score"
"""Test accuracy, 0 to 1, or of a regression R², in one column."""

TAG, NOTE = "tag", "note"
"""What people say of runs; a run may have several tags."""

ALL = "all"
"""What stands for all columns."""

MANY = 500
"""Runs that are asked for one by one; SQLite allows only some thousands of parameters."""

_RUN, _TAG, _NOTE, _TRASH = map(table_of, (models.Run, models.RunTag, models.RunNote, models.Trash))

_TYPES: dict[str, Any] = {"text": String, "truth": Boolean, "time": DateTime}


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
    tags: Sequence[str] = (),
    sort: str | None = None,
    limit: int | None = None,
    removed: bool = False,
    option: str = "--columns",
) -> RunList:
    """Return the runs that a filter finds.

    Parameters
    ----------
    database : Database
        Where they are.
    columns : sequence of str
        Columns of the view ``runs``; ``score``, ``tag`` (all of them, with blanks between) and
        ``note``, and in the trash ``removed_at``; ``all`` stands for all of these.
    where : str, optional
        A filter, as ``run_filters.parsed_filter`` reads it.
    tags : sequence of str
        Tags of which a run has to have one; by default all runs.
    sort : str, optional
        A column, with - before it for the largest first; what is missing comes last. By default the
        newest run comes first.
    limit : int, optional
        How many runs to return at most; by default all.
    removed : bool
        Whether to look in the trash, and nowhere else; a status is then how the run ended.
    option : str
        The option in which the columns were given, for the error.

    Raises
    ------
    ConfigurationError
        If a column or the filter is none.
    """
    with database.transaction() as connection:
        known = filter_columns(connection, removed=removed)
        chosen = _chosen(columns, known, option)
        keys = found_keys(connection, known, where, tags, sort)
        shown = keys if limit is None else keys[:limit]
        rows = _rows(connection, known, dict.fromkeys((*chosen, "task")), shown)
    return RunList(chosen, rows, len(keys))


def runs_by_key(
    database: Database, columns: Sequence[str], run_ids: Sequence[int]
) -> list[dict[str, Any]]:
    """Return rows of these runs, as ``listed_runs`` has them, in this order."""
    with database.transaction() as connection:
        known = filter_columns(connection)
        return _rows(connection, known, dict.fromkeys((*columns, "task")), run_ids)


def filter_columns(connection: Connection, *, removed: bool = False) -> dict[str, FilterColumn]:
    """Return what runs, or those in the trash, can be asked for, by name."""
    names = connection.execute(text("SELECT * FROM runs LIMIT 0")).keys()
    typed = [column(name, _TYPES.get(_kind(name))) for name in names]
    source: FromClause = (
        text(REMOVED_RUNS).columns(*typed).subquery("runs") if removed else table("runs", *typed)
    )
    found = {name: FilterColumn(name, source.c[name], _kind(name)) for name in names}
    score = func.coalesce(source.c.test_r2, source.c.test_accuracy)
    tags = select(_TAG.c.tag).where(_TAG.c.run_id == source.c.run_id).correlate(source)
    found[SCORE] = FilterColumn(SCORE, score, "number")
    found[TAG] = FilterColumn(TAG, _TAG.c.tag, "text", tags)
    found[NOTE] = FilterColumn(NOTE, _of_run(_NOTE.c.note, source), "text")
    if removed:
        found["removed_at"] = FilterColumn(
            "removed_at", _of_run(_TRASH.c.removed_at, source), "time"
        )
    return found


def _of_run(column: ColumnElement[Any], source: FromClause) -> ColumnElement[Any]:
    """Return the value of a column of a table that has at most one row of each run."""
    own = column.table
    found = select(column).where(own.c.run_id == source.c.run_id).correlate(source)
    return found.scalar_subquery()


def found_keys(
    connection: Connection,
    known: Mapping[str, FilterColumn],
    where: str | None,
    tags: Sequence[str] = (),
    sort: str | None = None,
) -> list[int]:
    """Return the run_ids of what a filter finds, in order."""
    source = _source(known)
    question = select(source.c.run_id).join_from(source, _RUN, _RUN.c.run_id == source.c.run_id)
    if where is not None:
        question = question.where(parsed_filter(where, known))
    if tags:
        question = question.where(known[TAG].is_in(tags, no=False))
    order: list[ColumnElement[Any]] = []
    if sort is not None:
        order.append(_order(sort, known))
    question = question.order_by(*order, _RUN.c.sequence.desc(), _RUN.c.run_id.desc())
    return list(connection.execute(question).scalars())


def _kind(name: str) -> FilterKind:
    kind = column_kind("runs", name)
    return "number" if kind == "whole" else kind


def _source(known: Mapping[str, FilterColumn]) -> FromClause:
    source = known["run_id"].expression.table
    assert isinstance(source, FromClause)
    return source


def _order(sort: str, known: Mapping[str, FilterColumn]) -> ColumnElement[Any]:
    name = sort.removeprefix("-")
    if name not in known:
        raise unknown_column(name, known, "--sort: ")
    if known[name].is_many:
        raise ConfigurationError(f"--sort: runs have several of {name}; expected another column")
    own = known[name].expression
    return (own.desc() if sort.startswith("-") else own.asc()).nulls_last()


def _chosen(
    columns: Sequence[str], known: Mapping[str, FilterColumn], option: str
) -> tuple[str, ...]:
    chosen: dict[str, None] = {}
    for name in columns:
        if name not in known and name != ALL:
            raise unknown_column(name, known, f"{option}: ")
        chosen |= dict.fromkeys(known if name == ALL else [name])
    return tuple(chosen)


def _rows(
    connection: Connection,
    known: Mapping[str, FilterColumn],
    columns: Collection[str],
    keys: Sequence[int],
) -> list[dict[str, Any]]:
    """Return rows of these runs, in the order of their keys."""
    source = _source(known)
    names = [name for name in columns if not known[name].is_many]
    question: Select[Any] = select(
        source.c.run_id.label("key"), *(known[name].expression.label(name) for name in names)
    )
    if len(keys) > MANY:  # a list of them all takes longer to read than what is too much
        question = question.where(source.c.run_id.between(min(keys), max(keys)))
    else:
        question = question.where(source.c.run_id.in_(keys))
    rows = {row[0]: dict(zip(names, row[1:], strict=True)) for row in connection.execute(question)}
    if TAG in columns:
        said = labels(connection, keys)
        for key, row in rows.items():
            row[TAG] = " ".join(said[key].tags) if key in said and said[key].tags else None
    return [rows[key] for key in keys]
