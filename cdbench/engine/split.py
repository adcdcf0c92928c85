"""The samples that one run is trained and tested on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cdbench.engine.products.base import Array


@dataclass(frozen=True)
class Split:
    """Samples of one seed: X (N, n_features) in the run's dtype, y (N,).

    Those for validation are None if none are held out.
    """

    X_train: Array
    y_train: NDArray[np.int64]
    X_test: Array
    y_test: NDArray[np.int64]
    X_validation: Array | None = None
    y_validation: NDArray[np.int64] | None = None
