"""How many samples a training evaluates at a time."""

import numpy as np
import pytest

from cdbench.config.run_config import RunConfig
from cdbench.datasets import DATASETS
from cdbench.engine.building import build_network
from cdbench.engine.trainer import Trainer

ACTIVATIONS = 65_536
"""Of the widest layer: half a mebibyte in float64."""


def n_evaluated(hidden, batch_size):
    config = RunConfig(dataset="iris", hidden=hidden, B=2, batch_size=batch_size)
    data = DATASETS["iris"]()
    network = build_network(config, data.n_features, data.n_classes)
    flat = network.initial_parameters(np.random.default_rng(0))
    split = data.split(0, config.dtype, "standardize")
    return Trainer(network, flat, split, config).n_evaluated


@pytest.mark.parametrize("hidden", [(6,), (10, 300, 20), (1000,)], ids=str)
def test_as_many_samples_are_evaluated_at_a_time_as_fit_in_the_widest_layer(hidden):
    n = n_evaluated(hidden, 4)
    assert n * max(hidden) <= ACTIVATIONS < (n + 1) * max(hidden)


def test_no_fewer_samples_are_evaluated_than_trained_at_a_time():
    assert n_evaluated((1000,), 100) == 100
