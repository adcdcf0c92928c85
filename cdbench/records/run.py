"""Run: one training and all its results, as plain values that can pass between processes."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Optional

from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.records.spectra import Curvature, Spectrum

if TYPE_CHECKING:  # it imports NumPy, and the command line names statuses of runs
    from cdbench.records.weights import Weights

COMPLETED, DIVERGED, INTERRUPTED, FAILED = "completed", "diverged", "interrupted", "failed"
STATUSES = (COMPLETED, DIVERGED, INTERRUPTED, FAILED)
"""How a run ends."""

REMOVED = "removed"
"""In a database, the status of a run in the trash; no run ends so."""


def short_error(error: str | None) -> str:
    """Return why a run did not complete in one line: of a traceback, the exception itself."""
    lines = (error or "").strip().splitlines()
    ends = max((place for place, line in enumerate(lines, 1) if line.startswith("  ")), default=0)
    return " ".join(lines[ends:] or lines[-1:])


class Scored:
    """What has a test accuracy, or R² if it is of a regression; the other is None."""

    test_accuracy: float | None
    test_r2: float | None

    @property
    def accuracy(self) -> float:
        """The test accuracy of a classification, 0 to 1."""
        assert self.test_accuracy is not None
        return self.test_accuracy

    @property
    def score(self) -> float:
        """The test accuracy, or of a regression R²."""
        return self.accuracy if self.test_r2 is None else self.test_r2


@dataclass(frozen=True)
class EpochMetrics(Scored):
    """The results of one epoch.

    Attributes
    ----------
    epoch : int
        From 1.
    training_loss : float
        Unweighted mean of the batches' losses as seen during the epoch; without regularisers. A
        loss is the cross-entropy in nats; of a regression, the mean squared error in the target's
        unit squared.
    test_loss : float
        Mean loss of the test split after the epoch.
    test_accuracy : float or None
        Share of the test split classified correctly after the epoch, 0 to 1; None of a regression.
    duration_s : float
        Wall time of the updates without the evaluation, in seconds.
    validation_loss, validation_accuracy : float or None
        As of the test split, of the samples held out for validation; None if there are none.
    test_r2 : float or None
        R² of the test split after the epoch, 1 − Σ(y − ŷ)² / Σ(y − ȳ)², at most 1; None of a
        classification.
    """

    epoch: int
    training_loss: float
    test_loss: float
    test_accuracy: float | None
    duration_s: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None
    test_r2: float | None = None


@dataclass(frozen=True)
class ClassAccuracy:
    """How well one class of the test split is recognised after the last epoch.

    Attributes
    ----------
    label : str
        Name of the class in the data set.
    n_samples : int
        How many test samples are of it.
    accuracy : float
        Share of these that were classified correctly, 0 to 1.
    """

    label: str
    n_samples: int
    accuracy: float


@dataclass(frozen=True)
class LayerGain:
    """What the learning rate of a layer's weights was divided by.

    Attributes
    ----------
    layer : int
        The weight layer, from 1 for the first.
    gain : float
        How much more a step moves its outputs than a dense layer's (``engine.step_sizes``).
    """

    layer: int
    gain: float


@dataclass(frozen=True)
class Environment:
    """The software and the machine with which a run was trained.

    Attributes
    ----------
    blas : str
        The library, its version, and for which processor its kernels are, as OpenBLAS names it.
    simd : str, optional
        Vector instructions that NumPy used beyond those that it always does, as it names them. Not
        recorded before schema 0018. With equal versions, these and the kernels settle every bit.
    """

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
    simd: str | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of what is recorded."""
        values = asdict(self)
        if self.simd is None:  # as it was before there was one
            del values["simd"]
        return sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Run:
    """One training and its results: epochs, spectra, cost and status.

    Attributes
    ----------
    uuid : str
        Its own, wherever it is stored.
    config : RunConfig
        What was trained, pinned to the contents of a data file.
    status : str
        One of STATUSES.
    environment : Environment
        The software and the machine.
    started_at : datetime
        In UTC.
    duration_s, cpu_s : float
        Wall and processor time in seconds; of runs side by side, the share of each.
    peak_memory_bytes : int or None
        Of the process until then; None where the system cannot tell.
    dataset_fingerprint : str or None
        SHA-256 of the data, in hexadecimal.
    widths : tuple of int
        Widths as built, from the inputs on.
    n_parameters : int or None
        Weights and biases as built.
    product_used : str or None
        How block-circulant products were computed; None of other layers.
    gains : tuple of LayerGain
        There if the learning-rate scaling measures them.
    epochs : tuple of EpochMetrics
        In order; losses in nats, accuracies from 0 to 1.
    spectra : tuple of Spectrum
        Of the layers, with their condition numbers.
    curvature : tuple of Curvature
        Of the whole network.
    classes : tuple of ClassAccuracy
        Accuracy of each class after the last epoch, 0 to 1.
    error : str or None
        Why it did not complete.
    diverged_epoch, diverged_step : int or None
        Where the loss stopped being finite, both from 1.
    diagnostics : Diagnostics or None
        What was measured.
    weights : Weights or None
        The trained network, if it completed and was to be kept.

    Notes
    -----
    ``widths``, ``n_parameters`` and ``product_used``, the data's fingerprint and the spectra are
    missing if the run ended before they were known.

    Examples
    --------
    >>> import cdbench
    >>> run = cdbench.execute(cdbench.RunConfig(dataset="iris", B=2, epochs=2))
    >>> run.status, run.n_parameters, [metrics.epoch for metrics in run.epochs]
    ('completed', 2436, [1, 2])
    >>> run
    <Run cdlinear B=2 · iris · seed 0: completed>
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
    gains: tuple[LayerGain, ...] = ()
    epochs: tuple[EpochMetrics, ...] = ()
    spectra: tuple[Spectrum, ...] = ()
    curvature: tuple[Curvature, ...] = ()
    classes: tuple[ClassAccuracy, ...] = ()
    error: str | None = None
    diverged_epoch: int | None = None
    diverged_step: int | None = None
    diagnostics: Diagnostics | None = None
    weights: Optional["Weights"] = None

    def __repr__(self) -> str:
        """Return what was trained and how it ended; the fields would fill pages."""
        config = self.config
        return f"<Run {config.model} · {config.dataset} · seed {config.seed}: {self.status}>"
