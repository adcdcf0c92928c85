"""What happens in a worker process of a sweep.

A worker is asked to stop by SIGTERM. It then ends its run, but never in the middle of passing a
result on: a process that dies there leaves a lock behind on which the others wait for ever.
"""

import signal
from types import FrameType

from cdbench.config import RunConfig
from cdbench.diagnostics import Diagnostics
from cdbench.interrupts import ignore_interrupts
from cdbench.run import Run


class _State:
    stopping = False
    executing = False


def prepare() -> None:
    """Set the signals of a new worker: Ctrl-C, sent to all by a terminal, is for the parent."""
    ignore_interrupts()
    signal.signal(signal.SIGTERM, _stop)


def execute_or_stop(config: RunConfig, diagnostics: Diagnostics, blas_threads: int) -> Run | None:
    """Execute a configuration; return None where the worker was asked to stop before."""
    if _State.stopping:
        return None
    _State.executing = True
    try:
        from cdbench.execution import execute

        return execute(config, diagnostics=diagnostics, blas_threads=blas_threads)
    except KeyboardInterrupt:
        return None
    finally:
        _State.executing = False


def _stop(_number: int, _frame: FrameType | None) -> None:
    _State.stopping = True
    if _State.executing:
        raise KeyboardInterrupt
