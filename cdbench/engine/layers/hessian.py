"""The Hessian of a weight layer's mean squared error, by the Jacobian of its matrix."""

from collections.abc import Callable, Iterator
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

Bind = Callable[[dict[str, Array], Array], tuple[Array, Callable[[], object]]]
"""``(params, x) -> (y, run)`` of a layer, also for complex parameters; ``run`` computes y."""


def matrix_jacobian(bind: Bind, params: dict[str, Array], n_in: int) -> Array:
    """Return ∂W/∂θ for every weight θ but the bias, (weights, n_in, n_out).

    Parameters
    ----------
    bind : callable
        Of the layer.
    params : Params
        Where the derivative is taken, in float64.
    n_in : int
        Width of the input.
    """
    moved = {name: value.astype(np.complex128) for name, value in params.items()}
    y, run = bind(moved, np.eye(n_in, dtype=np.complex128))
    weights = [value for name, value in moved.items() if name != "bias"]
    jacobian = np.empty((sum(value.size for value in weights), *y.shape))
    places = ((values, index) for values in weights for index in np.ndindex(values.shape))
    for row, (values, index) in zip(jacobian, places, strict=True):
        kept = values[index]
        values[index] = kept + STEP * 1j
        run()
        np.divide(y.imag, STEP, out=row)
        values[index] = kept
    return jacobian


def gauss_newton_values(jacobian: Array, x: Array) -> Array:
    """Return the eigenvalues of mean JᵀJ of y = W x over samples, one for each weight.

    They are the squared singular values of the Jacobian times a square root of the inputs' second
    moment, so that small ones do not drown in the rounding of the large ones. Weights that move no
    output in common have their own.

    Parameters
    ----------
    jacobian : (weights, n_in, n_out) float64
        ∂W/∂θ, transposed.
    x : (N, n_in) float64
        Inputs.
    """
    root = root_of_moment(x)
    found = np.zeros(len(jacobian))
    begin = 0
    for weights, outputs in independent_parts(jacobian):
        moved = np.matmul(root, jacobian[np.ix_(weights, np.arange(x.shape[1]), outputs)])
        # A weight a column: LAPACK reduces tall matrices in less time than wide ones.
        values = np.linalg.svd(moved.reshape(len(weights), -1).T, compute_uv=False) ** 2
        found[begin : begin + len(values)] = values
        begin += len(weights)
    return found


def root_of_moment(x: Array) -> Array:
    """Return R with Rᵀ R = mean x xᵀ of inputs (N, n_in), min(N, n_in) rows of it."""
    return np.asarray(np.linalg.qr(x / np.sqrt(len(x)), mode="r"))


def independent_parts(jacobian: Array) -> Iterator[tuple[Array, Array]]:
    """Yield weights and outputs of every part of a layer that shares none with another.

    Weights that move no output are in no part.

    Parameters
    ----------
    jacobian : (weights, n_in, n_out) float64
        ∂W/∂θ, transposed.
    """
    moves: Array = np.logical_or.reduce(jacobian, axis=1)
    left = np.flatnonzero(moves.any(axis=0))
    while left.size:
        outputs, reached = np.zeros(moves.shape[1], np.bool_), np.arange(moves.shape[1]) == left[0]
        while not np.array_equal(outputs, reached):
            outputs = reached
            weights = moves[:, outputs].any(axis=1)
            reached = moves[weights].any(axis=0)
        yield np.flatnonzero(weights), np.flatnonzero(outputs)
        left = left[~outputs[left]]
