"""Every layer family against dense and against the same layer in PyTorch, at equal weights.

One forward and backward pass of a square layer, float32, one thread, warm; then the paper's
experiment, 25 epochs on the digits in float64, with every family's default structure. PyTorch is
eager (torch_families.py), gets the same parameters, and must come to the same output and gradient
of the input before it is timed. Activations are in the layout that a layer works in. Seconds are
the processor's: on a machine that others use too, ratios of these repeat to some percent, where
those of the time that passes differ by factors.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from time import process_time
from typing import Any

import numpy as np

from cdbench.config import families
from cdbench.config.run_config import RunConfig
from cdbench.config.structure import Structure
from cdbench.engine.layers import Context, WeightLayer
from cdbench.engine.network import Network
from cdbench.engine.products import plan
from cdbench.engine.products.base import Array
from cdbench.engine.products.layout import to_rows, to_vertices
from cdbench.engine.products.workspace import Workspace
from experiment import Task
from measure import (
    Bar,
    Row,
    Spread,
    absence,
    alternate,
    arguments,
    console,
    machine,
    new_table,
    one_thread,
    print_rows,
    rivals,
    verdict,
)

WIDTHS = (64, 256, 1024)
BATCHES = (64, 256)
SHARES = (8, 16)
"""Which part of dense's weights a family is to have: 1/8 and 1/16."""
DTYPE = "float32"
ROUNDS = {64: 41, 256: 15, 1024: 7}
EPOCHS = 25
EXPERIMENT_ROUNDS = 7
TOLERANCE = 1e-4
"""Of PyTorch's output and gradient, relative to the largest entry of ours."""

# PyTorch's time over ours, of every family at every size.
AHEAD = Bar(1.0)
# Dense's time over that of some families, at n, N and share.
FASTER, FASTER_AT = Bar(5.0), (1024, 256, 8)
FASTER_FAMILIES = ("low-rank", "block-diagonal", "monarch")
# The experiment's time over dense's, of every family but this.
TRAINING, EXCEPTED = Bar(2.5, at_most=True), "ldr-sd"
LEARNING_RATE = 0.01
"""Of the experiment, whose time does not depend on it: with the default some families diverge."""

STRUCTURES: dict[str, Callable[[int, int], Structure]] = {
    "cdlinear": lambda n, share: {"B": share},
    "low-rank": lambda n, share: {"rank": n // (2 * share)},
    "block-diagonal": lambda n, share: {"blocks": share},
    "kronecker": lambda n, share: {"terms": max(1, n // (2 * share))},
    "monarch": lambda n, share: {
        "blocks": min(2 * share, n // (2 * share)),
        "inner": n // (2 * share),
    },
    "acdc": lambda n, share: {"depth": n // (2 * share)},
    "toeplitz-like": lambda n, share: {"rank": n // (2 * share)},
    "ldr-sd": lambda n, share: {"rank": n // (2 * share) - 1},
    "blast": lambda n, share: {"rank": round(n * n / share / (2 * n + 16))},
    "spectral": lambda n, share: {"length": share},
}
"""What comes nearest to a share of the weights; others have one structure for a width."""


class Own:
    """Our layer with random parameters, input and gradient of the output, ready to run."""

    def __init__(self, layer: WeightLayer, N: int, dtype: str = DTYPE) -> None:
        rng = np.random.default_rng(0)
        self.layer, network = layer, Network([layer])
        flat = network.initial_parameters(rng, dtype)
        flat += 0.01 * rng.standard_normal(flat.shape, flat.dtype)  # no bias is zero
        self.n_weights = flat.size - layer.n_out
        (self.params,), (self.grads,) = network.views(flat), network.views(np.zeros_like(flat))
        self.x, self.dy = (
            rng.standard_normal((N, n), flat.dtype) for n in (layer.n_in, layer.n_out)
        )
        B = layer.vertices
        own_x, self.own_dy = (
            one if B is None else np.ascontiguousarray(to_vertices(one, B))
            for one in (self.x, self.dy)
        )
        self.own_y, self.run, self.pullback = layer.bind(
            self.params, own_x, Context(allocate=Workspace())
        )

    def __call__(self) -> Array:
        """Make both passes; return dL/dx."""
        self.run()
        dx: Array = self.pullback(self.own_dy, self.grads)
        return dx

    def results(self) -> tuple[Array, Array]:
        """Return y and dL/dx, as rows."""
        dx = self()
        return (self.own_y, dx) if dx.ndim == 2 else (to_rows(self.own_y), to_rows(dx))


@dataclass(frozen=True)
class Entry:
    """One family at one size and share, and the seconds by round: ours, dense's, PyTorch's."""

    family: str
    structure: str
    size: tuple[int, int]
    share: int
    n_weights: int
    samples: Mapping[str, Sequence[float]]

    def times(self, above: str, below: str) -> Spread:
        """Return the ratio of two of these."""
        return Spread.of_ratios(self.samples[above], self.samples[below])


def build(family: str, n: int, N: int, share: int) -> tuple[WeightLayer, str]:
    """Return a family's layer with about so many weights, and its structure in words."""
    structure = STRUCTURES[family](n, share) if family in STRUCTURES else {}
    chosen = plan(N, (n, n), share, DTYPE) if family in families.WITH_B else None
    layer: WeightLayer = families.family(family).build(n, n, structure, chosen)
    return layer, " ".join(f"{name}={value}" for name, value in structure.items())


def torch_pass(own: Own) -> Callable[[], object]:
    """Return PyTorch's passes of the same layer, or end with an error if it computes another."""
    import torch_families

    y, dx, both = torch_families.bind(own.layer, own.params, own.x, own.dy)
    for what, theirs, ours in zip(("output", "dL/dx"), (y, dx), own.results(), strict=True):
        error = float(np.abs(theirs - ours).max() / np.abs(ours).max())
        if not error <= TOLERANCE:
            raise SystemExit(
                f"{own.layer.family}, n = {own.layer.n_in}: PyTorch's {what} is off by {error:.1e} "
                f"of the largest entry; expected at most {TOLERANCE:g}"
            )
    return both


def measure(n: int, N: int, shares: Sequence[int], rounds: int, with_rival: bool) -> list[Entry]:
    """Let all families, and PyTorch's layers of them, take turns at one size."""
    passes: dict[str, Callable[[], object]] = {}
    found: dict[str, tuple[str, str, int, Own]] = {}
    for family, share in product(families.FAMILIES, shares):
        layer, structure = build(family, n, N, share)
        name = f"{family} {structure}"
        if name not in found:
            passes[name] = own = Own(layer, N)
            found[name] = family, structure, share, own
            if with_rival:
                passes[f"torch {name}"] = torch_pass(own)
    taken, entries = alternate(passes, rounds, clock=process_time), []
    for name, (family, structure, share, own) in found.items():
        samples = {"own": taken[name], "dense": taken[f"{families.BASELINE} "]}
        if with_rival:
            samples["torch"] = taken[f"torch {name}"]
        entries.append(Entry(family, structure, (n, N), share, own.n_weights, samples))
    return entries


def print_size(entries: Sequence[Entry]) -> None:
    """Print the table of one size."""
    n, N = entries[0].size
    table = new_table(
        f"Forward and backward pass of one n × n layer, n = {n}, N = {N}, {DTYPE}",
        *("Family", "Structure", "Weights", "of dense's", "µs", "Time / dense's (quartiles)"),
        "PyTorch's / ours (quartiles)",
    )
    for entry in entries:
        table.add_row(
            *(entry.family, entry.structure, f"{entry.n_weights:,}"),
            f"1/{n**2 / entry.n_weights:.4g}",
            f"{np.median(entry.samples['own']) * 1e6:.0f}",
            entry.times("own", "dense").times(),
            entry.times("torch", "own").times() if "torch" in entry.samples else absence("torch"),
        )
    console.print(table)


def measure_experiment(epochs: int, rounds: int) -> dict[str, list[float]]:
    """Let the paper's experiment with every family take turns; return its seconds by round."""
    tasks = {
        name: Task(RunConfig(layer=name, epochs=epochs, learning_rate=LEARNING_RATE))
        for name in families.FAMILIES
    }
    trainings: dict[str, Any] = {name: task.by_engine for name, task in tasks.items()}
    taken = alternate(trainings, rounds, least_s=0.0, clock=process_time)
    rows = []
    for name, samples in taken.items():
        ratio = Spread.of_ratios(samples, taken[families.BASELINE])
        n_parameters = f"{tasks[name].network.n_parameters:,} parameters"
        rows.append(Row(name, Spread.of(samples), ratio, families.BASELINE, note=n_parameters))
    print_rows(f"The paper's experiment, float64, {epochs} epochs, default structures", rows)
    return taken


def print_bars(entries: Sequence[Entry], experiment: Mapping[str, Sequence[float]]) -> None:
    """Print a line for every bar: whose, what it is, what was reached, whether it is met."""
    lines: list[tuple[str, str, float, str, Bar]] = []
    for family in families.FAMILIES:
        ratios = [
            (one.times("torch", "own").median, f"n = {one.size[0]}, N = {one.size[1]}")
            for one in entries
            if one.family == family and "torch" in one.samples
        ]
        if ratios:
            lines.append((family, "PyTorch's / ours at worst", *min(ratios), AHEAD))
    for one in entries:
        if one.family in FASTER_FAMILIES and (*one.size, one.share) == FASTER_AT:
            where = f"n = {one.size[0]}, N = {one.size[1]}, {one.structure}"
            ratio = one.times("dense", "own").median
            lines.append((one.family, "dense's / ours", ratio, where, FASTER))
    for name, samples in experiment.items():
        if name not in (families.BASELINE, EXCEPTED):
            ratio = Spread.of_ratios(samples, experiment[families.BASELINE]).median
            lines.append((name, "ours / dense's", ratio, "the experiment", TRAINING))
    table = new_table("Bars", "Family", "Ratio", "Reached", "at", "Target", "")
    for family, what, reached, where, bar in lines:
        met = verdict(bar.is_met(reached))
        table.add_row(family, what, f"{reached:.2f}", where, str(bar), met)
    console.print(table)


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--n", type=int, nargs="+", choices=WIDTHS, default=list(WIDTHS))
    asked = parser.parse_args()
    if asked.quick:
        asked.n = [64]
    one_thread()
    with_rival = "torch" in rivals(asked)
    entries: list[Entry] = []
    for n, N in product(asked.n, BATCHES[:1] if asked.quick else BATCHES):
        shares, rounds = (SHARES[:1], 2) if asked.quick else (SHARES, ROUNDS[n])
        entries += (of_size := measure(n, N, shares, rounds, with_rival))
        print_size(of_size)
    epochs, rounds = (1, 1) if asked.quick else (EPOCHS, EXPERIMENT_ROUNDS)
    print_bars(entries, measure_experiment(epochs, rounds))
    console.print(machine(*["torch"] * with_rival))
    if not with_rival:
        console.print(f"torch: {absence('torch')}")


if __name__ == "__main__":
    main()
