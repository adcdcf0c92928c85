"""Activations' values and slopes, and ReLU's at its kink and at what is not finite."""

from math import erf

import numpy as np
import pytest

from cdbench.engine.layers import ACTIVATIONS, EVALUATION, GELU, CDLinear, Context, ReLU, Tanh
from cdbench.engine.layers.layouts import rearranged
from cdbench.engine.products.workspace import Workspace


def test_relu_of_a_complex_step_at_zero_is_zero_whatever_the_step():
    x = np.array([[1j, -1j, 2 + 1j, 2 - 1j, -2 + 1j]]) * [1e-20, 1e-20, 1, 1, 1]
    y, pullback = ReLU(5).forward({}, x, EVALUATION)
    np.testing.assert_array_equal(y, [[0, 0, 2 + 1j, 2 - 1j, 0]])
    np.testing.assert_array_equal(pullback(np.ones((1, 5)), {}), [[0, 0, 1, 1, 0]])


def test_relu_of_what_is_not_finite_is_its_limit_and_keeps_nan():
    y, _ = ReLU(3).forward({}, np.array([[-np.inf, np.inf, np.nan]]), EVALUATION)
    np.testing.assert_array_equal(y, [[0, np.inf, np.nan]])


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_pullback_is_the_complex_step_of_the_values(name):
    layer, step = ACTIVATIONS[name](5), 1e-20
    x = 2 * np.random.default_rng(0).normal(size=(40, 5))
    values, _ = layer.forward({}, x, EVALUATION)
    stepped, _ = layer.forward({}, x + step * 1j, EVALUATION)
    # 1 + tanh cancels far to the left, where GELU is therefore exact in absolute terms only.
    np.testing.assert_allclose(stepped.real, values, rtol=1e-15, atol=2e-15)
    for context in (EVALUATION, Context(allocate=Workspace())):
        y, pullback = layer.forward({}, x.copy(), context)
        np.testing.assert_array_equal(y, values)
        y[...] = np.nan if name != "relu" else np.abs(y)  # ReLU needs to know where y > 0
        slope = pullback(np.ones_like(x), {})
        np.testing.assert_allclose(slope, stepped.imag / step, rtol=1e-12, atol=1e-14)


def test_gelu_is_near_the_exact_one_and_tanh_is_tanh():
    x = np.linspace(-6, 6, 1001)[None]
    exact = x / 2 * (1 + np.vectorize(erf)(x / np.sqrt(2)))
    got, _ = GELU(1001).forward({}, x, EVALUATION)
    assert 1e-5 < np.abs(got - exact).max() < 5e-4
    np.testing.assert_array_equal(Tanh(1001).forward({}, x, EVALUATION)[0], np.tanh(x))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gelu_is_that_of_torch(dtype):
    torch = pytest.importorskip("torch")
    x = np.linspace(-8, 8, 997, dtype=dtype)[None]
    y, pullback = GELU(997).forward({}, x, EVALUATION)
    leaf = torch.tensor(x, requires_grad=True)
    expected = torch.nn.functional.gelu(leaf, approximate="tanh")
    expected.sum().backward()
    bound = 8 * np.finfo(dtype).eps
    assert y.dtype == dtype
    np.testing.assert_allclose(y, expected.detach(), rtol=bound, atol=8 * bound)
    np.testing.assert_allclose(pullback(np.ones_like(x), {}), leaf.grad, rtol=bound, atol=8 * bound)


@pytest.mark.parametrize("name", ["gelu", "tanh"])
def test_layouts_stay_as_they_are_through_an_activation(name):
    layers = rearranged([CDLinear(8, 8, 4, "fft"), ACTIVATIONS[name](8), CDLinear(8, 8, 4, "fft")])
    assert [type(one).__name__ for one in layers[1:4]] == [
        "CDLinear",
        ACTIVATIONS[name].__name__,
        "CDLinear",
    ]
