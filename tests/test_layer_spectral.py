"""The spectral layer: the laws of every layer, its modes, and what it is when all are kept."""

import re

import numpy as np
import pytest

from cdbench.engine.layers.cdlinear import CDLinear
from cdbench.engine.layers.spectral import DEFAULT_LENGTH, FFT_LENGTH, Spectral
from cdbench.errors import ShapeError
from tests import layer_laws

# n_in, n_out, modes, length
SIZES = ((8, 12, None, 4), (10, 5, None, 5), (5, 10, 2, 5))
EDGES = ((8, 4, 2, 4), (6, 12, 1, 6), (6, 6, None, 6), (4, 6, None, 2), (3, 2, None, 1))
L = FFT_LENGTH
BY_FFT = ((L, L, None, L), (2 * L, L, None, L), (L, 2 * L, 5, L), (2 * L + 2, 2 * L + 2, 9, L + 1))
WIDE = (*BY_FFT, (64, 64, None, 16), (30, 60, 4, 10), (64, 32, 3, 16), (64, 32, None, 1))


def by_definition(layer, R, x):
    """The inverse DFT of the modes' matrices times the DFT of the channels."""
    M, paired = layer.modes.M, layer.modes.paired
    matrices = R[:M].astype(complex)
    matrices[paired] += 1j * R[M:]
    channels = np.fft.rfft(x.reshape(len(x), layer.C_i, layer.L))[:, :, :M]
    y = np.fft.irfft(np.einsum("koi,nik->nok", matrices, channels), n=layer.L)
    return y.reshape(len(x), layer.n_out)


@pytest.mark.parametrize("size", [*SIZES, *EDGES, *WIDE], ids=str)
def test_outputs_are_those_of_matrices_between_frequencies(size):
    layer = Spectral(*size)
    params, x, dy = layer_laws.point(layer)
    y = layer_laws.pulled(layer, params, x, dy)["y"]
    expected = by_definition(layer, params["R"], x) + params["bias"]
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("B", [1, 2, 5, 8])
def test_with_all_modes_it_is_a_block_circulant_layer_in_other_coordinates(B):
    layer, other = Spectral(3 * B, 2 * B, None, B), CDLinear(3 * B, 2 * B, B)
    params = layer_laws.drawn(layer)
    W = layer.matrix(params)
    c = W.reshape(2, B, 3, B)[:, :, :, 0].swapaxes(1, 2)
    np.testing.assert_allclose(W, other.matrix({"c": c}), rtol=1e-12, atol=1e-12)
    assert layer_laws.costs(layer) == layer_laws.costs(other)


@pytest.mark.parametrize("size", SIZES, ids=str)
@layer_laws.every_law
def test_spectral_obeys(law, size):
    law(Spectral(*size))


@pytest.mark.parametrize("size", EDGES, ids=str)
def test_odd_spectral_obeys(size):
    layer_laws.obeys_all(Spectral(*size), but=layer_laws.STATISTICS)


@pytest.mark.parametrize("size", WIDE, ids=str)
def test_wide_spectral_obeys(size):
    layer_laws.obeys_all(Spectral(*size), but=layer_laws.ENTRY_BY_ENTRY)


@pytest.mark.parametrize("size", EDGES, ids=str)
def test_weight_gain_of_odd_sizes(size):
    layer_laws.weight_gain_is_how_far_a_unit_step_moves_the_matrix(Spectral(*size))


@pytest.mark.parametrize("size", BY_FFT, ids=str)
def test_the_pullback_by_an_fft_is_that_by_matrices(size):
    layer = Spectral(*size)
    params, x, dy = layer_laws.point(layer)
    complex_params = {name: value.astype(complex) for name, value in params.items()}
    expected = layer_laws.pulled(layer, complex_params, x.astype(complex), dy.astype(complex))
    real = {name: value.real for name, value in expected.items()}
    layer_laws.assert_close(layer_laws.pulled(layer, params, x, dy), real, 1e-13)


def test_with_all_modes_initial_lags_are_independent_and_alike():
    layer = Spectral(64, 64)
    columns = []
    for seed in range(200):
        W = layer.matrix(layer_laws.initial(layer, seed))
        columns.append(W.reshape(4, 16, 4, 16)[:, :, :, 0].swapaxes(1, 2).reshape(-1, 16))
    covariance = np.cov(np.concatenate(columns).T)
    np.testing.assert_allclose(covariance, np.eye(16) * 2 / 64, atol=0.1 * 2 / 64)


@pytest.mark.parametrize(
    ("modes", "length", "n_weights", "multiply_adds"),
    [(None, 4, 1024, 1536), (None, 16, 256, 480), (5, 16, 144, 272), (1, 2, 1024, 1024)],
)
def test_weights_and_multiply_adds_at_64_wide(modes, length, n_weights, multiply_adds):
    assert layer_laws.costs(Spectral(64, 64, modes, length)) == (n_weights, multiply_adds)


@pytest.mark.parametrize("modes", [0, 10])
def test_there_are_no_more_modes_than_frequencies(modes):
    with pytest.raises(
        ShapeError, match=re.escape(f"got {modes} modes of length 16, expected 1 to 9")
    ):
        Spectral(64, 64, modes, 16)


def test_widths_are_made_multiples_of_the_length():
    assert Spectral.width_multiple({"length": 12}) == 12
    assert Spectral.width_multiple({}) == DEFAULT_LENGTH


def test_the_default_has_as_many_weights_as_other_families():
    assert layer_laws.costs(Spectral(64, 64)) == (1024, 1536)
