"""What figures say of the kinds of spectrum: what the numbers are, and what they compare."""

from typing import NamedTuple


class KindWords(NamedTuple):
    """What the numbers of a kind are, and whether they compare models."""

    numbers: str
    compares: str


KIND_WORDS = {
    "published": KindWords("dense σ²(W); CDLinear |ĉ| unsquared", "not comparable"),
    "block_power": KindWords("|ĉ|² of the blocks; dense W²", "not comparable"),
    "weight": KindWords("σ²(W) of the whole layer", "comparable"),
    "theorem1": KindWords("η = mean |F[X_j](k)|²", "only a diagonal"),
    "layer_hessian": KindWords("eigenvalues of its exact Hessian", "comparable"),
}
"""By the kinds' names, those of ``cdbench.spectra.KINDS``."""


def compares(quantity: str) -> str:
    """Return whether a quantity, named after its kind, compares models."""
    return KIND_WORDS[quantity.split()[0].rstrip(",")].compares
