"""The planner's pick against the best product, over sizes, and the cost model's constants.

Every product makes a forward and a backward pass of one n × n layer, one thread, warm. ``--csv``
keeps what was measured, ``--fit`` prints the constants of ``cdbench/engine/products/work.py`` that
fit it.
"""

import csv
import sys
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from itertools import product
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

from cdbench.engine.products import PRODUCTS
from cdbench.records.benchmark import Size
from cdbench.running.crossover import make_pass, planned_product
from measure import (
    Bar,
    Spread,
    alternate,
    arguments,
    console,
    new_table,
    one_thread,
    print_footer,
    verdict,
)

BEHIND = Bar(1.10, at_most=True)
"""The pick's time over the best product's, at the sizes of the table of bars (layers.py)."""
TABLE = [Size("float32", B, 256, n) for n, B in product((256, 1024, 4096), (4, 8, 16, 32, 64))]

BATCHES = (1, 16, 64, 256)
WIDTHS = (64, 128, 256, 512, 1024, 2048)
BLOCK_SIZES = (2, 3, 4, 8, 16, 32, 64)
DTYPES = ("float32", "float64")
ROUNDS = 7
SHOWN = 15


@dataclass(frozen=True)
class Measured:
    """The products' seconds at one size, by round."""

    size: Size
    samples: Mapping[str, Sequence[float]]

    @property
    def picked(self) -> str:
        """The product that the planner picks."""
        return planned_product(self.size)

    @property
    def best(self) -> str:
        """The product with the least median."""
        return min(self.samples, key=self.median)

    @property
    def behind(self) -> Spread:
        """The pick's time over the best product's."""
        return Spread.of_ratios(self.samples[self.picked], self.samples[self.best])

    def median(self, name: str) -> float:
        """Return the median of a product's seconds."""
        return float(np.median(self.samples[name]))


def grid() -> list[Size]:
    """Return all sizes; widths that B does not divide are rounded up, as in a network."""
    sizes = [
        Size(dtype, B, N, -(-n // B) * B)
        for dtype, n, N, B in product(DTYPES, WIDTHS, BATCHES, BLOCK_SIZES)
    ]
    return list(dict.fromkeys([*sizes, *TABLE]))


def measure(size: Size, rounds: int) -> Measured:
    """Let the products take turns at one size."""
    passes = {name: make_pass(name, size) for name in PRODUCTS}
    return Measured(size, alternate(passes, rounds))


def print_worst(measured: Sequence[Measured]) -> None:
    """Print where the pick is furthest behind, and in how many sizes it is within the bar."""
    table = new_table(
        f"The planner's pick against the best product: the worst of {len(measured)} sizes",
        *("dtype", "N", "n", "B", "pick", "best", "pick / best (quartiles)"),
        *(f"{name} ms" for name in PRODUCTS),
    )
    for one in sorted(measured, key=lambda one: -one.behind.median)[:SHOWN]:
        size = one.size
        table.add_row(
            *(size.dtype, str(size.N), str(size.n), str(size.B), one.picked, one.best),
            one.behind.times(),
            *(f"{one.median(name) * 1e3:.3f}" for name in PRODUCTS),
        )
    console.print(table)
    for what, chosen in (
        ("all sizes", measured),
        ("sizes of the table of bars", [one for one in measured if one.size in TABLE]),
    ):
        if chosen:
            behind = np.array([one.behind.median for one in chosen])
            n_within = int(np.sum(behind <= BEHIND.limit))
            met = verdict(BEHIND.is_met(behind.max())) if chosen is not measured else ""
            console.print(
                f"{what}: pick / best {BEHIND} in {n_within} of {len(chosen)}, "
                f"{behind.max():.2f} at worst {met}"
            )


def write(measured: Sequence[Measured], path: Path) -> None:
    """Write every product's median as one row."""
    with path.open("w", newline="", encoding="ascii") as file:
        writer = csv.writer(file)
        writer.writerow(["n_in", "n_out", "B", "N", "dtype", "product", "seconds"])
        for one in measured:
            size = one.size
            for name in one.samples:
                row = (size.n, size.n, size.B, size.N, size.dtype, name, one.median(name))
                writer.writerow(row)


def print_fit(measured: Sequence[Measured]) -> None:
    """Print seconds for one of each of Work's counts: none negative, least relative errors."""
    for dtype in DTYPES:
        counts, medians = [], []
        for one in measured:
            size = one.size
            if size.dtype == dtype:
                K = size.n // size.B
                for name in one.samples:
                    forward = PRODUCTS[name].forward_work(size.N, K, K, size.B)
                    backward = PRODUCTS[name].backward_work(size.N, K, K, size.B)
                    counts.append(astuple(forward + backward))
                    medians.append(one.median(name))
        if counts:
            relative = np.array(counts) / np.array(medians)[:, None]
            constants, _ = nnls(relative, np.ones(len(relative)))
            error = np.median(np.abs(relative @ constants - 1))
            printed = ", ".join(f"{constant:.2e}" for constant in constants)
            console.print(f'"{dtype}": ({printed}),  # usual error {error:.0%}')


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the medians here")
    parser.add_argument("--fit", action="store_true", help="print fitted constants")
    parser.add_argument("--table-only", action="store_true", help="only the sizes of the bars")
    asked = parser.parse_args()
    one_thread()
    sizes = TABLE if asked.table_only else grid()
    if asked.quick:
        sizes = [size for size in sizes if size.n == 256 and size.N == 256 and size.B in (4, 64)]
    measured = []
    for number, size in enumerate(sizes, 1):
        if sys.stderr.isatty():
            print(f"\r{number} of {len(sizes)}: {size}\033[K", end="", file=sys.stderr)
        measured.append(measure(size, 1 if asked.quick else ROUNDS))
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    print_worst(measured)
    if asked.csv:
        write(measured, asked.csv)
    if asked.fit:
        print_fit(measured)
    print_footer()


if __name__ == "__main__":
    main()
