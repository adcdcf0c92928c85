"""SignedCirculant: the laws of weight layers, by both of its products."""

import numpy as np
import pytest

from cdbench.engine.layers import circulant
from cdbench.engine.layers.base import EVALUATION
from cdbench.engine.layers.circulant import SignedCirculant
from tests import factored_laws

SIZES = ((6, 6), (5, 5), (7, 3), (3, 7), (1, 4), (4, 1), (2, 2), (1, 1))


def named(law):
    return law.__name__.replace("_", " ")


@pytest.fixture(params=["matrix", "fft"])
def product(request, monkeypatch):
    monkeypatch.setattr(circulant, "SHORTEST_FFT", 1 if request.param == "fft" else 10**9)
    return request.param


@pytest.mark.usefixtures("product")
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("law", factored_laws.LAWS_OF_STEPS, ids=named)
def test_law_of_steps(law, size):
    law(SignedCirculant(*size), 5)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("law", factored_laws.LAWS_OF_WEIGHTS, ids=named)
def test_law_of_weights(law, size):
    law(SignedCirculant(*size))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [(64, 10), (13, 64), (256, 256), (256, 200), (200, 256)], ids=str)
def test_steps_allocate_nothing(size, dtype):
    factored_laws.steps_allocate_nothing(SignedCirculant(*size), 64, dtype)


@pytest.mark.parametrize("size", [(64, 64), (64, 10), (13, 64)], ids=str)
def test_initial_variance_is_the_gain(size):
    factored_laws.initial_variance_is_the_gain(SignedCirculant(*size))


@pytest.mark.parametrize("size", [(6, 6), (7, 3), (3, 7)], ids=str)
def test_weight_gain_is_that_of_the_jacobian(size):
    factored_laws.weight_gain_is_that_of_the_jacobian(SignedCirculant(*size), 1e-12, 2)


def test_costs_at_64_are_those_of_the_table():
    assert factored_laws.costs(SignedCirculant(64, 64)) == (64, 2 + 4 * 31)
    assert factored_laws.costs(SignedCirculant(5, 5)) == (5, 1 + 4 * 2)
    assert factored_laws.costs(SignedCirculant(1, 1)) == (1, 1)


def test_matrix_is_a_circulant_one_after_signs():
    layer = SignedCirculant(6, 4)
    params = factored_laws.drawn(layer)
    W = layer.matrix(params)
    for k, lag in np.ndindex(4, 6):
        assert W[k, lag] == params["c"][(k - lag) % 6] * layer.signs[lag]


def test_signs_belong_to_the_layer():
    signs = SignedCirculant(64, 64).signs
    assert "".join("+" if sign > 0 else "-" for sign in signs[:16]) == "-+--++--+---+++-"
    np.testing.assert_array_equal(SignedCirculant(64, 10).signs, signs)
    assert set(signs) == {-1.0, 1.0}


@pytest.mark.parametrize(("n", "fast"), [(192, True), (1024, True), (1009, False), (128, False)])
def test_long_transforms_of_small_factors_are_fast_ones(n, fast, monkeypatch):
    def refuse(*_):
        raise AssertionError

    monkeypatch.setattr(SignedCirculant, "_bind_matrix" if fast else "_bind_fft", refuse)
    layer = SignedCirculant(n, n)
    for dtype in (np.float32, np.float64):
        layer.forward(factored_laws.views(layer, dtype), np.zeros((2, n), dtype), EVALUATION)
