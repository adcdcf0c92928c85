"""The look of the figures: readable in grey, by colour-blind eyes, and alike in all of them.

Every model has a colour, a dash and a marker of its own. The colours' luminances differ, so a
grey print keeps the lines apart, and a model keeps its look from figure to figure.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cdbench.errors import CdbenchError
from cdbench.plots.base import Shown

INK, QUIET, GRID, SHADE = "#222222", "#666666", "#e4e4e4", "#e3e3e3"

RC: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib, so figures are alike everywhere
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
"""The paper's models and the other block sizes, from the darkest. Others take a free one."""


@contextmanager
def style() -> Iterator[None]:
    """Draw in the project's style, whatever the user's matplotlibrc says."""
    import matplotlib.style
    import numpy as np

    # Beside numbers of 1e308 a log scale looks for ticks beyond what a float holds.
    with matplotlib.style.context(["default", RC]), np.errstate(over="ignore"):
        yield


def looks_of(runs: Sequence[Shown]) -> list[Look]:
    """Choose the look of each run or model; runs of one network share theirs.

    Parameters
    ----------
    runs : sequence of Shown
        What one figure shows.

    Returns
    -------
    list of Look
        One for each of them.

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
