"""One layer forward and backward: every product against dense, PyTorch and JAX.

Dense is its three NumPy products, x W, dy W^T and x^T dy. All work in float32 on 256 samples, in
one thread, warm; activations are in the layout that a rival works in.
"""

import sys
from dataclasses import dataclass

import numpy as np

from cdbench.engine.products import PRODUCTS
from cdbench.records.benchmark import DENSE, Size
from cdbench.running.crossover import make_pass, planned_product
from measure import (
    RIVALS,
    Bar,
    Call,
    Spread,
    absence,
    alternate,
    arguments,
    console,
    new_table,
    one_thread,
    print_footer,
    rivals,
    verdict,
)

BARS = {
    256: {4: 1.8, 8: 2.2, 16: 1.9, 32: 1.6, 64: 1.4},
    1024: {4: 2.4, 8: 3.3, 16: 5.6, 32: 6.8, 64: 6.0},
    4096: {4: 2.5, 8: 3.9, 16: 7.1, 32: 11.4, 64: 15.4},
}
"""By n and B, how many times faster than dense a layer is to be. They were set on another machine,
where a prototype had reached most of them."""
N = 256
DTYPE = "float32"
BEHIND = Bar(1.10, at_most=True)
"""The planner's pick against the best product."""
ROUNDS = {256: 41, 1024: 21, 4096: 9}


@dataclass(frozen=True)
class Entry:
    """What was measured at one size.

    Attributes
    ----------
    size : Size
        Of the layer.
    samples : dict
        Seconds of every rival, by round.
    """

    size: Size
    samples: dict[str, list[float]]

    @property
    def picked(self) -> str:
        """The product that the planner picks."""
        return planned_product(self.size)

    @property
    def best(self) -> str:
        """The product with the least median."""
        return min(PRODUCTS, key=lambda name: np.median(self.samples[name]))

    def speedup(self, name: str, over: str = DENSE) -> Spread:
        """Return how many times faster than another a rival is."""
        return Spread.of_ratios(self.samples[over], self.samples[name])

    def gigaflops(self, name: str, multiplications: float) -> float:
        """Return a rival's rate, each multiplication with its addition, in GFLOP/s."""
        return 2e-9 * multiplications / float(np.median(self.samples[name]))


STACKED = "stacked"


def stacked_pass(size: Size) -> Call:
    """Return B products of (K, K) by (K, N) matrices, and those for both gradients, as a call.

    They are what would be left of a layer if its transforms cost nothing and no frequency were
    complex: the rate at which this machine multiplies matrices so small.
    """
    K = size.n // size.B
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, size.B, K, size.N), np.dtype(size.dtype))
    c = rng.standard_normal((size.B, K, K), np.dtype(size.dtype))
    y, dx, dc = np.empty_like(x), np.empty_like(x), np.empty_like(c)

    def products() -> None:
        np.matmul(c, x, out=y)
        np.matmul(c.transpose(0, 2, 1), dy, out=dx)
        np.matmul(dy, x.transpose(0, 2, 1), out=dc)

    return products


def limit(B: int, products: int = 4) -> float:
    """Return by how many times fewer multiplications than dense frequency products take.

    Parameters
    ----------
    B : int
        Block size.
    products : int
        Real products that stand for a complex one: 4, or 3 by the three-multiplication product.
    """
    r = 2 - B % 2
    return B**2 / (r + products * (B - r) / 2)


def measure(size: Size, rounds: int, others: list[str]) -> Entry:
    """Let all rivals take turns at one size."""
    passes = {name: make_pass(name, size) for name in (DENSE, *PRODUCTS)}
    passes[STACKED] = stacked_pass(size)
    if "torch" in others:
        import with_torch

        passes["torch"] = with_torch.layer_pass(size)
    if "jax" in others:
        import with_jax

        passes["jax"] = with_jax.layer_pass(size)
    return Entry(size, alternate(passes, rounds))


def print_speed(entries: list[Entry], others: list[str]) -> int:
    """Print ratios to dense against the bars; return how many are not met."""
    table = new_table(
        f"Forward and backward pass of one n × n layer, {DTYPE}, N = {N}: times faster than dense",
        *("n", "B", "dense ms", "planner's pick", "ratio (quartiles)", "target", ""),
        *("behind best", "", "torch", "jax", "ahead of both"),
    )
    failures = 0
    for entry in entries:
        size, samples = entry.size, entry.samples
        ratio, bar = entry.speedup(entry.picked), Bar(BARS[size.n][size.B])
        behind = Spread.of_ratios(samples[entry.picked], samples[entry.best]).median
        ahead = all(entry.speedup(entry.picked, over=name).median > 1 for name in others)
        checks = [bar.is_met(ratio.median), BEHIND.is_met(behind), ahead]
        failures += checks.count(False)
        table.add_row(
            f"{size.n}",
            f"{size.B}",
            f"{np.median(samples[DENSE]) * 1e3:.2f}",
            entry.picked,
            ratio.times(),
            str(bar),
            verdict(checks[0]),
            f"{behind - 1:.0%}" + (f" of {entry.best}" if entry.best != entry.picked else ""),
            verdict(checks[1]),
            *(
                absence(name) if name not in others else f"{entry.speedup(name).median:.2f}"
                for name in RIVALS
            ),
            verdict(ahead) if others else "",
        )
    console.print(table)
    return failures


def print_products(entries: list[Entry]) -> None:
    """Print every product's ratio to dense, beside what counting operations allows."""
    table = new_table(
        "Every product, the limit by operations, and how fast this machine multiplies",
        *("n", "B", *PRODUCTS, "limit 4m", "reached", "limit 3m", "reached"),
        *("dense GFLOP/s", "K × K", "limit 4m × rates"),
    )
    for entry in entries:
        size = entry.size
        ratio = entry.speedup(entry.picked).median
        full = 3.0 * size.N * size.n**2
        rate = entry.gigaflops(DENSE, full)
        stacked = entry.gigaflops(STACKED, full / size.B)
        four, three = limit(size.B), limit(size.B, 3)
        table.add_row(
            f"{size.n}",
            f"{size.B}",
            *(f"{entry.speedup(name).median:.2f}" for name in PRODUCTS),
            f"{four:.1f}",
            f"{ratio / four:.0%}",
            f"{three:.1f}",
            f"{ratio / three:.0%}",
            f"{rate:.0f}",
            f"{stacked:.0f}",
            f"{four * stacked / rate:.1f}",
        )
    console.print(table)
    console.print(
        "K × K: rate of B bare (K, K) by (K, N) products and their gradients', which a layer would "
        "be if its transforms cost nothing."
    )


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--n", type=int, nargs="+", choices=list(BARS), default=list(BARS))
    parser.add_argument("--B", type=int, nargs="+", choices=list(BARS[256]), default=[*BARS[256]])
    asked = parser.parse_args()
    if asked.quick:
        asked.n, asked.B = [256], [4, 64]
    one_thread()
    others = rivals(asked)
    entries = []
    for n in asked.n:
        for B in asked.B:
            if sys.stderr.isatty():
                print(f"\rn = {n}, B = {B}\033[K", end="", file=sys.stderr)
            rounds = 2 if asked.quick else ROUNDS[n]
            entries.append(measure(Size(DTYPE, B, N, n), rounds, others))
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    failures = print_speed(entries, others)
    print_products(entries)
    print_footer(others)
    console.print(f"{failures} of the checks above are not met" if failures else "all are met")


if __name__ == "__main__":
    main()
