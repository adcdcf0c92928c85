"""Every figure by its name."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cdbench.api.figures.any_runs import ANY_RUNS, any_runs_figure
from cdbench.api.figures.claim_figure import claim_figure
from cdbench.api.figures.comparison_figures import one_comparison, standings_figures
from cdbench.api.figures.drawn_runs import drawn_runs
from cdbench.api.figures.figure_samples import READERS
from cdbench.api.figures.study_figure import study_figure
from cdbench.claims.audit import find_claims
from cdbench.errors import ConfigurationError, MissingResultsError, UnknownNameError
from cdbench.plots import (
    COMPARISON_FIGURES,
    FIGURES,
    KINDS_DRAWN,
    SAMPLE_FIGURES,
    draw_crossover,
)
from cdbench.plots.catalogue import CATALOGUE, CLAIM, COMPARISONS, NOTHING, RUNS, STUDY
from cdbench.records.published import PUBLISHED_FIGURE_SEED
from cdbench.store.benchmark_queries import stored_benchmark
from cdbench.store.comparison_queries import stored_comparison
from cdbench.store.database import Database

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OF = {
    CLAIM: "a claim's name, as in of='odd-heads'",
    STUDY: "a study's name, as in of='released'",
    COMPARISONS: "several comparisons, as in of=['digits', 'wine']",
    RUNS: "runs, as in of=['latest', 12], or where='dataset = iris'",
}
"""Figures that have to be told of what, and how, by what they are of."""

SEVERAL = (RUNS, COMPARISONS, STUDY)
"""What can be named by several words: runs, comparisons, or a study and parts of it."""


def figure_by_name(
    database: Database,
    name: str,
    of: str | int | Sequence[str | int] | None,
    seed: int = PUBLISHED_FIGURE_SEED,
    where: str | None = None,
) -> "Figure":
    """Draw the figure of this name.

    Parameters
    ----------
    database : Database
        Where it is drawn from.
    name : str
        A key of ``cdbench.plots.catalogue.CATALOGUE``.
    of : str, int or sequence of these, optional
        Of which runs, claim, study and parts of it, comparison or comparisons.
    seed : int, optional
        Of the runs that the paper's figures show.
    where : str, optional
        Of which runs, as a filter.

    Raises
    ------
    UnknownNameError
        If there is no such figure.
    ConfigurationError
        If it is not told of what it is, or of what it can't be.
    MissingResultsError
        If what it shows is not in the database.
    """
    words = () if of is None else (of,) if isinstance(of, str | int) else tuple(of)
    several = tuple(map(str, words))
    _check(name, several, where)
    one = several[0] if several else None
    if name in ANY_RUNS and (several or where is not None or name not in SAMPLE_FIGURES):
        return any_runs_figure(database, name, several, where)
    if name in FIGURES:
        return FIGURES[name](*drawn_runs(database, seed, KINDS_DRAWN.get(name, ())))
    if name in SAMPLE_FIGURES:
        try:
            return SAMPLE_FIGURES[name](*READERS[name](database))
        except MissingResultsError as error:
            if name not in ANY_RUNS:
                raise
            of_runs = f"cdbench plot {name} --where 'dataset = iris'"
            raise MissingResultsError(f"{error}; to draw runs of your own: {of_runs}") from None
    if name in COMPARISON_FIGURES:
        return one_comparison(database, stored_comparison(database, one)).figure(name)
    if name == "standings":
        return next(iter(standings_figures(database, several).values()))
    if one is None:
        source, timings = stored_benchmark(database)
        return draw_crossover(timings, source)
    if name == "study":
        return study_figure(database, one, several[1:])
    (claim,) = find_claims([one])
    return claim_figure(database, claim)


def _check(name: str, several: Sequence[str], where: str | None) -> None:
    """Raise an error unless there is such a figure, and it is told of what it is to be."""
    if name not in CATALOGUE:
        raise UnknownNameError("figure", name, CATALOGUE)
    kind = CATALOGUE[name].of
    if where is not None and kind != RUNS:
        of_runs = ", ".join(own for own, listed in CATALOGUE.items() if listed.of == RUNS)
        raise ConfigurationError(
            f"figure {name} is not of runs that can be chosen; expected no where, or one of "
            f"{of_runs}"
        )
    is_missing = len(several) < (2 if kind == COMPARISONS else 1)
    can_do_without = where is not None or name in SAMPLE_FIGURES
    if kind in OF and is_missing and not can_do_without:
        raise ConfigurationError(f"figure {name}: of what is missing; expected {OF[kind]}")
    if several and kind == NOTHING:
        raise ConfigurationError(f"figure {name}: is of nothing in particular; expected no of")
    if len(several) > 1 and kind not in SEVERAL:
        raise ConfigurationError(f"figure {name}: of {len(several)} names; expected one")
