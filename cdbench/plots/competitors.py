"""What figures of comparisons are given, and how a family looks in all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cdbench.errors import MissingResultsError
from cdbench.plots.base import Model
from cdbench.plots.style import WHOLE_FAMILY, Look, looks_of

DENSE = "dense, of any width"


@dataclass(frozen=True)
class Competitor:
    """One model of a comparison, as far as figures show it.

    Attributes
    ----------
    layer : str
        Its family.
    basis : str
        The word that tells it from others of its family, such as ``basis=dct``; else "".
    budget : float
        What it was matched to; 1 for the dense network of full width.
    n_parameters, multiply_adds : int
        Its size.
    score, low, high : float
        Mean over the test split of the comparison's measure, and its interval over seeds.
    rates : sequence of (float, float or None)
        Learning rates that were tried, in order, each with the mean of what they are chosen by.
    best_rate : float or None
        The one that was chosen.
    """

    layer: str
    basis: str
    budget: float
    n_parameters: int
    multiply_adds: int
    score: float
    low: float
    high: float
    rates: Sequence[tuple[float, float | None]] = field(default=())
    best_rate: float | None = None

    @property
    def label(self) -> str:
        """Name in a legend: that of the family, without its size."""
        if self.layer == "dense":
            return DENSE
        return " ".join(filter(None, (self.layer, self.basis)))


def families_of(competitors: Sequence[Competitor]) -> Mapping[str, Look]:
    """Return the look of each family that competes, by its label, dense first.

    Raises
    ------
    MissingResultsError
        If nobody competes.
    """
    if not competitors:
        raise MissingResultsError("a figure needs at least one model of a comparison, got none")
    found = dict.fromkeys((one.label, one.layer, one.basis) for one in competitors)
    # Dense first; of a family those without a basis before the others, whose looks are paler.
    ordered = sorted(found, key=lambda own: (own[0] != DENSE, own[2] != ""))
    models = [Model(layer, None, basis or None) for _, layer, basis in ordered]
    return {
        label: WHOLE_FAMILY.get(layer, look)
        for (label, layer, _), look in zip(ordered, looks_of(models), strict=True)
    }
