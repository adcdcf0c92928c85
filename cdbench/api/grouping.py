"""Stored runs by their knobs, and beside those of a baseline that are equal in all else."""

from collections.abc import Mapping, Sequence
from math import isinf
from typing import Any

from cdbench.config import families
from cdbench.config.run_config import KNOBS
from cdbench.errors import ConfigurationError, MissingResultsError, UnknownNameError
from cdbench.reports.formats import Report
from cdbench.reports.grouped import Group, grouped_report
from cdbench.reports.quantities import Quantity, natural, quantity_of, shown
from cdbench.statistics.averages import mean
from cdbench.statistics.groups import paired, summary
from cdbench.store.database import Database
from cdbench.store.group_queries import (
    RunInGroup,
    is_dense,
    knobs_behind,
    pairing_keys,
    runs_to_group,
)

Found = Mapping[tuple[Any, ...], Sequence[RunInGroup]]
"""The completed runs of each group."""


def grouped_runs(
    database: Database,
    by: Sequence[str],
    *,
    value: str | None = None,
    baseline: str | None = None,
    where: str | None = None,
) -> Report:
    """Return the report of stored runs, grouped by columns of the view ``runs``.

    Parameters
    ----------
    database : Database
        Where they are.
    by : sequence of str
        The columns.
    value : str, optional
        The column whose numbers are told; by default the score.
    baseline : str, optional
        A value of one of the columns, such as ``dense`` of ``model``: its runs are what the others
        are compared with, each with those that are equal in all else.
    where : str, optional
        A filter of the runs, as it was typed.

    Raises
    ------
    UnknownNameError
        If there is no such column, or no such baseline among the groups.
    ConfigurationError
        If what was asked for is no number, or scores of several kinds would be averaged.
    MissingResultsError
        If there are no such runs.
    """
    by = list(dict.fromkeys(by))
    runs = runs_to_group(database, by, value, where)
    completed: dict[tuple[Any, ...], list[RunInGroup]] = {}
    lost: dict[tuple[Any, ...], int] = {}
    for run in runs:
        if run.is_completed:
            completed.setdefault(run.key, []).append(run)
        else:
            lost[run.key] = lost.get(run.key, 0) + 1
    if not completed:
        raise MissingResultsError(f"{database.name}: no completed runs{_such(where)}")
    quantity = _quantity(value, by, runs)
    place, beside = _beside(database, completed, by, baseline, quantity)
    keys = sorted({*completed, *lost}, key=lambda key: _order(key, place, baseline))
    return grouped_report(
        [_group(key, completed.get(key, []), lost.get(key, 0), beside) for key in keys],
        by,
        quantity,
        baseline=baseline,
        where=where,
        source=database.label,
        n_datasets=len({run.dataset for run in runs}),
    )


def _such(where: str | None) -> str:
    return f" where {where}; to see those that there are: cdbench runs list" if where else ""


def _order(key: tuple[Any, ...], place: int, baseline: str | None) -> list[Any]:
    """Return what sorts groups: the baseline, and dense, before those compared with it."""
    return [
        ((place != i or shown(key[i]) != baseline) + (key[i] != families.BASELINE), one)
        for i, one in enumerate(natural(key))
    ]


def _quantity(value: str | None, by: Sequence[str], runs: Sequence[RunInGroup]) -> Quantity:
    numbers = [run.value for run in runs if run.is_completed and run.value is not None]
    if any(isinstance(number, str) for number in numbers):
        raise ConfigurationError(
            f"--value {value}: holds text; expected a column of numbers, such as weight_kappa or "
            "duration_s"
        )
    tasks = {run.task for run in runs if run.is_completed}
    if value is None and "regression" in tasks and len(tasks) > 1:
        raise ConfigurationError(
            f"--group-by {' '.join(by)}: the runs are of several tasks, scored by accuracy and "
            "R²; expected one of them: --value test_accuracy or --value test_r2"
        )
    return quantity_of(value, sorted(tasks))


def _group(
    key: tuple[Any, ...],
    runs: Sequence[RunInGroup],
    n_lost: int,
    beside: Mapping[tuple[Any, ...], tuple[int, Any]],
) -> Group:
    numbers = [float(run.value) for run in runs if run.value is not None]
    n_pairs, against = beside.get(key, (0, None))
    return Group(key, summary(numbers) if numbers else None, n_lost, n_pairs, against)


def _beside(
    database: Database,
    completed: Found,
    by: Sequence[str],
    baseline: str | None,
    quantity: Quantity,
) -> tuple[int, dict[tuple[Any, ...], tuple[int, Any]]]:
    """Return the place of the baseline's column and, of other groups, what their pairs say."""
    if baseline is None:
        return -1, {}
    place = _column_of(baseline, completed, by)
    knobs = knobs_behind(by[place], KNOBS)
    if not knobs:
        raise ConfigurationError(
            f"--baseline {baseline}: {by[place]} is no knob, so no runs are equal in all else; "
            "expected a model, or the value of a knob"
        )
    keys = None if is_dense(by[place], baseline) else pairing_keys(database, knobs)

    def shared(run: RunInGroup) -> tuple[str, int]:
        return (run.baseline_digest if keys is None else keys[run.digest], run.seed)

    base: dict[tuple[str, int], list[float]] = {}
    for key, runs in completed.items():
        if shown(key[place]) == baseline:
            for run in runs:
                if run.value is not None:
                    base.setdefault(shared(run), []).append(run.value)
    found = {}
    for key, runs in completed.items():
        if shown(key[place]) != baseline:
            pairs = [
                (run.seed, float(run.value), mean(base[shared(run)]))
                for run in runs
                if run.value is not None and shared(run) in base
            ]
            pairs = [pair for pair in pairs if not isinf(pair[1]) or not isinf(pair[2])]
            found[key] = len(pairs), paired(pairs, ratio=quantity.is_ratio)
    return place, found


def _column_of(baseline: str, completed: Found, by: Sequence[str]) -> int:
    """Return the place of the first column that has this value."""
    for place in range(len(by)):
        if any(shown(key[place]) == baseline for key in completed):
            return place
    known = {shown(value) for key in completed for value in key}
    raise UnknownNameError("baseline", baseline, known)
