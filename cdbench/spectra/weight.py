"""Squared singular values of the layer as it acts: comparable between all families."""

import numpy as np

from cdbench.spectra.base import LayerState, Numbers, squared_threshold


def weight(state: LayerState) -> Numbers:
    """Return σ²(W), min(n_out, n_in) of them, W without padded inputs and sliced-off logits."""
    power = np.linalg.svd(state.matrix, compute_uv=False) ** 2
    return Numbers(power, squared_threshold(power.max(), max(state.matrix.shape), state.eps))
