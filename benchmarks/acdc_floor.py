"""What ACDC's parts alone would take of the paper's experiment, beside dense's whole training.

A layer of K factors has 2K transforms forwards and 2K backwards, or, as one matrix for each factor,
3K products: forwards, backwards and for the gradients, for which its 2K diagonals are met too. In
a step each has as many columns as a batch has samples. A part is timed by itself, warm and in
place, for one 64 × 64 batch in float64, in the quickest form that was found, and multiplied by its
number in the whole training; the other parts, the optimizer and all that dense does too would come
on top. Our layer is timed whole, without the optimizer.
"""

from collections.abc import Callable
from math import ceil
from time import process_time

import numpy as np
from scipy import fft

from cdbench.config.families import BASELINE
from cdbench.config.run_config import RunConfig
from cdbench.engine.layers.acdc import ACDC, DEFAULT_DEPTH
from experiment import Task
from families import EPOCHS, EXPERIMENT_ROUNDS, LEARNING_RATE, TRAINING, Own
from measure import (
    Spread,
    absence,
    alternate,
    arguments,
    console,
    machine,
    new_table,
    one_thread,
    rivals,
)

WIDTH = BATCH = 64
DTYPE = "float64"


def ways(with_torch: bool) -> dict[str, tuple[int, Callable[[], object]]]:
    """Return, by name, how often a layer's step calls each, and the call."""
    rng = np.random.default_rng(0)
    x, matrix, out = rng.standard_normal((3, WIDTH, BATCH))
    transforms = 4 * DEFAULT_DEPTH
    own = Own(ACDC(WIDTH, WIDTH), BATCH, DTYPE)
    found: dict[str, tuple[int, Callable[[], object]]] = {
        "a diagonal, as a NumPy pass": (6 * DEFAULT_DEPTH, lambda: np.multiply(x, matrix, out=out)),
        "a matrix for each factor": (3 * DEFAULT_DEPTH, lambda: np.dot(matrix, x, out=out)),
        "scipy.fft.dct": (transforms, lambda: fft.dct(out, norm="ortho", overwrite_x=True)),
        "our layer, whole": (1, own),
    }
    if with_torch:
        import torch

        rows, spectra = torch.from_numpy(x), torch.empty(WIDTH, BATCH // 2 + 1, dtype=torch.cdouble)
        found["torch.fft.rfft, no DCT yet"] = (
            transforms,
            lambda: torch.fft.rfft(rows, out=spectra),
        )
    return found


def main() -> None:
    """Measure and print."""
    asked = arguments(__doc__).parse_args()
    one_thread()
    with_torch = "torch" in rivals(asked)
    epochs, rounds = (1, 1) if asked.quick else (EPOCHS, EXPERIMENT_ROUNDS)
    task = Task(RunConfig(layer=BASELINE, epochs=epochs, learning_rate=LEARNING_RATE))
    layers = len(task.network.weight_layers)
    steps = epochs * ceil(len(task.split.X_train) / task.config.batch_size)
    found = ways(with_torch)
    calls = {name: call for name, (_, call) in found.items()}
    taken = alternate({BASELINE: task.by_engine, **calls}, rounds, clock=process_time)
    table = new_table(
        f"ACDC by its parts, {layers} layers, {steps:,} steps; the target for all is {TRAINING}",
        *("Part", "µs a call", "calls a layer and step", "All calls / dense's whole training"),
    )
    for name, (times, _) in found.items():
        shares = Spread.of_ratios(taken[name], taken[BASELINE]).times(1 / (layers * steps * times))
        table.add_row(name, f"{np.median(taken[name]) * 1e6:.1f}", str(times), shares)
    console.print(table)
    console.print(f"{BASELINE}: {np.median(taken[BASELINE]) * 1e3:.1f} ms")
    console.print(machine(*["torch"] * with_torch))
    if not with_torch:
        console.print(f"torch: {absence('torch')}")


if __name__ == "__main__":
    main()
