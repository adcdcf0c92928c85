"""Attention, and the layers that make tokens of samples and samples of tokens."""

from typing import Any

import numpy as np
import pytest

from cdbench.engine.layers.attend import Attend
from cdbench.engine.layers.base import EVALUATION, Context
from cdbench.engine.layers.tokens import Embedding, MeanOfTokens, Patches, Positions
from cdbench.engine.products.workspace import Workspace
from cdbench.errors import ShapeError

HEADS, WIDTH, TOKENS, N = 3, 4, 5, 2
STEP = 1e-20
PLAIN, CAUSAL = (Attend(HEADS, WIDTH, TOKENS, causal=causal) for causal in (False, True))
LAYERS = {
    "attend": PLAIN,
    "causal": CAUSAL,
    "patches": Patches((4, 6, 2), (2, 3)),
    "rows": Patches((4, 6, 2), (1, 6)),
    "positions": Positions(TOKENS, 4),
    "mean": MeanOfTokens(TOKENS, 4),
}


def values(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def inputs(layer):
    """A tuple of one input, or of queries, keys and values."""
    if isinstance(layer, Patches):
        return (values((N, layer.n_in)),)
    shape = (N * layer.tokens, layer.n_in)
    return tuple(values(shape, seed) for seed in range(3 if isinstance(layer, Attend) else 1))


def parameters(layer):
    return {name: values(shape, 9) for name, shape in layer.parameter_shapes().items()}


def forward(layer, params, x, context=EVALUATION):
    return layer.forward(params, x if len(x) > 1 else x[0], context)


def gradients(layer, params, x, dy, context=EVALUATION):
    grads = {name: np.full_like(value, np.nan) for name, value in params.items()}
    _, pullback = forward(layer, params, x, context)
    dx = pullback(dy, grads)
    return dx if isinstance(dx, tuple) else (dx,), grads


def attended(x, causal):
    """Attention sample by sample, head by head, token by token."""
    q, k, v = x
    y = np.zeros_like(q)
    for sample in range(N):
        for head in range(HEADS):
            own = slice(head * WIDTH, (head + 1) * WIDTH)
            for token in range(TOKENS):
                seen = range(token + 1 if causal else TOKENS)
                rows = [sample * TOKENS + other for other in seen]
                at = sample * TOKENS + token
                weights = np.exp([q[at, own] @ k[row, own] / np.sqrt(WIDTH) for row in rows])
                y[at, own] = weights / weights.sum() @ v[rows, own]
    return y


@pytest.mark.parametrize("causal", [False, True])
def test_attention_is_that_of_a_loop(causal):
    layer = CAUSAL if causal else PLAIN
    x = inputs(layer)
    np.testing.assert_allclose(forward(layer, {}, x)[0], attended(x, causal), atol=1e-14)


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_are_those_of_complex_steps_and_central_differences(name):
    layer = LAYERS[name]
    x, params = inputs(layer), parameters(layer)
    dy = values(forward(layer, params, x)[0].shape, 5)
    dx, grads = gradients(layer, params, x, dy)
    for place, (array, found) in enumerate(
        [*zip(x, dx, strict=True), *((params[n], grads[n]) for n in params)]
    ):
        along = values(array.shape, 6)

        def at(step, place=place, along=along):
            moved = [a + 0 * step for a in (*x, *params.values())]
            moved[place] = moved[place] + step * along
            named = dict(zip(params, moved[len(x) :], strict=True))
            return np.sum(dy * forward(layer, named, tuple(moved[: len(x)]))[0])

        slope = np.sum(found * along)
        assert slope == pytest.approx(at(STEP * 1j).imag / STEP, rel=1e-12)
        assert slope == pytest.approx((at(1e-5) - at(-1e-5)) / 2e-5, rel=1e-7)


@pytest.mark.parametrize("name", LAYERS)
def test_pullback_is_analytic_and_lent_arrays_change_nothing(name):
    layer, h = LAYERS[name], 1e-6
    x, params = inputs(layer), parameters(layer)
    dy = values(forward(layer, params, x)[0].shape, 5)
    along = values(x[0].shape, 6)
    stepped = tuple(a + 0j for a in (x[0] + STEP * 1j * along, *x[1:]))
    turned = {name: value + 0j for name, value in params.items()}
    dx, _ = gradients(layer, turned, stepped, dy + 0j)
    sides = [gradients(layer, params, (x[0] + s * along, *x[1:]), dy)[0] for s in (h, -h)]
    for place, found in enumerate(dx):
        expected = (sides[0][place] - sides[1][place]) / (2 * h)
        np.testing.assert_allclose(found.imag / STEP, expected, atol=1e-8)
    lent = gradients(layer, params, x, dy, Context(allocate=Workspace()))
    np.testing.assert_equal(lent, gradients(layer, params, x, dy))


def test_a_later_token_changes_no_earlier_output_of_causal_attention():
    layer = CAUSAL
    x = inputs(layer)
    y = forward(layer, {}, x)[0].reshape(N, TOKENS, -1)
    for token in range(1, TOKENS):
        moved = [a.copy().reshape(N, TOKENS, -1) for a in x]
        for array in moved:
            array[:, token:] += 1.0
        other = forward(layer, {}, tuple(a.reshape(N * TOKENS, -1) for a in moved))[0]
        other = other.reshape(y.shape)
        np.testing.assert_array_equal(other[:, :token], y[:, :token])
        assert (other[:, token:] != y[:, token:]).any()


def test_attention_commutes_with_permutations_of_tokens():
    layer = PLAIN
    order = (np.array([3, 0, 4, 1, 2]) + TOKENS * np.arange(N)[:, None]).ravel()
    x = inputs(layer)
    moved = forward(layer, {}, tuple(a[order] for a in x))[0]
    np.testing.assert_allclose(moved, forward(layer, {}, x)[0][order], atol=1e-14)


def test_large_scores_do_not_overflow():
    layer = CAUSAL
    q, k, v = inputs(layer)
    y, _ = forward(layer, {}, (1e4 * q, 1e4 * k, v))
    assert np.isfinite(y).all()


@pytest.mark.parametrize("causal", [False, True])
def test_attention_agrees_with_that_of_pytorch(causal):
    torch = pytest.importorskip("torch")
    layer = CAUSAL if causal else PLAIN
    x = inputs(layer)
    theirs = [torch.tensor(layer.by_heads(a).copy(), requires_grad=True) for a in x]
    y = torch.nn.functional.scaled_dot_product_attention(*theirs, is_causal=causal)
    dy = values(x[0].shape, 5)
    y.backward(torch.tensor(layer.by_heads(dy).copy()))
    found, _ = gradients(layer, {}, x, dy)
    np.testing.assert_allclose(layer.by_heads(forward(layer, {}, x)[0]), y.detach(), atol=1e-14)
    for own, other in zip(found, theirs, strict=True):
        np.testing.assert_allclose(layer.by_heads(own), other.grad, atol=1e-13)


def test_patches_are_in_reading_order_and_hold_their_channels():
    height, width, channels = 4, 6, 2
    image = np.arange(channels * height * width).reshape(channels, height, width)
    y, _ = LAYERS["patches"].forward({}, image.reshape(1, -1).astype(float), EVALUATION)
    expected = [
        image[:, i : i + 2, j : j + 3].ravel() for i in range(0, 4, 2) for j in range(0, 6, 3)
    ]
    np.testing.assert_array_equal(y, expected)
    with pytest.raises(ShapeError) as refused:
        Patches((28, 28, 1), (5, 5))
    assert str(refused.value) == (
        "Patches got an image of 28 × 28 and patches of 5 × 5, expected patches that fill it"
    )


def test_embedding_looks_rows_up_and_sums_the_gradients_of_equal_symbols():
    layer = Embedding(TOKENS, 4, 3)
    table = values((4, 3))
    x = np.array([[0, 1, 1, 3, 0.9], [1, 1, 0, 3, 3]])
    places = np.rint(x).astype(int).ravel()
    dy = values((N * TOKENS, 3), 1)
    y, pullback = layer.forward({"table": table}, x, EVALUATION)
    np.testing.assert_array_equal(y, table[places])
    grads = {"table": np.full_like(table, np.nan)}
    assert not pullback(dy, grads).any()
    onehot = places[:, None] == np.arange(4)
    np.testing.assert_allclose(grads["table"], onehot.T @ dy, atol=1e-14)
    unwanted: Any = pullback
    assert unwanted(dy, grads, wanted=False) is None
