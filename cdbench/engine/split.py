"""The samples that one run is trained and tested on."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from cdbench.records.weights import IDENTITY, InputTransform

ArrayOrSamples = Any
"""An Array, or the Samples of a large set. Most sets are small, and what knows its set (a claim, a
test) computes with their arrays: a union would have it say so each time."""


@dataclass(frozen=True)
class Split:
    """Samples of one seed: X (N, n_features) in the run's dtype, y (N,).

    Of a text, y (N, context) are the symbols that follow those of X.

    y are classes, int64, or quantities in the run's dtype, less the training split's mean and
    divided by its deviation; ``unit``, the square of the latter, makes squared errors of those of
    the target in its own unit. Of several quantities, y (N, n_outputs). What is for validation is
    None if nothing is held out.

    ``weights`` (N,), in the run's dtype, are what the training samples' losses are multiplied by;
    None stands for 1.

    Samples of a large set are transformed when they are taken. ``inputs`` is what X are of the raw
    features, ``mean`` and ``deviation`` are those of quantities in training.
    """

    X_train: ArrayOrSamples
    y_train: NDArray[Any]
    X_test: ArrayOrSamples
    y_test: NDArray[Any]
    X_validation: ArrayOrSamples | None = None
    y_validation: NDArray[Any] | None = None
    unit: float = 1.0
    mean: float = 0.0
    deviation: float = 1.0
    inputs: InputTransform = IDENTITY
    weights: NDArray[Any] | None = None
