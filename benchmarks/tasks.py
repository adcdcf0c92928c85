"""One epoch of MNIST by this engine and by PyTorch, end to end, and the memory that it takes.

60,000 images of 784 bytes, batches of 128, float32, one thread. Both start from the same
parameters and have the images as bytes: an epoch takes its batches, the same ones, converts and
scales them, trains, and measures the 10,000 test images. PyTorch is eager (with_torch.py) and must
come to the same loss in a few steps before it is timed. Its circulant layer is rfft, einsum and
irfft. Whole epochs take turns; an epoch needs no warming. Seconds are the processor's, whose ratios
repeat on a machine that others use too.

Without ``--data`` the images are random bytes, which take the same time.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import isclose
from pathlib import Path
from time import process_time

import numpy as np

from cdbench.config.run_config import RunConfig
from cdbench.datasets import Dataset
from cdbench.datasets.idx_file import DIGITS, read_mnist
from cdbench.engine.trainer import Trainer
from cdbench.engine.training import train
from cdbench.running.turns import mean_seconds
from experiment import Task
from measure import (
    Bar,
    Call,
    Row,
    Spread,
    absence,
    arguments,
    console,
    installed,
    machine,
    new_table,
    one_thread,
    print_rows,
    verdict,
)
from memory import MB, resident

N_TRAIN, N_TEST, N_FEATURES = 60_000, 10_000, 784
QUICK = 6
"""Part of the samples in a smoke test: a set that is still a large one to the engine."""
WIDTHS = (256, 1024)
ROUNDS = {256: 5, 1024: 3}
B, BATCH = 8, 128
LEARNING_RATE = 0.01
VALIDATION = 0.1
"""Share of the training images held out where the time of validation is measured."""
MODELS = ("dense", f"B={B}")
CHECKED_STEPS, TOLERANCE = 5, 1e-4
"""Steps after which PyTorch's mean loss must be ours, and how nearly, relative to it."""

# What a time is divided by, the bar for the ratio, and the widths that it is for.
BARS: dict[tuple[str, str], tuple[Bar, tuple[int, ...]]] = {
    ("PyTorch dense", "cdbench dense"): (Bar(1.0), WIDTHS),
    ("cdbench dense", f"cdbench B={B}"): (Bar(2.0), (1024,)),
    (f"PyTorch B={B}", f"cdbench B={B}"): (Bar(4.0), (1024,)),
}
EVALUATION = Bar(10, at_most=True)
"""Evaluation's share of an epoch, in percent."""
MEMORY = Bar(3.0, at_most=True)
"""Of what a process takes beyond one that only imports, by the images' bytes."""


def images(folder: Path | None, part: int = 1) -> Dataset:
    """Return MNIST from a folder or, without one, random bytes; all of it or one part of it."""
    n_train, n_test = N_TRAIN // part, N_TEST // part
    if folder is not None:
        all_of_it = read_mnist(folder)
        X, y, X_test, y_test = all_of_it.X, all_of_it.y, all_of_it.X_test, all_of_it.y_test
        assert X_test is not None
        assert y_test is not None
        return Dataset("mnist", X[:n_train], y[:n_train], DIGITS, X_test[:n_test], y_test[:n_test])
    rng = np.random.default_rng(0)
    X, X_test = (rng.integers(0, 256, (n, N_FEATURES), np.uint8) for n in (n_train, n_test))
    y, y_test = (rng.integers(0, len(DIGITS), n) for n in (n_train, n_test))
    return Dataset("random bytes", X, y, DIGITS, X_test, y_test)


def task(data: Dataset, model: str, width: int, validation: float = 0.0) -> Task:
    """Return one epoch of a model with two hidden layers of this width."""
    config = RunConfig(
        dataset="images", input="scale", B=B, hidden=(width, width), epochs=1, batch_size=BATCH,
        dtype="float32", learning_rate=LEARNING_RATE, validation=validation,
    )  # fmt: skip
    return Task(config.baseline() if model == "dense" else config, data)


def check(one: Task) -> None:
    """Raise unless PyTorch comes to our loss in a few steps; this also warms both."""
    import with_torch

    rows = np.arange(min(CHECKED_STEPS * BATCH, len(one.split.y_train)))
    few = replace(one.split, X_train=one.split.X_train.only(rows), y_train=one.split.y_train[rows])
    *_, last = train(one.network, one.parameters.copy(), few, one.config)
    own, (theirs, _) = last.training_loss, with_torch.train(*one.everything[:2], few, one.config)
    if not isclose(own, theirs, rel_tol=TOLERANCE):
        raise SystemExit(
            f"{one.config.model}, {CHECKED_STEPS} steps: PyTorch came to loss {theirs}, cdbench to "
            f"{own}; expected the same within {TOLERANCE:g} of it"
        )


def evaluation(one: Task) -> Call:
    """Return a call that measures the samples for testing and validation once, warm."""
    trainer = Trainer(one.network, one.parameters.copy(), one.split, one.config)
    trainer.evaluate()
    return trainer.evaluate


def take_turns(calls: Mapping[str, Call], rounds: int) -> dict[str, list[float]]:
    """Return each call's seconds by round; in every other round they come in reverse order."""
    samples: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds):
        for name in list(calls)[:: -1 if number % 2 else 1]:
            samples[name].append(mean_seconds(calls[name], clock=process_time))
    return samples


def compare(data: Dataset, width: int, rounds: int, with_rival: bool) -> None:
    """Let all models of one width take turns, and print their times and what evaluation takes."""
    calls: dict[str, Call] = {}
    for model in MODELS:
        one, validated = (task(data, model, width, share) for share in (0.0, VALIDATION))
        calls[f"cdbench {model}"] = one.by_engine
        calls |= {f"test {model}": evaluation(one), f"both {model}": evaluation(validated)}
        if with_rival:
            import with_torch

            check(one)
            calls[f"PyTorch {model}"] = partial(with_torch.train, *one.everything)
    taken = take_turns(calls, rounds)
    rows = [epoch_row(name, taken, width) for name in taken if name.startswith(("cd", "Py"))]
    rows += [row for model in MODELS for row in evaluation_rows(model, taken)]
    print_rows(f"One epoch of {data.name}, hidden {width} {width}, float32, N = {BATCH}", rows)


def epoch_row(name: str, taken: Mapping[str, Sequence[float]], width: int) -> Row:
    """Return the row of one rival's epoch, with the bar that is for it at this width."""
    for (above, below), (bar, widths) in BARS.items():
        if above == name and below in taken:
            ratio = Spread.of_ratios(taken[above], taken[below])
            return Row(name, Spread.of(taken[name]), ratio, below, bar if width in widths else None)
    return Row(name, Spread.of(taken[name]))


def evaluation_rows(model: str, taken: Mapping[str, Sequence[float]]) -> list[Row]:
    """Return rows of evaluation's share of an epoch, of the test split alone and with validation.

    Where a share v is held out, an epoch has 1 - v of the steps.
    """
    epoch, test, both = (np.array(taken[f"{of} {model}"]) for of in ("cdbench", "test", "both"))
    validated = (1 - VALIDATION) * (epoch - test) + both
    named = f"cdbench {model}, "
    return [
        Row(f"{named}{what}", Spread.of(own), Spread.of(100 * own / whole), "% of it", EVALUATION)
        for what, own, whole in (
            ("test split", test, epoch),
            (f"test split and {VALIDATION:.0%} validation", both, validated),
        )
    ]


def train_here(folder: Path | None, part: int, width: int, model: str) -> int:
    """Read the images, train one epoch, and return this process's peak resident bytes."""
    task(images(folder, part), model, width).by_engine()
    return resident("VmHWM")


def in_fresh_process(*told: object) -> int:
    """Return the peak of ``train_here``, or without arguments that of a process that imports."""
    options = ["--inside", json.dumps(told)]
    done = subprocess.run(
        [sys.executable, __file__, *options], check=True, stdout=subprocess.PIPE, text=True
    )
    return int(done.stdout)


def compare_memory(asked: argparse.Namespace, part: int, widths: Sequence[int]) -> None:
    """Print what reading and training take beyond imports, by the bytes of the images."""
    n_bytes = (N_TRAIN // part + N_TEST // part) * N_FEATURES
    table = new_table(
        f"Peak beyond imports, {n_bytes / MB:.1f} MB of images",
        *("Model", "Hidden", "MB", "Ratio", "Target", ""),
    )
    imports = in_fresh_process()
    for width in widths:
        for model in MODELS:
            taken = in_fresh_process(asked.data and str(asked.data), part, width, model) - imports
            ratio = taken / n_bytes
            table.add_row(
                *(model, f"{width} {width}", f"{taken / MB:.1f}", f"{ratio:.2f}", str(MEMORY)),
                verdict(MEMORY.is_met(ratio)),
            )
    console.print(table)


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="MNIST's four IDX files")
    parser.add_argument("--inside", type=json.loads, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    one_thread()
    if asked.inside is not None:
        folder, *told = asked.inside or (None,)
        print(train_here(folder and Path(folder), *told) if told else resident("VmHWM"))
        return
    part, widths = (QUICK, WIDTHS[:1]) if asked.quick else (1, WIDTHS)
    with_rival = installed("torch") is not None and not asked.without_rivals
    data = images(asked.data, part)
    for width in widths:
        compare(data, width, 1 if asked.quick else ROUNDS[width], with_rival)
    compare_memory(asked, part, widths[-1:])
    console.print(machine(*["torch"] * with_rival))
    if not with_rival:
        console.print(f"torch: {absence('torch')}")


if __name__ == "__main__":
    main()
