"""Eigenvalues of a layer's exact mean-squared-error Hessian: comparable between all families."""

from cdbench.diagnostics.spectra.base import LayerState, Numbers, squared_threshold


def layer_hessian(state: LayerState) -> Numbers:
    """Return the eigenvalues of the Hessian of mean ½‖y − t‖² in the layer's own weights.

    The mean is over the rows that W multiplies: samples, or all their tokens or windows. The layer
    counts as it stands, with all its outputs; padded inputs are zeros. The bias, whose
    Hessian is the identity, is left out.
    """
    found = state.layer.hessian_spectrum(state.params, state.inputs)
    # Rounding by eps moves no singular value of the inputs by more than eps times the root of the
    # sum of all their squares, however many rows that is: the rows of a sample count once.
    n_terms = max(found.n_terms, state.n_samples)
    threshold = squared_threshold(found.values.max(), n_terms, state.eps)
    return Numbers(found.values, threshold, multiplicity=found.multiplicity)
