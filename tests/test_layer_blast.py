"""Blast: the laws of every weight layer, and what it is with special diagonals."""

import numpy as np
import pytest

from cdbench.engine.layers.blast import Blast
from tests import layer_laws

# n_in, n_out, blocks, rank
SIZES = ((12, 8, 2, 3), (6, 9, 3, 2), (8, 8, 4, 2))
WIDE = ((64, 64, 4, 7), (64, 12, 4, 7))


@pytest.mark.parametrize("size", SIZES, ids=str)
@layer_laws.every_law
def test_blast_obeys(law, size):
    law(Blast(*size))


@pytest.mark.parametrize("size", WIDE, ids=str)
def test_wide_blast_obeys(size):
    layer_laws.obeys_all(Blast(*size), but=layer_laws.ENTRY_BY_ENTRY)


@pytest.mark.parametrize("size", [(5, 7, 1, 1), (5, 7, 1, 3), (3, 3, 1, 3), (4, 4, 2, 2)], ids=str)
def test_null_directions_of_one_block_and_of_more_weights_than_entries(size):
    layer_laws.null_directions_are_counted(Blast(*size))


def test_rank_7_of_4_blocks_at_64_has_1008_weights_and_as_many_multiply_adds():
    assert layer_laws.costs(Blast(64, 64)) == (1008, 1008)


def test_with_ones_it_is_of_low_rank_and_with_the_identity_block_diagonal():
    layer = Blast(12, 8, 4, 2)
    params, *_ = layer_laws.point(layer)
    U, V = params["U"].reshape(8, -1), params["V"].transpose(1, 0, 2).reshape(2, -1)
    params["s"][...] = 1.0
    np.testing.assert_allclose(layer.matrix(params), U @ V, rtol=1e-13)
    params["s"][...] = np.eye(4)[:, :, None]
    W = layer.matrix(params).reshape(4, 2, 4, 3)
    for i in range(4):
        own = params["U"][i] @ params["V"][i]
        np.testing.assert_allclose(W[i, :, i], own, rtol=1e-13)
        assert not np.delete(W[i], i, axis=1).any()
