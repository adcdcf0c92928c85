"""Networks of the recipe trained again inside a claim, whose parameters no database keeps."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cdbench.config.run_config import RunConfig
from cdbench.engine.network import Network
from cdbench.engine.products.base import Array

N_RETRAINED = 20
"""Of an audit's seeds the first so many are trained again: each takes 0.1 s."""


@dataclass(frozen=True)
class Retrained:
    """A network with its parameters before and after training.

    Attributes
    ----------
    network : Network
        The network.
    initial, trained : (n_parameters,) float
        Its parameters at initialisation and after the last epoch.
    """

    network: Network
    initial: Array
    trained: Array


@lru_cache(maxsize=256)
def retrained(config: RunConfig) -> Retrained:
    """Return a configuration's network, trained as a run is; once for all claims that ask."""
    from cdbench.datasets import split_of
    from cdbench.engine.training import train

    split = split_of(config)
    network = network_of(config)
    initial = network.initial_parameters(np.random.default_rng(config.seed), config.dtype)
    trained = initial.copy()
    for _ in train(network, trained, split, config):
        pass
    return Retrained(network, initial, trained)


def network_of(config: RunConfig) -> Network:
    """Return a configuration's network."""
    from cdbench.datasets import load_dataset
    from cdbench.engine.building import build_network

    dataset = load_dataset(config)
    return build_network(config, dataset.n_features, dataset.n_classes)


def last_batches(config: RunConfig, X: Array) -> list[Array]:
    """Return the inputs of the last epoch's mini-batches, in the order in which they were used."""
    order = np.random.default_rng(config.seed)
    permutation = [order.permutation(len(X)) for _ in range(config.epochs)][-1]
    starts = range(0, len(X), config.batch_size)
    return [X[permutation[start : start + config.batch_size]] for start in starts]
