"""OpenBLAS's threads: only as many as requested, and an error if they are not available.

When NumPy is imported, OpenBLAS starts a thread for each core. If it cannot, for lack of memory or
processes, it raises SIGINT in its own process, as if the user had pressed Ctrl-C. If threads
requested later cannot be started, it says nothing, and the next product waits for them forever.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from cdbench.errors import WorkerError

LACKING = (
    "not enough memory or processes for {n} BLAS threads; expected a smaller --blas-threads, or "
    "higher limits (ulimit -a)"
)


def start_no_threads() -> None:
    """Keep OpenBLAS from starting threads when loaded; each training requests its own.

    Called before NumPy is imported. Processes that we start later inherit the setting.
    """
    os.environ["OPENBLAS_NUM_THREADS"] = "1"


@contextmanager
def blas_limited(n_threads: int) -> Iterator[str | None]:
    """Use this many BLAS threads in the block, or one thread if they are not available.

    Parameters
    ----------
    n_threads : int
        Threads of each matrix product.

    Yields
    ------
    str or None
        What is wrong, in one line, if they are not available.
    """
    from threadpoolctl import threadpool_limits

    lacking = None
    if not _can_start(n_threads - 1):
        lacking, n_threads = LACKING.format(n=n_threads), 1
    with threadpool_limits(n_threads, "blas"):
        yield lacking


def check_threads(n_threads: int) -> None:
    """Refuse more BLAS threads than are available, before any work would wait for them.

    Raises
    ------
    WorkerError
        If they are not available.
    """
    if not _can_start(n_threads - 1):
        raise WorkerError(LACKING.format(n=n_threads))


def _can_start(n_threads: int) -> bool:
    """Return whether this many threads can be started in addition to the existing ones."""
    enough = threading.Event()
    started = []
    try:
        for _ in range(n_threads):
            thread = threading.Thread(target=enough.wait)
            thread.start()
            started.append(thread)
    except (RuntimeError, MemoryError):
        return False
    finally:
        enough.set()
        for thread in started:
            thread.join()
    return True
