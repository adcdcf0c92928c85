"""Training and storing many runs, with progress; used by sweeps and audits."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from cdbench.cli import COMPLETED, INTERRUPTED, RUN_FAILED
from cdbench.cli.echo import complain, echo
from cdbench.cli.typed import command_line
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.errors import ClusterError, DatabaseReplacedError, StoreError
from cdbench.records.run import INTERRUPTED as RUN_INTERRUPTED
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
    needs : mapping
        What to train, and what to measure in each run.
    jobs : int or None
        Number of runs at a time; None for as many as leave one core for each thread.
    database : Database
        Where to store the runs.
    go_on : str
        The command that continues after an interruption.
    blas_threads : int
        Threads for each matrix product.
    cluster : Cluster, optional
        Where to train, if not on this machine; ``jobs`` is then ignored.
    count : callable, optional
        Returns what an interrupt tells to be stored, such as ``7 of 9 runs``, where ``needs`` are
        only a part of that; by default their completed runs are told.
    together : bool
        Whether runs that can be are trained side by side, where no cluster trains them.
    """
    with interrupts_held():  # an exception raised while modules load may be lost
        from cdbench.cli.progress import SweepProgress
        from cdbench.running.sweep import execute_in_batches
        from cdbench.store.record import end_sweep, start_sweep, store_runs

    jobs = jobs or max(1, (os.cpu_count() or 1) // blas_threads)
    if cluster is None:
        batches = execute_in_batches(
            list(needs), jobs, needs, blas_threads=blas_threads, together=together
        )
    else:
        from cdbench.running.cluster import execute_on_cluster

        jobs = cluster.n_workers
        batches = execute_on_cluster(list(needs), cluster, needs, blas_threads=blas_threads)
    sweep = start_sweep(database, command_line())
    progress = SweepProgress(needs, jobs)
    interrupted = lost = False
    try:
        with progress:
            for ended in batches:
                with interrupts_held():  # so that every stored run is counted
                    for run in store_runs(database, ended, sweep):
                        progress.add(run)
                        interrupted |= run.status == RUN_INTERRUPTED  # perhaps one per worker
    except KeyboardInterrupt:
        ignore_interrupts()
        interrupted = True
    except ClusterError as error:
        complain(f"{error}; finished runs are kept, to go on: {go_on}")
        lost = True
    except DatabaseReplacedError:
        raise  # the usual advice, to continue, would write to the other database
    except StoreError as error:
        raise StoreError(f"{error}; runs stored before are kept, to go on: {go_on}") from error
    with suppress(KeyboardInterrupt):  # the user gave up waiting for a lock
        end_sweep(database, sweep)
    if interrupted:
        counted = count() if count else f"{progress.n_completed} of {len(needs)} runs"
        echo(f"interrupted: {counted} are stored; to go on: {go_on}", err=True)
        return INTERRUPTED
    return RUN_FAILED if progress.n_failed or lost else COMPLETED
