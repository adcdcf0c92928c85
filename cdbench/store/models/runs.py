"""The tables of runs: environments, sweeps, runs and their epochs."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from cdbench.records.run import STATUSES
from cdbench.store.models.base import LARGE, Base, integer_key, of_run, order_of_writing


class Environment(Base):
    """Software and machine that runs were trained with; one row per distinct environment."""

    __tablename__ = "environment"

    environment_id: Mapped[int] = integer_key("Key.")
    digest: Mapped[str] = mapped_column(unique=True, comment="SHA-256 of all other columns.")
    python_version: Mapped[str] = mapped_column(comment="Version of Python.")
    numpy_version: Mapped[str] = mapped_column(comment="Version of NumPy.")
    scipy_version: Mapped[str] = mapped_column(comment="Version of SciPy.")
    scikit_learn_version: Mapped[str] = mapped_column(comment="Version of scikit-learn.")
    cdbench_version: Mapped[str] = mapped_column(comment="Version of cdbench.")
    blas: Mapped[str] = mapped_column(comment="BLAS library, its version and kernel.")
    blas_threads: Mapped[int] = mapped_column(comment="BLAS threads while training.")
    cpu: Mapped[str] = mapped_column(comment="Model name of the processor.")
    n_cores: Mapped[int] = mapped_column(comment="Logical cores of the machine.")
    operating_system: Mapped[str] = mapped_column(comment="Name, release, architecture.")
    git_commit: Mapped[str | None] = mapped_column(
        comment="Commit of cdbench's own source; NULL when installed from a wheel."
    )
    git_dirty: Mapped[bool | None] = mapped_column(
        comment="1 if that source had uncommitted changes; NULL as above."
    )


class Sweep(Base):
    """One call of `cdbench sweep` that trained something."""

    __tablename__ = "sweep"

    sweep_id: Mapped[int] = integer_key("Key.")
    uuid: Mapped[str] = mapped_column(
        index=True,
        unique=True,
        server_default=text("''"),
        comment="Identity of the sweep in any database.",
    )
    command_line: Mapped[str] = mapped_column(comment="The command as it was typed.")
    started_at: Mapped[datetime] = mapped_column(comment="Start, UTC.")
    ended_at: Mapped[datetime | None] = mapped_column(
        comment="End, UTC; NULL while running or if killed."
    )


class Run(Base):
    """One training, written whole when it ended. The columns `dataset` to `seed` are its knobs."""

    __tablename__ = "run"
    __table_args__ = (
        CheckConstraint(
            "status IN ({})".format(", ".join(f"'{status}'" for status in STATUSES)), name="status"
        ),
        CheckConstraint("(status = 'diverged') = (diverged_epoch IS NOT NULL)", name="diverged"),
        Index(None, "config_digest", "status", "sequence", "run_id"),
        Index(None, "group_digest"),
        Index(None, "dataset", "seed"),
    )

    run_id: Mapped[int] = integer_key("Key; a later run has a larger one.")
    uuid: Mapped[str] = mapped_column(unique=True, comment="Identity of the run in any database.")
    sequence: Mapped[int] = order_of_writing()
    sweep_id: Mapped[int | None] = mapped_column(
        ForeignKey("sweep.sweep_id"), index=True, comment="Sweep it belongs to; NULL for `train`."
    )
    environment_id: Mapped[int] = mapped_column(
        ForeignKey("environment.environment_id"), index=True, comment="What it was trained with."
    )
    status: Mapped[str] = mapped_column(comment="How it ended: " + ", ".join(STATUSES) + ".")
    config_json: Mapped[str] = mapped_column(
        comment="The whole configuration: JSON, keys sorted, no spaces."
    )
    config_digest: Mapped[str] = mapped_column(comment="SHA-256 of config_json.")
    group_digest: Mapped[str] = mapped_column(
        comment="SHA-256 of the configuration without its seed: equal for repetitions."
    )
    baseline_digest: Mapped[str | None] = mapped_column(
        comment="config_digest of the dense run that it is compared with, all else being equal; "
        "its own where it is dense; NULL where an upgrade could not read config_json."
    )
    dataset: Mapped[str] = mapped_column(comment="Name or path of the data set.")
    label_column: Mapped[str | None] = mapped_column(
        comment="Label column of a .csv file; NULL for the last, or for other sources."
    )
    task: Mapped[str] = mapped_column(
        server_default="classification",
        comment="What is learned: classification, or regression of a numeric label column.",
    )
    dataset_fingerprint: Mapped[str | None] = mapped_column(
        comment="SHA-256 of the data's arrays; NULL if they could not be read."
    )
    permute: Mapped[int | None] = mapped_column(
        LARGE, comment="Seed of a fixed permutation of the features; NULL for none."
    )
    encode: Mapped[str | None] = mapped_column(
        comment="How text and blanks become numbers, such as one-hot; NULL where none are allowed."
    )
    test: Mapped[str | None] = mapped_column(
        comment="File of the test split; NULL where it is drawn, or comes with the data set."
    )
    input: Mapped[str] = mapped_column(
        server_default="standardize",
        comment="Input transform, fitted on the training split: scale, center, standardize "
        "or whiten.",
    )
    layer: Mapped[str] = mapped_column(
        comment="Layer family, such as dense, cdlinear or low-rank; the views call it family."
    )
    structure: Mapped[str | None] = mapped_column(
        comment="The family's structure, such as rank=8 or blocks=8 inner=16: the main parameter, "
        "and others that are not at their default; NULL for families without, and for cdlinear."
    )
    B: Mapped[int | None] = mapped_column(
        "B", comment="Block size of cdlinear; NULL for other families."
    )
    hidden: Mapped[str] = mapped_column(comment="Hidden widths as asked for, such as 64 64.")
    head: Mapped[str] = mapped_column(
        server_default="structured",
        comment="The last layer: structured, of the family of the others, or dense.",
    )
    normalization: Mapped[str] = mapped_column(
        server_default="none",
        comment="Normalisation before each linear layer: none, layer or batch.",
    )
    epochs: Mapped[int] = mapped_column(LARGE, comment="Epochs asked for.")
    validation: Mapped[float] = mapped_column(
        server_default="0", comment="Share of the training split held out, 0 to 1; 0 is none."
    )
    early_stopping: Mapped[int | None] = mapped_column(
        LARGE,
        comment="Epochs without a lower validation loss after which it ended; NULL: never.",
    )
    batch_size: Mapped[int] = mapped_column(LARGE, comment="Samples per update.")
    learning_rate: Mapped[float] = mapped_column(comment="Step size η.")
    learning_rate_scaling: Mapped[str] = mapped_column(
        server_default="raw",
        comment="raw: the step on all weights is η; weight-space: η over how far a unit step moves "
        "W, squared (B for cdlinear); mean, sharp: η over the layer's gain.",
    )
    momentum: Mapped[float] = mapped_column(comment="Momentum of sgd; β₁ of adam.")
    optimizer: Mapped[str] = mapped_column(comment="sgd or adam.")
    dropout: Mapped[float] = mapped_column(comment="Drop probability, 0 to 1 (Eq. 7).")
    fisher_weight: Mapped[float] = mapped_column(comment="λ_F of the Fisher regulariser; 0 is off.")
    fisher_form: Mapped[str] = mapped_column(comment="trace-inverse (Eq. 8) or log-variance.")
    fisher_epsilon: Mapped[float] = mapped_column(comment="ε of the Fisher regulariser.")
    dtype: Mapped[str] = mapped_column(comment="float64 or float32.")
    product: Mapped[str] = mapped_column(
        server_default="auto",
        comment="How cdlinear computes its products: auto, gather, polygon or fft.",
    )
    seed: Mapped[int] = mapped_column(LARGE, comment="Seed of split, weights and order of samples.")
    widths: Mapped[str | None] = mapped_column(
        comment="Widths as built, such as 64→64→64→12; NULL if it ended before."
    )
    n_parameters: Mapped[int | None] = mapped_column(
        LARGE, comment="Weights and biases, as a count."
    )
    product_used: Mapped[str | None] = mapped_column(
        comment="The product that the run was computed with; NULL for dense, or if it ended before."
    )
    diagnostics_json: Mapped[str | None] = mapped_column(
        comment="What was measured beside the epochs: JSON; NULL for runs of schema 0001."
    )
    started_at: Mapped[datetime] = mapped_column(comment="Start, UTC.")
    duration_s: Mapped[float] = mapped_column(comment="Wall time with data and spectra, seconds.")
    cpu_s: Mapped[float] = mapped_column(comment="CPU time of the same, seconds.")
    peak_memory_bytes: Mapped[int | None] = mapped_column(
        LARGE, comment="Peak resident memory of the process so far, bytes; NULL where unknown."
    )
    error: Mapped[str | None] = mapped_column(
        comment="Why it did not complete; a traceback for a bug; NULL if completed."
    )
    diverged_epoch: Mapped[int | None] = mapped_column(
        comment="Epoch, from 1, whose loss was not finite; NULL unless diverged."
    )
    diverged_step: Mapped[int | None] = mapped_column(
        comment="Update within that epoch, from 1; NULL unless diverged."
    )


class Epoch(Base):
    """What one epoch of a run gave."""

    __tablename__ = "epoch"
    __table_args__ = (CheckConstraint("test_accuracy BETWEEN 0 AND 1", name="test_accuracy"),)

    run_id: Mapped[int] = mapped_column(of_run(), primary_key=True, comment="The run.")
    epoch: Mapped[int] = integer_key("From 1.")
    training_loss: Mapped[float] = mapped_column(
        comment="Mean of the epoch's batch losses as seen in it, no regulariser: cross-entropy, "
        "nats; of a regression, squared error in the target's unit squared."
    )
    test_loss: Mapped[float] = mapped_column(comment="Mean loss on the test split.")
    test_accuracy: Mapped[float | None] = mapped_column(
        comment="Share of the test split classified correctly, 0 to 1; NULL of a regression."
    )
    duration_s: Mapped[float] = mapped_column(comment="Wall time of its updates, seconds.")
    validation_loss: Mapped[float | None] = mapped_column(
        comment="Mean loss on the samples held out for validation; NULL without them."
    )
    validation_accuracy: Mapped[float | None] = mapped_column(
        comment="Share of these classified correctly, 0 to 1; NULL without them."
    )
    test_r2: Mapped[float | None] = mapped_column(
        comment="R² of the test split, 1 − Σ(y − ŷ)² / Σ(y − ȳ)², at most 1; NULL of a "
        "classification."
    )


class LayerGain(Base):
    """What the step on a layer's weights was divided by, in runs scaled by mean or sharp."""

    __tablename__ = "layer_gain"
    __table_args__ = (CheckConstraint("gain > 0", name="gain"),)

    run_id: Mapped[int] = mapped_column(of_run(), primary_key=True, comment="The run.")
    layer: Mapped[int] = integer_key("Weight layer, from 1 for the first.")
    gain: Mapped[float] = mapped_column(
        comment="Trace (mean) or largest eigenvalue (sharp) of its Gauss–Newton matrix over that "
        "of a dense layer of its widths, for the first batch, before the first step."
    )


class ClassAccuracy(Base):
    """How well a class of a completed run's test split is recognised after its last epoch."""

    __tablename__ = "class_accuracy"
    __table_args__ = (CheckConstraint("accuracy BETWEEN 0 AND 1", name="accuracy"),)

    run_id: Mapped[int] = mapped_column(of_run(), primary_key=True, comment="The run.")
    position: Mapped[int] = mapped_column(
        primary_key=True, comment="Place among the run's classes, from 1."
    )
    label: Mapped[str] = mapped_column(comment="Name of the class.")
    n_samples: Mapped[int] = mapped_column(LARGE, comment="Test samples that are of it.")
    accuracy: Mapped[float] = mapped_column(comment="Share of these classified correctly, 0 to 1.")
