"""What a kind of spectrum is computed from, and the condition of a set of numbers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cdbench.engine.layers import Params, WeightLayer
from cdbench.engine.products.base import Array
from cdbench.records.noise_floors import FLOORS, NoiseFloor
from cdbench.records.spectra import Condition


@dataclass(frozen=True)
class LayerState:
    """One weight layer of a network at some moment of its training.

    Attributes
    ----------
    layer : WeightLayer
        The layer whose matrix is W: of a convolution, the kernel.
    params : Params
        Its parameters, in float64.
    acting : tuple of int
        Shape (n_out, n_in) of W as it acts, without padded inputs and sliced-off logits.
    inputs : (n, layer.n_in) float64
        What W multiplies for the training split, in evaluation, or rows with the same second
        moment.
    eps : float
        Spacing of the run's floating-point type at 1.
    n_samples : int
        How many samples ``inputs`` stands for, whose tokens or windows may be several rows each.
    columns : (n_in,) int, optional
        Which columns of W act, if not the first.
    """

    layer: WeightLayer
    params: Params
    acting: tuple[int, int]
    inputs: Array
    eps: float
    n_samples: int = 0
    columns: NDArray[np.intp] | None = None

    @property
    def acts_whole(self) -> bool:
        """Whether all of W acts: no input is padded and no logit sliced off."""
        return self.acting == (self.layer.n_out, self.layer.n_in)

    def matrix(self) -> Array:
        """Return W as it acts, (n_out, n_in), made anew: a wide layer may not need it."""
        n_out, n_in = self.acting
        columns = slice(n_in) if self.columns is None else self.columns
        return self.layer.matrix(self.params)[:n_out, columns]


@dataclass(frozen=True)
class Numbers:
    """A kind's numbers for one layer.

    Attributes
    ----------
    values : (size,) float64
        Non-negative, in any order.
    threshold : float
        Level at or below which a number counts as zero.
    drops : bool
        Whether numbers at or below the threshold are left out of κ, as Table 1 does, instead of
        making it infinite.
    multiplicity : int
        How often each number occurs in the matrix's spectrum.
    n_groups : int
        Number of consecutive groups of equal length whose flatness is averaged.
    """

    values: Array
    threshold: float
    drops: bool = False
    multiplicity: int = 1
    n_groups: int = 1


Kind = Callable[[LayerState], Numbers]
"""Raises NotDefinedError for a family that has no such numbers."""


def squared_threshold(largest: float, length: int, eps: float) -> float:
    """Return the rounding level of squared magnitudes: (length · eps)² · largest.

    A magnitude that is a sum over ``length`` terms is known to about length · eps of the largest
    one (the rule of ``numpy.linalg.matrix_rank``); its square is compared with the square of that.
    """
    return (length * eps) ** 2 * largest


def flatness(numbers: Numbers) -> float:
    """Return geometric mean / arithmetic mean (Wiener's spectral flatness), 0 to 1, of each group.

    1 is a flat spectrum; one number at or below the threshold makes its group's 0. The mean over
    the groups.
    """
    groups = numbers.values.reshape(numbers.n_groups, -1)
    counted = np.all(groups > numbers.threshold, axis=1)
    flat = np.zeros(len(groups))
    kept = groups[counted]
    flat[counted] = np.exp(np.log(kept).mean(axis=1)) / kept.mean(axis=1)
    return float(flat.mean())


def condition(numbers: Numbers, *, floors: bool = False) -> Condition:
    """Return extremes, κ, rank and flatness of a set of non-negative numbers.

    κ is infinite where a number is at or below the threshold, unless those are dropped; the κ of
    the non-null part is infinite only where that part is empty.
    """
    kept = numbers.values[numbers.values > numbers.threshold]
    counted = kept if numbers.drops and kept.size else numbers.values
    largest, smallest = float(counted.max()), float(counted.min())
    return Condition(
        largest=largest,
        smallest=smallest,
        kappa=largest / smallest if smallest > numbers.threshold else np.inf,
        kappa_nonnull=float(kept.max() / kept.min()) if kept.size else np.inf,
        rank=int(kept.size) * numbers.multiplicity,
        size=int(numbers.values.size) * numbers.multiplicity,
        threshold=float(numbers.threshold),
        flatness=flatness(numbers),
        effective_rank=_effective_rank(numbers.values),
        floors=noise_floors(numbers) if floors else (),
    )


def _ratio(numerator: float, denominator: float) -> float:
    return float(numerator / denominator) if denominator > 0 else np.inf


def _effective_rank(values: Array) -> float:
    """Return sum / largest; of a spectrum of zeros, 0."""
    largest = values.max()
    return float(values.sum() / largest) if largest > 0 else 0.0


def noise_floors(numbers: Numbers) -> tuple[NoiseFloor, ...]:
    """Return κ of the numbers that reach each of the noise floors FLOORS.

    An advantage in κ that rests on directions with hardly any power goes as the floor rises.
    """
    values, largest = numbers.values, numbers.values.max()
    found = []
    for level in FLOORS:
        d = level * values.sum()
        kept = values[values >= min(d, largest)]
        n_left = int(kept.size) * numbers.multiplicity
        found.append(NoiseFloor(level, _ratio(largest, kept.min()), n_left))
    return tuple(found)
