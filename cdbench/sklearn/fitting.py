"""Epochs of an estimator's training: its penalty, its progress, and when it ends."""

import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from cdbench.engine.network import Network
from cdbench.engine.optimizers import Adam, Optimizer
from cdbench.engine.products.base import Array
from cdbench.engine.schedules import Scheduled, decayed
from cdbench.engine.trainer import Trainer

Score = Callable[[], float]
"""Scores the parameters as they are on the samples held out."""


class Penalised:
    """An optimiser whose gradients have that of the penalty ½ strength ‖θ‖² added.

    Parameters
    ----------
    optimizer : Optimizer or Scheduled
        What does the steps.
    network : Network
        Whose layers' weights have the penalty, but not their biases.
    parameters : (n_parameters,) float
        Which the steps change.
    strength : float
        Its weight in the mean loss of a batch.
    """

    def __init__(
        self, optimizer: Any, network: Network, parameters: Array, strength: float
    ) -> None:
        self._optimizer, self._parameters = optimizer, parameters
        strengths = strength * decayed(network, str(parameters.dtype))
        self._strengths = strengths.astype(parameters.dtype, copy=False)
        self._work = np.empty_like(parameters)

    def step(self, gradient: Array) -> None:
        """Add the penalty's gradient and do the step; ``gradient`` is overwritten."""
        np.multiply(self._strengths, self._parameters, out=self._work)
        gradient += self._work
        self._optimizer.step(gradient)


def set_moments(optimizer: Optimizer | Scheduled, decay: float, epsilon: float) -> None:
    """Set β₂ and ε of Adam and AdamW; others have none."""
    inner = optimizer.optimizer if isinstance(optimizer, Scheduled) else optimizer
    if isinstance(inner, Adam):
        inner.second_moment_decay, inner.epsilon = float(decay), float(epsilon)


class Progress:
    """Trains an estimator epoch by epoch, and notes on it what came of each.

    Parameters
    ----------
    estimator : CDClassifier or CDRegressor
        Gets ``loss_curve_`` and what goes with it.
    trainer : Trainer
        Does the steps.
    order : Generator
        Of the samples.
    score : callable, optional
        With early stopping.
    """

    def __init__(
        self,
        estimator: Any,
        trainer: Trainer,
        order: np.random.Generator,
        score: Score | None = None,
    ) -> None:
        self._own, self._trainer, self._order, self._score = estimator, trainer, order, score
        self._best = trainer.parameters.copy()
        self._waited = 0
        n, size = trainer.n_train, trainer.config.batch_size
        self._sizes = np.full(trainer.n_steps, size)
        self._sizes[-1] = n - size * (trainer.n_steps - 1)

    def train(self, n_epochs: int) -> None:
        """Train until there is no more improvement, or so many epochs are over, which warns.

        Raises
        ------
        ValueError
            If the loss or the parameters stop being finite.
        """
        own = self._own
        for _ in range(n_epochs):
            self.epoch()
            if self._waited > own.n_iter_no_change:
                break
        else:
            warnings.warn(
                f"Maximum iterations ({n_epochs}) reached and the optimization hasn't converged "
                "yet; expected a larger max_iter, or a larger tol.",
                ConvergenceWarning,
                stacklevel=2,
            )
        if self._score is not None:
            self._trainer.parameters[:] = self._best

    def epoch(self) -> None:
        """Train an epoch, and note its loss and score."""
        own, trainer = self._own, self._trainer
        n = trainer.n_train
        # Overflow is reported below, not as a warning.
        with np.errstate(all="ignore"):
            for number, batch in enumerate(trainer.batches(self._permutation(n)), 1):
                trainer.step(number, batch)
            losses, finite = trainer.losses(1, trainer.n_steps)
        own.n_iter_ += 1
        own.t_ += n
        if not (finite.all() and np.isfinite(trainer.parameters).all()):
            raise ValueError(
                f"the training loss stopped being finite in epoch {own.n_iter_}; expected a "
                "smaller learning_rate_init, or features of a smaller scale, as after "
                "StandardScaler"
            )
        own.loss_ = float(np.average(losses, weights=self._sizes))
        own.loss_curve_.append(own.loss_)
        self._say(f"Iteration {own.n_iter_}, loss = {own.loss_:.8f}")
        self._note_score() if self._score else self._note_loss()

    def _permutation(self, n: int) -> NDArray[np.int64]:
        return self._order.permutation(n) if self._own.shuffle else np.arange(n)

    def _note_loss(self) -> None:
        own = self._own
        if own.best_loss_ is None:  # the epochs before had early stopping
            own.best_loss_ = np.inf
        self._waited = self._waited + 1 if own.loss_ > own.best_loss_ - own.tol else 0
        own.best_loss_ = min(own.best_loss_, own.loss_)

    def _note_score(self) -> None:
        own = self._own
        assert self._score is not None
        score = self._score()
        best = own.best_validation_score_
        self._waited = self._waited + 1 if score < best + own.tol else 0
        own.validation_scores_.append(score)
        self._say(f"Validation score: {score:f}")
        if score > best:
            own.best_validation_score_ = score
            self._best[:] = self._trainer.parameters

    def _say(self, text: str) -> None:
        if self._own.verbose:
            sys.stdout.write(f"{text}\n")
