"""Families that given matrices are projected to, and their settings at a budget."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Protocol, TypeVar

from cdbench.config import families
from cdbench.config.matching import MOST_PADDED, NEAR, Entrant, Sized, nearest, off, settings
from cdbench.config.structure import Structure
from cdbench.engine.layers import WeightLayer
from cdbench.errors import ConfigurationError, ShapeError

ALTERNATING = frozenset({"toeplitz-like", "blast"})
"""Families whose nearest members are found by alternating least squares only."""
WITHOUT = frozenset({"acdc", "ldr-sd"})
"""Families whose nearest members are not found at all."""

MOST_ALTERNATED = 2**16
"""Weights of a matrix up to which the former take seconds; for larger ones they must be asked."""


def entrant(text: str) -> Entrant:
    """Return the entrant that is typed as ``FAMILY[:VALUE][,NAME=VALUE…]``.

    Raises
    ------
    ConfigurationError
        If it cannot be read, is dense, or has no nearest members.
    """
    name, given = families.parse(text if ":" in text else text.replace(",", ":", 1))
    if name == families.BASELINE:
        raise ConfigurationError(
            "layer = dense: every matrix is dense as it is; expected a family with fewer weights"
        )
    if name in WITHOUT:
        raise ConfigurationError(
            f"layer = {name}: nobody knows how to find its nearest member; expected "
            + ", ".join(str(one) for one in every_entrant())
        )
    return Entrant(name, tuple(given.items()))


def every_entrant() -> tuple[Entrant, ...]:
    """Return all built-in families whose nearest members are found, but dense."""
    return tuple(
        Entrant(name)
        for name in families.FAMILIES
        if name != families.BASELINE and name not in WITHOUT
    )


def check_budget(budget: float) -> None:
    """Raise ConfigurationError unless a budget is a share, above 0 and below 1."""
    if not 0 < budget < 1:
        raise ConfigurationError(
            f"budget = {budget:g}: expected a share of the weights above 0, below 1, such as 0.25"
        )


@dataclass(frozen=True)
class Setting:
    """A family's layer for a matrix.

    Attributes
    ----------
    family : str
        Its name.
    structure : mapping
        Its structure parameters.
    layer : WeightLayer
        Of widths rounded up.
    shape : (int, int)
        Of the matrix.
    """

    family: str
    structure: Structure
    layer: WeightLayer
    shape: tuple[int, int]

    @property
    def n_weights(self) -> int:
        """The weights, without a bias."""
        return sum(map(prod, self.layer.weight_shapes.values()))

    @property
    def padded(self) -> float:
        """How many times larger the layer's W is than the matrix."""
        return self.layer.n_out * self.layer.n_in / prod(self.shape)

    @property
    def rank(self) -> int:
        """The rank that a member has, as far as the matrix allows."""
        return min(self.layer.expected_rank(), *self.shape)

    @property
    def specification(self) -> str:
        """What is typed after ``--layer`` for it."""
        return families.specification(self.family, *self._parts)

    @property
    def model(self) -> str:
        """Its name in tables."""
        return families.model_name(self.family, *self._parts)

    @property
    def _parts(self) -> tuple[str | None, object]:
        if self.family in families.WITH_B:
            return None, self.structure["B"]
        return families.canonical(self.family, self.structure), None


def settings_of(entrant: Entrant, shape: tuple[int, int]) -> Iterator[Setting]:
    """Yield the family's settings that there are for a matrix (n_out, n_in) without much padding.

    A setting with as many weights as the matrix, or more, is none.
    """
    own, is_of_B = families.family(entrant.family), entrant.family in families.WITH_B
    for given in settings(entrant, large=True):
        structure = {"B": families.DEFAULT_B, **given} if is_of_B else given
        multiple = own.width_multiple(structure)
        n_out, n_in = (-(-n // multiple) * multiple for n in shape)
        if n_out * n_in > MOST_PADDED * prod(shape):
            continue
        try:
            layer = own.build(n_in, n_out, structure)
        except (ConfigurationError, ShapeError):
            continue
        found = Setting(entrant.family, structure, layer, shape)
        if found.n_weights < prod(shape):
            yield found


class Counted(Sized, Protocol):
    """What has weights to be counted."""

    @property
    def n_weights(self) -> int:
        """Without biases."""
        ...


T = TypeVar("T", bound=Counted)


def nearest_matched(candidates: Sequence[T], target: float) -> T | None:
    """Return the nearest of what is matched, if there is any, or else the nearest of all."""
    matched = [one for one in candidates if off(one.n_weights, target) <= NEAR]
    return nearest(matched or candidates, target, lambda one: one.n_weights)


def setting_at(
    entrant: Entrant, shape: tuple[int, int], budget: float
) -> tuple[Setting | None, int | None]:
    """Return the family's setting for a matrix at a budget, or None and the nearest's weights.

    Parameters
    ----------
    entrant : Entrant
    shape : (n_out, n_in)
        Of the matrix.
    budget : float
        Share of its weights.
    """
    target = budget * prod(shape)
    found = nearest_matched(list(settings_of(entrant, shape)), target)
    if found is None:
        return None, None
    if (entrant.is_settled and entrant.fixed) or off(found.n_weights, target) <= NEAR:
        return found, found.n_weights
    return None, found.n_weights
