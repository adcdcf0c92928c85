"""The Toeplitz-like layer: the laws of every layer, and its displacement rank."""

import numpy as np
import pytest

from cdbench.engine.layers.toeplitz_like import ONE_PRODUCT, ToeplitzLike
from tests import layer_checks

SIZES = [(6, 6, 2), (7, 7, 1), (3, 8, 2), (8, 3, 2), (1, 5, 2), (5, 1, 3), (13, 10, 8), (4, 4, 6)]
every_size = pytest.mark.parametrize(("n_in", "n_out", "rank"), SIZES)
LARGE = [(ONE_PRODUCT + 16, ONE_PRODUCT + 16), (ONE_PRODUCT + 1, 20), (20, ONE_PRODUCT + 21)]
every_large_size = pytest.mark.parametrize(("n_in", "n_out"), LARGE)
"""Whose sums along diagonals are recurrences."""


def by_definition(g, h):
    """Σ Z_1(g_i) Z_-1(h_i), entry by entry."""
    n = g.shape[1]
    k = np.arange(n)
    lag = k[:, None] - k[None, :]
    sign = np.where(lag < 0, -1.0, 1.0)
    return sum(g_i[lag % n] @ (sign * h_i[lag % n]) for g_i, h_i in zip(g, h, strict=True))


@pytest.mark.parametrize(("n_in", "n_out", "rank"), [*SIZES, *((*size, 3) for size in LARGE)])
def test_the_matrix_is_the_cut_sum_of_circulant_times_skew_circulant(n_in, n_out, rank):
    layer = ToeplitzLike(n_in, n_out, rank)
    params, _, _ = layer_checks.drawn(layer)
    expected = by_definition(params["g"], params["h"])[:n_out, :n_in]
    np.testing.assert_allclose(layer.matrix(params), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rank", [1, 2, 5])
def test_the_displacement_has_rank_r(rank):
    n = 9
    layer = ToeplitzLike(n, n, rank)
    W = layer.matrix(layer_checks.drawn(layer)[0])
    unit = np.eye(n)[1]
    cyclic = by_definition(unit[None], np.eye(n)[:1])
    skew = by_definition(np.eye(n)[:1], unit[None])
    assert np.linalg.matrix_rank(cyclic @ W - W @ skew, tol=1e-12) == rank


@every_size
def test_gradients_are_those_of_central_differences_and_of_complex_steps(n_in, n_out, rank):
    layer_checks.check_gradients(ToeplitzLike(n_in, n_out, rank))


@every_large_size
def test_gradients_of_recurrences_are_analytic_and_adjoint(n_in, n_out):
    layer = ToeplitzLike(n_in, n_out, 2)
    params, x, dy = layer_checks.drawn(layer)
    _, _, grads = layer_checks.pulled(layer, params, x, dy)
    v = {name: np.random.default_rng(1).normal(size=p.shape) for name, p in params.items()}
    moved = {name: p + 1e-20j * v[name] for name, p in params.items()}
    y, _, _ = layer_checks.pulled(layer, moved, x.astype(complex), dy.astype(complex))
    along = sum(np.sum(grads[name] * v[name]) for name in params)
    assert np.sum(dy * y.imag) / 1e-20 == pytest.approx(along, rel=1e-12)


@every_size
def test_gradients_are_analytic(n_in, n_out, rank):
    layer_checks.check_gradient_is_analytic(ToeplitzLike(n_in, n_out, rank))


@pytest.mark.parametrize(("n_in", "n_out", "rank"), [*SIZES, *((*size, 3) for size in LARGE)])
def test_the_layer_is_its_matrix_and_the_pullback_its_adjoint(n_in, n_out, rank):
    layer_checks.check_matrix_and_adjoint(ToeplitzLike(n_in, n_out, rank))


@pytest.mark.parametrize(("n_in", "n_out"), [(13, 10), (64, 64), *LARGE])
def test_float32_agrees_with_float64(n_in, n_out):
    layer_checks.check_float32(ToeplitzLike(n_in, n_out))


@pytest.mark.parametrize(("n_in", "n_out"), [(13, 10), (64, 64), *LARGE])
def test_arrays_are_reused_and_steps_allocate_none(n_in, n_out):
    layer_checks.check_arrays_are_reused(ToeplitzLike(n_in, n_out))


@pytest.mark.parametrize(("n_in", "n_out"), [(64, 64), (64, 10), (13, 64)])
def test_initial_weights_preserve_the_variance(n_in, n_out):
    layer_checks.check_gain(ToeplitzLike(n_in, n_out))


@pytest.mark.parametrize("rank", [1, 2, 3, 5, 8])
@pytest.mark.parametrize(
    ("n_in", "n_out"), [(6, 6), (7, 4), (4, 7), (1, 4), (4, 1), (2, 5), (1, 1)]
)
def test_ranks_are_the_expected_ones(n_in, n_out, rank):
    layer_checks.check_ranks(ToeplitzLike(n_in, n_out, rank))


def test_a_square_layer_has_r_squared_null_directions():
    assert ToeplitzLike(64, 64, 8).n_null_directions() == 64


@pytest.mark.parametrize(("n_in", "n_out"), [(6, 6), (4, 7), (7, 4)])
def test_weight_scale_is_how_far_a_unit_step_moves_the_matrix(n_in, n_out):
    layer_checks.check_weight_gain(ToeplitzLike(n_in, n_out, 3))


def test_at_64_wide_it_has_1024_weights():
    layer = ToeplitzLike(64, 64)
    assert layer_checks.n_weights(layer) == 1024
    assert layer.multiply_adds() == 8 * (4 * 64 - 2)
    assert ToeplitzLike(64, 10).multiply_adds() == 640
