"""BlockDiagonal: the laws of every weight layer, its bases, its shuffle and its size."""

import numpy as np
import pytest
from scipy.linalg import block_diag

from cdbench.engine.layers.block_diagonal import BASES, BlockDiagonal
from cdbench.engine.layers.cdlinear import CDLinear
from cdbench.errors import UnknownNameError
from tests import layer_laws

ALL_BASES = ("none", *BASES)
# n_in, n_out, blocks, basis
SIZES = ((12, 8, 4, "none"), (12, 8, 4, "hartley"), (6, 9, 3, "dct"))
EDGES = ((12, 8, 4, "dct"), (12, 8, 4, "random"), (6, 9, 3, "none"), (4, 6, 1, "none"))
WIDE = (
    *((64, 64, 4, basis) for basis in ALL_BASES),
    (64, 12, 4, "none"),
    (16, 64, 8, "dct"),
)
RANDOM_ROW = [-0.4185239103331089, -0.27293929474747924, 0.7418747453131539, 0.4471730538938765]

every_basis = pytest.mark.parametrize("basis", ALL_BASES)


@pytest.mark.parametrize("size", SIZES, ids=str)
@layer_laws.every_law
def test_block_diagonal_obeys(law, size):
    law(BlockDiagonal(*size))


@pytest.mark.parametrize("size", EDGES, ids=str)
def test_odd_block_diagonal_obeys(size):
    layer_laws.obeys_all(BlockDiagonal(*size), but=layer_laws.STATISTICS)


@pytest.mark.parametrize("size", WIDE, ids=str)
def test_wide_block_diagonal_obeys(size):
    layer_laws.obeys_all(BlockDiagonal(*size), but=layer_laws.ENTRY_BY_ENTRY)


@every_basis
def test_four_blocks_at_64_have_1024_weights_and_as_many_multiply_adds(basis):
    layer = BlockDiagonal(64, 64, 4, basis)
    assert layer_laws.costs(layer) == (1024, 1024)


def test_by_default_there_are_four_blocks_and_no_basis():
    layer, (blocks, basis) = BlockDiagonal(64, 64), BlockDiagonal.structure
    assert (layer.b, layer.T) == (blocks.default, None) == (4, None)
    assert (basis.default, basis.choices) == ("none", ALL_BASES)


def test_widths_are_made_multiples_of_the_number_of_blocks():
    assert BlockDiagonal.width_multiple({"blocks": 8, "basis": "dct"}) == 8


def test_unknown_basis_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownNameError, match="did you mean hartley"):
        BlockDiagonal(8, 8, 4, "hartly")


@pytest.mark.parametrize("name", BASES)
@pytest.mark.parametrize("b", [1, 2, 3, 4, 8, 15])
def test_every_basis_is_orthonormal(name, b):
    T = BASES[name](b)
    np.testing.assert_allclose(T @ T.T, np.eye(b), atol=1e-13)


def test_dct_of_a_cosine_is_one_coefficient():
    b, k = 8, 3
    coefficients = BASES["dct"](b) @ np.cos(np.pi * k * (np.arange(b) + 0.5) / b)
    np.testing.assert_allclose(coefficients, np.sqrt(b / 2) * (np.arange(b) == k), atol=1e-13)


def test_hartley_is_the_real_minus_the_imaginary_part_of_the_dft():
    x = np.random.default_rng(0).normal(size=7)
    F = np.fft.fft(x, norm="ortho")
    np.testing.assert_allclose(BASES["hartley"](7) @ x, F.real - F.imag, atol=1e-13)


def test_random_basis_is_the_same_for_all_layers_and_on_all_machines():
    first, second = BlockDiagonal(8, 8, 4, "random"), BlockDiagonal(12, 4, 4, "random")
    np.testing.assert_array_equal(np.asarray(first.T), np.asarray(second.T))
    np.testing.assert_allclose(np.asarray(first.T)[0], np.array(RANDOM_ROW), rtol=1e-12)


def test_without_a_basis_outputs_of_all_groups_alternate():
    layer = BlockDiagonal(6, 9, 3)
    params = layer_laws.drawn(layer)
    W, x = layer.matrix(params), np.arange(1.0, 7.0)
    for group in range(3):
        own = params["W"][group] @ x[2 * group : 2 * group + 2]
        np.testing.assert_allclose((W @ x)[group::3], own)


def test_two_layers_with_a_shuffle_between_connect_every_input_with_every_output():
    W = BlockDiagonal(16, 16, 4).matrix({"W": np.ones((4, 4, 4))})
    assert not (W != 0).all()
    assert (W @ W != 0).all()


@pytest.mark.parametrize("basis", BASES)
def test_in_a_basis_the_transformed_entries_have_a_block_each(basis):
    layer, b = BlockDiagonal(6, 9, 3, basis), 3
    params = layer_laws.drawn(layer)
    T_in, T_out = (block_diag(*[layer.T] * K) for K in (2, 3))
    inner = (T_out @ layer.matrix(params) @ T_in.T).reshape(3, b, 2, b)
    for f in range(b):
        np.testing.assert_allclose(inner[:, f, :, f], params["W"][f], atol=1e-13)
        np.testing.assert_allclose(inner[:, f, :, np.arange(b) != f], 0, atol=1e-13)


def test_symmetric_circulant_blocks_are_block_diagonal_in_the_hartley_basis():
    """CDLinear is this layer in the DFT's basis; where its blocks are symmetric, all are real."""
    c = np.random.default_rng(0).normal(size=(3, 2, 5))
    c = c + c[:, :, -np.arange(5) % 5]
    layer = BlockDiagonal(10, 15, 5, "hartley")
    coefficients = {"W": np.fft.fft(c).real.transpose(2, 0, 1)}
    expected = CDLinear(10, 15, 5).matrix({"c": c})
    np.testing.assert_allclose(layer.matrix(coefficients), expected, atol=1e-12)


def test_layers_share_the_number_of_weights_with_cdlinear_in_every_basis():
    shapes = CDLinear(12, 8, 4).parameter_shapes()
    for basis in ALL_BASES:
        layer = BlockDiagonal(12, 8, 4, basis)
        assert layer_laws.costs(layer)[0] == np.prod(shapes["c"])
