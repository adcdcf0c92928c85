"""A network that is a graph: its passes, gradients and memory, and that a chain is one."""

from dataclasses import replace

import numpy as np
import pytest

from cdbench.config.run_config import RunConfig
from cdbench.diagnostics.curvature.operators import hessian
from cdbench.engine.building import build_network
from cdbench.engine.layers import (
    EVALUATION,
    Add,
    BatchNorm,
    CDLinear,
    Context,
    Dense,
    Dropout,
    LayerNorm,
    Pad,
    ReLU,
    Slice,
)
from cdbench.engine.network import Network
from cdbench.engine.products.workspace import Workspace
from cdbench.engine.tasks import CLASSIFICATION
from cdbench.errors import ShapeError

N, STEP = 7, 1e-20
INPUT = -1


def blocks():
    """Two residual blocks, the second without a normalisation: its ReLU shares its input."""
    layers = [Pad(5, 6), Dense(6, 6)]
    layers += [LayerNorm(6), ReLU(6), CDLinear(6, 6, 3), Add(6, 0.5)]
    layers += [ReLU(6), CDLinear(6, 6, 2), Add(6, 0.5)]
    layers += [BatchNorm(6), ReLU(6), Dense(6, 4), Slice(4, 3)]
    sources = [(INPUT,), (0,), (1,), (2,), (3,), (1, 4)]
    sources += [(5,), (6,), (5, 7), (8,), (9,), (10,), (11,)]
    return Network(layers, sources)


def forked():
    """The input and an output enter several layers, also as views; a Join takes one twice."""
    layers = [Pad(4, 6), Dense(4, 6), Dense(6, 6), Add(6)]
    layers += [Slice(6, 5), ReLU(5), Slice(6, 5), Add(5), Add(5, 3.0)]
    sources = [(INPUT,), (INPUT,), (0,), (1, 2), (3,), (4,), (3,), (5, 6), (7, 7)]
    return Network(layers, sources)


def prepared_fork():
    """What follows the leading Pad enters two layers."""
    layers = [Pad(4, 6), ReLU(6), Dense(6, 6), Add(6), Dense(6, 2)]
    return Network(layers, [(INPUT,), (0,), (1,), (0, 2), (3,)])


GRAPHS = (blocks, forked, prepared_fork)
every_graph = pytest.mark.parametrize("make", GRAPHS, ids=lambda make: make.__name__)


def point(network, seed=0):
    """Parameters off their initial values, inputs, and a gradient of the logits."""
    rng = np.random.default_rng(seed)
    flat = network.initial_parameters(rng)
    flat += 0.1 * rng.normal(size=flat.shape)
    return flat, rng.normal(size=(N, network.n_in)), rng.normal(size=(N, network.n_out))


def in_training(network, x, flat):
    """Contexts of training and of evaluation, with new arrays."""
    return Context(training=True), network.evaluation(network.views(flat), x)


def gradients(network, flat, x, dy, context):
    gradient = np.full_like(flat, np.nan)
    logits, pullback = network.forward(network.views(flat), x, context)
    return logits, pullback(dy.copy(), network.views(gradient)), gradient


@every_graph
def test_complex_steps_of_the_logits_are_the_gradients(make):
    network = make()
    flat, x, dy = point(network)
    for context in in_training(network, x, flat):
        logits, dx, gradient = gradients(network, flat, x, dy, context)
        rng = np.random.default_rng(3)
        for _ in range(5):
            v, u = rng.normal(size=flat.shape), rng.normal(size=x.shape)
            moved = network.views(flat + STEP * 1j * v), x + STEP * 1j * u
            stepped, _ = network.forward(*moved, context)
            slope = np.sum(stepped.imag * dy) / STEP
            parts = np.abs(stepped.imag * dy).sum() / STEP
            assert abs(slope - gradient @ v - np.sum(dx * u)) <= 1e-13 * parts
        np.testing.assert_allclose(stepped.real, logits, rtol=1e-13, atol=1e-13)


@every_graph
def test_central_differences_are_the_gradient(make):
    network = make()
    flat, x, dy = point(network)
    context = network.evaluation(network.views(flat), x)
    _, _, gradient = gradients(network, flat, x, dy, context)
    found, h = np.empty_like(flat), 1e-6
    for i in range(flat.size):
        sides = [flat.copy(), flat.copy()]
        sides[0][i] += h
        sides[1][i] -= h
        up, down = (network.forward(network.views(side), x, context)[0] for side in sides)
        found[i] = np.sum((up - down) * dy) / (2 * h)
    np.testing.assert_allclose(found, gradient, rtol=1e-6, atol=1e-7)


@every_graph
def test_parameters_alone_and_prepared_inputs_have_the_same_gradients(make):
    network = make()
    flat, x, dy = point(network)
    params = network.views(flat)
    for context in in_training(network, x, flat):
        logits, _, gradient = gradients(network, flat, x, dy, context)
        for prepared in (False, True):
            own = np.full_like(flat, np.nan)
            inputs = network.prepare(x) if prepared else x
            found, pullback = network.forward(params, inputs, context, prepared=prepared)
            pullback.to_parameters(dy.copy(), network.views(own))
            np.testing.assert_array_equal(found, logits)
            np.testing.assert_array_equal(own, gradient)


@every_graph
def test_lent_memory_gives_what_new_arrays_give_run_after_run(make):
    network, workspace = make(), Workspace()
    flat, x, dy = point(network)
    params, own_x, own = network.views(flat), np.empty_like(x), np.full_like(flat, np.nan)
    lent = Context(training=True, allocate=workspace)
    for prepared in (False, True):
        workspace.restart()
        bound_to = network.prepare(own_x) if prepared else own_x
        bound = network.bind(params, bound_to, lent, prepared=prepared)
        for factor in (1.0, -2.0):
            bound_to[...] = network.prepare(factor * x) if prepared else factor * x
            bound.run()
            expected = gradients(network, flat, factor * x, dy, replace(EVALUATION, training=True))
            np.testing.assert_array_equal(bound.logits, expected[0])
            bound.pullback.to_parameters(dy.copy(), network.views(own))
            np.testing.assert_array_equal(own, expected[2])


@pytest.mark.parametrize("product", ["gather", "polygon", "fft"])
@pytest.mark.parametrize("normalization", ["none", "batch"])
def test_chain_written_as_a_graph_gives_the_same_bits(product, normalization):
    config = RunConfig(
        B=3, hidden=(8, 9), product=product, normalization=normalization, dropout=0.3
    )
    chain = build_network(config, 8, 4)
    graph = Network(chain.layers, chain.sources)
    assert chain.is_chain
    assert not graph.is_chain
    flat, x, dy = point(chain)
    found = []
    for network in (chain, graph):
        lent = Context(training=True, rng=np.random.default_rng(1), allocate=Workspace())
        own_x = x.copy()
        measured = network.evaluation(network.views(flat), x)
        inputs = network.inputs(network.views(flat), x, measured)
        found.append([*gradients(network, flat, own_x, dy, lent), *inputs])
        places = [(p.position, p.n_in_acting, p.n_out_acting) for p in network.weight_layers]
        found[-1] += [np.array(places), network.prepare(x), np.array(network.sample_axis)]
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_statistics_are_of_what_enters_each_normalisation():
    network = blocks()
    flat, x, _ = point(network)
    params = network.views(flat)
    (position,) = (i for i, own in enumerate(network.layers) if isinstance(own, BatchNorm))
    context = network.evaluation(params, x)
    entering = network.inputs(params, x, context)
    mean, variance = context.statistics[network.layers[position]]
    np.testing.assert_allclose(mean[0], entering[position].mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(variance[0], entering[position].var(axis=0), rtol=1e-13)
    # What a block adds is in what comes out of it.
    added = entering[5] + 0.5 * network.layers[4].forward(params[4], entering[4], context)[0]
    np.testing.assert_allclose(added, entering[6], rtol=1e-13)


def test_acting_part_leaves_out_padded_inputs_and_sliced_logits():
    places = [(p.n_in_acting, p.n_out_acting) for p in blocks().weight_layers]
    assert places == [(5, 6), (6, 6), (6, 6), (6, 3)]


def test_hessian_of_a_graph_is_that_of_differences_of_its_gradient():
    network = blocks()
    flat, x, _ = point(network)
    y = np.arange(N) % 3
    context = network.evaluation(network.views(flat), x)
    v = np.random.default_rng(2).normal(size=flat.shape)

    def gradient(at):
        found = np.empty_like(flat)
        logits, pullback = network.forward(network.views(at), x, context)
        loss = CLASSIFICATION.bind(logits)
        loss.gradient(y)
        pullback.to_parameters(loss.dy, network.views(found))
        return found

    h = 1e-6
    expected = (gradient(flat + h * v) - gradient(flat - h * v)) / (2 * h)
    found = hessian(network, flat, x, y, context) @ v
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_dropout_in_one_branch_leaves_the_other_alone():
    network = Network([Dense(3, 4), Dropout(4, 0.5), Add(4)], [(INPUT,), (0,), (0, 1)])
    flat, x, _ = point(network)
    lent = Context(training=True, rng=np.random.default_rng(0), allocate=Workspace())
    bound = network.bind(network.views(flat), x, lent)
    bound.run()
    whole = network.layers[0].forward(network.views(flat)[0], x, EVALUATION)[0]
    assert {*np.round(bound.logits / whole, 12).ravel()} == {1.0, 3.0}  # 1, or 1 + 1 / 0.5


@pytest.mark.parametrize(
    ("layers", "sources", "line"),
    [
        ([Dense(3, 4)], [], "network got 0 sources, expected one for each layer"),
        (
            [Dense(3, 4), ReLU(4)],
            [(INPUT,), (1,)],
            "layer 1, ReLU, got source 1, expected one before it",
        ),
        (
            [Dense(3, 4), ReLU(4)],
            [(INPUT,), (0, 0)],
            "layer 1, ReLU, got 2 sources, expected one, or several of a Join",
        ),
        (
            [Dense(3, 4), Add(4)],
            [(INPUT,), (0,)],
            "layer 1, Add, got 1 sources, expected one, or several of a Join",
        ),
        (
            [Dense(3, 4), Add(4)],
            [(INPUT,), (0, INPUT)],
            "layer 1, Add, got 3 inputs, expected 4",
        ),
        (
            [Dense(3, 3), Dense(3, 4)],
            [(INPUT,), (INPUT,)],
            "network got sources without layer 0's output, expected a layer that takes it",
        ),
    ],
)
def test_sources_that_are_none_are_refused(layers, sources, line):
    with pytest.raises(ShapeError) as refused:
        Network(layers, sources)
    assert str(refused.value) == line
