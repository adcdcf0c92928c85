"""The paper's dense training as one fully buffered NumPy loop, written for nothing else.

What somebody would write who needs no other network, layer or loss:

- No array is made inside the loop over batches but the short ones of places.
- Samples lie side by side, (n, N), so that the softmax sums few long vectors; those of an epoch
  are put in order once.
- A bias is the last column of its weights and meets a row of ones, so that the products do the
  biases and their gradients too.
- The learning rate is in the gradient from the start, the logarithms wait for the epoch's end.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from cdbench.config.run_config import RunConfig
from cdbench.engine.losses import LOG_FLOOR
from cdbench.engine.products.base import Array
from cdbench.engine.split import Split


def train(weights: list[Array], split: Split, config: RunConfig) -> tuple[float, float]:
    """Train a dense network with SGD and momentum, measuring the test split every epoch.

    Parameters
    ----------
    weights : list of (n_out, n_in) float
        Three initial weights, from the input; initial biases are zero.
    split : Split
        The data, in the run's dtype.
    config : RunConfig
        Epochs, batch size, learning rate, momentum, seed.

    Returns
    -------
    training_loss, test_accuracy : float
        Of the last epoch.
    """
    y, y_test, size = split.y_train, split.y_test, config.batch_size
    assert config.learning_rate is not None
    theta = np.concatenate([_with_bias(weight).ravel() for weight in weights])
    step, velocity = np.empty_like(theta), np.zeros_like(theta)
    W, dW = list(_views(theta, weights)), list(_views(step, weights))
    X, X_test = _with_ones(split.X_train), np.ascontiguousarray(_with_ones(split.X_test).T)
    own_X, own_y = np.empty_like(X), np.empty_like(y)
    starts = range(0, len(y), size)
    p_true = np.ones((len(starts), size), theta.dtype)
    of_size = {n: _Pass(W, dW, n) for n in {size, len(y) - starts[-1]}}
    batches = [
        (of_size[len(own_y[s : s + size])], own_X[s : s + size], own_y[s : s + size], p_true[i])
        for i, s in enumerate(starts)
    ]
    test = _Pass(W, dW, len(y_test))
    order = np.random.default_rng(config.seed)
    loss = accuracy = float("nan")
    for _ in range(config.epochs):
        permutation = order.permutation(len(y))
        X.take(permutation, 0, own_X, "clip")
        y.take(permutation, 0, own_y, "clip")
        for one, x, labels, own_p_true in batches:
            one.step(x, labels, own_p_true, config.learning_rate)
            np.multiply(velocity, config.momentum, out=velocity)
            np.subtract(velocity, step, out=velocity)
            np.add(theta, velocity, out=theta)
        losses = -np.log(p_true + LOG_FLOOR).mean(1)
        losses[-1] *= size / len(batches[-1][2])  # where nothing is, the logarithm of 1 is 0
        loss = float(losses.mean())
        test.forward(X_test)
        -np.log(test.p[y_test, np.arange(len(y_test))] + LOG_FLOOR).mean()
        accuracy = float(np.mean(test.p.argmax(0) == y_test))
    return loss, accuracy


class _Pass:
    """The arrays of a forward and a backward pass of N samples."""

    def __init__(self, W: list[Array], dW: list[Array], N: int) -> None:
        def rows(n: int) -> Array:
            return np.ones((n, N), W[0].dtype)

        self.W, self.dW = W, dW
        self.W_transposed = [one[:, :-1].T for one in W]
        self.a = [rows(len(one) + 1) for one in W[:-1]]
        self.a_transposed = [one.T for one in self.a]
        self.h = [one[:-1] for one in self.a]  # without the row of ones
        self.p = rows(len(W[-1]))
        self.entries = self.p.reshape(-1)
        self.dh = [np.empty_like(one) for one in self.h]
        self.positive = [np.empty(one.shape, bool) for one in self.h]
        self.row = np.empty(N, self.p.dtype)
        self.places = np.arange(N)

    def forward(self, x: Array) -> None:
        """Compute probabilities p (n_classes, N) of inputs x (n_in + 1, N)."""
        W, a, h, p, row = self.W, self.a, self.h, self.p, self.row
        np.matmul(W[0], x, out=h[0])
        np.maximum(h[0], 0, out=h[0])
        np.matmul(W[1], a[0], out=h[1])
        np.maximum(h[1], 0, out=h[1])
        np.matmul(W[2], a[1], out=p)
        np.maximum.reduce(p, axis=0, out=row)
        np.subtract(p, row, out=p)
        np.exp(p, out=p)
        np.add.reduce(p, axis=0, out=row)
        np.divide(p, row, out=p)

    def step(self, x: Array, labels: Any, p_true: Array, learning_rate: float) -> None:
        """Write the gradients, times the learning rate, from samples x (N, n_in + 1)."""
        self.forward(x.T)
        dW, W_t, a_t, dh, p, entries = (
            *(self.dW, self.W_transposed, self.a_transposed),
            *(self.dh, self.p, self.entries),
        )
        N = len(labels)
        places = labels * N
        places += self.places
        own = entries[places]
        p_true[:N] = own
        own -= 1
        entries[places] = own
        np.multiply(p, learning_rate / N, out=p)
        np.matmul(p, a_t[1], out=dW[2])
        np.matmul(W_t[2], p, out=dh[1])
        np.greater(self.h[1], 0, out=self.positive[1])
        np.multiply(dh[1], self.positive[1], out=dh[1])
        np.matmul(dh[1], a_t[0], out=dW[1])
        np.matmul(W_t[1], dh[1], out=dh[0])
        np.greater(self.h[0], 0, out=self.positive[0])
        np.multiply(dh[0], self.positive[0], out=dh[0])
        np.matmul(dh[0], x, out=dW[0])


def _with_ones(X: Array) -> Array:
    return np.concatenate([X, np.ones((len(X), 1), X.dtype)], axis=1)


def _with_bias(weight: Array) -> Array:
    return np.concatenate([weight, np.zeros((len(weight), 1), weight.dtype)], axis=1)


def _views(flat: Array, weights: list[Array]) -> Iterator[Array]:
    """Yield each weight with its column of biases, (n_out, n_in + 1), as a view."""
    start = 0
    for n_out, n_in in (weight.shape for weight in weights):
        stop = start + n_out * (n_in + 1)
        yield flat[start:stop].reshape(n_out, n_in + 1)
        start = stop
