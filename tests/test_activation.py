"""ReLU where a maximum could be taken in another way: at its kink, and at what is not finite."""

import numpy as np

from cdbench.engine.layers import EVALUATION, ReLU


def test_relu_of_a_complex_step_at_zero_is_zero_whatever_the_step():
    x = np.array([[1j, -1j, 2 + 1j, 2 - 1j, -2 + 1j]]) * [1e-20, 1e-20, 1, 1, 1]
    y, pullback = ReLU(5).forward({}, x, EVALUATION)
    np.testing.assert_array_equal(y, [[0, 0, 2 + 1j, 2 - 1j, 0]])
    np.testing.assert_array_equal(pullback(np.ones((1, 5)), {}), [[0, 0, 1, 1, 0]])


def test_relu_of_what_is_not_finite_is_its_limit_and_keeps_nan():
    y, _ = ReLU(3).forward({}, np.array([[-np.inf, np.inf, np.nan]]), EVALUATION)
    np.testing.assert_array_equal(y, [[0, np.inf, np.nan]])
