"""Environments record the vector instructions that NumPy used.

With the kernels of the BLAS they settle the last bits of a run; ``cdbench reproduce`` uses the same
ones where the machine has them.

Revision: 0018, after 0017.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("environment", sa.Column("simd", sa.String()))
