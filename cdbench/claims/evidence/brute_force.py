"""The Hessian of one CDLinear layer without any Fourier transform, and what its blocks show."""

import numpy as np

from cdbench.engine.layers import CDLinear
from cdbench.engine.products.base import Array


def hessian(layer: CDLinear, X: Array) -> Array:
    """Return mean JᵀJ over the samples X (N, n_in), (K_o, K_i, B, K_o, K_i, B).

    J, the derivative of y in c, is the layer's matrix at each unit vector, applied to x.
    """
    shape = (layer.K_o, layer.K_i, layer.B)
    units = np.eye(layer.K_o * layer.K_i * layer.B).reshape(-1, *shape)
    J = np.stack([(X @ layer.matrix({"c": unit}).T).ravel() for unit in units])
    return np.asarray(J @ J.T / len(X)).reshape(*shape, *shape)


def couplings(H: Array) -> tuple[float, float]:
    """Return the norms of H's blocks i ≠ i', and of i = i' with j ≠ j', over the diagonal's."""
    K_o, K_i = H.shape[:2]
    power = (H**2).sum(axis=(2, 5))  # (K_o, K_i, K_o, K_i)
    same_output = np.eye(K_o, dtype=bool)[:, None, :, None]
    same_input = np.eye(K_i, dtype=bool)[None, :, None, :]
    diagonal = (power * (same_output & same_input)).sum()
    between_outputs = (power * ~same_output).sum()
    between_inputs = (power * (same_output & ~same_input)).sum()
    return float(np.sqrt(between_outputs / diagonal)), float(np.sqrt(between_inputs / diagonal))


def block_errors(block: Array, X: Array, j: int) -> tuple[float, float]:
    """Return how far a diagonal block is from Eq. 5's eigenvalues, and from a circulant."""
    B = len(block)
    eta = np.mean(np.abs(np.fft.fft(X[:, j * B : (j + 1) * B])) ** 2, axis=0)
    error = np.abs(np.linalg.eigvalsh(block) - np.sort(eta)).max() / eta.max()
    from scipy.linalg import circulant  # here, because every sweep imports this room

    departure = np.linalg.norm(block - circulant(block[:, 0])) / np.linalg.norm(block)
    return float(error), float(departure)
