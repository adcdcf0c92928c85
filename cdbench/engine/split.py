"""The samples that one run is trained and tested on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ArrayOrSamples = Any
"""An Array, or the Samples of a large set. Most sets are small, and what knows its set (a claim, a
test) computes with their arrays: a union would have it say so each time."""


@dataclass(frozen=True)
class Split:
    """Samples of one seed: X (N, n_features) in the run's dtype, y (N,).

    Those for validation are None if none are held out.

    Those of a large set are transformed when they are taken.
    """

    X_train: ArrayOrSamples
    y_train: NDArray[np.int64]
    X_test: ArrayOrSamples
    y_test: NDArray[np.int64]
    X_validation: ArrayOrSamples | None = None
    y_validation: NDArray[np.int64] | None = None
