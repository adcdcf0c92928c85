"""KroneckerSum: the laws of every weight layer, its factors, its terms and its size."""

import numpy as np
import pytest

from cdbench.engine.layers.kronecker import KroneckerSum, nearest_factors
from tests import layer_laws

# n_in, n_out, terms
SIZES = ((12, 6, 3), (8, 9, 1))
EDGES = ((13, 10, 2), (6, 8, 8))
WIDE = ((64, 64, 8), (64, 12, 8), (16, 64, 2))

in_both_forms = pytest.mark.parametrize("direct", [True, False], ids=["direct", "matrix"])


def in_form(size, *, direct):
    """The layer computed by its formula, or by forming W, whichever would be faster."""
    layer = KroneckerSum(*size)
    layer.direct = direct
    return layer


@pytest.mark.parametrize("size", SIZES, ids=str)
@layer_laws.every_law
def test_kronecker_obeys(law, size):
    law(KroneckerSum(*size))


@in_both_forms
@pytest.mark.parametrize("size", [*SIZES, *EDGES], ids=str)
def test_kronecker_obeys_in_either_form(size, direct):
    layer_laws.obeys_all(in_form(size, direct=direct), but=layer_laws.STATISTICS)


@in_both_forms
@pytest.mark.parametrize("size", WIDE, ids=str)
def test_wide_kronecker_obeys(size, direct):
    layer_laws.obeys_all(in_form(size, direct=direct), but=layer_laws.ENTRY_BY_ENTRY)


@pytest.mark.parametrize("size", [*SIZES, *EDGES], ids=str)
def test_both_forms_agree(size):
    direct, formed = in_form(size, direct=True), in_form(size, direct=False)
    at = layer_laws.point(direct)
    layer_laws.assert_close(layer_laws.pulled(direct, *at), layer_laws.pulled(formed, *at), 1e-13)


def test_its_matrix_is_a_sum_of_kronecker_products():
    layer = KroneckerSum(12, 6, 3)
    params = layer_laws.drawn(layer)
    expected = sum(np.kron(A, B) for A, B in zip(params["A"], params["B"], strict=True))
    np.testing.assert_allclose(layer.matrix(params), expected, rtol=1e-13, atol=1e-13)


def test_eight_terms_at_64_have_1024_weights_and_8192_multiply_adds():
    layer = KroneckerSum(64, 64, 8)
    assert layer_laws.costs(layer) == (1024, 8192)
    assert layer.expected_rank() == 64


def test_multiply_adds_are_those_of_the_two_products_of_a_sample():
    s, m_i, p_i, m_o, p_o = 2, 3, 4, 2, 3
    layer = KroneckerSum(m_i * p_i, m_o * p_o, s)
    assert layer.multiply_adds() == s * (m_i * p_i * p_o + m_o * m_i * p_o)


def test_by_default_there_are_eight_terms():
    assert KroneckerSum(64, 64).s == KroneckerSum.structure[0].default == 8


@pytest.mark.parametrize(
    ("n", "factors"),
    [(1, (1, 1)), (2, (1, 2)), (10, (2, 5)), (12, (3, 4)), (13, (1, 13)), (64, (8, 8))],
)
def test_factors_are_as_near_as_possible(n, factors):
    assert nearest_factors(n) == factors


def test_networks_have_widths_that_are_no_primes():
    multiple = KroneckerSum.width_multiple({"terms": 8})
    assert all(min(nearest_factors(multiple * k)) >= 2 for k in range(1, 50))


def test_terms_beyond_those_of_any_matrix_are_not_used():
    layer = KroneckerSum(13, 3, 8)  # A is 1 x 1, B is the whole matrix
    assert layer.parameter_shapes() == {"A": (1, 1, 1), "B": (1, 3, 13), "bias": (3,)}
    assert KroneckerSum(6, 8, 8).s == 4


@pytest.mark.parametrize("terms", [1, 2, 3])
def test_rank_is_the_expected_one_at_many_widths(terms):
    for n_in in range(1, 13):
        for n_out in range(1, 13):
            layer_laws.rank_is_the_expected_one(KroneckerSum(n_in, n_out, terms))


def test_one_term_can_be_rank_deficient():
    assert KroneckerSum(8, 9, 1).expected_rank() == 6
    assert KroneckerSum(8, 9, 2).expected_rank() == 8


@pytest.mark.parametrize(
    ("n", "terms", "direct"), [(64, 1, False), (256, 4, True), (256, 8, False), (1024, 8, True)]
)
def test_the_formula_is_used_where_it_saves_half_of_the_multiply_adds_of_a_large_w(
    n, terms, direct
):
    assert KroneckerSum(n, n, terms).direct is direct
