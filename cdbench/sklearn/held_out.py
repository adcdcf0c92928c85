"""Samples that early stopping holds out."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

Part = tuple[NDArray[Any], NDArray[Any], NDArray[np.float64]]
"""Samples, their targets and weights."""


def held_out(
    part: Part, strata: NDArray[Any] | None, fraction: float, random_state: np.random.RandomState
) -> tuple[Part, Part]:
    """Return the samples left for training, and those held out.

    Raises
    ------
    ValueError
        If fewer than two are held out, or a class has too few for both.
    """
    X, X_out, y, y_out, weights, weights_out = train_test_split(
        *part, test_size=fraction, stratify=strata, random_state=random_state
    )
    if len(X_out) < 2:
        raise ValueError(
            f"validation_fraction = {fraction} holds out {len(X_out)} of "
            f"{len(X) + len(X_out)} samples; expected at least 2 held out"
        )
    return (X, y, weights), (X_out, y_out, weights_out)
