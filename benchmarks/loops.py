"""Table 1's nine runs: the whole command, database included, against loops as the paper has them.

The paper's layer goes in explicit Python loops over its K_o × K_i blocks (Secs. III and VI), with
FFTs of one block at a time. It is written again here, and times some batches; a whole training is
that many times longer. ``cdbench sweep`` is a process of its own, from its start to its end.
"""

import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from cdbench.config.run_config import RunConfig
from cdbench.datasets import load_dataset
from cdbench.engine.building import build_network
from cdbench.engine.losses import softmax_cross_entropy
from cdbench.engine.products.base import Array
from cdbench.engine.split import Split
from cdbench.engine.training import train
from measure import (
    Bar,
    Row,
    Spread,
    arguments,
    one_thread,
    print_footer,
    print_rows,
)

FASTER = Bar(40.0)
SEEDS = (0, 1, 2)
EPOCHS = 25
ROUNDS = 5
PUBLISHED_EPOCH_S = {"dense": 0.004, "B=4": 0.69, "B=8": 0.19}
"""Seconds an epoch of the paper's released code, one core of a server."""


def forward(c: Array, x: Array) -> Array:
    """Return y (N, K_o B) by Eq. 2: block by block the inverse of F[c] F[x]."""
    K_o, K_i, B = c.shape
    y = np.zeros((len(x), K_o * B))
    for i in range(K_o):
        for j in range(K_i):
            x_hat = np.fft.fft(x[:, j * B : (j + 1) * B], axis=1)
            y[:, i * B : (i + 1) * B] += np.fft.ifft(np.fft.fft(c[i, j]) * x_hat, axis=1).real
    return y


def backward(c: Array, x: Array, dy: Array) -> tuple[Array, Array]:
    """Return dL/dc and dL/dx by Eqs. 3 and 4, block by block."""
    K_o, K_i, B = c.shape
    dc, dx = np.zeros_like(c), np.zeros_like(x)
    for i in range(K_o):
        dy_hat = np.fft.fft(dy[:, i * B : (i + 1) * B], axis=1)
        for j in range(K_i):
            x_hat = np.fft.fft(x[:, j * B : (j + 1) * B], axis=1)
            dc[i, j] = np.fft.ifft(np.conj(x_hat) * dy_hat, axis=1).real.sum(axis=0)
            c_hat = np.fft.fft(c[i, j])
            dx[:, j * B : (j + 1) * B] += np.fft.ifft(np.conj(c_hat) * dy_hat, axis=1).real
    return dc, dx


class Looped:
    """The paper's network, 64 → 64 → 64 → 10, with SGD and momentum; dense with ``np.matmul``."""

    def __init__(self, config: RunConfig) -> None:
        dataset = load_dataset(config)
        assert config.input is not None
        self.config = config
        self.split: Split = dataset.split(config.seed, config.dtype, config.input)
        network = build_network(config, dataset.n_features, dataset.n_classes)
        views = network.views(network.initial_parameters(np.random.default_rng(config.seed)))
        self.parameters = [
            [np.array(views[place.position][name]) for name in views[place.position]]
            for place in network.weight_layers
        ]
        self.velocities = [[np.zeros_like(one) for one in own] for own in self.parameters]
        self.n_classes = dataset.n_classes
        self.n_batches = -(-len(self.split.y_train) // config.batch_size)
        self.order = np.random.default_rng(config.seed)

    def epoch(self, n_batches: int | None = None) -> tuple[float, float]:
        """Train an epoch, or its first batches; return the mean loss and the seconds a batch."""
        X, y, size = self.split.X_train, self.split.y_train, self.config.batch_size
        permutation = self.order.permutation(len(y))
        batches = [permutation[i : i + size] for i in range(0, len(y), size)][:n_batches]
        start = time.perf_counter()
        losses = [self.step(X[batch], y[batch]) for batch in batches]
        return float(np.mean(losses)), (time.perf_counter() - start) / len(batches)

    def step(self, x: Array, labels: Array) -> float:
        """Update the parameters with one batch; return its loss."""
        momentum, rate = self.config.momentum, self.config.learning_rate
        entering, last = [x], len(self.parameters) - 1
        for number, (weight, bias) in enumerate(self.parameters):
            x = (forward(weight, x) if weight.ndim == 3 else x @ weight.T) + bias
            x = x if number == last else np.maximum(x, 0)
            entering.append(x)
        loss, dlogits = softmax_cross_entropy(x[:, : self.n_classes], labels)
        dy = np.zeros_like(x)
        dy[:, : self.n_classes] = dlogits
        gradients = []
        for number in range(last, -1, -1):
            weight, x = self.parameters[number][0], entering[number]
            if number != last:
                dy = dy * (entering[number + 1] > 0)
            dbias = dy.sum(axis=0)
            if weight.ndim == 3:
                dweight, dy = backward(weight, x, dy)
            else:
                dweight, dy = dy.T @ x, dy @ weight
            gradients.append((dweight, dbias))
        for own, velocities, grads in zip(
            self.parameters, self.velocities, reversed(gradients), strict=True
        ):
            for theta, velocity, gradient in zip(own, velocities, grads, strict=True):
                velocity[...] = momentum * velocity - rate * gradient
                theta[...] += velocity
        return loss


def check(looped: Looped) -> None:
    """Raise unless the loops' first epoch is the engine's."""
    task = looped.config
    network = build_network(task, looped.split.X_train.shape[1], looped.n_classes)
    parameters = network.initial_parameters(np.random.default_rng(task.seed))
    ours = next(train(network, parameters, looped.split, task)).training_loss
    theirs, _ = looped.epoch()
    if abs(ours / theirs - 1) > 1e-9:
        raise SystemExit(f"the loops' first epoch has loss {theirs}, the engine's {ours}")


def sweep(epochs: int, *more: str) -> float:
    """Run Table 1's nine runs into a new database, as a process of its own; return its seconds."""
    command = [str(Path(sys.executable).with_name("cdbench")), "sweep", "--B", "4", "8"]
    command += ["--seeds", *map(str, SEEDS), "--epochs", str(epochs), "--db", "runs.db", *more]
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    asked = arguments(__doc__).parse_args()
    one_thread(one_core=False)
    epochs, rounds, n_batches = (1, 1, 1) if asked.quick else (EPOCHS, ROUNDS, None)
    common = RunConfig(seed=SEEDS[0])
    looped = {"dense": Looped(replace(common, layer="dense", B=None))}
    looped |= {f"B={B}": Looped(replace(common, B=B)) for B in (4, 8)}
    for name, one in looped.items():
        if not (asked.quick and name == "B=4"):  # two seconds
            check(one)
    jobs = {"cdbench sweep --jobs 1": ("--jobs", "1"), "cdbench sweep": ()}
    taken: dict[str, list[float]] = {name: [] for name in (*jobs, *looped)}
    if asked.quick:
        del jobs["cdbench sweep"], taken["cdbench sweep"]
    else:
        sweep(1)  # warm: the files are in memory
    for _ in range(rounds):
        for name, options in jobs.items():
            taken[name].append(sweep(epochs, *options))
        for name, one in looped.items():
            taken[name].append(one.epoch(n_batches)[1] * one.n_batches)
    print_times(taken, epochs)
    print_footer()


def print_times(taken: dict[str, list[float]], epochs: int) -> None:
    """Print the loops' epochs, and nine runs of them against the sweep."""
    models = tuple(PUBLISHED_EPOCH_S)
    print_rows(
        "An epoch of the loops",
        [
            Row(name, Spread.of(taken[name]), note=f"{PUBLISHED_EPOCH_S[name]:g} s")
            for name in models
        ],
        note="the released code's, as published",
    )
    n_epochs = epochs * len(SEEDS)
    own = [name for name in taken if name not in models]
    loops = [n_epochs * sum(one) for one in zip(*(taken[name] for name in models), strict=True)]
    published = [n_epochs * sum(PUBLISHED_EPOCH_S.values())] * len(loops)
    rows = [Row(name, Spread.of(taken[name])) for name in own]
    for name, theirs in (
        ("the loops, extrapolated from the epochs above", loops),
        ("the released code, by its published epochs", published),
    ):
        for below in own:
            ratio = Spread.of_ratios(theirs, taken[below])
            bar = FASTER if theirs is loops and epochs == EPOCHS else None
            rows.append(Row(name, Spread.of(theirs), ratio, below, bar))
    print_rows(f"Table 1's nine runs, {epochs} epochs each, database included", rows, unit="s")


if __name__ == "__main__":
    main()
