"""The training losses: cross-entropy of classes, squared error of quantities."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdbench.engine.products.base import FRESH, Allocate, Array

LOG_FLOOR = 1e-12
"""Added to a probability before taking its logarithm, as in the paper's released code."""


class Loss(ABC):
    """A mean loss of a network's outputs (N, n_outputs), to be computed repeatedly.

    It is analytic in the outputs, which may be complex.

    Attributes
    ----------
    outputs : (N, n_outputs) float or complex
        What it is bound to, read by every computation.
    dy : (N, n_outputs) as outputs
        The gradient with respect to the outputs, after ``gradient``.
    """

    outputs: Array
    dy: Array

    @abstractmethod
    def run(self) -> Array:
        """Compute and return the predictions, (N, n_outputs)."""

    @abstractmethod
    def true(self, targets: NDArray[Any]) -> Array:
        """Return what each sample's loss is computed from, (N,), after a run."""

    @abstractmethod
    def gradient(self, targets: NDArray[Any], weights: Array | None = None) -> Array:
        """Run, write the mean loss's gradient into ``dy``, and return what ``true`` would.

        Parameters
        ----------
        targets : (N,), or (N, n_outputs) or as many in a row
            One of each sample, or of each output.
        weights : (N,) float, optional
            What each sample's loss is multiplied by in that mean, Σ w L / N; by default 1.
        """


class Softmax(Loss):
    """Softmax of logits (N, n_classes) in its own arrays, to be computed repeatedly.

    Probabilities are stored by columns, so that sums over the few classes are sums of long vectors.
    Everything is analytic for complex logits.

    Parameters
    ----------
    logits : (N, n_classes) float or complex
        Scores, read by every computation; or a stack of them, (S, N, n_classes), and so all else.
    allocate : Allocate
        Source of arrays.
    smoothing : float
        Label smoothing ε (Szegedy et al. 2016, Sec. 7), 0 to 1: the gradient is that of the
        cross-entropy with 1 − ε of the true class and ε spread evenly over all of them.

    Attributes
    ----------
    p, dy : (N, n_classes) as logits
        One array: probabilities after ``run``; the gradient after ``gradient``.
    """

    def __init__(self, logits: Array, allocate: Allocate = FRESH, smoothing: float = 0.0) -> None:
        *lead, N, n_classes = logits.shape
        self._certain, self._spread = 1.0 - smoothing, smoothing / n_classes
        self.outputs = logits
        self._N, self._logits = N, logits.mT
        self._columns = allocate.kept((*lead, n_classes, N), logits.dtype)
        self._sums = allocate.kept((*lead, N), logits.dtype)
        self._tops = self._sums.real
        self._row = self._sums[:, None] if lead else self._sums
        self._top = self._row.real
        self._places = np.arange(N)
        if lead:
            self._places = self._places + n_classes * N * np.arange(lead[0])[:, None]
        self._entries = self._columns.reshape(-1)
        self.p = self.dy = self._columns.mT

    def run(self) -> Array:
        """Compute and return each row's probabilities."""
        p, row = self._columns, self._row
        np.copyto(p, self._logits)
        np.maximum.reduce(p.real, axis=-2, out=self._tops)
        np.subtract(p, self._top, out=p)
        np.exp(p, out=p)
        np.add.reduce(p, axis=-2, out=self._sums)
        np.divide(p, row, out=p)
        return self.p

    def true(self, targets: NDArray[np.int64]) -> Array:
        """Return the probabilities of the true classes (N,) from the last run."""
        p_true: Array = self._entries[targets * self._N + self._places]
        return p_true

    def gradient(self, targets: NDArray[np.int64], weights: Array | None = None) -> Array:
        """Run, overwrite ``p`` with the mean cross-entropy's gradient, return the true classes' p.

        The gradient is ``(p - onehot) / N``, without the 1e-12, as in the paper's released code;
        with label smoothing, ``(p - (1 - ε) onehot - ε / n_classes) / N``.
        """
        self.run()
        places = targets * self._N
        places += self._places
        p_true: Array = self._entries[places]
        self._entries[places] = p_true - self._certain
        if self._spread:
            np.subtract(self._columns, self._spread, out=self._columns)
        np.multiply(self._columns, 1.0 / self._N, out=self._columns)
        if weights is not None:
            np.multiply(self._columns, weights, out=self._columns)
        return p_true


class SquaredError(Loss):
    """Half the squared error of one or several outputs, so that its second derivatives are 1.

    A sample's loss is the sum over its outputs.

    Parameters
    ----------
    outputs : (N, n_outputs) float or complex
        Predictions, read by every computation.
    allocate : Allocate
        Source of arrays.
    """

    def __init__(self, outputs: Array, allocate: Allocate = FRESH) -> None:
        self.outputs = outputs
        self.dy = allocate.kept(outputs.shape, outputs.dtype)

    def run(self) -> Array:
        """Return the outputs, which are the predictions."""
        return self.outputs

    def true(self, targets: NDArray[np.floating]) -> Array:
        """Return the residuals, prediction less target, (N · n_outputs,), sample by sample."""
        residuals: Array = self.outputs - targets.reshape(self.outputs.shape)
        return residuals.reshape(-1)

    def gradient(self, targets: NDArray[np.floating], weights: Array | None = None) -> Array:
        """Write residual / N into ``dy`` and return the residuals (N · n_outputs,)."""
        residuals = self.true(targets)
        np.multiply(residuals.reshape(self.dy.shape), 1.0 / len(self.dy), out=self.dy)
        if weights is not None:
            np.multiply(self.dy, weights[:, None], out=self.dy)
        return residuals


def softmax(logits: Array) -> Array:
    """Return each row's probabilities, (N, n_classes); analytic for complex logits."""
    return Softmax(logits).run()


def softmax_gradient(logits: Array, labels: NDArray[np.int64]) -> tuple[Array, Array]:
    """Return the true classes' probabilities and the mean cross-entropy's gradient.

    Parameters
    ----------
    logits : (N, n_classes) float or complex
        Scores; complex scores give the gradient's analytic continuation.
    labels : (N,) int
        The true classes, 0 to n_classes - 1.

    Returns
    -------
    p_true : (N,) as logits
        Probabilities of the true classes, the input of ``cross_entropy``.
    gradient : (N, n_classes) as logits
        ``(p - onehot) / N``.
    """
    computed = Softmax(logits)
    return computed.gradient(labels), computed.p


def cross_entropy(p_true: Array) -> Array:
    """Return -log(p + 1e-12), in nats, of the true classes' probabilities (their real parts)."""
    losses: Array = np.log(p_true.real + LOG_FLOOR)
    return np.negative(losses, out=losses)


def softmax_cross_entropy(logits: Array, labels: NDArray[np.int64]) -> tuple[float, Array]:
    """Return the mean cross-entropy of softmax(logits) over the samples, and its gradient.

    See ``softmax_gradient`` and ``cross_entropy``; natural logarithm.
    """
    p_true, gradient = softmax_gradient(logits, labels)
    return float(cross_entropy(p_true).mean()), gradient
