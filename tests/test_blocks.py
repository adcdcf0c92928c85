"""Transforms of large arrays in pieces: how wide the pieces are, and that they change nothing."""

from functools import partial

import numpy as np

from cdbench.engine.products.blocks import (
    COLUMNS,
    LARGEST_IN_PIECES,
    bind_transform,
    transform_work,
)
from tests.cases import for_each

SIZES = [(K, N) for K in (1, 2, 3, 6, 8, 12, 64) for N in (1, 5, 16, 64, 128, 200, 256, 300)]
every_size = for_each("K, N", SIZES)


def cut(m, k, K, N):
    """The shape (pieces, m, columns of a piece) of what a bound transform writes at once."""
    x, out = np.ones((k, K, N)), np.empty((m, K, N))
    call = bind_transform(np.arange(m * k, dtype=float).reshape(m, k), x, out)
    assert isinstance(call, partial)
    call()
    np.testing.assert_array_equal(out[:, 0, 0], np.arange(m * k).reshape(m, k).sum(axis=1))
    shape: tuple[int, ...] = call.keywords["out"].shape
    return shape


@every_size
def test_pieces_are_whole_rows_as_many_as_the_columns_of_a_piece_allow(K, N):
    n_pieces, _, width = cut(3, 4, K, N)
    assert n_pieces * width == K * N
    assert width % N == 0
    assert width <= max(N, COLUMNS)
    # Two pieces together would be too wide, or there is a piece that would stay alone.
    assert n_pieces % 2 == 1 or 2 * width > COLUMNS


@every_size
def test_wide_matrices_are_applied_in_one_piece(K, N):
    assert cut(2, LARGEST_IN_PIECES + 1, K, N)[0] == 1
    assert cut(2, LARGEST_IN_PIECES, K, N) == cut(2, 4, K, N)


@every_size
@for_each("k", [4, LARGEST_IN_PIECES, LARGEST_IN_PIECES + 1])
def test_work_is_that_of_as_many_products_as_there_are_pieces(K, N, k):
    assert transform_work(3, k, K, N).products == cut(3, k, K, N)[0]
    assert transform_work(3, k, K, N, times=5).products == 5 * cut(3, k, K, N)[0]
