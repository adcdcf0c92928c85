"""Run: one training with everything it gave, as plain values that any process can pass on."""

from dataclasses import dataclass
from datetime import datetime

from cdbench.config import RunConfig

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
    """

    largest: float
    smallest: float
    kappa: float
    kappa_nonnull: float
    rank: int
    size: int
    threshold: float


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
        Number of epochs trained when it was measured.
    values : tuple of float
        The numbers, from the largest.
    condition : Condition
        Derived from the values.
    """

    layer: int
    kind: str
    epoch: int
    values: tuple[float, ...]
    condition: Condition


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

    ``widths`` and ``n_parameters`` are of the network as built; they, the fingerprint of the data
    set and the spectra are missing where the run ended before they were known.
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
    epochs: tuple[EpochMetrics, ...] = ()
    spectra: tuple[Spectrum, ...] = ()
    error: str | None = None
    diverged_epoch: int | None = None
    diverged_step: int | None = None
