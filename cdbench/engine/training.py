"""Training: a generator that yields the results of each epoch."""

import math
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from cdbench.config.run_config import RunConfig
from cdbench.engine.network import Network
from cdbench.engine.products.base import Array
from cdbench.engine.split import Split
from cdbench.engine.step_sizes import sample_order
from cdbench.engine.trainer import Trainer
from cdbench.errors import DivergenceError
from cdbench.records.run import EpochMetrics, LayerGain

OnBatch = Callable[[int, int, Array], None]
"""``(epoch, step, x)``: gets each mini-batch's inputs (n, n_features) before its update."""


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
    order = sample_order(config)
    trainer = Trainer(network, parameters, split, config, gains)
    lowest, at = math.inf, 0
    for epoch in range(1, config.epochs + 1):
        began = time.perf_counter()
        permutation = order.permutation(len(split.y_train))
        # Overflow is reported as a divergence with epoch and step, not as a warning.
        with np.errstate(all="ignore"):
            for number, batch in enumerate(trainer.batches(permutation), 1):
                if on_batch is not None:
                    paused = time.perf_counter()
                    if number > 1:
                        trainer.check(epoch, number - 1, number - 1)
                    on_batch(epoch, number, split.X_train[batch])
                    began += time.perf_counter() - paused
                trainer.step(number, batch)
            losses = trainer.check(epoch, 1, trainer.n_steps)
            duration_s = time.perf_counter() - began
            test, held_out = trainer.evaluate()
        if not np.isfinite([score.loss for score in (test, held_out) if score]).all():
            raise DivergenceError(epoch, trainer.n_steps)
        loss = split.unit * float(np.mean(losses, dtype=np.float64))
        yield EpochMetrics(
            epoch,
            loss,
            test.loss,
            test.accuracy,
            duration_s,
            validation_loss=held_out.loss if held_out else None,
            validation_accuracy=held_out.accuracy if held_out else None,
            test_r2=test.r2,
        )
        if held_out and held_out.loss < lowest:
            lowest, at = held_out.loss, epoch
        if config.early_stopping is not None and epoch - at >= config.early_stopping:
            return
