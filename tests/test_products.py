"""Every block-circulant product against scipy's circulant and the FFT forms of Eqs. 2 to 4."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import circulant

from cdbench.products import PRODUCTS

every_product = pytest.mark.parametrize("name", PRODUCTS)
SIZE = st.integers(1, 4)
CASES = {"K_o": SIZE, "K_i": SIZE, "B": st.integers(1, 9), "N": SIZE, "seed": st.integers(0, 99)}


def draw(K_o, K_i, B, N, seed):
    rng = np.random.default_rng(seed)
    return (
        rng.normal(size=(K_o, K_i, B)),
        rng.normal(size=(N, K_i * B)),
        rng.normal(size=(N, K_o * B)),
    )


def hat(blocks, B):
    return np.fft.fft(blocks.reshape(len(blocks), -1, B))


def flat(transformed):
    return np.fft.ifft(transformed).real.reshape(len(transformed), -1)


@every_product
@settings(deadline=None)
@given(**CASES)
def test_blocks_are_scipys_circulants(name, K_o, K_i, B, N, seed):
    c, _, _ = draw(K_o, K_i, B, N, seed)
    blocks = [[circulant(c[i, j]) for j in range(K_i)] for i in range(K_o)]
    np.testing.assert_array_equal(PRODUCTS[name](K_o, K_i, B).matrix(c), np.block(blocks))


@every_product
@settings(deadline=None)
@given(**CASES)
def test_product_is_equation_2(name, K_o, K_i, B, N, seed):
    c, x, _ = draw(K_o, K_i, B, N, seed)
    y, _ = PRODUCTS[name](K_o, K_i, B).apply(c, x)
    expected = flat(np.einsum("ijk,njk->nik", np.fft.fft(c), hat(x, B)))
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-13)


@every_product
@settings(deadline=None)
@given(**CASES)
def test_gradients_are_equations_3_and_4(name, K_o, K_i, B, N, seed):
    c, x, dy = draw(K_o, K_i, B, N, seed)
    dc = np.full_like(c, np.nan)
    dx = PRODUCTS[name](K_o, K_i, B).apply(c, x)[1](dy, dc)
    dc_hat = np.einsum("njk,nik->ijk", hat(x, B).conj(), hat(dy, B))
    dx_hat = np.einsum("ijk,nik->njk", np.fft.fft(c).conj(), hat(dy, B))
    np.testing.assert_allclose(dc, np.fft.ifft(dc_hat).real, rtol=0, atol=1e-13)
    np.testing.assert_allclose(dx, flat(dx_hat), rtol=0, atol=1e-13)


@every_product
@pytest.mark.parametrize("B", [1, 2, 3, 4, 8])
def test_one_block_is_circular_convolution(name, B):
    c, x, _ = draw(1, 1, B, 1, 0)
    y, _ = PRODUCTS[name](1, 1, B).apply(c, x)
    expected = [sum(c[0, 0, (k - m) % B] * x[0, m] for m in range(B)) for k in range(B)]
    np.testing.assert_allclose(y[0], expected, rtol=0, atol=1e-14)


@every_product
@pytest.mark.parametrize("B", [3, 4])
def test_a_generator_moves_one_entry_in_each_row_of_its_block(name, B):
    product = PRODUCTS[name](2, 3, B)
    for index in np.ndindex(2, 3, B):
        c = np.zeros((2, 3, B))
        c[index] = 1.0
        assert np.sum(product.matrix(c) ** 2) == B


@every_product
def test_product_keeps_float32(name):
    c, x, dy = (array.astype("float32") for array in draw(2, 3, 4, 5, 0))
    y, pullback = PRODUCTS[name](2, 3, 4).apply(c, x)
    assert y.dtype == pullback(dy, np.empty_like(c)).dtype == np.float32
