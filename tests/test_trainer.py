"""How many samples a training evaluates at a time."""

import numpy as np
import pytest

from cdbench.config.run_config import RunConfig
from cdbench.datasets import DATASETS
from cdbench.engine.bound_network import BoundNetwork
from cdbench.engine.building import build_network
from cdbench.engine.products.base import InTwoParts
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


@pytest.mark.parametrize("product", ["gather", "polygon", "fft"])
def test_an_evaluation_computes_what_is_of_parameters_once_for_each_size(product, monkeypatch):
    calls = []

    def counted(self):
        calls.append(self)
        self.of_parameters()
        self.of_inputs()

    monkeypatch.setattr(InTwoParts, "__call__", counted)
    config = RunConfig(hidden=(16, 8), B=4, product=product, batch_size=32, validation=0.1)
    data = DATASETS["digits"]()
    # A graph, whose passes do not go through the dense network with tied weights.
    network = build_network(config, data.n_features, data.n_classes)
    network.is_chain = False
    flat = network.initial_parameters(np.random.default_rng(0))
    split = data.split(0, config.dtype, "standardize", config.validation)
    trainer = Trainer(network, flat, split, config)
    trainer.n_evaluated = 50
    before = trainer.evaluate()
    for number, batch in enumerate(trainer.batches(np.arange(trainer.n_train)), 1):
        trainer.step(number, batch)
    calls.clear()
    ((test, held_out),) = trainer.evaluate()
    # The three layers, for pieces of 50 samples and for the rest, of the test split and the other.
    assert len(calls) == 3 * 2 * 2
    assert test.loss != before[0][0].loss
    monkeypatch.setattr(BoundNetwork, "run_again", BoundNetwork.run)
    assert trainer.evaluate() == [(test, held_out)]
