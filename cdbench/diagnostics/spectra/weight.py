"""Squared singular values of the layer as it acts: comparable between all families."""

import numpy as np

from cdbench.diagnostics.spectra.base import LayerState, Numbers, squared_threshold


def weight(state: LayerState) -> Numbers:
    """Return σ²(W), min(n_out, n_in) of them, W without padded inputs and sliced-off logits.

    A family may have a faster way for the whole W. Where rows or columns do not act, what is left
    of it is no longer structured, and is decomposed itself.
    """
    if state.acts_whole:
        sigma = state.layer.singular_values(state.params)
    else:
        sigma = np.linalg.svd(state.matrix(), compute_uv=False)
    power = sigma**2
    return Numbers(power, squared_threshold(power.max(), max(state.acting), state.eps))
