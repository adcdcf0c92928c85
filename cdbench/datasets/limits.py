"""Checks of a user's file before it is read: that it is regular and fits into memory."""

import io
import math
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from cdbench.errors import DatasetError
from cdbench.system.memory import available_memory, format_bytes

UNKNOWN_MEMORY = 4 * 10**9
"""Assumed available memory, in bytes, where the system does not report it."""

COPIES = 5
"""Most arrays of the size of X in float64 that a data set takes, from its file to the first epoch:
X itself, the training samples, those transformed, and a transform's temporary arrays. Measured:
3.5. A test checks this."""


LARGE = 2**26
"""Bytes in float64 above which the samples of a data set are not kept transformed in memory, but
transformed as they are taken: then X takes what it takes in its own type."""


SMALL_INTEGER = 2
"""Most bytes of integers that are kept as they are, and not as float64."""


def is_small_integer(dtype: np.dtype[Any]) -> bool:
    """Whether arrays of this type are kept as they are read."""
    return dtype.kind in "iu" and dtype.itemsize <= SMALL_INTEGER


def held_bytes(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    """Return the most bytes that X takes besides what was read, up to the first epoch."""
    whole = 8 * math.prod(shape)
    if whole <= LARGE:
        return COPIES * whole
    # One array as it is kept, and one mapped from the copy that processes share.
    return 2 * math.prod(shape) * (dtype.itemsize if is_small_integer(dtype) else 8)


@contextmanager
def open_regular(path: Path) -> Iterator[io.FileIO]:
    """Open a regular file to read its bytes; never wait for a pipe or read an endless device.

    Raises
    ------
    DatasetError
        If it is not a regular file.
    OSError
        If it cannot be opened.
    """
    with io.FileIO(path, opener=_open_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise DatasetError(f"{path}: is not a regular file; expected one that holds data")
        yield file


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting; opening a pipe would wait for someone to write to it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def check_fits(path: Path | str, what: str, n_bytes: int) -> None:
    """Raise DatasetError if that many bytes do not fit into memory.

    Parameters
    ----------
    path : Path or str
        The file, or the name of the set.
    what : str
        What needs the memory, such as ``X of shape (3, 4) and float64``.
    n_bytes : int
        Number of bytes, including all copies that are made.
    """
    available = available_memory()
    if available is None:
        available = UNKNOWN_MEMORY
    if n_bytes > available:
        raise DatasetError(
            f"{path}: {what} would take about {format_bytes(n_bytes)} of memory, "
            f"but only {format_bytes(available)} is available; expected a smaller data set"
        )


@contextmanager
def open_text(path: Path, memory: int) -> Iterator[io.TextIOWrapper]:
    """Open the text of a regular file, as ``open_regular`` does.

    Raises
    ------
    DatasetError
        Also if so many bytes of memory for each of its own would not fit.
    """
    with open_regular(path) as file:
        n_bytes = file.seek(0, io.SEEK_END)
        check_fits(path, f"{n_bytes:,} bytes of text", memory * n_bytes)
        file.seek(0)
        buffered = io.BufferedReader(file)
        with io.TextIOWrapper(buffered, encoding="utf-8-sig", newline="") as text:
            yield text
