"""The figures of the page, with what is said of them to those who do not see them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cdbench.api.figures.by_name import figure_by_name
from cdbench.errors import CdbenchError
from cdbench.plots.svg import page_svg
from cdbench.records.published import PUBLISHED_FIGURE_SEED
from cdbench.reports.html.figure import Drawing
from cdbench.reports.html.markup import Markup, identifier

if TYPE_CHECKING:
    from cdbench.store.database import Database

WORDS = {
    "fig1": (
        "Figure 1, training loss and test accuracy",
        "Two panels against the epoch: the training loss on a logarithmic scale, and the test "
        f"accuracy in percent, of the paper's three models with seed {PUBLISHED_FIGURE_SEED}.",
    ),
    "fig2": (
        "Figure 2, spectra of the last weight layer",
        "The numbers of each spectrum from the largest down, on logarithmic scales. Left as the "
        "paper takes them, two different quantities; right one quantity for every model, so that "
        "they can be compared.",
    ),
    "kappa-seeds": (
        "Ratios of κ as seeds come in",
        "Dense against B = 4 and B = 8, for three kinds of κ: the ratio of means and the median "
        "ratio over the first seeds, with quartiles, against the number of seeds; a point a seed.",
    ),
    "kappa-floors": (
        "κ above a noise floor",
        "Medians over the seeds with quartiles, of the weights and of each layer's Hessian, "
        "against the floor below which directions are not counted. Ratios stand under each panel.",
    ),
    "kappa-epochs": (
        "κ during training",
        "Medians over the seeds with quartiles against the epoch: a row a layer, a column a kind "
        "of κ, on one logarithmic scale.",
    ),
    "theorem2": (
        "κ on whitened inputs",
        "κ − 1 against the number of samples N, a panel a block size: as measured, by the "
        "Marchenko–Pastur law, and by the paper's 1 + √(B/N).",
    ),
    "accuracy-parameters": (
        "Accuracy against parameters",
        "Test accuracy of every seed, with means and their intervals, of dense and of each block "
        "size, even and odd, against the number of parameters on a logarithmic scale.",
    ),
    "spectra-kinds": (
        "Spectra of every kind",
        "The numbers that each kind of condition number is made of, for the paper's three models.",
    ),
    "pareto": (
        "Score against size",
        "Test score of every model of the comparison with its interval over seeds: left against "
        "its parameters, right against its multiply-adds, on logarithmic scales.",
    ),
    "rate-curves": (
        "The range of learning rates that works",
        "What the rates were chosen by against the learning rate, a panel a budget and a line a "
        "family; the chosen rate is ringed.",
    ),
    "study": (
        "Every family beside the narrower dense network",
        "A panel a part of the study and a row a family: the difference in score to a dense "
        "network made as small, a mark a size, with its interval over seeds. Right of the line "
        "the family is better.",
    ),
    "curves": (
        "Curves of the newest runs",
        "Losses and the score against the epoch, of those of the newest runs that completed and "
        "are of the newest one's data set and task; several seeds of a model as a band.",
    ),
    "crossover": (
        "Time of a layer against its width",
        "Time of a forward and backward pass of dense and of each way to compute the "
        "block-circulant product against the width n, on logarithmic scales, a panel a block size "
        "and precision.",
    ),
}
"""Title and description of each figure."""


def drawings(
    database: "Database", names: Sequence[str], of: str | Sequence[int] | None = None
) -> list[Markup]:
    """Return those of the figures that the database has what it takes to draw.

    ``of`` is the name of what they are of, or the keys of runs.
    """
    drawn = []
    for name in names:
        try:
            figure = figure_by_name(database, name, of, PUBLISHED_FIGURE_SEED)
        except CdbenchError:
            continue  # its runs did not keep their spectra, or there are more models than looks
        title, description = WORDS[name]
        own = f"{name}-{identifier(of)}" if isinstance(of, str) else name
        drawn.append(Drawing(own, page_svg(figure), title, description).html())
    return drawn
