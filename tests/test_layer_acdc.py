"""ACDC: the laws of weight layers, by both of its ways, and its cosine transform."""

import numpy as np
import pytest

from cdbench.engine.layers import acdc, acdc_chain
from cdbench.engine.layers.acdc import ACDC
from cdbench.engine.products.real_dct import StagedDCT, dct_matrix, staged_dct
from cdbench.errors import ShapeError
from tests import factored_laws

# n_in, n_out, depth
SIZES = ((8, 8, 2), (5, 5, 1), (3, 6, 2), (9, 4, 2), (1, 3, 2))


def named(law):
    return law.__name__.replace("_", " ")


@pytest.fixture(params=["samples", "matrix"])
def way(request, monkeypatch):
    monkeypatch.setattr(acdc, "SAMPLES_PER_INPUT", 0 if request.param == "matrix" else 10**9)
    return request.param


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("law", factored_laws.LAWS_OF_STEPS, ids=named)
def test_law_of_steps(law, size):
    law(ACDC(*size), 4)


@pytest.mark.parametrize(
    "size", [*SIZES, (4, 1, 2), (1, 1, 1), (6, 6, 3), (10, 10, 2), (10, 7, 2), (7, 10, 3)], ids=str
)
@pytest.mark.parametrize("law", factored_laws.LAWS_OF_WEIGHTS, ids=named)
def test_law_of_weights(law, size):
    law(ACDC(*size))


def test_large_groups_are_formed_in_two_products_to_the_same_effect(monkeypatch):
    monkeypatch.setattr(acdc_chain, "MOST_NUMBERS_OF_MAP", 0)
    for law in factored_laws.LAWS_OF_STEPS:
        law(ACDC(16, 16, 2), 3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [(64, 10, 8), (13, 64, 8), (256, 256, 2)], ids=str)
def test_steps_allocate_nothing(size, dtype):
    factored_laws.steps_allocate_nothing(ACDC(*size), 64, dtype)


@pytest.mark.parametrize("size", [(64, 64, 8), (64, 64, 1), (64, 10, 8), (13, 64, 8)], ids=str)
def test_initial_variance_is_the_gain(size):
    # One draw's gain is off by 0.3 to 0.5: the products of 2K entries vary that much.
    factored_laws.initial_variance_is_the_gain(ACDC(*size), n_draws=100)


@pytest.mark.parametrize("size", [(4, 4, 2), (6, 3, 2), (3, 6, 2)], ids=str)
def test_weight_gain_is_that_of_the_jacobian(size):
    factored_laws.weight_gain_is_that_of_the_jacobian(ACDC(*size), n_draws=40)


def test_weight_gain_of_a_square_layer_is_that_of_the_general_formula():
    layer = ACDC(9, 9, 3)
    columns = layer._squares(9, after_transform=True)[::-1]
    squares = layer._squares(9, after_transform=False) * columns
    np.testing.assert_allclose(squares, layer.weight_gain()["a"])


def test_costs_at_64_are_those_of_the_table():
    assert factored_laws.costs(ACDC(64, 64, 8)) == (1024, 1024)
    assert ACDC(64, 64, 8).n_null_directions() == 15


def test_no_factor_is_refused():
    with pytest.raises(ShapeError, match="expected 1 or more"):
        ACDC(4, 4, 0)


def test_cosine_transform_is_orthonormal_and_of_the_second_type():
    C = dct_matrix(7)
    np.testing.assert_allclose(C @ C.T, np.eye(7), atol=1e-14)
    np.testing.assert_allclose(C[3, 2], np.sqrt(2 / 7) * np.cos(np.pi * 3 * 2.5 / 7))


@pytest.mark.parametrize("lengths", [(12, k) for k in (1, 2, 3, 4, 6, 12)] + [(15, 5), (13, 1)])
def test_staged_transform_is_the_matrix(lengths):
    n, n_1 = lengths
    staged = StagedDCT(n, n_1)
    middle = np.tensordot(staged.first, np.eye(n)[staged.order].reshape(n_1, -1, n), 1)
    rows, begin = [], 0
    for G in staged.groups:
        g, m, _ = G.shape
        part = middle.reshape(n, n)[begin : begin + g * m].reshape(g, m, n)
        rows.append((G @ part).reshape(-1, n))
        begin += g * m
    np.testing.assert_allclose(np.concatenate(rows), dct_matrix(n)[staged.frequencies], atol=1e-14)


@pytest.mark.parametrize(("n", "n_1"), [(64, 8), (8, 2), (1024, 32), (13, 1), (10, 2), (1, 1)])
def test_stages_are_nearly_equal(n, n_1):
    assert staged_dct(n).n_1 == n_1
    assert staged_dct(n) is staged_dct(n)
