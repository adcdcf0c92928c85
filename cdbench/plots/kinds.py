"""What figures say about the kinds of spectrum: what the numbers are and what they compare."""

from typing import NamedTuple


class KindWords(NamedTuple):
    """What the numbers of a kind are, and whether models can be compared by them."""

    numbers: str
    compares: str


KIND_WORDS = {
    "weight": KindWords("σ²(W) of the whole layer", "comparable"),
    "layer_hessian": KindWords("eigenvalues of its exact Hessian", "comparable"),
    "network": KindWords("Gauss–Newton, all parameters", "comparable"),
    "theorem1": KindWords("η = mean |F[X_j](k)|²", "only a diagonal"),
    "published": KindWords("dense σ²(W); CDLinear |ĉ| unsquared", "not comparable"),
    "block_power": KindWords("|ĉ|² of the blocks; dense W²", "not comparable"),
}
"""By the names in ``cdbench.diagnostics.spectra.KINDS`` and ``NETWORK``; comparable ones first."""

NETWORK = "network"
"""The kind that describes the whole network, not a layer."""


def compares(quantity: str) -> str:
    """Return words for whether a quantity, whose name begins with its kind, compares models."""
    return KIND_WORDS[quantity.split()[0]].compares
