"""The two Fisher regularisers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdbench.config.checks import FISHER_FORMS
from cdbench.engine.regularizers import REGULARIZERS

every_form = pytest.mark.parametrize("form", REGULARIZERS)


def draw(B, seed=0):
    return np.random.default_rng(seed).normal(size=(2, 3, B))


def test_registry_holds_the_forms_a_configuration_may_name():
    assert set(REGULARIZERS) == set(FISHER_FORMS)


@every_form
@settings(deadline=None, max_examples=40)
@given(B=st.integers(2, 9), seed=st.integers(0, 99), epsilon=st.sampled_from([0.01, 0.1, 1.0]))
def test_gradient_is_that_of_central_differences(form, B, seed, epsilon):
    c, R = draw(B, seed), REGULARIZERS[form]
    _, gradient = R(c, 0.5, epsilon)
    # Near a dead frequency R turns over within √ε: the step is small against that, and the
    # differences h and 2h are combined to be exact to h⁴.
    h, numeric = 1e-3 * np.sqrt(epsilon), np.empty_like(c)
    for index in np.ndindex(c.shape):
        step = np.zeros_like(c)
        step[index] = h
        near = R(c + step, 0.5, epsilon)[0] - R(c - step, 0.5, epsilon)[0]
        far = R(c + 2 * step, 0.5, epsilon)[0] - R(c - 2 * step, 0.5, epsilon)[0]
        numeric[index] = (8 * near - far) / (12 * h)
    assert np.linalg.norm(gradient - numeric) <= 1e-7 * np.linalg.norm(gradient)


@pytest.mark.parametrize("B", [1, 2, 3, 4, 7, 8])
def test_values_are_those_of_the_full_transform(B):
    c, epsilon = draw(B), 0.01
    power = np.abs(np.fft.fft(c)) ** 2 + epsilon
    trace, _ = REGULARIZERS["trace-inverse"](c, 0.5, epsilon)
    variance, _ = REGULARIZERS["log-variance"](c, 0.5, epsilon)
    assert trace == pytest.approx(0.5 * np.sum(1 / power), rel=1e-12)
    expected = 0.5 * np.mean(np.var(0.5 * np.log(power), axis=-1))
    assert variance == pytest.approx(expected, rel=1e-12, abs=1e-30)


@pytest.mark.parametrize("B", [1, 3, 4])
def test_log_variance_of_a_flat_spectrum_is_zero(B):
    c = np.zeros((2, 2, B))
    c[..., 0] = [[1.0, 2.0], [3.0, 4.0]]  # each block a multiple of the identity
    value, gradient = REGULARIZERS["log-variance"](c, 1.0, 0.01)
    assert value == pytest.approx(0, abs=1e-28)
    np.testing.assert_allclose(gradient, 0, atol=1e-14)


@every_form
@pytest.mark.parametrize("B", [3, 4])
def test_regularizer_is_proportional_to_its_weight(form, B):
    value, gradient = REGULARIZERS[form](draw(B), 1.0, 0.01)
    tripled, tripled_gradient = REGULARIZERS[form](draw(B), 3.0, 0.01)
    assert tripled == pytest.approx(3 * value, rel=1e-13)
    np.testing.assert_allclose(tripled_gradient, 3 * gradient, rtol=1e-13)


@every_form
@pytest.mark.parametrize("B", [1, 3, 4])
def test_gradient_is_finite_where_all_generators_are_zero(form, B):
    value, gradient = REGULARIZERS[form](np.zeros((1, 2, B)), 1e-4, 0.01)
    assert np.isfinite(value)
    assert gradient.shape == (1, 2, B)
    assert not gradient.any()
