"""What happens in a worker process of a sweep.

A worker shares nothing but its end of a pipe. A thread listens there for tasks, for the request to
stop, and for the death of the parent, when the worker also ends, whatever it is doing.
"""

import _thread
import os
import signal
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import SimpleQueue
from types import FrameType
from typing import NamedTuple

from cdbench.config.diagnostics import Diagnostics
from cdbench.config.plugin_records import Carried, take
from cdbench.config.run_config import RunConfig
from cdbench.errors import PluginError
from cdbench.records.run import Run
from cdbench.start_up import SIGNALS

READY = "ready"
"""What a worker sends when it is ready for its first task."""

STOP = None
"""What tells a worker to end its run, send it back as interrupted, and exit."""


class Task(NamedTuple):
    """One run to execute: its configuration, diagnostics, and threads of its products.

    And the tasks beside it, which may train in one stack with it.
    """

    config: RunConfig
    diagnostics: Diagnostics
    blas_threads: int
    beside: tuple["Task", ...] = ()

    @property
    def each(self) -> list["Task"]:
        """Itself alone, and each of those beside it."""
        return [self._replace(beside=()), *self.beside]


class _State:
    stopping = False
    executing = False


Message = list[Run] | str | PluginError
"""A task's runs, READY, or why the worker cannot train."""


def serve(connection: "Connection[Message, Task | None]", *needed: Carried) -> None:
    """Execute the tasks that come over the connection and send each run back.

    It first loads the plug-ins that are needed, and sends the error if it cannot.

    Signals, which a terminal or a batch system sends to all processes, are left to the parent.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGINT, _end_run)
    tasks: SimpleQueue[Task | None] = SimpleQueue()
    threading.Thread(target=_listen, args=(connection, tasks), daemon=True).start()

    with suppress(KeyboardInterrupt, BrokenPipeError):
        try:
            take(needed)
        except PluginError as error:
            connection.send(error)
            return
        connection.send(READY)
        while (task := tasks.get()) is not STOP:
            runs = _execute(task)
            if runs:
                connection.send(runs)


def _listen(
    connection: "Connection[Message, Task | None]", tasks: SimpleQueue[Task | None]
) -> None:
    """Pass tasks to the main thread; end the process when the parent is gone."""
    try:
        while (task := connection.recv()) is not STOP:
            tasks.put(task)
    except (EOFError, OSError):
        os._exit(0)
    _State.stopping = True
    tasks.put(STOP)
    _thread.interrupt_main(signal.SIGINT)


def runs_of(task: Task) -> list[Run]:
    """Execute a task, and return its runs: of those beside it too, as far as they began."""
    from cdbench.running.execution import execute, execute_together

    if not task.beside:
        return [execute(task.config, diagnostics=task.diagnostics, blas_threads=task.blas_threads)]
    needs = [(one.config, one.diagnostics) for one in task.each]
    return execute_together(needs, task.blas_threads)


def _execute(task: Task) -> list[Run]:
    """Execute a task; return nothing if the worker was told to stop before."""
    from cdbench.running import execution  # noqa: F401 - loading it must not be interrupted

    _State.executing = True
    try:
        if _State.stopping:
            return []
        return runs_of(task)
    except KeyboardInterrupt:
        return []
    finally:
        _State.executing = False


def _end_run(_number: int, _frame: FrameType | None) -> None:
    if _State.stopping and _State.executing:
        _State.executing = False  # once is enough
        raise KeyboardInterrupt
