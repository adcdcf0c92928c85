"""Networks of convolutions and of residual blocks: their laws as a whole, and their sizes."""

from typing import Any

import numpy as np
import pytest
from scipy.signal import correlate2d

from cdbench.config.families import family, structure_of
from cdbench.config.run_config import RunConfig
from cdbench.engine.building import build_network
from cdbench.engine.graph import multiply_adds
from cdbench.engine.layers import (
    Add,
    BatchNorm,
    Context,
    Dense,
    Dropout,
    LayerNorm,
    Tanh,
    WeightLayer,
)
from cdbench.engine.layers.convolution import Convolution
from cdbench.engine.products.workspace import Workspace
from cdbench.engine.tasks import CLASSIFICATION
from cdbench.errors import ShapeError

N, IMAGE, CLASSES, STEP = 3, (5, 6, 2), 3, 1e-20
CONV: dict[str, Any] = {"architecture": "conv", "channels": (3, 4), "dataset": "digits"}
RESIDUAL: dict[str, Any] = {"architecture": "residual-mlp", "width": 6, "depth": 3}
KNOBS = (
    CONV,
    CONV | {"pooling": "average", "readout": "flatten", "normalization": "layer"},
    CONV | {"pooling": "none", "stride": 2, "kernel": 2, "padding": "valid", "head": "dense"},
    RESIDUAL,
    RESIDUAL | {"normalization": "layer", "head": "dense"},
)
FEW = ("dense", "cdlinear:2", "low-rank:2", "block-diagonal:2", "monarch:2")


def network_of(**knobs):
    return build_network(RunConfig(**knobs), int(np.prod(IMAGE)), CLASSES, IMAGE)


def point(network):
    """Parameters off their initial values, images, and their classes."""
    rng = np.random.default_rng(0)
    flat = network.initial_parameters(rng) + 0.1 * rng.normal(size=network.n_parameters)
    return flat, rng.normal(size=(N, network.n_in)), rng.integers(0, CLASSES, N)


def gradient(network, flat, X, y, context=None):
    found = np.full_like(flat, np.nan)
    bound = network.bind(network.views(flat), X, context or Context())
    for _ in range(2):  # the second finds what the first left
        bound.run()
        loss = CLASSIFICATION.bind(bound.logits)
        loss.gradient(y)
        bound.pullback.to_parameters(loss.dy, network.views(found))
    return found


def mean_loss(network, flat, X, y):
    logits, _ = network.forward(network.views(flat), X)
    loss = CLASSIFICATION.bind(logits)
    loss.run()
    return -np.log(loss.true(y)).mean()


@pytest.mark.parametrize("knobs", KNOBS, ids=str)
def test_gradient_is_that_of_complex_steps_and_the_same_in_lent_memory(knobs):
    for layer in FEW:
        network = network_of(**knobs, layer=layer, activation="tanh")
        flat, X, y = point(network)
        found, rng = gradient(network, flat, X, y), np.random.default_rng(1)
        for v in rng.normal(size=(10, flat.size)):
            stepped = mean_loss(network, flat + STEP * 1j * v, X.astype(complex), y)
            parts = np.abs(found * v).sum()
            assert abs(stepped.imag / STEP - found @ v) <= 1e-13 * parts
        lent = Context(training=True, allocate=Workspace())
        again = gradient(network, flat, X, y, lent)
        np.testing.assert_allclose(again, found, rtol=0, atol=1e-13 * np.abs(found).max())


def test_a_small_network_is_scipys_correlations_pooled_and_summed():
    knobs = CONV | {"channels": (2,), "layer": "dense", "readout": "flatten"}
    network = build_network(RunConfig(**knobs), 20, CLASSES, (4, 5, 1))
    flat, X, _ = point(network)
    logits, _ = network.forward(network.views(flat), X)
    params = [own for own in network.views(flat) if own]
    kernel, bias = params[0]["weight"].reshape(2, 3, 3), params[0]["bias"]
    for image, found in zip(X.reshape(N, 4, 5), logits, strict=True):
        maps = [
            np.maximum(correlate2d(image, own, "same") + b, 0)[:, :4]
            for own, b in zip(kernel, bias, strict=True)
        ]
        pooled = [own.reshape(2, 2, 2, 2).max(axis=(1, 3)).ravel() for own in maps]
        expected = params[1]["weight"] @ np.stack(pooled, 1).ravel() + params[1]["bias"]
        np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_a_residual_network_is_its_formula():
    network = network_of(**RESIDUAL, layer="dense", activation="tanh")
    flat, X, _ = point(network)
    logits, _ = network.forward(network.views(flat), X)
    first, *blocks, last = (
        (own["weight"], own["bias"]) for own in network.views(flat) if "weight" in own
    )
    assert len(blocks) == 3
    x = X @ first[0].T + first[1]
    for weight, bias in blocks:
        x = x + (np.tanh(x) @ weight.T + bias) / np.sqrt(3)
    np.testing.assert_allclose(logits, np.tanh(x) @ last[0].T + last[1], rtol=1e-12)


@pytest.mark.long
def test_a_dense_network_agrees_with_a_pytorch_one_of_the_same_numbers():
    torch: Any = pytest.importorskip("torch")
    nn = torch.nn
    network = network_of(**CONV, layer="dense")
    flat, X, y = point(network)
    model = nn.Sequential(
        *(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, CLASSES)),
    )

    def beside(values):
        own = (one for views in network.views(values) for one in views.values())
        for value, parameter in zip(own, model.parameters(), strict=True):
            if parameter.ndim == 4:  # PyTorch has the channel before the place
                n_out, n_in, *kernel = parameter.shape
                yield value.reshape(n_out, *kernel, n_in).transpose(0, 3, 1, 2), parameter
            else:
                yield value, parameter

    for value, parameter in beside(flat):
        parameter.data = torch.tensor(value.copy())
    logits = model(torch.tensor(X.reshape(N, 2, 5, 6)))
    nn.functional.cross_entropy(logits, torch.tensor(y)).backward()
    ours, _ = network.forward(network.views(flat), X)
    np.testing.assert_allclose(ours, logits.detach(), atol=1e-12)
    for value, parameter in beside(gradient(network, flat, X, y)):
        np.testing.assert_allclose(value, parameter.grad, atol=1e-12)


def test_weights_are_counted():
    conv = CONV | {"channels": (5, 6)}
    assert network_of(**conv, layer="dense").n_parameters == (
        9 * 2 * 5 + 5 + 9 * 5 * 6 + 6 + 6 * 3 + 3
    )
    # Channels 5, 6 and classes 3 are rounded up to 8, 8 and 4; the first kernel is dense.
    assert network_of(**conv, B=4).n_parameters == (
        9 * 2 * 8 + 8 + 9 * 8 * 8 // 4 + 8 + 8 * 4 // 4 + 4
    )
    assert network_of(**conv, B=4, head="dense", readout="flatten").n_parameters == (
        9 * 2 * 8 + 8 + 9 * 8 * 8 // 4 + 8 + 8 * 3 + 3
    )
    assert network_of(**RESIDUAL, layer="dense").n_parameters == (
        60 * 6 + 6 + 3 * (6 * 6 + 6) + 6 * 3 + 3
    )
    assert network_of(**RESIDUAL, B=4).n_parameters == (
        60 * 8 // 4 + 8 + 3 * (8 * 8 // 4 + 8) + 8 * 4 // 4 + 4
    )


def test_what_comes_between_weight_layers():
    def kinds(**knobs):
        wanted = (WeightLayer, Tanh, Dropout, BatchNorm, LayerNorm, Add)
        layers = network_of(**knobs, layer="dense", activation="tanh", dropout=0.5).layers
        return [type(one) for one in layers if isinstance(one, wanted)]

    stage = [Tanh, Dropout, BatchNorm]
    assert kinds(**CONV, normalization="batch") == [
        Convolution, *stage, Convolution, *stage, Dense
    ]  # fmt: skip
    block = [LayerNorm, Tanh, Dropout, Dense]
    assert kinds(**RESIDUAL | {"depth": 2}, normalization="layer") == [
        LayerNorm, Dense, *block, Add, *block, Add, *block
    ]  # fmt: skip


def test_rows_and_multiply_adds_of_a_sample_are_counted():
    network = network_of(**CONV, layer="dense", pooling="average")
    flat, X, _ = point(network)
    entering = network.inputs(network.views(flat), X)
    assert [N * n for n in (1, *network.rows[:-1])] == [len(own) for own in entering]
    assert network.rows_per_sample == 30
    assert multiply_adds(network.layers, network.rows) == 30 * 9 * 2 * 3 + 6 * 9 * 3 * 4 + 4 * 3
    network = network_of(**RESIDUAL, B=2)
    assert network.rows_per_sample == 1
    places = network.weight_layers
    assert multiply_adds(network.layers, network.rows) == sum(
        place.layer.multiply_adds() for place in places
    )


@pytest.mark.parametrize("name", FEW)
def test_a_convolution_is_its_familys_layers_of_padded_channels(name):
    network = network_of(**CONV, layer=name)
    own: Any = family(name.partition(":")[0])
    first, *others, head = [place.layer for place in network.weight_layers]
    assert (first.family, head.family) == ("dense", own.family)
    for layer in others:
        assert isinstance(layer, Convolution)
        assert layer.family == own.family
        config = RunConfig(**CONV, layer=name)
        structure = {"B": 2} if config.B else structure_of(config.layer, config.structure)
        assert not layer.n_out % own.width_multiple(structure)
    assert first.n_in == IMAGE[2]
    assert first.n_out == others[0].n_in


@pytest.mark.parametrize(
    ("knobs", "line"),
    [
        (
            {"channels": (4, 4, 4)},
            "pooling got an image of 1 × 1 pixels, expected at least 2 × 2; fewer --channels, or "
            "--pooling none",
        ),
        (
            {"padding": "valid", "pooling": "none", "kernel": 4},
            "kernel = 4 does not fit an image of 2 × 3 pixels; expected at most --kernel 2, or "
            "--padding same",
        ),
    ],
)
def test_an_image_that_is_too_small_is_refused(knobs, line):
    with pytest.raises(ShapeError) as caught:
        network_of(**CONV | knobs)
    assert str(caught.value) == line
