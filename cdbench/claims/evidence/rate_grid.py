"""The grid of learning rates of the claim on training speed, and each model's own best of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cdbench.claims.base import paper_models
from cdbench.config.run_config import RunConfig
from cdbench.store.audit_queries import AuditedRun

RAW, WEIGHT_SPACE = "raw", "weight-space"
RATES = {RAW: (0.0125, 0.025, 0.05, 0.1, 0.2), WEIGHT_SPACE: (0.05, 0.1, 0.2, 0.4, 0.8)}
"""Learning rates by scaling; dense layers, whose c is W, take those of weight space."""

DENSE, B4, B8 = "dense", "cdlinear B=4", "cdlinear B=8"
BLOCK_SIZES = {DENSE: 1, B4: 4, B8: 8}


@dataclass(frozen=True)
class Setting:
    """A model with a learning rate; its text is the subject of its runs.

    ``scaling`` is RAW or WEIGHT_SPACE, which are one for dense layers: there it is RAW.
    """

    model: str
    scaling: str
    rate: float

    def __str__(self) -> str:
        return f"{self.model}, {self.scaling} {self.rate:g}"

    @property
    def step(self) -> float:
        """How far it moves W, as the rate that moves a dense layer as far."""
        return self.rate * BLOCK_SIZES[self.model] if self.scaling == RAW else self.rate


Runs = Mapping[Setting, Mapping[int, AuditedRun]]
"""Runs by setting and seed."""
Epochs = Mapping[Setting, Mapping[int, int]]
"""Epochs to a target, by setting and seed."""
Costs = Mapping[Setting, Mapping[int, float]]
"""What is to be small, such as those epochs, by setting and seed."""


def grid(seeds: Sequence[int]) -> dict[Setting, list[RunConfig]]:
    """Return the configurations of every setting, seed by seed; slow rates first."""
    settings = [Setting(DENSE, RAW, rate) for rate in RATES[WEIGHT_SPACE]] + [
        Setting(model, scaling, rate)
        for model in (B4, B8)
        for scaling, rates in RATES.items()
        for rate in rates
    ]
    models = paper_models(seeds)
    return {
        setting: [
            replace(config, learning_rate=setting.rate, learning_rate_scaling=setting.scaling)
            for config in models[setting.model]
        ]
        for setting in settings
    }


def first_epoch(run: AuditedRun, target: float) -> int:
    """Return the first epoch with that test accuracy; one more than the last if there is none."""
    for metrics in run.epochs:
        if metrics.accuracy >= target:
            return metrics.epoch
    return run.config.epochs + 1


def errors_of(runs: Runs) -> dict[Setting, dict[int, float]]:
    """Return the test errors, shares, by setting and seed."""
    return {
        setting: {seed: 1 - run.test_accuracy for seed, run in own.items()}
        for setting, own in runs.items()
    }


def own_best(costs: Costs, seeds: Sequence[int]) -> dict[str, dict[int, Setting]]:
    """Return each model's own best setting for each seed, chosen without looking at the seed.

    It is the one of the least cost, such as the fewest epochs, in the mean, over the half of the
    seeds, every second one, that the seed is not in.
    """
    chosen: dict[str, dict[int, Setting]] = {}
    halves = (seeds[::2], seeds[1::2])
    for own, other in (halves, halves[::-1]):
        means = {
            setting: float(np.mean([by_seed[seed] for seed in other]))
            for setting, by_seed in costs.items()
        }
        for model in dict.fromkeys(setting.model for setting in costs):
            candidates = [setting for setting in costs if setting.model == model]
            best = min(candidates, key=means.__getitem__)
            chosen.setdefault(model, {}).update(dict.fromkeys(own, best))
    return chosen
