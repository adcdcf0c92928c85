"""The spectral layer: the laws of every layer, its modes, and what it is when all are kept."""

import re

import numpy as np
import pytest

from cdbench.engine.layers.cdlinear import CDLinear
from cdbench.engine.layers.spectral import DEFAULT_LENGTH, FFT_LENGTH, Spectral
from cdbench.errors import ShapeError
from tests import layer_checks

CASES = [
    (8, 12, None, 4),
    (8, 4, 2, 4),
    (10, 5, None, 5),
    (5, 10, 2, 5),
    (6, 12, 1, 6),
    (6, 6, None, 6),
    (4, 6, None, 2),
    (3, 2, None, 1),
]
L = FFT_LENGTH
FFT_CASES = [
    (L, L, None, L),
    (2 * L, L, None, L),
    (L, 2 * L, 5, L),
    (2 * L + 2, 2 * L + 2, 9, L + 1),
]
every_case = pytest.mark.parametrize(("n_in", "n_out", "modes", "length"), CASES)
every_fft_case = pytest.mark.parametrize(("n_in", "n_out", "modes", "length"), FFT_CASES)
every_kind = pytest.mark.parametrize(("n_in", "n_out", "modes", "length"), CASES + FFT_CASES)


def by_definition(layer, R, x):
    """The inverse DFT of the modes' matrices times the DFT of the channels."""
    M, paired = layer.modes.M, layer.modes.paired
    matrices = R[:M].astype(complex)
    matrices[paired] += 1j * R[M:]
    channels = np.fft.rfft(x.reshape(len(x), layer.C_i, layer.L))[:, :, :M]
    y = np.fft.irfft(np.einsum("koi,nik->nok", matrices, channels), n=layer.L)
    return y.reshape(len(x), layer.n_out)


@every_kind
def test_outputs_are_those_of_matrices_between_frequencies(n_in, n_out, modes, length):
    layer = Spectral(n_in, n_out, modes, length)
    params, x, _ = layer_checks.drawn(layer)
    y, _, _ = layer_checks.pulled(layer, params, x, np.ones((len(x), n_out)))
    expected = by_definition(layer, params["R"], x) + params["bias"]
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("B", [1, 2, 5, 8])
def test_with_all_modes_it_is_a_block_circulant_layer_in_other_coordinates(B):
    layer, other = Spectral(3 * B, 2 * B, None, B), CDLinear(3 * B, 2 * B, B)
    params, _, _ = layer_checks.drawn(layer)
    W = layer.matrix(params)
    c = W.reshape(2, B, 3, B)[:, :, :, 0].swapaxes(1, 2)
    np.testing.assert_allclose(W, other.matrix({"c": c}), rtol=1e-12, atol=1e-12)
    assert layer_checks.n_weights(layer) == layer_checks.n_weights(other)
    assert layer.multiply_adds() == other.multiply_adds()


@every_case
def test_gradients_are_those_of_central_differences_and_of_complex_steps(
    n_in, n_out, modes, length
):
    layer_checks.check_gradients(Spectral(n_in, n_out, modes, length))


@every_fft_case
def test_the_pullback_by_an_fft_is_that_by_matrices(n_in, n_out, modes, length):
    layer = Spectral(n_in, n_out, modes, length)
    params, x, dy = layer_checks.drawn(layer)
    complex_params = {name: value.astype(complex) for name, value in params.items()}
    got = layer_checks.pulled(layer, params, x, dy)
    expected = layer_checks.pulled(layer, complex_params, x.astype(complex), dy.astype(complex))
    for i in (0, 1):
        assert layer_checks.relative_error(got[i], expected[i].real) <= 1e-13
    for name, grad in got[2].items():
        assert layer_checks.relative_error(grad, expected[2][name].real) <= 1e-13


@every_case
def test_gradients_are_analytic(n_in, n_out, modes, length):
    layer_checks.check_gradient_is_analytic(Spectral(n_in, n_out, modes, length))


@every_kind
def test_the_layer_is_its_matrix_and_the_pullback_its_adjoint(n_in, n_out, modes, length):
    layer_checks.check_matrix_and_adjoint(Spectral(n_in, n_out, modes, length))


@every_kind
def test_float32_agrees_with_float64(n_in, n_out, modes, length):
    layer_checks.check_float32(Spectral(n_in, n_out, modes, length))


@pytest.mark.parametrize(
    ("n_in", "n_out", "modes", "length"), [*FFT_CASES, (64, 64, None, 16), (30, 60, 4, 10)]
)
def test_arrays_are_reused_and_steps_allocate_none(n_in, n_out, modes, length):
    layer_checks.check_arrays_are_reused(Spectral(n_in, n_out, modes, length))


@pytest.mark.parametrize(("modes", "length"), [(None, 16), (3, 16), (1, 8), (None, 1), (4, 32)])
def test_initial_weights_preserve_the_variance(modes, length):
    layer_checks.check_gain(Spectral(64, 32, modes, length))


def test_with_all_modes_initial_lags_are_independent_and_alike():
    layer = Spectral(64, 64)
    columns = []
    for seed in range(200):
        W = layer.matrix(layer_checks.initial(layer, seed))
        columns.append(W.reshape(4, 16, 4, 16)[:, :, :, 0].swapaxes(1, 2).reshape(-1, 16))
    covariance = np.cov(np.concatenate(columns).T)
    np.testing.assert_allclose(covariance, np.eye(16) * 2 / 64, atol=0.1 * 2 / 64)


@every_case
def test_ranks_are_the_expected_ones(n_in, n_out, modes, length):
    layer_checks.check_ranks(Spectral(n_in, n_out, modes, length))


@every_case
def test_weight_scale_is_how_far_a_unit_step_moves_the_matrix(n_in, n_out, modes, length):
    layer_checks.check_weight_gain(Spectral(n_in, n_out, modes, length), draws=1)


@pytest.mark.parametrize(
    ("modes", "length", "n_weights", "multiply_adds"),
    [(None, 4, 1024, 1536), (None, 16, 256, 480), (5, 16, 144, 272), (1, 2, 1024, 1024)],
)
def test_weights_and_multiply_adds_at_64_wide(modes, length, n_weights, multiply_adds):
    layer = Spectral(64, 64, modes, length)
    assert layer_checks.n_weights(layer) == n_weights
    assert layer.multiply_adds() == multiply_adds


@pytest.mark.parametrize(
    ("n_in", "n_out", "nearest"), [(13, 64, "16 and 64"), (64, 10, "64 and 16")]
)
def test_length_must_divide_both_widths(n_in, n_out, nearest):
    with pytest.raises(ShapeError, match=f"multiples of 16, such as {nearest}"):
        Spectral(n_in, n_out)


@pytest.mark.parametrize("modes", [0, 10])
def test_there_are_no_more_modes_than_frequencies(modes):
    with pytest.raises(
        ShapeError, match=re.escape(f"got {modes} modes of length 16, expected 1 to 9")
    ):
        Spectral(64, 64, modes)


def test_widths_are_made_multiples_of_the_length():
    assert Spectral.width_multiple({"length": 12}) == 12
    assert Spectral.width_multiple({}) == DEFAULT_LENGTH
