"""Figures of any runs, read from the database."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from cdbench.config.families import BASELINE
from cdbench.errors import ConfigurationError, MissingResultsError
from cdbench.plots.base import PlottedRun
from cdbench.plots.curves import curves
from cdbench.plots.kappa import kappa
from cdbench.plots.model_sizes import model_sizes
from cdbench.plots.seeds import seeds
from cdbench.plots.spectra import spectra
from cdbench.store.database import Database
from cdbench.store.figure_queries import (
    DescribedRun,
    described_runs,
    epochs_of_runs,
    newest_with,
)
from cdbench.store.queries import spectra_of
from cdbench.store.run_lists import listed_runs
from cdbench.store.run_names import runs_named

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMED = 8
"""Runs that a footer names one by one."""

ANY_RUNS: "dict[str, Callable[[Sequence[PlottedRun], str], Figure]]" = {
    "curves": curves,
    "spectra": spectra,
    "kappa": kappa,
    "seeds": seeds,
    "accuracy-parameters": model_sizes,
}
"""Those figures, by name."""

_OF_SPECTRA, _OF_SCORES = ("spectra", "kappa"), ("seeds", "accuracy-parameters")


def any_runs_figure(
    database: Database, name: str, runs: Sequence[str], where: str | None = None
) -> "Figure":
    """Draw a figure of runs.

    Parameters
    ----------
    database : Database
        Where they are.
    name : str
        A key of ANY_RUNS.
    runs : sequence of str
        Names of runs, as ``run_named`` takes them; they are drawn in this order.
    where : str, optional
        A filter; with it come those of the newest runs of each configuration that fit, dense first.

    Raises
    ------
    ConfigurationError
        If no run is named, one is not known, or they do not go into one figure.
    MissingResultsError
        If no run fits, or one lacks what the figure shows; the message names the option for it,
        and the newest run that has it.
    """
    named, found = _chosen(database, name, runs, where)
    rows = described_runs(database, [*named, *found])
    ids = [*named, *sorted(found, key=lambda own: _place(rows[own]))]
    epochs = epochs_of_runs(database, ids, last_only=name in _OF_SCORES)
    plotted = [
        PlottedRun(
            run_id=row.run_id,
            model=row.model,
            layer=row.family,
            B=row.B,
            seed=row.seed,
            n_parameters=row.n_parameters or 0,
            widths=(),
            epochs=epochs.get(row.run_id, ()),
            spectra=spectra_of(database, row.run_id) if name in _OF_SPECTRA else (),
            structure=row.structure,
            dataset=row.dataset,
            task=row.task,
            changes=row.changes,
            group=row.group_digest,
        )
        for row in (rows[own] for own in ids)
    ]
    try:
        return ANY_RUNS[name](plotted, _source(database, plotted))
    except MissingResultsError as error:
        other = newest_with(database, name)
        if other is None:
            raise
        raise MissingResultsError(
            f"{error}; to draw the newest run that kept it: cdbench plot {name} {other}"
        ) from None


def _place(run: DescribedRun) -> tuple[Any, ...]:
    """Return by what runs of a filter are in order: dense first, then by family and size."""
    is_other = run.family != BASELINE
    size = (run.B or 0, run.structure or "", run.n_parameters or 0)
    return is_other, run.family, size, run.changes, run.seed, run.run_id


def _chosen(
    database: Database, name: str, runs: Sequence[str], where: str | None
) -> tuple[list[int], list[int]]:
    """Return the keys of the runs that are named, and of others that a filter finds."""
    if not runs and where is None:
        raise ConfigurationError(
            f"figure {name}: no run was named; expected some, as in cdbench plot {name} latest, or "
            f"cdbench plot {name} --where 'dataset = iris'"
        )
    named, found = runs_named(database, runs), list[int]()
    if where is not None:
        listed = listed_runs(database, ("run_id", "is_latest"), where=where)
        found = [row["run_id"] for row in listed.rows if row["is_latest"]]
    if not named and not found:
        raise MissingResultsError(f"{database.name}: no completed run fits --where {where}")
    return named, [own for own in found if own not in named]


def _source(database: Database, runs: Sequence[PlottedRun]) -> str:
    if len(runs) <= NAMED:
        numbers = ", ".join(str(run.run_id) for run in runs)
        return f"run{'s' * (len(runs) > 1)} {numbers} of {database.label}"
    return f"{len(runs):,} runs of {database.label}"
