"""Studies: comparisons that belong together, planned as one and begun part by part.

Revision: 0014, after 0013.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    large = sa.Integer().with_variant(sa.BigInteger(), "postgresql")
    op.create_table(
        "study",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("sequence", large, server_default="0", nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("plan_json", sa.String(), nullable=False),
        sa.Column("plan_digest", sa.String(), nullable=False),
        sa.Column("command_line", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("study_id", name=op.f("pk_study")),
        sa.UniqueConstraint("plan_digest", name=op.f("uq_study_plan_digest")),
    )
    op.create_index(op.f("ix_study_sequence"), "study", ["sequence"])
    op.create_table(
        "study_part",
        sa.Column("study_part_id", sa.Integer(), nullable=False),
        sa.Column("study_digest", sa.String(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("comparison_digest", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_digest"],
            ["study.plan_digest"],
            name=op.f("fk_study_part_study_digest"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("study_part_id", name=op.f("pk_study_part")),
        sa.UniqueConstraint("study_digest", "part", name=op.f("uq_study_part_study_digest_part")),
    )
    op.create_index(op.f("ix_study_part_comparison_digest"), "study_part", ["comparison_digest"])
