"""Counting what a database of any schema holds, without changing it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, func, inspect, select

from cdbench.config.families import model_name
from cdbench.errors import StoreError
from cdbench.records.run import REMOVED
from cdbench.store.database import Database, revision_of
from cdbench.store.insert import table_of
from cdbench.store.migrate import revisions
from cdbench.store.models import Base, Run

MOST_COMMON = 8
"""How many data sets and models are listed."""

_KEPT = table_of(Run).c.status != REMOVED
"""That a run is not in the trash."""


@dataclass(frozen=True)
class Inventory:
    """What a database holds.

    Attributes
    ----------
    name, kind : str
        Where it is, and the kind of database with its version.
    n_bytes : int
        Its size.
    revision, newest_revision : str
        Its schema, and the newest that this cdbench knows.
    n_rows : dict of int
        Number of rows by table, without tables that its schema does not have. Runs in the trash are
        counted as rows of ``trash``, not of ``run``.
    statuses, datasets, models : dict of int
        Number of runs by status, and for the most common data sets and models.
    first, last : datetime or None
        When the first and the last run began, UTC; None if there are no runs.
    """

    name: str
    kind: str
    n_bytes: int
    revision: str
    newest_revision: str
    n_rows: dict[str, int]
    statuses: dict[str, int]
    datasets: dict[str, int]
    models: dict[str, int]
    first: datetime | None
    last: datetime | None


def inventory(database: Database) -> Inventory:
    """Return what a database holds.

    Raises
    ------
    StoreError
        If it cannot be read.
    """
    revision = str(revision_of(database))
    try:
        with database.transaction() as connection:
            return _inventory(database, connection, revision)
    except (ValueError, TypeError) as error:  # for example, an invalid time
        raise StoreError(
            f"{database.name}: a value cannot be read ({error}); to find it: cdbench db check"
        ) from error


def _inventory(database: Database, connection: Connection, revision: str) -> Inventory:
    run = table_of(Run)
    kind, n_bytes = database.location.kind_and_size(connection)
    present = set(inspect(connection).get_table_names())
    began = select(func.min(run.c.started_at), func.max(run.c.started_at)).where(_KEPT)
    first, last = connection.execute(began).one()
    return Inventory(
        name=database.name,
        kind=kind,
        n_bytes=n_bytes,
        revision=revision,
        newest_revision=revisions()[-1],
        n_rows={
            table.name: _count(connection, table)
            for table in Base.metadata.sorted_tables
            if table.name in present
        },
        statuses=_counts(connection, "status"),
        datasets=_counts(connection, "dataset"),
        models=_models(connection),
        first=first,
        last=last,
    )


def _count(connection: Connection, table: Table) -> int:
    question = select(func.count()).select_from(table)
    if table.name == Run.__tablename__:
        question = question.where(_KEPT)
    return connection.execute(question).scalar_one()


def _counts(connection: Connection, name: str) -> dict[str, int]:
    """Return how many runs have each value of a column, most common first."""
    return {value: count for (value,), count in _most_common(connection, name)}


def _models(connection: Connection) -> dict[str, int]:
    """Return how many runs each model has; before schema 0009 runs had no structure but B."""
    columns = {column["name"] for column in inspect(connection).get_columns(Run.__tablename__)}
    names = [name for name in ("layer", "structure", "B") if name in columns]
    found = {}
    for values, count in _most_common(connection, *names):
        own = dict(zip(names, values, strict=True))
        found[model_name(own["layer"], own.get("structure"), own["B"])] = count
    return found


def _most_common(connection: Connection, *names: str) -> list[tuple[Sequence[Any], int]]:
    """Return the most common combinations of values of some columns, and how often each occurs."""
    columns = [table_of(Run).c[name] for name in names]
    count = func.count()
    question = select(*columns, count).where(_KEPT).group_by(*columns)
    question = question.order_by(count.desc(), *columns)
    return [(row[:-1], row[-1]) for row in connection.execute(question.limit(MOST_COMMON))]
