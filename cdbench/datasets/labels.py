"""Labels that are numbers of known classes."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cdbench.errors import DatasetError


def checked_labels(
    path: Path, labels: NDArray[np.uint8], n_samples: int, n_classes: int
) -> NDArray[np.int64]:
    """Return the labels as classes, (N,), if there is one for each sample.

    Raises
    ------
    DatasetError
        If there are more or fewer, or one is of no class.
    """
    if len(labels) != n_samples:
        raise DatasetError(
            f"{path}: got {len(labels):,} labels for {n_samples:,} images, expected one each"
        )
    if labels.max() >= n_classes:
        first = int(np.argmax(labels >= n_classes))
        raise DatasetError(
            f"{path}: label {first + 1} is {labels[first]}, expected 0 to {n_classes - 1}"
        )
    return labels.astype(np.int64)
