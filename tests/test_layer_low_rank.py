"""LowRank: the laws of every weight layer, its rank and its size."""

import numpy as np
import pytest

from cdbench.engine.layers.base import EVALUATION
from cdbench.engine.layers.low_rank import LowRank
from tests import layer_laws

# n_in, n_out, rank
SIZES = ((13, 10, 4), (6, 9, 3), (5, 3, 8))
EDGES = ((7, 4, 1), (1, 3, 1), (3, 1, 1))
WIDE = ((64, 64, 8), (64, 10, 8), (13, 64, 4))


@pytest.mark.parametrize("size", SIZES, ids=str)
@layer_laws.every_law
def test_low_rank_obeys(law, size):
    law(LowRank(*size))


@pytest.mark.parametrize("size", EDGES, ids=str)
def test_odd_low_rank_obeys(size):
    layer_laws.obeys_all(LowRank(*size), but=layer_laws.STATISTICS)


@pytest.mark.parametrize("size", WIDE, ids=str)
def test_wide_low_rank_obeys(size):
    layer_laws.obeys_all(LowRank(*size), but=layer_laws.ENTRY_BY_ENTRY)


def test_rank_8_at_64_has_1024_weights_and_as_many_multiply_adds():
    layer = LowRank(64, 64, 8)
    assert layer_laws.costs(layer) == (1024, 1024)


def test_by_default_the_rank_is_8():
    assert LowRank(64, 64).rank == LowRank.structure[0].default == 8


def test_rank_above_the_smaller_width_is_that_width():
    layer = LowRank(64, 3, 8)
    assert layer.parameter_shapes() == {"U": (3, 3), "V": (3, 64), "bias": (3,)}
    assert layer.expected_rank() == 3


def test_it_is_two_layers_without_anything_in_between():
    layer = LowRank(6, 5, 2)
    params, x, _ = layer_laws.point(layer)
    y, _ = layer.forward(params, x, EVALUATION)
    expected = x @ params["V"].T @ params["U"].T + params["bias"]
    np.testing.assert_allclose(y, expected, rtol=1e-13)
