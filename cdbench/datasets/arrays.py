"""Features and labels, or a numeric target, from arrays."""

import numpy as np
from numpy.typing import NDArray

from cdbench.datasets.base import Dataset
from cdbench.datasets.limits import is_small_integer
from cdbench.datasets.quantities import Quantities
from cdbench.datasets.table import ENCODE, Table, of_blanks
from cdbench.engine.products.base import Array
from cdbench.errors import DatasetError

FILL = f"; drop or fill such rows first, or, {ENCODE}"


def dataset_from_arrays(name: str, X: Array, labels: NDArray[np.generic]) -> Dataset:
    """Build a data set from checked arrays; see ``table_from_arrays``."""
    return table_from_arrays(name, X, labels).dataset()


def quantities_from_arrays(name: str, X: Array, y: NDArray[np.generic]) -> Quantities:
    """Build a data set for regression from checked arrays, y (N,) numeric."""
    return table_from_arrays(name, X, y).quantities()


def table_from_arrays(
    name: str, X: Array, labels: NDArray[np.generic], *, encode: bool = False
) -> Table:
    """Return what a user's arrays hold.

    Parameters
    ----------
    name : str
        Their path.
    X : (N, n_features), (N, height, width) or (N, height, width, channels) real
        Features, or images.
    labels : (N,)
        Anything that can be sorted: numbers or text.
    encode : bool, optional
        Whether NaN is a blank to be filled.

    Returns
    -------
    Table

    Raises
    ------
    DatasetError
        If a feature is not finite, or a label is not valid text.
    """
    X, image = rows_from_array(name, X, encode=encode)
    if labels.dtype.kind == "f":  # whose text is that of exactly this number
        labels = labels.astype(np.float64)
    names, y = np.unique(labels, return_inverse=True)
    try:
        classes = tuple(str(label) for label in names)
        "".join(classes).encode()
    except (ValueError, SystemError) as error:  # NumPy stores any four bytes per letter
        raise DatasetError(f"{name}: a label in y is not text ({error})") from None
    texts = of_blanks(X) if encode else ()
    return Table(name, X, y.astype(np.int64), classes, texts=texts, image=image)


def rows_from_array(
    name: str,
    X: Array,
    *,
    encode: bool = False,
    hint: str = FILL,
) -> tuple[Array, tuple[int, int, int] | None]:
    """Return features, (N, n_features), and their image, of an array as ``table_from_arrays`` has.

    Raises
    ------
    DatasetError
        If a feature is not finite; ``hint`` ends the message.
    """
    image: tuple[int, int, int] | None = None
    if X.ndim > 2:
        planes = X.reshape(*X.shape[:3], -1)
        image = (planes.shape[1], planes.shape[2], planes.shape[3])
        X = np.ascontiguousarray(planes.transpose(0, 3, 1, 2)).reshape(len(X), -1)
    if not is_small_integer(X.dtype):
        X = np.asarray(X, dtype=np.float64)
    if X.dtype.kind == "f":
        fine = np.isfinite(X) | (encode & np.isnan(X))
        if not fine.all():
            row, column = np.unravel_index(int(fine.argmin()), fine.shape)
            raise DatasetError(
                f"{name}: sample {row + 1}, feature {column + 1} is {X[row, column]}, expected a "
                f"finite number{hint}"
            )
    return X, image
