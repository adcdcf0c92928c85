"""The figures, one per file. They are given plain values and never see the database.

A figure is a file, a line in ``catalogue``, and one in a registry: here figures of the paper's
runs, of samples, which are values over seeds, and of comparisons; in ``api/figures`` those of any
runs. Those of a benchmark, of one claim and of a study are in none.
matplotlib is imported when a figure is drawn or saved, not with this package.
"""

from cdbench.plots.accuracy_parameters import accuracy_parameters
from cdbench.plots.base import DrawFigure, PlottedRun
from cdbench.plots.claim_numbers import claim_numbers
from cdbench.plots.competitors import Competitor
from cdbench.plots.crossover import draw_crossover
from cdbench.plots.fig1 import fig1
from cdbench.plots.fig2 import fig2
from cdbench.plots.kappa_epochs import kappa_epochs
from cdbench.plots.kappa_floors import kappa_floors
from cdbench.plots.kappa_seeds import kappa_seeds
from cdbench.plots.kinds import KIND_WORDS
from cdbench.plots.pareto import pareto
from cdbench.plots.rate_curves import rate_curves
from cdbench.plots.samples import DrawSamples, Sample
from cdbench.plots.saving import FORMATS, figure_bytes, figure_files, save_figure
from cdbench.plots.spectra_kinds import spectra_kinds
from cdbench.plots.themes import THEMES, with_theme
from cdbench.plots.theorem2 import theorem2

FIGURES: dict[str, DrawFigure] = {"fig1": fig1, "fig2": fig2, "spectra-kinds": spectra_kinds}

SAMPLE_FIGURES: dict[str, DrawSamples] = {
    "kappa-seeds": kappa_seeds,
    "theorem2": theorem2,
    "kappa-epochs": kappa_epochs,
    "kappa-floors": kappa_floors,
    "accuracy-parameters": accuracy_parameters,
}

COMPARISON_FIGURES = {"pareto": pareto, "rate-curves": rate_curves}

KINDS_DRAWN = {"fig2": ("published", "weight"), "spectra-kinds": tuple(KIND_WORDS)}
"""Kinds of spectrum whose numbers each figure needs."""

__all__ = [
    "COMPARISON_FIGURES",
    "FIGURES",
    "FORMATS",
    "KINDS_DRAWN",
    "SAMPLE_FIGURES",
    "THEMES",
    "Competitor",
    "DrawFigure",
    "DrawSamples",
    "PlottedRun",
    "Sample",
    "claim_numbers",
    "draw_crossover",
    "figure_bytes",
    "figure_files",
    "save_figure",
    "with_theme",
]
