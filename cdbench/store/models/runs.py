"""The tables of runs, of the environments and of the sweeps that they belong to."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, text

from cdbench.records.run import REMOVED, STATUSES
from cdbench.store.models.base import LARGE, Base, column, integer_key, order_of_writing


class Environment(Base):
    """Software and machine that runs were trained with; one row per distinct environment."""

    __tablename__ = "environment"

    environment_id: Column[int] = integer_key("Key.")
    digest: Column[str] = column(
        unique=True, comment="SHA-256 of all other columns, of simd where it is recorded."
    )
    python_version: Column[str] = column(comment="Version of Python.")
    numpy_version: Column[str] = column(comment="Version of NumPy.")
    scipy_version: Column[str] = column(comment="Version of SciPy.")
    scikit_learn_version: Column[str] = column(comment="Version of scikit-learn.")
    cdbench_version: Column[str] = column(comment="Version of cdbench.")
    blas: Column[str] = column(comment="BLAS library, its version and kernel.")
    blas_threads: Column[int] = column(comment="BLAS threads while training.")
    cpu: Column[str] = column(comment="Model name of the processor.")
    n_cores: Column[int] = column(comment="Logical cores of the machine.")
    operating_system: Column[str] = column(comment="Name, release, architecture.")
    git_commit: Column[str | None] = column(
        comment="Commit of cdbench's own source; NULL when installed from a wheel."
    )
    git_dirty: Column[bool | None] = column(
        comment="1 if that source had uncommitted changes; NULL as above."
    )
    simd: Column[str | None] = column(
        comment="Vector instructions that NumPy used beyond its baseline; NULL in runs of schemas "
        "before 0018."
    )


class Sweep(Base):
    """One call of `cdbench sweep` that trained something."""

    __tablename__ = "sweep"

    sweep_id: Column[int] = integer_key("Key.")
    uuid: Column[str] = column(
        index=True,
        unique=True,
        server_default=text("''"),
        comment="Identity of the sweep in any database.",
    )
    command_line: Column[str] = column(comment="The command as it was typed.")
    started_at: Column[datetime] = column(comment="Start, UTC.")
    ended_at: Column[datetime | None] = column(comment="End, UTC; NULL while running or if killed.")


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

    run_id: Column[int] = integer_key("Key; a later run has a larger one.")
    uuid: Column[str] = column(unique=True, comment="Identity of the run in any database.")
    sequence: Column[int] = order_of_writing()
    sweep_id: Column[int | None] = column(
        ForeignKey("sweep.sweep_id"), index=True, comment="Sweep it belongs to; NULL for `train`."
    )
    environment_id: Column[int] = column(
        ForeignKey("environment.environment_id"), index=True, comment="What it was trained with."
    )
    status: Column[str] = column(
        comment="How it ended: " + ", ".join(STATUSES) + "; or removed, of a run in `trash`, which "
        "has how it ended."
    )
    configuration_id: Column[int] = column(
        ForeignKey("configuration.configuration_id"),
        comment="Its configuration but for `seed`.",
    )
    config_digest: Column[str] = column(
        comment="SHA-256 of the configuration with its seed: JSON, keys sorted, no spaces."
    )
    dataset: Column[str] = column(comment="Name or path of the data set.")
    label_column: Column[str | None] = column(
        comment="Label column of a .csv file; NULL for the last, or for other sources."
    )
    task: Column[str] = column(
        server_default="classification",
        comment="What is learned: classification, regression of a numeric label column, or "
        "language, the next character of a text.",
    )
    permute: Column[int | None] = column(
        LARGE, comment="Seed of a fixed permutation of the features; NULL for none."
    )
    encode: Column[str | None] = column(
        comment="How text and blanks become numbers, such as one-hot; NULL where none are allowed."
    )
    test: Column[str | None] = column(
        comment="File of the test split; NULL where it is drawn, or comes with the data set."
    )
    input: Column[str] = column(
        server_default="standardize",
        comment="Input transform, fitted on the training split: scale, center, standardize "
        "whiten or none.",
    )
    layer: Column[str] = column(
        comment="Layer family, such as dense, cdlinear or low-rank; the views call it family."
    )
    structure: Column[str | None] = column(
        comment="The family's structure, such as rank=8 or blocks=8 inner=16: the main parameter, "
        "and others that are not at their default; NULL for families without, and for cdlinear."
    )
    B: Column[int | None] = column(comment="Block size of cdlinear; NULL for other families.")
    hidden: Column[str] = column(comment="Hidden widths as asked for, such as 64 64.")
    head: Column[str] = column(
        server_default="structured",
        comment="The last layer: structured, of the family of the others, or dense.",
    )
    normalization: Column[str] = column(
        server_default="none",
        comment="Normalisation before each linear layer: none, layer or batch.",
    )
    epochs: Column[int] = column(LARGE, comment="Epochs asked for.")
    validation: Column[float] = column(
        server_default="0", comment="Share of the training split held out, 0 to 1; 0 is none."
    )
    early_stopping: Column[int | None] = column(
        LARGE,
        comment="Epochs without a lower validation loss after which it ended; NULL: never.",
    )
    batch_size: Column[int] = column(LARGE, comment="Samples per update.")
    learning_rate: Column[float] = column(comment="Step size η.")
    learning_rate_scaling: Column[str] = column(
        server_default="raw",
        comment="raw: the step on all weights is η; weight-space: η over how far a unit step moves "
        "W, squared (B for cdlinear); mean, sharp: η over the layer's gain.",
    )
    momentum: Column[float] = column(comment="Momentum of sgd; β₁ of adam.")
    optimizer: Column[str] = column(comment="sgd or adam.")
    dropout: Column[float] = column(comment="Drop probability, 0 to 1 (Eq. 7).")
    fisher_weight: Column[float] = column(comment="λ_F of the Fisher regulariser; 0 is off.")
    fisher_form: Column[str] = column(comment="trace-inverse (Eq. 8) or log-variance.")
    fisher_epsilon: Column[float] = column(comment="ε of the Fisher regulariser.")
    dtype: Column[str] = column(comment="float64 or float32.")
    product: Column[str] = column(
        server_default="auto",
        comment="How cdlinear computes its products: auto, gather, polygon or fft.",
    )
    architecture: Column[str] = column(
        server_default="mlp", comment="Architecture: mlp, residual-mlp, conv or attention."
    )
    activation: Column[str] = column(
        server_default="relu", comment="Activation between weight layers: relu, gelu or tanh."
    )
    width: Column[int | None] = column(
        LARGE, comment="Width of residual-mlp and attention; NULL for others."
    )
    depth: Column[int | None] = column(
        LARGE, comment="Blocks of residual-mlp and attention; NULL for others."
    )
    channels: Column[str | None] = column(
        comment="Channels of the convolutions, such as 16 32; NULL but for conv."
    )
    kernel: Column[int | None] = column(
        LARGE, comment="Height and width of its kernels, pixels; NULL but for conv."
    )
    stride: Column[int | None] = column(
        LARGE, comment="Step of its kernels, pixels; NULL but for conv."
    )
    padding: Column[str | None] = column(
        comment="Edge of its images: same or valid; NULL but for conv."
    )
    pooling: Column[str | None] = column(
        comment="After each convolution: max, average or none; NULL but for conv."
    )
    readout: Column[str | None] = column(
        comment="What its last layer reads: average or flatten; NULL but for conv."
    )
    heads: Column[int | None] = column(LARGE, comment="Heads of attention; NULL for others.")
    head_width: Column[int | None] = column(
        LARGE, comment="Width of each head; NULL for the width / the number of heads."
    )
    patch: Column[int | None] = column(
        LARGE, comment="Height and width of the patches that are tokens, pixels; NULL for rows."
    )
    context: Column[int | None] = column(
        LARGE, comment="Characters of a sample of a text; NULL for other data."
    )
    weight_decay: Column[float | None] = column(
        comment="Weight decay of adamw; NULL for other optimisers."
    )
    schedule: Column[str] = column(
        server_default="constant", comment="Learning rate over the steps: constant or cosine."
    )
    warmup: Column[float] = column(
        server_default="0", comment="Share of all steps over which the learning rate grows, 0 to 1."
    )
    clip: Column[float | None] = column(comment="Largest norm of the gradient; NULL for any.")
    label_smoothing: Column[float] = column(
        server_default="0",
        comment="Share of each target spread over the classes in training, 0 to 1.",
    )
    seed: Column[int] = column(LARGE, comment="Seed of split, weights and order of samples.")
    widths: Column[str | None] = column(
        comment="Widths as built, such as 64→64→64→12; NULL if it ended before."
    )
    n_parameters: Column[int | None] = column(LARGE, comment="Weights and biases, as a count.")
    product_used: Column[str | None] = column(
        comment="The product that the run was computed with; NULL for dense, or if it ended before."
    )
    diagnostics_id: Column[int | None] = column(
        ForeignKey("diagnostics.diagnostics_id"),
        comment="What was measured beside the epochs; NULL for runs of schema 0001.",
    )
    started_at: Column[datetime] = column(comment="Start, UTC.")
    duration_s: Column[float] = column(comment="Wall time with data and spectra, seconds.")
    cpu_s: Column[float] = column(comment="CPU time of the same, seconds.")
    peak_memory_bytes: Column[int | None] = column(
        LARGE, comment="Peak resident memory of the process so far, bytes; NULL where unknown."
    )
    error: Column[str | None] = column(
        comment="Why it did not complete; a traceback for a bug; NULL if completed."
    )
    diverged_epoch: Column[int | None] = column(
        comment="Epoch, from 1, whose loss was not finite; NULL unless diverged."
    )
    diverged_step: Column[int | None] = column(
        comment="Update within that epoch, from 1; NULL unless diverged."
    )
