"""Comparing families at equal size."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cdbench.api.compared import Comparison, read_comparison
from cdbench.api.comparison_stages import run_comparison
from cdbench.api.quiet_training import OnRun, train_quietly
from cdbench.api.refused import check_options, several, whole_numbers
from cdbench.comparison.planning import Planned, planned
from cdbench.config.numbers import parse_rate
from cdbench.config.study import COMPARED_KNOBS
from cdbench.errors import CdbenchError, UnknownNameError
from cdbench.records.run import Run
from cdbench.store.database import Database, open_for_writing


def compare(
    dataset: str = "digits",
    *,
    budget: float | Iterable[float] = 0.25,
    layer: str | Iterable[str] | None = None,
    match: str = "parameters",
    seeds: Iterable[int] = range(10),
    tuning_seeds: Iterable[int] = (1000, 1001),
    rates: Iterable[float] | None = None,
    validation: float = 0.2,
    name: str | None = None,
    db: str | os.PathLike[str] | None = None,
    jobs: int | None = 1,
    header: bool | None = None,
    on_run: Callable[[Run], None] | None = None,
    **knobs: Any,
) -> Comparison:
    """Compare families at equal size, each at its own best learning rate, beside dense networks.

    It does what ``cdbench compare`` does. Of each family the setting nearest to the budget
    competes, with a dense network narrowed to the same size and the dense one at full width. Rates
    are chosen on samples held out of the training split, with seeds of their own. What the database
    has is used, so that one that was interrupted goes on.

    Parameters
    ----------
    dataset : str
        Its name or path, as for RunConfig.
    budget : float or iterable of float
        Sizes: shares of the dense network's weights, or from 1 on numbers of parameters.
    layer : str or iterable of str, optional
        Families that compete beside dense, as ``FAMILY[,NAME=VALUE]``; by default all.
    match : str
        What budgets are of: ``"parameters"`` or ``"multiply-adds"``.
    seeds, tuning_seeds : iterable of int
        Seeds that are reported, at least 3, and others that choose the learning rates.
    rates : iterable of float, optional
        Learning rates that every model tries, each the same multiple of the one before; more are
        tried where the best is at an end. By default 0.0025 to 0.32 in factors of 2.
    validation : float
        Share of the training split by which rates are chosen.
    name : str, optional
        Name by which ``Results.comparison`` finds it; by default the data set's.
    db : path or URL, optional
        Database to store it and its runs in; it is made if it is missing. By default both are
        forgotten, but for what is returned.
    jobs : int or None
        Runs at a time; None for as many as there are cores. See ``sweep``.
    header : bool, optional
        Whether the first line of a .csv file names its columns; None means to find out.
    on_run : callable, optional
        Called with each Run when it has ended. Nothing is printed by itself.
    **knobs
        RunConfig's fields that all models share, such as ``hidden`` and ``epochs``.

    Returns
    -------
    Comparison
        Its rows, what it found in words, its table and figures.

    Raises
    ------
    ConfigurationError
        If an option is invalid, or no model trained at any rate.
    UnknownNameError
        If there is no such knob, family or data set.
    DatasetError
        If the data cannot be read, or there are too few samples for validation.
    StoreError
        If the database cannot be written.
    CdbenchError
        If runs failed, so that it did not come to its end.
    KeyboardInterrupt
        On Ctrl-C; what was trained until then is stored in ``db``.

    Notes
    -----
    Intervals for new data: Nadeau and Bengio, Inference for the generalization error, Machine
    Learning 52, 2003. docs/comparison.md says more.

    Examples
    --------
    >>> import cdbench
    >>> found = cdbench.compare(
    ...     "iris", budget=0.5, layer="cdlinear", hidden=24, epochs=1, seeds=range(3),
    ...     rates=[0.05, 0.1, 0.2],
    ... )
    >>> sorted(row["model"] for row in found.rows)
    ['cdlinear B=2', 'dense', 'dense']
    """
    for knob in knobs:
        if knob not in COMPARED_KNOBS:
            raise UnknownNameError("knob of a comparison", knob, COMPARED_KNOBS)
    check_options(jobs=jobs)
    options = knobs | {"dataset": dataset, "match": match, "validation": validation}
    options |= {
        "seeds": whole_numbers("seeds", seeds),
        "tuning_seeds": whole_numbers("tuning_seeds", tuning_seeds),
    }
    options["budget"] = _numbers("budget", budget)
    if layer is not None:
        options["layer"] = several("layer", layer)
    if rates is not None:
        options["rates"] = _numbers("rates", rates)
    asked = planned(options, header)
    label = name or asked.plan.base.dataset
    if db is not None:
        return _compared(asked, label, open_for_writing(os.fspath(db)), jobs, on_run)
    with TemporaryDirectory(prefix="cdbench-") as folder:
        database = open_for_writing(str(Path(folder) / "comparison.db"))
        return _compared(asked, label, database, jobs, on_run)


def _numbers(name: str, given: float | Iterable[float]) -> tuple[float, ...]:
    return tuple(parse_rate(name, value) for value in several(name, given))


def _compared(
    asked: Planned,
    label: str,
    database: Database,
    jobs: int | None,
    on_run: OnRun | None,
) -> Comparison:
    def train(needs: Any, count: Callable[[], str], together: bool) -> bool:
        del count
        go_on = "the same cdbench.compare(...)"
        train_quietly(
            *(needs, database, "cdbench.compare", go_on, jobs), on_run=on_run, together=together
        )
        return True

    stored_as = run_comparison(
        *(asked.plan, asked.candidates, label, database, "cdbench.compare", train),
        lambda what: None,
    )
    if stored_as is None:
        raise CdbenchError(
            f"{label}: runs failed, so that the comparison did not come to its end; why they did "
            f"is in the column error of the view runs of {database.name}"
        )
    return read_comparison(database, stored_as)
