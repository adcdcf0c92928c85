"""The chain of layers: widths, counts, draws, and gradients of whole padded networks."""

from itertools import pairwise

import numpy as np
import pytest

from cdbench.config import RunConfig
from cdbench.config_checks import LAYER_NAMES
from cdbench.datasets import DATASETS
from cdbench.layers import LAYERS, Context, Dropout, Pad, ReLU, Slice
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


def config_of(B, **knobs):
    return RunConfig(layer="dense" if B is None else "cdlinear", B=B, **knobs)


def build(B, **knobs):
    return Network.from_config(config_of(B, **knobs), 64, 10)


def test_registry_holds_the_layers_a_configuration_may_name():
    assert set(LAYERS) == set(LAYER_NAMES)


@every_size
def test_widths_and_parameters_are_those_of_the_recipe(B, widths, n_parameters):
    network = build(B)
    assert (network.widths, network.n_parameters) == (widths, n_parameters)
    assert (network.n_in, network.n_out) == (64, 10)
    assert network.initial_parameters(np.random.default_rng(0)).shape == (n_parameters,)


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


@pytest.mark.parametrize("B", [3, 5, 7])
def test_gradient_of_a_whole_padded_network_is_that_of_central_differences(B):
    network, h = build(B), 1e-5
    rng = np.random.default_rng(2)
    flat = network.initial_parameters(rng) + 0.1 * rng.normal(size=network.n_parameters)
    x, y = DATASETS["digits"]().X[:4], DATASETS["digits"]().y[:4]
    params, gradient = network.views(flat), np.full_like(flat, np.nan)

    kinks = [
        own_input
        for layer, own_input in zip(network.layers, network.inputs(params, x), strict=True)
        if isinstance(layer, ReLU)
    ]
    assert min(np.abs(kink).min() for kink in kinks) > 10 * h  # no step crosses a ReLU's kink

    logits, pullback = network.forward(params, x)
    dx = pullback(softmax_cross_entropy(logits, y)[1], network.views(gradient))

    def numeric(array):
        slopes = np.empty_like(array)
        for index in np.ndindex(array.shape):
            kept = array[index]
            losses = []
            for value in (kept + h, kept - h):
                array[index] = value
                losses.append(softmax_cross_entropy(network.forward(params, x)[0], y)[0])
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
def test_float32_stays_float32_through_the_whole_network(B):
    network = build(B, dropout=0.2)
    flat = network.initial_parameters(np.random.default_rng(0), "float32")
    gradient = np.zeros_like(flat)
    context = Context(training=True, rng=np.random.default_rng(0))
    logits, pullback = network.forward(network.views(flat), np.ones((3, 64), "float32"), context)
    assert logits.dtype == np.float32
    assert pullback(logits, network.views(gradient)).dtype == np.float32


def test_padding_and_slicing_stand_at_the_ends_only():
    layers = build(3, dropout=0.1).layers
    assert [type(layers[0]), type(layers[-1])] == [Pad, Slice]
    assert not any(isinstance(layer, Pad | Slice) for layer in layers[1:-1])
    assert not isinstance(layers[-2], Dropout)
