"""Softmax cross-entropy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdbench.engine.losses import (
    LOG_FLOOR,
    Softmax,
    cross_entropy,
    softmax,
    softmax_cross_entropy,
    softmax_gradient,
)
from cdbench.engine.products.base import FRESH
from cdbench.engine.products.workspace import Workspace


def draw(seed, n=7, n_classes=5):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, n_classes)), rng.integers(0, n_classes, n)


@settings(deadline=None)
@given(seed=st.integers(0, 99))
def test_gradient_is_that_of_central_differences(seed):
    logits, labels = draw(seed)
    _, gradient = softmax_cross_entropy(logits, labels)
    h, numeric = 1e-5, np.empty_like(logits)
    for index in np.ndindex(logits.shape):
        step = np.zeros_like(logits)
        step[index] = h
        above, _ = softmax_cross_entropy(logits + step, labels)
        below, _ = softmax_cross_entropy(logits - step, labels)
        numeric[index] = (above - below) / (2 * h)
    assert np.linalg.norm(gradient - numeric) <= 1e-7 * np.linalg.norm(gradient)


@settings(deadline=None)
@given(seed=st.integers(0, 99), shift=st.floats(-1e3, 1e3))
def test_a_shift_of_all_scores_changes_nothing(seed, shift):
    logits, labels = draw(seed)
    loss, gradient = softmax_cross_entropy(logits, labels)
    shifted_loss, shifted_gradient = softmax_cross_entropy(logits + shift, labels)
    assert shifted_loss == pytest.approx(loss, abs=1e-11)
    np.testing.assert_allclose(shifted_gradient, gradient, rtol=0, atol=1e-11)


def test_loss_is_the_mean_of_minus_log_probability():
    logits, labels = np.log([[0.2, 0.3, 0.5], [0.1, 0.8, 0.1]]), np.array([2, 0])
    loss, gradient = softmax_cross_entropy(logits, labels)
    assert loss == pytest.approx(-np.log([0.5 + LOG_FLOOR, 0.1 + LOG_FLOOR]).mean(), rel=1e-14)
    np.testing.assert_allclose(gradient, [[0.1, 0.15, -0.25], [-0.45, 0.4, 0.05]], atol=1e-15)


def test_equal_scores_lose_the_logarithm_of_the_number_of_classes():
    loss, _ = softmax_cross_entropy(np.zeros((3, 10)), np.array([0, 4, 9]))
    assert loss == pytest.approx(-np.log(0.1 + LOG_FLOOR), rel=1e-15)


def test_gradient_of_each_sample_sums_to_zero():
    _, gradient = softmax_cross_entropy(*draw(0))
    np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=1e-16)


def test_loss_of_a_hopeless_sample_is_the_floor():
    loss, gradient = softmax_cross_entropy(np.array([[0.0, 1e5]]), np.array([0]))
    assert loss == pytest.approx(-np.log(1e-12))
    assert gradient.tolist() == [[-1, 1]]


def test_infinite_scores_give_a_loss_that_is_not_finite():
    with np.errstate(all="ignore"):
        loss, _ = softmax_cross_entropy(np.array([[0.0, np.inf]]), np.array([0]))
    assert not np.isfinite(loss)


def test_scores_are_left_alone_and_float32_stays_float32():
    logits, labels = draw(0)
    logits = logits.astype("float32")
    before = logits.copy()
    assert softmax_cross_entropy(logits, labels)[1].dtype == np.float32
    np.testing.assert_array_equal(logits, before)


@settings(deadline=None)
@given(seed=st.integers(0, 99))
def test_softmax_gives_probabilities_in_the_ratios_of_exponentials(seed):
    logits, _ = draw(seed)
    p = softmax(logits)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-15)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(p, expected, rtol=1e-14)


def test_gradient_is_the_probabilities_less_the_labels_and_its_loss_that_of_the_true_ones():
    logits, labels = draw(0)
    p, rows = softmax(logits), np.arange(len(labels))
    p_true, gradient = softmax_gradient(logits, labels)
    np.testing.assert_array_equal(p_true, p[rows, labels])
    expected = (p - np.eye(5)[labels]) / len(labels)
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=3e-17)
    losses = cross_entropy(p_true)
    np.testing.assert_allclose(losses, -np.log(p_true + LOG_FLOOR), rtol=1e-15)
    assert softmax_cross_entropy(logits, labels)[0] == losses.mean()


def test_workspace_gives_what_new_arrays_give():
    workspace, n_bytes = Workspace(), []
    for seed in range(3):
        logits, labels = draw(seed)
        workspace.restart()
        lent = Softmax(logits, workspace)
        np.testing.assert_equal((lent.gradient(labels), lent.p), softmax_gradient(logits, labels))
        np.testing.assert_array_equal(lent.run(), softmax(logits))
        n_bytes.append(workspace.n_bytes)
    assert len(set(n_bytes)) == 1


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128"])
@pytest.mark.parametrize("allocate", [FRESH, Workspace()], ids=["fresh", "workspace"])
def test_bound_softmax_computes_again_from_what_its_logits_hold(dtype, allocate):
    logits = np.empty((7, 5), dtype)
    computed = Softmax(logits, allocate)
    for seed in range(3):
        drawn, labels = draw(seed)
        logits[...] = drawn + (1e-20j if dtype == "complex128" else 0)
        p_true, gradient = softmax_gradient(logits.copy(), labels)
        np.testing.assert_array_equal(computed.gradient(labels), p_true)
        np.testing.assert_array_equal(computed.p, gradient)
        np.testing.assert_array_equal(computed.run(), softmax(logits.copy()))
        np.testing.assert_array_equal(computed.true(labels), p_true)


def test_smoothed_gradient_is_that_of_the_cross_entropy_with_smoothed_targets():
    logits, labels = draw(0)
    smoothing, h = 0.2, 1e-5
    targets = (1 - smoothing) * np.eye(5)[labels] + smoothing / 5
    loss = Softmax(logits, FRESH, smoothing)
    told = loss.gradient(labels)
    np.testing.assert_array_equal(told, softmax_gradient(logits, labels)[0])
    numeric = np.empty_like(logits)
    for index in np.ndindex(logits.shape):
        step = np.zeros_like(logits)
        step[index] = h
        sides = [-np.sum(targets * np.log(softmax(logits + s * step))) / 7 for s in (1, -1)]
        numeric[index] = (sides[0] - sides[1]) / (2 * h)
    np.testing.assert_allclose(loss.dy, numeric, atol=1e-10)
