"""What is done around an optimiser's steps: schedules of its rate, clipping, what decays."""

import math

import numpy as np

from cdbench.config.run_config import RunConfig
from cdbench.engine.layers import WeightLayer
from cdbench.engine.network import Network
from cdbench.engine.optimizers import OPTIMIZERS, AdamW, Optimizer
from cdbench.engine.products.base import Array


def rate_factor(step: int, n_steps: int, schedule: str = "constant", warmup: float = 0.0) -> float:
    """Return what the learning rate is multiplied by in a step.

    In the first w steps, ``warmup`` of all, it grows linearly, step / w, up to 1. After them
    "constant" stays at 1; "cosine" (Loshchilov and Hutter 2017, without restarts) begins at 1 and
    falls as ½ (1 + cos π t) with the share t of the steps left that are done, so that only a step
    after the last would have the rate 0.

    Parameters
    ----------
    step : int
        From 1 to n_steps.
    n_steps : int
        Number of steps of the whole run.
    schedule : str
        "constant" or "cosine".
    warmup : float
        0 to 1.
    """
    n_warming = round(warmup * n_steps)
    if step <= n_warming:
        return step / n_warming
    if schedule == "constant":
        return 1.0
    return 0.5 * (1.0 + math.cos(math.pi * (step - 1 - n_warming) / (n_steps - n_warming)))


def clip(gradient: Array, longest: float) -> None:
    """Shorten the whole gradient (n_parameters,) in place to this norm, if it is longer."""
    norm = float(np.sqrt(np.dot(gradient, gradient)))
    if norm > longest:
        gradient *= longest / norm


def decayed(network: Network, dtype: str) -> Array:
    """Return 1 for each parameter that weight decay acts on, (n_parameters,), and 0 for the others.

    The weights of weight layers decay. As is usual, biases, a normalisation's gain and shift,
    positions and embeddings do not: none of them is a factor in a product of many terms.
    """
    found = np.zeros(network.n_parameters, dtype)
    for layer, own in zip(network.layers, network.views(found), strict=True):
        for name, values in own.items() if isinstance(layer, WeightLayer) else ():
            values[...] = float(name != "bias")
    return found


class Scheduled:
    """An optimiser whose learning rate has a schedule, or whose gradients are clipped.

    Parameters
    ----------
    optimizer : Optimizer
        What does the steps; its learning rate is the highest.
    n_steps : int
        Number of steps of the whole run.
    schedule, warmup
        As for ``rate_factor``.
    longest : float, optional
        The largest norm of the gradient.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        n_steps: int,
        schedule: str = "constant",
        warmup: float = 0.0,
        longest: float | None = None,
    ) -> None:
        self.optimizer, self.highest = optimizer, optimizer.learning_rate
        self._n_steps, self._schedule, self._warmup = n_steps, schedule, warmup
        self._longest, self._step = longest, 0

    def step(self, gradient: Array) -> None:
        """Clip, set the rate and update the parameters; the gradient may be overwritten."""
        self._step += 1
        if self._longest is not None:
            clip(gradient, self._longest)
        factor = rate_factor(self._step, self._n_steps, self._schedule, self._warmup)
        self.optimizer.learning_rate = self.highest * factor
        self.optimizer.step(gradient)


def optimizer_of(
    network: Network, parameters: Array, rates: float | Array, config: RunConfig, n_steps: int
) -> Optimizer | Scheduled:
    """Return what does a run's steps; without schedule and clipping, the optimiser itself.

    Parameters
    ----------
    network : Network
        The network.
    parameters : (n_parameters,) float
        Its parameters, which the steps change.
    rates : float or (n_parameters,) float
        The highest learning rate.
    config : RunConfig
        The run.
    n_steps : int
        Steps of an epoch.
    """
    kind = OPTIMIZERS[config.optimizer]
    if issubclass(kind, AdamW):
        assert config.weight_decay is not None
        decays = decayed(network, config.dtype)
        own: Optimizer = kind(parameters, rates, config.momentum, config.weight_decay, decays)
    else:
        own = kind(parameters, rates, config.momentum)
    if config.schedule == "constant" and config.warmup == 0 and config.clip is None:
        return own
    total = config.epochs * n_steps
    return Scheduled(own, total, config.schedule, config.warmup, config.clip)
