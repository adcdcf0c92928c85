"""Condition numbers at a rising noise floor, and to which floor a finding about κ holds.

κ of a matrix with small directions is whatever the smallest of them makes it, and those are often
of no account. A claim that rests on κ is therefore judged at several floors: directions with less
than a share of the trace are left out.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from statistics import geometric_mean

from cdbench.claims.base import Measurements
from cdbench.records.judgement import Measurement
from cdbench.records.noise_floors import FLOORS
from cdbench.records.spectra import Condition
from cdbench.statistics.wording import above, below

ROUNDING = 0.0
"""The level of κ of the non-null part: what is above rounding counts."""
LEVELS = (ROUNDING, *FLOORS)
ROBUST = 1e-6
"""What is found up to this floor does not rest on directions without power. κ above it can still be
a million, so that the published factors can be reached."""
DECIDING = tuple(level for level in LEVELS if level <= ROBUST)
"""The levels at which a finding about κ must hold."""

Curve = Sequence[Measurement]
"""A measurement at each of the levels that decide, the lowest first."""
Holds = Callable[[Measurement], bool]

MORE: Holds = partial(above, level=1.0)
LESS: Holds = partial(below, level=1.0)
"""Whether the whole interval of a ratio lies above 1, or below."""

FLOORS_COUNT = (
    "The first version judged κ of the non-null part only; since version 2 every noise floor that "
    "decides counts."
)
"""What changed in claims that rest on κ."""


def cut(quantity: str, level: float) -> str:
    """Return the quantity above a noise floor; with level 0, the quantity itself."""
    return f"{quantity}, above {level:.0e} of the trace" if level else quantity


def kappa_at(condition: Condition, level: float) -> float:
    """Return κ of what is above the floor; at level 0 of the non-null part.

    Raises
    ------
    KeyError
        If the condition was not measured at that floor.
    """
    if level == ROUNDING:
        return condition.kappa_nonnull
    return {floor.level: floor.cut_kappa for floor in condition.floors}[level]


def mean_kappa(layers: Iterable[Condition], level: float = ROUNDING) -> float:
    """Return the geometric mean over layers of κ above the floor."""
    return geometric_mean(kappa_at(layer, level) for layer in layers)


def curve(
    found: Measurements,
    quantity: str,
    subject: str,
    baseline: str | None = None,
    statistic: str | None = None,
) -> list[Measurement]:
    """Return a measurement of the quantity at each of the levels that decide."""
    return [found.find(cut(quantity, level), subject, baseline, statistic) for level in DECIDING]


def always(curve: Curve, holds: Holds) -> bool:
    """Whether something holds at every level."""
    return all(map(holds, curve))


def levels_of(curve: Curve, holds: Holds) -> tuple[float, ...]:
    """Return the levels at which something holds, of those that decide."""
    return tuple(level for level, own in zip(DECIDING, curve, strict=True) if holds(own))


def in_words(levels: Iterable[float]) -> str:
    """Return where something holds: ``at rounding level only``, ``up to a floor of 1e-08``."""
    levels = sorted(levels)
    if levels == [ROUNDING]:
        return "at rounding level only"
    if levels == list(LEVELS[: len(levels)]):
        return f"up to a floor of {levels[-1]:.0e}"
    named = [f"{level:.0e}" for level in levels if level]
    at = f"at floors of {', '.join(named)} only"
    return f"at rounding level and {at}" if ROUNDING in levels else at


def named_with(name: str, levels: Iterable[float]) -> str:
    """Return the name, with the levels at which it is so if these are not all that decide."""
    return name if set(levels) == set(DECIDING) else f"{name} ({in_words(levels)})"
