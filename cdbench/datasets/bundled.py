"""The classification sets that scikit-learn bundles, read from its files.

Importing scikit-learn takes ten times as long as the paper's training, and its files can be read
without it.
"""

from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cdbench.datasets.base import Dataset


@cache
def digits() -> Dataset:
    """Return the paper's 8 × 8 digits, (1797, 64): pixels divided by 16 (Sec. VI.1)."""
    X, y = read_bundled("digits", "digits.csv.gz")
    # Divided here, not by the transform ``scale``, because the fingerprints of all stored runs are
    # of these arrays. ``scale`` then divides by exactly 1 for every seed: 1765 of the samples have
    # a pixel of 16, too many for all of them to be in the test split.
    return replace(_dataset("digits", X / 16.0, y), image=(8, 8, 1))


@cache
def wine() -> Dataset:
    """Return wine, (178, 13), 3 classes."""
    return _dataset("wine", *read_bundled("wine", "wine_data.csv"))


@cache
def breast_cancer() -> Dataset:
    """Return breast_cancer, (569, 30), 2 classes."""
    return _dataset("breast_cancer", *read_bundled("breast_cancer", "breast_cancer.csv"))


@cache
def iris() -> Dataset:
    """Return iris, (150, 4), 3 classes."""
    return _dataset("iris", *read_bundled("iris", "iris.csv"))


def read_bundled(name: str, file: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return features (N, n_features) and classes (N,) of a bundled set.

    Parameters
    ----------
    name : str
        Its name in scikit-learn.
    file : str
        Its file: comma-separated numbers, the class last; a .csv file starts with a line of names.
    """
    path = _data_folder() / file
    if not path.is_file():  # scikit-learn has another layout: ask it
        import sklearn.datasets

        X, y = getattr(sklearn.datasets, f"load_{name}")(return_X_y=True)
        return X, y.astype(np.int64)
    table = np.loadtxt(path, delimiter=",", skiprows=int(path.suffix == ".csv"))
    return np.ascontiguousarray(table[:, :-1]), table[:, -1].astype(np.int64)


def _data_folder() -> Path:
    """Return scikit-learn's data folder, found without importing scikit-learn."""
    spec = find_spec("sklearn")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "datasets" / "data"


def _dataset(name: str, X: NDArray[np.float64], y: NDArray[np.int64]) -> Dataset:
    classes = tuple(str(label) for label in np.unique(y))
    return Dataset(name, X, y, classes)
