"""Table 1's "Hessian κ", as the paper's released code computes it."""

from cdbench.diagnostics.spectra.base import LayerState, Numbers

DROPPED_BELOW = 1e-12
"""Numbers at or below it are left out, as in the paper's released code."""


def published(state: LayerState) -> Numbers:
    """Return what Table 1 divides; NOT comparable between its two families.

    Dense: the squared singular values of W. CDLinear: the
    *unsquared* magnitudes |F[c_ij](k)|, all blocks of the layer pooled, padded ones included.
    """
    return Numbers(state.layer.published_numbers(state.params), DROPPED_BELOW, drops=True)
