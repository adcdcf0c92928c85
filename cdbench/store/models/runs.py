"""The tables of runs, of the environments and of the sweeps that they belong to."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from cdbench.records.run import REMOVED, STATUSES
from cdbench.store.models.base import LARGE, Base, integer_key, order_of_writing


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
            "status IN ({})".format(", ".join(f"'{one}'" for one in (*STATUSES, REMOVED))),
            name="status",
        ),
        CheckConstraint(
            f"status = '{REMOVED}' OR (status = 'diverged') = (diverged_epoch IS NOT NULL)",
            name="diverged",
        ),
        Index(None, "configuration_id", "seed"),
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
    status: Mapped[str] = mapped_column(
        comment="How it ended: " + ", ".join(STATUSES) + "; or removed, of a run in `trash`, which "
        "has how it ended."
    )
    configuration_id: Mapped[int] = mapped_column(
        ForeignKey("configuration.configuration_id"),
        comment="Its configuration but for `seed`.",
    )
    config_digest: Mapped[str] = mapped_column(
        comment="SHA-256 of the configuration with its seed: JSON, keys sorted, no spaces."
    )
    dataset: Mapped[str] = mapped_column(comment="Name or path of the data set.")
    label_column: Mapped[str | None] = mapped_column(
        comment="Label column of a .csv file; NULL for the last, or for other sources."
    )
    task: Mapped[str] = mapped_column(
        server_default="classification",
        comment="What is learned: classification, regression of a numeric label column, or "
        "language, the next character of a text.",
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
        "whiten or none.",
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
    architecture: Mapped[str] = mapped_column(
        server_default="mlp", comment="Architecture: mlp, residual-mlp, conv or attention."
    )
    activation: Mapped[str] = mapped_column(
        server_default="relu", comment="Activation between weight layers: relu, gelu or tanh."
    )
    width: Mapped[int | None] = mapped_column(
        LARGE, comment="Width of residual-mlp and attention; NULL for others."
    )
    depth: Mapped[int | None] = mapped_column(
        LARGE, comment="Blocks of residual-mlp and attention; NULL for others."
    )
    channels: Mapped[str | None] = mapped_column(
        comment="Channels of the convolutions, such as 16 32; NULL but for conv."
    )
    kernel: Mapped[int | None] = mapped_column(
        LARGE, comment="Height and width of its kernels, pixels; NULL but for conv."
    )
    stride: Mapped[int | None] = mapped_column(
        LARGE, comment="Step of its kernels, pixels; NULL but for conv."
    )
    padding: Mapped[str | None] = mapped_column(
        comment="Edge of its images: same or valid; NULL but for conv."
    )
    pooling: Mapped[str | None] = mapped_column(
        comment="After each convolution: max, average or none; NULL but for conv."
    )
    readout: Mapped[str | None] = mapped_column(
        comment="What its last layer reads: average or flatten; NULL but for conv."
    )
    heads: Mapped[int | None] = mapped_column(LARGE, comment="Heads of attention; NULL for others.")
    head_width: Mapped[int | None] = mapped_column(
        LARGE, comment="Width of each head; NULL for the width / the number of heads."
    )
    patch: Mapped[int | None] = mapped_column(
        LARGE, comment="Height and width of the patches that are tokens, pixels; NULL for rows."
    )
    context: Mapped[int | None] = mapped_column(
        LARGE, comment="Characters of a sample of a text; NULL for other data."
    )
    weight_decay: Mapped[float | None] = mapped_column(
        comment="Weight decay of adamw; NULL for other optimisers."
    )
    schedule: Mapped[str] = mapped_column(
        server_default="constant", comment="Learning rate over the steps: constant or cosine."
    )
    warmup: Mapped[float] = mapped_column(
        server_default="0", comment="Share of all steps over which the learning rate grows, 0 to 1."
    )
    clip: Mapped[float | None] = mapped_column(
        comment="Largest norm of the gradient; NULL for any."
    )
    label_smoothing: Mapped[float] = mapped_column(
        server_default="0",
        comment="Share of each target spread over the classes in training, 0 to 1.",
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
    diagnostics_id: Mapped[int | None] = mapped_column(
        ForeignKey("diagnostics.diagnostics_id"),
        comment="What was measured beside the epochs; NULL for runs of schema 0001.",
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
