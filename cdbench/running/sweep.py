"""Sweep: from configurations to runs, in one process or in several."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import uuid4

from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.records.run import FAILED, INTERRUPTED, Run
from cdbench.running import instructions
from cdbench.running.grouping import grouped
from cdbench.running.pool import Attempt, Pool, describe_exit
from cdbench.running.servers import new_processes, start_server
from cdbench.running.worker import Task, runs_of
from cdbench.system.blas import blas_limited
from cdbench.system.interrupts import interrupts_held, interrupts_let_through


def execute_all(
    configs: Sequence[RunConfig],
    jobs: int,
    diagnostics: Mapping[RunConfig, Diagnostics] | None = None,
    *,
    blas_threads: int = 1,
    variables: Mapping[str, str] | None = None,
) -> Iterator[Run]:
    """Train the configurations and yield each run as it ends.

    Parameters and errors are those of ``execute_in_batches``.
    """
    return one_by_one(
        execute_in_batches(
            configs, jobs, diagnostics, blas_threads=blas_threads, variables=variables
        )
    )


def one_by_one(batches: Iterable[list[Run]]) -> Iterator[Run]:
    """Yield the runs of the batches, keeping no reference to a yielded run."""
    for batch in batches:
        while batch:
            yield batch.pop(0)


def execute_in_batches(
    configs: Sequence[RunConfig],
    jobs: int,
    diagnostics: Mapping[RunConfig, Diagnostics] | None = None,
    *,
    blas_threads: int = 1,
    together: bool = True,
    variables: Mapping[str, str] | None = None,
) -> Iterator[list[Run]]:
    """Train the configurations and yield the runs that ended since the last request.

    A caller that is slow to store them therefore gets more of them at once.

    Parameters
    ----------
    configs : sequence of RunConfig
        What to train.
    jobs : int
        Most processes; with one, or one configuration, everything happens in this process. The
        numbers do not depend on it.
    diagnostics : mapping, optional
        What to measure besides the epochs, for configurations that do not use the default.
    blas_threads : int
        Threads of each run's matrix products.
    together : bool
        Whether runs that can be are trained side by side; their times are then shares of a whole.
    variables : mapping, optional
        Environment variables of the processes, which are then new ones, however few.

    Yields
    ------
    list of Run
        At least one run; in the order in which they ended.

    Raises
    ------
    KeyboardInterrupt
        On an interrupt; the runs in progress have then been yielded as ``interrupted``.
    CdbenchError
        If worker processes cannot be started.
    """
    measured = diagnostics or {}
    jobs = min(jobs, len(configs))
    tasks: Iterable[Task] = [
        Task(one, measured.get(one, Diagnostics()), blas_threads) for one in configs
    ]
    if together:
        tasks = grouped(list(tasks), jobs)
    if variables:
        with instructions.given(variables):
            yield from Pool(new_processes(), jobs, _give_up).batches(tasks)
    elif jobs > 1:
        yield from Pool(start_server(), jobs, _give_up).batches(tasks)
    else:
        yield from _in_this_process(tasks)


def _in_this_process(tasks: Iterable[Task]) -> Iterator[list[Run]]:
    """Execute the tasks in this process; interrupts get through only during training."""
    with interrupts_held():
        from cdbench.running import execution  # noqa: F401 - loading it must not be interrupted

        for task in tasks:
            with interrupts_let_through():
                batch = runs_of(task)
            interrupted = any(run.status == INTERRUPTED for run in batch)
            yield batch
            del batch
            if interrupted:
                raise KeyboardInterrupt


def _give_up(attempt: Attempt) -> Run:
    """Return the failed run of a task whose workers died; its cost is that of the last one.

    How much processor time and memory it used is no longer known.
    """
    import numpy  # noqa: F401, ICN001 - its BLAS is what is described

    from cdbench.running.environment import current_environment

    config, diagnostics, blas_threads, _ = attempt.task
    with blas_limited(blas_threads):
        environment = current_environment()
    return Run(
        uuid=str(uuid4()),
        config=config,
        status=FAILED,
        environment=environment,
        started_at=attempt.started_at,
        duration_s=attempt.duration_s,
        cpu_s=0.0,
        peak_memory_bytes=None,
        error=f"the worker process died twice ({describe_exit(attempt.exit_code)}, perhaps "
        "out of memory); the next --resume tries it again",
        diagnostics=diagnostics,
    )
