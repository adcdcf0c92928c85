"""ACDC: the laws of weight layers, by both of its ways, and its cosine transform."""

import numpy as np
import pytest

from cdbench.engine.layers import acdc, acdc_stages
from cdbench.engine.layers.acdc import ACDC
from cdbench.engine.products.real_dct import StagedDCT, dct_matrix, staged_dct
from cdbench.errors import ShapeError
from tests import layer_laws

# n_in, n_out, depth
SIZES = ((8, 8, 2), (6, 3, 2), (3, 6, 2))
EDGES = ((5, 5, 1), (9, 4, 2), (1, 3, 2))
WIDE = ((64, 64, 8), (64, 64, 1), (64, 10, 8), (13, 64, 8))


@pytest.fixture(params=["samples", "matrix"])
def way(request, monkeypatch):
    monkeypatch.setattr(acdc, "SAMPLES_PER_INPUT", 0 if request.param == "matrix" else 10**9)
    return request.param


@pytest.mark.parametrize("size", SIZES, ids=str)
@layer_laws.every_law
def test_acdc_obeys(law, size):
    law(ACDC(*size))


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("size", [*SIZES, *EDGES], ids=str)
def test_acdc_obeys_by_either_way(size):
    layer_laws.obeys_all(ACDC(*size), but=layer_laws.STATISTICS)


@pytest.mark.parametrize("size", WIDE, ids=str)
def test_wide_acdc_obeys(size):
    layer_laws.obeys_all(ACDC(*size), but=layer_laws.ENTRY_BY_ENTRY)


@pytest.mark.parametrize(
    "size", [(4, 1, 2), (1, 1, 1), (6, 6, 3), (10, 10, 2), (10, 7, 2), (7, 10, 3)], ids=str
)
def test_ranks_at_other_sizes(size):
    layer_laws.rank_is_the_expected_one(ACDC(*size))
    layer_laws.null_directions_are_counted(ACDC(*size))


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("size", [*SIZES, *EDGES], ids=str)
def test_long_acdc_obeys_by_either_way(size, monkeypatch):
    monkeypatch.setattr(acdc, "LONG", 1)
    layer_laws.obeys_all(ACDC(*size), but=layer_laws.STATISTICS)


def test_fast_transforms_and_stages_are_one_layer(monkeypatch):
    layer = ACDC(acdc.LONG, 40, 2)
    params, x, dy = layer_laws.point(layer)
    fast = layer_laws.pulled(layer, params, x, dy)
    monkeypatch.setattr(acdc, "LONG", acdc.LONG + 1)
    layer_laws.assert_close(fast, layer_laws.pulled(layer, params, x, dy), 1e-12)


def test_large_groups_are_formed_in_two_products_to_the_same_effect(monkeypatch):
    monkeypatch.setattr(acdc_stages, "MOST_NUMBERS_OF_MAP", 0)
    layer_laws.obeys_all(ACDC(16, 16, 2), but=layer_laws.STATISTICS)
    layer_laws.a_step_allocates_nothing(ACDC(256, 256, 2))


def test_weight_gain_of_a_square_layer_is_that_of_the_general_formula():
    layer = ACDC(9, 9, 3)
    columns = layer._squares(9, after_transform=True)[::-1]
    squares = layer._squares(9, after_transform=False) * columns
    np.testing.assert_allclose(squares, layer.weight_gain()["a"])


def test_costs_at_64_are_those_of_the_table():
    assert layer_laws.costs(ACDC(64, 64, 8)) == (1024, 1024)
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
