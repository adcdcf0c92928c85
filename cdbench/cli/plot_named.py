"""``cdbench plot FIGURE [OF ...]``: figures by their names."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from cdbench.cli import COMPLETED
from cdbench.cli.figure_output import FigureOutput
from cdbench.errors import ConfigurationError, UnknownNameError
from cdbench.plots.catalogue import (
    CATALOGUE,
    CLAIM,
    COMPARISON,
    COMPARISONS,
    NOTHING,
    RUNS,
    STUDY,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cdbench.store.database import Database

FIRST = {
    CLAIM: "cdbench audit",
    COMPARISON: "cdbench compare",
    COMPARISONS: "cdbench compare",
    STUDY: "cdbench compare --study NAME",
}
"""Commands that make what a figure is of."""

NEEDED = {
    **dict.fromkeys(("curves", "spectra", "kappa", "seeds"), "which runs"),
    "claim": "which claim",
    "study": "which study",
    "standings": "which comparisons",
}
"""Figures that are of something that has to be said."""


def plot_named(
    db: str, words: Sequence[str], where: str | None, seed: int, put: FigureOutput
) -> int:
    """Draw and put figures; nothing is written until all are drawn.

    Words that all name figures are drawn; else the first is a figure, and the others what it is of.
    """
    names, of = _asked(words)
    for name in names:
        if where is not None and CATALOGUE[name].of != RUNS:
            raise ConfigurationError(
                f"--where chooses runs, and figure {name} has its own; expected --where with "
                f"{_names_of(RUNS)}"
            )
        if not of and where is None and name in NEEDED:
            raise ConfigurationError(
                f"figure {name}: it was not said of {NEEDED[name]}; for example: cdbench plot "
                f"{CATALOGUE[name].example}"
            )
        if name == "standings" and len(of) == 1:
            raise ConfigurationError(
                f"figure standings is of two comparisons or more, and only {of[0]} was named; for "
                f"example: cdbench plot {CATALOGUE[name].example}"
            )
    called = [file for name in names for file in _called(name, of)]
    files = None if called == ["standings"] else put.files(called)

    from cdbench.store.database import FIRST_COMMAND, open_for_reading

    database = open_for_reading(db, FIRST.get(CATALOGUE[names[0]].of, FIRST_COMMAND))
    figures: dict[str, Figure] = {}
    for name in names:
        figures |= _drawn(database, name, of, where, seed)
    put.put(figures, files)
    return COMPLETED


def _asked(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the figures that are named, and what they are of."""
    name, *of = words
    if name not in CATALOGUE:
        raise UnknownNameError("figure", name, CATALOGUE)
    if all(word in CATALOGUE for word in of):
        return list(dict.fromkeys(words)), []
    if CATALOGUE[name].of == NOTHING:
        stranger = next(word for word in of if word not in CATALOGUE)
        nearest = get_close_matches(stranger, CATALOGUE, n=1, cutoff=0.7)
        meant = f"; did you mean {nearest[0]}?" if nearest else ""
        raise ConfigurationError(
            f"figure {name} is of nothing in particular, and {stranger!r} is no figure{meant}; "
            f"expected only figures beside it; of runs are {_names_of(RUNS)}"
        )
    if CATALOGUE[name].of == COMPARISON and len(of) > 1:
        raise ConfigurationError(
            f"figure {name} is of one comparison, not of {len(of)}; of several: cdbench plot "
            f"standings {' '.join(of)}"
        )
    return [name], of


def _names_of(kind: str) -> str:
    return ", ".join(name for name, one in CATALOGUE.items() if one.of == kind)


def _called(name: str, of: Sequence[str]) -> list[str]:
    """Return the names of a figure's files."""
    if name == "claim":
        return [f"claim-{own}" for own in of] or [name]
    return [f"study-{of[0]}"] if name == "study" and of else [name]


def _drawn(
    database: "Database", name: str, of: Sequence[str], where: str | None, seed: int
) -> "dict[str, Figure]":
    from cdbench.api.figures.by_name import figure_by_name

    if name == "claim" and of:
        return {f"claim-{own}": figure_by_name(database, name, own) for own in of}
    if name == "standings" and len(of) > 1:
        from cdbench.api.figures.comparison_figures import standings_figures

        return standings_figures(database, of)
    (file,) = _called(name, of)
    return {file: figure_by_name(database, name, of, seed, where)}
