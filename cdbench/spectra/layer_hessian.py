"""Eigenvalues of a layer's exact mean-squared-error Hessian: comparable between all families."""

import numpy as np

from cdbench.layers import CDLinear
from cdbench.products.base import Array
from cdbench.spectra.base import LayerState, Numbers, both_halves, squared_threshold


def layer_hessian(state: LayerState) -> Numbers:
    """Return the eigenvalues of the Hessian of mean ½‖y − t‖² in the layer's own weights.

    Dense: those of S = mean x xᵀ, n_in of them, each n_out times. CDLinear: its Hessian in c is
    unitarily similar to K_o copies of blockdiag_k S_k, S_k = mean x̂(k) x̂(k)ᴴ, a K_i × K_i matrix
    for each of the B frequencies, whose diagonal is Theorem 1's η_j(k). In the coordinates √B · c,
    in which a step is as long as W's, all of them are B times smaller; κ is the same.

    The layer counts as it stands, with all its outputs; padded inputs are zeros. The bias, whose
    Hessian is the identity, is left out.
    """
    N = len(state.inputs)
    B = state.layer.B if isinstance(state.layer, CDLinear) else 1
    # (frequencies, N, K_i). Singular values of the samples resolve their squares further down
    # than the eigenvalues of S, whose small ones drown in the rounding of the large ones.
    x_hat: Array = np.moveaxis(np.fft.rfft(state.inputs.reshape(N, -1, B)), 2, 0)
    if B <= 2:  # both frequencies are real, and a real decomposition takes half the time
        x_hat = x_hat.real
    power = np.linalg.svd(x_hat, compute_uv=False) ** 2 / N
    K_i = x_hat.shape[2]
    # Fewer samples than input blocks leave the rest of the Hessian's eigenvalues at zero.
    missing = np.zeros((len(power), max(0, K_i - N)))
    numbers = both_halves(np.concatenate([power, missing], axis=1).T, B).ravel()
    threshold = squared_threshold(numbers.max(), max(N, K_i), state.eps)
    return Numbers(numbers, threshold, multiplicity=state.layer.n_out // B)
