"""Training and storing many runs, with progress; used by sweeps and audits."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from cdbench.cli import COMPLETED, INTERRUPTED, RUN_FAILED
from cdbench.cli.echo import complain, echo
from cdbench.cli.typed import command_line
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.system.interrupts import ignore_interrupts, interrupts_held

if TYPE_CHECKING:
    from cdbench.running.cluster_workers import Cluster
    from cdbench.store.database import Database


def train_and_store(
    needs: Mapping[RunConfig, Diagnostics],
    jobs: int | None,
    database: "Database",
    go_on: str,
    blas_threads: int = 1,
    cluster: "Cluster | None" = None,
    count: Callable[[], str] | None = None,
    *,
    together: bool = True,
) -> int:
    """Train the configurations and store each run as it ends; return the exit code.

    Parameters
    ----------
    needs, jobs, database, blas_threads, cluster, together
        As for ``cdbench.api.storing.train_and_store``.
    go_on : str
        The command that continues after an interruption.
    count : callable, optional
        Returns what an interrupt tells to be stored, such as ``7 of 9 runs``, where ``needs`` are
        only a part of that; by default their completed runs are told.
    """
    with interrupts_held():  # an exception raised while modules load may be lost
        from cdbench.api import storing
        from cdbench.cli.progress import SweepProgress
    watch = partial(SweepProgress, together=together and cluster is None)
    stored = storing.train_and_store(
        *(needs, database, command_line(), go_on, watch),
        jobs=jobs,
        blas_threads=blas_threads,
        cluster=cluster,
        together=together,
        on_interrupt=ignore_interrupts,
    )
    if stored.lost is not None:
        complain(f"{stored.lost}; finished runs are kept, to go on: {go_on}")
    if stored.is_interrupted:
        counted = count() if count else f"{stored.n_completed} of {len(needs)} runs"
        echo(f"interrupted: {counted} are stored; to go on: {go_on}", err=True)
        return INTERRUPTED
    return RUN_FAILED if stored.n_failed or stored.lost else COMPLETED
