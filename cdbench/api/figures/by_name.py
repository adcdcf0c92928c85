"""Every figure by its name."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cdbench.api.figures.claim_figure import claim_figure
from cdbench.api.figures.comparison_figures import one_comparison, standings_figures
from cdbench.api.figures.drawn_runs import drawn_runs
from cdbench.api.figures.figure_samples import READERS
from cdbench.api.figures.study_figure import study_figure
from cdbench.claims.audit import find_claims
from cdbench.errors import ConfigurationError, UnknownNameError
from cdbench.plots import (
    COMPARISON_FIGURES,
    FIGURES,
    KINDS_DRAWN,
    SAMPLE_FIGURES,
    draw_crossover,
)
from cdbench.store.benchmark_queries import stored_benchmark
from cdbench.store.comparison_queries import stored_comparison
from cdbench.store.database import Database

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = (
    *(*FIGURES, *SAMPLE_FIGURES, "crossover", *COMPARISON_FIGURES),
    *("standings", "claim", "study"),
)
"""What can be drawn."""

OF = {
    "claim": "a claim's name, as in of='odd-heads'",
    "study": "a study's name, as in of='released'",
    "standings": "several comparisons, as in of=['digits', 'wine']",
}
"""Figures that have to be told of what, and how."""


def figure_by_name(
    database: Database, name: str, of: str | Sequence[str] | None, seed: int
) -> "Figure":
    """Draw the figure of this name.

    Parameters
    ----------
    database : Database
        Where it is drawn from.
    name : str
        One of NAMES.
    of : str or sequence of str, optional
        Of which claim, study, comparison or comparisons.
    seed : int
        Of the runs that the paper's figures show.

    Raises
    ------
    UnknownNameError
        If there is no such figure.
    ConfigurationError
        If it is not told of what it is, or of what it can't be.
    MissingResultsError
        If what it shows is not in the database.
    """
    several = () if of is None else (of,) if isinstance(of, str) else tuple(of)
    _check(name, several)
    one = several[0] if several else None
    if name in FIGURES:
        return FIGURES[name](*drawn_runs(database, seed, KINDS_DRAWN.get(name, ())))
    if name in SAMPLE_FIGURES:
        return SAMPLE_FIGURES[name](*READERS[name](database))
    if name in COMPARISON_FIGURES:
        return one_comparison(database, stored_comparison(database, one)).figure(name)
    if name == "standings":
        return next(iter(standings_figures(database, several).values()))
    if one is None:
        source, timings = stored_benchmark(database)
        return draw_crossover(timings, source)
    if name == "study":
        return study_figure(database, one)
    (claim,) = find_claims([one])
    return claim_figure(database, claim)


def _check(name: str, several: Sequence[str]) -> None:
    """Raise an error unless there is such a figure, and it is told of what it is to be."""
    if name not in NAMES:
        raise UnknownNameError("figure", name, NAMES)
    if name in OF and len(several) < (2 if name == "standings" else 1):
        raise ConfigurationError(f"figure {name}: of what is missing; expected {OF[name]}")
    if several and name not in (*OF, *COMPARISON_FIGURES):
        raise ConfigurationError(f"figure {name}: is of nothing in particular; expected no of")
    if len(several) > 1 and name != "standings":
        raise ConfigurationError(f"figure {name}: of {len(several)} names; expected one")
