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
    marker: Any


LOOKS: dict[tuple[str, int | None], Look] = {
    ("dense", None): Look("#111111", "-", "o"),
    ("cdlinear", 1): Look("#4b1d6e", (0, (1, 1.3)), "v"),
    ("cdlinear", 3): Look("#8a2350", (0, (7, 2)), "D"),
    ("cdlinear", 4): Look("#0072b2", (0, (4, 1.5)), "s"),
    ("cdlinear", 5): Look("#d55e00", (0, (4, 1.2, 1, 1.2)), "X"),
    ("cdlinear", 7): Look("#3aa98c", (0, (6, 1.2, 1, 1.2, 1, 1.2)), "P"),
    ("cdlinear", 8): Look("#e9a800", (0, (2, 1.1)), "^"),
}
"""Looks of the paper's models and other block sizes, darkest first."""

DENSE_LOOK, BLUE, ORANGE, YELLOW = (
    LOOKS[key] for key in (("dense", None), ("cdlinear", 4), ("cdlinear", 5), ("cdlinear", 8))
)
"""Those of them that figures use for something else too."""

WHOLE_FAMILY = {"dense": DENSE_LOOK, "cdlinear": BLUE}
"""Looks of families that have none of their own below, where their sizes are one line."""

FAMILY_LOOKS: dict[str, Look] = {
    "monarch": Look("#1d4d2b", (0, (5, 1, 2, 1)), ">"),
    "kronecker": Look("#754410", (0, (1, 1, 1, 2.6)), "*"),
    "low-rank": Look("#7d3fb8", (0, (9, 1.4)), "<"),
    "block-diagonal": Look("#2f7d32", (0, (3, 1, 1, 1)), "p"),
    "blast": Look("#6b6fae", (0, (8, 1.2, 1, 1.2, 1, 1.2)), "8"),
    "acdc": Look("#cf3a8c", (0, (10, 2, 2, 2)), "d"),
    "ldr-sd": Look("#8a8a86", (0, (2, 1, 2, 3)), (3, 1, 0)),
    "toeplitz-like": Look("#9d9a1c", (0, (6, 1, 1, 1, 1, 1, 1, 1)), (4, 1, 45)),
    "circulant": Look("#56b4e9", (0, (3.4, 2.2)), "h"),
    "spectral": Look("#f2a0a0", (0, (1, 2.2)), (6, 1, 0)),
}
"""Looks of the other families, darkest first; of several structures of one, that of the first."""

PALER = (0.0, 0.38, 0.6, 0.72)
"""How much white the further structures of a family have in their colour."""

PALER_DASHES: tuple[Any, ...] = (None, (0, (1.6, 0.8)), (0, (5, 3)), (0, (1, 3)))
"""Their dashes; their marker is the family's."""


@contextmanager
def style() -> Iterator[None]:
    """Draw in the project's style, regardless of the user's matplotlibrc."""
    import matplotlib.style
    import numpy as np

    # With numbers near 1e308, a log scale looks for ticks beyond the range of a float.
    with matplotlib.style.context(["default", RC]), np.errstate(over="ignore"):
        yield


def all_looks() -> list[Look]:
    """Return every look in the order in which models without one of their own take it."""
    own = [*LOOKS.values(), *FAMILY_LOOKS.values()]
    return [paler(look, step) for step in range(len(PALER)) for look in own]


def paler(look: Look, step: int) -> Look:
    """Return the look of a family's further structure: its marker, a paler colour, another dash."""
    if not step:
        return look
    share = PALER[step]
    channels = (int(look.color[i : i + 2], 16) for i in (1, 3, 5))
    mixed = "".join(f"{round(c + (255 - c) * share):02x}" for c in channels)
    return Look(f"#{mixed}", PALER_DASHES[step], look.marker)


def looks_of(runs: Sequence[Shown]) -> list[Look]:
    """Choose the look of each run or model; runs of the same network share one.

    A block size or family that has a look gets it, and a family's further structures get paler
    ones. Whatever is left, such as a plug-in's family, takes the free looks in their order.

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
        for own in _own_looks(run):
            if run.label not in chosen and own not in chosen.values():
                chosen[run.label] = own
    free = [look for look in all_looks() if look not in chosen.values()]
    for run in runs:
        if run.label not in chosen:
            if not free:
                most = len(all_looks())
                raise CdbenchError(f"a figure shows at most {most} models; choose fewer runs")
            chosen[run.label] = free.pop(0)
    return [chosen[run.label] for run in runs]


def _own_looks(run: Shown) -> list[Look]:
    if run.layer in FAMILY_LOOKS:
        return [paler(FAMILY_LOOKS[run.layer], step) for step in range(len(PALER))]
    own = LOOKS.get((run.layer, run.B))
    return [] if own is None else [own]
