"""Memory of training 4096 → 4096 → 4096 → 16 at B = 16 with batches of 256, in float32.

Two steps, in fresh processes. What training allocates is what NumPy reports to ``tracemalloc``;
what the process takes is its peak resident memory. Both are above the level before training, with
data and BLAS there already, and stand against the size of parameters, gradients, momentum and one
batch's activations: the inputs of all layers, and the logits.
"""

import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np

from cdbench.config.run_config import RunConfig
from cdbench.engine.building import build_network
from cdbench.engine.split import Split
from cdbench.engine.training import train
from measure import Bar, arguments, console, new_table, one_thread, print_footer, verdict

WIDTH, N_CLASSES, B, BATCH, DTYPE = 4096, 16, 16, 256, "float32"
SMALL_BATCH = 8
"""With so few samples, activations are small beside one n × n array: had there been such an array,
the peak would be above its size."""
N_STEPS = 2
TIMES = Bar(3.0, at_most=True)
MB = 1e6


def train_here(batch: int, product: str, traced: bool) -> dict[str, int | str]:
    """Train, and return bytes: the peak above the level before, and what training must hold."""
    n = WIDTH
    config = RunConfig(
        B=B, hidden=(n, n), epochs=1, batch_size=batch, dtype=DTYPE, product=product,
        learning_rate=0.001,
    )  # fmt: skip
    network = build_network(config, n, N_CLASSES)
    rng = np.random.default_rng(0)
    n_train, n_test = N_STEPS * batch, batch
    X, X_test = (rng.standard_normal((rows, n), np.dtype(DTYPE)) for rows in (n_train, n_test))
    y, y_test = (rng.integers(0, N_CLASSES, rows) for rows in (n_train, n_test))
    split = Split(X, y, X_test, y_test)
    X[:batch] @ X[:batch].T  # BLAS takes its buffers
    parameters = network.initial_parameters(rng, DTYPE)
    before = start(traced)
    for _ in train(network, parameters, split, config):
        pass
    peak = tracemalloc.get_traced_memory()[1] if traced else resident("VmHWM")
    n_activations = batch * (sum(network.widths[:-1]) + N_CLASSES)
    return {
        "product": str(network.product),
        "peak": peak - before + parameters.nbytes,
        "must hold": 3 * parameters.nbytes + n_activations * parameters.itemsize,
    }


def start(traced: bool) -> int:
    """Begin to watch; return the level."""
    if traced:
        tracemalloc.start()
        return 0
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the peak so far
    return resident("VmRSS")


def resident(field: str) -> int:
    """Return VmRSS or VmHWM, its peak, of this process in bytes (Linux)."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise SystemExit(f"no {field} in /proc/self/status")


def in_fresh_process(batch: int, product: str, *, traced: bool) -> dict[str, int | str]:
    """Return what ``train_here`` returns in a process that has done nothing else."""
    options = ["--inside", json.dumps([batch, product, traced])]
    done = subprocess.run(
        [sys.executable, __file__, *options], check=True, stdout=subprocess.PIPE, text=True
    )
    found: dict[str, int | str] = json.loads(done.stdout)
    return found


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--inside", type=json.loads, help="what the fresh processes are told")
    asked = parser.parse_args()
    one_thread()
    if asked.inside:
        print(json.dumps(train_here(*asked.inside)))
        return
    table = new_table(
        f"Training {WIDTH} → {WIDTH} → {WIDTH} → {N_CLASSES}, B = {B}, {DTYPE}, {N_STEPS} steps",
        *("Product", "Batch", "Measured by", "Peak MB", "Must hold MB", "Ratio", "Bar", ""),
    )
    ways = {"tracemalloc": True}
    if not asked.quick and os.access("/proc/self/clear_refs", os.W_OK):
        ways["resident memory"] = False
    product = "auto"
    for way, traced in ways.items():
        found = in_fresh_process(BATCH, product, traced=traced)
        product = str(found["product"])
        ratio = int(found["peak"]) / int(found["must hold"])
        numbers = [f"{int(found[name]) / MB:.1f}" for name in ("peak", "must hold")]
        table.add_row(
            *(product, str(BATCH), way, *numbers, f"{ratio:.2f}", str(TIMES)),
            verdict(TIMES.is_met(ratio)),
        )
    console.print(table)
    one = WIDTH**2 * np.dtype(DTYPE).itemsize
    for product in ("polygon", "fft"):
        peak = int(in_fresh_process(SMALL_BATCH, product, traced=True)["peak"])
        console.print(
            f"Nothing of n × n by {product}: batches of {SMALL_BATCH} peak at {peak / MB:.1f} MB, "
            f"one such array would be {one / MB:.1f} MB: {verdict(peak < one)}"
        )
    print_footer()


if __name__ == "__main__":
    main()
