"""Monarch: the laws of weight layers, its order of entries, and what an inner width costs."""

import numpy as np
import pytest

from cdbench.engine.layers.monarch import SMALL, Monarch
from cdbench.errors import ShapeError
from tests import layer_laws

# n_in, n_out, blocks, inner
SIZES = ((12, 6, 3, None), (6, 12, 3, 3), (8, 8, 4, 2))
EDGES = ((6, 6, 2, 5), (5, 3, 1, 2), (8, 8, 2, 7))
WIDE = ((64, 64, 8, None), (64, 16, 8, None), (16, 64, 4, 5), (64, 128, 2, None))


@pytest.mark.parametrize("size", SIZES, ids=str)
@layer_laws.every_law
def test_monarch_obeys(law, size):
    law(Monarch(*size))


@pytest.mark.parametrize("size", EDGES, ids=str)
def test_odd_monarch_obeys(size):
    layer_laws.obeys_all(Monarch(*size), but=layer_laws.STATISTICS)


@pytest.mark.parametrize("size", WIDE, ids=str)
def test_wide_monarch_obeys(size):
    layer_laws.obeys_all(Monarch(*size), but=layer_laws.ENTRY_BY_ENTRY)


@pytest.mark.parametrize("size", [(4, 4, 2, 9), (6, 4, 2, 1), (8, 12, 4, 6)], ids=str)
def test_ranks_at_other_inner_widths(size):
    layer_laws.rank_is_the_expected_one(Monarch(*size))
    layer_laws.null_directions_are_counted(Monarch(*size))


def test_large_blocks_are_copied_in_another_order_to_the_same_effect():
    layer = Monarch(4, 2 * SMALL + 2, 2)
    layer_laws.acts_as_its_matrix(layer)
    layer_laws.gradients_are_those_of_differences(layer)


def test_costs_at_64_are_those_of_the_table():
    assert layer_laws.costs(Monarch(64, 64, 8)) == (1024, 1024)
    assert layer_laws.costs(Monarch(64, 64, 4, 8)) == (1024, 1024)


def test_entries_go_where_the_definition_says():
    b, q, p, s = 3, 4, 2, 5
    layer = Monarch(b * p, b * s, b, q)
    params = layer_laws.drawn(layer)
    W = np.zeros((b * s, b * p))
    for k, hidden, i_in, i_out in np.ndindex(b, q, p, s):
        row, block = divmod(k * q + hidden, b)
        first, second = params["W1"][k, hidden, i_in], params["W2"][block, i_out, row]
        W[i_out * b + block, k * p + i_in] += first * second
    np.testing.assert_allclose(layer.matrix(params), W, rtol=1e-14)


@pytest.mark.parametrize(("inner", "count"), [(8, 64), (16, 256), (4, 8 * 4)])
def test_null_directions_are_those_of_the_formulas(inner, count):
    assert Monarch(64, 64, 8, inner).n_null_directions() == count


def test_a_small_inner_width_caps_the_rank_and_leaves_zeros():
    layer = Monarch(64, 64, 8, 2)
    W = layer.matrix(layer_laws.drawn(layer))
    assert np.mean(W == 0) == 1 - 2 / 8
    assert layer.expected_rank() == np.linalg.matrix_rank(W) == 16


def test_widths_are_made_multiples_of_the_number_of_blocks():
    assert Monarch.width_multiple({"blocks": 8}) == 8


def test_inner_width_below_one_is_refused():
    with pytest.raises(ShapeError, match="expected 1 or more"):
        Monarch(8, 8, 2, 0)
