"""A fixed permutation of the features: the same for all runs, and nothing else changes."""

import numpy as np
import pytest

from cdbench.config.run_config import RunConfig
from cdbench.datasets import DATASETS, limits, load_dataset, pin_dataset
from cdbench.datasets.base import Dataset
from cdbench.engine.samples import Samples
from cdbench.errors import ConfigurationError, DatasetError


@pytest.mark.parametrize("transform", ["scale", "center", "standardize", "whiten"])
def test_features_are_those_without_it_in_another_order_whatever_the_seed(transform):
    data = load_dataset(RunConfig(permute=5))
    orders = set()
    for seed in (0, 1):
        split, plain = (
            one.split(seed, "float64", transform) for one in (data, DATASETS["digits"]())
        )
        order = np.random.RandomState(5).permutation(64)
        for X, expected in ((split.X_train, plain.X_train), (split.X_test, plain.X_test)):
            np.testing.assert_allclose(X, expected[:, order], atol=1e-9)
        np.testing.assert_array_equal(split.y_train, plain.y_train)
        orders.add(tuple(order))
    assert len(orders) == 1
    assert data.fingerprint == DATASETS["digits"]().fingerprint
    assert (load_dataset(RunConfig(permute=6)).split(0).X_train != split.X_train).any()


def test_samples_of_a_large_set_are_permuted_alike(monkeypatch):
    data = load_dataset(RunConfig(permute=5))
    wholes = {one: data.split(0, "float32", one) for one in ("scale", "standardize")}
    monkeypatch.setattr(limits, "LARGE", 0)
    for transform, whole in wholes.items():
        X = data.split(0, "float32", transform).X_train
        assert isinstance(X, Samples)
        np.testing.assert_array_equal(X[:], whole.X_train)


def test_the_configuration_has_it_only_where_it_is_used():
    assert "permute" not in RunConfig().canonical_json()
    config = RunConfig(permute=0)
    assert '"permute":0' in config.canonical_json()
    assert config.digest() != RunConfig().digest()
    assert pin_dataset(config) == config
    assert config.baseline().permute == 0


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (-1, "permute = -1: expected 0 to 4294967295"),
        (True, "permute = True: expected a whole number"),
        ("1", "permute = '1': expected a whole number"),
    ],
)
def test_what_is_no_seed_is_refused(value, words):
    with pytest.raises(ConfigurationError) as caught:
        RunConfig(permute=value)
    assert str(caught.value) == words


def test_a_feature_that_is_lost_is_named_as_it_is_in_the_file():
    X = np.random.default_rng(0).normal(size=(40, 9))
    X[:, 3] = 1.7e308 * np.linspace(-1, 1, 40)
    data = Dataset("mine.csv", X, np.arange(40) % 2, ("a", "b"), permute=1)
    with pytest.raises(DatasetError, match=r"^mine\.csv: feature 4, "):
        data.split(0, transform="standardize")
