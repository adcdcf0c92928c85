"""Tied: the dense network is the tied one, and its gradient's way back is an adjoint."""

import numpy as np
import pytest

from cdbench.config.run_config import RunConfig
from cdbench.engine.building import build_network
from cdbench.engine.layers import Arrangement, CDLinear, Context, Dense, ReLU
from cdbench.engine.network import Network
from cdbench.engine.tying import Tied

CASES = [
    {"B": B, "normalization": normalization, "dropout": dropout}
    for B in (1, 2, 3, 4, 7)  # 2 divides all widths; 3, 4 and 7 not, so that there is padding
    for normalization, dropout in (("none", 0.0), ("layer", 0.0), ("batch", 0.3))
]
every_case = pytest.mark.parametrize("knobs", CASES, ids=lambda k: "-".join(map(str, k.values())))


def built(dtype="float64", **knobs):
    config = RunConfig(hidden=(12, 10), product="gather", dtype=dtype, **knobs)
    network = build_network(config, 8, 6)
    assert network.product == "gather"
    flat = network.initial_parameters(np.random.default_rng(0), dtype)
    flat += 0.3 * np.random.default_rng(1).normal(size=flat.size).astype(dtype)
    tied = Tied(network, dtype)
    tied.expand(flat)
    return network, flat, tied


def training():
    return Context(training=True, rng=np.random.default_rng(3))


def gradients(network, params, grads, x, dlogits):
    logits, pullback = network.forward(params, x, training())
    pullback.to_parameters(dlogits, grads)
    return logits


@every_case
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_logits_are_those_of_the_network(knobs, dtype):
    network, flat, tied = built(dtype, **knobs)
    x = np.random.default_rng(2).normal(size=(5, 8)).astype(dtype)
    expected, _ = network.forward(network.views(flat), x, training())
    logits, _ = tied.dense.forward(tied.params, x, training())
    # The same products, but for those with padded zeros, without which sums may go another way.
    tolerance = 50 * np.finfo(dtype).eps * np.abs(expected).max()
    np.testing.assert_allclose(logits, expected, rtol=0, atol=tolerance)
    assert not any(isinstance(layer, CDLinear | Arrangement) for layer in tied.dense.layers)
    assert logits.dtype == dtype


@every_case
def test_matrices_and_all_other_parameters_are_the_acting_ones_of_the_network(knobs):
    network, flat, tied = built(**knobs)
    params = network.views(flat)
    weights = [own for own in tied.params if "weight" in own]
    for place, dense in zip(network.weight_layers, weights, strict=True):
        own = params[place.position]
        W = place.layer.matrix(own)[: place.n_out_acting, : place.n_in_acting]
        np.testing.assert_array_equal(dense["weight"], W)
        np.testing.assert_array_equal(dense["bias"], own["bias"][: place.n_out_acting])
    scales = ([own for own in each if "gain" in own] for each in (tied.params, params))
    for dense, own in zip(*scales, strict=True):
        np.testing.assert_equal(dense, own)


@every_case
def test_reduced_gradient_is_that_of_the_network(knobs):
    network, flat, tied = built(**knobs)
    rng = np.random.default_rng(2)
    x, dlogits = rng.normal(size=(5, 8)), rng.normal(size=(5, 6))
    expected, got = np.full_like(flat, np.nan), np.full_like(flat, np.nan)
    gradients(network, network.views(flat), network.views(expected), x, dlogits)
    gradients(tied.dense, tied.params, tied.grads, x, dlogits)
    tied.reduce(got)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-14 * np.abs(expected).max())


def inner(these, those):
    pairs = zip(these, those, strict=True)
    return sum(np.vdot(a[name], b[name]) for a, b in pairs for name in a)


@every_case
def test_reduce_is_the_adjoint_of_expand(knobs):
    network, _, tied = built(**knobs)
    rng = np.random.default_rng(4)
    for _ in range(3):
        v = rng.normal(size=network.n_parameters)
        for own in tied.grads:
            for value in own.values():
                value[...] = rng.normal(size=value.shape)
        tied.expand(v)
        reduced = np.full_like(v, np.nan)
        tied.reduce(reduced)
        scale = np.linalg.norm(v) * np.linalg.norm(reduced)
        assert abs(inner(tied.grads, tied.params) - v @ reduced) <= 1e-14 * scale


@pytest.mark.parametrize(
    "layers",
    [
        [Dense(5, 6), CDLinear(6, 9, 3), Dense(9, 2)],
        *(
            [CDLinear(6, 6, first), CDLinear(6, 6, last)]
            for first, last in ((3, 1), (1, 3), (6, 2))
        ),
    ],
)
def test_layers_may_be_dense_or_have_block_sizes_of_their_own(layers):
    network = Network([own for layer in layers for own in (layer, ReLU(layer.n_out))][:-1])
    tied, rng = Tied(network, "float64"), np.random.default_rng(0)
    flat, x, dlogits = (
        rng.normal(size=s)
        for s in (network.n_parameters, (4, layers[0].n_in), (4, layers[-1].n_out))
    )
    tied.expand(flat)
    expected, got = np.empty_like(flat), np.empty_like(flat)
    logits = gradients(network, network.views(flat), network.views(expected), x, dlogits)
    np.testing.assert_array_equal(
        gradients(tied.dense, tied.params, tied.grads, x, dlogits), logits
    )
    tied.reduce(got)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-14 * np.abs(expected).max())
