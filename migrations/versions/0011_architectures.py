"""Architectures and their knobs, schedules and the optimisers' further knobs.

The new knobs are in a configuration only where they are not at their default, so that no stored
digest changes.

Revision: 0011, after 0010.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    large = sa.Integer().with_variant(sa.BigInteger(), "postgresql")
    for name, default in (
        ("architecture", "mlp"),
        ("activation", "relu"),
        ("schedule", "constant"),
    ):
        op.add_column("run", sa.Column(name, sa.String(), nullable=False, server_default=default))
    for name in ("warmup", "label_smoothing"):
        op.add_column("run", sa.Column(name, sa.Double(), nullable=False, server_default="0"))
    for name in ("weight_decay", "clip"):
        op.add_column("run", sa.Column(name, sa.Double()))
    for name in ("channels", "padding", "pooling", "readout"):
        op.add_column("run", sa.Column(name, sa.String()))
    for name in (
        *("width", "depth", "kernel", "stride", "heads", "head_width", "patch", "context"),
    ):
        op.add_column("run", sa.Column(name, large))
