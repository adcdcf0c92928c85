"""Features and labels from two .npy files, named with a comma between: ``X.npy,y.npy``.

The files are not trusted; see npz_file.
"""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cdbench.datasets.arrays import table_from_arrays
from cdbench.datasets.limits import open_regular
from cdbench.datasets.npz_file import UNREADABLE, Member, array_header, check_arrays
from cdbench.datasets.table import Table
from cdbench.errors import DatasetError

EXPECTED = (
    "expected two .npy files, X of shape (N, n_features), or (N, height, width) or (N, height, "
    "width, channels), numeric, and y of shape (N,)"
)


def read_npy(
    X_path: Path, y_path: Path, *, task: str = "classification", encode: bool = False
) -> Table:
    """Read two arrays; refuse Python objects (pickles) and what would not fit into memory.

    Of a regression, y are numbers, else classes. With ``encode``, NaN in X is a blank to be filled.
    DatasetError is raised if a file cannot be read, or the arrays do not have these shapes.
    """
    check_arrays(X_path, _header(X_path, "X"), _header(y_path, "y"), task)
    X, y = _array(X_path), _array(y_path)
    return table_from_arrays(f"{X_path},{y_path}", X, y, encode=encode)


def _header(path: Path, name: str) -> Member:
    try:
        with open_regular(path) as file:
            return array_header(path, file, name, os.fstat(file.fileno()).st_size, EXPECTED)
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}); {EXPECTED}") from None


def _array(path: Path) -> NDArray[np.generic]:
    try:
        with open_regular(path) as file:
            array = np.load(file, allow_pickle=False)
    except UNREADABLE as error:
        raise DatasetError(f"{path}: cannot be read as .npy ({error}); {EXPECTED}") from None
    return np.asarray(array)
