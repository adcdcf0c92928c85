"""OpenBLAS's threads: only those that were asked for, and an error where they cannot be had.

OpenBLAS starts a thread for each core as NumPy is imported. If it cannot, for lack of memory or
processes, it raises SIGINT in its own process, as if the user had pressed Ctrl-C. If threads that
are asked for later cannot be started, it says nothing, and the next product waits for them for
ever.
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
    """Have OpenBLAS start no threads as it is loaded; each training says how many it wants.

    Called before NumPy is imported. What processes of ours are started later inherits it.
    """
    os.environ["OPENBLAS_NUM_THREADS"] = "1"


@contextmanager
def blas_limited(n_threads: int) -> Iterator[str | None]:
    """Have so many BLAS threads in this block, or one where they cannot be had.

    Parameters
    ----------
    n_threads : int
        Threads of each matrix product.

    Yields
    ------
    str or None
        What is wrong, in one line, where they cannot be had.
    """
    from threadpoolctl import threadpool_limits

    lacking = None
    if not _can_start(n_threads - 1):
        lacking, n_threads = LACKING.format(n=n_threads), 1
    with threadpool_limits(n_threads, "blas"):
        yield lacking


def check_threads(n_threads: int) -> None:
    """Refuse more BLAS threads than can be had, ahead of what would wait for them.

    Raises
    ------
    WorkerError
        If they cannot be had.
    """
    if not _can_start(n_threads - 1):
        raise WorkerError(LACKING.format(n=n_threads))


def _can_start(n_threads: int) -> bool:
    """Return whether so many threads can be started beside those that there are."""
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
