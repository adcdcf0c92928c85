"""A pool of worker processes that share nothing, so that the death of one affects only its task.

Each worker has its own pipe, and there is no lock that it could die holding. The parent waits only
on the pipes: a dead worker's pipe closes, and if the parent dies, all workers see their pipes
close. (A process's sentinel also closes when only the fork server has died.)
"""

import atexit
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext

from cdbench.config.plugin_records import carried
from cdbench.errors import PluginError, WorkerError
from cdbench.records.run import Run
from cdbench.running import worker
from cdbench.running.servers import tracker_unspoken_of
from cdbench.running.worker import STOP, Message, Task
from cdbench.system.interrupts import interrupts_held, interrupts_let_through

STOPPING_S = 5
"""Seconds that workers may take to end their runs when asked to stop."""

LISTENING_S = 1
"""Seconds to listen at a time: on Windows, Ctrl-C works only between waits."""

MAX_DEATHS = 2
"""Number of worker deaths after which a task is given up."""

MAX_STILLBORN = 3
"""Number of workers dying in a row before taking a task after which the pool gives up."""


@dataclass
class Attempt:
    """A task, and what happened to the workers that had it."""

    task: Task
    n_deaths: int = 0
    exit_code: int | None = None
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    duration_s: float = 0.0
    _began: float = 0.0

    def begin(self) -> None:
        """Record that a worker now has it."""
        self.started_at, self._began = datetime.now(UTC), time.perf_counter()

    def die(self, exit_code: int | None) -> None:
        """Record that its worker died."""
        self.duration_s = time.perf_counter() - self._began
        self.exit_code = exit_code
        self.n_deaths += 1


class _Worker:
    def __init__(self, context: BaseContext) -> None:
        self.ready = False
        self.attempt: Attempt | None = None
        self.connection: Connection[Task | None, Message]
        self.connection, theirs = context.Pipe()
        # The contexts have a Process; typeshed's base class has none.
        given = (theirs, *carried())
        self.process = context.Process(target=worker.serve, args=given, daemon=True)  # type: ignore[attr-defined]
        try:
            with tracker_unspoken_of():
                self.process.start()
        finally:
            theirs.close()

    def takes(self, attempt: Attempt) -> bool:
        """Give it a task if it is waiting for one; return whether it has taken the task."""
        if not self.ready or self.attempt is not None:
            return False
        try:
            self.connection.send(attempt.task)
        except OSError:  # it died meanwhile
            return False
        attempt.begin()
        self.attempt = attempt
        return True

    def stop(self) -> None:
        """Ask it to end its run."""
        with suppress(OSError):
            self.connection.send(STOP)

    def bury(self) -> int | None:
        """Return how the dead process ended: its exit code, or minus a signal number."""
        self.connection.close()
        self.process.join(STOPPING_S)
        exit_code: int | None = self.process.exitcode
        return exit_code

    def kill(self) -> None:
        """End the process at once."""
        self.connection.close()
        self.process.kill()
        self.process.join(STOPPING_S)


class Pool:
    """Worker processes, each with one task at a time.

    Parameters
    ----------
    context : BaseContext
        Multiprocessing context: how processes start.
    n_workers : int
        Most processes at a time.
    give_up : Callable[[Attempt], Run]
        Makes a run for a task that killed its workers.
    """

    def __init__(
        self, context: BaseContext, n_workers: int, give_up: Callable[[Attempt], Run]
    ) -> None:
        self._context, self._n_workers, self._give_up = context, n_workers, give_up
        self._workers: list[_Worker] = []
        self._queue: deque[Attempt] = deque()
        self._ended: list[Run] = []
        self._n_stillborn = 0
        self._last_exit: int | None = None

    def batches(self, tasks: Iterable[Task]) -> Iterator[list[Run]]:
        """Execute the tasks and yield the runs that ended since the last request.

        Interrupts get through only while it waits, so that none can cut a message in half. Runs in
        progress then end as ``interrupted``, and are yielded before KeyboardInterrupt is raised.

        Parameters
        ----------
        tasks : iterable of Task
            Read as workers need them, and a few in advance.

        Yields
        ------
        list of Run
            At least one run, at most one task's per worker, in the order in which they ended.

        Raises
        ------
        WorkerError
            If no worker lives long enough to take a task, or one lacks a plug-in.
        """
        waiting = iter(tasks)
        with interrupts_held():
            atexit.register(self._kill)  # runs before multiprocessing's, which waits for workers
            try:
                self._hand_out(waiting)
                while self._queue or self._busy():
                    for heard in self._wait():
                        self._hear(heard)
                    self._hand_out(waiting)
                    if self._ended:
                        batch, self._ended = self._ended, []
                        yield batch  # meanwhile the workers go on
                        del batch
            except KeyboardInterrupt:
                yield from self._last_runs()
                raise
            finally:
                self._kill()
                atexit.unregister(self._kill)

    def _hand_out(self, waiting: Iterator[Task]) -> None:
        """Give tasks to the workers that have none."""
        n_wanted = max(0, self._n_workers - len(self._queue))
        self._queue.extend(Attempt(task) for task in islice(waiting, n_wanted))
        self._start_workers()
        for one in self._workers:
            if self._queue and one.takes(self._queue[0]):
                self._queue.popleft()

    def _start_workers(self) -> None:
        """Start as many workers as there is work for; raise WorkerError if none survives."""
        n_wanted = min(self._n_workers, len(self._busy()) + len(self._queue))
        while len(self._workers) < n_wanted and self._n_stillborn < MAX_STILLBORN:
            try:
                self._workers.append(_Worker(self._context))
            except (OSError, EOFError):  # the fork server died; the next start starts another
                self._n_stillborn += 1
        if self._queue and not self._workers and not self._ended:
            fewer = "; use fewer --jobs, or --jobs 1, which needs none" * (self._n_workers > 1)
            raise WorkerError(
                f"{MAX_STILLBORN} worker processes in a row died as they started "
                f"({describe_exit(self._last_exit)}); finished runs are kept{fewer}"
            )

    def _busy(self) -> list[_Worker]:
        return [one for one in self._workers if one.attempt is not None]

    def _wait(self) -> list[_Worker]:
        """Return the workers that have sent something, or died."""
        with interrupts_let_through():
            heard = wait([one.connection for one in self._workers], LISTENING_S)
        return [one for one in self._workers if one.connection in heard]

    def _hear(self, one: _Worker) -> None:
        try:
            message = one.connection.recv()
        except (EOFError, OSError):  # OSError: it died in the middle of a message
            self._bury(one)
            return
        if isinstance(message, list):
            one.attempt = None
            self._ended += message
        elif isinstance(message, PluginError):
            raise WorkerError(f"a worker process cannot train: {message}")
        else:
            one.ready, self._n_stillborn = True, 0

    def _bury(self, one: _Worker) -> None:
        """Remove a dead worker; its task is tried again or given up."""
        self._workers.remove(one)
        self._last_exit = one.bury()
        self._n_stillborn += not one.ready
        if one.attempt is None:
            return
        one.attempt.die(self._last_exit)
        if one.attempt.task.beside:  # only one of them need be to blame
            self._queue.extendleft(replace(one.attempt, task=own) for own in one.attempt.task.each)
        elif one.attempt.n_deaths < MAX_DEATHS:
            self._queue.appendleft(one.attempt)
        else:
            self._ended.append(self._give_up(one.attempt))

    def _last_runs(self) -> Iterator[list[Run]]:
        """Ask the workers to end their runs; yield what they send back in time."""
        busy = self._busy()
        for one in busy:
            one.stop()
        deadline = time.monotonic() + STOPPING_S
        while busy and (left := deadline - time.monotonic()) > 0:
            heard = wait([one.connection for one in busy], left)
            for one in [one for one in busy if one.connection in heard]:
                busy.remove(one)
                with suppress(EOFError, OSError):  # it had not started
                    message = one.connection.recv()
                    if isinstance(message, list):
                        yield message

    def _kill(self) -> None:
        """End all workers at once."""
        with interrupts_held():
            while self._workers:
                self._workers.pop().kill()


def describe_exit(exit_code: int | None) -> str:
    """Say in two words how a process ended."""
    if exit_code is not None and exit_code < 0:
        return f"signal {-exit_code}"
    return f"exit code {exit_code}"
