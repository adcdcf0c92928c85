"""The look of all figures: consistent, and readable in grey and by colour-blind people.

Every model has its own colour, dash and marker, and looks the same in every figure. The colours
differ in luminance, so the lines are distinct in a grey print.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cdbench.errors import CdbenchError
from cdbench.plots.base import Shown

INK, QUIET, GRID, SHADE = "#222222", "#666666", "#e4e4e4", "#e3e3e3"

RC: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib, so figures look the same everywhere
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.7,
    "lines.markersize": 6.8,
    "lines.markeredgecolor": "white",
    "lines.markeredgewidth": 0.5,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "svg.hashsalt": "cdbench",
    "pdf.fonttype": 42,
}


@dataclass(frozen=True)
class Look:
    """How one model's lines are drawn."""

    color: str
    dash: Any
    marker: str


LOOKS: dict[tuple[str, int | None], Look] = {
    ("dense", None): Look("#111111", "-", "o"),
    ("cdlinear", 1): Look("#4b1d6e", (0, (1, 1.3)), "v"),
    ("cdlinear", 3): Look("#8a2350", (0, (7, 2)), "D"),
    ("cdlinear", 4): Look("#0072b2", (0, (4, 1.5)), "s"),
    ("cdlinear", 5): Look("#d55e00", (0, (4, 1.2, 1, 1.2)), "X"),
    ("cdlinear", 7): Look("#3aa98c", (0, (6, 1.2, 1, 1.2, 1, 1.2)), "P"),
    ("cdlinear", 8): Look("#e9a800", (0, (2, 1.1)), "^"),
}
"""Looks of the paper's models and other block sizes, darkest first. Others take a free look."""


@contextmanager
def style() -> Iterator[None]:
    """Draw in the project's style, regardless of the user's matplotlibrc."""
    import matplotlib.style
    import numpy as np

    # With numbers near 1e308, a log scale looks for ticks beyond the range of a float.
    with matplotlib.style.context(["default", RC]), np.errstate(over="ignore"):
        yield


def looks_of(runs: Sequence[Shown]) -> list[Look]:
    """Choose the look of each run or model; runs of the same network share one.

    Parameters
    ----------
    runs : sequence of Shown
        What one figure shows.

    Returns
    -------
    list of Look
        One for each run or model.

    Raises
    ------
    CdbenchError
        If there are more networks than looks.
    """
    chosen: dict[str, Look] = {}
    for run in runs:
        own = LOOKS.get((run.layer, run.B))
        if own is not None and own not in chosen.values():
            chosen.setdefault(run.label, own)
    free = [look for look in LOOKS.values() if look not in chosen.values()]
    for run in runs:
        if run.label not in chosen:
            if not free:
                raise CdbenchError(f"a figure shows at most {len(LOOKS)} models; choose fewer runs")
            chosen[run.label] = free.pop(0)
    return [chosen[run.label] for run in runs]
