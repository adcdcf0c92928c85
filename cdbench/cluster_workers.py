"""A Dask cluster as a sweep sees it: connected to, workers counted, their versions checked."""

import asyncio
import logging
import time
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from importlib.metadata import version
from typing import Any

import cdbench
from cdbench.environment import current_environment
from cdbench.errors import ClusterError
from cdbench.interrupts import interrupts_held, interrupts_let_through
from cdbench.run import Environment, Run

CONNECT_S = 10
"""How long a scheduler may take to answer."""

LOOK_S = 1.0
"""How often the workers are looked at: new ones, none left."""

COMPARED = {
    "python_version": "Python",
    "numpy_version": "NumPy",
    "scipy_version": "SciPy",
    "blas": "BLAS",
    "git_commit": "commit",
}
"""What may change the last digits of a run's numbers; a difference is warned of."""

_LOG = logging.getLogger("cdbench")

Future = Any
"""A ``distributed.Future``; its types do not say what it holds."""


def worker_environment() -> Environment:
    """Describe the process that this is called in, with the BLAS loaded that trains there."""
    import numpy as np  # noqa: F401 - loads the BLAS

    return current_environment()


class Cluster:
    """A Dask cluster that was connected to, and whose workers were checked.

    Parameters
    ----------
    scheduler : str
        Address of its scheduler, such as ``tcp://host:8786``.

    Raises
    ------
    ClusterError
        If Dask is not installed, nothing answers there, or a worker has not this cdbench.
    """

    def __init__(self, scheduler: str) -> None:
        self.scheduler = scheduler
        self.client = _connect(scheduler)
        self.n_workers = 0
        self._here = worker_environment()
        self._checked: set[str] = set()
        self._told: set[tuple[str, object]] = set()
        self._waiting = False
        self._looked_at = -LOOK_S
        try:
            self.look()
        except ClusterError:
            self.close()
            raise

    def look(self) -> None:
        """See which workers there are, if that was not done just now, and check the new ones.

        Raises
        ------
        ClusterError
            If the scheduler is gone, or a worker has not this cdbench.
        """
        if time.monotonic() - self._looked_at < LOOK_S:
            return
        try:
            threads = self.client.nthreads()
            new = [worker for worker in threads if worker not in self._checked]
            found = self._environments(new)
        except (OSError, ValueError, RuntimeError, asyncio.CancelledError):
            raise self.lost() from None
        for worker, environment in found.items():
            self.check(environment, worker)
        self._warn_of_threads({worker: threads[worker] for worker in found})
        self._checked = (self._checked | set(found)) & set(threads)
        self.n_workers = len(threads)
        if not threads and not self._waiting:
            _LOG.warning("waiting for workers of %s", self.scheduler)
        self._waiting = not threads
        self._looked_at = time.monotonic()

    def check(self, found: Environment, worker: str = "") -> None:
        """Refuse another cdbench, and warn once of each other difference to this process.

        Raises
        ------
        ClusterError
            If a worker's cdbench is another version.
        """
        who = f"worker {worker}" if worker else "a worker"
        if found.cdbench_version != self._here.cdbench_version:
            raise _other_version(who, f"cdbench {found.cdbench_version}")
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
            _LOG.warning("%s has %s: last digits may differ", who, ", ".join(words))

    def fetch(self, futures: Sequence[Future]) -> list[Run]:
        """Return the results of finished tasks; where they died with a worker, wait for new ones.

        Raises
        ------
        ClusterError
            If the scheduler is gone.
        """
        gathering = asyncio.run_coroutine_threadsafe(
            self.client.gather(futures, asynchronous=True), self.client.loop.asyncio_loop
        )
        while True:
            try:
                with interrupts_let_through():
                    return list(gathering.result(LOOK_S))
            except TimeoutError:
                self.look()
            except (OSError, CancelledError, asyncio.CancelledError):
                raise self.lost() from None

    def close(self, pending: Sequence[Future] = ()) -> None:
        """Leave the cluster; what has not ended is cancelled there."""
        with interrupts_held(), suppress(Exception):
            if pending:
                self.client.cancel(list(pending))
            self.client.close(timeout=2)

    def _environments(self, workers: Sequence[str]) -> dict[str, Environment]:
        """Ask workers what they are; those that died meanwhile do not answer."""
        if not workers:
            return {}
        answers = self.client.run(worker_environment, workers=list(workers), on_error="return")
        for worker, answer in answers.items():
            if not isinstance(answer, Environment | OSError):  # no cdbench, or an old one
                installed = self.client.run(version, "cdbench", workers=[worker], on_error="return")
                has = installed.get(worker)
                known = f"cdbench {has}" if isinstance(has, str) else "no cdbench"
                raise _other_version(f"worker {worker}", f"{known} ({answer})")
        return {
            worker: answer for worker, answer in answers.items() if isinstance(answer, Environment)
        }

    def _warn_of_threads(self, threads: Mapping[str, int]) -> None:
        several = [worker for worker, number in threads.items() if number > 1]
        if several and ("threads", True) not in self._told:
            self._told.add(("threads", True))
            _LOG.warning(
                "worker %s has %d threads, of which runs use one at a time; start workers with "
                "--nthreads 1 and a larger --nworkers",
                several[0],
                threads[several[0]],
            )

    def lost(self) -> ClusterError:
        """Return the error that the scheduler is gone."""
        return ClusterError(f"the scheduler at {self.scheduler} is gone")


def _connect(scheduler: str) -> Any:
    """Return a client of the scheduler, which keeps its logs to itself."""
    try:
        from distributed import Client
        from distributed.versions import VersionMismatchWarning
    except ImportError:
        raise ClusterError(
            "--scheduler needs Dask, which is not installed; type pip install 'cdbench[dask]'"
        ) from None
    for name in ("distributed", "distributed.client", "tornado", "tornado.application", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    warnings.simplefilter("ignore", VersionMismatchWarning)  # look() says what matters here
    _check_address(scheduler)
    try:
        return Client(  # type: ignore[no-untyped-call]
            scheduler, timeout=CONNECT_S, set_as_default=False
        )
    except OSError:
        raise ClusterError(
            f"--scheduler {scheduler}: no Dask scheduler answers within {CONNECT_S} s; expected "
            "the address that it printed when it started"
        ) from None


def _check_address(scheduler: str) -> None:
    """Refuse what cannot be an address: a client that finds that out leaves a thread behind."""
    from distributed.comm.addressing import parse_address, parse_host_port
    from distributed.comm.registry import get_backend
    from distributed.security import Security

    try:
        scheme, location = parse_address(scheduler, strict=True)
        get_backend(scheme)
        parse_host_port(location)
    except ValueError:
        raise ClusterError(
            f"--scheduler {scheduler!r} is no address; expected one as tcp://host:8786"
        ) from None
    security: Any = Security()  # type: ignore[no-untyped-call]
    if scheme == "tls" and security.get_connection_args("client").get("ssl_context") is None:
        raise ClusterError(
            f"--scheduler {scheduler}: Dask's configuration names no certificates; expected them "
            "under distributed.comm.tls, or in DASK_DISTRIBUTED__COMM__TLS__CA_FILE and its like"
        )


def _other_version(who: str, has: str) -> ClusterError:
    return ClusterError(
        f"{who} has {has}, expected cdbench {cdbench.__version__}, as here; install it there"
    )
