"""Squared singular values of the layer as it acts: comparable between all families."""

import numpy as np

from cdbench.layers import CDLinear
from cdbench.products.base import Array
from cdbench.spectra.base import LayerState, Numbers, both_halves, squared_threshold


def weight(state: LayerState) -> Numbers:
    """Return σ²(W), min(n_out, n_in) of them, W without padded inputs and sliced-off logits.

    The W of a whole CDLinear layer is unitarily similar to blockdiag_k Ĉ(k), Ĉ(k) the K_o × K_i
    matrix of F[c_ij](k): its singular values are theirs, over all B frequencies. Where rows or
    columns do not act, W is no longer block-circulant, and is decomposed itself.
    """
    layer = state.layer
    if isinstance(layer, CDLinear) and state.acts_whole:
        sigma = both_halves(_frequency_values(state.params["c"]).T, layer.B).ravel()
    else:
        sigma = np.linalg.svd(state.matrix(), compute_uv=False)
    power = sigma**2
    return Numbers(power, squared_threshold(power.max(), max(state.acting), state.eps))


def _frequency_values(c: Array) -> Array:
    """Return the singular values of Ĉ(k), (B // 2 + 1, min(K_o, K_i)), of c (K_o, K_i, B)."""
    return np.linalg.svd(np.moveaxis(np.fft.rfft(c), 2, 0), compute_uv=False)
