"""The loss that is trained on."""

import numpy as np
from numpy.typing import NDArray

from cdbench.products.base import FRESH, Allocate, Array

LOG_FLOOR = 1e-12
"""Added to a probability before its logarithm, as in the paper's released code."""


def softmax(logits: Array, allocate: Allocate = FRESH) -> Array:
    """Return each row's probabilities, (N, n_classes); analytic at complex logits.

    Memory holds them by columns: sums over the few classes are then sums of long vectors.
    """
    N, n_classes = logits.shape
    p = allocate.kept((n_classes, N), logits.dtype)
    p[...] = logits.T
    p -= np.maximum.reduce(p.real)
    np.exp(p, out=p)
    p /= np.add.reduce(p)
    return p.T


def softmax_gradient(
    logits: Array, labels: NDArray[np.int64], allocate: Allocate = FRESH
) -> tuple[Array, Array]:
    """Return the probability given to each true class, and the mean cross-entropy's gradient.

    Parameters
    ----------
    logits : (N, n_classes) float or complex
        Scores; complex ones give the gradient's analytic continuation.
    labels : (N,) int
        The true classes, 0 to n_classes - 1.
    allocate : Allocate
        Where arrays come from.

    Returns
    -------
    p_true : (N,) as logits
        What ``cross_entropy`` takes.
    gradient : (N, n_classes) as logits
        ``(p - onehot) / N``: the gradient without the 1e-12, as in the paper's released code.
    """
    p = softmax(logits, allocate)
    N = len(labels)
    entries = p.T.reshape(-1)  # a view: memory holds p by columns
    places = labels * N
    places += np.arange(N)
    p_true = entries[places]
    entries[places] = p_true - 1.0
    entries *= 1.0 / N
    return p_true, p


def cross_entropy(p_true: Array) -> Array:
    """Return -log(p + 1e-12), in nats, of probabilities of true classes; of complex ones' real."""
    losses: Array = np.log(p_true.real + LOG_FLOOR)
    return np.negative(losses, out=losses)


def softmax_cross_entropy(logits: Array, labels: NDArray[np.int64]) -> tuple[float, Array]:
    """Return the mean cross-entropy of softmax(logits) over the samples, and its gradient.

    As ``softmax_gradient`` and ``cross_entropy``; natural logarithm.
    """
    p_true, gradient = softmax_gradient(logits, labels)
    return float(cross_entropy(p_true).mean()), gradient
