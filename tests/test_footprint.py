"""Memory of a training: what is said before it begins, and what it then takes."""

import resource
import tracemalloc
from typing import Any

import numpy as np
import pytest

from cdbench.config.run_config import RunConfig
from cdbench.engine.building import build_network
from cdbench.engine.network import Network
from cdbench.engine.products import PRODUCTS
from cdbench.engine.products.base import ROWS
from cdbench.engine.products.workspace import Workspace
from cdbench.engine.split import Split
from cdbench.engine.training import train
from cdbench.errors import ConfigurationError
from cdbench.records.run import FAILED
from cdbench.running import footprint
from cdbench.running.execution import execute
from cdbench.running.footprint import check_memory, training_bytes

N_FEATURES, N_CLASSES = 256, 10


def peak(begin):
    """Most memory that is taken at once, in bytes."""
    tracemalloc.start()
    try:
        begin()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.long
@pytest.mark.parametrize("hidden", [(512, 512), (960,)], ids=str)
@pytest.mark.parametrize(
    ("optimizer", "dtype"), [("sgd", "float64"), ("adam", "float64"), ("sgd", "float32")]
)
@pytest.mark.parametrize(
    "knobs",
    [{"layer": "dense"}, *({"B": B, "product": name} for B in (4, 32) for name in PRODUCTS)],
    ids=str,
)
def test_training_takes_about_as_much_as_is_said(hidden, optimizer, dtype, knobs):
    config = RunConfig(
        hidden=hidden, batch_size=512, epochs=1, dtype=dtype, optimizer=optimizer, **knobs
    )
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(600, N_FEATURES)).astype(dtype), rng.integers(N_CLASSES, size=600)

    def training():
        network = build_network(config, N_FEATURES, N_CLASSES)
        list(
            train(
                network, network.initial_parameters(rng, dtype), Split(X, y, X[:64], y[:64]), config
            )
        )

    taken = peak(training)
    assert taken / 2 < training_bytes(config, N_FEATURES, N_CLASSES) < 2 * taken


IMAGE, SYMBOLS = (28, 28, 1), 65
TEXT = {"architecture": "attention", "dataset": "text:book.txt"}
ARCHITECTURES: list[dict[str, Any]] = [
    TEXT,
    TEXT | {"layer": "cdlinear", "B": 4},
    TEXT | {"dtype": "float32", "optimizer": "adamw", "context": 128, "width": 16},
    {"architecture": "attention", "batch_size": 128, "patch": 4},
    {"architecture": "conv", "dtype": "float32"},
    {"architecture": "conv", "batch_size": 128, "layer": "cdlinear", "B": 4},
    {"architecture": "conv", "normalization": "batch"},
    {"architecture": "conv", "layer": "low-rank", "optimizer": "adam"},
    {"architecture": "residual-mlp", "depth": 8},
    {"architecture": "residual-mlp", "width": 1024, "depth": 2, "batch_size": 4},
]


def of_architecture(**knobs: Any) -> tuple[RunConfig, Any, Any, tuple[int, int, Any]]:
    """Its configuration, samples (128, n_features), targets, and what the footprint is told."""
    defaults: dict[str, Any] = {"dataset": "fashion-mnist", "layer": "dense", "batch_size": 32}
    config = RunConfig(epochs=1, learning_rate=1e-4, **(defaults | knobs))
    rng = np.random.default_rng(0)
    if config.context is not None:
        X = rng.integers(SYMBOLS, size=(128, config.context)).astype(config.dtype)
        return config, X, rng.integers(SYMBOLS, size=X.shape), (X.shape[1], SYMBOLS, None)
    X = rng.normal(size=(128, 28 * 28)).astype(config.dtype)
    return config, X, rng.integers(10, size=128), (X.shape[1], 10, IMAGE)


@pytest.mark.long
def test_other_architectures_take_at_most_what_is_said_and_half_of_it_or_more():
    for knobs in ARCHITECTURES:
        config, X, y, sizes = of_architecture(**knobs)

        def training(config=config, samples=(X, y), sizes=sizes):
            split = Split(*samples, *samples)
            network = build_network(config, *sizes)
            parameters = network.initial_parameters(np.random.default_rng(0), config.dtype)
            list(train(network, parameters, split, config))

        taken = peak(training)
        assert taken < training_bytes(config, *sizes) < 2 * taken, knobs


def test_saying_how_much_takes_nothing_of_it():
    config, _, _, sizes = of_architecture(**TEXT, batch_size=4000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert training_bytes(config, *sizes) > 10**10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10**5  # KiB


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("sizes", [(4, 64, 32, 256), (32, 16, 8, 256), (64, 8, 8, 16)], ids=str)
@pytest.mark.parametrize("name", PRODUCTS)
def test_product_takes_about_as_much_as_is_said(name, sizes, dtype):
    B, K_o, K_i, N = sizes
    rng = np.random.default_rng(0)
    shape_x, shape_y = (
        (N, K * B) if PRODUCTS[name].layout == ROWS else (B, K, N) for K in (K_i, K_o)
    )
    x, dy, c = (rng.normal(size=s).astype(dtype) for s in (shape_x, shape_y, (B, K_i, K_o)))
    c, dc = c.transpose(2, 1, 0), np.empty_like(c).transpose(2, 1, 0)

    def both_ways():
        product = PRODUCTS[name](K_o, K_i, B)
        _, run, pullback = product.bind(c, x, Workspace())
        run()
        pullback(dy, dc)

    own = peak(both_ways) - x.nbytes - dy.nbytes  # y and dx are not its own
    needed = PRODUCTS[name].bytes_needed(N, K_o, K_i, B, np.dtype(dtype).itemsize)
    assert own / 2 < needed < 2 * own


def held(thing):
    """Bytes of the arrays that a thing holds, those in the same memory counted once."""
    owners, left = {}, [thing]
    while left:
        one = left.pop()
        if isinstance(one, np.ndarray):
            while one.base is not None:
                one = one.base
            owners[id(one)] = one.nbytes
        elif isinstance(one, dict | tuple | list):
            left += one.values() if isinstance(one, dict) else one
        elif type(one).__module__.startswith("cdbench."):
            left += vars(one).values()
    return sum(owners.values())


# Sizes at which the bytes are nearly all those of the matrices, of c, of x, and of y.
SIZES = [(97, 1, 1, 1), (64, 1, 1, 1), (4, 90, 90, 1), (5, 1, 90, 90), (4, 90, 1, 90), (3, 2, 5, 7)]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("name", PRODUCTS)
def test_bytes_are_those_of_the_arrays_that_a_product_holds(name, sizes, dtype):
    B, K_o, K_i, N = sizes
    product, workspace = PRODUCTS[name](K_o, K_i, B), Workspace()
    x = np.ones((N, K_i * B) if product.layout == ROWS else (B, K_i, N), dtype)
    c = np.ones((B, K_i, K_o), dtype).T
    y = product.bind(c, x, workspace).y
    matrices = held(product)
    arrays = matrices + workspace.n_bytes - y.nbytes - x.nbytes  # y and dx are not its own
    needed = product.bytes_needed(N, K_o, K_i, B, np.dtype(dtype).itemsize)
    if name == "gather":  # making the indices takes as much again
        assert needed == arrays + matrices
    elif name == "polygon":
        assert needed == arrays
    else:
        assert arrays / 2.5 < needed < 2 * arrays


def test_more_of_anything_needs_more():
    def needed(**knobs):
        return training_bytes(RunConfig(**({"hidden": (64,)} | knobs)), N_FEATURES, N_CLASSES)

    assert needed() < needed(hidden=(128,)) < needed(hidden=(128, 128))
    assert needed() < needed(batch_size=128)
    assert needed(dtype="float32") < needed() < needed(optimizer="adam")
    assert needed(hidden=(4096,), B=64) < needed(hidden=(4096,), B=4)


@pytest.mark.parametrize(
    ("knobs", "advice"),
    [
        ({"layer": "dense"}, "expected a narrower --hidden or a smaller --batch-size"),
        ({"B": 4}, "a smaller --batch-size or a larger --B"),
        ({"layer": "low-rank:9"}, "--batch-size or another structure than low-rank:9"),
        ({"B": 4, "product": "gather"}, "a larger --B or another --product"),
    ],
    ids=str,
)
def test_training_that_does_not_fit_is_refused_in_one_line(knobs, advice, monkeypatch):
    config = RunConfig(hidden=(512, 300), **knobs)
    needed = training_bytes(config, N_FEATURES, N_CLASSES)
    for available in (needed, None):
        monkeypatch.setattr(footprint, "available_memory", lambda size=available: size)
        check_memory(config, N_FEATURES, N_CLASSES)
    monkeypatch.setattr(footprint, "available_memory", lambda: needed - 1)
    with pytest.raises(
        ConfigurationError, match=r"^hidden = 512 300, batch_size = 64: training needs "
    ) as caught:
        check_memory(config, N_FEATURES, N_CLASSES)
    assert str(caught.value).endswith(advice)
    assert "\n" not in str(caught.value)


def test_run_that_does_not_fit_takes_no_memory(monkeypatch):
    monkeypatch.setattr(footprint, "available_memory", lambda: 10**9)
    monkeypatch.setattr(Network, "initial_parameters", None)
    run = execute(RunConfig(layer="dense", hidden=(200_000, 200_000), dataset="iris"))
    assert run.status == FAILED
    assert run.error is not None
    assert run.error.startswith("hidden = 200000 200000, batch_size = 64: training needs")
    assert "1.0 GB is available" in run.error


def test_network_of_any_architecture_that_does_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr(footprint, "available_memory", lambda: 10**6)
    for knobs, begins in (
        (TEXT, "width = 64, batch_size = 32: training needs about "),
        (TEXT | {"width": 4_000_000}, "width = 4000000, batch_size = 32: training needs about "),
        ({"architecture": "conv"}, "channels = 16 32, batch_size = 32: training needs about "),
    ):
        config, _, _, sizes = of_architecture(**knobs)
        with pytest.raises(ConfigurationError) as caught:
            check_memory(config, *sizes)
        assert str(caught.value).startswith(begins)
        assert "\n" not in str(caught.value)
        assert ", but only 1.0 MB is available; expected a narrower --" in str(caught.value)
