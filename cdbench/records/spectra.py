"""What was measured of a network's layers and of the whole: conditions, spectra, curvature."""

from dataclasses import dataclass

from cdbench.records.noise_floors import NoiseFloor
from cdbench.records.quantiles import kept_ranks


@dataclass(frozen=True)
class Condition:
    """How well conditioned a set of spectral numbers is; the columns of ``condition_number``.

    Attributes
    ----------
    largest, smallest : float
        Extremes of the numbers that count: for ``published``, those above the threshold; for every
        other kind, all of them.
    kappa : float
        largest / smallest; infinite if the smallest is at or below the threshold.
    kappa_nonnull : float
        largest / smallest of only the numbers above the threshold.
    rank : int
        Number of numbers above the threshold.
    size : int
        Number of all numbers.
    threshold : float
        Level at or below which a number counts as zero.
    flatness : float or None
        Geometric / arithmetic mean of the numbers, 0 to 1; None if not measured.
    effective_rank : float or None
        Sum of the numbers / the largest; None if not measured.
    floors : tuple of NoiseFloor
        Conditions above each of ``FLOORS``, the lowest first; empty if not measured.
    """

    largest: float
    smallest: float
    kappa: float
    kappa_nonnull: float
    rank: int
    size: int
    threshold: float
    flatness: float | None = None
    effective_rank: float | None = None
    floors: tuple[NoiseFloor, ...] = ()

    def damped_kappa(self, level: float) -> float:
        """Return (largest + d) / (smallest + d), where d is this share of the numbers' sum.

        The sum (the trace) is effective_rank · largest. Where nothing is added to zeros, it is κ.

        Raises
        ------
        ValueError
            If the effective rank was not measured.
        """
        if self.effective_rank is None:
            raise ValueError("a condition without effective rank cannot be damped")
        d = level * (self.effective_rank * self.largest)
        damped = self.smallest + d
        return (self.largest + d) / damped if damped > 0 else self.kappa


@dataclass(frozen=True)
class Spectrum:
    """One layer's spectral numbers of one kind, with their condition.

    Attributes
    ----------
    layer : int
        Weight layer, from 1 at the input.
    kind : str
        A key of ``cdbench.diagnostics.spectra.KINDS``.
    epoch : int
        Number of epochs trained at the measurement; with a step, the epoch in progress.
    values : tuple of float
        The numbers, largest first; empty if only the condition is kept.
    condition : Condition
        Derived from the values.
    sample : str or None
        Data that it was measured on, one of ``cdbench.config.diagnostics.SAMPLES``; None if it
        depends on no data.
    step : int
        0, or the epoch's update, from 1, before which it was measured on the update's mini-batch.
    multiplicity : int
        How often each number occurs.
    n_numbers : int or None
        None if all numbers are kept. Otherwise, how many there were, of which the values are
        quantiles: at equally spaced ranks, including the largest and the smallest number.
    """

    layer: int
    kind: str
    epoch: int
    values: tuple[float, ...]
    condition: Condition
    sample: str | None = None
    step: int = 0
    multiplicity: int = 1
    n_numbers: int | None = None

    @property
    def ranks(self) -> tuple[int, ...]:
        """The rank of each value among all numbers; the largest has rank 1."""
        if self.n_numbers is None:
            return tuple(range(1, len(self.values) + 1))
        return kept_ranks(self.n_numbers)


@dataclass(frozen=True)
class Curvature:
    """Spectrum of one matrix of the whole network, for some samples.

    Attributes
    ----------
    matrix : str
        "gauss_newton" or "hessian", of the mean cross-entropy.
    coordinates : str
        "own", the parameters themselves, or "weight-space", with √B·c in place of every c, where a
        step moves W as far as in a dense layer.
    epoch : int
        Number of epochs trained at the measurement.
    sample : str
        Which samples: "train", "test" or "batch".
    n_samples, size : int
        Number of samples and of parameters.
    method : str
        "exact", for all eigenvalues, or "lanczos", for extremes and an estimated density.
    rank : int or None
        Number of eigenvalues above the threshold in magnitude; None for lanczos, which cannot
        count them.
    threshold : float
        Level at or below which an eigenvalue counts as zero.
    largest, smallest : float
        Extreme eigenvalues, with their sign.
    kappa : float
        largest / smallest; infinite unless every eigenvalue is above the threshold.
    kappa_nonnull : float, optional
        max |λ| / min |λ| over the eigenvalues above the threshold in magnitude; None for lanczos,
        which does not resolve the small ones.
    trace, trace_error : float
        Sum of the eigenvalues, and its standard error, which is 0 if exact.
    effective_rank : float
        Σ|λ| / max|λ|.
    damping, damped_kappa : float
        d, and (largest + d) / (smallest + d); infinite where smallest + d is not positive.
    nodes, weights : tuple of float
        Eigenvalues, or Ritz values for lanczos, largest first, and the share of the spectrum at
        each; the shares sum to 1.
    """

    matrix: str
    coordinates: str
    epoch: int
    sample: str
    n_samples: int
    method: str
    size: int
    rank: int | None
    threshold: float
    largest: float
    smallest: float
    kappa: float
    kappa_nonnull: float | None
    trace: float
    trace_error: float
    effective_rank: float
    damping: float
    damped_kappa: float
    nodes: tuple[float, ...]
    weights: tuple[float, ...]
