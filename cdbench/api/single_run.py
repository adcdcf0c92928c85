"""Training one configuration."""

import os
from collections.abc import Callable

from cdbench.api.refused import check_config, check_options
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.records.run import EpochMetrics, Run
from cdbench.running import execution
from cdbench.running.pinning import pinning
from cdbench.store.database import open_for_writing
from cdbench.store.record import record_run


def execute(
    config: RunConfig,
    *,
    db: str | os.PathLike[str] | None = None,
    diagnostics: Diagnostics | None = None,
    blas_threads: int = 1,
    header: bool | None = None,
    on_epoch: Callable[[EpochMetrics], None] | None = None,
) -> Run:
    """Train one configuration and return all its results, as ``cdbench train`` does.

    Parameters
    ----------
    config : RunConfig
        What to train.
    db : path or URL, optional
        Database to store the run in; it is made if it is missing. By default nothing is stored.
    diagnostics : Diagnostics, optional
        What is measured besides the epochs; by default the layers' spectra at the end.
    blas_threads : int
        Threads of each matrix product. The last digits of all numbers depend on it.
    header : bool, optional
        Whether the first line of a .csv file names its columns; None means to find out.
    on_epoch : callable, optional
        Called with the EpochMetrics of each epoch when it ends. Nothing is printed by itself. What
        it raises ends the run, which is not stored, and is raised.

    Returns
    -------
    Run
        Its ``status`` is ``completed``; or ``diverged``, ``interrupted`` (Ctrl-C) or ``failed``,
        with the epochs until then and the reason in ``error``. Its ``config`` is pinned to the
        contents of a data file. Losses are in nats, accuracies from 0 to 1, times in seconds.

    Raises
    ------
    UnknownNameError
        If there is no such data set.
    DatasetError
        If the data set cannot be read or trained on.
    ConfigurationError
        If a parameter is of another kind, or the layers cannot have the widths that the data set
        asks for.
    StoreError
        If the database cannot be written.

    Notes
    -----
    The defaults are the recipe of arXiv 2605.08171, Sec. VI.1.

    Examples
    --------
    >>> import cdbench
    >>> run = cdbench.execute(cdbench.RunConfig(dataset="iris", B=2, epochs=3))
    >>> run.status, run.widths, len(run.epochs)
    ('completed', (4, 64, 64, 4), 3)
    >>> 0 <= run.epochs[-1].test_accuracy <= 1
    True
    """
    check_config(config)
    check_options(diagnostics=diagnostics, blas_threads=blas_threads)
    pinned = pinning(header)(config)
    database = None if db is None else open_for_writing(os.fspath(db))
    faults: list[Exception] = []

    def tell(metrics: EpochMetrics) -> None:
        try:
            if on_epoch is not None:
                on_epoch(metrics)
        except Exception as fault:
            faults.append(fault)
            raise

    run = execution.execute(pinned, tell, diagnostics or Diagnostics(), blas_threads)
    if faults:  # the user's own, not the run's
        raise faults[0]
    if database is not None:
        record_run(database, run)
    return run
