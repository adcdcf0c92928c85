"""Power of each block's frequencies: the numbers in Eq. 8."""

from cdbench.diagnostics.spectra.base import LayerState, Numbers, squared_threshold


def block_power(state: LayerState) -> Numbers:
    """Return |F[c_ij](k)|² of all blocks, pooled; of a dense layer w_ij², its blocks being 1 × 1.

    They are eigenvalues of the blocks, not of the layer, and so not comparable between block
    sizes. Their flatness is each block's own, averaged over the blocks.
    """
    magnitudes = state.layer.block_magnitudes(state.params)
    power = magnitudes.ravel() ** 2
    B = magnitudes.shape[-1]
    threshold = squared_threshold(power.max(), B, state.eps)
    return Numbers(power, threshold, n_groups=power.size // B)
