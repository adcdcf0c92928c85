"""Sweeps on a Dask cluster: the runs are trained there, and the parent alone keeps them.

The cluster is an existing one: its scheduler and workers are started, secured and grown by Dask's
own means. Dask runs a task elsewhere when its worker dies.
"""

import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from uuid import uuid4

from cdbench.cluster_workers import LOOK_S, Cluster, Future
from cdbench.config import RunConfig
from cdbench.diagnostics import Diagnostics
from cdbench.environment import current_environment
from cdbench.errors import ClusterError
from cdbench.interrupts import interrupts_held, interrupts_let_through
from cdbench.run import FAILED, Run

AHEAD = 4
"""Runs that a worker process has or is to have next, so that it never waits for the parent."""

_one_at_a_time = threading.Lock()


def execute_alone(config: RunConfig, diagnostics: Diagnostics, blas_threads: int) -> Run:
    """Execute a configuration in a worker process, one at a time.

    The number of BLAS threads is the whole process's: of two runs side by side, the first to end
    would change it for the other. Time and memory of a run are the process's too.
    """
    from cdbench.execution import execute

    with _one_at_a_time:
        return execute(config, diagnostics=diagnostics, blas_threads=blas_threads)


def execute_on_cluster(
    configs: Sequence[RunConfig],
    cluster: Cluster,
    diagnostics: Mapping[RunConfig, Diagnostics] | None = None,
    *,
    blas_threads: int = 1,
) -> Iterator[list[Run]]:
    """Train on a cluster and yield the runs that have ended since it was asked last; then leave it.

    Only a few runs for each worker are with the cluster at a time, however many there are.

    Parameters
    ----------
    configs : sequence of RunConfig
        What to train.
    cluster : Cluster
        Where.
    diagnostics : mapping, optional
        What to measure of a configuration beside its epochs, where that is not the default.
    blas_threads : int
        Threads of each run's matrix products.

    Yields
    ------
    list of Run
        At least one, in the order in which they ended.

    Raises
    ------
    ClusterError
        If the scheduler is gone, or a worker has not this cdbench.
    """
    waiting = iter(configs)
    pending: dict[Future, RunConfig] = {}
    ended: queue.SimpleQueue[Future] = queue.SimpleQueue()
    measured = diagnostics or {}
    try:
        while True:
            cluster.look()
            # A Future that is let go of calls Dask from its __del__, where an interrupt is lost.
            with interrupts_held():
                while len(pending) < AHEAD * max(1, cluster.n_workers):
                    config = next(waiting, None)
                    if config is None:
                        break
                    task = (config, measured.get(config, Diagnostics()), blas_threads)
                    # Not pure: a configuration asked for twice is trained twice, as in one process.
                    future = cluster.client.submit(execute_alone, *task, pure=False)
                    pending[future] = config
                    future.add_done_callback(ended.put)
                if not pending:
                    return
                runs = _ended(cluster, ended, pending)
            if runs:
                yield runs
            del runs
    finally:
        cluster.close(list(pending))


def _ended(
    cluster: Cluster, ended: queue.SimpleQueue[Future], pending: dict[Future, RunConfig]
) -> list[Run]:
    """Wait a moment for tasks that end, and return the runs of those that did."""
    from distributed.scheduler import KilledWorker

    try:
        with interrupts_let_through():
            done = [ended.get(timeout=LOOK_S)]
    except queue.Empty:
        return []
    while not ended.empty():
        done.append(ended.get())
    finished = [future for future in done if future.status not in ("error", "cancelled")]
    runs = [
        _killed(cluster, future, pending.pop(future)) for future in done if future not in finished
    ]
    try:
        fetched = cluster.fetch(finished) if finished else []
    except KilledWorker:  # of a result that was lost with its worker, and could not be had again
        for future in finished:
            ended.put(future)
        return runs
    for future, run in zip(finished, fetched, strict=True):
        cluster.check(run.environment)
        del pending[future]
        runs.append(run)
    return runs


def _killed(cluster: Cluster, future: Future, config: RunConfig) -> Run:
    """Return a failed run for a task that killed its workers; raise what is another matter."""
    from distributed.scheduler import KilledWorker

    if future.status == "cancelled":
        raise cluster.lost()
    error = future.exception()
    if not isinstance(error, KilledWorker):
        raise ClusterError(f"a worker cannot execute runs: {type(error).__name__}: {error}")
    return Run(
        uuid=str(uuid4()),
        config=config,
        status=FAILED,
        environment=current_environment(),
        started_at=datetime.now(UTC),
        duration_s=0.0,
        cpu_s=0.0,
        peak_memory_bytes=None,
        error=f"{error.allowed_failures + 1} workers died with this run, the last of them "
        f"{error.last_worker.address}; perhaps for lack of memory",
    )
