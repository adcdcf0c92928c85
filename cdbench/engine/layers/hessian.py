"""The Hessian of a weight layer's mean squared error, by the Jacobian of its matrix."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from cdbench.engine.products.base import Array


class Eigenvalues(NamedTuple):
    """Eigenvalues of a symmetric matrix without negative ones.

    Attributes
    ----------
    values : (size,) float64
        In any order.
    n_terms : int
        How many terms the magnitudes sum whose squares they are, for their rounding level.
    multiplicity : int
        How often each of them occurs.
    """

    values: Array
    n_terms: int
    multiplicity: int = 1


STEP = 1e-20
"""Of the complex step; no difference is taken, so that nothing cancels."""

Forward = Callable[[dict[str, Array], Array], Array]
"""``(params, x) -> y`` of a layer, also for complex parameters."""


def matrix_jacobian(forward: Forward, params: dict[str, Array], n_in: int) -> Array:
    """Return ∂W/∂θ for every weight θ but the bias, (weights, n_in, n_out).

    Parameters
    ----------
    forward : callable
        The layer.
    params : Params
        Where the derivative is taken, in float64.
    n_in : int
        Width of the input.
    """
    moved = {name: value.astype(np.complex128) for name, value in params.items()}
    identity = np.eye(n_in, dtype=np.complex128)
    rows = []
    for name, values in moved.items():
        if name == "bias":
            continue
        for index in np.ndindex(values.shape):
            kept = values[index]
            values[index] = kept + STEP * 1j
            rows.append(forward(moved, identity).imag / STEP)
            values[index] = kept
    return np.array(rows)


def gauss_newton_values(jacobian: Array, x: Array) -> Array:
    """Return the eigenvalues of mean JᵀJ of y = W x over samples, one for each weight.

    They are the squared singular values of the Jacobian times a square root of the inputs' second
    moment, so that small ones do not drown in the rounding of the large ones.

    Parameters
    ----------
    jacobian : (weights, n_in, n_out) float64
        ∂W/∂θ, transposed.
    x : (N, n_in) float64
        Inputs.
    """
    root = np.linalg.qr(x / np.sqrt(len(x)), mode="r")
    rows = np.matmul(root, jacobian).reshape(len(jacobian), -1)
    found = np.zeros(len(jacobian))
    values = np.linalg.svd(rows, compute_uv=False) ** 2
    found[: len(values)] = values
    return found
