"""Sweep: from configurations to runs, in this process or in several."""

import multiprocessing
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import BaseContext

from cdbench import worker
from cdbench.config import RunConfig
from cdbench.diagnostics import Diagnostics
from cdbench.errors import CdbenchError
from cdbench.interrupts import interrupts_held
from cdbench.run import Run

PRELOADED = ("cdbench.execution",)
"""What the server of the worker processes imports once; each worker is a fork of it."""

STOPPING_S = 5
"""How long a worker may take to end its run when it is asked to stop."""


def execute_all(
    configs: Sequence[RunConfig],
    jobs: int,
    diagnostics: Mapping[RunConfig, Diagnostics] | None = None,
    *,
    blas_threads: int = 1,
) -> Iterator[Run]:
    """Train the configurations and yield each run as it ends.

    Parameters
    ----------
    configs : sequence of RunConfig
        What to train.
    jobs : int
        Processes at most; with one, or one configuration, everything happens in this process.
        The numbers do not depend on it.
    diagnostics : mapping, optional
        What to measure of a configuration beside its epochs, where that is not the default.
    blas_threads : int
        Threads of each run's matrix products.

    Yields
    ------
    Run
        In the order in which they end.

    Raises
    ------
    CdbenchError
        If a worker process dies.
    """
    jobs = min(jobs, len(configs))
    measured = [(diagnostics or {}).get(config, Diagnostics()) for config in configs]
    if jobs <= 1:
        from cdbench.execution import execute

        for config, wanted in zip(configs, measured, strict=True):
            yield execute(config, diagnostics=wanted, blas_threads=blas_threads)
        return
    pool = ProcessPoolExecutor(jobs, mp_context=start_server(), initializer=worker.prepare)
    try:
        with interrupts_held():  # a worker interrupted while it starts would show a traceback
            ended = as_completed(  # which alone keeps the futures, and lets go of those it gave
                [
                    pool.submit(worker.execute_or_stop, config, wanted, blas_threads)
                    for config, wanted in zip(configs, measured, strict=True)
                ]
            )
        for future in ended:
            run = future.result()
            if run is not None:
                yield run
    except BrokenProcessPool:
        raise CdbenchError(
            "a worker process died, perhaps for lack of memory; finished runs are kept, "
            "go on with --resume, or with fewer --jobs"
        ) from None
    except BaseException:  # interrupted, or the consumer stopped: do not wait for running ones
        _stop(pool)
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def start_server() -> BaseContext:
    """Start the server that workers are forks of, if it does not run, and return their context.

    It imports what workers need. Called ahead of other work, such as opening a database, it does so
    meanwhile, and the workers then start at once.
    """
    if sys.platform == "win32":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    # The tracker comes first, because starting it ends the holding back of interrupts.
    resource_tracker.ensure_running()
    with interrupts_held():
        forkserver.ensure_running()
    return context


def _stop(pool: ProcessPoolExecutor) -> None:
    """End the runs that are being trained, and with them the workers."""
    with interrupts_held():
        workers = multiprocessing.active_children()
        pool.shutdown(wait=False, cancel_futures=True)
        for process in workers:
            process.terminate()
        for process in workers:
            process.join(STOPPING_S)
            if process.is_alive():
                process.kill()
