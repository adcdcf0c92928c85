"""Run: one training with everything it gave, as plain values that any process can pass on."""

from dataclasses import dataclass
from datetime import datetime

from cdbench.config import RunConfig
from cdbench.diagnostics import Diagnostics

COMPLETED, DIVERGED, INTERRUPTED, FAILED = "completed", "diverged", "interrupted", "failed"
STATUSES = (COMPLETED, DIVERGED, INTERRUPTED, FAILED)


@dataclass(frozen=True)
class EpochMetrics:
    """What one epoch gave.

    Attributes
    ----------
    epoch : int
        From 1.
    training_loss : float
        Unweighted mean of the batches' cross-entropies, in nats, as they were seen during the
        epoch; without regularisers.
    test_loss : float
        Mean cross-entropy of the test split after the epoch, in nats.
    test_accuracy : float
        Share of the test split classified rightly after the epoch, 0 to 1.
    duration_s : float
        Wall time of the updates, without the evaluation, in seconds.
    """

    epoch: int
    training_loss: float
    test_loss: float
    test_accuracy: float
    duration_s: float


@dataclass(frozen=True)
class Condition:
    """How well conditioned a set of spectral numbers is; the columns of ``condition_number``.

    Attributes
    ----------
    largest, smallest : float
        Extremes of the numbers that count. For ``published`` those are the ones above the
        threshold, for every other kind all of them.
    kappa : float
        largest / smallest; infinite where the smallest is at or below the threshold.
    kappa_nonnull : float
        largest / smallest over the numbers above the threshold only.
    rank : int
        How many numbers are above the threshold.
    size : int
        How many numbers there are.
    threshold : float
        Level at or below which a number counts as zero.
    flatness : float or None
        Geometric / arithmetic mean of the numbers, 0 to 1; None where it was not measured.
    """

    largest: float
    smallest: float
    kappa: float
    kappa_nonnull: float
    rank: int
    size: int
    threshold: float
    flatness: float | None = None


@dataclass(frozen=True)
class Spectrum:
    """One layer's spectral numbers of one kind, with their condition.

    Attributes
    ----------
    layer : int
        Weight layer, from 1 at the input.
    kind : str
        A key of ``cdbench.spectra.KINDS``.
    epoch : int
        Number of epochs trained when it was measured; with a step, the epoch in training.
    values : tuple of float
        The numbers, from the largest; none where only the condition was to be kept.
    condition : Condition
        Derived from the values.
    sample : str or None
        Data that it is of, one of ``cdbench.diagnostics.SAMPLES``; None where it depends on none.
    step : int
        0, or the epoch's update, from 1, ahead of which it was measured on that mini-batch.
    multiplicity : int
        How often each number occurs.
    n_numbers : int or None
        None where all numbers are kept; else how many there were, of which the values are
        quantiles: equally spaced ranks, the largest and the smallest number among them.
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
        """The rank of each of the values among all numbers, from 1 at the largest."""
        if self.n_numbers is None:
            return tuple(range(1, len(self.values) + 1))
        return kept_ranks(self.n_numbers)


MOST_VALUES = 4096
"""Numbers of a spectrum that are kept one by one: as many as a 64 × 64 layer has entries."""

N_QUANTILES = 1025
"""Numbers that are kept of a larger one; a wide layer would store megabytes of each kind."""


def kept_ranks(n_numbers: int) -> tuple[int, ...]:
    """Return the ranks of the quantiles that are kept: equally spaced, from 1 to all of them.

    Examples
    --------
    >>> kept_ranks(4097)[:3], kept_ranks(4097)[-1]
    ((1, 5, 9), 4097)
    """
    step = (n_numbers - 1) / (N_QUANTILES - 1)
    return tuple(1 + round(step * i) for i in range(N_QUANTILES))


def ranked_values(spectrum: Spectrum) -> list[tuple[int, float]]:
    """Return a spectrum's values with their ranks; of very many, as once were kept, quantiles."""
    values = spectrum.values
    if spectrum.n_numbers is None and len(values) > MOST_VALUES:
        return [(rank, values[rank - 1]) for rank in kept_ranks(len(values))]
    return list(zip(spectrum.ranks, values, strict=True))


@dataclass(frozen=True)
class Curvature:
    """Spectrum of one matrix of the whole network, over some samples.

    Attributes
    ----------
    matrix : str
        "gauss_newton" or "hessian", of the mean cross-entropy.
    coordinates : str
        "own", the parameters as they are, or "weight-space", √B·c in place of every c, in which a
        step moves W as far as in a dense layer.
    epoch : int
        Number of epochs trained when it was measured.
    sample : str
        Which samples: "train", "test" or "batch".
    n_samples, size : int
        Number of samples and of parameters.
    method : str
        "exact", all eigenvalues, or "lanczos", extremes and an estimated density.
    rank : int or None
        Eigenvalues above the threshold in magnitude; None by lanczos, which cannot count them.
    threshold : float
        Level at or below which an eigenvalue counts as zero.
    largest, smallest : float
        Extreme eigenvalues, with their sign.
    kappa : float
        largest / smallest; infinite unless every eigenvalue is above the threshold.
    kappa_nonnull : float, optional
        max |λ| / min |λ| over the eigenvalues above the threshold in magnitude; None by lanczos,
        which does not resolve the small ones.
    trace, trace_error : float
        Sum of the eigenvalues and its standard error, 0 if exact.
    effective_rank : float
        Σ|λ| / max|λ|.
    damping, damped_kappa : float
        d, and (largest + d) / (smallest + d); infinite where smallest + d is not positive.
    nodes, weights : tuple of float
        Eigenvalues, or Ritz values by lanczos, from the largest, and the share of the spectrum at
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


@dataclass(frozen=True)
class Environment:
    """The software and the machine that a run was trained with."""

    python_version: str
    numpy_version: str
    scipy_version: str
    scikit_learn_version: str
    cdbench_version: str
    blas: str
    blas_threads: int
    cpu: str
    n_cores: int
    operating_system: str
    git_commit: str | None
    git_dirty: bool | None


@dataclass(frozen=True)
class Run:
    """One training with what it gave: epochs, spectra, cost and status.

    ``widths``, ``n_parameters`` and ``product_used``, None of a dense network, are of the network
    as built; they, the fingerprint of the data set and the spectra are missing where the run ended
    before they were known.
    """

    uuid: str
    config: RunConfig
    status: str
    environment: Environment
    started_at: datetime
    duration_s: float
    cpu_s: float
    peak_memory_bytes: int | None
    dataset_fingerprint: str | None = None
    widths: tuple[int, ...] = ()
    n_parameters: int | None = None
    product_used: str | None = None
    epochs: tuple[EpochMetrics, ...] = ()
    spectra: tuple[Spectrum, ...] = ()
    curvature: tuple[Curvature, ...] = ()
    error: str | None = None
    diverged_epoch: int | None = None
    diverged_step: int | None = None
    diagnostics: Diagnostics | None = None
