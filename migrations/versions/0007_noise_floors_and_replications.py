"""Conditions above noise floors, and judgements that say of which population they are.

A run may keep κ above noise floors (`noise_floor`) and an effective rank. A measurement names its
estimand and has a second interval, for new data of the kind. A judgement knows the version of its
rule, its p-value and whether it is of the first block of seeds or of a replication; those that are
stored are of the first version and the first block. What was observed, and of which model, is written
once for each series of numbers, not with each number. Views change.

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
    _name_series()


def _name_series() -> None:
    """Move quantity and subject from the observations to a table of series."""
    op.create_table(
        "series",
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("claim_result_id", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["claim_result_id"],
            ["claim_result.claim_result_id"],
            name="fk_series_claim_result_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("series_id", name="pk_series"),
        sa.UniqueConstraint(
            "claim_result_id",
            "quantity",
            "subject",
            name="uq_series_claim_result_id_quantity_subject",
        ),
    )
    op.execute(
        "INSERT INTO series (claim_result_id, quantity, subject) SELECT DISTINCT claim_result_id, "
        "quantity, subject FROM observation ORDER BY claim_result_id, quantity, subject"
    )
    op.execute(
        "CREATE TABLE moved AS SELECT series_id, place, value, run_id FROM observation "
        "JOIN series USING (claim_result_id, quantity, subject)"
    )
    op.drop_table("observation")
    op.create_table(
        "observation",
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Double(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["series_id"],
            ["series.series_id"],
            name="fk_observation_series_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.run_id"], name="fk_observation_run_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("series_id", "place", name="pk_observation"),
    )
    op.create_index("ix_observation_run_id", "observation", ["run_id"])
    op.execute(
        "INSERT INTO observation (series_id, place, value, run_id) SELECT series_id, place, value, "
        "run_id FROM moved ORDER BY series_id, place"
    )
    op.drop_table("moved")
