"""Runs with a few of their columns, to be grouped, and what tells their configurations apart."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Connection, Select, column, or_, select, table, text

from cdbench.config import families
from cdbench.errors import UnknownNameError
from cdbench.records.run import COMPLETED, DIVERGED
from cdbench.store.database import Database

_RUNS = table("runs")

_NO_RUNS = text("SELECT * FROM runs LIMIT 0")

_CONFIGURATIONS = text("SELECT group_digest, config_json FROM configuration")

OF_A_MODEL = ("layer", "structure", "B", "plugin")
"""Knobs that make a model's name."""


@dataclass(frozen=True)
class RunInGroup:
    """A run with what it is grouped by.

    Attributes
    ----------
    key : tuple
        Its values in the columns that it is grouped by.
    value : float or None
        Its number; None where it has none, or of a run that diverged.
    seed : int
        Its seed.
    task, dataset : str
        Its task, which says what its score is, and its data set.
    is_completed : bool
        Whether it is the newest completed run of its configuration; else it diverged.
    digest, baseline_digest : str
        Of its configuration without the seed, and of its dense counterpart.
    """

    key: tuple[Any, ...]
    value: Any
    seed: int
    task: str
    dataset: str
    is_completed: bool
    digest: str
    baseline_digest: str


def runs_to_group(
    database: Database,
    by: Sequence[str],
    value: str | None,
    conditions: Sequence[ColumnElement[bool]] = (),
) -> list[RunInGroup]:
    """Return the newest completed run of each configuration, and those that diverged.

    Parameters
    ----------
    database : Database
        Where they are.
    by : sequence of str
        Columns of the view ``runs``.
    value : str or None
        Column with the number wanted; None for the score: R² of a regression, else the accuracy.
    conditions : sequence of conditions
        On columns of the view, all of which must hold.

    Raises
    ------
    UnknownNameError
        If the view has no such column.
    """
    with database.transaction() as connection:
        _check(connection, [*by, *filter(None, [value])])
        numbers = [value] if value else ["test_r2", "test_accuracy"]
        known = ("seed", "task", "dataset", "status", "group_digest", "baseline_digest")
        latest = column("is_latest", Boolean)
        asked: list[Any] = [*map(column, (*by, *numbers, *known)), latest]
        question: Select[Any] = (
            select(*asked)
            .select_from(_RUNS)
            .where(or_(latest, column("status") == DIVERGED), *conditions)
        )
        return list(_runs(connection.execute(question), len(by), len(numbers)))


def _runs(rows: Any, n_by: int, n_numbers: int) -> Iterator[RunInGroup]:
    for row in rows:
        numbers = row[n_by : n_by + n_numbers]
        seed, task, dataset, status, digest, baseline, _ = row[n_by + n_numbers :]
        is_completed = status == COMPLETED
        found = next((one for one in numbers if one is not None), None) if is_completed else None
        yield RunInGroup(
            tuple(row[:n_by]), found, seed, task, dataset, is_completed, digest, baseline or digest
        )


def _check(connection: Connection, names: Sequence[str]) -> None:
    known = list(connection.execute(_NO_RUNS).keys())
    for name in names:
        if name not in known:
            raise UnknownNameError("column", name, known, "as in the view runs")


def pairing_keys(database: Database, leaving_out: Collection[str]) -> dict[str, str]:
    """Return by its digest what each configuration shares with those that it is paired with.

    That is the configuration without the seed and without some of its knobs, as text.
    """
    with database.transaction() as connection:
        return {
            digest: _without(config, leaving_out)
            for digest, config in connection.execute(_CONFIGURATIONS)
        }


def _without(config_json: str, leaving_out: Collection[str]) -> str:
    values = json.loads(config_json)
    return json.dumps({name: own for name, own in values.items() if name not in leaving_out})


def knobs_behind(name: str, knobs: Collection[str]) -> tuple[str, ...]:
    """Return the knobs that a column of the view tells of; none for what is no knob.

    Examples
    --------
    >>> knobs_behind("family", ["layer"]), knobs_behind("dropout", ["dropout"])
    (('layer', 'structure', 'B', 'plugin'), ('dropout',))
    """
    if name in ("model", "family", "structure", "B"):
        return OF_A_MODEL
    return (name,) if name in knobs else ()


def is_dense(name: str, baseline: object) -> bool:
    """Whether a baseline is the dense network, which every configuration knows by its digest."""
    return name in ("model", "family") and baseline == families.BASELINE
