"""What a database holds at a glance: runs by data set, judgements, comparisons, benchmarks."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from cdbench.records.run import COMPLETED
from cdbench.store.database import Database
from cdbench.store.sweep_queries import is_sweep

FEWEST_SEEDS = 3
"""Seeds without which a mean is not told as the best."""

_MEANS = text(
    """
    SELECT runs.dataset, runs.model, runs.group_digest, runs.task, count(*) AS n,
        min(runs.hidden) AS hidden, avg(coalesce(runs.test_r2, runs.test_accuracy)) AS score
    FROM runs WHERE runs.is_latest
    GROUP BY runs.dataset, runs.model, runs.group_digest, runs.task
    """
)

_STATUSES = text("SELECT status, count(*) AS n FROM runs GROUP BY status")

_COUNTS = {
    "claims": text("SELECT count(*) FROM claims"),
    "benchmarks": text("SELECT count(*) FROM benchmark"),
    "models": text("SELECT count(*) FROM kept_weights"),
}

_NAMES = {
    "comparisons": text("SELECT name FROM comparison ORDER BY sequence DESC, comparison_id DESC"),
    "studies": text("SELECT name FROM study ORDER BY name"),
    "sweeps": text("SELECT command_line FROM sweep ORDER BY started_at DESC, sweep_id DESC"),
}


@dataclass(frozen=True)
class OnDataset:
    """The newest completed runs on a data set.

    Attributes
    ----------
    dataset : str
        Its name.
    n_runs, n_models, n_settings : int
        Runs, models, and configurations apart from the seed.
    best : float or None
        Largest mean score of a configuration with FEWEST_SEEDS or more; None if there is none.
    best_model, best_hidden : str or None
        The model that it is of, and the widths of its hidden layers, as in ``64 64``.
    is_accuracy : bool
        Whether it is an accuracy, or of a regression R².
    """

    dataset: str
    n_runs: int
    n_models: int
    n_settings: int
    best: float | None
    best_model: str | None
    best_hidden: str | None
    is_accuracy: bool


@dataclass(frozen=True)
class Contents:
    """What a database holds.

    Attributes
    ----------
    source : str
        Its short name.
    n_completed, n_lost : int
        Runs that completed, and others.
    datasets : tuple of OnDataset
        Those with most runs first.
    counts : dict
        Numbers of claims judged, benchmarks, and networks that were kept.
    names : dict
        Of comparisons, newest first, and studies; of sweeps the commands.
    """

    source: str
    n_completed: int
    n_lost: int
    datasets: tuple[OnDataset, ...]
    counts: dict[str, int]
    names: dict[str, list[str]]


def contents(database: Database) -> Contents:
    """Return what a database holds."""
    with database.transaction() as connection:
        statuses = {row.status: row.n for row in connection.execute(_STATUSES)}
        rows: dict[str, list[Any]] = {}
        for row in connection.execute(_MEANS):
            rows.setdefault(row.dataset, []).append(row)
        counts = {name: connection.execute(own).scalar() or 0 for name, own in _COUNTS.items()}
        names = {name: list(connection.execute(own).scalars()) for name, own in _NAMES.items()}
    names["sweeps"] = list(filter(is_sweep, names["sweeps"]))
    datasets = [_on_dataset(dataset, own) for dataset, own in rows.items()]
    n_completed = statuses.pop(COMPLETED, 0)
    return Contents(
        database.label,
        n_completed,
        sum(statuses.values()),
        tuple(sorted(datasets, key=lambda own: (-own.n_runs, own.dataset))),
        counts,
        names,
    )


def _on_dataset(dataset: str, rows: list[Any]) -> OnDataset:
    enough = [row for row in rows if row.n >= FEWEST_SEEDS and row.score is not None]
    best = max(enough, key=lambda row: row.score, default=None)
    return OnDataset(
        dataset,
        sum(row.n for row in rows),
        len({row.model for row in rows}),
        len(rows),
        None if best is None else best.score,
        None if best is None else best.model,
        None if best is None else best.hidden,
        is_accuracy=all(row.task != "regression" for row in rows),
    )
