"""The figures; one a file. They are given plain values and never see the database.

matplotlib is imported when a figure is drawn or saved, not with this package.
"""

from cdbench.plots.base import DrawFigure, PlottedRun
from cdbench.plots.fig1 import fig1
from cdbench.plots.fig2 import fig2
from cdbench.plots.saving import FORMATS, save_figure

FIGURES: dict[str, DrawFigure] = {"fig1": fig1, "fig2": fig2}

__all__ = ["FIGURES", "FORMATS", "DrawFigure", "PlottedRun", "save_figure"]
