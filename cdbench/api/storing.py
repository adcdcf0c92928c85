"""Training many configurations, and storing each run as it ends."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.errors import ClusterError, DatabaseReplacedError, StoreError
from cdbench.records.run import COMPLETED, INTERRUPTED, Run
from cdbench.system.interrupts import interrupts_held

if TYPE_CHECKING:
    from cdbench.running.cluster_workers import Cluster
    from cdbench.store.database import Database

Needs = Mapping[RunConfig, Diagnostics]


class Watcher(Protocol):
    """What is told of the runs while they are trained, in a ``with`` block."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(self, *_: object) -> None:
        """End."""

    def add(self, run: Run) -> None:
        """Take note of a run that was stored."""


@dataclass
class Stored:
    """What came of a training of many.

    Attributes
    ----------
    n_completed, n_failed : int
        Runs that completed, and that diverged or failed.
    is_interrupted : bool
        Whether an interrupt ended it; what was trained until then is stored.
    lost : ClusterError or None
        The cluster's error, if it was lost.
    """

    n_completed: int = 0
    n_failed: int = 0
    is_interrupted: bool = False
    lost: ClusterError | None = None

    def count(self, run: Run) -> None:
        """Count a run that was stored."""
        self.n_completed += run.status == COMPLETED
        self.n_failed += run.status not in (COMPLETED, INTERRUPTED)
        self.is_interrupted |= run.status == INTERRUPTED  # perhaps one per worker


def train_and_store(
    needs: Needs,
    database: "Database",
    command: str,
    go_on: str,
    watch: Callable[[Needs, int], Watcher],
    *,
    jobs: int | None = None,
    blas_threads: int = 1,
    cluster: "Cluster | None" = None,
    together: bool = True,
    on_interrupt: Callable[[], None] = lambda: None,
) -> Stored:
    """Train the configurations and store each run as it ends.

    Parameters
    ----------
    needs : mapping
        What to train, and what to measure in each run.
    database : Database
        Where to store the runs.
    command : str
        What was asked for, as the sweep's row tells it.
    go_on : str
        What continues after an error, for its message.
    watch : callable
        Makes what is told of the runs, from ``needs`` and how many are trained at a time.
    jobs : int or None
        Number of runs at a time; None for as many as leave one core for each thread.
    blas_threads : int
        Threads for each matrix product.
    cluster : Cluster, optional
        Where to train, if not on this machine; ``jobs`` is then ignored.
    together : bool
        Whether runs that can be are trained side by side, where no cluster trains them.
    on_interrupt : callable
        Called as soon as an interrupt has ended the training.

    Raises
    ------
    StoreError
        If a run cannot be stored; those before it are.
    """
    with interrupts_held():  # an exception raised while modules load may be lost
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
    sweep = start_sweep(database, command)
    stored = Stored()
    try:
        with watch(needs, jobs) as watcher:
            for ended in batches:
                with interrupts_held():  # so that every stored run is counted
                    for run in store_runs(database, ended, sweep):
                        stored.count(run)
                        watcher.add(run)
    except KeyboardInterrupt:
        on_interrupt()
        stored.is_interrupted = True
    except ClusterError as error:
        stored.lost = error
    except DatabaseReplacedError:
        raise  # the usual advice, to continue, would write to the other database
    except StoreError as error:
        raise StoreError(f"{error}; runs stored before are kept, to go on: {go_on}") from error
    with suppress(KeyboardInterrupt):  # the user gave up waiting for a lock
        end_sweep(database, sweep)
    return stored
