"""Of several runs of one configuration the newest is the one that began last.

Until now it was the one with the largest key, which no longer holds where two databases have become
one. Views change with it. One index answers which run is the newest without reading the runs; another
finds the runs of a data set and seed, as the view table1 asks for them.

PostgreSQL joins here: its integers are of 32 bits unless they are told otherwise.

Revision: 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index(op.f("ix_run_config_digest_status"), "run")
    op.create_index(
        op.f("ix_run_config_digest_status_started_at_run_id"),
        "run",
        ["config_digest", "status", "started_at", "run_id"],
    )
    op.create_index(op.f("ix_run_dataset_seed"), "run", ["dataset", "seed"])
    if op.get_context().dialect.name == "postgresql":
        for name in ("seed", "epochs", "batch_size", "n_parameters", "peak_memory_bytes"):
            op.alter_column("run", name, type_=sa.BigInteger())
