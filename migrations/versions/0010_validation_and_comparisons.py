"""Samples held out for validation, dense heads, the accuracy of each class, and comparisons.

The new knobs are in a configuration only where they are not at their default, so that no stored
digest changes.

Revision: 0010, after 0009.
"""

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
        sa.Column("early_stopping", sa.Integer().with_variant(sa.BigInteger(), "postgresql")),
    ):
        op.add_column("run", column)
    for name in ("validation_loss", "validation_accuracy"):
        op.add_column("epoch", sa.Column(name, sa.Double()))
    op.create_table(
        "class_accuracy",
        sa.Column("run_id", sa.Integer(), nullable=False),
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
        sa.PrimaryKeyConstraint("run_id", "label", name=op.f("pk_class_accuracy")),
    )
