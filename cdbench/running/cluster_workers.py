"""A Dask cluster as a sweep sees it: workers are counted, and checked before they train."""

import logging
import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import CancelledError
from concurrent.futures import Future as Answer
from importlib.metadata import version
from typing import Any

import cdbench
from cdbench.config.plugin_records import Carried, carried, take
from cdbench.errors import ClusterError, PluginError
from cdbench.records.run import Environment, Run
from cdbench.running.cluster_connection import CONNECT_S, Connection, Future
from cdbench.running.environment import current_environment

LOOK_S = 1.0
"""Seconds between looks for new workers, or for none left."""

COMPARED = {
    "python_version": "Python",
    "numpy_version": "NumPy",
    "scipy_version": "SciPy",
    "blas": "BLAS",
    "simd": "vector instructions",
    "git_commit": "commit",
}
"""What may change the last digits of a run's numbers; the user is warned of differences."""

_LOG = logging.getLogger("cdbench")


def worker_environment(*needed: Carried) -> Environment:
    """Describe the calling process, with the BLAS loaded that it trains with.

    PluginError is raised if it lacks a plug-in that is needed.
    """
    import numpy as np  # noqa: F401 - loads the BLAS

    take(needed)
    return current_environment()


class Cluster(Connection):
    """A connected Dask cluster whose workers have been asked for their environment.

    Parameters
    ----------
    scheduler : str
        Address of its scheduler, such as ``tcp://host:8786``.

    Raises
    ------
    ClusterError
        If Dask is not installed, nothing answers there, or no worker has this cdbench and the
        plug-ins that are loaded here.
    """

    def __init__(self, scheduler: str) -> None:
        super().__init__(scheduler)
        self.workers: frozenset[str] = frozenset()
        """Addresses of the present workers that have this cdbench."""
        self._there: frozenset[str] = frozenset()
        """Addresses of the present workers except those that were refused."""
        self._here = worker_environment()
        self.needed = carried()
        """The plug-ins that a worker must have."""
        self._asked: dict[str, Answer[Any]] = {}
        self._refused: dict[str, str] = {}
        self._told: set[tuple[str, object]] = set()
        self._waiting = False
        self._looked_at = -LOOK_S
        try:
            self.look(patience_s=CONNECT_S)
            if self._refused and not self.workers:
                raise ClusterError(self._refusal(next(iter(self._refused))))
        except BaseException:
            self.close()
            raise
        for worker in self._refused:
            self._warn_of_refusal(worker)

    @property
    def n_workers(self) -> int:
        """Number of workers that train."""
        return len(self.workers)

    def look(self, patience_s: float = 0.0) -> None:
        """List the present workers, unless that was just done, and query the new ones.

        Parameters
        ----------
        patience_s : float
            How long to wait for their answers; the next look takes later ones.

        Raises
        ------
        ClusterError
            If the scheduler is gone.
        """
        if time.monotonic() - self._looked_at < LOOK_S:
            return
        threads: Mapping[str, int] = self.ask(self.client.nthreads)
        self._forget_all_but(threads)
        for worker in threads:
            if worker not in self.workers and worker not in {*self._refused, *self._asked}:
                self._asked[worker] = self._question(worker)
        self._wait_for_answers(patience_s)
        new = self._take_answers(quietly=patience_s > 0)
        self.workers |= new
        self._there = frozenset(threads) - frozenset(self._refused)
        self._warn_of_threads({worker: threads[worker] for worker in sorted(new)})
        idle = not self.workers and not self._asked and not (patience_s and self._refused)
        if idle and not self._waiting:
            _LOG.warning("waiting for workers of %s", self.scheduler)
        self._waiting = idle
        self._looked_at = time.monotonic()

    def accepts(self, found: Environment, worker: str = "") -> bool:
        """Return whether a process has this cdbench; warn once about each other difference."""
        if found.cdbench_version != self._here.cdbench_version:
            return False
        there, here = vars(found), vars(self._here)
        different = [
            name
            for name in COMPARED
            if None not in (there[name], here[name])
            and there[name] != here[name]
            and (name, there[name]) not in self._told
        ]
        if different:
            self._told |= {(name, there[name]) for name in different}
            words = [f"{COMPARED[name]} {there[name]} (here {here[name]})" for name in different]
            who = f"worker {worker}" if worker else "a worker"
            _LOG.warning("%s has %s: last digits may differ", who, ", ".join(words))
        return True

    def ask_all_again(self) -> None:
        """Trust no worker until it has been asked again: one has changed unnoticed."""
        self.workers = frozenset()
        self._looked_at = -LOOK_S

    def has_lost(self, allowed: Collection[str]) -> bool:
        """Return whether all workers that a task may go to are gone."""
        return self._there.isdisjoint(allowed)

    def can_move(self, allowed: Collection[str]) -> bool:
        """Return whether all workers that a task may go to are gone, but there are others."""
        return bool(self.workers) and self.has_lost(allowed)

    def fetch(self, futures: Sequence[Future], allowed: Collection[Collection[str]]) -> list[Run]:
        """Return the results of finished tasks; wait for those being recomputed after a death.

        Parameters
        ----------
        futures : sequence of Future
            The tasks.
        allowed : collection
            For each task, the workers that may do it again.

        Returns
        -------
        list of Run
            One per task; empty if one of the results can no longer be had from the workers.

        Raises
        ------
        ClusterError
            If the scheduler is gone.
        """
        gathering = self.begin(lambda: self.client.gather(futures))
        while not gathering.done():
            self.wait(gathering)
            if not gathering.done():
                self.look()
                if any(map(self.can_move, allowed)):
                    gathering.cancel()
                    return []
        try:
            return list(gathering.result())
        except (OSError, CancelledError):
            raise self.lost() from None

    def _question(self, worker: str) -> "Answer[Any]":
        """Ask a worker for its environment or, if it fails to say, for its cdbench version."""

        async def ask() -> Any:
            only = {"workers": [worker], "on_error": "return"}
            answer = (await self.client.run(worker_environment, *self.needed, **only)).get(worker)
            if isinstance(answer, Environment | PluginError | OSError | None):
                return answer
            has = await self.client.run(version, "cdbench", **only)
            known = f"cdbench {has[worker]}" if isinstance(has.get(worker), str) else "no cdbench"
            return f"{known} ({answer})"

        return self.begin(ask)

    def _wait_for_answers(self, patience_s: float) -> None:
        deadline = time.monotonic() + patience_s
        for answer in self._asked.values():
            while not answer.done() and time.monotonic() < deadline:
                self.wait(answer)

    def _take_answers(self, *, quietly: bool) -> frozenset[str]:
        """Return the workers that turned out to be good; ignore those that died meanwhile."""
        good = set()
        for worker, answer in [*self._asked.items()]:
            if not answer.done():
                continue
            del self._asked[worker]
            found = None if answer.cancelled() or answer.exception() else answer.result()
            if isinstance(found, Environment) and self.accepts(found, worker):
                good.add(worker)
            elif isinstance(found, Environment | PluginError | str):
                self._refused[worker] = _fault(found)
                if not quietly:
                    self._warn_of_refusal(worker)
        return frozenset(good)

    def _forget_all_but(self, there: Collection[str]) -> None:
        self.workers &= frozenset(there)
        self._refused = {worker: why for worker, why in self._refused.items() if worker in there}
        for worker in [one for one in self._asked if one not in there]:
            self._asked.pop(worker).cancel()

    def _refusal(self, worker: str) -> str:
        return f"worker {worker} {self._refused[worker]}"

    def _warn_of_refusal(self, worker: str) -> None:
        _LOG.warning("%s; it gets no runs", self._refusal(worker))

    def _warn_of_threads(self, threads: Mapping[str, int]) -> None:
        several = [worker for worker, number in threads.items() if number > 1]
        if several and ("threads", True) not in self._told:
            self._told.add(("threads", True))
            _LOG.warning(
                "worker %s has %d threads, but runs use one at a time; start workers with "
                "--nthreads 1 and a larger --nworkers",
                several[0],
                threads[several[0]],
            )


def _fault(found: Environment | PluginError | str) -> str:
    """Return why a worker with this answer is refused."""
    if isinstance(found, PluginError):
        return f"lacks a plug-in ({found}); expected the same file at the same path, or restart it"
    known = found if isinstance(found, str) else f"cdbench {found.cdbench_version}"
    return f"has {known}, expected cdbench {cdbench.__version__}, as here; install it there"
