"""Training: a generator that yields the results of each epoch."""

import math
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from cdbench.config.run_config import RunConfig
from cdbench.engine.network import Network
from cdbench.engine.products.base import Array
from cdbench.engine.split import Split
from cdbench.engine.step_sizes import learning_rates, measured_gains, sample_order
from cdbench.engine.tasks import Score
from cdbench.engine.trainer import Trainer
from cdbench.errors import DivergenceError
from cdbench.records.run import EpochMetrics, LayerGain

OnBatch = Callable[[int, int, Array], None]
"""``(epoch, step, x)``: gets each mini-batch's inputs (n, n_features) before its update."""

Outcome = EpochMetrics | DivergenceError
"""What came of an epoch of a network."""


def train(
    network: Network,
    parameters: Array,
    split: Split,
    config: RunConfig,
    on_batch: OnBatch | None = None,
    gains: Sequence[LayerGain] | None = None,
) -> Iterator[EpochMetrics]:
    """Train ``parameters`` in place, and yield each epoch's metrics as it ends (Sec. VI.1).

    The order of samples comes from a new generator with the run's seed: one permutation per epoch.
    With early stopping, the last epoch is the first that is so many after the lowest validation
    loss; its parameters are kept, not those of the lowest.

    Parameters
    ----------
    network : Network
        Built for the split's features, and its classes or one quantity.
    parameters : (n_parameters,) float
        The initial parameters; they hold the trained ones after the last epoch.
    split : Split
        The data, in the run's dtype.
    config : RunConfig
        The run.
    on_batch : callable, optional
        Called with epoch and step, both from 1, and the inputs of each mini-batch, just before the
        batch updates ``parameters``. No duration includes its time.
    gains : sequence of LayerGain, optional
        What ``measured_gains`` returns for these parameters; by default they are measured here.

    Yields
    ------
    EpochMetrics
        Those of each epoch in turn.

    Raises
    ------
    DivergenceError
        If a batch's loss, or that of the test or validation samples, is not finite.
    """
    if gains is None:
        gains = measured_gains(network, parameters, split, config)
    trainer = Trainer(network, parameters, split, config, learning_rates(network, config, gains))
    every = epochs(trainer, [sample_order(config)], on_batch)
    yield from until_over((own for (own,) in every), config)


def epochs(
    trainer: Trainer, orders: Sequence[np.random.Generator], on_batch: OnBatch | None = None
) -> Iterator[list[Outcome]]:
    """Train an epoch, and yield what came of it in each network, again and again.

    A network that diverged is trained on with the others; its outcomes mean nothing after that.
    An epoch's duration is the whole stack's by the number of networks.

    Parameters
    ----------
    trainer : Trainer
        Of one network, or of a stack.
    orders : sequence of Generator
        The order of samples, for each network.
    on_batch : callable, optional
        As for ``train``; not for a stack.
    """
    split, shape = trainer.split, (*trainer.lead, trainer.n_train)
    for epoch in range(1, trainer.config.epochs + 1):
        began = time.perf_counter()
        permutations = [order.permutation(trainer.n_train) for order in orders]
        # Overflow is reported as a divergence with epoch and step, not as a warning.
        with np.errstate(all="ignore"):
            for number, batch in enumerate(
                trainer.batches(np.concatenate(permutations).reshape(shape)), 1
            ):
                if on_batch is not None:
                    paused = time.perf_counter()
                    if number > 1 and not trainer.losses(number - 1, number - 1)[1].all():
                        break
                    on_batch(epoch, number, split.X_train[batch])
                    began += time.perf_counter() - paused
                trainer.step(number, batch)
            losses, finite = trainer.losses(1, number)
            duration_s = (time.perf_counter() - began) / len(orders)
            scores = trainer.evaluate()
        yield [
            _outcome(epoch, losses[:, *own], finite[:, *own], score, split.unit, duration_s)
            for own, score in zip(np.ndindex(trainer.lead), scores, strict=True)
        ]


def _outcome(
    epoch: int,
    losses: Array,
    finite: NDArray[np.bool],
    scores: tuple[Score, Score | None],
    unit: float,
    duration_s: float,
) -> Outcome:
    """Return what came of a network's epoch, from its steps' losses and its scores."""
    test, held_out = scores
    if not finite.all():
        return DivergenceError(epoch, 1 + int(finite.argmin()))
    if not np.isfinite([score.loss for score in (test, held_out) if score]).all():
        return DivergenceError(epoch, len(losses))
    return EpochMetrics(
        epoch,
        unit * float(np.mean(losses, dtype=np.float64)),
        test.loss,
        test.accuracy,
        duration_s,
        validation_loss=held_out.loss if held_out else None,
        validation_accuracy=held_out.accuracy if held_out else None,
        test_r2=test.r2,
    )


def until_over(outcomes: Iterator[Outcome], config: RunConfig) -> Iterator[EpochMetrics]:
    """Yield a network's metrics until its training is over, early or not.

    Raises
    ------
    DivergenceError
        If that is what came of an epoch.
    """
    lowest, at = math.inf, 0
    for outcome in outcomes:
        if isinstance(outcome, DivergenceError):
            raise outcome
        yield outcome
        held_out, epoch = outcome.validation_loss, outcome.epoch
        if held_out is not None and held_out < lowest:
            lowest, at = held_out, epoch
        if config.early_stopping is not None and epoch - at >= config.early_stopping:
            return
