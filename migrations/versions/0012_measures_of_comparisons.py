"""Comparisons say what their models are ranked by: test accuracy, R² or bits per character.

The mean of it is now a line's `score`; all that were stored are of accuracy. The view
`comparison_accuracies` has completed runs only.

Revision: 0012, after 0011.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    measure = sa.Column("measure", sa.String(), nullable=False, server_default="accuracy")
    op.add_column("comparison", measure)
    op.alter_column("comparison_line", "accuracy", new_column_name="score")
