"""Runs with a few of their columns, to be grouped, and what tells their configurations apart."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, or_, select, text

from cdbench.config import families
from cdbench.errors import ConfigurationError
from cdbench.records.run import COMPLETED, DIVERGED
from cdbench.store.database import Database
from cdbench.store.filter_columns import FilterColumn, unknown_column
from cdbench.store.run_filters import parsed_filter
from cdbench.store.run_lists import SCORE, filter_columns
from cdbench.store.stored_json import damaged, is_of_digest

_ALWAYS = ("seed", "task", "dataset", "status", "group_digest", "baseline_digest")
"""Columns that are read besides those that are asked for."""

_CONFIGURATIONS = text("SELECT configuration_id, group_digest, config_json FROM configuration")

OF_A_MODEL = ("layer", "structure", "B", "plugin")
"""Knobs that make a model's name."""


class RunInGroup(NamedTuple):
    """A run with what it is grouped by; a tuple, of which thousands are made in no time.

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
    database: Database, by: Sequence[str], value: str | None, where: str | None = None
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
    where : str, optional
        A filter, as ``run_filters.parsed_filter`` reads it.

    Raises
    ------
    ConfigurationError
        If the view has no such column, or the filter is none.
    """
    with database.transaction() as connection:
        known = filter_columns(connection)
        asked = [_column(known, name, "--group-by: ") for name in by]
        asked.append(_column(known, value or SCORE, "--value: "))
        asked += [known[name].expression for name in _ALWAYS]
        latest = known["is_latest"].is_true()
        conditions = [] if where is None else [parsed_filter(where, known)]
        question: Select[Any] = select(*asked).where(
            or_(latest, known["status"].expression == DIVERGED), *conditions
        )
        return list(_runs(connection.execute(question), len(by)))


def _column(known: Mapping[str, FilterColumn], name: str, place: str) -> Any:
    found = known.get(name)
    if found is None:
        raise unknown_column(name, known, place)
    if found.is_many:
        raise ConfigurationError(
            f"{place}a run may have several {name}; expected a column with one value, and them "
            f'in a filter, such as --where "{name} = mine"'
        )
    return found.expression


def _runs(rows: Any, n_by: int) -> Iterator[RunInGroup]:
    for row in map(tuple, rows):
        value, seed, task, dataset, status, digest, baseline = row[n_by:]
        done = status == COMPLETED
        own = value if done else None
        yield RunInGroup(row[:n_by], own, seed, task, dataset, done, digest, baseline or digest)


def pairing_keys(database: Database, leaving_out: Collection[str]) -> dict[str, str]:
    """Return by its digest what each configuration shares with those that it is paired with.

    That is the configuration without the seed and without some of its knobs, as text.
    """
    with database.transaction() as connection:
        rows = connection.execute(_CONFIGURATIONS).all()
    for key, digest, config_json in rows:
        if not is_of_digest(config_json, digest):
            of = f"configuration {key}"
            raise damaged(database, "config_json", of, "it does not match its digest")
    return {digest: _without(config_json, leaving_out) for _, digest, config_json in rows}


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
