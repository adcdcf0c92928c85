"""The samples that one run is trained and tested on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cdbench.engine.products.base import Array


@dataclass(frozen=True)
class Split:
    """Training and test samples of one seed: X (N, n_features) in the run's dtype, y (N,)."""

    X_train: Array
    y_train: NDArray[np.int64]
    X_test: Array
    y_test: NDArray[np.int64]
