"""The product that a run is computed with, and benchmarks of the products.

Stored runs get the knob with its default, in their configurations' digests too, and the product
that they were computed with: until now there was one.

Revision: 0003, after 0002.
"""

import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("run", sa.Column("product", sa.String(), nullable=False, server_default="auto"))
    op.add_column("run", sa.Column("product_used", sa.String(), nullable=True))
    op.execute(
        "UPDATE run SET product_used = 'gather' "
        "WHERE layer = 'cdlinear' AND n_parameters IS NOT NULL"
    )
    _rewrite_configurations()
    _create_benchmarks()


def _rewrite_configurations() -> None:
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT run_id, config_json FROM run")).all()
    for run_id, config_json in rows:
        values = json.loads(config_json) | {"product": "auto"}
        group = {name: value for name, value in values.items() if name != "seed"}
        connection.execute(
            sa.text(
                "UPDATE run SET config_json = :config_json, config_digest = :config_digest, "
                "group_digest = :group_digest WHERE run_id = :run_id"
            ),
            {
                "run_id": run_id,
                "config_json": _canonical(values),
                "config_digest": _sha256(_canonical(values)),
                "group_digest": _sha256(_canonical(group)),
            },
        )


def _canonical(values: dict[str, object]) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _create_benchmarks() -> None:
    op.create_table(
        "benchmark",
        sa.Column("benchmark_id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(), nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("duration_s", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment_id"],
            ["environment.environment_id"],
            name=op.f("fk_benchmark_environment_id"),
        ),
        sa.PrimaryKeyConstraint("benchmark_id", name=op.f("pk_benchmark")),
        sa.UniqueConstraint("uuid", name=op.f("uq_benchmark_uuid")),
    )
    op.create_index(op.f("ix_benchmark_environment_id"), "benchmark", ["environment_id"])
    op.create_table(
        "timing",
        sa.Column("benchmark_id", sa.Integer(), nullable=False),
        sa.Column("dtype", sa.String(), nullable=False),
        sa.Column("B", sa.Integer(), nullable=False),
        sa.Column("n_samples", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("seconds_low", sa.Double(), nullable=False),
        sa.Column("seconds_high", sa.Double(), nullable=False),
        sa.Column("speedup", sa.Double(), nullable=True),
        sa.Column("speedup_low", sa.Double(), nullable=True),
        sa.Column("speedup_high", sa.Double(), nullable=True),
        sa.Column("rounds", sa.Integer(), nullable=False),
        sa.Column("is_planned", sa.Boolean(), nullable=False),
        sa.CheckConstraint("rounds >= 1", name=op.f("ck_timing_rounds")),
        sa.ForeignKeyConstraint(
            ["benchmark_id"],
            ["benchmark.benchmark_id"],
            name=op.f("fk_timing_benchmark_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            *("benchmark_id", "dtype", "B", "n_samples", "n", "product"), name=op.f("pk_timing")
        ),
        sqlite_with_rowid=False,
    )
