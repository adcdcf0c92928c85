"""Which settings of a family are tried, and which of them is the one for a size."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import log
from typing import Protocol, TypeVar

from cdbench.config import families
from cdbench.config.structure import Value

NEAR = 0.12
"""Largest relative distance from a budget at which a size counts as matched."""

HIGH_RANK = 0.9
"""Share of the highest rank of a family's matched settings from which on a rank is high."""

MOST_PADDED = 1.3
"""A setting whose widths, multiplied, grow by more than this factor wastes what it has."""

MAIN_VALUES = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 128)
OTHER_VALUES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
"""Values tried of a family's main structure parameter, and of each other one that is a number."""

GROWING = ("rank", "terms", "depth")
"""Structure parameters that weights are proportional to: large matrices need larger values."""
LARGE_VALUES = tuple(sorted({round(1.05**power) for power in range(150)}))
"""All up to 26, then in steps of about 5 %, up to 1,436."""


class Sized(Protocol):
    """A setting in a place: how much it was padded for it, and the rank that it has there."""

    @property
    def padded(self) -> float:
        """How many times larger its widths, multiplied, are than those asked for."""
        ...

    @property
    def rank(self) -> int:
        """Its expected rank, as far as the widths that were asked for allow."""
        ...


T = TypeVar("T", bound=Sized)


@dataclass(frozen=True)
class Entrant:
    """A family that takes part, with the structure parameters that are not to be matched.

    Attributes
    ----------
    family : str
        Its name.
    fixed : tuple of (str, int or str)
        Structure parameters with their values, such as ``(("basis", "dct"),)``. With the main one
        there, nothing is matched.
    """

    family: str
    fixed: tuple[tuple[str, Value], ...] = ()

    def __str__(self) -> str:
        """Return it as it is typed: ``block-diagonal,basis=dct``."""
        return ",".join([self.family, *(f"{name}={value}" for name, value in self.fixed)])

    @property
    def is_settled(self) -> bool:
        """Whether its size is given, or it has one size only."""
        own = families.family(self.family).structure
        return not own or own[0].name in dict(self.fixed)


def settings(entrant: Entrant, *, large: bool = False) -> Iterator[dict[str, Value]]:
    """Yield the structure parameters of a family that are tried, each with those that are fixed.

    Parameters
    ----------
    entrant : Entrant
        The family.
    large : bool
        Whether ranks and the like are tried in the steps, and as far, as single matrices need.
    """
    fixed = dict(entrant.fixed)
    free = [own for own in families.family(entrant.family).structure if own.name not in fixed]
    free = [own for own in free if not own.choices]
    values: list[list[Value | None]] = []
    for place, own in enumerate(free):
        is_fine = large and own.name in GROWING
        tried: list[Value | None] = [own.default, *OTHER_VALUES] if place else [*MAIN_VALUES]
        values.append([*LARGE_VALUES] if is_fine else tried)
    for chosen in product(*values):
        given = dict(zip((own.name for own in free), chosen, strict=True)) | fixed
        yield {key: value for key, value in given.items() if value is not None}


def off(size: float, target: float) -> float:
    """Return how far a size is from a target, relative to the target."""
    return abs(size / target - 1)


def nearest(candidates: Sequence[T], target: float, size: Callable[[T], float]) -> T | None:
    """Return the nearest of the matched settings of high rank, or else the nearest of all.

    A matched setting of low rank, such as a Monarch of narrow inner width, is not what its family
    can do at this size. None if there is no setting.
    """
    matched = [one for one in candidates if off(size(one), target) <= NEAR / 2]
    enough = HIGH_RANK * max((one.rank for one in matched), default=0)
    able = [one for one in matched if one.rank >= enough] or candidates
    return min(  # padding is waste, and counts like distance
        able, key=lambda one: abs(log(size(one) / target)) + log(one.padded), default=None
    )
