"""Sweeps on a Dask cluster: runs are trained there, and only the parent stores them.

The cluster must already exist: its scheduler and workers are started, secured and scaled with
Dask's own tools. A task may go only to workers that have reported their software. If its worker
dies, Dask runs it on another of these. If all of them are gone, it is sent again to newer ones.
"""

import queue
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from cdbench.config.diagnostics import Diagnostics
from cdbench.config.plugin_records import Carried, take
from cdbench.config.run_config import RunConfig
from cdbench.errors import ClusterError
from cdbench.records.run import FAILED, Run
from cdbench.running.cluster_connection import Future
from cdbench.running.cluster_workers import LOOK_S, Cluster
from cdbench.running.environment import current_environment
from cdbench.system.interrupts import interrupts_held, interrupts_let_through

AHEAD = 4
"""Runs that a worker process has running or queued, so that it never waits for the parent."""

_one_at_a_time = threading.Lock()


def execute_alone(
    config: RunConfig, diagnostics: Diagnostics, blas_threads: int, *needed: Carried
) -> Run:
    """Execute a configuration in a worker process, one at a time.

    The number of BLAS threads applies to the whole process: of two concurrent runs, the first to
    end would change it for the other. Time and memory of a run are also those of the process.
    """
    from cdbench.running.execution import execute

    with _one_at_a_time:
        take(needed)
        return execute(config, diagnostics=diagnostics, blas_threads=blas_threads)


def execute_on_cluster(
    configs: Sequence[RunConfig],
    cluster: Cluster,
    diagnostics: Mapping[RunConfig, Diagnostics] | None = None,
    *,
    blas_threads: int = 1,
) -> Iterator[list[Run]]:
    """Train on a cluster, yielding the runs that ended since the last request, then leave it.

    However many runs there are, the cluster has only a few per worker at a time.

    Parameters
    ----------
    configs : sequence of RunConfig
        What to train.
    cluster : Cluster
        Where to train.
    diagnostics : mapping, optional
        What to measure besides the epochs, for configurations that do not use the default.
    blas_threads : int
        Threads of each run's matrix products.

    Yields
    ------
    list of Run
        At least one run; in the order in which they ended.

    Raises
    ------
    ClusterError
        If the scheduler is gone.
    """
    tasks = _Tasks(cluster, configs, diagnostics or {}, blas_threads)
    try:
        while True:
            cluster.look()
            # A discarded Future calls Dask from its __del__, where an interrupt would be lost.
            with interrupts_held():
                runs = tasks.send_stranded_anew()
                while tasks.waiting and len(tasks.pending) < AHEAD * cluster.n_workers:
                    tasks.send(tasks.waiting.popleft())
                if not (tasks.waiting or tasks.pending or runs):
                    return
                runs += tasks.wait()
            if runs:
                yield runs
            del runs
    finally:
        cluster.close(list(tasks.pending))


@dataclass
class _Sent:
    """A configuration that was sent to the cluster."""

    config: RunConfig
    workers: frozenset[str]
    """The workers that may train it."""
    n_stranded: int = 0
    """How often all of its workers were gone before it ended."""


class _Tasks:
    """The tasks of a cluster: sent, sent again if their workers are gone, and fetched."""

    def __init__(
        self,
        cluster: Cluster,
        configs: Sequence[RunConfig],
        measured: Mapping[RunConfig, Diagnostics],
        blas_threads: int,
    ) -> None:
        self._cluster, self._measured, self._blas_threads = cluster, measured, blas_threads
        self._ended: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self.waiting = deque(configs)
        self.pending: dict[Future, _Sent] = {}

    def send(self, config: RunConfig, n_stranded: int = 0) -> None:
        """Send a configuration to the present workers."""
        measured = self._measured.get(config, Diagnostics())
        task = (config, measured, self._blas_threads, *self._cluster.needed)
        workers = self._cluster.workers
        future = self._cluster.submit(workers, execute_alone, *task)
        self.pending[future] = _Sent(config, workers, n_stranded)
        future.add_done_callback(self._ended.put)

    def send_stranded_anew(self) -> list[Run]:
        """Send tasks that lost all their workers to others; return runs that did so too often."""
        stranded, runs = [], []
        for future, sent in self.pending.items():
            often = sent.n_stranded >= _allowed_failures()
            if self._cluster.can_move(sent.workers) or (
                often and self._cluster.has_lost(sent.workers)
            ):
                stranded.append(future)
        self._cluster.cancel(stranded)
        for sent in [self.pending.pop(future) for future in stranded]:
            n_lost = sent.n_stranded + 1
            if n_lost > _allowed_failures():
                runs.append(_given_up(sent.config, n_lost, min(sent.workers)))
            else:
                self.send(sent.config, n_lost)
        return runs

    def wait(self) -> list[Run]:
        """Wait a moment for tasks to end, and return the runs of those that did."""
        from distributed.scheduler import KilledWorker

        try:
            with interrupts_let_through():
                done = [self._ended.get(timeout=LOOK_S)]
        except queue.Empty:
            return []
        while not self._ended.empty():
            done.append(self._ended.get())
        done = [future for future in done if future in self.pending]  # not those sent again
        finished = [future for future in done if future.status not in ("error", "cancelled")]
        runs = [
            self._killed(future, self.pending.pop(future).config)
            for future in done
            if future not in finished
        ]
        try:
            fetched = self._fetch(finished) if finished else []
        except KilledWorker:  # a result was lost with its worker and could not be computed again
            fetched = []
        if not fetched:  # try again later, either way
            for future in finished:
                self._ended.put(future)
            return runs
        for future, run in zip(finished, fetched, strict=True):
            sent = self.pending.pop(future)
            if self._cluster.accepts(run.environment):
                runs.append(run)
            else:  # from another worker that took over the same address
                self._cluster.ask_all_again()
                self.waiting.appendleft(sent.config)
        return runs

    def _fetch(self, finished: list[Future]) -> list[Run]:
        return self._cluster.fetch(finished, [self.pending[one].workers for one in finished])

    def _killed(self, future: Future, config: RunConfig) -> Run:
        """Return a failed run for a task that killed its workers; raise any other error."""
        from distributed.scheduler import KilledWorker

        if future.status == "cancelled":
            raise self._cluster.lost()
        error = future.exception()
        if not isinstance(error, KilledWorker):
            raise ClusterError(f"a worker cannot execute runs: {type(error).__name__}: {error}")
        return _given_up(config, error.allowed_failures + 1, error.last_worker.address)


def _allowed_failures() -> int:
    """Return how many workers may die with a task before Dask gives it up."""
    from dask import config

    return int(config.get("distributed.scheduler.allowed-failures"))


def _given_up(config: RunConfig, n_workers: int, last: str) -> Run:
    return Run(
        uuid=str(uuid4()),
        config=config,
        status=FAILED,
        environment=current_environment(),
        started_at=datetime.now(UTC),
        duration_s=0.0,
        cpu_s=0.0,
        peak_memory_bytes=None,
        error=f"{n_workers} workers died with this run, the last of them {last}; perhaps they "
        "ran out of memory",
    )
