"""The whole network's matrices, built explicitly, and all their eigenvalues."""

import numpy as np
from scipy.linalg import eigvalsh

from cdbench.diagnostics.curvature.base import Eigenvalues
from cdbench.diagnostics.curvature.operators import hessian
from cdbench.engine.layers import EVALUATION, Context
from cdbench.engine.network import Network
from cdbench.engine.products.base import Array
from cdbench.engine.tasks import CLASSIFICATION, Targets, Task

ROWS_A_PRODUCT = 100
"""Rows of outputs, one a sample or more, whose Jacobians are held in memory at once."""


def hessian_matrix(
    network: Network,
    parameters: Array,
    X: Array,
    y: Targets,
    context: Context = EVALUATION,
    task: Task = CLASSIFICATION,
) -> Array:
    """Return the Hessian, (P, P), from its products with all unit vectors; see ``hessian``."""
    H: Array = hessian(network, parameters, X, y, context, task) @ np.eye(network.n_parameters)
    return (H + H.T) / 2  # the two differ by rounding


def gauss_newton_matrix(
    network: Network,
    parameters: Array,
    X: Array,
    y: Targets,
    context: Context = EVALUATION,
    task: Task = CLASSIFICATION,
) -> Array:
    """Return the Gauss–Newton matrix, (P, P); see ``gauss_newton``.

    One row's A is Sᵀ S, of a softmax with rows s_k = √p_k (e_k − p), so the matrix is the mean
    of (S J)ᵀ (S J). The rows of S J are pullbacks of single rows of outputs, which
    take a quarter of the time of products with all unit vectors.
    """
    theta, each = parameters.astype(np.float64), y.size // len(y)
    params, X = network.views(theta), X.astype(np.float64)
    matrix = np.zeros((theta.size, theta.size))
    at_once = max(1, ROWS_A_PRODUCT // each)
    rows = np.zeros((at_once, each, network.n_out, theta.size))
    grads = [[[network.views(row) for row in output] for output in sample] for sample in rows]
    for start in range(0, len(y), at_once):
        samples = X[start : start + at_once]
        for x, sample in zip(samples, grads, strict=False):  # the last chunk may be smaller
            logits, pullback = network.forward(params, x[None], context)
            dlogits = np.zeros_like(logits)
            for number, output in enumerate(sample):
                for s, row in zip(task.root(logits[number : number + 1]), output, strict=True):
                    dlogits[number] = s
                    pullback.to_parameters(dlogits, row)
                dlogits[number] = 0.0
        S_J = rows[: len(samples)].reshape(-1, theta.size)
        matrix += S_J.T @ S_J
    return matrix / y.size


def exact_spectrum(matrix: Array) -> Eigenvalues:
    """Return all eigenvalues of a symmetric matrix (P, P).

    They are accurate to about P · eps of the largest magnitude, as ``numpy.linalg.matrix_rank``
    assumes.
    """
    P, values = len(matrix), eigvalsh(matrix)
    ends = float(values[-1]), float(values[0])
    return Eigenvalues(values, np.full(P, 1 / P), *ends, P)
