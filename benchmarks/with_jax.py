"""JAX's rivals: the layer by rfft, einsum and irfft under jit, and a whole training under one."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cdbench.config.run_config import RunConfig
from cdbench.engine.network import Network
from cdbench.engine.products.base import Array
from cdbench.engine.split import Split
from cdbench.records.benchmark import Size
from measure import Call

jax.config.update("jax_enable_x64", val=True)  # float64 where asked for; float32 stays float32


def circulant(x: Any, c: Any) -> Any:
    """Return the block-circulant product of x (N, K_i B) and c (K_o, K_i, B), (N, K_o B)."""
    B = c.shape[2]
    x_hat = jnp.fft.rfft(x.reshape(len(x), -1, B))
    y_hat = jnp.einsum("njk,ijk->nik", x_hat, jnp.fft.rfft(c))
    return jnp.fft.irfft(y_hat, n=B).reshape(len(x), -1)


def layer_pass(size: Size) -> Call:
    """Return one forward and backward pass of a layer, with its arrays, as a call."""
    rng = np.random.default_rng(0)

    def draw(*shape: int) -> Any:
        return jnp.asarray(rng.standard_normal(shape, np.dtype(size.dtype)))

    K = size.n // size.B
    x, dy, c = draw(size.N, size.n), draw(size.N, size.n), draw(K, K, size.B)

    def both(x: Any, c: Any, dy: Any) -> Any:
        y, pullback = jax.vjp(circulant, x, c)
        return y, pullback(dy)

    compiled = jax.jit(both)
    return lambda: jax.block_until_ready(compiled(x, c, dy))


def compile_training(
    network: Network, parameters: Array, split: Split, config: RunConfig
) -> Callable[..., Any]:
    """Compile a whole training, all epochs under one jit, for arrays shaped as these."""
    arrays = _arrays(network, parameters, split, config)
    whole = partial(_train, n_classes=network.n_out, config=config)
    return jax.jit(whole).lower(*arrays).compile()  # type: ignore[no-any-return]


def train(
    compiled: Callable[..., Any],
    network: Network,
    parameters: Array,
    split: Split,
    config: RunConfig,
) -> tuple[float, float]:
    """Train as the engine does, with the same batches, and as often measure the test split.

    Returns
    -------
    training_loss, test_accuracy : float
        Of the last epoch.
    """
    loss, _, accuracy = compiled(*_arrays(network, parameters, split, config))
    return float(loss[-1]), float(accuracy[-1])


def _arrays(
    network: Network, parameters: Array, split: Split, config: RunConfig
) -> tuple[Any, ...]:
    """Return what a training starts from: parameters, both splits, the permutations."""
    views = network.views(parameters)
    params = [
        {name: np.ascontiguousarray(value) for name, value in views[place.position].items()}
        for place in network.weight_layers
    ]
    padding = ((0, 0), (0, network.widths[0] - network.n_in))
    X, X_test = (np.pad(one, padding) for one in (split.X_train, split.X_test))
    order = np.random.default_rng(config.seed)
    permutations = np.stack([order.permutation(len(X)) for _ in range(config.epochs)])
    return params, X, split.y_train, X_test, split.y_test, permutations


def _logits(params: Any, X: Any, n_classes: int) -> Any:
    for number, own in enumerate(params):
        X = jax.nn.relu(X) if number else X
        X = (circulant(X, own["c"]) if "c" in own else X @ own["weight"].T) + own["bias"]
    return X[:, :n_classes]


def _loss(params: Any, X: Any, y: Any, n_classes: int) -> Any:
    log_p = jax.nn.log_softmax(_logits(params, X, n_classes))
    return -jnp.take_along_axis(log_p, y[:, None], axis=1).mean()


def _train(
    params: Any,
    X: Any,
    y: Any,
    X_test: Any,
    y_test: Any,
    permutations: Any,
    *,
    n_classes: int,
    config: RunConfig,
) -> Any:
    """Return training loss, test loss and test accuracy of every epoch."""
    size = config.batch_size
    n_full = len(X) // size
    loss_and_gradient = jax.value_and_grad(_loss)

    def step(state: Any, batch: Any) -> Any:
        params, velocity = state
        loss, gradient = loss_and_gradient(params, *batch, n_classes)
        velocity = jax.tree.map(
            lambda v, g: config.momentum * v - config.learning_rate * g, velocity, gradient
        )
        return (jax.tree.map(jnp.add, params, velocity), velocity), loss

    def epoch(state: Any, permutation: Any) -> Any:
        own_X, own_y = X[permutation], y[permutation]
        full = n_full * size
        batches = own_X[:full].reshape(n_full, size, -1), own_y[:full].reshape(n_full, size)
        state, losses = jax.lax.scan(step, state, batches)
        if full < len(X):  # the short last batch
            state, last = step(state, (own_X[full:], own_y[full:]))
            losses = jnp.append(losses, last)
        params, _ = state
        accuracy = (_logits(params, X_test, n_classes).argmax(1) == y_test).mean()
        return state, (losses.mean(), _loss(params, X_test, y_test, n_classes), accuracy)

    zeros = jax.tree.map(jnp.zeros_like, params)
    return jax.lax.scan(epoch, (params, zeros), permutations)[1]
