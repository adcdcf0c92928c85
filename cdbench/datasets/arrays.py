"""A data set from arrays of features and labels."""

import numpy as np
from numpy.typing import NDArray

from cdbench.datasets.base import Dataset
from cdbench.datasets.limits import is_small_integer
from cdbench.engine.products.base import Array
from cdbench.errors import DatasetError


def dataset_from_arrays(name: str, X: Array, labels: NDArray[np.generic]) -> Dataset:
    """Build a user's data set from checked arrays.

    Parameters
    ----------
    name : str
        Its path.
    X : (N, n_features) real
        Features.
    labels : (N,)
        Anything that can be sorted: integers or text.

    Returns
    -------
    Dataset

    Raises
    ------
    DatasetError
        If a feature is not finite, or a label is not valid text.
    """
    if not is_small_integer(X.dtype):
        X = np.asarray(X, dtype=np.float64)
    if X.dtype.kind == "f" and not (finite := np.isfinite(X)).all():
        row, column = np.unravel_index(int(finite.argmin()), finite.shape)
        raise DatasetError(
            f"{name}: sample {row + 1}, feature {column + 1} is {X[row, column]}, expected a "
            "finite number; drop or fill such rows first"
        )
    names, y = np.unique(labels, return_inverse=True)
    try:
        classes = tuple(str(label) for label in names)
        "".join(classes).encode()
    except (ValueError, SystemError) as error:  # NumPy stores any four bytes per letter
        raise DatasetError(f"{name}: a label in y is not text ({error})") from None
    return Dataset(name, X, y.astype(np.int64), classes)
