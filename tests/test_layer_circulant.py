"""SignedCirculant: the laws of weight layers, by both of its products."""

import numpy as np
import pytest

from cdbench.engine.layers import circulant
from cdbench.engine.layers.base import EVALUATION
from cdbench.engine.layers.circulant import SignedCirculant
from tests import layer_laws

SIZES = ((6, 6), (7, 3), (3, 7))
EDGES = ((5, 5), (1, 4), (4, 1), (2, 2), (1, 1))
WIDE = ((64, 64), (64, 10), (13, 64), (256, 200), (200, 256))


@pytest.fixture(params=["matrix", "fft"])
def product(request, monkeypatch):
    monkeypatch.setattr(circulant, "SHORTEST_FFT", 1 if request.param == "fft" else 10**9)
    return request.param


@pytest.mark.parametrize("size", SIZES, ids=str)
@layer_laws.every_law
def test_circulant_obeys(law, size):
    law(SignedCirculant(*size))


@pytest.mark.usefixtures("product")
@pytest.mark.parametrize("size", [*SIZES, *EDGES], ids=str)
def test_circulant_obeys_by_either_product(size):
    layer_laws.obeys_all(SignedCirculant(*size), but=layer_laws.STATISTICS)


@pytest.mark.parametrize("size", WIDE, ids=str)
def test_wide_circulant_obeys(size):
    layer_laws.obeys_all(SignedCirculant(*size), but=layer_laws.ENTRY_BY_ENTRY)


def test_costs_at_64_are_those_of_the_table():
    assert layer_laws.costs(SignedCirculant(64, 64)) == (64, 2 + 4 * 31)
    assert layer_laws.costs(SignedCirculant(5, 5)) == (5, 1 + 4 * 2)
    assert layer_laws.costs(SignedCirculant(3, 5)) == (5, 1 + 4 * 2)
    assert layer_laws.costs(SignedCirculant(1, 1)) == (1, 1)


def test_matrix_is_a_circulant_one_after_signs():
    layer = SignedCirculant(6, 4)
    params = layer_laws.drawn(layer)
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

    monkeypatch.setattr(SignedCirculant, "bind_matrix" if fast else "_bind_fft", refuse)
    layer = SignedCirculant(n, n)
    for dtype in (np.float32, np.float64):
        layer.forward(layer_laws.empty(layer, dtype), np.zeros((2, n), dtype), EVALUATION)
