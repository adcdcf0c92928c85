"""Trained networks that were kept, a row of their run's.

Revision: 0015, after 0014.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    large = sa.Integer().with_variant(sa.BigInteger(), "postgresql")
    op.create_table(
        "kept_weights",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("dtype", sa.String(), nullable=False),
        sa.Column("n_parameters", large, nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("n_bytes", large, nullable=False),
        sa.Column("parameters", sa.LargeBinary(), nullable=False),
        sa.Column("arrays", sa.LargeBinary(), nullable=False),
        sa.Column("parts_json", sa.String(), nullable=False),
        sa.CheckConstraint("dtype IN ('float64', 'float32')", name=op.f("ck_kept_weights_dtype")),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.run_id"], name=op.f("fk_kept_weights_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_kept_weights")),
    )
