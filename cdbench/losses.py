"""The loss that is trained on."""

import numpy as np
from numpy.typing import NDArray

from cdbench.products.base import Array

LOG_FLOOR = 1e-12
"""Added to a probability before its logarithm, as in the paper's released code."""


def softmax(logits: Array) -> Array:
    """Return each row's probabilities, (N, n_classes); analytic at complex logits."""
    p: Array = np.exp(logits - logits.real.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return p


def softmax_cross_entropy(logits: Array, labels: NDArray[np.int64]) -> tuple[float, Array]:
    """Return the mean cross-entropy of softmax(logits), and its gradient.

    Parameters
    ----------
    logits : (N, n_classes) float or complex
        Scores; complex ones give the gradient's analytic continuation and the real parts' loss.
    labels : (N,) int
        The true classes, 0 to n_classes - 1.

    Returns
    -------
    loss : float
        Mean over the samples of -log(p + 1e-12), natural logarithm, p the probability given to
        the true class.
    gradient : (N, n_classes) as logits
        ``(p - onehot) / N``: the gradient without the 1e-12, as in the paper's released code.
    """
    rows = np.arange(len(labels))
    p = softmax(logits)
    loss = -float(np.log(p.real[rows, labels] + LOG_FLOOR).mean())
    p[rows, labels] -= 1.0
    p /= len(labels)
    return loss, p
