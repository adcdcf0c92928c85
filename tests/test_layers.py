"""Every layer: its gradients, the adjoint law, its matrix and its dtype."""

import numpy as np
import pytest

from cdbench.config import RunConfig
from cdbench.errors import ConfigurationError, ShapeError
from cdbench.layers import (
    EVALUATION,
    LAYERS,
    NORMALIZATIONS,
    CDLinear,
    Context,
    Dropout,
    Pad,
    ReLU,
    Slice,
)

BLOCK_SIZES = {"cdlinear": (1, 2, 3, 4, 5, 7, 8)}
WEIGHT_LAYERS = [
    pytest.param(
        LAYERS[name].for_config(
            k_in * LAYERS[name].width_multiple(config),
            k_out * LAYERS[name].width_multiple(config),
            config,
        ),
        id=f"{config.model} {k_in}x{k_out}",
    )
    for name in LAYERS
    for config in [RunConfig(layer=name, B=B) for B in BLOCK_SIZES.get(name, (None,))]
    for k_in, k_out in ((2, 3), (3, 1), (1, 2))
]
OTHER_LAYERS = [
    pytest.param(layer, id=type(layer).__name__)
    for layer in (ReLU(5), Dropout(5, 0.4), Pad(5, 8), Slice(8, 5))
]
PIECEWISE_LINEAR_LAYERS = WEIGHT_LAYERS + OTHER_LAYERS
ALL_LAYERS = PIECEWISE_LINEAR_LAYERS + [
    pytest.param(family(5), id=family.__name__) for family in NORMALIZATIONS.values()
]


def point(layer, n=6):
    """Parameters, an input at least 0.5 away from ReLU's kink, and an output cotangent."""
    rng = np.random.default_rng(7)
    params = {name: rng.normal(size=shape) for name, shape in layer.parameter_shapes().items()}
    x = rng.choice([-1.0, 1.0], (n, layer.n_in)) * rng.uniform(0.5, 1.5, (n, layer.n_in))
    return params, x, rng.normal(size=(n, layer.n_out))


def forward(layer, params, x):
    """The layer in training, its stream begun anew."""
    return layer.forward(params, x, Context(training=True, rng=np.random.default_rng(3)))


def empty_like(params):
    return {name: np.full_like(value, np.nan) for name, value in params.items()}


def central_difference(f, array, h=1e-4):
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        kept = array[index]
        array[index] = kept + h
        above = f()
        array[index] = kept - h
        gradient[index] = (above - f()) / (2 * h)
        array[index] = kept
    return gradient


def relative_error(got, expected):
    return np.linalg.norm(got - expected) / np.linalg.norm(expected)


@pytest.mark.parametrize("layer", ALL_LAYERS)
def test_gradients_are_those_of_central_differences(layer):
    params, x, dy = point(layer)
    grads = empty_like(params)
    _, pullback = forward(layer, params, x)
    dx = pullback(dy.copy(), grads)

    def loss():
        return float(np.sum(dy * forward(layer, params, x)[0]))

    assert relative_error(dx, central_difference(loss, x)) <= 1e-7
    for name, value in params.items():
        assert relative_error(grads[name], central_difference(loss, value)) <= 1e-7


@pytest.mark.parametrize("layer", PIECEWISE_LINEAR_LAYERS)
def test_pullback_is_the_adjoint_of_forward(layer):
    params, x, dy = point(layer)
    dx = np.random.default_rng(8).uniform(-1, 1, x.shape)
    # These layers are piecewise linear in x, so that J dx is a difference of two outputs.
    J_dx = forward(layer, params, x + dx / 4)[0] - forward(layer, params, x - dx / 4)[0]
    _, pullback = forward(layer, params, x)
    scale = np.linalg.norm(dy) * np.linalg.norm(J_dx)
    assert (
        abs(np.sum(dy * J_dx) * 2 - np.sum(pullback(dy, empty_like(params)) * dx)) < 1e-13 * scale
    )


@pytest.mark.parametrize("layer", WEIGHT_LAYERS)
def test_weight_layer_acts_as_its_matrix(layer):
    params, x, dy = point(layer)
    W = layer.matrix(params)
    y, pullback = forward(layer, params, x)
    assert W.shape == (layer.n_out, layer.n_in)
    np.testing.assert_allclose(y, x @ W.T + params["bias"], rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(pullback(dy, empty_like(params)), dy @ W, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("layer", WEIGHT_LAYERS)
def test_initial_weights_are_one_normal_draw_and_biases_draw_nothing(layer):
    params = {name: np.full(shape, 9.0) for name, shape in layer.parameter_shapes().items()}
    rng = np.random.default_rng(1)
    layer.initialize(params, rng)
    again = np.random.default_rng(1)
    weight = next(value for name, value in params.items() if name != "bias")
    np.testing.assert_array_equal(
        weight, again.normal(0.0, np.sqrt(2.0 / layer.n_in), weight.shape)
    )
    assert not params["bias"].any()
    assert rng.random() == again.random()


@pytest.mark.parametrize("layer", ALL_LAYERS)
def test_forward_and_pullback_leave_their_arguments_alone(layer):
    params, x, dy = point(layer)
    before = {name: value.copy() for name, value in params.items()}, x.copy(), dy.copy()
    _, pullback = forward(layer, params, x)
    pullback(dy, empty_like(params))
    np.testing.assert_equal((params, x, dy), before)


@pytest.mark.parametrize("layer", ALL_LAYERS)
def test_float32_stays_float32(layer):
    params, x, dy = point(layer)
    params = {name: value.astype("float32") for name, value in params.items()}
    y, pullback = forward(layer, params, x.astype("float32"))
    assert y.dtype == np.float32
    assert pullback(dy.astype("float32"), empty_like(params)).dtype == np.float32


@pytest.mark.parametrize("layer", WEIGHT_LAYERS)
@pytest.mark.parametrize("shape", [(4, 1000), (1000,), (2, 2, 2)])
def test_input_of_another_shape_is_refused(layer, shape):
    params, _, _ = point(layer)
    with pytest.raises(ShapeError, match=f"expected \\(N, {layer.n_in}\\)"):
        layer.forward(params, np.zeros(shape), EVALUATION)


@pytest.mark.parametrize(("n_in", "n_out"), [(7, 8), (8, 7)])
def test_block_size_must_divide_both_widths(n_in, n_out):
    with pytest.raises(ShapeError, match="multiples of 4"):
        CDLinear(n_in, n_out, 4)


def test_cdlinear_with_4_a_block_has_a_quarter_of_the_dense_weights():
    shapes = CDLinear(12, 8, 4).parameter_shapes()
    assert shapes == {"c": (2, 3, 4), "bias": (8,)}


def test_padding_appends_zeros_and_slicing_cuts_them_off():
    x = np.random.default_rng(0).normal(size=(3, 5))
    padded, _ = Pad(5, 8).forward({}, x, EVALUATION)
    assert padded.shape == (3, 8)
    assert not padded[:, 5:].any()
    np.testing.assert_array_equal(Slice(8, 5).forward({}, padded, EVALUATION)[0], x)


def test_relu_has_derivative_zero_at_zero():
    y, pullback = ReLU(3).forward({}, np.array([[-1.0, 0.0, 2.0]]), EVALUATION)
    assert y.tolist() == [[0, 0, 2]]
    assert pullback(np.ones((1, 3)), {}).tolist() == [[0, 0, 1]]


def test_dropout_keeps_the_expectation():
    rate, n = 0.3, 200_000
    context = Context(training=True, rng=np.random.default_rng(0))
    y, _ = Dropout(1, rate).forward({}, np.ones((n, 1)), context)
    deviation = np.sqrt(rate / (1 - rate) / n)
    assert abs(y.mean() - 1) < 4 * deviation
    assert set(np.unique(y)) == {0.0, 1 / (1 - rate)}


def test_dropout_does_nothing_in_evaluation():
    x = np.ones((4, 3))
    y, pullback = Dropout(3, 0.9).forward({}, x, EVALUATION)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(pullback(x, {}), x)


def test_dropout_mask_does_not_depend_on_the_dtype():
    x = np.ones((50, 3))
    masks = [forward(Dropout(3, 0.5), {}, x.astype(t))[0] > 0 for t in ("float32", "float64")]
    np.testing.assert_array_equal(*masks)


def test_dropout_in_training_needs_a_stream():
    with pytest.raises(ConfigurationError, match="random stream"):
        Dropout(3, 0.5).forward({}, np.ones((1, 3)), Context(training=True))
