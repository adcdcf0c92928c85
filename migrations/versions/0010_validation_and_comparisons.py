"""Validation, regression, dense heads, classes' accuracies, gains of layers, comparisons.

The new knobs are in a configuration only where they are not at their default, so that no stored
digest changes. A regression has no accuracy, but R².

Revision: 0010, after 0009.
"""

import re

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("head", sa.String(), nullable=False, server_default="structured"),
        sa.Column("validation", sa.Double(), nullable=False, server_default="0"),
        sa.Column("task", sa.String(), nullable=False, server_default="classification"),
        sa.Column("early_stopping", sa.Integer().with_variant(sa.BigInteger(), "postgresql")),
        sa.Column("permute", sa.Integer().with_variant(sa.BigInteger(), "postgresql")),
        sa.Column("encode", sa.String()),
        sa.Column("test", sa.String()),
    ):
        op.add_column("run", column)
    for name in ("validation_loss", "validation_accuracy", "test_r2"):
        op.add_column("epoch", sa.Column(name, sa.Double()))
    if op.get_context().dialect.name == "sqlite":
        _make_epoch_again()
    else:
        op.alter_column("epoch", "test_accuracy", existing_type=sa.Double(), nullable=True)
    op.create_table(
        "class_accuracy",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column(
            "n_samples",
            sa.Integer().with_variant(sa.BigInteger(), "postgresql"),
            nullable=False,
        ),
        sa.Column("accuracy", sa.Double(), nullable=False),
        sa.CheckConstraint("accuracy BETWEEN 0 AND 1", name=op.f("ck_class_accuracy_accuracy")),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["run.run_id"],
            name=op.f("fk_class_accuracy_run_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("run_id", "position", name=op.f("pk_class_accuracy")),
    )
    op.create_table(
        "layer_gain",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("layer", sa.Integer(), nullable=False),
        sa.Column("gain", sa.Double(), nullable=False),
        sa.CheckConstraint("gain > 0", name=op.f("ck_layer_gain_gain")),
        _belongs_to("layer_gain", "run"),
        sa.PrimaryKeyConstraint("run_id", "layer", name=op.f("pk_layer_gain")),
    )
    _comparisons()


def _make_epoch_again() -> None:
    """Make the table anew with its own clauses, but the accuracy may be NULL, and the same rows."""
    connection = op.get_bind()
    (made,) = connection.exec_driver_sql(
        "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'epoch'"
    ).one()
    clauses = re.sub(r'(\btest_accuracy"? DOUBLE) NOT NULL', r"\1", made[made.index("(") :])
    plain = {"no_parameters": True}  # a % in a clause is a %
    connection.exec_driver_sql(f"CREATE TABLE epoch_again {clauses}", execution_options=plain)
    connection.exec_driver_sql("INSERT INTO epoch_again SELECT * FROM epoch")
    op.drop_table("epoch")
    op.rename_table("epoch_again", "epoch")


def _comparisons() -> None:
    large = sa.Integer().with_variant(sa.BigInteger(), "postgresql")
    op.create_table(
        "comparison",
        sa.Column("comparison_id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(), nullable=False),
        sa.Column("sequence", large, nullable=False, server_default="0"),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("plan_json", sa.String(), nullable=False),
        sa.Column("plan_digest", sa.String(), nullable=False),
        sa.Column("command_line", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime()),
        sa.PrimaryKeyConstraint("comparison_id", name=op.f("pk_comparison")),
        sa.UniqueConstraint("uuid", name=op.f("uq_comparison_uuid")),
        sa.UniqueConstraint("plan_digest", name=op.f("uq_comparison_plan_digest")),
    )
    op.create_index(op.f("ix_comparison_sequence"), "comparison", ["sequence"])
    op.create_table(
        "comparison_run",
        sa.Column("comparison_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.CheckConstraint("stage IN ('tuning', 'reported')", name=op.f("ck_comparison_run_stage")),
        _belongs_to("comparison_run", "comparison"),
        _belongs_to("comparison_run", "run"),
        sa.PrimaryKeyConstraint("comparison_id", "run_id", name=op.f("pk_comparison_run")),
    )
    op.create_table(
        "comparison_line",
        sa.Column("comparison_line_id", sa.Integer(), nullable=False),
        sa.Column("comparison_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("budget", sa.Double(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("role", "model", "layer")),
        sa.Column("structure", sa.String()),
        sa.Column("B", sa.Integer()),
        sa.Column("hidden", sa.String(), nullable=False),
        sa.Column("n_parameters", large, nullable=False),
        sa.Column("multiply_adds", large, nullable=False),
        *(sa.Column(name, sa.Double()) for name in ("learning_rate", "usable_low", "usable_high")),
        sa.Column("is_at_edge", sa.Boolean(), nullable=False),
        sa.Column("n_trials", sa.Integer(), nullable=False),
        sa.Column("n_seeds", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Double()) for name in ("accuracy", "low", "high")),
        *(sa.Column(name, sa.Double()) for name in ("wide_low", "wide_high")),
        *(sa.Column(name, sa.Double()) for name in ("weight_kappa", "hessian_kappa")),
        *(sa.Column(name, sa.Double()) for name in ("seconds_per_epoch", "prediction_us")),
        _belongs_to("comparison_line", "comparison"),
        sa.PrimaryKeyConstraint("comparison_line_id", name=op.f("pk_comparison_line")),
        sa.UniqueConstraint(
            "comparison_id", "position", name=op.f("uq_comparison_line_comparison_id_position")
        ),
    )
    op.create_table(
        "comparison_difference",
        sa.Column("comparison_line_id", sa.Integer(), nullable=False),
        sa.Column("against", sa.String(), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=False) for name in ("difference", "low", "high")),
        *(sa.Column(name, sa.Double()) for name in ("wide_low", "wide_high")),
        sa.Column("p_holm", sa.Double(), nullable=False),
        sa.Column("wide_p_holm", sa.Double()),
        sa.Column("improvement", sa.Double(), nullable=False),
        sa.CheckConstraint(
            "improvement BETWEEN 0 AND 1", name=op.f("ck_comparison_difference_improvement")
        ),
        _belongs_to("comparison_difference", "comparison_line"),
        sa.PrimaryKeyConstraint(
            "comparison_line_id", "against", name=op.f("pk_comparison_difference")
        ),
    )


def _belongs_to(table: str, parent: str) -> sa.ForeignKeyConstraint:
    key = f"{parent}_id"
    return sa.ForeignKeyConstraint(
        [key], [f"{parent}.{key}"], name=op.f(f"fk_{table}_{key}"), ondelete="CASCADE"
    )
