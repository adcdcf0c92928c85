"""The tables. Every column's comment, with its unit, is the source of docs/schema.md."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, MetaData, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from cdbench.run import STATUSES

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Base of all tables; every constraint has a name, so that migrations can find it."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


def _key(comment: str) -> Mapped[int]:
    return mapped_column(primary_key=True, comment=comment)


class Environment(Base):
    """Software and machine that runs were trained with; one row per distinct environment."""

    __tablename__ = "environment"

    environment_id: Mapped[int] = _key("Key.")
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

    sweep_id: Mapped[int] = _key("Key.")
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
        CheckConstraint("(layer = 'dense') = (B IS NULL)", name="block_size"),
        CheckConstraint("(status = 'diverged') = (diverged_epoch IS NOT NULL)", name="diverged"),
        Index(None, "config_digest", "status"),
        Index(None, "group_digest"),
    )

    run_id: Mapped[int] = _key("Key; a later run has a larger one.")
    uuid: Mapped[str] = mapped_column(unique=True, comment="Identity of the run in any database.")
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
    dataset: Mapped[str] = mapped_column(comment="Name or path of the data set.")
    label_column: Mapped[str | None] = mapped_column(
        comment="Label column of a .csv file; NULL for the last, or for other sources."
    )
    dataset_fingerprint: Mapped[str | None] = mapped_column(
        comment="SHA-256 of the data's arrays; NULL if they could not be read."
    )
    layer: Mapped[str] = mapped_column(comment="Layer family: dense or cdlinear.")
    B: Mapped[int | None] = mapped_column("B", comment="Block size; NULL for dense.")
    hidden: Mapped[str] = mapped_column(comment="Hidden widths as asked for, such as 64 64.")
    epochs: Mapped[int] = mapped_column(comment="Epochs asked for.")
    batch_size: Mapped[int] = mapped_column(comment="Samples an update.")
    learning_rate: Mapped[float] = mapped_column(comment="Step size η.")
    momentum: Mapped[float] = mapped_column(comment="Momentum of sgd; β₁ of adam.")
    optimizer: Mapped[str] = mapped_column(comment="sgd or adam.")
    dropout: Mapped[float] = mapped_column(comment="Drop probability, 0 to 1 (Eq. 7).")
    fisher_weight: Mapped[float] = mapped_column(comment="λ_F of the Fisher regulariser; 0 is off.")
    fisher_form: Mapped[str] = mapped_column(comment="trace-inverse (Eq. 8) or log-variance.")
    fisher_epsilon: Mapped[float] = mapped_column(comment="ε of the Fisher regulariser.")
    dtype: Mapped[str] = mapped_column(comment="float64 or float32.")
    seed: Mapped[int] = mapped_column(comment="Seed of split, weights and order of samples.")
    widths: Mapped[str | None] = mapped_column(
        comment="Widths as built, such as 64→64→64→12; NULL if it ended before."
    )
    n_parameters: Mapped[int | None] = mapped_column(comment="Weights and biases, as a count.")
    started_at: Mapped[datetime] = mapped_column(comment="Start, UTC.")
    duration_s: Mapped[float] = mapped_column(comment="Wall time with data and spectra, seconds.")
    cpu_s: Mapped[float] = mapped_column(comment="CPU time of the same, seconds.")
    peak_memory_bytes: Mapped[int | None] = mapped_column(
        comment="Peak resident memory of the process so far, bytes; NULL where unknown."
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


def _of_run() -> ForeignKey:
    return ForeignKey("run.run_id", ondelete="CASCADE")


class Epoch(Base):
    """What one epoch of a run gave."""

    __tablename__ = "epoch"
    __table_args__ = (
        CheckConstraint("test_accuracy BETWEEN 0 AND 1", name="test_accuracy"),
        {"sqlite_with_rowid": False},
    )

    run_id: Mapped[int] = mapped_column(_of_run(), primary_key=True, comment="The run.")
    epoch: Mapped[int] = _key("From 1.")
    training_loss: Mapped[float] = mapped_column(
        comment="Mean of the epoch's batch cross-entropies as seen in it, nats, no regulariser."
    )
    test_loss: Mapped[float] = mapped_column(comment="Cross-entropy on the test split, nats.")
    test_accuracy: Mapped[float] = mapped_column(comment="Share of the test split, 0 to 1.")
    duration_s: Mapped[float] = mapped_column(comment="Wall time of its updates, seconds.")


class ConditionNumber(Base):
    """How well conditioned one weight layer is, by kind (see `docs/conditions.md`)."""

    __tablename__ = "condition_number"
    __table_args__ = ({"sqlite_with_rowid": False},)

    run_id: Mapped[int] = mapped_column(_of_run(), primary_key=True, comment="The run.")
    layer: Mapped[int] = _key("Weight layer, from 1 at the input.")
    kind: Mapped[str] = mapped_column(
        primary_key=True, comment="published, block_power, weight or theorem1."
    )
    epoch: Mapped[int] = _key("Epochs trained when it was measured.")
    largest: Mapped[float] = mapped_column(comment="Largest number that counts.")
    smallest: Mapped[float] = mapped_column(comment="Smallest number that counts.")
    kappa: Mapped[float] = mapped_column(
        comment="largest / smallest; Inf where the smallest is at or below the threshold."
    )
    kappa_nonnull: Mapped[float] = mapped_column(
        comment="The same over the numbers above the threshold only."
    )
    rank: Mapped[int] = mapped_column(comment="How many numbers are above the threshold.")
    size: Mapped[int] = mapped_column(comment="How many numbers there are.")
    threshold: Mapped[float] = mapped_column(comment="Level at or below which one is zero.")


class Spectrum(Base):
    """A set of spectral numbers of one weight layer; the numbers are in `spectrum_value`."""

    __tablename__ = "spectrum"
    __table_args__ = (UniqueConstraint("run_id", "layer", "kind", "epoch"),)

    spectrum_id: Mapped[int] = _key("Key.")
    run_id: Mapped[int] = mapped_column(_of_run(), comment="The run.")
    layer: Mapped[int] = mapped_column(comment="Weight layer, from 1 at the input.")
    kind: Mapped[str] = mapped_column(comment="published, block_power, weight or theorem1.")
    epoch: Mapped[int] = mapped_column(comment="Epochs trained when it was measured.")


class SpectrumValue(Base):
    """One number of a spectrum."""

    __tablename__ = "spectrum_value"
    __table_args__ = ({"sqlite_with_rowid": False},)

    spectrum_id: Mapped[int] = mapped_column(
        ForeignKey("spectrum.spectrum_id", ondelete="CASCADE"),
        primary_key=True,
        comment="The spectrum.",
    )
    position: Mapped[int] = _key("From 1 at the largest.")
    value: Mapped[float] = mapped_column(comment="The number, in the kind's own unit.")
