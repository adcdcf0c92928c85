"""Every layer: its gradients, the adjoint law, its matrix and its dtype, in either layout."""

import re
from typing import NamedTuple

import numpy as np
import pytest

from cdbench.engine.layers import (
    EVALUATION,
    NORMALIZATIONS,
    CDLinear,
    Context,
    Dense,
    Dropout,
    Layer,
    Pad,
    ReLU,
    Slice,
    ToRows,
    ToVertices,
)
from cdbench.engine.layers.circulant import SignedCirculant
from cdbench.engine.layers.low_rank import LowRank
from cdbench.engine.layers.normalization import moments
from cdbench.engine.layers.weight_gain import estimated_gain
from cdbench.engine.layers.weight_layer import WeightLayer
from cdbench.engine.products import PRODUCTS
from cdbench.engine.products.base import FRESH, ROWS
from cdbench.engine.products.layout import to_rows, to_vertices
from cdbench.engine.products.workspace import Workspace
from cdbench.errors import ConfigurationError, ShapeError


class Case(NamedTuple):
    """A layer, and the block size of its input and output as vertices; None where it has rows."""

    layer: Layer
    B_in: int | None = None
    B_out: int | None = None


def shape_of(n, B, n_samples):
    return (n_samples, n) if B is None else (B, n // B, n_samples)


def of_cdlinear(n_in, n_out, B, product):
    layer = CDLinear(n_in, n_out, B, product)
    own = None if layer.product.layout == ROWS else B
    return Case(layer, own, own)


SIZES = ((2, 3), (3, 1), (1, 2))
ALL_SIZES_OF = (4, 5)
WEIGHT_LAYERS = [
    pytest.param(Case(Dense(k_in, k_out)), id=f"dense {k_in}x{k_out}") for k_in, k_out in SIZES
] + [
    pytest.param(of_cdlinear(k_in * B, k_out * B, B, product), id=f"{product} {B} {k_in}x{k_out}")
    for product in PRODUCTS
    for B in (1, 2, 4, 5, 8, 18)
    for k_in, k_out in SIZES
    if B in ALL_SIZES_OF or k_in == 2  # 18 has two stages of fft
]
OTHER_LAYERS = [
    pytest.param(case, id=f"{type(case.layer).__name__} {case.B_in}-{case.B_out}")
    for case in (
        Case(ReLU(5)),
        Case(ReLU(6), 3, 3),
        Case(Dropout(5, 0.4)),
        Case(Dropout(6, 0.4), 3, 3),
        Case(Pad(5, 8)),
        Case(Slice(8, 5)),
        Case(ToVertices(6, 3), None, 3),
        Case(ToRows(6, 3), 3, None),
    )
]
PIECEWISE_LINEAR_LAYERS = WEIGHT_LAYERS + OTHER_LAYERS
ALL_LAYERS = PIECEWISE_LINEAR_LAYERS + [
    pytest.param(Case(family(5)), id=family.__name__) for family in NORMALIZATIONS.values()
]


def point(case, n=4):
    """Parameters, an input at least 0.5 away from ReLU's kink, and an output cotangent."""
    layer, rng = case.layer, np.random.default_rng(7)
    params = {name: rng.normal(size=shape) for name, shape in layer.parameter_shapes().items()}
    shape = shape_of(layer.n_in, case.B_in, n)
    x = rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 1.5, shape)
    return params, x, rng.normal(size=shape_of(layer.n_out, case.B_out, n))


def forward(layer, params, x):
    """The layer in training, its stream begun anew."""
    return layer.forward(params, x, Context(training=True, rng=np.random.default_rng(3)))


def rows(x):
    return x if x.ndim == 2 else to_rows(x)


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


@pytest.mark.parametrize("case", ALL_LAYERS)
def test_gradients_are_those_of_central_differences(case):
    params, x, dy = point(case)
    grads = empty_like(params)
    _, pullback = forward(case.layer, params, x)
    dx = pullback(dy.copy(), grads)

    def loss():
        return float(np.sum(dy * forward(case.layer, params, x)[0]))

    assert relative_error(dx, central_difference(loss, x)) <= 1e-7
    for name, value in params.items():
        assert relative_error(grads[name], central_difference(loss, value)) <= 1e-7


@pytest.mark.parametrize("case", PIECEWISE_LINEAR_LAYERS)
def test_pullback_is_the_adjoint_of_forward(case):
    params, x, dy = point(case)
    dx = np.random.default_rng(8).uniform(-1, 1, x.shape)
    # These layers are piecewise linear in x, so that J dx is a difference of two outputs.
    J_dx = forward(case.layer, params, x + dx / 4)[0] - forward(case.layer, params, x - dx / 4)[0]
    _, pullback = forward(case.layer, params, x)
    scale = np.linalg.norm(dy) * np.linalg.norm(J_dx)
    assert (
        abs(np.sum(dy * J_dx) * 2 - np.sum(pullback(dy, empty_like(params)) * dx)) < 1e-13 * scale
    )


@pytest.mark.parametrize("case", WEIGHT_LAYERS)
def test_weight_layer_acts_as_its_matrix(case):
    params, x, dy = point(case)
    W = case.layer.matrix(params)
    y, pullback = forward(case.layer, params, x)
    dx = pullback(dy, empty_like(params))
    assert W.shape == (case.layer.n_out, case.layer.n_in)
    expected = rows(x) @ W.T + params["bias"]
    np.testing.assert_allclose(rows(y), expected, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(rows(dx), rows(dy) @ W, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("case", WEIGHT_LAYERS)
def test_unwanted_gradient_of_the_input_is_none_and_changes_no_other(case):
    params, x, dy = point(case)
    _, pullback = forward(case.layer, params, x)
    wanted, unwanted = empty_like(params), empty_like(params)
    assert pullback(dy, wanted).shape == x.shape
    assert pullback(dy, unwanted, wanted=False) is None
    np.testing.assert_equal(unwanted, wanted)


@pytest.mark.parametrize("case", ALL_LAYERS)
def test_workspace_gives_what_new_arrays_give(case):
    params, x, dy = point(case)
    workspace = Workspace()
    lent = Context(training=True, rng=np.random.default_rng(3), allocate=workspace)
    fresh = Context(training=True, rng=np.random.default_rng(3))
    n_bytes = []
    for factor in (1.0, -0.5, 2.0):
        workspace.restart()
        results = []
        for context in (fresh, lent):
            grads = empty_like(params)
            y, pullback = case.layer.forward(params, factor * x, context)
            results.append({"y": y, "dx": pullback(factor * dy, grads), **grads})
        np.testing.assert_equal(results[1], results[0])
        n_bytes.append(workspace.n_bytes)
    assert n_bytes[0] == n_bytes[1] == n_bytes[2]


@pytest.mark.parametrize("case", ALL_LAYERS)
@pytest.mark.parametrize("allocate", [FRESH, Workspace()], ids=["fresh", "workspace"])
def test_layer_that_is_run_again_gives_what_a_fresh_one_gives(case, allocate):
    same_when_run_again(case, allocate, training=True)
    if not isinstance(case.layer, WeightLayer):  # which knows nothing of training
        same_when_run_again(case, allocate, training=False)


def same_when_run_again(case, allocate, training):
    layer = case.layer
    params, x, dy = point(case)
    own_params, own_x = empty_like(params), np.full_like(x, np.nan)

    def context(allocate):
        population = np.random.default_rng(4).normal(size=(20, layer.n_in))
        statistics = {layer: moments(population, axis=0)}
        return Context(training, np.random.default_rng(3), statistics, allocate)

    bound, fresh = layer.bind(own_params, own_x, context(allocate)), context(FRESH)
    for factor in (1.0, -0.5, 2.0):
        now = {name: value * factor for name, value in params.items()}
        for name, value in now.items():
            own_params[name][...] = value
        own_x[...] = factor * x + 0.1  # written each time: the layer may write over it
        y, pullback = layer.forward(now, factor * x + 0.1, fresh)
        bound.run()
        np.testing.assert_array_equal(bound.y, y)
        grads, own_grads = empty_like(params), empty_like(params)
        dx = pullback(factor * dy, grads)
        np.testing.assert_array_equal(bound.pullback(factor * dy, own_grads), dx)
        np.testing.assert_equal(own_grads, grads)


@pytest.mark.parametrize("case", ALL_LAYERS)
def test_binding_computes_nothing_and_draws_nothing(case):
    params, x, _ = point(case)
    rng = np.random.default_rng(3)
    before = {name: value.copy() for name, value in params.items()}, x.copy()
    for allocate in (FRESH, Workspace()):
        case.layer.bind(params, x, Context(training=True, rng=rng, allocate=allocate))
    np.testing.assert_equal((params, x), before)
    assert rng.random() == np.random.default_rng(3).random()


@pytest.mark.parametrize("case", WEIGHT_LAYERS)
def test_initial_weights_are_one_normal_draw_and_biases_draw_nothing(case):
    params = {name: np.full(shape, 9.0) for name, shape in case.layer.parameter_shapes().items()}
    rng = np.random.default_rng(1)
    case.layer.initialize(params, rng)
    again = np.random.default_rng(1)
    weight = next(value for name, value in params.items() if name != "bias")
    np.testing.assert_array_equal(
        weight, again.normal(0.0, np.sqrt(2.0 / case.layer.n_in), weight.shape)
    )
    assert not params["bias"].any()
    assert rng.random() == again.random()


@pytest.mark.parametrize("case", ALL_LAYERS)
def test_forward_and_pullback_leave_their_arguments_alone(case):
    params, x, dy = point(case)
    before = {name: value.copy() for name, value in params.items()}, x.copy(), dy.copy()
    _, pullback = forward(case.layer, params, x)
    pullback(dy, empty_like(params))
    np.testing.assert_equal((params, x, dy), before)


@pytest.mark.parametrize("case", ALL_LAYERS)
def test_float32_stays_float32(case):
    params, x, dy = point(case)
    params = {name: value.astype("float32") for name, value in params.items()}
    y, pullback = forward(case.layer, params, x.astype("float32"))
    assert y.dtype == np.float32
    assert pullback(dy.astype("float32"), empty_like(params)).dtype == np.float32


@pytest.mark.parametrize("case", WEIGHT_LAYERS)
@pytest.mark.parametrize("shape", [(4, 1000), (1000,), (9, 9, 9)])
def test_input_of_another_shape_is_refused(case, shape):
    params, _, _ = point(case)
    expected = shape_of(case.layer.n_in, case.B_in, "N")
    with pytest.raises(ShapeError, match=re.escape(f"expected {expected}".replace("'", ""))):
        case.layer.forward(params, np.zeros(shape), EVALUATION)


def test_cdlinear_with_4_a_block_has_a_quarter_of_the_dense_weights():
    shapes = CDLinear(12, 8, 4).parameter_shapes()
    assert shapes == {"c": (2, 3, 4), "bias": (8,)}


def test_either_layout_is_the_other_one_with_entries_moved():
    x = np.random.default_rng(0).normal(size=(3, 6))
    vertices, _ = ToVertices(6, 2).forward({}, x, EVALUATION)
    assert vertices.shape == (2, 3, 3)
    for sample, i, k in np.ndindex(3, 3, 2):
        assert vertices[k, i, sample] == x[sample, 2 * i + k]
    np.testing.assert_array_equal(vertices, to_vertices(x, 2))
    np.testing.assert_array_equal(ToRows(6, 2).forward({}, vertices, EVALUATION)[0], x)
    assert vertices.flags.c_contiguous


@pytest.mark.parametrize("layer", [ReLU(6), Dropout(6, 0.5)], ids=["relu", "dropout"])
@pytest.mark.parametrize("B", [1, 2, 3, 6])
def test_layers_that_take_either_layout_do_the_same_in_both(layer, B):
    rng = np.random.default_rng(0)
    x, dy = rng.normal(size=(2, 50, 6))
    y, pullback = forward(layer, {}, x)
    own_y, own_pullback = forward(layer, {}, to_vertices(x, B))
    assert (y != x).any()
    np.testing.assert_array_equal(to_rows(own_y), y)
    np.testing.assert_array_equal(to_rows(own_pullback(to_vertices(dy, B), {})), pullback(dy, {}))


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


@pytest.mark.parametrize("layer", [Dense(5, 4), CDLinear(8, 12, 4), SignedCirculant(7, 9)])
def test_the_estimated_gain_is_exact_where_entries_of_the_matrix_are_single_weights(layer):
    ((name, gain),) = estimated_gain(layer).items()
    assert gain == pytest.approx(layer.weight_gain().get(name, 1.0), rel=1e-12)


def test_the_estimated_gain_of_factors_is_near_their_mean():
    layer = LowRank(40, 30, 4)
    assert estimated_gain(layer) == pytest.approx({"U": 1.0, **layer.weight_gain()}, rel=0.1)
