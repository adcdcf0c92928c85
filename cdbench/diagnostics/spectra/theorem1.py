"""Theorem 1's eigenvalues: the power of the layer's input blocks (Eq. 5)."""

from cdbench.diagnostics.spectra.base import LayerState, Numbers, squared_threshold


def theorem1(state: LayerState) -> Numbers:
    """Return η_j(k), the mean over rows of |F[X_j](k)|², of a family with blocks.

    The input blocks X_j are those of the training split. The dense layer's blocks have length 1:
    its numbers are the mean squares of the inputs, the diagonal of mean(x xᵀ).
    """
    power, n_terms = state.layer.input_power(state.inputs)
    return Numbers(power, squared_threshold(power.max(), n_terms, state.eps))
