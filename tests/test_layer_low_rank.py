"""LowRank: the laws of every weight layer, its rank and its size."""

import numpy as np
import pytest

from cdbench.engine.layers.base import EVALUATION
from cdbench.engine.layers.low_rank import LowRank
from tests import layer_laws

LAYERS = [LowRank(13, 10, 4), LowRank(6, 9, 3), LowRank(5, 3, 8), LowRank(7, 4, 1)]
every_layer = pytest.mark.parametrize(
    "layer", LAYERS, ids=lambda layer: f"{layer.n_in}x{layer.n_out} {layer.rank}"
)


@every_layer
@pytest.mark.parametrize("law", layer_laws.LAWS, ids=lambda law: law.__name__)
def test_low_rank_obeys(law, layer):
    law(layer)


@every_layer
def test_low_rank_allocates_nothing_in_a_step(layer):
    layer_laws.a_step_allocates_nothing(layer)


@pytest.mark.parametrize(("n_in", "n_out", "rank"), [(64, 64, 8), (64, 10, 8), (13, 64, 4)])
def test_initial_variance_is_that_of_a_dense_layer(n_in, n_out, rank):
    layer_laws.initial_variance_is_kept(LowRank(n_in, n_out, rank))


def test_rank_8_at_64_has_1024_weights_and_as_many_multiply_adds():
    layer = LowRank(64, 64, 8)
    assert layer_laws.n_weights(layer) == layer.multiply_adds() == 1024


def test_by_default_the_rank_is_8():
    assert LowRank(64, 64).rank == LowRank.structure[0].default == 8


def test_rank_above_the_smaller_width_is_that_width():
    layer = LowRank(64, 3, 8)
    assert layer.parameter_shapes() == {"U": (3, 3), "V": (3, 64), "bias": (3,)}
    assert layer.expected_rank() == 3


def test_it_is_two_layers_without_anything_in_between():
    layer = LowRank(6, 5, 2)
    params = layer_laws.random_parameters(layer)
    x, _ = layer_laws.samples(layer)
    y, _ = layer.forward(params, x, EVALUATION)
    expected = x @ params["V"].T @ params["U"].T + params["bias"]
    np.testing.assert_allclose(y, expected, rtol=1e-13)
