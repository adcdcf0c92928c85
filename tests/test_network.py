"""The chain of layers: widths, counts, draws, and gradients of whole padded networks."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from cdbench.config.checks import NORMALIZATIONS as NORMALIZATION_NAMES
from cdbench.config.families import FAMILIES, family
from cdbench.config.run_config import RunConfig
from cdbench.datasets import DATASETS
from cdbench.engine.building import build_network
from cdbench.engine.layers import (
    EVALUATION,
    NORMALIZATIONS,
    Arrangement,
    Context,
    Dropout,
    Normalization,
    Pad,
    ReLU,
    Slice,
    ToRows,
    ToVertices,
)
from cdbench.engine.losses import softmax_cross_entropy
from cdbench.engine.network import Network
from cdbench.engine.products import PRODUCTS
from cdbench.engine.products.base import FRESH
from cdbench.engine.products.workspace import Workspace
from tests.cases import for_each

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
OTHER_PRODUCTS = sorted(set(PRODUCTS) - {"gather"})
other_products = pytest.mark.parametrize("product", OTHER_PRODUCTS)
every_normalization = pytest.mark.parametrize("normalization", NORMALIZATIONS)
TRAINING = Context(training=True)


def config_of(B, **knobs):
    return RunConfig(layer="dense" if B is None else "cdlinear", B=B, **knobs)


def build(B, **knobs):
    return build_network(config_of(B, **({"product": "gather"} | knobs)), 64, 10)


def test_registry_holds_the_layers_a_configuration_may_name():
    assert all(family(name).family == name for name in FAMILIES)
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


@other_products
@pytest.mark.parametrize(
    ("B", "knobs", "kinds"),
    [
        (4, {}, "ToVertices CDLinear ReLU CDLinear ReLU CDLinear ToRows Slice"),
        (3, {}, "Pad ToVertices CDLinear ReLU CDLinear ReLU CDLinear ToRows Slice"),
        (
            5,
            {"dropout": 0.1},
            "Pad ToVertices CDLinear ReLU Dropout CDLinear ReLU Dropout CDLinear ToRows",
        ),
        (
            5,
            {"hidden": (60,), "normalization": "layer"},
            "LayerNorm Pad ToVertices CDLinear ReLU ToRows LayerNorm ToVertices CDLinear ToRows",
        ),
    ],
)
def test_rearrangements_stand_only_where_the_layout_changes(product, B, knobs, kinds):
    network = build(B, product=product, **knobs)
    assert network.product == product
    assert " ".join(type(layer).__name__ for layer in network.layers) == kinds
    assert all(a.n_out == b.n_in for a, b in pairwise(network.layers))
    # But for them, it is the network of the gathered product.
    kept = [layer for layer in network.layers if not isinstance(layer, ToRows | ToVertices)]
    gathered = build(B, **knobs)
    assert [type(layer) for layer in kept] == [type(layer) for layer in gathered.layers]
    assert network.widths == gathered.widths
    assert network.n_parameters == gathered.n_parameters


def test_dense_network_has_no_product():
    assert build(None).product is None
    assert build(4).product == "gather"


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


@every_size
def test_views_keep_the_order_of_memory_and_writing_to_them_moves_the_vector(
    B, widths, n_parameters
):
    network = build(B)
    flat = np.arange(float(n_parameters))
    start = 0
    for layer, own in zip(network.layers, network.views(flat), strict=True):
        assert {name: v.shape for name, v in own.items()} == layer.parameter_shapes()
        for name, value in own.items():
            order = layer.memory_order.get(name, range(value.ndim))
            stop = start + value.size
            np.testing.assert_array_equal(value.transpose(order).ravel(), flat[start:stop])
            value[...] = -value
            assert (flat[start:stop] == -np.arange(start, stop)).all()
            start = stop
    assert start == n_parameters


@pytest.mark.parametrize("B", [None, 4])
def test_memory_holds_transposes_and_blocks_lag_by_lag(B):
    network = build(B)
    own = network.views(np.arange(network.n_parameters))[0]
    assert own["bias"][0] == 64 * 64 // (B or 1)
    for place in np.ndindex(next(iter(own.values())).shape):
        if B is None:
            row, column = place
            assert own["weight"][row, column] == column * 64 + row
        else:
            i, j, lag = place
            assert own["c"][i, j, lag] == (lag * 16 + j) * 16 + i


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
        W = place.layer.matrix(own)[: place.n_out_acting, : place.n_in_acting]
        h = h @ W.T + own["bias"][: place.n_out_acting]
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
        W = place.layer.matrix(weights)[: place.n_out_acting, : place.n_in_acting]
        h = h @ W.T + weights["bias"][: place.n_out_acting]
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


@pytest.mark.long
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


KNOBS = [
    {"B": B, "hidden": hidden, "normalization": normalization, "dropout": dropout}
    for B, hidden in ((2, (8, 6)), (3, (8, 6)), (4, (8,)), (5, (10,)), (7, (10,)), (20, (40, 20)))
    for normalization, dropout in (("none", 0.0), ("none", 0.3), ("layer", 0.0), ("batch", 0.3))
]
every_kind = for_each("knobs", KNOBS)


class Passed:
    """One pass through a network in training: logits, gradients, and what enters each layer."""

    def __init__(self, network, flat, x, *, parameters_only=False, prepared=False, allocate=FRESH):
        params, self.gradient = network.views(flat), np.full_like(flat, np.nan)
        context = Context(training=True, rng=np.random.default_rng(3), allocate=allocate)
        x = network.prepare(x) if prepared else x
        self.logits, pullback = network.forward(params, x, context, prepared=prepared)
        dlogits = np.random.default_rng(5).normal(size=self.logits.shape)
        grads = network.views(self.gradient)
        if parameters_only:
            assert pullback.to_parameters(dlogits, grads) is None
        else:
            self.dx = pullback(dlogits, grads)


def small(product, knobs):
    """A network of the product, parameters and inputs; the same ones for all products."""
    network = build_network(config_of(product=product, **knobs), 8, 3)
    assert network.product == product
    rng = np.random.default_rng(1)
    flat = network.initial_parameters(rng)
    flat += 0.3 * rng.normal(size=flat.size)
    return network, flat, rng.normal(size=(6, 8))


def assert_close(got, expected):
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=0, atol=3e-14 * np.abs(expected).max())


@other_products
@every_kind
def test_every_product_gives_logits_and_gradients_of_the_gathered_one(product, knobs):
    gathered, flat, x = small("gather", knobs)
    network, own_flat, _ = small(product, knobs)
    np.testing.assert_array_equal(own_flat, flat)
    expected, got = Passed(gathered, flat, x), Passed(network, flat, x)
    assert_close(got.logits, expected.logits)
    assert_close(got.gradient, expected.gradient)
    assert_close(got.dx, expected.dx)


@other_products
@every_kind
def test_every_product_has_the_inputs_and_the_statistics_of_the_gathered_one(product, knobs):
    (gathered, flat, x), (network, _, _) = small("gather", knobs), small(product, knobs)
    found = []
    for each in (gathered, network):
        params = each.views(flat)
        context = each.evaluation(params, x)
        inputs = [
            (layer, own_input)
            for layer, own_input in zip(each.layers, each.inputs(params, x, context), strict=True)
            if not isinstance(layer, ToRows | ToVertices)
        ]
        logits, _ = each.forward(params, x, context)
        statistics = list((context.statistics or {}).values())
        found.append((inputs, logits, statistics))
    for (inputs, *_), (own_inputs, *_) in pairwise(found):
        for (layer, expected), (own_layer, got) in zip(inputs, own_inputs, strict=True):
            assert type(layer) is type(own_layer)
            assert got.shape == (len(x), layer.n_in)
            assert_close(got, expected)
    assert_close(found[1][1], found[0][1])
    for moments in zip(*(each[2] for each in found), strict=True):
        assert_close(*map(np.array, moments[::-1]))


@pytest.mark.parametrize("product", PRODUCTS)
@every_kind
def test_prepared_inputs_and_lent_arrays_change_no_bit(product, knobs):
    network, flat, x = small(product, knobs)
    expected, workspace = Passed(network, flat, x), Workspace()
    for prepared, allocate in ((True, FRESH), (True, workspace), (False, workspace)) * 2:
        workspace.restart()
        got = Passed(network, flat, x, parameters_only=True, prepared=prepared, allocate=allocate)
        np.testing.assert_array_equal(got.logits, expected.logits)
        np.testing.assert_array_equal(got.gradient, expected.gradient)


@pytest.mark.parametrize("product", PRODUCTS)
@every_kind
@for_each("prepared", [True, False])
def test_bound_network_follows_parameters_inputs_and_the_stream(product, knobs, prepared):
    network, flat, x = small(product, knobs)
    own_flat, gradient = np.empty_like(flat), np.empty_like(flat)
    given = network.prepare(x) if prepared else x
    own_x, streams = np.empty_like(given), [np.random.default_rng(3) for _ in range(2)]
    fresh, lent = (Context(training=True, rng=rng) for rng in streams)
    lent = replace(lent, allocate=Workspace())
    bound = network.bind(network.views(own_flat), own_x, lent, prepared=prepared)
    dlogits = np.random.default_rng(5).normal(size=bound.logits.shape)
    for factor in (1.0, -0.5, 2.0):
        own_flat[...], own_x[...] = factor * flat, given * factor
        logits, pullback = network.forward(
            network.views(factor * flat), given * factor, fresh, prepared=prepared
        )
        bound.run()
        np.testing.assert_array_equal(bound.logits, logits)
        expected = np.full_like(flat, np.nan)
        pullback.to_parameters(dlogits.copy(), network.views(expected))
        gradient[...] = np.nan
        bound.pullback.to_parameters(dlogits.copy(), network.views(gradient))
        np.testing.assert_array_equal(gradient, expected)
        assert streams[0].bit_generator.state == streams[1].bit_generator.state


@pytest.mark.parametrize("product", PRODUCTS)
@every_kind
def test_bound_network_in_evaluation_follows_parameters_and_inputs(product, knobs):
    network, flat, x = small(product, knobs)
    context = network.evaluation(network.views(flat), x)
    own_flat, own_x = np.empty_like(flat), np.empty_like(x)
    lent = replace(context, allocate=Workspace())
    bound = network.bind(network.views(own_flat), own_x, lent)
    for factor in (1.0, -0.5, 2.0):
        own_flat[...], own_x[...] = factor * flat, x * factor
        bound.run()
        expected, _ = network.forward(network.views(factor * flat), x * factor, context)
        np.testing.assert_array_equal(bound.logits, expected)


@pytest.mark.parametrize("product", PRODUCTS)
@every_kind
def test_samples_lie_along_the_sample_axis_of_prepared_inputs(product, knobs):
    network, _, x = small(product, knobs)
    some = [4, 0, 1]
    prepared = network.prepare(x)
    assert prepared.shape[network.sample_axis] == len(x)
    np.testing.assert_array_equal(
        prepared.take(some, network.sample_axis), network.prepare(x[some])
    )
    leading = [isinstance(layer, Arrangement) for layer in network.layers]
    assert (prepared is x) == (not leading[0])


@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.parametrize("B", [None, 3, 8])
def test_network_takes_every_data_set(name, B):
    data = DATASETS[name]()
    network = build_network(config_of(B), data.n_features, data.n_classes)
    params = network.views(network.initial_parameters(np.random.default_rng(0)))
    assert network.forward(params, data.X[:3])[0].shape == (3, data.n_classes)


@pytest.mark.parametrize(
    ("B", "product"), [(None, "auto"), *((B, product) for B in (3, 4) for product in PRODUCTS)]
)
@pytest.mark.parametrize("normalization", NORMALIZATION_NAMES)
def test_float32_stays_float32_through_the_whole_network(B, product, normalization):
    network = build(B, dropout=0.2, normalization=normalization, product=product)
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
