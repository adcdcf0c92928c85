"""A small ConvNet and a character model, by this engine and by PyTorch: epochs and memory.

The ConvNet has 16 and 32 channels on 28 × 28 pixels, the character model 2 blocks, 64 wide, of 64
characters. Both train with SGD in float32, one thread, on random data, which take the same time,
and measure a test split after the epoch. PyTorch is eager (torch_architectures.py), starts from the
same parameters, and must come to the same loss in a few steps before it is timed. Whole epochs take
turns. Seconds are the processor's, whose ratios repeat on a machine that others use too. Memory is
the peak of a fresh process above one that has only imported and made the data.
"""

import argparse
import ctypes
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from math import isclose
from typing import Any

import numpy as np

from cdbench.config.run_config import RunConfig
from cdbench.datasets import Dataset
from cdbench.datasets.text_file import Text
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
from memory import MB, resident, start
from tasks import take_turns

ROUNDS, BATCHES, TEST_BATCHES = 7, 40, 4
BATCH, B = 32, 4
SIDE, N_CLASSES = 28, 10
CONTEXT, N_SYMBOLS = 64, 65
CHECKED_STEPS, TOLERANCE = 5, 1e-3
"""Steps after which PyTorch's mean loss must be ours, and how nearly, relative to it."""

CONV, TEXT = "ConvNet", "character model"
DENSE, OURS, THEIRS = "cdbench dense", f"cdbench B={B}", "PyTorch dense"
KNOBS: dict[str, dict[str, Any]] = {
    CONV: {"architecture": "conv", "channels": (16, 32), "dataset": "mnist"},
    TEXT: {
        "architecture": "attention",
        "dataset": "text:random",
        "width": 64,
        "depth": 2,
        "context": CONTEXT,
    },
}

# What a time is divided by, and the bar for the ratio.
BARS: dict[str, dict[tuple[str, str], Bar]] = {
    CONV: {(DENSE, THEIRS): Bar(1.5, at_most=True), (OURS, DENSE): Bar(1.0, at_most=True)},
    TEXT: {(DENSE, THEIRS): Bar(1.2, at_most=True), (OURS, DENSE): Bar(1.0, at_most=True)},
}
MEMORY = Bar(1.0, at_most=True)
"""Of ours, by PyTorch's."""


def data(model: str, batches: int) -> Dataset:
    """Return random images or characters, so many batches."""
    rng = np.random.default_rng(0)
    n, n_test = batches * BATCH, TEST_BATCHES * BATCH
    if model == CONV:
        X, X_test = (rng.standard_normal((size, SIDE * SIDE)) for size in (n, n_test))
        y, y_test = (rng.integers(0, N_CLASSES, size) for size in (n, n_test))
        classes = tuple(map(str, range(N_CLASSES)))
        return Dataset("random images", X, y, classes, X_test, y_test, image=(SIDE, SIDE, 1))
    symbols = tuple(map(chr, range(64, 64 + N_SYMBOLS)))
    train, test = (rng.integers(0, N_SYMBOLS, (2, size, CONTEXT)) for size in (n, n_test))
    of_test = (test[0].astype(np.uint8), test[1])
    return Text("random text", train[0].astype(np.uint8), train[1], symbols, *of_test)


def task(model: str, rival: str, batches: int) -> Task:
    """Return one epoch of a network."""
    config = RunConfig(
        **KNOBS[model], B=B, epochs=1, batch_size=BATCH, dtype="float32", learning_rate=0.01
    )
    return Task(config if rival == OURS else config.baseline(), data(model, batches))


def check(model: str) -> None:
    """Raise unless PyTorch comes to our loss in a few steps; this also warms both."""
    import torch_architectures

    few = task(model, DENSE, CHECKED_STEPS)
    theirs = torch_architectures.train(*few.everything)
    own, _ = few.by_engine()
    if not isclose(own, theirs, rel_tol=TOLERANCE):
        raise SystemExit(
            f"{model}, {CHECKED_STEPS} steps: PyTorch came to loss {theirs}, cdbench to {own}; "
            f"expected the same within {TOLERANCE:g} of it"
        )


def epoch_of(model: str, rival: str, batches: int) -> Call:
    """Return a call that trains one epoch."""
    one = task(model, rival, batches)
    if rival != THEIRS:
        return one.by_engine
    import torch_architectures

    return partial(torch_architectures.train, *one.everything)


def compare(model: str, rivals: Sequence[str], rounds: int, batches: int) -> None:
    """Let all rivals take turns at one network, and print their times."""
    if THEIRS in rivals:
        check(model)
    taken = take_turns({rival: epoch_of(model, rival, batches) for rival in rivals}, rounds)
    print_rows(
        f"One epoch of {batches} batches of {BATCH}, {model}, float32",
        [row_of(model, rival, taken) for rival in rivals],
    )


def row_of(model: str, rival: str, taken: Mapping[str, Sequence[float]]) -> Row:
    """Return the row of one rival's epoch, with its bar."""
    for (own, other), bar in BARS[model].items():
        if own == rival and other in taken:
            ratio = Spread.of_ratios(taken[own], taken[other])
            return Row(rival, Spread.of(taken[rival]), ratio, other, bar)
    return Row(rival, Spread.of(taken[rival]))


def peak_here(model: str, rival: str, batches: int) -> int:
    """Train one epoch, and return this process's peak above the level before."""
    call = epoch_of(model, rival, batches)
    ctypes.CDLL(None).malloc_trim(0)  # or what making the data freed would be used again, unseen
    before = start(traced=False)
    call()
    return resident("VmHWM") - before


def peak_of(*told: object) -> int:
    """Return ``peak_here`` of a fresh process."""
    options = ["--inside", json.dumps(told)]
    done = subprocess.run(
        [sys.executable, __file__, *options], check=True, stdout=subprocess.PIPE, text=True
    )
    return int(done.stdout)


def compare_memory(rivals: Sequence[str], batches: int) -> None:
    """Print what an epoch takes beyond imports and data."""
    headings = ("Network", "Rival", "MB", "Ratio to PyTorch's", "Target", "")
    table = new_table("Peak beyond imports and data", *headings)
    for model in KNOBS:
        peaks = {rival: peak_of(model, rival, batches) for rival in rivals}
        for rival, peak in peaks.items():
            row = [model, rival, f"{peak / MB:.1f}"]
            if rival != THEIRS and THEIRS in peaks:
                ratio = peak / peaks[THEIRS]
                row += [f"{ratio:.2f}", str(MEMORY), verdict(MEMORY.is_met(ratio))]
            table.add_row(*row)
    console.print(table)


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--inside", type=json.loads, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    one_thread()
    if asked.inside is not None:
        print(peak_here(*asked.inside))
        return
    with_rival = installed("torch") is not None and not asked.without_rivals
    rivals = [*([THEIRS] if with_rival else []), DENSE, OURS]
    rounds, batches = (1, 4) if asked.quick else (ROUNDS, BATCHES)
    for model in KNOBS:
        compare(model, rivals, rounds, batches)
    compare_memory(rivals, batches)
    console.print(machine(*["torch"] * with_rival))
    if not with_rival:
        console.print(f"torch: {absence('torch')}")


if __name__ == "__main__":
    main()
