"""LDR-SD: the laws of every layer, its Krylov matrices and its displacement rank."""

import numpy as np
import pytest

from cdbench.engine.layers.ldr_sd import LDRSD
from tests import layer_checks

SIZES = [(6, 6, 2), (7, 7, 1), (3, 8, 2), (8, 3, 2), (1, 5, 2), (5, 1, 3), (13, 10, 7), (4, 4, 6)]
every_size = pytest.mark.parametrize(("n_in", "n_out", "rank"), SIZES)


def krylov(subdiagonal, v, n_columns):
    A = np.diag(subdiagonal, -1)
    columns = [v]
    for _ in range(n_columns - 1):
        columns.append(A @ columns[-1])
    return np.array(columns).T


@every_size
def test_the_matrix_is_the_sum_of_products_of_krylov_matrices(n_in, n_out, rank):
    layer = LDRSD(n_in, n_out, rank)
    params, _, _ = layer_checks.drawn(layer)
    n = max(n_in, n_out)
    expected = sum(
        krylov(params["a"], g, n) @ krylov(params["c"], h, n).T
        for g, h in zip(params["g"], params["h"], strict=True)
    )
    np.testing.assert_allclose(layer.matrix(params), expected, rtol=1e-12, atol=1e-12)


def test_a_rectangular_matrix_is_part_of_a_square_one():
    square, layer = LDRSD(9, 9, 2), LDRSD(9, 4, 2)
    params, _, _ = layer_checks.drawn(square)
    cut = dict(params, g=params["g"][:, :4], a=params["a"][:3])
    np.testing.assert_array_equal(layer.matrix(cut), square.matrix(params)[:4])


@pytest.mark.parametrize("rank", [1, 2, 5])
def test_the_displacement_has_rank_r(rank):
    layer = LDRSD(9, 8, rank)
    params, _, _ = layer_checks.drawn(layer)
    W = layer.matrix(params)
    displacement = W - np.diag(params["a"], -1) @ W @ np.diag(params["c"], -1).T
    assert np.linalg.matrix_rank(displacement, tol=1e-12) == rank


@every_size
def test_gradients_are_those_of_central_differences_and_of_complex_steps(n_in, n_out, rank):
    layer_checks.check_gradients(LDRSD(n_in, n_out, rank))


@every_size
def test_gradients_are_analytic(n_in, n_out, rank):
    layer_checks.check_gradient_is_analytic(LDRSD(n_in, n_out, rank))


@every_size
def test_the_layer_is_its_matrix_and_the_pullback_its_adjoint(n_in, n_out, rank):
    layer_checks.check_matrix_and_adjoint(LDRSD(n_in, n_out, rank))


@pytest.mark.parametrize(("n_in", "n_out"), [(13, 10), (64, 64)])
def test_float32_agrees_with_float64(n_in, n_out):
    layer_checks.check_float32(LDRSD(n_in, n_out))


@pytest.mark.parametrize(("n_in", "n_out"), [(13, 10), (64, 64)])
def test_arrays_are_reused_and_steps_allocate_none(n_in, n_out):
    layer_checks.check_arrays_are_reused(LDRSD(n_in, n_out))


@pytest.mark.parametrize(("n_in", "n_out"), [(64, 64), (64, 10), (13, 64)])
def test_initial_weights_preserve_the_variance(n_in, n_out):
    layer_checks.check_gain(LDRSD(n_in, n_out))


@pytest.mark.parametrize("rank", [1, 2, 3, 5, 7])
@pytest.mark.parametrize(
    ("n_in", "n_out"), [(6, 6), (7, 4), (4, 7), (1, 4), (4, 1), (2, 5), (1, 1)]
)
def test_ranks_are_the_expected_ones(n_in, n_out, rank):
    layer_checks.check_ranks(LDRSD(n_in, n_out, rank))


def test_the_operators_add_one_null_direction_to_those_of_the_displacement():
    assert LDRSD(64, 64, 7).n_null_directions() == 49 + 1


@pytest.mark.parametrize(("n_in", "n_out"), [(5, 5), (6, 4), (1, 4), (4, 1)])
def test_weight_scale_is_how_far_a_unit_step_moves_the_matrix(n_in, n_out):
    layer_checks.check_weight_gain(LDRSD(n_in, n_out, 8), draws=30)


def test_at_64_wide_it_has_1022_weights():
    layer = LDRSD(64, 64)
    assert layer_checks.n_weights(layer) == 1022
    assert layer.multiply_adds() == 4096
