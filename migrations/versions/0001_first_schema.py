"""The first schema: environments, sweeps, runs, epochs, condition numbers and spectra.

Revision: 0001, the first.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    # PostgreSQL, which joined with 0004, folds what is not quoted to lower case.
    B = '"B"' if op.get_context().dialect.name == "postgresql" else "B"
    op.create_table(
        "environment",
        sa.Column("environment_id", sa.Integer(), nullable=False, comment="Key."),
        sa.Column("digest", sa.String(), nullable=False, comment="SHA-256 of all other columns."),
        sa.Column("python_version", sa.String(), nullable=False, comment="Version of Python."),
        sa.Column("numpy_version", sa.String(), nullable=False, comment="Version of NumPy."),
        sa.Column("scipy_version", sa.String(), nullable=False, comment="Version of SciPy."),
        sa.Column(
            "scikit_learn_version", sa.String(), nullable=False, comment="Version of scikit-learn."
        ),
        sa.Column("cdbench_version", sa.String(), nullable=False, comment="Version of cdbench."),
        sa.Column(
            "blas", sa.String(), nullable=False, comment="BLAS library, its version and kernel."
        ),
        sa.Column(
            "blas_threads", sa.Integer(), nullable=False, comment="BLAS threads while training."
        ),
        sa.Column("cpu", sa.String(), nullable=False, comment="Model name of the processor."),
        sa.Column("n_cores", sa.Integer(), nullable=False, comment="Logical cores of the machine."),
        sa.Column(
            "operating_system", sa.String(), nullable=False, comment="Name, release, architecture."
        ),
        sa.Column(
            "git_commit",
            sa.String(),
            nullable=True,
            comment="Commit of cdbench's own source; NULL when installed from a wheel.",
        ),
        sa.Column(
            "git_dirty",
            sa.Boolean(),
            nullable=True,
            comment="1 if that source had uncommitted changes; NULL as above.",
        ),
        sa.PrimaryKeyConstraint("environment_id", name=op.f("pk_environment")),
        sa.UniqueConstraint("digest", name=op.f("uq_environment_digest")),
    )
    op.create_table(
        "sweep",
        sa.Column("sweep_id", sa.Integer(), nullable=False, comment="Key."),
        sa.Column(
            "command_line", sa.String(), nullable=False, comment="The command as it was typed."
        ),
        sa.Column("started_at", sa.DateTime(), nullable=False, comment="Start, UTC."),
        sa.Column(
            "ended_at",
            sa.DateTime(),
            nullable=True,
            comment="End, UTC; NULL while running or if killed.",
        ),
        sa.PrimaryKeyConstraint("sweep_id", name=op.f("pk_sweep")),
    )
    op.create_table(
        "run",
        sa.Column(
            "run_id", sa.Integer(), nullable=False, comment="Key; a later run has a larger one."
        ),
        sa.Column(
            "uuid", sa.String(), nullable=False, comment="Identity of the run in any database."
        ),
        sa.Column(
            "sweep_id",
            sa.Integer(),
            nullable=True,
            comment="Sweep it belongs to; NULL for `train`.",
        ),
        sa.Column(
            "environment_id", sa.Integer(), nullable=False, comment="What it was trained with."
        ),
        sa.Column(
            "status",
            sa.String(),
            nullable=False,
            comment="How it ended: completed, diverged, interrupted, failed.",
        ),
        sa.Column(
            "config_json",
            sa.String(),
            nullable=False,
            comment="The whole configuration: JSON, keys sorted, no spaces.",
        ),
        sa.Column("config_digest", sa.String(), nullable=False, comment="SHA-256 of config_json."),
        sa.Column(
            "group_digest",
            sa.String(),
            nullable=False,
            comment="SHA-256 of the configuration without its seed: equal for repetitions.",
        ),
        sa.Column("dataset", sa.String(), nullable=False, comment="Name or path of the data set."),
        sa.Column(
            "label_column",
            sa.String(),
            nullable=True,
            comment="Label column of a .csv file; NULL for the last, or for other sources.",
        ),
        sa.Column(
            "dataset_fingerprint",
            sa.String(),
            nullable=True,
            comment="SHA-256 of the data's arrays; NULL if they could not be read.",
        ),
        sa.Column("layer", sa.String(), nullable=False, comment="Layer family: dense or cdlinear."),
        sa.Column("B", sa.Integer(), nullable=True, comment="Block size; NULL for dense."),
        sa.Column(
            "hidden",
            sa.String(),
            nullable=False,
            comment="Hidden widths as asked for, such as 64 64.",
        ),
        sa.Column("epochs", sa.Integer(), nullable=False, comment="Epochs asked for."),
        sa.Column("batch_size", sa.Integer(), nullable=False, comment="Samples an update."),
        sa.Column("learning_rate", sa.Double(), nullable=False, comment="Step size η."),
        sa.Column("momentum", sa.Double(), nullable=False, comment="Momentum of sgd; β₁ of adam."),
        sa.Column("optimizer", sa.String(), nullable=False, comment="sgd or adam."),
        sa.Column(
            "dropout", sa.Double(), nullable=False, comment="Drop probability, 0 to 1 (Eq. 7)."
        ),
        sa.Column(
            "fisher_weight",
            sa.Double(),
            nullable=False,
            comment="λ_F of the Fisher regulariser; 0 is off.",
        ),
        sa.Column(
            "fisher_form",
            sa.String(),
            nullable=False,
            comment="trace-inverse (Eq. 8) or log-variance.",
        ),
        sa.Column(
            "fisher_epsilon", sa.Double(), nullable=False, comment="ε of the Fisher regulariser."
        ),
        sa.Column("dtype", sa.String(), nullable=False, comment="float64 or float32."),
        sa.Column(
            "seed",
            sa.Integer(),
            nullable=False,
            comment="Seed of split, weights and order of samples.",
        ),
        sa.Column(
            "widths",
            sa.String(),
            nullable=True,
            comment="Widths as built, such as 64→64→64→12; NULL if it ended before.",
        ),
        sa.Column(
            "n_parameters", sa.Integer(), nullable=True, comment="Weights and biases, as a count."
        ),
        sa.Column("started_at", sa.DateTime(), nullable=False, comment="Start, UTC."),
        sa.Column(
            "duration_s",
            sa.Double(),
            nullable=False,
            comment="Wall time with data and spectra, seconds.",
        ),
        sa.Column("cpu_s", sa.Double(), nullable=False, comment="CPU time of the same, seconds."),
        sa.Column(
            "peak_memory_bytes",
            sa.Integer(),
            nullable=True,
            comment="Peak resident memory of the process so far, bytes; NULL where unknown.",
        ),
        sa.Column(
            "error",
            sa.String(),
            nullable=True,
            comment="Why it did not complete; a traceback for a bug; NULL if completed.",
        ),
        sa.Column(
            "diverged_epoch",
            sa.Integer(),
            nullable=True,
            comment="Epoch, from 1, whose loss was not finite; NULL unless diverged.",
        ),
        sa.Column(
            "diverged_step",
            sa.Integer(),
            nullable=True,
            comment="Update within that epoch, from 1; NULL unless diverged.",
        ),
        sa.CheckConstraint(f"(layer = 'dense') = ({B} IS NULL)", name=op.f("ck_run_block_size")),
        sa.CheckConstraint(
            "(status = 'diverged') = (diverged_epoch IS NOT NULL)", name=op.f("ck_run_diverged")
        ),
        sa.CheckConstraint(
            "status IN ('completed', 'diverged', 'interrupted', 'failed')",
            name=op.f("ck_run_status"),
        ),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environment.environment_id"], name=op.f("fk_run_environment_id")
        ),
        sa.ForeignKeyConstraint(["sweep_id"], ["sweep.sweep_id"], name=op.f("fk_run_sweep_id")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_run")),
        sa.UniqueConstraint("uuid", name=op.f("uq_run_uuid")),
    )
    op.create_index(
        op.f("ix_run_config_digest_status"), "run", ["config_digest", "status"], unique=False
    )
    op.create_index(op.f("ix_run_environment_id"), "run", ["environment_id"], unique=False)
    op.create_index(op.f("ix_run_group_digest"), "run", ["group_digest"], unique=False)
    op.create_index(op.f("ix_run_sweep_id"), "run", ["sweep_id"], unique=False)
    op.create_table(
        "condition_number",
        sa.Column("run_id", sa.Integer(), nullable=False, comment="The run."),
        sa.Column(
            "layer", sa.Integer(), nullable=False, comment="Weight layer, from 1 at the input."
        ),
        sa.Column(
            "kind",
            sa.String(),
            nullable=False,
            comment="published, block_power, weight or theorem1.",
        ),
        sa.Column(
            "epoch", sa.Integer(), nullable=False, comment="Epochs trained when it was measured."
        ),
        sa.Column("largest", sa.Double(), nullable=False, comment="Largest number that counts."),
        sa.Column("smallest", sa.Double(), nullable=False, comment="Smallest number that counts."),
        sa.Column(
            "kappa",
            sa.Double(),
            nullable=False,
            comment="largest / smallest; Inf where the smallest is at or below the threshold.",
        ),
        sa.Column(
            "kappa_nonnull",
            sa.Double(),
            nullable=False,
            comment="The same over the numbers above the threshold only.",
        ),
        sa.Column(
            "rank",
            sa.Integer(),
            nullable=False,
            comment="How many numbers are above the threshold.",
        ),
        sa.Column("size", sa.Integer(), nullable=False, comment="How many numbers there are."),
        sa.Column(
            "threshold", sa.Double(), nullable=False, comment="Level at or below which one is zero."
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.run_id"], name=op.f("fk_condition_number_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "run_id", "layer", "kind", "epoch", name=op.f("pk_condition_number")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "epoch",
        sa.Column("run_id", sa.Integer(), nullable=False, comment="The run."),
        sa.Column("epoch", sa.Integer(), nullable=False, comment="From 1."),
        sa.Column(
            "training_loss",
            sa.Double(),
            nullable=False,
            comment="Mean of the epoch's batch cross-entropies as seen in it, nats, no regulariser.",
        ),
        sa.Column(
            "test_loss",
            sa.Double(),
            nullable=False,
            comment="Cross-entropy on the test split, nats.",
        ),
        sa.Column(
            "test_accuracy", sa.Double(), nullable=False, comment="Share of the test split, 0 to 1."
        ),
        sa.Column(
            "duration_s", sa.Double(), nullable=False, comment="Wall time of its updates, seconds."
        ),
        sa.CheckConstraint("test_accuracy BETWEEN 0 AND 1", name=op.f("ck_epoch_test_accuracy")),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.run_id"], name=op.f("fk_epoch_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "epoch", name=op.f("pk_epoch")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "spectrum",
        sa.Column("spectrum_id", sa.Integer(), nullable=False, comment="Key."),
        sa.Column("run_id", sa.Integer(), nullable=False, comment="The run."),
        sa.Column(
            "layer", sa.Integer(), nullable=False, comment="Weight layer, from 1 at the input."
        ),
        sa.Column(
            "kind",
            sa.String(),
            nullable=False,
            comment="published, block_power, weight or theorem1.",
        ),
        sa.Column(
            "epoch", sa.Integer(), nullable=False, comment="Epochs trained when it was measured."
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.run_id"], name=op.f("fk_spectrum_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("spectrum_id", name=op.f("pk_spectrum")),
        sa.UniqueConstraint(
            "run_id", "layer", "kind", "epoch", name=op.f("uq_spectrum_run_id_layer_kind_epoch")
        ),
    )
    op.create_table(
        "spectrum_value",
        sa.Column("spectrum_id", sa.Integer(), nullable=False, comment="The spectrum."),
        sa.Column("position", sa.Integer(), nullable=False, comment="From 1 at the largest."),
        sa.Column(
            "value", sa.Double(), nullable=False, comment="The number, in the kind's own unit."
        ),
        sa.ForeignKeyConstraint(
            ["spectrum_id"],
            ["spectrum.spectrum_id"],
            name=op.f("fk_spectrum_value_spectrum_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("spectrum_id", "position", name=op.f("pk_spectrum_value")),
        sqlite_with_rowid=False,
    )
