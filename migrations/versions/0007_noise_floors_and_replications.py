"""Conditions above noise floors, and judgements that say of which population they are.

A run may keep κ above noise floors (`noise_floor`) and an effective rank. A measurement names its
estimand and has a second interval, for new data of the kind. A judgement knows the version of its
rule, its p-value and whether it is of the first block of seeds or of a replication; those that are
stored are of the first version and the first block. Views change.

Revision: 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("condition_number", sa.Column("effective_rank", sa.Double(), nullable=True))
    op.create_table(
        "noise_floor",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("layer", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("level", sa.Double(), nullable=False),
        sa.Column("damped_kappa", sa.Double(), nullable=False),
        sa.Column("cut_kappa", sa.Double(), nullable=False),
        sa.Column("n_left", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.run_id"], name="fk_noise_floor_run_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "layer", "kind", "epoch", "level", name="pk_noise_floor"),
    )
    op.add_column("measurement", sa.Column("estimand", sa.String(), nullable=True))
    op.add_column("measurement", sa.Column("wide_low", sa.Double(), nullable=True))
    op.add_column("measurement", sa.Column("wide_high", sa.Double(), nullable=True))
    op.add_column(
        "claim_result",
        sa.Column("rule_version", sa.Integer(), nullable=False, server_default="1"),
    )
    op.add_column(
        "claim_result", sa.Column("block", sa.String(), nullable=False, server_default="first")
    )
    op.add_column("claim_result", sa.Column("p_value", sa.Double(), nullable=True))
