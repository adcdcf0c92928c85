"""A data set from a .npz file with the arrays X and y."""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from cdbench.datasets.base import Dataset, dataset_from_arrays
from cdbench.errors import DatasetError

EXPECTED = "expected a .npz with X of shape (N, n_features), numeric, and y of shape (N,)"

UNREADABLE = (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What NumPy and zipfile raise for files that are damaged, encrypted or something else."""


def read_npz(path: Path) -> Dataset:
    """Read X and y; Python objects (pickles) are refused.

    Raises
    ------
    DatasetError
        If the file cannot be read, or its arrays are not of the expected names and shapes.
    """
    X, y = _read_arrays(path)
    if X.ndim != 2 or not X.size or y.shape != X.shape[:1]:
        raise DatasetError(f"{path}: got X {X.shape} and y {y.shape}, {EXPECTED}")
    if X.dtype.kind not in "iufb":
        raise DatasetError(f"{path}: X has dtype {X.dtype}, {EXPECTED}")
    if y.dtype.kind not in "iubSU":
        raise DatasetError(f"{path}: y has dtype {y.dtype}, expected whole numbers or text")
    return dataset_from_arrays(str(path), X, y)


def _read_arrays(path: Path) -> tuple[Any, Any]:
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise DatasetError(f"{path}: got a single .npy array, {EXPECTED}")
            missing = {"X", "y"} - set(archive.files)
            if missing:
                found = ", ".join(archive.files) or "nothing"
                raise DatasetError(f"{path}: found {found}, {EXPECTED}")
            X, y = archive["X"], archive["y"]
    except UNREADABLE as error:
        if "pickle" in str(error) and zipfile.is_zipfile(path):
            raise DatasetError(
                f"{path}: holds pickled objects, which are refused; {EXPECTED}"
            ) from None
        reason = error if zipfile.is_zipfile(path) else "it is no .npz archive"
        raise DatasetError(f"{path}: cannot be read as .npz ({reason}); {EXPECTED}") from None
    if not isinstance(X, np.ndarray) or not isinstance(y, np.ndarray):
        raise DatasetError(f"{path}: X and y are no NumPy arrays; {EXPECTED}")
    return X, y
