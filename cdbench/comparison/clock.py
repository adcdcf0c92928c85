"""How long a comparison will take, from a few timed steps; and how long a prediction takes."""

import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import numpy as np

from cdbench.config.run_config import RunConfig
from cdbench.datasets import load_dataset
from cdbench.engine.building import build_network
from cdbench.engine.network import Network
from cdbench.engine.split import Split
from cdbench.engine.trainer import Trainer
from cdbench.system.blas import blas_limited

STEPS, ROUNDS = 5, 5
"""Steps that are timed of a model, and rounds of which the median counts in a prediction."""

OTHER_SHARE = 0.3
"""What evaluation, spectra and storing add to the time of the steps, as a share of it."""

AT_A_TIME = 256
"""Samples in a batch of a prediction."""


def seconds_per_run(config: RunConfig, split: Split) -> float:
    """Return roughly how long a training takes, in seconds, from a few of its steps."""
    size = min(config.batch_size, len(split.y_train))
    feasible = replace(config, batch_size=size)
    network = _network(feasible)
    with blas_limited(1), np.errstate(all="ignore"):
        parameters = network.initial_parameters(np.random.default_rng(0), config.dtype)
        trainer = Trainer(network, parameters, split, feasible)
        batch = np.arange(size)
        trainer.step(1, batch)
        step = _median_seconds(lambda: trainer.step(1, batch), STEPS)
    return step * trainer.n_steps * config.epochs * (1 + OTHER_SHARE)


def prediction_microseconds(config: RunConfig, split: Split) -> float:
    """Return how long predicting one sample of the test split takes, in microseconds."""
    network = _network(config)
    parameters = network.initial_parameters(np.random.default_rng(0), config.dtype)
    X = split.X_test[:AT_A_TIME]
    with blas_limited(1):
        x = network.prepare(X)
        context = network.evaluation(network.views(parameters), split.X_train)
        bound = network.bind(network.views(parameters), x, context, prepared=True)
        bound.run()
        seconds = _median_seconds(bound.run, ROUNDS)
    return 1e6 * seconds / len(X)


def _network(config: RunConfig) -> Network:
    data = load_dataset(config)
    return build_network(config, data.n_features, data.n_outputs, data.image)


def _median_seconds(call: Callable[[], object], rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return median(taken)
