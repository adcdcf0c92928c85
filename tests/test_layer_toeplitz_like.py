"""The Toeplitz-like layer: the laws of every layer, and its displacement rank."""

import numpy as np
import pytest

from cdbench.engine.layers.toeplitz_like import ONE_PRODUCT, ToeplitzLike
from tests import layer_laws

# n_in, n_out, rank
SIZES = ((6, 6, 3), (3, 8, 4), (8, 3, 4))
EDGES = ((1, 5, 2), (5, 1, 3), (13, 10, 8), (4, 4, 6), (7, 7, 1))
WIDE = (
    (64, 64, 8),
    (64, 10, 8),
    (13, 64, 8),
    # Whose sums along diagonals are recurrences:
    (ONE_PRODUCT + 16, ONE_PRODUCT + 16, 3),
    (ONE_PRODUCT + 1, 20, 3),
    (20, ONE_PRODUCT + 21, 3),
)


def by_definition(g, h):
    """Σ Z_1(g_i) Z_-1(h_i), entry by entry."""
    n = g.shape[1]
    k = np.arange(n)
    lag = k[:, None] - k[None, :]
    sign = np.where(lag < 0, -1.0, 1.0)
    return sum(g_i[lag % n] @ (sign * h_i[lag % n]) for g_i, h_i in zip(g, h, strict=True))


@pytest.mark.parametrize("size", [*SIZES, *EDGES, *WIDE], ids=str)
def test_the_matrix_is_the_cut_sum_of_circulant_times_skew_circulant(size):
    layer = ToeplitzLike(*size)
    params = layer_laws.drawn(layer)
    expected = by_definition(params["g"], params["h"])[: layer.n_out, : layer.n_in]
    np.testing.assert_allclose(layer.matrix(params), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rank", [1, 2, 5])
def test_the_displacement_has_rank_r(rank):
    n = 9
    layer = ToeplitzLike(n, n, rank)
    W = layer.matrix(layer_laws.drawn(layer))
    unit = np.eye(n)[1]
    cyclic = by_definition(unit[None], np.eye(n)[:1])
    skew = by_definition(np.eye(n)[:1], unit[None])
    assert np.linalg.matrix_rank(cyclic @ W - W @ skew, tol=1e-12) == rank


@pytest.mark.parametrize("size", SIZES, ids=str)
@layer_laws.every_law
def test_toeplitz_like_obeys(law, size):
    law(ToeplitzLike(*size))


@pytest.mark.parametrize("size", EDGES, ids=str)
def test_odd_toeplitz_like_obeys(size):
    layer_laws.obeys_all(ToeplitzLike(*size), but=layer_laws.STATISTICS)


@pytest.mark.parametrize("size", WIDE, ids=str)
def test_wide_toeplitz_like_obeys(size):
    layer_laws.obeys_all(ToeplitzLike(*size), but=layer_laws.ENTRY_BY_ENTRY)


@pytest.mark.parametrize("rank", [1, 2, 3, 5, 8])
def test_ranks_are_the_expected_ones(rank):
    for size in ((6, 6), (7, 4), (4, 7), (1, 4), (4, 1), (2, 5), (1, 1)):
        layer_laws.rank_is_the_expected_one(ToeplitzLike(*size, rank))
        layer_laws.null_directions_are_counted(ToeplitzLike(*size, rank))


def test_a_square_layer_has_r_squared_null_directions():
    assert ToeplitzLike(64, 64, 8).n_null_directions() == 64


def test_at_64_wide_it_has_1024_weights():
    assert layer_laws.costs(ToeplitzLike(64, 64)) == (1024, 8 * (4 * 64 - 2))
    assert ToeplitzLike(64, 10).multiply_adds() == 640
