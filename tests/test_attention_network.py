"""Networks of attention: their laws as a whole, their training on text, their curvature."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cdbench.config.families import FAMILIES, family, structure_of
from cdbench.config.run_config import RunConfig
from cdbench.diagnostics.curvature.exact import gauss_newton_matrix
from cdbench.diagnostics.curvature.operators import gauss_newton, hessian
from cdbench.engine.architectures.attention import Blocks, image_network, text_network
from cdbench.engine.architectures.parts import Weights
from cdbench.engine.evaluation import class_accuracies
from cdbench.engine.graph import multiply_adds
from cdbench.engine.layers import CDLinear, Dense, ReLU
from cdbench.engine.losses import cross_entropy, softmax
from cdbench.engine.split import Split
from cdbench.engine.tasks import TASKS, task_of
from cdbench.engine.training import train

CONTEXT, SYMBOLS, STEP = 4, 3, 1e-20
LANGUAGE = TASKS["language"]
DENSE, CIRCULANT = Weights(Dense), Weights(CDLinear, {"B": 2})
BLOCKS = Blocks(width=4, depth=2, heads=2, head_width=2, activation=ReLU)


def small(weights=DENSE, depth=1):
    """A network, parameters off their initial values, symbols and the next ones."""
    network = text_network(weights, replace(BLOCKS, depth=depth), CONTEXT, SYMBOLS)
    rng = np.random.default_rng(0)
    flat = network.initial_parameters(rng) + 0.1 * rng.normal(size=network.n_parameters)
    X = rng.integers(0, SYMBOLS, (3, CONTEXT)).astype(float)
    return network, flat, X, rng.integers(0, SYMBOLS, (3, CONTEXT))


def gradient(network, flat, X, y, task=LANGUAGE):
    found = np.full_like(flat, np.nan)
    logits, pullback = network.forward(network.views(flat), X)
    loss = task.bind(logits)
    loss.gradient(y.ravel())
    pullback.to_parameters(loss.dy, network.views(found))
    return found


def mean_loss(network, flat, X, y):
    logits, _ = network.forward(network.views(flat), X)
    loss = LANGUAGE.bind(logits)
    loss.run()
    return -np.log(loss.true(y.ravel())).mean()


def told_loss(network, flat, X, y):
    """With the floor under probabilities that reported losses have."""
    logits, _ = network.forward(network.views(flat), X)
    return cross_entropy(softmax(logits)[np.arange(y.size), y.ravel()]).mean()


@pytest.mark.parametrize("weights", [DENSE, CIRCULANT], ids=["dense", "circulant"])
def test_gradient_is_that_of_complex_steps(weights):
    network, flat, X, y = small(weights)
    found, expected = gradient(network, flat, X, y), np.empty_like(flat)
    for place in range(flat.size):
        stepped = flat.astype(complex)
        stepped[place] += STEP * 1j
        expected[place] = mean_loss(network, stepped, X, y).imag / STEP
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13 * np.abs(found).max())


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_hessian_is_the_derivative_of_the_gradient(smoothing):
    network, flat, X, y = small()
    task, v = task_of("language", smoothing), np.random.default_rng(1).normal(size=flat.size)
    sides = [gradient(network, flat + step * v, X, y, task) for step in (1e-6, -1e-6)]
    found = hessian(network, flat, X, y, task=task).matvec(v)
    np.testing.assert_allclose(found, (sides[0] - sides[1]) / 2e-6, rtol=0, atol=1e-6)


def test_gauss_newton_matrix_has_every_row_of_outputs_and_agrees_with_its_products():
    network, flat, X, y = small()
    J = np.empty((y.size, SYMBOLS, flat.size))
    for place in range(flat.size):
        stepped = flat.astype(complex)
        stepped[place] += STEP * 1j
        J[..., place] = network.forward(network.views(stepped), X)[0].imag / STEP
    logits, _ = network.forward(network.views(flat), X)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    A = np.array([np.diag(row) - np.outer(row, row) for row in p])
    expected = np.einsum("rip,rij,rjq->pq", J, A, J) / y.size
    scale = np.abs(expected).max()
    built = gauss_newton_matrix(network, flat, X, y, task=LANGUAGE)
    np.testing.assert_allclose(built, expected, rtol=0, atol=1e-12 * scale)
    products = gauss_newton(network, flat, X, y, task=LANGUAGE) @ np.eye(flat.size)
    np.testing.assert_allclose(products, expected, rtol=0, atol=1e-12 * scale)


def test_a_later_symbol_changes_no_earlier_logit():
    network, flat, X, _ = small()
    logits = network.forward(network.views(flat), X)[0].reshape(3, CONTEXT, -1)
    for token in range(CONTEXT):
        other = X.copy()
        other[:, token:] = (other[:, token:] + 1) % SYMBOLS
        changed = network.forward(network.views(flat), other)[0].reshape(logits.shape)
        np.testing.assert_array_equal(changed[:, :token], logits[:, :token])
        assert (changed[:, token] != logits[:, token]).all()


def test_multiply_adds_of_tokens_and_between_them_are_counted():
    network, flat, X, _ = small()
    rows = [len(own) for own in network.inputs(network.views(flat), X)]
    assert rows == [3, *(3 * n for n in network.rows[:-1])]
    attention = 2 * CONTEXT * CONTEXT * 4  # scores and their mixtures, of all heads
    assert (
        multiply_adds(network.layers, network.rows)
        == CONTEXT * (4 * 16 + 2 * 64 + 4 * SYMBOLS) + attention
    )


def test_without_positions_the_order_of_an_images_rows_does_not_matter():
    network = image_network(DENSE, BLOCKS, (5, 3, 1), (1, 3), 2)
    rng = np.random.default_rng(0)
    flat, images = network.initial_parameters(rng), rng.normal(size=(4, 5, 3))
    moved = images[:, [3, 0, 4, 1, 2]]

    def difference():
        logits = [
            network.forward(network.views(flat), x.reshape(4, -1))[0] for x in (images, moved)
        ]
        return np.abs(logits[0] - logits[1]).max()

    assert difference() > 1e-6
    for params in network.views(flat):
        if "positions" in params:
            params["positions"][...] = 0.0
    assert difference() < 1e-13


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_serves_images_and_texts(name):
    own: Any = family(name)
    structure = structure_of(name, None)
    structure = structure or ({"B": 4} if name == "cdlinear" else structure)
    for dense_head in (False, True):
        weights = Weights(own, structure, dense_head)
        blocks = Blocks(width=10, depth=1, heads=3, head_width=5, activation=ReLU)
        for network, X, rows in (
            (image_network(weights, blocks, (4, 6, 1), (2, 3), 3), np.ones((2, 24)), 2),
            (text_network(weights, blocks, 5, 7), np.ones((2, 5)), 10),
        ):
            flat = network.initial_parameters(np.random.default_rng(0))
            logits, pullback = network.forward(network.views(flat), X)
            assert logits.shape == (rows, network.n_out)
            found = np.full_like(flat, np.nan)
            pullback.to_parameters(np.ones_like(logits), network.views(found))
            assert np.isfinite(logits).all()
            assert np.isfinite(found).all()


def periodic(n):
    """Windows of abcadabcad…: after an a the symbol before it tells what follows."""
    symbols = np.resize([0, 1, 2, 0, 3], n + 7)
    windows = np.lib.stride_tricks.sliding_window_view(symbols, 7)[:n]
    return windows[:, :-1].astype(float), np.ascontiguousarray(windows[:, 1:])


@pytest.mark.parametrize("knobs", [{"layer": "dense"}, {"B": 2}], ids=["dense", "circulant"])
def test_training_learns_a_periodic_text_and_scores_every_symbol(knobs):
    X, y = periodic(45)
    config = RunConfig(
        **knobs, epochs=60, batch_size=8, optimizer="adam", learning_rate=0.01, product="gather"
    )
    object.__setattr__(config, "task", "language")
    blocks = replace(BLOCKS, width=8, head_width=4)
    network = text_network(DENSE if config.B is None else CIRCULANT, blocks, 6, 4)
    flat = network.initial_parameters(np.random.default_rng(0))
    split = Split(X, y, X[:7], y[:7])
    epochs = list(train(network, flat, split, config))
    # Knowing only the symbol itself, nobody could get below this.
    assert epochs[-1].training_loss < 0.4 * np.log(2)
    logits, _ = network.forward(network.views(flat), X[:7])
    right = logits.argmax(axis=1) == y[:7].ravel()
    assert epochs[-1].test_accuracy == right.mean() > 0.8
    expected = told_loss(network, flat, X[:7], y[:7])
    assert epochs[-1].test_loss == pytest.approx(expected, rel=1e-9)
    classes = class_accuracies(network, flat, split, "abcd")
    assert sum(one.n_samples for one in classes) == right.size
    total = sum(one.n_samples * one.accuracy for one in classes)
    assert total == pytest.approx(right.sum())


def beside(network, flat, model):
    """Each of our parameters, or gradients, in ``flat``, beside PyTorch's parameter for it."""
    names = ("weight", "gain", "table", "positions", "bias", "shift")
    own = [views[name] for views in network.views(flat) for name in names if name in views]
    return zip(own, model.parameters(), strict=True)


def torch_model():
    torch: Any = pytest.importorskip("torch")
    nn: Any = torch.nn
    F = nn.functional

    class Block(nn.Module):  # type: ignore[misc]
        def __init__(self):
            super().__init__()
            self.first = nn.LayerNorm(4)
            self.q, self.k, self.v, self.o = (nn.Linear(4, 4) for _ in range(4))
            self.second = nn.LayerNorm(4)
            self.up, self.down = nn.Linear(4, 16), nn.Linear(16, 4)

        def forward(self, x):
            n = self.first(x)
            heads = [
                own(n).unflatten(2, (2, 2)).transpose(1, 2) for own in (self.q, self.k, self.v)
            ]
            attended = F.scaled_dot_product_attention(*heads, is_causal=True)
            x = x + self.o(attended.transpose(1, 2).flatten(2))
            return x + self.down(F.relu(self.up(self.second(x))))

    class Model(nn.Module):  # type: ignore[misc]
        def __init__(self):
            super().__init__()
            self.table = nn.Embedding(SYMBOLS, 4)
            self.positions = nn.Embedding(CONTEXT, 4)
            self.blocks = nn.Sequential(Block(), Block())
            self.last, self.head = nn.LayerNorm(4), nn.Linear(4, SYMBOLS)

        def forward(self, x):
            return self.head(self.last(self.blocks(self.table(x) + self.positions.weight)))

    return Model()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_network_agrees_with_a_pytorch_one_of_the_same_numbers(smoothing):
    torch = pytest.importorskip("torch")
    network, flat, X, y = small(depth=2)
    model = torch_model()
    for value, parameter in beside(network, flat, model):
        assert value.shape == tuple(parameter.shape)
        parameter.data = torch.tensor(value.copy())
    logits = model(torch.tensor(X).long())
    targets = torch.tensor(y).ravel()
    entropy = torch.nn.functional.cross_entropy
    entropy(logits.view(-1, SYMBOLS), targets, label_smoothing=smoothing).backward()
    ours, _ = network.forward(network.views(flat), X)
    np.testing.assert_allclose(ours, logits.detach().view(-1, SYMBOLS), atol=1e-12)
    found = gradient(network, flat, X, y, task_of("language", smoothing))
    for value, parameter in beside(network, found, model):
        np.testing.assert_allclose(value, parameter.grad, atol=1e-12)


def test_the_training_loss_is_the_mean_over_batches_of_which_the_last_is_short():
    X, y = periodic(21)
    config = RunConfig(layer="dense", epochs=1, batch_size=8, learning_rate=1e-16)
    object.__setattr__(config, "task", "language")
    network = text_network(DENSE, BLOCKS, 6, 4)
    flat = network.initial_parameters(np.random.default_rng(0))
    order = np.random.default_rng(config.seed).permutation(21)
    parts = [order[:8], order[8:16], order[16:]]
    expected = np.mean([told_loss(network, flat, X[part], y[part]) for part in parts])
    (epoch,) = train(network, flat, Split(X, y, X, y), config)
    assert epoch.training_loss == pytest.approx(expected, rel=1e-9)
