"""Checks of a user's file before it is read: a regular file, and within memory."""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cdbench.errors import DatasetError
from cdbench.memory import available_memory, format_bytes

UNKNOWN_MEMORY = 4 * 10**9
"""Taken for what is available where the system does not say."""

COPIES = 5
"""Arrays as large as X in float64 that a data set takes at most, from its file to the first epoch:
X itself, the training samples, those transformed, and what a transform holds meanwhile. Measured
are 3.5; a test holds it."""


@contextmanager
def open_regular(path: Path) -> Iterator[io.FileIO]:
    """Open a regular file to read its bytes; never wait for a pipe, nor read a device without end.

    Raises
    ------
    DatasetError
        If it is no regular file.
    OSError
        If it cannot be opened.
    """
    with io.FileIO(path, opener=_open_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise DatasetError(f"{path}: is not a regular file; expected a .npz or .csv file")
        yield file


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting, as the opening of a pipe would for somebody to write into it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def check_fits(path: Path, what: str, n_bytes: int) -> None:
    """Raise DatasetError where that many bytes are more than memory has.

    Parameters
    ----------
    path : Path
        The file.
    what : str
        What takes them, such as ``X of shape (3, 4) and float64``.
    n_bytes : int
        How many, with all copies that are made of it.
    """
    available = available_memory()
    if available is None:
        available = UNKNOWN_MEMORY
    if n_bytes > available:
        raise DatasetError(
            f"{path}: {what} would take about {format_bytes(n_bytes)} of memory, "
            f"but only {format_bytes(available)} is available; expected a smaller data set"
        )
