"""κ above noise floors: the levels at which it is measured, and what is kept of each."""

from dataclasses import dataclass

FLOORS = tuple(10.0**power for power in range(-9, 0))
"""Levels of noise floors: shares of a spectrum's sum, from 1e-9 to 1e-1."""


@dataclass(frozen=True)
class NoiseFloor:
    """How well conditioned a set of numbers is above a noise floor; part of a ``noise_floor`` row.

    Attributes
    ----------
    level : float
        The floor d, as a share of the numbers' sum (the trace, the power).
    cut_kappa : float
        largest / smallest of the numbers that are at least d; 1 where only the largest is left.
    n_left : int
        How many numbers those are.
    """

    level: float
    cut_kappa: float
    n_left: int
