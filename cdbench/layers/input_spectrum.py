"""Spectra of a layer's inputs, block by block and frequency by frequency."""

import numpy as np

from cdbench.layers.base import Eigenvalues
from cdbench.products.base import Array


def both_halves(bins: Array, B: int) -> Array:
    """Return all B frequencies' numbers from those of the rfft's bins, along the last axis.

    Of real data, frequencies k and B − k have the same numbers; the rfft gives them once.

    Parameters
    ----------
    bins : (..., B // 2 + 1) float
        Numbers of each bin.
    B : int
        Length of the transform.
    """
    return np.concatenate([bins, bins[..., 1 : (B + 1) // 2]], axis=-1)


def power_spectrum(x: Array, B: int, multiplicity: int) -> Eigenvalues:
    """Return the eigenvalues of S_k = mean x̂(k) x̂(k)ᴴ, K_i × K_i, for each of B frequencies.

    Parameters
    ----------
    x : (N, K_i · B) float64
        Inputs; x̂(k) are the coefficients F[x_j](k) of a sample's K_i blocks. With B = 1 they are
        its entries.
    B : int
        Length of the blocks.
    multiplicity : int
        How often each eigenvalue occurs in the layer's Hessian.
    """
    N = len(x)
    # (frequencies, N, K_i). Singular values of the samples resolve their squares further down
    # than the eigenvalues of S, whose small ones drown in the rounding of the large ones.
    x_hat: Array = np.moveaxis(np.fft.rfft(x.reshape(N, -1, B)), 2, 0)
    if B <= 2:  # both frequencies are real, and a real decomposition takes half the time
        x_hat = x_hat.real
    power = np.linalg.svd(x_hat, compute_uv=False) ** 2 / N
    K_i = x_hat.shape[2]
    # Fewer samples than input blocks leave the rest of the Hessian's eigenvalues at zero.
    missing = np.zeros((len(power), max(0, K_i - N)))
    numbers = both_halves(np.concatenate([power, missing], axis=1).T, B).ravel()
    return Eigenvalues(numbers, max(N, K_i), multiplicity)
