"""Products with the whole network's Gauss–Newton matrix and Hessian, on the flat vector.

Derivatives along a direction v are complex steps: for an analytic f, ``Im f(θ + i h v) / h`` is
the derivative of f at θ along v, up to h² times the third derivative. Nothing is subtracted, so h
can be small enough to make the product exact up to rounding (Squire and Trapp 1998). θ itself does
not move, so no ReLU switches. Layers and loss only have to be analytic in parameters and inputs;
none of them needs a second derivative.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator

from cdbench.engine.bound_network import Backward
from cdbench.engine.layers import EVALUATION, Context, Layer, Slice, ToRows, WeightLayer
from cdbench.engine.layers.attend import Attend
from cdbench.engine.layers.pooling import AveragePooling, Flatten
from cdbench.engine.layers.tokens import MeanOfTokens
from cdbench.engine.network import Network
from cdbench.engine.products.base import Array
from cdbench.engine.tasks import CLASSIFICATION, Targets, Task

STEP = 1e-20
"""h: its square is below float64's rounding, and h times any derivative is far from underflow."""

CHUNK = 360
"""Samples per pass: few enough for the arrays to stay in cache, which saves a third of the time."""

CHUNK_OF_ROWS = 2048
"""Rows per pass where a sample is several: as narrow as kernels are, calls cost more than work."""

HELD = 2**27
"""Numbers up to which activations are kept between products: 1 GiB. Others are computed again in
each product, which is then a quarter longer."""

PASS_SHIFTS = (Slice, ToRows, MeanOfTokens, AveragePooling, Flatten)
"""Layers that map inputs of which each is greater by 1 to outputs of which each is."""


def hessian(
    network: Network,
    parameters: Array,
    X: Array,
    y: Targets,
    context: Context = EVALUATION,
    task: Task = CLASSIFICATION,
) -> LinearOperator:
    """Return the Hessian of the mean training loss with respect to the parameters.

    A product is one gradient of the network at complex parameters.

    Parameters
    ----------
    network : Network
        The network, with P parameters.
    parameters : (P,) float
        Where the Hessian is taken; any float type, but computed in float64.
    X : (N, n_in) float
        The samples.
    y : (N,) int or float
        Their classes, or quantities as a Split has them.
    context : Context
        One in which no sample affects another, as in evaluation.
    task : Task
        Softmax cross-entropy of classes, or half the squared error of quantities.

    Returns
    -------
    LinearOperator
        Symmetric, (P, P), float64.
    """
    theta = parameters.astype(np.float64)
    chunks = _chunks(len(y), network)
    samples = [(X[part].astype(np.complex128), y[part].ravel()) for part in chunks]
    gradient = np.zeros(theta.size, np.complex128)
    grads = network.views(gradient)

    def product(v: Array) -> Array:
        params = network.views(theta + STEP * 1j * v.ravel())
        total = np.zeros(theta.size)
        for x, labels in samples:
            logits, pullback = network.forward(params, x, context)
            loss = task.bind(logits)
            loss.gradient(labels)
            pullback.to_parameters(loss.dy, grads)
            total += gradient.imag * (len(labels) / y.size)
        return total / STEP

    return _symmetric(theta.size, product)


def gauss_newton(
    network: Network,
    parameters: Array,
    X: Array,
    y: Targets,
    context: Context = EVALUATION,
    task: Task = CLASSIFICATION,
) -> LinearOperator:
    """Return the Gauss–Newton matrix Jᵀ A J of the mean training loss.

    J is the derivative of the outputs with respect to the parameters, A that of the loss's gradient
    with respect to the outputs, row by row: (diag p − p pᵀ) / N of softmax cross-entropy,
    1 / N of half the squared error. Neither depends on the targets; the matrix is also the Fisher
    information matrix. J v is a complex step, Jᵀ the network's pullback.

    Parameters
    ----------
    network, parameters, X, y, context, task
        As for ``hessian``.

    Returns
    -------
    LinearOperator
        Symmetric and positive semidefinite, (P, P), float64.
    """
    theta = parameters.astype(np.float64)

    def passes() -> Iterator[tuple[Array, Callable[[Array], Array], Backward]]:
        for part in _chunks(len(y), network):
            x = X[part].astype(np.float64)
            logits, pullback = network.forward(network.views(theta), x, context)
            yield x.astype(np.complex128), task.curvature(logits), pullback

    held = list(passes()) if _activations(network, len(y)) <= HELD else None
    gradient = np.zeros(theta.size)
    grads = network.views(gradient)

    def product(v: Array) -> Array:
        params = network.views(theta + STEP * 1j * v.ravel())
        total = np.zeros(theta.size)
        for x, A, pullback in passes() if held is None else held:
            logits, _ = network.forward(params, x, context)
            pullback.to_parameters(A(logits.imag / STEP) / y.size, grads)
            total += gradient
        return total

    return _symmetric(theta.size, product)


def weight_space(network: Network) -> Array:
    """Return D, (P,): 1/‖∂W/∂θ‖ for every weight, 1/√B for an entry of a circulant block, else 1.

    In the coordinates θ' = ‖∂W/∂θ‖ θ, a step moves W as far as in a dense layer. With θ = D θ', a
    matrix H of second derivatives becomes D H D.
    """
    scale = np.ones(network.n_parameters)
    for layer, params in zip(network.layers, network.views(scale), strict=True):
        for name, gain in _gains(layer).items():
            params[name] /= np.sqrt(gain)
    return scale


def _gains(layer: Layer) -> dict[str, float]:
    return layer.inner.weight_gain() if isinstance(layer, WeightLayer) else {}


def logit_shift(network: Network) -> Array:
    """Return the direction, (1, P), that adds the same number to all logits of all samples.

    A softmax does not depend on it, so it is a null vector of both matrices of a cross-entropy. The
    smallest eigenvalue of the Gauss–Newton matrix, which has no negative one, is therefore 0.

    There is no such direction, (0, P), where something comes after the last weight layer that an
    equal shift of all its outputs need not pass unchanged, such as a normalisation.
    """
    direction = np.zeros((1, network.n_parameters))
    last = network.weight_layers[-1].position
    if not all(isinstance(layer, PASS_SHIFTS) for layer in network.layers[last + 1 :]):
        return direction[:0]
    bias = network.views(direction[0])[last]["bias"]
    bias += 1.0 / np.sqrt(bias.size)
    return direction


def rescaled(operator: LinearOperator, scale: Array) -> LinearOperator:
    """Return D · operator · D for the diagonal D of ``scale`` (P,)."""
    return _symmetric(scale.size, lambda v: scale * operator.matvec(scale * v.ravel()))


def _symmetric(size: int, product: Callable[[Array], Array]) -> Any:
    return LinearOperator((size, size), matvec=product, rmatvec=product, dtype=np.float64)


def _activations(network: Network, N: int) -> int:
    """Return roughly how many numbers the passes of N samples keep for their pullbacks."""
    rows = network.rows_per_sample
    scores = sum(layer.heads * rows for layer in network.layers if isinstance(layer, Attend))
    return N * rows * (scores + sum(layer.n_in + layer.n_out for layer in network.layers))


def _chunks(N: int, network: Network) -> Iterator[slice]:
    rows = network.rows_per_sample
    size = CHUNK if rows == 1 else max(1, CHUNK_OF_ROWS // rows)
    return (slice(start, start + size) for start in range(0, N, size))
