"""What the benchmarks share: rivals that take turns, ratios with their spread, tables with bars."""

import argparse
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from cdbench.running.environment import current_environment
from cdbench.running.turns import take_turns

SAMPLE_S = 0.005
"""Least time of what is measured at once; shorter calls are repeated to fill it."""

console = Console(width=max(152, Console().width), highlight=False)

RIVALS = ("torch", "jax")
"""Packages that take part where installed."""

Call = Callable[[], object]


def arguments(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options of every benchmark."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="a few seconds' smoke test")
    parser.add_argument(
        "--without-rivals", action="store_true", help="leave PyTorch and JAX out, installed or not"
    )
    return parser


def one_thread(*, one_core: bool = True) -> None:
    """Keep this process, and what it imports from now on, to one thread.

    To be called ahead of importing PyTorch or JAX. ``one_core`` holds it, and every process that it
    starts, on one core.
    """
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ[name] = "1"
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    if one_core and hasattr(os, "sched_setaffinity"):  # Linux; XLA asks how many cores it may use
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    threadpool_limits(1)


def rivals(asked: argparse.Namespace) -> list[str]:
    """Return which of PyTorch and JAX, by their packages' names, take part."""
    return [] if asked.without_rivals else [name for name in RIVALS if installed(name)]


def installed(package: str) -> str | None:
    """Return a package's version, or None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def machine(*packages: str) -> str:
    """Return processor, BLAS, threads and versions, of these packages too, as one line."""
    found = current_environment()
    threads = f"{found.blas_threads} BLAS thread" + "s" * (found.blas_threads != 1)
    numpy = f"NumPy {found.numpy_version}"
    versions = [f"{name} {installed(name)}" for name in packages]
    return " · ".join([found.cpu, f"{found.n_cores} cores", found.blas, threads, numpy, *versions])


def print_footer(others: Sequence[str] | None = None) -> None:
    """Print the machine's line, and, where RIVALS may take part, which of them do not."""
    console.print(machine(*others or ()))
    for name in RIVALS:
        if others is not None and name not in others:
            console.print(f"{name}: {absence(name)}")


def absence(package: str) -> str:
    """Return why a rival does not take part."""
    return "left out" if installed(package) else "not installed"


def alternate(
    rivals: Mapping[str, Call],
    rounds: int,
    least_s: float = SAMPLE_S,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Return every rival's seconds a call, by round, as ``turns.take_turns`` measures them."""
    return take_turns(rivals, rounds, least_s, clock)


@dataclass(frozen=True)
class Spread:
    """Quartiles of some values: low, median, high."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """Return the quartiles of the values."""
        return cls(*np.quantile(list(values), (0.25, 0.5, 0.75)).tolist())

    @classmethod
    def of_ratios(cls, above: Sequence[float], below: Sequence[float]) -> "Spread":
        """Return the quartiles of the ratios of samples that were taken in the same rounds."""
        return cls.of(a / b for a, b in zip(above, below, strict=True))

    def times(self, unit: float = 1.0, digits: int = 2) -> str:
        """Return ``median (low … high)`` in such units."""
        low, median, high = (f"{value / unit:.{digits}f}" for value in self.values)
        return f"{median} ({low} … {high})"

    @property
    def values(self) -> tuple[float, float, float]:
        """Low, median, high."""
        return self.low, self.median, self.high


@dataclass(frozen=True)
class Bar:
    """What a number must reach, or, with ``at_most``, must not exceed."""

    limit: float
    at_most: bool = False

    def is_met(self, value: float) -> bool:
        """Return whether a value is on the right side."""
        return value <= self.limit if self.at_most else value >= self.limit

    def __str__(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {self.limit:g}"


def verdict(is_met: bool) -> str:
    """Return ``met`` or ``NOT MET``, in colour."""
    return "[green]met[/]" if is_met else "[bold red]NOT MET[/]"


@dataclass(frozen=True)
class Row:
    """One rival: its seconds, its ratio to whom ``ratio_of`` says, and the bar for it."""

    rival: str
    seconds: Spread
    ratio: Spread | None = None
    ratio_of: str = ""
    bar: Bar | None = None
    note: str = ""


def print_rows(title: str, rows: Iterable[Row], unit: str = "ms", note: str = "") -> None:
    """Print a table of rivals: median and quartiles, ratio, bar, and whether it is met.

    ``note`` heads the column of the rows' notes.
    """
    factor = {"s": 1.0, "ms": 1e-3, "µs": 1e-6}[unit]
    headings = ("Rival", f"Median {unit} (quartiles)", "Ratio", "of", "Target", "", note)
    table = new_table(title, *headings)
    for row in rows:
        bar, ratio = row.bar, row.ratio
        table.add_row(
            row.rival,
            row.seconds.times(factor),
            ratio.times() if ratio else "",
            row.ratio_of,
            str(bar or ""),
            verdict(bar.is_met(ratio.median)) if bar and ratio else "",
            row.note,
        )
    console.print(table)


def new_table(title: str, *headings: str) -> Table:
    """Return an empty table in the benchmarks' one style."""
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    for heading in headings:
        table.add_column(heading, no_wrap=True)
    return table
