"""Table 1's "Hessian κ", as the paper's released code computes it."""

import numpy as np

from cdbench.layers import CDLinear
from cdbench.spectra.base import LayerState, Numbers

DROPPED_BELOW = 1e-12
"""Numbers at or below it are left out, as in the paper's released code."""


def published(state: LayerState) -> Numbers:
    """Return what Table 1 divides; NOT comparable between the two families.

    Dense: the squared singular values of W. CDLinear: the *unsquared* magnitudes |F[c_ij](k)|,
    all blocks of the layer pooled, padded ones included.
    """
    if isinstance(state.layer, CDLinear):
        return Numbers(state.block_magnitudes().ravel(), DROPPED_BELOW, drops=True)
    sigma = np.linalg.svd(state.layer.matrix(state.params), compute_uv=False)
    return Numbers(sigma**2, DROPPED_BELOW, drops=True)
