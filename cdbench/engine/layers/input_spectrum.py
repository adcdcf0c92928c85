"""Spectra of a layer's inputs, block by block and frequency by frequency."""

import numpy as np

from cdbench.engine.layers.hessian import Eigenvalues
from cdbench.engine.products.base import Array


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
    x_hat: Array = np.moveaxis(np.fft.rfft(x.reshape(len(x), -1, B)), 2, 0)
    if B <= 2:  # both frequencies are real, and a real decomposition takes half the time
        x_hat = x_hat.real
    numbers = both_halves(powers(x_hat).T, B).ravel()
    return Eigenvalues(numbers, max(x_hat.shape[1:]), multiplicity)


def powers(groups: Array) -> Array:
    """Return the eigenvalues of the second moment of each group of inputs, (groups, K).

    Singular values of the samples resolve their squares further down than the eigenvalues of the
    moment, whose small ones drown in the rounding of the large ones.

    Parameters
    ----------
    groups : (groups, N, K) float64 or complex128
        N samples of K inputs.
    """
    n_groups, N, K = groups.shape
    power = np.linalg.svd(groups, compute_uv=False) ** 2 / N
    # Fewer samples than inputs leave the rest of the eigenvalues at zero.
    return np.concatenate([power, np.zeros((n_groups, max(0, K - N)))], axis=1)
