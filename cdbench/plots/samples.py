"""The input of an audit figure: values over seeds. Nothing here imports matplotlib."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdbench.errors import MissingResultsError
from cdbench.plots.base import Model
from cdbench.statistics.averages import mean, median

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure


@dataclass(frozen=True)
class Sample:
    """One quantity of one model: its values over seeds or replicates.

    Attributes
    ----------
    quantity : str
        What the values measure.
    model : Model
        The model that they belong to.
    values : tuple of float
        In the order of the seeds or replicates; they may be infinite.
    x : float
        The epoch, number of samples or number of parameters; 0 if the figure has no such axis.
    weight_layer : int or None
        Weight layer, from 1 at the input; None for the whole network.
    n_singular : int
        How many values are κ of the non-null part, because the matrix is singular and κ infinite.
    interval : (float, float) or None
        95 % interval of the mean.
    """

    quantity: str
    model: Model
    values: tuple[float, ...]
    x: float = 0.0
    weight_layer: int | None = None
    n_singular: int = 0
    interval: tuple[float, float] | None = None

    @property
    def mean(self) -> float:
        """Arithmetic mean."""
        return mean(self.values)

    @property
    def median(self) -> float:
        """Median; infinite if the middle values are."""
        return median(self.values)


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """Return the lower and upper quartiles: observed values, so infinite ones stay infinite."""
    ordered = sorted(values)
    n = len(ordered)
    return ordered[math.ceil(n / 4) - 1], ordered[math.ceil(3 * n / 4) - 1]


def models_of(samples: Iterable[Sample]) -> list[Model]:
    """Return the models of the samples, each once, in their order.

    Raises
    ------
    MissingResultsError
        If there is no sample.
    """
    models = list(dict.fromkeys(sample.model for sample in samples))
    if not models:
        raise MissingResultsError("a figure needs at least one model's numbers, got none")
    return models


def quantities_of(samples: Iterable[Sample]) -> list[str]:
    """Return the quantities of the samples, each once, in their order."""
    return list(dict.fromkeys(sample.quantity for sample in samples))


DrawSamples = Callable[[Sequence[Sample], str], "MatplotlibFigure"]
"""Draws a figure of samples; the string names their source."""
