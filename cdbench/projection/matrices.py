"""Matrices and the members of families that are nearest to them, at a budget."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log, prod
from typing import Any

import numpy as np

from cdbench.config.matching import NEAR, Entrant
from cdbench.engine.layers import Params
from cdbench.engine.products.base import Array
from cdbench.errors import ConfigurationError
from cdbench.projection.entrants import (
    ALTERNATING,
    MOST_ALTERNATED,
    Setting,
    check_budget,
    setting_at,
)


@dataclass(frozen=True)
class Nearest:
    """A matrix's nearest member of a family.

    Attributes
    ----------
    name : str
        Of the matrix.
    setting : Setting
        The family's layer.
    params : Params
        Its weights, without a bias.
    lost, size : float
        Squared Frobenius norms of what is left and of the matrix; or, weighted by a moment of the
        inputs, the mean squares of what they add to the outputs.
    """

    name: str
    setting: Setting
    params: Params
    lost: float
    size: float

    @property
    def relative_error(self) -> float:
        """‖W − Ŵ‖ / ‖W‖; of a matrix of zeros 0."""
        return relative(self.lost, self.size)


@dataclass(frozen=True)
class Projection:
    """All matrices projected to one family.

    Attributes
    ----------
    entrant : Entrant
        The family.
    found : tuple of Nearest
        In the order of the matrices; those that are not there stay as they are.
    left_out : tuple of (str, int or None)
        Names of those, with the weights of the family's nearest size, if there is one.
    too_long : tuple of str
        Names of those that would take alternating least squares long.
    n_dense : int
        Weights of all matrices as they are.
    size : float
        Squared Frobenius norm of all matrices.
    """

    entrant: Entrant
    found: tuple[Nearest, ...]
    left_out: tuple[tuple[str, int | None], ...]
    too_long: tuple[str, ...]
    n_dense: int
    size: float

    @property
    def n_weights(self) -> int:
        """Weights of all matrices, where those that are left out stay as they are."""
        saved = sum(prod(one.setting.shape) - one.setting.n_weights for one in self.found)
        return self.n_dense - saved

    @property
    def relative_error(self) -> float:
        """That of all matrices as one."""
        return relative(sum(one.lost for one in self.found), self.size)


def relative(lost: float, size: float) -> float:
    """Return the root of what is lost over what there was; 0 where there was nothing."""
    return float(np.sqrt(lost / size)) if size else 0.0


def nearest_of(name: str, W: Array, setting: Setting, moment: Array | None = None) -> Nearest:
    """Return a matrix's nearest member, (n_out, n_in) float64, weighted by a moment if given."""
    params = setting.layer.nearest(W, moment)
    rest = W - setting.layer.matrix(params)[: W.shape[0], : W.shape[1]]
    M = np.eye(W.shape[1]) if moment is None else moment
    lost, size = (float(max(np.vdot(own @ M, own), 0.0)) for own in (rest, W))
    return Nearest(name, setting, params, lost, size)


def project(
    matrices: Mapping[str, Array],
    entrants: Sequence[Entrant],
    budget: float,
    *,
    asked: bool = True,
    on_each: Callable[[str, str], Any] = lambda name, family: None,
) -> list[Projection]:
    """Return the nearest members of families, each matched in size, least lost first.

    Parameters
    ----------
    matrices : mapping of str to (n_out, n_in) float64
        By name.
    entrants : sequence of Entrant
        The families.
    budget : float
        Share of each matrix's weights, above 0, below 1.
    asked : bool
        Whether the families were asked for: others leave out what takes minutes.
    on_each : (name, family) -> None
        Called before each matrix is projected.

    Raises
    ------
    ConfigurationError
        If the budget is no share, or no family meets it for any matrix.
    ShapeError
        If a matrix is not finite.
    """
    check_budget(budget)
    found = [_project(matrices, one, budget, asked, on_each) for one in entrants]
    if not any(one.found for one in found):
        raise ConfigurationError(_no_one(matrices, found, budget))
    return sorted(
        (one for one in found if one.found or one.left_out or one.too_long),
        key=lambda one: (-len(one.found), one.relative_error),
    )


def _project(
    matrices: Mapping[str, Array],
    entrant: Entrant,
    budget: float,
    asked: bool,
    on_each: Callable[[str, str], Any],
) -> Projection:
    found, left_out, too_long = [], [], []
    for name, W in matrices.items():
        shape = (W.shape[0], W.shape[1])
        if entrant.family in ALTERNATING and W.size > MOST_ALTERNATED and not asked:
            too_long.append(name)
            continue
        setting, n_weights = setting_at(entrant, shape, budget)
        if setting is None:
            left_out.append((name, n_weights))
            continue
        on_each(name, setting.model)
        found.append(nearest_of(name, W, setting))
    n_dense = sum(W.size for W in matrices.values())
    size = sum(float(np.vdot(W, W)) for W in matrices.values())
    return Projection(entrant, tuple(found), tuple(left_out), tuple(too_long), n_dense, size)


def _no_one(matrices: Mapping[str, Array], found: Sequence[Projection], budget: float) -> str:
    """Say which sizes come nearest to a budget that no family meets."""
    near = [
        (n / matrices[name].size, f"{one.entrant} of {name} with {n / matrices[name].size:.3g}")
        for one in found
        for name, n in one.left_out
        if n is not None
    ]
    near.sort(key=lambda pair: abs(log(pair[0] / budget)))
    return (
        f"budget = {budget:g}: no family has a size within {NEAR:.0%} of this share of a matrix's "
        f"weights; nearest come {', '.join(words for _, words in near[:3]) or 'none'}; expected "
        "a --budget near one of these, or --layer with a size, such as low-rank:1"
    )
