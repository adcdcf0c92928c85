"""LayerNorm and BatchNorm: their laws, their gradients, and what they make of single samples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdbench.engine.layers import EVALUATION, BatchNorm, Context, Dense, LayerNorm
from cdbench.engine.layers.normalization import EPSILON, moments
from cdbench.engine.layers.tokens import Patches
from cdbench.engine.network import Network
from cdbench.errors import ConfigurationError, ShapeError

N = 5
LAYER, BATCH = LayerNorm(N), BatchNorm(N)
TRAINING = Context(training=True)
POPULATION = np.random.default_rng(2).normal(3.0, 2.0, (30, N))
MEASURED = Context(statistics={BATCH: moments(POPULATION, axis=0)})

every_use = pytest.mark.parametrize(
    ("layer", "context"),
    [
        pytest.param(LAYER, TRAINING, id="layer, training"),
        pytest.param(LAYER, EVALUATION, id="layer, evaluation"),
        pytest.param(BATCH, TRAINING, id="batch, training"),
        pytest.param(BATCH, MEASURED, id="batch, evaluation"),
    ],
)
either = pytest.mark.parametrize("layer", [LAYER, BATCH], ids=["layer", "batch"])


def point(n_samples=7):
    rng = np.random.default_rng(0)
    params = {"gain": rng.normal(size=N), "shift": rng.normal(size=N)}
    return params, rng.normal(1.0, 2.0, (n_samples, N)), rng.normal(size=(n_samples, N))


def plain():
    return {"gain": np.ones(N), "shift": np.zeros(N)}


def pulled_back(layer, params, x, dy, context):
    grads = {"gain": np.full(N, np.nan), "shift": np.full(N, np.nan)}
    _, pullback = layer.forward(params, x, context)
    return {"x": pullback(dy, grads), **grads}


@every_use
def test_gradients_are_those_of_central_differences(layer, context):
    params, x, dy = point()
    got = pulled_back(layer, params, x, dy, context)
    for name, array in {"x": x, **params}.items():
        expected = np.empty_like(array)
        for index in np.ndindex(array.shape):
            kept, losses = array[index], []
            for step in (1e-5, -1e-5):
                array[index] = kept + step
                losses.append(np.sum(dy * layer.forward(params, x, context)[0]))
            array[index] = kept
            expected[index] = (losses[0] - losses[1]) / 2e-5
        assert np.linalg.norm(got[name] - expected) <= 1e-8 * np.linalg.norm(expected)


@every_use
def test_pullback_is_the_adjoint_of_the_derivative_by_complex_steps(layer, context):
    params, x, dy = point()
    rng, h = np.random.default_rng(1), 1e-30
    got = pulled_back(layer, params, x, dy, context)
    along = {name: rng.normal(size=value.shape) for name, value in got.items()}
    stepped = {name: value + 1j * h * along[name] for name, value in {"x": x, **params}.items()}
    J_along = layer.forward(stepped, stepped["x"], context)[0].imag / h
    assert np.sum(dy * J_along) == pytest.approx(
        sum(np.sum(got[name] * along[name]) for name in got), rel=1e-13
    )


@every_use
def test_pullback_too_is_analytic_in_parameters_and_input(layer, context):
    params, x, dy = point()
    rng, h = np.random.default_rng(1), 1e-6
    for name in ("x", "gain"):
        values = {"x": x, **params}
        along = rng.normal(size=values[name].shape)

        def dx(step, values=values, name=name, along=along):
            moved = {key: value.astype(type(step)) for key, value in values.items()}
            moved[name] += step * along
            grads = {key: np.empty(N, type(step)) for key in params}
            pullback = layer.forward(moved, moved["x"], context)[1]
            return pullback(dy.astype(type(step)), grads)

        expected = (dx(h) - dx(-h)) / (2 * h)
        np.testing.assert_allclose(dx(1e-30j).imag / 1e-30, expected, rtol=1e-6, atol=1e-8)


@every_use
def test_unwanted_gradient_of_the_input_is_none_and_changes_no_other(layer, context):
    params, x, dy = point()
    expected = pulled_back(layer, params, x, dy, context)
    grads = {"gain": np.full(N, np.nan), "shift": np.full(N, np.nan)}
    _, pullback = layer.forward(params, x, context)
    assert pullback(dy, grads, wanted=False) is None
    np.testing.assert_equal({"x": expected["x"], **grads}, expected)


@either
def test_training_output_has_mean_zero_and_the_variance_that_epsilon_leaves(layer):
    _, x, _ = point()
    y, _ = layer.forward(plain(), x, TRAINING)
    variance = x.var(axis=layer.axis)
    np.testing.assert_allclose(y.mean(axis=layer.axis), 0, atol=1e-14)
    np.testing.assert_allclose(y.var(axis=layer.axis), variance / (variance + EPSILON), rtol=1e-12)


@either
def test_gain_and_shift_act_on_what_is_normalized(layer):
    params, x, _ = point()
    y, _ = layer.forward(plain(), x, TRAINING)
    expected = y * params["gain"] + params["shift"]
    np.testing.assert_array_equal(layer.forward(params, x, TRAINING)[0], expected)


@either
@settings(deadline=None)
@given(factor=st.floats(0.01, 100), offset=st.floats(-100, 100))
def test_scale_and_offset_of_what_is_normalized_together_do_not_matter(layer, factor, offset):
    _, x, _ = point()
    y, _ = layer.forward(plain(), x, TRAINING)
    moved, _ = layer.forward(plain(), factor * x + offset, TRAINING)
    # But for EPSILON, which weighs more on small variances.
    variance = x.var(axis=layer.axis, keepdims=True)
    left = np.sqrt((variance + EPSILON) / (variance + EPSILON / factor**2))
    np.testing.assert_allclose(moved, y * left, atol=1e-9)


def test_layer_normalization_takes_each_sample_for_itself():
    params, x, _ = point()
    y, _ = LAYER.forward(params, x, TRAINING)
    for i in range(len(x)):
        np.testing.assert_array_equal(LAYER.forward(params, x[i : i + 1], EVALUATION)[0], y[[i]])


def test_batch_normalization_in_evaluation_is_a_fixed_map_of_each_sample():
    params, x, _ = point()
    y, _ = BATCH.forward(params, x, MEASURED)
    mean, deviation = POPULATION.mean(axis=0), np.sqrt(POPULATION.var(axis=0) + EPSILON)
    expected = (x - mean) / deviation * params["gain"] + params["shift"]
    np.testing.assert_allclose(y, expected, rtol=1e-12)
    np.testing.assert_array_equal(BATCH.forward(params, x[:1], MEASURED)[0], y[:1])


def test_batch_normalization_in_evaluation_of_its_population_is_that_of_training():
    params, _, _ = point()
    expected, _ = BATCH.forward(params, POPULATION, TRAINING)
    np.testing.assert_array_equal(BATCH.forward(params, POPULATION, MEASURED)[0], expected)


@pytest.mark.parametrize("context", [EVALUATION, MEASURED], ids=["none", "of another layer"])
def test_batch_normalization_in_evaluation_needs_its_statistics(context):
    params, x, _ = point()
    with pytest.raises(ConfigurationError, match=r"Network\.evaluation") as caught:
        BatchNorm(N).forward(params, x, context)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_batch_of_one_sample_gives_the_shift_and_no_gradient_to_its_input(dtype):
    params, x, dy = point(1)
    params = {name: value.astype(dtype) for name, value in params.items()}
    y, _ = BATCH.forward(params, x.astype(dtype), TRAINING)
    np.testing.assert_array_equal(y[0], params["shift"])
    got = pulled_back(BATCH, params, x.astype(dtype), dy.astype(dtype), TRAINING)
    assert not got["x"].any()
    assert not got["gain"].any()
    np.testing.assert_array_equal(got["shift"], dy[0].astype(dtype))


def test_a_sample_of_one_value_throughout_gives_the_shift():
    params, x, dy = point()
    x[2] = 4.0
    np.testing.assert_array_equal(LAYER.forward(params, x, TRAINING)[0][2], params["shift"])
    assert np.isfinite(pulled_back(LAYER, params, x, dy, TRAINING)["x"]).all()


@either
def test_input_of_another_width_is_refused(layer):
    with pytest.raises(ShapeError, match=r"expected \(N, 5\)"):
        layer.forward(plain(), np.ones((3, 1)), TRAINING)


def test_statistics_of_pixels_are_the_same_by_parts(monkeypatch):
    network = Network([Patches((2, 3, 2), (1, 1)), BatchNorm(2), Dense(2, 4), BatchNorm(4)])
    flat = network.initial_parameters(np.random.default_rng(0))
    X = np.random.default_rng(1).normal(2.0, 3.0, (20, 12))
    found = []
    for at_once in (10**6, 12):  # all samples, three
        monkeypatch.setattr("cdbench.engine.samples.ROWS_AT_ONCE", at_once)
        statistics = network.evaluation(network.views(flat), X).statistics
        assert statistics is not None
        found.append(statistics)
    pixels = X.reshape(20, 2, 6).transpose(0, 2, 1).reshape(-1, 2)
    first, last = network.layers[1], network.layers[3]
    for statistics in found:
        mean, variance = map(np.ravel, statistics[first])
        np.testing.assert_allclose(mean, pixels.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(variance, pixels.var(axis=0), rtol=1e-12)
    whole, parts = (statistics[last] for statistics in found)
    np.testing.assert_allclose(whole, parts, rtol=1e-12, atol=1e-14)
