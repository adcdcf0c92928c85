"""LDR-SD: the laws of every layer, its Krylov matrices and its displacement rank."""

import numpy as np
import pytest

from cdbench.engine.layers.ldr_sd import LDRSD
from tests import layer_laws

# n_in, n_out, rank
SIZES = ((4, 4, 6), (4, 9, 7), (6, 4, 8))
EDGES = ((3, 8, 2), (8, 3, 2), (1, 5, 2), (5, 1, 3), (5, 5, 8), (6, 6, 2), (7, 7, 1))
WIDE = ((64, 64, 7), (64, 10, 7), (13, 64, 7))


def krylov(subdiagonal, v, n_columns):
    A = np.diag(subdiagonal, -1)
    columns = [v]
    for _ in range(n_columns - 1):
        columns.append(A @ columns[-1])
    return np.array(columns).T


@pytest.mark.parametrize("size", [*SIZES, *EDGES], ids=str)
def test_the_matrix_is_the_sum_of_products_of_krylov_matrices(size):
    layer = LDRSD(*size)
    params, n = layer_laws.drawn(layer), max(layer.n_in, layer.n_out)
    expected = sum(
        krylov(params["a"], g, n) @ krylov(params["c"], h, n).T
        for g, h in zip(params["g"], params["h"], strict=True)
    )
    np.testing.assert_allclose(layer.matrix(params), expected, rtol=1e-12, atol=1e-12)


def test_a_rectangular_matrix_is_part_of_a_square_one():
    square, layer = LDRSD(9, 9, 2), LDRSD(9, 4, 2)
    params = layer_laws.drawn(square)
    cut = dict(params, g=params["g"][:, :4], a=params["a"][:3])
    np.testing.assert_array_equal(layer.matrix(cut), square.matrix(params)[:4])


@pytest.mark.parametrize("rank", [1, 2, 5])
def test_the_displacement_has_rank_r(rank):
    layer = LDRSD(9, 8, rank)
    params = layer_laws.drawn(layer)
    W = layer.matrix(params)
    displacement = W - np.diag(params["a"], -1) @ W @ np.diag(params["c"], -1).T
    assert np.linalg.matrix_rank(displacement, tol=1e-12) == rank


@pytest.mark.parametrize("size", SIZES, ids=str)
@layer_laws.every_law
def test_ldr_sd_obeys(law, size):
    law(LDRSD(*size))


@pytest.mark.parametrize("size", EDGES, ids=str)
def test_odd_ldr_sd_obeys(size):
    layer_laws.obeys_all(LDRSD(*size), but=layer_laws.STATISTICS)


@pytest.mark.parametrize("size", WIDE, ids=str)
def test_wide_ldr_sd_obeys(size):
    layer_laws.obeys_all(LDRSD(*size), but=layer_laws.ENTRY_BY_ENTRY)


@pytest.mark.parametrize("rank", [1, 2, 3, 5, 7])
def test_ranks_are_the_expected_ones(rank):
    for size in ((6, 6), (7, 4), (4, 7), (1, 4), (4, 1), (2, 5), (1, 1)):
        layer_laws.rank_is_the_expected_one(LDRSD(*size, rank))
        layer_laws.null_directions_are_counted(LDRSD(*size, rank))


@pytest.mark.parametrize("size", [(1, 4, 8), (4, 1, 8)], ids=str)
def test_weight_gain_where_the_operators_move_nothing(size):
    layer_laws.weight_gain_is_how_far_a_unit_step_moves_the_matrix(LDRSD(*size))


def test_the_operators_add_one_null_direction_to_those_of_the_displacement():
    assert LDRSD(64, 64, 7).n_null_directions() == 49 + 1


def test_at_64_wide_it_has_1022_weights():
    assert layer_laws.costs(LDRSD(64, 64)) == (1022, 4096)
