"""Theorem 1's eigenvalues: the power of the layer's input blocks (Eq. 5)."""

import numpy as np

from cdbench.layers import CDLinear
from cdbench.spectra.base import LayerState, Numbers, both_halves, squared_threshold


def theorem1(state: LayerState) -> Numbers:
    """Return η_j(k), the mean over samples of |F[X_j](k)|², K_i · B of them.

    The input blocks X_j are those of the training split. The dense layer's blocks have length 1:
    its numbers are the mean squares of the inputs, the diagonal of mean(x xᵀ).
    """
    B = state.layer.B if isinstance(state.layer, CDLinear) else 1
    blocks = state.inputs.reshape(len(state.inputs), -1, B)
    power = both_halves(np.mean(np.abs(np.fft.rfft(blocks)) ** 2, axis=0), B).ravel()
    return Numbers(power, squared_threshold(power.max(), B, state.eps))
