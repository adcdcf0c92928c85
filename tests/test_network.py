"""The chain of layers: widths, counts, draws, and gradients of whole padded networks."""

from itertools import pairwise

import numpy as np
import pytest

from cdbench.config import RunConfig
from cdbench.config_checks import LAYER_NAMES
from cdbench.config_checks import NORMALIZATIONS as NORMALIZATION_NAMES
from cdbench.datasets import DATASETS
from cdbench.layers import (
    EVALUATION,
    LAYERS,
    NORMALIZATIONS,
    Context,
    Dropout,
    Normalization,
    Pad,
    ReLU,
    Slice,
)
from cdbench.losses import softmax_cross_entropy
from cdbench.network import Network

SIZES = [
    (None, (64, 64, 64, 10), 8970),
    (1, (64, 64, 64, 10), 8970),
    (3, (66, 66, 66, 12), 3312),
    (4, (64, 64, 64, 12), 2380),
    (5, (65, 65, 65, 10), 1960),
    (7, (70, 70, 70, 14), 1694),
    (8, (64, 64, 64, 16), 1296),
]
every_size = pytest.mark.parametrize(("B", "widths", "n_parameters"), SIZES)
every_normalization = pytest.mark.parametrize("normalization", NORMALIZATIONS)
TRAINING = Context(training=True)


def config_of(B, **knobs):
    return RunConfig(layer="dense" if B is None else "cdlinear", B=B, **knobs)


def build(B, **knobs):
    return Network.from_config(config_of(B, **knobs), 64, 10)


def test_registry_holds_the_layers_a_configuration_may_name():
    assert set(LAYERS) == set(LAYER_NAMES)
    assert {"none", *NORMALIZATIONS} == set(NORMALIZATION_NAMES)


@every_size
def test_widths_and_parameters_are_those_of_the_recipe(B, widths, n_parameters):
    network = build(B)
    assert (network.widths, network.n_parameters) == (widths, n_parameters)
    assert (network.n_in, network.n_out) == (64, 10)
    assert network.initial_parameters(np.random.default_rng(0)).shape == (n_parameters,)


@every_size
@every_normalization
def test_normalization_adds_a_gain_and_a_shift_of_every_real_input(
    B, widths, n_parameters, normalization
):
    network = build(B, normalization=normalization)
    assert network.widths == widths
    assert network.n_parameters == n_parameters + 2 * (64 + widths[1] + widths[2])
    assert [place.n_in_acting for place in network.weight_layers] == [64, *widths[1:3]]


@pytest.mark.parametrize(
    ("B", "dropout", "kinds"),
    [
        (None, 0.0, "Dense ReLU Dense ReLU Dense"),
        (4, 0.0, "CDLinear ReLU CDLinear ReLU CDLinear Slice"),
        (3, 0.0, "Pad CDLinear ReLU CDLinear ReLU CDLinear Slice"),
        (5, 0.1, "Pad CDLinear ReLU Dropout CDLinear ReLU Dropout CDLinear"),
    ],
)
def test_chain_is_that_of_the_recipe(B, dropout, kinds):
    layers = build(B, dropout=dropout).layers
    assert " ".join(type(layer).__name__ for layer in layers) == kinds
    assert all(a.n_out == b.n_in for a, b in pairwise(layers))


@pytest.mark.parametrize(
    ("B", "knobs", "kinds"),
    [
        (None, {}, "LayerNorm Dense ReLU LayerNorm Dense"),
        (4, {}, "LayerNorm CDLinear ReLU LayerNorm CDLinear Slice"),
        (5, {"dropout": 0.1}, "LayerNorm Pad CDLinear ReLU Dropout LayerNorm CDLinear"),
    ],
)
def test_normalization_stands_ahead_of_each_weight_layer_and_of_the_padding(B, knobs, kinds):
    layers = build(B, hidden=(60,), normalization="layer", **knobs).layers
    assert " ".join(type(layer).__name__ for layer in layers) == kinds
    assert all(a.n_out == b.n_in for a, b in pairwise(layers))


@every_size
def test_initial_draws_go_layer_by_layer_from_one_stream(B, widths, n_parameters):
    network, rng = build(B), np.random.default_rng(4)
    params = network.views(network.initial_parameters(np.random.default_rng(4)))
    for place in network.weight_layers:
        own = params[place.position]
        value = own["weight" if B is None else "c"]
        drawn = rng.normal(0, np.sqrt(2 / place.layer.n_in), value.shape)
        np.testing.assert_array_equal(value, drawn)
        assert not own["bias"].any()


@every_normalization
@pytest.mark.parametrize("B", [None, 3])
def test_normalization_begins_as_none_and_changes_no_draw(B, normalization):
    plain, normalized = build(B), build(B, normalization=normalization)
    views = [
        network.views(network.initial_parameters(np.random.default_rng(4)))
        for network in (plain, normalized)
    ]
    for without, behind in zip(plain.weight_layers, normalized.weight_layers, strict=True):
        np.testing.assert_equal(views[1][behind.position], views[0][without.position])
    for layer, own in zip(normalized.layers, views[1], strict=True):
        if isinstance(layer, Normalization):
            assert own["gain"].tolist() == [1] * layer.n_in
            assert own["shift"].tolist() == [0] * layer.n_in


def test_initial_draws_of_float32_are_those_of_float64_rounded():
    network = build(4)
    wide, narrow = (
        network.initial_parameters(np.random.default_rng(0), dtype)
        for dtype in ("float64", "float32")
    )
    assert narrow.dtype == np.float32
    np.testing.assert_array_equal(narrow, wide.astype("float32"))


@every_size
def test_views_cover_the_flat_vector_once(B, widths, n_parameters):
    flat = np.zeros(n_parameters)
    for own in build(B).views(flat):
        for value in own.values():
            value += 1
    assert (flat == 1).all()


@pytest.mark.parametrize("B", [None, 3, 4, 5, 7])
def test_network_is_its_acting_matrices_with_relu_between(B):
    network = build(B)
    rng = np.random.default_rng(1)
    flat, x = rng.normal(size=network.n_parameters) / 5, rng.normal(size=(6, 64))
    params = network.views(flat)
    logits, _ = network.forward(params, x)
    h = x
    for number, place in enumerate(network.weight_layers):
        own = params[place.position]
        h = np.maximum(h, 0) if number else h
        h = h @ place.acting_matrix(own).T + own["bias"][: place.n_out_acting]
    assert logits.shape == (6, 10)
    np.testing.assert_allclose(logits, h, rtol=0, atol=1e-12 * np.abs(h).max())


@every_normalization
@pytest.mark.parametrize("B", [None, 3, 4])
def test_normalized_network_is_its_acting_matrices_on_normalized_inputs(B, normalization):
    network = build(B, normalization=normalization)
    rng = np.random.default_rng(1)
    flat, x = rng.normal(size=network.n_parameters), rng.normal(size=(6, 64))
    params = network.views(flat)
    logits, _ = network.forward(params, x, TRAINING)
    scales = [own for own in params if "gain" in own]
    axis, h = {"batch": 0, "layer": 1}[normalization], x
    for number, (place, own) in enumerate(zip(network.weight_layers, scales, strict=True)):
        h = np.maximum(h, 0) if number else h
        h = (h - h.mean(axis, keepdims=True)) / np.sqrt(h.var(axis, keepdims=True) + 1e-5)
        h = h * own["gain"] + own["shift"]
        weights = params[place.position]
        h = h @ place.acting_matrix(weights).T + weights["bias"][: place.n_out_acting]
    np.testing.assert_allclose(logits, h, rtol=0, atol=1e-12 * np.abs(h).max())


def test_network_without_batch_normalization_is_measured_without_a_look_at_the_data():
    for knobs in ({}, {"dropout": 0.1}, {"normalization": "layer"}):
        assert build(4, **knobs).evaluation([], np.empty((0, 64))) is EVALUATION


@pytest.mark.parametrize("B", [None, 3, 4])
def test_batch_normalization_in_evaluation_is_that_of_the_training_split_as_one_batch(B):
    network = build(B, normalization="batch")
    rng = np.random.default_rng(1)
    params = network.views(rng.normal(size=network.n_parameters) / 5)
    X_train, X_test = rng.normal(size=(50, 64)), rng.normal(size=(6, 64))
    context = network.evaluation(params, X_train)
    expected, _ = network.forward(params, X_train, TRAINING)
    np.testing.assert_array_equal(network.forward(params, X_train, context)[0], expected)
    # Another sample's logits do not depend on which others are there, nor change the statistics.
    together, _ = network.forward(params, X_test, context)
    alone, _ = network.forward(params, X_test[2:3], context)
    np.testing.assert_allclose(alone, together[2:3], rtol=1e-12)


def test_statistics_are_those_of_what_enters_in_evaluation_without_dropout():
    network = build(4, normalization="batch", dropout=0.5)
    params = network.views(network.initial_parameters(np.random.default_rng(0)))
    x = np.random.default_rng(1).normal(size=(20, 64))
    context = network.evaluation(params, x)
    assert context.statistics is not None
    inputs = network.inputs(params, x, context)
    for layer, own_input in zip(network.layers, inputs, strict=True):
        if isinstance(layer, Normalization):
            mean, variance = context.statistics[layer]
            np.testing.assert_allclose(mean, [own_input.mean(axis=0)], atol=1e-14)
            np.testing.assert_allclose(variance, [own_input.var(axis=0)], rtol=1e-12)


@pytest.mark.parametrize("B", [3, 7])
def test_inputs_are_what_enters_each_layer(B):
    network = build(B, dropout=0.3)
    params = network.views(network.initial_parameters(np.random.default_rng(0)))
    x = np.random.default_rng(1).normal(size=(4, 64))
    inputs = network.inputs(params, x)
    np.testing.assert_array_equal(inputs[0], x)
    assert [each.shape for each in inputs] == [(4, layer.n_in) for layer in network.layers]
    last, _ = Network(network.layers[-2:]).forward(params[-2:], inputs[-2])
    np.testing.assert_array_equal(last, network.forward(params, x)[0])


@pytest.mark.parametrize(
    ("B", "normalization"), [(3, "none"), (5, "none"), (7, "none"), (3, "layer"), (5, "batch")]
)
def test_gradient_of_a_whole_padded_network_is_that_of_central_differences(B, normalization):
    network, h = build(B, normalization=normalization), 1e-5
    rng = np.random.default_rng(2)
    flat = network.initial_parameters(rng) + 0.1 * rng.normal(size=network.n_parameters)
    x, y = DATASETS["digits"]().X[:4], DATASETS["digits"]().y[:4]
    if normalization != "none":
        x = np.random.default_rng(3).normal(size=x.shape)  # without pixels that are constant
    params, gradient = network.views(flat), np.full_like(flat, np.nan)

    kinks = [
        own_input
        for layer, own_input in zip(
            network.layers, network.inputs(params, x, TRAINING), strict=True
        )
        if isinstance(layer, ReLU)
    ]
    assert min(np.abs(kink).min() for kink in kinks) > 10 * h  # no step crosses a ReLU's kink

    logits, pullback = network.forward(params, x, TRAINING)
    dx = pullback(softmax_cross_entropy(logits, y)[1], network.views(gradient))

    def numeric(array):
        slopes = np.empty_like(array)
        for index in np.ndindex(array.shape):
            kept = array[index]
            losses = []
            for value in (kept + h, kept - h):
                array[index] = value
                logits, _ = network.forward(params, x, TRAINING)
                losses.append(softmax_cross_entropy(logits, y)[0])
            array[index] = kept
            slopes[index] = (losses[0] - losses[1]) / (2 * h)
        return slopes

    for got, expected in ((gradient, numeric(flat)), (dx, numeric(x := x.copy()))):
        assert np.linalg.norm(got - expected) <= 1e-7 * np.linalg.norm(got)


@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.parametrize("B", [None, 3, 8])
def test_network_takes_every_data_set(name, B):
    data = DATASETS[name]()
    network = Network.from_config(config_of(B), data.n_features, data.n_classes)
    params = network.views(network.initial_parameters(np.random.default_rng(0)))
    assert network.forward(params, data.X[:3])[0].shape == (3, data.n_classes)


@pytest.mark.parametrize("B", [None, 3, 4])
@pytest.mark.parametrize("normalization", NORMALIZATION_NAMES)
def test_float32_stays_float32_through_the_whole_network(B, normalization):
    network = build(B, dropout=0.2, normalization=normalization)
    flat = network.initial_parameters(np.random.default_rng(0), "float32")
    gradient = np.zeros_like(flat)
    context = Context(training=True, rng=np.random.default_rng(0))
    x = np.ones((3, 64), "float32")
    logits, pullback = network.forward(network.views(flat), x, context)
    assert logits.dtype == np.float32
    assert pullback(logits, network.views(gradient)).dtype == np.float32
    context = network.evaluation(network.views(flat), x)
    assert network.forward(network.views(flat), x, context)[0].dtype == np.float32


def test_padding_and_slicing_stand_at_the_ends_only():
    layers = build(3, dropout=0.1).layers
    assert [type(layers[0]), type(layers[-1])] == [Pad, Slice]
    assert not any(isinstance(layer, Pad | Slice) for layer in layers[1:-1])
    assert not isinstance(layers[-2], Dropout)
