"""The paper's experiment: 25 epochs on the digits, this engine against those who train the same.

Everybody starts from the same parameters, takes the same batches in the same order and measures
the test split after every epoch, but for scikit-learn, which draws its own and measures nothing.
What is timed is a training from its initial parameters, one thread, warm. PyTorch is eager; JAX has
the whole training under one jit, compiled before.
"""

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import isclose
from typing import Any

import numpy as np

import by_hand
from cdbench.config.run_config import RunConfig
from cdbench.datasets import Dataset, load_dataset
from cdbench.engine.building import build_network
from cdbench.engine.network import Network
from cdbench.engine.products.base import Array
from cdbench.engine.split import Split
from cdbench.engine.training import train
from cdbench.running.turns import mean_seconds
from measure import (
    Bar,
    Row,
    Spread,
    alternate,
    arguments,
    one_thread,
    print_footer,
    print_rows,
    rivals,
)

SEEDS = (0, 1, 2)
ROUNDS = 5
"""Of each seed."""
BLOCK_SIZES = (1, 3, 4, 5, 7, 8)
"""Of the sweep."""
DTYPES = ("float64", "float32")

DENSE, HAND, MLP = "cdbench dense", "dense loop by hand", "scikit-learn MLPClassifier"
TORCH, JAX = "PyTorch", "JAX"

# What a rival's time is divided by, and the bar for the ratio.
BARS: dict[tuple[str, str], Bar] = {
    (DENSE, HAND): Bar(1.15, at_most=True),
    ("cdbench B=4", DENSE): Bar(1.20, at_most=True),
    ("cdbench B=8", DENSE): Bar(1.20, at_most=True),
    (f"{TORCH} B=4", "cdbench B=4"): Bar(5.0),
    (f"{TORCH} B=8", "cdbench B=8"): Bar(5.0),
    (f"{TORCH} dense", DENSE): Bar(2.0),
    (MLP, DENSE): Bar(1.8),
}

Training = Callable[[], tuple[float, float]]
"""A whole training; it returns the last epoch's training loss and test accuracy."""


class Task:
    """One configuration with its data, network and initial parameters."""

    def __init__(self, config: RunConfig, data: Dataset | None = None) -> None:
        dataset = load_dataset(config) if data is None else data
        assert config.input is not None
        self.config = config
        self.split: Split = dataset.split(
            config.seed, config.dtype, config.input, config.validation
        )
        self.network = build_network(config, dataset.n_features, dataset.n_outputs, dataset.image)
        rng = np.random.default_rng(config.seed)
        self.parameters: Array = self.network.initial_parameters(rng, config.dtype)

    @property
    def everything(self) -> tuple[Network, Array, Split, RunConfig]:
        """What a training takes."""
        return self.network, self.parameters, self.split, self.config

    def by_engine(self) -> tuple[float, float]:
        """Train as ``cdbench.running.execution`` does, without spectra."""
        *_, last = train(self.network, self.parameters.copy(), self.split, self.config)
        return last.training_loss, last.accuracy

    def by_hand(self) -> tuple[float, float]:
        """Train the dense network with the loop written for it alone."""
        params = self.network.views(self.parameters)
        weights = [params[place.position]["weight"] for place in self.network.weight_layers]
        return by_hand.train(weights, self.split, self.config)

    def by_scikit_learn(self) -> tuple[float, float]:
        """Train the same network on the same schedule with MLPClassifier."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPClassifier

        config = self.config
        classifier = MLPClassifier(
            hidden_layer_sizes=config.hidden,
            solver="sgd",
            alpha=0.0,
            batch_size=config.batch_size,
            learning_rate_init=config.learning_rate,
            momentum=config.momentum,
            nesterovs_momentum=False,
            max_iter=config.epochs,
            n_iter_no_change=config.epochs + 1,
            random_state=config.seed,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # that is what max_iter is for
            classifier.fit(self.split.X_train, self.split.y_train)
        return float(classifier.loss_), float("nan")


def trainings(
    tasks: Mapping[str, Task], others: list[str], compiled: dict[str, Any]
) -> dict[str, Training]:
    """Return everybody's trainings of these tasks, by name; what JAX compiles stays in compiled."""
    dense = tasks["dense"]
    found: dict[str, Training] = {HAND: dense.by_hand}
    found |= {f"cdbench {name}": task.by_engine for name, task in tasks.items()}
    found[MLP] = dense.by_scikit_learn
    if "torch" in others:
        import with_torch

        for name, task in tasks.items():
            found[f"{TORCH} {name}"] = partial(with_torch.train, *task.everything)
    if "jax" in others:
        import with_jax

        for name, task in tasks.items():
            if name not in compiled:
                compiled[name] = with_jax.compile_training(*task.everything)
            found[f"{JAX} {name}"] = partial(with_jax.train, compiled[name], *task.everything)
    return found


def check(outcomes: Mapping[str, tuple[float, float]], dtype: str) -> None:
    """Raise unless all who train the same network come to the same loss and accuracy.

    In float32 sums in another order drift apart with the steps, and at B = 8, where training is
    just stable, the losses do so by factors. There the accuracy must be near.
    """
    for name, (loss, accuracy) in outcomes.items():
        if name == MLP:
            continue
        own_loss, own_accuracy = outcomes[DENSE if name == HAND else f"cdbench {name.split()[-1]}"]
        same = isclose(accuracy, own_accuracy, abs_tol=1e-6 if dtype == "float64" else 0.03)
        if dtype == "float64":
            same = same and isclose(loss, own_loss, rel_tol=1e-6)
        if not same:
            raise SystemExit(
                f"{name} in {dtype} came to loss {loss} and accuracy {accuracy}, "
                f"cdbench to {own_loss} and {own_accuracy}"
            )


def compare(dtype: str, epochs: int, seeds: Sequence[int], rounds: int, others: list[str]) -> None:
    """Let all take turns over the seeds, and print the table of one dtype."""
    samples: dict[str, list[float]] = {}
    outcomes: dict[str, list[tuple[float, float]]] = {}
    compiled: dict[str, Any] = {}
    for seed in seeds:
        common = RunConfig(dtype=dtype, seed=seed, epochs=epochs)
        tasks = {"dense": Task(replace(common, layer="dense", B=None))}
        tasks |= {f"B={B}": Task(replace(common, B=B)) for B in (4, 8)}
        found = trainings(tasks, others, compiled)
        own = {name: training() for name, training in found.items()}
        check(own, dtype)
        for name, taken in alternate(found, rounds, least_s=0.0).items():
            samples.setdefault(name, []).extend(taken)
            outcomes.setdefault(name, []).append(own[name])
    rows = [_row(name, samples, outcomes[name]) for name in samples]
    products = [f"{name} by {task.network.product}" for name, task in tasks.items()]
    print_rows(
        f"The paper's experiment, {dtype}, {epochs} epochs, seeds {' '.join(map(str, seeds))}; "
        f"cdbench's {' and '.join(products[1:])}",
        rows,
        note="loss · accuracy",
    )


def _row(name: str, samples: Mapping[str, list[float]], outcomes: list[tuple[float, float]]) -> Row:
    """Return a rival's row: its bar, if it has one, and otherwise its time by cdbench's."""
    bars = [(below, bar) for (above, below), bar in BARS.items() if above == name]
    below, bar = bars[0] if bars else (f"cdbench {name.split()[-1]}", None)
    ratio = Spread.of_ratios(samples[name], samples[below]) if below in samples else None
    loss, accuracy = np.mean(outcomes, axis=0)
    note = f"{loss:.4f}" + ("" if np.isnan(accuracy) else f" · {100 * accuracy:.2f} %")
    return Row(name, Spread.of(samples[name]), ratio, below if ratio else "", bar, note)


def sweep(rounds: int, epochs: int) -> None:
    """Compare a sweep of six block sizes by three seeds, in float32, with JAX's, compilation in it.

    JAX compiles once for a block size, and its three seeds share that.
    """
    import with_jax

    tasks = {
        B: [Task(RunConfig(B=B, dtype="float32", seed=seed, epochs=epochs)) for seed in SEEDS]
        for B in BLOCK_SIZES
    }
    compiling: list[float] = []

    def by_engine() -> None:
        for of_one_size in tasks.values():
            for task in of_one_size:
                task.by_engine()

    def by_jax() -> None:
        compiling.append(0.0)
        for of_one_size in tasks.values():
            start = time.perf_counter()
            compiled = with_jax.compile_training(*of_one_size[0].everything)
            compiling[-1] += time.perf_counter() - start
            for task in of_one_size:
                with_jax.train(compiled, *task.everything)

    by_engine()  # warm
    taken = [(mean_seconds(by_engine), mean_seconds(by_jax)) for _ in range(rounds)]
    own, theirs = ([pair[i] for pair in taken] for i in (0, 1))
    note = f"{Spread.of(compiling).median:.1f} s of it compiling"
    print_rows(
        f"A sweep of B = {', '.join(map(str, BLOCK_SIZES))} by {len(SEEDS)} seeds, float32",
        [
            Row("cdbench", Spread.of(own)),
            Row(JAX, Spread.of(theirs), Spread.of_ratios(theirs, own), "cdbench", Bar(1.0), note),
        ],
        unit="s",
    )


def main() -> None:
    """Measure and print."""
    asked = arguments(__doc__).parse_args()
    one_thread()
    others = rivals(asked)
    epochs, seeds, rounds = (2, SEEDS[:1], 1) if asked.quick else (25, SEEDS, ROUNDS)
    for dtype in DTYPES:
        compare(dtype, epochs, seeds, rounds, others)
    if "jax" in others:
        sweep(1 if asked.quick else 3, epochs)
    print_footer(others)


if __name__ == "__main__":
    main()
