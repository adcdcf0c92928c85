"""Made-up numbers at the noise floors that decide, for the tests of claims that rest on κ."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

from cdbench.claims.evidence.kappa_curves import DECIDING, ROBUST, cut
from cdbench.records.judgement import Observation
from cdbench.records.noise_floors import FLOORS, NoiseFloor


@cache
def same_at_all(kappa: float) -> tuple[NoiseFloor, ...]:
    """Noise floors above which κ is the same: no direction is without power."""
    return tuple(NoiseFloor(level, kappa, 2) for level in FLOORS)


def at_floors(
    observations: Iterable[Observation],
    beyond: Iterable[Observation] = (),
    highest: float = ROBUST,
) -> list[Observation]:
    """The observations at every level that decides; above the highest those of ``beyond``."""
    observations, beyond = list(observations), list(beyond)
    return [
        replace(own, quantity=cut(own.quantity, level))
        for level in DECIDING
        for own in (observations if level <= highest else beyond)
    ]
