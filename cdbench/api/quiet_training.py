"""Training many without a terminal: nothing is printed, and what ended is returned."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

from cdbench.api.storing import Needs, train_and_store
from cdbench.records.run import Run
from cdbench.running.sweep import execute_all
from cdbench.store.database import Database

OnRun = Callable[[Run], None]


def train_only(
    needs: Needs, jobs: int | None, blas_threads: int, on_run: OnRun | None
) -> list[Run]:
    """Train, and store and print nothing; return the runs in the order in which they ended."""
    jobs = jobs or os.cpu_count() or 1
    watcher = _Collecting(on_run)
    with _environment_kept():
        for run in execute_all(list(needs), jobs, needs, blas_threads=blas_threads):
            watcher.add(run)
    return watcher.runs


def train_quietly(
    needs: Needs,
    database: Database,
    command: str,
    go_on: str,
    jobs: int | None,
    blas_threads: int = 1,
    on_run: OnRun | None = None,
    *,
    together: bool = True,
) -> list[Run]:
    """Train and store, and print nothing.

    Returns
    -------
    list of Run
        In the order in which they ended.

    Raises
    ------
    KeyboardInterrupt
        On an interrupt, when what was trained is stored.
    StoreError
        If a run cannot be stored.
    """
    watcher = _Collecting(on_run)
    if needs:
        with _environment_kept():
            stored = train_and_store(
                *(needs, database, command, go_on, lambda needs, jobs: watcher),
                jobs=jobs,
                blas_threads=blas_threads,
                together=together,
            )
        if stored.is_interrupted:
            raise KeyboardInterrupt
    return watcher.runs


class _Collecting:
    """Keeps the runs that ended, and tells the user's function of each."""

    def __init__(self, on_run: OnRun | None) -> None:
        self.runs: list[Run] = []
        self._on_run = on_run

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def add(self, run: Run) -> None:
        self.runs.append(run)
        if self._on_run is not None:
            self._on_run(run)


@contextmanager
def _environment_kept() -> Iterator[None]:
    """Leave the process's variables as they were; those for workers are set when these start."""
    before = os.environ.get("PYTHONSAFEPATH")
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("PYTHONSAFEPATH", None)
