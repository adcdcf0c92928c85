"""Every block-circulant product against scipy's circulant, Eqs. 2 to 4, and its rounding bound."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import circulant

from cdbench.config.checks import PRODUCT_NAMES
from cdbench.engine.layers import CDLinear
from cdbench.engine.products import PRODUCTS
from cdbench.engine.products.base import FRESH, ROWS
from cdbench.engine.products.layout import to_rows, to_vertices
from cdbench.engine.products.polygon import bilinear_algorithm
from cdbench.engine.products.real_dft import RealDFT, n_real, stage_lengths
from cdbench.engine.products.workspace import Workspace

every_product = pytest.mark.parametrize("name", PRODUCTS)
OWN_ORDER = CDLinear.memory_order["c"]
SIZE = st.integers(1, 4)
# At those above 16, but for the prime, fft transforms in two stages.
BLOCK_SIZES = [*range(1, 10), 13, 16, 17, 18, 20, 24, 25, 32, 33]
CASES = {
    "K_o": SIZE,
    "K_i": SIZE,
    "B": st.sampled_from(BLOCK_SIZES),
    "N": SIZE,
    "order": st.sampled_from([(0, 1, 2), (2, 0, 1), OWN_ORDER]),
    "seed": st.integers(0, 99),
}
SHAPES = [(2, 3, B, N) for B, N in [(1, 4), (4, 1), (5, 4), (8, 300), (18, 3), (25, 2), (64, 5)]]
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def applied(product, c, x, allocate=FRESH):
    """Return ``x @ W.T`` and the pullback through it, computed."""
    y, run, pullback = product.bind(c, x, allocate)
    run()
    return y, pullback


class InRows:
    """A product as a map of rows, whatever its own layout."""

    def __init__(self, name, K_o, K_i, B):
        self.own, self.B = PRODUCTS[name](K_o, K_i, B), B

    def apply(self, c, x, allocate=FRESH):
        if self.own.layout == ROWS:
            return applied(self.own, c, x, allocate)
        y, own_pullback = applied(self.own, c, to_vertices(x, self.B), allocate)

        def pullback(dy, dc, wanted=True):
            dx = own_pullback(to_vertices(dy, self.B), dc, wanted)
            return None if dx is None else to_rows(dx)

        return to_rows(y), pullback

    def gradients(self, c, x, dy, **wanted):
        """dL/dc, in c's memory order, and dL/dx."""
        dc = np.full_like(c, np.nan)
        return dc, self.apply(c, x)[1](dy, dc, **wanted)


def draw(K_o, K_i, B, N, order=OWN_ORDER, *, seed=0):
    rng = np.random.default_rng(seed)
    c = in_order(rng.normal(size=(K_o, K_i, B)), order)
    return c, rng.normal(size=(N, K_i * B)), rng.normal(size=(N, K_o * B))


def in_order(c, order):
    """The same array with its axes in this order in memory, slowest first."""
    return np.ascontiguousarray(c.transpose(order)).transpose(np.argsort(order))


def hat(blocks, B):
    return np.fft.fft(blocks.reshape(len(blocks), -1, B))


def flat(transformed):
    return np.fft.ifft(transformed).real.reshape(len(transformed), -1)


def assert_close(got, expected, tolerance=2e-14):
    """To rounding, of the largest entry."""
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance * np.abs(expected).max())


def test_registry_holds_the_products_a_configuration_may_name():
    assert set(PRODUCT_NAMES) - {"auto"} == set(PRODUCTS)
    assert all(product.name == name for name, product in PRODUCTS.items())


# Equations


@every_product
@settings(deadline=None, max_examples=30)
@given(**CASES)
def test_blocks_are_scipys_circulants(name, K_o, K_i, B, N, order, seed):
    c, _, _ = draw(K_o, K_i, B, N, order, seed=seed)
    blocks = [[circulant(c[i, j]) for j in range(K_i)] for i in range(K_o)]
    np.testing.assert_array_equal(PRODUCTS[name](K_o, K_i, B).matrix(c), np.block(blocks))


@every_product
@settings(deadline=None, max_examples=60)
@given(**CASES)
def test_product_is_equation_2(name, K_o, K_i, B, N, order, seed):
    c, x, _ = draw(K_o, K_i, B, N, order, seed=seed)
    y, _ = InRows(name, K_o, K_i, B).apply(c, x)
    assert_close(y, flat(np.einsum("ijk,njk->nik", np.fft.fft(c), hat(x, B))))


@every_product
@settings(deadline=None, max_examples=60)
@given(**CASES)
def test_gradients_are_equations_3_and_4(name, K_o, K_i, B, N, order, seed):
    c, x, dy = draw(K_o, K_i, B, N, order, seed=seed)
    dc, dx = InRows(name, K_o, K_i, B).gradients(c, x, dy)
    dc_hat = np.einsum("njk,nik->ijk", hat(x, B).conj(), hat(dy, B))
    dx_hat = np.einsum("ijk,nik->njk", np.fft.fft(c).conj(), hat(dy, B))
    assert_close(dc, np.fft.ifft(dc_hat).real)
    assert_close(dx, flat(dx_hat))


@every_product
@pytest.mark.parametrize("B", [36, 49, 64, 97, 128])
def test_equations_hold_for_large_blocks(name, B):
    c, x, dy = draw(2, 3, B, 5)
    W = PRODUCTS[name](2, 3, B).matrix(c)
    product = InRows(name, 2, 3, B)
    dc, dx = product.gradients(c, x, dy)
    assert_close(product.apply(c, x)[0], x @ W.T)
    assert_close(dx, dy @ W)
    dc_hat = np.einsum("njk,nik->ijk", hat(x, B).conj(), hat(dy, B))
    assert_close(dc, np.fft.ifft(dc_hat).real)


@every_product
@pytest.mark.parametrize("B", [1, 2, 3, 4, 8, 18])
def test_one_block_is_circular_convolution(name, B):
    c, x, _ = draw(1, 1, B, 1)
    y, _ = InRows(name, 1, 1, B).apply(c, x)
    expected = [sum(c[0, 0, (k - m) % B] * x[0, m] for m in range(B)) for k in range(B)]
    assert_close(y[0], expected)


@every_product
@pytest.mark.parametrize("B", [3, 4])
def test_a_generator_moves_one_entry_in_each_row_of_its_block(name, B):
    product = PRODUCTS[name](2, 3, B)
    for index in np.ndindex(2, 3, B):
        c = np.zeros((2, 3, B))
        c[index] = 1.0
        assert np.sum(product.matrix(c) ** 2) == B


# Derivatives


@every_product
@every_shape
def test_pullbacks_are_the_adjoints_of_both_arguments(name, shape):
    c, x, dy = draw(*shape)
    other_c, other_x, _ = draw(*shape, seed=1)
    product = InRows(name, *shape[:3])
    dc, dx = product.gradients(c, x, dy)
    for got, along, moved in (
        (dc, other_c, product.apply(other_c, x)[0]),
        (dx, other_x, product.apply(c, other_x)[0]),
    ):
        scale = np.linalg.norm(dy) * np.linalg.norm(moved)
        assert abs(np.vdot(got, along) - np.vdot(dy, moved)) < 1e-13 * scale


@every_product
@pytest.mark.parametrize(
    "shape", [(2, 3, 1, 3), (2, 1, 5, 2), (1, 2, 6, 2), (2, 1, 18, 2)], ids=str
)
def test_gradients_are_those_of_central_differences(name, shape):
    c, x, dy = draw(*shape)
    product = InRows(name, *shape[:3])
    for got, array in zip(product.gradients(c, x, dy), (c, x), strict=True):
        expected = np.empty_like(got)
        for index in np.ndindex(array.shape):
            kept, values = array[index], []
            for step in (0.5, -0.5):  # a bilinear map has no third derivative: any step will do
                array[index] = kept + step
                values.append(np.sum(dy * product.apply(c, x)[0]))
            array[index] = kept
            expected[index] = values[0] - values[1]
        assert_close(got, expected, 1e-13)


@every_product
@every_shape
def test_complex_steps_give_the_real_derivatives(name, shape):
    at, along = draw(*shape), draw(*shape, seed=1)
    product, h = InRows(name, *shape[:3]), 1e-20
    c, x, dy = at
    moved_c, moved_x, moved_dy = (a + 1j * h * b for a, b in zip(at, along, strict=True))
    y, pullback = product.apply(moved_c, moved_x)
    dc = np.full_like(moved_c, np.nan)
    dx = pullback(moved_dy, dc)
    expected_y = product.apply(along[0], x)[0] + product.apply(c, along[1])[0]
    expected_dc = product.gradients(c, along[1], dy)[0] + product.gradients(c, x, along[2])[0]
    expected_dx = product.gradients(along[0], x, dy)[1] + product.gradients(c, x, along[2])[1]
    results = {"y": (y, expected_y), "dc": (dc, expected_dc), "dx": (dx, expected_dx)}
    for got, expected in results.values():
        assert_close(got.imag / h, expected)
    assert_close(y.real, product.apply(c, x)[0])


# Arrays


@every_product
@every_shape
def test_unwanted_gradient_of_the_input_is_none_and_changes_nothing(name, shape):
    c, x, dy = draw(*shape)
    product = InRows(name, *shape[:3])
    dc, _ = product.gradients(c, x, dy)
    again, none = product.gradients(c, x, dy, wanted=False)
    assert none is None
    np.testing.assert_array_equal(again, dc)


@every_product
@every_shape
def test_memory_order_of_arrays_does_not_matter(name, shape):
    c, x, dy = draw(*shape)
    product = InRows(name, *shape[:3])
    expected = (product.apply(c, x)[0], *product.gradients(c, x, dy))
    own = np.ascontiguousarray(c), np.asfortranarray(x), np.asfortranarray(dy)
    got = (product.apply(*own[:2])[0], *product.gradients(*own))
    for theirs, mine in zip(got, expected, strict=True):
        assert_close(theirs, mine)


@every_product
@every_shape
def test_arguments_are_left_alone_and_pullbacks_may_be_repeated(name, shape):
    arrays = draw(*shape)
    before = [array.copy() for array in arrays]
    c, x, dy = arrays
    dcs = np.empty_like(c), np.empty_like(c)
    _, pullback = InRows(name, *shape[:3]).apply(c, x)
    first, second = (pullback(dy, dc) for dc in dcs)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(*dcs)
    for array, kept in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, kept)


@every_product
@every_shape
@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128"])
def test_workspace_lends_the_same_arrays_and_changes_no_bit(name, shape, dtype):
    product, workspace = PRODUCTS[name](*shape[:3]), Workspace()
    seen = []
    for seed in (0, 1, 2):
        c, x, dy = (array.astype(dtype) for array in draw(*shape, seed=seed))
        if product.layout != ROWS:
            x, dy = (np.ascontiguousarray(to_vertices(a, product.B)) for a in (x, dy))
        workspace.restart()
        results = []
        for allocate in (FRESH, workspace):
            y, pullback = applied(product, c, x, allocate)
            results.append((y, dc := np.full_like(c, np.nan), pullback(dy, dc)))
        for fresh, lent in zip(*results, strict=True):
            np.testing.assert_array_equal(lent, fresh)
        seen.append((id(results[1][0]), id(results[1][2]), workspace.n_bytes))
    assert seen[0] == seen[1] == seen[2]


@every_product
@every_shape
@pytest.mark.parametrize("order", [(0, 1, 2), OWN_ORDER], ids=str)
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_bound_product_follows_its_operands_and_takes_any_gradients(name, shape, order, dtype):
    product, workspace = PRODUCTS[name](*shape[:3]), Workspace()
    K_o, K_i, B, N = shape
    drawn = [array.astype(dtype) for array in draw(K_o, K_i, B, N, order)]
    if product.layout != ROWS:
        drawn[1:] = [np.ascontiguousarray(to_vertices(a, product.B)) for a in drawn[1:]]
    c, x = (np.full_like(array, np.nan) for array in drawn[:2])
    dcs = np.empty_like(c), np.ascontiguousarray(c)
    y, run, pullback = product.bind(c, x, workspace)
    for number, factor in enumerate((1.0, -0.5, 2.0, 3.0)):
        now = [factor * array + number for array in drawn]
        c[...], x[...], dc = now[0], now[1], dcs[number // 2]
        run()
        expected, fresh = applied(product, in_order(now[0], order), now[1])
        expected_dc = np.empty_like(dc)
        np.testing.assert_array_equal(y, expected)
        np.testing.assert_array_equal(pullback(now[2], dc), fresh(now[2], expected_dc))
        np.testing.assert_array_equal(dc, expected_dc)


# float32


@every_product
def test_product_keeps_float32(name):
    c, x, dy = (array.astype("float32") for array in draw(2, 3, 4, 5))
    product = InRows(name, 2, 3, 4)
    y, _ = product.apply(c, x)
    dc, dx = product.gradients(c, x, dy)
    assert y.dtype == dc.dtype == dx.dtype == np.float32


def results(name, c, x, dy):
    """y, dc and dx of rows."""
    product = InRows(name, *c.shape)
    return (product.apply(c, x)[0], *product.gradients(c, x, dy))


def absolute_results(name, c, x, dy):
    """What y, dc and dx are if every number on the product's way to them is made positive.

    That way is ``y = S ((T_c c) · (T_x x))`` and its two adjoints. Of a transform in two stages the
    absolute values of both are multiplied, which bounds what a rounding in the first can become.
    """
    c, x, dy = map(np.abs, (c, x, dy))
    B = c.shape[-1]
    if name == "gather":
        return results("gather", c, x, dy)
    T_c, T_x, S = absolute_algorithm(name, B)
    c_hat = np.einsum("rb,ijb->rij", T_c, c)
    x_hat = np.einsum("rb,bjn->rjn", T_x, to_vertices(x, B))
    dy_hat = np.einsum("br,bin->rin", S, to_vertices(dy, B))
    return (
        to_rows(np.einsum("br,rij,rjn->bin", S, c_hat, x_hat, optimize=True)),
        np.einsum("rb,rin,rjn->ijb", T_c, dy_hat, x_hat, optimize=True),
        to_rows(np.einsum("rb,rij,rin->bjn", T_x, c_hat, dy_hat, optimize=True)),
    )


def absolute_algorithm(name, B):
    """|T_c|, |T_x| (R, B) and |S| (B, R)."""
    if name == "polygon":
        T, S = map(np.abs, bilinear_algorithm(B))
        return T, T, S
    of_c, of_x = (absolute_parts(B, orthonormal=orthonormal) for orthonormal in (False, True))
    T_c, T_x = (np.concatenate([real, re, im, re + im]) for real, re, im in (of_c, of_x))
    # Of three products p, q, s of a frequency the result is p - q + i (s - p - q).
    real, re, im = of_x
    return T_c, T_x, np.concatenate([real, re + im, re + im, im]).T


def absolute_parts(B, *, orthonormal):
    """Rows of the absolute DFT: of real frequencies, and both parts of the complex ones."""
    A, r = absolute_dft(B, orthonormal=orthonormal), n_real(B)
    return A[:r], A[r::2], A[r + 1 :: 2]


def absolute_dft(B, *, orthonormal):
    dft = RealDFT(B, orthonormal=orthonormal)
    dft._float64 = tuple(map(np.abs, dft._float64))
    out = np.empty((B, B, 1))
    dft.bind(np.eye(B)[:, :, None], out, FRESH)()
    return out[:, :, 0]


def n_roundings(name, K_o, K_i, B, N):
    """Most roundings between an argument and each of y, dc, dx.

    A sum of n products takes n; the entries of a matrix, rounded themselves, one more.
    """
    sums = np.array([K_i, N, K_o])
    if name == "gather":
        return np.array([K_i * B, N + B, K_o * B])
    if name == "polygon":
        R = len(bilinear_algorithm(B)[0])
        return 2 * (B + 1) + (R + 1) + sums
    first, second = stage_lengths(B)
    transform = B + 1 if first == 1 else (first + 1) + (2 * second + 1)
    return 3 * transform + sums + 4  # two sums of operands ahead of a product, two behind it


@every_product
@pytest.mark.parametrize("B", [1, 2, 3, 4, 5, 7, 8, 16, 18, 20, 24, 25, 32, 33, 64, 128])
def test_float32_stays_within_its_bound_of_rounding(name, B):
    K_o, K_i, N = 3, 5, 40
    narrow = [array.astype("float32") for array in draw(K_o, K_i, B, N)]
    wide = [array.astype("float64") for array in narrow]
    k_u = n_roundings(name, K_o, K_i, B, N) * 2.0**-24
    for got, exact, absolute, gamma in zip(
        results(name, *narrow),
        results("gather", *wide),
        absolute_results(name, *wide),
        k_u / (1 - k_u),
        strict=True,
    ):
        share = np.abs(got - exact) / (gamma * absolute)
        assert share.max() <= 1
        # Signs differ, and roundings do, so that most of both cancels: the more, the longer the
        # sums. Were the share smaller still, the bound would say nothing.
        assert share.max() > min(2e-4, 0.03 / B**2)
        # What is left at these draws: 8 units at most.
        assert np.linalg.norm(got - exact) <= 10 * 2.0**-24 * np.linalg.norm(exact)


# The bilinear algorithm


@pytest.mark.parametrize("B", [*range(1, 17), 31, 64])
def test_bilinear_algorithm_is_circular_convolution_at_three_products_a_complex_frequency(B):
    T, S = bilinear_algorithm(B)
    real = 1 if B % 2 else 2
    R = real + 3 * (B - real) // 2
    assert (T.shape, S.shape) == ((R, B), (B, R))
    # At unit vectors e_l, e_m the convolution is e_(l + m).
    found = np.einsum("br,rl,rm->blm", S, T, T)
    expected = [np.roll(np.eye(B), shift, axis=0) for shift in range(B)]
    np.testing.assert_allclose(found, np.transpose(expected, (1, 2, 0)), rtol=0, atol=1e-14)
