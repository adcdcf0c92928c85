"""What a network is trained for: the loss, the score and the curvature in the outputs.

``TASKS`` holds the tasks by the name that a configuration's ``task`` has.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cdbench.engine.losses import Loss, Softmax, SquaredError, cross_entropy, softmax
from cdbench.engine.products.base import FRESH, Allocate, Array

Targets = NDArray[Any]
"""Classes (N,) int64, or quantities (N,), or (N, n_outputs) of several, in the run's dtype, of the
training split's deviation; of a text, symbols. Where a sample has several, they are side by side,
one for each output row."""


class Score(NamedTuple):
    """Mean loss on some samples, and accuracy, 0 to 1, or R², at most 1.

    The loss is the cross-entropy in nats, or the squared error in the target's own unit squared.
    """

    loss: float
    accuracy: float | None
    r2: float | None


class Task(ABC):
    """One kind of target."""

    is_shift_free: ClassVar[bool]
    """Whether adding one number to all outputs changes no loss."""

    @abstractmethod
    def bind(self, outputs: Array, allocate: Allocate = FRESH) -> Loss:
        """Return the training loss of outputs (N, n_outputs)."""

    @abstractmethod
    def losses(self, true: Array) -> Array:
        """Return each sample's reported loss from what ``Loss.true`` gives, of any shape."""

    @abstractmethod
    def tally(self, loss: Loss, targets: Targets) -> tuple[Any, Any]:
        """Return the sum of the reported losses and how many classes are right; sums of chunks.

        Of a stack, each is an array (S,).
        """

    @abstractmethod
    def score(self, total: float, n_right: int, targets: Targets, unit: float) -> Score:
        """Return the score of all samples from the sums of ``tally`` and their targets.

        ``unit`` is what a loss of 1 is in the unit in which it is told, ``Split.unit``.
        """

    @abstractmethod
    def curvature(self, outputs: Array) -> Callable[[Array], Array]:
        """Return the map by A, row by row, of vectors (N, n_outputs).

        A is the second derivative of one row's training loss in the outputs (N, n_outputs).
        """

    @abstractmethod
    def root(self, outputs: Array) -> Array:
        """Return S (n_outputs, n_outputs), A = Sᵀ S, of one row of outputs, (1, n_outputs)."""


class Classification(Task):
    """Classes, with the mean softmax cross-entropy.

    Parameters
    ----------
    smoothing : float
        Label smoothing ε of the training loss; what is told is the plain cross-entropy.
    """

    is_shift_free = True

    def __init__(self, smoothing: float = 0.0) -> None:
        self.smoothing = smoothing

    def bind(self, outputs: Array, allocate: Allocate = FRESH) -> Loss:
        """Return the softmax cross-entropy of logits (N, n_classes)."""
        return Softmax(outputs, allocate, self.smoothing)

    def losses(self, true: Array) -> Array:
        """Return the cross-entropies, in nats."""
        return cross_entropy(true)

    def tally(self, loss: Loss, targets: Targets) -> tuple[Any, Any]:
        """Return the sum of cross-entropies and the number of samples classified correctly."""
        loss.run()
        total = cross_entropy(loss.true(targets)).sum(axis=-1).astype(np.float64)
        return total, np.count_nonzero(loss.outputs.argmax(axis=-1) == targets, axis=-1)

    def score(self, total: float, n_right: int, targets: Targets, unit: float) -> Score:
        """Return mean cross-entropy and accuracy."""
        del unit  # nats are nats
        return Score(total / targets.size, n_right / targets.size, None)

    def curvature(self, outputs: Array) -> Callable[[Array], Array]:
        """Return the map by diag p − p pᵀ."""
        p, top = softmax(outputs), outputs.argmax(axis=1)[:, None]

        def mapped(v: Array) -> Array:
            # The matrix ignores this shift; without it, cancellation is total where p is nearly 1.
            p_v = p * (v - np.take_along_axis(v, top, axis=1))
            image: Array = p_v - p * p_v.sum(axis=1, keepdims=True)
            return image

        return mapped

    def root(self, outputs: Array) -> Array:
        """Return the rows √p_k (e_k − p)."""
        p = softmax(outputs)[0]
        root = np.sqrt(p)
        S: Array = np.diag(root) - np.outer(root, p)
        return S


class Language(Classification):
    """The next symbol after each of a sample's, (N, context), which the outputs hold row by row.

    The loss is the mean cross-entropy in nats, the accuracy the share of symbols foretold.
    """


class Regression(Task):
    """Quantities, with half the mean squared error of what the training split standardises.

    Told is the squared error without the half; of several quantities, its mean over them.
    """

    is_shift_free = False

    def bind(self, outputs: Array, allocate: Allocate = FRESH) -> Loss:
        """Return half the squared error of outputs (N, n_outputs)."""
        return SquaredError(outputs, allocate)

    def losses(self, true: Array) -> Array:
        """Return the squares of residuals."""
        squares: Array = np.square(true)
        return squares

    def tally(self, loss: Loss, targets: Targets) -> tuple[float, int]:
        """Return the sum of squared residuals; nothing is right or wrong."""
        loss.run()
        return float(self.losses(loss.true(targets)).sum()), 0

    def score(self, total: float, n_right: int, targets: Targets, unit: float) -> Score:
        """Return the mean squared error and R² = 1 − Σ(y − ŷ)² / Σ(y − ȳ)², ȳ of these samples.

        Of several quantities the sums are over all of them, each with its own ȳ.
        """
        del n_right
        y = targets.astype(np.float64)
        spread = float(np.sum((y - y.mean(axis=0)) ** 2))
        return Score(unit * total / y.size, None, 1.0 - total / spread)

    def curvature(self, outputs: Array) -> Callable[[Array], Array]:
        """Return the identity."""
        del outputs
        return lambda v: v

    def root(self, outputs: Array) -> Array:
        """Return the identity, (n_outputs, n_outputs)."""
        return np.eye(outputs.shape[1])


TASKS: dict[str, Task] = {
    "classification": Classification(),
    "regression": Regression(),
    "language": Language(),
}
CLASSIFICATION = TASKS["classification"]


def task_of(name: str, smoothing: float = 0.0) -> Task:
    """Return the task of this name, its training loss with label smoothing where it has classes."""
    task = TASKS[name]
    return type(task)(smoothing) if isinstance(task, Classification) and smoothing else task
